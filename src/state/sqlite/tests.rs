#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, thread};

use super::*;
use crate::state::{
    Ended, Key, Outcome, Slot, Start,
    suite::{at, object, process, slot, sqlite_in, test_lock, test_seal},
};

const CANARY: &str = "canary-in-a-coal-mine";

fn put(text: &str) -> Write {
    Write::Put(Box::new(object(text, 1, CANARY)))
}

fn open(dir: &Path) -> Result<Sqlite, StateError> {
    Sqlite::open(test_lock(dir), test_seal(), at(0))
}

/// Opens what must not open, for writing and for reading, and returns both messages if they differ.
fn refusal(dir: &Path) -> String {
    let error = open(dir).map(drop).unwrap_err();
    assert!(error.hint().is_some(), "{error:?} has a way out");
    let reading = Sqlite::read(dir, test_seal()).map(drop).unwrap_err();
    assert_eq!(error.to_string(), reading.to_string());
    error.to_string().replace(&dir.display().to_string(), "DIR")
}

/// Fills a state with everything it can hold, and leaves one step started.
fn fill(store: &mut Sqlite) {
    let run = store.begin_run(at(1), &NewRun { command: "apply".into(), process: process() }).unwrap();
    let step = |ordinal: u32| NewStep {
        ordinal,
        slot: slot("bucket.a"),
        action: crate::state::Action::Create,
        kind: "bucket".into(),
        provider: "local".into(),
        token: loam_provider::OpToken(format!("token-{ordinal}").into()),
        terms: crate::state::Terms {
            dependencies: vec!["network.n".parse().unwrap()],
            on_destroy: loam_provider::OnDestroy::Delete,
            replace_order: crate::state::ReplaceOrder::DeleteFirst,
        },
    };
    store.plan_steps(at(2), run, &[step(0), step(1)]).unwrap();
    let start = |ordinal| Start {
        step: StepId { run, ordinal },
        attempt: crate::state::Attempt::First,
        planned: crate::state::Planned {
            value: object("bucket.a", 1, CANARY).attributes.into_value(),
            sensitive: vec![loam_provider::Path::attribute("token")],
        },
    };
    store.start_steps(at(3), &[start(0), start(1)]).unwrap();
    let outcome = Outcome { step: StepId { run, ordinal: 0 }, ended: Ended::Committed, writes: vec![put("bucket.a")] };
    store.finish_steps(at(4), &[outcome]).unwrap();
    let changed = Write::Put(Box::new(object("bucket.a", 2, &format!("{CANARY}-2"))));
    store.write(at(5), None, &[changed, put("bucket.b")]).unwrap();
    let output = Output {
        name: "secret".into(),
        value: loam_provider::Known::from(CANARY),
        sensitive: vec![loam_provider::Path::root()],
    };
    store.set_outputs(at(6), &[output]).unwrap();
    store.append_events(run, &[LoggedEvent { at: at(7), body: serde_json::json!({ "shown": true }) }]).unwrap();
}

/// Returns all that a state says.
fn everything(store: &dyn Store) -> String {
    let run = RunId(1);
    format!(
        "{:#?}",
        (
            (store.meta(), store.objects(), store.outputs(), store.runs(), store.steps(run)),
            (store.events(run), store.history(Serial(0)), store.objects_at(Serial(1)), store.unfinished_steps()),
        )
    )
}

#[test]
fn all_of_it_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = sqlite_in(dir.path());
    fill(&mut store);
    let before = everything(&store);
    assert!(before.contains(CANARY) && !before.contains("Err("), "{before}");
    Box::new(store).close().unwrap();

    assert_eq!(everything(&sqlite_in(dir.path())), before);
    let reader = open_read_only(dir.path(), test_seal(), at(9)).unwrap();
    assert_eq!(everything(&*reader), before);
    reader.verify().unwrap();
}

