//! What can go wrong with the state, and the way out of it.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use loam_provider::InvalidJson;

use super::{Holder, IllegalTransition, KEY_VARIABLE, KeyId, RunId, Serial, Slot, StepId};

/// Why the state could not be read or written. [`StateError::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file is something else than a database.
    #[error("`{}` is not a loam state: it is not a SQLite database", path.display())]
    NotSqlite { path: PathBuf },
    /// The file is the database of some other program.
    #[error("`{}` is a SQLite database of another application", path.display())]
    Foreign { path: PathBuf, application_id: i32 },
    /// The file was written by a later loam.
    #[error("`{}` has state format {found}, and this loam knows formats up to {known}", path.display())]
    Newer { path: PathBuf, found: u32, known: u32 },
    /// The file has an earlier format, and was opened to be read only.
    #[error("`{}` has state format {found}, and this loam reads format {known}", path.display())]
    Older { path: PathBuf, found: u32, known: u32 },
    /// The file is damaged.
    #[error("the state file `{}` is damaged: {detail}", path.display())]
    Corrupt { path: PathBuf, detail: String },
    /// The file is empty, although runs have been here.
    #[error("the state file `{}` is empty, although there was a state", path.display())]
    Emptied { path: PathBuf },
    /// A row does not say what rows of its table say.
    #[error("the state file `{}` is damaged: `{column}` of {row} is not readable", path.display())]
    Row { path: PathBuf, row: String, column: &'static str },
    /// A value does not fit the type that stands beside it.
    #[error("the stored value of {row} is damaged")]
    Stored { row: String, source: InvalidJson },
    /// The disk or the directory cannot be written to.
    #[error("the state file `{}` is on a read-only disk, or was opened to be read only", path.display())]
    ReadOnly { path: PathBuf },
    /// No room is left.
    #[error("the disk is full, the state file `{}` cannot grow", path.display())]
    Full { path: PathBuf },
    /// The file may not be opened.
    #[error("permission denied on the state file `{}`", path.display())]
    Denied { path: PathBuf },
    /// Some other process kept the database for long.
    #[error("the state file `{}` is in use by another process", path.display())]
    Busy { path: PathBuf },
    /// SQLite failed in some other way.
    #[error("failed to use the state file `{}`", path.display())]
    Sqlite { path: PathBuf, source: rusqlite::Error },
    /// A file or directory beside the database could not be used.
    #[error("failed to {action} `{}`", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },

    /// Another loam works on the state.
    #[error("the state in `{}` is locked by {}", path.display(), who(holder.as_deref()))]
    Locked { path: PathBuf, holder: Option<Box<Holder>> },

    /// Another loam has opened the state since, although this one holds its lock.
    #[error("another run has taken over the state file `{}`", path.display())]
    TakenOver { path: PathBuf },

    /// Secrets were sealed with a key that is not there.
    #[error("the key of the state's secrets is missing: `{}` does not exist", path.display())]
    MissingKey { path: PathBuf, expected: KeyId },
    /// The key is not the one that secrets were sealed with.
    #[error("the state's secrets are sealed with key {expected}, and {origin} holds key {found}")]
    WrongKey { origin: String, expected: KeyId, found: KeyId },
    /// The text is not a key.
    #[error("{origin} does not hold a key of 64 hexadecimal digits")]
    InvalidKey { origin: String },
    /// What is sealed was changed, or belongs elsewhere.
    #[error("the sealed secrets of {row} do not belong there or were changed")]
    Unsealable { row: String },

    /// There is no such run.
    #[error("there is no run {run} in the state")]
    NoSuchRun { run: RunId },
    /// The run has ended.
    #[error("run {run} has ended")]
    RunEnded { run: RunId },
    /// The run cannot end while calls are open.
    #[error("run {run} cannot end: {count} of its steps are still started")]
    OpenSteps { run: RunId, count: u64 },
    /// There is no such step.
    #[error("there is no step {step} in the journal")]
    NoSuchStep { step: StepId },
    /// The step, or its token, is in the journal already.
    #[error("step {step} or its token is in the journal already")]
    StepExists { step: StepId },
    /// The step cannot go there.
    #[error("illegal transition of step {step}")]
    Transition { step: StepId, source: IllegalTransition },
    /// There is no such object.
    #[error("there is no object `{slot}` in the state")]
    NoSuchObject { slot: Slot },
    /// Something stands there already.
    #[error("there is an object `{slot}` in the state already")]
    ObjectExists { slot: Slot },
    /// The output is there twice.
    #[error("output `{name}` is set twice")]
    OutputTwice { name: String },
    /// The objects at that serial can no longer, or not yet, be shown.
    #[error("the state knows serials {oldest} to {newest}, not {serial}")]
    NoSuchSerial { serial: Serial, oldest: Serial, newest: Serial },
}

