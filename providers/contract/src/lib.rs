//! What the engine and its providers agree on.
//!
//! Values and their types, the schemas of kinds, the provider trait, and buckets as every
//! provider sees them. Nothing here does I/O, and nothing here knows the engine.

mod objects;

pub use objects::{ETag, InvalidKey, MAX_KEY_BYTES, ObjectError, ObjectKey, ObjectMeta, ObjectStore, Page, Precondition, Stores, Upload};
