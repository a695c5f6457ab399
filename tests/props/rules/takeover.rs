//! What is renamed, taken over, read and checked, wherever a run dies.

use loam_sim::{Fault, Rule, Verb};

use crate::project::{Ask, Project};

const BEFORE: &str = r#"
resource "sim_thing" "old" {
  count  = 2
  name   = "n${count.index}"
  secret = "canary"
}
resource "sim_thing" "user" {
  name  = "user"
  input = sim_thing.old[0].id
}
"#;

const AFTER: &str = r#"
resource "sim_thing" "new" {
  count  = 2
  name   = "n${count.index}"
  secret = "canary"
}
resource "sim_thing" "user" {
  name  = "user"
  input = sim_thing.new[0].id
  size  = 7
}
moved {
  from = sim_thing.old
  to   = sim_thing.new
}
"#;

#[test]
fn what_is_renamed_survives_a_death_at_any_moment() {
    for abort_after in 1.. {
        let mut project = Project::on_disk();
        project.apply(BEFORE).complete();
        let made = project.world.effects().unwrap().len();
        let died = project.run(AFTER, &Ask { abort_after: Some(abort_after), ..Ask::default() }).is_err();
        project.reopen();
        project.apply(AFTER).complete();
        assert_eq!(project.addresses(), ["sim_thing.new[0]", "sim_thing.new[1]", "sim_thing.user"]);
        let user = project.object("sim_thing.user");
        let needed: Vec<String> = user.dependencies.iter().map(ToString::to_string).collect();
        assert_eq!(needed, ["sim_thing.new"]);
        let secret = project.object("sim_thing.new[1]").attributes.get("secret").cloned();
        assert_eq!(secret.as_ref().and_then(|secret| secret.as_str()), Some("canary"));
        assert_eq!(project.world.effects().unwrap().len(), made + 1, "one update and nothing else");
        assert!(!project.plan(AFTER).has_changes());
        if !died {
            assert!(abort_after > 5, "it went through at once");
            return;
        }
    }
}

#[test]
fn what_uses_a_renamed_object_still_goes_first() {
    let mut project = Project::new();
    project.apply(BEFORE).complete();
    project.apply(AFTER).complete();
    let run = project.apply("").complete();
    assert_eq!(run.done()[0], "delete sim_thing.user");
}

/// Returns the id of something that is in the world and in no state.
fn stray(project: &mut Project) -> String {
    project.apply("resource \"sim_thing\" \"stray\" {\n  name = \"stray\"\n  size = 1\n}\n").complete();
    let id = project.object("sim_thing.stray").attributes.get("id").unwrap().as_str().unwrap().to_owned();
    let removed = "removed {\n  from = sim_thing.stray\n  lifecycle {\n    destroy = false\n  }\n}\n";
    project.apply(removed).complete();
    assert!(project.addresses().is_empty());
    id
}

fn import(id: &str, size: u64) -> String {
    format!(
        "resource \"sim_thing\" \"a\" {{\n  name = \"stray\"\n  size = {size}\n}}\n\
         import {{\n  to = sim_thing.a\n  id = \"{id}\"\n}}\n"
    )
}

#[test]
fn what_is_taken_over_survives_a_death_at_any_moment() {
    for abort_after in 1.. {
        let mut project = Project::on_disk();
        let id = stray(&mut project);
        let ask = Ask { abort_after: Some(abort_after), ..Ask::default() };
        let died = project.run(&import(&id, 9), &ask).is_err();
        project.reopen();
        project.apply(&import(&id, 9)).complete();
        assert_eq!(project.addresses(), ["sim_thing.a"]);
        assert_eq!(project.object("sim_thing.a").attributes.get("id").unwrap().as_str(), Some(&*id));
        let effects = project.world.effects().unwrap();
        assert_eq!(effects.iter().filter(|effect| effect.verb == Verb::Create).count(), 1);
        assert!(!project.plan(&import(&id, 9)).has_changes());
        if !died {
            return;
        }
    }
}

#[test]
fn an_update_of_what_is_taken_over_that_fails_leaves_it_taken_over() {
    let mut project = Project::new();
    let id = stray(&mut project);
    project.world.set_faults([Rule::every(Verb::Update, Fault::FailBefore)]);
    assert!(!project.apply(&import(&id, 9)).is_complete());
    assert_eq!(project.addresses(), ["sim_thing.a"]);
    project.world.set_faults([]);
    let run = project.apply(&import(&id, 9)).complete();
    assert_eq!(run.done(), ["update sim_thing.a"]);
}

#[test]
fn an_import_that_would_be_replaced_is_told_loudly() {
    let mut project = Project::new();
    let id = stray(&mut project);
    let painted = import(&id, 1).replace("size = 1", "color = \"red\"");
    let (plan, problems) = project.attempt(&painted, &Ask::default());
    assert!(problems.contains("warning: Import and replacement"), "{problems}");
    assert_eq!((plan.counts().imported, plan.counts().replace), (1, 1));
}

const READ: &str = r#"
resource "sim_thing" "a" {
  name   = "a"
  secret = "canary"
}
data "sim_object" "a" {
  id = sim_thing.a.id
}
resource "sim_thing" "b" {
  name = "b"
  tags = { exists = data.sim_object.a.exists ? "yes" : "no" }
}
"#;

#[test]
fn a_data_source_is_read_between_what_it_needs_and_what_needs_it() {
    let mut project = Project::on_disk();
    let run = project.apply(READ).complete();
    assert_eq!(run.done(), ["create sim_thing.a", "read data.sim_object.a", "create sim_thing.b"]);
    let needed: Vec<String> = project.object("sim_thing.b").dependencies.iter().map(ToString::to_string).collect();
    assert_eq!(needed, ["sim_thing.a"], "what is read from stands for what is read");
    assert!(!project.plan(READ).has_changes());
    assert_eq!(project.plan(READ).data.len(), 1);
    assert!(!project.shown.contains("canary"));
    let run = project.destroy(READ).complete();
    assert_eq!(run.done(), ["delete sim_thing.b", "delete sim_thing.a"]);
}

#[test]
fn a_data_source_that_fails_stops_what_needs_it_and_nothing_else() {
    let mut project = Project::new();
    project.world.set_faults([Rule::every(Verb::Read, Fault::FailBefore)]);
    let run = project.apply(&format!("{READ}resource \"sim_thing\" \"c\" {{\n  name = \"c\"\n}}\n"));
    assert!(!run.is_complete());
    assert_eq!(project.addresses(), ["sim_thing.a", "sim_thing.c"]);
    assert!(project.unfinished().is_empty(), "what only reads leaves nothing in doubt");
    project.world.set_faults([]);
    project.apply(READ).complete();
    // An answer that is not what was asked is a bug of the provider, and says so.
    project.world.set_faults([Rule::every(Verb::Read, Fault::WrongAnswer)]);
    let (_, problems) = project.attempt(READ, &Ask { refresh: false, ..Ask::default() });
    assert!(problems.contains("Provider bug"), "{problems}");
}

#[test]
fn a_check_that_fails_changes_nothing() {
    let checked = format!(
        "{READ}check \"a\" {{\n  assert {{\n    condition     = data.sim_object.a.attributes.size != null\n    \
         error_message = \"It has no size.\"\n  }}\n}}\n"
    );
    let mut project = Project::new();
    let run = project.apply(&checked).complete();
    assert!(run.problems.contains("warning: Check failed"), "{}", run.problems);
    let plan = project.attempt(&checked, &Ask::default()).0;
    assert!(!plan.has_changes());
    assert_eq!(plan.checks[0].problems, ["It has no size."]);
}
