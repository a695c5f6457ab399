//! Archives that are built from a directory, each content under a key of its own.

use std::collections::BTreeMap;

use loam_bundle::{
    archive::{self, AppFacts, Manifest},
    codec::Format,
    digest::ContentRoot,
};
use loam_provider::{
    CallCx, Failure, Kind, Known, Path as At, PlanRequest, Planned, Precondition, ProviderError, Resolution, Type,
    Value, decode,
};
use serde::Deserialize;

use super::{Facts, no_text, previous, untold};
use crate::{
    Machine,
    data::{
        archives::{self, Stored, build_failed, cut_short},
        bucket,
        marks::Owner,
        object,
        place::{self, BucketRef},
        work,
    },
};

#[derive(Debug, Deserialize)]
struct Spec {
    source: Option<String>,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    format: Format,
    level: Option<i32>,
    bucket: Option<BucketRef>,
    key: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// What else decides the bytes of an archive, beside its content.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Packing {
    format: Option<String>,
    level: Option<i32>,
}

pub(super) async fn plan(
    machine: &Machine,
    kind: &Kind,
    cx: &CallCx,
    request: PlanRequest<'_>,
) -> Result<Planned, ProviderError> {
    check(request.config)?;
    let proposed = request.proposed;
    let decisive = ["source", "include", "exclude", "format", "level"];
    if decisive.iter().any(|name| object::is_unknown(proposed, name)) {
        return Ok(Planned::new(unknown(request)));
    }
    let spec: Spec = decode(proposed)?;
    spec.format.level(spec.level).map_err(|error| ProviderError::invalid(At::attribute("level"), error.to_string()))?;
    let selection = archives::selection(&spec.include, &spec.exclude)?;
    let source = place::path(machine, spec.source.as_deref().unwrap_or_default());
    let index = archives::index(cx, "source", &source, &selection).await?;
    let root = index.content_root;
    let content = [
        ("content_root", Value::from(root.to_string())),
        ("files", object::number(Some(index.files()))),
        ("uncompressed_bytes", object::number(Some(index.bytes()))),
    ];
    let prior: Option<Facts> = request.prior.map(|prior| decode(prior)).transpose()?;
    let is_same = match &prior {
        Some(facts) => is_same(request, facts, &spec, &root)?,
        None => false,
    };
    if is_same {
        return Ok(Planned::new(object::with(proposed, content)));
    }
    let key = key(request.config, kind, cx, &spec, &root);
    let bucket = spec.bucket.as_ref().and_then(|bucket| bucket.url.clone());
    let stored = bucket.zip(key.clone()).map(|(bucket, key)| Stored { bucket, key });
    let before = prior.as_ref().and_then(Facts::stored);
    refuse_overwriting(request.config, prior.as_ref(), stored.as_ref(), &root)?;
    let place = match &stored {
        Some(stored) => [
            ("url", Value::from(stored.url())),
            ("manifest_url", Value::from(format!("{}.manifest.json", stored.url()))),
            ("previous", archives::list(&previous(prior.as_ref(), Some(stored)))),
        ],
        None => [
            ("url", object::unknown_text()),
            ("manifest_url", object::unknown_text()),
            ("previous", if prior.is_none() { archives::list(&[]) } else { unknown_list() }),
        ],
    };
    let packed = [
        ("key", key.map_or_else(object::unknown_text, Value::from)),
        ("sha256", object::unknown_text()),
        ("bytes", object::unknown_number()),
    ];
    let after = object::with(proposed, content.into_iter().chain(place).chain(packed));
    let mut planned = Planned::new(after);
    if let (Some(before), Some(stored)) = (before, stored)
        && before != stored
    {
        planned.notes.push(format!(
            "a new archive is built at `{}`; the one at `{}` stays until this resource is destroyed",
            stored.url(),
            before.url()
        ));
    }
    Ok(planned)
}

/// Refuses what has no meaning for an archive that is built.
fn check(config: &Value) -> Result<(), ProviderError> {
    for name in ["sha256", "allow_unverified"] {
        if object::is_written(config, name) {
            return Err(ProviderError::invalid(
                At::attribute(name),
                format!("`{name}` is for archives that are adopted"),
            )
            .hint(format!("Leave `{name}` out; an archive that is built has the digest it turns out to have.")));
        }
    }
    if !object::is_written(config, "bucket") {
        return Err(ProviderError::invalid(At::attribute("bucket"), "an archive that is built needs a `bucket`")
            .hint("Declare a bucket and write `bucket = bucket.NAME`."));
    }
    Ok(())
}

