//! The node whose data is copied: stopped before, and started again whatever happens.
//!
//! While it is stopped, a file beside its record says by whom and how it ran. A run that dies in
//! between leaves that file; whoever comes next, also to find out what became of the call, starts the
//! node again. A node that something else started meanwhile is left alone.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use loam_provider::{CallCx, Path as At, ProviderError, kinds::Ready};
use serde::{Deserialize, Serialize};

use super::spec::{Network, Spec};
use crate::{
    Machine,
    data::{
        json_file::{self, failed},
        marks::Owner,
        work,
    },
    process::{
        Condition, Follow, Launch, MARK, Place, Probe, Record, Waiting, environment, start, stop as stop_process,
    },
};

/// What stands beside the record of a node that was stopped.
const PAUSED: &str = "stopped-for-snapshot.json";
const HOST: &str = "127.0.0.1";

#[derive(Debug, Serialize, Deserialize)]
struct Paused {
    owner: Owner,
    launch: Launch,
}

/// A node that was stopped, or was none to stop.
#[derive(Debug)]
pub(super) struct Stopped(Option<Node>);

/// A node of this machine.
#[derive(Debug)]
struct Node {
    what: String,
    place: Place,
    ready: Ready,
}

/// Stops the node that is meant; one that does not run stays so.
pub(super) async fn stop(machine: &Machine, cx: &CallCx, spec: &Spec) -> Result<Stopped, ProviderError> {
    let node = node(machine, spec)?.ok_or_else(|| {
        ProviderError::invalid(At::attribute("quiesce"), "the node is not a process of this machine")
            .hint("Let the network's own provider take the snapshot, or write `quiesce = \"none\"`.")
    })?;
    let condition = node.place.condition()?;
    let Some(record) = condition.alive().cloned() else { return Ok(Stopped(None)) };
    let (place, owner) = (node.place.clone(), Owner::of(cx));
    work::blocking(move || {
        let paused = Paused { owner, launch: launch_of(&record, &place)? };
        let path = paused_file(&place);
        json_file::write(&path, &paused)?;
        // It holds the node's environment.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(|error| failed("protect", &path, error))
    })
    .await?;
    cx.progress.items(&format!("stopping {}", node.what), 0, None);
    let how = spec.of.as_ref().map(|network| network.stop.clone()).unwrap_or_default();
    if let Some(record) = condition.record()
        && let Err(error) = stop_process(&node.what, &record.identity, &how).await
    {
        // Whatever of it still runs is not disturbed; what does not is started again.
        let started = Stopped(Some(node)).start(machine, cx).await;
        return Err(started.err().unwrap_or_else(|| error.into()));
    }
    Ok(Stopped(Some(node)))
}

impl Stopped {
    /// Starts the node as it ran before and waits until it is ready.
    pub(super) async fn start(self, machine: &Machine, cx: &CallCx) -> Result<(), ProviderError> {
        match self.0 {
            Some(node) => node.start(machine, cx).await,
            None => Ok(()),
        }
    }
}

/// Starts a node that a run that died has left stopped.
pub(super) async fn start_if_stopped(machine: &Machine, cx: &CallCx, spec: &Spec) -> Result<(), ProviderError> {
    match node(machine, spec)? {
        Some(node) => node.start(machine, cx).await,
        None => Ok(()),
    }
}

fn node(machine: &Machine, spec: &Spec) -> Result<Option<Node>, ProviderError> {
    let Some(Network { name: network, ready, .. }) = &spec.of else { return Ok(None) };
    let Some((name, chosen)) = spec.chosen()? else { return Ok(None) };
    let what = format!("node `{name}` of network `{network}`");
    let place = chosen.dir.as_deref().map(|dir| Place(machine.path(dir)));
    Ok(place.map(|place| Node { what, place, ready: ready.clone() }))
}

fn paused_file(place: &Place) -> PathBuf {
    place.path().join(PAUSED)
}