#[test]
fn no_secret_stands_in_any_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Sqlite::open(test_lock(dir.path()), Seal::in_directory(dir.path()), at(0)).unwrap();
    fill(&mut store);
    let scan = |expected: &[&str]| {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir.path()).unwrap() {
            let entry = entry.unwrap();
            let bytes = fs::read(entry.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            names.push(entry.file_name().into_string().unwrap());
            assert!(!text.contains("canary"), "a secret stands in {:?}", entry.file_name());
            let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, CANARY);
            assert!(!text.contains(&encoded), "a secret stands in {:?}", entry.file_name());
        }
        names.sort();
        assert_eq!(names, expected);
    };
    scan(&["key", "lock", "state.db", "state.db-shm", "state.db-wal"]);
    Box::new(store).close().unwrap();
    scan(&["key", "lock", "state.db"]);
    assert!(
        String::from_utf8_lossy(&fs::read(dir.path().join(DATABASE)).unwrap()).contains("bucket.a"),
        "the scan would have found it"
    );
}

#[test]
fn files_are_for_their_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let loam = dir.path().join("project/.loam");
    let mut store = Sqlite::open(test_lock(&loam), Seal::in_directory(&loam), at(0)).unwrap();
    fill(&mut store);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&loam), 0o700);
    for file in ["state.db", "state.db-wal", "state.db-shm", "key", "lock"] {
        assert_eq!(mode(&loam.join(file)), 0o600, "{file}");
    }
}

#[test]
fn reading_a_state_that_is_not_there_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let loam = dir.path().join(".loam");
    let store = open_read_only(&loam, Seal::in_directory(&loam), at(5)).unwrap();
    assert_eq!(store.objects().unwrap(), []);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_reader_sees_one_moment_while_a_writer_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = sqlite_in(dir.path());
    writer.write(at(1), None, &[put("bucket.a")]).unwrap();
    let reader = Sqlite::read(dir.path(), test_seal()).unwrap().unwrap();
    let path = dir.path().to_owned();
    let others = thread::spawn(move || {
        let counts = (0..50).map(|_| Sqlite::read(&path, test_seal()).unwrap().unwrap().objects().unwrap().len());
        counts.collect::<Vec<_>>()
    });
    for number in 0..50 {
        writer.write(at(2), None, &[put(&format!("bucket.n[{number}]"))]).unwrap();
        assert_eq!(reader.objects().unwrap().len(), 1);
        assert_eq!(reader.meta().unwrap().serial, Serial(1));
    }
    let counts = others.join().unwrap();
    assert!(counts.is_sorted(), "{counts:?}");
    assert_eq!(writer.objects().unwrap().len(), 51);
}

#[test]
fn a_reader_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = sqlite_in(dir.path());
    let mut reader = Sqlite::read(dir.path(), test_seal()).unwrap().unwrap();
    assert!(matches!(reader.write(at(1), None, &[put("bucket.a")]), Err(StateError::ReadOnly { .. })));
    // SQLite itself refuses as well, should anyone go round that.
    let error = reader.db.execute("UPDATE meta SET serial = 9", []).unwrap_err();
    assert!(matches!(fault::of_file(&reader.path, error), StateError::ReadOnly { .. }));
    writer.write(at(1), None, &[put("bucket.a")]).unwrap();
}

#[test]
fn garbage_is_not_a_state() {
    for garbage in [&b"hello"[..], &[0x55; 100_000], b"SQLite format 2\0 and so on"] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(DATABASE), garbage).unwrap();
        assert_eq!(refusal(dir.path()), "`DIR/state.db` is not a loam state: it is not a SQLite database");
        assert_eq!(fs::read(dir.path().join(DATABASE)).unwrap(), garbage, "it is left as it was");
    }
}

#[test]
fn the_database_of_another_program_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(DATABASE);
    let db = Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE cookies (name TEXT); INSERT INTO cookies VALUES ('a')").unwrap();
    drop(db);
    let before = fs::read(&path).unwrap();
    assert_eq!(refusal(dir.path()), "`DIR/state.db` is a SQLite database of another application");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_state_of_a_later_loam_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = sqlite_in(dir.path());
    store.db.pragma_update(None, "user_version", 7).unwrap();
    drop(store);
    assert_eq!(refusal(dir.path()), "`DIR/state.db` has state format 7, and this loam knows formats up to 1");
}

#[test]
fn a_cut_off_file_is_found_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = sqlite_in(dir.path());
    fill(&mut store);
    Box::new(store).close().unwrap();
    let path = dir.path().join(DATABASE);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    assert_eq!(refusal(dir.path()), "the state file `DIR/state.db` is damaged: database disk image is malformed");
}

