//! The data kinds, driven as the engine drives them, on real directories.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bucket;
mod import;
mod replica;
mod seed_archive;
mod seed_volume;
mod snapshot;
mod snapshot_node;
mod sources;
mod world;
