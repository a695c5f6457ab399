//! `seed_volume`: the extracted form of an archive, ready to be cloned into nodes.

use super::seed_archive_reference;
use crate::{Attribute, Format, Kind, OnDestroy, Schema, Type};

const DISTRIBUTIONS: &[&str] = &["auto", "clone", "snapshot", "copy", "stream"];

/// Returns the kind `seed_volume`.
#[must_use]
pub fn seed_volume() -> Kind {
    let schema = Schema::new([
        ("archive", Attribute::required(seed_archive_reference(), "What it is extracted from.")),
        (
            "size",
            Attribute::optional_computed(
                Type::String,
                "How much room it has; by default a tenth more than the archive's files take.",
            )
            .format(Format::Size),
        ),
        (
            "distribution",
            Attribute::default(
                Type::String,
                "auto",
                "How nodes get their copy of it: `auto` (blocks are shared until one side writes where that can be, else \
                 files that databases never rewrite are shared and the others copied), `clone` (blocks are shared, or it \
                 is an error), `copy` (nothing is shared), `snapshot` or `stream` (where the provider has them).",
            )
            .format(Format::OneOf(DISTRIBUTIONS)),
        ),
        ("id", Attribute::computed(Type::String, "What tells this use of it from others, who may share it.")),
        ("name", Attribute::computed(Type::String, "`seed-` and the first 16 digits of the archive's digest.")),
        ("path", Attribute::computed(Type::String, "The absolute path of its directory, if it is one.")),
        ("digest", Attribute::computed(Type::String, "The SHA-256 of the archive it was extracted from.")),
        ("content_root", Attribute::computed(Type::String, "The digest of what it holds.")),
        (
            "bootstrapped",
            Attribute::computed(
                Type::Bool,
                "Whether its data holds what a network's `bootstrap` makes, as the manifest of its archive says under \
                 `bootstrapped`; a snapshot of a network says so by itself. Null where nobody says.",
            ),
        ),
        ("bytes", Attribute::computed(Type::Number, "The sum of the lengths of its files.")),
        ("files", Attribute::computed(Type::Number, "How many files it holds.")),
        ("ready", Attribute::computed(Type::Bool, "Whether its marker, which is written last, is there.")),
    ]);
    Kind {
        name: "seed_volume".into(),
        doc: "An archive, extracted once and ready to be cloned into nodes.".into(),
        schema,
        on_destroy: OnDestroy::Retain,
    }
}
