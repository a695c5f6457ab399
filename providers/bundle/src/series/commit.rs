//! Committing a version, and saying so.

use std::collections::BTreeMap;

use bytes::Bytes;
use loam_provider::{ObjectError, Precondition};
use serde::Serialize;

use super::{
    Found, Head, Parent, Publish, Series, SeriesDescriptor, SeriesError, VersionManifest,
    layout::{DESCRIPTOR, FilesRef, HEAD, MANIFEST, Pack, SUMS, Stats, head, in_version, key, read},
    pack::{Packed, fresh_name},
};
use crate::{
    archive::{FORMAT, TarFacts},
    digest::Digest,
    tar::CANONICAL,
    tree::Survey,
};

/// A version that is not committed yet.
pub(super) struct Draft<'a> {
    pub(super) version: u64,
    pub(super) epoch: u64,
    /// The version before, in the same epoch.
    pub(super) parent: Option<&'a Found>,
    pub(super) packed: Packed,
    pub(super) survey: &'a Survey,
}

/// Commits a version; `None` if somebody else committed one of its number first.
pub(super) async fn commit(series: &Series, publish: &Publish, draft: Draft<'_>) -> Result<Option<Found>, SeriesError> {
    let files = write_files(series, publish, &draft).await?;
    describe(series, publish).await?;
    let manifest = manifest(series, publish, draft, files);
    let own = [manifest.files.key.clone()].into_iter().chain(own_pack(&manifest));
    let own: Vec<String> = own.collect();
    check_closure(series, &manifest).await?;
    let text = to_json(series, &manifest)?;
    let key = key(series, &in_version(manifest.version, MANIFEST))?;
    let found = Found { sha256: Digest::of(&text), manifest };
    match series.store.put(&key, text, &BTreeMap::new(), &Precondition::Absent).await {
        Ok(_) => Ok(Some(found)),
        Err(error) => {
            // The reply to a write that took place may have been lost.
            match read(series, found.manifest.version).await {
                Ok(Some(there)) if there.sha256 == found.sha256 => return Ok(Some(found)),
                Ok(Some(_)) => {}
                // Whether it took place is not known: what it refers to has to stay.
                Ok(None) | Err(_) => return Err(error.into()),
            }
            for relative in own {
                series.store.delete(&super::layout::key(series, &relative)?, &Precondition::Always).await?;
            }
            Ok(None)
        }
    }
}

