//! The node whose data is copied: stopped before, and started again whatever happens.
//!
//! While it is stopped, a file beside its record says by whom; how it ran stands in its launch record. A run
//! that dies in between leaves that file; whoever comes next, also to find out what became of the call,
//! starts the node again. A node that something else started meanwhile is left alone.

use std::{collections::BTreeMap, path::PathBuf};

use loam_provider::{CallCx, Path as At, ProviderError, kinds::Ready};
use serde::{Deserialize, Serialize};

use super::spec::{Network, Spec};
use crate::{
    Machine,
    data::{json_file, marks::Owner, work},
    network::{Invalid, expand, place_of},
    process::{Follow, Launch, Place, Probe, Record, Waiting, start, stop as stop_process},
};

/// What stands beside the record of a node that was stopped.
const PAUSED: &str = "stopped-for-snapshot.json";
const HOST: &str = "127.0.0.1";
/// The way out where it is not known how a node ran.
const RESTART: &str = "Stop the node and apply its network, which starts it anew; or bring its data to rest in `hooks`, \
                       with `quiesce = \"hook\"`.";

#[derive(Debug, Serialize, Deserialize)]
struct Paused {
    owner: Owner,
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
    // A node that could not be started again is not stopped.
    node.probe(&node.launch(&record)?)?;
    let (path, paused) = (paused_file(&node.place), Paused { owner: Owner::of(cx) });
    work::blocking(move || json_file::write(&path, &paused)).await?;
    cx.progress.items(&format!("stopping {}", node.what), 0, None);
    let how = spec.of.as_ref().map(|network| network.stop.clone()).unwrap_or_default();
    if let Err(error) = stop_process(&node.what, &record.identity, &how).await {
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
    let Some(data_dir) = &chosen.data_dir else { return Ok(None) };
    let place = place_of(&machine.path(data_dir))?;
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
        let condition = self.place.condition()?;
        let Some(record) = condition.record() else {
            return Err(ProviderError::failed(format!("the record of {} is gone", self.what)).hint(RESTART));
        };
        let launch = self.launch(record)?;
        let probe = self.probe(&launch)?;
        let log = Follow::from_end(self.place.log());
        let (identity, child) = match condition.alive() {
            Some(record) => (record.identity.clone(), None),
            None => {
                cx.progress.items(&format!("starting {}", self.what), 0, None);
                let started = start(machine.executable(), &self.what, &launch).await?;
                (started.identity, Some(started.child))
            }
        };
        work::blocking(move || json_file::remove(&path)).await?;
        let (what, place, timing) = (self.what, self.place, self.ready);
        Ok(Waiting { what, place, identity, child, log, probe, timing }.until_ready(cx).await?)
    }

    fn launch(&self, record: &Record) -> Result<Launch, ProviderError> {
        self.place.launch(record)?.ok_or_else(|| {
            let path = self.place.launch_file();
            ProviderError::failed(format!("`{}` does not tell how {} was started", path.display(), self.what))
                .hint(RESTART)
        })
    }

    /// Returns how the node is asked whether it is ready.
    fn probe(&self, launch: &Launch) -> Result<Probe, ProviderError> {
        let port = |name: &str| {
            let port = launch.about.ports.get(name).copied().or_else(|| name.parse().ok());
            port.ok_or_else(|| ProviderError::failed(format!("{} has no port `{name}`", self.what)).hint(RESTART))
        };
        let host = || HOST.to_owned();
        let ready = &self.ready;
        if let Some(http) = &ready.http {
            let (port, path) = (port(&http.port)?, http.path.clone());
            return Ok(Probe::Http { host: host(), port, path, status: http.status });
        }
        if let Some(tcp) = &ready.tcp {
            return Ok(Probe::Tcp { host: host(), port: port(&tcp.port)? });
        }
        let Some(exec) = &ready.exec else { return Ok(Probe::Settled) };
        let names: BTreeMap<_, _> = launch.names.iter().map(|(name, is)| (name.clone(), Some(is.clone()))).collect();
        let parts = exec.command.iter().map(|part| expand(part, &names));
        let command = parts.collect::<Result<Option<Vec<String>>, Invalid>>().ok().flatten().ok_or_else(|| {
            let message = format!("the probe of {} names what it was not started with", self.what);
            ProviderError::failed(message).hint(RESTART)
        })?;
        Ok(Probe::Exec { command, env: launch.env.clone(), cwd: launch.cwd.clone() })
    }
}
