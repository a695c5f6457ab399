//! Archives of directories in buckets: building them, and adopting what others built.
//!
//! An archive is one object with two beside it: `KEY.sha256`, which `sha256sum -c` accepts, and
//! `KEY.manifest.json`, a [`Manifest`]. Nothing that exists is ever overwritten. Start in [`build`].

mod adopt;
mod build;
mod deposit;
pub(crate) mod encode;
pub(crate) mod frames;
mod manifest;
mod produce;
mod secrets;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use loam_provider::{ObjectError, ObjectKey, ObjectStore};

pub use self::{
    adopt::{Adopt, adopt},
    build::{Build, Built, Outcome, Output, build},
    manifest::{ArchiveFacts, FORMAT, Frame, Manifest, TarFacts, parse_manifest, read_manifest},
    secrets::SECRETS,
};
use crate::{
    codec::{CodecError, Format},
    digest::Digest,
    extract::ExtractError,
    tree::TreeError,
};

/// Where an archive is, or will be.
#[derive(Debug, Clone)]
pub struct Place {
    /// The bucket.
    pub store: Arc<dyn ObjectStore>,
    /// The archive's key in it.
    pub key: ObjectKey,
}

impl Place {
    /// Returns the archive's URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/{}", self.store.url(), self.key)
    }
}

/// What an archive's digest is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The archive must have this digest.
    Sha256(Digest),
    /// Whatever is there is taken; only for users who said so.
    Unverified,
}

/// Why an archive cannot be built or adopted.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The source directory.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The format or level.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The bucket.
    #[error(transparent)]
    Store(#[from] ObjectError),
    /// Reading the archive.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// Other content has the key.
    #[error("`{url}` already holds another archive, with sha256 `{found}` instead of `{built}`")]
    Occupied { url: String, found: Digest, built: Digest },
    /// There is no archive at the URL.
    #[error("there is no archive at `{url}`")]
    Missing { url: String },
    /// The manifest beside the archive cannot be read.
    #[error("`{url}` is not a manifest that this version reads: {because}")]
    Manifest { url: String, because: String },
    /// Compression failed.
    #[error("failed to compress `{url}` as `{format}`")]
    Compress { format: Format, url: String, source: std::io::Error },
    /// A thread that worked on the archive died, or the run was cancelled.
    #[error("work on `{url}` was interrupted")]
    Interrupted { url: String },
}

/// What the user or a program says of an archive: height, version, app hash.
pub type AppFacts = BTreeMap<String, serde_json::Value>;

/// When something was made; the caller's clock.
pub type CreatedAt = Timestamp;
