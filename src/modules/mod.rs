//! The modules that a configuration calls: found, fetched and read.
//!
//! [`load`] follows the calls of the root module, evaluates where each module is, and reads it; what lies in a Git
//! repository or an archive must have been fetched by [`fetch`] before. Loading is offline and writes nothing.
//!
//! Knows no state, plan or provider. Start in `source` if an address is misread, in `store` if something is fetched
//! twice, in `git` and `archive` for how.

mod archive;
mod fetch;
mod git;
mod load;
mod source;
mod store;

use std::{io, path::PathBuf};

use loam_bundle::{digest::Digest, extract::ExtractError};
use loam_http::HttpError;
use loam_provider::ObjectError;

pub use fetch::{Fetch, Fetched, Status, fetch, lock, record, remember};
pub use load::{Loaded, NOT_FETCHED, Site, Used, load, not_fetched};
pub use source::Package;
pub use store::{DIRECTORY, Entry, Installed, LOCK_FILE};

/// Why a module cannot be fetched. No error tells a secret of its source.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The file system failed.
    #[error("failed to {operation} `{}`", path.display())]
    Io { operation: &'static str, path: PathBuf, source: io::Error },
    /// The lock file is not what loam writes.
    #[error("`{}` cannot be read", path.display())]
    LockFile { path: PathBuf, source: serde_json::Error },
    /// The lock file is of another version.
    #[error("`{}` has the format `{format}`, and this loam reads `{ours}`", path.display())]
    LockFormat { path: PathBuf, format: String, ours: &'static str },
    /// There is no `git`.
    #[error("`git` was not found")]
    NoGit { source: io::Error },
    /// `git` failed; `said` is what it wrote.
    #[error("`git` failed to {operation} `{url}`")]
    Git { operation: &'static str, url: String, said: Vec<String> },
    /// The repository has no such branch, tag or commit.
    #[error("`{url}` has no branch, tag or commit `{reference}`")]
    NoReference { url: String, reference: String, suggestion: Option<String> },
    /// The reference is two things.
    #[error("`{reference}` is both a branch and a tag of `{url}`")]
    AmbiguousReference { url: String, reference: String },
    /// The repository is empty.
    #[error("`{url}` has no commit")]
    Empty { url: String },
    /// Nobody vouches for the archive.
    #[error("the source says no checksum of `{url}`, which has sha256 `{found}`")]
    NoChecksum { url: String, found: Digest },
    /// It is another archive.
    #[error("`{url}` has sha256 `{found}` instead of `{expected}`")]
    WrongChecksum { url: String, expected: Digest, found: Digest },
    /// The archive is larger than modules are.
    #[error("`{url}` is larger than {limit} bytes")]
    TooLarge { url: String, limit: u64 },
    /// The server answered something else than the archive.
    #[error("`{url}` was answered with status {status}")]
    Status { url: String, status: u16 },
    /// The server did not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The bucket.
    #[error(transparent)]
    Store(#[from] ObjectError),
    /// The archive broke off.
    #[error("`{url}` broke off")]
    BrokeOff { url: String, source: io::Error },
    /// The archive cannot be extracted.
    #[error("`{url}` cannot be extracted: {because}")]
    Malformed { url: String, because: String },
    /// The archive cannot be extracted.
    #[error("`{url}` cannot be extracted")]
    Extract { url: String, source: ExtractError },
    /// A thread died.
    #[error("fetching `{url}` was interrupted")]
    Interrupted { url: String },
}

impl InstallError {
    /// Returns the way out, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoGit { .. } => "Install Git, and see that it is in PATH.".into(),
            Self::LockFile { .. } => {
                "Restore it from version control, or remove it and run `loam get`, which resolves every reference anew."
                    .into()
            }
            Self::LockFormat { .. } => "Use the version of loam that wrote it, or a newer one.".into(),
            Self::NoReference { suggestion: Some(suggestion), .. } => suggestion.clone(),
            Self::AmbiguousReference { reference, .. } => {
                format!("Write `?ref=refs/heads/{reference}` or `?ref=refs/tags/{reference}`.")
            }
            Self::NoChecksum { found, .. } => {
                format!("If this is the archive that you mean, add `?checksum=sha256:{found}` to the source.")
            }
            Self::WrongChecksum { .. } => {
                "Either the archive was replaced, or the checksum is of another one. Find out which before you change it."
                    .into()
            }
            Self::Git { .. } => {
                "loam asks no questions: credentials come from git's own configuration, an SSH agent, or the URL.".into()
            }
            Self::Io { .. } | Self::NoReference { .. } | Self::Empty { .. } | Self::TooLarge { .. } => return None,
            Self::Status { .. } | Self::Http(_) | Self::Store(_) | Self::BrokeOff { .. } => return None,
            Self::Malformed { .. } | Self::Extract { .. } | Self::Interrupted { .. } => return None,
        })
    }
}
