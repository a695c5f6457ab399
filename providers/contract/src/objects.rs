//! Buckets as every provider sees them: keys, conditional writes, ranges, uploads in parts.
//!
//! One trait, [`ObjectStore`], is implemented by each provider that owns buckets (a directory,
//! S3, memory in tests). [`Stores`] opens one by URL, so that an archive can be read from a
//! bucket that another provider made. The words are S3's: key, ETag, precondition, multipart.

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use bytes::Bytes;

/// Most bytes a key may have; S3's limit.
pub const MAX_KEY_BYTES: usize = 1024;

/// A bucket-relative object key: `/`-separated, never empty, never leading out of the bucket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

/// Why a string is no [`ObjectKey`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is not a valid object key: {because}")]
pub struct InvalidKey {
    /// The string as it was given.
    pub key: String,
    /// The rule it breaks, as a fragment.
    pub because: &'static str,
}

impl ObjectKey {
    /// Checks a key.
    ///
    /// # Errors
    /// When it is empty, longer than [`MAX_KEY_BYTES`], has an empty, `.` or `..` segment, or a control character.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidKey> {
        let key = key.into();
        let because = if key.is_empty() {
            "it is empty"
        } else if key.len() > MAX_KEY_BYTES {
            "it is longer than 1024 bytes"
        } else if key.chars().any(char::is_control) {
            "it contains a control character"
        } else if key.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            "it has an empty, `.` or `..` segment"
        } else {
            return Ok(Self(key));
        };
        Err(InvalidKey { key, because })
    }

    /// Returns the key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns this key with `/segment` appended.
    ///
    /// # Errors
    /// As [`ObjectKey::new`].
    pub fn join(&self, segment: &str) -> Result<Self, InvalidKey> {
        Self::new(format!("{}/{segment}", self.0))
    }

    /// Returns this key with a suffix such as `.sha256` appended to its last segment.
    ///
    /// # Errors
    /// As [`ObjectKey::new`].
    pub fn with_suffix(&self, suffix: &str) -> Result<Self, InvalidKey> {
        Self::new(format!("{}{suffix}", self.0))
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a store returns for one version of an object's bytes; opaque, compared only for equality.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ETag(pub String);

/// What a store knows of an object without reading its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Its key.
    pub key: ObjectKey,
    /// The body's length in bytes.
    pub bytes: u64,
    /// Changes whenever the body does.
    pub etag: ETag,
    /// When the store last wrote it, by the store's clock.
    pub modified: SystemTime,
    /// User metadata (`x-amz-meta-*` without the prefix). Empty in listings of stores that do not list it.
    pub metadata: BTreeMap<String, String>,
}

/// What has to hold for a write or delete to take place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: the last writer wins.
    Always,
    /// No object has the key (`If-None-Match: *`).
    Absent,
    /// The object still has this ETag (`If-Match`).
    Matches(ETag),
}

/// One page of a listing, in byte order of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The objects of this page.
    pub objects: Vec<ObjectMeta>,
    /// Where the next page starts (pass it as `after`); `None` at the end.
    pub next: Option<String>,
}

/// Why a call on a store failed. `url` is the bucket's URL, `/` and the key.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The key or the bucket does not exist.
    #[error("`{url}` does not exist")]
    NotFound { url: String },
    /// The precondition did not hold, or the range lies outside the object.
    #[error("`{url}` was changed by somebody else, or already exists")]
    PreconditionFailed { url: String },
    /// The store refused these credentials or this operation.
    #[error("access to `{url}` was denied")]
    Denied { url: String, source: Box<dyn std::error::Error + Send + Sync> },
    /// No store answers this URL's scheme.
    #[error("no provider opens `{url}`")]
    UnknownScheme { url: String },
    /// A malformed URL or key.
    #[error("`{url}` is not a bucket or object URL: {because}")]
    InvalidUrl { url: String, because: String },
    /// The store holds no more (disk full, quota).
    #[error("no space left for `{url}`")]
    NoSpace { url: String, source: Box<dyn std::error::Error + Send + Sync> },
    /// Anything else the store or the file system said.
    #[error("failed to {operation} `{url}`")]
    Failed { operation: &'static str, url: String, source: Box<dyn std::error::Error + Send + Sync> },
}

/// A bucket, or a prefix of one, that is open.
///
/// Every method is atomic for its object: readers see the old bytes or the new, never a mixture.
#[async_trait]
pub trait ObjectStore: Send + Sync + fmt::Debug {
    /// Returns the bucket's URL without a trailing slash: `file:///var/bucket`, `s3://name/prefix`.
    fn url(&self) -> &str;

    /// Returns what is known of an object, or `None` if there is none.
    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, ObjectError>;

    /// Returns the bytes of `range` (half-open, in bytes); shorter only where the object ends within it.
    async fn get_range(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, ObjectError>;

    /// Returns a whole small object (manifests, pointers) with what `head` would say of it.
    async fn get(&self, key: &ObjectKey) -> Result<(ObjectMeta, Bytes), ObjectError>;

    /// Writes a whole small object.
    async fn put(
        &self,
        key: &ObjectKey,
        body: Bytes,
        metadata: &BTreeMap<String, String>,
        when: &Precondition,
    ) -> Result<ObjectMeta, ObjectError>;

    /// Starts an upload in parts; nothing is visible before [`Upload::complete`].
    async fn upload(
        &self,
        key: &ObjectKey,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Upload>, ObjectError>;

    /// Lists at most `limit` objects whose keys start with `prefix` and sort after `after`.
    async fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Page, ObjectError>;

    /// Deletes an object; deleting what does not exist succeeds under [`Precondition::Always`].
    async fn delete(&self, key: &ObjectKey, when: &Precondition) -> Result<(), ObjectError>;
}

/// An upload in progress. Dropping it without completing leaves nothing visible.
#[async_trait]
pub trait Upload: Send {
    /// Appends bytes; parts are in order.
    async fn part(&mut self, body: Bytes) -> Result<(), ObjectError>;
    /// Makes the object visible, if `when` holds.
    async fn complete(self: Box<Self>, when: &Precondition) -> Result<ObjectMeta, ObjectError>;
    /// Gives up and removes what was sent.
    async fn abort(self: Box<Self>) -> Result<(), ObjectError>;
}

/// Opens buckets by URL, whoever owns them.
#[async_trait]
pub trait Stores: Send + Sync {
    /// Opens the bucket or prefix at `url`.
    ///
    /// # Errors
    /// [`ObjectError::UnknownScheme`] when no provider answers for it, else what opening it said.
    async fn open(&self, url: &str) -> Result<Arc<dyn ObjectStore>, ObjectError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_lead_out_of_the_bucket_are_refused() {
        for key in ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\nb"] {
            assert!(ObjectKey::new(key).is_err(), "{key:?}");
        }
        assert_eq!(ObjectKey::new("a/..b/c").map(|key| key.to_string()).as_deref(), Ok("a/..b/c"));
    }
}
