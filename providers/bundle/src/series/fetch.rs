//! Fetching the frames that are needed, and filling a staging directory with them.

use std::{collections::HashMap, path::Path};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{
    Series, SeriesError,
    files::{Row, RowNode},
    layout::key,
};
use crate::{
    archive::Frame,
    clone::copy,
    digest::{Digest, Hashing},
    extract::{Beneath, Sink},
    fs::{Beside, failed},
    progress::Meter,
    tree::{
        Node, Reading, Survey,
        walk::{Walked, check_link, check_path},
    },
};

/// Most bytes of one request.
const REQUEST: u64 = 8 << 20;
/// Most bytes of one frame that are accepted, compressed or not.
const MAX_FRAME: u64 = 64 << 20;

/// A frame with its compressed bytes.
type Fetched = (Frame, Bytes);

/// Where the content of a file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// There is nothing to fill: no file, or an empty one.
    Nothing,
    /// The old target, at this place in its walk.
    Old(usize),
    /// A file of the new tree that was filled before.
    Filled(String),
    /// The bucket.
    Frames,
}

/// Decides for each entry where its content comes from.
pub(super) fn sources(rows: &[Row], old: Option<&Survey>) -> Vec<Source> {
    let mut held: HashMap<Digest, usize> = HashMap::new();
    for (at, entry) in old.iter().flat_map(|old| old.index.entries.iter().enumerate()) {
        if let Node::File { sha256, .. } = &entry.node {
            held.entry(*sha256).or_insert(at);
        }
    }
    let mut filled: HashMap<Digest, &str> = HashMap::new();
    let source = |row: &'_ Row| match &row.node {
        RowNode::File { bytes: 1.., sha256, .. } => match held.get(sha256) {
            Some(&at) => Source::Old(at),
            None => Source::Frames,
        },
        RowNode::File { .. } | RowNode::Directory | RowNode::Symlink { .. } | RowNode::Link { .. } => Source::Nothing,
    };
    let mut sources = Vec::with_capacity(rows.len());
    for row in rows {
        let source = match (source(row), &row.node) {
            (Source::Frames, RowNode::File { sha256, .. }) => match filled.get(sha256) {
                Some(path) => Source::Filled((*path).to_owned()),
                None => {
                    filled.insert(*sha256, &row.path);
                    Source::Frames
                }
            },
            (source, _) => source,
        };
        sources.push(source);
    }
    sources
}

/// Fetches frames in order, neighbours in one request, and returns how many bytes that were.
pub(super) async fn fetch(
    series: &Series,
    frames: Vec<Frame>,
    output: mpsc::Sender<Fetched>,
    meter: &Meter,
) -> Result<u64, SeriesError> {
    let mut fetched = 0;
    let mut rest = frames.as_slice();
    while let Some(first) = rest.first() {
        let mut end = first.offset.saturating_add(first.compressed);
        let mut count = 1;
        while let Some(next) = rest.get(count)
            && next.pack == first.pack
            && next.offset == end
            && end.saturating_add(next.compressed) - first.offset <= REQUEST
        {
            end += next.compressed;
            count += 1;
        }
        let key = key(series, &first.pack)?;
        if first.compressed > MAX_FRAME {
            let url = format!("{}/{key}", series.store.url());
            return Err(SeriesError::Damaged { url, because: "a frame that is needed is too large".to_owned() });
        }
        let bytes = series.store.get_range(&key, first.offset..end).await?;
        if bytes.len() as u64 != end - first.offset {
            let url = format!("{}/{key}", series.store.url());
            return Err(SeriesError::Damaged { url, because: "it ends before a frame that is needed".to_owned() });
        }
        fetched += bytes.len() as u64;
        meter.add(bytes.len() as u64);
        let (taken, after) = rest.split_at(count);
        let mut at = 0;
        for frame in taken {
            let end = at + usize::try_from(frame.compressed).unwrap_or(usize::MAX);
            if output.send((frame.clone(), bytes.slice(at..end))).await.is_err() {
                // Whoever fills the directory failed, and says why.
                return Ok(fetched);
            }
            at = end;
        }
        rest = after;
    }
    Ok(fetched)
}

/// A staging directory that is filled on a thread of its own.
pub(super) struct Filling {
    pub(super) url: String,
    pub(super) rows: Vec<Row>,
    pub(super) sources: Vec<Source>,
    pub(super) old: Option<Survey>,
    /// The frames of all entries whose source says so, in order.
    pub(super) frames: mpsc::Receiver<Fetched>,
}

