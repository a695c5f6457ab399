use std::fs;

use loam_provider::{Known, Remains, Resolution, Type, Value};
use serde_json::{Value as Json, json};

use crate::world::{Did, World, number, said, set_mode, text};

/// Returns a world with an archive in a bucket, and the block of a volume made from it.
async fn world() -> (World, Json) {
    let world = World::new().await;
    world.write([("db/a.sst", "one"), ("db/sub/b.log", "two")]);
    let block = block(&archive(&world, "db").await);
    (world, block)
}

async fn archive(world: &World, source: &str) -> Known {
    let name = source.replace('/', "-");
    let bucket = world.bucket(&format!("for-{name}")).await;
    world.made(&format!("seed_archive.{name}"), &json!({ "source": source, "bucket": bucket })).await
}

fn block(archive: &Known) -> Json {
    let names = ["url", "sha256", "uncompressed_bytes", "files", "content_root"];
    let json = archive.to_json();
    let archive: Json = names.iter().map(|name| ((*name).to_owned(), json[*name].clone())).collect();
    json!({ "archive": archive })
}

#[tokio::test]
async fn a_volume_is_the_archive_and_goes_with_its_last_user() {
    let (world, block) = world().await;
    let made = world.made("seed_volume.main", &block).await;
    let name = format!("seed-{}", &block["archive"]["sha256"].as_str().unwrap()[..16]);
    assert_eq!(text(&made, "name"), name);
    assert_eq!(text(&made, "path"), world.path(".loam/seeds").join(&name).to_str().unwrap());
    assert_eq!((number(&made, "files"), number(&made, "bytes"), text(&made, "size").as_str()), (2, 6, "7B"));
    assert_eq!(world.text(&format!(".loam/seeds/{name}/sub/b.log")), "two");

    let other = world.another().await;
    let planned = other.plan("seed_volume.theirs", &block, None).await.unwrap();
    assert_eq!(planned.notes, ["the archive is extracted there already and is used again"]);
    let theirs = other.made("seed_volume.theirs", &block).await;
    assert!(other.notes.lock().unwrap()[0].ends_with("was extracted already"));
    world.delete("seed_volume.main", &made).await.unwrap();
    assert!(world.notes.lock().unwrap().last().unwrap().ends_with("which another object uses"));
    assert!(other.read("seed_volume.theirs", &theirs).await.is_some(), "it stays for who uses it");
    world.delete("seed_volume.main", &made).await.unwrap();
    assert!(other.read("seed_volume.theirs", &theirs).await.is_some(), "who left once takes nothing along");
    other.delete("seed_volume.theirs", &theirs).await.unwrap();
    assert!(!world.path(".loam/seeds").exists(), "{:?}", world.files(".loam/seeds"));
    other.delete("seed_volume.theirs", &theirs).await.unwrap();
}

#[tokio::test]
async fn two_who_want_it_at_once_share_what_one_fills() {
    let (world, block) = world().await;
    let (a, b) = tokio::join!(world.made("seed_volume.a", &block), world.made("seed_volume.b", &block));
    assert_eq!(text(&a, "path"), text(&b, "path"));
    assert_ne!(text(&a, "id"), text(&b, "id"));
    let reused = world.notes.lock().unwrap().iter().filter(|note| note.ends_with("was extracted already")).count();
    assert_eq!(reused, 1);
}

