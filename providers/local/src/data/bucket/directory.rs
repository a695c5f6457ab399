//! The bucket's directory and its marker.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use loam_provider::{CallCx, ProviderError, Size, Type, Value};
use serde::{Deserialize, Serialize};

use crate::{
    data::{
        json_file::{self, failed},
        marks::Owner,
        object,
    },
    files::fs::make_directory,
};

/// The marker's name; listings hide what starts with `.loam-`.
const MARKER: &str = ".loam-bucket.json";
const HIDDEN: &str = ".loam-";
const FORMAT: &str = "loam-bucket/1";

/// Whose a bucket is, and what is recorded of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Marker {
    format: String,
    /// The token of the operation that made it.
    pub(super) id: String,
    name: String,
    pub(super) owner: Owner,
    pub(super) quota: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

/// What goes when a bucket is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Force {
    /// Objects in it forbid it.
    Nothing,
    /// Objects in it go too.
    Objects,
}

impl Marker {
    pub(super) fn new(
        cx: &CallCx,
        name: String,
        quota: Option<String>,
        tags: Option<BTreeMap<String, String>>,
    ) -> Self {
        Self { format: FORMAT.to_owned(), id: cx.token.0.to_string(), name, owner: Owner::of(cx), quota, tags }
    }

    /// Returns the attributes that stand in the marker.
    pub(super) fn recorded(self) -> [(&'static str, Value); 2] {
        let tags = match self.tags {
            None => Value::Null(Type::map(Type::String)),
            Some(tags) => Value::map(Type::String, tags.into_iter().map(|(name, tag)| (name, Value::from(tag)))),
        };
        [("quota", object::text(self.quota)), ("tags", tags)]
    }
}

/// Reads the marker of the bucket at `path`, if there is one.
pub(super) fn marker(path: &Path) -> Result<Option<Marker>, ProviderError> {
    json_file::read(&path.join(MARKER))
}

/// Makes the bucket at `path`, or takes it over from an earlier run of the same object.
pub(super) fn make(path: &Path, wanted: Marker, cx: &CallCx) -> Result<Marker, ProviderError> {
    let what = || format!("bucket `{}`", path.display());
    let marker = match marker(path)? {
        Some(found) if found.owner.is(cx) => {
            cx.progress.note(format!("adopted {}, which an earlier run had made", what()));
            Marker { id: found.id, ..wanted }
        }
        Some(found) => return Err(found.owner.refuses(&what(), cx)),
        None => {
            refuse_strangers(path)?;
            // The last bucket beside it may take their folder along at this moment.
            make_directory(path, 0o777)?;
            wanted
        }
    };
    json_file::write(&path.join(MARKER), &marker)?;
    Ok(marker)
}

fn refuse_strangers(path: &Path) -> Result<(), ProviderError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(ProviderError::failed(format!("`{}` is not a directory", path.display()))
                .hint("Choose another `path` in the bucket's `local` block, or another name."));
        }
        Err(error) => return Err(failed("read directory", path, error)),
    };
    let is_strange = |entry: fs::DirEntry| !json_file::is_left_behind(&entry.file_name(), MARKER);
    if !entries.flatten().any(is_strange) {
        return Ok(());
    }
    let message = format!("directory `{}` is not empty and was not made by loam", path.display());
    Err(ProviderError::failed(message)
        .hint("Choose another place with `local { path = … }`, or move what is there away."))
}

/// Removes what a run left that died before the bucket at `path` had its marker, or after it had lost it.
pub(super) fn abandon(path: &Path, of: Abandoned) -> Result<(), ProviderError> {
    if json_file::sweep(&path.join(MARKER))? || of == Abandoned::Deleted {
        // Fails while something else is in it, which is not ours.
        let _ = fs::remove_dir(path);
    }
    Ok(())
}

