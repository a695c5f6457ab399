use insta::assert_snapshot;

use crate::support::Project;

const ONE: &str = "resource \"loam_data\" \"a\" {\n  input = \"one\"\n}\n";

fn saved() -> Project {
    let project = Project::with(ONE);
    assert_eq!(project.loam(&["plan", "--out", "saved.plan", "--detailed-exitcode"]).code, 2);
    assert_eq!(project.addresses(), [""; 0], "a plan makes nothing");
    project
}

fn refusal(project: &Project) -> String {
    let before = project.world();
    let done = project.loam(&["apply", "saved.plan"]);
    assert_eq!(done.code, 1, "{}", done.told());
    assert_eq!(project.world(), before);
    project.shown(&done.stderr)
}

#[test]
fn a_saved_plan_is_applied_without_asking() {
    let project = saved();
    assert!(project.succeed(&["show", "saved.plan"]).contains("loam_data.a"));
    project.succeed(&["apply", "saved.plan"]);
    assert_eq!(project.addresses(), ["loam_data.a"]);
    project.assert_settled(&[]);
}

#[test]
fn a_saved_plan_is_refused_when_the_state_moved_on() {
    let project = saved();
    project.succeed(&["apply", "saved.plan"]);
    assert_snapshot!(refusal(&project), @"
    error: the saved plan is stale: the state has changed since (it is at serial 1, and the plan was made at 0)
    hint: Make a new one with `loam plan --out FILE`.
    ");
}

#[test]
fn a_saved_plan_is_refused_when_the_configuration_moved_on() {
    let project = saved();
    project.configure(&ONE.replace("one", "two"));
    assert_snapshot!(refusal(&project), @"
    error: the saved plan is stale: the configuration has changed since
    hint: Make a new one with `loam plan --out FILE`.
    ");
    // A comment is no other configuration for the eye, but the plan's bytes were made from these bytes.
    project.configure(ONE);
    project.succeed(&["apply", "saved.plan"]);
}

#[test]
fn a_saved_plan_belongs_to_one_state() {
    let (project, other) = (saved(), Project::with(ONE));
    other.apply(&[]);
    std::fs::copy(project.path("saved.plan"), other.path("saved.plan")).unwrap();
    assert_snapshot!(refusal(&other), @"
    error: the plan `[DIR]/saved.plan` was made for another state: it is sealed with a key that this one does not have
    hint: Make a new one with `loam plan --out FILE`.
    ");
}

#[test]
fn what_is_no_plan_is_refused() {
    let project = saved();
    project.write("saved.plan", "not a plan");
    assert_snapshot!(refusal(&project), @"
    error: `[DIR]/saved.plan` is not a saved plan
    hint: Make a new one with `loam plan --out FILE`.
    ");
    project.succeed(&["plan", "--out", "saved.plan"]);
    let plan = std::fs::read(project.path("saved.plan")).unwrap();
    project.write("saved.plan", &plan[..plan.len() - 100]);
    assert_snapshot!(refusal(&project), @"
    error: the plan `[DIR]/saved.plan` is damaged, or was changed
    hint: Make a new one with `loam plan --out FILE`.
    ");
}

#[test]
fn variables_are_saved_with_the_plan() {
    let project = Project::with("variable \"text\" {}\n\nresource \"loam_data\" \"a\" {\n  input = var.text\n}\n");
    project.succeed(&["plan", "--out", "saved.plan", "--var", "text=given"]);
    project.succeed(&["apply", "saved.plan"]);
    assert_eq!(project.object("loam_data.a")["output"], "given");
}