#[test]
fn a_flipped_byte_in_a_row_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = sqlite_in(dir.path());
    fill(&mut store);
    Box::new(store).close().unwrap();
    let path = dir.path().join(DATABASE);
    let mut bytes = fs::read(&path).unwrap();
    let needle = br#"{"none":null,"#;
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(needle)).collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place] ^= 1;
    }
    fs::write(&path, bytes).unwrap();
    let store = sqlite_in(dir.path());
    let error = store.verify().unwrap_err();
    let message = error.to_string().replace(&dir.path().display().to_string(), "DIR");
    assert_eq!(message, "the state file `DIR/state.db` is damaged: `value` of object `bucket.a` is not readable");
    assert!(error.hint().unwrap().contains("backup"));
}

#[test]
fn what_is_left_of_a_killed_process_is_checked_and_recovered() {
    let (live, dead) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut store = sqlite_in(live.path());
    fill(&mut store);
    // A transaction that never commits, and a copy of the files at that instant: what a kill leaves.
    store.db.execute_batch("BEGIN IMMEDIATE; DELETE FROM objects; DELETE FROM history;").unwrap();
    for file in ["state.db", "state.db-wal"] {
        fs::copy(live.path().join(file), dead.path().join(file)).unwrap();
    }
    store.db.execute_batch("ROLLBACK").unwrap();
    let recovered = sqlite_in(dead.path());
    assert_eq!(everything(&recovered), everything(&store));
    assert_eq!(recovered.unfinished_steps().unwrap().len(), 1);
    drop(recovered);

    // The same, with a page of the database overwritten while nobody looked.
    fs::copy(live.path().join("state.db-wal"), dead.path().join("state.db-wal")).unwrap();
    store.db.execute_batch("PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    let mut bytes = fs::read(live.path().join("state.db")).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xee);
    fs::write(dead.path().join("state.db"), bytes).unwrap();
    let wal = fs::File::options().write(true).open(dead.path().join("state.db-wal")).unwrap();
    wal.set_len(40).unwrap();
    assert!(matches!(open(dead.path()), Err(StateError::Corrupt { .. })));
}

#[test]
fn a_run_whose_lock_file_was_deleted_under_it_commits_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = sqlite_in(dir.path());
    first.write(at(1), None, &[put("bucket.a")]).unwrap();
    fs::remove_file(dir.path().join("lock")).unwrap();
    let mut second = sqlite_in(dir.path());
    let error = first.write(at(2), None, &[put("bucket.b")]).unwrap_err();
    assert_eq!(error.to_string(), format!("another run has taken over the state file `{}`", first.path().display()));
    assert_eq!(second.write(at(3), None, &[put("bucket.c")]).unwrap(), Serial(2));
    assert_eq!(second.objects().unwrap().len(), 2);
}

#[test]
fn a_commit_is_synced_before_it_returns() {
    let dir = tempfile::tempdir().unwrap();
    for store in [sqlite_in(dir.path()), sqlite_in(&dir.path().join("other"))] {
        let pragma = |name: &str| store.db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, String>(0));
        assert_eq!(pragma("journal_mode").unwrap(), "wal");
        let number = |name: &str| store.db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
        assert_eq!((number("synchronous"), number("foreign_keys")), (Ok(2), Ok(1)));
    }
}

#[test]
fn a_full_disk_loses_nothing_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = sqlite_in(dir.path());
    store.write(at(1), None, &[put("bucket.a")]).unwrap();
    let pages: i64 = store.db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    store.db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    let big: Vec<Write> = (0..500).map(|number| put(&format!("bucket.n[{number}]"))).collect();
    let error = store.write(at(2), None, &big).unwrap_err();
    assert_eq!(error.to_string(), format!("the disk is full, the state file `{}` cannot grow", store.path().display()));
    assert!(error.hint().unwrap().starts_with("Free some space"));
    assert_eq!(store.meta().unwrap().serial, Serial(1));
    store.db.query_row("PRAGMA max_page_count = 100000", [], |_| Ok(())).unwrap();
    assert_eq!(store.write(at(3), None, &big).unwrap(), Serial(2));
    store.verify().unwrap();
}

