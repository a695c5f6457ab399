use super::{assert_answers, assert_comes_up, assert_destroyed};
use crate::support::{Project, get};

const THREE: &str = r#"
regions = {
  north = { nodes = 2, motto = "cold and clear" }
  south = { nodes = 1, motto = "warm and wide" }
  west  = { nodes = 1, motto = "wind from the sea" }
}
"#;

const WITHOUT_NORTH: &str = r#"
regions = {
  south = { nodes = 1, motto = "warm and wide" }
  west  = { nodes = 1, motto = "wind from the sea" }
}
"#;

#[test]
fn a_region_comes_and_goes_alone() {
    let project = Project::example("for-each");
    let before = project.files();
    assert_comes_up(&project);
    insta::assert_snapshot!(project.addresses().join("\n"), @r#"
    directory.cards
    file.card["north"]
    file.card["south"]
    loam_data.ticket[0]
    loam_data.ticket[1]
    loam_data.ticket[2]
    network.region["north"]
    network.region["south"]
    "#);
    let card = project.read("cards/north.txt");
    assert!(card.starts_with("North: cold and clear\n") && card.lines().count() == 3, "{card}");
    assert_eq!(project.output("tickets")[2], "ticket 3 of 3");
    let endpoint = project.output("endpoints")["north"][1].as_str().unwrap().to_owned();
    let (_, health) = get(&format!("{endpoint}/health")).unwrap();
    assert!(health.contains("north-1"), "{health}");
    project.assert_settled(&[]);

    let (north, south) = (project.nodes(r#"network.region["north"]"#), project.nodes(r#"network.region["south"]"#));
    project.write("loam.vars.hcl", THREE);
    let plan = project.succeed(&["plan"]);
    assert!(plan.contains("Plan: 2 to create."), "{plan}");
    project.apply(&[]);
    assert_eq!(project.nodes(r#"network.region["north"]"#), north);
    assert_eq!(project.nodes(r#"network.region["south"]"#), south);
    assert_answers(&format!("{}/count", project.output("endpoints")["west"][0].as_str().unwrap()), "0");

    project.write("loam.vars.hcl", WITHOUT_NORTH);
    let plan = project.succeed(&["plan"]);
    assert!(plan.contains("Plan: 2 to delete."), "{plan}");
    project.apply(&[]);
    assert_eq!(project.nodes(r#"network.region["south"]"#), south);
    assert!(!project.path("cards/north.txt").exists());
    project.assert_settled(&[]);

    std::fs::remove_file(project.path("loam.vars.hcl")).unwrap();
    assert_destroyed(&project, &before, &[]);
    assert!(!project.path("cards").exists());
}
