//! Making files beneath a directory and never outside, whatever the names say.
//!
//! Every folder is opened relative to the root's descriptor with `openat2`, which refuses links and
//! `..` in the kernel; where the kernel has no `openat2`, name by name without following links.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, Mode, OFlags, ResolveFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT},
    io::Errno,
};

use super::unpack::Sink;
use crate::tree::Modified;

/// A directory that is being filled.
#[derive(Debug)]
pub(crate) struct Beneath {
    root: OwnedFd,
    resolution: Resolution,
    /// The folder that was used last: entries are mostly sorted.
    folder: Option<(String, OwnedFd)>,
    file: Option<Filling>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resolution {
    Openat2,
    NameByName,
}

/// A file whose content is arriving.
#[derive(Debug)]
struct Filling {
    file: File,
    bytes: u64,
    /// Whether the last bytes were zeros that were not written.
    ends_with_hole: bool,
}

/// Zeros of this many bytes become a hole.
const HOLE: usize = 64 << 10;

impl Beneath {
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        Self::with(root, Resolution::Openat2)
    }

    pub(crate) fn with(root: &Path, resolution: Resolution) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = rustix::fs::open(root, flags, Mode::empty())?;
        Ok(Self { root, resolution, folder: None, file: None })
    }

    /// Returns the open folder of `path`, and the name in it.
    fn parent<'a>(&mut self, path: &'a str) -> io::Result<(&OwnedFd, &'a str)> {
        let Some((above, name)) = path.rsplit_once('/') else { return Ok((&self.root, path)) };
        if self.folder.as_ref().is_none_or(|(open, _)| open != above) {
            let folder = self.open_folder(above)?;
            self.folder = Some((above.to_owned(), folder));
        }
        match &self.folder {
            Some((_, folder)) => Ok((folder, name)),
            None => Ok((&self.root, name)),
        }
    }

    fn open_folder(&mut self, path: &str) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if self.resolution == Resolution::Openat2 {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            match rustix::fs::openat2(&self.root, path, flags, Mode::empty(), resolve) {
                // Old kernels do not know it, sandboxes forbid it.
                Err(Errno::NOSYS | Errno::PERM) => self.resolution = Resolution::NameByName,
                opened => return Ok(opened?),
            }
        }
        let mut folder = self.root.as_fd().try_clone_to_owned()?;
        for name in path.split('/') {
            if matches!(name, "" | "." | "..") {
                return Err(Errno::XDEV.into());
            }
            folder = rustix::fs::openat(&folder, name, flags, Mode::empty())?;
        }
        Ok(folder)
    }

    /// Fills the file that was begun last by copying another; `copy` returns the length.
    pub(crate) fn fill<E: From<io::Error>>(&mut self, copy: impl FnOnce(&File) -> Result<u64, E>) -> Result<(), E> {
        let Some(filling) = &mut self.file else { return Err(io::Error::from(Errno::BADF).into()) };
        filling.bytes = copy(&filling.file)?;
        Ok(())
    }

    /// Sets the mode and time of the top.
    pub(crate) fn finish_top(&self, mode: u32, modified: Modified) -> io::Result<()> {
        rustix::fs::fchmod(&self.root, Mode::from_raw_mode(mode & 0o777))?;
        Ok(rustix::fs::futimens(&self.root, &times(Some(modified)))?)
    }
}

impl Sink for Beneath {
    fn directory(&mut self, path: &str) -> io::Result<()> {
        let (folder, name) = self.parent(path)?;
        Ok(rustix::fs::mkdirat(folder, name, Mode::RWXU)?)
    }

