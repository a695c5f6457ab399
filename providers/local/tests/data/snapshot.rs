use std::fs;

use loam_provider::{Known, Remains, Resolution, Value};
use serde_json::{Value as Json, json};

use crate::world::{Did, World, said};

async fn world() -> (World, Json) {
    let world = World::new().await;
    world.write([("data/state.db", "one"), ("data/logs/x.log", "two"), ("data/priv_validator_key.json", "CANARY")]);
    let bucket = world.bucket("snaps").await;
    (world, json!({ "directory": "data", "archive": { "bucket": bucket, "scan": true } }))
}

fn archives(object: &Known) -> Json {
    object.to_json()["archives"].clone()
}

fn objects(world: &World) -> Vec<String> {
    let all = world.files(".loam/buckets/snaps").into_iter();
    all.filter(|path| !path.starts_with(".loam-") && !path.ends_with(".sha256") && !path.ends_with(".json")).collect()
}

#[tokio::test]
async fn a_snapshot_stays_as_the_data_was() {
    let (world, mut block) = world().await;
    block["archive"]["formats"] = json!(["tar.zst", "tar.gz"]);
    let made = world.made("snapshot.daily", &block).await;
    let found = archives(&made);
    assert_eq!((found[0]["format"].as_str(), found[1]["format"].as_str()), (Some("tar.zst"), Some("tar.gz")));
    assert_eq!((found[0]["files"].as_u64(), made.to_json()["size"].as_u64()), (Some(2), Some(6)));
    for (archive, unpack) in found.as_array().unwrap().iter().zip(["zstd -dcq", "gzip -dc"]) {
        let path = archive["url"].as_str().unwrap().strip_prefix("file://").unwrap();
        assert!(world.shell(&format!("sha256sum {path}")).starts_with(archive["sha256"].as_str().unwrap()));
        world.shell(&format!("rm -rf out && mkdir out && {unpack} {path} | tar -x -C out"));
        assert_eq!(world.files("out"), ["logs/x.log", "state.db"]);
    }
    world.write([("data/state.db", "changed")]);
    let (did, _) = world.apply("snapshot.daily", &block, Some(&made)).await.unwrap();
    assert_eq!(did, Did::Nothing, "what happens afterwards is no drift");
    world.delete("snapshot.daily", &made).await.unwrap();
    assert!(objects(&world).is_empty());
    assert!(world.read("snapshot.daily", &made).await.is_none());
}

#[tokio::test]
async fn a_trigger_makes_another_and_old_ones_are_kept_as_declared() {
    let (world, mut block) = world().await;
    block["keep"] = json!({ "last": 2 });
    let mut made = world.made("snapshot.daily", &block).await;
    let mut urls = vec![archives(&made)[0]["url"].as_str().unwrap().to_owned()];
    for number in 1..=3 {
        block["triggers"] = json!({ "number": number.to_string() });
        world.write([("data/state.db", &number.to_string())]);
        let (did, next) = world.apply("snapshot.daily", &block, Some(&made)).await.unwrap();
        assert_eq!(did, Did::Update);
        urls.push(archives(&next)[0]["url"].as_str().unwrap().to_owned());
        made = next;
    }
    assert_eq!(objects(&world).len(), 2, "{:?}", objects(&world));
    assert_eq!(made.to_json()["previous"][0]["url"].as_str(), Some(urls[2].as_str()));

    block["keep"] = json!({ "last": 1 });
    let (did, made) = world.apply("snapshot.daily", &block, Some(&made)).await.unwrap();
    assert_eq!(did, Did::Update);
    assert_eq!(archives(&made)[0]["url"].as_str(), Some(urls[3].as_str()), "the newest stays");
    assert_eq!(objects(&world).len(), 1);
}

#[tokio::test]
async fn a_snapshot_that_is_gone_is_made_again() {
    let (world, block) = world().await;
    let made = world.made("snapshot.daily", &block).await;
    fs::remove_file(world.path(".loam/buckets/snaps").join(&objects(&world)[0])).unwrap();
    assert!(world.read("snapshot.daily", &made).await.is_none());
    let mut block = block;
    block["archive"]["formats"] = json!(["tar", "tar.zst"]);
    let made = world.made("snapshot.daily", &block).await;
    let tar = objects(&world).into_iter().find(|path| path.ends_with(".tar")).unwrap();
    fs::remove_file(world.path(".loam/buckets/snaps").join(tar)).unwrap();
    let seen = world.read("snapshot.daily", &made).await.unwrap();
    assert_eq!(seen.get("ready"), Some(&Value::from(false)));
    let (did, _) = world.apply("snapshot.daily", &block, Some(&made)).await.unwrap();
    assert_eq!(did, Did::Update);
}

