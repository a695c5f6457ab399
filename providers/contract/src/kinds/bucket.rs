//! `bucket`: a place for objects.

use crate::{Attribute, Format, Kind, OnChange, OnDestroy, Schema, Type};

/// Returns the kind `bucket`.
#[must_use]
pub fn bucket() -> Kind {
    let schema = Schema::new([
        ("name", Attribute::required(Type::String, "The bucket's name.").on_change(OnChange::Replace)),
        ("quota", Attribute::optional(Type::String, "The most bytes it may hold.").format(Format::Size)),
        ("tags", Attribute::optional(Type::map(Type::String), "Labels of the bucket.")),
        (
            "force_destroy",
            Attribute::default(Type::Bool, false, "Whether destroying the bucket also deletes the objects in it."),
        ),
        ("url", Attribute::computed(Type::String, "Where it is: `file:///…`, `s3://name`.")),
    ]);
    Kind { name: "bucket".into(), doc: "A place for objects.".into(), schema, on_destroy: OnDestroy::Delete }
}
