use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::{
    schema,
    support::{Done, Project},
};

const CONFIGURATION: &str = r#"
variable "text" {
  default = "one"
}

resource "loam_data" "a" {
  input = { text = var.text, list = [1, 2.5, null, true] }
}

resource "file" "card" {
  path    = "card.txt"
  content = "${var.text}\n"
}

output "text" {
  value = loam_data.a.output.text
}

output "secret" {
  value     = "hidden"
  sensitive = true
}
"#;

/// Checks every line against the schema that knows its type, and returns how often each type was seen.
fn seen(done: &Done) -> BTreeMap<String, usize> {
    let schemas = ["about", "diagnostic", "event", "plan", "output"];
    let mut seen = BTreeMap::new();
    for line in done.stdout.lines() {
        let json: Json = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let kind = json["type"].as_str().unwrap_or_else(|| panic!("a line without a type: {line}")).to_owned();
        let schema = schemas.iter().find(|name| schema::types(name).contains(&kind));
        schema::assert_valid(schema.unwrap_or_else(|| panic!("no schema knows `{kind}`: {line}")), line);
        *seen.entry(kind).or_default() += 1;
    }
    seen
}

fn run(project: &Project, code: i32, arguments: &[&str]) -> BTreeMap<String, usize> {
    let done = project.loam(&[arguments, &["--json"]].concat());
    assert_eq!(done.code, code, "{}", done.told());
    assert_eq!(done.stderr, "", "programs are told everything on standard output");
    seen(&done)
}

#[test]
fn every_line_fits_its_schema() {
    let project = Project::with(CONFIGURATION);
    let plan = run(&project, 2, &["plan", "--detailed-exitcode"]);
    assert_eq!((plan["change"], plan["plan_summary"]), (2, 1), "{plan:?}");
    let apply = run(&project, 0, &["apply", "--auto-approve"]);
    assert_eq!((apply["step_done"], apply["apply_finished"], apply["output"]), (2, 1, 2), "{apply:?}");
    assert_eq!(run(&project, 0, &["output"])["output"], 2);
    let show = run(&project, 0, &["show"]);
    assert_eq!((show["object"], show["output"]), (2, 2), "{show:?}");
    assert_eq!(run(&project, 0, &["state", "show", "file.card"])["object"], 1);
    assert_eq!(run(&project, 0, &["state", "list"])["address"], 2);
    assert_eq!(run(&project, 0, &["version"])["version"], 1);
    assert!(run(&project, 0, &["providers"])["provider"] >= 2);

    project.write("card.txt", "by hand\n");
    let update = run(&project, 0, &["apply", "--auto-approve", "--var", "text=two"]);
    assert!(update.contains_key("refreshed"), "{update:?}");
    let replaced = run(&project, 0, &["apply", "--auto-approve", "--replace", "loam_data.a"]);
    assert!(replaced.contains_key("change"), "{replaced:?}");
    run(&project, 2, &["plan", "--destroy", "--detailed-exitcode"]);
    run(&project, 0, &["destroy", "--auto-approve"]);
}

#[test]
fn failures_are_lines_too() {
    let project = Project::with(CONFIGURATION);
    project.write("bad.loam.hcl", "resource \"loam_data\" \"b\" {\n  inptu = 1\n}\n");
    assert_eq!(run(&project, 1, &["validate"])["diagnostic"], 1);
    assert_eq!(run(&project, 1, &["apply", "--auto-approve"])["diagnostic"], 1);
    project.write("bad.loam.hcl", "resource \"file\" \"b\" {\n  path = \"b\"\n  source = \"nowhere\"\n}\n");
    let failed = project.loam(&["apply", "--auto-approve", "--json"]);
    assert_eq!(failed.code, 1, "{}", failed.told());
    assert!(seen(&failed).keys().any(|kind| ["step_failed", "diagnostic", "error"].contains(&kind.as_str())));
    std::fs::remove_file(project.path("bad.loam.hcl")).unwrap();
    assert_eq!(run(&project, 1, &["apply", "--var", "text=two"])["error"], 1);
    assert_eq!(run(&project, 1, &["output", "none"])["error"], 1);
    assert_eq!(run(&project, 1, &["state", "show", "file.none"])["error"], 1);
}

#[test]
fn a_wish_for_help_is_no_json_and_no_failure() {
    let done = Project::empty().loam(&["--json", "plan", "--help"]);
    assert_eq!(done.code, 0);
    assert!(done.stdout.contains("--detailed-exitcode"));
}
