//! The common kinds: one schema each, whoever realises them.
//!
//! A kind that takes another (`bucket = bucket.archives`, `seed = seed_volume.mainnet`) has an attribute whose type
//! is an object with the few attributes it needs: conversion drops the rest, so what is recorded is small and
//! does not change when the other object's other attributes do.

mod bucket;
pub mod network;
mod replica;
mod run;
mod seed_archive;
mod seed_volume;
mod snapshot;

pub use bucket::bucket;
pub use network::network;
pub use replica::replica;
pub use run::{ExecProbe, HttpProbe, Ready, SIGNALS, Stop, TcpProbe, ready, stop};
pub use seed_archive::{ARCHIVE_FORMATS, seed_archive};
pub use seed_volume::seed_volume;
pub use snapshot::snapshot;

use std::sync::Arc;

use crate::{Field, Known, ObjectType, Presence, Type};

/// Returns the type of an attribute that takes a `bucket`.
#[must_use]
pub fn bucket_reference() -> Type {
    Type::object([("name", Type::String), ("url", Type::String)])
}

/// Returns the type of an attribute that takes a `seed_archive`, or one archive of a `snapshot`.
#[must_use]
pub fn seed_archive_reference() -> Type {
    Type::object([
        ("url", Type::String),
        ("sha256", Type::String),
        ("uncompressed_bytes", Type::Number),
        ("files", Type::Number),
        ("content_root", Type::String),
    ])
}

/// Returns the type of an attribute that takes a `seed_volume`.
#[must_use]
pub fn seed_volume_reference() -> Type {
    let optional = || Presence::Optional { default: None };
    let distribution = Presence::Optional { default: Some(Known::from("auto")) };
    fields([
        ("name", Type::String, Presence::Required),
        ("path", Type::String, optional()),
        ("digest", Type::String, optional()),
        ("content_root", Type::String, optional()),
        ("bootstrapped", Type::Bool, optional()),
        ("distribution", Type::String, distribution),
    ])
}

/// Returns the type of an attribute that takes a `network`, for those who read its nodes' data and may stop them.
#[must_use]
pub fn network_reference() -> Type {
    let optional = Presence::Optional { default: None };
    let node = fields([("data_dir", Type::String, Presence::Required), ("index", Type::Number, optional)]);
    let optional = || Presence::Optional { default: None };
    fields([
        ("name", Type::String, Presence::Required),
        ("nodes", Type::map(node), Presence::Required),
        ("bootstrapped", Type::Bool, optional()),
        ("ready", run::ready().ty(), optional()),
        ("stop", run::stop().ty(), optional()),
    ])
}

fn fields(fields: impl IntoIterator<Item = (&'static str, Type, Presence)>) -> Type {
    let fields = fields.into_iter().map(|(name, ty, presence)| (name.into(), Field { ty, presence })).collect();
    Type::Object(Arc::new(ObjectType { fields }))
}
