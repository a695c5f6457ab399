//! Ctrl-C: how often it was pressed, whatever loam is doing at that moment.
//!
//! One [`Interrupt`] stands for a whole run, because a signal that nobody listens for is lost.

use std::{
    io::{self, BufRead as _, Read},
    sync::mpsc,
    thread,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use super::error::Failure;
use crate::apply::Stop;

/// SIGINT and SIGTERM, counted until it is dropped.
pub(super) struct Interrupt {
    receiver: watch::Receiver<Stop>,
}

impl Interrupt {
    /// Listens from now on. Must be called within a runtime.
    pub(super) fn listen() -> Result<Self, Failure> {
        let (sender, receiver) = watch::channel(Stop::No);
        let mut signals = Signals::listen()?;
        tokio::spawn(async move {
            for stop in [Stop::Finish, Stop::Cancel] {
                tokio::select! {
                    () = signals.next() => {
                        if sender.send(stop).is_err() {
                            return;
                        }
                    }
                    () = sender.closed() => return,
                }
            }
            sender.closed().await;
        });
        Ok(Self { receiver })
    }

    /// Returns what tells a run to stop.
    pub(super) fn stop(&self) -> watch::Receiver<Stop> {
        self.receiver.clone()
    }

    /// Returns a token that is cancelled at the first interrupt, for work that changes nothing.
    pub(super) fn cancel_on_first(&self) -> CancellationToken {
        let cancel = CancellationToken::new();
        let (mut receiver, token) = (self.receiver.clone(), cancel.clone());
        tokio::spawn(async move {
            if receiver.wait_for(|stop| *stop > Stop::No).await.is_ok() {
                token.cancel();
            }
        });
        cancel
    }

    /// Returns standard input, which ends at the first interrupt: a question must not outlive the wish to answer it.
    pub(super) fn typed(&self) -> io::BufReader<Typed> {
        let (sender, line) = mpsc::channel();
        let cancel = self.cancel_on_first();
        let interrupted = sender.clone();
        tokio::spawn(async move {
            cancel.cancelled().await;
            // Where the answer was read already nobody listens.
            let _ = interrupted.send(Vec::new());
        });
        // Reading cannot be called off; the thread ends with the process.
        thread::spawn(move || {
            let mut line = Vec::new();
            let read = io::stdin().lock().read_until(b'\n', &mut line);
            // What cannot be read is no answer; an interrupt may have come first.
            let _ = sender.send(if read.is_ok() { line } else { Vec::new() });
        });
        io::BufReader::new(Typed { line: Some(line), rest: Vec::new() })
    }
}

/// One line of standard input, or nothing after an interrupt.
pub(super) struct Typed {
    line: Option<mpsc::Receiver<Vec<u8>>>,
    rest: Vec<u8>,
}

impl Read for Typed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(line) = self.line.take() {
            self.rest = line.recv().unwrap_or_default();
        }
        let length = self.rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.rest[..length]);
        self.rest.drain(..length);
        Ok(length)
    }
}

/// Waits for SIGINT or SIGTERM.
pub(super) async fn signalled() {
    match Signals::listen() {
        Ok(mut signals) => signals.next().await,
        // Without signals nobody can interrupt.
        Err(_) => std::future::pending().await,
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
