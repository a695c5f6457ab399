//! Steps on the file system that several operations share: building beside and exchanging.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io::{self, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    fs::{CWD, RenameFlags},
    io::Errno,
};

use crate::digest::Digest;

/// What failed, where, and why; modules turn it into errors of their own.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) operation: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) source: io::Error,
}

/// Names what failed.
pub(crate) fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Failed {
    move |source| Failed { operation, path: path.to_owned(), source }
}

/// What there is at a target before anything is built for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occupancy {
    /// Nothing, or an empty directory.
    Free,
    /// Something else.
    Taken,
}

/// Returns what there is at `target`.
pub(crate) fn occupancy(target: &Path) -> Result<Occupancy, Failed> {
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Occupancy::Free),
        Err(error) => Err(failed("look at", target)(error)),
        Ok(metadata) if !metadata.is_dir() => Ok(Occupancy::Taken),
        Ok(_) => {
            let mut entries = fs::read_dir(target).map_err(failed("list", target))?;
            Ok(if entries.next().is_none() { Occupancy::Free } else { Occupancy::Taken })
        }
    }
}

/// A target under its lock, and the staging directory beside it.
///
/// Dropping it removes the staging directory, unless it was exchanged, and gives the lock back.
#[derive(Debug)]
pub(crate) struct Beside {
    target: PathBuf,
    parent: PathBuf,
    staging: PathBuf,
    lock: Option<(PathBuf, File)>,
}

/// How often a lock that somebody else holds is tried again.
const LOCK_INTERVAL: Duration = Duration::from_millis(50);

impl Beside {
    /// Waits for the target's lock and removes what dead processes left beside it.
    pub(crate) async fn lock(target: &Path, label: &str) -> Result<Self, Failed> {
        let target = std::path::absolute(target).map_err(failed("resolve", target))?;
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(failed("build beside", &target)(io::ErrorKind::InvalidInput.into()));
        };
        let parent = parent.to_owned();
        let lock_path = parent.join(hidden(name, "lock"));
        let lock = loop {
            match try_lock(&parent, &lock_path)? {
                Some(lock) => break lock,
                None => tokio::time::sleep(LOCK_INTERVAL).await,
            }
        };
        let staging = parent.join(hidden(name, label));
        let beside = Self { parent, staging, lock: Some((lock_path, lock)), target };
        let (prefix, target) = (hidden(beside.target.file_name().unwrap_or_default(), ""), beside.target.clone());
        let blocking = tokio::task::spawn_blocking(move || {
            beside.sweep(&prefix)?;
            Ok(beside)
        });
        blocking.await.unwrap_or_else(|error| Err(failed("clean up beside", &target)(io::Error::other(error))))
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    pub(crate) fn parent(&self) -> &Path {
        &self.parent
    }

    pub(crate) fn staging(&self) -> &Path {
        &self.staging
    }

    /// Makes the staging directory, which only this user can enter.
    pub(crate) fn create_staging(&self) -> Result<(), Failed> {
        let created = fs::DirBuilder::new().mode(0o700).create(&self.staging);
        created.map_err(failed("create", &self.staging))
    }

    /// Removes the staging directory.
    pub(crate) fn discard(&self) -> Result<(), Failed> {
        remove_tree(&self.staging).map_err(failed("remove", &self.staging))
    }

    /// Makes the staging directory durable and gives it the target's name; `false` if there is something at the target.
    pub(crate) fn take_free_target(&self) -> Result<bool, Failed> {
        self.sync_staging()?;
        match fs::rename(&self.staging, &self.target) {
            Ok(()) => {}
            // A rename replaces nothing but an empty directory.
            Err(error)
                if matches!(Errno::from_io_error(&error), Some(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR)) =>
            {
                return Ok(false);
            }
            Err(error) => return Err(failed("rename into place", &self.target)(error)),
        }
        sync_directory(&self.parent)?;
        Ok(true)
    }

    /// Makes the staging directory durable, exchanges it for the target, if there is one, and removes that.
    pub(crate) fn exchange_target(&self) -> Result<(), Failed> {
        if self.take_free_target()? {
            return Ok(());
        }
        let fail = |errno: Errno| failed("exchange", &self.target)(errno.into());
        match rustix::fs::renameat_with(CWD, &self.staging, CWD, &self.target, RenameFlags::EXCHANGE) {
            Ok(()) => {}
            Err(Errno::INVAL | Errno::NOSYS) => self.exchange_in_two_steps()?,
            Err(errno) => return Err(fail(errno)),
        }
        sync_directory(&self.parent)?;
        self.discard()
    }

    /// For file systems that cannot exchange: between the steps there is no target, and its lock is held.
    fn exchange_in_two_steps(&self) -> Result<(), Failed> {
        let fail = failed("exchange", &self.target);
        let old = self.parent.join(hidden(self.target.file_name().unwrap_or_default(), "old"));
        if let Err(error) = fs::rename(&self.target, &old) {
            return Err(fail(error));
        }
        if let Err(error) = fs::rename(&self.staging, &self.target) {
            return Err(match fs::rename(&old, &self.target) {
                Ok(()) => fail(error),
                Err(_) => failed("put back", &old)(error),
            });
        }
        fs::rename(&old, &self.staging).map_err(failed("remove", &old))
    }

