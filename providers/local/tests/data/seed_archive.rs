use std::fs;

use loam_provider::{Resolution, Type, Value};
use serde_json::{Value as Json, json};

use crate::world::{Did, World, number, said, text};

fn block(bucket: &Json) -> Json {
    json!({ "source": "db", "bucket": { "name": bucket["name"], "url": bucket["url"] } })
}

async fn world() -> (World, Json) {
    let world = World::new().await;
    world.write([("db/a.sst", "one"), ("db/sub/b.log", "two"), ("db/node_key.json", "CANARY")]);
    let bucket = world.bucket("archives").await;
    (world, block(&bucket))
}

fn objects(world: &World) -> Vec<String> {
    world.files(".loam/buckets/archives").into_iter().filter(|path| !path.starts_with(".loam-")).collect()
}

#[tokio::test]
async fn an_archive_is_one_that_other_tools_accept() {
    let (world, mut block) = world().await;
    block["metadata"] = json!({ "height": "42" });
    let made = world.made("seed_archive.main", &block).await;
    let (files, bytes) = (number(&made, "files"), number(&made, "uncompressed_bytes"));
    assert_eq!((files, bytes), (2, 6), "identity files stay out");
    let root = text(&made, "content_root");
    let key = format!("main/{}.tar.zst", &root["sha256-merkle:".len()..][..16]);
    assert_eq!(text(&made, "key"), key);
    let path = format!(".loam/buckets/archives/{key}");
    let found = [key.clone(), format!("{key}.manifest.json"), format!("{key}.sha256")];
    assert_eq!(objects(&world), found);
    assert!(world.shell(&format!("sha256sum {path}")).starts_with(&text(&made, "sha256")));
    world.shell(&format!("cd $(dirname {path}) && sha256sum -c *.sha256"));
    world.shell(&format!("mkdir out && zstd -dcq {path} | tar -x -C out"));
    assert_eq!(world.files("out"), ["a.sst", "sub/b.log"]);
    assert_eq!((world.text("out/a.sst"), world.text("out/sub/b.log")), ("one".into(), "two".into()));
    assert!(!world.shell(&format!("zstd -dcq {path} | strings")).contains("CANARY"));
    let manifest: Json = serde_json::from_str(&world.text(&format!("{path}.manifest.json"))).unwrap();
    assert_eq!(manifest["app"]["height"], "42");
}

#[tokio::test]
async fn new_content_is_a_new_archive_beside_the_old_one_and_all_go_with_the_resource() {
    let (world, block) = world().await;
    let made = world.made("seed_archive.main", &block).await;
    let touched = fs::File::open(world.path("db/a.sst")).unwrap();
    touched.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let (did, _) = world.apply("seed_archive.main", &block, Some(&made)).await.unwrap();
    assert_eq!(did, Did::Nothing, "a modification time is no content");

    world.write([("db/a.sst", "three")]);
    let planned = world.plan("seed_archive.main", &block, Some(&made)).await.unwrap();
    assert!(planned.notes[0].contains("stays until this resource is destroyed"), "{:?}", planned.notes);
    assert!(planned.after.get("sha256").unwrap().is_unknown() && planned.after.get("url").unwrap().is_wholly_known());
    let (did, second) = world.apply("seed_archive.main", &block, Some(&made)).await.unwrap();
    assert_eq!(did, Did::Update);
    assert_ne!(text(&made, "url"), text(&second, "url"));
    assert_eq!(objects(&world).len(), 6);

    world.write([("db/a.sst", "one")]);
    let (_, third) = world.apply("seed_archive.main", &block, Some(&second)).await.unwrap();
    assert_eq!((text(&third, "url"), text(&third, "sha256")), (text(&made, "url"), text(&made, "sha256")));
    assert_eq!(third.get("previous").unwrap().items().unwrap().len(), 1);

    world.delete("seed_archive.main", &third).await.unwrap();
    assert!(objects(&world).is_empty(), "{:?}", objects(&world));
    world.delete("seed_archive.main", &third).await.unwrap();
    assert!(world.read("seed_archive.main", &third).await.is_none());
}

#[tokio::test]
async fn facts_are_rewritten_without_a_new_archive() {
    let (world, mut block) = world().await;
    let made = world.made("seed_archive.main", &block).await;
    block["metadata"] = json!({ "height": "7" });
    let (did, changed) = world.apply("seed_archive.main", &block, Some(&made)).await.unwrap();
    assert_eq!((did, text(&changed, "url")), (Did::Update, text(&made, "url")));
    assert!(world.text(&format!(".loam/buckets/archives/{}.manifest.json", text(&made, "key"))).contains("\"7\""));
    assert_eq!(objects(&world).len(), 3);
}

