//! loam is killed at random moments, and the next run goes on: nothing is lost, made twice or left over.
//!
//! `LOAM_KILLS` says how many times each command is killed, `LOAM_KILLS_SEED` where the moments begin.

use std::{
    collections::BTreeSet,
    env, fs,
    time::{Duration, Instant},
};

use crate::support::{Project, get};

const CONFIGURATION: &str = r#"
variable "nodes" {
  default = 3
}
variable "flavour" {
  default = "sweet"
}
resource "bucket" "archives" {
  name          = "archives"
  force_destroy = true
}
resource "seed_archive" "genesis" {
  source     = "seed"
  bucket     = bucket.archives
  exclude    = ["node_id"]
  on_destroy = "delete"
}
resource "seed_volume" "genesis" {
  archive    = seed_archive.genesis
  on_destroy = "delete"
}
resource "network" "demo" {
  nodes   = var.nodes
  seed    = seed_volume.genesis
  ports   = { http = 0 }
  env     = { FLAVOUR = var.flavour }
  files   = { "flavour.txt" = var.flavour }
  command = [
    "$(LOAM)", "demo-node", "--name", "$(NODE_NAME)",
    "--listen", "$(NODE_HOST):$(PORT_HTTP)", "--data-dir", "$(DATA_DIR)", "--peers", "$(PEERS)",
  ]
  peers {
    format = "http://$(NODE_HOST):$(PORT_HTTP)"
  }
  ready {
    http {
      port = "http"
      path = "/health"
    }
  }
}
resource "snapshot" "demo" {
  of         = network.demo
  on_destroy = "delete"
  archive {
    bucket = bucket.archives
  }
}
resource "directory" "out" {
  path = "out"
}
resource "file" "card" {
  path    = "${directory.out.path}/card.txt"
  content = "${var.flavour} ${join(" ", [for node in network.demo.nodes : node.endpoints["http"]])}"
}
resource "process" "sleeper" {
  command = ["sleep", "1000"]
  env     = { FLAVOUR = var.flavour }
}
resource "loam_data" "flavour" {
  input = var.flavour
}
resource "replica" "notes" {
  mode       = "push"
  source     = "notes"
  bucket     = bucket.archives
  series     = "notes"
  on_destroy = "delete"
}
output "endpoints" {
  value = { for name, node in network.demo.nodes : name => node.endpoints["http"] }
}
"#;

const OBJECTS: &[&str] = &[
    "bucket.archives",
    "directory.out",
    "file.card",
    "loam_data.flavour",
    "network.demo",
    "process.sleeper",
    "replica.notes",
    "seed_archive.genesis",
    "seed_volume.genesis",
    "snapshot.demo",
];

const OWN: &[&str] = &["main.loam.hcl", "notes/a.txt", "seed/demo.db"];

fn project() -> Project {
    let project = Project::with(CONFIGURATION);
    project.succeed(&["demo-node", "--data-dir", "seed", "--fill", "greeting=hello"]);
    project.write("notes/a.txt", "a note\n".repeat(1000));
    project
}

/// Moments at which to kill, as parts of a whole.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64
    }
}

/// Starts a command again and again from what `prepare` makes, kills it at some moment, and lets it run to its end.
fn kill(arguments: &[&str], prepare: impl Fn() -> Project, check: impl Fn(&Project)) {
    let number = |name: &str, default| env::var(name).map_or(default, |text| text.parse().unwrap());
    let mut moments = Moments(number("LOAM_KILLS_SEED", 1));
    let project = prepare();
    let began = Instant::now();
    project.succeed(arguments);
    let whole = began.elapsed();
    check(&project);
    for _ in 0..number("LOAM_KILLS", 2) {
        let project = prepare();
        let at = whole.mul_f64(moments.next());
        let told = project.start(arguments).kill_after(at);
        let again = project.loam(arguments);
        assert_eq!(again.code, 0, "killed after {at:?}:\n{told}\n{}", again.told());
        check(&project);
    }
}

fn assert_whole(project: &Project, nodes: usize, further: &[&str]) {
    let plan = project.loam(&[&["plan", "--detailed-exitcode"], further].concat());
    assert_eq!(plan.code, 0, "{}", plan.told());
    assert_eq!(project.addresses(), OBJECTS);
    assert_clean(project);

    let files = project.files();
    let records = files.iter().filter(|path| path.ends_with("record.json"));
    let recorded: BTreeSet<i64> = records
        .map(|path| serde_json::from_str::<serde_json::Value>(&project.read(path)).unwrap())
        .map(|record| record["identity"]["pid"].as_i64().unwrap())
        .collect();
    let processes = project.processes();
    let running: BTreeSet<i64> = processes.iter().map(|process| i64::from(process.pid)).collect();
    assert_eq!((running, recorded.len()), (recorded, nodes + 1), "{processes:?}");
    for (folder, count) in [(".loam/networks", 1), (".loam/processes", 1)] {
        assert_eq!(fs::read_dir(project.path(folder)).unwrap().count(), count, "{folder}");
    }
    let ending = |prefix: &str, end: &str| {
        let paths = files.iter().map(|path| path.to_str().unwrap());
        paths
            .filter(|path| path.starts_with(&format!(".loam/buckets/archives/{prefix}")) && path.ends_with(end))
            .count()
    };
    for end in [".tar.zst", ".tar.zst.sha256", ".tar.zst.manifest.json"] {
        assert_eq!((ending("genesis/", end), ending("demo/", end)), (1, 1), "{end}: {files:?}");
    }
    assert_eq!((ending("notes/", "manifest.json"), ending("notes/", "HEAD.json")), (1, 1));
    for (name, url) in project.output_map("endpoints") {
        assert_eq!(get(&format!("{url}/kv/greeting")).unwrap(), (200, "hello".to_owned()), "node {name}");
    }
}

