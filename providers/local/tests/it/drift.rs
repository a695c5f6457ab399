//! What happened to a network behind loam's back.

use loam_provider::Value;
use serde_json::json;

use crate::{
    network::{node_dir, pids, seeded, servers},
    world::{World, get, kill, number, runs, text},
};

#[tokio::test]
async fn a_killed_node_is_named_and_only_that_one_comes_back_with_its_data() {
    let mut world = World::new("network.bench").await;
    let wanted = servers(3, seeded(&world));
    let made = world.create(&wanted).await.unwrap();
    std::fs::write(format!("{}/value", text(&made, r#"nodes["1"].data_dir"#)), "grown").unwrap();
    let before = pids(&made);
    kill(before[1]);

    let prior = world.read(&made).await.unwrap();
    assert_eq!(text(&prior, r#"nodes["1"].status"#), "dead");
    assert_eq!(prior.at(&r#"nodes["1"].pid"#.parse().unwrap()), Some(&Value::Null(loam_provider::Type::Number)));
    let planned = world.plan(&wanted, Some(&prior)).await.unwrap();
    assert_eq!(planned.notes, ["node `1` is not running"]);
    assert_eq!(text(&planned.after, r#"nodes["1"].status"#), "running");
    assert!(planned.after.at(&r#"nodes["1"].pid"#.parse().unwrap()).unwrap().is_unknown());
    assert_eq!(planned.after.at(&r#"nodes["0"]"#.parse().unwrap()), prior.at(&r#"nodes["0"]"#.parse().unwrap()));

    let (_, after) = world.apply(&wanted, &made).await.unwrap();
    let now = pids(&after);
    assert_eq!((now[0], now[2]), (before[0], before[2]));
    assert!(now[1] != before[1] && runs(now[1]));
    let endpoint = text(&made, r#"nodes["1"].endpoints.http"#);
    assert_eq!(text(&after, r#"nodes["1"].endpoints.http"#), endpoint);
    assert_eq!(get(endpoint), "grown");
    world.assert_settled(&wanted, &after).await;
    world.delete(&after).await.unwrap();
}

#[tokio::test]
async fn changed_files_of_a_node_are_written_again() {
    let mut world = World::new("network.bench").await;
    let wanted = servers(2, json!({ "files": { "a.conf": "declared" } }));
    let made = world.create(&wanted).await.unwrap();
    let file = format!("{}/files/a.conf", node_dir(&made, "0"));
    std::fs::write(&file, "by hand").unwrap();
    let (notes, after) = world.apply(&wanted, &made).await.unwrap();
    assert_eq!(notes, ["the files of node `0` were changed"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "declared");
    assert_eq!(pids(&after)[1], pids(&made)[1]);
    world.delete(&after).await.unwrap();
}

#[tokio::test]
async fn an_extra_node_and_a_changed_flag_are_seen() {
    let mut world = World::new("network.bench").await;
    let two = servers(2, json!({ "peers": { "format": "$(NODE_HOST):$(PORT_HTTP)", "on_change": "keep" } }));
    let one = servers(1, json!({ "peers": { "format": "$(NODE_HOST):$(PORT_HTTP)", "on_change": "keep" } }));
    let made = world.create(&two).await.unwrap();
    let (_, smaller) = world.apply(&one, &made).await.unwrap();
    assert!(!runs(pids(&made)[1]) && runs(pids(&made)[0]));
    let (_, larger) = world.apply(&two, &smaller).await.unwrap();
    // An object that forgot a node sees it again.
    let nodes = larger.get("nodes").unwrap().entries().unwrap();
    let first = Value::map(loam_provider::kinds::network::node_type(), nodes.clone().into_iter().take(1));
    let forgetful = loam_provider::Known::new(larger.value().with("nodes", first)).unwrap();
    let prior = world.read(&forgetful).await.unwrap();
    let planned = world.plan(&one, Some(&prior)).await.unwrap();
    assert_eq!(planned.notes, ["node `1` is stopped and deleted"]);

    let record = format!("{}/record.json", node_dir(&larger, "0"));
    let (_, digest) = text(&larger, r#"nodes["0"].process"#).split_once(' ').unwrap();
    let other = std::fs::read_to_string(&record).unwrap().replace(digest, "of other flags");
    std::fs::write(&record, other).unwrap();
    let (notes, after) = world.apply(&two, &larger).await.unwrap();
    assert_eq!(notes, ["node `0` is restarted"]);
    assert_eq!(number(&after, r#"nodes["1"].pid"#), number(&larger, r#"nodes["1"].pid"#));
    world.delete(&after).await.unwrap();
}

#[tokio::test]
async fn a_node_whose_directory_is_gone_is_made_anew() {
    let mut world = World::new("network.bench").await;
    let wanted = servers(2, seeded(&world));
    let made = world.create(&wanted).await.unwrap();
    std::fs::remove_dir_all(node_dir(&made, "1")).unwrap();
    assert_eq!(text(&world.read(&made).await.unwrap(), r#"nodes["1"].status"#), "lost");
    let (notes, after) = world.apply(&wanted, &made).await.unwrap();
    assert_eq!(notes, ["the directory of node `1` is gone"]);
    assert!(!runs(pids(&made)[1]) && runs(pids(&after)[1]));
    assert_eq!(get(text(&after, r#"nodes["1"].endpoints.http"#)), "from the seed");
    std::fs::remove_dir_all(text(&after, "dir")).unwrap();
    world.delete(&after).await.unwrap();
    assert!(pids(&after).iter().all(|pid| !runs(*pid)));
}

#[tokio::test]
async fn data_without_its_marker_is_not_written_over() {
    let mut world = World::new("network.bench").await;
    let wanted = servers(1, seeded(&world));
    let made = world.create(&wanted).await.unwrap();
    let value = format!("{}/value", text(&made, r#"nodes["0"].data_dir"#));
    std::fs::write(&value, "grown").unwrap();
    let marker = format!("{}/data.json", node_dir(&made, "0"));
    std::fs::remove_file(&marker).unwrap();
    kill(pids(&made)[0]);
    let failure = world.apply(&wanted, &made).await.unwrap_err();
    let data = text(&made, r#"nodes["0"].data_dir"#);
    assert_eq!(failure.to_string(), format!("`{marker}` is gone, which says what `{data}` was filled from"));
    assert!(failure.error.hint.unwrap().starts_with("Write `{}` into that file to keep the data"));
    assert_eq!(std::fs::read_to_string(&value).unwrap(), "grown");

    std::fs::write(&marker, "{}").unwrap();
    let (_, after) = world.apply(&wanted, &made).await.unwrap();
    assert_eq!(get(text(&after, r#"nodes["0"].endpoints.http"#)), "grown");
    world.delete(&after).await.unwrap();
}

#[tokio::test]
async fn a_network_of_another_state_is_not_touched() {
    let mut world = World::new("network.bench").await;
    let made = world.create(&servers(1, json!({}))).await.unwrap();
    let own = world.cx.state_id.clone();
    world.cx.state_id = "another".into();
    let failure = world.delete(&made).await.unwrap_err();
    assert!(failure.to_string().ends_with("belongs to `network.bench` of another state"), "{failure}");
    assert!(runs(pids(&made)[0]));
    world.cx.state_id = own;
    world.delete(&made).await.unwrap();
}

#[tokio::test]
async fn a_creation_that_died_half_way_goes_on_as_a_creation() {
    let mut world = World::new("network.bench").await;
    let script = "echo ran >> ran.txt";
    let hook = json!({ "command": ["sh", "-c", "echo joined >> joined.txt"] });
    let wanted = servers(2, json!({ "bootstrap": { "command": ["sh", "-c", script] }, "before_join": hook }));
    let planned = world.plan(&wanted, None).await.unwrap().after;
    let made = world.create(&wanted).await.unwrap();
    // As if the run had died after the first node was started.
    let dir = std::path::PathBuf::from(text(&made, "dir"));
    kill(pids(&made)[1]);
    std::fs::remove_dir_all(dir.join("node-1")).unwrap();
    let owner = std::fs::read_to_string(dir.join("owner.json")).unwrap().replace("true", "false");
    std::fs::write(dir.join("owner.json"), owner).unwrap();
    std::fs::remove_file(world.path("ran.txt")).unwrap();

    let loam_provider::Resolution::Partial(part) = world.resolve(&planned).await else { panic!("half of it stands") };
    assert_eq!(part.get("bootstrapped"), Some(&Value::from(false)));
    let (notes, after) = world.apply(&wanted, &part).await.unwrap();
    assert!(notes.contains(&"its bootstrap has not run to its end yet".to_owned()), "{notes:?}");
    assert_eq!(std::fs::read_to_string(world.path("ran.txt")).unwrap(), "ran\n");
    assert!(!world.path("joined.txt").exists());
    assert_eq!(std::fs::read_to_string(text(&after, r#"nodes["1"].log"#)).unwrap(), "listening, state new\n");
    world.assert_settled(&wanted, &after).await;
    world.delete(&after).await.unwrap();
}

#[tokio::test]
async fn a_node_that_was_never_found_ready_is_waited_for_again() {
    let mut world = World::new("network.bench").await;
    let wanted = servers(2, json!({}));
    let made = world.create(&wanted).await.unwrap();
    // As if the run had died while it waited.
    std::fs::remove_file(format!("{}/ready", node_dir(&made, "1"))).unwrap();
    let (notes, after) = world.apply(&wanted, &made).await.unwrap();
    assert_eq!(notes, ["node `1` runs and is not ready yet"]);
    assert_eq!(after, made);
    world.delete(&after).await.unwrap();
}
