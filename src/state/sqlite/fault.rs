//! What SQLite's errors mean to the user.

use std::path::Path;

use rusqlite::{Error, ErrorCode, ffi};

use crate::state::StateError;

/// Returns what an error of SQLite says about a state file.
pub(super) fn of_file(path: &Path, error: Error) -> StateError {
    let path = path.to_owned();
    let corrupt = |error: &Error| StateError::Corrupt { path: path.clone(), detail: error.to_string() };
    let code = match &error {
        Error::SqliteFailure(failure, _) => failure,
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..)
        | Error::QueryReturnedNoRows => return corrupt(&error),
        _ => return StateError::Sqlite { path, source: error },
    };
    match code.code {
        ErrorCode::NotADatabase => StateError::NotSqlite { path },
        ErrorCode::DatabaseCorrupt => corrupt(&error),
        ErrorCode::SystemIoFailure if code.extended_code == ffi::SQLITE_IOERR_SHORT_READ => corrupt(&error),
        ErrorCode::ReadOnly => StateError::ReadOnly { path },
        ErrorCode::DiskFull => StateError::Full { path },
        ErrorCode::PermissionDenied => StateError::Denied { path },
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StateError::Busy { path },
        _ => StateError::Sqlite { path, source: error },
    }
}

/// Returns what an error of the file system says about a state file.
pub(super) fn of_io(path: &Path, action: &'static str, source: std::io::Error) -> StateError {
    let path = path.to_owned();
    match source.kind() {
        std::io::ErrorKind::PermissionDenied => StateError::Denied { path },
        std::io::ErrorKind::ReadOnlyFilesystem => StateError::ReadOnly { path },
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StateError::Full { path },
        _ => StateError::Io { action, path, source },
    }
}
