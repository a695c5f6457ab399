//! The objects of a series and where they are.

use loam_provider::{ETag, ObjectError, ObjectKey};
use serde::{Deserialize, Serialize};

use super::{Cursor, Series, SeriesError, Wanted};
use crate::{
    archive::{AppFacts, CreatedAt, FORMAT, Frame, TarFacts},
    digest::{ContentRoot, Digest},
};

/// `loam-series.json`: written once, when the first version is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesDescriptor {
    /// The format of everything in the series.
    pub format: String,
    /// The last segment of the series' prefix.
    pub series: String,
    /// What published first.
    pub source_id: String,
    /// The digest algorithm.
    pub hash: String,
    /// The rules of the tar streams.
    pub canonical: String,
    /// When the series began.
    pub created_at: CreatedAt,
}

/// `HEAD.json`: a hint at the newest version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The newest version when this was written.
    pub version: u64,
    /// Its manifest's digest.
    pub manifest_sha256: Digest,
    /// Its epoch.
    pub epoch: u64,
    /// When it was published.
    pub published_at: CreatedAt,
}

/// `versions/NNNNNNNN/manifest.json`: the commit of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionManifest {
    /// The format.
    pub format: String,
    /// The last segment of the series' prefix.
    pub series: String,
    /// Grows when the source starts over.
    pub epoch: u64,
    /// The version's number, from 1.
    pub version: u64,
    /// The version it was compared with.
    pub parent: Option<Parent>,
    /// When it was made, by the publisher's clock.
    pub created_at: CreatedAt,
    /// Who published it.
    pub writer: String,
    /// What it was published from.
    pub source_id: String,
    /// What a program said of it.
    #[serde(default)]
    pub app: AppFacts,
    /// The tar stream.
    pub tar: TarFacts,
    /// What the tree holds.
    pub content_root: ContentRoot,
    /// Whether its own pack is the whole stream, and so an ordinary `.tar.zst`.
    pub full: bool,
    /// The packs that its frames are in, its own last.
    pub packs: Vec<Pack>,
    /// The frames of the stream, in order.
    pub frames: Vec<Frame>,
    /// The list of entries, for partial and reusing restores.
    pub files: FilesRef,
    /// How much was stored and how much reused.
    pub stats: Stats,
}

/// The version before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Its number.
    pub version: u64,
    /// Its manifest's digest.
    pub manifest_sha256: Digest,
}

/// A pack that a version uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pack {
    /// Its key, relative to the series.
    pub key: String,
    /// Its digest.
    pub sha256: Digest,
    /// Its length.
    pub bytes: u64,
}

/// Where a version's list of entries is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesRef {
    /// Its key, relative to the series.
    pub key: String,
    /// The object's digest.
    pub sha256: Digest,
    /// The object's length.
    pub bytes: u64,
}

/// What a version cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stats {
    /// Bytes of the version's own pack.
    pub new_bytes: u64,
    /// Compressed bytes of frames that were there already.
    pub reused_bytes: u64,
}

/// A version that was found, with its manifest's digest.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The manifest.
    pub manifest: VersionManifest,
    /// Its digest.
    pub sha256: Digest,
}

