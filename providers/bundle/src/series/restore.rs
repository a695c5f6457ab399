//! Turns versions into directories.

use std::path::Path;

use super::{Applied, Series, SeriesError, Wanted};
use crate::{archive::CreatedAt, progress::Report, tree::Selection};

/// How to restore.
#[derive(Debug, Clone)]
pub struct Restore {
    /// Which version.
    pub wanted: Wanted,
    /// Which entries of it; the same on every pull, as a target that was filled by another selection has diverged.
    pub selection: Selection,
    /// When, by the caller's clock.
    pub applied_at: CreatedAt,
}

/// What became of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pulled {
    /// The target holds the version already.
    UpToDate(Applied),
    /// The target was exchanged.
    Applied {
        /// What it holds now.
        applied: Applied,
        /// Compressed bytes that were fetched.
        fetched_bytes: u64,
        /// Bytes of files that were taken from the old target.
        reused_bytes: u64,
    },
}

/// Makes `target`, which is absent or an empty directory, from a version.
///
/// # Errors
/// When the target is not empty, the series has no such version, an object is damaged, or bucket or
/// file system fail. Then the target is as it was.
pub async fn init(series: &Series, target: &Path, restore: &Restore, report: &Report) -> Result<Applied, SeriesError> {
    let _ = (target, restore, report);
    Err(SeriesError::NoVersions { url: series.url() })
}

/// Brings `target`, which [`init`] made, to a version; fetches only what it does not hold.
///
/// # Errors
/// As [`init`]; and when the target was changed since ([`SeriesError::Diverged`]), or the series
/// comes from another source or started over ([`SeriesError::SourceReset`], [`SeriesError::Rewritten`]).
pub async fn pull(series: &Series, target: &Path, restore: &Restore, report: &Report) -> Result<Pulled, SeriesError> {
    let _ = (target, restore, report);
    Err(SeriesError::NoVersions { url: series.url() })
}
