//! `snapshot`: a node's data, or a directory, as it is at one moment, as archives in a bucket.
//!
//! What happens to the data afterwards is no drift. A new snapshot is made beside the old one when
//! a trigger changes. Start in [`take`] for what is done and in which order, in [`history`] for
//! what is kept.

mod history;
mod hooks;
mod node;
mod scan;
mod spec;
mod take;

use std::sync::Arc;

use async_trait::async_trait;
use loam_provider::{
    CallCx, Failure, Kind, Known, ObjectMeta, PlanRequest, Planned, Provider, ProviderError, Remains, Resolution, Type,
    Value, decode,
};

use self::{
    history::{Earlier, earlier, kept},
    spec::{Spec, check, is_another},
    take::{Copied, Taken, take},
};
use super::{
    archives::{self, Stored},
    marks::Owner,
    object, place,
};
use crate::Machine;

/// Realises `snapshot`.
pub(crate) struct Snapshot {
    machine: Arc<Machine>,
}

impl Snapshot {
    pub(crate) fn new(machine: &Arc<Machine>) -> Self {
        Self { machine: Arc::clone(machine) }
    }

    /// Makes a snapshot and then removes what is no longer kept.
    async fn make(&self, kind: &Kind, cx: &CallCx, planned: &Value, dropped: Vec<Stored>) -> Result<Known, Failure> {
        let spec: Spec = decode(planned)?;
        let taken = take(&self.machine, kind, cx, &spec).await?;
        for stored in dropped {
            let removed = stored.remove(cx).await;
            removed.map_err(|error| Failure { error, remains: Remains::InDoubt })?;
        }
        Ok(made(planned, &taken)?)
    }
}

fn made(planned: &Value, taken: &Taken) -> Result<Known, ProviderError> {
    object::completed(planned, attributes(planned, taken))
}

fn attributes(planned: &Value, taken: &Taken) -> Vec<(&'static str, Value)> {
    let previous = planned.get("previous").filter(|previous| previous.is_wholly_known()).cloned();
    vec![
        ("ready", Value::from(true)),
        ("created_at", Value::from(taken.created_at.as_str())),
        ("size", object::number(Some(taken.size))),
        ("archives", Copied::list(&taken.archives)),
        ("previous", previous.unwrap_or_else(|| Earlier::list(&[]))),
    ]
}

#[async_trait]
impl Provider for Snapshot {
    async fn plan(&self, kind: &Kind, _cx: &CallCx, request: PlanRequest<'_>) -> Result<Planned, ProviderError> {
        let spec: Spec = decode(request.proposed)?;
        check(request.config, &spec)?;
        let unknown = [
            ("ready", Value::from(true)),
            ("created_at", object::unknown_text()),
            ("size", object::unknown_number()),
            ("archives", Value::Unknown(archives_type(kind))),
        ];
        let Some(prior) = request.prior else {
            let after = object::with(request.proposed, unknown);
            return Ok(Planned::new(after.with("previous", Earlier::list(&[]))));
        };
        let before: Spec = decode(prior)?;
        if !is_another(prior, request.proposed) {
            let kept = kept(before.previous.clone(), spec.keep_last(), 1);
            let previous = if kept == before.previous {
                prior.get("previous").cloned().unwrap_or_else(|| Earlier::list(&kept))
            } else {
                Earlier::list(&kept)
            };
            return Ok(Planned::new(request.proposed.with("previous", previous)));
        }
        let all = earlier(&before);
        let kept = kept(all.clone(), spec.keep_last(), 1);
        let after = object::with(request.proposed, unknown).with("previous", Earlier::list(&kept));
        let mut planned = Planned::new(after);
        planned.notes.push("a new snapshot is made beside the old one".to_owned());
        let removed = all.len() - kept.len();
        if removed > 0 {
            let what = if removed == 1 { "archive is" } else { "archives are" };
            planned.notes.push(format!("{removed} earlier {what} removed, as `keep` says"));
        }
        Ok(planned)
    }

