//! The body of `loam internal launch`: becomes the command of a detached process.
//!
//! It reads what to run from its standard input, so no secret stands in an argument; leaves the session of
//! whoever called; writes the record; and only then turns into the command, under the same pid.
//! Between record and command nothing else runs, so no process of ours is ever without a record.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::{
        fd::AsFd,
        unix::{fs::OpenOptionsExt, process::CommandExt},
    },
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
};

use serde::{Deserialize, Serialize};

use super::{About, Identity, MARK, Place, Record};
use crate::files::fs;

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Launch {
    pub(crate) command: Vec<String>,
    /// The whole environment.
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) cwd: PathBuf,
    /// The directory of the process.
    pub(crate) place: PathBuf,
    pub(crate) about: About,
    /// What `$(NAME)` stood for in its texts.
    #[serde(default)]
    pub(crate) names: BTreeMap<String, String>,
}

/// One line of the launcher's answer. After `Recorded`, silence means that the command runs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// The record is on disk.
    Recorded(Identity),
    /// The command could not be run.
    Command { errno: Option<i32>, message: String },
    /// Something before it failed.
    Launch(String),
}

/// Runs `loam internal launch`; returns only if the command could not be run.
#[must_use]
pub fn run() -> ExitCode {
    let Ok(answers) = io::stdout().as_fd().try_clone_to_owned() else { return ExitCode::FAILURE };
    let mut answers = File::from(answers);
    let answer = launch(&mut answers);
    // Nobody is left to tell if the pipe is closed.
    let _ = say(&mut answers, &answer);
    ExitCode::FAILURE
}

fn launch(answers: &mut File) -> Answer {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: &dyn std::fmt::Display| Answer::Launch(format!("{what}: {error}"))
    };
    let mut text = String::new();
    if let Err(error) = io::stdin().read_to_string(&mut text) {
        return failed("cannot read what to run")(&error);
    }
    let launch: Launch = match serde_json::from_str(&text) {
        Ok(launch) => launch,
        Err(error) => return failed("cannot read what to run")(&error),
    };
    if let Err(error) = rustix::process::setsid() {
        return failed("cannot start a session")(&error);
    }
    let Some(identity) = Identity::of(std::process::id()) else {
        return Answer::Launch("cannot read /proc/self/stat".into());
    };
    if !launch.cwd.is_dir() {
        return Answer::Launch(format!("the working directory `{}` does not exist", launch.cwd.display()));
    }
    let place = Place(launch.place);
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(place.log());
    let (log, log_too) = match log.and_then(|log| Ok((log.try_clone()?, log))) {
        Ok(logs) => logs,
        Err(error) => return failed(&format!("cannot open `{}`", place.log().display()))(&error),
    };
    let record = Record { identity: identity.clone(), about: launch.about };
    let text = serde_json::to_vec_pretty(&record).expect("a record is JSON");
    if let Err(error) = fs::write(&place.record_file(), &text, 0o600) {
        return failed(&error.to_string())(&error.source);
    }
    if let Err(error) = say(answers, &Answer::Recorded(identity.clone())) {
        let _ = fs::remove_file(&place.record_file());
        return failed("cannot answer")(&error);
    }
    let [program, arguments @ ..] = launch.command.as_slice() else {
        let _ = fs::remove_file(&place.record_file());
        return Answer::Launch("the command is empty".into());
    };
    let error = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(&launch.env)
        .env(MARK, identity.to_string())
        .current_dir(&launch.cwd)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(log_too)
        .exec();
    let _ = fs::remove_file(&place.record_file());
    Answer::Command { errno: error.raw_os_error(), message: error.to_string() }
}

fn say(answers: &mut File, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_string(answer).expect("an answer is JSON");
    line.push('\n');
    answers.write_all(line.as_bytes())
}