    fn file(&mut self, path: &str) -> io::Result<()> {
        let (folder, name) = self.parent(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(folder, name, flags, Mode::RUSR | Mode::WUSR)?;
        self.file = Some(Filling { file: file.into(), bytes: 0, ends_with_hole: false });
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(filling) = &mut self.file else { return Err(Errno::BADF.into()) };
        filling.ends_with_hole = bytes.len() >= HOLE && bytes.iter().all(|&byte| byte == 0);
        if filling.ends_with_hole {
            filling.file.seek(SeekFrom::Current(bytes.len() as i64))?;
        } else {
            filling.file.write_all(bytes)?;
        }
        filling.bytes += bytes.len() as u64;
        Ok(())
    }

    fn close(&mut self, mode: u32, modified: Modified) -> io::Result<()> {
        let Some(Filling { file, bytes, ends_with_hole }) = self.file.take() else { return Err(Errno::BADF.into()) };
        if ends_with_hole {
            file.set_len(bytes)?;
        }
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode & 0o777))?;
        Ok(rustix::fs::futimens(&file, &times(Some(modified)))?)
    }

    fn hard_link(&mut self, original: &str, path: &str) -> io::Result<()> {
        let (folder, original_name) = self.parent(original)?;
        let original_folder = folder.try_clone()?;
        let (folder, name) = self.parent(path)?;
        Ok(rustix::fs::linkat(&original_folder, original_name, folder, name, AtFlags::empty())?)
    }

    fn symlink(&mut self, path: &str, target: &str, modified: Modified) -> io::Result<()> {
        let (folder, name) = self.parent(path)?;
        rustix::fs::symlinkat(target, folder, name)?;
        Ok(rustix::fs::utimensat(folder, name, &times(Some(modified)), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    fn finish_directory(&mut self, path: &str, mode: u32, modified: Option<Modified>) -> io::Result<()> {
        self.folder = None;
        let folder = self.open_folder(path)?;
        rustix::fs::fchmod(&folder, Mode::from_raw_mode(mode & 0o777))?;
        Ok(rustix::fs::futimens(&folder, &times(modified))?)
    }
}

/// Returns the times to set; the time of last access is now, and without `modified` both are.
pub(crate) fn times(modified: Option<Modified>) -> Timestamps {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let untouched = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let modified = modified.map_or(untouched, |Modified { seconds, nanoseconds }| Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds.into(),
    });
    Timestamps { last_access: now, last_modification: modified }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn nothing_is_made_through_links_or_outside_whichever_way_names_are_resolved() {
        for resolution in [Resolution::Openat2, Resolution::NameByName] {
            let dir = tempfile::tempdir().unwrap();
            let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
            fs::create_dir_all(root.join("real")).unwrap();
            fs::create_dir(&outside).unwrap();
            fs::write(outside.join("secret"), "secret").unwrap();
            symlink(&outside, root.join("link")).unwrap();
            symlink(outside.join("secret"), root.join("file")).unwrap();
            let mut beneath = Beneath::with(&root, resolution).unwrap();
            assert!(beneath.file("link/x").is_err());
            assert!(beneath.file("real/../../outside/x").is_err());
            assert!(beneath.file("file").is_err());
            assert!(beneath.directory("link/x").is_err());
            assert!(beneath.hard_link("link/secret", "real/x").is_err());
            assert!(beneath.finish_directory("link", 0o777, None).is_err());
            assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
            assert_eq!(fs::read_dir(root.join("real")).unwrap().count(), 0);
            beneath.file("real/x").unwrap();
            beneath.write(b"content").unwrap();
            beneath.close(0o640, Modified { seconds: 7, nanoseconds: 9 }).unwrap();
            assert_eq!(fs::read_to_string(root.join("real/x")).unwrap(), "content");
        }
    }

    #[test]
    fn zeros_become_holes_of_the_right_length() {
        let dir = tempfile::tempdir().unwrap();
        let mut beneath = Beneath::new(dir.path()).unwrap();
        beneath.file("x").unwrap();
        for piece in [vec![0; HOLE], vec![1; 10], vec![0; HOLE * 2]] {
            beneath.write(&piece).unwrap();
        }
        beneath.close(0o600, Modified::default()).unwrap();
        let content = fs::read(dir.path().join("x")).unwrap();
        assert_eq!(content.len(), HOLE * 3 + 10);
        assert_eq!(content.iter().filter(|&&byte| byte == 1).count(), 10);
        assert_eq!(content[HOLE], 1);
    }
}
