use super::{assert_answers, assert_comes_up, assert_destroyed};
use crate::support::{Project, get, is_running};

const MOVED: &str = "# The module was called";

/// Writes the configuration as it was before the module got another name; returns the present one.
fn before_the_rename(project: &Project) -> String {
    let now = project.read("main.loam.hcl");
    let (start, rest) = now.split_once(MOVED).unwrap();
    let (_, end) = rest.split_once("}\n").unwrap();
    let then = format!("{start}{end}").replace("module \"region\"", "module \"site\"");
    project.write("main.loam.hcl", then.replace("module.region", "module.site"));
    now
}

#[test]
fn regions_are_modules_and_a_directory_is_taken_over() {
    let project = Project::example("modules");
    let before = project.files();
    let plan = project.succeed(&["plan"]);
    assert!(plan.contains("directory.records") && plan.contains("import"), "{plan}");
    assert_comes_up(&project);
    insta::assert_snapshot!(project.addresses().join("\n"), @r#"
    directory.records
    module.region["north"].network.this
    module.region["north"].module.card.file.this
    module.region["south"].network.this
    module.region["south"].module.card.file.this
    "#);
    assert_eq!(project.read("records/log.txt"), "The first entry, written long before loam.\n");
    let card = project.read("records/north.txt");
    assert!(card.starts_with("North: cold and clear\n") && card.lines().count() == 3, "{card}");
    assert_eq!(project.output("cards")[1], "records/south.txt");
    let endpoint = project.output("endpoints")["north"][1].as_str().unwrap().to_owned();
    let (_, health) = get(&format!("{endpoint}/health")).unwrap();
    assert!(health.contains("north-1"), "{health}");
    project.assert_settled(&[]);

    let wanted = ["--var", r#"regions={ south = { motto = "warm and wide", nodes = 2 } }"#];
    let plan = project.succeed(&["plan", wanted[0], wanted[1]]);
    assert!(plan.contains("Plan: ") && plan.contains("2 to delete"), "{plan}");
    project.apply(&wanted);
    assert!(!project.path("records/north.txt").exists());
    assert_answers(&format!("{}/count", project.output("endpoints")["south"][1].as_str().unwrap()), "0");
    project.assert_settled(&wanted);
    assert_destroyed(&project, &before, &["directory.records records"]);
    assert_eq!(project.read("records/log.txt"), "The first entry, written long before loam.\n");
}

#[test]
fn a_module_with_another_name_has_the_same_objects() {
    let project = Project::example("modules");
    let before = project.files();
    let now = before_the_rename(&project);
    project.apply(&[]);
    let old = project.nodes(r#"module.site["north"].network.this"#);
    project.assert_settled(&[]);

    project.write("main.loam.hcl", &now);
    let plan = project.loam(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.told());
    assert!(plan.stdout.contains(r#"module.site["north"].network.this"#), "{}", plan.told());
    assert!(!plan.stdout.contains("to create") && !plan.stdout.contains("to delete"), "{}", plan.told());
    project.apply(&[]);
    assert_eq!(project.nodes(r#"module.region["north"].network.this"#), old, "no node was touched");
    assert!(old.values().all(|node| is_running(node.pid)));
    project.assert_settled(&[]);

    // Scaling finds the nodes under their new address: they keep their ports, and are told of their new peer.
    let wanted = r#"regions={ north = { motto = "cold and clear", nodes = 3 } }"#;
    project.apply(&["--var", wanted]);
    let new = project.nodes(r#"module.region["north"].network.this"#);
    assert_eq!(new.len(), 3);
    assert!(old.iter().all(|(name, node)| new[name].endpoints == node.endpoints), "{old:?}\n{new:?}");
    project.assert_settled(&["--var", wanted]);
    assert_destroyed(&project, &before, &["directory.records records"]);
}