/// Brings what only follows from manifests up to date: checksums and HEAD.
pub(super) async fn announce(series: &Series, newest: &Found) -> Result<(), SeriesError> {
    let sums = key(series, &in_version(newest.manifest.version, SUMS))?;
    if series.store.head(&sums).await?.is_none() {
        let text = checksums(newest);
        series.store.put(&sums, text.into(), &BTreeMap::new(), &Precondition::Always).await?;
    }
    let VersionManifest { version, epoch, created_at, .. } = newest.manifest;
    let when = match head(series).await? {
        None if series.store.head(&key(series, HEAD)?).await?.is_some() => Precondition::Always,
        None => Precondition::Absent,
        Some((head, _)) if head.version == version && head.manifest_sha256 == newest.sha256 => return Ok(()),
        Some((head, _)) if head.version > version && read(series, head.version).await?.is_some() => return Ok(()),
        Some((_, etag)) => Precondition::Matches(etag),
    };
    let head = Head { version, manifest_sha256: newest.sha256, epoch, published_at: created_at };
    match series.store.put(&key(series, HEAD)?, to_json(series, &head)?, &BTreeMap::new(), &when).await {
        // Somebody else moved it: readers look further than HEAD anyway.
        Ok(_) | Err(ObjectError::PreconditionFailed { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Returns what `sha256sum -c --ignore-missing` accepts beside the packs and the manifest.
fn checksums(found: &Found) -> String {
    let base = |key: &str| key.rsplit_once('/').map_or(key, |(_, name)| name).to_owned();
    let manifest = &found.manifest;
    let packs = manifest.packs.iter().map(|pack| (pack.sha256, base(&pack.key)));
    let files = [
        (manifest.files.sha256, base(&manifest.files.key)),
        (found.sha256, MANIFEST.to_owned()),
        (manifest.tar.sha256, "stream.tar".to_owned()),
    ];
    packs.chain(files).map(|(sha256, name)| format!("{sha256}  {name}\n")).collect()
}

/// Writes the list of entries, under a name of its own if a dead or rival publisher left one.
async fn write_files(series: &Series, publish: &Publish, draft: &Draft<'_>) -> Result<FilesRef, SeriesError> {
    let files = draft.packed.files.clone();
    let failed = |source| SeriesError::Compress { url: series.url(), source };
    let encoded = tokio::task::spawn_blocking(move || files.encode()).await;
    let encoded = encoded.map_err(|_| SeriesError::Interrupted { url: series.url() })?.map_err(failed)?;
    let (sha256, bytes) = (Digest::of(&encoded), encoded.len() as u64);
    let body = Bytes::from(encoded);
    for name in ["files.json.zst".to_owned(), format!("files.{}.json.zst", fresh_name(publish.created_at))] {
        let relative = in_version(draft.version, &name);
        let at = key(series, &relative)?;
        match series.store.put(&at, body.clone(), &BTreeMap::new(), &Precondition::Absent).await {
            Ok(_) => return Ok(FilesRef { key: relative, sha256, bytes }),
            Err(ObjectError::PreconditionFailed { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(SeriesError::Contended { url: series.url() })
}

/// Writes the descriptor, once in the life of a series.
async fn describe(series: &Series, publish: &Publish) -> Result<(), SeriesError> {
    let descriptor = SeriesDescriptor {
        format: FORMAT.to_owned(),
        series: name(series),
        source_id: publish.source_id.clone(),
        hash: "sha256".to_owned(),
        canonical: CANONICAL.to_owned(),
        created_at: publish.created_at,
    };
    let (key, text) = (key(series, DESCRIPTOR)?, to_json(series, &descriptor)?);
    match series.store.put(&key, text, &BTreeMap::new(), &Precondition::Absent).await {
        Ok(_) => return Ok(()),
        Err(ObjectError::PreconditionFailed { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let (_, text) = series.store.get(&key).await?;
    let url = format!("{}/{key}", series.store.url());
    let malformed = |because| SeriesError::Malformed { url, because };
    match serde_json::from_slice::<SeriesDescriptor>(&text) {
        Ok(there) if there.format == FORMAT => Ok(()),
        Ok(there) => Err(malformed(format!("its format is `{}` instead of `{FORMAT}`", there.format))),
        Err(error) => Err(malformed(error.to_string())),
    }
}

fn manifest(series: &Series, publish: &Publish, draft: Draft<'_>, files: FilesRef) -> VersionManifest {
    let Draft { version, epoch, parent, packed, survey } = draft;
    let mut packs = packed.older;
    let new_bytes = packed.own.as_ref().map_or(0, |(_, _, bytes)| *bytes);
    packs.extend(packed.own.map(|(key, sha256, bytes)| Pack { key, sha256, bytes }));
    let (tar_sha256, tar_bytes) = packed.tar;
    VersionManifest {
        format: FORMAT.to_owned(),
        series: name(series),
        epoch,
        version,
        parent: parent.map(|parent| Parent { version: parent.manifest.version, manifest_sha256: parent.sha256 }),
        created_at: publish.created_at,
        writer: publish.writer.clone(),
        source_id: publish.source_id.clone(),
        app: publish.app.clone(),
        tar: TarFacts {
            sha256: tar_sha256,
            bytes: tar_bytes,
            files: survey.index.files(),
            content_bytes: survey.index.bytes(),
            canonical: Some(CANONICAL.to_owned()),
        },
        content_root: survey.index.content_root,
        full: packed.is_full,
        packs,
        frames: packed.frames,
        files,
        stats: Stats { new_bytes, reused_bytes: packed.reused_bytes },
    }
}

/// Checks that everything the manifest lists is in the bucket.
async fn check_closure(series: &Series, manifest: &VersionManifest) -> Result<(), SeriesError> {
    let packs: BTreeMap<&str, u64> = manifest.packs.iter().map(|pack| (pack.key.as_str(), pack.bytes)).collect();
    for (relative, bytes) in &packs {
        let key = key(series, relative)?;
        if series.store.head(&key).await?.is_none_or(|meta| meta.bytes != *bytes) {
            let url = format!("{}/{key}", series.store.url());
            return Err(SeriesError::Damaged { url, because: "it is gone, or has another length".to_owned() });
        }
    }
    for frame in &manifest.frames {
        let end = frame.offset.checked_add(frame.compressed);
        if packs.get(frame.pack.as_ref()).is_none_or(|bytes| end.is_none_or(|end| end > *bytes)) {
            let url = format!("{}/{}", series.url(), frame.pack);
            return Err(SeriesError::Damaged { url, because: "it does not hold a frame that is needed".to_owned() });
        }
    }
    Ok(())
}

fn own_pack(manifest: &VersionManifest) -> Option<String> {
    (manifest.stats.new_bytes > 0).then(|| manifest.packs.last().map(|pack| pack.key.clone())).flatten()
}

fn name(series: &Series) -> String {
    let prefix = series.prefix.as_str();
    prefix.rsplit_once('/').map_or(prefix, |(_, name)| name).to_owned()
}

fn to_json(series: &Series, document: &impl Serialize) -> Result<Bytes, SeriesError> {
    let text = serde_json::to_vec(document);
    text.map(Bytes::from).map_err(|error| SeriesError::Malformed { url: series.url(), because: error.to_string() })
}
