use std::os::unix::fs::PermissionsExt;

use loam_provider::{Resolution, Value};
use serde_json::json;

use crate::world::{World, config, text};

#[tokio::test]
async fn a_file_is_made_repaired_changed_and_deleted() {
    let mut world = World::new("file.a").await;
    let first = config(json!({ "path": "dir/a.txt", "content": "one" }));
    let made = world.create(&first).await.unwrap();
    let path = world.path("dir/a.txt");
    assert_eq!(text(&made, "id"), path.to_str().unwrap());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
    world.assert_settled(&first, &made).await;

    std::fs::write(&path, "changed by hand").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let read = world.read(&made).await.unwrap();
    assert_eq!(text(&read, "mode"), "0600");
    assert_ne!(text(&read, "sha256"), text(&made, "sha256"));
    assert_eq!(text(&read, "content"), "changed by hand");
    let (_, repaired) = world.apply(&first, &made).await.unwrap();
    assert_eq!(repaired, made);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");

    let second = config(json!({ "path": "dir/a.txt", "content": "two", "mode": "0640" }));
    let (_, changed) = world.apply(&second, &repaired).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    world.assert_settled(&second, &changed).await;

    world.delete(&changed).await.unwrap();
    assert!(world.read(&changed).await.is_none());
    world.delete(&changed).await.unwrap();
    assert_eq!(world.left(), ["dir"]);
}

#[tokio::test]
async fn touching_a_file_is_no_drift() {
    let world = World::new("file.a").await;
    let wanted = config(json!({ "path": "a", "content": "one" }));
    let made = world.create(&wanted).await.unwrap();
    let file = std::fs::File::options().append(true).open(world.path("a")).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    world.assert_settled(&wanted, &made).await;
}

#[tokio::test]
async fn what_is_no_text_drifts_by_its_digest_alone() {
    let mut world = World::new("file.a").await;
    let wanted = config(json!({ "path": "a", "content": "one" }));
    let made = world.create(&wanted).await.unwrap();
    std::fs::write(world.path("a"), [0xff, 0xfe]).unwrap();
    let read = world.read(&made).await.unwrap();
    assert_eq!(text(&read, "content"), "one");
    assert_ne!(text(&read, "sha256"), text(&made, "sha256"));
    let (_, repaired) = world.apply(&wanted, &made).await.unwrap();
    assert_eq!(repaired, made);
}

#[tokio::test]
async fn a_file_of_others_is_not_taken_over_unless_told_so() {
    let world = World::new("file.a").await;
    std::fs::write(world.path("a"), "theirs").unwrap();
    let failure = world.create(&config(json!({ "path": "a", "content": "canary-ours" }))).await.unwrap_err();
    let shown = format!("{failure} {:?} {:?}", failure.error.hint, failure.error.evidence);
    assert!(shown.contains("exists already") && shown.contains("overwrite = true"), "{shown}");
    assert!(!shown.contains("canary") && !shown.contains("theirs"), "{shown}");
    assert_eq!(std::fs::read_to_string(world.path("a")).unwrap(), "theirs");

    world.create(&config(json!({ "path": "a", "content": "theirs" }))).await.unwrap();
    let told = config(json!({ "path": "a", "content": "ours", "overwrite": true }));
    world.create(&told).await.unwrap();
    assert_eq!(std::fs::read_to_string(world.path("a")).unwrap(), "ours");
}

#[tokio::test]
async fn a_copy_follows_its_source() {
    let mut world = World::new("file.a").await;
    let wanted = config(json!({ "path": "copy", "source": "source" }));
    assert!(world.plan(&wanted, None).await.unwrap().after.get("sha256").unwrap().is_unknown());
    let missing = world.create(&wanted).await.unwrap_err();
    assert!(missing.to_string().contains("source file") && missing.to_string().contains("does not exist"));
    std::fs::write(world.path("source"), "one").unwrap();
    let made = world.create(&wanted).await.unwrap();
    world.assert_settled(&wanted, &made).await;
    std::fs::write(world.path("source"), "two").unwrap();
    world.apply(&wanted, &made).await.unwrap();
    assert_eq!(std::fs::read_to_string(world.path("copy")).unwrap(), "two");
}

#[tokio::test]
async fn mistakes_in_a_file_name_their_attribute() {
    let world = World::new("file.a").await;
    let table = [
        (json!({ "path": "a" }), "content"),
        (json!({ "path": "a", "content": "x", "source": "y" }), "source"),
        (json!({ "path": "a", "content": "x", "mode": "rw" }), "mode"),
    ];
    for (wanted, attribute) in table {
        let error = world.plan(&config(wanted), None).await.unwrap_err();
        assert_eq!(error.path.map(|path| path.to_string()).as_deref(), Some(attribute));
        assert!(error.hint.is_some());
    }
}

#[tokio::test]
async fn a_lost_answer_about_a_file_is_resolved_by_what_stands_there() {
    let world = World::new("file.a").await;
    let wanted = config(json!({ "path": "a", "content": "one" }));
    let planned = world.plan(&wanted, None).await.unwrap().after;
    assert_eq!(world.resolve(&planned).await, Resolution::Nothing);
    let made = world.create(&wanted).await.unwrap();
    assert_eq!(world.resolve(&planned).await, Resolution::Done(made));
}

#[tokio::test]
async fn a_directory_that_is_not_empty_is_kept() {
    let mut world = World::new("directory.d").await;
    let wanted = config(json!({ "path": "a/b", "mode": "0750" }));
    let planned = world.plan(&wanted, None).await.unwrap().after;
    assert_eq!(world.resolve(&planned).await, Resolution::Nothing);
    let made = world.create(&wanted).await.unwrap();
    assert_eq!(world.resolve(&planned).await, Resolution::Done(made.clone()));
    world.assert_settled(&wanted, &made).await;
    std::fs::write(world.path("a/b/data"), "x").unwrap();
    let failure = world.delete(&made).await.unwrap_err();
    assert!(failure.to_string().ends_with("is not empty: 1 entries"), "{failure}");
    assert_eq!(failure.error.evidence, ["data"]);
    let forced = made.with("force_destroy", true.into());
    world.delete(&forced).await.unwrap();
    assert!(world.read(&made).await.is_none());
    assert_eq!(world.left(), ["a"]);
}

#[tokio::test]
async fn a_directory_s_mode_is_repaired() {
    let mut world = World::new("directory.d").await;
    let wanted = config(json!({ "path": "d" }));
    let made = world.create(&wanted).await.unwrap();
    std::fs::set_permissions(world.path("d"), std::fs::Permissions::from_mode(0o700)).unwrap();
    let (_, after) = world.apply(&wanted, &made).await.unwrap();
    assert_eq!(after.get("mode"), Some(&Value::from("0755")));
    assert_eq!(std::fs::metadata(world.path("d")).unwrap().permissions().mode() & 0o777, 0o755);
}
