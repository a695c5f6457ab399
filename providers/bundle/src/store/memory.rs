//! A bucket in memory, for tests and for the `sim` provider.

use std::{
    collections::BTreeMap,
    ops::{Bound, Range},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use loam_provider::{ETag, ObjectError, ObjectKey, ObjectMeta, ObjectStore, Page, Precondition, Upload};

/// A bucket in memory. Its clock is a counter: the n-th write happens n seconds after 1970.
#[derive(Debug, Clone)]
pub struct Memory {
    url: String,
    objects: Arc<Mutex<Objects>>,
}

#[derive(Debug, Default)]
struct Objects {
    by_key: BTreeMap<String, (ObjectMeta, Bytes)>,
    writes: u64,
}

impl Memory {
    /// Returns an empty bucket with the URL `memory://NAME`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { url: format!("memory://{name}"), objects: Arc::default() }
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn url_of(&self, key: &ObjectKey) -> String {
        format!("{}/{key}", self.url)
    }

    fn write(
        &self,
        key: &ObjectKey,
        body: Bytes,
        metadata: &BTreeMap<String, String>,
        when: &Precondition,
    ) -> Result<ObjectMeta, ObjectError> {
        let mut objects = self.objects();
        self.check(&objects, key, when)?;
        objects.writes += 1;
        let meta = ObjectMeta {
            key: key.clone(),
            bytes: body.len() as u64,
            etag: ETag(objects.writes.to_string()),
            modified: SystemTime::UNIX_EPOCH + Duration::from_secs(objects.writes),
            metadata: metadata.clone(),
        };
        objects.by_key.insert(key.to_string(), (meta.clone(), body));
        Ok(meta)
    }

    fn check(&self, objects: &Objects, key: &ObjectKey, when: &Precondition) -> Result<(), ObjectError> {
        let current = objects.by_key.get(key.as_str()).map(|(meta, _)| &meta.etag);
        let holds = match when {
            Precondition::Always => true,
            Precondition::Absent => current.is_none(),
            Precondition::Matches(etag) => current == Some(etag),
        };
        if holds { Ok(()) } else { Err(ObjectError::PreconditionFailed { url: self.url_of(key) }) }
    }
}

#[async_trait]
impl ObjectStore for Memory {
    fn url(&self) -> &str {
        &self.url
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, ObjectError> {
        Ok(self.objects().by_key.get(key.as_str()).map(|(meta, _)| meta.clone()))
    }

    async fn get_range(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let (meta, body) = self.get(key).await?;
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        if range.start >= meta.bytes {
            return Err(ObjectError::PreconditionFailed { url: self.url_of(key) });
        }
        let end = usize::try_from(range.end).unwrap_or(usize::MAX).min(body.len());
        let start = usize::try_from(range.start).unwrap_or(usize::MAX).min(end);
        Ok(body.slice(start..end))
    }

    async fn get(&self, key: &ObjectKey) -> Result<(ObjectMeta, Bytes), ObjectError> {
        let found = self.objects().by_key.get(key.as_str()).cloned();
        found.ok_or_else(|| ObjectError::NotFound { url: self.url_of(key) })
    }

    async fn put(
        &self,
        key: &ObjectKey,
        body: Bytes,
        metadata: &BTreeMap<String, String>,
        when: &Precondition,
    ) -> Result<ObjectMeta, ObjectError> {
        self.write(key, body, metadata, when)
    }

    async fn upload(
        &self,
        key: &ObjectKey,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Upload>, ObjectError> {
        let (store, key, metadata) = (self.clone(), key.clone(), metadata.clone());
        Ok(Box::new(Writing { store, key, metadata, body: BytesMut::new() }))
    }

    async fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Page, ObjectError> {
        let objects = self.objects();
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            Some(_) | None => Bound::Included(prefix),
        };
        let mut matching = objects.by_key.range::<str, _>((from, Bound::Unbounded)).map(|(_, (meta, _))| meta);
        let mut page = Page::default();
        while let Some(meta) = matching.next().filter(|meta| meta.key.as_str().starts_with(prefix)) {
            if page.objects.len() == limit {
                page.next = page.objects.last().map(|last| last.key.to_string());
                break;
            }
            page.objects.push(ObjectMeta { metadata: BTreeMap::new(), ..meta.clone() });
        }
        Ok(page)
    }

    async fn delete(&self, key: &ObjectKey, when: &Precondition) -> Result<(), ObjectError> {
        let mut objects = self.objects();
        self.check(&objects, key, when)?;
        objects.by_key.remove(key.as_str());
        Ok(())
    }
}

struct Writing {
    store: Memory,
    key: ObjectKey,
    metadata: BTreeMap<String, String>,
    body: BytesMut,
}

#[async_trait]
impl Upload for Writing {
    async fn part(&mut self, body: Bytes) -> Result<(), ObjectError> {
        self.body.extend_from_slice(&body);
        Ok(())
    }

    async fn complete(self: Box<Self>, when: &Precondition) -> Result<ObjectMeta, ObjectError> {
        self.store.write(&self.key, self.body.freeze(), &self.metadata, when)
    }

    async fn abort(self: Box<Self>) -> Result<(), ObjectError> {
        Ok(())
    }
}
