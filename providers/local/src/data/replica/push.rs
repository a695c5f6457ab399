//! Publishes a directory whenever its content changed.

use std::path::Path;

use loam_bundle::{
    digest::Digest,
    series::{self, Cursor, Found, Origin, Published, SeriesError, Wanted},
};
use loam_provider::{
    CallCx, Failure, Known, ObjectKey, PlanRequest, Planned, Precondition, ProviderError, Remains, Resolution, Value,
};

use super::{
    GO_ON_AFTER_RESET, series_failed,
    spec::{Spec, Status, cursor, standing},
    unknown,
};
use crate::{
    Machine,
    data::{archives, bucket, object, place, work},
};

/// Every how many versions one stands alone.
const FULL_EVERY: u64 = 16;

/// Returns what a directory is known as in a series: the state and the place, not the address, which may move.
fn source_id(cx: &CallCx, source: &Path) -> String {
    format!("{}/{}", cx.state_id, Digest::of(source.as_os_str().as_encoded_bytes()).short())
}

pub(super) async fn plan(
    machine: &Machine,
    cx: &CallCx,
    request: PlanRequest<'_>,
    spec: &Spec,
) -> Result<Planned, ProviderError> {
    if spec.status == Some(Status::SourceReset) && request.prior.is_some() {
        let url = spec.url().unwrap_or_default();
        let mut reset = ProviderError::failed(format!("series `{url}` is now published by another source"));
        reset.path = Some(loam_provider::Path::attribute("series"));
        return Err(reset.hint(GO_ON_AFTER_RESET));
    }
    let proposed = request.proposed;
    if ["source", "include", "exclude"].iter().any(|name| object::is_unknown(proposed, name)) {
        return Ok(Planned::new(unknown(proposed)));
    }
    let source = place::path(machine, spec.source.as_deref().unwrap_or_default());
    let selection = archives::selection(&spec.include, &spec.exclude)?;
    let index = archives::index(cx, "source", &source, &selection).await?;
    let root = index.content_root.to_string();
    let url = spec.url().map_or_else(object::unknown_text, Value::from);
    let is_same_series = request.prior.is_some_and(|prior| prior.get("url") == Some(&url));
    if is_same_series && spec.content_root.as_deref() == Some(root.as_str()) {
        return Ok(Planned::new(proposed.clone()));
    }
    let known = [("url", url), ("content_root", Value::from(root)), ("manifest_sha256", object::unknown_text())];
    let after = object::with(proposed, known.into_iter().chain(standing(Status::UpToDate, 0)));
    if let Some(version) = spec.version.filter(|_| is_same_series) {
        let mut planned = Planned::new(after.with("version", object::number(Some(version + 1))));
        planned.notes.push(format!("the content changed: version {version} → {}", version + 1));
        return Ok(planned);
    }
    let id = match &spec.source_id {
        Some(id) if request.prior.is_some() => id.clone(),
        Some(_) | None => source_id(cx, &source),
    };
    let new =
        [("source_id", Value::from(id)), ("version", object::unknown_number()), ("epoch", object::unknown_number())];
    Ok(Planned::new(object::with(&after, new)))
}

pub(super) async fn publish(machine: &Machine, cx: &CallCx, planned: &Value, spec: &Spec) -> Result<Known, Failure> {
    let source = place::path(machine, spec.source.as_deref().unwrap_or_default());
    let series = spec.known_series(cx).await?;
    bucket::check_quota(series.store.url()).await?;
    let publish = series::Publish {
        source: source.clone(),
        selection: archives::selection(&spec.include, &spec.exclude)?,
        source_id: spec.source_id.clone().unwrap_or_else(|| source_id(cx, &source)),
        origin: Origin::Same,
        writer: writer(cx),
        created_at: work::now(cx)?,
        app: std::collections::BTreeMap::new(),
        level: None,
        full_every: FULL_EVERY,
    };
    let published = async {
        let published = series::publish(&series, &publish, &work::report(cx)).await;
        published.map_err(|error| series_failed(&format!("failed to publish `{}`", source.display()), error))
    };
    let published = work::until_cancelled(cx, published).await.map_err(archives::cut_short)?;
    let (at, root) = match published {
        Published::Unchanged { cursor, content_root } | Published::Committed { cursor, content_root, .. } => {
            (cursor, content_root.to_string())
        }
    };
    let made = made(planned, spec, &at, &root)?;
    let is_planned = |name: &str| {
        let planned = planned.get(name).filter(|value| value.is_wholly_known());
        planned.is_none_or(|planned| made.get(name) == Some(planned))
    };
    if is_planned("version") && is_planned("content_root") {
        return Ok(made);
    }
    let message = format!("version {} is not the one that was planned", at.version);
    let error = ProviderError::failed(message)
        .hint(format!("Something else writes to `{}` or to the series. Stop it, and plan again.", source.display()));
    Err(Failure { error, remains: Remains::Partial(made) })
}

