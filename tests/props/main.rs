//! The engine against a scripted cloud: what always holds, and what once did not.

#![expect(clippy::unwrap_used, reason = "tests")]

mod project;
mod random;
mod rules;
