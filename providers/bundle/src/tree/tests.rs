#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    sync::{Arc, Mutex},
};

use super::{
    walk::{check_link, check_path, walk},
    *,
};
use crate::progress::Progress;

fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("a/deep")).unwrap();
    fs::write(dir.path().join("a/deep/file"), "content").unwrap();
    fs::write(dir.path().join("a.b"), "sorts between `a` and `a/`").unwrap();
    fs::write(dir.path().join("empty"), "").unwrap();
    symlink("a/deep", dir.path().join("link")).unwrap();
    dir
}

async fn root(dir: &Path) -> ContentRoot {
    index(dir, &Selection::all(), &Report::none()).await.unwrap().content_root
}

#[tokio::test]
async fn entries_are_in_byte_order_of_path() {
    let dir = tree();
    let index = index(dir.path(), &Selection::all(), &Report::none()).await.unwrap();
    let paths: Vec<&str> = index.entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["a", "a.b", "a/deep", "a/deep/file", "empty", "link"]);
    assert_eq!((index.files(), index.bytes()), (3, 33));
    assert_eq!(index.entries[3].node, Node::File { bytes: 7, sha256: Digest::of(b"content") });
    assert_eq!(index.entries[5].node, Node::Symlink { target: "a/deep".to_owned() });
}

#[tokio::test]
async fn the_content_root_knows_content_and_modes_but_no_times() {
    let dir = tree();
    let before = root(dir.path()).await;
    let file = dir.path().join("a/deep/file");
    let times = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    fs::File::options().write(true).open(&file).unwrap().set_times(times).unwrap();
    assert_eq!(root(dir.path()).await, before);

    fs::write(&file, "Content").unwrap();
    assert_ne!(root(dir.path()).await, before);
    fs::write(&file, "content").unwrap();
    assert_eq!(root(dir.path()).await, before);

    let mode = fs::metadata(&file).unwrap().permissions().mode();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode ^ 0o100)).unwrap();
    assert_ne!(root(dir.path()).await, before);
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();

    fs::rename(dir.path().join("empty"), dir.path().join("void")).unwrap();
    assert_ne!(root(dir.path()).await, before);
}

#[tokio::test]
async fn markers_sockets_and_what_is_excluded_are_no_part_of_a_tree() {
    let dir = tree();
    let before = root(dir.path()).await;
    fs::create_dir(dir.path().join(".loam")).unwrap();
    fs::write(dir.path().join(".loam/seed.json"), "{}").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    assert_eq!(root(dir.path()).await, before);

    fs::write(dir.path().join("a/node_key.json"), "secret").unwrap();
    let selection = Selection::new(std::iter::empty::<&str>(), crate::archive::SECRETS.iter().copied()).unwrap();
    let selected = index(dir.path(), &selection, &Report::none()).await.unwrap();
    assert_eq!(selected.content_root, before);
}

#[test]
fn parents_of_included_entries_come_along() {
    let dir = tree();
    let selection = Selection::new(["file"], []).unwrap();
    let walked = walk(dir.path(), &selection).unwrap();
    let paths: Vec<&str> = walked.iter().map(|walked| walked.path.as_str()).collect();
    assert_eq!(paths, ["a", "a/deep", "a/deep/file"]);
}

#[tokio::test]
async fn a_missing_directory_and_a_file_in_its_place_are_named() {
    let dir = tree();
    let missing = index(&dir.path().join("nowhere"), &Selection::all(), &Report::none()).await.unwrap_err();
    assert!(matches!(&missing, TreeError::Missing { path } if path.ends_with("nowhere")), "{missing}");
    let file = index(&dir.path().join("a.b"), &Selection::all(), &Report::none()).await.unwrap_err();
    assert!(matches!(&file, TreeError::NotADirectory { .. }), "{file}");
}

#[test]
fn a_file_that_changes_between_walk_and_read_is_named() {
    let dir = tree();
    let walked = walk(dir.path(), &Selection::all()).unwrap();
    fs::write(dir.path().join("a.b"), "longer than it was when it was walked").unwrap();
    let error = hash::entries(dir.path(), &walked, &Report::none(), &crate::pipe::Cancelled::default()).unwrap_err();
    assert!(matches!(&error, TreeError::Changed { path } if path.ends_with("a.b")), "{error}");
    fs::remove_file(dir.path().join("a.b")).unwrap();
    let error = hash::entries(dir.path(), &walked, &Report::none(), &crate::pipe::Cancelled::default()).unwrap_err();
    assert!(matches!(&error, TreeError::Changed { path } if path.ends_with("a.b")), "{error}");
}

#[tokio::test]
async fn progress_ends_at_the_total() {
    let dir = tree();
    let seen: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let sink = Arc::clone(&seen);
    let report = Report::new(move |progress| sink.lock().unwrap().push(progress));
    index(dir.path(), &Selection::all(), &report).await.unwrap();
    let last = *seen.lock().unwrap().last().unwrap();
    assert_eq!((last.done, last.total), (33, Some(33)));
}

#[test]
fn paths_and_links_that_lead_out_are_refused() {
    for path in ["", "/a", "../a", "a/../b", "a//b", "./a", "a\\b", "C:a", "a\0", ".loam", ".loam/seed.json"] {
        assert!(check_path(path).is_err(), "{path:?}");
    }
    assert!(check_path("a/.loam/x").is_ok());
    assert!(check_path(&"x".repeat(256)).is_err());
    for (path, target) in [("a", "/etc"), ("a", ".."), ("a/b", "../../x"), ("a", "x/../y"), ("a", "")] {
        assert!(check_link(path, target).is_err(), "{path} -> {target}");
    }
    for (path, target) in [("a", "b"), ("a/b", "../c"), ("a/b/c", "../../x/y"), ("a", "./b/")] {
        assert!(check_link(path, target).is_ok(), "{path} -> {target}");
    }
}
