use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::Arc,
};

use loam_provider::{Known, Resolution, Value};
use serde_json::{Value as Json, json};

use crate::world::{Did, LAUNCH, World, said};

/// Returns a world with a network of two servers, the network, and the block of a snapshot of it.
async fn world() -> (World, Json, Known, Json) {
    let world = World::new().await;
    let bucket = world.bucket("snaps").await;
    let servers = json!({
        "node_count": 2,
        "command": [LAUNCH, "serve", "$(PORT_HTTP)", "$(DATA_DIR)", "$(PEERS)"],
        "ports": { "http": 0 },
        "peers": { "format": "$(NODE_HOST):$(PORT_HTTP)" },
        "ready": { "http": { "port": "http", "path": "/health" }, "interval": "20ms", "timeout": "20s" },
        "stop": { "grace": "2s" },
    });
    let network = world.made("network.bench", &servers).await;
    for node in ["0", "1"] {
        let value = Path::new(&at(&network, node, "data_dir")).join("value");
        std::fs::write(value, format!("held by {node}")).unwrap();
    }
    let block = json!({ "of": reference(&network), "archive": { "bucket": bucket, "scan": true } });
    (world, servers, network, block)
}

/// Returns what the engine makes of `of = network.bench`.
fn reference(network: &Known) -> Json {
    let ty = loam_provider::kinds::network_reference();
    Known::new(network.value().convert(&ty).unwrap()).unwrap().to_json()
}

fn at(network: &Known, node: &str, name: &str) -> String {
    let node = network.get("nodes").and_then(|nodes| nodes.get(node)).unwrap();
    node.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("`{name}` is no text")).to_owned()
}

fn pid(network: &Known, node: &str) -> Json {
    network.to_json()["nodes"][node]["pid"].clone()
}

fn asked(network: &Known, node: &str) -> String {
    let port = network.to_json()["nodes"][node]["ports"]["http"].to_string();
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer.rsplit("\r\n\r\n").next().unwrap_or_default().to_owned()
}

async fn now(world: &World, network: &Known) -> Known {
    world.read("network.bench", network).await.unwrap()
}

#[tokio::test]
async fn the_last_node_is_stopped_copied_and_started_again() {
    let (world, servers, network, block) = world().await;
    let made = world.made("snapshot.daily", &block).await;
    let after = now(&world, &network).await;
    assert_eq!(pid(&after, "0"), pid(&network, "0"));
    assert_ne!(pid(&after, "1"), pid(&network, "1"), "it was stopped");
    assert_eq!((asked(&after, "0"), asked(&after, "1")), ("held by 0".into(), "held by 1".into()));
    let path = made.to_json()["archives"][0]["url"].as_str().unwrap().strip_prefix("file://").unwrap().to_owned();
    assert_eq!(world.shell(&format!("zstd -dcq {path} | tar -xO ./value")), "held by 1");
    let left = world.files(".loam/networks").into_iter().find(|file| file.contains("stopped-for-snapshot"));
    assert_eq!(left, None);

    let (did, after) = world.apply("network.bench", &servers, Some(&network)).await.unwrap();
    assert_eq!(did, Did::Nothing, "the network is as it is declared");
    world.delete("network.bench", &after).await.unwrap();
    world.delete("snapshot.daily", &made).await.unwrap();
}

#[tokio::test]
async fn what_a_bootstrap_made_is_known_to_who_starts_from_the_snapshot() {
    let world = World::new().await;
    let bucket = world.bucket("snaps").await;
    let servers = |more: Json| {
        let mut servers = json!({
            "command": [LAUNCH, "serve", "$(PORT_HTTP)", "$(DATA_DIR)", "$(NODE_HOST):$(PORT_HTTP)"],
            "ports": { "http": 0 },
            "ready": { "http": { "port": "http" }, "interval": "20ms" },
            "stop": { "grace": "2s" },
            "bootstrap": { "command": ["sh", "-c", "echo ran >> ran.txt"] },
        });
        servers.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        servers
    };
    let first = world.made("network.first", &servers(json!({}))).await;
    let block = json!({ "of": reference(&first), "archive": { "bucket": bucket } });
    let snapshot = world.made("snapshot.daily", &block).await;
    let archive = |json: &Json| {
        let names = ["url", "sha256", "uncompressed_bytes", "files", "content_root"];
        names.iter().map(|name| ((*name).to_owned(), json[*name].clone())).collect::<serde_json::Map<_, _>>()
    };
    let volume = json!({ "archive": archive(&snapshot.to_json()["archives"][0]) });
    let volume = world.made("seed_volume.main", &volume).await;
    assert_eq!(volume.get("bootstrapped"), Some(&Value::from(true)));
    let seed = |volume: &Known| {
        let ty = loam_provider::kinds::seed_volume_reference();
        Known::new(volume.value().convert(&ty).unwrap()).unwrap().to_json()
    };
    let second = world.made("network.second", &servers(json!({ "seed": seed(&volume) }))).await;
    assert_eq!(second.get("bootstrapped"), Some(&Value::from(true)));
    assert_eq!(world.text("ran.txt"), "ran\n");

    // Of an archive that was built, its metadata says so.
    world.write([("db/value", "x")]);
    for (said, bootstrapped) in [("true", Value::from(true)), ("no idea", Value::Null(loam_provider::Type::Bool))] {
        let name = said.replace(' ', "_");
        let block = json!({ "source": "db", "bucket": bucket, "metadata": { "bootstrapped": said } });
        let built = world.made(&format!("seed_archive.{name}"), &block).await;
        let block = json!({ "archive": archive(&built.to_json()) });
        let volume = world.made(&format!("seed_volume.{name}"), &block).await;
        assert_eq!(volume.get("bootstrapped"), Some(&bootstrapped));
    }
    world.delete("network.first", &now(&world, &first).await).await.unwrap();
    world.delete("network.second", &second).await.unwrap();
}

