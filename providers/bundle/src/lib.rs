//! Object stores, canonical tar, zstd frames, series of versions and safe extraction.
//!
//! Data moves in one shape: a directory is walked ([`tree`]), written as a canonical tar stream
//! (`tar`), compressed ([`codec`]) and put into a bucket ([`store`]) as an archive ([`archive`]) or
//! as a version of a series ([`series`]). The way back goes through [`extract`], which trusts
//! nothing it reads, and [`clone`](mod@clone), which copies what was extracted.
//!
//! Everything streams in bounded memory. Whatever computes or touches a file system runs on
//! threads of its own; dropping a future ends them. Clock and identity are passed in.

pub mod archive;
pub mod clone;
pub mod codec;
pub mod digest;
pub mod extract;
pub mod progress;
pub mod series;
pub mod store;
pub mod tree;

mod fs;
mod pipe;
mod tar;
