//! The only door through which functions see files.

use std::{
    collections::HashMap,
    fs, io,
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The files that functions may read: those under the project root. Each is read once in a run, so that one plan
/// never sees two contents of a file.
#[derive(Debug)]
pub struct Files {
    base: PathBuf,
    roots: Mutex<Vec<PathBuf>>,
    home: Option<PathBuf>,
    read: Mutex<HashMap<PathBuf, Arc<[u8]>>>,
}

/// What is in a directory.
pub(super) struct Directory {
    /// Where it is, links followed.
    pub(super) real: PathBuf,
    /// Files and directories by name, and whether each is a directory.
    pub(super) entries: Vec<(String, bool)>,
}

/// Why a function may not have a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is outside the project.
    #[error("`{}` is outside the project directory `{}`", path.display(), root.display())]
    Outside { path: PathBuf, root: PathBuf },
    /// It could not be read.
    #[error("failed to read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
}

/// Larger files are refused: an expression holds the whole text in memory.
pub const MAX_FILE_BYTES: u64 = 64 << 20;

impl Files {
    /// Returns the files that expressions may read: paths are taken relative to `base`, the working directory, and
    /// must be inside `root`, the project.
    #[must_use]
    pub fn new(base: impl Into<PathBuf>, root: impl Into<PathBuf>) -> Self {
        Self { base: base.into(), roots: Mutex::new(vec![root.into()]), home: None, read: Mutex::default() }
    }

    /// Also allows what is inside another directory.
    #[must_use]
    pub fn allow(self, root: impl Into<PathBuf>) -> Self {
        self.admit(root);
        self
    }

    /// Also allows what is inside the directory of a module, from now on.
    pub fn admit(&self, root: impl Into<PathBuf>) {
        let root = root.into();
        let mut roots = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        if !roots.contains(&root) {
            roots.push(root);
        }
    }

    /// Says what `~` is.
    #[must_use]
    pub fn home(mut self, home: Option<PathBuf>) -> Self {
        self.home = home;
        self
    }

    /// Returns the bytes of a file.
    ///
    /// # Errors
    /// [`FileError`] with the path as it was found.
    pub fn bytes(&self, path: &str) -> Result<Arc<[u8]>, FileError> {
        let path = self.inside(path)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = read.get(&path) {
            return Ok(bytes.clone());
        }
        let failed = |source| FileError::Read { path: path.clone(), source };
        let size = fs::metadata(&path).map_err(failed)?.len();
        if size > MAX_FILE_BYTES {
            return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than 64 MiB")));
        }
        let bytes: Arc<[u8]> = fs::read(&path).map_err(failed)?.into();
        read.insert(path, bytes.clone());
        Ok(bytes)
    }

    /// Returns whether a file is there. A directory is none.
    ///
    /// # Errors
    /// [`FileError`] where nobody can tell.
    pub fn exists(&self, path: &str) -> Result<bool, FileError> {
        let path = self.inside(path)?;
        match fs::metadata(&path) {
            Ok(found) if found.is_file() => Ok(true),
            Ok(_) => {
                let source = io::Error::other("it is a directory or a special file");
                Err(FileError::Read { path, source })
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
            Err(source) => Err(FileError::Read { path, source }),
        }
    }

    /// Returns the files and directories of a directory, in order, links followed. `None` where there is none.
    ///
    /// # Errors
    /// [`FileError`] with the path as it was found.
    pub(super) fn list(&self, path: &str) -> Result<Option<Directory>, FileError> {
        let path = self.inside(path)?;
        let found = match fs::read_dir(&path) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(source) => return Err(FileError::Read { path, source }),
        };
        let mut entries = Vec::new();
        for entry in found {
            let entry = entry.map_err(|source| FileError::Read { path: path.clone(), source })?;
            let full = entry.path();
            // A link may lead out of the project.
            if !self.allows(&full) {
                continue;
            }
            let kind = fs::metadata(&full).map_err(|source| FileError::Read { path: full, source })?.file_type();
            if let (true, Ok(name)) = (kind.is_file() || kind.is_dir(), entry.file_name().into_string()) {
                entries.push((name, kind.is_dir()));
            }
        }
        entries.sort_unstable();
        Ok(Some(Directory { real: real(&path), entries }))
    }

    /// Returns a path with `~` replaced by the home directory.
    #[must_use]
    pub fn expand(&self, path: &str) -> PathBuf {
        match (&self.home, path.strip_prefix('~')) {
            (Some(home), Some("")) => home.clone(),
            (Some(home), Some(rest)) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
            _ => PathBuf::from(path),
        }
    }

    /// Returns a path from the root of the file system, without `.` and `..`.
    #[must_use]
    pub fn absolute(&self, path: &str) -> PathBuf {
        clean(&self.base.join(path))
    }

    /// Returns where a path leads, if it stays in the project, links followed.
    fn inside(&self, path: &str) -> Result<PathBuf, FileError> {
        let full = clean(&self.base.join(self.expand(path)));
        if self.allows(&full) {
            Ok(full)
        } else {
            let roots = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
            let root = clean(&self.base.join(&roots[0]));
            Err(FileError::Outside { path: full, root })
        }
    }

    /// Returns whether a path, links followed, stays in the project.
    fn allows(&self, path: &Path) -> bool {
        let real = real(path);
        let roots = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        roots.iter().any(|root| real.starts_with(real_root(&clean(&self.base.join(root)))))
    }
}

fn real_root(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Returns a path with links followed as far as it exists.
fn real(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    let mut there = path;
    loop {
        if let Ok(mut real) = there.canonicalize() {
            real.extend(missing.iter().rev());
            return real;
        }
        match (there.parent(), there.file_name()) {
            (Some(parent), Some(name)) => {
                missing.push(name.to_owned());
                there = parent;
            }
            _ => return path.to_owned(),
        }
    }
}

/// Returns a path without `.` and `..`, as text alone tells.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match out.components().next_back() {
                Some(Component::Normal(_)) => {
                    out.pop();
                }
                Some(Component::RootDir) => {}
                _ => out.push(".."),
            },
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => out.push(component),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_project_is_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let project = dir.path().join("project");
        fs::create_dir(&project).expect("created");
        fs::write(project.join("in"), "in").expect("written");
        fs::write(dir.path().join("out"), "out").expect("written");
        std::os::unix::fs::symlink(dir.path().join("out"), project.join("link")).expect("linked");
        let files = Files::new(&project, ".");
        assert_eq!(&*files.bytes("./in").expect("it is inside"), b"in");
        for outside in ["../out", "link", "../missing"] {
            assert!(matches!(files.bytes(outside), Err(FileError::Outside { .. })), "{outside}");
        }
        assert!(matches!(files.bytes("missing"), Err(FileError::Read { .. })));
        assert!(!files.exists("missing").expect("it can be told"));
        assert!(files.exists(".").is_err());
        let both = Files::new(&project, ".").allow("..");
        assert_eq!(&*both.bytes("link").expect("it is allowed"), b"out");
    }

    #[test]
    fn paths_are_cleaned_as_text() {
        for (path, cleaned) in [("a/./b/../c", "a/c"), ("../a", "../a"), ("/..", "/"), ("a/..", "."), ("", ".")] {
            assert_eq!(clean(Path::new(path)), Path::new(cleaned), "{path}");
        }
    }
}
