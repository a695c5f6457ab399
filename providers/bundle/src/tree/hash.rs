//! Reading files: in pieces, checked against what the walk saw, hashed over the cores.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    num::NonZero,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use rustix::fs::OFlags;

use super::{
    Entry, Node, TreeError,
    walk::{Seen, Walked, WalkedKind, io_error},
};
use crate::{
    digest::{Digest, Hashing},
    pipe::Cancelled,
    progress::{Meter, Phase, Report},
};

const BUFFER: usize = 256 << 10;

/// A file of a tree that is being read: no byte more or less than the walk saw.
#[derive(Debug)]
pub(crate) struct Reading {
    file: File,
    path: PathBuf,
    seen: Seen,
    left: u64,
}

impl Reading {
    /// Opens a walked file.
    pub(crate) fn open(directory: &Path, walked: &Walked) -> Result<Self, TreeError> {
        let path = directory.join(&walked.path);
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(&path);
        let file = opened.map_err(|source| io_error("open", &path, source))?;
        let reading = Self { file, path, seen: walked.seen, left: walked.seen.bytes };
        reading.check()?;
        Ok(reading)
    }

    /// Fills `buffer` from the file; less only at its end, where the file is checked once more.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, TreeError> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.file.read_exact(&mut buffer[..wanted]).map_err(|source| match source.kind() {
            std::io::ErrorKind::UnexpectedEof => TreeError::Changed { path: self.path.clone() },
            _ => io_error("read", &self.path, source),
        })?;
        self.left -= wanted as u64;
        if self.left == 0 {
            self.check()?;
        }
        Ok(wanted)
    }

    /// Returns the open file, at its start unless something was read.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that the file is still what the walk saw.
    pub(crate) fn check(&self) -> Result<(), TreeError> {
        let metadata = self.file.metadata().map_err(|source| io_error("look at", &self.path, source))?;
        if metadata.is_file() && self.seen.is_still(&Seen::of(&metadata)) {
            Ok(())
        } else {
            Err(TreeError::Changed { path: self.path.clone() })
        }
    }
}

/// Returns the walked entries with their digests.
pub(crate) fn entries(
    directory: &Path,
    walked: &[Walked],
    report: &Report,
    cancelled: &Cancelled,
) -> Result<Vec<Entry>, TreeError> {
    let files: Vec<usize> = (0..walked.len()).filter(|&at| walked[at].kind == WalkedKind::File).collect();
    let total = files.iter().map(|&at| walked[at].seen.bytes).sum();
    let meter = report.phase(Phase::Hash, Some(total));
    let digests = Mutex::new(vec![None; walked.len()]);
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let work = || {
        let mut buffer = vec![0; BUFFER];
        while let Some(&at) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            match digest(directory, &walked[at], &mut buffer, &meter, cancelled) {
                Ok(digest) => digests.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(digest),
                Err(error) => {
                    next.store(files.len(), Ordering::Relaxed);
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..workers().min(files.len()) {
            scope.spawn(work);
        }
        work();
    });
    if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    meter.end();
    let digests = digests.into_inner().unwrap_or_else(PoisonError::into_inner);
    walked.iter().zip(digests).map(|(walked, digest)| entry(directory, walked, digest)).collect()
}

/// Returns how many threads compute at once.
pub(crate) fn workers() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Returns the entry of what was walked; `digest` is a file's.
pub(crate) fn entry(directory: &Path, walked: &Walked, digest: Option<Digest>) -> Result<Entry, TreeError> {
    let Seen { mode, modified, bytes, .. } = walked.seen;
    let (mode, node) = match (&walked.kind, digest) {
        (WalkedKind::Directory, _) => (mode, Node::Directory),
        (WalkedKind::Symlink { target }, _) => (0, Node::Symlink { target: target.clone() }),
        (WalkedKind::File, Some(sha256)) => (mode, Node::File { bytes, sha256 }),
        (WalkedKind::File, None) => return Err(TreeError::Interrupted { path: directory.join(&walked.path) }),
    };
    Ok(Entry { path: walked.path.clone(), mode, modified, node })
}

fn digest(
    directory: &Path,
    walked: &Walked,
    buffer: &mut [u8],
    meter: &Meter,
    cancelled: &Cancelled,
) -> Result<Digest, TreeError> {
    let mut reading = Reading::open(directory, walked)?;
    let mut hashing = Hashing::default();
    loop {
        let count = reading.fill(buffer)?;
        if count == 0 {
            return Ok(hashing.finish().0);
        }
        if cancelled.is_set() {
            return Err(TreeError::Interrupted { path: directory.to_owned() });
        }
        hashing.update(&buffer[..count]);
        meter.add(count as u64);
    }
}
