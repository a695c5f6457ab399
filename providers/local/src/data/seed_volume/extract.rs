//! Fills a volume from its archive.

use loam_bundle::{
    archive::Trust,
    extract::{Expected, ExtractError, Extraction, Limits, Materialised, Replace, materialise as extract},
};
use loam_provider::{CallCx, ProviderError, Value, decode};

use super::{Site, Spec};
use crate::{
    Machine,
    data::{archives, place, work},
};

/// Makes the directory at `site` the extracted archive, or finds that it is; returns what the archive says of itself.
pub(super) async fn materialise(
    machine: &Machine,
    cx: &CallCx,
    planned: &Value,
    site: &Site,
    replace: Replace,
) -> Result<Option<bool>, ProviderError> {
    let spec: Spec = decode(planned)?;
    let url = spec.archive.url.ok_or_else(|| ProviderError::failed("the archive's `url` is not known"))?;
    let missing = || {
        ProviderError::failed(format!("there is no archive at `{url}`"))
            .hint("Plan again: the archive is made anew if it is loam's.")
    };
    let place = place::locate(machine, cx, &url, "archive").await?.ok_or_else(missing)?;
    let content_root = spec.archive.content_root.map(|root| root.parse()).transpose();
    let content_root =
        content_root.map_err(|error| ProviderError::because("the archive's `content_root` cannot be read", error))?;
    let manifest = archives::manifest(&place).await?.filter(|manifest| manifest.archive.sha256 == site.digest);
    let bootstrapped = manifest.as_ref().and_then(archives::bootstrapped);
    let (size, limits) = match manifest {
        Some(manifest) => (Some((manifest.tar.bytes, manifest.tar.files)), Limits::exactly(manifest.tar.bytes)),
        None => (None, Limits::default()),
    };
    let extraction = Extraction {
        expected: Expected { trust: Trust::Sha256(site.digest), content_root, size },
        limits,
        replace,
        created_at: work::now(cx)?,
    };
    let target = site.path();
    let extracted = async {
        extract(&place, &target, &extraction, &work::report(cx)).await.map_err(|error| match &error {
            ExtractError::Missing { .. } => missing(),
            ExtractError::TargetExists { .. } => ProviderError::because("the volume's place is taken", error)
                .hint(format!("loam did not make `{}`: move it away.", target.display())),
            ExtractError::NoRoom { .. } => ProviderError::because("there is too little room for the volume", error)
                .hint("Free some space, or keep volumes elsewhere with `local { path = … }`."),
            ExtractError::Store(_)
            | ExtractError::Tree(_)
            | ExtractError::WrongDigest { .. }
            | ExtractError::WrongContent { .. }
            | ExtractError::Damaged { .. }
            | ExtractError::Malformed { .. }
            | ExtractError::Refused { .. }
            | ExtractError::TooLarge { .. }
            | ExtractError::Io { .. }
            | ExtractError::Interrupted { .. } => ProviderError::because(format!("failed to extract `{url}`"), error),
        })
    };
    match work::until_cancelled(cx, extracted).await? {
        Materialised::Extracted(_) => {}
        Materialised::Reused(_) => cx.progress.note(format!("`{}` was extracted already", target.display())),
    }
    Ok(bootstrapped)
}

/// Returns whether a volume's archive says that it holds what a bootstrap makes; `None` also if it is gone.
pub(super) async fn bootstrapped(
    machine: &Machine,
    cx: &CallCx,
    planned: &Value,
    site: &Site,
) -> Result<Option<bool>, ProviderError> {
    let spec: Spec = decode(planned)?;
    let Some(url) = spec.archive.url else { return Ok(None) };
    let Some(place) = place::locate(machine, cx, &url, "archive").await? else { return Ok(None) };
    let manifest = archives::manifest(&place).await?.filter(|manifest| manifest.archive.sha256 == site.digest);
    Ok(manifest.as_ref().and_then(archives::bootstrapped))
}
