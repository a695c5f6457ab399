//! Small JSON files that are exchanged whole: markers and sidecars.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use loam_provider::ProviderError;
use serde::{Serialize, de::DeserializeOwned};

/// Reads a file; `None` if there is none.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ProviderError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed("read", path, error)),
    };
    let read = serde_json::from_slice(&text).map_err(|error| {
        ProviderError::because(format!("`{}` is damaged", path.display()), error)
            .hint("loam wrote this file to know what is its own. Restore it, or remove it with what it stands for.")
    })?;
    Ok(Some(read))
}

/// Writes a file beside, makes it durable and gives it its name. What a dead writer left beside goes.
pub(crate) fn write<T: Serialize>(path: &Path, content: &T) -> Result<(), ProviderError> {
    let folder = path.parent().unwrap_or(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!("{name}.{}.tmp", std::process::id()));
    sweep(path)?;
    let written = || -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(content)?;
        text.push(b'\n');
        let mut file = File::create(&beside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|error| {
        let _ = fs::remove_file(&beside);
        failed("write", path, error)
    })
}

/// Returns whether a name is one under which the file `of` was written by a process that is dead.
pub(crate) fn is_left_behind(name: &OsStr, of: &str) -> bool {
    let writer = name.to_str().and_then(|name| name.strip_prefix(of)?.strip_prefix('.')?.strip_suffix(".tmp"));
    writer.and_then(|pid| pid.parse::<u32>().ok()).is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
}

/// Removes what dead writers left beside a file; returns whether there was anything.
pub(crate) fn sweep(path: &Path) -> Result<bool, ProviderError> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(OsStr::to_str)) else {
        return Ok(false);
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(false);
        }
        Err(error) => return Err(failed("read directory", folder, error)),
    };
    let mut found = false;
    for entry in entries {
        let entry = entry.map_err(|error| failed("read directory", folder, error))?;
        if is_left_behind(&entry.file_name(), name) {
            found = true;
            remove_one(&entry.path())?;
        }
    }
    Ok(found)
}

/// Removes a file that may be gone already, and what dead writers left beside it.
pub(crate) fn remove(path: &Path) -> Result<(), ProviderError> {
    sweep(path)?;
    remove_one(path)
}

fn remove_one(path: &Path) -> Result<(), ProviderError> {
    match fs::remove_file(path) {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Err(failed("remove", path, error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Returns the error of a file system call.
pub(crate) fn failed(operation: &str, path: &Path, error: io::Error) -> ProviderError {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let denied = matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem);
    let failed = ProviderError::because(format!("failed to {operation} `{}`", path.display()), error);
    match (full, denied) {
        (true, _) => failed.hint("Free some space, or choose a place on another file system."),
        (_, true) => failed.hint("Choose a place that you may write to."),
        (false, false) => failed,
    }
}
