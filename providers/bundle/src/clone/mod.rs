//! Copies a tree into a new directory as fast as the file system can.
//!
//! Each file is reflinked where the file system can, hard-linked if the caller says that its kind is
//! never rewritten, and else copied with its holes, unless [`Blocks`] says otherwise. The copy is built
//! beside the target and renamed.

pub(crate) mod copy;

use std::{
    collections::{
        HashMap,
        hash_map::Entry::{Occupied, Vacant},
    },
    io,
    path::{Path, PathBuf},
};

use crate::{
    extract::{Beneath, Sink},
    fs::{Beside, Failed, Occupancy, occupancy},
    pipe::{Cancelled, cancellation},
    progress::{Phase, Report},
    tree::{
        RESERVED, Selection, TreeError,
        walk::{Seen, Walked, WalkedKind, top, walk},
    },
};

/// Patterns of files that databases write once and never again, so that clones may share them.
pub const NEVER_REWRITTEN: &[&str] = &["*.sst", "*.ldb", "*.parquet", "*.car", "*.blob"];

/// How to clone a tree.
#[derive(Debug, Clone)]
pub struct Cloning {
    /// Whether files share their blocks with their copies until one side writes.
    pub blocks: Blocks,
    /// Which files may be hard-linked where a reflink is impossible; `None` for no file.
    ///
    /// A linked file is one file with two names: whoever writes to it in place changes both.
    pub share: Option<Selection>,
    /// Which entries to leave out.
    pub selection: Selection,
    /// What becomes of the folder `.loam` at the top.
    pub markers: Markers,
}

/// Whether a file shares its blocks with its copy until one side writes: a reflink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// Where the file system can.
    Shared,
    /// Always: a file system that cannot is an error.
    SharedOrFail,
    /// Never: the copy has blocks of its own from the start.
    Own,
}

/// What becomes of the folder `.loam` of a cloned tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markers {
    /// The clone is a tree of its own and has none.
    Drop,
    /// The clone says of itself what the original says.
    Keep,
}

/// What a clone is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cloned {
    /// Files whose blocks are shared until one side writes.
    pub reflinked: u64,
    /// Files that are hard links.
    pub linked: u64,
    /// Files whose bytes were copied.
    pub copied: u64,
    /// The sum of all files' lengths.
    pub bytes: u64,
}

/// Why a tree cannot be cloned.
#[derive(Debug, thiserror::Error)]
pub enum CloneError {
    /// The source.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// There is something at the target.
    #[error("`{}` already exists", target.display())]
    TargetExists { target: PathBuf },
    /// The file system cannot reflink, and nothing else was allowed.
    #[error("the file system of `{}` cannot share blocks with the original", path.display())]
    CannotShare { path: PathBuf },
    /// The file system failed.
    #[error("failed to {operation} `{}`", path.display())]
    Io { operation: &'static str, path: PathBuf, source: io::Error },
    /// A thread that copied died, or the run was cancelled.
    #[error("cloning into `{}` was interrupted", target.display())]
    Interrupted { target: PathBuf },
}

/// Copies the tree at `source` to `target`, which is absent or an empty directory.
///
/// # Errors
/// When the source cannot be read or changes meanwhile, the target exists, or the file system fails.
/// Then the target is as it was.
pub async fn clone(source: &Path, target: &Path, cloning: &Cloning, report: &Report) -> Result<Cloned, CloneError> {
    let beside = Beside::lock(target, "clone").await?;
    let (source, target, cloning, report) = (source.to_owned(), target.to_owned(), cloning.clone(), report.clone());
    let interrupted = CloneError::Interrupted { target: target.clone() };
    let (_guard, cancelled) = cancellation();
    let cloned = tokio::task::spawn_blocking(move || {
        if occupancy(beside.target())? == Occupancy::Taken {
            return Err(CloneError::TargetExists { target });
        }
        let cloned = fill(&source, &beside, &cloning, &report, &cancelled).and_then(|cloned| {
            if beside.take_free_target()? { Ok(cloned) } else { Err(CloneError::TargetExists { target }) }
        });
        if cloned.is_err() {
            // What stays is removed by whoever locks this target next.
            let _ = beside.discard();
        }
        cloned
    });
    cloned.await.unwrap_or(Err(interrupted))
}

/// Fills the staging directory.
fn fill(
    source: &Path,
    beside: &Beside,
    cloning: &Cloning,
    report: &Report,
    cancelled: &Cancelled,
) -> Result<Cloned, CloneError> {
    let top = top(source)?;
    let mut walked = walk(source, &cloning.selection)?;
    if cloning.markers == Markers::Keep {
        walked.extend(markers(source)?);
    }
    beside.create_staging()?;
    let staging = beside.staging();
    let fail = |operation, path: &str| {
        let path = staging.join(path);
        move |source| CloneError::Io { operation, path, source }
    };
    let mut beneath = Beneath::new(staging).map_err(fail("open", ""))?;
    let mut originals: HashMap<(u64, u64), &Walked> = HashMap::new();
    let (mut files, mut linked) = (Vec::new(), Vec::new());
    for entry in &walked {
        match &entry.kind {
            WalkedKind::Directory => beneath.directory(&entry.path).map_err(fail("create", &entry.path))?,
            WalkedKind::Symlink { .. } => {}
            WalkedKind::File if entry.seen.links > 1 => match originals.entry((entry.seen.device, entry.seen.inode)) {
                Occupied(original) => linked.push((*original.get(), entry)),
                Vacant(first) => {
                    first.insert(entry);
                    files.push(entry);
                }
            },
            WalkedKind::File => files.push(entry),
        }
    }
    let total = files.iter().map(|file| file.seen.bytes).sum();
    let meter = report.phase(Phase::Copy, Some(total));
    let mut cloned = copy::files(source, staging, &files, cloning, &meter, cancelled)?;
    for (original, entry) in linked {
        beneath.hard_link(&original.path, &entry.path).map_err(fail("link", &entry.path))?;
        cloned.bytes += entry.seen.bytes;
        cloned.linked += 1;
    }
    for entry in &walked {
        if let WalkedKind::Symlink { target } = &entry.kind {
            beneath.symlink(&entry.path, target, entry.seen.modified).map_err(fail("create", &entry.path))?;
        }
    }
    for entry in walked.iter().rev().filter(|entry| entry.kind == WalkedKind::Directory) {
        let Seen { mode, modified, .. } = entry.seen;
        beneath.finish_directory(&entry.path, mode, Some(modified)).map_err(fail("finish", &entry.path))?;
    }
    beneath.finish_top(top.mode, top.modified).map_err(fail("finish", ""))?;
    meter.end();
    Ok(cloned)
}

/// Returns the entries of the folder that no walk of the tree itself returns.
fn markers(source: &Path) -> Result<Vec<Walked>, CloneError> {
    let folder = source.join(RESERVED);
    let seen = match top(&folder) {
        Ok(seen) => seen,
        Err(TreeError::Missing { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut markers = vec![Walked { path: RESERVED.to_owned(), seen, kind: WalkedKind::Directory }];
    for entry in walk(&folder, &Selection::all())? {
        markers.push(Walked { path: format!("{RESERVED}/{}", entry.path), ..entry });
    }
    Ok(markers)
}

impl From<Failed> for CloneError {
    fn from(Failed { operation, path, source }: Failed) -> Self {
        Self::Io { operation, path, source }
    }
}
