//! The common kinds: one schema each, whoever realises them.
//!
//! A kind that takes another (`bucket = bucket.archives`, `seed = seed_volume.mainnet`) has an attribute whose type
//! is an object with the few attributes it needs: conversion drops the rest, so what is recorded is small and
//! does not change when the other object's other attributes do.

mod bucket;

pub use bucket::bucket;

use crate::Type;

/// Returns the type of an attribute that takes a `bucket`.
#[must_use]
pub fn bucket_reference() -> Type {
    Type::object([("name", Type::String), ("url", Type::String)])
}
