//! The common kinds: one schema each, whoever realises them.
//!
//! A kind that takes another (`bucket = bucket.archives`, `seed = seed_volume.mainnet`) has an attribute whose type
//! is an object with the few attributes it needs: conversion drops the rest, so what is recorded is small and
//! does not change when the other object's other attributes do.

mod bucket;
pub mod network;
mod run;

pub use bucket::bucket;
pub use network::network;
pub use run::{ExecProbe, HttpProbe, Ready, SIGNALS, Stop, TcpProbe, ready, stop};

use std::sync::Arc;

use crate::{Field, ObjectType, Presence, Type};

/// Returns the type of an attribute that takes a `bucket`.
#[must_use]
pub fn bucket_reference() -> Type {
    Type::object([("name", Type::String), ("url", Type::String)])
}

/// Returns the type of an attribute that takes a `seed_volume`.
#[must_use]
pub fn seed_volume_reference() -> Type {
    let optional = || Field { ty: Type::String, presence: Presence::Optional { default: None } };
    let name = Field { ty: Type::String, presence: Presence::Required };
    let fields = [("name", name), ("path", optional()), ("sha256", optional()), ("content_root", optional())];
    Type::Object(Arc::new(ObjectType { fields: fields.map(|(name, field)| (name.into(), field)).into() }))
}
