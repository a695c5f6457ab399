//! What a plan says.

use loam::plan::{Change, Reason};
use loam_provider::{Known, Type, Value};
use loam_sim::{Fault, Rule, Verb};

use crate::project::{Ask, Project};

const CHAIN: &str = r#"
resource "sim_thing" "a" {
  name = "a"
  size = 1
}
resource "sim_thing" "b" {
  name  = "b"
  input = sim_thing.a.id
}
output "b" {
  value = sim_thing.b.output
}
"#;

#[test]
fn a_plan_after_apply_is_empty() {
    for mut project in [Project::new(), Project::on_disk()] {
        assert_eq!(project.apply(CHAIN).complete().done(), ["create sim_thing.a", "create sim_thing.b"]);
        let plan = project.plan(CHAIN);
        assert!(plan.changes.is_empty() && plan.steps.is_empty() && plan.outputs.is_empty(), "{plan:?}");
        assert_eq!(
            project.output("b"),
            Some(project.object("sim_thing.a").attributes.get("id").unwrap().as_str().unwrap().into())
        );
    }
}

#[test]
fn prevent_destroy_holds_for_an_instance_that_is_no_longer_wanted() {
    let text = |count: u32| {
        format!(
            "resource \"sim_thing\" \"a\" {{\n  count = {count}\n  name = \"a\"\n  \
             lifecycle {{\n    prevent_destroy = true\n  }}\n}}\n"
        )
    };
    let mut project = Project::new();
    project.apply(&text(2)).complete();
    let run = project.apply(&text(1));
    assert!(run.applied.is_none() && run.problems.contains("Destruction prevented"), "{}", run.problems);
    assert!(run.problems.contains("sim_thing.a[1]"), "{}", run.problems);
}

#[test]
fn prevent_destroy_says_nothing_about_what_is_gone() {
    let text = "resource \"sim_thing\" \"a\" {\n  name = \"a\"\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n";
    let mut project = Project::new();
    project.apply(text).complete();
    assert!(project.destroy(text).applied.is_none());
    let id = project.world.objects().unwrap()[0].id.clone();
    project.world.remove(&id).unwrap();
    project.destroy(text).complete();
    assert_eq!(project.addresses(), [""; 0]);
}

#[test]
fn ignored_members_of_a_map_are_neither_added_nor_removed() {
    let text = |tags: &str| {
        format!(
            "resource \"sim_thing\" \"a\" {{\n  name = \"a\"\n  tags = {tags}\n  \
             lifecycle {{\n    ignore_changes = [tags[\"x\"]]\n  }}\n}}\n"
        )
    };
    let mut project = Project::new();
    project.apply(&text("{ k = \"1\" }")).complete();
    let id = project.world.objects().unwrap()[0].id.clone();
    let tags = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(key, value)| (*key, Value::from(*value)));
        Known::new(Value::map(Type::String, pairs)).unwrap()
    };
    project.world.edit(&id, |object| object.with("tags", tags(&[("k", "1"), ("x", "theirs")]))).unwrap();
    // Somebody else added it: it stays.
    assert!(!project.plan(&text("{ k = \"1\" }")).has_changes());
    // It differs from what is written: it stays as it is.
    assert!(!project.plan(&text("{ k = \"1\", x = \"ours\" }")).has_changes());
    // Somebody else removed it: it stays away.
    project.world.edit(&id, |object| object.with("tags", tags(&[("k", "1")]))).unwrap();
    assert!(!project.plan(&text("{ k = \"1\", x = \"ours\" }")).has_changes());
    assert!(project.plan(&text("{ k = \"2\" }")).has_changes());
}

#[test]
fn a_replacement_is_triggered_by_what_is_named_and_nothing_else() {
    let text = |size: &str, tag: &str| {
        format!(
            r#"
resource "sim_thing" "a" {{
  count = 2
  name  = "a"
  size  = count.index == 0 ? {size} : 1
  tags  = {{ t = "{tag}" }}
}}
resource "loam_data" "one" {{
  count = 2
  lifecycle {{
    replace_triggered_by = [sim_thing.a[count.index]]
  }}
}}
resource "loam_data" "size" {{
  lifecycle {{
    replace_triggered_by = [sim_thing.a[1].size]
  }}
}}
resource "loam_data" "all" {{
  lifecycle {{
    replace_triggered_by = [sim_thing.a]
  }}
}}
"#
        )
    };
    let mut project = Project::new();
    project.apply(&text("1", "x")).complete();
    assert!(!project.plan(&text("1", "x")).has_changes());
    let changed = |plan: loam::plan::Plan| -> Vec<String> {
        plan.changes.iter().map(|change| change.addr.to_string()).filter(|addr| addr.starts_with("loam")).collect()
    };
    assert_eq!(changed(project.plan(&text("2", "x"))), ["loam_data.all", "loam_data.one[0]"]);
    assert_eq!(changed(project.plan(&text("1", "y"))), ["loam_data.all", "loam_data.one[0]", "loam_data.one[1]"]);
    project.apply(&text("2", "y")).complete();
    assert!(!project.plan(&text("2", "y")).has_changes());
}

