//! Adopts an archive that somebody else built: reads it through once and writes nothing.

use super::{
    AppFacts, ArchiveError, ArchiveFacts, CreatedAt, FORMAT, Manifest, Place, TarFacts, Trust, manifest::base_name,
};
use crate::{
    extract::{Limits, check_digest, inspect},
    progress::{Phase, Report},
};

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
    let through = inspect(place, adopt.limits, |total| report.phase(Phase::Verify, Some(total))).await?;
    check_digest(&place.url(), adopt.trust, through.sha256)?;
    let (tar_sha256, tar_bytes) = through.tar;
    let index = &through.unpacked.index;
    Ok(Manifest {
        format: FORMAT.to_owned(),
        created_at: adopt.created_at,
        archive: ArchiveFacts {
            name: base_name(place).to_owned(),
            compression: through.format,
            level: None,
            sha256: through.sha256,
            bytes: through.bytes,
        },
        tar: TarFacts {
            sha256: tar_sha256,
            bytes: tar_bytes,
            files: index.files(),
            content_bytes: index.bytes(),
            canonical: None,
        },
        content_root: index.content_root,
        app: AppFacts::new(),
        frames: Vec::new(),
    })
}
