use std::fs;

use loam_provider::{Known, Resolution, Type, Value};
use serde_json::{Value as Json, json};

use crate::world::{Did, World, number, said, text};

/// Returns a world with a directory and a bucket, and the block that pushes the one into the other.
async fn world() -> (World, Json) {
    let world = World::new().await;
    world.write([("db/a.sst", "one"), ("db/sub/b.log", "two"), ("db/node_key.json", "CANARY")]);
    let bucket = world.bucket("series").await;
    (world, json!({ "mode": "push", "source": "db", "bucket": bucket, "series": "main" }))
}

fn follow(push: &Json, mode: &str) -> Json {
    json!({ "mode": mode, "target": "copy", "bucket": push["bucket"], "series": push["series"] })
}

fn objects(world: &World) -> Vec<String> {
    world.files(".loam/buckets/series").into_iter().filter(|path| !path.starts_with(".loam-")).collect()
}

fn data(world: &World) -> Vec<String> {
    world.files("copy").into_iter().filter(|path| !path.starts_with(".loam/")).collect()
}

/// Publishes another version.
async fn publish(world: &World, push: &Json, before: &Known, content: &str) -> Known {
    world.write([("db/a.sst", content)]);
    let (did, made) = world.apply("replica.push", push, Some(before)).await.unwrap();
    assert_eq!(did, Did::Update);
    made
}

#[tokio::test]
async fn a_push_publishes_when_the_content_changed() {
    let (world, push) = world().await;
    let made = world.made("replica.push", &push).await;
    assert_eq!((number(&made, "version"), text(&made, "status").as_str()), (1, "up_to_date"));
    assert_eq!(text(&made, "url"), format!("{}/main", push["bucket"]["url"].as_str().unwrap()));
    let touched = fs::File::open(world.path("db/a.sst")).unwrap();
    touched.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let (did, _) = world.apply("replica.push", &push, Some(&made)).await.unwrap();
    assert_eq!(did, Did::Nothing, "a modification time is no content");

    world.write([("db/a.sst", "three")]);
    let planned = world.plan("replica.push", &push, Some(&made)).await.unwrap();
    assert_eq!(planned.notes, ["the content changed: version 1 → 2"]);
    let (did, made) = world.apply("replica.push", &push, Some(&made)).await.unwrap();
    assert_eq!((did, number(&made, "version")), (Did::Update, 2));
    let pack = objects(&world).into_iter().find(|path| path.starts_with("main/packs/")).unwrap();
    assert!(!world.shell(&format!("zstd -dcq .loam/buckets/series/{pack} | strings")).contains("CANARY"));

    world.delete("replica.push", &made).await.unwrap();
    assert!(objects(&world).is_empty(), "{:?}", objects(&world));
    assert!(world.path("db/a.sst").exists());
    world.delete("replica.push", &made).await.unwrap();
}

#[tokio::test]
async fn a_pull_makes_the_target_and_follows() {
    let (world, push) = world().await;
    let pushed = world.made("replica.push", &push).await;
    let pull = follow(&push, "pull");
    let made = world.made("replica.pull", &pull).await;
    assert_eq!(data(&world), ["a.sst", "sub/b.log"]);
    assert_eq!((number(&made, "version"), number(&made, "behind")), (1, 0));
    assert_eq!(text(&made, "manifest_sha256"), text(&pushed, "manifest_sha256"));

    let pushed = publish(&world, &push, &pushed, "three").await;
    publish(&world, &push, &pushed, "four").await;
    let seen = world.read("replica.pull", &made).await.unwrap();
    assert_eq!((text(&seen, "status").as_str(), number(&seen, "behind")), ("behind", 2));
    let planned = world.plan("replica.pull", &pull, Some(&seen)).await.unwrap();
    assert_eq!(planned.notes, ["version 1 → 3"]);
    let (did, made) = world.apply("replica.pull", &pull, Some(&made)).await.unwrap();
    assert_eq!((did, number(&made, "version")), (Did::Update, 3));
    assert_eq!(world.text("copy/a.sst"), "four");

    let (did, made) = {
        let mut pull = pull.clone();
        pull["interval"] = json!("60s");
        world.apply("replica.pull", &pull, Some(&made)).await.unwrap()
    };
    assert_eq!(did, Did::Update);
    world.delete("replica.pull", &made).await.unwrap();
    assert!(!world.path("copy").exists() && !world.path(".copy.replica.json").exists());
    assert!(world.read("replica.pull", &made).await.is_none());
}