#[tokio::test]
async fn hooks_run_in_order_in_the_data_and_tell_the_manifest() {
    let (world, mut block) = world().await;
    let log = |word: &str| json!(["sh", "-c", format!("echo {word} >> ../log")]);
    block["hooks"] = json!({
        "before": log("before"),
        "prune": ["sh", "-c", "echo prune >> ../log; rm -r logs"],
        "metadata": ["sh", "-c", "echo metadata >> ../log; echo '{\"height\": 42}'"],
        "after": ["sh", "-c", "echo after $(basename $LOAM_DATA_DIR) $LOAM_SECRET >> ../log"],
    });
    let made = world.made("snapshot.daily", &block).await;
    assert_eq!(world.text("log"), "before\nprune\nmetadata\nafter data\n");
    assert_eq!(archives(&made)[0]["files"].as_u64(), Some(1));
    let path = archives(&made)[0]["url"].as_str().unwrap().strip_prefix("file://").unwrap().to_owned();
    let manifest: Json = serde_json::from_str(&fs::read_to_string(format!("{path}.manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["app"]["height"], 42);
}

#[tokio::test]
async fn a_failing_hook_is_told_with_what_it_printed_and_after_runs_all_the_same() {
    let (world, mut block) = world().await;
    block["hooks"] = json!({
        "metadata": ["sh", "-c", "echo no such height >&2; exit 3"],
        "after": ["sh", "-c", "echo after > ../log"],
    });
    let failure = world.apply("snapshot.daily", &block, None).await.unwrap_err();
    let told = said(&failure.error);
    assert_eq!(told, "hook `metadata` failed: exit status: 3 [hooks.metadata] | no such height");
    assert_eq!((failure.remains, world.text("log").as_str()), (Remains::InDoubt, "after\n"));
    assert!(objects(&world).is_empty());

    fs::remove_file(world.path("log")).unwrap();
    block["hooks"]["before"] = json!(["no-such-command"]);
    let failure = world.apply("snapshot.daily", &block, None).await.unwrap_err();
    let told = said(&failure.error);
    assert!(told.starts_with("hook `before` cannot run `no-such-command`: "), "{told}");
    assert!(told.ends_with(" [hooks.before]") && world.text("log") == "after\n", "{told}");
}

#[tokio::test]
async fn a_planted_key_is_not_published() {
    let (world, block) = world().await;
    for (file, content, because) in [
        ("data/config.txt", "a\n-----BEGIN OPENSSH PRIVATE KEY-----\n", "it holds a private key"),
        ("data/.env", "TOKEN=x", "its name is that of a node's identity or a secret"),
    ] {
        let mut block = block.clone();
        block["archive"]["exclude"] = json!(["!.env"]);
        world.write([(file, content)]);
        let failure = world.apply("snapshot.daily", &block, None).await.unwrap_err();
        let name = file.strip_prefix("data/").unwrap();
        assert_eq!(said(&failure.error), format!("`{name}` must not be published: {because}"));
        assert!(objects(&world).is_empty());
        block["archive"]["scan"] = json!(false);
        world.made("snapshot.unscanned", &block).await;
        world.shell(&format!("rm {file}; rm -r .loam/buckets/snaps/unscanned"));
    }
    let made = world.made("snapshot.daily", &block).await;
    let path = archives(&made)[0]["url"].as_str().unwrap().strip_prefix("file://").unwrap().to_owned();
    assert!(!world.shell(&format!("zstd -dcq {path} | strings")).contains("CANARY"));
}

#[tokio::test]
async fn a_lost_answer_is_found_again() {
    let (world, mut block) = world().await;
    block["archive"]["formats"] = json!(["tar.zst", "tar"]);
    let cx = world.cx("snapshot.daily");
    let config = world.config("snapshot", &block);
    let planned = world.plan_of(&cx, "snapshot", &config, None).await.unwrap();
    assert_eq!(world.resolve(&cx, "snapshot", &planned.after).await, Resolution::Nothing);
    let made = world.create(&cx, "snapshot", &planned.after).await.unwrap();
    assert_eq!(world.resolve(&cx, "snapshot", &planned.after).await, Resolution::Done(made));
    let tar = objects(&world).into_iter().find(|path| path.ends_with(".tar")).unwrap();
    fs::remove_file(world.path(".loam/buckets/snaps").join(tar)).unwrap();
    let Resolution::Partial(part) = world.resolve(&cx, "snapshot", &planned.after).await else {
        panic!("one archive of two is a part");
    };
    assert_eq!(archives(&part).as_array().unwrap().len(), 1);

    // Without its manifest, which is written last, nobody would ever know of an archive.
    let [archive] = objects(&world).try_into().unwrap();
    fs::remove_file(world.path(".loam/buckets/snaps").join(format!("{archive}.manifest.json"))).unwrap();
    assert_eq!(world.resolve(&cx, "snapshot", &planned.after).await, Resolution::Nothing);
    assert_eq!(objects(&world), [""; 0]);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let (world, good) = world().await;
    let network = json!({ "name": "n", "nodes": { "0": { "data_dir": "x" }, "1": { "data_dir": "y" } } });
    for (change, expected) in [
        (
            json!({ "schedule": { "cron": "0 * * * *" } }),
            "a schedule needs the agent, which `local` does not run yet [schedule]",
        ),
        (json!({ "of": network }), "a snapshot is `of` a network or of a `directory`, not both [directory]"),
        (json!({ "directory": null }), "a snapshot needs `of` or `directory` [of]"),
        (json!({ "node": "0" }), "`node` needs `of`, the network that the node is in [node]"),
        (json!({ "quiesce": "stop" }), "only a network's node can be stopped [quiesce]"),
        (json!({ "quiesce": "hook" }), "`hook` needs a command in `hooks { before = […] }` [quiesce]"),
        (json!({ "keep": { "last": 0 } }), "the newest snapshot is always kept [keep.last]"),
        (json!({ "directory": null, "of": network, "node": "7" }), "network `n` has no node `7` [node]"),
    ] {
        let mut block = good.clone();
        for (name, value) in change.as_object().unwrap() {
            block[name] = value.clone();
        }
        let error = world.plan("snapshot.daily", &block, None).await.unwrap_err();
        assert_eq!(said(&error), expected);
    }
    let mut block = good.clone();
    block["archive"]["formats"] = json!(["tar", "tar"]);
    let error = world.plan("snapshot.daily", &block, None).await.unwrap_err();
    assert_eq!(said(&error), "`tar` is there twice [archive.formats[1]]");
    block["archive"]["formats"] = json!([]);
    block["directory"] = json!("nowhere");
    let failure = world.apply("snapshot.daily", &block, None).await.unwrap_err();
    assert!(said(&failure.error).ends_with("does not exist [directory]"), "{}", said(&failure.error));
}
