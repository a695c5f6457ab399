//! A bucket that is a directory: every object is a plain file of its key's name.
//!
//! Bytes are written beside, under `.loam-tmp`, made durable and then given their name, by a link
//! where nothing may be there yet and by a rename otherwise. Renames, deletes and metadata happen
//! under one OS lock per bucket. Readers take no lock.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read, Write},
    ops::Range,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use async_trait::async_trait;
use bytes::Bytes;
use loam_provider::{ETag, ObjectError, ObjectKey, ObjectMeta, ObjectStore, Page, Precondition, Upload};
use rustix::fs::OFlags;
use tempfile::NamedTempFile;

use super::{listing, sidecar, url};

/// Names that start with this are the store's own: never keys, never listed.
pub(super) const RESERVED: &str = ".loam-";
const TEMPORARY: &str = ".loam-tmp";
const LOCK: &str = ".loam-meta/lock";

/// A bucket that is a directory of this machine.
#[derive(Debug, Clone)]
pub struct Directory(Arc<Bucket>);

#[derive(Debug)]
pub(super) struct Bucket {
    root: PathBuf,
    url: String,
    swept: OnceLock<()>,
}

impl Directory {
    /// Opens the bucket in a directory that exists.
    ///
    /// # Errors
    /// When the URL is no `file:` URL, or there is no directory.
    pub fn open(url: &str) -> Result<Self, ObjectError> {
        Self::at(&url::path_of(url)?)
    }

    /// Opens the bucket at a path; it must be an existing directory.
    ///
    /// # Errors
    /// When there is none.
    pub fn at(path: &Path) -> Result<Self, ObjectError> {
        let root = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let url = url::file_url(&root);
        match fs::metadata(&root) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => {
                return Err(ObjectError::InvalidUrl { url, because: "there is a file and no directory".to_owned() });
            }
            Err(error) => return Err(failed("open", &url, error)),
        }
        Ok(Self(Arc::new(Bucket { root, url, swept: OnceLock::new() })))
    }

    /// Makes the directory, with its parents, if it does not exist, and opens it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path) -> Result<Self, ObjectError> {
        let root = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        fs::create_dir_all(&root).map_err(|error| failed("create", &url::file_url(&root), error))?;
        Self::at(&root)
    }

    /// Removes the bucket with the store's own folders.
    ///
    /// # Errors
    /// When there are objects, or anything else, in it; then everything stays.
    pub fn remove(&self) -> Result<(), ObjectError> {
        let bucket = &self.0;
        let fail = |error| failed("remove", &bucket.url, error);
        {
            let _lock = bucket.lock()?;
            for entry in fs::read_dir(&bucket.root).map_err(fail)? {
                if !entry.map_err(fail)?.file_name().to_string_lossy().starts_with(RESERVED) {
                    return Err(fail(io::Error::from(io::ErrorKind::DirectoryNotEmpty)));
                }
            }
            for name in [TEMPORARY, sidecar::FOLDER] {
                match fs::remove_dir_all(bucket.root.join(name)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
                    Ok(()) | Err(_) => {}
                }
            }
        }
        fs::remove_dir(&bucket.root).map_err(fail)
    }

    /// Runs `work` on a thread that may block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Bucket) -> Result<T, ObjectError> + Send + 'static,
    ) -> Result<T, ObjectError> {
        let bucket = Arc::clone(&self.0);
        let url = self.0.url.clone();
        match tokio::task::spawn_blocking(move || work(&bucket)).await {
            Ok(result) => result,
            Err(source) => Err(ObjectError::Failed { operation: "reach", url, source: Box::new(source) }),
        }
    }
}

