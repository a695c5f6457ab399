//! How long work says how far it is.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// What a long operation is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Reads a tree to compute its digests.
    Hash,
    /// Reads a tree and writes it to a bucket.
    Pack,
    /// Reads an archive from a bucket, writing nothing.
    Verify,
    /// Reads from a bucket and writes files.
    Extract,
    /// Copies files on this machine.
    Copy,
}

/// How far a long operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Bytes done in this phase.
    pub done: u64,
    /// Bytes to do in this phase, where that is known.
    pub total: Option<u64>,
}

/// Receives progress, from any thread; called once per mebibyte or more, and at the end of a phase.
#[derive(Clone)]
pub struct Report(Option<Arc<dyn Fn(Progress) + Send + Sync>>);

impl Report {
    /// Returns a report that calls `receive`, which must not block.
    pub fn new(receive: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(receive)))
    }

    /// Returns a report that nobody reads.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    pub(crate) fn phase(&self, phase: Phase, total: Option<u64>) -> Meter {
        Meter { report: self.clone(), phase, total, done: Arc::default(), told: Arc::default() }
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Report" } else { "Report(none)" })
    }
}

const STEP: u64 = 1 << 20;

/// Counts the bytes of one phase, from several threads.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    report: Report,
    phase: Phase,
    total: Option<u64>,
    done: Arc<AtomicU64>,
    told: Arc<AtomicU64>,
}

impl Meter {
    pub(crate) fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if done / STEP > self.told.load(Ordering::Relaxed) / STEP {
            self.told.fetch_max(done, Ordering::Relaxed);
            self.tell(done);
        }
    }

    pub(crate) fn end(&self) {
        self.tell(self.done.load(Ordering::Relaxed));
    }

    fn tell(&self, done: u64) {
        if let Some(receive) = &self.report.0 {
            receive(Progress { phase: self.phase, done, total: self.total });
        }
    }
}
