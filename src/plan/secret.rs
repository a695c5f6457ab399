//! Where secrets stand in an object.

use std::collections::BTreeSet;

use loam_provider::{Path, Schema, Value};

use crate::event::{Secrets, reflected};

/// Returns where secrets stand in an object: where its block puts them, where its kind says so, and where its
/// provider gives back what it was told in secret. `known` are the secrets that those of the object may be made from.
pub(crate) fn paths(
    schema: &Schema,
    object: &Value,
    marked: impl IntoIterator<Item = Path>,
    known: &Secrets,
) -> BTreeSet<Path> {
    let mut paths: BTreeSet<Path> = marked.into_iter().collect();
    paths.extend(schema.secrets(object));
    let back = reflected(schema, object, &paths, known);
    paths.extend(back);
    paths
}
