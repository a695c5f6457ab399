//! What a scripted cloud shows: order, parallelism, and what a failure stops.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use serde_json::Value as Json;

use crate::support::{Done, Project};

const PROVIDER: &str = "provider \"sim\" {\n  world  = \"world\"\n  script = \"script.json\"\n}\n";

fn cloud(configuration: &str, rules: &str) -> Project {
    let project = Project::with(&format!("{PROVIDER}{configuration}"));
    script(&project, rules);
    project
}

fn script(project: &Project, rules: &str) {
    project.write("script.json", format!("{{\"rules\": [{rules}]}}"));
}

/// Returns the most steps that ran at once.
fn most_at_once(done: &Done) -> usize {
    let (mut running, mut most) = (BTreeSet::new(), 0);
    for line in done.lines() {
        let address = line["address"].as_str().unwrap_or_default().to_owned();
        match line["type"].as_str() {
            Some("step_started") => {
                running.insert(address);
                most = most.max(running.len());
            }
            Some("step_done" | "step_failed") => {
                running.remove(&address);
            }
            Some(_) | None => {}
        }
    }
    most
}

fn effects(project: &Project, verb: &str) -> usize {
    project.read("world/effects.log").lines().filter(|line| line.contains(verb)).count()
}

const MANY: &str = r#"
resource "sim_slow" "many" {
  count    = 6
  name     = "slow-${count.index}"
  duration = "50ms"
}
"#;

#[test]
fn no_more_steps_run_at_once_than_allowed() {
    let apply = |arguments: &[&str]| {
        let project = cloud(MANY, "");
        project.apply(&[&["--json"], arguments].concat())
    };
    assert_eq!(most_at_once(&apply(&["--parallelism", "1"])), 1);
    assert_eq!(most_at_once(&apply(&["--parallelism", "2"])), 2);
    assert_eq!(most_at_once(&apply(&[])), 6);
}

const CHAINS: &str = r#"
resource "sim_thing" "bad" {
  name = "bad"
}

resource "sim_thing" "needs_bad" {
  name = "needs-${sim_thing.bad.id}"
}

resource "sim_thing" "needs_that" {
  name = "needs-${sim_thing.needs_bad.id}"
}

resource "sim_thing" "good" {
  name = "good"
}

resource "sim_thing" "needs_good" {
  name  = "needs-good"
  input = sim_thing.good.id
}
"#;

#[test]
fn a_failed_step_stops_only_what_needs_it() {
    let project = cloud(CHAINS, r#"{"address": "sim_thing.bad", "verb": "create", "fault": "fail_before"}"#);
    let done = project.loam(&["apply", "--auto-approve", "--parallelism", "1"]);
    assert_eq!(done.code, 1);
    assert_snapshot!(project.shown(&done.stderr), @r"
    sim_thing.bad: creating…
    sim_thing.bad: failed to create after [DURATION]: the cloud refused
    sim_thing.needs_bad: not started, because `sim_thing.bad` failed
    sim_thing.needs_that: not started, because `sim_thing.bad` failed
    sim_thing.good: creating…
    sim_thing.good: created in [DURATION]
    sim_thing.needs_good: creating…
    sim_thing.needs_good: created in [DURATION]

    error: sim_thing.bad: failed to create: the cloud refused

    Not everything was applied: 2 created, 1 failed, 2 not started in [DURATION].
    ");
    assert_eq!(project.addresses(), ["sim_thing.good", "sim_thing.needs_good"]);

    script(&project, "");
    project.apply(&[]);
    assert_eq!(project.addresses().len(), 5);
    assert_eq!(effects(&project, "create"), 5, "nothing was made twice");
    project.assert_settled(&[]);
}

#[test]
fn a_hanging_call_is_cancelled_by_the_second_interrupt() {
    let project = cloud(CHAINS, r#"{"address": "sim_thing.good", "verb": "create", "fault": "hang"}"#);
    let mut running = project.start(&["apply", "--auto-approve", "--json"]);
    // Everything that can be done is done when the last of the other chain is.
    let is_done = |line: &String| {
        let line: Json = serde_json::from_str(line).unwrap();
        line["type"] == "step_done" && line["address"] == "sim_thing.needs_that"
    };
    while !running.wait_for("step_done").iter().any(is_done) {}
    running.interrupt();
    running.wait_for(r#""type":"stopping""#);
    running.interrupt();
    let done = running.finish();
    assert_eq!(done.code, 1, "{}", done.told());
    assert_eq!(project.addresses(), ["sim_thing.bad", "sim_thing.needs_bad", "sim_thing.needs_that"]);

    script(&project, "");
    project.apply(&[]);
    assert_eq!(project.addresses().len(), 5);
    assert_eq!(effects(&project, "create"), 5, "nothing was made twice");
    project.assert_settled(&[]);
}

#[test]
fn the_first_interrupt_starts_nothing_more() {
    let chain = r#"
resource "sim_slow" "first" {
  name     = "first"
  duration = "1s"
}

resource "sim_thing" "second" {
  name = "after-${sim_slow.first.id}"
}
"#;
    let project = cloud(chain, "");
    let mut running = project.start(&["apply", "--auto-approve", "--json"]);
    running.wait_for("step_started");
    running.interrupt();
    let done = running.finish();
    assert_eq!(done.code, 1, "{}", done.told());
    assert_eq!(project.addresses(), ["sim_slow.first"]);
    project.apply(&[]);
    assert_eq!(effects(&project, "create"), 2);
    project.assert_settled(&[]);
}

#[test]
fn a_lost_answer_makes_nothing_twice() {
    let project = cloud(CHAINS, r#"{"address": "sim_thing.good", "verb": "create", "nth": 1, "fault": "fail_after"}"#);
    let first = project.loam(&["apply", "--auto-approve"]);
    let second = project.loam(&["apply", "--auto-approve"]);
    assert!(first.code == 1 && second.code == 0, "{}\n{}", first.told(), second.told());
    assert_eq!(project.addresses().len(), 5);
    assert_eq!(effects(&project, "create"), 5);
    project.assert_settled(&[]);
}

#[test]
fn data_is_kept_unless_the_configuration_says_otherwise() {
    let project = cloud(
        r#"
resource "sim_volume" "kept" {
  name = "kept"
}

resource "sim_volume" "gone" {
  name       = "gone"
  on_destroy = "delete"
}
"#,
        "",
    );
    project.apply(&[]);
    assert_snapshot!(project.shown(&project.succeed(&["plan", "--destroy"])), @r#"
    loam destroy will:
      - delete
      = keep the real thing, forget its record

      - sim_volume.gone (sim)
          name = "gone"
          # 2 exported attributes

      = sim_volume.kept (sim)  kept: the real thing stays
          generation = 1
          id         = "sim-[HEX]"
          name       = "kept"

    Plan: 1 to delete, 1 kept.
    "#);
    project.succeed(&["destroy", "--auto-approve"]);
    assert_eq!(project.addresses(), [""; 0]);
    assert_eq!(effects(&project, "delete"), 1);
}
