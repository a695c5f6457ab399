//! Files on disk: written beside and renamed into place, every error naming its file.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use loam_provider::ProviderError;
use sha2::{Digest, Sha256};

/// The file system refused.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} `{}`", path.display())]
pub(crate) struct FileError {
    pub(crate) action: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) source: io::Error,
}

impl FileError {
    /// Returns what turns an I/O error into an error about a file.
    pub(crate) fn on(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }
}

impl From<FileError> for ProviderError {
    fn from(error: FileError) -> Self {
        let hint = match error.source.kind() {
            io::ErrorKind::StorageFull => Some("Free some space on that file system."),
            io::ErrorKind::ReadOnlyFilesystem => Some("That file system is mounted read-only; choose another place."),
            io::ErrorKind::PermissionDenied => Some("The user who runs loam needs the right to do this."),
            _ => None,
        };
        let converted = ProviderError::because(error.to_string(), error.source);
        match hint {
            Some(hint) => converted.hint(hint),
            None => converted,
        }
    }
}

/// Returns a file's content, or `None` where there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    present(fs::read(path), "read", path)
}

/// Returns what stands at a path itself (links are not followed), or `None`.
pub(crate) fn metadata(path: &Path) -> Result<Option<fs::Metadata>, FileError> {
    present(fs::symlink_metadata(path), "look at", path)
}

/// Replaces a file in one step that survives a crash: it is the old one or the new one, never a part.
pub(crate) fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), FileError> {
    let beside = beside(path);
    let written = write_new(&beside, content, mode)
        .and_then(|()| fs::rename(&beside, path).map_err(FileError::on("write", path)))
        .and_then(|()| sync_parent(path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Returns where the next content of a file is built.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{NEW}"))
}

/// What the name of a file ends with until it is whole.
const NEW: &str = ".loam-new";

/// Deletes the files of a directory that were not written to the end; nobody else may be writing there.
pub(crate) fn sweep(directory: &Path) -> Result<(), FileError> {
    for name in names(directory)?.iter().filter(|name| name.starts_with('.') && name.ends_with(NEW)) {
        remove_file(&directory.join(name))?;
    }
    Ok(())
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), FileError> {
    let failed = || FileError::on("write", path);
    present(fs::remove_file(path), "delete", path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(failed())?;
    file.set_permissions(fs::Permissions::from_mode(mode)).map_err(failed())?;
    file.write_all(content).map_err(failed())?;
    file.sync_all().map_err(failed())
}

/// Makes the entry of a path in its directory durable.
pub(crate) fn sync_parent(path: &Path) -> Result<(), FileError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    File::open(parent).and_then(|directory| directory.sync_all()).map_err(FileError::on("sync", parent))
}

/// Makes a directory and those above it, as far as they are missing.
pub(crate) fn make_directory(path: &Path, mode: u32) -> Result<(), FileError> {
    const TRIES: usize = 10;
    let make = || DirBuilder::new().recursive(true).mode(mode).create(path);
    // Another call may delete a parent that was empty just as this one is about to use it.
    let is_gone_again = |made: &io::Result<()>| made.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::NotFound);
    let mut made = make();
    for _ in 1..TRIES {
        if !is_gone_again(&made) {
            break;
        }
        made = make();
    }
    made.map_err(FileError::on("make directory", path))
}

/// Deletes a file; one that is gone is a success.
pub(crate) fn remove_file(path: &Path) -> Result<(), FileError> {
    present(fs::remove_file(path), "delete", path).map(|_| ())
}

/// Deletes a directory with all in it; one that is gone is a success.
///
/// It is renamed first, so that a directory under its own name is always whole.
pub(crate) fn remove_directory(path: &Path) -> Result<(), FileError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let gone = path.with_file_name(format!("{name}{GONE}"));
    present(fs::remove_dir_all(&gone), "delete", &gone)?;
    if present(fs::rename(path, &gone), "delete", path)?.is_some() {
        present(fs::remove_dir_all(&gone), "delete", &gone)?;
    }
    Ok(())
}

/// What the name of a directory ends with while it is deleted.
const GONE: &str = ".gone";

/// Returns whether a directory of this name is one that [`remove_directory`] did not finish.
pub(crate) fn is_being_deleted(name: &str) -> bool {
    name.ends_with(GONE)
}

/// Deletes a directory, on a thread that may take its time.
pub(crate) async fn remove_large_directory(path: &Path) -> Result<(), FileError> {
    let owned = path.to_owned();
    let removed = tokio::task::spawn_blocking(move || remove_directory(&owned)).await;
    removed.unwrap_or_else(|error| Err(FileError::on("delete", path)(io::Error::other(error))))
}

/// Returns the names in a directory in order; none where there is no directory.
pub(crate) fn names(path: &Path) -> Result<Vec<String>, FileError> {
    let Some(entries) = present(fs::read_dir(path), "list", path)? else { return Ok(Vec::new()) };
    let entries = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    let mut names = entries.collect::<Result<Vec<_>, _>>().map_err(FileError::on("list", path))?;
    names.sort_unstable();
    Ok(names)
}

/// Returns the SHA-256 of a file as hex, and its length.
pub(crate) fn digest(path: &Path) -> Result<Option<(String, u64)>, FileError> {
    let Some(mut file) = present(File::open(path), "read", path)? else { return Ok(None) };
    let (mut hasher, mut buffer, mut bytes) = (Sha256::new(), vec![0; 1 << 16], 0);
    loop {
        match file.read(&mut buffer).map_err(FileError::on("read", path))? {
            0 => return Ok(Some((hex(&hasher.finalize()), bytes))),
            read => {
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}

/// Returns the SHA-256 of some bytes as hex.
pub(crate) fn digest_of(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn present<T>(result: io::Result<T>, action: &'static str, path: &Path) -> Result<Option<T>, FileError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError { action, path: path.to_owned(), source }),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        for (content, mode) in [("one", 0o600), ("two", 0o640)] {
            write(&path, content.as_bytes(), mode).unwrap();
            assert_eq!(read(&path).unwrap().unwrap(), content.as_bytes());
            assert_eq!(metadata(&path).unwrap().unwrap().permissions().mode() & 0o7777, mode);
        }
        assert_eq!(names(dir.path()).unwrap(), ["a"]);
    }

    #[test]
    fn an_error_names_its_file() {
        let error = write(Path::new("/proc/nowhere/a"), b"", 0o600).unwrap_err();
        assert!(error.to_string().contains("/proc/nowhere/"), "{error}");
        assert!(read(Path::new("/proc/nowhere/a")).unwrap().is_none());
    }
}
