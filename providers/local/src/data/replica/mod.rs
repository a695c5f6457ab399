//! `replica`: a directory and a series of versions in a bucket, kept equal in one direction.
//!
//! [`push`] publishes a directory; [`follow`] makes one from the series and goes on with it. The
//! cursor comes from the series' manifests and the target's marker, never from counting.

mod follow;
mod push;
mod spec;

use std::sync::Arc;

use async_trait::async_trait;
use loam_bundle::series::SeriesError;
use loam_provider::{
    CallCx, Failure, Kind, Known, Path as At, PlanRequest, Planned, Provider, ProviderError, Resolution, Value, decode,
};

use self::spec::{Mode, Spec, check};
use super::object;
use crate::Machine;

/// Realises `replica`.
pub(crate) struct Replica {
    machine: Arc<Machine>,
}

impl Replica {
    pub(crate) fn new(machine: &Arc<Machine>) -> Self {
        Self { machine: Arc::clone(machine) }
    }
}

#[async_trait]
impl Provider for Replica {
    async fn plan(&self, _kind: &Kind, cx: &CallCx, request: PlanRequest<'_>) -> Result<Planned, ProviderError> {
        let spec: Spec = decode(request.proposed)?;
        let Some(mode) = spec.mode else { return Ok(Planned::new(unknown(request.proposed))) };
        check(mode, request.config)?;
        match mode {
            Mode::Push => push::plan(&self.machine, cx, request, &spec).await,
            Mode::Init | Mode::Pull => follow::plan(&self.machine, cx, request, &spec, mode).await,
        }
    }

    async fn read(&self, _kind: &Kind, cx: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError> {
        let spec: Spec = decode(current)?;
        match spec.mode()? {
            Mode::Push => push::read(cx, current, &spec).await,
            Mode::Init | Mode::Pull => follow::read(&self.machine, cx, current, &spec).await,
        }
    }

    async fn create(&self, _kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Known, Failure> {
        let spec: Spec = decode(planned)?;
        match spec.mode()? {
            Mode::Push => push::publish(&self.machine, cx, planned, &spec).await,
            Mode::Init | Mode::Pull => follow::create(&self.machine, cx, planned, &spec).await,
        }
    }

    async fn update(&self, _kind: &Kind, cx: &CallCx, before: &Known, planned: &Value) -> Result<Known, Failure> {
        let spec: Spec = decode(planned)?;
        if !object::is_unknown(planned, "manifest_sha256") && planned.get("version") == before.get("version") {
            return Ok(object::completed(planned, [])?);
        }
        match spec.mode()? {
            Mode::Push => push::publish(&self.machine, cx, planned, &spec).await,
            Mode::Init if !spec.follows() => {
                Err(ProviderError::failed("a target that was made once does not go to another version")
                    .hint("Write `then = \"pull\"` to let it follow the series.")
                    .into())
            }
            Mode::Init | Mode::Pull => follow::pull(&self.machine, cx, planned, &spec, &decode(before)?).await,
        }
    }

    async fn delete(&self, _kind: &Kind, cx: &CallCx, before: &Known) -> Result<(), Failure> {
        let spec: Spec = decode(before)?;
        match spec.mode()? {
            Mode::Push => push::delete(cx, &spec).await,
            Mode::Init | Mode::Pull => follow::delete(&self.machine, cx, &spec).await,
        }
    }

    async fn resolve(&self, _kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Resolution, ProviderError> {
        if planned.is_null() {
            return Ok(Resolution::Nothing);
        }
        let spec: Spec = decode(planned)?;
        match spec.mode()? {
            Mode::Push => push::resolve(cx, planned, &spec).await,
            Mode::Init | Mode::Pull => follow::resolve(&self.machine, cx, planned, &spec).await,
        }
    }
}

/// Returns what is planned while it is not known what is wanted at all.
fn unknown(proposed: &Value) -> Value {
    let texts = ["url", "status", "source_id", "manifest_sha256", "content_root"];
    let numbers = ["version", "behind", "epoch"];
    let texts = texts.into_iter().map(|name| (name, object::unknown_text()));
    let numbers = numbers.into_iter().map(|name| (name, object::unknown_number()));
    texts.chain(numbers).fold(proposed.clone(), |object, (name, unknown)| {
        // What the configuration says stays.
        if name == "version" && object.get(name).is_some_and(|value| !value.is_null()) {
            return object;
        }
        object.with(name, unknown)
    })
}

/// Returns the error of a series, with the way on.
fn series_failed(what: &str, error: SeriesError) -> ProviderError {
    let (path, hint) = match &error {
        SeriesError::NoVersions { .. } => (
            Some("series"),
            Some("Publish a first version with a `replica` in mode `push`, or check `bucket` and `series`.".to_owned()),
        ),
        SeriesError::NoSuchVersion { .. } => {
            (Some("version"), Some("Leave `version` out to take the newest one.".to_owned()))
        }
        SeriesError::NothingAsOf { .. } => {
            (Some("as_of"), Some("Write a later time, or leave `as_of` out to take the newest version.".to_owned()))
        }
        SeriesError::NotEmpty { target } => {
            (Some("target"), Some(format!("Choose another `target`, or move what is in `{}` away.", target.display())))
        }
        SeriesError::NotFollowing { target } => {
            (Some("target"), Some(format!("Move `{}` away and apply again: it is made anew.", target.display())))
        }
        SeriesError::Diverged { target, .. } => (Some("target"), Some(go_on_after_divergence(&target.display()))),
        SeriesError::SourceReset { .. } | SeriesError::Rewritten { .. } | SeriesError::WentBack { .. } => {
            (Some("series"), Some(GO_ON_AFTER_RESET.to_owned()))
        }
        SeriesError::NoRoom { .. } => {
            (Some("target"), Some("Free some space, or choose a `target` on another file system.".to_owned()))
        }
        SeriesError::Contended { .. } => {
            (None, Some("Let one publisher alone write to a series, and plan again.".to_owned()))
        }
        SeriesError::Tree(_)
        | SeriesError::Store(_)
        | SeriesError::Codec(_)
        | SeriesError::Malformed { .. }
        | SeriesError::Damaged { .. }
        | SeriesError::Compress { .. }
        | SeriesError::Io { .. }
        | SeriesError::Interrupted { .. } => (None, None),
    };
    let mut failed = ProviderError::because(what.to_owned(), error);
    failed.path = path.map(At::attribute);
    match hint {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}

fn go_on_after_divergence(target: &impl std::fmt::Display) -> String {
    format!(
        "Keep the changes by copying `{target}` elsewhere. Then move it away and apply again: it is made anew from the \
         series."
    )
}

const GO_ON_AFTER_RESET: &str = "If the new source is the right one, move the target of a pull away and apply again, or \
                                 give a push a `series` of its own.";