    async fn read(&self, _kind: &Kind, cx: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError> {
        let spec: Spec = decode(current)?;
        let mut found = Vec::new();
        for copy in &spec.archives {
            let stored = copy.stored(&spec);
            let head = match &stored {
                Some(stored) => stored.head(cx).await?,
                None => None,
            };
            if head.is_some_and(|object| object.bytes == copy.bytes) {
                found.push(copy.clone());
            }
        }
        let previous = archives::present(spec.previous.clone(), |earlier| &earlier.stored, cx).await?;
        if found.is_empty() && previous.is_empty() {
            return Ok(None);
        }
        let is_ready = found.len() == spec.archives.len() && !found.is_empty();
        let seen = [
            ("ready", Value::from(is_ready)),
            ("archives", Copied::list(&found)),
            ("previous", Earlier::list(&previous)),
        ];
        object::completed(current, seen).map(Some)
    }

    async fn create(&self, kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Known, Failure> {
        self.make(kind, cx, planned, Vec::new()).await
    }

    async fn update(&self, kind: &Kind, cx: &CallCx, before: &Known, planned: &Value) -> Result<Known, Failure> {
        let (was, wanted): (Spec, Spec) = (decode(before)?, decode(planned)?);
        if object::is_unknown(planned, "archives") {
            let mut dropped = earlier(&was);
            dropped.retain(|earlier| !wanted.previous.contains(earlier));
            return self.make(kind, cx, planned, dropped.into_iter().map(|earlier| earlier.stored).collect()).await;
        }
        for earlier in was.previous.iter().filter(|earlier| !wanted.previous.contains(earlier)) {
            earlier.stored.remove(cx).await?;
        }
        Ok(object::completed(planned, [])?)
    }

    async fn delete(&self, _kind: &Kind, cx: &CallCx, before: &Known) -> Result<(), Failure> {
        let was: Spec = decode(before)?;
        node::start_if_stopped(&self.machine, cx, &was).await?;
        for earlier in earlier(&was) {
            earlier.stored.remove(cx).await?;
        }
        Ok(())
    }

    async fn resolve(&self, kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Resolution, ProviderError> {
        if planned.is_null() {
            return Ok(Resolution::Nothing);
        }
        let spec: Spec = decode(planned)?;
        node::start_if_stopped(&self.machine, cx, &spec).await?;
        let Some(bucket) = spec.archive.bucket.as_ref().and_then(|bucket| bucket.url.clone()) else {
            return Ok(Resolution::Nothing);
        };
        let mut taken = Taken::default();
        for key in written_by(kind, cx, &spec, &bucket).await? {
            let stored = Stored { bucket: bucket.clone(), key };
            if !taken.add(cx, &stored).await? {
                // The manifest is written last; without it nobody will ever know of the archive.
                stored.remove(cx).await?;
            }
        }
        if taken.archives.is_empty() {
            return Ok(Resolution::Nothing);
        }
        let formats = spec.formats();
        taken.archives.sort_by_key(|copy| formats.iter().position(|format| *format == copy.format));
        Ok(if taken.archives.len() == formats.len() {
            Resolution::Done(made(planned, &taken)?)
        } else {
            let found = attributes(planned, &taken).into_iter().chain([("ready", Value::from(false))]);
            Resolution::Partial(object::partial(planned, found))
        })
    }
}

/// Returns the keys of the archives that this operation wrote.
async fn written_by(kind: &Kind, cx: &CallCx, spec: &Spec, bucket: &str) -> Result<Vec<String>, ProviderError> {
    let Some(store) = place::open_existing(cx, bucket).await? else { return Ok(Vec::new()) };
    let prefix = format!("{}/", spec.key_prefix(kind, cx));
    let failed = |error| ProviderError::because(format!("failed to list `{bucket}/{prefix}`"), error);
    let (mut keys, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(&prefix, after.as_deref(), 1000).await.map_err(failed)?;
        for ObjectMeta { key, .. } in page.objects {
            if key.as_str().ends_with(".sha256") || key.as_str().ends_with(".manifest.json") {
                continue;
            }
            let found = store.head(&key).await.map_err(failed)?;
            if found.and_then(|object| Owner::of_object(&object)).is_some_and(|owner| owner.did(cx)) {
                keys.push(key.to_string());
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(keys);
        }
    }
}

fn archives_type(kind: &Kind) -> Type {
    kind.schema.attributes.get("archives").map_or(Type::Any, |attribute| attribute.ty.clone())
}
