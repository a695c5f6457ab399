//! The marker of an extracted archive, written last: a directory without it is not ready.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use super::ExtractError;
use crate::{
    archive::CreatedAt,
    digest::{ContentRoot, Digest},
    fs::{Occupancy, failed, occupancy, write_durably},
};

/// Where the marker is, beneath the extracted directory.
pub const SEED_MARKER: &str = ".loam/seed.json";

/// The format of markers.
pub(super) const SEED_FORMAT: &str = "loam-seed/1";

/// What a directory was extracted from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedMarker {
    /// `loam-seed/1`.
    pub format: String,
    /// The archive's digest.
    pub sha256: Digest,
    /// What the tree held when it was extracted.
    pub content_root: ContentRoot,
    /// The archive's URL.
    pub source: String,
    /// When it was extracted.
    pub created_at: CreatedAt,
    /// How many regular files it has.
    pub files: u64,
    /// The sum of their lengths.
    pub bytes: u64,
}

/// What is known of a directory that should be an extracted archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeedState {
    /// There is nothing, or an empty directory.
    Absent,
    /// There is something without a marker, or with a damaged one.
    Partial,
    /// It was extracted from the archive with the digest asked for.
    Ready(SeedMarker),
    /// It was extracted from another archive.
    Other(SeedMarker),
}

/// Tells what `target` is, for somebody who wants the archive with digest `sha256`.
///
/// Reads the marker alone, not the tree.
///
/// # Errors
/// When the file system fails otherwise than by something being absent.
pub fn seed_state(target: &Path, sha256: &Digest) -> Result<SeedState, ExtractError> {
    if occupancy(target)? == Occupancy::Free {
        return Ok(SeedState::Absent);
    }
    Ok(match read(target)? {
        None => SeedState::Partial,
        Some(marker) if marker.sha256 == *sha256 => SeedState::Ready(marker),
        Some(marker) => SeedState::Other(marker),
    })
}

/// Reads the marker of `target`; `None` if there is none that this version reads.
///
/// # Errors
/// When the file system fails otherwise than by the marker being absent.
pub fn read(target: &Path) -> Result<Option<SeedMarker>, ExtractError> {
    let path = target.join(SEED_MARKER);
    match std::fs::read(&path) {
        Ok(text) => Ok(serde_json::from_slice::<SeedMarker>(&text).ok().filter(|marker| marker.format == SEED_FORMAT)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(failed("read", &path)(error).into()),
    }
}

/// Writes the marker into an extracted tree.
pub(super) fn write(directory: &Path, marker: &SeedMarker) -> Result<(), ExtractError> {
    let path = directory.join(SEED_MARKER);
    let text = serde_json::to_vec_pretty(marker).map_err(|error| failed("write", &path)(error.into()))?;
    Ok(write_durably(&path, &text)?)
}