#[tokio::test]
async fn a_volume_without_its_marker_is_extracted_again() {
    let (world, block) = world().await;
    let made = world.made("seed_volume.main", &block).await;
    let path = world.path(".loam/seeds").join(text(&made, "name"));
    fs::remove_dir_all(path.join(".loam")).unwrap();
    fs::write(path.join("a.sst"), "damaged").unwrap();
    let planned = {
        let seen = world.read("seed_volume.main", &made).await.unwrap();
        assert_eq!(seen.get("ready"), Some(&Value::from(false)));
        world.plan("seed_volume.main", &block, Some(&seen)).await.unwrap()
    };
    assert!(planned.notes[0].contains("extracted again"));
    let (did, _) = world.apply("seed_volume.main", &block, Some(&made)).await.unwrap();
    assert_eq!(did, Did::Update);
    assert_eq!(fs::read_to_string(path.join("a.sst")).unwrap(), "one");

    fs::remove_dir_all(&path).unwrap();
    let (did, _) = world.apply("seed_volume.main", &block, Some(&made)).await.unwrap();
    assert_eq!(did, Did::Create);
}

#[tokio::test]
async fn another_archive_is_another_volume() {
    let (world, first) = world().await;
    let made = world.made("seed_volume.main", &first).await;
    world.write([("db2/a.sst", "changed")]);
    let second = block(&archive(&world, "db2").await);
    let planned = world.plan("seed_volume.main", &second, Some(&made)).await.unwrap();
    assert_eq!(planned.replace[0].path.to_string(), "archive.sha256");
    let (did, replaced) = world.apply("seed_volume.main", &second, Some(&made)).await.unwrap();
    assert_eq!(did, Did::Replace);
    assert_ne!(text(&made, "path"), text(&replaced, "path"));

    let cx = world.cx("seed_volume.main");
    let config = world.config("seed_volume", &second);
    let archive = config.get("archive").unwrap().with("sha256", Value::Unknown(Type::String));
    let planned = world.plan_of(&cx, "seed_volume", &config.with("archive", archive), Some(&replaced)).await.unwrap();
    assert_eq!(planned.replace[0].because, "the archive is made anew");
    assert!(planned.after.get("path").unwrap().is_unknown());

    let moved = {
        let mut block = second.clone();
        block["archive"]["url"] = json!("file:///elsewhere/x.tar.zst");
        block
    };
    let planned = world.plan("seed_volume.main", &moved, Some(&replaced)).await.unwrap();
    assert!(planned.replace.is_empty(), "the same archive at another place is the same volume");
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let (world, good) = world().await;
    for (name, value, expected) in [
        ("size", json!("5B"), "a volume of 5 B is too small for the archive's files, 6 B [size]"),
        ("distribution", json!("stream"), "`local` cannot distribute a volume by `stream` [distribution]"),
    ] {
        let mut block = good.clone();
        block[name] = value;
        let error = world.plan("seed_volume.main", &block, None).await.unwrap_err();
        assert_eq!(said(&error), expected);
    }
    let mut block = good.clone();
    block["archive"]["sha256"] = json!("abc");
    let error = world.plan("seed_volume.main", &block, None).await.unwrap_err();
    assert!(said(&error).ends_with("[archive.sha256]"), "{}", said(&error));
}

#[tokio::test]
async fn a_digest_that_differs_fails_and_leaves_nothing() {
    let (world, mut block) = world().await;
    block["archive"]["sha256"] = json!("0".repeat(64));
    let failure = world.apply("seed_volume.main", &block, None).await.unwrap_err();
    assert!(said(&failure.error).contains("instead of `0000"), "{}", said(&failure.error));
    assert_eq!(failure.remains, Remains::Nothing);
    assert!(world.files(".loam/seeds").is_empty(), "{:?}", world.files(".loam/seeds"));
}

#[tokio::test]
async fn an_archive_that_is_gone_is_named() {
    let (world, mut block) = world().await;
    block["archive"]["url"] = json!(format!("file://{}/gone.tar.zst", world.path("").display()));
    let failure = world.apply("seed_volume.main", &block, None).await.unwrap_err();
    assert!(said(&failure.error).contains("gone.tar.zst`"), "{}", said(&failure.error));
    assert!(world.files(".loam/seeds").is_empty());
}

