//! Extraction that trusts nothing it reads.
//!
//! [`materialise`] turns an archive in a bucket into a directory: it extracts beside the target,
//! verifies digest and content root, writes the marker last, and renames into place. Whatever goes
//! wrong before that leaves the target as it was.

mod beneath;
mod limits;
mod marker;
mod materialise;
mod stream;
mod unpack;

use std::{io, path::PathBuf};

use loam_provider::ObjectError;

pub(crate) use self::{
    beneath::{Beneath, times},
    materialise::check_digest,
    stream::inspect,
    unpack::Sink,
};
pub use self::{
    limits::Limits,
    marker::{SEED_MARKER, SeedMarker, SeedState, read as read_marker, seed_state},
    materialise::{Expected, Extraction, Materialised, Replace, mark, materialise, tidy},
};
use crate::{
    digest::{ContentRoot, Digest},
    fs::Failed,
    tree::TreeError,
};

/// Why an archive is not extracted. `url` is the archive's, `entry` a path in it.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The bucket.
    #[error(transparent)]
    Store(#[from] ObjectError),
    /// The extracted tree cannot be read back.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// There is no archive.
    #[error("there is no archive at `{url}`")]
    Missing { url: String },
    /// The archive's bytes are not what was promised.
    #[error("`{url}` has sha256 `{found}` instead of `{expected}`")]
    WrongDigest { url: String, expected: Digest, found: Digest },
    /// The archive's content is not what was promised.
    #[error("`{url}` holds content `{found}` instead of `{expected}`")]
    WrongContent { url: String, expected: ContentRoot, found: ContentRoot },
    /// The archive ends early, or is damaged.
    #[error("`{url}` cannot be decompressed")]
    Damaged { url: String, source: io::Error },
    /// The tar stream breaks a rule.
    #[error("`{url}` is not a tar archive that can be trusted: {because}")]
    Malformed { url: String, because: String },
    /// An entry that must not be extracted.
    #[error("`{url}` holds `{entry}`, which is not extracted: {because}")]
    Refused { url: String, entry: String, because: &'static str },
    /// The archive is larger than allowed.
    #[error("`{url}` exceeds the limit of {limit} {what}")]
    TooLarge { url: String, what: &'static str, limit: u64 },
    /// There is something at the target, and nobody said that it may be replaced.
    #[error("`{}` already exists and holds something else", target.display())]
    TargetExists { target: PathBuf },
    /// The file system has too little room.
    #[error("`{}` needs {needed} {what}, and {available} are free", target.display())]
    NoRoom { target: PathBuf, what: &'static str, needed: u64, available: u64 },
    /// The file system failed.
    #[error("failed to {operation} `{}`", path.display())]
    Io { operation: &'static str, path: PathBuf, source: io::Error },
    /// A thread that extracted died, or the run was cancelled.
    #[error("extraction of `{url}` was interrupted")]
    Interrupted { url: String },
}

impl From<Failed> for ExtractError {
    fn from(Failed { operation, path, source }: Failed) -> Self {
        Self::Io { operation, path, source }
    }
}
