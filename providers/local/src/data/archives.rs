//! Archives that loam made: where they are, whose they are, what belongs in none, and removing them.

use loam_bundle::{
    archive::{self, Place, SECRETS},
    tree::Selection,
};
use loam_provider::{CallCx, ObjectKey, ObjectMeta, Path as At, Precondition, ProviderError, Trouble, Type, Value};
use serde::Deserialize;

use super::{marks::Owner, place, work};

/// What stands beside an archive, under its key and these.
const BESIDE: [&str; 2] = [".manifest.json", ".sha256"];

/// The fact of a manifest that says that the data holds what a network's bootstrap makes.
pub(crate) const BOOTSTRAPPED: &str = "bootstrapped";

/// An archive that loam made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Stored {
    /// The URL of its bucket.
    pub(crate) bucket: String,
    /// Its key there.
    pub(crate) key: String,
}

impl Stored {
    pub(crate) fn url(&self) -> String {
        format!("{}/{}", self.bucket, self.key)
    }

    pub(crate) fn key(&self) -> Result<ObjectKey, ProviderError> {
        place::key("key", &self.key)
    }

    /// Returns where it is, or `None` if its bucket is gone.
    pub(crate) async fn place(&self, cx: &CallCx) -> Result<Option<Place>, ProviderError> {
        let key = self.key()?;
        Ok(place::open_existing(cx, &self.bucket).await?.map(|store| Place { store, key }))
    }

    /// Returns what its bucket knows of it, or `None` if it is gone.
    pub(crate) async fn head(&self, cx: &CallCx) -> Result<Option<ObjectMeta>, ProviderError> {
        match self.place(cx).await? {
            Some(place) => head(&place).await,
            None => Ok(None),
        }
    }

    /// Removes it with what stands beside it, if this state made it.
    pub(crate) async fn remove(&self, cx: &CallCx) -> Result<(), ProviderError> {
        let Some(place) = self.place(cx).await? else { return Ok(()) };
        let is_ours = |object: &ObjectMeta| Owner::of_object(object).is_some_and(|owner| owner.is_in(cx));
        let archive = head(&place).await?;
        if archive.as_ref().is_some_and(|archive| !is_ours(archive)) {
            cx.progress.note(format!("kept `{}`: it does not bear this state's marks", self.url()));
            return Ok(());
        }
        // The archive goes last: as long as it is there, it says whose the others are.
        for suffix in BESIDE {
            let beside = Place { store: place.store.clone(), key: suffixed(&place.key, suffix)? };
            if head(&beside).await?.is_some_and(|object| is_ours(&object)) {
                delete(&beside).await?;
            }
        }
        if archive.is_some() { delete(&place).await } else { Ok(()) }
    }
}

/// Returns what a bucket knows of an object.
pub(crate) async fn head(place: &Place) -> Result<Option<ObjectMeta>, ProviderError> {
    let found = place.store.head(&place.key).await;
    found.map_err(|error| ProviderError::because(format!("failed to look at `{}`", place.url()), error))
}

async fn delete(place: &Place) -> Result<(), ProviderError> {
    let deleted = place.store.delete(&place.key, &Precondition::Always).await;
    deleted.map_err(|error| ProviderError::because(format!("failed to delete `{}`", place.url()), error))
}

/// Returns the key of what stands beside an archive.
pub(crate) fn suffixed(key: &ObjectKey, suffix: &str) -> Result<ObjectKey, ProviderError> {
    key.with_suffix(suffix).map_err(|error| ProviderError::because("the archive's key is too long", error))
}

/// Returns those of the archives that still exist.
pub(crate) async fn present<T>(
    archives: Vec<T>,
    stored: impl Fn(&T) -> &Stored + Send,
    cx: &CallCx,
) -> Result<Vec<T>, ProviderError> {
    let mut present = Vec::with_capacity(archives.len());
    for archive in archives {
        if stored(&archive).head(cx).await?.is_some() {
            present.push(archive);
        }
    }
    Ok(present)
}

/// Checks that nobody else's archive is where one will be built.
pub(crate) async fn refuse_others(place: &Place, cx: &CallCx) -> Result<(), ProviderError> {
    let found = head(place).await?.and_then(|object| Owner::of_object(&object));
    match found.filter(|owner| !owner.is(cx)) {
        Some(owner) => Err(owner.refuses(&format!("`{}`", place.url()), cx)),
        None => Ok(()),
    }
}

