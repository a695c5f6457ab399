//! Files that are replaced whole, and a log that only grows.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Serialize, de::DeserializeOwned};

use super::{Effect, WorldError};

/// What an effect survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The end of the process.
    Process,
    /// A power cut: it is on the disk before the call returns.
    Machine,
}

fn cannot_read(path: &Path) -> impl Fn(io::Error) -> WorldError {
    move |source| WorldError::Read { path: path.to_owned(), source }
}

fn cannot_write(path: &Path) -> impl Fn(io::Error) -> WorldError {
    move |source| WorldError::Write { path: path.to_owned(), source }
}

/// Returns text as a file name: letters, digits, `-` and `_` stay, every other byte is written in hexadecimal.
pub(super) fn file_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    name
}

pub(super) fn make_dir(path: &Path) -> Result<(), WorldError> {
    fs::create_dir_all(path).map_err(cannot_write(path))
}

/// Returns a file's bytes, or `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, WorldError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot_read(path)(error)),
    }
}

/// Returns the objects' files in a directory, sorted; what was being written when a process died is left out.
pub(super) fn list(dir: &Path) -> Result<Vec<PathBuf>, WorldError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(cannot_read(dir))? {
        let path = entry.map_err(cannot_read(dir))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

/// Writes a file beside and puts it in place at once.
pub(super) fn replace(path: &Path, bytes: &[u8], durability: Durability) -> Result<(), WorldError> {
    let beside = path.with_extension("new");
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        match durability {
            Durability::Process => Ok(()),
            Durability::Machine => file.sync_all(),
        }
    });
    written.map_err(cannot_write(&beside))?;
    fs::rename(&beside, path).map_err(cannot_write(path))?;
    match (durability, path.parent()) {
        (Durability::Machine, Some(dir)) => File::open(dir).and_then(|dir| dir.sync_all()).map_err(cannot_write(dir)),
        (Durability::Machine | Durability::Process, _) => Ok(()),
    }
}

/// A file of JSON lines that only grows.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: Mutex<File>,
}

impl Log {
    /// Opens a log, and cuts off a last line that was not written to its end.
    pub(crate) fn open(path: PathBuf) -> Result<Self, WorldError> {
        let open = OpenOptions::new().create(true).append(true).read(true).open(&path);
        let file = open.map_err(cannot_write(&path))?;
        let log = Self { path, file: Mutex::new(file) };
        log.cut_torn_line()?;
        Ok(log)
    }

    fn cut_torn_line(&self) -> Result<(), WorldError> {
        let bytes = self.bytes()?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if whole == bytes.len() {
            return Ok(());
        }
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.set_len(u64::try_from(whole).unwrap_or(u64::MAX)).map_err(cannot_write(&self.path))
    }

    /// Appends one line, in one write.
    pub(crate) fn append(&self, line: &impl Serialize, durability: Durability) -> Result<(), WorldError> {
        let mut bytes = serde_json::to_vec(line).expect("a log's line is JSON");
        bytes.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.write_all(&bytes).and_then(|()| match durability {
            Durability::Process => Ok(()),
            Durability::Machine => file.sync_data(),
        });
        written.map_err(cannot_write(&self.path))
    }

    /// Returns every line.
    pub(crate) fn lines<T: DeserializeOwned>(&self) -> Result<Vec<T>, WorldError> {
        let bytes = self.bytes()?;
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let malformed = |source| WorldError::Malformed { path: self.path.clone(), source };
        lines.map(|line| serde_json::from_slice(line).map_err(malformed)).collect()
    }

    /// Appends the effects that are missing.
    pub(super) fn complete<'e>(&self, effects: impl Iterator<Item = &'e Effect>) -> Result<(), WorldError> {
        let logged: BTreeSet<Effect> = self.lines()?.into_iter().collect();
        for effect in effects.filter(|effect| !logged.contains(*effect)) {
            self.append(effect, Durability::Process)?;
        }
        Ok(())
    }

    fn bytes(&self) -> Result<Vec<u8>, WorldError> {
        let mut bytes = Vec::new();
        let read = File::open(&self.path).and_then(|mut file| file.read_to_end(&mut bytes));
        read.map_err(cannot_read(&self.path))?;
        Ok(bytes)
    }
}
