//! `process`: one detached process, and the machinery by which networks have many.
//!
//! A process is started by [`start`] through [`launch`], known by its [`Identity`], written down in
//! its [`Place`], waited for by [`ready`] and ended by [`stop`]. It outlives loam and is nobody's child then.

mod command;
mod error;
mod identity;
mod kind;
pub mod launch;
mod log;
mod ready;
mod record;
mod site;
mod start;
mod stop;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use loam_provider::{
    CallCx, Failure, Kind, Known, Path, PlanRequest, Planned, Provider, ProviderError, Remains, Resolution, Type,
    Value, decode, kinds::Ready,
};

pub(crate) use command::{Run, run, until};
pub(crate) use error::ProcessError;
pub(crate) use identity::{Identity, MARK, pids};
pub(crate) use kind::process;
use kind::{Restart, Spec};
pub(crate) use launch::Launch;
pub(crate) use log::Follow;
pub(crate) use ready::{Probe, Waiting};
pub(crate) use record::{About, Condition, Place, Record};
pub(crate) use site::{Owner, Site, name_of, plain};
pub(crate) use start::{environment, start};
pub(crate) use stop::stop;

use crate::{Machine, files::fs};

/// Processes of this machine.
pub(crate) struct Process(pub(crate) Arc<Machine>);

#[async_trait]
impl Provider for Process {
    async fn plan(&self, _kind: &Kind, cx: &CallCx, request: PlanRequest<'_>) -> Result<Planned, ProviderError> {
        let proposed = request.proposed;
        let spec: Spec = decode(proposed)?;
        let digest = self.digest_if_known(proposed, &spec)?;
        let text = |digest: Option<String>| digest.map_or(Value::Unknown(Type::String), Value::from);
        let Some(prior) = request.prior else {
            let site = Site::free(&self.root(), &name_of(&cx.address), cx)?;
            let after = started(&proposed.with("digest", text(digest)));
            return Ok(Planned::new(with_paths(&after, &Place(site.0))));
        };
        let was = |name: &str| prior.get(name).and_then(Value::as_str);
        let is_same = digest.as_deref().is_some_and(|digest| Some(digest) == was("digest"));
        let is_well = was("status") == Some("running");
        let is_left = was("status") == Some("dead") && spec.restart == Restart::Never;
        if is_same && (is_well || is_left) {
            return Ok(Planned::new(proposed.clone()));
        }
        let mut planned = Planned::new(started(&proposed.with("digest", text(digest))));
        if !is_well {
            planned.notes.push(format!("the process is {}", was("status").unwrap_or("dead")));
        }
        Ok(planned)
    }