/// Returns the manifest beside an archive; a damaged one counts as missing.
pub(crate) async fn manifest(place: &Place) -> Result<Option<archive::Manifest>, ProviderError> {
    match archive::read_manifest(place).await {
        Ok(manifest) => Ok(manifest),
        Err(archive::ArchiveError::Manifest { .. }) => Ok(None),
        Err(error) => Err(ProviderError::because(format!("failed to read the manifest of `{}`", place.url()), error)),
    }
}

/// Returns whether an archive says that it holds what a bootstrap makes; `metadata` of a `seed_archive` says so in a text.
pub(crate) fn bootstrapped(manifest: &archive::Manifest) -> Option<bool> {
    says_bootstrapped(&manifest.app)
}

/// Returns whether facts say that there is what a bootstrap makes.
pub(crate) fn says_bootstrapped(facts: &archive::AppFacts) -> Option<bool> {
    let fact = facts.get(BOOTSTRAPPED)?;
    fact.as_bool().or_else(|| fact.as_str()?.parse().ok())
}

/// Returns the selection of `include` without identities, keys and `exclude`.
pub(crate) fn selection(include: &[String], exclude: &[String]) -> Result<Selection, ProviderError> {
    let exclude = SECRETS.iter().map(|pattern| (*pattern).to_owned()).chain(exclude.iter().cloned());
    let exclude: Vec<String> = exclude.collect();
    Selection::new(include.to_vec(), exclude)
        .map_err(|error| ProviderError::invalid(At::attribute("exclude"), error.to_string()))
}

/// Returns archives as a list of objects with `url`, `bucket` and `key`.
pub(crate) fn list(archives: &[Stored]) -> Value {
    let ty = Type::object(["url", "bucket", "key"].map(|name| (name, Type::String)));
    let item = |stored: &Stored| {
        Value::object([
            ("url", Value::from(stored.url())),
            ("bucket", Value::from(stored.bucket.as_str())),
            ("key", Value::from(stored.key.as_str())),
        ])
    };
    Value::list(ty, archives.iter().map(item))
}

/// Returns the error of building, with the way out where there is one.
pub(crate) fn build_failed(what: String, error: archive::ArchiveError) -> ProviderError {
    let hint = match &error {
        archive::ArchiveError::Occupied { .. } => {
            Some("Remove what is there, or choose another `key`; loam never overwrites an archive.")
        }
        archive::ArchiveError::Tree(loam_bundle::tree::TreeError::Changed { .. }) => {
            Some("Stop what writes to the directory while it is read.")
        }
        archive::ArchiveError::Tree(_)
        | archive::ArchiveError::Codec(_)
        | archive::ArchiveError::Store(_)
        | archive::ArchiveError::Extract(_)
        | archive::ArchiveError::Missing { .. }
        | archive::ArchiveError::Manifest { .. }
        | archive::ArchiveError::Compress { .. }
        | archive::ArchiveError::Interrupted { .. } => None,
    };
    let failed = ProviderError::because(what, error);
    match hint {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}

/// Returns what a failed call that writes archives leaves: a call that was cut short may have written some.
pub(crate) fn cut_short(error: ProviderError) -> loam_provider::Failure {
    let remains = match error.trouble {
        Trouble::Cancelled | Trouble::TimedOut => loam_provider::Remains::InDoubt,
        Trouble::Invalid | Trouble::Failed | Trouble::Transient => loam_provider::Remains::Nothing,
    };
    loam_provider::Failure { error, remains }
}

/// Returns the digest of what a directory holds, with the number and length of its files.
pub(crate) async fn index(
    cx: &CallCx,
    attribute: &str,
    directory: &std::path::Path,
    selection: &Selection,
) -> Result<loam_bundle::tree::Index, ProviderError> {
    use loam_bundle::tree::TreeError;
    let report = work::report(cx);
    let indexed = async {
        loam_bundle::tree::index(directory, selection, &report).await.map_err(|error| match error {
            TreeError::Missing { .. } | TreeError::NotADirectory { .. } => {
                ProviderError::invalid(At::attribute(attribute), error.to_string())
                    .hint("Relative paths start from the directory of the configuration.")
            }
            error => ProviderError::because(format!("failed to read `{}`", directory.display()), error),
        })
    };
    work::until_cancelled(cx, indexed).await
}
