use loam_provider::{Known, Path};

use super::{addr, at, deposed, object, slot};
use crate::state::{Condition, HistoryChange, Output, Serial, StateError, Store, Stored, Write};

fn put(text: &str, size: u64) -> Write {
    Write::Put(Box::new(object(text, size, "canary")))
}

fn slots(stored: &[Stored]) -> Vec<String> {
    stored.iter().map(|stored| stored.object.slot.to_string()).collect()
}

pub(super) fn a_new_state_is_empty(store: &mut dyn Store) {
    let meta = store.meta().unwrap();
    assert_eq!((meta.serial, meta.created_at), (Serial(0), at(0)));
    assert_eq!(meta.schema_version, 1);
    assert!(!meta.state_id.is_empty());
    assert_eq!(store.objects().unwrap(), []);
    assert_eq!(store.objects_at(Serial(0)).unwrap(), []);
    assert_eq!(store.outputs().unwrap(), []);
    assert_eq!(store.runs().unwrap(), []);
    assert_eq!(store.unfinished_steps().unwrap(), []);
    assert!(matches!(store.objects_at(Serial(1)), Err(StateError::NoSuchSerial { .. })));
}

pub(super) fn an_object_is_put_changed_and_dropped(store: &mut dyn Store) {
    let text = r#"module.a["x"].bucket.b[0]"#;
    assert_eq!(store.write(at(1), None, &[put(text, 1)]).unwrap(), Serial(1));
    let created = store.object(&slot(text)).unwrap().unwrap();
    assert_eq!(created.object, object(text, 1, "canary"));
    assert_eq!((created.created.serial, created.created.at), (Serial(1), at(1)));

    let changed = crate::state::Object { condition: Condition::Tainted, ..object(text, 2, "other") };
    assert_eq!(store.write(at(2), None, &[Write::Put(Box::new(changed.clone()))]).unwrap(), Serial(2));
    let stored = store.object(&slot(text)).unwrap().unwrap();
    assert_eq!((&stored.object, stored.created), (&changed, created.created));
    assert_eq!((stored.updated.serial, stored.updated.at), (Serial(2), at(2)));

    assert_eq!(store.write(at(3), None, &[Write::Drop(slot(text))]).unwrap(), Serial(3));
    assert_eq!(store.object(&slot(text)).unwrap(), None);
    assert_eq!(store.meta().unwrap().serial, Serial(3));
}

pub(super) fn an_equal_object_changes_nothing(store: &mut dyn Store) {
    store.write(at(1), None, &[put("bucket.a", 1)]).unwrap();
    assert_eq!(store.write(at(2), None, &[put("bucket.a", 1)]).unwrap(), Serial(1));
    assert_eq!(store.object(&slot("bucket.a")).unwrap().unwrap().updated.at, at(1));
    assert_eq!(store.history(Serial(1)).unwrap(), []);
}

pub(super) fn secrets_come_back_and_stay_marked(store: &mut dyn Store) {
    store.write(at(1), None, &[put("bucket.a", 1)]).unwrap();
    let stored = store.object(&slot("bucket.a")).unwrap().unwrap().object;
    assert_eq!(stored.attributes.get("token").and_then(|token| token.as_str()), Some("canary"));
    assert_eq!(stored.sensitive, [Path::attribute("token")]);
}

pub(super) fn an_address_has_one_current_and_many_deposed_objects(store: &mut dyn Store) {
    store.write(at(1), None, &[put("bucket.a", 1), put("bucket.b", 9)]).unwrap();
    let depose = |id| Write::Rename { from: slot("bucket.a"), to: deposed("bucket.a", id) };
    store.write(at(2), None, &[depose("d2"), put("bucket.a", 2)]).unwrap();
    store.write(at(3), None, &[depose("d1"), put("bucket.a", 3)]).unwrap();

    let stored = store.objects_of(&addr("bucket.a")).unwrap();
    assert_eq!(slots(&stored), ["bucket.a", "bucket.a (deposed d1)", "bucket.a (deposed d2)"]);
    let size = |stored: &Stored| stored.object.attributes.get("size").cloned().unwrap();
    assert_eq!(stored.iter().map(size).collect::<Vec<_>>(), [3u64, 2, 1].map(Into::into));
    assert_eq!(stored[2].created.serial, Serial(1), "a deposal is no creation");

    let restore = Write::Rename { from: deposed("bucket.a", "d2"), to: slot("bucket.a") };
    store.write(at(4), None, &[Write::Drop(slot("bucket.a")), restore]).unwrap();
    assert_eq!(slots(&store.objects_of(&addr("bucket.a")).unwrap()), ["bucket.a", "bucket.a (deposed d1)"]);
    assert_eq!(size(&store.object(&slot("bucket.a")).unwrap().unwrap()), 1u64.into());
    assert_eq!(slots(&store.objects().unwrap()), ["bucket.a", "bucket.a (deposed d1)", "bucket.b"]);
}

