//! `file` and `directory`: single things in the file system.
//!
//! [`fs`] is how this crate writes files; [`File`] and [`Directory`] are the kinds.

mod directory;
mod file;
pub(crate) mod fs;
mod mode;

use std::path::PathBuf;

use loam_provider::{Path, ProviderError, Value};

use crate::Machine;

pub(crate) use directory::{Directory, directory};
pub(crate) use file::{File, file};
pub(crate) use fs::FileError;

/// Returns what a block says, with its path, and where the thing `id` is that it takes over; `None` if nothing is there.
fn imported(machine: &Machine, config: &Value, id: &str) -> Result<Option<(Value, PathBuf)>, ProviderError> {
    let path = machine.path(id);
    let written = config.get("path").filter(|path| !path.is_null());
    let is_there = fs::metadata(&path)?.is_some();
    match written.map(|written| (written, written.as_str())) {
        None => Ok(is_there.then(|| (config.with("path", Value::from(id)), path))),
        Some((_, Some(written))) if machine.path(written) == path => Ok(is_there.then(|| (config.clone(), path))),
        Some((_, written)) => {
            let written = written.unwrap_or("(known after apply)");
            Err(ProviderError::invalid(Path::attribute("path"), format!("the block says `{written}`, not `{id}`"))
                .hint("Import the path that the block names, or correct the block."))
        }
    }
}