#[tokio::test]
async fn a_node_runs_again_when_the_copy_fails() {
    let (world, _, network, mut block) = world().await;
    block["node"] = json!("0");
    block["hooks"] = json!({ "metadata": ["sh", "-c", "echo out of paper; exit 1"] });
    let failure = world.apply("snapshot.daily", &block, None).await.unwrap_err();
    assert!(said(&failure.error).ends_with("| out of paper"), "{}", said(&failure.error));
    let after = now(&world, &network).await;
    assert_ne!(pid(&after, "0"), pid(&network, "0"));
    assert_eq!(asked(&after, "0"), "held by 0");
    world.delete("network.bench", &after).await.unwrap();
}

#[tokio::test]
async fn a_node_that_a_dead_run_left_stopped_is_started_again() {
    let (world, servers, network, mut block) = world().await;
    world.shell("mkfifo reached");
    let reached = world.path("reached");
    let line = format!("echo > {}; exec sleep 600", reached.display());
    block["hooks"] = json!({ "metadata": ["sh", "-c", line] });
    let cx = world.cx("snapshot.daily");
    let config = world.config("snapshot", &block);
    let planned = world.plan_of(&cx, "snapshot", &config, None).await.unwrap().after;
    let world = Arc::new(world);
    let dying = tokio::spawn({
        let (world, cx, planned) = (Arc::clone(&world), cx.clone(), planned.clone());
        async move { world.create(&cx, "snapshot", &planned).await }
    });
    tokio::task::spawn_blocking(move || std::fs::read(reached)).await.unwrap().unwrap();
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    let stopped = now(&world, &network).await;
    assert!(pid(&stopped, "1").is_null());
    assert!(!pid(&stopped, "0").is_null());

    assert_eq!(world.resolve(&cx, "snapshot", &planned).await, Resolution::Nothing);
    let after = now(&world, &network).await;
    assert_eq!(asked(&after, "1"), "held by 1");
    let (did, after) = world.apply("network.bench", &servers, Some(&network)).await.unwrap();
    assert_eq!(did, Did::Nothing);
    world.delete("network.bench", &after).await.unwrap();
}

#[tokio::test]
async fn a_node_that_could_not_be_started_again_is_not_stopped() {
    let (world, _, network, block) = world().await;
    let launch = Path::new(&at(&network, "1", "data_dir")).with_file_name("launch.json");
    std::fs::remove_file(&launch).unwrap();
    let failure = world.apply("snapshot.daily", &block, None).await.unwrap_err();
    let said = failure.error.to_string();
    assert_eq!(said, format!("`{}` does not tell how node `1` of network `bench` was started", launch.display()));
    assert!(failure.error.hint.unwrap().starts_with("Stop the node and apply its network"));
    let after = now(&world, &network).await;
    assert_eq!(pid(&after, "1"), pid(&network, "1"));
    world.delete("network.bench", &after).await.unwrap();
}

#[tokio::test]
async fn a_probe_of_a_command_is_asked_with_the_node_s_own_names() {
    let world = World::new().await;
    let bucket = world.bucket("snaps").await;
    let servers = json!({
        "command": [LAUNCH, "serve", "$(PORT_HTTP)", "$(DATA_DIR)", "$(NODE_HOST):$(PORT_HTTP)"],
        "ports": { "http": 0 },
        "ready": { "exec": { "command": ["sh", "-c", "echo asked $0 >> asked.txt", "$(NODE_NAME)"] } },
        "stop": { "grace": "2s" },
    });
    let network = world.made("network.bench", &servers).await;
    std::fs::remove_file(world.path("asked.txt")).unwrap();
    let block = json!({ "of": reference(&network), "archive": { "bucket": bucket } });
    world.made("snapshot.daily", &block).await;
    assert_eq!(world.text("asked.txt"), "asked 0\n");
    world.delete("network.bench", &now(&world, &network).await).await.unwrap();
}

#[tokio::test]
async fn without_rest_the_node_is_not_touched() {
    let (world, _, network, mut block) = world().await;
    block["quiesce"] = json!("none");
    world.made("snapshot.daily", &block).await;
    let after = now(&world, &network).await;
    assert_eq!(pid(&after, "1"), pid(&network, "1"));
    world.delete("network.bench", &after).await.unwrap();
}