#[tokio::test]
async fn an_archive_that_is_gone_or_damaged_is_noticed() {
    let (world, block) = world().await;
    let made = world.made("seed_archive.main", &block).await;
    let path = world.path(&format!(".loam/buckets/archives/{}", text(&made, "key")));
    fs::remove_file(path.with_file_name(format!("{}.manifest.json", path.file_name().unwrap().to_str().unwrap())))
        .unwrap();
    let seen = world.read("seed_archive.main", &made).await.unwrap();
    assert!(seen.get("sha256").unwrap().is_null(), "an archive without its manifest is not sound");
    let (did, repaired) = world.apply("seed_archive.main", &block, Some(&made)).await.unwrap();
    assert_eq!((did, text(&repaired, "sha256")), (Did::Update, text(&made, "sha256")));

    fs::remove_file(&path).unwrap();
    let (did, _) = world.apply("seed_archive.main", &block, Some(&made)).await.unwrap();
    assert_eq!(did, Did::Create);

    fs::write(&path, "not an archive").unwrap();
    let failure = world.apply("seed_archive.main", &block, Some(&made)).await.unwrap_err();
    assert!(said(&failure.error).contains("already holds another archive"), "{}", said(&failure.error));
    assert_eq!(fs::read_to_string(&path).unwrap(), "not an archive", "nothing is overwritten");
}

#[tokio::test]
async fn a_source_that_is_not_known_yet_keeps_the_archive_unknown() {
    let (world, block) = world().await;
    let config = world.config("seed_archive", &block);
    for (name, ty) in [("source", Type::String), ("bucket", config.get("bucket").unwrap().ty())] {
        let cx = world.cx("seed_archive.main");
        let unknown = config.with(name, Value::Unknown(ty));
        let planned = world.plan_of(&cx, "seed_archive", &unknown, None).await.unwrap();
        assert!(planned.after.get("sha256").unwrap().is_unknown() && planned.after.get("url").unwrap().is_unknown());
        let content = planned.after.get("content_root").unwrap();
        assert_eq!(content.is_unknown(), name == "source", "the content is known without the bucket");
    }
    let cx = world.cx("seed_archive.main");
    let late = config.with("source", Value::Unknown(Type::String));
    let planned = world.plan_of(&cx, "seed_archive", &late, None).await.unwrap();
    let made = world.create(&cx, "seed_archive", &planned.after.with("source", Value::from("db"))).await.unwrap();
    assert_eq!(number(&made, "files"), 2);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let (world, good) = world().await;
    let with = |name: &str, value: Json| {
        let mut block = good.clone();
        block[name] = value;
        block
    };
    let missing = format!("directory `{}` does not exist [source]", world.path("nowhere").display());
    for (block, expected) in [
        (with("source", json!("nowhere")), missing.as_str()),
        (with("source", Json::Null), "an archive needs a `source` or a `url` [source]"),
        (with("url", json!("x.tar")), "an archive is either built or adopted, not both [url]"),
        (with("bucket", Json::Null), "an archive that is built needs a `bucket` [bucket]"),
        (with("sha256", json!("00")), "`sha256` is for archives that are adopted [sha256]"),
        (with("level", json!(99)), "`tar.zst` has no compression level 99; it takes 1 to 19 [level]"),
        (with("exclude", json!(["a["])), "[exclude]"),
    ] {
        let error = world.plan("seed_archive.main", &block, None).await.unwrap_err();
        assert!(said(&error).ends_with(expected), "{}", said(&error));
    }
    let made = world.made("seed_archive.main", &with("key", json!("fixed.tar.zst"))).await;
    world.write([("db/a.sst", "changed")]);
    let error = world.plan("seed_archive.main", &with("key", json!("fixed.tar.zst")), Some(&made)).await.unwrap_err();
    assert!(
        said(&error).ends_with("holds the present archive, and the source's content changed [key]"),
        "{}",
        said(&error)
    );
}

#[tokio::test]
async fn a_source_that_changes_after_the_plan_fails_and_leaves_nothing() {
    let (world, block) = world().await;
    let cx = world.cx("seed_archive.main");
    let config = world.config("seed_archive", &block);
    let planned = world.plan_of(&cx, "seed_archive", &config, None).await.unwrap();
    world.write([("db/a.sst", "changed")]);
    let failure = world.create(&cx, "seed_archive", &planned.after).await.unwrap_err();
    assert!(said(&failure.error).ends_with("changed since it was planned"), "{}", said(&failure.error));
    assert!(objects(&world).is_empty(), "{:?}", objects(&world));
}

