//! `bucket`: a directory whose files are objects.
//!
//! Its marker, which listings hide, says whose it is. A directory that has anything in it but no
//! marker is somebody's, and never taken. Start in [`directory`] if a bucket is refused.

mod directory;
mod quota;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use loam_bundle::store;
use loam_provider::{
    CallCx, Failure, Kind, Known, Path as At, PlanRequest, Planned, Provider, ProviderError, Remains, Resolution, Type,
    Value, decode,
};
use serde::Deserialize;

use self::directory::{Abandoned, Force, Marker};
pub(crate) use self::quota::check as check_quota;
use super::{object, place, work};
use crate::Machine;

/// Realises `bucket`.
pub(crate) struct Bucket {
    machine: Arc<Machine>,
}

#[derive(Debug, Deserialize)]
struct Spec {
    name: Option<String>,
    quota: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    #[serde(default)]
    local: Local,
    #[serde(default)]
    force_destroy: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Local {
    path: Option<String>,
}

impl Bucket {
    pub(crate) fn new(machine: &Arc<Machine>) -> Self {
        Self { machine: Arc::clone(machine) }
    }

    /// Returns where the bucket is, or will be, as far as that is known.
    fn path(&self, object: &Value) -> Result<Option<PathBuf>, ProviderError> {
        let spec: Spec = decode(object)?;
        if object::is_unknown(object, "local") {
            return Ok(None);
        }
        if let Some(path) = &spec.local.path {
            return Ok(Some(place::path(&self.machine, path)));
        }
        let Some(name) = spec.name else { return Ok(None) };
        let is_plain = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
        if !name.starts_with(|char: char| char.is_ascii_alphanumeric()) || !name.chars().all(is_plain) {
            return Err(ProviderError::invalid(At::attribute("name"), format!("`{name}` is not a name for a bucket"))
                .hint("Start with a letter or digit; letters, digits, `.`, `_` and `-` may follow."));
        }
        Ok(Some(self.machine.loam_dir().join("buckets").join(name)))
    }

    fn known_path(&self, object: &Value) -> Result<PathBuf, ProviderError> {
        self.path(object)?.ok_or_else(|| ProviderError::failed("the bucket's place is not known"))
    }
}

/// Returns the id that an object records; one that was taken over has none before its first update.
fn id(object: &Value) -> Option<&str> {
    object.get("id").and_then(Value::as_str)
}

fn made(planned: &Value, marker: &Marker, path: &Path) -> Result<Known, ProviderError> {
    object::completed(
        planned,
        [
            ("id", Value::from(marker.id.as_str())),
            ("url", Value::from(store::file_url(path))),
            ("path", Value::from(place::text(path)?)),
        ],
    )
}

fn wanted(cx: &CallCx, planned: &Value) -> Result<Marker, ProviderError> {
    let Spec { name, quota, tags, .. } = decode(planned)?;
    Ok(Marker::new(cx, name.unwrap_or_default(), quota, tags))
}

#[async_trait]
impl Provider for Bucket {
    async fn plan(&self, _kind: &Kind, _cx: &CallCx, request: PlanRequest<'_>) -> Result<Planned, ProviderError> {
        let (path, url) = match self.path(request.proposed)? {
            Some(path) => (Value::from(place::text(&path)?), Value::from(store::file_url(&path))),
            None => (object::unknown_text(), object::unknown_text()),
        };
        let is_new = request.prior.is_none_or(|prior| prior.get("path") != Some(&path) || id(prior).is_none());
        let after = object::with(request.proposed, [("path", path), ("url", url)]);
        Ok(Planned::new(if is_new { after.with("id", object::unknown_text()) } else { after }))
    }