impl StateError {
    /// Returns the way out, a full sentence, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotSqlite { path } | Self::Foreign { path, .. } => {
                format!("Move `{}` away if it does not belong there, or run loam in another directory.", path.display())
            }
            Self::Newer { .. } => "Use the version of loam that last wrote this state, or a later one.".into(),
            Self::Older { path, .. } => format!(
                "Run `loam apply` once: it keeps a copy beside `{}` and brings the state up to date.",
                path.display()
            ),
            Self::Corrupt { path, .. } | Self::Row { path, .. } => format!(
                "Copy `{0}`, `{0}-wal` and `{0}-shm` away first, then put a backup in their place, or import the \
                 objects into a new state.",
                path.display()
            ),
            Self::Emptied { path } => format!(
                "Put a backup in the place of `{}`, or delete it to begin anew; what was made before is then known to \
                 nobody.",
                path.display()
            ),
            Self::ReadOnly { path } => read_only(path),
            Self::Full { path } => full(path),
            Self::Denied { path } => denied(path),
            Self::Io { path, source, .. } => match source.kind() {
                ErrorKind::PermissionDenied => denied(path),
                ErrorKind::ReadOnlyFilesystem => read_only(path),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => full(path),
                ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists => {
                    "Move away what stands there: `.loam` is a directory, and what loam keeps in it are files.".into()
                }
                _ => return None,
            },
            Self::Sqlite { path, source } => match source.sqlite_error_code() {
                Some(rusqlite::ErrorCode::SystemIoFailure) => {
                    format!("Check the disk that holds `{}`; what was recorded before is safe.", path.display())
                }
                Some(_) | None => return None,
            },
            Self::Busy { path } => {
                format!("Close the program that has `{}` open, for example a SQLite shell.", path.display())
            }
            Self::Locked { .. } => "Wait until it ends, or let loam wait with `--lock-timeout`. The lock ends with \
                                    its process; there is nothing to unlock by hand."
                .into(),
            Self::TakenOver { .. } => {
                "Run loam again when the other run has ended. This happens when the lock file is \
                                       deleted, or on a network disk without locks."
                    .into()
            }
            Self::MissingKey { path, .. } => {
                format!("Restore `{}` from where it is backed up, or set `{KEY_VARIABLE}` to the key.", path.display())
            }
            Self::WrongKey { expected, .. } => format!("Use the key whose fingerprint is {expected}."),
            Self::InvalidKey { .. } => "Restore the key from where it is backed up.".into(),
            Self::Stored { .. } | Self::Unsealable { .. } => {
                "Restore the file it stands in from a backup: it was edited or damaged.".into()
            }
            Self::OpenSteps { .. } => "Record what became of each step first.".into(),
            Self::ObjectExists { .. } => "Move or forget the object that stands there first.".into(),
            Self::NoSuchRun { .. } | Self::RunEnded { .. } | Self::NoSuchStep { .. } | Self::StepExists { .. } => {
                return None;
            }
            Self::Transition { .. } | Self::NoSuchObject { .. } | Self::OutputTwice { .. } => return None,
            Self::NoSuchSerial { .. } => return None,
        })
    }
}

fn read_only(path: &Path) -> String {
    format!("Make the disk that holds `{}` writable; nothing was changed.", path.display())
}

fn full(path: &Path) -> String {
    format!(
        "Free some space on the disk that holds `{}` and run loam again; what was recorded before is safe.",
        path.display()
    )
}

fn denied(path: &Path) -> String {
    format!("Run loam as the owner of `{}`, or give this user access to it and to its directory.", path.display())
}

fn who(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "a run that is just starting".into(), Holder::to_string)
}
