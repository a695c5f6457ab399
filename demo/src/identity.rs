//! Who a node is.
//!
//! An identity belongs to one database file, not to its content: a database that was
//! copied, with or without `node_id`, is another node's. Two nodes that wrote under one
//! identity could give one stamp to two values, and a peer that had read the feed of one
//! would skip the changes of the other. A new identity costs a re-read, nothing more.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::Path,
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};

use crate::error::DemoError;

/// The name of the file in a data directory that says who the node is. A seed leaves it out.
pub const NODE_ID_FILE: &str = "node_id";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    id: String,
    database: FileMark,
}

/// Tells a file from its copies.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileMark {
    inode: u64,
    /// When the file was made, in nanoseconds, as an inode number is given again. Some file systems do not know.
    created: Option<String>,
}

/// Returns the id of the node with the open database `database`, a new one if the recorded one is another's.
pub(crate) fn identify(data_dir: &Path, database: &Path) -> Result<String, DemoError> {
    let path = data_dir.join(NODE_ID_FILE);
    let mark = mark(database)?;
    match recorded(&path)? {
        Some(record) if record.database == mark => Ok(record.id),
        Some(_) | None => {
            let record = Record { id: random_id()?, database: mark };
            write(data_dir, &path, &record).map_err(|source| DemoError::Write { path, source })?;
            Ok(record.id)
        }
    }
}

/// Returns the record at `path`, or none if it is missing or holds something else.
fn recorded(path: &Path) -> Result<Option<Record>, DemoError> {
    match fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DemoError::Read { path: path.to_owned(), source }),
    }
}

fn mark(database: &Path) -> Result<FileMark, DemoError> {
    let metadata = fs::metadata(database).map_err(|source| DemoError::Read { path: database.to_owned(), source })?;
    let created = metadata.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok(FileMark { inode: metadata.ino(), created: created.map(|time| time.as_nanos().to_string()) })
}

fn random_id() -> Result<String, DemoError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|source| DemoError::Random { source })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes beside and renames, so that a kill leaves the old record or the new one.
fn write(data_dir: &Path, path: &Path, record: &Record) -> io::Result<()> {
    let beside = data_dir.join(format!("{NODE_ID_FILE}.new"));
    let mut file = File::create(&beside)?;
    file.write_all(serde_json::to_string(record)?.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(data_dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn identity_stays_with_the_file_and_not_with_its_copies() {
        let (home, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (database, copied) = (home.path().join("db"), copy.path().join("db"));
        fs::write(&database, "content").unwrap();
        let first = identify(home.path(), &database).unwrap();
        assert_eq!(first.len(), 32);
        fs::write(&database, "other content").unwrap();
        assert_eq!(identify(home.path(), &database).unwrap(), first);

        fs::copy(&database, &copied).unwrap();
        fs::copy(home.path().join(NODE_ID_FILE), copy.path().join(NODE_ID_FILE)).unwrap();
        let second = identify(copy.path(), &copied).unwrap();
        assert_ne!(second, first);
        assert_eq!(identify(copy.path(), &copied).unwrap(), second);
    }

    #[test]
    fn a_record_that_makes_no_sense_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("db");
        fs::write(&database, "").unwrap();
        fs::write(dir.path().join(NODE_ID_FILE), "half a rec").unwrap();
        let id = identify(dir.path(), &database).unwrap();
        assert_eq!(identify(dir.path(), &database).unwrap(), id);
    }
}
