//! `bucket`: a place for objects.

use crate::{Attribute, Format, Kind, OnChange, OnDestroy, Schema, Type};

/// Returns the kind `bucket`.
#[must_use]
pub fn bucket() -> Kind {
    let schema = Schema::new([
        ("name", Attribute::required(Type::String, "The bucket's name.").on_change(OnChange::Replace)),
        (
            "quota",
            Attribute::optional(
                Type::String,
                "The size at which it takes no further archive, snapshot or version; not checked for other writers.",
            )
            .format(Format::Size),
        ),
        ("tags", Attribute::optional(Type::map(Type::String), "Labels of the bucket.")),
        (
            "force_destroy",
            Attribute::default(Type::Bool, false, "Whether destroying the bucket also deletes the objects in it."),
        ),
        ("id", Attribute::computed(Type::String, "What tells it from another bucket of the same name.")),
        ("url", Attribute::computed(Type::String, "Where it is: `file:///…`, `s3://name`.")),
        ("path", Attribute::computed(Type::String, "The absolute path of its directory, if it is one.")),
    ]);
    Kind { name: "bucket".into(), doc: "A place for objects.".into(), schema, on_destroy: OnDestroy::Delete }
}
