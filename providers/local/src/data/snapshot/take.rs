//! Takes a snapshot: hooks, rest, scan, archives, and the node runs again whatever happened.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use loam_bundle::{
    archive::{self, AppFacts, Built, Manifest, Place},
    codec::Format,
    digest::Digest,
};
use loam_provider::{CallCx, Failure, Kind, Path as At, ProviderError, Remains, Type, Value};
use serde::Deserialize;

use super::{
    hooks::Hook,
    node, scan,
    spec::{Quiesce, Spec},
};
use crate::{
    Machine,
    data::{
        archives::{self, Stored, build_failed},
        bucket,
        marks::Owner,
        object, place, work,
    },
};

/// One archive of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Copied {
    url: String,
    sha256: String,
    pub(super) bytes: u64,
    uncompressed_bytes: u64,
    files: u64,
    pub(super) format: Format,
    content_root: String,
}

/// What a snapshot came to.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) created_at: String,
    pub(super) archives: Vec<Copied>,
    pub(super) size: u64,
}

impl Copied {
    fn of(stored: &Stored, manifest: &Manifest) -> Self {
        Self {
            url: stored.url(),
            sha256: manifest.archive.sha256.to_string(),
            bytes: manifest.archive.bytes,
            uncompressed_bytes: manifest.tar.content_bytes,
            files: manifest.tar.files,
            format: manifest.archive.compression,
            content_root: manifest.content_root.to_string(),
        }
    }

    /// Returns where it is, in the bucket that the snapshot records.
    pub(super) fn stored(&self, spec: &Spec) -> Option<Stored> {
        let bucket = spec.archive.bucket.as_ref()?.url.clone()?;
        let key = self.url.strip_prefix(&bucket)?.strip_prefix('/')?.to_owned();
        Some(Stored { bucket, key })
    }

    pub(super) fn list(archives: &[Self]) -> Value {
        let ty = Type::object([
            ("url", Type::String),
            ("sha256", Type::String),
            ("bytes", Type::Number),
            ("uncompressed_bytes", Type::Number),
            ("files", Type::Number),
            ("format", Type::String),
            ("content_root", Type::String),
        ]);
        let item = |copy: &Self| {
            Value::object([
                ("url", Value::from(copy.url.as_str())),
                ("sha256", Value::from(copy.sha256.as_str())),
                ("bytes", object::number(Some(copy.bytes))),
                ("uncompressed_bytes", object::number(Some(copy.uncompressed_bytes))),
                ("files", object::number(Some(copy.files))),
                ("format", Value::from(copy.format.name())),
                ("content_root", Value::from(copy.content_root.as_str())),
            ])
        };
        Value::list(ty, archives.iter().map(item))
    }
}

impl Taken {
    /// Adds an archive that is in its bucket, if it is there with its manifest; returns whether it is.
    pub(super) async fn add(&mut self, cx: &CallCx, stored: &Stored) -> Result<bool, ProviderError> {
        let Some(place) = stored.place(cx).await? else { return Ok(false) };
        let Some(manifest) = archives::manifest(&place).await? else { return Ok(false) };
        self.record(stored, &manifest);
        Ok(true)
    }

    fn record(&mut self, stored: &Stored, manifest: &Manifest) {
        self.created_at = manifest.created_at.to_string();
        self.size = manifest.tar.content_bytes;
        self.archives.push(Copied::of(stored, manifest));
    }
}

/// Takes a snapshot. A node that was stopped runs again when this returns, whatever it returns.
pub(super) async fn take(machine: &Machine, kind: &Kind, cx: &CallCx, spec: &Spec) -> Result<Taken, Failure> {
    node::start_if_stopped(machine, cx, spec).await?;
    let source = source(machine, spec)?;
    let node = spec.node.as_deref();
    let taken = async {
        if let Some(before) = Hook::new("before", &spec.hooks.before, &source, node) {
            work::until_cancelled(cx, before.run()).await?;
        }
        match spec.quiesce() {
            Quiesce::Stop => {
                let stopped = node::stop(machine, cx, spec).await?;
                let taken = copy(kind, cx, spec, &source).await;
                // Not cancelled with the copy: what was stopped is started again.
                merged(taken, stopped.start(machine, cx).await)
            }
            Quiesce::Hook | Quiesce::None => copy(kind, cx, spec, &source).await,
        }
    };
    let taken = taken.await;
    // What `before` did, even in part, is for `after` to undo.
    let after = match Hook::new("after", &spec.hooks.after, &source, node) {
        Some(after) => after.run().await.map(drop),
        None => Ok(()),
    };
    merged(taken, after).map_err(|error| Failure { error, remains: Remains::InDoubt })
}