#[async_trait]
impl ObjectStore for Directory {
    fn url(&self) -> &str {
        &self.0.url
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, ObjectError> {
        let key = key.clone();
        self.blocking(move |bucket| bucket.head(&key)).await
    }

    async fn get_range(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let key = key.clone();
        self.blocking(move |bucket| bucket.get_range(&key, range)).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<(ObjectMeta, Bytes), ObjectError> {
        let key = key.clone();
        self.blocking(move |bucket| bucket.get(&key)).await
    }

    async fn put(
        &self,
        key: &ObjectKey,
        body: Bytes,
        metadata: &BTreeMap<String, String>,
        when: &Precondition,
    ) -> Result<ObjectMeta, ObjectError> {
        let (key, metadata, when) = (key.clone(), metadata.clone(), when.clone());
        self.blocking(move |bucket| {
            let mut file = bucket.temporary(&key)?;
            file.write_all(&body).map_err(|error| failed("write", &bucket.url_of(&key), error))?;
            bucket.publish(&key, file, &metadata, &when)
        })
        .await
    }

    async fn upload(
        &self,
        key: &ObjectKey,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Upload>, ObjectError> {
        let asked = key.clone();
        let file = self.blocking(move |bucket| bucket.temporary(&asked)).await?;
        Ok(Box::new(Writing { store: self.clone(), key: key.clone(), metadata: metadata.clone(), file: Some(file) }))
    }

    async fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Page, ObjectError> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.blocking(move |bucket| {
            listing::page(&bucket.root, &prefix, after.as_deref(), limit)
                .map_err(|(path, error)| failed("list", &url::file_url(&path), error))
        })
        .await
    }

    async fn delete(&self, key: &ObjectKey, when: &Precondition) -> Result<(), ObjectError> {
        let (key, when) = (key.clone(), when.clone());
        self.blocking(move |bucket| bucket.delete(&key, &when)).await
    }
}

struct Writing {
    store: Directory,
    key: ObjectKey,
    metadata: BTreeMap<String, String>,
    /// Absent after a write failed: what was sent is then removed already.
    file: Option<NamedTempFile>,
}

impl Writing {
    fn gone(&self) -> ObjectError {
        failed("write", &self.store.0.url_of(&self.key), io::Error::other("an earlier part failed"))
    }
}

#[async_trait]
impl Upload for Writing {
    async fn part(&mut self, body: Bytes) -> Result<(), ObjectError> {
        let mut file = self.file.take().ok_or_else(|| self.gone())?;
        let key = self.key.clone();
        let written = self.store.blocking(move |bucket| match file.write_all(&body) {
            Ok(()) => Ok(file),
            Err(error) => Err(failed("write", &bucket.url_of(&key), error)),
        });
        self.file = Some(written.await?);
        Ok(())
    }

    async fn complete(mut self: Box<Self>, when: &Precondition) -> Result<ObjectMeta, ObjectError> {
        let file = self.file.take().ok_or_else(|| self.gone())?;
        let (key, metadata, when) = (self.key.clone(), std::mem::take(&mut self.metadata), when.clone());
        self.store.blocking(move |bucket| bucket.publish(&key, file, &metadata, &when)).await
    }

    async fn abort(mut self: Box<Self>) -> Result<(), ObjectError> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let key = self.key.clone();
        let removed = move |bucket: &Bucket| {
            file.close().map_err(|error| failed("abort the upload of", &bucket.url_of(&key), error))
        };
        self.store.blocking(removed).await
    }
}

impl Bucket {
    fn url_of(&self, key: &ObjectKey) -> String {
        format!("{}/{key}", self.url)
    }

    fn path_of(&self, key: &ObjectKey) -> Result<PathBuf, ObjectError> {
        if key.as_str().split('/').any(|segment| segment.starts_with(RESERVED)) {
            let because = format!("names that start with `{RESERVED}` are reserved");
            return Err(ObjectError::InvalidUrl { url: self.url_of(key), because });
        }
        Ok(self.root.join(key.as_str()))
    }

