//! The manifest beside an archive.

use loam_provider::{ObjectError, ObjectKey};
use serde::{Deserialize, Serialize};

use super::{AppFacts, ArchiveError, CreatedAt, Place};
use crate::{
    codec::Format,
    digest::{ContentRoot, Digest},
};

/// The name of the format of manifests and series.
pub const FORMAT: &str = "loam-bundle/1";

/// What there is to know of an archive without reading it; stored as `KEY.manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// When it was built or adopted.
    pub created_at: CreatedAt,
    /// The archive as an object.
    pub archive: ArchiveFacts,
    /// The tar stream in it.
    pub tar: TarFacts,
    /// What the extracted tree holds.
    pub content_root: ContentRoot,
    /// What a program said of it.
    #[serde(default)]
    pub app: AppFacts,
    /// The zstd frames in order; empty if the archive is not made of independent frames.
    #[serde(default)]
    pub frames: Vec<Frame>,
}

/// An archive as an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveFacts {
    /// The last segment of its key.
    pub name: String,
    /// How it is packed.
    pub compression: Format,
    /// The level it was compressed with; absent if unknown or without meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<i32>,
    /// Its digest.
    pub sha256: Digest,
    /// Its length.
    pub bytes: u64,
}

/// The tar stream in an archive or version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TarFacts {
    /// The digest of the uncompressed stream.
    pub sha256: Digest,
    /// The length of the uncompressed stream.
    pub bytes: u64,
    /// How many regular files it holds, hard links included.
    pub files: u64,
    /// The sum of the files' lengths.
    pub content_bytes: u64,
    /// The rules it was written by; absent for streams that others wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical: Option<String>,
}

/// One frame of a stream; `[pack, offset, clen, ulen, sha256]` in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "FrameRow", into = "FrameRow")]
pub struct Frame {
    /// The object that holds it, relative to the series or to the archive's folder.
    pub pack: std::sync::Arc<str>,
    /// Where it starts in the pack.
    pub offset: u64,
    /// Its compressed length.
    pub compressed: u64,
    /// Its uncompressed length.
    pub uncompressed: u64,
    /// The digest of its uncompressed bytes.
    pub sha256: Digest,
}

#[derive(Serialize, Deserialize)]
struct FrameRow(std::sync::Arc<str>, u64, u64, u64, Digest);

impl From<FrameRow> for Frame {
    fn from(FrameRow(pack, offset, compressed, uncompressed, sha256): FrameRow) -> Self {
        Self { pack, offset, compressed, uncompressed, sha256 }
    }
}

impl From<Frame> for FrameRow {
    fn from(frame: Frame) -> Self {
        Self(frame.pack, frame.offset, frame.compressed, frame.uncompressed, frame.sha256)
    }
}

/// What stands at the end of the key of an archive's manifest.
pub(super) const MANIFEST_SUFFIX: &str = ".manifest.json";

/// Reads the manifest beside the archive at `place`; `None` if there is none.
///
/// # Errors
/// When the bucket fails, or what is there is no manifest of [`FORMAT`].
pub async fn read_manifest(place: &Place) -> Result<Option<Manifest>, ArchiveError> {
    let key = beside(place, MANIFEST_SUFFIX)?;
    match place.store.get(&key).await {
        Ok((_, text)) => parse_manifest(&format!("{}/{key}", place.store.url()), &text).map(Some),
        Err(ObjectError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads a manifest from its text; `url` is where it was found.
///
/// # Errors
/// When it is no manifest of [`FORMAT`].
pub fn parse_manifest(url: &str, text: &[u8]) -> Result<Manifest, ArchiveError> {
    let malformed = |because: String| ArchiveError::Manifest { url: url.to_owned(), because };
    let manifest: Manifest = serde_json::from_slice(text).map_err(|error| malformed(error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(malformed(format!("its format is `{}` instead of `{FORMAT}`", manifest.format)));
    }
    Ok(manifest)
}

/// Returns the key of an object beside an archive.
pub(super) fn beside(place: &Place, suffix: &str) -> Result<ObjectKey, ArchiveError> {
    place.key.with_suffix(suffix).map_err(|error| {
        ObjectError::InvalidUrl { url: format!("{}{suffix}", place.url()), because: error.to_string() }.into()
    })
}

/// Returns the last segment of an archive's key.
pub(super) fn base_name(place: &Place) -> &str {
    let key = place.key.as_str();
    key.rsplit_once('/').map_or(key, |(_, name)| name)
}
