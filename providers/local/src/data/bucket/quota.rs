//! A bucket that is as full as it may be takes nothing more from loam.

use loam_bundle::store;
use loam_provider::{ProviderError, Size};

use super::directory;
use crate::data::work;

/// Checks that the bucket at `url` may take more; one without a marker of ours has no quota.
pub(crate) async fn check(url: &str) -> Result<(), ProviderError> {
    let Ok(path) = store::path_of(url) else { return Ok(()) };
    work::blocking(move || {
        let Some(quota) = directory::marker(&path)?.and_then(|marker| marker.quota) else { return Ok(()) };
        let quota: Size = quota
            .parse()
            .map_err(|error| ProviderError::because(format!("the quota of `{}` is damaged", path.display()), error))?;
        let held = Size(directory::holdings(&path)?.bytes);
        if held < quota {
            return Ok(());
        }
        Err(ProviderError::failed(format!("bucket `{}` holds {held} of {quota}", path.display()))
            .hint("Raise the bucket's `quota`, or remove something from it."))
    })
    .await
}
