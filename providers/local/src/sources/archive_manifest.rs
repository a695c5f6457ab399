//! `archive_manifest`: what an archive, or a version of a series, says of itself.

use loam_bundle::{
    archive::{AppFacts, CreatedAt, Manifest, Place, TarFacts, parse_manifest},
    digest::ContentRoot,
    series::{Series, SeriesError, Wanted, find, is_series},
};
use loam_http::{Request, Trust};
use loam_provider::{Attribute, CallCx, DataSource, Known, Path, ProviderError, Schema, Type, Value, decode};
use serde::Deserialize;

use crate::{
    Machine,
    data::{archives, object, place, work},
};

#[derive(Debug, Deserialize)]
struct Spec {
    url: String,
    version: Option<u64>,
}

pub(super) fn source() -> DataSource {
    let computed = Attribute::computed;
    let schema = Schema::new([
        (
            "url",
            Attribute::required(
                Type::String,
                "The URL or path of an archive with its manifest beside it, or of a series of versions.",
            ),
        ),
        (
            "version",
            Attribute::optional_computed(
                Type::Number,
                "Which version of a series; the newest if it is left out. Null for an archive.",
            ),
        ),
        ("format", computed(Type::String, "The format of the manifest.")),
        ("created_at", computed(Type::String, "When it was made, in RFC 3339 and UTC.")),
        ("content_root", computed(Type::String, "The digest of what it holds, however it is packed.")),
        ("uncompressed_bytes", computed(Type::Number, "The sum of the lengths of the files in it.")),
        ("files", computed(Type::Number, "How many files it holds.")),
        ("frames", computed(Type::Number, "How many independent frames it is packed in; 0 if it is one stream.")),
        ("bytes", computed(Type::Number, "The length of the archive, or of what the version added to the series.")),
        ("sha256", computed(Type::String, "The digest of the archive; null for a version.")),
        ("compression", computed(Type::String, "How the archive is packed: `tar.zst`.")),
        ("metadata", computed(Type::Any, "What was said of it when it was made: an object.")),
        ("bootstrapped", computed(Type::Bool, "Whether it holds what a network's `bootstrap` makes; null if unsaid.")),
    ]);
    super::source("archive_manifest", "What an archive, or a version of a series, says of itself.", schema)
}

/// What archives and versions both say.
struct Said {
    version: Option<u64>,
    format: String,
    created_at: CreatedAt,
    content_root: ContentRoot,
    tar: TarFacts,
    frames: usize,
    bytes: u64,
    sha256: Option<String>,
    compression: String,
    app: AppFacts,
}

pub(super) async fn fetch(machine: &Machine, cx: &CallCx, config: &Value) -> Result<Known, ProviderError> {
    let Spec { url, version } = decode(config)?;
    let said = work::until_cancelled(cx, said(machine, cx, &url, version)).await?;
    let metadata = serde_json::Value::Object(said.app.clone().into_iter().collect());
    let metadata = Known::from_json(&metadata, &Type::Any)
        .map_err(|error| ProviderError::because(format!("the metadata of `{url}` cannot be read"), error))?;
    let bootstrapped = archives::says_bootstrapped(&said.app);
    object::completed(
        config,
        [
            ("version", object::number(said.version)),
            ("format", Value::from(said.format)),
            ("created_at", Value::from(said.created_at.to_string())),
            ("content_root", Value::from(said.content_root.to_string())),
            ("uncompressed_bytes", Value::from(said.tar.content_bytes)),
            ("files", Value::from(said.tar.files)),
            ("frames", Value::from(said.frames as u64)),
            ("bytes", Value::from(said.bytes)),
            ("sha256", object::text(said.sha256)),
            ("compression", Value::from(said.compression)),
            ("metadata", metadata.into_value()),
            ("bootstrapped", bootstrapped.map_or(Value::Null(Type::Bool), Value::from)),
        ],
    )
}

/// How long a manifest that a web server has may take, and how long it may be.
const WAIT: std::time::Duration = std::time::Duration::from_secs(30);
const LONGEST: u64 = 256 << 20;

