//! Changes the nodes of a network: starts, waits, rolls, lets join and leave.

use std::{collections::BTreeMap, path::Path};

use loam_provider::{CallCx, Period, ProviderError, kinds::network::Hook};
use tokio::{task::JoinSet, time::Instant};

use super::{
    node::{Declared, For, Node, expanded, upper},
    object, ports, ready, seed,
};
use crate::{
    Machine,
    files::{FileError, fs},
    process::{About, Condition, Follow, Identity, Launch, ProcessError, Run, Waiting, environment, run, start, stop},
};

/// One call on one network.
pub(super) struct Work<'w> {
    pub(super) machine: &'w Machine,
    pub(super) cx: &'w CallCx,
    pub(super) network: Declared<'w>,
    pub(super) dir: &'w Path,
    /// All nodes that are declared, their ports chosen.
    pub(super) nodes: Vec<Node>,
}

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Bootstrap,
    BeforeJoin,
    BeforeLeave,
}

impl When {
    fn word(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::BeforeJoin => "before_join",
            Self::BeforeLeave => "before_leave",
        }
    }
}

impl Work<'_> {
    /// Starts all nodes at once, because they may need each other to become ready.
    pub(super) async fn found(&self) -> Result<(), ProviderError> {
        self.bring_up(&self.nodes, &self.nodes, For::New).await
    }

    /// Changes what runs into what is declared, disturbing as few nodes as possible.
    pub(super) async fn converge(&self, known: &[(String, Identity)]) -> Result<(), ProviderError> {
        for (name, identity) in known {
            let place = crate::process::Place(object::node_dir(self.dir, name));
            if place.record()?.is_none() {
                stop(&what(name), identity, &self.network.spec.stop).await?;
            }
        }
        let (mut broken, mut joining) = (Vec::new(), Vec::new());
        for node in &self.nodes {
            if fs::metadata(&node.marker())?.is_none() {
                joining.push(node.clone());
            } else if !self.is_well(node)? {
                broken.push(node.clone());
            }
        }
        let joins_one_by_one = self.network.spec.before_join.is_some();
        let mut members = self.nodes.clone();
        if joins_one_by_one {
            members.retain(|node| joining.iter().all(|other| other.name != node.name));
        }
        self.bring_up(&broken, &members, For::Joined).await?;
        // A hook takes a node out of the cluster while all others run. Without one the nodes tell each other: those
        // that stay learn of the shorter list first, so that none counts on a node that has gone.
        let leaves_by_hook = self.network.spec.before_leave.is_some();
        if leaves_by_hook {
            self.let_leave().await?;
        }
        if joins_one_by_one {
            for node in &joining {
                self.hook(When::BeforeJoin, node).await?;
                members.push(node.clone());
                members.sort_by_key(|node| node.index);
                self.bring_up(std::slice::from_ref(node), &members, For::Joined).await?;
            }
        } else {
            self.bring_up(&joining, &self.nodes, For::Joined).await?;
        }
        self.roll().await?;
        if leaves_by_hook { Ok(()) } else { self.let_leave().await }
    }

    /// Runs the bootstrap, as of the first node.
    pub(super) async fn bootstrap(&self) -> Result<(), ProviderError> {
        match self.nodes.first() {
            Some(first) => self.hook(When::Bootstrap, first).await,
            None => Ok(()),
        }
    }

    /// Restarts the nodes that run with other texts than those declared, one at a time.
    async fn roll(&self) -> Result<(), ProviderError> {
        for node in &self.nodes {
            let digest = node.digest(&self.network, &self.nodes)?;
            let condition = node.place().condition()?;
            let is_same = condition.record().map(|record| &record.about.digest) == digest.as_ref();
            if !is_same {
                self.bring_up(std::slice::from_ref(node), &self.nodes, For::Joined).await?;
            }
        }
        Ok(())
    }

    /// Stops the nodes that are no longer declared, and deletes what is theirs.
    async fn let_leave(&self) -> Result<(), ProviderError> {
        for name in object::found(self.dir)? {
            if self.nodes.iter().any(|node| node.name == name) {
                continue;
            }
            let place = crate::process::Place(object::node_dir(self.dir, &name));
            let condition = place.condition()?;
            if let Some(record) = condition.record() {
                if condition.alive().is_some() && self.network.spec.before_leave.is_some() {
                    let node = Node::leaving(&name, &place, record)?;
                    self.hook(When::BeforeLeave, &node).await?;
                }
                self.cx.progress.items(&format!("stopping node `{name}`"), 0, None);
                stop(&what(&name), &record.identity, &self.network.spec.stop).await?;
            }
            fs::remove_large_directory(place.path()).await?;
        }
        Ok(())
    }

    /// Brings nodes up together and waits until all are ready; what it started is stopped if one fails.
    async fn bring_up(&self, nodes: &[Node], members: &[Node], purpose: For) -> Result<(), ProviderError> {
        for node in nodes {
            if node.place().condition()? == Condition::Nothing {
                ports::check_free(&node.name, &node.known_ports())?;
            }
        }
        // Filling may take long, and what is started waits for the others.
        for node in nodes {
            self.prepare(node, purpose).await?;
        }
        let mut started = Vec::new();
        let mut waiting = Vec::new();
        let mut failed = None;
        for node in nodes {
            match self.raise(node, members, purpose).await {
                Ok(one) => {
                    started.push((node.name.clone(), one.identity.clone()));
                    waiting.push(one);
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        let result = match failed {
            Some(error) => Err(error),
            None => self.all_ready(waiting).await,
        };
        if result.is_err() {
            // Why a node did not start is what matters; one that cannot be stopped is recorded and found again.
            let _ = stop_all(started, &self.network.spec.stop).await;
        }
        result
    }

    async fn all_ready(&self, waiting: Vec<Waiting>) -> Result<(), ProviderError> {
        let total = waiting.len() as u64;
        let mut left: Vec<String> = waiting.iter().map(|waiting| waiting.what.clone()).collect();
        let mut waits = JoinSet::new();
        for one in waiting {
            let (cx, what) = (self.cx.clone(), one.what.clone());
            waits.spawn(async move { (what, one.until_ready(&cx).await) });
        }
        loop {
            if let Some(next) = left.first() {
                self.cx.progress.items(&format!("waiting for {next}"), total - left.len() as u64, Some(total));
            }
            match waits.join_next().await {
                None => return Ok(()),
                Some(Ok((what, Ok(())))) => left.retain(|waited| *waited != what),
                Some(Ok((_, Err(error)))) => return Err(error.into()),
                Some(Err(error)) => return Err(ProviderError::because("a wait for a node broke off", error)),
            }
        }
    }

    /// Makes one node run what is declared, keeping a process that already does.
    async fn raise(&self, node: &Node, members: &[Node], purpose: For) -> Result<Waiting, ProviderError> {
        let place = node.place();
        let condition = place.condition()?;
        let joined = condition.record().map_or(purpose == For::Joined, |record| record.about.joined);
        let names = node.names(&self.network, members, if joined { For::Joined } else { For::New })?;
        let texts = node.expanded(&self.network, &names)?;
        let digest = node.digest(&self.network, members)?;
        let (Some(texts), Some(digest)) = (texts, digest) else {
            return Err(ProviderError::failed(format!("the ports of node `{}` were not chosen", node.name)));
        };
        let probe = ready::probe(self.network.spec, node, &names, &texts, self.machine.base_dir())?;
        let timing = self.network.spec.ready.clone();
        let what = what(&node.name);
        if let Some(record) = condition.alive()
            && record.about.digest == digest
            && object::has_its_files(&place, record)?
        {
            let (identity, log) = (record.identity.clone(), Follow::from_end(place.log()));
            return Ok(Waiting { what, place, identity, child: None, log, probe, timing });
        }
        if self.cx.cancel.is_cancelled() {
            return Err(ProviderError::cancelled());
        }
        if let Some(record) = condition.record() {
            self.cx.progress.items(&format!("stopping {what}"), 0, None);
            stop(&what, &record.identity, &self.network.spec.stop).await?;
        }
        ports::check_free(&node.name, &node.known_ports())?;
        fs::make_directory(&node.data_dir(), 0o700)?;
        let about = About {
            address: self.cx.address.to_string(),
            state_id: self.cx.state_id.to_string(),
            token: self.cx.token.0.to_string(),
            digest,
            ports: node.known_ports(),
            files: self.write_files(node, &texts.files)?,
            joined,
        };
        let log = Follow::from_end(place.log());
        let (env, cwd) = (environment(&texts.env), self.machine.base_dir().to_owned());
        let names = names.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let launch = Launch { command: texts.command, env, cwd, place: node.dir.clone(), about, names };
        place.keep(&launch)?;
        self.cx.progress.items(&format!("starting {what}"), 0, None);
        let started = start(self.machine.executable(), &what, &launch).await?;
        let child = Some(started.child);
        Ok(Waiting { what, place, identity: started.identity, child, log, probe, timing })
    }

    /// Makes the node's directory, and once its data; the marker is written last.
    async fn prepare(&self, node: &Node, purpose: For) -> Result<(), ProviderError> {
        if fs::metadata(&node.marker())?.is_some() {
            return Ok(());
        }
        if node.place().record()?.is_some() && !fs::names(&node.data_dir())?.is_empty() {
            let (marker, data) = (node.marker(), node.data_dir());
            let message =
                format!("`{}` is gone, which says what `{}` was filled from", marker.display(), data.display());
            return Err(ProviderError::failed(message).hint(format!(
                "Write `{{}}` into that file to keep the data, or delete `{}` to have the node made anew.",
                node.dir.display()
            )));
        }
        fs::make_directory(&node.dir, 0o700)?;
        let spec = self.network.spec;
        let joins_by_hook = purpose == For::Joined && spec.before_join.is_some();
        let seed = spec.seed.as_ref().filter(|_| !joins_by_hook);
        match seed {
            None => {
                fs::remove_large_directory(&node.data_dir()).await?;
                fs::make_directory(&node.data_dir(), 0o700)?;
            }
            Some(seed) => seed::fill(self.machine, self.cx, seed, node).await?,
        }
        let (name, digest) = (seed.map(|seed| &seed.name), seed.and_then(|seed| seed.digest.as_ref()));
        let marker = serde_json::json!({ "seed": name, "digest": digest, "token": self.cx.token.0.as_str() });
        Ok(fs::write(&node.marker(), marker.to_string().as_bytes(), 0o600)?)
    }

    /// Writes the node's files, and deletes those it no longer has; returns their digests.
    fn write_files(
        &self,
        node: &Node,
        files: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, FileError> {
        let dir = node.files_dir();
        fs::make_directory(&dir, 0o700)?;
        let had = node.place().record()?.map(|record| record.about.files).unwrap_or_default();
        for name in had.keys().filter(|name| !files.contains_key(*name)) {
            fs::remove_file(&dir.join(name))?;
        }
        let mut digests = BTreeMap::new();
        for (name, content) in files {
            let path = dir.join(name);
            if let Some(parent) = path.parent() {
                fs::make_directory(parent, 0o700)?;
            }
            fs::write(&path, content.as_bytes(), 0o600)?;
            digests.insert(name.clone(), fs::digest_of(content.as_bytes()));
        }
        Ok(digests)
    }

    /// Returns whether a node is ready and has its files; what it runs is not asked.
    fn is_well(&self, node: &Node) -> Result<bool, FileError> {
        let place = node.place();
        match place.condition()? {
            Condition::Running(record) => object::has_its_files(&place, &record),
            Condition::Nothing | Condition::Dead(_) | Condition::Starting(_) => Ok(false),
        }
    }

    /// Runs a hook for a node; its names also tell of the others that run.
    async fn hook(&self, hook: When, node: &Node) -> Result<(), ProviderError> {
        let spec = self.network.spec;
        let of = |hook: &Hook| (hook.command.clone(), hook.timeout, hook.retry_every);
        let declared = match hook {
            When::Bootstrap => spec.bootstrap.as_ref().map(|hook| (hook.command.clone(), hook.timeout, None)),
            When::BeforeJoin => spec.before_join.as_ref().map(of),
            When::BeforeLeave => spec.before_leave.as_ref().map(of),
        };
        let Some((command, timeout, retry_every)) = declared else { return Ok(()) };
        let mut names = node.names(&self.network, &self.nodes, For::Joined)?;
        for (port, others) in self.others(&node.name)? {
            names.insert(format!("OTHERS_{}", upper(&port)), Some(others.join(",")));
        }
        let path = loam_provider::Path::attribute(hook.word()).name("command");
        let parts = command.iter().enumerate();
        let parts = parts.map(|(index, part)| expanded(part, &names, &path.index(index), spec));
        let command = parts.collect::<Result<Option<Vec<_>>, _>>()?.unwrap_or_default();
        let env = node.expanded(&self.network, &names)?.map(|texts| texts.env).unwrap_or_default();
        let (env, log) = (environment(&env), self.dir.join("hooks.log"));
        self.cx.progress.items(&format!("running `{}` for node `{}`", hook.word(), node.name), 0, None);
        let (what, cwd) = (format!("`{}`", hook.word()), self.machine.base_dir());
        let end = Instant::now() + timeout.0;
        loop {
            let timeout = Period(end.saturating_duration_since(Instant::now()));
            let once = Run { what: &what, command: &command, env: &env, cwd, log: &log, timeout };
            match (run(&once, self.cx).await, retry_every) {
                (Ok(()), _) => return Ok(()),
                (Err(ProcessError::Failed { .. }), Some(pause)) if Instant::now() + pause.0 < end => {
                    tokio::select! {
                        () = tokio::time::sleep(pause.0) => {}
                        () = self.cx.cancel.cancelled() => return Err(ProviderError::cancelled()),
                    }
                }
                (Err(error), _) => return Err(error.into()),
            }
        }
    }

    /// Returns, by port, where every other node that runs is reached.
    fn others(&self, name: &str) -> Result<BTreeMap<String, Vec<String>>, FileError> {
        let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for node in &self.nodes {
            let condition = node.place().condition()?;
            for port in node.ports.keys() {
                others.entry(port.clone()).or_default();
            }
            let running = condition.alive().filter(|_| node.name != name);
            for (port, number) in running.into_iter().flat_map(|record| &record.about.ports) {
                others.entry(port.clone()).or_default().push(format!("http://{}:{number}", ports::HOST));
            }
        }
        Ok(others)
    }
}

/// Stops all processes of a network at once.
pub(super) async fn stop_all(
    processes: impl IntoIterator<Item = (String, Identity)>,
    how: &loam_provider::kinds::Stop,
) -> Result<(), ProviderError> {
    let mut stops = JoinSet::new();
    for (name, identity) in processes {
        let how = how.clone();
        stops.spawn(async move { stop(&what(&name), &identity, &how).await });
    }
    let mut first: Result<(), ProcessError> = Ok(());
    while let Some(stopped) = stops.join_next().await {
        let stopped = stopped.map_err(|error| ProviderError::because("stopping a node broke off", error))?;
        first = first.and(stopped);
    }
    Ok(first?)
}

fn what(name: &str) -> String {
    format!("node `{name}`")
}
