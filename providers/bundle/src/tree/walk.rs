//! Walking a directory: what is there, in byte order of path, without reading files.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::{Modified, RESERVED, Selection, TreeError, selection::Verdict};

/// Most bytes of a path in a tree.
pub(crate) const MAX_PATH: usize = 4096;
/// Most bytes of one name.
pub(crate) const MAX_NAME: usize = 255;

/// What a walk found, before anything is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walked {
    pub(crate) path: String,
    pub(crate) seen: Seen,
    pub(crate) kind: WalkedKind,
}

impl Walked {
    /// Looks at one file.
    pub(crate) fn of_file(directory: &Path, path: &str) -> Result<Self, TreeError> {
        let full = directory.join(path);
        let metadata = fs::symlink_metadata(&full).map_err(|source| io_error("look at", &full, source))?;
        Ok(Self { path: path.to_owned(), seen: Seen::of(&metadata), kind: WalkedKind::File })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WalkedKind {
    Directory,
    File,
    Symlink { target: String },
}

/// What `stat` said; a file that is read must still be the same afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) links: u64,
    pub(crate) bytes: u64,
    pub(crate) mode: u32,
    pub(crate) modified: Modified,
    changed: (i64, i64),
}

impl Seen {
    pub(crate) fn of(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            links: metadata.nlink(),
            bytes: metadata.len(),
            mode: metadata.mode() & 0o777,
            modified: Modified {
                seconds: metadata.mtime(),
                nanoseconds: u32::try_from(metadata.mtime_nsec()).unwrap_or(0),
            },
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Tells whether the content is still what it was; a new hard link changes `ctime` alone.
    pub(crate) fn is_still(&self, now: &Self) -> bool {
        let Self { device, inode, bytes, modified, .. } = *self;
        (device, inode, bytes, modified) == (now.device, now.inode, now.bytes, now.modified)
            && (self.changed == now.changed || self.links != now.links)
    }
}

/// Returns the selected entries beneath `directory`, in byte order of path.
pub(crate) fn walk(directory: &Path, selection: &Selection) -> Result<Vec<Walked>, TreeError> {
    top(directory)?;
    let mut walking = Walking { directory, selection, found: Vec::new() };
    walking.folder("", selection.top())?;
    let mut found = walking.found;
    found.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// Returns what the directory itself is.
pub(crate) fn top(directory: &Path) -> Result<Seen, TreeError> {
    match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => Ok(Seen::of(&metadata)),
        Ok(_) => Err(TreeError::NotADirectory { path: directory.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(TreeError::Missing { path: directory.to_owned() }),
        Err(source) => Err(TreeError::Io { operation: "open", path: directory.to_owned(), source }),
    }
}

struct Walking<'a> {
    directory: &'a Path,
    selection: &'a Selection,
    found: Vec<Walked>,
}

impl Walking<'_> {
    /// Walks the folder at `above` and tells whether anything in it was selected.
    fn folder(&mut self, above: &str, verdict_above: Verdict) -> Result<bool, TreeError> {
        let folder = self.directory.join(above);
        let fail = |source| io_error("list", &folder, source);
        let before = self.found.len();
        for entry in fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name();
            if above.is_empty() && name == RESERVED {
                continue;
            }
            let full = folder.join(&name);
            let metadata = fs::symlink_metadata(&full).map_err(|source| io_error("look at", &full, source))?;
            let Some(name) = name.to_str() else {
                // An excluded name need not be readable, but patterns are text: there is nothing to match.
                return Err(TreeError::Name { path: full, because: "its name is not UTF-8" });
            };
            let path = if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
            self.entry(path, full, &metadata, verdict_above)?;
        }
        Ok(self.found.len() > before)
    }

    fn entry(&mut self, path: String, full: PathBuf, metadata: &fs::Metadata, above: Verdict) -> Result<(), TreeError> {
        let verdict = self.selection.verdict(&path, metadata.is_dir(), above);
        let kind = metadata.file_type();
        if verdict == Verdict::Excluded || kind.is_socket() || kind.is_fifo() {
            return Ok(());
        }
        if kind.is_block_device() || kind.is_char_device() {
            return Err(TreeError::Device { path: full });
        }
        check_path(&path).map_err(|because| TreeError::Name { path: full.clone(), because })?;
        let seen = Seen::of(metadata);
        if kind.is_dir() {
            let has_content = self.folder(&path, verdict)?;
            if verdict == Verdict::Selected || has_content {
                self.found.push(Walked { path, seen, kind: WalkedKind::Directory });
            }
        } else if kind.is_symlink() {
            let target = fs::read_link(&full).map_err(|source| io_error("read link", &full, source))?;
            let target = target.into_os_string().into_string();
            let target = target.map_err(|_| TreeError::Name { path: full, because: "its target is not UTF-8" })?;
            self.found.push(Walked { path, seen, kind: WalkedKind::Symlink { target } });
        } else {
            self.found.push(Walked { path, seen, kind: WalkedKind::File });
        }
        Ok(())
    }
}

pub(crate) fn io_error(operation: &'static str, path: &Path, source: io::Error) -> TreeError {
    match source.kind() {
        // It was there when its folder was listed.
        io::ErrorKind::NotFound => TreeError::Changed { path: path.to_owned() },
        _ => TreeError::Io { operation, path: path.to_owned(), source },
    }
}

/// Checks a path relative to the top of a tree, as archives hold and extract them.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    let bytes = path.as_bytes();
    if path.is_empty() {
        return Err("it has no name");
    }
    if bytes.len() > MAX_PATH {
        return Err("its path is longer than 4096 bytes");
    }
    if bytes.contains(&0) || bytes.contains(&b'\\') {
        return Err("its name has a NUL or a backslash in it");
    }
    if bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
        return Err("its name starts like a drive letter");
    }
    for name in path.split('/') {
        match name {
            "" => return Err("its path is absolute or has an empty name in it"),
            "." | ".." => return Err("its path has a `.` or `..` in it"),
            name if name.len() > MAX_NAME => return Err("its name is longer than 255 bytes"),
            _ => {}
        }
    }
    if path == RESERVED || path.strip_prefix(RESERVED).is_some_and(|rest| rest.starts_with('/')) {
        return Err("`.loam` is reserved for markers");
    }
    Ok(())
}

/// Checks that a symbolic link at `path` leads nowhere but beneath the top.
///
/// `..` may stand only at the start: what it is applied to is then the folder of the link, which is
/// a real one, and never another link, which could lead anywhere.
pub(crate) fn check_link(path: &str, target: &str) -> Result<(), &'static str> {
    if target.is_empty() || target.contains('\0') {
        return Err("its target is empty or has a NUL in it");
    }
    if target.starts_with('/') {
        return Err("its target is absolute");
    }
    let mut height = path.matches('/').count();
    let mut is_descending = false;
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." if is_descending => return Err("its target goes up after going down"),
            ".." => height = height.checked_sub(1).ok_or("its target leads out of the directory")?,
            _ => is_descending = true,
        }
    }
    Ok(())
}
