//! What the next run makes of what a dead one left.

use loam::state::{Condition, ReplaceOrder};
use loam_provider::OnDestroy;
use loam_sim::{Fault, Rule, Verb};

use crate::project::Project;

fn painted(color: &str, first: bool) -> String {
    format!(
        r#"
resource "sim_thing" "base" {{
  name = "base"
}}
resource "sim_thing" "a" {{
  name  = "a"
  color = "{color}"
  input = sim_thing.base.id
  lifecycle {{
    create_before_destroy = {first}
  }}
}}
"#
    )
}

#[test]
fn a_deletion_without_reply_takes_the_old_object_and_not_the_new() {
    for first in [false, true] {
        let mut project = Project::new();
        project.apply(&painted("red", first)).complete();
        project.world.set_faults([Rule::every(Verb::Delete, Fault::FailAfter)]);
        assert!(!project.apply(&painted("blue", first)).is_complete());
        project.world.set_faults([]);
        let run = project.apply(&painted("blue", first)).complete();
        assert_eq!(run.recovered.resolved, 1);
        assert_eq!(project.addresses(), ["sim_thing.a", "sim_thing.base"], "create_before_destroy = {first}");
        let standing = project.world.objects_at("sim_thing.a").unwrap();
        assert_eq!(standing.len(), 1);
        assert_eq!(standing[0].attributes, project.object("sim_thing.a").attributes);
        let created = project.world.effects().unwrap().iter().filter(|effect| effect.verb == Verb::Create).count();
        assert_eq!(created, 3, "create_before_destroy = {first}");
        assert!(project.plan(&painted("blue", first)).changes.is_empty());
    }
}

#[test]
fn half_a_deletion_without_reply_is_finished() {
    for first in [false, true] {
        let mut project = Project::new();
        project.apply(&painted("red", first)).complete();
        project
            .world
            .set_faults([Rule::every(Verb::Delete, Fault::Partial), Rule::every(Verb::Delete, Fault::FailAfter)]);
        assert!(!project.apply(&painted("blue", first)).is_complete());
        project.world.set_faults([]);
        project.apply(&painted("blue", first)).complete();
        assert_eq!(project.world.objects_at("sim_thing.a").unwrap().len(), 1);
        assert!(project.plan(&painted("blue", first)).changes.is_empty());
    }
}

#[test]
fn what_a_lost_reply_made_is_adopted_with_what_its_block_says() {
    let text = |kind: &str, more: &str| {
        format!(
            "resource \"sim_thing\" \"base\" {{\n  name = \"base\"\n}}\n\
                 resource \"{kind}\" \"a\" {{\n  name = sim_thing.base.name\n  {more}\n}}\n"
        )
    };
    for (kind, more, on_destroy) in [
        ("sim_thing", "", OnDestroy::Delete),
        ("sim_thing", "on_destroy = \"retain\"", OnDestroy::Retain),
        ("sim_volume", "", OnDestroy::Retain),
        ("sim_volume", "on_destroy = \"delete\"", OnDestroy::Delete),
    ] {
        let mut project = Project::new();
        let text = text(kind, more);
        project.world.set_faults([Rule::every(Verb::Create, Fault::FailAfter).at(&format!("{kind}.a"))]);
        assert!(!project.apply(&text).is_complete());
        project.world.set_faults([]);
        // Not even the block is left, and the object still goes, or stays, as it said.
        project.apply("").complete();
        let left = usize::from(on_destroy == OnDestroy::Retain);
        assert_eq!(project.world.objects().unwrap().len(), left, "{kind} {more}");
    }
}

#[test]
fn a_replacement_that_had_no_effect_gives_the_old_object_its_place_back() {
    let mut project = Project::new();
    project.apply(&painted("red", true)).complete();
    project.world.set_faults([Rule::every(Verb::Create, Fault::FailBefore)]);
    assert!(!project.apply(&painted("blue", true)).is_complete());
    assert_eq!(project.addresses(), ["sim_thing.a", "sim_thing.base"]);
    assert_eq!(project.object("sim_thing.a").condition, Condition::Ready);
    project.world.set_faults([]);
    assert!(project.plan(&painted("red", true)).changes.is_empty());
}

#[test]
fn nothing_is_done_while_an_operation_is_in_doubt() {
    let mut project = Project::new();
    let text = painted("red", false);
    project.world.set_faults([
        Rule::every(Verb::Create, Fault::FailAfter).at("sim_thing.a"),
        Rule::every(Verb::Resolve, Fault::FailBefore),
    ]);
    assert!(!project.apply(&text).is_complete());
    let run = project.apply(&text);
    assert!(run.applied.is_none());
    assert_eq!((run.recovered.unknown, project.unfinished().len()), (1, 1));
    project.world.set_faults([]);
    project.apply(&text).complete();
    assert_eq!(project.world.objects().unwrap().len(), 2);
}

#[test]
fn the_order_of_a_replacement_is_recorded() {
    let mut project = Project::new();
    project.apply(&painted("red", true)).complete();
    assert_eq!(project.object("sim_thing.a").replace_order, ReplaceOrder::CreateFirst);
    assert_eq!(project.object("sim_thing.base").replace_order, ReplaceOrder::CreateFirst);
    project.apply(&painted("red", false)).complete();
    assert_eq!(project.object("sim_thing.a").replace_order, ReplaceOrder::DeleteFirst);
    assert!(project.plan(&painted("red", false)).changes.is_empty());
}
