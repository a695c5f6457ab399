use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use super::{assert_answers, assert_destroyed, assert_ordinary_archive};
use crate::support::{Done, Project, assert_silent, is_running, kill_now, put};

/// Runs the command of the README, with the loam that was built for the tests.
fn up() -> (Project, BTreeSet<PathBuf>) {
    let project = Project::example("quickstart");
    let done = run(&project);
    assert_eq!(done.code, 0, "{}", done.told());
    let before = project.files().into_iter().filter(|path| !path.starts_with(".loam")).collect();
    (project, before)
}

fn run(project: &Project) -> Done {
    let mut command = Command::new("./run");
    project.bare(&mut command);
    Done::of(command.env("LOAM", env!("CARGO_BIN_EXE_loam")))
}

#[test]
fn a_seeded_network_comes_up_and_goes() {
    let (project, before) = up();
    assert_answers(&project.succeed(&["output", "--raw", "greeting"]), "hello");
    let endpoints = project.output_map("endpoints");
    assert_eq!(endpoints.keys().collect::<Vec<_>>(), ["0", "1", "2"]);
    for endpoint in endpoints.values() {
        assert_answers(&format!("{endpoint}/kv/planet"), "earth");
        assert_answers(&format!("{endpoint}/count"), "3");
    }
    project.assert_settled(&[]);
    assert_eq!(run(&project).code, 0, "the README's command can be run again");

    assert_destroyed(&project, &before, &["seed_volume.genesis .loam/seeds"]);
    endpoints.values().for_each(|endpoint| assert_silent(endpoint));

    // What was kept is used again.
    let kept = project.files().into_iter().find(|path| path.starts_with(".loam/seeds") && path.ends_with("demo.db"));
    let inode = || fs::metadata(project.path(kept.as_ref().unwrap())).unwrap().ino();
    let was = inode();
    project.apply(&[]);
    assert_eq!(inode(), was, "it was not extracted again");
    assert_answers(&project.succeed(&["output", "--raw", "greeting"]), "hello");
    project.assert_settled(&[]);
}

#[test]
fn a_node_that_died_comes_back_alone() {
    let (project, _) = up();
    project.apply(&[]); // records that the snapshot restarted a node
    let before = project.nodes("network.demo");
    put(&format!("{}/kv/later", before["1"].endpoints["http"]), "written after the seed");
    kill_now(before["1"].pid);

    let plan = project.loam(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.told());
    assert!(plan.stdout.contains("node `1` is not running"), "{}", plan.told());
    assert!(!plan.stdout.contains("node `0`") && !plan.stdout.contains("node `2`"), "{}", plan.told());

    project.apply(&[]);
    let after = project.nodes("network.demo");
    assert_eq!((&after["0"], &after["2"]), (&before["0"], &before["2"]), "the others were left alone");
    assert_eq!(after["1"].endpoints, before["1"].endpoints, "it has the port it had");
    assert_ne!(after["1"].pid, before["1"].pid);
    assert!(after.values().all(|node| is_running(node.pid)));
    assert_answers(&format!("{}/kv/later", after["1"].endpoints["http"]), "written after the seed");
    project.assert_settled(&[]);
}

#[test]
fn a_node_more_and_a_snapshot_more() {
    let (project, _) = up();
    let before = project.nodes("network.demo");
    let further = ["--var", "nodes=4", "--var", "snapshot=second"];
    project.apply(&further);
    let endpoints = project.output_map("endpoints");
    assert_eq!(endpoints.len(), 4);
    assert_answers(&format!("{}/kv/greeting", endpoints["3"]), "hello");
    for (name, node) in before {
        assert_eq!(endpoints[&name], node.endpoints["http"], "ports are kept");
    }
    let snapshots: Vec<_> = project
        .files()
        .into_iter()
        .filter(|path| path.starts_with(".loam/buckets/archives/demo") && path.to_string_lossy().ends_with(".tar.zst"))
        .collect();
    assert_eq!(snapshots.len(), 2, "{snapshots:?}");
    project.assert_settled(&further);
}

#[test]
fn other_content_is_another_archive_and_touches_no_node() {
    let (project, before) = up();
    project.apply(&[]); // records that the snapshot restarted a node
    let nodes = project.nodes("network.demo");
    let first = project.object("seed_archive.genesis");
    project.succeed(&["demo-node", "--data-dir", "seed", "--fill", "later=content"]);
    let plan = project.succeed(&["plan"]);
    assert!(plan.contains("a new archive is built") && plan.contains("the one before is kept"), "{plan}");
    project.apply(&[]);
    assert_eq!(project.nodes("network.demo"), nodes, "all nodes of a network start from one seed");
    let second = project.object("seed_archive.genesis");
    assert_ne!(first["sha256"], second["sha256"]);
    for archive in [&first, &second] {
        assert!(Path::new(archive["url"].as_str().unwrap().strip_prefix("file://").unwrap()).exists(), "{archive}");
    }
    project.assert_settled(&[]);
    project.apply(&["--var", "nodes=4"]);
    assert_answers(&format!("{}/count", project.output_map("endpoints")["3"]), "3");
    assert_destroyed(&project, &before, &["seed_volume.genesis .loam/seeds"]);
}

#[test]
fn the_archive_is_an_ordinary_one() {
    let (project, _) = up();
    assert_ordinary_archive(&project, "seed_archive.genesis", "seed");
    let (url, sha256) = (project.output("seed")["url"].clone(), project.output("seed")["sha256"].clone());
    let archive = project.object("seed_archive.genesis");
    assert_eq!((&url, &sha256), (&archive["url"], &archive["sha256"]));
}
