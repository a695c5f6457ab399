//! In which order things are made and deleted.

use crate::project::{Ask, Project};

fn ordered(project: &mut Project, text: &str) -> Vec<String> {
    project.run(text, &Ask { parallelism: 1, ..Ask::default() }).unwrap().complete().done()
}

#[test]
fn the_middle_of_a_chain_goes_while_its_end_is_replaced() {
    let chain = r#"
resource "sim_thing" "c" {
  name  = "c"
  color = "red"
}
resource "sim_thing" "a" {
  name  = "a"
  input = sim_thing.c.id
}
resource "sim_thing" "b" {
  name  = "b"
  input = sim_thing.a.id
}
"#;
    let short = r#"
resource "sim_thing" "c" {
  name  = "c"
  color = "blue"
}
resource "sim_thing" "b" {
  name  = "b"
  input = sim_thing.c.id
}
"#;
    let mut project = Project::new();
    project.apply(chain).complete();
    let done = ordered(&mut project, short);
    assert_eq!(done, ["delete sim_thing.a", "delete sim_thing.c", "create sim_thing.c", "update sim_thing.b"]);
}

#[test]
fn create_before_destroy_spreads_to_what_the_block_is_made_from() {
    let text = |color: &str| {
        format!(
            r#"
resource "sim_thing" "a" {{
  name  = "a"
  color = "{color}"
}}
locals {{
  a = sim_thing.a.id
}}
resource "sim_thing" "b" {{
  name  = "b"
  color = local.a
  lifecycle {{
    create_before_destroy = true
  }}
}}
"#
        )
    };
    let mut project = Project::new();
    project.apply(&text("red")).complete();
    let done = ordered(&mut project, &text("blue"));
    assert_eq!(done, ["create sim_thing.a", "create sim_thing.b", "delete sim_thing.b", "delete sim_thing.a"]);
    assert_eq!((project.world.objects().unwrap().len(), project.addresses().len()), (2, 2));
    assert!(project.plan(&text("blue")).changes.is_empty());
}

#[test]
fn each_half_of_a_replacement_goes_to_the_provider_that_has_the_object() {
    let text = |of: &str| {
        format!(
            r#"
provider "sim" {{
}}
provider "sim" {{
  alias       = "other"
  concurrency = 2
}}
resource "sim_thing" "a" {{
  name     = "a"
  provider = {of}
}}
"#
        )
    };
    for lifecycle in ["", "  lifecycle {\n    create_before_destroy = true\n  }\n"] {
        let text = |of: &str| text(of).replace("  name     = \"a\"\n", &format!("  name     = \"a\"\n{lifecycle}"));
        let mut project = Project::new();
        project.apply(&text("sim")).complete();
        project.apply(&text("sim.other")).complete();
        let run = project.store().runs().unwrap().pop().unwrap();
        let steps = project.store().steps(run.id).unwrap();
        let mut told: Vec<_> = steps.iter().map(|step| format!("{} {}", step.action, step.provider)).collect();
        told.sort();
        assert_eq!(told, ["create sim.other", "delete sim"]);
        assert_eq!(&*project.object("sim_thing.a").provider, "sim.other");
        assert_eq!(project.world.objects().unwrap().len(), 1);
    }
}

#[test]
fn a_plan_has_few_edges_where_many_need_many() {
    let text = r#"
resource "loam_data" "a" {
  count = 2000
  input = count.index
}
resource "loam_data" "b" {
  count = 2000
  input = loam_data.a[count.index].id
}
"#;
    let mut project = Project::new();
    let edges = |plan: &loam::plan::Plan| plan.steps.iter().map(|step| step.needs.len()).sum::<usize>();
    let plan = project.plan(text);
    assert!(plan.steps.len() < 4100 && edges(&plan) < 10 * plan.steps.len(), "{} {}", plan.steps.len(), edges(&plan));
    project.apply(text).complete();
    let (plan, problems) = project.attempt(text, &Ask { mode: loam::plan::Mode::Destroy, ..Ask::default() });
    assert_eq!(problems, "");
    assert!(plan.steps.len() < 4100 && edges(&plan) < 10 * plan.steps.len(), "{} {}", plan.steps.len(), edges(&plan));
}
