//! One run at a time.
//!
//! The lock is an OS lock on `.loam/lock`. It ends with its process, however that ends, so there is never anything to
//! unlock by hand. Who holds it stands in the file, for the message alone: nothing is decided by what it says.

use std::{
    fmt,
    fs::File,
    io::{Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use super::{RunId, StateError, directory::create_private};

/// A process, told apart from every other one that had or will have its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since the machine did; `None` where the system does not tell.
    pub started: Option<u64>,
    /// Which start of the machine it belongs to; `None` where the system does not tell.
    pub boot_id: Option<String>,
    /// The machine.
    pub host: String,
    /// Who runs it.
    pub user: String,
}

impl Process {
    /// Returns the running process.
    #[must_use]
    pub fn this(user: impl Into<String>) -> Self {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // The second field is the program's name in parentheses and may hold anything; the start is the 22nd.
        let started = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19)?.parse().ok());
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        Self {
            pid: std::process::id(),
            started,
            boot_id: boot_id.map(|id| id.trim().to_owned()),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            user: user.into(),
        }
    }
}

/// Who holds the lock, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub process: Process,
    /// The command it runs: `apply`.
    pub command: String,
    /// Since when.
    pub since: Timestamp,
    /// Its run, once it has begun one.
    pub run: Option<RunId>,
}

/// Writes the holder as it stands in messages.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { process, command, since, run } = self;
        write!(f, "`loam {command}`")?;
        if let Some(run) = run {
            write!(f, " (run {run})")?;
        }
        write!(f, " of user `{}` on `{}`, process {}, since {since:.0}", process.user, process.host, process.pid)
    }
}

/// How long to wait for a lock that another process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    No,
    /// At most this long.
    For(Duration),
}

/// The right to write to the state in a directory; given back when dropped.
#[derive(Debug)]
pub struct Lock {
    directory: PathBuf,
    path: PathBuf,
    file: File,
    holder: Holder,
}

/// How often a lock is tried while waiting for it.
const RETRY: Duration = Duration::from_millis(50);

impl Lock {
    /// Takes the lock of a state's directory, which is made if it is not there.
    ///
    /// # Errors
    /// [`StateError::Locked`] if another process still holds it in the end.
    pub fn acquire(directory: &Path, holder: Holder, wait: Wait) -> Result<Self, StateError> {
        let deadline = match wait {
            Wait::No => None,
            Wait::For(time) => Instant::now().checked_add(time),
        };
        create_private(directory)?;
        let path = directory.join("lock");
        let io = |action: &'static str| {
            let path = path.clone();
            move |source: std::io::Error| StateError::Io { action, path, source }
        };
        // The file is closed on exec, so that a process a provider starts does not keep the lock alive.
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io("open the lock file"))?;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(errno) => return Err(io("lock")(errno.into())),
            }
            let left = deadline.map_or(Duration::ZERO, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                let holder = read_holder(&mut file).map(Box::new);
                return Err(StateError::Locked { path: directory.to_owned(), holder });
            }
            thread::sleep(RETRY.min(left));
        }
        let mut lock = Self { directory: directory.to_owned(), path: path.clone(), file, holder };
        lock.write_holder()?;
        Ok(lock)
    }

    /// Returns the directory it is the lock of.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns who holds it.
    #[must_use]
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Lets others see for which run it is held.
    pub(super) fn set_run(&mut self, run: RunId) -> Result<(), StateError> {
        self.holder.run = Some(run);
        self.write_holder()
    }

    fn write_holder(&mut self) -> Result<(), StateError> {
        let text = serde_json::to_string(&self.holder).expect("a holder is JSON");
        let written =
            self.file.set_len(0).and_then(|()| self.file.rewind()).and_then(|()| self.file.write_all(text.as_bytes()));
        written.map_err(|source| StateError::Io { action: "write the lock file", path: self.path.clone(), source })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The next holder writes its own name; until then nobody's should stand there.
        drop(self.file.set_len(0));
    }
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
