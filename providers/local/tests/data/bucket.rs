use std::fs;

use loam_provider::Resolution;
use serde_json::json;

use crate::world::{Did, World, said, text};

#[tokio::test]
async fn a_bucket_lives_from_create_to_delete() {
    let world = World::new().await;
    let block = json!({ "name": "archives" });
    let made = world.made("bucket.a", &block).await;
    let path = world.path(".loam/buckets/archives");
    assert_eq!(text(&made, "path"), path.to_str().unwrap());
    assert_eq!(text(&made, "url"), format!("file://{}", path.display()));
    let cx = world.cx("bucket.a");
    let store = cx.stores.open(&text(&made, "url")).await.unwrap();
    assert!(store.list("", None, 10).await.unwrap().objects.is_empty(), "the marker is not listed");

    let block = json!({ "name": "archives", "tags": { "team": "x" }, "quota": "1GiB" });
    let (did, changed) = world.apply("bucket.a", &block, Some(&made)).await.unwrap();
    assert_eq!((did, text(&changed, "id")), (Did::Update, text(&made, "id")));

    let other = world.made("bucket.b", &json!({ "name": "b" })).await;
    world.delete("bucket.a", &changed).await.unwrap();
    assert!(!path.exists() && world.path(".loam/buckets/b").exists());
    world.delete("bucket.b", &other).await.unwrap();
    assert!(!world.path(".loam/buckets").exists());
    assert!(world.read("bucket.a", &changed).await.is_none());
    world.delete("bucket.a", &changed).await.unwrap();
}

#[tokio::test]
async fn a_changed_marker_is_drift_and_is_put_right() {
    let world = World::new().await;
    let block = json!({ "name": "a", "tags": { "team": "x" } });
    let made = world.made("bucket.a", &block).await;
    let marker = world.path(".loam/buckets/a/.loam-bucket.json");
    fs::write(&marker, fs::read_to_string(&marker).unwrap().replace("\"x\"", "\"y\"")).unwrap();
    assert_ne!(world.read("bucket.a", &made).await, Some(made.clone()));
    let (did, _) = world.apply("bucket.a", &block, Some(&made)).await.unwrap();
    assert_eq!(did, Did::Update);

    fs::remove_dir_all(world.path(".loam/buckets/a")).unwrap();
    let (did, again) = world.apply("bucket.a", &block, Some(&made)).await.unwrap();
    assert_eq!(did, Did::Create);
    assert_ne!(text(&again, "id"), text(&made, "id"));
}

#[tokio::test]
async fn another_name_or_path_is_another_bucket() {
    let world = World::new().await;
    let made = world.made("bucket.a", &json!({ "name": "a" })).await;
    let block = json!({ "name": "a", "local": { "path": "elsewhere/../place" } });
    let (did, moved) = world.apply("bucket.a", &block, Some(&made)).await.unwrap();
    assert_eq!(did, Did::Replace);
    assert_eq!(text(&moved, "path"), world.path("place").to_str().unwrap());
    assert!(!world.path(".loam/buckets/a").exists() && !world.path("elsewhere").exists());
}

#[tokio::test]
async fn what_somebody_else_made_is_never_taken() {
    let world = World::new().await;
    world.write([("mine/notes.txt", "x")]);
    let block = json!({ "name": "a", "local": { "path": "mine" } });
    let failure = world.apply("bucket.a", &block, None).await.unwrap_err();
    assert!(said(&failure.error).contains("is not empty and was not made by loam"), "{}", said(&failure.error));
    assert!(failure.error.hint.unwrap().contains("local { path"));
    assert_eq!(world.files("mine"), ["notes.txt"]);

    let made = world.made("bucket.a", &json!({ "name": "a" })).await;
    let other = world.another().await;
    let failure = other.apply("bucket.b", &json!({ "name": "a" }), None).await.unwrap_err();
    assert!(said(&failure.error).contains("belongs to `bucket.a` of another state, `one`"));
    other.delete("bucket.b", &made).await.unwrap();
    assert!(world.read("bucket.a", &made).await.is_some(), "another state deletes nothing");
    let failure = world.apply("bucket.c", &json!({ "name": "a" }), None).await.unwrap_err();
    assert!(said(&failure.error).contains("is already made by `bucket.a`"));
}

#[tokio::test]
async fn a_bucket_with_objects_is_deleted_only_by_force() {
    let world = World::new().await;
    let block = json!({ "name": "a" });
    let made = world.made("bucket.a", &block).await;
    world.write([(".loam/buckets/a/x/1", "12345"), (".loam/buckets/a/2", "12345")]);
    let failure = world.delete("bucket.a", &made).await.unwrap_err();
    assert_eq!(said(&failure.error), "bucket `a` is not empty: it holds 2 objects, 10 B");
    assert!(failure.error.hint.unwrap().contains("force_destroy = true"));
    let block = json!({ "name": "a", "force_destroy": true });
    let (_, forced) = world.apply("bucket.a", &block, Some(&made)).await.unwrap();
    world.delete("bucket.a", &forced).await.unwrap();
    assert!(!world.path(".loam/buckets/a").exists());
}

#[tokio::test]
async fn a_lost_answer_is_found_again() {
    let world = World::new().await;
    let config = world.config("bucket", &json!({ "name": "a" }));
    let cx = world.cx("bucket.a");
    let planned = world.plan_of(&cx, "bucket", &config, None).await.unwrap();
    assert_eq!(world.resolve(&cx, "bucket", &planned.after).await, Resolution::Nothing);
    let made = world.create(&cx, "bucket", &planned.after).await.unwrap();
    assert_eq!(world.resolve(&cx, "bucket", &planned.after).await, Resolution::Done(made.clone()));
    let later = world.cx("bucket.a");
    assert_eq!(world.resolve(&later, "bucket", &planned.after).await, Resolution::Nothing);
    assert_eq!(world.create(&later, "bucket", &planned.after).await.unwrap(), made, "it is adopted");
}

#[tokio::test]
async fn what_a_dead_run_began_to_make_or_to_delete_is_no_stranger_s() {
    let world = World::new().await;
    let config = world.config("bucket", &json!({ "name": "a" }));
    let cx = world.cx("bucket.a");
    let planned = world.plan_of(&cx, "bucket", &config, None).await.unwrap();
    // No process has a pid of this size.
    let begun = ".loam/buckets/a/.loam-bucket.json.4294967294.tmp";
    world.write([(begun, "{")]);
    let made = world.create(&cx, "bucket", &planned.after).await.unwrap();
    assert_eq!(world.files(".loam/buckets"), ["a/.loam-bucket.json"]);

    fs::remove_file(world.path(".loam/buckets/a/.loam-bucket.json")).unwrap();
    assert_eq!(world.resolve(&cx, "bucket", made.value()).await, Resolution::Nothing);
    assert!(!world.path(".loam/buckets/a").exists(), "it was empty, and its own");

    world.write([(begun, "{")]);
    assert_eq!(world.resolve(&cx, "bucket", &planned.after).await, Resolution::Nothing);
    assert!(!world.path(".loam/buckets/a").exists());
    world.write([(".loam/buckets/a/mine", "x")]);
    assert_eq!(world.resolve(&cx, "bucket", &planned.after).await, Resolution::Nothing);
    assert_eq!(world.text(".loam/buckets/a/mine"), "x");
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_refused() {
    let world = World::new().await;
    for name in ["../x", "a/b", "", ".hidden"] {
        let error = world.plan("bucket.a", &json!({ "name": name }), None).await.unwrap_err();
        assert!(said(&error).ends_with("is not a name for a bucket [name]"), "{}", said(&error));
    }
}
