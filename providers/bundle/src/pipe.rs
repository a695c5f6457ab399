//! Bytes between async tasks and threads, and how threads learn that nobody waits any more.

use std::{
    io::{self, BufRead, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

/// Set when the future that started the work is gone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Sets its [`Cancelled`] when dropped.
#[derive(Debug)]
pub(crate) struct CancelOnDrop(Cancelled);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Returns a guard for the waiting future and the flag for the thread that it waits for.
pub(crate) fn cancellation() -> (CancelOnDrop, Cancelled) {
    let cancelled = Cancelled::default();
    (CancelOnDrop(cancelled.clone()), cancelled)
}

/// What goes through a pipe: bytes, then one `None`. A pipe that ends without it was cut.
pub(crate) type Item = Option<Bytes>;

/// Reads what is sent into a pipe, on a thread that may block.
#[derive(Debug)]
pub(crate) struct PipeReader {
    receiver: mpsc::Receiver<Item>,
    current: Bytes,
    ended: bool,
}

/// Returns both ends of a pipe that holds at most `pieces` pieces.
pub(crate) fn pipe(pieces: usize) -> (mpsc::Sender<Item>, PipeReader) {
    let (sender, receiver) = mpsc::channel(pieces);
    (sender, PipeReader { receiver, current: Bytes::new(), ended: false })
}

impl PipeReader {
    /// Returns the next piece; `None` at the end.
    pub(crate) fn piece(&mut self) -> io::Result<Option<Bytes>> {
        if !self.current.is_empty() {
            return Ok(Some(std::mem::take(&mut self.current)));
        }
        while !self.ended {
            match self.receiver.blocking_recv() {
                Some(Some(piece)) if piece.is_empty() => {}
                Some(Some(piece)) => return Ok(Some(piece)),
                Some(None) => self.ended = true,
                None => return Err(cut()),
            }
        }
        Ok(None)
    }
}

/// Returns the error of a pipe whose other end went away.
pub(crate) fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, Cut)
}

/// Tells whether `error` only says that the other end went away, and so is not the cause.
pub(crate) fn is_cut(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Cut>())
}

#[derive(Debug, thiserror::Error)]
#[error("the work was interrupted")]
struct Cut;

impl Read for PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for PipeReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.current.is_empty() {
            self.current = self.piece()?.unwrap_or_default();
        }
        Ok(&self.current)
    }

    fn consume(&mut self, count: usize) {
        self.current.advance(count);
    }
}
