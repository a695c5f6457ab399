//! One compliance suite over every store of this crate, and what only directories do.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, fs, sync::Arc};

use bytes::Bytes;
use loam_bundle::store::{Directory, Memory};
use loam_provider::{ETag, ObjectError, ObjectKey, ObjectStore, Precondition};

fn key(text: &str) -> ObjectKey {
    ObjectKey::new(text).unwrap()
}

fn none() -> BTreeMap<String, String> {
    BTreeMap::new()
}

async fn put(store: &dyn ObjectStore, at: &str, body: &'static str) -> ETag {
    store.put(&key(at), Bytes::from_static(body.as_bytes()), &none(), &Precondition::Always).await.unwrap().etag
}

async fn keys(store: &dyn ObjectStore, prefix: &str, limit: usize) -> Vec<String> {
    let (mut keys, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(prefix, after.as_deref(), limit).await.unwrap();
        assert!(page.objects.len() <= limit);
        keys.extend(page.objects.into_iter().map(|object| object.key.to_string()));
        match page.next {
            Some(next) => after = Some(next),
            None => return keys,
        }
    }
}

async fn complies(store: Arc<dyn ObjectStore>) {
    let store = store.as_ref();
    objects_are_read_as_they_were_written(store).await;
    preconditions_hold(store).await;
    uploads_are_visible_when_complete(store).await;
    listings_are_in_byte_order_and_in_pages(store).await;
    deletes_obey_preconditions(store).await;
    assert_eq!(keys(store, "", 7).await, Vec::<String>::new());
}

async fn objects_are_read_as_they_were_written(store: &dyn ObjectStore) {
    let at = key("a/b c/ü.bin");
    assert_eq!(store.head(&at).await.unwrap(), None);
    assert!(matches!(store.get(&at).await.unwrap_err(), ObjectError::NotFound { url } if url.ends_with("a/b c/ü.bin")));
    assert!(matches!(store.get_range(&at, 0..1).await.unwrap_err(), ObjectError::NotFound { .. }));

    let metadata = BTreeMap::from([("address".to_owned(), "bucket.x[\"ü\"]".to_owned())]);
    let written = store.put(&at, Bytes::from_static(b"0123456789"), &metadata, &Precondition::Always).await.unwrap();
    assert_eq!((written.bytes, &written.metadata), (10, &metadata));
    assert_eq!(store.head(&at).await.unwrap(), Some(written.clone()));
    assert_eq!(store.get(&at).await.unwrap(), (written.clone(), Bytes::from_static(b"0123456789")));
    assert_eq!(store.get_range(&at, 3..6).await.unwrap(), "345");
    assert_eq!(store.get_range(&at, 8..100).await.unwrap(), "89");
    assert_eq!(store.get_range(&at, 4..4).await.unwrap(), "");
    assert!(matches!(store.get_range(&at, 10..11).await.unwrap_err(), ObjectError::PreconditionFailed { .. }));

    let again = store.put(&at, Bytes::from_static(b"other"), &none(), &Precondition::Always).await.unwrap();
    assert_ne!(again.etag, written.etag);
    assert_eq!(store.head(&at).await.unwrap().unwrap().metadata, none());
    store.delete(&at, &Precondition::Always).await.unwrap();
    assert_eq!(store.head(&at).await.unwrap(), None);
}

async fn preconditions_hold(store: &dyn ObjectStore) {
    let at = key("cas");
    let put = |body: &'static str, when: Precondition| {
        let at = at.clone();
        async move { store.put(&at, Bytes::from_static(body.as_bytes()), &none(), &when).await }
    };
    let absent = put("x", Precondition::Matches(ETag("no such".to_owned()))).await;
    assert!(matches!(absent.unwrap_err(), ObjectError::PreconditionFailed { .. }));
    let first = put("one", Precondition::Absent).await.unwrap();
    assert!(matches!(put("two", Precondition::Absent).await.unwrap_err(), ObjectError::PreconditionFailed { .. }));
    let second = put("two", Precondition::Matches(first.etag.clone())).await.unwrap();
    let stale = put("three", Precondition::Matches(first.etag)).await;
    assert!(matches!(stale.unwrap_err(), ObjectError::PreconditionFailed { .. }));
    assert_eq!(store.get(&at).await.unwrap(), (second, Bytes::from_static(b"two")));
    store.delete(&at, &Precondition::Always).await.unwrap();
}

