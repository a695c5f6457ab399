//! Turns versions into directories.

use std::{collections::HashSet, path::Path};

use tokio::sync::mpsc;

use super::{
    Applied, Found, Series, SeriesError, Wanted, applied,
    fetch::{Filling, Source, fetch, sources},
    files::{Files, Row, RowNode},
    find,
    status::{APPLIED_FORMAT, check_source, mark},
};
use crate::{
    archive::{CreatedAt, Frame},
    extract::Beneath,
    fs::{Beside, Occupancy, failed, occupancy, room},
    progress::{Phase, Report},
    tree::{Modified, Selection, Survey, surveyed},
};

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
    let beside = Beside::lock(target, "init").await?;
    if occupancy(beside.target())? == Occupancy::Taken {
        return Err(SeriesError::NotEmpty { target: target.to_owned() });
    }
    let found = find(series, restore.wanted).await?;
    let made = make(series, beside, &found, restore, None, report).await?;
    Ok(made.applied)
}

/// Brings `target`, which [`init`] made, to a version; fetches only what it does not hold.
///
/// Reads the whole target first, so that nothing that somebody did to it by hand is lost.
///
/// # Errors
/// As [`init`]; and when the target was changed since ([`SeriesError::Diverged`]), or the series
/// comes from another source or started over ([`SeriesError::SourceReset`], [`SeriesError::Rewritten`]).
pub async fn pull(series: &Series, target: &Path, restore: &Restore, report: &Report) -> Result<Pulled, SeriesError> {
    let beside = Beside::lock(target, "pull").await?;
    let Some(before) = applied(beside.target())? else {
        return Err(SeriesError::NotFollowing { target: target.to_owned() });
    };
    let found = find(series, restore.wanted).await?;
    check_source(series, &before.cursor, &found).await?;
    let (version, newest) = (before.cursor.version, found.manifest.version);
    if restore.wanted == Wanted::Newest && newest < version {
        return Err(SeriesError::WentBack { url: series.url(), newest, applied: version });
    }
    let old = surveyed(beside.target(), &Selection::all(), report).await?;
    let content = old.index.content_root;
    if content != before.content_root {
        let (target, expected) = (target.to_owned(), before.content_root);
        return Err(SeriesError::Diverged { target, version, expected, found: content });
    }
    if newest == version {
        return Ok(Pulled::UpToDate(before));
    }
    let Made { applied, fetched_bytes, reused_bytes } =
        make(series, beside, &found, restore, Some(old), report).await?;
    Ok(Pulled::Applied { applied, fetched_bytes, reused_bytes })
}

struct Made {
    applied: Applied,
    fetched_bytes: u64,
    reused_bytes: u64,
}

/// Makes the version beside the target and exchanges it; `old` is what the target holds.
async fn make(
    series: &Series,
    beside: Beside,
    found: &Found,
    restore: &Restore,
    old: Option<Survey>,
    report: &Report,
) -> Result<Made, SeriesError> {
    let files = Files::read(series, &found.manifest).await?;
    let rows = selected(files.entries, &restore.selection);
    let content_root = Files::root_of(&rows);
    let needed = rows.iter().map(|row| row.entry().bytes()).sum();
    let available = room(beside.parent())?.bytes;
    if needed > available {
        return Err(SeriesError::NoRoom { target: beside.target().to_owned(), needed, available });
    }
    let applied = Applied {
        format: APPLIED_FORMAT.to_owned(),
        url: series.url(),
        cursor: found.cursor(),
        content_root,
        applied_at: restore.applied_at,
    };
    let sources = sources(&rows, old.as_ref());
    let frames: Vec<Frame> = rows
        .iter()
        .zip(&sources)
        .filter(|(_, source)| matches!(source, Source::Frames))
        .filter_map(|(row, _)| row.node.frames())
        .flat_map(|range| found.manifest.frames[range].iter().cloned())
        .collect();
    let meter = report.phase(Phase::Extract, Some(frames.iter().map(|frame| frame.compressed).sum()));
    let (to_fill, input) = mpsc::channel(4);
    let mode = match old {
        Some(_) => Arrival::Exchange,
        None => Arrival::Free,
    };
    let filling = Filling { url: series.url(), rows, sources, old, frames: input };
    let (marker, interrupted) = (applied.clone(), SeriesError::Interrupted { url: series.url() });
    let fill = tokio::task::spawn_blocking(move || {
        let filled = filling.fill(&beside).and_then(|reused| {
            arrive(&beside, &marker, files.top, mode)?;
            Ok(reused)
        });
        if filled.is_err() {
            // What stays is removed by whoever locks this target next.
            let _ = beside.discard();
        }
        filled
    });
    let (fetched, filled) = tokio::join!(fetch(series, frames, to_fill, &meter), fill);
    let fetched_bytes = fetched?;
    meter.end();
    let reused_bytes = filled.unwrap_or(Err(interrupted))?;
    Ok(Made { applied, fetched_bytes, reused_bytes })
}

/// How a staging directory gets the target's name.
#[derive(Debug, Clone, Copy)]
enum Arrival {
    Free,
    Exchange,
}

/// Marks the staging directory and gives it the target's name.
fn arrive(beside: &Beside, applied: &Applied, top: (u32, i64, u32), arrival: Arrival) -> Result<(), SeriesError> {
    let staging = beside.staging();
    // What the marker stands for has to be on the disk before it.
    beside.sync_staging()?;
    mark(staging, applied)?;
    let (mode, seconds, nanoseconds) = top;
    let finish = Beneath::new(staging).and_then(|top| top.finish_top(mode, Modified { seconds, nanoseconds }));
    finish.map_err(failed("finish", staging))?;
    match arrival {
        Arrival::Exchange => Ok(beside.exchange_target()?),
        Arrival::Free if beside.take_free_target()? => Ok(()),
        Arrival::Free => Err(SeriesError::NotEmpty { target: beside.target().to_owned() }),
    }
}

/// Returns the entries that are selected, with the folders above them.
fn selected(rows: Vec<Row>, selection: &Selection) -> Vec<Row> {
    let selects = |row: &Row| selection.selects(&row.path, row.node == RowNode::Directory);
    let above = |row: &Row| row.path.match_indices('/').map(|(at, _)| row.path[..at].to_owned()).collect::<Vec<_>>();
    let needed: HashSet<String> = rows.iter().filter(|row| selects(row)).flat_map(above).collect();
    rows.into_iter().filter(|row| needed.contains(&row.path) || selects(row)).collect()
}
