//! What has been fetched: `.loam/modules`, and `.loam.lock.json`, which says what commit each branch or tag is.
//!
//! A directory in `.loam/modules` is named by what is in it, appears whole or not at all, and never changes. So any
//! number of processes can read them, and all of them can be removed at any time and fetched again.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use loam_bundle::digest::Digest;
use serde::{Deserialize, Serialize};

use super::{
    InstallError,
    source::{Archive, Package, Repository},
};

/// The file beside the configuration that says which commits are used; it belongs into version control.
pub const LOCK_FILE: &str = ".loam.lock.json";
/// Where what was fetched is kept, from the root module's directory.
pub const DIRECTORY: &str = ".loam/modules";
/// What was fetched for which calls, for people and programs.
const MANIFEST: &str = "modules.json";
/// The formats that this version writes, and the only ones that it reads.
const LOCK_FORMAT: &str = "loam-lock/1";
const MANIFEST_FORMAT: &str = "loam-modules/1";

/// What has been fetched for a configuration.
#[derive(Debug, Clone)]
pub struct Installed {
    base: PathBuf,
    pins: BTreeMap<String, Pin>,
}

/// Which commit a source is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    commit: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockFile {
    format: String,
    modules: BTreeMap<String, Pin>,
}

/// A package that a configuration uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The call that names it, as an address.
    pub address: String,
    /// What is named, without secrets.
    pub source: String,
    /// Where it is, from the root module's directory.
    pub directory: String,
    /// The commit, of a Git repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The checksum, of an archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl Installed {
    /// Reads what has been fetched for the configuration in a directory.
    ///
    /// # Errors
    /// When the lock file is there and cannot be read, or is of another version.
    pub fn read(base: &Path) -> Result<Self, InstallError> {
        let path = base.join(LOCK_FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { base: base.to_owned(), pins: BTreeMap::new() });
            }
            Err(source) => return Err(InstallError::Io { operation: "read", path, source }),
        };
        // A newer format may have other fields: what it is comes first.
        #[derive(Deserialize)]
        struct Format {
            format: String,
        }
        let malformed = |source| InstallError::LockFile { path: path.clone(), source };
        let Format { format } = serde_json::from_slice(&text).map_err(malformed)?;
        if format != LOCK_FORMAT {
            return Err(InstallError::LockFormat { path, format, ours: LOCK_FORMAT });
        }
        let LockFile { modules, .. } = serde_json::from_slice(&text).map_err(malformed)?;
        Ok(Self { base: base.to_owned(), pins: modules })
    }

    /// Returns the commit that a source is, if that is known.
    pub(super) fn commit(&self, repository: &Package) -> Option<String> {
        match repository {
            Package::Archive(_) => None,
            Package::Git(git) => {
                let pinned = git.pinned().map(str::to_ascii_lowercase);
                pinned.or_else(|| self.pins.get(&repository.to_string()).map(|pin| pin.commit.clone()))
            }
        }
    }

    /// Returns where a package is from the root module's directory, if it has been fetched.
    pub(super) fn find(&self, package: &Package) -> Option<PathBuf> {
        let name = self.name(package)?;
        let path = Path::new(DIRECTORY).join(name);
        self.base.join(&path).is_dir().then_some(path)
    }

    /// Returns the name of the directory of a package, once it is known what is in it.
    pub(super) fn name(&self, package: &Package) -> Option<String> {
        match package {
            Package::Git(Repository { url, .. }) => Some(git_name(url, &self.commit(package)?)),
            Package::Archive(Archive { checksum, .. }) => Some(archive_name(checksum.as_ref()?)),
        }
    }

    /// Remembers which commit a source is.
    pub(super) fn pin(&mut self, package: &Package, commit: String) {
        if let Package::Git(git) = package
            && git.pinned().is_none()
        {
            self.pins.insert(package.to_string(), Pin { commit });
        }
    }

    /// Forgets which commits the sources are that are not among these.
    pub(super) fn retain_pins(&mut self, used: &[String]) {
        self.pins.retain(|source, _| used.contains(source));
    }

    /// Writes the lock file, if it says something else. An empty one is not made.
    pub(super) fn write_pins(&self) -> Result<(), InstallError> {
        let path = self.base.join(LOCK_FILE);
        if self.pins.is_empty() && !path.exists() {
            return Ok(());
        }
        let lock = LockFile { format: LOCK_FORMAT.to_owned(), modules: self.pins.clone() };
        replace(&path, &json(&lock))
    }

    /// Writes what was fetched for which calls.
    pub(super) fn write_manifest(&self, entries: &[Entry]) -> Result<(), InstallError> {
        #[derive(Serialize)]
        struct Manifest<'e> {
            format: &'static str,
            modules: &'e [Entry],
        }
        let path = self.directory().join(MANIFEST);
        if entries.is_empty() && !path.exists() {
            return Ok(());
        }
        replace(&path, &json(&Manifest { format: MANIFEST_FORMAT, modules: entries }))
    }

    /// Returns `.loam/modules`.
    pub(super) fn directory(&self) -> PathBuf {
        self.base.join(DIRECTORY)
    }

    /// Waits for the right to fetch, and removes what dead processes left.
    pub(super) fn lock(&self, on_wait: impl FnOnce()) -> Result<File, InstallError> {
        let directory = self.directory();
        let failed = |operation: &'static str, path: &Path| {
            let path = path.to_owned();
            move |source| InstallError::Io { operation, path, source }
        };
        // Only this user looks into `.loam`.
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(failed("create", &directory))?;
        let path = directory.join(".lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(failed("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                on_wait();
                lock.lock().map_err(failed("lock", &path))?;
            }
            Err(fs::TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
        }
        for entry in fs::read_dir(&directory).map_err(failed("list", &directory))? {
            let entry = entry.map_err(failed("list", &directory))?;
            if entry.file_name().to_string_lossy().starts_with(STAGING) {
                fs::remove_dir_all(entry.path()).map_err(failed("remove", &entry.path()))?;
            }
        }
        Ok(lock)
    }

    /// Makes a directory in which something is built beside; it is removed when it is dropped.
    pub(super) fn staging(&self) -> Result<tempfile::TempDir, InstallError> {
        let directory = self.directory();
        let made = tempfile::Builder::new().prefix(STAGING).tempdir_in(&directory);
        made.map_err(|source| InstallError::Io { operation: "create a directory in", path: directory, source })
    }

    /// Gives a tree that was built beside its name. Another of this name has the same content.
    pub(super) fn install(&self, tree: &Path, name: &str) -> Result<(), InstallError> {
        let target = self.directory().join(name);
        match fs::rename(tree, &target) {
            Ok(()) => {}
            Err(_) if target.is_dir() => return Ok(()),
            Err(source) => return Err(InstallError::Io { operation: "rename into place", path: target, source }),
        }
        let directory = self.directory();
        let synced = File::open(&directory).and_then(|directory| directory.sync_all());
        synced.map_err(|source| InstallError::Io { operation: "write", path: directory, source })
    }
}

/// What the names of directories start with that are being built.
const STAGING: &str = ".get-";

/// Returns the name of the directory of a commit.
pub(super) fn git_name(url: &str, commit: &str) -> String {
    named(&["git", url, commit])
}

/// Returns the name of the directory of an archive.
pub(super) fn archive_name(checksum: &Digest) -> String {
    named(&["archive", &checksum.to_string()])
}

fn named(parts: &[&str]) -> String {
    let mut name = Digest::of(parts.join("\0").as_bytes()).to_string();
    name.truncate(32);
    name
}

fn json(value: &impl Serialize) -> String {
    // Strings and maps of strings are always JSON.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// Puts a text in the place of a file, whole or not at all; one that says the same is left alone.
fn replace(path: &Path, text: &str) -> Result<(), InstallError> {
    if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    let failed = |source| InstallError::Io { operation: "write", path: path.to_owned(), source };
    let parent = path.parent().unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(parent).map_err(failed)?;
    beside.write_all(text.as_bytes()).and_then(|()| beside.as_file().sync_all()).map_err(failed)?;
    rustix::fs::fchmod(beside.as_file(), rustix::fs::Mode::from_raw_mode(0o644))
        .map_err(|error| failed(error.into()))?;
    beside.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
