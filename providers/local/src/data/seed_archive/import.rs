//! Takes over archives that are there already: they are read, and never written to.

use loam_provider::{CallCx, Failure, Kind, Known, Path as At, ProviderError, Type, Value, decode};

use super::{Facts, adopted as adopt};
use crate::{
    Machine,
    data::{
        archives::{self, Stored},
        marks::Owner,
        object, place,
    },
};

/// Returns the archive at the URL or path `id` that a block with a `url` names.
pub(super) async fn adopted(
    machine: &Machine,
    kind: &Kind,
    cx: &CallCx,
    id: &str,
    config: &Value,
) -> Result<Option<Known>, ProviderError> {
    let Some(place) = place::locate(machine, cx, id, "url").await? else { return Ok(None) };
    if archives::head(&place).await?.is_none() {
        return Ok(None);
    }
    if let Some(written) = config.get("url").and_then(Value::as_str) {
        let named = place::locate(machine, cx, written, "url").await?.map(|place| place.url());
        if named.as_deref() != Some(place.url().as_str()) {
            return Err(differs("url", written, &place.url()));
        }
    }
    let url = config.get("url").filter(|url| url.as_str().is_some()).cloned().unwrap_or_else(|| Value::from(id));
    // What nobody vouches for is told by the plan that follows; the digest that is found is recorded.
    let trusted = object::is_written(config, "sha256");
    let asked = object::taken_over(kind, config, [("url", url), ("previous", archives::list(&[]))]);
    let asked =
        if trusted { asked.into_value() } else { asked.with("allow_unverified", Known::from(true)).into_value() };
    let found = adopt::adopt(machine, cx, &asked).await.map_err(|Failure { error, .. }| error)?;
    let said = object::taken_over(kind, config, []);
    let allowed = said.get("allow_unverified").cloned().unwrap_or(Value::Null(Type::Bool));
    Ok(Some(object::completed(&found, [("allow_unverified", allowed)])?))
}

/// Returns the archive at the URL or path `id` that this state built and then forgot.
pub(super) async fn built(
    machine: &Machine,
    kind: &Kind,
    cx: &CallCx,
    id: &str,
    config: &Value,
) -> Result<Option<Known>, ProviderError> {
    let Facts { bucket, .. } = decode(config)?;
    let Some(bucket) = bucket.and_then(|bucket| bucket.url) else {
        let message = "which bucket the archive is in is not known yet";
        return Err(ProviderError::invalid(At::attribute("bucket"), message).hint("Apply or import the bucket first."));
    };
    let Some(place) = place::locate(machine, cx, id, "url").await? else { return Ok(None) };
    let url = place.url();
    let Some(key) = url.strip_prefix(&bucket).and_then(|rest| rest.strip_prefix('/')) else {
        return Err(differs("bucket", &bucket, &url));
    };
    if let Some(written) = config.get("key").and_then(Value::as_str)
        && written != key
    {
        return Err(differs("key", written, &url));
    }
    let stored = Stored { bucket, key: key.to_owned() };
    let Some(head) = stored.head(cx).await? else { return Ok(None) };
    let adopt = "Write `url` in place of `source` and `bucket` to adopt it where it is.";
    match Owner::of_object(&head) {
        Some(owner) if owner.is_in(cx) => {}
        Some(owner) => return Err(owner.refuses(&format!("`{url}`"), cx).hint(adopt)),
        None => return Err(ProviderError::failed(format!("`{url}` was not built by loam")).hint(adopt)),
    }
    let Some(manifest) = archives::manifest(&place).await? else {
        return Err(ProviderError::failed(format!("`{url}` has no manifest beside it")).hint(adopt));
    };
    super::built::found(kind, config, &stored, &manifest).map(Some)
}

fn differs(attribute: &str, written: &str, url: &str) -> ProviderError {
    ProviderError::invalid(At::attribute(attribute), format!("the block says `{written}`, and the archive is `{url}`"))
        .hint("Correct the one that is wrong.")
}
