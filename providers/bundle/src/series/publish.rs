//! Publishes a directory as the next version.

use std::{path::PathBuf, sync::Arc};

use super::{
    Cursor, Found, Series, SeriesError, VersionManifest,
    commit::{Draft, announce, commit},
    layout::newest,
    pack::{Known, Packing, known, pack},
};
use crate::{
    archive::{AppFacts, CreatedAt},
    codec::Format,
    digest::ContentRoot,
    progress::Report,
    tree::{Selection, surveyed},
};

/// What to publish, and as whom.
#[derive(Debug, Clone)]
pub struct Publish {
    /// The directory.
    pub source: PathBuf,
    /// Which of its entries.
    pub selection: Selection,
    /// What this directory is known as; a series has one source.
    pub source_id: String,
    /// What happens if the series comes from another source.
    pub origin: Origin,
    /// Who is publishing: host, boot, process.
    pub writer: String,
    /// When, by the caller's clock.
    pub created_at: CreatedAt,
    /// What goes into the manifest's `app`.
    pub app: AppFacts,
    /// The zstd level; 3 if absent.
    pub level: Option<i32>,
    /// Every how many versions one stands alone; 16 is usual, 1 makes every version stand alone.
    pub full_every: u64,
}

/// What happens if a series comes from another source than the one that publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is an error.
    Same,
    /// The series starts a new epoch, which every follower has to consent to.
    StartEpoch,
}

/// What became of a publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// The newest version already has this content.
    Unchanged {
        /// The newest version.
        cursor: Cursor,
        /// What it holds.
        content_root: ContentRoot,
    },
    /// A version was committed.
    Committed {
        /// The new version.
        cursor: Cursor,
        /// What it holds.
        content_root: ContentRoot,
        /// Bytes that were stored for it.
        new_bytes: u64,
        /// Compressed bytes that were there already.
        reused_bytes: u64,
    },
}

/// Publishes the directory if its content differs from the newest version's.
///
/// # Errors
/// When the tree cannot be read or changes meanwhile, the series comes from another source, other
/// publishers keep committing first, or the bucket fails. Then no version was committed.
pub async fn publish(series: &Series, publish: &Publish, report: &Report) -> Result<Published, SeriesError> {
    let level = Format::TarZst.level(publish.level)?.unwrap_or_default();
    let survey = Arc::new(surveyed(&publish.source, &publish.selection, report).await?);
    for _ in 0..ATTEMPTS {
        let newest = newest(series).await?;
        let epoch = epoch(series, publish, newest.as_ref())?;
        let base = newest.filter(|newest| newest.manifest.epoch == epoch);
        if let Some(newest) = base.as_ref().filter(|newest| newest.manifest.content_root == survey.index.content_root) {
            announce(series, newest).await?;
            return Ok(Published::Unchanged { cursor: newest.cursor(), content_root: survey.index.content_root });
        }
        let version = next_version(series, base.as_ref()).await?;
        let full_every = publish.full_every.max(1);
        let history = match &base {
            Some(newest) if (version - 1) % full_every != 0 => known(series, newest, &survey.index).await?,
            Some(_) | None => Known::default(),
        };
        let packing = Packing { level, is_full: history.is_empty(), known: history, now: publish.created_at };
        let packed = pack(series, &survey, packing, report).await?;
        let draft = Draft { version, epoch, parent: base.as_ref(), packed, survey: &survey };
        if let Some(found) = commit(series, publish, draft).await? {
            announce(series, &found).await?;
            return Ok(Published::Committed {
                cursor: found.cursor(),
                content_root: found.manifest.content_root,
                new_bytes: found.manifest.stats.new_bytes,
                reused_bytes: found.manifest.stats.reused_bytes,
            });
        }
    }
    Err(SeriesError::Contended { url: series.url() })
}

/// How many times another publisher may be first.
const ATTEMPTS: usize = 5;

/// Returns the epoch that this publisher continues or starts.
fn epoch(series: &Series, publish: &Publish, newest: Option<&Found>) -> Result<u64, SeriesError> {
    let Some(VersionManifest { source_id, epoch, .. }) = newest.map(|newest| &newest.manifest) else { return Ok(1) };
    if *source_id == publish.source_id {
        return Ok(*epoch);
    }
    match publish.origin {
        Origin::StartEpoch => Ok(epoch + 1),
        Origin::Same => Err(SeriesError::SourceReset {
            url: series.url(),
            expected: publish.source_id.clone(),
            expected_epoch: *epoch,
            found: source_id.clone(),
            found_epoch: *epoch,
        }),
    }
}

/// Numbers go on when an epoch ends.
async fn next_version(series: &Series, base: Option<&Found>) -> Result<u64, SeriesError> {
    let newest = match base {
        Some(base) => base.manifest.version,
        None => newest(series).await?.map_or(0, |newest| newest.manifest.version),
    };
    Ok(newest + 1)
}
