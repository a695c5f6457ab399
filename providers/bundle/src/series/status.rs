//! What a target says of itself, and how it stands to its series.

use std::{cmp::Ordering, io, path::Path};

use serde::{Deserialize, Serialize};

use super::{Cursor, Found, Series, SeriesError, VersionManifest, Wanted, find, layout::read};
use crate::{
    archive::CreatedAt,
    digest::ContentRoot,
    fs::{failed, write_durably},
    progress::Report,
    store::file_url,
    tree::{Selection, index},
};

/// Where the marker is, beneath a target.
pub const APPLIED_MARKER: &str = ".loam/applied.json";

/// The format of markers.
pub(super) const APPLIED_FORMAT: &str = "loam-applied/1";

/// The marker of a target: which version it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// `loam-applied/1`.
    pub format: String,
    /// The series' URL.
    pub url: String,
    /// The version.
    pub cursor: Cursor,
    /// What the target held when it was applied; a part of the version if entries were left out.
    pub content_root: ContentRoot,
    /// When it was applied.
    pub applied_at: CreatedAt,
}

/// How a target stands to its series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It holds the newest version.
    UpToDate,
    /// Newer versions exist; this many.
    Behind { versions: u64 },
    /// It holds a version that the series does not have yet, or no longer.
    Ahead,
    /// It was changed by hand.
    Diverged { found: ContentRoot },
    /// The series comes from another source or started over.
    SourceReset { source_id: String, epoch: u64 },
}

/// Reads the marker of `target`; `None` if there is none.
///
/// # Errors
/// When it cannot be read or is damaged.
pub fn applied(target: &Path) -> Result<Option<Applied>, SeriesError> {
    let path = target.join(APPLIED_MARKER);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed("read", &path)(error).into()),
    };
    let malformed = |because| SeriesError::Malformed { url: file_url(&path), because };
    let applied: Applied = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
    if applied.format == APPLIED_FORMAT {
        Ok(Some(applied))
    } else {
        Err(malformed(format!("its format is `{}` instead of `{APPLIED_FORMAT}`", applied.format)))
    }
}

/// Writes the marker into a tree that is being made.
pub(super) fn mark(directory: &Path, applied: &Applied) -> Result<(), SeriesError> {
    let path = directory.join(APPLIED_MARKER);
    let text = serde_json::to_vec_pretty(applied).map_err(|error| failed("write", &path)(error.into()))?;
    Ok(write_durably(&path, &text)?)
}

/// Compares `target` with the series; reads the whole target.
///
/// A follower that only wants to know whether there is anything new compares the cursor of
/// [`applied`] with [`find`](super::find) instead, which reads no data.
///
/// # Errors
/// When the target has no marker, the series has no versions, or bucket or file system fail.
pub async fn status(series: &Series, target: &Path, report: &Report) -> Result<Status, SeriesError> {
    let Some(applied) = applied(target)? else {
        return Err(SeriesError::NotFollowing { target: target.to_owned() });
    };
    let found = index(target, &Selection::all(), report).await?.content_root;
    if found != applied.content_root {
        return Ok(Status::Diverged { found });
    }
    let newest = find(series, Wanted::Newest).await?;
    let cursor = &applied.cursor;
    match check_source(series, cursor, &newest).await {
        Ok(()) => {}
        Err(SeriesError::SourceReset { .. } | SeriesError::Rewritten { .. }) => {
            let VersionManifest { source_id, epoch, .. } = newest.manifest;
            return Ok(Status::SourceReset { source_id, epoch });
        }
        Err(error) => return Err(error),
    }
    Ok(match newest.manifest.version.cmp(&cursor.version) {
        Ordering::Equal => Status::UpToDate,
        Ordering::Greater => Status::Behind { versions: newest.manifest.version - cursor.version },
        Ordering::Less => Status::Ahead,
    })
}

/// Checks that `found` continues what the cursor points at.
pub(super) async fn check_source(series: &Series, cursor: &Cursor, found: &Found) -> Result<(), SeriesError> {
    let VersionManifest { source_id, epoch, .. } = &found.manifest;
    if (source_id, epoch) != (&cursor.source_id, &cursor.epoch) {
        return Err(SeriesError::SourceReset {
            url: series.url(),
            expected: cursor.source_id.clone(),
            expected_epoch: cursor.epoch,
            found: source_id.clone(),
            found_epoch: *epoch,
        });
    }
    let applied = if found.manifest.version == cursor.version {
        Some(found.sha256)
    } else {
        // Old versions may have been retired; one that is there must be the one that was applied.
        read(series, cursor.version).await?.map(|found| found.sha256)
    };
    match applied {
        Some(sha256) if sha256 != cursor.manifest_sha256 => {
            Err(SeriesError::Rewritten { url: series.url(), version: cursor.version })
        }
        Some(_) | None => Ok(()),
    }
}
