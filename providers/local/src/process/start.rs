//! Starts a detached process, by way of the launcher.

use std::{collections::BTreeMap, env, io, path::Path, process::Stdio, time::Duration};

use loam_provider::Period;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};

use super::{
    Identity, ProcessError,
    launch::{Answer, Launch},
};

/// What a process inherits of loam's own environment.
const INHERITED: [&str; 9] = ["HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER"];

/// How long the launcher may take to become the command.
const ANSWER: Duration = Duration::from_secs(30);

/// A process that has just been started; once loam has ended it is nobody's child.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) identity: Identity,
    /// Tells how it ended, if that happens while loam still runs.
    pub(crate) child: Child,
}

/// Starts a process; `what` says which in errors. When it fails, nothing runs and no record is left.
pub(crate) async fn start(executable: &Path, what: &str, launch: &Launch) -> Result<Started, ProcessError> {
    let launcher = |source: io::Error| ProcessError::Launcher { path: executable.to_owned(), source };
    let mut child = Command::new(executable)
        .args(["internal", "launch"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(launcher)?;
    let text = serde_json::to_vec(launch).expect("a launch is JSON");
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let mut answers = String::new();
    if let (Some(mut stdin), Some(mut stdout)) = (stdin, stdout) {
        // A launcher that died has closed the pipe; what it said before tells more than that.
        let _ = stdin.write_all(&text).await;
        drop(stdin);
        match timeout(ANSWER, stdout.read_to_string(&mut answers)).await {
            Ok(read) => drop(read.map_err(launcher)?),
            Err(_) => {
                let _ = child.kill().await;
                let because = format!("it gave no answer within {}", Period(ANSWER));
                return Err(ProcessError::Launch { what: what.to_owned(), because });
            }
        }
    }
    let mut identity = None;
    for line in answers.lines() {
        match serde_json::from_str(line) {
            Ok(Answer::Recorded(recorded)) => identity = Some(recorded),
            Ok(Answer::Command { errno, message }) => {
                let source = errno.map_or_else(|| io::Error::other(message), io::Error::from_raw_os_error);
                let command = launch.command.first().cloned().unwrap_or_default();
                return Err(ProcessError::Command { what: what.to_owned(), command, source });
            }
            Ok(Answer::Launch(because)) => return Err(ProcessError::Launch { what: what.to_owned(), because }),
            Err(error) => {
                return Err(ProcessError::Launch { what: what.to_owned(), because: format!("it answered {error}") });
            }
        }
    }
    match identity {
        Some(identity) => Ok(Started { identity, child }),
        None => Err(ProcessError::Launch { what: what.to_owned(), because: "it ended without an answer".into() }),
    }
}

/// Returns the environment of a process: the little that is inherited, and what is declared.
pub(crate) fn environment(declared: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let inherited = INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), env::var(name).ok()?)));
    let mut environment: BTreeMap<String, String> = inherited.collect();
    environment.entry("PATH".into()).or_insert_with(|| "/usr/local/bin:/usr/bin:/bin".into());
    environment.extend(declared.clone());
    environment
}
