//! Commands around a snapshot: in the data directory, with little of loam's own environment.

use std::{env, path::Path, process::Stdio};

use loam_bundle::archive::AppFacts;
use loam_provider::{Path as At, ProviderError};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

/// What a hook inherits of loam's own environment.
const INHERITED: [&str; 7] = ["HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", "USER"];
/// How many lines of what a hook printed are shown when it fails.
const SHOWN: usize = 20;

/// A command that is run around a snapshot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hook<'a> {
    name: &'static str,
    program: &'a str,
    arguments: &'a [String],
    directory: &'a Path,
    node: Option<&'a str>,
}

/// Ends what a hook has started, when the hook is no longer waited for.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl<'a> Hook<'a> {
    /// Returns the hook of a name, if there is a command for it.
    pub(super) fn new(
        name: &'static str,
        command: &'a [String],
        directory: &'a Path,
        node: Option<&'a str>,
    ) -> Option<Self> {
        let [program, arguments @ ..] = command else { return None };
        Some(Self { name, program, arguments, directory, node })
    }

    /// Runs the command and returns what it printed.
    pub(super) async fn run(self) -> Result<Vec<u8>, ProviderError> {
        let mut command = Command::new(self.program);
        command.args(self.arguments).current_dir(self.directory).env_clear();
        command.envs(INHERITED.iter().filter_map(|name| Some((*name, env::var_os(name)?))));
        command.env("LOAM_DATA_DIR", self.directory).envs(self.node.map(|node| ("LOAM_NODE", node)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        let child = command.spawn().map_err(|error| {
            let mut failed =
                ProviderError::because(format!("hook `{}` cannot run `{}`", self.name, self.program), error);
            failed.path = Some(self.path());
            failed
        })?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let mut group = Group(pid);
        let output = child
            .wait_with_output()
            .await
            .map_err(|error| ProviderError::because(format!("failed to wait for hook `{}`", self.name), error))?;
        group.0 = None;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed);
        let lines: Vec<&str> = printed.lines().collect();
        let shown = lines[lines.len().saturating_sub(SHOWN)..].iter().map(|line| (*line).to_owned());
        let mut failed =
            ProviderError::failed(format!("hook `{}` failed: {}", self.name, output.status)).evidence(shown);
        failed.path = Some(self.path());
        Err(failed)
    }

    /// Runs the command and reads the JSON object that it prints.
    pub(super) async fn facts(self) -> Result<AppFacts, ProviderError> {
        let printed = self.run().await?;
        serde_json::from_slice(&printed).map_err(|error| {
            let shown = String::from_utf8_lossy(&printed).lines().take(SHOWN).map(str::to_owned).collect::<Vec<_>>();
            let mut failed = ProviderError::because(format!("hook `{}` did not print a JSON object", self.name), error)
                .evidence(shown);
            failed.path = Some(self.path());
            failed
        })
    }

    fn path(&self) -> At {
        At::attribute("hooks").name(self.name)
    }
}
