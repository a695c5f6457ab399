//! `files.json.zst`: a version's entries, and where in its stream each file's content is.

use std::{io::Read, ops::Range};

use serde::{Deserialize, Serialize};

use super::{Series, SeriesError, VersionManifest, layout::key};
use crate::{
    archive::FORMAT,
    digest::{ContentRoot, Digest},
    tree::{Entry, Modified, Node, content_root},
};

/// All entries of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Files {
    pub(super) format: String,
    /// The permission bits and time of the top.
    pub(super) top: (u32, i64, u32),
    /// In byte order of path.
    pub(super) entries: Vec<Row>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) path: String,
    pub(super) mode: u32,
    /// Seconds and nanoseconds.
    pub(super) mtime: (i64, u32),
    pub(super) node: RowNode,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RowNode {
    Directory,
    Symlink {
        target: String,
    },
    File {
        bytes: u64,
        sha256: Digest,
        first_frame: usize,
        frames: usize,
    },
    /// Another name of a file that came before.
    Link {
        original: String,
        bytes: u64,
        sha256: Digest,
    },
}

/// Most bytes of the list itself.
const MAX_BYTES: u64 = 8 << 30;

impl Row {
    pub(super) fn modified(&self) -> Modified {
        Modified { seconds: self.mtime.0, nanoseconds: self.mtime.1 }
    }

    pub(super) fn entry(&self) -> Entry {
        let node = match &self.node {
            RowNode::Directory => Node::Directory,
            RowNode::Symlink { target } => Node::Symlink { target: target.clone() },
            RowNode::File { bytes, sha256, .. } | RowNode::Link { bytes, sha256, .. } => {
                Node::File { bytes: *bytes, sha256: *sha256 }
            }
        };
        Entry { path: self.path.clone(), mode: self.mode, modified: self.modified(), node }
    }
}

impl RowNode {
    /// Returns which frames of the stream hold a file's content.
    pub(super) fn frames(&self) -> Option<Range<usize>> {
        match self {
            Self::File { first_frame, frames, .. } => Some(*first_frame..first_frame.saturating_add(*frames)),
            Self::Directory | Self::Symlink { .. } | Self::Link { .. } => None,
        }
    }
}

impl Files {
    /// Returns the content root of some of the entries.
    pub(super) fn root_of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> ContentRoot {
        let entries: Vec<Entry> = rows.into_iter().map(Row::entry).collect();
        content_root(&entries)
    }

    /// Returns the object that holds the list.
    pub(super) fn encode(&self) -> std::io::Result<Vec<u8>> {
        zstd::encode_all(serde_json::to_vec(self)?.as_slice(), 3)
    }

    /// Reads the list of a version and checks it against the manifest.
    pub(super) async fn read(series: &Series, manifest: &VersionManifest) -> Result<Self, SeriesError> {
        let key = key(series, &manifest.files.key)?;
        let (_, packed) = series.store.get(&key).await?;
        let url = format!("{}/{key}", series.store.url());
        let (expected, content_root) = (manifest.files.sha256, manifest.content_root);
        let frames = manifest.frames.len();
        let read = tokio::task::spawn_blocking(move || {
            let damaged = |because: &str| SeriesError::Damaged { url: url.clone(), because: because.to_owned() };
            if Digest::of(&packed) != expected {
                return Err(damaged("its digest is not the manifest's"));
            }
            let mut text = Vec::new();
            let unpacked =
                zstd::Decoder::new(packed.as_ref()).and_then(|decoder| decoder.take(MAX_BYTES).read_to_end(&mut text));
            unpacked.map_err(|error| damaged(&error.to_string()))?;
            let files: Self = serde_json::from_slice(&text).map_err(|error| damaged(&error.to_string()))?;
            if files.format != FORMAT {
                return Err(damaged("its format is unknown"));
            }
            if Self::root_of(&files.entries) != content_root {
                return Err(damaged("its content root is not the manifest's"));
            }
            if files.entries.iter().filter_map(|row| row.node.frames()).any(|range| range.end > frames) {
                return Err(damaged("it names frames that the manifest does not have"));
            }
            Ok(files)
        });
        let interrupted = SeriesError::Interrupted { url: series.url() };
        read.await.unwrap_or(Err(interrupted))
    }
}
