//! `snapshot`: a point-in-time copy of a node's data or a directory.

use super::{bucket_reference, network_reference};
use crate::{Attribute, Block, Format, Kind, Nesting, OnDestroy, Schema, Type};

const QUIESCE: &[&str] = &["stop", "hook", "none"];

/// Returns the kind `snapshot`.
#[must_use]
pub fn snapshot() -> Kind {
    let schema = Schema::new([
        ("of", Attribute::optional(network_reference(), "The network of which one node's data is copied.")),
        ("node", Attribute::optional(Type::String, "Which node of it; the last one if it is left out.")),
        ("directory", Attribute::optional(Type::String, "The directory that is copied, instead of a node's data.")),
        (
            "quiesce",
            Attribute::optional(
                Type::String,
                "How the data is brought to rest: `stop` stops the node and starts it again whatever happens (the \
                 default with `of`), `hook` leaves it to `hooks`, `none` does nothing (the default with `directory`).",
            )
            .format(Format::OneOf(QUIESCE)),
        ),
        (
            "triggers",
            Attribute::optional(Type::map(Type::String), "A new snapshot is made whenever one of these changes."),
        ),
        ("ready", Attribute::computed(Type::Bool, "Whether every archive of the newest snapshot is in its bucket.")),
        ("created_at", Attribute::computed(Type::String, "When the newest snapshot was made.")),
        (
            "archives",
            Attribute::computed(Type::list(archive_type()), "The newest snapshot's archives, one per format."),
        ),
        ("size", Attribute::computed(Type::Number, "The sum of the lengths of the files in the newest snapshot.")),
        (
            "previous",
            Attribute::computed(
                Type::list(Type::object(["url", "bucket", "key", "created_at"].map(|name| (name, Type::String)))),
                "The archives of earlier snapshots that are kept, the newest first.",
            ),
        ),
    ])
    .block("hooks", Block::new(Nesting::Optional, hooks(), "Commands that run around the copy, in the data directory."))
    .block("archive", Block::new(Nesting::Required, archive(), "Where the copy goes, and as what."))
    .block("keep", Block::new(Nesting::Optional, keep(), "Which snapshots are kept; all of them if it is left out."))
    .block("schedule", Block::new(Nesting::Optional, schedule(), "When snapshots are made without being asked for."));
    Kind {
        name: "snapshot".into(),
        doc: "A point-in-time copy of a node's data or a directory, as archives in a bucket.".into(),
        schema,
        on_destroy: OnDestroy::Retain,
    }
}

/// Fits [`super::seed_archive_reference`].
fn archive_type() -> Type {
    Type::object([
        ("url", Type::String),
        ("sha256", Type::String),
        ("bytes", Type::Number),
        ("uncompressed_bytes", Type::Number),
        ("files", Type::Number),
        ("format", Type::String),
        ("content_root", Type::String),
    ])
}

fn hooks() -> Schema {
    let command = |doc| Attribute::optional(Type::list(Type::String), doc);
    Schema::new([
        ("before", command("Runs first, while the node still runs.")),
        ("prune", command("Runs when the data is at rest, to make it smaller.")),
        ("metadata", command("Runs when the data is at rest and prints a JSON object for the manifest.")),
        ("after", command("Runs last, when the node runs again, also after a failure.")),
    ])
}

fn archive() -> Schema {
    let patterns = || Type::list(Type::String);
    Schema::new([
        ("bucket", Attribute::required(bucket_reference(), "The bucket.")),
        (
            "key",
            Attribute::optional(
                Type::String,
                "What the keys start with, before a `/`, the time and the format; by default the resource's name.",
            ),
        ),
        ("formats", Attribute::optional(patterns(), "The formats, all written from one read; by default `tar.zst`.")),
        (
            "exclude",
            Attribute::optional(
                patterns(),
                "Which entries stay out, after a node's identity files and keys, which do by default.",
            ),
        ),
        (
            "scan",
            Attribute::default(Type::Bool, true, "Whether to refuse data in which private keys or tokens are found."),
        ),
    ])
}

fn keep() -> Schema {
    Schema::new([("last", Attribute::required(Type::Number, "How many of the newest snapshots are kept."))])
}

fn schedule() -> Schema {
    Schema::new([("cron", Attribute::required(Type::String, "Minute, hour, day of month, month, day of week."))])
}
