//! What a directory holds: its entries in byte order of path, their digests and the content root.
//!
//! [`index`] walks a directory and hashes every file over the cores. [`Selection`] says which
//! entries count. The reserved folder `.loam` at the top is never part of a tree; sockets and
//! FIFOs hold nothing and are passed over. Start in `walk` if an entry is missing, in `root`
//! if two trees differ that should not.

mod hash;
pub(crate) mod root;
mod selection;
pub(crate) mod walk;

use std::{
    io,
    path::{Path, PathBuf},
};

pub use self::selection::Selection;
pub(crate) use self::{
    hash::{Reading, entry, workers},
    root::{content_root, rooted},
};
use crate::{
    digest::{ContentRoot, Digest},
    pipe::{Cancelled, cancellation},
    progress::Report,
};

/// The folder at the top of a tree in which loam keeps its markers.
pub const RESERVED: &str = ".loam";

/// A directory's entries with their digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// What is beneath the directory, in byte order of path; the directory itself is not in it.
    pub entries: Vec<Entry>,
    /// The digest over paths, kinds, permission bits, contents and link targets.
    pub content_root: ContentRoot,
}

/// One thing in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `/`-separated, relative to the top.
    pub path: String,
    /// The permission bits, `0o777` at most; 0 for symbolic links, which have none.
    pub mode: u32,
    /// When it was last written to.
    pub modified: Modified,
    /// What it is.
    pub node: Node,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// Its length in bytes.
        bytes: u64,
        /// The digest of its content.
        sha256: Digest,
    },
    /// A symbolic link.
    Symlink {
        /// Where it leads, as it is written in the link.
        target: String,
    },
}

/// A modification time: seconds since 1970, which may be negative, and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Modified {
    /// Whole seconds, rounded down.
    pub seconds: i64,
    /// Nanoseconds after them.
    pub nanoseconds: u32,
}

impl Index {
    /// Returns how many regular files there are.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.entries.iter().filter(|entry| matches!(entry.node, Node::File { .. })).count() as u64
    }

    /// Returns the sum of the files' lengths.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries.iter().map(Entry::bytes).sum()
    }
}

impl Entry {
    /// Returns a file's length; 0 for what is no file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match &self.node {
            Node::File { bytes, .. } => *bytes,
            Node::Directory | Node::Symlink { .. } => 0,
        }
    }
}

/// Why a tree cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// There is nothing at the path.
    #[error("directory `{}` does not exist", path.display())]
    Missing { path: PathBuf },
    /// There is something else at the path.
    #[error("`{}` is not a directory", path.display())]
    NotADirectory { path: PathBuf },
    /// Something wrote to the file, or removed it, between two looks at it.
    #[error("`{}` changed while it was read", path.display())]
    Changed { path: PathBuf },
    /// A name that an archive could not be extracted with.
    #[error("`{}` cannot be archived: {because}", path.display())]
    Name { path: PathBuf, because: &'static str },
    /// A device, which no tree may hold.
    #[error("`{}` is a device", path.display())]
    Device { path: PathBuf },
    /// A link that would not be extracted, as it leads out of the tree.
    #[error("symbolic link `{}` leads out of the directory, to `{target}`", path.display())]
    LinkLeadsOut { path: PathBuf, target: String },
    /// A malformed include or exclude pattern.
    #[error("`{pattern}` is not a valid pattern: {because}")]
    Pattern { pattern: String, because: String },
    /// The file system failed.
    #[error("failed to {operation} `{}`", path.display())]
    Io { operation: &'static str, path: PathBuf, source: io::Error },
    /// A thread that read the tree died.
    #[error("reading `{}` was interrupted", path.display())]
    Interrupted { path: PathBuf },
}

/// Walks `directory` and computes every digest, on threads of its own.
///
/// # Errors
/// When the directory is missing, something in it cannot be read or archived, or changes meanwhile.
pub async fn index(directory: &Path, selection: &Selection, report: &Report) -> Result<Index, TreeError> {
    surveyed(directory, selection, report).await.map(|survey| survey.index)
}

/// As [`index`], with what `stat` said.
pub(crate) async fn surveyed(directory: &Path, selection: &Selection, report: &Report) -> Result<Survey, TreeError> {
    let (directory, selection, report) = (directory.to_owned(), selection.clone(), report.clone());
    let interrupted = TreeError::Interrupted { path: directory.clone() };
    let (_guard, cancelled) = cancellation();
    let surveyed = tokio::task::spawn_blocking(move || survey(&directory, &selection, &report, &cancelled));
    surveyed.await.unwrap_or(Err(interrupted))
}

/// A tree that was read, with what `stat` said of its files then.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) directory: PathBuf,
    pub(crate) top: walk::Seen,
    pub(crate) walked: Vec<walk::Walked>,
    pub(crate) index: Index,
}

/// Walks and hashes on this thread and its helpers.
pub(crate) fn survey(
    directory: &Path,
    selection: &Selection,
    report: &Report,
    cancelled: &Cancelled,
) -> Result<Survey, TreeError> {
    let top = walk::top(directory)?;
    let walked = walk::walk(directory, selection)?;
    let index = rooted(hash::entries(directory, &walked, report, cancelled)?);
    Ok(Survey { directory: directory.to_owned(), top, walked, index })
}

#[cfg(test)]
mod tests;