/// Checks that nothing is there that was not finished or not removed wholly.
fn assert_clean(project: &Project) {
    for path in project.files() {
        let name = path.to_str().unwrap();
        let unfinished = [".tmp", "loam-new", ".gone", ".removed", ".loam-tmp/", "staging"];
        assert!(!unfinished.iter().any(|sign| name.contains(sign)), "{name} is left");
    }
}

fn assert_gone(project: &Project) {
    let left: Vec<String> = project.files().iter().map(|path| path.to_str().unwrap().to_owned()).collect();
    assert_eq!((left, project.processes()), (OWN.iter().map(|path| (*path).to_owned()).collect(), Vec::new()));
    assert_eq!(project.addresses(), [""; 0]);
    for folder in [".loam/networks", ".loam/processes", ".loam/seeds", ".loam/buckets"] {
        assert_eq!(fs::read_dir(project.path(folder)).map_or(0, Iterator::count), 0, "{folder}");
    }
}

#[test]
fn an_apply_that_was_killed_is_finished_by_the_next() {
    kill(&["apply", "--auto-approve"], project, |project| {
        assert_whole(project, 3, &[]);
        project.succeed(&["destroy", "--auto-approve"]);
        assert_gone(project);
    });
}

#[test]
fn an_update_that_was_killed_is_finished_by_the_next() {
    let further = ["--var", "flavour=sour", "--var", "nodes=4"];
    let prepare = || {
        let project = project();
        project.apply(&[]);
        project
    };
    kill(&[&["apply", "--auto-approve"][..], &further].concat(), prepare, |project| {
        assert_whole(project, 4, &further);
        assert!(project.read("out/card.txt").starts_with("sour "));
    });
}

#[test]
fn a_destroy_that_was_killed_is_finished_by_the_next() {
    let prepare = || {
        let project = project();
        project.apply(&[]);
        project
    };
    kill(&["destroy", "--auto-approve"], prepare, assert_gone);
}

#[test]
fn a_delete_that_was_never_made_is_made_by_the_next_run() {
    let project = Project::with("resource \"file\" \"card\" {\n  path    = \"card.txt\"\n  content = \"x\"\n}\n");
    project.apply(&[]);
    // As if loam had been killed between the journal and the call.
    let state = rusqlite::Connection::open(project.path(".loam/state.db")).unwrap();
    let journal = "INSERT INTO runs (id, command, started_at, pid, host, user) VALUES (99, 'destroy', 0, 1, 'h', 'u');
        INSERT INTO steps (run, ordinal, addr, deposed, action, kind, provider, token, terms, status, attempts, changed_at)
        VALUES (99, 0, 'file.card', '', 'delete', 'file', 'local', 'token-99',
            '{\"dependencies\": [], \"on_destroy\": \"delete\", \"replace_order\": \"delete_first\"}', 'started', 1, 0);";
    state.execute_batch(journal).unwrap();
    state.close().unwrap();
    project.succeed(&["destroy", "--auto-approve"]);
    assert!(!project.path("card.txt").exists(), "it was forgotten and not deleted");
}

#[test]
fn two_who_want_the_state_wait_for_each_other_or_are_told_who_has_it() {
    let project = Project::with(
        "resource \"process\" \"slow\" {\n  command = [\"sleep\", \"1000\"]\n  ready {\n    exec {\n      command = \
         [\"sh\", \"-c\", \"touch asked; test -e answer\"]\n    }\n  }\n}\n",
    );
    let first = project.start(&["apply", "--auto-approve"]);
    crate::support::until_exists(&project.path("asked"));
    let refused = project.loam(&["apply", "--auto-approve"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("is locked by `loam apply` (run 1) of user `tester`"), "{}", refused.stderr);
    let second = project.start(&["apply", "--auto-approve", "--lock-timeout", "2m"]);
    project.write("answer", "");
    assert_eq!(first.finish().code, 0);
    let second = second.finish();
    assert!(second.code == 0 && second.stdout.contains("No changes."), "{}", second.told());

    // A lock dies with its holder.
    fs::remove_file(project.path("answer")).unwrap();
    fs::remove_file(project.path("asked")).unwrap();
    let third = project.start(&["apply", "--auto-approve", "--replace", "process.slow"]);
    crate::support::until_exists(&project.path("asked"));
    third.kill_after(Duration::ZERO);
    project.write("answer", "");
    project.apply(&[]);
    assert_eq!(project.processes().len(), 1);
}