async fn said(machine: &Machine, cx: &CallCx, url: &str, version: Option<u64>) -> Result<Said, ProviderError> {
    let missing = || {
        about("url", ProviderError::failed(format!("there is no archive and no series at `{url}`")))
            .hint("Write the URL of an archive or its path, which starts from the directory of the configuration.")
    };
    if let Some(said) = said_by_a_web_server(url, version).await? {
        return Ok(said);
    }
    let place = place::locate(machine, cx, url.trim_end_matches('/'), "url").await?.ok_or_else(missing)?;
    let Place { store, key } = &place;
    let series = Series { store: store.clone(), prefix: key.clone() };
    let failed = |error: SeriesError| match error {
        SeriesError::NoSuchVersion { .. } | SeriesError::NoVersions { .. } => {
            ProviderError::invalid(Path::attribute("version"), error.to_string())
        }
        error => about("url", ProviderError::because(format!("failed to read the series `{url}`"), error)),
    };
    if is_series(&series).await.map_err(failed)? {
        let found = find(&series, version.map_or(Wanted::Newest, Wanted::Version)).await.map_err(failed)?;
        let manifest = found.manifest;
        return Ok(Said {
            version: Some(manifest.version),
            format: manifest.format,
            created_at: manifest.created_at,
            content_root: manifest.content_root,
            tar: manifest.tar,
            frames: manifest.frames.len(),
            bytes: manifest.stats.new_bytes,
            sha256: None,
            compression: "tar.zst".to_owned(),
            app: manifest.app,
        });
    }
    no_series(url, version)?;
    let manifest = loam_bundle::archive::read_manifest(&place).await.map_err(|error| {
        about("url", ProviderError::because(format!("failed to read the manifest of `{url}`"), error))
    })?;
    match manifest {
        Some(manifest) => Ok(said_by(manifest)),
        None if archives::head(&place).await?.is_none() => Err(missing()),
        None => Err(about("url", ProviderError::failed(format!("the archive `{url}` has no manifest beside it")))
            .hint(
                "Adopt it with a `seed_archive`, which reads it through once, and refer to that object's attributes.",
            )),
    }
}

/// Reads a manifest over HTTP; `None` where the URL is another's.
async fn said_by_a_web_server(url: &str, version: Option<u64>) -> Result<Option<Said>, ProviderError> {
    if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(None);
    }
    no_series(url, version)?;
    let shown = loam_http::shown(url);
    // The query of a signed URL would not fit the manifest beside the archive.
    let manifest_url = format!("{shown}.manifest.json");
    if shown != url {
        let message = format!("`{shown}` has a query, a fragment or a user, so there can be nothing beside it");
        return Err(ProviderError::invalid(Path::attribute("url"), message));
    }
    let request = Request {
        url: manifest_url.clone(),
        method: "GET".to_owned(),
        headers: std::collections::BTreeMap::new(),
        body: None,
        timeout: WAIT,
        trust: Trust::System,
    };
    let failed = |source| {
        about("url", ProviderError::because(format!("failed to read the manifest of `{url}`"), source))
            .hint("Check the URL, and that the server can be reached from here.")
    };
    let answer = loam_http::fetch(request, LONGEST).await.map_err(failed)?;
    if answer.status != 200 {
        let message = format!("there is no manifest at `{manifest_url}`: the server answered {}", answer.status);
        return Err(about("url", ProviderError::failed(message)));
    }
    let manifest = parse_manifest(&manifest_url, &answer.body)
        .map_err(|error| about("url", ProviderError::because(format!("`{url}` has no manifest"), error)))?;
    Ok(Some(said_by(manifest)))
}

fn no_series(url: &str, version: Option<u64>) -> Result<(), ProviderError> {
    if version.is_none() {
        return Ok(());
    }
    Err(ProviderError::invalid(Path::attribute("version"), format!("`{url}` is not a series of versions"))
        .hint("Leave `version` out for an archive."))
}

fn said_by(manifest: Manifest) -> Said {
    Said {
        version: None,
        format: manifest.format,
        created_at: manifest.created_at,
        content_root: manifest.content_root,
        tar: manifest.tar,
        frames: manifest.frames.len(),
        bytes: manifest.archive.bytes,
        sha256: Some(manifest.archive.sha256.to_string()),
        compression: manifest.archive.compression.to_string(),
        app: manifest.app,
    }
}

fn about(attribute: &str, mut error: ProviderError) -> ProviderError {
    error.path = Some(Path::attribute(attribute));
    error
}