/// Returns what is planned while the source is not known: nothing of the archive is.
fn unknown(request: PlanRequest<'_>) -> Value {
    let config_key = request.config.get("key").filter(|key| !key.is_null()).cloned();
    let rest = [
        ("key", config_key.unwrap_or_else(object::unknown_text)),
        ("url", object::unknown_text()),
        ("manifest_url", object::unknown_text()),
        ("sha256", object::unknown_text()),
        ("previous", if request.prior.is_none() { archives::list(&[]) } else { unknown_list() }),
    ];
    object::with(request.proposed, untold().chain(rest))
}

fn unknown_list() -> Value {
    Value::Unknown(archives::list(&[]).ty())
}

/// Returns whether the archive that is there is the one that is wanted.
fn is_same(request: PlanRequest<'_>, facts: &Facts, spec: &Spec, root: &ContentRoot) -> Result<bool, ProviderError> {
    let Some(prior) = request.prior else { return Ok(false) };
    let packing: Packing = decode(prior)?;
    let wanted = Packing { format: Some(spec.format.name().to_owned()), level: spec.level };
    let written = request.config.get("key").filter(|key| !key.is_null());
    let is_at_key = written.is_none_or(|key| key.as_str().is_some() && key.as_str() == facts.key.as_deref());
    let bucket = |bucket: &Option<BucketRef>| bucket.as_ref().and_then(|bucket| bucket.url.clone());
    let wanted_bucket = bucket(&spec.bucket);
    Ok(facts.sha256.is_some()
        && facts.key.is_some()
        && facts.content_root.as_deref() == Some(root.to_string().as_str())
        && packing == wanted
        && is_at_key
        && wanted_bucket.is_some()
        && wanted_bucket == bucket(&facts.bucket))
}

/// Returns the key that the configuration says, or one that this content alone has.
fn key(config: &Value, kind: &Kind, cx: &CallCx, spec: &Spec, root: &ContentRoot) -> Option<String> {
    if object::is_written(config, "key") {
        return config.get("key").and_then(Value::as_str).map(str::to_owned);
    }
    Some(default_key(kind, cx, spec, root))
}

fn default_key(kind: &Kind, cx: &CallCx, spec: &Spec, root: &ContentRoot) -> String {
    let name = place::key_of_address(&cx.address, &kind.name);
    let (root, format) = (root.0.short(), spec.format.name());
    match spec.level {
        Some(level) => format!("{name}/{root}-{level}.{format}"),
        None => format!("{name}/{root}.{format}"),
    }
}

fn refuse_overwriting(
    config: &Value,
    prior: Option<&Facts>,
    stored: Option<&Stored>,
    root: &ContentRoot,
) -> Result<(), ProviderError> {
    let Some(facts) = prior.filter(|facts| facts.sha256.is_some() && facts.stored().as_ref() == stored) else {
        return Ok(());
    };
    if stored.is_none() || !object::is_written(config, "key") {
        return Ok(());
    }
    let because = if facts.content_root.as_deref() == Some(root.to_string().as_str()) {
        "it would be packed another way"
    } else {
        "the source's content changed"
    };
    let url = facts.url.as_deref().unwrap_or_default();
    Err(ProviderError::invalid(At::attribute("key"), format!("`{url}` holds the present archive, and {because}"))
        .hint("Leave `key` out to give every content a key of its own, or write another one: nothing is overwritten."))
}