/// Returns the first of two errors, with the second as evidence.
fn merged<T>(first: Result<T, ProviderError>, second: Result<(), ProviderError>) -> Result<T, ProviderError> {
    match (first, second) {
        (Ok(done), Ok(())) => Ok(done),
        (Ok(_), Err(error)) | (Err(error), Ok(())) => Err(error),
        (Err(error), Err(too)) => {
            let evidence = error.evidence.iter().cloned().chain([format!("and then: {too}")]).collect::<Vec<_>>();
            Err(error.evidence(evidence))
        }
    }
}

fn source(machine: &Machine, spec: &Spec) -> Result<PathBuf, ProviderError> {
    if let Some(directory) = &spec.directory {
        return Ok(place::path(machine, directory));
    }
    let chosen = spec.chosen()?.and_then(|(_, node)| node.data_dir.as_deref());
    let data_dir = chosen.ok_or_else(|| {
        ProviderError::invalid(At::attribute("of"), "the node's data is not a directory on this machine")
            .hint("Let the network's own provider take the snapshot.")
    })?;
    Ok(place::path(machine, data_dir))
}

async fn copy(kind: &Kind, cx: &CallCx, spec: &Spec, source: &Path) -> Result<Taken, ProviderError> {
    let node = spec.node.as_deref();
    let work = async {
        if let Some(prune) = Hook::new("prune", &spec.hooks.prune, source, node) {
            prune.run().await?;
        }
        let mut app = match Hook::new("metadata", &spec.hooks.metadata, source, node) {
            Some(metadata) => metadata.facts().await?,
            None => AppFacts::new(),
        };
        // Whoever starts from this need not do again what the network's bootstrap has done.
        if let Some(bootstrapped) = spec.of.as_ref().and_then(|network| network.bootstrapped) {
            app.entry(archives::BOOTSTRAPPED.to_owned()).or_insert(bootstrapped.into());
        }
        archive(kind, cx, spec, source, app).await
    };
    work::until_cancelled(cx, work).await
}

async fn archive(kind: &Kind, cx: &CallCx, spec: &Spec, source: &Path, app: AppFacts) -> Result<Taken, ProviderError> {
    let attribute = if spec.directory.is_some() { "directory" } else { "of" };
    let selection = archives::selection(&[], &spec.archive.exclude)?;
    let scanned = if spec.archive.scan {
        let index = archives::index(cx, attribute, source, &selection).await?;
        scan::refuse_secrets(source, &index).await?;
        Some(index.content_root)
    } else {
        None
    };
    let bucket = spec.archive.bucket.as_ref().and_then(|bucket| bucket.url.clone());
    let bucket = bucket.ok_or_else(|| ProviderError::failed("the bucket's `url` is not known"))?;
    bucket::check_quota(&bucket).await?;
    let store = place::open(cx, &bucket).await?;
    let created_at = work::now(cx)?;
    let mut outputs = Vec::new();
    for format in spec.formats() {
        let key = key(&spec.key_prefix(kind, cx), created_at, cx, format);
        let place = Place { store: store.clone(), key: place::key("archive", &key)? };
        outputs.push(archive::Output { place, format, level: None });
    }
    let build =
        archive::Build { source: source.to_owned(), selection, created_at, app, metadata: Owner::of(cx).metadata() };
    let built = archive::build(&build, &outputs, &work::report(cx)).await;
    let built = built.map_err(|error| build_failed(format!("failed to archive `{}`", source.display()), error))?;
    let mut taken = Taken::default();
    for (Built { manifest, .. }, output) in built.iter().zip(&outputs) {
        taken.record(&Stored { bucket: bucket.clone(), key: output.place.key.to_string() }, manifest);
    }
    // What was written is what was scanned, or it does not stay.
    if scanned.is_some_and(|scanned| built.iter().any(|built| built.manifest.content_root != scanned)) {
        for output in &outputs {
            Stored { bucket: bucket.clone(), key: output.place.key.to_string() }.remove(cx).await?;
        }
        let message = format!("`{}` changed after it was scanned for secrets", source.display());
        return Err(ProviderError::failed(message).hint(
            "Stop what writes to it, with `quiesce` or `hooks`, so that what is published is what was scanned.",
        ));
    }
    Ok(taken)
}

/// Returns the key of an archive: time and operation make it one that nothing has.
fn key(prefix: &str, created_at: Timestamp, cx: &CallCx, format: Format) -> String {
    let time = created_at.strftime("%Y%m%dT%H%M%SZ");
    let operation = Digest::of(cx.token.0.as_bytes()).short();
    format!("{prefix}/{time}-{}.{}", &operation[..8], format.name())
}
