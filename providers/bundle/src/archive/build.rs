//! Builds archives from a directory: one read of the data for any number of outputs.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, task::Poll};

use loam_provider::{ObjectError, Upload};
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinHandle},
};

use super::{
    AppFacts, ArchiveError, ArchiveFacts, CreatedAt, FORMAT, Frame, Manifest, Place, TarFacts,
    deposit::{complete, write_beside},
    encode::{Encoded, encode},
    manifest::base_name,
    produce::{ProduceError, Produced, produce},
};
use crate::{
    codec::Format,
    pipe::{self, Item, pipe},
    progress::Report,
    tar::CANONICAL,
    tree::Selection,
};

/// What to archive.
#[derive(Debug, Clone)]
pub struct Build {
    /// The directory.
    pub source: PathBuf,
    /// Which of its entries.
    pub selection: Selection,
    /// When, by the caller's clock.
    pub created_at: CreatedAt,
    /// What goes into the manifest's `app`.
    pub app: AppFacts,
    /// Marks on the objects: address, state id, op token.
    pub metadata: BTreeMap<String, String>,
}

/// One archive to write.
#[derive(Debug, Clone)]
pub struct Output {
    /// Where to.
    pub place: Place,
    /// How it is packed.
    pub format: Format,
    /// The compression level; the format's default if absent.
    pub level: Option<i32>,
}

/// An archive that is in its bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    /// What is known of it.
    pub manifest: Manifest,
    /// Whether this call wrote it.
    pub outcome: Outcome,
}

/// Whether an archive was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there before.
    Written,
    /// The same bytes were there already, and stay.
    AlreadyThere,
}

/// Writes `outputs`, all of them from one read of the directory, and returns them in the same order.
///
/// Each archive is put under the precondition that its key is free. If its key holds the very same
/// bytes, that object is taken as built.
///
/// # Errors
/// When the tree cannot be read or changes meanwhile, a key holds something else, or a bucket fails.
/// Archives that were complete by then stay; unfinished ones leave nothing.
pub async fn build(build: &Build, outputs: &[Output], report: &Report) -> Result<Vec<Built>, ArchiveError> {
    let mut encodings = Vec::new();
    for output in outputs {
        encodings.push((output.format, output.format.level(output.level)?));
    }
    let (guard, cancelled) = pipe::cancellation();
    let (mut to_encode, mut encoders, mut uploads) = (Vec::new(), Vec::new(), Vec::new());
    for (output, &(format, level)) in outputs.iter().zip(&encodings) {
        let (to, input) = pipe(QUEUE);
        let (to_upload, packed) = mpsc::channel(QUEUE);
        to_encode.push(to);
        encoders.push(tokio::task::spawn_blocking(move || encode(format, level, input, to_upload)));
        uploads.push(upload(&output.place, &build.metadata, packed));
    }
    let (source, selection, progress) = (build.source.clone(), build.selection.clone(), report.clone());
    let produced = tokio::task::spawn_blocking(move || produce(&source, &selection, &progress, &cancelled, to_encode));

    let (produced, encoded, uploaded) = tokio::join!(produced, joined(encoders), together(uploads));
    drop(guard);

    // What a bucket or the tree said is the cause of what the threads between them say.
    let mut ready = Vec::new();
    let mut failure = None;
    for uploaded in uploaded {
        match uploaded {
            Ok(upload) => ready.push(upload),
            Err(error) => failure = failure.or(Some(ArchiveError::Store(error))),
        }
    }
    let produced = match produced.unwrap_or(Err(ProduceError::Cut)) {
        Ok(produced) => Some(produced),
        Err(ProduceError::Tree(error)) => {
            failure = failure.or(Some(error.into()));
            None
        }
        Err(ProduceError::Cut) => None,
    };
    let mut archives = Vec::new();
    for (encoded, output) in encoded.into_iter().zip(outputs) {
        match encoded.unwrap_or_else(|_| Err(pipe::cut())) {
            Ok(archive) => archives.push(archive),
            Err(error) if pipe::is_cut(&error) => {}
            Err(source) => {
                let (format, url) = (output.format, output.place.url());
                failure = failure.or(Some(ArchiveError::Compress { format, url, source }));
            }
        }
    }
    let produced = match (failure, produced) {
        (None, Some(produced)) if archives.len() == outputs.len() => produced,
        (failure, _) => {
            for upload in ready.into_iter().flatten() {
                // Already failing: the parts that stay are the bucket's to clean up.
                let _ = upload.abort().await;
            }
            let url = outputs.first().map_or_else(String::new, |output| output.place.url());
            return Err(failure.unwrap_or(ArchiveError::Interrupted { url }));
        }
    };

    let mut built = Vec::new();
    for (((output, upload), archive), (format, level)) in outputs.iter().zip(ready).zip(archives).zip(encodings) {
        let manifest = manifest(build, output, &produced, &archive, format, level);
        let outcome = complete(&output.place, upload, archive.sha256).await?;
        let manifest = write_beside(&output.place, &build.metadata, manifest).await?;
        built.push(Built { manifest, outcome });
    }
    Ok(built)
}

