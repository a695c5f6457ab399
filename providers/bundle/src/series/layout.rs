//! The objects of a series and where they are.

use loam_provider::ObjectKey;
use serde::{Deserialize, Serialize};

use super::{Series, SeriesError, Wanted};
use crate::{
    archive::{AppFacts, CreatedAt, Frame, TarFacts},
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
    let _ = (series, ObjectKey::new("x"));
    Ok(Vec::new())
}

/// Returns the manifest of the version that is meant.
///
/// # Errors
/// When there is none, it is damaged, or the bucket fails.
pub async fn find(series: &Series, wanted: Wanted) -> Result<Found, SeriesError> {
    let _ = wanted;
    Err(SeriesError::NoVersions { url: series.url() })
}
