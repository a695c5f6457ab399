//! An archive becomes a directory: beside, verified, then exchanged.

use std::{path::Path, sync::Arc};

use super::{
    Beneath, ExtractError, Limits, SeedMarker, SeedState,
    marker::{self, SEED_FORMAT, seed_state},
    stream::read,
};
use crate::{
    archive::{CreatedAt, Manifest, Place, Trust},
    digest::{ContentRoot, Digest},
    fs::{Beside, Occupancy, failed, occupancy, room},
    progress::{Phase, Report},
    store::file_url,
    tree::{Modified, Selection, index},
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
    let expected = extraction.expected;
    let label = match expected.trust {
        Trust::Sha256(sha256) => sha256.short(),
        Trust::Unverified => "unverified".to_owned(),
    };
    let beside = Arc::new(Beside::lock(target, &label).await?);
    if let Trust::Sha256(sha256) = expected.trust
        && let SeedState::Ready(marker) = seed_state(beside.target(), &sha256)?
    {
        return Ok(Materialised::Reused(marker));
    }
    if extraction.replace == Replace::Never && occupancy(beside.target())? == Occupancy::Taken {
        return Err(ExtractError::TargetExists { target: target.to_owned() });
    }
    let extracted = extract_beside(place, &beside, extraction, report).await;
    // A thread may still hold it; whoever is last cleans up what is left.
    let finished = tokio::task::spawn_blocking(move || match extracted {
        Ok(marker) => Ok(Materialised::Extracted(marker)),
        Err(error) => {
            let _ = beside.discard();
            Err(error)
        }
    });
    finished.await.unwrap_or_else(|_| Err(ExtractError::Interrupted { url: place.url() }))
}

/// Writes the marker of a tree that is whole already, whoever put it there; nothing else of it is touched.
///
/// # Errors
/// When the tree does not hold `content_root`, or the file system fails; then there is no marker.
pub async fn mark(
    target: &Path,
    sha256: Digest,
    content_root: ContentRoot,
    source: String,
    created_at: CreatedAt,
    report: &Report,
) -> Result<SeedMarker, ExtractError> {
    let beside = Beside::lock(target, "mark").await?;
    if let SeedState::Ready(marker) = seed_state(beside.target(), &sha256)? {
        return Ok(marker);
    }
    let index = index(beside.target(), &Selection::all(), report).await?;
    if index.content_root != content_root {
        let url = file_url(beside.target());
        return Err(ExtractError::WrongContent { url, expected: content_root, found: index.content_root });
    }
    let (files, bytes) = (index.files(), index.bytes());
    let marker = SeedMarker { format: SEED_FORMAT.to_owned(), sha256, content_root, source, created_at, files, bytes };
    marker::write(beside.target(), &marker)?;
    Ok(marker)
}

/// Removes what dead processes left beside a target: half of a tree, a lock.
///
/// # Errors
/// When the file system fails.
pub async fn tidy(target: &Path) -> Result<(), ExtractError> {
    if target.parent().is_some_and(Path::is_dir) {
        drop(Beside::lock(target, "tidy").await?);
    }
    Ok(())
}

async fn extract_beside(
    place: &Place,
    beside: &Arc<Beside>,
    extraction: &Extraction,
    report: &Report,
) -> Result<SeedMarker, ExtractError> {
    let limits = checked_room(beside, extraction)?;
    beside.create_staging()?;
    let staging = beside.staging().to_owned();
    let beneath = Beneath::new(&staging).map_err(failed("open", &staging))?;
    let meter = |total| report.phase(Phase::Extract, Some(total));
    // The thread that fills the staging directory keeps it from being removed under itself.
    let (through, beneath) = read(place, limits, beneath, &staging, meter, Arc::clone(beside)).await?;
    check_digest(&place.url(), extraction.expected.trust, through.sha256)?;
    let index = through.unpacked.index;
    if let Some(expected) = extraction.expected.content_root.filter(|expected| *expected != index.content_root) {
        return Err(ExtractError::WrongContent { url: place.url(), expected, found: index.content_root });
    }
    let marker = SeedMarker {
        format: SEED_FORMAT.to_owned(),
        sha256: through.sha256,
        content_root: index.content_root,
        source: place.url(),
        created_at: extraction.created_at,
        files: index.files(),
        bytes: index.bytes(),
    };
    let (beside, top, replace, target) =
        (Arc::clone(beside), through.unpacked.top, extraction.replace, beside.target().to_owned());
    let finished = tokio::task::spawn_blocking(move || {
        // What the marker stands for has to be on the disk before it.
        beside.sync_staging()?;
        marker::write(&staging, &marker)?;
        let (mode, modified) = top.unwrap_or((0o755, Modified::default()));
        beneath.finish_top(mode, modified).map_err(failed("finish", &staging))?;
        match replace {
            Replace::Existing => beside.exchange_target()?,
            Replace::Never if beside.take_free_target()? => {}
            Replace::Never => return Err(ExtractError::TargetExists { target }),
        }
        Ok(marker)
    });
    finished.await.unwrap_or_else(|_| Err(ExtractError::Interrupted { url: place.url() }))
}

/// Checks that the tree will fit, and returns limits by which it has to.
fn checked_room(beside: &Beside, extraction: &Extraction) -> Result<Limits, ExtractError> {
    let room = room(beside.parent())?;
    let target = beside.target().to_owned();
    let Some((bytes, files)) = extraction.expected.size else {
        return Ok(Limits { bytes: extraction.limits.bytes.min(room.bytes), ..extraction.limits });
    };
    if bytes > room.bytes {
        return Err(ExtractError::NoRoom { target, what: "bytes", needed: bytes, available: room.bytes });
    }
    match room.inodes {
        Some(available) if files > available => {
            Err(ExtractError::NoRoom { target, what: "inodes", needed: files, available })
        }
        Some(_) | None => Ok(Limits { bytes: extraction.limits.bytes.min(bytes), ratio: None, ..extraction.limits }),
    }
}

pub(crate) fn check_digest(url: &str, trust: Trust, found: Digest) -> Result<(), ExtractError> {
    match trust {
        Trust::Sha256(expected) if expected != found => {
            Err(ExtractError::WrongDigest { url: url.to_owned(), expected, found })
        }
        Trust::Sha256(_) | Trust::Unverified => Ok(()),
    }
}
