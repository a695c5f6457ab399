//! `seed_archive`: a checksummed archive of a data directory, kept in a bucket.

use super::bucket_reference;
use crate::{Attribute, Format, Kind, OnDestroy, Schema, Type};

/// The names of the archive formats, the default one first.
pub const ARCHIVE_FORMATS: &[&str] = &["tar.zst", "tar.gz", "tar.xz", "tar.lz4", "tar.bz2", "tar"];

/// Returns the kind `seed_archive`.
#[must_use]
pub fn seed_archive() -> Kind {
    let schema = Schema::new([
        ("source", Attribute::optional(Type::String, "The directory to build the archive from.")),
        (
            "include",
            Attribute::optional(
                Type::list(Type::String),
                "Which of the source's entries go in, as patterns in gitignore's dialect; all of them if it is left out.",
            ),
        ),
        (
            "exclude",
            Attribute::optional(
                Type::list(Type::String),
                "Which entries stay out, after a node's identity files and keys, which do by default; \
                 `!pattern` takes one of those back.",
            ),
        ),
        ("url", Attribute::optional_computed(Type::String, "Where it is; written to adopt an archive that exists.")),
        (
            "sha256",
            Attribute::optional_computed(Type::String, "Its digest; written to say what an adopted one must have."),
        ),
        (
            "allow_unverified",
            Attribute::default(Type::Bool, false, "Whether an archive may be adopted without a `sha256`."),
        ),
        (
            "format",
            Attribute::default(Type::String, "tar.zst", "How it is packed.").format(Format::OneOf(ARCHIVE_FORMATS)),
        ),
        ("level", Attribute::optional(Type::Number, "The compression level; the format's default if it is left out.")),
        ("bucket", Attribute::optional(bucket_reference(), "The bucket that a built archive is kept in.")),
        (
            "key",
            Attribute::optional_computed(
                Type::String,
                "Its key in the bucket. By default the resource's name and the digest of the content, so that a new \
                 content is a new object beside the old one.",
            ),
        ),
        ("metadata", Attribute::optional(Type::map(Type::String), "Facts for the manifest: a height, a version.")),
        ("manifest_url", Attribute::computed(Type::String, "Where a built archive's manifest is.")),
        ("bytes", Attribute::computed(Type::Number, "Its length.")),
        ("uncompressed_bytes", Attribute::computed(Type::Number, "The sum of the lengths of the files in it.")),
        ("files", Attribute::computed(Type::Number, "How many files it holds.")),
        ("content_root", Attribute::computed(Type::String, "The digest of what it holds, however it is packed.")),
        (
            "previous",
            Attribute::computed(
                Type::list(Type::object(["url", "bucket", "key"].map(|name| (name, Type::String)))),
                "The archives of earlier contents, which are kept until the resource is destroyed.",
            ),
        ),
    ]);
    Kind {
        name: "seed_archive".into(),
        doc: "A checksummed archive of a data directory, built from one or adopted, and kept in a bucket.".into(),
        schema,
        on_destroy: OnDestroy::Delete,
    }
}