    /// Returns the object's file and what it is; directories, links and devices are no objects.
    fn opened(&self, key: &ObjectKey) -> Result<Option<(File, Metadata)>, ObjectError> {
        let path = self.path_of(key)?;
        let fail = |error| failed("open", &self.url_of(key), error);
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(&path);
        let file = match opened {
            Ok(file) => file,
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        let metadata = file.metadata().map_err(fail)?;
        Ok(metadata.is_file().then_some((file, metadata)))
    }

    fn existing(&self, key: &ObjectKey) -> Result<(File, Metadata), ObjectError> {
        self.opened(key)?.ok_or_else(|| ObjectError::NotFound { url: self.url_of(key) })
    }

    fn described(&self, key: &ObjectKey, metadata: &Metadata) -> ObjectMeta {
        let described = describe(key.clone(), metadata);
        let user = sidecar::read(&self.root, key, &described.etag);
        ObjectMeta { metadata: user, ..described }
    }

    fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, ObjectError> {
        Ok(self.opened(key)?.map(|(_, metadata)| self.described(key, &metadata)))
    }

    fn get(&self, key: &ObjectKey) -> Result<(ObjectMeta, Bytes), ObjectError> {
        let (mut file, metadata) = self.existing(key)?;
        let mut body = Vec::new();
        file.read_to_end(&mut body).map_err(|error| failed("read", &self.url_of(key), error))?;
        Ok((self.described(key, &metadata), body.into()))
    }

    fn get_range(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let (file, metadata) = self.existing(key)?;
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        if range.start >= metadata.len() {
            return Err(ObjectError::PreconditionFailed { url: self.url_of(key) });
        }
        let fail = |error| failed("read", &self.url_of(key), error);
        let bytes = range.end.min(metadata.len()) - range.start;
        let mut body = vec![0; usize::try_from(bytes).map_err(|error| fail(io::Error::other(error)))?];
        file.read_exact_at(&mut body, range.start).map_err(fail)?;
        Ok(body.into())
    }

    /// Makes a file beside the objects, locked for as long as it is open, so that it is known to be in use.
    fn temporary(&self, key: &ObjectKey) -> Result<NamedTempFile, ObjectError> {
        self.path_of(key)?;
        let fail = |error| failed("write", &self.url_of(key), error);
        let folder = self.root.join(TEMPORARY);
        let _lock = self.lock()?;
        fs::create_dir_all(&folder).map_err(fail)?;
        if self.swept.set(()).is_ok() {
            sweep(&folder).map_err(fail)?;
        }
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        let file = tempfile::Builder::new().prefix("").permissions(permissions).tempfile_in(&folder).map_err(fail)?;
        file.as_file().lock().map_err(fail)?;
        Ok(file)
    }

    /// Gives a temporary file its key, if `when` holds.
    fn publish(
        &self,
        key: &ObjectKey,
        file: NamedTempFile,
        metadata: &BTreeMap<String, String>,
        when: &Precondition,
    ) -> Result<ObjectMeta, ObjectError> {
        let path = self.path_of(key)?;
        let fail = |error| failed("write", &self.url_of(key), error);
        file.as_file().sync_all().map_err(fail)?;
        let _lock = self.lock()?;
        self.check(key, when)?;
        let parent = path.parent().unwrap_or(&self.root);
        let made = self.create_parents(parent).map_err(fail)?;
        // The name does not enter the ETag, so that the metadata can be there before the object is.
        let described = describe(key.clone(), &file.as_file().metadata().map_err(fail)?);
        sidecar::write(&self.root, TEMPORARY, key, &described.etag, metadata).map_err(fail)?;
        let named = match when {
            Precondition::Absent => file.persist_noclobber(&path),
            Precondition::Always | Precondition::Matches(_) => file.persist(&path),
        };
        if let Err(error) = named {
            self.prune(parent);
            return Err(match error.error.kind() {
                io::ErrorKind::AlreadyExists => ObjectError::PreconditionFailed { url: self.url_of(key) },
                _ => fail(error.error),
            });
        }
        for folder in made.iter().map(PathBuf::as_path).chain([parent]) {
            sync_directory(folder).map_err(fail)?;
        }
        Ok(ObjectMeta { metadata: metadata.clone(), ..described })
    }

    fn delete(&self, key: &ObjectKey, when: &Precondition) -> Result<(), ObjectError> {
        let path = self.path_of(key)?;
        let fail = |error| failed("delete", &self.url_of(key), error);
        // Nothing to delete is no reason to write a lock file into a bucket.
        if self.opened(key)?.is_none() {
            return match when {
                Precondition::Always | Precondition::Absent => Ok(()),
                Precondition::Matches(_) => Err(ObjectError::PreconditionFailed { url: self.url_of(key) }),
            };
        }
        let _lock = self.lock()?;
        self.check(key, when)?;
        match fs::remove_file(&path) {
            Err(error) if !is_absence(&error) => return Err(fail(error)),
            Ok(()) | Err(_) => {}
        }
        sidecar::remove(&self.root, key).map_err(fail)?;
        let parent = path.parent().unwrap_or(&self.root);
        sync_directory(self.prune(parent)).map_err(fail)
    }

    fn check(&self, key: &ObjectKey, when: &Precondition) -> Result<(), ObjectError> {
        let holds = match when {
            Precondition::Always => true,
            Precondition::Absent => self.opened(key)?.is_none(),
            Precondition::Matches(etag) => {
                self.opened(key)?.is_some_and(|(_, metadata)| describe(key.clone(), &metadata).etag == *etag)
            }
        };
        if holds { Ok(()) } else { Err(ObjectError::PreconditionFailed { url: self.url_of(key) }) }
    }

    /// Takes the bucket's lock; it is given back when the file is closed, also by a process that dies.
    fn lock(&self) -> Result<File, ObjectError> {
        let fail = |error| failed("lock", &self.url, error);
        let path = self.root.join(LOCK);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(fail)?;
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(fail)?;
        file.lock().map_err(fail)?;
        Ok(file)
    }

    /// Makes the folders down to `folder` and returns those above the ones that are new.
    fn create_parents(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut above = Vec::new();
        let mut missing = folder;
        while missing != self.root && !missing.exists() {
            let Some(parent) = missing.parent() else { break };
            above.push(parent.to_owned());
            missing = parent;
        }
        fs::create_dir_all(folder)?;
        Ok(above)
    }

    /// Removes the empty folders from `folder` up to the root and returns the first that stays.
    fn prune<'a>(&self, mut folder: &'a Path) -> &'a Path {
        while folder != self.root && fs::remove_dir(folder).is_ok() {
            let Some(parent) = folder.parent() else { break };
            folder = parent;
        }
        folder
    }
}

