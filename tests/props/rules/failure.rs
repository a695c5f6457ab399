//! What is left after a failure, a stop, or an answer that broke the contract.

use loam::{apply::Stop, state::Condition};
use loam_sim::{Fault, Rule, Verb};
use serde_json::json;

use crate::project::{Ask, Project};

fn sized(a: u32, b: u32) -> String {
    format!(
        r#"
resource "sim_thing" "a" {{
  name = "a"
  size = {a}
}}
resource "sim_thing" "b" {{
  name = "b"
  size = {b}
}}
output "a" {{
  value = sim_thing.a.size
}}
output "b" {{
  value = sim_thing.b.size
}}
"#
    )
}

#[test]
fn an_output_of_what_failed_keeps_its_value() {
    let mut project = Project::new();
    project.apply(&sized(1, 1)).complete();
    project.world.set_faults([Rule::every(Verb::Update, Fault::FailBefore).at("sim_thing.b")]);
    let run = project.apply(&sized(2, 2));
    assert_eq!(run.done(), ["update sim_thing.a"]);
    assert_eq!((project.output("a"), project.output("b")), (Some(json!(2)), Some(json!(1))));
    project.world.set_faults([]);
    project.apply(&sized(2, 2)).complete();
    assert_eq!((project.output("a"), project.output("b")), (Some(json!(2)), Some(json!(2))));
}

#[test]
fn a_stopped_run_records_no_output_that_it_did_not_come_to() {
    let mut project = Project::new();
    project.apply(&sized(1, 1)).complete();
    let stop = vec![("step_started".to_owned(), 1, Stop::Finish)];
    let ask = Ask { stop, parallelism: 1, ..Ask::default() };
    let run = project.run(&sized(2, 2), &ask).unwrap();
    let summary = run.applied.as_ref().unwrap().summary;
    assert_eq!((summary.updated, summary.skipped, summary.failed), (1, 1, 0), "{}", run.told());
    assert_eq!((project.output("a"), project.output("b")), (Some(json!(2)), Some(json!(1))));
}

#[test]
fn a_destroy_that_fails_keeps_the_outputs() {
    let mut project = Project::new();
    project.apply(&sized(1, 1)).complete();
    project.world.set_faults([Rule::every(Verb::Delete, Fault::FailBefore).at("sim_thing.b")]);
    assert!(!project.destroy(&sized(1, 1)).is_complete());
    assert_eq!(project.addresses(), ["sim_thing.b"]);
    assert_eq!(project.output("b"), Some(json!(1)));
    project.world.set_faults([]);
    project.destroy(&sized(1, 1)).complete();
    assert_eq!((project.addresses(), project.output("b")), (vec![], None));
}

#[test]
fn a_retained_object_that_came_half_way_is_deleted_when_it_is_replaced() {
    for order in ["false", "true"] {
        let text = format!(
            "resource \"sim_volume\" \"v\" {{\n  name = \"v\"\n  content = \"x\"\n  \
             lifecycle {{\n    create_before_destroy = {order}\n  }}\n}}\n"
        );
        let mut project = Project::new();
        project.world.set_faults([Rule::every(Verb::Create, Fault::Partial).nth(1)]);
        assert!(!project.apply(&text).is_complete());
        assert_eq!(project.object("sim_volume.v").condition, Condition::Partial);
        project.apply(&text).complete();
        assert_eq!(project.world.objects().unwrap().len(), 1, "create_before_destroy = {order}");
        assert!(project.plan(&text).changes.is_empty());
    }
}

#[test]
fn what_a_tainted_replacement_left_deposed_is_deleted_although_it_would_be_retained() {
    let text = "resource \"sim_volume\" \"v\" {\n  name = \"v\"\n  \
                lifecycle {\n    create_before_destroy = true\n  }\n}\n";
    let mut project = Project::new();
    project.world.set_faults([Rule::every(Verb::Create, Fault::Partial).nth(1)]);
    assert!(!project.apply(text).is_complete());
    project.world.set_faults([Rule::every(Verb::Delete, Fault::FailBefore).nth(1)]);
    assert!(!project.apply(text).is_complete());
    assert_eq!(project.addresses().len(), 2);
    project.apply(text).complete();
    assert_eq!((project.addresses().len(), project.world.objects().unwrap().len()), (1, 1));
}

