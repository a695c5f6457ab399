//! Copying files: reflinks, hard links, and bytes with their holes.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use rustix::{
    fs::{Mode, SeekFrom},
    io::Errno,
};

use super::{Blocks, CloneError, Cloned, Cloning};
use crate::{
    extract::times,
    pipe::Cancelled,
    progress::Meter,
    tree::{Reading, TreeError, walk::Walked, workers},
};

/// How a file's content got to its copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    Reflink,
    HardLink,
    Bytes,
}

/// Whether a file may be one with its copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Allowed,
    Never,
}

/// Who moves the bytes of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The kernel, which may share blocks all the same.
    Kernel,
    /// We do, so that the copy has blocks of its own.
    Hand,
}

/// Most bytes that are copied at once, between two looks at whether somebody still waits.
const PIECE: u64 = 32 << 20;

/// Copies walked files beneath `source` to the same paths beneath `target`, on all cores.
pub(super) fn files(
    source: &Path,
    target: &Path,
    files: &[&Walked],
    cloning: &Cloning,
    meter: &Meter,
    cancelled: &Cancelled,
) -> Result<Cloned, CloneError> {
    let next = AtomicUsize::new(0);
    let outcome: Mutex<Result<Cloned, CloneError>> = Mutex::new(Ok(Cloned::default()));
    let work = || {
        while let Some(walked) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let sharing = match &cloning.share {
                Some(share) if share.selects(&walked.path, false) => Sharing::Allowed,
                Some(_) | None => Sharing::Never,
            };
            let copied = copy(source, target, walked, (cloning.blocks, sharing), meter, cancelled);
            let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
            match (copied, outcome.as_mut()) {
                (Ok(means), Ok(cloned)) => cloned.count(means, walked.seen.bytes),
                (Err(error), Ok(_)) => {
                    *outcome = Err(error);
                    next.store(files.len(), Ordering::Relaxed);
                }
                (_, Err(_)) => {}
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..workers().min(files.len()) {
            scope.spawn(work);
        }
        work();
    });
    outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Cloned {
    fn count(&mut self, means: Means, bytes: u64) {
        self.bytes += bytes;
        match means {
            Means::Reflink => self.reflinked += 1,
            Means::HardLink => self.linked += 1,
            Means::Bytes => self.copied += 1,
        }
    }
}

fn copy(
    source: &Path,
    target: &Path,
    walked: &Walked,
    (blocks, sharing): (Blocks, Sharing),
    meter: &Meter,
    cancelled: &Cancelled,
) -> Result<Means, CloneError> {
    let reading = Reading::open(source, walked)?;
    let path = target.join(&walked.path);
    let fail = |operation| {
        let path = path.clone();
        move |source: io::Error| CloneError::Io { operation, path, source }
    };
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(fail("create"))?;
    let is_reflinked = match blocks {
        Blocks::Shared | Blocks::SharedOrFail => reflink(reading.file(), &made).map_err(fail("reflink"))?,
        Blocks::Own => false,
    };
    let means = if is_reflinked {
        Means::Reflink
    } else if blocks == Blocks::SharedOrFail && walked.seen.bytes > 0 {
        return Err(CloneError::CannotShare { path: target.to_owned() });
    } else if sharing == Sharing::Allowed && hard_link(reading.path(), &path).map_err(fail("link"))? {
        reading.check()?;
        meter.add(walked.seen.bytes);
        return Ok(Means::HardLink);
    } else {
        let mut go_on = |bytes| {
            meter.add(bytes);
            if cancelled.is_set() { Err(crate::pipe::cut()) } else { Ok(()) }
        };
        let by = match blocks {
            Blocks::Shared | Blocks::SharedOrFail => By::Kernel,
            Blocks::Own => By::Hand,
        };
        bytes(reading.file(), &made, walked.seen.bytes, by, &mut go_on).map_err(fail("write"))?;
        Means::Bytes
    };
    reading.check()?;
    rustix::fs::fchmod(&made, Mode::from_raw_mode(walked.seen.mode)).map_err(|errno| fail("finish")(errno.into()))?;
    let times = times(Some(walked.seen.modified));
    rustix::fs::futimens(&made, &times).map_err(|errno| fail("finish")(errno.into()))?;
    if means == Means::Reflink {
        meter.add(walked.seen.bytes);
    }
    Ok(means)
}

/// Why a content was not copied.
#[derive(Debug)]
pub(crate) enum ContentError {
    Tree(TreeError),
    Io(io::Error),
}

impl From<io::Error> for ContentError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Copies the content of a file that is read from a tree, as cheaply as possible, and checks that it did not change.
pub(crate) fn content(reading: &Reading, made: &File, length: u64) -> Result<(), ContentError> {
    if !reflink(reading.file(), made)? {
        bytes(reading.file(), made, length, By::Kernel, &mut |_| Ok(()))?;
    }
    reading.check().map_err(ContentError::Tree)
}

/// Shares the blocks of `from`; `false` where the file system cannot.
fn reflink(from: &File, to: &File) -> io::Result<bool> {
    match rustix::fs::ioctl_ficlone(to, from) {
        Ok(()) => Ok(true),
        Err(Errno::NOSPC) => Err(Errno::NOSPC.into()),
        // File systems and sandboxes refuse it in many ways; a copy will tell what is really wrong.
        Err(_) => Ok(false),
    }
}

/// Makes `to` a second name of `from`, in place of the empty file that it is; `false` where that cannot be.
fn hard_link(from: &Path, to: &Path) -> io::Result<bool> {
    let mut beside = to.as_os_str().to_owned();
    beside.push(".loam-link");
    match fs::hard_link(from, &beside) {
        Ok(()) => fs::rename(&beside, to).map(|()| true),
        // Another file system, too many links, not ours to link to, a name too long: it is copied instead.
        Err(_) => Ok(false),
    }
}

/// Copies what is data in `from`, and leaves holes where it has some.
fn bytes(from: &File, to: &File, length: u64, by: By, go_on: &mut impl FnMut(u64) -> io::Result<()>) -> io::Result<()> {
    to.set_len(length)?;
    let mut at = 0;
    while at < length {
        let start = match rustix::fs::seek(from, SeekFrom::Data(at)) {
            Ok(start) => start.min(length),
            Err(Errno::NXIO) => length,
            Err(Errno::INVAL | Errno::OPNOTSUPP) => at,
            Err(errno) => return Err(errno.into()),
        };
        go_on(start - at)?;
        let end = match rustix::fs::seek(from, SeekFrom::Hole(start)) {
            Ok(end) => end.min(length),
            Err(Errno::NXIO | Errno::INVAL | Errno::OPNOTSUPP) => length,
            Err(errno) => return Err(errno.into()),
        };
        at = start;
        while at < end {
            let count = range(from, to, at, (end - at).min(PIECE), by)?;
            at += count;
            go_on(count)?;
        }
    }
    Ok(())
}

/// Copies at most `length` bytes at `at` and returns how many.
fn range(from: &File, to: &File, at: u64, length: u64, by: By) -> io::Result<u64> {
    let (mut offset_in, mut offset_out) = (at, at);
    let wanted = usize::try_from(length).unwrap_or(usize::MAX);
    let copied = match by {
        By::Kernel => rustix::fs::copy_file_range(from, Some(&mut offset_in), to, Some(&mut offset_out), wanted),
        By::Hand => Err(Errno::NOSYS),
    };
    match copied {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(count) => Ok(count as u64),
        Err(Errno::XDEV | Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP | Errno::PERM) => {
            let mut buffer = vec![0; wanted.min(1 << 20)];
            let count = from.read_at(&mut buffer, at)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            to.write_all_at(&buffer[..count], at)?;
            Ok(count as u64)
        }
        Err(errno) => Err(errno.into()),
    }
}
