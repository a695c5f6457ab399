//! Saved plans.
//!
//! The first line says in clear, as JSON, what the plan was made from; the rest is the plan, sealed with the state's
//! key, because a plan holds what the state holds.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::{Basis, FORMAT, Plan};
use crate::state::{Context, Seal, StateError};

/// Why a saved plan cannot be written or used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be written.
    #[error("failed to write the plan to `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// The file cannot be read.
    #[error("failed to read the plan `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// It is something else.
    #[error("`{}` is not a saved plan", path.display())]
    NotAPlan { path: PathBuf },
    /// Another version of loam wrote it.
    #[error("the plan `{}` was written by loam {loam} in format {format}, and this loam reads format {FORMAT}", path.display())]
    Format { path: PathBuf, format: u32, loam: String },
    /// It belongs to another state.
    #[error("the plan `{}` was made for another state: it is sealed with a key that this one does not have", path.display())]
    Elsewhere { path: PathBuf },
    /// It is not as it was written.
    #[error("the plan `{}` is damaged, or was changed", path.display())]
    Damaged { path: PathBuf },
    /// The key cannot be made or read.
    #[error("failed to open the plan `{}`", path.display())]
    Sealed { path: PathBuf, source: StateError },
    /// It cannot be turned into bytes or back.
    #[error("failed to read the content of the plan `{}`", path.display())]
    Content { path: PathBuf, source: serde_json::Error },
}

impl FileError {
    /// Returns the way out, a full sentence, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read { .. }
            | Self::NotAPlan { .. }
            | Self::Format { .. }
            | Self::Elsewhere { .. }
            | Self::Damaged { .. } => Some("Make a new one with `loam plan --out FILE`."),
            Self::Write { .. } | Self::Sealed { .. } | Self::Content { .. } => None,
        }
    }
}

/// Writes a plan to a file that only its owner can read: beside it first, then in its place.
///
/// # Errors
/// When the file cannot be written, or the key cannot be made.
pub fn save(plan: &Plan, path: &Path, seal: &Seal) -> Result<(), FileError> {
    let content = |source| FileError::Content { path: path.to_owned(), source };
    let write = |source| FileError::Write { path: path.to_owned(), source };
    let head = serde_json::to_vec(&plan.basis).map_err(content)?;
    let body = serde_json::to_vec(plan).map_err(content)?;
    let sealed =
        seal.seal(context(&plan.basis), &body).map_err(|source| FileError::Sealed { path: path.to_owned(), source })?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let draft = path.with_file_name(name);
    let written = (|| {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(&head)?;
        file.write_all(b"\n")?;
        file.write_all(&sealed)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    })();
    written.map_err(|source| {
        // The first error is the one to tell; a draft that cannot be removed either is only untidy.
        let _ = fs::remove_file(&draft);
        write(source)
    })
}

/// Reads a saved plan.
///
/// # Errors
/// When it cannot be read, is no plan, or was made for another state or by another format.
pub fn load(path: &Path, seal: &Seal) -> Result<Plan, FileError> {
    let bytes = fs::read(path).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    let not_a_plan = || FileError::NotAPlan { path: path.to_owned() };
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(not_a_plan)?;
    let basis: Basis = serde_json::from_slice(&bytes[..end]).map_err(|_| not_a_plan())?;
    if basis.format != FORMAT {
        return Err(FileError::Format { path: path.to_owned(), format: basis.format, loam: basis.loam });
    }
    let body = seal.open(context(&basis), &bytes[end + 1..]).map_err(|source| match source {
        StateError::MissingKey { .. } | StateError::WrongKey { .. } => FileError::Elsewhere { path: path.to_owned() },
        StateError::Unsealable { .. } => FileError::Damaged { path: path.to_owned() },
        source => FileError::Sealed { path: path.to_owned(), source },
    })?;
    serde_json::from_slice(&body).map_err(|source| FileError::Content { path: path.to_owned(), source })
}

fn context(basis: &Basis) -> Context<'_> {
    Context { state: &basis.state_id, sort: "plan", name: "file" }
}
