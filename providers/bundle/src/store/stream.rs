//! Reading an object of any bucket from its start to its end, in bounded memory.

use loam_provider::{ObjectError, ObjectKey, ObjectMeta, ObjectStore};
use tokio::sync::mpsc;

use crate::pipe::Item;

/// How many bytes one request asks for.
const PIECE: u64 = 4 << 20;

/// Returns what is known of an object that has to exist.
pub(crate) async fn head(store: &dyn ObjectStore, key: &ObjectKey) -> Result<ObjectMeta, ObjectError> {
    let meta = store.head(key).await?;
    meta.ok_or_else(|| ObjectError::NotFound { url: format!("{}/{key}", store.url()) })
}

/// Sends the object's bytes into every pipe, and their ends; stops early when a reader went away.
///
/// An object that is replaced meanwhile fails with [`ObjectError::PreconditionFailed`].
pub(crate) async fn feed(
    store: &dyn ObjectStore,
    meta: &ObjectMeta,
    pipes: Vec<mpsc::Sender<Item>>,
    mut sent: impl FnMut(u64) + Send,
) -> Result<(), ObjectError> {
    let mut offset = 0;
    while offset < meta.bytes {
        let piece = store.get_range(&meta.key, offset..meta.bytes.min(offset + PIECE)).await?;
        if piece.is_empty() {
            return Err(ObjectError::PreconditionFailed { url: format!("{}/{}", store.url(), meta.key) });
        }
        offset += piece.len() as u64;
        for pipe in &pipes {
            if pipe.send(Some(piece.clone())).await.is_err() {
                return Ok(());
            }
        }
        sent(piece.len() as u64);
    }
    if head(store, &meta.key).await?.etag != meta.etag {
        return Err(ObjectError::PreconditionFailed { url: format!("{}/{}", store.url(), meta.key) });
    }
    for pipe in &pipes {
        // A reader that is gone already has its own error.
        let _ = pipe.send(None).await;
    }
    Ok(())
}