/// Makes the directory at `path` a bucket of the calling object, with all that is in it; another's stays another's.
pub(super) fn take_over(path: &Path, wanted: Marker, cx: &CallCx) -> Result<Marker, ProviderError> {
    let marker = match marker(path)? {
        Some(found) if !found.owner.is_in(cx) => {
            return Err(found.owner.refuses(&format!("bucket `{}`", path.display()), cx));
        }
        // With another id, so that an object which still takes it for its own learns better.
        Some(_) => wanted,
        None if path.is_dir() => wanted,
        None => return Err(ProviderError::failed(format!("directory `{}` is gone", path.display()))),
    };
    json_file::write(&path.join(MARKER), &marker)?;
    Ok(marker)
}

/// Changes what is recorded of the bucket at `path`.
pub(super) fn mark(path: &Path, wanted: Marker, cx: &CallCx) -> Result<Marker, ProviderError> {
    let found = marker(path)?.ok_or_else(|| ProviderError::failed(format!("bucket `{}` is gone", path.display())))?;
    if !found.owner.is_in(cx) {
        return Err(found.owner.refuses(&format!("bucket `{}`", path.display()), cx));
    }
    let marker = Marker { id: found.id, ..wanted };
    json_file::write(&path.join(MARKER), &marker)?;
    Ok(marker)
}

/// Removes the bucket `id` at `path`, and the `folder` of all buckets if it is empty now; another bucket there is
/// left alone.
pub(super) fn remove(path: &Path, folder: &Path, id: &str, force: Force, cx: &CallCx) -> Result<(), ProviderError> {
    remove_bucket(path, id, force, cx)?;
    // It may hold others; then it stays.
    let _ = fs::remove_dir(folder);
    Ok(())
}

fn remove_bucket(path: &Path, id: &str, force: Force, cx: &CallCx) -> Result<(), ProviderError> {
    let Some(marker) = marker(path)? else { return Ok(()) };
    if !marker.owner.is_in(cx) || marker.id != id {
        return Ok(());
    }
    let held = holdings(path)?;
    if force == Force::Nothing && held.things > 0 {
        return Err(not_empty(path, &marker, held));
    }
    // The marker goes last, so that a run that dies on the way leaves a bucket that is still known.
    for entry in fs::read_dir(path).map_err(|error| failed("read directory", path, error))? {
        let entry = entry.map_err(|error| failed("read directory", path, error))?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with(HIDDEN);
        if entry.file_name() != MARKER && (is_hidden || force == Force::Objects) {
            remove_all(&entry.path())?;
        }
    }
    json_file::remove(&path.join(MARKER))?;
    fs::remove_dir(path).map_err(|error| {
        // Somebody wrote to it just now: it is as it was.
        let restored = json_file::write(&path.join(MARKER), &marker);
        restored.err().unwrap_or_else(|| failed("remove directory", path, error))
    })
}

fn remove_all(path: &Path) -> Result<(), ProviderError> {
    let is_directory = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    let removed = if is_directory { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn not_empty(path: &Path, marker: &Marker, held: Holdings) -> ProviderError {
    let (name, things, bytes) = (&marker.name, held.things, Size(held.bytes));
    let objects = if things == 1 { "object" } else { "objects" };
    ProviderError::failed(format!("bucket `{name}` is not empty: it holds {things} {objects}, {bytes}")).hint(format!(
        "Apply `force_destroy = true` first to delete them too, or remove them from `{}`.",
        path.display()
    ))
}

/// What a run did to a bucket when it died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Abandoned {
    /// It made it.
    Begun,
    /// It deleted what it had made.
    Deleted,
}

/// What a bucket holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Holdings {
    /// Objects, and whatever else is not the store's own.
    things: u64,
    /// The sum of their lengths.
    pub(super) bytes: u64,
}

/// Counts what the bucket at `path` holds.
pub(super) fn holdings(path: &Path) -> Result<Holdings, ProviderError> {
    let mut held = Holdings::default();
    let mut folders: Vec<PathBuf> = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let fail = |error| failed("read directory", &folder, error);
        for entry in fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if entry.file_name().to_string_lossy().starts_with(HIDDEN) {
                continue;
            }
            let metadata = entry.metadata().map_err(fail)?;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                held.things += 1;
                held.bytes += metadata.len();
            }
        }
    }
    Ok(held)
}
