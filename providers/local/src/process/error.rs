//! Why a process could not be started, waited for or stopped.

use std::{io, path::PathBuf, time::Duration};

use loam_provider::{Period, ProviderError, Trouble};

use crate::files::FileError;

/// Trouble with a process. What it printed last comes along as evidence.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("failed to run `{}`, which starts detached processes", path.display())]
    Launcher { path: PathBuf, source: io::Error },
    #[error("the launcher of {what} failed: {because}")]
    Launch { what: String, because: String },
    #[error("failed to start {what}: cannot run `{command}`")]
    Command { what: String, command: String, source: io::Error },
    #[error("{what} ended before it was ready: {how}")]
    Ended { what: String, how: String, log: Vec<String> },
    #[error("{what} logged `{pattern}`, its sign of failure")]
    LoggedFailure { what: String, pattern: String, log: Vec<String> },
    #[error("{what} was not ready after {}: {last}", Period(*after))]
    NotReady { what: String, after: Duration, last: String, log: Vec<String> },
    #[error("{what} failed: {how}")]
    Failed { what: String, how: String, log: Vec<String> },
    #[error("{what} did not end within {}", Period(*after))]
    TooLong { what: String, after: Duration, log: Vec<String> },
    #[error("process {pid} of {what} is still there after SIGKILL")]
    Unstoppable { what: String, pid: u32 },
    #[error("failed to send a signal to process {pid} of {what}")]
    Signal { what: String, pid: u32, source: io::Error },
    #[error("cancelled")]
    Cancelled,
}

const SAID: &str = "Above is what it printed last. Correct its command, its files or its data, and apply again.";
const UNSAID: &str = "It printed nothing. Run its command by hand to see what is wrong, then apply again.";

impl From<ProcessError> for ProviderError {
    fn from(error: ProcessError) -> Self {
        let message = error.to_string();
        match error {
            ProcessError::File(error) => error.into(),
            ProcessError::Launcher { source, .. } | ProcessError::Signal { source, .. } => {
                Self::because(message, source)
            }
            ProcessError::Command { source, .. } => {
                let hint = match source.kind() {
                    io::ErrorKind::NotFound => {
                        "Install it, or write its path; relative paths start from the configuration's directory."
                    }
                    io::ErrorKind::PermissionDenied => "Make the file executable.",
                    _ => "Check that the file is a program of this machine.",
                };
                Self::because(message, source).hint(hint)
            }
            ProcessError::Launch { .. } => Self::failed(message),
            ProcessError::Ended { log, .. } | ProcessError::LoggedFailure { log, .. } => {
                let hint = if log.is_empty() { UNSAID } else { SAID };
                Self::failed(message).evidence(log).hint(hint)
            }
            ProcessError::Failed { log, .. } => Self::failed(message).evidence(log),
            ProcessError::NotReady { log, .. } => Self::new(Trouble::TimedOut, message)
                .evidence(log)
                .hint("If it only needs longer, set a longer `timeout` in `ready`."),
            ProcessError::TooLong { log, .. } => Self::new(Trouble::TimedOut, message)
                .evidence(log)
                .hint("If it only needs longer, set a longer `timeout` in its block."),
            ProcessError::Unstoppable { .. } => {
                Self::failed(message).hint("The kernel holds it; look at its state with `ps`, then try again.")
            }
            ProcessError::Cancelled => Self::cancelled(),
        }
    }
}
