//! Where things are: paths without detours, buckets by URL, keys of addresses.

use std::{
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use loam_bundle::{archive, store};
use loam_provider::{CallCx, ObjectError, ObjectKey, ObjectStore, Path as At, ProviderError};
use serde::Deserialize;

use crate::Machine;

/// A reference to a bucket, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct BucketRef {
    pub(crate) url: Option<String>,
}

/// Returns the absolute path of what the configuration says, without `.` and `..`.
pub(crate) fn path(machine: &Machine, written: &str) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in machine.path(written).components() {
        match component {
            Component::ParentDir => {
                clean.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => clean.push(component),
        }
    }
    clean
}

/// Returns a path as text for an attribute.
pub(crate) fn text(path: &Path) -> Result<String, ProviderError> {
    let text = path.to_str().ok_or_else(|| {
        ProviderError::failed(format!("`{}` is not UTF-8", path.display())).hint("Choose a path of plain characters.")
    })?;
    Ok(text.to_owned())
}

/// Opens a bucket.
pub(crate) async fn open(cx: &CallCx, url: &str) -> Result<Arc<dyn ObjectStore>, ProviderError> {
    cx.stores.open(url).await.map_err(|error| {
        let is_missing = matches!(error, ObjectError::NotFound { .. });
        let error = ProviderError::because(format!("failed to open bucket `{url}`"), error);
        if is_missing {
            error.hint("Declare the bucket, and refer to it by name so that it is made first.")
        } else {
            error
        }
    })
}

/// Opens a bucket, or returns `None` if there is none.
pub(crate) async fn open_existing(cx: &CallCx, url: &str) -> Result<Option<Arc<dyn ObjectStore>>, ProviderError> {
    match cx.stores.open(url).await {
        Ok(store) => Ok(Some(store)),
        Err(ObjectError::NotFound { .. }) => Ok(None),
        Err(error) => Err(ProviderError::because(format!("failed to open bucket `{url}`"), error)),
    }
}

/// Returns where the archive at a URL, or at a path as the configuration writes it, is.
pub(crate) async fn locate(
    machine: &Machine,
    cx: &CallCx,
    written: &str,
    attribute: &str,
) -> Result<Option<archive::Place>, ProviderError> {
    let is_url = written.contains("://") || written.starts_with("file:");
    let url = if is_url { written.to_owned() } else { store::file_url(&path(machine, written)) };
    let (bucket, key) = store::locate(&url).map_err(|error| {
        let mut invalid = ProviderError::because(format!("`{written}` is no archive's URL"), error);
        invalid.path = Some(At::attribute(attribute));
        invalid.trouble(loam_provider::Trouble::Invalid)
    })?;
    Ok(open_existing(cx, &bucket).await?.map(|store| archive::Place { store, key }))
}

/// Checks a key that the configuration, or the kind, made.
pub(crate) fn key(attribute: &str, key: &str) -> Result<ObjectKey, ProviderError> {
    ObjectKey::new(key).map_err(|error| ProviderError::invalid(At::attribute(attribute), error.to_string()))
}

/// Returns an address as the start of keys: `module.a["x"].snapshot.daily[0]` is `a-x-daily-0`.
pub(crate) fn key_of_address(address: &str, kind: &str) -> String {
    let words = address.split(|char: char| !(char.is_alphanumeric() || char == '_' || char == '-'));
    let named: Vec<&str> = words.filter(|word| !word.is_empty() && *word != "module" && *word != kind).collect();
    if named.is_empty() { kind.to_owned() } else { named.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_the_object_and_its_modules() {
        let key = |address| key_of_address(address, "snapshot");
        assert_eq!(key(r#"module.a["x"].snapshot.daily[0]"#), "a-x-daily-0");
        assert_eq!(key("snapshot.daily"), "daily");
        assert_eq!(key("snapshot.snapshot"), "snapshot");
    }
}
