//! `file` and `directory`: single things in the file system.
//!
//! [`fs`] is how this crate writes files; [`File`] and [`Directory`] are the kinds.

mod directory;
mod file;
pub(crate) mod fs;
mod mode;

pub(crate) use directory::{Directory, directory};
pub(crate) use file::{File, file};
pub(crate) use fs::FileError;