/// Says in the manifest which operation published it.
fn writer(cx: &CallCx) -> String {
    format!("{}@{} {}", cx.address, cx.state_id, cx.token.0)
}

fn made(planned: &Value, spec: &Spec, at: &Cursor, root: &str) -> Result<Known, ProviderError> {
    let url = ("url", object::text(spec.url()));
    object::completed(planned, cursor(at, root).into_iter().chain(standing(Status::UpToDate, 0)).chain([url]))
}

async fn newest(cx: &CallCx, spec: &Spec) -> Result<Option<Found>, ProviderError> {
    let Some(series) = spec.series(cx).await? else { return Ok(None) };
    match series::find(&series, Wanted::Newest).await {
        Ok(found) => Ok(Some(found)),
        Err(SeriesError::NoVersions { .. }) => Ok(None),
        Err(error) => Err(series_failed(&format!("failed to read series `{}`", series.url()), error)),
    }
}

fn cursor_of(found: &Found) -> Cursor {
    Cursor {
        source_id: found.manifest.source_id.clone(),
        epoch: found.manifest.epoch,
        version: found.manifest.version,
        manifest_sha256: found.sha256,
    }
}

pub(super) async fn read(cx: &CallCx, current: &Known, spec: &Spec) -> Result<Option<Known>, ProviderError> {
    let Some(found) = newest(cx, spec).await? else { return Ok(None) };
    if Some(&found.manifest.source_id) != spec.source_id.as_ref() {
        return object::completed(current, standing(Status::SourceReset, 0)).map(Some);
    }
    let root = found.manifest.content_root.to_string();
    let seen = cursor(&cursor_of(&found), &root).into_iter().chain(standing(Status::UpToDate, 0));
    object::completed(current, seen).map(Some)
}

pub(super) async fn resolve(cx: &CallCx, planned: &Value, spec: &Spec) -> Result<Resolution, ProviderError> {
    Ok(match newest(cx, spec).await? {
        Some(found) if found.manifest.writer == writer(cx) => {
            let root = found.manifest.content_root.to_string();
            Resolution::Done(made(planned, spec, &cursor_of(&found), &root)?)
        }
        Some(_) | None => Resolution::Nothing,
    })
}

/// Removes the series, if it is this object's.
pub(super) async fn delete(cx: &CallCx, spec: &Spec) -> Result<(), Failure> {
    let Some(found) = newest(cx, spec).await? else { return Ok(()) };
    let Some(series) = spec.series(cx).await? else { return Ok(()) };
    if Some(&found.manifest.source_id) != spec.source_id.as_ref() {
        cx.progress.note(format!("kept `{}`, which another source publishes", series.url()));
        return Ok(());
    }
    let prefix = format!("{}/", series.prefix);
    let failed = |operation: &str| {
        let what = format!("failed to {operation} `{}`", series.url());
        move |error| ProviderError::because(what, error)
    };
    let mut keys: Vec<ObjectKey> = Vec::new();
    let mut after = None;
    loop {
        let page = series.store.list(&prefix, after.as_deref(), 1000).await.map_err(failed("list"))?;
        keys.extend(page.objects.into_iter().map(|object| object.key));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    // What others read last goes last: packs, then versions, then what says whose the series is.
    let last = |key: &ObjectKey| {
        let rest = &key.as_str()[prefix.len()..];
        (!rest.starts_with("packs/"), rest.starts_with("versions/"))
    };
    keys.sort_by_key(|key| last(key));
    for key in keys {
        series.store.delete(&key, &Precondition::Always).await.map_err(failed("delete"))?;
    }
    Ok(())
}
