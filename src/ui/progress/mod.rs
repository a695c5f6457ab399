//! What happens, shown while it happens.
//!
//! [`Progress`] hands every event to a thread of its own and returns at once, so that a terminal that is stopped or slow
//! never holds up the engine. The thread draws ([`live`]), writes lines ([`plain`]), or writes JSON lines.

mod live;
mod plain;
mod record;
mod terminal;
#[cfg(test)]
mod tests;
mod words;

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use jiff::Timestamp;
use serde::Serialize;

use self::{live::Live, plain::Plain};
use super::{PrintError, Style, json};
use crate::event::{Event, Reporter};

pub use terminal::{Size, Terminal};

/// Tells the time; passed in, so that what is shown can be told beforehand.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Reports of how far a step has come that wait to be shown; more are dropped, since newer ones follow.
const MOST_WAITING: usize = 1_000;

/// Shows a run as it goes.
pub struct Progress {
    now: Now,
    waiting: Arc<AtomicUsize>,
    sender: Option<Sender<Told>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// An event, and when it happened.
struct Told {
    at: Timestamp,
    event: Event,
}

/// How events are shown.
enum Face {
    Live(Box<Live>),
    Plain(Plain),
    Json(Box<dyn Write + Send>),
}

impl Progress {
    /// Shows events on a terminal, redrawn in place.
    ///
    /// # Errors
    /// [`PrintError::Thread`].
    pub fn live(terminal: Terminal, style: Style, now: Now) -> Result<Self, PrintError> {
        Self::start(Face::Live(Box::new(Live::new(terminal, style))), now)
    }

    /// Shows events as lines.
    ///
    /// # Errors
    /// [`PrintError::Thread`].
    pub fn plain(out: Box<dyn Write + Send>, style: Style, now: Now) -> Result<Self, PrintError> {
        Self::start(Face::Plain(Plain::new(out, style)), now)
    }

    /// Writes events as JSON, one object per line: `schemas/event.json`.
    ///
    /// # Errors
    /// [`PrintError::Thread`].
    pub fn json(out: Box<dyn Write + Send>, now: Now) -> Result<Self, PrintError> {
        Self::start(Face::Json(out), now)
    }

    fn start(face: Face, now: Now) -> Result<Self, PrintError> {
        let (sender, receiver) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let (clock, counter) = (Arc::clone(&now), Arc::clone(&waiting));
        let thread = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || face.run(&receiver, &clock, &counter))
            .map_err(|source| PrintError::Thread { source })?;
        Ok(Self { now, waiting, sender: Some(sender), thread: Some(thread) })
    }

    /// Waits until everything is shown, and clears what was only drawn.
    ///
    /// # Errors
    /// [`PrintError::Write`] where JSON lines were lost.
    pub fn finish(mut self) -> Result<(), PrintError> {
        self.end().map_err(|source| PrintError::Write { source })
    }

    fn end(&mut self) -> io::Result<()> {
        self.sender = None;
        // A thread that panicked has said so itself.
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or(Ok(()))
    }
}

impl Drop for Progress {
    /// Leaves the terminal clean, also when a run ends early.
    fn drop(&mut self) {
        let _ = self.end();
    }
}

impl Reporter for Progress {
    fn event(&mut self, event: &Event) {
        let Some(sender) = &self.sender else { return };
        if is_passing(event) && self.waiting.fetch_add(1, Ordering::Relaxed) >= MOST_WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        // The thread only ends before its channel when it panicked.
        let _ = sender.send(Told { at: (self.now)(), event: event.clone() });
    }
}

/// Returns whether a newer event of the same sort makes this one worthless.
fn is_passing(event: &Event) -> bool {
    matches!(event, Event::StepProgress { .. })
}

impl Face {
    fn run(mut self, receiver: &Receiver<Told>, now: &Now, waiting: &AtomicUsize) -> io::Result<()> {
        let interval = self.interval();
        let mut ticked = now();
        let mut written = Ok(());
        loop {
            match receiver.recv_timeout(interval) {
                Ok(Told { at, event }) => {
                    if is_passing(&event) {
                        waiting.fetch_sub(1, Ordering::Relaxed);
                    }
                    // After the first failure the rest is taken and dropped.
                    written = written.and_then(|()| self.event(&event, at));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let time = now();
            if words::between(ticked, time) >= interval {
                ticked = time;
                self.tick(time);
            }
        }
        self.finish();
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    fn interval(&self) -> Duration {
        match self {
            Self::Live(_) => Duration::from_millis(100),
            Self::Plain(_) => Duration::from_secs(1),
            Self::Json(_) => Duration::from_secs(3600),
        }
    }

    fn event(&mut self, event: &Event, at: Timestamp) -> io::Result<()> {
        match self {
            Self::Live(live) => live.event(event, at),
            Self::Plain(plain) => plain.event(event, at),
            Self::Json(out) => {
                // One write per line, so that a reader never sees half of one.
                let mut line = Vec::new();
                json::line(&mut line, &EventLine { event, at })?;
                return out.write_all(&line).and_then(|()| out.flush());
            }
        }
        Ok(())
    }

    fn tick(&mut self, now: Timestamp) {
        match self {
            Self::Live(live) => live.tick(now),
            Self::Plain(plain) => plain.tick(now),
            Self::Json(_) => {}
        }
    }

    fn finish(self) {
        match self {
            Self::Live(live) => live.finish(),
            Self::Plain(mut plain) => plain.finish(),
            Self::Json(_) => {}
        }
    }
}

#[derive(Serialize)]
struct EventLine<'a> {
    #[serde(flatten)]
    event: &'a Event,
    #[serde(serialize_with = "rfc3339")]
    at: Timestamp,
}

fn rfc3339<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}