    /// Makes the staging directory durable, with all that is in it.
    pub(crate) fn sync_staging(&self) -> Result<(), Failed> {
        let fail = |error| failed("write", &self.staging)(error);
        let staging = File::open(&self.staging).map_err(fail)?;
        rustix::fs::syncfs(&staging).map_err(|errno| failed("write", &self.staging)(errno.into()))
    }

    /// Removes what carries this target's hidden names; nobody alive does, as the lock is held.
    fn sweep(&self, prefix: &OsStr) -> Result<(), Failed> {
        let entries = fs::read_dir(&self.parent).map_err(failed("list", &self.parent))?;
        for entry in entries {
            let entry = entry.map_err(failed("list", &self.parent))?;
            let path = entry.path();
            let is_lock = self.lock.as_ref().is_some_and(|(lock, _)| *lock == path);
            if is_lock || !entry.file_name().as_bytes().starts_with(prefix.as_bytes()) {
                continue;
            }
            if path.ends_with(hidden(self.target.file_name().unwrap_or_default(), "old")) && !self.target.exists() {
                // Died between the two steps of an exchange.
                fs::rename(&path, &self.target).map_err(failed("put back", &self.target))?;
            } else {
                remove_tree(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let Some((lock_path, lock)) = self.lock.take() else { return };
        let staging = self.staging.clone();
        let release = move || {
            // What cannot be removed now is removed by whoever locks this target next.
            let _ = remove_tree(&staging);
            let _ = fs::remove_file(&lock_path);
            drop(lock);
        };
        if self.staging.exists() {
            // A large tree, and perhaps the thread of an async task.
            std::thread::spawn(release);
        } else {
            release();
        }
    }
}

/// Returns the hidden name beside a target: `.NAME.loam-LABEL`.
fn hidden(name: &OsStr, label: &str) -> OsString {
    let mut hidden = OsString::from(".");
    if name.len() > 200 {
        hidden.push(Digest::of(name.as_bytes()).short());
    } else {
        hidden.push(name);
    }
    hidden.push(".loam-");
    hidden.push(label);
    hidden
}

/// Takes the lock; `None` if somebody else holds it, or just removed it.
fn try_lock(parent: &Path, path: &Path) -> Result<Option<File>, Failed> {
    fs::create_dir_all(parent).map_err(failed("create", parent))?;
    let fail = |error| failed("lock", path)(error);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(fail(error)),
    }
    // Its last holder may have removed the file between our opening and locking it.
    let held = file.metadata().map_err(fail)?;
    match fs::metadata(path) {
        Ok(named) if (named.dev(), named.ino()) == (held.dev(), held.ino()) => Ok(Some(file)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fail(error)),
    }
}

/// Removes a tree, also one with directories that its owner may not write to.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path)?;
            fs::remove_dir_all(path)
        }
        result => result,
    }
}

fn open_up(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> Result<(), Failed> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(failed("write", path))
}

/// Writes a file beside and renames it, making its folder if need be.
pub(crate) fn write_durably(path: &Path, content: &[u8]) -> Result<(), Failed> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed("create", folder))?;
    let write = || {
        let permissions = Permissions::from_mode(0o644);
        let mut file = tempfile::Builder::new().prefix(".").permissions(permissions).tempfile_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(failed("write", path))
}

/// How much room a file system has; `None` for inodes where they are not counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) bytes: u64,
    pub(crate) inodes: Option<u64>,
}

/// Returns the room of the file system that holds `path`.
pub(crate) fn room(path: &Path) -> Result<Room, Failed> {
    let said = rustix::fs::statvfs(path).map_err(|errno| failed("look at", path)(errno.into()))?;
    Ok(Room { bytes: said.f_bavail.saturating_mul(said.f_frsize), inodes: (said.f_files > 0).then_some(said.f_favail) })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn leftovers_of_dead_processes_are_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("t");
        for leftover in [".t.loam-0123/deep", ".t.loam-old", ".tt.loam-x", "t.loam-x"] {
            fs::create_dir_all(dir.path().join(leftover)).unwrap();
        }
        fs::create_dir(&target).unwrap();
        fs::set_permissions(dir.path().join(".t.loam-0123"), Permissions::from_mode(0o500)).unwrap();
        drop(Beside::lock(&target, "new").await.unwrap());
        let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".tt.loam-x", "t", "t.loam-x"]);
    }

    #[tokio::test]
    async fn a_tree_taken_away_by_half_an_exchange_is_put_back() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".t.loam-old")).unwrap();
        fs::write(dir.path().join(".t.loam-old/file"), "kept").unwrap();
        drop(Beside::lock(&dir.path().join("t"), "new").await.unwrap());
        assert_eq!(fs::read_to_string(dir.path().join("t/file")).unwrap(), "kept");
    }

    #[tokio::test]
    async fn both_ways_of_exchanging_leave_the_new_tree_and_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("t");
        for two_steps in [true, false] {
            fs::create_dir_all(&target).unwrap();
            fs::write(target.join("old"), "").unwrap();
            let beside = Beside::lock(&target, "new").await.unwrap();
            beside.create_staging().unwrap();
            fs::write(beside.staging().join("new"), "").unwrap();
            assert!(!beside.take_free_target().unwrap());
            if two_steps {
                beside.exchange_in_two_steps().unwrap();
                beside.discard().unwrap();
            } else {
                beside.exchange_target().unwrap();
            }
            drop(beside);
            let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(left, ["t"]);
            assert!(target.join("new").exists() && !target.join("old").exists());
            fs::remove_dir_all(&target).unwrap();
        }
    }
}
