//! Objects that are taken over: their data is read and never written to.

use std::fs;

use loam_provider::{Known, Value};
use serde_json::{Value as Json, json};

use crate::world::{Did, World, number, said, text};

async fn imported(world: &World, address: &str, id: &str, block: &Json) -> Known {
    let found = world.import(address, id, block).await.unwrap_or_else(|error| panic!("{}", said(&error)));
    found.unwrap_or_else(|| panic!("there is nothing at `{id}`"))
}

async fn refused(world: &World, address: &str, id: &str, block: &Json) -> String {
    said(&world.import(address, id, block).await.unwrap_err())
        .replace(&format!("{}/", world.path("").display()), "")
        .replace(world.path("").to_str().unwrap(), "")
}

/// Every file beneath a directory with its content and time.
fn tree(world: &World, path: &str) -> Vec<(String, Vec<u8>, std::time::SystemTime)> {
    let files = world.files(path).into_iter().filter(|file| !file.contains(".loam"));
    let read = |file: String| {
        let path = world.path(path).join(&file);
        (file, fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap())
    };
    files.map(read).collect()
}

#[tokio::test]
async fn a_directory_becomes_a_bucket_with_what_is_in_it() {
    let world = World::new().await;
    world.write([("store/a/one", "1"), ("store/two", "2")]);
    let before = tree(&world, "store");
    let block = json!({ "name": "main", "quota": "1GiB", "local": { "path": "store" } });
    assert!(said(&world.apply("bucket.main", &block, None).await.unwrap_err().error).contains("not made by loam"));

    let found = imported(&world, "bucket.main", "./store", &block).await;
    assert!(found.get("id").unwrap().is_null(), "nothing is marked before the update");
    assert!(!world.path("store/.loam-bucket.json").exists());
    let (did, made) = world.apply("bucket.main", &block, Some(&found)).await.unwrap();
    assert_eq!((did, text(&made, "quota").as_str()), (Did::Update, "1GiB"));
    assert_eq!(tree(&world, "store"), before);

    // The same object, which its state has forgotten: nothing is left to do.
    let again = imported(&world, "bucket.main", "store", &block).await;
    assert_eq!(again, made);
    assert_eq!(world.apply("bucket.main", &block, Some(&again)).await.unwrap().0, Did::Nothing);

    let other = world.another().await;
    let strange = refused(&other, "bucket.main", "store", &block).await;
    assert!(strange.contains("belongs to `bucket.main` of another state"), "{strange}");
    let elsewhere = refused(&world, "bucket.main", "a", &block).await;
    assert_eq!(elsewhere, "the block's bucket is at `store`, not at `a` [local.path]");
    let block = json!({ "name": "main", "local": { "path": "absent" } });
    assert_eq!(world.import("bucket.main", "absent", &block).await.unwrap(), None);

    // Destroying it asks about what is in it, as for every other bucket.
    let failed = world.delete("bucket.main", &made).await.unwrap_err();
    assert!(said(&failed.error).contains("it holds 2 objects"), "{}", said(&failed.error));
    assert_eq!(tree(&world, "store"), before);
}

/// A world with an archive, and the block of a volume of it.
async fn with_archive() -> (World, Json) {
    let world = World::new().await;
    world.write([("db/a.sst", "one"), ("db/sub/b.log", "two")]);
    let bucket = world.bucket("archives").await;
    let archive = json!({ "source": "db", "bucket": { "name": bucket["name"], "url": bucket["url"] } });
    let archive = world.made("seed_archive.main", &archive).await.to_json();
    let fields = ["url", "sha256", "uncompressed_bytes", "files", "content_root"];
    let archive: serde_json::Map<String, Json> =
        fields.iter().map(|name| ((*name).to_owned(), archive[*name].clone())).collect();
    (world, json!({ "archive": archive, "local": { "path": "volumes" } }))
}

fn volume(block: &Json) -> String {
    format!("volumes/seed-{}", &block["archive"]["sha256"].as_str().unwrap()[..16])
}

#[tokio::test]
async fn a_directory_that_holds_what_the_archive_does_becomes_a_volume_without_being_touched() {
    let (world, block) = with_archive().await;
    let path = volume(&block);
    world.shell(&format!("mkdir volumes && cp -r db {path}"));
    let before = tree(&world, &path);
    let found = imported(&world, "seed_volume.main", &path, &block).await;
    assert_eq!((number(&found, "files"), found.get("ready")), (2, Some(&Value::from(false))));
    assert!(!world.path(&path).join(".loam").exists(), "nothing is marked before the update");

    let (did, made) = world.apply("seed_volume.main", &block, Some(&found)).await.unwrap();
    assert_eq!((did, made.get("ready")), (Did::Update, Some(&Value::from(true))));
    assert_eq!(tree(&world, &path), before, "neither content nor times changed");
    assert_eq!(world.apply("seed_volume.main", &block, Some(&made)).await.unwrap().0, Did::Nothing);
}