#[tokio::test]
async fn a_pull_may_stay_at_a_version_or_go_through_each() {
    let (world, push) = world().await;
    let pushed = world.made("replica.push", &push).await;
    let pushed = publish(&world, &push, &pushed, "second").await;
    let mut pull = follow(&push, "pull");
    pull["version"] = json!(1);
    let made = world.made("replica.pull", &pull).await;
    assert_eq!((world.text("copy/a.sst").as_str(), number(&made, "behind")), ("one", 1));
    publish(&world, &push, &pushed, "third").await;
    let (did, made) = world.apply("replica.pull", &pull, Some(&made)).await.unwrap();
    assert_eq!((did, number(&made, "version")), (Did::Nothing, 1), "newer versions are seen and not taken");

    pull["version"] = Json::Null;
    pull["apply"] = json!("each");
    let (did, made) = world.apply("replica.pull", &pull, Some(&made)).await.unwrap();
    assert_eq!((did, number(&made, "version"), world.text("copy/a.sst").as_str()), (Did::Update, 3, "third"));
    pull["version"] = json!(2);
    let error = world.plan("replica.pull", &pull, Some(&made)).await.unwrap_err();
    assert!(said(&error).ends_with("a pull never goes back to version 2 [version]"), "{}", said(&error));
}

#[tokio::test]
async fn a_version_that_is_published_in_the_same_run_is_planned_before_it_exists() {
    let (world, push) = world().await;
    let pushed = world.made("replica.push", &push).await;
    let mut pull = follow(&push, "pull");
    pull["version"] = json!(1);
    let made = world.made("replica.pull", &pull).await;
    pull["version"] = json!(2);
    let cx = world.cx("replica.pull");
    let config = world.config("replica", &pull);
    let planned = world.plan_of(&cx, "replica", &config, Some(&made)).await.unwrap();
    publish(&world, &push, &pushed, "second").await;
    let updated = world.update(&cx, "replica", &made, &planned.after).await.unwrap();
    assert_eq!((number(&updated, "version"), world.text("copy/a.sst").as_str()), (2, "second"));

    let later = world.cx("replica.pull");
    let unknown = config.with("version", Value::Unknown(Type::Number));
    let planned = world.plan_of(&later, "replica", &unknown, Some(&updated)).await.unwrap();
    assert!(planned.after.get("manifest_sha256").unwrap().is_unknown());
}

#[tokio::test]
async fn an_initial_copy_is_its_users_afterwards() {
    let (world, push) = world().await;
    let pushed = world.made("replica.push", &push).await;
    let mut init = follow(&push, "init");
    init["include"] = json!(["sub"]);
    let made = world.made("replica.copy", &init).await;
    assert_eq!(data(&world), ["sub/b.log"]);
    world.write([("copy/own.txt", "mine")]);
    publish(&world, &push, &pushed, "second").await;
    let (did, made) = world.apply("replica.copy", &init, Some(&made)).await.unwrap();
    assert_eq!(did, Did::Nothing);
    init["include"] = json!(["sub", "a.sst"]);
    let error = world.plan("replica.copy", &init, Some(&made)).await.unwrap_err();
    assert!(said(&error).ends_with("[include]"), "{}", said(&error));

    let then = {
        let mut init = follow(&push, "init");
        init["target"] = json!("copy2");
        init["then"] = json!("pull");
        init["as_of"] = json!("2026-09-01T00:00:00Z");
        init
    };
    let error = world.apply("replica.then", &then, None).await.unwrap_err().error;
    assert!(said(&error).ends_with("has no version from 2026-09-01T00:00:00Z or before [as_of]"), "{}", said(&error));
    assert!(!world.path("copy2").exists() && !world.path(".copy2.replica.json").exists());
}

#[tokio::test]
async fn nothing_is_made_over_what_is_there_nor_from_nothing() {
    let (world, push) = world().await;
    let pull = follow(&push, "pull");
    let failure = world.apply("replica.pull", &pull, None).await.unwrap_err();
    assert!(said(&failure.error).contains("has no versions [series]"), "{}", said(&failure.error));
    assert!(!world.path("copy").exists() && !world.path(".copy.replica.json").exists());

    world.made("replica.push", &push).await;
    world.write([("copy/own.txt", "mine")]);
    for mode in ["init", "pull"] {
        let error = world.plan("replica.pull", &follow(&push, mode), None).await.unwrap_err();
        assert!(said(&error).ends_with("/copy` is not empty [target]"), "{}", said(&error));
    }
    fs::remove_dir_all(world.path("copy")).unwrap();
    let made = world.made("replica.pull", &pull).await;
    let other = world.another().await;
    let error = other.plan("replica.theirs", &pull, None).await.unwrap_err();
    assert!(said(&error).contains("belongs to `replica.pull` of another state"), "{}", said(&error));
    other.delete("replica.theirs", &made).await.unwrap();
    assert_eq!(data(&world), ["a.sst", "sub/b.log"]);
}

