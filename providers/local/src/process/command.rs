//! Runs a command to its end: hooks and probes.

use std::{collections::BTreeMap, fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path, process::Stdio};

use loam_provider::{CallCx, Period};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{process::Command, time::Instant};

use super::{ProcessError, log};
use crate::files::FileError;

/// A command that ends by itself.
pub(crate) struct Run<'a> {
    /// What it is, in errors.
    pub(crate) what: &'a str,
    pub(crate) command: &'a [String],
    /// The whole environment.
    pub(crate) env: &'a BTreeMap<String, String>,
    pub(crate) cwd: &'a Path,
    /// Where what it prints is appended.
    pub(crate) log: &'a Path,
    pub(crate) timeout: Period,
}

/// Runs a command; anything but an exit with 0 is an error that shows what it printed last.
pub(crate) async fn run(run: &Run<'_>, cx: &CallCx) -> Result<(), ProcessError> {
    let what = || run.what.to_owned();
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(run.log);
    let file = file.map_err(FileError::on("open", run.log))?;
    let from = file.metadata().map_or(0, |metadata| metadata.len());
    let too = file.try_clone().map_err(FileError::on("open", run.log))?;
    let [program, arguments @ ..] = run.command else {
        return Err(ProcessError::Launch { what: what(), because: "the command is empty".into() });
    };
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(run.env)
        .current_dir(run.cwd)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(too)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| ProcessError::Command { what: what(), command: program.clone(), source })?;
    let group = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let error = tokio::select! {
        status = child.wait() => match status {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => ProcessError::Failed { what: what(), how: status.to_string(), log: log::tail(run.log, from) },
            Err(error) => ProcessError::Failed { what: what(), how: error.to_string(), log: Vec::new() },
        },
        () = tokio::time::sleep_until(until(cx, run.timeout)) => {
            ProcessError::TooLong { what: what(), after: run.timeout.0, log: log::tail(run.log, from) }
        }
        () = cx.cancel.cancelled() => ProcessError::Cancelled,
    };
    // It was not waited for yet, or it was and its group is empty, so the number is still its own.
    if let (Some(group), Some(_)) = (group, child.id()) {
        let _ = kill_process_group(group, Signal::KILL);
        let _ = child.wait().await;
    }
    Err(error)
}

/// Returns when a wait must end: after its own time, or with the whole call.
pub(crate) fn until(cx: &CallCx, timeout: Period) -> Instant {
    let own = Instant::now() + timeout.0;
    cx.deadline.map_or(own, |deadline| own.min(deadline.into()))
}
