//! What exists is taken over, read and checked.

use insta::assert_snapshot;

use crate::support::Project;

const DIRECTORY: &str = "resource \"directory\" \"data\" {\n  path = \"data\"\n}\n";

fn import(to: &str, id: &str) -> String {
    format!("\nimport {{\n  to = {to}\n  id = \"{id}\"\n}}\n")
}

fn with_data(configuration: &str) -> Project {
    let project = Project::with(configuration);
    project.write("data/one.txt", "one");
    project
}

fn refusal(project: &Project, configuration: &str) -> String {
    project.configure(configuration);
    let done = project.loam(&["plan"]);
    assert_eq!(done.code, 1, "{}", done.told());
    project.shown(&done.stderr)
}

#[test]
fn a_directory_that_exists_is_taken_over() {
    let project = with_data(&(DIRECTORY.to_owned() + &import("directory.data", "data")));
    assert_snapshot!(project.shown(&project.succeed(&["plan"])), @r"
        directory.data (local)  imported (id `data`)

    Plan: 1 to import.
    ");
    let plan = project.loam(&["plan", "--detailed-exitcode", "--json"]);
    assert_eq!(plan.code, 2);
    assert!(plan.lines().iter().any(|line| line["imported_id"] == "data"), "{}", plan.told());
    project.apply(&[]);
    assert_eq!(project.addresses(), ["directory.data"]);
    // The block has done its work, and may stay.
    project.assert_settled(&[]);
    assert_eq!(project.read("data/one.txt"), "one");
}

#[test]
fn many_are_taken_over_and_changed_at_once() {
    let blocks = r#"
resource "file" "all" {
  for_each = toset(["a", "b"])
  path     = "${each.key}.txt"
  content  = "new"
}

import {
  for_each = toset(["a", "b"])
  to       = file.all[each.key]
  id       = "${each.key}.txt"
}
"#;
    let project = Project::with(blocks);
    project.write("a.txt", "new");
    project.write("b.txt", "old");
    let applied = project.apply(&[]);
    assert!(applied.stderr.contains("2 imported"), "{}", applied.told());
    assert_eq!((project.read("a.txt"), project.read("b.txt")), ("new".into(), "new".into()));
    project.assert_settled(&[]);
}

#[test]
fn an_import_that_makes_no_sense_is_refused() {
    let project = with_data("");
    let plain = import("directory.data", "data");
    assert_snapshot!(refusal(&project, &plain), @r#"
    error: Import without a block
      --> main.loam.hcl:2:1
      |
    2 | import {
      | ^^^^^^
      = `directory.data` has no block, so nothing says what the thing is to be.
    hint: Add the block: resource "directory" "data" { … }
    "#);
    let nothing = DIRECTORY.replace("= \"data\"", "= \"missing\"") + &import("directory.data", "missing");
    assert_snapshot!(refusal(&project, &nothing), @r"
    error: Nothing to import
      --> main.loam.hcl:5:1
      |
    5 | import {
      | ^^^^^^
      = in directory.data
      = `local` finds nothing that `missing` names, so it cannot become `directory.data`.
    hint: Check the id; to make a new one instead, remove the import.
    ");
    assert_snapshot!(refusal(&project, &(DIRECTORY.to_owned() + &plain + &plain)), @r"
    error: Contradictory imports
       --> main.loam.hcl:10:1
       |
    10 | import {
       | ^^^^^^
       ::: main.loam.hcl:5:1
       |
     5 | import {
       | ^^^^^^ the other one
       = `data` is to become `directory.data` twice.
    hint: Keep one of them.
    ");
    let unknown = "resource \"loam_data\" \"x\" {\n}\n\n".to_owned()
        + DIRECTORY
        + "\nimport {\n  to = directory.data\n  id = loam_data.x.output\n}\n";
    assert_snapshot!(refusal(&project, &unknown), @r"
    error: Not static
       --> main.loam.hcl:10:8
       |
    10 |   id = loam_data.x.output
       |        ^^^^^^^^^^^
       = `id` must be static: it depends on `loam_data.x`, which is known only after apply.
    hint: Use literals, variables, locals and functions of them.
    ");
    assert_snapshot!(refusal(&project, &(DIRECTORY.to_owned() + &import("directory.data[0]", "data"))), @r"
    error: Import without an instance
      --> main.loam.hcl:5:1
      |
    5 | import {
      | ^^^^^^
      = The block of `directory.data[0]` has no such instance.
    hint: It has `directory.data`.
    ");
}

#[test]
fn one_thing_has_one_address() {
    let project = with_data(&(DIRECTORY.to_owned() + &import("directory.data", "data")));
    project.apply(&[]);
    let twice = DIRECTORY.to_owned()
        + "\nresource \"directory\" \"again\" {\n  path = \"data\"\n}\n"
        + &import("directory.again", "data");
    assert_snapshot!(refusal(&project, &twice), @r"
    read 1 object in [DURATION]
    error: Managed already
      --> main.loam.hcl:9:1
      |
    9 | import {
      | ^^^^^^
      = in directory.again
      = `data` is managed already, as `directory.data`; it cannot become `directory.again` too.
    hint: Remove the import. If `directory.data` was renamed, say so in a `moved` block, from `directory.data` to `directory.again`.
    ");
}

#[test]
fn a_command_takes_one_thing_over() {
    let project = with_data(DIRECTORY);
    let done = project.loam(&["import", "directory.data", "data"]);
    assert_eq!(done.code, 0, "{}", done.told());
    assert_snapshot!(project.shown(&done.stderr), @r"Imported directory.data (id `data`). `loam plan` shows what apply would change.");
    assert_eq!(project.addresses(), ["directory.data"]);
    project.apply(&[]);
    project.assert_settled(&[]);
    let again = project.loam(&["import", "directory.data", "data"]);
    assert_eq!(again.code, 1);
    assert_snapshot!(project.shown(&again.stderr), @r"
    error: there is an object at `directory.data` already
    hint: To take over another thing there, forget this one: `loam state rm 'directory.data'`.
    ");
    let unknown = project.loam(&["import", "directory.dat", "data"]);
    assert_eq!(unknown.code, 1);
    assert_snapshot!(project.shown(&unknown.stderr), @r#"
    error: Import without a block
     = `directory.dat` has no block, so nothing says what the thing is to be.
    hint: Did you mean `data`?
    hint: Add the block: resource "directory" "dat" { … }
    "#);
}

#[test]
fn what_is_known_is_read_while_planning() {
    let project = Project::with(
        "data \"file\" \"one\" {\n  path = \"one.txt\"\n}\n\noutput \"one\" {\n  value = data.file.one.content\n}\n",
    );
    project.write("one.txt", "one");
    assert_snapshot!(project.shown(&project.succeed(&["plan"])), @r#"
    Outputs:
      + one = "one"

    Plan: only outputs change.
    "#);
    // A saved plan keeps what was read.
    project.succeed(&["plan", "--out", "saved.plan"]);
    project.write("one.txt", "two");
    project.succeed(&["apply", "saved.plan"]);
    assert_eq!(project.output("one"), "one");
    project.apply(&[]);
    assert_eq!(project.output("one"), "two");
    project.assert_settled(&[]);
}

#[test]
fn what_is_about_to_change_is_read_afterwards() {
    let project = Project::with(
        r#"
resource "file" "one" {
  path    = "one.txt"
  content = "one"
}

data "file" "one" {
  path       = "one.txt"
  depends_on = [file.one]
}

resource "loam_data" "copy" {
  input = data.file.one.content
}
"#,
    );
    assert_snapshot!(project.shown(&project.succeed(&["plan"])), @r#"
    loam will:
      < read during apply
      + create

      + file.one (local)
          bytes   = 3
          content = "one"
          id      = "[DIR]/one.txt"
          path    = "one.txt"
          sha256  = "[HEX]"

      + loam_data.copy (loam)
          input = (known after apply)
          # known after apply: id, output

      < data.file.one (local)  because `file.one` changes
          path = "one.txt"
          # known after apply: bytes, content, content_base64, mode, modified, sha256

    Plan: 1 to read, 2 to create.
    "#);
    let applied = project.apply(&[]);
    assert!(applied.stderr.contains("data.file.one: read in"), "{}", applied.told());
    assert_eq!(project.object("loam_data.copy")["output"], "one");
    assert_eq!(project.addresses(), ["file.one", "loam_data.copy"]);
    project.assert_settled(&[]);
}

#[test]
fn what_cannot_be_read_names_who_could_not() {
    let project = Project::empty();
    assert_snapshot!(refusal(&project, "data \"file\" \"one\" {\n  path = \"missing.txt\"\n}\n"), @r#"
    error: Invalid value
      --> main.loam.hcl:2:10
      |
    2 |   path = "missing.txt"
      |          ^^^^^^^^^^^^^
      = in data.file.one
      = `data.file.one` could not be read by `local`: `[DIR]/missing.txt` does not exist.
    hint: Relative paths start from the directory of the configuration.
    "#);
    assert_snapshot!(refusal(&project, "data \"fil\" \"one\" {\n  path = \"missing.txt\"\n}\n"), @r#"
    error: Unknown data source
      --> main.loam.hcl:1:1
      |
    1 | data "fil" "one" {
      | ^^^^^^^^^^^^^^^^
      = in data.fil.one
      = No provider offers `fil`.
    hint: Did you mean `file`?
    "#);
}

#[test]
fn checks_only_warn() {
    let project = Project::with(
        r#"
resource "file" "one" {
  path    = "one.txt"
  content = "one"
}

check "content" {
  data "file" "read" {
    path       = "one.txt"
    depends_on = [file.one]
  }

  assert {
    condition     = data.file.read.content == "two"
    error_message = "The file says ${data.file.read.content}."
  }
}

check "arithmetic" {
  assert {
    condition     = 1 + 1 == 2
    error_message = "Impossible."
  }
}

check "missing" {
  data "file" "read_too" {
    path = "missing.txt"
  }

  assert {
    condition     = data.file.read_too.bytes > 0
    error_message = "It is empty."
  }
}
"#,
    );
    let status = |plan: &crate::support::Done| -> Vec<String> {
        let lines = plan.lines();
        let checks = lines.iter().filter(|line| line["type"] == "check");
        checks.map(|line| format!("{} {}", line["address"].as_str().unwrap(), line["status"])).collect()
    };
    let plan = project.loam(&["plan", "--json"]);
    assert_eq!(
        status(&plan),
        [r#"check.arithmetic "pass""#, r#"check.content "unknown""#, r#"check.missing "error""#],
        "{}",
        plan.told()
    );
    let applied = project.apply(&[]);
    assert_snapshot!(project.shown(&applied.stderr), @r#"
    warning: Invalid value
       --> main.loam.hcl:28:12
       |
    28 |     path = "missing.txt"
       |            ^^^^^^^^^^^^^
       = in check.missing
       = `data.file.read_too` could not be read by `local`: `[DIR]/missing.txt` does not exist.
    hint: Relative paths start from the directory of the configuration.

    file.one: creating…
    file.one: created in [DURATION]

    Applied: 1 created in [DURATION].
    warning: Check failed
       --> main.loam.hcl:14:21
       |
    14 |     condition     = data.file.read.content == "two"
       |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = in check.content
       = The file says one.

    warning: Invalid value
       --> main.loam.hcl:28:12
       |
    28 |     path = "missing.txt"
       |            ^^^^^^^^^^^^^
       = in check.missing
       = `data.file.read_too` could not be read by `local`: `[DIR]/missing.txt` does not exist.
    hint: Relative paths start from the directory of the configuration.

    2 warnings.
    "#);
    assert_eq!(status(&project.loam(&["plan", "--json"]))[1], r#"check.content "fail""#);
    assert_eq!(project.loam(&["plan", "--detailed-exitcode"]).code, 0, "a check is no change");
}

#[test]
fn a_condition_of_what_stays_is_looked_at_once_it_can_be_told() {
    let configuration = |input: &str| {
        format!(
            r#"
resource "loam_data" "first" {{
  input = "{input}"
}}

resource "loam_data" "second" {{
  input = "stays"

  lifecycle {{
    precondition {{
      condition     = loam_data.third.id != ""
      error_message = "There is no third."
    }}
    precondition {{
      condition     = length(loam_data.third.id) < 3
      error_message = "The third has too long an id."
    }}
  }}
}}

resource "loam_data" "third" {{
  triggers_replace = loam_data.first.output
}}
"#
        )
    };
    let project = Project::with("resource \"loam_data\" \"second\" {\n  input = \"stays\"\n}\n");
    project.apply(&[]);
    project.configure(&configuration("a"));
    let done = project.loam(&["apply", "--auto-approve"]);
    assert_eq!(done.code, 1, "{}", done.told());
    assert_snapshot!(project.shown(&done.stderr), @r"
    read 1 object in [DURATION]
    loam_data.first: creating…
    loam_data.first: created in [DURATION]
    loam_data.third: creating…
    loam_data.third: created in [DURATION]
    loam_data.second: failed to check after [DURATION]

    error: loam_data.second: failed to check: a condition does not hold now that all values are known

    Not everything was applied: 2 created, 1 failed in [DURATION].
    error: Precondition failed
       --> main.loam.hcl:15:23
       |
    15 |       condition     = length(loam_data.third.id) < 3
       |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = in loam_data.second
       = The third has too long an id.
    ");
}
