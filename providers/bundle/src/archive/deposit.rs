//! The last step of building: the archive gets its key, and two objects beside it.

use std::collections::BTreeMap;

use bytes::Bytes;
use loam_provider::{ObjectError, ObjectKey, Precondition, Upload};

use super::{
    ArchiveError, Manifest, Outcome, Place,
    manifest::{MANIFEST_SUFFIX, beside, parse_manifest},
};
use crate::{
    digest::{Digest, Hashing},
    pipe::pipe,
    store,
};

/// Gives the archive its key, or finds that the key has the same bytes already.
pub(super) async fn complete(
    place: &Place,
    upload: Option<Box<dyn Upload>>,
    sha256: Digest,
) -> Result<Outcome, ArchiveError> {
    if let Some(upload) = upload {
        match upload.complete(&Precondition::Absent).await {
            Ok(_) => return Ok(Outcome::Written),
            Err(ObjectError::PreconditionFailed { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let found = digest_of(place).await?;
    if found == sha256 {
        Ok(Outcome::AlreadyThere)
    } else {
        Err(ArchiveError::Occupied { url: place.url(), found, built: sha256 })
    }
}

/// Returns the digest of the object that is there.
async fn digest_of(place: &Place) -> Result<Digest, ArchiveError> {
    let meta = store::head(place.store.as_ref(), &place.key).await?;
    let (to, mut input) = pipe(2);
    let hash = tokio::task::spawn_blocking(move || {
        let mut hashing = Hashing::default();
        while let Some(piece) = input.piece()? {
            hashing.update(&piece);
        }
        Ok::<_, std::io::Error>(hashing.finish().0)
    });
    store::feed(place.store.as_ref(), &meta, vec![to], |_| {}).await?;
    let hashed = hash.await.ok().and_then(Result::ok);
    hashed.ok_or_else(|| ArchiveError::Interrupted { url: place.url() })
}

/// Writes the two objects beside an archive and returns the manifest that is there in the end.
///
/// One that already describes these very bytes stays. Any other is left from an archive that had
/// this key before, and is replaced.
pub(super) async fn write_beside(
    place: &Place,
    metadata: &BTreeMap<String, String>,
    manifest: Manifest,
) -> Result<Manifest, ArchiveError> {
    let key = beside(place, MANIFEST_SUFFIX)?;
    let url = format!("{}/{key}", place.store.url());
    let text = serde_json::to_vec(&manifest)
        .map_err(|error| ArchiveError::Manifest { url: url.clone(), because: error.to_string() })?;
    let sums = format!("{}  {}\n", manifest.archive.sha256, manifest.archive.name);
    put_or_keep(place, &beside(place, ".sha256")?, sums.clone().into(), metadata, |found| found == sums.as_bytes())
        .await?;
    let same = |found: &[u8]| {
        parse_manifest(&url, found).is_ok_and(|found| {
            found.archive == manifest.archive
                && found.content_root == manifest.content_root
                && found.app == manifest.app
        })
    };
    let kept = put_or_keep(place, &key, text.into(), metadata, same).await?;
    match kept {
        Some(text) => parse_manifest(&url, &text),
        None => Ok(manifest),
    }
}

/// Puts an object, unless `is_same` says that what is there is as good; then returns that.
async fn put_or_keep(
    place: &Place,
    key: &ObjectKey,
    body: Bytes,
    metadata: &BTreeMap<String, String>,
    is_same: impl Fn(&[u8]) -> bool,
) -> Result<Option<Bytes>, ArchiveError> {
    match place.store.put(key, body.clone(), metadata, &Precondition::Absent).await {
        Ok(_) => return Ok(None),
        Err(ObjectError::PreconditionFailed { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let (found, text) = place.store.get(key).await?;
    if is_same(&text) {
        return Ok(Some(text));
    }
    place.store.put(key, body, metadata, &Precondition::Matches(found.etag)).await?;
    Ok(None)
}