    async fn read(&self, _kind: &Kind, cx: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError> {
        let path = self.known_path(current)?;
        let at = path.clone();
        let Some(marker) = work::blocking(move || directory::marker(&at)).await? else {
            // One that was taken over has no marker before its first update.
            return Ok((id(current).is_none() && path.is_dir()).then(|| current.clone()));
        };
        if !marker.owner.is_in(cx) || id(current).is_some_and(|id| id != marker.id) {
            return Ok(None);
        }
        object::completed(current, marker.recorded()).map(Some)
    }

    async fn create(&self, _kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Known, Failure> {
        let path = self.known_path(planned)?;
        let (at, marker, for_call) = (path.clone(), wanted(cx, planned)?, cx.clone());
        let marker = work::blocking(move || directory::make(&at, marker, &for_call)).await?;
        Ok(made(planned, &marker, &path)?)
    }

    async fn update(&self, _kind: &Kind, cx: &CallCx, before: &Known, planned: &Value) -> Result<Known, Failure> {
        let path = self.known_path(before)?;
        let (at, marker, for_call) = (path.clone(), wanted(cx, planned)?, cx.clone());
        let change = if id(before).is_some() { directory::mark } else { directory::take_over };
        let marker = work::blocking(move || change(&at, marker, &for_call)).await?;
        Ok(made(planned, &marker, &path)?)
    }

    async fn delete(&self, _kind: &Kind, cx: &CallCx, before: &Known) -> Result<(), Failure> {
        let spec: Spec = decode(before)?;
        let path = self.known_path(before)?;
        let id = before.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let force = if spec.force_destroy { Force::Objects } else { Force::Nothing };
        let cx = cx.clone();
        let folder = self.machine.loam_dir().join("buckets");
        let removed = work::blocking(move || directory::remove(&path, &folder, &id, force, &cx)).await;
        removed.map_err(|error| match force {
            Force::Nothing => Failure::from(error),
            Force::Objects => Failure { error, remains: Remains::InDoubt },
        })
    }

    async fn import(&self, kind: &Kind, cx: &CallCx, id: &str, config: &Value) -> Result<Option<Known>, ProviderError> {
        let path = place::path(&self.machine, id);
        if let Some(written) = self.path(config)?
            && written != path
        {
            let message = format!("the block's bucket is at `{}`, not at `{}`", written.display(), path.display());
            return Err(ProviderError::invalid(At::attribute("local").name("path"), message)
                .hint(format!("Write `local {{ path = \"{id}\" }}` into the block.")));
        }
        let at = path.clone();
        let marker = work::blocking(move || directory::marker(&at)).await?;
        if let Some(marker) = &marker
            && !marker.owner.is_in(cx)
        {
            return Err(marker.owner.refuses(&format!("bucket `{}`", path.display()), cx));
        }
        if !path.is_dir() {
            return if path.exists() {
                Err(ProviderError::failed(format!("`{}` is not a directory", path.display())))
            } else {
                Ok(None)
            };
        }
        // Its id is the next update's to give, unless it is this object's already.
        let known = marker.as_ref().filter(|marker| marker.owner.is(cx)).map(|marker| marker.id.clone());
        let recorded = match marker {
            Some(marker) => marker.recorded(),
            None => [("quota", object::text(None)), ("tags", Value::Null(Type::map(Type::String)))],
        };
        let place = [
            ("id", object::text(known)),
            ("url", Value::from(store::file_url(&path))),
            ("path", Value::from(place::text(&path)?)),
        ];
        Ok(Some(object::taken_over(kind, config, recorded.into_iter().chain(place))))
    }

    async fn resolve(&self, _kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Resolution, ProviderError> {
        if planned.is_null() {
            return Ok(Resolution::Nothing);
        }
        let path = self.known_path(planned)?;
        let at = path.clone();
        match work::blocking(move || directory::marker(&at)).await? {
            Some(marker) if marker.owner.did(cx) => return Ok(Resolution::Done(made(planned, &marker, &path)?)),
            Some(_) => {}
            None => {
                let of = match planned.get("id").and_then(Value::as_str) {
                    Some(_) => Abandoned::Deleted,
                    None => Abandoned::Begun,
                };
                work::blocking(move || directory::abandon(&path, of)).await?;
            }
        }
        Ok(Resolution::Nothing)
    }
}