async fn uploads_are_visible_when_complete(store: &dyn ObjectStore) {
    let at = key("up/load");
    let metadata = BTreeMap::from([("op".to_owned(), "token".to_owned())]);
    let mut upload = store.upload(&at, &metadata).await.unwrap();
    upload.part(Bytes::from_static(b"one ")).await.unwrap();
    assert_eq!(store.head(&at).await.unwrap(), None);
    assert_eq!(keys(store, "", 9).await, Vec::<String>::new());
    upload.part(Bytes::from_static(b"two")).await.unwrap();
    let written = upload.complete(&Precondition::Absent).await.unwrap();
    assert_eq!(store.get(&at).await.unwrap(), (written.clone(), Bytes::from_static(b"one two")));
    assert_eq!(store.head(&at).await.unwrap().unwrap().metadata, metadata);

    let mut rival = store.upload(&at, &none()).await.unwrap();
    rival.part(Bytes::from_static(b"rival")).await.unwrap();
    assert!(matches!(rival.complete(&Precondition::Absent).await.unwrap_err(), ObjectError::PreconditionFailed { .. }));
    let mut given_up = store.upload(&at, &none()).await.unwrap();
    given_up.part(Bytes::from_static(b"given up")).await.unwrap();
    given_up.abort().await.unwrap();
    drop(store.upload(&at, &none()).await.unwrap());
    assert_eq!(store.head(&at).await.unwrap(), Some(written));
    store.delete(&at, &Precondition::Always).await.unwrap();
}

async fn listings_are_in_byte_order_and_in_pages(store: &dyn ObjectStore) {
    let sorted = ["a-", "a.b/x", "a/b", "a/c/d", "a0", "b", "b/".trim_end_matches('/'), "c/x", "ü"];
    let mut expected: Vec<String> = sorted.iter().map(|&key| key.to_owned()).collect();
    expected.sort();
    expected.dedup();
    for at in expected.iter().rev() {
        store.put(&key(at), Bytes::new(), &none(), &Precondition::Always).await.unwrap();
    }
    for limit in [1, 2, 3, 100] {
        assert_eq!(keys(store, "", limit).await, expected);
        assert_eq!(keys(store, "a/", limit).await, ["a/b", "a/c/d"]);
        assert_eq!(keys(store, "a", limit).await, ["a-", "a.b/x", "a/b", "a/c/d", "a0"]);
    }
    assert_eq!(keys(store, "a/c/d/e", 9).await, Vec::<String>::new());
    let page = store.list("", Some("a/c"), 2).await.unwrap();
    let found: Vec<String> = page.objects.iter().map(|object| object.key.to_string()).collect();
    assert_eq!((found, page.next.as_deref()), (vec!["a/c/d".to_owned(), "a0".to_owned()], Some("a0")));
    for at in &expected {
        store.delete(&key(at), &Precondition::Always).await.unwrap();
    }
}

async fn deletes_obey_preconditions(store: &dyn ObjectStore) {
    let at = key("d/e/f");
    store.delete(&at, &Precondition::Always).await.unwrap();
    let gone = store.delete(&at, &Precondition::Matches(ETag("x".to_owned()))).await;
    assert!(matches!(gone.unwrap_err(), ObjectError::PreconditionFailed { .. }));
    let first = put(store, "d/e/f", "1").await;
    let second = put(store, "d/e/f", "22").await;
    let stale = store.delete(&at, &Precondition::Matches(first)).await;
    assert!(matches!(stale.unwrap_err(), ObjectError::PreconditionFailed { .. }));
    store.delete(&at, &Precondition::Matches(second)).await.unwrap();
    assert_eq!(store.head(&at).await.unwrap(), None);
}

