//! A directory as a series of versions in a bucket: publishing, restoring, following.
//!
//! A version is a canonical tar stream cut into frames; its manifest lists the frames in order.
//! Frames of files that an earlier version holds are listed again, not stored again. The manifest,
//! put where none is, is the commit; everything else is written before it under names of its own
//! or can be made again. Start in [`publish`] or [`init`].

mod commit;
mod fetch;
mod files;
mod layout;
mod pack;
mod publish;
mod restore;
mod status;

use std::{io, path::PathBuf, sync::Arc};

use jiff::Timestamp;
use loam_provider::{ObjectError, ObjectKey, ObjectStore};
use serde::{Deserialize, Serialize};

pub use self::{
    layout::{Found, Head, Parent, SeriesDescriptor, VersionManifest, find, is_series, versions},
    publish::{Origin, Publish, Published, publish},
    restore::{Pulled, Restore, init, pull},
    status::{APPLIED_MARKER, Applied, Status, applied, status},
};
use crate::{
    codec::CodecError,
    digest::{ContentRoot, Digest},
    fs::Failed,
    tree::TreeError,
};

/// Where a series is: a bucket and the prefix of its keys.
#[derive(Debug, Clone)]
pub struct Series {
    /// The bucket.
    pub store: Arc<dyn ObjectStore>,
    /// What all its keys start with, before a `/`.
    pub prefix: ObjectKey,
}

impl Series {
    /// Returns the series' URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/{}", self.store.url(), self.prefix)
    }
}

/// Which version a target holds; never derived from local counters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// What publishes the series.
    pub source_id: String,
    /// Grows when the source starts over.
    pub epoch: u64,
    /// The version's number.
    pub version: u64,
    /// The digest of the version's manifest.
    pub manifest_sha256: Digest,
}

/// Which version is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The one with the highest number.
    Newest,
    /// The one with this number.
    Version(u64),
    /// The newest that was made at this time or before.
    AsOf(Timestamp),
}

/// Why a series cannot be published, restored or followed.
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    /// A directory.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The bucket.
    #[error(transparent)]
    Store(#[from] ObjectError),
    /// The compression level.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Nothing was ever published.
    #[error("series `{url}` has no versions")]
    NoVersions { url: String },
    /// The version asked for is not there.
    #[error("series `{url}` has no version {version}")]
    NoSuchVersion { url: String, version: u64 },
    /// Every version is newer than the time asked for.
    #[error("series `{url}` has no version from {time} or before")]
    NothingAsOf { url: String, time: Timestamp },
    /// An initial restore into a directory that has something in it.
    #[error("`{}` is not empty", target.display())]
    NotEmpty { target: PathBuf },
    /// A pull into a directory that no series was restored to.
    #[error("`{}` was not made from a series", target.display())]
    NotFollowing { target: PathBuf },
    /// Somebody changed the target since the last pull.
    #[error("`{}` was changed since version {version} was applied: it holds `{found}` instead of `{expected}`", target.display())]
    Diverged { target: PathBuf, version: u64, expected: ContentRoot, found: ContentRoot },
    /// The series goes on from another source, or started over.
    #[error(
        "series `{url}` was reset: it comes from `{found}` in epoch {found_epoch}, not from `{expected}` in epoch {expected_epoch}"
    )]
    SourceReset { url: String, expected: String, expected_epoch: u64, found: String, found_epoch: u64 },
    /// The version a target holds was replaced by another of the same number.
    #[error("version {version} of series `{url}` is not the one that was applied")]
    Rewritten { url: String, version: u64 },
    /// The newest version is older than the one that was applied, and nobody asked for an older one.
    #[error("series `{url}` went back to version {newest}, before version {applied}, which was applied")]
    WentBack { url: String, newest: u64, applied: u64 },
    /// Another publisher committed versions faster than this one.
    #[error("series `{url}` is written to by another publisher")]
    Contended { url: String },
    /// An object of the series is not what this version reads.
    #[error("`{url}` cannot be read: {because}")]
    Malformed { url: String, because: String },
    /// An object of the series is not what its manifest says.
    #[error("`{url}` is damaged: {because}")]
    Damaged { url: String, because: String },
    /// A pack could not be compressed.
    #[error("failed to compress `{url}`")]
    Compress { url: String, source: io::Error },
    /// The file system has too little room.
    #[error("`{}` needs {needed} bytes, and {available} are free", target.display())]
    NoRoom { target: PathBuf, needed: u64, available: u64 },
    /// The file system failed.
    #[error("failed to {operation} `{}`", path.display())]
    Io { operation: &'static str, path: PathBuf, source: io::Error },
    /// A thread died, or the run was cancelled.
    #[error("work on series `{url}` was interrupted")]
    Interrupted { url: String },
}

impl From<Failed> for SeriesError {
    fn from(Failed { operation, path, source }: Failed) -> Self {
        Self::Io { operation, path, source }
    }
}
