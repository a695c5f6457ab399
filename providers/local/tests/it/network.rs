use std::collections::BTreeSet;

use loam_provider::{Known, Remains, Resolution, Value};
use serde_json::{Value as Json, json};

use crate::world::{LAUNCH, World, config, get, kill, number, runs, text};

/// Returns a network of servers that are healthy once all of them listen.
pub(crate) fn servers(nodes: u64, more: Json) -> Value {
    let mut wanted = json!({
        "nodes": nodes,
        "command": [LAUNCH, "serve", "$(PORT_HTTP)", "$(DATA_DIR)", "$(PEERS)"],
        "env": { "STATE": "$(CLUSTER_STATE)" },
        "ports": { "http": 0 },
        "peers": { "format": "$(NODE_HOST):$(PORT_HTTP)" },
        "ready": { "http": { "port": "http", "path": "/health" }, "interval": "20ms", "timeout": "20s", "failure_log": "FATAL" },
        "stop": { "grace": "2s" },
    });
    wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config(wanted)
}

pub(crate) fn seeded(world: &World) -> Json {
    let seed = world.path("seed");
    std::fs::create_dir_all(seed.join("sub")).unwrap();
    std::fs::write(seed.join("value"), "from the seed").unwrap();
    std::fs::write(seed.join("sub/.hidden"), "x").unwrap();
    json!({ "seed": { "name": "seed-1", "path": seed, "digest": "abc", "content_root": "r" } })
}

/// Returns the directory of a node, in which its data, files and records are.
pub(crate) fn node_dir(network: &Known, node: &str) -> String {
    format!("{}/node-{node}", text(network, "dir"))
}

pub(crate) fn pids(network: &Known) -> Vec<u32> {
    let nodes = network.get("nodes").unwrap().entries().unwrap();
    nodes.keys().map(|name| number(network, &format!("nodes[\"{name}\"].pid"))).collect()
}