#[tokio::test]
async fn memory_complies() {
    complies(Arc::new(Memory::new("test"))).await;
}

#[tokio::test]
async fn a_directory_complies() {
    let dir = tempfile::tempdir().unwrap();
    complies(Arc::new(Directory::at(dir.path()).unwrap())).await;
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().starts_with(".loam-")), "{left:?}");
    assert_eq!(fs::read_dir(dir.path().join(".loam-tmp")).unwrap().count(), 0);
    Directory::at(dir.path()).unwrap().remove().unwrap();
    assert!(!dir.path().exists());
}

#[tokio::test]
async fn of_many_writers_of_one_free_key_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let writers = (0..16).map(|n| {
        let store = Directory::at(dir.path()).unwrap();
        tokio::spawn(async move {
            let metadata = BTreeMap::from([("writer".to_owned(), n.to_string())]);
            store.put(&key("x/y"), Bytes::from(n.to_string()), &metadata, &Precondition::Absent).await
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut won = 0;
    for writer in writers {
        won += usize::from(writer.await.unwrap().is_ok());
    }
    let (meta, body) = Directory::at(dir.path()).unwrap().get(&key("x/y")).await.unwrap();
    assert_eq!((won, meta.metadata["writer"].as_bytes()), (1, body.as_ref()));
}

#[tokio::test]
async fn objects_are_plain_files_and_links_are_no_objects() {
    let dir = tempfile::tempdir().unwrap();
    let store = Directory::at(dir.path()).unwrap();
    put(&store, "a/b.txt", "plain").await;
    assert_eq!(fs::read_to_string(dir.path().join("a/b.txt")).unwrap(), "plain");
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link")).unwrap();
    assert_eq!(store.head(&key("link")).await.unwrap(), None);
    assert_eq!(keys(&store, "", 9).await, ["a/b.txt"]);
    assert_eq!(store.head(&key("a")).await.unwrap(), None);
    assert!(store.put(&key("a"), Bytes::new(), &none(), &Precondition::Always).await.is_err());
    assert!(matches!(store.head(&key("x/.loam-meta/y")).await.unwrap_err(), ObjectError::InvalidUrl { .. }));
    assert!(Directory::at(dir.path()).unwrap().remove().is_err());
    assert!(dir.path().join("a/b.txt").exists());
}

#[tokio::test]
async fn a_file_that_somebody_replaced_has_a_new_etag_and_no_metadata() {
    let dir = tempfile::tempdir().unwrap();
    let store = Directory::at(dir.path()).unwrap();
    let metadata = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    let written = store.put(&key("x"), Bytes::from_static(b"1"), &metadata, &Precondition::Always).await.unwrap();
    fs::write(dir.path().join("new"), "2").unwrap();
    fs::rename(dir.path().join("new"), dir.path().join("x")).unwrap();
    let found = store.head(&key("x")).await.unwrap().unwrap();
    assert_ne!(found.etag, written.etag);
    assert_eq!(found.metadata, none());
}

#[tokio::test]
async fn what_a_dead_writer_left_is_removed_by_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    put(&Directory::at(dir.path()).unwrap(), "x", "1").await;
    fs::write(dir.path().join(".loam-tmp/stale"), "left").unwrap();
    let alive = Directory::at(dir.path()).unwrap().upload(&key("y"), &none()).await.unwrap();
    assert_eq!(fs::read_dir(dir.path().join(".loam-tmp")).unwrap().count(), 1);
    put(&Directory::at(dir.path()).unwrap(), "z", "1").await;
    assert_eq!(fs::read_dir(dir.path().join(".loam-tmp")).unwrap().count(), 1);
    drop(alive);
    assert_eq!(fs::read_dir(dir.path().join(".loam-tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_missing_directory_is_not_found() {
    let dir = tempfile::tempdir().unwrap();
    let missing = Directory::open(&format!("file://{}/no", dir.path().display())).unwrap_err();
    assert!(matches!(&missing, ObjectError::NotFound { url } if url.ends_with("/no")), "{missing}");
}