    async fn read(&self, _kind: &Kind, _cx: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError> {
        let place = place(current);
        let condition = place.condition()?;
        if condition == Condition::Nothing && fs::metadata(place.path())?.is_none() {
            return Ok(None);
        }
        Ok(Some(observed(current, &condition)))
    }

    async fn create(&self, _kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Known, Failure> {
        let site = match planned.get("dir").and_then(Value::as_str) {
            Some(dir) => Site(dir.into()),
            None => Site::free(&self.root(), &name_of(&cx.address), cx).map_err(ProviderError::from)?,
        };
        let owner = site.claim(cx)?;
        match self.run(cx, planned, &site, &owner).await {
            Ok(object) => Ok(object),
            Err(error) => match site.remove(self.0.loam_dir()).await {
                Ok(()) => Err(error.into()),
                Err(_) => Err(Failure { error, remains: Remains::InDoubt }),
            },
        }
    }

    async fn update(&self, _kind: &Kind, cx: &CallCx, before: &Known, planned: &Value) -> Result<Known, Failure> {
        let site = Site(place(before).0);
        let partial = |error: ProviderError| {
            let now = Place(site.0.clone()).condition().unwrap_or(Condition::Nothing);
            Failure { error, remains: Remains::Partial(observed(before, &now)) }
        };
        let owner = site.change(cx)?;
        self.run(cx, planned, &site, &owner).await.map_err(partial)
    }

    async fn delete(&self, _kind: &Kind, cx: &CallCx, before: &Known) -> Result<(), Failure> {
        let place = place(before);
        let site = Site(place.0.clone());
        site.check(cx)?;
        let spec: Spec = decode(before)?;
        let recorded = place.record().map_err(ProviderError::from)?.map(|record| record.identity);
        let known = before.get("process").and_then(Value::as_str).and_then(Identity::parse);
        for identity in recorded.into_iter().chain(known) {
            stop("the process", &identity, &spec.stop).await.map_err(ProviderError::from)?;
        }
        Ok(site.remove(self.0.loam_dir()).await.map_err(ProviderError::from)?)
    }

    async fn resolve(&self, _kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Resolution, ProviderError> {
        let Some(site) = Site::of_token(&self.root(), cx)? else {
            return Ok(if planned.is_null() { Resolution::Done(Known::null()) } else { Resolution::Nothing });
        };
        let Some(owner) = site.owner()?.filter(|_| !planned.is_null()) else { return Ok(Resolution::Nothing) };
        let place = Place(site.0.clone());
        let condition = place.condition()?;
        if condition == Condition::Nothing && !owner.is_made {
            site.remove(self.0.loam_dir()).await?;
            return Ok(Resolution::Nothing);
        }
        let object = with_paths(planned, &place);
        let object = match condition.record() {
            Some(record) => object.with("digest", Value::from(record.about.digest.as_str())),
            None => object,
        };
        let known = observed(&filled(&object), &condition);
        Ok(if owner.is_finished { Resolution::Done(known) } else { Resolution::Partial(known) })
    }
}

impl Process {
    fn root(&self) -> PathBuf {
        self.0.loam_dir().join("processes")
    }

    fn cwd(&self, spec: &Spec) -> PathBuf {
        spec.cwd.as_deref().map_or_else(|| self.0.base_dir().to_owned(), |cwd| self.0.path(cwd))
    }

    fn digest_if_known(&self, proposed: &Value, spec: &Spec) -> Result<Option<String>, ProviderError> {
        let is_known = |name: &str| proposed.get(name).is_none_or(Value::is_wholly_known);
        if is_known("command") && spec.command.is_empty() {
            return Err(ProviderError::invalid(Path::attribute("command"), "the command is empty"));
        }
        if is_known("ready") {
            probe(self, spec)?;
        }
        let all = is_known("command") && is_known("env") && is_known("cwd");
        Ok(all.then(|| self.digest(spec)))
    }

    fn digest(&self, spec: &Spec) -> String {
        let text = serde_json::to_vec(&(&spec.command, &spec.env, self.cwd(spec))).expect("texts are JSON");
        fs::digest_of(&text)
    }

    /// Brings the process to what is declared: keeps one that is right, replaces one that is not.
    async fn run(&self, cx: &CallCx, planned: &Value, site: &Site, owner: &Owner) -> Result<Known, ProviderError> {
        const WHAT: &str = "the process";
        let spec: Spec = decode(planned)?;
        let (place, digest) = (Place(site.0.clone()), self.digest(&spec));
        let mut log = Follow::from_end(place.log());
        let condition = place.condition()?;
        let kept = condition.alive().filter(|record| record.about.digest == digest).cloned();
        let (identity, child) = match kept {
            Some(record) => (record.identity, None),
            None => {
                if let Some(record) = condition.record() {
                    cx.progress.items("stopping", 0, Some(1));
                    stop(WHAT, &record.identity, &spec.stop).await?;
                }
                if cx.cancel.is_cancelled() {
                    return Err(ProviderError::cancelled());
                }
                log = Follow::from_end(place.log());
                let about = About {
                    address: cx.address.to_string(),
                    state_id: cx.state_id.to_string(),
                    token: cx.token.0.to_string(),
                    digest: digest.clone(),
                    ports: [].into(),
                    files: [].into(),
                    joined: false,
                };
                let (command, env) = (spec.command.clone(), environment(&spec.env));
                let launch =
                    Launch { command, env, cwd: self.cwd(&spec), place: site.0.clone(), about, names: [].into() };
                let started = start(self.0.executable(), WHAT, &launch).await?;
                (started.identity, Some(started.child))
            }
        };
        cx.progress.items("waiting for the process", 0, Some(1));
        let (timing, probe) = (spec.ready.clone(), probe(self, &spec)?);
        let (what, process) = (WHAT.to_owned(), identity.clone());
        let waiting = Waiting { what, place: place.clone(), identity, child, log, probe, timing };
        if let Err(error) = waiting.until_ready(cx).await {
            stop(WHAT, &process, &spec.stop).await?;
            return Err(error.into());
        }
        site.write(&Owner { is_finished: true, is_made: true, ..owner.clone() })?;
        let object = with_paths(&planned.with("digest", Value::from(digest)), &place);
        Ok(observed(&filled(&object), &place.condition()?))
    }
}

fn probe(process: &Process, spec: &Spec) -> Result<Probe, ProviderError> {
    let host = || "127.0.0.1".to_owned();
    let port = |port: &str, at: &str| {
        port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(|| {
            let path = Path::attribute("ready").name(at).name("port");
            ProviderError::invalid(path, format!("`{port}` is not a port")).hint("Write its number, 1 to 65535.")
        })
    };
    let ready = &spec.ready;
    check_ready(ready)?;
    Ok(match (&ready.http, &ready.tcp, &ready.exec) {
        (None, None, None) => Probe::Settled,
        (Some(http), ..) => {
            let (port, path) = (port(&http.port, "http")?, http.path.clone());
            Probe::Http { host: host(), port, path, status: http.status }
        }
        (None, Some(tcp), _) => Probe::Tcp { host: host(), port: port(&tcp.port, "tcp")? },
        (None, None, Some(exec)) => {
            let (command, env) = (exec.command.clone(), environment(&spec.env));
            Probe::Exec { command, env, cwd: process.cwd(spec) }
        }
    })
}

/// Checks what of a `ready` block can be checked without knowing whom it asks.
pub(crate) fn check_ready(ready: &Ready) -> Result<(), ProviderError> {
    let at = |name: &str| Path::attribute("ready").name(name);
    if [ready.http.is_some(), ready.tcp.is_some(), ready.exec.is_some()].iter().filter(|set| **set).count() > 1 {
        return Err(ProviderError::invalid(Path::attribute("ready"), "`ready` has more than one probe")
            .hint("Keep one of `http`, `tcp` and `exec`."));
    }
    if let Some(http) = ready.http.as_ref().filter(|http| !http.path.starts_with('/')) {
        return Err(ProviderError::invalid(at("http").name("path"), format!("`{}` is not a path", http.path))
            .hint(format!("Write \"/{}\".", http.path)));
    }
    if ready.exec.as_ref().is_some_and(|exec| exec.command.is_empty()) {
        return Err(ProviderError::invalid(at("exec").name("command"), "the command is empty"));
    }
    Ok(())
}

fn place(object: &Value) -> Place {
    Place(object.get("dir").and_then(Value::as_str).unwrap_or_default().into())
}

fn with_paths(object: &Value, place: &Place) -> Value {
    let text = |path: &std::path::Path| Value::from(path.to_string_lossy().into_owned());
    object.with("dir", text(place.path())).with("log", text(&place.log()))
}

/// Returns the object with the process it will have.
fn started(object: &Value) -> Value {
    object
        .with("status", Value::from("running"))
        .with("pid", Value::Unknown(Type::Number))
        .with("process", Value::Unknown(Type::String))
}

fn observed(object: &Known, condition: &Condition) -> Known {
    let alive = condition.alive().map(|record| &record.identity);
    let last = condition.record().map(|record| record.identity.to_string());
    let seen = object
        .value()
        .with("status", Value::from(condition.word()))
        .with("pid", alive.map_or(Value::Null(Type::Number), |identity| Value::from(u64::from(identity.pid))));
    let seen = match last {
        Some(last) => seen.with("process", Value::from(last)),
        None => seen,
    };
    let seen = match condition.record() {
        Some(record) => seen.with("digest", Value::from(record.about.digest.as_str())),
        None => seen,
    };
    filled(&seen)
}

/// Returns the object with nulls where something is still unknown.
pub(crate) fn filled(object: &Value) -> Known {
    let known = object.transform(&mut |_, value| match value {
        Value::Unknown(ty) => Value::Null(ty),
        other => other,
    });
    Known::new(known).expect("nothing unknown is left")
}