/// Returns the numbers of the committed versions, ascending.
///
/// # Errors
/// When the bucket fails.
pub async fn versions(series: &Series) -> Result<Vec<u64>, SeriesError> {
    let prefix = format!("{}/versions/", series.prefix);
    let (mut versions, mut after) = (Vec::new(), None);
    loop {
        let page = series.store.list(&prefix, after.as_deref(), 1000).await?;
        for object in page.objects {
            let number = object.key.as_str().strip_prefix(&prefix).and_then(|rest| rest.strip_suffix("/manifest.json"));
            versions.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    versions.sort_unstable();
    Ok(versions)
}

/// Returns whether something was ever published there.
///
/// # Errors
/// When the bucket fails.
pub async fn is_series(series: &Series) -> Result<bool, SeriesError> {
    Ok(series.store.head(&key(series, DESCRIPTOR)?).await?.is_some())
}

/// Returns the manifest of the version that is meant.
///
/// # Errors
/// When there is none, it is damaged, or the bucket fails.
pub async fn find(series: &Series, wanted: Wanted) -> Result<Found, SeriesError> {
    let url = series.url();
    match wanted {
        Wanted::Newest => newest(series).await?.ok_or(SeriesError::NoVersions { url }),
        Wanted::Version(version) => read(series, version).await?.ok_or(SeriesError::NoSuchVersion { url, version }),
        Wanted::AsOf(time) => {
            let versions = versions(series).await?;
            if versions.is_empty() {
                return Err(SeriesError::NoVersions { url });
            }
            for version in versions.into_iter().rev() {
                if let Some(found) = read(series, version).await?.filter(|found| found.manifest.created_at <= time) {
                    return Ok(found);
                }
            }
            Err(SeriesError::NothingAsOf { url, time })
        }
    }
}

/// Returns the newest version; HEAD only says where to begin looking.
pub(super) async fn newest(series: &Series) -> Result<Option<Found>, SeriesError> {
    let hinted = match head(series).await? {
        Some((head, _)) => read(series, head.version).await?,
        None => None,
    };
    let mut newest = match hinted {
        Some(found) => found,
        None => match versions(series).await?.last() {
            Some(&version) => match read(series, version).await? {
                Some(found) => found,
                None => return Ok(None),
            },
            None => return Ok(None),
        },
    };
    while let Some(next) = read(series, newest.manifest.version + 1).await? {
        newest = next;
    }
    Ok(Some(newest))
}

/// Returns HEAD and its ETag; a HEAD that cannot be read is as good as none.
pub(super) async fn head(series: &Series) -> Result<Option<(Head, ETag)>, SeriesError> {
    match series.store.get(&key(series, HEAD)?).await {
        Ok((meta, text)) => Ok(serde_json::from_slice(&text).ok().map(|head| (head, meta.etag))),
        Err(ObjectError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads the manifest of a version; `None` if it was never committed, or is gone.
pub(super) async fn read(series: &Series, version: u64) -> Result<Option<Found>, SeriesError> {
    let key = key(series, &in_version(version, MANIFEST))?;
    let text = match series.store.get(&key).await {
        Ok((_, text)) => text,
        Err(ObjectError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let url = format!("{}/{key}", series.store.url());
    let malformed = |because| SeriesError::Malformed { url, because };
    let manifest: VersionManifest = match serde_json::from_slice(&text) {
        Ok(manifest) => manifest,
        Err(error) => return Err(malformed(error.to_string())),
    };
    if manifest.format != FORMAT {
        return Err(malformed(format!("its format is `{}` instead of `{FORMAT}`", manifest.format)));
    }
    if manifest.version != version {
        return Err(malformed(format!("it says that it is version {}", manifest.version)));
    }
    Ok(Some(Found { manifest, sha256: Digest::of(&text) }))
}

pub(super) const HEAD: &str = "HEAD.json";
pub(super) const DESCRIPTOR: &str = "loam-series.json";
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const SUMS: &str = "SHA256SUMS";

/// Returns the key, relative to the series, of an object of a version.
pub(super) fn in_version(version: u64, name: &str) -> String {
    format!("versions/{version:08}/{name}")
}

/// Returns the full key of an object of the series.
pub(super) fn key(series: &Series, relative: &str) -> Result<ObjectKey, SeriesError> {
    series.prefix.join(relative).map_err(|error| {
        let (url, because) = (format!("{}/{relative}", series.url()), error.to_string());
        ObjectError::InvalidUrl { url, because }.into()
    })
}

impl Found {
    /// Returns the cursor of a target that holds this version.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor {
            source_id: self.manifest.source_id.clone(),
            epoch: self.manifest.epoch,
            version: self.manifest.version,
            manifest_sha256: self.sha256,
        }
    }
}