#[tokio::test]
async fn a_lost_answer_is_found_again() {
    let (world, block) = world().await;
    let cx = world.cx("seed_archive.main");
    let config = world.config("seed_archive", &block);
    let planned = world.plan_of(&cx, "seed_archive", &config, None).await.unwrap();
    assert_eq!(world.resolve(&cx, "seed_archive", &planned.after).await, Resolution::Nothing);
    let made = world.create(&cx, "seed_archive", &planned.after).await.unwrap();
    assert_eq!(world.resolve(&cx, "seed_archive", &planned.after).await, Resolution::Done(made.clone()));
    fs::remove_file(world.path(&format!(".loam/buckets/archives/{}.manifest.json", text(&made, "key")))).unwrap();
    let Resolution::Partial(part) = world.resolve(&cx, "seed_archive", &planned.after).await else {
        panic!("an archive without its manifest is a part");
    };
    assert!(part.get("sha256").unwrap().is_null());
    assert_eq!(world.create(&cx, "seed_archive", &planned.after).await.unwrap(), made, "it is finished");
}

#[tokio::test]
async fn archives_of_others_are_neither_replaced_nor_deleted() {
    let (world, mut block) = world().await;
    block["key"] = json!("shared.tar.zst");
    let made = world.made("seed_archive.main", &block).await;
    let other = world.another().await;
    let failure = other.apply("seed_archive.theirs", &block, None).await.unwrap_err();
    assert!(
        said(&failure.error).contains("belongs to `seed_archive.main` of another state"),
        "{}",
        said(&failure.error)
    );
    other.delete("seed_archive.theirs", &made).await.unwrap();
    assert_eq!(objects(&world).len(), 3);
    assert!(other.notes.lock().unwrap()[0].starts_with("kept "));
}

#[tokio::test]
async fn a_full_bucket_takes_no_archive() {
    let world = World::new().await;
    world.write([("db/a", "x"), (".loam/buckets/none", "")]);
    let bucket = world.made("bucket.b", &json!({ "name": "b", "quota": "1kB" })).await;
    world.write([(".loam/buckets/b/filler", &"x".repeat(1000))]);
    let failure = world.apply("seed_archive.main", &block(&bucket.to_json()), None).await.unwrap_err();
    assert!(said(&failure.error).contains("holds 1000 B of 1000 B"), "{}", said(&failure.error));
}

#[tokio::test]
async fn an_archive_is_adopted_where_it_is_and_never_deleted() {
    let world = World::new().await;
    world.write([("tree/a", "one"), ("tree/b/c", "two")]);
    world.shell("tar -C tree -czf seed.tar.gz .");
    let sha256 = world.shell("sha256sum seed.tar.gz | cut -c1-64").trim().to_owned();
    let block = json!({ "url": "seed.tar.gz", "sha256": sha256 });
    let made = world.made("seed_archive.main", &block).await;
    assert_eq!((number(&made, "files"), number(&made, "uncompressed_bytes")), (2, 6));
    assert!(made.get("key").unwrap().is_null() && made.get("manifest_url").unwrap().is_null());
    world.delete("seed_archive.main", &made).await.unwrap();
    assert!(world.path("seed.tar.gz").exists());

    world.shell("tar -C tree/b -cf seed.tar.gz .");
    let failure = world.apply("seed_archive.main", &block, Some(&made)).await.unwrap_err();
    assert!(said(&failure.error).contains("is not the archive that was asked for"), "{}", said(&failure.error));
    let unverified = json!({ "url": "seed.tar.gz", "allow_unverified": true });
    let (_, made) = world.apply("seed_archive.main", &unverified, Some(&made)).await.unwrap();
    assert_eq!(number(&made, "files"), 1);
    world.shell("tar -C tree -czf seed.tar.gz .");
    let (did, made) = world.apply("seed_archive.main", &unverified, Some(&made)).await.unwrap();
    assert_eq!((did, number(&made, "files")), (Did::Update, 2));
}

#[tokio::test]
async fn adopting_needs_an_archive_and_its_digest() {
    let world = World::new().await;
    world.write([("x.tar", "x")]);
    let digest = "0".repeat(64);
    for (block, expected) in [
        (json!({ "url": "x.tar" }), "an archive that is adopted needs a `sha256` [sha256]"),
        (json!({ "url": "y.tar", "sha256": digest }), "there is no archive at `y.tar` [url]"),
        (json!({ "url": "x.tar", "sha256": "abc" }), "[sha256]"),
        (json!({ "url": "x.tar", "sha256": digest, "key": "k" }), "`key` is for archives that are built [key]"),
        (
            json!({ "url": "s3://b/x.tar", "sha256": digest }),
            "failed to open bucket `s3://b`: no provider opens `s3://b`",
        ),
    ] {
        let failed = world.plan("seed_archive.main", &block, None).await.unwrap_err();
        assert!(said(&failed).contains(expected), "{}", said(&failed));
    }
}
