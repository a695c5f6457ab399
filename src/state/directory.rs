//! The directory of the state: files that only their owner may read.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use super::StateError;

/// Makes a directory, and those above it, for the owner alone; one that is there keeps its mode.
pub(super) fn create_private(directory: &Path) -> Result<(), StateError> {
    let io = |source| StateError::Io { action: "create the directory", path: directory.to_owned(), source };
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(io)?;
    sync_parent(directory).map_err(io)
}

/// Makes a new file for the owner alone, durably; an existing file is an error.
pub(super) fn create_private_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    sync_parent(path)
}

/// Makes the entry of a file in its directory durable.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