/// How many frames wait between two threads.
const QUEUE: usize = 2;

async fn joined<T>(tasks: Vec<JoinHandle<T>>) -> Vec<Result<T, JoinError>> {
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await);
    }
    results
}

/// Awaits all futures at once and returns their results in order.
async fn together<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        let mut is_pending = false;
        for (future, result) in &mut running {
            if result.is_none() {
                match future.as_mut().poll(cx) {
                    Poll::Ready(done) => *result = Some(done),
                    Poll::Pending => is_pending = true,
                }
            }
        }
        if is_pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, result)| result).collect()
}

/// Sends what comes out of the encoder; `None` if the key is taken, and what comes is only counted.
async fn upload(
    place: &Place,
    metadata: &BTreeMap<String, String>,
    mut packed: mpsc::Receiver<Item>,
) -> Result<Option<Box<dyn Upload>>, ObjectError> {
    let is_taken = place.store.head(&place.key).await?.is_some();
    let mut upload = if is_taken { None } else { Some(place.store.upload(&place.key, metadata).await?) };
    while let Some(Some(bytes)) = packed.recv().await {
        if let Some(writing) = &mut upload
            && let Err(error) = writing.part(bytes).await
        {
            if let Some(upload) = upload {
                // The first error is the one to tell.
                let _ = upload.abort().await;
            }
            return Err(error);
        }
    }
    Ok(upload)
}

fn manifest(
    build: &Build,
    output: &Output,
    produced: &Produced,
    archive: &Encoded,
    format: Format,
    level: Option<i32>,
) -> Manifest {
    let (tar_sha256, tar_bytes) = produced.tar;
    let name = base_name(&output.place);
    let pack: Arc<str> = name.into();
    let mut offset = 0;
    let frames = archive.frames.iter().map(|frame| {
        let start = offset;
        offset += frame.compressed;
        Frame {
            pack: Arc::clone(&pack),
            offset: start,
            compressed: frame.compressed,
            uncompressed: frame.uncompressed,
            sha256: frame.sha256,
        }
    });
    Manifest {
        format: FORMAT.to_owned(),
        created_at: build.created_at,
        archive: ArchiveFacts {
            name: name.to_owned(),
            compression: format,
            level,
            sha256: archive.sha256,
            bytes: archive.bytes,
        },
        tar: TarFacts {
            sha256: tar_sha256,
            bytes: tar_bytes,
            files: produced.index.files(),
            content_bytes: produced.index.bytes(),
            canonical: Some(CANONICAL.to_owned()),
        },
        content_root: produced.index.content_root,
        app: build.app.clone(),
        frames: frames.collect(),
    }
}