impl Filling {
    /// Fills the directory and returns how many bytes were taken from the old target.
    pub(super) fn fill(mut self, beside: &Beside) -> Result<u64, SeriesError> {
        beside.create_staging()?;
        let staging = beside.staging();
        let mut beneath = Beneath::new(staging).map_err(failed("open", staging))?;
        let mut reused = 0;
        let rows = std::mem::take(&mut self.rows);
        let sources = std::mem::take(&mut self.sources);
        for (row, source) in rows.iter().zip(&sources) {
            self.check(row)?;
            let path = staging.join(&row.path);
            match &row.node {
                RowNode::Directory => beneath.directory(&row.path).map_err(failed("create", &path))?,
                RowNode::Symlink { .. } => {}
                RowNode::Link { original, .. } => {
                    beneath.hard_link(original, &row.path).map_err(failed("link", &path))?;
                }
                RowNode::File { .. } => {
                    beneath.file(&row.path).map_err(failed("create", &path))?;
                    reused += self.content(row, source, &mut beneath, staging)?;
                    beneath.close(row.mode, row.modified()).map_err(failed("finish", &path))?;
                }
            }
        }
        for row in &rows {
            if let RowNode::Symlink { target } = &row.node {
                let made = beneath.symlink(&row.path, target, row.modified());
                made.map_err(failed("create", &staging.join(&row.path)))?;
            }
        }
        for row in rows.iter().rev().filter(|row| row.node == RowNode::Directory) {
            let finished = beneath.finish_directory(&row.path, row.mode, Some(row.modified()));
            finished.map_err(failed("finish", &staging.join(&row.path)))?;
        }
        Ok(reused)
    }

    /// Fills the file that was begun, and returns how many bytes came from the old target.
    fn content(
        &mut self,
        row: &Row,
        source: &Source,
        beneath: &mut Beneath,
        staging: &Path,
    ) -> Result<u64, SeriesError> {
        let RowNode::File { bytes, sha256, .. } = &row.node else { return Ok(0) };
        let (directory, walked) = match source {
            Source::Nothing => return Ok(0),
            Source::Frames => return self.frames(row, *bytes, *sha256, beneath, staging).map(|()| 0),
            Source::Filled(path) => {
                let walked = Walked::of_file(staging, path)?;
                (staging, walked)
            }
            Source::Old(at) => match &self.old {
                Some(old) => (old.directory.as_path(), old.walked[*at].clone()),
                None => return Err(SeriesError::Interrupted { url: self.url.clone() }),
            },
        };
        let reading = Reading::open(directory, &walked)?;
        beneath.fill(|made| copy::content(&reading, made, *bytes).map(|_| *bytes)).map_err(|error| match error {
            copy::ContentError::Tree(error) => SeriesError::Tree(error),
            copy::ContentError::Io(error) => failed("write", &staging.join(&row.path))(error).into(),
        })?;
        Ok(if matches!(source, Source::Old(_)) { *bytes } else { 0 })
    }

    /// Fills the file that was begun from the frames that come next.
    fn frames(
        &mut self,
        row: &Row,
        bytes: u64,
        sha256: Digest,
        beneath: &mut Beneath,
        staging: &Path,
    ) -> Result<(), SeriesError> {
        let mut left = bytes;
        let mut hashing = Hashing::default();
        for _ in row.node.frames().unwrap_or_default() {
            let Some((frame, compressed)) = self.frames.blocking_recv() else {
                return Err(SeriesError::Interrupted { url: self.url.clone() });
            };
            let content = self.decompress(&frame, &compressed)?;
            // The last frame has the padding of the tar stream in it.
            let length = usize::try_from(left).map_or(content.len(), |left| left.min(content.len()));
            hashing.update(&content[..length]);
            beneath.write(&content[..length]).map_err(failed("write", &staging.join(&row.path)))?;
            left -= length as u64;
        }
        if left > 0 || hashing.finish().0 != sha256 {
            let because = format!("its frames are not the content of `{}`", row.path);
            return Err(SeriesError::Damaged { url: self.url.clone(), because });
        }
        Ok(())
    }

    fn decompress(&self, frame: &Frame, compressed: &[u8]) -> Result<Vec<u8>, SeriesError> {
        let damaged = |because: String| SeriesError::Damaged { url: format!("{}/{}", self.url, frame.pack), because };
        if frame.uncompressed > MAX_FRAME {
            return Err(damaged(format!("the frame at {} is too large", frame.offset)));
        }
        let length = usize::try_from(frame.uncompressed).unwrap_or_default();
        let content = zstd::bulk::decompress(compressed, length);
        let content = content.map_err(|error| damaged(format!("the frame at {}: {error}", frame.offset)))?;
        if content.len() != length || Digest::of(&content) != frame.sha256 {
            return Err(damaged(format!("the frame at {} is not what the manifest says", frame.offset)));
        }
        Ok(content)
    }

    /// Checks a path and a link that somebody else wrote.
    fn check(&self, row: &Row) -> Result<(), SeriesError> {
        let checked = check_path(&row.path).and_then(|()| match &row.node {
            RowNode::Symlink { target } => check_link(&row.path, target),
            RowNode::Link { original, .. } => check_path(original),
            RowNode::Directory | RowNode::File { .. } => Ok(()),
        });
        checked.map_err(|because| SeriesError::Damaged {
            url: self.url.clone(),
            because: format!("it holds `{}`, which is not extracted: {because}", row.path),
        })
    }
}
