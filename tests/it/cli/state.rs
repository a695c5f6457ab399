use insta::assert_snapshot;

use crate::support::{Done, Project};

const FILES: &str = r#"
resource "file" "card" {
  for_each = toset(["a", "b"])
  path     = "${each.key}.txt"
  content  = each.key
}

resource "loam_data" "one" {
  input = 1
}
"#;

fn applied() -> Project {
    let project = Project::with(FILES);
    project.apply(&[]);
    project
}

fn told(done: &Done, code: i32) -> String {
    assert_eq!(done.code, code, "{}", done.told());
    done.stderr.clone()
}

#[test]
fn objects_are_listed_by_block_and_by_instance() {
    let project = applied();
    let list = |arguments: &[&str]| project.succeed(&[&["state", "list"], arguments].concat());
    assert_snapshot!(list(&[]), @r#"
    file.card["a"]
    file.card["b"]
    loam_data.one
    "#);
    assert_eq!(list(&["file.card"]).lines().count(), 2);
    assert_eq!(list(&[r#"file.card["b"]"#]), "file.card[\"b\"]\n");
    assert_snapshot!(told(&project.loam(&["state", "list", "file.crad"]), 1), @"
    error: there is no object at `file.crad` in the state
    hint: `loam state list` shows what there is.
    ");
}

#[test]
fn a_forgotten_object_stays_in_the_world() {
    let project = applied();
    assert_snapshot!(told(&project.loam(&["state", "rm", r#"file.card["a"]"#]), 0), @r#"Forgot file.card["a"]; the real thing is untouched."#);
    assert_eq!(project.addresses(), ["file.card[\"b\"]", "loam_data.one"]);
    assert_eq!(project.read("a.txt"), "a");
    let unknown = project.loam(&["state", "rm", "loam_data.one", "loam_data.two"]);
    assert_snapshot!(told(&unknown, 1), @"
    error: there is no object at `loam_data.two` in the state
    hint: Did you mean `loam_data.one`?
    ");
    assert_eq!(project.addresses(), ["file.card[\"b\"]", "loam_data.one"], "all or nothing");
}

#[test]
fn a_renamed_object_is_not_made_again() {
    let project = applied();
    let id = project.object("loam_data.one")["id"].clone();
    project.configure(&FILES.replace("\"one\"", "\"uno\""));
    project.succeed(&["state", "mv", "loam_data.one", "loam_data.uno"]);
    project.assert_settled(&[]);
    assert_eq!(project.object("loam_data.uno")["id"], id);
    let onto = project.loam(&["state", "mv", r#"file.card["a"]"#, r#"file.card["b"]"#]);
    assert_snapshot!(told(&onto, 1), @r#"
    error: there is an object at `file.card["b"]` already
    hint: Move it, or forget it with `loam state rm 'file.card["b"]'`, first.
    "#);
    let kind = project.loam(&["state", "mv", "loam_data.uno", "file.uno"]);
    assert_snapshot!(told(&kind, 1), @"
    error: `loam_data.uno` is a `loam_data` and cannot become a `file`
    hint: Only the name, the key and the module can change.
    ");
    let no_address = project.loam(&["state", "mv", "loam_data", "loam_data.x"]);
    assert_eq!(no_address.code, 1, "{}", no_address.told());
}

#[test]
fn without_a_state_there_is_nothing_to_mend() {
    let project = Project::with(FILES);
    assert_eq!(project.succeed(&["state", "list"]), "");
    let rm = told(&project.loam(&["state", "rm", "loam_data.one"]), 1);
    assert_snapshot!(project.shown(&rm), @"
    error: there is no state in `[DIR]/.loam`
    hint: `loam apply` makes one.
    ");
    assert!(!project.path(".loam").exists(), "looking makes nothing");
}
