//! Takes over a volume that is there already: its data is read, and never written to.

use loam_bundle::extract::{ExtractError, SeedState, mark};
use loam_provider::{CallCx, Kind, Known, Path as At, ProviderError, Type, Value, decode};

use super::{Site, Spec, default_size, extract, made_of, predicted, state, users};
use crate::{
    Machine,
    data::{archives, marks::Owner, object, place, work},
};

/// Returns the volume that stands at the path `id`, which must be where the block's volume belongs.
pub(super) async fn find(
    machine: &Machine,
    kind: &Kind,
    cx: &CallCx,
    id: &str,
    config: &Value,
    site: Option<Site>,
) -> Result<Option<Known>, ProviderError> {
    let Some(site) = site else {
        let message = "which archive the volume is of is not known yet";
        return Err(ProviderError::invalid(At::attribute("archive").name("sha256"), message)
            .hint("Apply the archive first, or write its `sha256`."));
    };
    let (path, target) = (place::path(machine, id), site.path());
    if path != target {
        let message = format!("a volume of this archive stands at `{}`, not at `{}`", target.display(), path.display());
        return Err(ProviderError::invalid(At::attribute("local").name("path"), message)
            .hint("Move the directory there, or name the directory around it in the block's `local { path = … }`."));
    }
    let (at, digest) = (path.clone(), site.digest);
    let is_ready = match work::blocking(move || state(&at, &digest)).await? {
        SeedState::Absent => return Ok(None),
        SeedState::Ready(_) => true,
        SeedState::Other(marker) => {
            let message = format!("`{}` was extracted from another archive, `{}`", path.display(), marker.source);
            return Err(ProviderError::failed(message)
                .hint(format!("The block's archive has the digest `{digest}`, that one `{}`.", marker.sha256)));
        }
        SeedState::Partial => {
            check_content(cx, config, &path).await?;
            false
        }
    };
    let bootstrapped = extract::bootstrapped(machine, cx, config, &site).await?;
    let spec: Spec = decode(config)?;
    let size = spec.size.map(|size| size.to_string()).or_else(|| spec.archive.uncompressed_bytes.map(default_size));
    let size = config.get("size").filter(|size| size.as_str().is_some()).cloned().unwrap_or_else(|| object::text(size));
    let rest = [
        ("size", size),
        ("id", object::text(None)),
        ("bootstrapped", bootstrapped.map_or(Value::Null(Type::Bool), Value::from)),
        ("ready", Value::from(is_ready)),
    ];
    Ok(Some(object::taken_over(kind, config, predicted(&spec, Some(&site))?.into_iter().chain(rest))))
}

/// Checks that a directory without a marker holds what the archive does.
async fn check_content(cx: &CallCx, config: &Value, path: &std::path::Path) -> Result<(), ProviderError> {
    let spec: Spec = decode(config)?;
    let Some(expected) = spec.archive.content_root else {
        let message = format!("nobody can tell whether `{}` holds what the archive does", path.display());
        return Err(ProviderError::invalid(At::attribute("archive").name("content_root"), message)
            .hint("Refer to a `seed_archive`, which knows the digest of what it holds."));
    };
    let found = archives::index(cx, "archive", path, &loam_bundle::tree::Selection::all()).await?.content_root;
    if found.to_string() == expected {
        return Ok(());
    }
    Err(ProviderError::failed(format!("`{}` holds `{found}`, and the archive `{expected}`", path.display())).hint(
        "The directory stays as it is. Archive it with a `seed_archive` of its own if its content is the one you want.",
    ))
}

/// Records this object as one that uses the volume, and marks it as ready if it holds what the archive does.
pub(super) async fn take_over(
    machine: &Machine,
    cx: &CallCx,
    planned: &Value,
    site: &Site,
) -> Result<Known, ProviderError> {
    let spec: Spec = decode(planned)?;
    let (path, digest) = (site.path(), site.digest);
    let at = path.clone();
    match work::blocking(move || state(&at, &digest)).await? {
        SeedState::Ready(_) => {}
        SeedState::Absent => return Err(ProviderError::failed(format!("the volume `{}` is gone", path.display()))),
        SeedState::Partial | SeedState::Other(_) => {
            let unknown = || ProviderError::failed("the archive's `url` or `content_root` is not known");
            let root = spec.archive.content_root.as_deref().and_then(|root| root.parse().ok()).ok_or_else(unknown)?;
            let url = spec.archive.url.ok_or_else(unknown)?;
            let (now, report) = (work::now(cx)?, work::report(cx));
            let marked = async {
                mark(&path, digest, root, url, now, &report).await.map_err(|error| match &error {
                    ExtractError::WrongContent { .. } => ProviderError::because("the volume was changed", error)
                        .hint("It stays as it is; only a directory that holds what the archive does is taken over."),
                    _ => ProviderError::because(format!("failed to mark `{}`", path.display()), error),
                })
            };
            work::until_cancelled(cx, marked).await?;
        }
    }
    let user = Owner::of(cx);
    let (at, added) = (site.clone(), user.clone());
    work::blocking(move || users::add(&at, added)).await?;
    let bootstrapped = extract::bootstrapped(machine, cx, planned, site).await?;
    made_of(planned, site, &user, bootstrapped)
}
