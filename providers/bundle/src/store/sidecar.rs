//! User metadata of objects in directories: one small file per object that has any.
//!
//! A sidecar names the ETag that it belongs to. One of an earlier or never published object is
//! therefore known, and ignored.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use loam_provider::{ETag, ObjectKey};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

pub(super) const FOLDER: &str = ".loam-meta";

#[derive(Serialize, Deserialize)]
struct Sidecar {
    key: String,
    etag: String,
    metadata: BTreeMap<String, String>,
}

/// Returns an object's metadata; none if there is no sidecar of just this object.
pub(super) fn read(root: &Path, key: &ObjectKey, etag: &ETag) -> BTreeMap<String, String> {
    let Ok(text) = fs::read(path(root, key)) else { return BTreeMap::new() };
    match serde_json::from_slice::<Sidecar>(&text) {
        Ok(sidecar) if sidecar.key == key.as_str() && sidecar.etag == etag.0 => sidecar.metadata,
        Ok(_) | Err(_) => BTreeMap::new(),
    }
}

/// Writes an object's metadata; the bucket's lock is held.
///
/// It is written in `temporary` first, where what a dead writer leaves is swept away.
pub(super) fn write(
    root: &Path,
    temporary: &str,
    key: &ObjectKey,
    etag: &ETag,
    metadata: &BTreeMap<String, String>,
) -> io::Result<()> {
    if metadata.is_empty() {
        return remove(root, key);
    }
    let path = path(root, key);
    let folder = path.parent().unwrap_or(root);
    fs::create_dir_all(folder)?;
    let sidecar = Sidecar { key: key.to_string(), etag: etag.0.clone(), metadata: metadata.clone() };
    let file = tempfile::Builder::new().prefix("").tempfile_in(root.join(temporary))?;
    serde_json::to_writer(&file, &sidecar)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}

/// Removes an object's metadata; the bucket's lock is held.
pub(super) fn remove(root: &Path, key: &ObjectKey) -> io::Result<()> {
    let path = path(root, key);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    if let Some(folder) = path.parent() {
        // Fails while other sidecars are in it.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// A key may be longer than a file name: its digest is not.
fn path(root: &Path, key: &ObjectKey) -> PathBuf {
    let digest = Digest::of(key.as_str().as_bytes()).to_string();
    root.join(FOLDER).join(&digest[..2]).join(format!("{digest}.json"))
}