pub(super) fn an_address_moves_with_all_it_holds(store: &mut dyn Store) {
    let depose = Write::Rename { from: slot("bucket.a"), to: deposed("bucket.a", "d") };
    store.write(at(1), None, &[put("bucket.a", 1), depose, put("bucket.a", 2)]).unwrap();
    let to = addr(r#"module.m.bucket.b["k"]"#);
    assert_eq!(store.move_object(at(2), &addr("bucket.a"), &to).unwrap(), Serial(2));
    assert_eq!(
        slots(&store.objects().unwrap()),
        [r#"module.m.bucket.b["k"]"#, r#"module.m.bucket.b["k"] (deposed d)"#]
    );
    let moved = store.objects_of(&to).unwrap().remove(0);
    assert_eq!(moved.object.attributes, object("bucket.a", 2, "canary").attributes);
    assert_eq!(slots(&store.objects_at(Serial(1)).unwrap()), ["bucket.a", "bucket.a (deposed d)"]);
    let again = store.move_object(at(3), &addr("bucket.a"), &to);
    assert!(matches!(again, Err(StateError::NoSuchObject { .. })));
}

pub(super) fn many_addresses_move_in_one_commit(store: &mut dyn Store) {
    let user = |needed: &str| {
        let dependencies = vec![needed.parse().unwrap()];
        Write::Put(Box::new(crate::state::Object { dependencies, ..object("bucket.user", 3, "canary") }))
    };
    store.write(at(1), None, &[put("bucket.a", 1), put("bucket.b", 2), user("bucket.a")]).unwrap();
    let before = store.objects().unwrap();
    let rename = |from: &str, to: &str| Write::Rename { from: slot(from), to: slot(to) };
    let moves = [rename("bucket.a", "bucket.c"), rename("bucket.b", "module.m.bucket.b"), user("bucket.c")];
    assert_eq!(store.write(at(2), None, &moves).unwrap(), Serial(2));
    assert_eq!(slots(&store.objects().unwrap()), ["bucket.c", "bucket.user", "module.m.bucket.b"]);
    let moved = store.object(&slot("bucket.c")).unwrap().unwrap();
    assert_eq!((moved.created.serial, moved.updated.serial), (Serial(1), Serial(2)));
    assert_eq!(moved.object.attributes, object("bucket.a", 1, "canary").attributes, "secrets are bound to addresses");
    let user_now = store.object(&slot("bucket.user")).unwrap().unwrap().object;
    assert_eq!(user_now.dependencies, ["bucket.c".parse().unwrap()]);
    assert_eq!(store.history(Serial(1)).unwrap().len(), 5);
    assert_eq!(store.objects_at(Serial(1)).unwrap(), before);
    store.verify().unwrap();
    // One that is not free undoes all of them.
    let refused = [rename("bucket.c", "bucket.d"), rename("module.m.bucket.b", "bucket.user")];
    assert!(matches!(store.write(at(3), None, &refused), Err(StateError::ObjectExists { .. })));
    assert_eq!(store.meta().unwrap().serial, Serial(2));
}

pub(super) fn an_address_is_forgotten_with_all_it_holds(store: &mut dyn Store) {
    let depose = Write::Rename { from: slot("bucket.a"), to: deposed("bucket.a", "d") };
    store.write(at(1), None, &[put("bucket.a", 1), depose, put("bucket.a", 2), put("bucket.ab", 3)]).unwrap();
    store.forget_object(at(2), &addr("bucket.a")).unwrap();
    assert_eq!(slots(&store.objects().unwrap()), ["bucket.ab"]);
    assert!(matches!(store.forget_object(at(3), &addr("bucket.a")), Err(StateError::NoSuchObject { .. })));
}

pub(super) fn only_what_is_there_is_dropped_and_only_free_slots_are_taken(store: &mut dyn Store) {
    store.write(at(1), None, &[put("bucket.a", 1), put("bucket.b", 2)]).unwrap();
    let before = store.objects().unwrap();
    let rename = |from: &str, to: &str| Write::Rename { from: slot(from), to: slot(to) };

    let error = store.write(at(2), None, &[put("bucket.c", 3), Write::Drop(slot("bucket.x"))]).unwrap_err();
    assert_eq!(error.to_string(), "there is no object `bucket.x` in the state");
    let error = store.write(at(2), None, &[put("bucket.a", 5), rename("bucket.a", "bucket.b")]).unwrap_err();
    assert_eq!(error.to_string(), "there is an object `bucket.b` in the state already");
    let error = store.write(at(2), None, &[rename("bucket.x", "bucket.y")]).unwrap_err();
    assert_eq!(error.to_string(), "there is no object `bucket.x` in the state");

    assert_eq!(store.objects().unwrap(), before, "a refused commit changes nothing");
    assert_eq!(store.meta().unwrap().serial, Serial(1));
    assert_eq!(store.history(Serial(1)).unwrap(), []);
}

pub(super) fn every_serial_can_be_shown_again(store: &mut dyn Store) {
    let rename = |from: &str, to: &str| Write::Rename { from: slot(from), to: slot(to) };
    let commits: Vec<Vec<Write>> = vec![
        vec![put("bucket.a", 1)],
        vec![put("bucket.b", 1), put("bucket.a", 2)],
        vec![Write::Drop(slot("bucket.a"))],
        vec![put("bucket.a", 3), rename("bucket.b", "bucket.c")],
        vec![rename("bucket.a", "bucket.b"), put("bucket.a", 4)],
        vec![Write::Drop(slot("bucket.a")), put("bucket.a", 5)],
        vec![put("bucket.d", 1), Write::Drop(slot("bucket.d")), put("bucket.a", 6)],
        vec![Write::Drop(slot("bucket.a")), Write::Drop(slot("bucket.b")), Write::Drop(slot("bucket.c"))],
    ];
    let mut snapshots = vec![store.objects().unwrap()];
    for (second, writes) in (1..).zip(&commits) {
        let serial = store.write(at(second), None, writes).unwrap();
        assert_eq!(serial.0, snapshots.len() as u64);
        snapshots.push(store.objects().unwrap());
    }
    for (serial, snapshot) in (0..).zip(&snapshots) {
        assert_eq!(store.objects_at(Serial(serial)).unwrap(), *snapshot, "serial {serial}");
    }
}

pub(super) fn history_says_what_each_commit_did(store: &mut dyn Store) {
    store.write(at(1), None, &[put("bucket.b", 1), put("bucket.a", 1)]).unwrap();
    store.write(at(2), None, &[put("bucket.a", 2)]).unwrap();
    store.move_object(at(3), &addr("bucket.b"), &addr("bucket.c")).unwrap();
    store.forget_object(at(4), &addr("bucket.a")).unwrap();
    let history = store.history(Serial(0)).unwrap();
    let lines: Vec<String> = history
        .iter()
        .map(|entry| {
            let before = if entry.before.is_some() { "something" } else { "nothing" };
            format!("{} {} {}, {before} before", entry.serial, entry.slot, entry.change)
        })
        .collect();
    insta::allow_duplicates! {
        insta::assert_snapshot!(lines.join("\n"), @r"
        1 bucket.a created, nothing before
        1 bucket.b created, nothing before
        2 bucket.a updated, something before
        3 bucket.b left, something before
        3 bucket.c arrived, nothing before
        4 bucket.a dropped, something before
        ");
    }
    assert_eq!(history[2].before.as_ref().unwrap().object, object("bucket.a", 1, "canary"));
    assert_eq!(history[3].change, HistoryChange::Left);
    assert_eq!((history[5].at, history[5].run), (at(4), None));
    assert_eq!(store.history(Serial(3)).unwrap(), history[5..]);
}

pub(super) fn outputs_are_replaced_as_a_whole(store: &mut dyn Store) {
    let output = |name: &str, value: &str, sensitive: &[Path]| Output {
        name: name.into(),
        value: Known::from(value),
        sensitive: sensitive.to_vec(),
    };
    let first = [output("b", "1", &[]), output("a", "canary", &[Path::root()])];
    assert_eq!(store.set_outputs(at(1), &first).unwrap(), Serial(1));
    assert_eq!(store.outputs().unwrap(), [first[1].clone(), first[0].clone()]);
    assert_eq!(store.set_outputs(at(2), &first).unwrap(), Serial(1), "nothing changed");
    let second = [output("b", "2", &[])];
    assert_eq!(store.set_outputs(at(3), &second).unwrap(), Serial(2));
    assert_eq!(store.outputs().unwrap(), second);
    let twice = [output("a", "1", &[]), output("a", "2", &[])];
    assert_eq!(store.set_outputs(at(4), &twice).unwrap_err().to_string(), "output `a` is set twice");
    assert_eq!(store.outputs().unwrap(), second);
}