/// Removes temporary files that nobody holds a lock on: their writers are dead.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock().is_ok() {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

pub(super) fn describe(key: ObjectKey, metadata: &Metadata) -> ObjectMeta {
    let etag = format!("{:x}-{:x}-{:x}{:09}", metadata.len(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec());
    ObjectMeta {
        key,
        bytes: metadata.len(),
        etag: ETag(etag),
        modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        metadata: BTreeMap::new(),
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Tells whether `error` says that there is no object: neither at the key nor where its folder would be.
fn is_absence(error: &io::Error) -> bool {
    let no_object = [rustix::io::Errno::LOOP, rustix::io::Errno::NXIO, rustix::io::Errno::ISDIR];
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        || rustix::io::Errno::from_io_error(error).is_some_and(|errno| no_object.contains(&errno))
}

/// Turns what the file system said into what a store says.
pub(super) fn failed(operation: &'static str, url: &str, error: io::Error) -> ObjectError {
    let url = url.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => ObjectError::NotFound { url },
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ObjectError::NoSpace { url, source: Box::new(error) }
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ObjectError::Denied { url, source: Box::new(error) }
        }
        _ => ObjectError::Failed { operation, url, source: Box::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn a_full_disk_and_a_forbidden_one_are_told_apart() {
        let said = |errno: Errno| failed("write", "file:///x", errno.into());
        for full in [Errno::NOSPC, Errno::DQUOT] {
            assert!(matches!(said(full), ObjectError::NoSpace { .. }));
        }
        for forbidden in [Errno::ACCESS, Errno::PERM, Errno::ROFS] {
            assert!(matches!(said(forbidden), ObjectError::Denied { .. }));
        }
        assert!(matches!(said(Errno::NOENT), ObjectError::NotFound { .. }));
        assert!(matches!(said(Errno::IO), ObjectError::Failed { operation: "write", .. }));
    }
}
