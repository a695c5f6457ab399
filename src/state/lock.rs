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
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        Self {
            pid: std::process::id(),
            started: started(std::process::id()),
            boot_id: boot_id.map(|id| id.trim().to_owned()),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            user: user.into(),
        }
    }

    /// Returns whether it runs on this machine, as far as the system tells.
    fn is_alive(&self) -> bool {
        let Self { pid, started: since, boot_id, host, user: _ } = self;
        let this = Self::this("");
        (boot_id, host) == (&this.boot_id, &this.host) && since.is_some() && *since == started(*pid)
    }
}

/// Returns when a process started, in clock ticks since the machine did.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold anything; the start is the 22nd.
    stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19)?.parse().ok())
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

impl Holder {
    /// Returns who is at work on the state in a directory, for a message: whoever only looks takes no lock.
    #[must_use]
    pub fn at_work(directory: &Path) -> Option<Self> {
        let mut file = File::open(directory.join("lock")).ok()?;
        read_holder(&mut file).filter(|holder| holder.process.is_alive())
    }
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::{
        io::{BufRead as _, BufReader},
        process::{Command, Stdio},
        sync::mpsc,
    };

    use super::*;

    fn holder(command: &str) -> Holder {
        let since = Timestamp::from_second(1_700_000_000).unwrap();
        Holder { process: Process::this("ann"), command: command.into(), since, run: None }
    }

    fn locked_by(error: StateError) -> Option<Holder> {
        match error {
            StateError::Locked { holder, .. } => holder.map(|holder| *holder),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_second_loam_is_told_who_holds_the_lock_since_when() {
        let dir = tempfile::tempdir().unwrap();
        let mut lock = Lock::acquire(dir.path(), holder("apply"), Wait::No).unwrap();
        lock.set_run(RunId(3)).unwrap();
        let error = Lock::acquire(dir.path(), holder("destroy"), Wait::No).unwrap_err();
        let message = error.to_string();
        let host = lock.holder().process.host.clone();
        assert_eq!(
            message,
            format!(
                "the state in `{}` is locked by `loam apply` (run 3) of user `ann` on `{host}`, process {}, since \
                 2023-11-14T22:13:20Z",
                dir.path().display(),
                std::process::id(),
            )
        );
        assert!(error.hint().unwrap().contains("--lock-timeout"));
        assert_eq!(locked_by(error).as_ref(), Some(lock.holder()));
        assert_eq!(Holder::at_work(dir.path()).as_ref(), Some(lock.holder()));
        lock.holder.process.started = Some(1);
        lock.write_holder().unwrap();
        assert_eq!(Holder::at_work(dir.path()), None, "another process of that number holds nothing");
        drop(lock);
        assert_eq!(Holder::at_work(dir.path()), None);
        Lock::acquire(dir.path(), holder("destroy"), Wait::No).unwrap();
    }

    #[test]
    fn waiting_ends_when_the_lock_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::acquire(dir.path(), holder("apply"), Wait::No).unwrap();
        let path = dir.path().to_owned();
        let (begun, beginning) = mpsc::channel();
        let waiting = thread::spawn(move || {
            begun.send(()).unwrap();
            Lock::acquire(&path, holder("destroy"), Wait::For(Duration::from_secs(60)))
        });
        beginning.recv().unwrap();
        drop(lock);
        assert_eq!(waiting.join().unwrap().unwrap().holder().command, "destroy");
    }

    #[test]
    fn waiting_ends_when_the_time_is_up() {
        let dir = tempfile::tempdir().unwrap();
        let _lock = Lock::acquire(dir.path(), holder("apply"), Wait::No).unwrap();
        let error = Lock::acquire(dir.path(), holder("plan"), Wait::For(Duration::from_millis(120))).unwrap_err();
        assert_eq!(locked_by(error).map(|holder| holder.command), Some("apply".into()));
    }

    /// Runs in two processes: this test, and the same test started by itself with a directory to lock.
    #[test]
    fn a_lock_dies_with_its_process() {
        const DIRECTORY: &str = "LOAM_TEST_LOCK";
        if let Some(dir) = std::env::var_os(DIRECTORY) {
            let _lock = Lock::acquire(Path::new(&dir), holder("apply"), Wait::No).unwrap();
            // Not print!, which the test harness would keep to itself.
            std::io::stdout().write_all(b"\nholding\n").unwrap();
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
            panic!("it should have been killed");
        }
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "state::lock::tests::a_lock_dies_with_its_process", "--nocapture"])
            .env(DIRECTORY, dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "holding"));

        let error = Lock::acquire(dir.path(), holder("plan"), Wait::No).unwrap_err();
        let other = locked_by(error).unwrap().process;
        assert_eq!(other.pid, child.id());
        assert_eq!(other.boot_id, Process::this("").boot_id);

        child.kill().unwrap();
        child.wait().unwrap();
        let lock = Lock::acquire(dir.path(), holder("plan"), Wait::No).unwrap();
        assert_eq!(lock.holder().process.pid, std::process::id());
    }

    #[test]
    fn a_process_knows_when_it_started() {
        let this = Process::this("ann");
        assert_eq!(this, Process::this("ann"));
        assert!(this.started.is_some_and(|ticks| ticks > 0), "{this:?}");
        assert!(this.boot_id.is_some_and(|id| id.len() == 36));
    }
}