pub(super) async fn build(machine: &Machine, kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Known, Failure> {
    let spec: Spec = decode(planned)?;
    let source = place::path(machine, spec.source.as_deref().unwrap_or_default());
    let selection = archives::selection(&spec.include, &spec.exclude)?;
    let root = match planned.get("content_root").and_then(Value::as_str) {
        Some(root) => parse_root(root)?,
        None => archives::index(cx, "source", &source, &selection).await?.content_root,
    };
    let bucket = spec.bucket.as_ref().and_then(|bucket| bucket.url.clone());
    let bucket = bucket.ok_or_else(|| ProviderError::failed("the bucket's `url` is not known"))?;
    let key = spec.key.clone().unwrap_or_else(|| default_key(kind, cx, &spec, &root));
    let stored = Stored { bucket, key };
    let place = archive::Place { store: place::open(cx, &stored.bucket).await?, key: stored.key()? };
    archives::refuse_others(&place, cx).await?;
    if let Some(manifest) = same(&place, &root, &spec).await? {
        cx.progress.note(format!("`{}` holds this content already", stored.url()));
        if manifest.app != app(&spec.metadata) {
            rewrite_manifest(cx, &place, app(&spec.metadata)).await?;
        }
        return Ok(made(planned, &stored, &manifest)?);
    }
    bucket::check_quota(&stored.bucket).await?;
    let build = archive::Build {
        source: source.clone(),
        selection,
        created_at: work::now(cx)?,
        app: app(&spec.metadata),
        metadata: Owner::of(cx).metadata(),
    };
    let output = archive::Output { place, format: spec.format, level: spec.level };
    let built = async {
        let built = archive::build(&build, std::slice::from_ref(&output), &work::report(cx)).await;
        built.map_err(|error| build_failed(format!("failed to archive `{}`", source.display()), error))
    };
    let built = work::until_cancelled(cx, built).await.map_err(cut_short)?;
    let [built] = <[archive::Built; 1]>::try_from(built)
        .map_err(|_| ProviderError::failed(format!("`{}` was not built", stored.url())))?;
    if built.manifest.content_root != root {
        if built.outcome == archive::Outcome::Written {
            stored.remove(cx).await.map_err(cut_short)?;
        }
        let message = format!("`{}` changed since it was planned", source.display());
        return Err(ProviderError::failed(message).hint("Stop what writes to it, and plan again.").into());
    }
    Ok(made(planned, &stored, &built.manifest)?)
}

/// Returns the manifest of the archive that is there, if it is of this content: it need not have the bytes that
/// would be built now, as modification times are no content.
async fn same(place: &archive::Place, root: &ContentRoot, spec: &Spec) -> Result<Option<Manifest>, ProviderError> {
    let Some(object) = archives::head(place).await? else { return Ok(None) };
    let manifest = archives::manifest(place).await?;
    Ok(manifest.filter(|manifest| {
        manifest.content_root == *root
            && manifest.archive.compression == spec.format
            && manifest.archive.bytes == object.bytes
    }))
}

fn parse_root(text: &str) -> Result<ContentRoot, ProviderError> {
    text.parse().map_err(|error| ProviderError::because("the planned content cannot be read", error))
}

fn app(metadata: &BTreeMap<String, String>) -> AppFacts {
    metadata.iter().map(|(name, fact)| (name.clone(), serde_json::Value::from(fact.as_str()))).collect()
}

fn made(planned: &Value, stored: &Stored, manifest: &Manifest) -> Result<Known, ProviderError> {
    let previous = planned.get("previous").filter(|previous| previous.is_wholly_known()).cloned();
    object::completed(
        planned,
        [
            ("key", Value::from(stored.key.as_str())),
            ("url", Value::from(stored.url())),
            ("manifest_url", Value::from(format!("{}.manifest.json", stored.url()))),
            ("sha256", Value::from(manifest.archive.sha256.to_string())),
            ("bytes", object::number(Some(manifest.archive.bytes))),
            ("uncompressed_bytes", object::number(Some(manifest.tar.content_bytes))),
            ("files", object::number(Some(manifest.tar.files))),
            ("content_root", Value::from(manifest.content_root.to_string())),
            ("previous", previous.unwrap_or_else(|| archives::list(&[]))),
        ],
    )
}

/// Returns an archive that is there, as an object that was built as its block says.
pub(super) fn found(kind: &Kind, config: &Value, stored: &Stored, manifest: &Manifest) -> Result<Known, ProviderError> {
    let written = object::taken_over(kind, config, [("previous", archives::list(&[]))]);
    let format = manifest.archive.compression;
    let spec: Spec = decode(&written)?;
    // A block that names no level has the one that is used without.
    let is_as_written = spec.level.is_none() && format.level(None).is_ok_and(|usual| usual == manifest.archive.level);
    let level = match manifest.archive.level {
        Some(level) if !is_as_written => Value::from(i64::from(level)),
        Some(_) | None => Value::Null(Type::Number),
    };
    let made = made(&written, stored, manifest)?;
    object::completed(
        &made,
        [("format", Value::from(format.name())), ("level", level), ("metadata", said(&made, manifest)?)],
    )
}

/// Updates what is said of an archive that stays as it is.
pub(super) async fn describe(cx: &CallCx, before: &Known, planned: &Value) -> Result<Known, Failure> {
    let (said, wanted): (Spec, Spec) = (decode(before)?, decode(planned)?);
    let facts: Facts = decode(before)?;
    if said.metadata != wanted.metadata
        && let Some(stored) = facts.stored()
        && let Some(place) = stored.place(cx).await?
    {
        rewrite_manifest(cx, &place, app(&wanted.metadata)).await?;
    }
    Ok(object::completed(planned, [])?)
}

async fn rewrite_manifest(cx: &CallCx, place: &archive::Place, app: AppFacts) -> Result<(), ProviderError> {
    let missing = || ProviderError::failed(format!("the manifest of `{}` is gone", place.url()));
    let key = archives::suffixed(&place.key, ".manifest.json")?;
    let beside = archive::Place { store: place.store.clone(), key };
    let found = archives::head(&beside).await?.ok_or_else(missing)?;
    if let Some(owner) = Owner::of_object(&found).filter(|owner| !owner.is_in(cx)) {
        return Err(owner.refuses(&format!("`{}`", beside.url()), cx));
    }
    let manifest = Manifest { app, ..archives::manifest(place).await?.ok_or_else(missing)? };
    let fail = |source: Box<dyn std::error::Error + Send + Sync>| {
        ProviderError::because(format!("failed to write `{}`", beside.url()), source)
    };
    let mut text = serde_json::to_vec_pretty(&manifest).map_err(|error| fail(error.into()))?;
    text.push(b'\n');
    let when = Precondition::Matches(found.etag);
    let put = beside.store.put(&beside.key, text.into(), &Owner::of(cx).metadata(), &when).await;
    put.map(drop).map_err(|error| fail(error.into()))
}

pub(super) async fn read(cx: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError> {
    let facts: Facts = decode(current)?;
    let previous = archives::present(facts.previous.clone(), |stored| stored, cx).await?;
    let found = match facts.stored() {
        Some(stored) => match stored.place(cx).await? {
            Some(place) => archives::head(&place).await?.map(|object| (place, object)),
            None => None,
        },
        None => None,
    };
    let Some((place, object)) = found else {
        // Earlier archives that are still there must not be forgotten with this one.
        let gone = [("sha256", no_text()), ("bytes", object::number(None)), ("previous", archives::list(&previous))];
        return if previous.is_empty() { Ok(None) } else { object::completed(current, gone).map(Some) };
    };
    let manifest = archives::manifest(&place).await?;
    let is_sound = manifest.as_ref().is_some_and(|manifest| {
        Some(manifest.archive.sha256.to_string()) == facts.sha256
            && manifest.archive.bytes == object.bytes
            && Some(object.bytes) == facts.bytes
    });
    let sha256 = if is_sound { object::text(facts.sha256) } else { no_text() };
    let said = manifest.map(|manifest| said(current, &manifest)).transpose()?;
    let metadata = said.or_else(|| current.get("metadata").cloned());
    let metadata = metadata.unwrap_or(Value::Null(Type::map(Type::String)));
    let found = [
        ("sha256", sha256),
        ("bytes", object::number(Some(object.bytes))),
        ("previous", archives::list(&previous)),
        ("metadata", metadata),
    ];
    object::completed(current, found).map(Some)
}

/// Returns what the manifest says of the archive, written as it was recorded if it is the same.
fn said(current: &Known, manifest: &Manifest) -> Result<Value, ProviderError> {
    let recorded: Spec = decode(current)?;
    if app(&recorded.metadata) == manifest.app {
        return Ok(current.get("metadata").cloned().unwrap_or(Value::Null(Type::map(Type::String))));
    }
    let fact = |fact: &serde_json::Value| fact.as_str().map_or_else(|| fact.to_string(), str::to_owned);
    Ok(Value::map(Type::String, manifest.app.iter().map(|(name, said)| (name.as_str(), Value::from(fact(said))))))
}

pub(super) async fn resolve(cx: &CallCx, planned: &Value) -> Result<Resolution, ProviderError> {
    let facts: Facts = decode(planned)?;
    let Some(stored) = facts.stored() else { return Ok(Resolution::Nothing) };
    let Some(place) = stored.place(cx).await? else { return Ok(Resolution::Nothing) };
    let did = |object: Option<loam_provider::ObjectMeta>| {
        object.and_then(|object| Owner::of_object(&object)).is_some_and(|owner| owner.did(cx))
    };
    let beside = archive::Place { store: place.store.clone(), key: archives::suffixed(&place.key, ".manifest.json")? };
    let (archive, manifest) = (did(archives::head(&place).await?), did(archives::head(&beside).await?));
    Ok(match (archive || manifest, archives::manifest(&place).await?) {
        (false, _) => Resolution::Nothing,
        (true, Some(manifest)) => Resolution::Done(made(planned, &stored, &manifest)?),
        (true, None) => Resolution::Partial(object::partial(planned, [("url", Value::from(stored.url()))])),
    })
}
