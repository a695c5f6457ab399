#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use super::*;

fn open(dir: &tempfile::TempDir) -> Database {
    Database::open(dir.path()).unwrap()
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn page(node: &str, changes: &[Change]) -> Page {
    Page { node: node.to_owned(), head: 100, changes: changes.to_vec() }
}

fn change(seq: i64, key: &str, counter: i64, origin: &str, value: Option<&str>) -> Change {
    let stamp = Stamp { counter, origin: origin.to_owned() };
    Change { seq, key: key.to_owned(), stamp, value: value.map(|value| value.as_bytes().to_vec()) }
}

/// What nodes have to agree on: everything but the numbers in their own feeds.
fn content(database: &Database) -> Vec<(String, Stamp, Option<Vec<u8>>)> {
    let mut content: Vec<_> = database
        .changes("n", 0, MAX_PAGE)
        .unwrap()
        .changes
        .into_iter()
        .map(|change| (change.key, change.stamp, change.value))
        .collect();
    content.sort();
    content
}

#[test]
fn every_order_of_changes_gives_the_same_content() {
    let changes = [
        change(1, "a", 1, "x", Some("first")),
        change(2, "a", 2, "x", None),
        change(3, "a", 2, "y", Some("same count, greater origin")),
        change(4, "b", 5, "x", None),
        change(5, "b", 4, "z", Some("older than the delete")),
        change(6, "c", 1, "x", Some("shared identity 1")),
        change(7, "c", 1, "x", Some("shared identity 2")),
        change(8, "c", 1, "x", None),
    ];
    let expected = vec![
        ("a".to_owned(), changes[2].stamp.clone(), changes[2].value.clone()),
        ("b".to_owned(), changes[3].stamp.clone(), None),
        ("c".to_owned(), changes[6].stamp.clone(), changes[6].value.clone()),
    ];
    // Every rotation, forwards and backwards, with each change delivered twice.
    for turn in 0..changes.len() {
        let mut order = changes.to_vec();
        order.rotate_left(turn);
        for order in [order.clone(), order.into_iter().rev().collect()] {
            let dir = scratch();
            let mut database = open(&dir);
            for change in order.iter().flat_map(|change| [change, change]) {
                database.apply(page("peer", std::slice::from_ref(change))).unwrap();
            }
            assert_eq!(content(&database), expected, "order {order:?}");
        }
    }
}

#[test]
fn applying_a_page_twice_changes_nothing() {
    let dir = scratch();
    let mut database = open(&dir);
    let page = page("peer", &[change(4, "a", 1, "x", Some("1")), change(9, "b", 2, "x", None)]);
    database.apply(page.clone()).unwrap();
    let (head, before) = (database.head(), content(&database));
    database.apply(page).unwrap();
    assert_eq!((database.head(), content(&database)), (head, before));
    assert_eq!(database.cursor("peer").unwrap(), 9);
    assert_eq!(database.cursor("another").unwrap(), 0);
}

#[test]
fn a_write_beats_everything_its_node_has_seen() {
    let dir = scratch();
    let mut database = open(&dir);
    database.apply(page("peer", &[change(1, "a", 40, "zzz", Some("theirs"))])).unwrap();
    database.put("aaa", "a".to_owned(), b"ours".to_vec()).unwrap();
    assert_eq!(content(&database)[0].1, Stamp { counter: 41, origin: "aaa".to_owned() });

    database.close().unwrap();
    let mut database = open(&dir);
    assert!(database.delete("aaa", "a".to_owned()).unwrap());
    assert!(!database.delete("aaa", "a".to_owned()).unwrap(), "deleted once");
    assert_eq!(content(&database), [("a".to_owned(), Stamp { counter: 42, origin: "aaa".to_owned() }, None)]);
    assert_eq!((database.get("a").unwrap(), database.count().unwrap()), (None, 0));
}

#[test]
fn a_page_with_one_bad_change_is_refused_whole() {
    let dir = scratch();
    let mut database = open(&dir);
    let bad = [
        change(2, "", 1, "x", None),
        change(2, &"k".repeat(MAX_KEY_BYTES + 1), 1, "x", None),
        change(2, "k", 1, "x", Some(&"v".repeat(MAX_VALUE_BYTES + 1))),
        change(2, "k", i64::MAX, "x", None),
        change(2, "k", 0, "x", None),
        change(2, "k", 1, "", None),
    ];
    for bad in bad {
        database.apply(page("peer", &[change(1, "good", 1, "x", Some("1")), bad])).unwrap_err();
        assert_eq!((content(&database), database.head(), database.cursor("peer").unwrap()), (vec![], 0, 0));
    }
}

#[test]
fn keys_are_listed_by_prefix_in_order() {
    let dir = scratch();
    let names = ["b", "a/2", "a/1", "a", "a0", "é/1", "é/2"];
    assert_eq!(fill(dir.path(), names.map(|name| (name, name))).unwrap(), 7);
    let database = open(&dir);
    assert_eq!(database.keys("", "", 100).unwrap(), ["a", "a/1", "a/2", "a0", "b", "é/1", "é/2"]);
    assert_eq!(database.keys("a/", "", 100).unwrap(), ["a/1", "a/2"]);
    assert_eq!(database.keys("a/", "a/1", 100).unwrap(), ["a/2"]);
    assert_eq!(database.keys("é/", "", 1).unwrap(), ["é/1"]);
    assert!(database.keys("c", "", 100).unwrap().is_empty());
}

#[test]
fn pages_end_when_they_grow_large() {
    let dir = scratch();
    let value = vec![7; MAX_VALUE_BYTES];
    fill(dir.path(), (0..6).map(|index| (format!("k{index}"), value.clone()))).unwrap();
    let database = open(&dir);
    assert_eq!(database.changes("n", 0, MAX_PAGE).unwrap().changes.len(), 4);
    let rest = database.changes("n", 4, MAX_PAGE).unwrap();
    assert_eq!(rest.changes.iter().map(|change| change.seq).collect::<Vec<_>>(), [5, 6]);
    assert_eq!(database.changes("n", 0, 0).unwrap().changes.len(), 0);
}

#[test]
fn equal_fills_make_equal_files() {
    let (one, two) = (scratch(), scratch());
    for dir in [&one, &two] {
        fill(dir.path(), [("greeting", "hello"), ("colour", "green")]).unwrap();
    }
    let names =
        |dir: &Path| std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(names(one.path()), [DATABASE_FILE], "one file");
    let bytes = |dir: &tempfile::TempDir| std::fs::read(dir.path().join(DATABASE_FILE)).unwrap();
    assert!(bytes(&one) == bytes(&two));
    assert_eq!(fill(one.path(), [("colour", "blue"), ("new", "1")]).unwrap(), 3);
    assert_eq!(open(&one).get("colour").unwrap().unwrap(), b"blue");
}

#[test]
fn a_database_has_one_user() {
    let dir = scratch();
    let _first = open(&dir);
    assert!(matches!(Database::open(dir.path()), Err(DemoError::InUse { .. })));
}

#[test]
fn files_that_are_not_ours_are_refused_by_name() {
    let dir = scratch();
    let path = dir.path().join(DATABASE_FILE);
    let refusal = || Database::open(dir.path()).err().unwrap();

    std::fs::write(&path, "not a database, but long enough to look at".repeat(50)).unwrap();
    assert!(matches!(refusal(), DemoError::Open { .. }));
    assert!(refusal().to_string().contains(DATABASE_FILE));

    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE other (id)").unwrap();
    assert!(matches!(refusal(), DemoError::Foreign { .. }));

    std::fs::remove_file(&path).unwrap();
    fill(dir.path(), [("a", "1")]).unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    assert!(matches!(refusal(), DemoError::Newer { found: 2, known: 1, .. }));

    std::fs::remove_file(&path).unwrap();
    fill(dir.path(), [("a", "1")]).unwrap();
    std::fs::hard_link(&path, dir.path().join("other")).unwrap();
    assert!(matches!(refusal(), DemoError::HardLinked { links: 2, .. }));
}
