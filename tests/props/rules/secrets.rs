//! Secrets stay secret.

use loam_sim::{Fault, Rule, Verb};

use crate::project::Project;

const CANARY: &str = "canary-5f2e-91";

/// Checks that the secret is neither in what was shown nor in the files of the state.
#[track_caller]
fn keeps_quiet(project: &Project) {
    let at = project.shown.find(CANARY);
    assert_eq!(at.map(|at| &project.shown[at.saturating_sub(300)..at + 20]), None);
    for entry in std::fs::read_dir(project.dir.path().join("loam")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{}", path.display());
    }
}

fn text(body: &str) -> String {
    format!("variable \"canary\" {{\n  default   = \"{CANARY}\"\n  sensitive = true\n}}\n{body}")
}

#[test]
fn what_a_provider_gives_back_of_a_secret_is_one_too() {
    let body = r#"
resource "sim_thing" "a" {
  name   = "a"
  input  = { url = "tcp://u:${var.canary}@host", n = 1 }
  secret = var.canary
  tags   = { k = var.canary }
}
resource "loam_data" "d" {
  input = [var.canary, "x"]
}
resource "sim_thing" "late" {
  name  = "late"
  input = "${sim_thing.a.id}-${var.canary}"
}
output "o" {
  value     = [sim_thing.a.output, loam_data.d.output, sim_thing.late.output]
  sensitive = true
}
"#;
    let mut project = Project::on_disk();
    project.apply(&text(body)).complete();
    let plan = project.plan(&text(body));
    assert!(plan.changes.is_empty() && plan.outputs.is_empty(), "{:?}", plan.changes);
    keeps_quiet(&project);
    // What was a secret stays one on the old side of the difference.
    let plain = body.replace("var.canary", "\"harmless\"");
    project.plan(&text(&plain));
    keeps_quiet(&project);
    project.apply(&text(&plain)).complete();
    project.destroy(&text(&plain)).complete();
    keeps_quiet(&project);
}

#[test]
fn errors_keep_quiet_at_plan_and_at_apply() {
    let refused = r#"
resource "sim_thing" "a" {
  name = "${var.canary} and spaces"
}
"#;
    let mut project = Project::on_disk();
    assert!(project.apply(&text(refused)).problems.contains("is not a name"));
    let conditions = r#"
resource "loam_data" "d" {
  input = var.canary
  lifecycle {
    postcondition {
      condition     = self.id == "never"
      error_message = "it is ${self.output}"
    }
  }
}
"#;
    assert!(!project.apply(&text(conditions)).is_complete());
    keeps_quiet(&project);
}

#[test]
fn a_secret_that_was_lost_half_way_is_kept_secret() {
    let body = r#"
resource "sim_thing" "a" {
  name   = "a"
  secret = var.canary
  input  = var.canary
}
"#;
    for fault in [Fault::Partial, Fault::FailAfter, Fault::WrongAnswer] {
        let mut project = Project::on_disk();
        project.world.set_faults([Rule::every(Verb::Create, fault).nth(1)]);
        assert!(!project.apply(&text(body)).is_complete());
        keeps_quiet(&project);
        project.apply(&text(body)).complete();
        assert!(project.plan(&text(body)).changes.is_empty());
        keeps_quiet(&project);
    }
}

#[test]
fn drift_to_a_secret_place_is_not_shown() {
    let body = "resource \"sim_thing\" \"a\" {\n  name = \"a\"\n  size = 1\n}\n";
    let mut project = Project::on_disk();
    project.apply(body).complete();
    let id = project.world.objects().unwrap()[0].id.clone();
    project.world.edit(&id, |object| object.with("secret", CANARY.into())).unwrap();
    project.plan(body);
    keeps_quiet(&project);
    project.apply(body).complete();
    keeps_quiet(&project);
}
