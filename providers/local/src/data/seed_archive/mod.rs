//! `seed_archive`: built from a directory ([`built`]) or adopted where it is ([`adopted`]).

mod adopted;
mod built;
mod import;

use std::sync::Arc;

use async_trait::async_trait;
use loam_provider::{
    CallCx, Failure, Kind, Known, Path as At, PlanRequest, Planned, Provider, ProviderError, Resolution, Type, Value,
    decode,
};
use serde::Deserialize;

use super::{archives::Stored, object, place::BucketRef};
use crate::Machine;

/// Realises `seed_archive`.
pub(crate) struct SeedArchive {
    machine: Arc<Machine>,
}

/// What is recorded of an archive.
#[derive(Debug, Clone, Deserialize)]
struct Facts {
    sha256: Option<String>,
    bytes: Option<u64>,
    content_root: Option<String>,
    url: Option<String>,
    bucket: Option<BucketRef>,
    key: Option<String>,
    #[serde(default)]
    previous: Vec<Stored>,
}

impl Facts {
    /// Returns where it is, if loam built it.
    fn stored(&self) -> Option<Stored> {
        let bucket = self.bucket.as_ref()?.url.clone()?;
        Some(Stored { bucket, key: self.key.clone()? })
    }
}

/// How an archive came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Built,
    Adopted,
}

fn origin(object: &Value) -> Origin {
    if object::is_written(object, "source") { Origin::Built } else { Origin::Adopted }
}

/// The attributes of an archive that only the archive itself can tell.
const UNTOLD: [&str; 4] = ["bytes", "uncompressed_bytes", "files", "content_root"];

fn untold() -> impl Iterator<Item = (&'static str, Value)> {
    UNTOLD
        .map(|name| (name, if name == "content_root" { object::unknown_text() } else { object::unknown_number() }))
        .into_iter()
}

/// Returns the list of earlier archives when `current` takes the place of what `before` records.
fn previous(before: Option<&Facts>, current: Option<&Stored>) -> Vec<Stored> {
    let Some(before) = before else { return Vec::new() };
    let mut previous = before.previous.clone();
    previous.extend(before.stored());
    previous.retain(|stored| Some(stored) != current);
    previous.dedup();
    previous
}

impl SeedArchive {
    pub(crate) fn new(machine: &Arc<Machine>) -> Self {
        Self { machine: Arc::clone(machine) }
    }
}

#[async_trait]
impl Provider for SeedArchive {
    async fn plan(&self, kind: &Kind, cx: &CallCx, request: PlanRequest<'_>) -> Result<Planned, ProviderError> {
        let (source, url) = ("source", "url");
        match (object::is_written(request.config, source), object::is_written(request.config, url)) {
            (true, false) => built::plan(&self.machine, kind, cx, request).await,
            (false, true) => adopted::plan(&self.machine, cx, request).await,
            (true, true) => {
                Err(ProviderError::invalid(At::attribute(url), "an archive is either built or adopted, not both")
                    .hint("Write `source` to build it from a directory, or `url` to adopt one that exists."))
            }
            (false, false) => {
                Err(ProviderError::invalid(At::attribute(source), "an archive needs a `source` or a `url`")
                    .hint("Write `source` to build it from a directory, or `url` to adopt one that exists."))
            }
        }
    }

    async fn read(&self, _kind: &Kind, cx: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError> {
        match origin(current) {
            Origin::Built => built::read(cx, current).await,
            Origin::Adopted => adopted::read(&self.machine, cx, current).await,
        }
    }

    async fn create(&self, kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Known, Failure> {
        match origin(planned) {
            Origin::Built => built::build(&self.machine, kind, cx, planned).await,
            Origin::Adopted => adopted::adopt(&self.machine, cx, planned).await,
        }
    }

    async fn update(&self, kind: &Kind, cx: &CallCx, before: &Known, planned: &Value) -> Result<Known, Failure> {
        let is_another = object::is_unknown(planned, "sha256") || object::is_unknown(planned, "bytes");
        match origin(planned) {
            Origin::Built if is_another => built::build(&self.machine, kind, cx, planned).await,
            Origin::Built => built::describe(cx, before, planned).await,
            Origin::Adopted if is_another => adopted::adopt(&self.machine, cx, planned).await,
            Origin::Adopted => Ok(object::completed(planned, [])?),
        }
    }

    async fn delete(&self, _kind: &Kind, cx: &CallCx, before: &Known) -> Result<(), Failure> {
        let facts: Facts = decode(before)?;
        let current = match origin(before) {
            Origin::Built => facts.stored(),
            Origin::Adopted => None,
        };
        for stored in facts.previous.iter().chain(&current) {
            stored.remove(cx).await?;
        }
        Ok(())
    }

    async fn import(&self, kind: &Kind, cx: &CallCx, id: &str, config: &Value) -> Result<Option<Known>, ProviderError> {
        match origin(config) {
            Origin::Built => import::built(&self.machine, kind, cx, id, config).await,
            Origin::Adopted => import::adopted(&self.machine, kind, cx, id, config).await,
        }
    }

    async fn resolve(&self, _kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Resolution, ProviderError> {
        if planned.is_null() {
            return Ok(Resolution::Nothing);
        }
        match origin(planned) {
            Origin::Built => built::resolve(cx, planned).await,
            // Adopting changes nothing: it can always be done again.
            Origin::Adopted => Ok(Resolution::Nothing),
        }
    }
}

/// Returns the null of an attribute of text.
fn no_text() -> Value {
    Value::Null(Type::String)
}