#[test]
fn the_first_apply_of_a_trigger_replaces_nothing() {
    let mut project = Project::new();
    project.apply("resource \"loam_data\" \"b\" {\n}\n").complete();
    let text = "resource \"loam_data\" \"a\" {\n}\nresource \"loam_data\" \"b\" {\n  \
                lifecycle {\n    replace_triggered_by = [loam_data.a]\n  }\n}\n";
    let changes = project.plan(text).changes;
    assert_eq!(
        changes.iter().map(|change| change.change.is_effective()).collect::<Vec<_>>(),
        [true, false],
        "{changes:?}"
    );
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let mut project = Project::new();
    project.apply(CHAIN).complete();
    let text = format!(
        "{CHAIN}\nresource \"loam_data\" \"many\" {{\n  for_each = toset([\"x\", \"y\"])\n  \
                        input = {{ of = sim_thing.b.id, key = each.key }}\n}}\n"
    )
    .replace("size = 1", "size = 2");
    let first = serde_json::to_vec(&project.plan(&text)).unwrap();
    assert_eq!(first, serde_json::to_vec(&project.plan(&text)).unwrap());
    let read: loam::plan::Plan = serde_json::from_slice(&first).unwrap();
    assert_eq!(read, project.plan(&text));
}

#[test]
fn what_is_gone_is_made_again_or_forgotten() {
    let mut project = Project::new();
    project.apply(CHAIN).complete();
    let id = project.world.objects_at("sim_thing.b").unwrap()[0].id.clone();
    project.world.remove(&id).unwrap();
    let first = CHAIN.split("resource \"sim_thing\" \"b\"").next().unwrap();
    let plan = project.plan(first);
    assert!(
        matches!(&plan.changes[..], [change] if matches!(change.change, Change::Forget { because: Reason::Gone, .. }))
    );
    assert_eq!(project.apply(CHAIN).complete().done(), ["create sim_thing.b"]);
}

#[test]
fn without_a_refresh_the_plan_starts_from_what_was_recorded() {
    let mut project = Project::new();
    project.apply(CHAIN).complete();
    let id = project.world.objects_at("sim_thing.a").unwrap()[0].id.clone();
    project.world.edit(&id, |object| object.with("size", Known::from(9u64))).unwrap();
    let ask = Ask { refresh: false, ..Ask::default() };
    assert!(project.attempt(CHAIN, &ask).0.changes.is_empty());
    assert_eq!(project.apply(CHAIN).complete().done(), ["update sim_thing.a"]);
}

#[test]
fn drift_that_the_configuration_does_not_mind_is_recorded() {
    let mut project = Project::new();
    let text = "resource \"sim_thing\" \"a\" {\n  name = \"a\"\n  size = 1\n  \
                lifecycle {\n    ignore_changes = [size]\n  }\n}\n";
    project.apply(text).complete();
    let id = project.world.objects().unwrap()[0].id.clone();
    project.world.edit(&id, |object| object.with("size", Known::from(9u64))).unwrap();
    let plan = project.plan(text);
    assert!(!plan.has_changes() && plan.steps.len() == 1);
    project.apply(text).complete();
    assert!(project.plan(text).steps.is_empty());
    assert_eq!(project.object("sim_thing.a").attributes.get("size"), Some(&Value::from(9u64)));
}

#[test]
fn a_plan_that_waits_for_a_provider_can_be_cancelled() {
    let mut project = Project::new();
    project.world.set_faults([Rule::every(Verb::Plan, Fault::Delay(3_600_000)).at("sim_thing.a")]);
    let (_, problems) = project.attempt_cancelled(CHAIN);
    assert_eq!(problems.matches("Interrupted").count(), 1, "{problems}");
}
