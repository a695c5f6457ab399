//! What a replica is declared to be.

use jiff::Timestamp;
use loam_bundle::series::{Cursor, Series, Wanted};
use loam_provider::{CallCx, ObjectKey, Path as At, ProviderError, Value};
use serde::Deserialize;

use crate::data::{
    object,
    place::{self, BucketRef},
};

#[derive(Debug, Deserialize)]
pub(super) struct Spec {
    pub(super) mode: Option<Mode>,
    pub(super) source: Option<String>,
    pub(super) target: Option<String>,
    pub(super) bucket: Option<BucketRef>,
    pub(super) series: Option<String>,
    #[serde(default)]
    pub(super) include: Vec<String>,
    #[serde(default)]
    pub(super) exclude: Vec<String>,
    pub(super) version: Option<u64>,
    pub(super) as_of: Option<String>,
    then: Option<String>,
    pub(super) apply: Option<Apply>,
    pub(super) status: Option<Status>,
    pub(super) source_id: Option<String>,
    pub(super) content_root: Option<String>,
}

/// Which way data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    Push,
    Init,
    Pull,
}

/// How a pull goes to the newest version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Apply {
    Jump,
    Each,
}

/// How a directory stands to its series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    UpToDate,
    Behind,
    Ahead,
    Diverged,
    SourceReset,
}

impl Status {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::UpToDate => "up_to_date",
            Self::Behind => "behind",
            Self::Ahead => "ahead",
            Self::Diverged => "diverged",
            Self::SourceReset => "source_reset",
        }
    }
}

impl Spec {
    pub(super) fn mode(&self) -> Result<Mode, ProviderError> {
        self.mode.ok_or_else(|| ProviderError::failed("the replica's `mode` is not known"))
    }

    /// Returns whether the target goes on following after it was made.
    pub(super) fn follows(&self) -> bool {
        match self.mode {
            Some(Mode::Pull) => true,
            Some(Mode::Init) => self.then.is_some(),
            Some(Mode::Push) | None => false,
        }
    }

    /// Returns the URL of the series, as far as it is known.
    pub(super) fn url(&self) -> Option<String> {
        let bucket = self.bucket.as_ref()?.url.as_deref()?;
        Some(format!("{bucket}/{}", self.series.as_deref()?))
    }

    /// Opens the series, or returns `None` if its bucket does not exist or is not known.
    pub(super) async fn series(&self, cx: &CallCx) -> Result<Option<Series>, ProviderError> {
        let Some(bucket) = self.bucket.as_ref().and_then(|bucket| bucket.url.as_deref()) else { return Ok(None) };
        let Some(prefix) = &self.series else { return Ok(None) };
        let prefix = ObjectKey::new(prefix)
            .map_err(|error| ProviderError::invalid(At::attribute("series"), error.to_string()))?;
        Ok(place::open_existing(cx, bucket).await?.map(|store| Series { store, prefix }))
    }

    pub(super) async fn known_series(&self, cx: &CallCx) -> Result<Series, ProviderError> {
        self.series(cx).await?.ok_or_else(|| {
            let bucket = self.bucket.as_ref().and_then(|bucket| bucket.url.as_deref()).unwrap_or("?");
            ProviderError::failed(format!("there is no bucket at `{bucket}`"))
                .hint("Declare the bucket, and refer to it by name so that it is made first.")
        })
    }
}

/// Returns which version the configuration, or the plan made of it, asks for.
pub(super) fn wanted(version: Option<u64>, as_of: Option<&str>) -> Result<Wanted, ProviderError> {
    match (version, as_of) {
        (Some(version), _) => Ok(Wanted::Version(version)),
        (None, Some(time)) => time.parse::<Timestamp>().map(Wanted::AsOf).map_err(|error| {
            ProviderError::invalid(At::attribute("as_of"), format!("`{time}` is not a time: {error}"))
                .hint("Write it as RFC 3339, as in \"2026-11-20T10:05:00Z\".")
        }),
        (None, None) => Ok(Wanted::Newest),
    }
}

/// Returns the attributes that say which version there is.
pub(super) fn cursor(cursor: &Cursor, content_root: &str) -> [(&'static str, Value); 5] {
    [
        ("version", object::number(Some(cursor.version))),
        ("epoch", object::number(Some(cursor.epoch))),
        ("source_id", Value::from(cursor.source_id.as_str())),
        ("manifest_sha256", Value::from(cursor.manifest_sha256.to_string())),
        ("content_root", Value::from(content_root)),
    ]
}

/// Returns the attributes that say how things stand.
pub(super) fn standing(status: Status, behind: u64) -> [(&'static str, Value); 2] {
    [("status", Value::from(status.word())), ("behind", object::number(Some(behind)))]
}

/// Refuses what has no meaning in a mode.
pub(super) fn check(mode: Mode, config: &Value) -> Result<(), ProviderError> {
    let (word, needed, meaningless): (&str, &str, &[&str]) = match mode {
        Mode::Push => ("push", "source", &["target", "version", "as_of", "then", "interval"]),
        Mode::Init => ("init", "target", &["source"]),
        Mode::Pull => ("pull", "target", &["source", "then"]),
    };
    if !object::is_written(config, needed) {
        return Err(ProviderError::invalid(At::attribute(needed), format!("mode `{word}` needs a `{needed}`")));
    }
    if let Some(name) = meaningless.iter().find(|name| object::is_written(config, name)) {
        return Err(ProviderError::invalid(At::attribute(*name), format!("`{name}` means nothing in mode `{word}`"))
            .hint(format!("Leave `{name}` out.")));
    }
    if object::is_written(config, "version") && object::is_written(config, "as_of") {
        return Err(ProviderError::invalid(At::attribute("as_of"), "`version` and `as_of` name one version twice"));
    }
    wanted(None, config.get("as_of").and_then(Value::as_str)).map(drop)
}
