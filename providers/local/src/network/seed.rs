//! Fills a node's data directory from a seed, once.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use loam_provider::ProviderError;
use tokio_util::sync::CancellationToken;

use crate::files::{FileError, fs as files};

/// Fills a directory with a copy of another: built beside, renamed, so it is there whole or not at all.
pub(super) async fn fill(seed: PathBuf, target: PathBuf, cancel: CancellationToken) -> Result<(), ProviderError> {
    let copied = tokio::task::spawn_blocking(move || {
        let part = target.with_extension("part");
        files::remove_directory(&part)?;
        files::remove_directory(&target)?;
        copy(&seed, &part, &cancel)?;
        fs::rename(&part, &target).map_err(FileError::on("make", &target))?;
        Ok(files::sync_parent(&target)?)
    });
    copied.await.unwrap_or_else(|error| Err(ProviderError::because("failed to copy the seed", error)))
}

fn copy(from: &Path, to: &Path, cancel: &CancellationToken) -> Result<(), ProviderError> {
    if cancel.is_cancelled() {
        return Err(ProviderError::cancelled());
    }
    let metadata = fs::symlink_metadata(from).map_err(FileError::on("read the seed", from))?;
    if metadata.is_symlink() {
        let target = fs::read_link(from).map_err(FileError::on("read the seed", from))?;
        symlink(target, to).map_err(FileError::on("make", to))?;
    } else if metadata.is_dir() {
        fs::create_dir(to).map_err(FileError::on("make directory", to))?;
        let entries = fs::read_dir(from).map_err(FileError::on("read the seed", from))?;
        for entry in entries {
            let name = entry.map_err(FileError::on("read the seed", from))?.file_name();
            copy(&from.join(&name), &to.join(&name), cancel)?;
        }
        fs::set_permissions(to, metadata.permissions()).map_err(FileError::on("set the mode of", to))?;
    } else if metadata.is_file() {
        fs::copy(from, to).map_err(FileError::on("write", to))?;
    } else {
        let source = io::Error::other("it is neither a file nor a directory nor a link");
        return Err(FileError { action: "copy", path: from.to_owned(), source }.into());
    }
    Ok(())
}
