//! `replica`: a directory kept equal to a series of versions in a bucket, or the other way round.

use super::bucket_reference;
use crate::{Attribute, Format, Kind, OnChange, OnDestroy, Schema, Type};

const MODES: &[&str] = &["push", "init", "pull"];

/// Returns the kind `replica`.
#[must_use]
pub fn replica() -> Kind {
    let schema = Schema::new([
        (
            "mode",
            Attribute::required(
                Type::String,
                "`push` publishes `source` as versions, `init` makes `target` from one, `pull` makes it and follows.",
            )
            .format(Format::OneOf(MODES))
            .on_change(OnChange::Replace),
        ),
        ("source", Attribute::optional(Type::String, "The directory that is published.")),
        ("target", Attribute::optional(Type::String, "The directory that is made.").on_change(OnChange::Replace)),
        ("bucket", Attribute::required(bucket_reference(), "The bucket of the series.")),
        ("series", Attribute::required(Type::String, "The key prefix of the series.").on_change(OnChange::Replace)),
        (
            "include",
            Attribute::optional(
                Type::list(Type::String),
                "Which entries count, as patterns in gitignore's dialect; all of them if it is left out.",
            ),
        ),
        (
            "exclude",
            Attribute::optional(
                Type::list(Type::String),
                "Which entries do not; a push leaves out a node's identity files and keys before these.",
            ),
        ),
        (
            "interval",
            Attribute::optional(Type::String, "How often a pull looks for new versions.").format(Format::Period),
        ),
        ("version", Attribute::optional_computed(Type::Number, "The version: which one to take, or which one it is.")),
        ("as_of", Attribute::optional(Type::String, "Takes the newest version of this time or before (RFC 3339).")),
        (
            "then",
            Attribute::optional(
                Type::String,
                "What an `init` does when the target is made: `pull` follows the series.",
            )
            .format(Format::OneOf(&["pull"])),
        ),
        (
            "apply",
            Attribute::default(
                Type::String,
                "jump",
                "Whether a pull goes to the newest version at once or through each.",
            )
            .format(Format::OneOf(&["jump", "each"])),
        ),
        ("url", Attribute::computed(Type::String, "Where the series is.")),
        ("behind", Attribute::computed(Type::Number, "How many versions are newer than the target's.")),
        ("status", Attribute::computed(Type::String, "`up_to_date`, `behind`, `ahead`, `diverged` or `source_reset`.")),
        ("source_id", Attribute::computed(Type::String, "What publishes the series.")),
        ("epoch", Attribute::computed(Type::Number, "How often the source started over.")),
        ("manifest_sha256", Attribute::computed(Type::String, "The digest of the version's manifest.")),
        ("content_root", Attribute::computed(Type::String, "The digest of what the directory holds.")),
    ]);
    Kind {
        name: "replica".into(),
        doc: "A directory kept equal to a series of versions in a bucket, or the other way round.".into(),
        schema,
        on_destroy: OnDestroy::Retain,
    }
}