#[tokio::test]
async fn a_target_that_was_changed_stops_with_the_way_on() {
    let (world, push) = world().await;
    let pushed = world.made("replica.push", &push).await;
    let pull = follow(&push, "pull");
    let made = world.made("replica.pull", &pull).await;
    world.write([("copy/a.sst", "by hand")]);
    publish(&world, &push, &pushed, "second").await;
    let seen = world.read("replica.pull", &made).await.unwrap();
    assert_eq!(text(&seen, "status"), "diverged");
    let error = world.plan("replica.pull", &pull, Some(&seen)).await.unwrap_err();
    assert!(said(&error).ends_with("/copy` was changed since version 1 was applied [target]"), "{}", said(&error));
    assert!(error.hint.unwrap().contains("move it away and apply again"));
    assert_eq!(world.text("copy/a.sst"), "by hand");

    fs::rename(world.path("copy"), world.path("kept")).unwrap();
    let (did, made) = world.apply("replica.pull", &pull, Some(&made)).await.unwrap();
    assert_eq!((did, number(&made, "version")), (Did::Create, 2), "the way on works");
}

#[tokio::test]
async fn another_source_stops_both_sides() {
    let (world, push) = world().await;
    let pushed = world.made("replica.push", &push).await;
    let pull = follow(&push, "pull");
    let made = world.made("replica.pull", &pull).await;
    world.delete("replica.push", &pushed).await.unwrap();
    let other = world.another().await;
    other.made("replica.theirs", &push).await;

    let seen = world.read("replica.pull", &made).await.unwrap();
    assert_eq!(text(&seen, "status"), "source_reset");
    let error = world.plan("replica.pull", &pull, Some(&seen)).await.unwrap_err();
    assert!(said(&error).contains("was reset"), "{}", said(&error));
    let seen = world.read("replica.push", &pushed).await.unwrap();
    assert_eq!(text(&seen, "status"), "source_reset");
    let error = world.plan("replica.push", &push, Some(&seen)).await.unwrap_err();
    assert!(said(&error).contains("is now published by another source"), "{}", said(&error));
    let failure = world.apply("replica.again", &push, None).await.unwrap_err();
    assert!(said(&failure.error).contains("was reset"), "{}", said(&failure.error));
    world.delete("replica.push", &pushed).await.unwrap();
    assert!(!objects(&world).is_empty(), "another source's series is not deleted");
}

#[tokio::test]
async fn a_lost_answer_is_found_again() {
    let (world, push) = world().await;
    for (address, block) in [("replica.push", push.clone()), ("replica.pull", follow(&push, "pull"))] {
        let cx = world.cx(address);
        let config = world.config("replica", &block);
        let planned = world.plan_of(&cx, "replica", &config, None).await.unwrap();
        assert_eq!(world.resolve(&cx, "replica", &planned.after).await, Resolution::Nothing);
        let made = world.create(&cx, "replica", &planned.after).await.unwrap();
        assert_eq!(world.resolve(&cx, "replica", &planned.after).await, Resolution::Done(made));
        let later = world.cx(address);
        assert_eq!(world.resolve(&later, "replica", &planned.after).await, Resolution::Nothing);
    }
    fs::remove_dir_all(world.path("copy")).unwrap();
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let (world, push) = world().await;
    let pull = follow(&push, "pull");
    let missing = format!("directory `{}` does not exist [source]", world.path("nowhere").display());
    for (good, name, value, expected) in [
        (&push, "source", Json::Null, "mode `push` needs a `source` [source]"),
        (&push, "source", json!("nowhere"), missing.as_str()),
        (&push, "target", json!("x"), "`target` means nothing in mode `push` [target]"),
        (&pull, "target", Json::Null, "mode `pull` needs a `target` [target]"),
        (&pull, "then", json!("pull"), "`then` means nothing in mode `pull` [then]"),
        (&pull, "as_of", json!("yesterday"), "[as_of]"),
    ] {
        let mut block = good.clone();
        block[name] = value;
        let error = world.plan("replica.x", &block, None).await.unwrap_err();
        assert!(said(&error).ends_with(expected), "{}", said(&error));
    }
}