impl Node {
    async fn start(self, machine: &Machine, cx: &CallCx) -> Result<(), ProviderError> {
        let path = paused_file(&self.place);
        let at = path.clone();
        let Some(paused) = work::blocking(move || json_file::read::<Paused>(&at)).await? else { return Ok(()) };
        if !paused.owner.is_in(cx) {
            return Err(paused.owner.refuses(&self.what, cx));
        }
        let (identity, child, log) = match self.place.condition()? {
            Condition::Starting(record) | Condition::Running(record) => {
                (record.identity, None, Follow::from_end(self.place.log()))
            }
            Condition::Nothing | Condition::Dead(_) => {
                cx.progress.items(&format!("starting {}", self.what), 0, None);
                let log = Follow::from_end(self.place.log());
                let started = start(machine.executable(), &self.what, &paused.launch).await?;
                (started.identity, Some(started.child), log)
            }
        };
        work::blocking(move || json_file::remove(&path)).await?;
        let probe = probe(&self.ready, &paused.launch);
        let (what, place, timing) = (self.what, self.place, self.ready);
        Ok(Waiting { what, place, identity, child, log, probe, timing }.until_ready(cx).await?)
    }
}

/// Returns how a process was started, as the kernel tells.
fn launch_of(record: &Record, place: &Place) -> Result<Launch, ProviderError> {
    let process = PathBuf::from(format!("/proc/{}", record.identity.pid));
    let read = |name: &str| {
        let path = process.join(name);
        fs::read(&path).map_err(|error| failed("read", &path, error))
    };
    let (command, env) = (texts(&read("cmdline")?)?, texts(&read("environ")?)?);
    let cwd = process.join("cwd");
    let cwd = fs::read_link(&cwd).map_err(|error| failed("read", &cwd, error))?;
    // It must still be the process that was recorded, whose command this is then.
    if !record.identity.is_running() {
        return Err(ProviderError::failed("the node ended while it was looked at").hint("Plan again."));
    }
    let program = command.first().map(String::as_str).unwrap_or_default();
    let env = env.iter().filter_map(|line| line.split_once('=')).filter(|(name, _)| *name != MARK);
    let env: BTreeMap<String, String> = env.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    if !can_be_run(program, &cwd, env.get("PATH").map(String::as_str).unwrap_or_default()) {
        let message = format!("the node calls itself `{program}`, which is no command it could be restarted with");
        return Err(
            ProviderError::failed(message).hint("Bring its data to rest in `hooks`, with `quiesce = \"hook\"`.")
        );
    }
    Ok(Launch { command, env, cwd, place: place.path().to_owned(), about: record.about.clone() })
}

/// Returns the texts that the kernel tells, each ended by a NUL; empty ones are texts too.
fn texts(bytes: &[u8]) -> Result<Vec<String>, ProviderError> {
    let texts = bytes.strip_suffix(&[0]).unwrap_or(bytes).split(|byte| *byte == 0);
    texts.map(|text| String::from_utf8(text.to_owned())).collect::<Result<_, _>>().map_err(|error| {
        ProviderError::because("the node's command or environment is not UTF-8, so it could not be restarted", error)
    })
}

fn can_be_run(program: &str, cwd: &Path, path: &str) -> bool {
    if program.contains('/') {
        return cwd.join(program).is_file();
    }
    !program.is_empty() && path.split(':').any(|folder| Path::new(folder).join(program).is_file())
}

/// Returns how the node is asked whether it is ready; a command that names what only its network can
/// tell is not run, and its ports are asked instead.
fn probe(ready: &Ready, launch: &Launch) -> Probe {
    let port = |name: &str| launch.about.ports.get(name).copied().or_else(|| name.parse().ok());
    let host = || HOST.to_owned();
    if let Some(http) = &ready.http
        && let Some(port) = port(&http.port)
    {
        return Probe::Http { host: host(), port, path: http.path.clone(), status: http.status };
    }
    if let Some(exec) = &ready.exec
        && !exec.command.iter().any(|part| part.contains("$("))
    {
        let env = environment(&launch.env);
        return Probe::Exec { command: exec.command.clone(), env, cwd: launch.cwd.clone() };
    }
    let tcp = ready.tcp.as_ref().and_then(|tcp| port(&tcp.port));
    let first = ready.exec.as_ref().and_then(|_| launch.about.ports.values().next().copied());
    match tcp.or(first) {
        Some(port) => Probe::Tcp { host: host(), port },
        None => Probe::Settled,
    }
}
