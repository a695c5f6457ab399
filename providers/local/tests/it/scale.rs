//! Networks that grow, shrink, and change one node at a time.

use serde_json::json;

use crate::{
    network::{node_dir, pids, servers},
    world::{World, config, number, runs, text},
};

#[tokio::test]
async fn growing_and_shrinking_leave_the_others_alone_when_they_keep() {
    let mut world = World::new("network.bench").await;
    let peers = json!({ "peers": { "format": "$(NODE_HOST):$(PORT_HTTP)", "on_change": "keep" } });
    let one = servers(1, peers.clone());
    let three = servers(3, peers);
    let made = world.create(&one).await.unwrap();
    let prior = world.read(&made).await.unwrap();
    let planned = world.plan(&three, Some(&prior)).await.unwrap();
    assert_eq!(planned.notes, ["nodes `1`, `2` are added"]);
    let (_, larger) = world.apply(&three, &made).await.unwrap();
    assert_eq!(pids(&larger)[0], pids(&made)[0]);
    assert_eq!(std::fs::read_to_string(text(&larger, r#"nodes["0"].log"#)).unwrap(), "listening, state new\n");
    assert_eq!(std::fs::read_to_string(text(&larger, r#"nodes["2"].log"#)).unwrap(), "listening, state existing\n");
    world.assert_settled(&three, &larger).await;

    let (_, smaller) = world.apply(&one, &larger).await.unwrap();
    assert_eq!(pids(&smaller), pids(&made));
    assert!(!std::path::Path::new(&node_dir(&larger, "2")).exists());
    world.assert_settled(&one, &smaller).await;
    world.delete(&smaller).await.unwrap();
}

#[tokio::test]
async fn a_change_of_peers_restarts_the_others_by_default() {
    let mut world = World::new("network.bench").await;
    let made = world.create(&servers(1, json!({}))).await.unwrap();
    let two = servers(2, json!({}));
    let (_, larger) = world.apply(&two, &made).await.unwrap();
    assert!(pids(&larger)[0] != pids(&made)[0] && !runs(pids(&made)[0]));
    assert_eq!(number(&larger, r#"nodes["0"].ports.http"#), number(&made, r#"nodes["0"].ports.http"#));
    world.assert_settled(&two, &larger).await;
    world.delete(&larger).await.unwrap();
}

#[tokio::test]
async fn those_that_stay_learn_of_a_change_before_anybody_leaves() {
    let mut world = World::new("network.bench").await;
    let script =
        "trap 'echo stop $0 >> order.txt; exit 0' TERM; echo start $0 >> order.txt; while :; do sleep 0.02; done";
    let wanted = |nodes: u64, more: serde_json::Value| {
        let mut wanted = json!({
            "nodes": nodes,
            "command": ["sh", "-c", script, "$(NODE_NAME)", "$(PEERS)"],
            "peers": { "format": "$(NODE_NAME)" },
        });
        wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config(wanted)
    };
    let order = |world: &World| {
        let said = std::fs::read_to_string(world.path("order.txt")).unwrap();
        std::fs::remove_file(world.path("order.txt")).unwrap();
        said.lines().collect::<Vec<_>>().join(", ")
    };
    let two = world.create(&wanted(2, json!({}))).await.unwrap();
    order(&world);
    let (_, three) = world.apply(&wanted(3, json!({})), &two).await.unwrap();
    assert_eq!(order(&world), "start 2, stop 0, start 0, stop 1, start 1");
    let (_, two) = world.apply(&wanted(2, json!({})), &three).await.unwrap();
    assert_eq!(order(&world), "stop 0, start 0, stop 1, start 1, stop 2");

    // A node that has ended by itself is gone already.
    let (_, three) = world.apply(&wanted(3, json!({})), &two).await.unwrap();
    crate::world::kill(pids(&three)[2]);
    order(&world);
    let (_, two) = world.apply(&wanted(2, json!({})), &three).await.unwrap();
    assert_eq!(order(&world), "stop 0, start 0, stop 1, start 1");
    assert!(!std::path::Path::new(&node_dir(&three, "2")).exists());

    // A hook takes a node out while all others run as before.
    let hook = json!({ "before_leave": { "command": ["sh", "-c", "echo hook $0 >> order.txt", "$(NODE_NAME)"] } });
    let (_, three) = world.apply(&wanted(3, hook.clone()), &two).await.unwrap();
    order(&world);
    let (_, two) = world.apply(&wanted(2, hook.clone()), &three).await.unwrap();
    assert_eq!(order(&world), "hook 2, stop 2, stop 0, start 0, stop 1, start 1");
    world.assert_settled(&wanted(2, hook), &two).await;
    world.delete(&two).await.unwrap();
}

#[tokio::test]
async fn a_changed_flag_rolls_one_node_at_a_time() {
    let mut world = World::new("network.bench").await;
    let made = world.create(&servers(3, json!({}))).await.unwrap();
    let changed = servers(3, json!({ "env": { "STATE": "changed" } }));
    let prior = world.read(&made).await.unwrap();
    let planned = world.plan(&changed, Some(&prior)).await.unwrap();
    assert_eq!(planned.notes, ["nodes `0`, `1`, `2` are restarted one at a time"]);
    let (_, after) = world.apply(&changed, &made).await.unwrap();
    assert!(pids(&made).iter().all(|pid| !runs(*pid)) && pids(&after).iter().all(|pid| runs(*pid)));
    // Each was ready, and recorded so, before the next one was started.
    let time = |node: &str, file: &str| {
        let path = format!("{}/{file}", node_dir(&after, node));
        std::fs::metadata(path).unwrap().modified().unwrap()
    };
    assert!(time("0", "ready") <= time("1", "record.json") && time("1", "ready") <= time("2", "record.json"));
    world.assert_settled(&changed, &after).await;
    world.delete(&after).await.unwrap();
}

#[tokio::test]
async fn a_roll_stops_at_the_first_node_that_fails() {
    let mut world = World::new("network.bench").await;
    let good = servers(3, json!({}));
    let made = world.create(&good).await.unwrap();
    let bad = servers(3, json!({ "command": ["sh", "-c", "echo no such flag; exit 1"] }));
    let failure = world.apply(&bad, &made).await.unwrap_err();
    assert_eq!(failure.to_string(), "node `0` ended before it was ready: exit status: 1");
    let loam_provider::Remains::Partial(part) = failure.remains else { panic!("the network stands") };
    assert_eq!(text(&part, r#"nodes["0"].status"#), "dead");
    assert_eq!(pids(&part)[1..], pids(&made)[1..]);
    let (notes, after) = world.apply(&good, &part).await.unwrap();
    assert_eq!(notes, ["node `0` is not running"]);
    world.assert_settled(&good, &after).await;
    world.delete(&after).await.unwrap();
}

#[tokio::test]
async fn nodes_join_one_by_one_and_take_leave_by_their_hooks() {
    let mut world = World::new("network.bench").await;
    let say = |what: &str| {
        let script = format!("echo {what} $0 $1 $2 $3 $ROLE >> hooks.txt");
        json!({ "command": ["sh", "-c", script, "$(NODE_NAME)", "$(OTHERS_HTTP)", "$(PORT_HTTP)", "$(NODE_INDEX)"] })
    };
    let hooks = json!({
        "peers": { "format": "$(NODE_HOST):$(PORT_HTTP)", "on_change": "keep" },
        "before_join": say("join"),
        "before_leave": say("leave"),
        "files": { "peers": "$(PEERS)" },
        "env": { "ROLE": "$(NODE_NAME)-of-$(NETWORK_NAME)" },
    });
    let (one, three) = (servers(1, hooks.clone()), servers(3, hooks));
    let made = world.create(&one).await.unwrap();
    assert!(!world.path("hooks.txt").exists());
    let (_, larger) = world.apply(&three, &made).await.unwrap();
    let (_, smaller) = world.apply(&one, &larger).await.unwrap();
    let url = |node: &str| text(&larger, &format!("nodes[\"{node}\"].endpoints.http")).to_owned();
    let port = |node: &str| number(&larger, &format!("nodes[\"{node}\"].ports.http"));
    let said = std::fs::read_to_string(world.path("hooks.txt")).unwrap();
    let expected = [
        format!("join 1 {} {} 1 1-of-bench", url("0"), port("1")),
        format!("join 2 {},{} {} 2 2-of-bench", url("0"), url("1"), port("2")),
        format!("leave 1 {} {} 1 1-of-bench", url("0"), port("1")),
        format!("leave 2 {} {} 2 2-of-bench", url("0"), port("2")),
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    world.delete(&smaller).await.unwrap();
}

#[tokio::test]
async fn a_hook_is_tried_again_only_where_it_says_so() {
    let mut world = World::new("network.bench").await;
    let script = "if test -e tried; then exit 0; fi; touch tried; echo not yet; exit 1";
    let hook = |more: serde_json::Value| {
        let mut hook = json!({ "command": ["sh", "-c", script] });
        hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let peers = json!({ "format": "$(NODE_HOST):$(PORT_HTTP)", "on_change": "keep" });
        json!({ "peers": peers, "before_join": hook })
    };
    let made = world.create(&servers(1, hook(json!({})))).await.unwrap();
    let failure = world.apply(&servers(2, hook(json!({}))), &made).await.unwrap_err();
    assert_eq!(failure.to_string(), "`before_join` failed: exit status: 1");
    assert_eq!(failure.error.evidence, ["not yet"]);
    let loam_provider::Remains::Partial(part) = failure.remains else { panic!("the network stands") };
    assert_eq!(pids(&part), pids(&made));

    std::fs::remove_file(world.path("tried")).unwrap();
    let patient = servers(2, hook(json!({ "retry_every": "10ms" })));
    let (_, larger) = world.apply(&patient, &part).await.unwrap();
    assert_eq!(pids(&larger)[0], pids(&made)[0]);
    world.assert_settled(&patient, &larger).await;
    world.delete(&larger).await.unwrap();
}