#[tokio::test]
async fn a_strangers_directory_is_not_replaced() {
    let (world, block) = world().await;
    let name = format!("seed-{}", &block["archive"]["sha256"].as_str().unwrap()[..16]);
    world.write([(&format!(".loam/seeds/{name}/notes.txt"), "mine")]);
    let failure = world.apply("seed_volume.main", &block, None).await.unwrap_err();
    assert!(said(&failure.error).starts_with("the volume's place is taken"), "{}", said(&failure.error));
    assert_eq!(world.files(".loam/seeds"), [format!("{name}/notes.txt")]);
}

#[tokio::test]
async fn a_lost_answer_is_found_again() {
    let (world, block) = world().await;
    let cx = world.cx("seed_volume.main");
    let config = world.config("seed_volume", &block);
    let planned = world.plan_of(&cx, "seed_volume", &config, None).await.unwrap();
    assert_eq!(world.resolve(&cx, "seed_volume", &planned.after).await, Resolution::Nothing);
    let made = world.create(&cx, "seed_volume", &planned.after).await.unwrap();
    assert_eq!(world.resolve(&cx, "seed_volume", &planned.after).await, Resolution::Done(made.clone()));
    fs::remove_dir_all(text(&made, "path")).unwrap();
    let Resolution::Partial(part) = world.resolve(&cx, "seed_volume", &planned.after).await else {
        panic!("a user without a volume is a part");
    };
    assert_eq!((part.get("ready"), text(&part, "id")), (Some(&Value::from(false)), text(&made, "id")));
    assert_eq!(world.create(&cx, "seed_volume", &planned.after).await.unwrap(), made);
}

#[tokio::test]
async fn directories_that_nobody_may_write_to_are_removed_too() {
    let world = World::new().await;
    world.write([("db/locked/a", "x")]);
    set_mode(&world.path("db/locked"), 0o500);
    let block = block(&archive(&world, "db").await);
    let made = world.made("seed_volume.main", &block).await;
    world.delete("seed_volume.main", &made).await.unwrap();
    assert!(!world.path(".loam/seeds").exists(), "{:?}", world.files(".loam/seeds"));
    set_mode(&world.path("db/locked"), 0o700);
}

#[tokio::test]
async fn a_removal_that_broke_off_is_finished() {
    let (world, block) = world().await;
    let made = world.made("seed_volume.main", &block).await;
    let path = world.path(".loam/seeds").join(text(&made, "name"));
    // As if the run had died right after it moved the volume out of the way.
    fs::rename(&path, path.with_file_name(format!(".{}.removed", text(&made, "name")))).unwrap();
    let seen = world.read("seed_volume.main", &made).await.expect("something of it is left");
    assert_eq!(seen.get("ready"), Some(&Value::from(false)));
    world.delete("seed_volume.main", &seen).await.unwrap();
    assert!(!world.path(".loam/seeds").exists(), "{:?}", world.files(".loam/seeds"));
}

#[tokio::test]
async fn what_a_dead_run_left_beside_a_volume_goes() {
    let (world, block) = world().await;
    let cx = world.cx("seed_volume.main");
    let config = world.config("seed_volume", &block);
    let planned = world.plan_of(&cx, "seed_volume", &config, None).await.unwrap();
    let made = world.create(&cx, "seed_volume", &planned.after).await.unwrap();
    let beside = |what: &str| format!(".loam/seeds/.{}.loam-{what}", text(&made, "name"));
    let leave = || world.write([(&beside("lock"), ""), (&beside("0123/half"), "x")]);
    let hidden = || world.files(".loam/seeds").iter().filter(|path| path.contains(".loam-")).count();
    leave();
    assert_eq!(world.resolve(&cx, "seed_volume", &planned.after).await, Resolution::Done(made.clone()));
    assert_eq!(hidden(), 0);
    leave();
    world.delete("seed_volume.main", &made).await.unwrap();
    assert!(!world.path(".loam/seeds").exists(), "{:?}", world.files(".loam/seeds"));
}