#[test]
fn half_a_deletion_keeps_what_the_old_object_was_made_from() {
    let text = |a: &str, of: &str| {
        format!(
            r#"
resource "sim_thing" "x" {{
  name = "x"
}}
resource "sim_thing" "y" {{
  name = "y"
}}
resource "sim_thing" "a" {{
  name  = "a"
  color = "{a}"
  input = sim_thing.{of}.id
}}
"#
        )
    };
    let mut project = Project::new();
    project.apply(&text("red", "x")).complete();
    project.world.set_faults([Rule::every(Verb::Delete, Fault::Partial).at("sim_thing.a")]);
    assert!(!project.apply(&text("blue", "y")).is_complete());
    let object = project.object("sim_thing.a");
    assert_eq!(object.condition, Condition::Partial);
    assert_eq!(object.dependencies[0].to_string(), "sim_thing.x");
}

#[test]
fn a_failure_skips_what_needs_it_and_nothing_else() {
    let text = r#"
resource "sim_thing" "a" {
  name = "a"
}
resource "sim_thing" "b" {
  count = 3
  name  = "b${count.index}"
  input = sim_thing.a.id
}
resource "sim_thing" "c" {
  count = 2
  name  = "c${count.index}"
}
"#;
    let mut project = Project::new();
    project.world.set_faults([Rule::every(Verb::Create, Fault::Transient).at("sim_thing.a")]);
    let summary = project.apply(text).applied.unwrap().summary;
    assert_eq!((summary.created, summary.failed, summary.skipped), (2, 1, 3));
    project.world.set_faults([]);
    let summary = project.apply(text).complete().applied.unwrap().summary;
    assert_eq!((summary.created, summary.failed, summary.skipped), (4, 0, 0));
}

#[test]
fn the_second_stop_cancels_what_runs_and_what_is_in_doubt_is_settled_next_time() {
    let mut project = Project::new();
    project.world.set_faults([
        Rule::every(Verb::Create, Fault::HangAfter).at("sim_thing.a").nth(1),
        Rule::every(Verb::Create, Fault::Hang).at("sim_thing.b").nth(1),
    ]);
    let ask = Ask { cancel_after_effects: Some(1), ..Ask::default() };
    let run = project.run(&sized(1, 1), &ask).unwrap();
    assert_eq!(run.applied.unwrap().summary.failed, 2);
    assert_eq!(project.addresses(), [""; 0]);
    let run = project.apply(&sized(1, 1)).complete();
    assert_eq!((run.recovered.resolved, run.recovered.unknown), (1, 0));
    assert_eq!(run.done(), ["create sim_thing.b"]);
    assert_eq!(project.world.objects().unwrap().len(), 2);
    assert!(project.plan(&sized(1, 1)).changes.is_empty());
}

#[test]
fn a_deadline_of_a_local_value_ends_a_call() {
    let text = r#"
locals {
  soon = "20ms"
}
resource "sim_thing" "a" {
  name = "a"
  timeouts {
    create = local.soon
    delete = local.soon
  }
}
"#;
    let mut project = Project::new();
    project
        .world
        .set_faults([Rule::every(Verb::Create, Fault::Hang).nth(1), Rule::every(Verb::Delete, Fault::Hang).nth(1)]);
    let run = project.apply(text);
    assert!(run.told().contains("ran out of time"), "{}{}", run.problems, run.told());
    project.apply(text).complete();
    let run = project.destroy(text);
    assert!(run.told().contains("ran out of time"), "{}{}", run.problems, run.told());
    project.destroy(text).complete();
}

#[test]
fn a_postcondition_that_fails_leaves_the_object_and_skips_what_needs_it() {
    let text = r#"
resource "sim_thing" "a" {
  name = "a"
  lifecycle {
    postcondition {
      condition     = self.generation > 1
      error_message = "too young: ${self.generation}"
    }
  }
}
resource "sim_thing" "b" {
  name  = "b"
  input = sim_thing.a.generation
}
"#;
    let mut project = Project::new();
    let run = project.apply(text);
    assert!(run.told().contains("too young: 1"), "{}", run.told());
    assert_eq!(project.addresses(), ["sim_thing.a"]);
    let run = project.apply(text);
    assert!(run.applied.is_none() && run.problems.contains("too young: 1"), "{}", run.problems);
}