#[tokio::test]
async fn a_directory_with_other_data_is_never_taken_for_a_volume_nor_filled() {
    let (world, block) = with_archive().await;
    let path = volume(&block);
    world.shell(&format!("mkdir volumes && cp -r db {path}"));
    let found = imported(&world, "seed_volume.main", &path, &block).await;

    // It changes between import and update.
    world.write([(&format!("{path}/a.sst"), "precious")]);
    let before = tree(&world, &path);
    let failed = world.apply("seed_volume.main", &block, Some(&found)).await.unwrap_err();
    assert!(said(&failed.error).starts_with("the volume was changed: "), "{}", said(&failed.error));
    assert_eq!(tree(&world, &path), before);
    assert!(!world.path(&path).join(".loam").exists());

    let message = refused(&world, "seed_volume.main", &path, &block).await;
    assert!(message.starts_with(&format!("`{path}` holds `sha256-merkle:")), "{message}");
    let elsewhere = refused(&world, "seed_volume.main", "db", &block).await;
    assert_eq!(elsewhere, format!("a volume of this archive stands at `{path}`, not at `db` [local.path]"));
    fs::remove_dir_all(world.path(&path)).unwrap();
    assert_eq!(world.import("seed_volume.main", &path, &block).await.unwrap(), None);
}

#[tokio::test]
async fn a_volume_that_another_object_filled_is_shared() {
    let (world, block) = with_archive().await;
    let first = world.made("seed_volume.first", &block).await;
    let path = volume(&block);
    let found = imported(&world, "seed_volume.second", &text(&first, "path"), &block).await;
    let (did, second) = world.apply("seed_volume.second", &block, Some(&found)).await.unwrap();
    assert_eq!(did, Did::Update);
    assert_ne!(text(&second, "id"), text(&first, "id"));
    world.delete("seed_volume.first", &first).await.unwrap();
    assert_eq!(world.text(&format!("{path}/a.sst")), "one");
    // An object that was never marked takes nothing along.
    world.delete("seed_volume.third", &found).await.unwrap();
    assert_eq!(world.text(&format!("{path}/a.sst")), "one");
    world.delete("seed_volume.second", &second).await.unwrap();
    assert!(!world.path(&path).exists());
}

#[tokio::test]
async fn an_archive_is_taken_over_as_it_was_built_or_adopted() {
    let world = World::new().await;
    world.write([("db/a.sst", "one"), ("db/sub/b.log", "two")]);
    let bucket = world.bucket("archives").await;
    let block = json!({
        "source": "db", "bucket": { "name": bucket["name"], "url": bucket["url"] }, "metadata": { "height": "42" },
    });
    let made = world.made("seed_archive.main", &block).await;
    let url = text(&made, "url");
    let found = imported(&world, "seed_archive.main", &url, &block).await;
    assert_eq!(found, made);
    assert_eq!(world.apply("seed_archive.main", &block, Some(&found)).await.unwrap().0, Did::Nothing);

    let other = world.another().await;
    let strange = refused(&other, "seed_archive.main", &url, &block).await;
    assert!(strange.contains("belongs to `seed_archive.main` of another state"), "{strange}");
    let adopted = json!({ "url": url, "sha256": text(&made, "sha256") });
    let found = imported(&other, "seed_archive.theirs", &url, &adopted).await;
    assert_eq!(text(&found, "content_root"), text(&made, "content_root"));
    assert_eq!(other.apply("seed_archive.theirs", &adopted, Some(&found)).await.unwrap().0, Did::Nothing);

    let wrong = json!({ "url": url, "sha256": "0".repeat(64) });
    let message = refused(&other, "seed_archive.theirs", &url, &wrong).await;
    assert!(message.contains("is not the archive that was asked for"), "{message}");
    assert_eq!(world.import("seed_archive.main", &format!("{url}x"), &block).await.unwrap(), None);
}

#[tokio::test]
async fn files_and_directories_are_taken_over_as_they_are() {
    let world = World::new().await;
    world.write([("conf/a", "text")]);
    world.shell("chmod 700 conf; chmod 600 conf/a");
    let directory = json!({ "path": "conf", "mode": "0700" });
    let found = imported(&world, "directory.main", "conf", &directory).await;
    assert_eq!(world.apply("directory.main", &directory, Some(&found)).await.unwrap().0, Did::Nothing);

    let file = json!({ "path": "./conf/a", "content": "text", "mode": "0600" });
    let found = imported(&world, "file.main", "./conf/a", &file).await;
    assert_eq!(world.apply("file.main", &file, Some(&found)).await.unwrap().0, Did::Nothing);
    let other = json!({ "path": "./conf/a", "content": "new" });
    let found = imported(&world, "file.main", "./conf/a", &other).await;
    assert_eq!((text(&found, "content"), text(&found, "mode")), ("text".into(), "0600".into()));
    assert_eq!(world.apply("file.main", &other, Some(&found)).await.unwrap().0, Did::Update);

    assert_eq!(refused(&world, "file.main", "b", &file).await, "the block says `./conf/a`, not `b` [path]");
    let absent = json!({ "path": "absent" });
    assert_eq!(world.import("directory.main", "absent", &absent).await.unwrap(), None);
}

#[tokio::test]
async fn what_runs_and_what_was_copied_is_not_taken_over() {
    let world = World::new().await;
    for (address, block) in [
        ("network.main", json!({ "command": ["true"] })),
        ("process.main", json!({ "command": ["true"] })),
        ("replica.main", json!({ "mode": "init" })),
        ("snapshot.main", json!({})),
    ] {
        let message = refused(&world, address, "x", &block).await;
        let kind = address.split('.').next().unwrap();
        assert!(
            message.starts_with(&format!("this provider does not support the import of a `{kind}`: ")),
            "{message}"
        );
    }
}
