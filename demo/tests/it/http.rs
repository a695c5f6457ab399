//! What one node answers.

use hyper::{Method, StatusCode};
use loam_demo::{DATABASE_FILE, DemoError, MAX_VALUE_BYTES, Options, Server};
use serde_json::json;

use crate::node::{Node, options};

#[tokio::test]
async fn entries_are_kept_listed_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(&dir.path().join("made/on/start"), &[]).await;
    let health = node.json("/health").await;
    assert_eq!(health, json!({ "name": "node", "node": node.id, "count": 0, "head": 0 }));

    node.put("a%2Fb", "slash").await;
    node.put("a/c", "").await;
    node.put("b%20%C3%A9", "é").await;
    assert_eq!(node.get("a/b").await.as_deref(), Some("slash"));
    assert_eq!(node.get("a/c").await.as_deref(), Some(""), "empty is not missing");
    assert_eq!(node.json("/kv").await, json!(["a/b", "a/c", "b é"]));
    assert_eq!(node.json("/kv?prefix=a%2F").await, json!(["a/b", "a/c"]));
    assert_eq!(node.json("/kv?prefix=a/&after=a/b&limit=5").await, json!(["a/c"]));
    assert_eq!(node.json("/count").await, 3);

    node.delete("a/c").await;
    assert_eq!(node.get("a/c").await, None);
    assert_eq!(node.json("/count").await, 2);
    let seqs = |feed: &loam_demo::feed::Page| feed.changes.iter().map(|change| change.seq).collect::<Vec<_>>();
    assert_eq!(seqs(&node.feed(0).await), [1, 3, 4], "the delete took the place of the write");
    assert_eq!(seqs(&node.feed(3).await), [4]);
}

#[tokio::test]
async fn a_restart_keeps_entries() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), &[]).await;
    node.put("a", "1").await;
    node.stop().await;
    assert!(!dir.path().join(format!("{DATABASE_FILE}-wal")).exists(), "one file after a clean stop");
    let node = Node::start(dir.path(), &[]).await;
    assert_eq!(node.get("a").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn values_have_a_greatest_size() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), &[]).await;
    let largest = vec![b'v'; MAX_VALUE_BYTES];
    let too_large = vec![b'v'; MAX_VALUE_BYTES + 1];
    assert_eq!(node.ask(Method::PUT, "/kv/a", &largest).await.0, StatusCode::NO_CONTENT);
    assert_eq!(node.ask(Method::PUT, "/kv/a", &too_large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(node.get("a").await.map(|value| value.len()), Some(MAX_VALUE_BYTES), "the refused one left no trace");
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), &[]).await;
    let long = format!("/kv/{}", "k".repeat(513));
    let cases = [
        (Method::GET, "/", 404, "there is nothing at `/`"),
        (Method::GET, "/nowhere", 404, "there is nothing at `/nowhere`"),
        (Method::GET, "/kv/a", 404, "there is no key `a`"),
        (Method::DELETE, "/kv/a", 404, "there is no key `a`"),
        (Method::POST, "/kv/a", 405, "`POST` is not for this path, allowed are GET, PUT, DELETE"),
        (Method::PUT, "/count", 405, "`PUT` is not for this path, allowed are GET"),
        (Method::GET, "/kv/", 400, "key `` has 0 bytes, allowed are 1 to 512"),
        (Method::GET, "/kv/%zz", 400, "`%zz` is not percent-encoded UTF-8"),
        (Method::PUT, "/kv/%ff", 400, "`%ff` is not percent-encoded UTF-8"),
        (Method::GET, "/changes?after=x", 400, "parameter `after` is `x`, expected a number"),
        (Method::GET, "/kv?limit=-1", 400, "parameter `limit` is `-1`, expected a number"),
    ];
    for (method, target, status, text) in cases {
        let (answered, body) = node.ask(method.clone(), target, b"").await;
        assert_eq!((answered.as_u16(), &body[..]), (status, format!("{text}\n").as_bytes()), "{method} {target}");
    }
    assert_eq!(node.ask(Method::PUT, &long, b"").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(node.json("/count").await, 0);
}

#[tokio::test]
async fn what_is_taken_is_named() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let node = Node::start(dir.path(), &[]).await;
    let taken = Options { listen: node.address, ..options("second", other.path(), &[]) };
    let error = Server::bind(taken).await.err().unwrap();
    assert!(matches!(error, DemoError::Listen { .. }));
    assert_eq!(error.to_string(), format!("failed to listen on `{}`", node.address));

    let error = Server::bind(options("second", dir.path(), &[])).await.err().unwrap();
    let path = dir.path().join(DATABASE_FILE);
    assert_eq!(error.to_string(), format!("database `{}` is in use by another process", path.display()));
}

#[tokio::test]
async fn a_data_directory_that_is_a_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, "").unwrap();
    let error = loam_demo::serve(options("node", &path, &[]), std::future::ready(())).await.err().unwrap();
    assert_eq!(error.to_string(), format!("failed to create data directory `{}`", path.display()));
}