#[test]
fn places_where_no_state_can_be_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let holder = || crate::state::Holder { process: process(), command: "apply".into(), since: at(0), run: None };
    let acquire = |dir: &Path| crate::state::Lock::acquire(dir, holder(), crate::state::Wait::No).unwrap_err();
    let below = file.join(".loam");
    assert_eq!(acquire(&below).to_string(), format!("failed to create the directory `{}`", below.display()));
    // A directory that not even root may write to.
    let nowhere = Path::new("/sys/.loam");
    let error = acquire(nowhere);
    assert_eq!(error.to_string(), "failed to create the directory `/sys/.loam`");
    assert!(error.hint().unwrap().contains("`/sys/.loam`"));
    // A directory in the file's place.
    fs::create_dir(dir.path().join(DATABASE)).unwrap();
    assert_eq!(refusal(dir.path()), "`DIR/state.db` is not a loam state: it is not a SQLite database");
}

#[test]
fn an_earlier_format_is_brought_up_to_date_and_a_copy_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = sqlite_in(dir.path());
    fill(&mut store);
    let before = everything(&store);
    Box::new(store).close().unwrap();

    let later = [open::MIGRATIONS, &["ALTER TABLE objects ADD COLUMN note TEXT;"]].concat();
    let store = Sqlite::open_with(test_lock(dir.path()), test_seal(), at(9), &later).unwrap();
    assert_eq!(everything(&store), before);
    let version: i64 = store.db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 2);
    store.db.query_row("SELECT count(note) FROM objects", [], |_| Ok(())).unwrap();
    drop(store);

    let copy = dir.path().join("state.db.v1.backup");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let old = tempfile::tempdir().unwrap();
    fs::rename(copy, old.path().join(DATABASE)).unwrap();
    assert_eq!(everything(&sqlite_in(old.path())), before, "the copy is a state of its own");
}

#[test]
fn a_migration_that_fails_leaves_the_state_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = sqlite_in(dir.path());
    fill(&mut store);
    let before = everything(&store);
    Box::new(store).close().unwrap();
    let broken = [open::MIGRATIONS, &["DELETE FROM objects; SELECT nonsense;"]].concat();
    let refused = Sqlite::open_with(test_lock(dir.path()), test_seal(), at(9), &broken);
    assert!(matches!(refused, Err(StateError::Sqlite { .. })));
    assert_eq!(everything(&sqlite_in(dir.path())), before);
}

#[test]
fn a_second_key_is_never_mixed_in() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = sqlite_in(dir.path());
    store.write(at(1), None, &[put("bucket.a")]).unwrap();
    drop(store);
    let other = Seal::with_key(Key::new([8; 32]), "`LOAM_STATE_KEY`");
    let mut store = Sqlite::open(test_lock(dir.path()), other, at(2)).unwrap();
    let (was, is) = (Key::new([7; 32]).id(), Key::new([8; 32]).id());
    let message = format!("the state's secrets are sealed with key {was}, and `LOAM_STATE_KEY` holds key {is}");
    assert_eq!(store.write(at(3), None, &[put("bucket.b")]).unwrap_err().to_string(), message);
    assert_eq!(store.objects().unwrap_err().to_string(), message);
    drop(store);

    let file = Seal::in_directory(dir.path());
    let mut store = Sqlite::open(test_lock(dir.path()), file, at(2)).unwrap();
    for error in [store.objects().unwrap_err(), store.write(at(3), None, &[put("bucket.b")]).unwrap_err()] {
        let path = dir.path().join("key");
        let message = format!("the key of the state's secrets is missing: `{}` does not exist", path.display());
        assert_eq!(error.to_string(), message);
        assert!(!path.exists());
    }
    let plain = crate::state::Object { sensitive: Vec::new(), ..object("bucket.c", 1, "no secret") };
    store.write(at(4), None, &[Write::Put(Box::new(plain))]).unwrap();
    assert_eq!(store.objects_of(&slot("bucket.c").addr).unwrap().len(), 1, "what is not secret needs no key");
}

#[test]
fn a_type_of_an_undone_commit_is_not_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = sqlite_in(dir.path());
    let nowhere = Slot::current("bucket.nowhere".parse().unwrap());
    assert!(store.write(at(1), None, &[put("bucket.a"), Write::Drop(nowhere)]).is_err());
    store.write(at(1), None, &[put("bucket.a")]).unwrap();
    store.verify().unwrap();
    assert_eq!(store.objects().unwrap().len(), 1);
}