#[tokio::test]
async fn a_network_starts_from_its_seed_and_leaves_nothing() {
    let mut world = World::new("network.bench").await;
    let wanted = servers(3, seeded(&world));
    let planned = world.plan(&wanted, None).await.unwrap();
    assert_eq!(text(&planned.after, "name"), "bench");
    assert_eq!(text(&planned.after, r#"nodes["2"].status"#), "running");
    assert!(text(&planned.after, r#"nodes["2"].data_dir"#).contains("/.loam/networks/bench-"));

    let made = world.create(&wanted).await.unwrap();
    for node in ["0", "1", "2"] {
        let at = |name: &str| format!("nodes[\"{node}\"].{name}");
        assert_eq!(get(text(&made, &at("endpoints.http"))), "from the seed");
        assert_eq!(std::fs::read_to_string(format!("{}/sub/.hidden", text(&made, &at("data_dir")))).unwrap(), "x");
    }
    assert_eq!(pids(&made).into_iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(made.get("bootstrapped"), Some(&Value::Null(loam_provider::Type::Bool)));
    world.assert_settled(&wanted, &made).await;

    std::fs::remove_dir_all(world.path("seed")).unwrap();
    world.assert_settled(&wanted, &made).await;
    world.delete(&made).await.unwrap();
    assert!(pids(&made).iter().all(|pid| !runs(*pid)));
    assert!(world.read(&made).await.is_none());
    world.delete(&made).await.unwrap();
    assert_eq!(world.left(), [""; 0]);
}

#[tokio::test]
async fn the_bootstrap_runs_once_unless_the_seed_holds_what_it_makes() {
    let mut world = World::new("network.bench").await;
    let script = "test $# = 3 && echo ran >> ran.txt; for url; do :; done; echo filled > \"$1/value\"";
    let command = ["sh", "-c", script, "sh", "$(DATA_DIR)", "$(OTHERS_HTTP)", "$(NODE_NAME)"];
    let wanted = servers(2, json!({ "bootstrap": { "command": command } }));
    let made = world.create(&wanted).await.unwrap();
    assert_eq!(made.get("bootstrapped"), Some(&Value::from(true)));
    assert_eq!(get(text(&made, r#"nodes["0"].endpoints.http"#)), "filled\n");
    world.assert_settled(&wanted, &made).await;
    kill(number(&made, r#"nodes["0"].pid"#));
    let (_, after) = world.apply(&wanted, &made).await.unwrap();
    assert_eq!(std::fs::read_to_string(world.path("ran.txt")).unwrap(), "ran\n");
    world.delete(&after).await.unwrap();

    let is_true = Some(Value::from(true));
    let null = Some(Value::Null(loam_provider::Type::Bool));
    let table = [
        ("auto", json!(true), 0, &is_true, "its bootstrap is skipped: the seed holds what it makes"),
        ("auto", json!(false), 1, &is_true, "its bootstrap runs once it is ready"),
        ("auto", Json::Null, 1, &is_true, "its bootstrap runs once it is ready"),
        ("always", json!(true), 1, &is_true, "its bootstrap runs once it is ready"),
        ("never", json!(true), 0, &is_true, "its bootstrap is skipped: the seed holds what it makes"),
        ("never", json!(false), 0, &null, ""),
    ];
    for (when, said, runs, bootstrapped, note) in table {
        world.next_operation();
        std::fs::write(world.path("ran.txt"), "").unwrap();
        let mut more = seeded(&world);
        more["seed"]["bootstrapped"] = said.clone();
        more["bootstrap"] = json!({ "command": ["sh", "-c", "echo ran >> ran.txt"], "when": when });
        let wanted = servers(1, more);
        assert_eq!(world.plan(&wanted, None).await.unwrap().notes.concat(), note, "{when} {said}");
        let made = world.create(&wanted).await.unwrap();
        assert_eq!(std::fs::read_to_string(world.path("ran.txt")).unwrap(), "ran\n".repeat(runs), "{when} {said}");
        assert_eq!(made.get("bootstrapped").cloned(), *bootstrapped, "{when} {said}");
        world.assert_settled(&wanted, &made).await;
        world.delete(&made).await.unwrap();
    }
}

#[tokio::test]
async fn a_volume_that_is_not_filled_yet_decides_about_the_bootstrap_later() {
    let mut world = World::new("network.bench").await;
    let mut more = seeded(&world);
    more["bootstrap"] = json!({ "command": ["sh", "-c", "echo ran >> ran.txt"] });
    let wanted = servers(1, more);
    let seed = wanted.get("seed").unwrap().with("bootstrapped", Value::Unknown(loam_provider::Type::Bool));
    let planned = world.plan(&wanted.with("seed", seed), None).await.unwrap();
    assert_eq!(planned.notes, ["its bootstrap runs unless the seed holds what it makes"]);
    assert!(planned.after.get("bootstrapped").unwrap().is_unknown());
    let told = wanted.get("seed").unwrap().with("bootstrapped", Value::from(true));
    let made = world.create_planned(&planned.after.with("seed", told)).await.unwrap();
    assert_eq!(made.get("bootstrapped"), Some(&Value::from(true)));
    assert!(!world.path("ran.txt").exists());
    world.delete(&made).await.unwrap();
}

#[tokio::test]
async fn a_bootstrap_that_fails_fails_the_network() {
    let world = World::new("network.bench").await;
    let wanted = servers(1, json!({ "bootstrap": { "command": ["sh", "-c", "echo no subnet; exit 4"] } }));
    let failure = world.create(&wanted).await.unwrap_err();
    assert_eq!(failure.to_string(), "`bootstrap` failed: exit status: 4");
    assert_eq!(failure.error.evidence, ["no subnet"]);
    assert_eq!((failure.remains, world.left()), (Remains::Nothing, Vec::new()));
}

#[tokio::test]
async fn one_node_that_fails_ends_all_at_once() {
    let world = World::new("network.bench").await;
    let node = json!({ "a": {}, "b": { "command": ["sh", "-c", "echo bad genesis; exit 7"] } });
    let mut wanted = servers(1, json!({ "node": node }));
    wanted = without(&wanted, "nodes");
    let failure = world.create(&wanted).await.unwrap_err();
    assert_eq!(failure.to_string(), "node `b` ended before it was ready: exit status: 7");
    assert_eq!(failure.error.evidence, ["bad genesis"]);
    assert_eq!((failure.remains, world.left()), (Remains::Nothing, Vec::new()));
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_named() {
    let world = World::new("network.bench").await;
    let failure = world.create(&servers(2, json!({ "command": ["no-such-node", "canary"] }))).await.unwrap_err();
    assert_eq!(failure.to_string(), "failed to start node `0`: cannot run `no-such-node`");
    assert_eq!(world.left(), [""; 0]);
}

#[tokio::test]
async fn a_port_in_use_is_found_before_anything_starts() {
    let world = World::new("network.bench").await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let failure = world.create(&servers(1, json!({ "ports": { "http": port } }))).await.unwrap_err();
    let own = std::process::id();
    let expected = format!("port {port} (`http` of node `0`) is in use by process {own} (`");
    assert!(failure.to_string().starts_with(&expected), "{failure}");
    assert!(failure.error.hint.is_some());
    assert_eq!(world.left(), [""; 0]);
}

#[tokio::test]
async fn mistakes_in_a_network_name_their_attribute() {
    let world = World::new("network.bench").await;
    let table = [
        (json!({ "command": ["x", "$(PORT_HTPP)"] }), "command[1]", "Did you mean `$(PORT_HTTP)`?"),
        (json!({ "env": { "A": "$(date +%s)" } }), "env.A", "Write `$(NAME)`; a literal `$(` is written `$$(`."),
        (json!({ "peers": { "format": "$(PEERS)" } }), "peers.format", "Known here"),
        (json!({ "ports": { "http": 8080 } }), "ports.http", "Write 0 to let loam choose"),
        (json!({ "ports": { "http": 70_000 } }), "ports.http", "Write a number from 1 to 65535"),
        (json!({ "ports": { "http": 0, "a-b": 0, "a_b": 0 } }), "ports.a_b", "Rename one of them."),
        (json!({ "nodes": 0 }), "node_count", "Write a whole number from 1 to 10000."),
        (json!({ "node": { "a": {} } }), "node_count", "Remove `nodes`"),
        (json!({ "ready": { "tcp": { "port": "grpc" } } }), "ready.tcp.port", "Its ports are `http`."),
        (json!({ "ready": { "tcp": { "port": "1" }, "exec": { "command": ["x"] } } }), "ready", "Keep one of"),
        (json!({ "ready": { "http": { "port": "http", "path": "health" } } }), "ready.http.path", "Write \"/health\"."),
        (json!({ "ready": { "exec": { "command": [] } } }), "ready.exec.command", ""),
        (json!({ "files": { "../x": "" } }), r#"files["../x"]"#, "without `..`"),
        (json!({ "command": [] }), "command", "Set `command`"),
        (json!({ "before_join": { "command": ["$(OTHERS_GRPC)"] } }), "before_join.command[0]", "OTHERS_HTTP"),
    ];
    for (more, path, hint) in table {
        let error = world.plan(&servers(2, more.clone()), None).await.unwrap_err();
        assert_eq!(error.path.as_ref().map(ToString::to_string).as_deref(), Some(path), "{more} {error}");
        let found = error.hint.clone().unwrap_or_default();
        assert!(found.contains(hint), "{more}: {error}; {found}");
    }
    let no_peers = without(&servers(1, json!({})), "peers");
    let error = world.plan(&no_peers, None).await.unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("Add a block `peers { format = … }` that says how nodes are listed."));
}

#[tokio::test]
async fn nodes_may_differ_and_get_their_own_files() {
    let mut world = World::new("module.m.network.x[\"é b\"]".split_once("module.m.").unwrap().1).await;
    let node = json!({
        "left": { "env": { "ROLE": "$(NODE_NAME)-$(NODE_INDEX)" } },
        "right": { "files": { "conf/own.txt": "own of $(NODE_NAME)" }, "ports": { "admin": 0 } },
    });
    let files = json!({ "all.txt": "$(NETWORK_NAME) $$(kept) $(PORT_HTTP)" });
    let wanted = without(&servers(1, json!({ "node": node, "files": files })), "nodes");
    let made = world.create(&wanted).await.unwrap();
    let file = |node: &str, name: &str| std::fs::read_to_string(format!("{}/files/{name}", node_dir(&made, node))).ok();
    let port = number(&made, "nodes.left.ports.http");
    assert_eq!(file("left", "all.txt"), Some(format!("x-b $(kept) {port}")));
    assert_eq!(file("right", "conf/own.txt").as_deref(), Some("own of right"));
    assert_eq!(file("left", "conf/own.txt"), None);
    let environment = std::fs::read_to_string(format!("/proc/{}/environ", number(&made, "nodes.left.pid"))).unwrap();
    assert!(environment.split('\0').any(|variable| variable == "ROLE=left-0"), "{environment}");
    assert!(number(&made, "nodes.right.ports.admin") > 0);
    world.assert_settled(&wanted, &made).await;
    world.delete(&made).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_about_a_network_is_found_again() {
    let mut world = World::new("network.bench").await;
    let wanted = servers(2, json!({}));
    let planned = world.plan(&wanted, None).await.unwrap().after;
    assert_eq!(world.resolve(&planned).await, Resolution::Nothing);
    let made = world.create(&wanted).await.unwrap();
    assert_eq!(world.resolve(&planned).await, Resolution::Done(made.clone()));
    assert_eq!(pids(&world.create(&wanted).await.unwrap()), pids(&made));

    // A run that died before the end leaves a directory that says so.
    let owner = format!("{}/owner.json", text(&made, "dir"));
    let unfinished = std::fs::read_to_string(&owner).unwrap().replace("true", "false");
    std::fs::write(&owner, unfinished).unwrap();
    let Resolution::Partial(part) = world.resolve(&planned).await else { panic!("it is not finished") };
    assert_eq!(pids(&part), pids(&made));
    assert_eq!(pids(&world.create(&wanted).await.unwrap()), pids(&made));
    world.delete(&made).await.unwrap();
    assert_eq!(world.resolve(&Known::null()).await, Resolution::Done(Known::null()));
}

#[tokio::test]
async fn a_network_can_be_made_before_the_one_it_replaces_goes() {
    let mut world = World::new("network.bench").await;
    let wanted = servers(1, json!({}));
    let old = world.create(&wanted).await.unwrap();
    world.next_operation();
    let new = world.create(&wanted).await.unwrap();
    assert_ne!(text(&old, "dir"), text(&new, "dir"));
    world.delete(&old).await.unwrap();
    assert!(!runs(pids(&old)[0]) && runs(pids(&new)[0]));
    world.assert_settled(&wanted, &new).await;
    world.delete(&new).await.unwrap();
    assert_eq!(world.left(), [""; 0]);
}

pub(crate) fn without(config: &Value, name: &str) -> Value {
    let fields = config.entries().unwrap().iter().filter(|(field, _)| field.as_str() != name);
    Value::object(fields.map(|(name, value)| (name.clone(), value.clone())))
}
