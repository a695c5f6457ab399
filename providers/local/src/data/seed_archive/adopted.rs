//! Archives that somebody else built: read through once, never written to and never deleted.

use loam_bundle::{
    archive::{self, ArchiveError, Trust},
    digest::Digest,
    extract::{ExtractError, Limits},
};
use loam_provider::{CallCx, Failure, Known, Path as At, PlanRequest, Planned, ProviderError, Type, Value, decode};
use serde::Deserialize;

use super::{Facts, no_text, previous, untold};
use crate::{
    Machine,
    data::{archives, object, place, work},
};

#[derive(Debug, Deserialize)]
struct Spec {
    url: Option<String>,
    sha256: Option<String>,
    #[serde(default)]
    allow_unverified: bool,
}

pub(super) async fn plan(machine: &Machine, cx: &CallCx, request: PlanRequest<'_>) -> Result<Planned, ProviderError> {
    check(request.config)?;
    let written: Spec = decode(request.config)?;
    let wanted = written.sha256.as_deref().map(digest).transpose()?;
    let prior: Option<Facts> = request.prior.map(|prior| decode(prior)).transpose()?;
    let has_written = object::is_written(request.config, "sha256");
    let is_same = prior.as_ref().is_some_and(|facts| {
        let found = facts.sha256.as_deref().and_then(|found| found.parse::<Digest>().ok());
        let is_wanted = if has_written { found.is_some() && found == wanted } else { found.is_some() };
        is_wanted && facts.bytes.is_some() && facts.url == written.url && facts.key.is_none()
    });
    if is_same {
        return Ok(Planned::new(request.proposed.clone()));
    }
    if let Some(url) = &written.url {
        let place = place::locate(machine, cx, url, "url").await?;
        let found = match &place {
            Some(place) => archives::head(place).await?,
            None => None,
        };
        if found.is_none() {
            return Err(missing(url));
        }
    }
    let rest = [
        ("key", no_text()),
        ("manifest_url", no_text()),
        ("previous", archives::list(&previous(prior.as_ref(), None))),
    ];
    let after = object::with(request.proposed, untold().chain(rest));
    Ok(Planned::new(if has_written { after } else { after.with("sha256", object::unknown_text()) }))
}

fn missing(url: &str) -> ProviderError {
    ProviderError::invalid(At::attribute("url"), format!("there is no archive at `{url}`"))
        .hint("Relative paths start from the directory of the configuration.")
}

fn digest(text: &str) -> Result<Digest, ProviderError> {
    text.parse::<Digest>().map_err(|error| ProviderError::invalid(At::attribute("sha256"), error.to_string()))
}

/// Refuses what has no meaning for an archive that is adopted, and one that nothing vouches for.
fn check(config: &Value) -> Result<(), ProviderError> {
    for name in ["bucket", "key", "include", "exclude", "format", "level", "metadata"] {
        if object::is_written(config, name) {
            return Err(ProviderError::invalid(
                At::attribute(name),
                format!("`{name}` is for archives that are built"),
            )
            .hint(format!("Leave `{name}` out, or write `source` instead of `url`.")));
        }
    }
    let unverified = config.get("allow_unverified").and_then(Value::as_bool) == Some(true);
    if !unverified && !object::is_written(config, "sha256") && !object::is_unknown(config, "allow_unverified") {
        let message = "an archive that is adopted needs a `sha256`";
        return Err(ProviderError::invalid(At::attribute("sha256"), message).hint(
            "Write the digest that its publisher tells, or `allow_unverified = true` to take whatever is there.",
        ));
    }
    Ok(())
}

pub(super) async fn adopt(machine: &Machine, cx: &CallCx, planned: &Value) -> Result<Known, Failure> {
    let spec: Spec = decode(planned)?;
    let url = spec.url.ok_or_else(|| ProviderError::failed("the archive's `url` is not known"))?;
    let place = place::locate(machine, cx, &url, "url").await?.ok_or_else(|| missing(&url))?;
    let trust = match (spec.sha256.as_deref(), spec.allow_unverified) {
        (Some(sha256), _) => Trust::Sha256(digest(sha256)?),
        (None, true) => Trust::Unverified,
        (None, false) => return Err(ProviderError::failed("the archive's `sha256` is not known").into()),
    };
    let adopt = archive::Adopt { trust, limits: Limits::default(), created_at: work::now(cx)? };
    let adopted = async {
        let adopted = archive::adopt(&place, &adopt, &work::report(cx)).await;
        adopted.map_err(|error| adoption_failed(&url, error))
    };
    let manifest = work::until_cancelled(cx, adopted).await?;
    let sha256 = planned.get("sha256").filter(|sha256| sha256.as_str().is_some()).cloned();
    let found = [
        ("sha256", sha256.unwrap_or_else(|| Value::from(manifest.archive.sha256.to_string()))),
        ("bytes", object::number(Some(manifest.archive.bytes))),
        ("uncompressed_bytes", object::number(Some(manifest.tar.content_bytes))),
        ("files", object::number(Some(manifest.tar.files))),
        ("content_root", Value::from(manifest.content_root.to_string())),
        ("key", Value::Null(Type::String)),
        ("manifest_url", Value::Null(Type::String)),
    ];
    Ok(object::completed(planned, found)?)
}

fn adoption_failed(url: &str, error: ArchiveError) -> ProviderError {
    if let ArchiveError::Missing { .. } = &error {
        return missing(url);
    }
    if let ArchiveError::Extract(ExtractError::WrongDigest { .. }) = &error {
        return ProviderError::because(format!("`{url}` is not the archive that was asked for"), error)
            .hint("Compare `sha256` with what the publisher tells; do not use the archive if they differ.");
    }
    ProviderError::because(format!("failed to adopt `{url}`"), error)
}

pub(super) async fn read(machine: &Machine, cx: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError> {
    let facts: Facts = decode(current)?;
    let previous = archives::present(facts.previous.clone(), |stored| stored, cx).await?;
    let found = match &facts.url {
        Some(url) => match place::locate(machine, cx, url, "url").await? {
            Some(place) => archives::head(&place).await?,
            None => None,
        },
        None => None,
    };
    if found.is_none() && previous.is_empty() {
        return Ok(None);
    }
    let is_sound = found.as_ref().is_some_and(|object| Some(object.bytes) == facts.bytes);
    let found = [
        ("sha256", if is_sound { object::text(facts.sha256) } else { no_text() }),
        ("bytes", object::number(found.map(|object| object.bytes))),
        ("previous", archives::list(&previous)),
    ];
    object::completed(current, found).map(Some)
}
