//! What is written down about a detached process, in a directory of its own.
//!
//! `record.json` is durable before the command runs, so a running process is never without one;
//! `ready` holds the identity of the process that was last found ready. Where others than its object may have
//! to start it again, `launch.json` says what was run, with all of its environment, for its owner alone to read.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Identity, Launch};
use crate::files::{FileError, fs};

/// A process, and what it was started for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) identity: Identity,
    pub(crate) about: About,
}

/// What a process was started for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) address: String,
    pub(crate) state_id: String,
    /// The operation that started it.
    pub(crate) token: String,
    /// The digest of its command, environment and files.
    pub(crate) digest: String,
    /// The ports it was given.
    #[serde(default)]
    pub(crate) ports: BTreeMap<String, u16>,
    /// The digests of the files it was given.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// Whether it joined a network that was there already.
    #[serde(default)]
    pub(crate) joined: bool,
}

/// The directory of one detached process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) PathBuf);

/// How the process of a place is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// None was started here.
    Nothing,
    /// It has ended.
    Dead(Record),
    /// It runs, and was not found ready yet.
    Starting(Record),
    /// It runs, and was found ready.
    Running(Record),
}

impl Place {
    /// Returns how the process of this place is.
    pub(crate) fn condition(&self) -> Result<Condition, FileError> {
        let Some(record) = self.record()? else { return Ok(Condition::Nothing) };
        Ok(if !record.identity.is_running() {
            Condition::Dead(record)
        } else if fs::read(&self.ready_file())?.is_some_and(|text| text == record.identity.to_string().as_bytes()) {
            Condition::Running(record)
        } else {
            Condition::Starting(record)
        })
    }

    /// Returns what is recorded of the process last started here. A record that cannot be read is none.
    pub(crate) fn record(&self) -> Result<Option<Record>, FileError> {
        let text = fs::read(&self.record_file())?;
        Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    /// Writes down how the process of this place is started, before it is.
    pub(crate) fn keep(&self, launch: &Launch) -> Result<(), FileError> {
        fs::write(&self.launch_file(), &serde_json::to_vec_pretty(launch).expect("a launch is JSON"), 0o600)
    }

    /// Returns how the process of a record was started, if that is written down.
    pub(crate) fn launch(&self, record: &Record) -> Result<Option<Launch>, FileError> {
        let text = fs::read(&self.launch_file())?;
        let launch = text.and_then(|text| serde_json::from_slice::<Launch>(&text).ok());
        Ok(launch.filter(|launch| launch.about == record.about))
    }

    /// Records that the process was found ready.
    pub(crate) fn mark_ready(&self, identity: &Identity) -> Result<(), FileError> {
        fs::write(&self.ready_file(), identity.to_string().as_bytes(), 0o600)
    }

    pub(crate) fn record_file(&self) -> PathBuf {
        self.0.join("record.json")
    }

    pub(crate) fn launch_file(&self) -> PathBuf {
        self.0.join("launch.json")
    }

    fn ready_file(&self) -> PathBuf {
        self.0.join("ready")
    }

    /// Returns the file to which the process writes what it says.
    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Condition {
    /// Returns the record, if a process was ever started.
    pub(crate) fn record(&self) -> Option<&Record> {
        match self {
            Self::Nothing => None,
            Self::Dead(record) | Self::Starting(record) | Self::Running(record) => Some(record),
        }
    }

    /// Returns the record of a process that runs.
    pub(crate) fn alive(&self) -> Option<&Record> {
        match self {
            Self::Nothing | Self::Dead(_) => None,
            Self::Starting(record) | Self::Running(record) => Some(record),
        }
    }

    /// Returns the word by which objects record it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Nothing | Self::Dead(_) => "dead",
            Self::Starting(_) => "starting",
            Self::Running(_) => "running",
        }
    }
}
