//! What is marked sensitive stands in no output, no error and nothing that loam keeps.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::support::{Done, Project};

const CANARY: &str = "c4nary-s3cret";

const VARIABLE: &str = "variable \"password\" {\n  type      = string\n  sensitive = true\n}\n";

/// Every place that takes a secret and works.
const EVERYWHERE: &str = r#"
resource "network" "demo" {
  nodes   = 1
  ports   = { http = 0 }
  env     = { PASSWORD = var.password }
  files   = { "secret.txt" = "password ${var.password}" }
  command = [
    "$(LOAM)", "demo-node", "--name", "$(NODE_NAME)-${var.password}",
    "--listen", "$(NODE_HOST):$(PORT_HTTP)", "--data-dir", "$(DATA_DIR)",
  ]
  ready {
    http {
      port = "http"
      path = "/health"
    }
  }
}
resource "process" "sleeper" {
  command = ["sleep", "1000"]
  env     = { PASSWORD = var.password }
}
resource "file" "hidden" {
  path    = "of-${var.password}.txt"
  content = "password ${var.password}"
  mode    = "0600"
}
resource "loam_data" "parts" {
  input = { secret = var.password, pin = sensitive(7), plain = "shown" }
}
resource "loam_data" "whole" {
  input = "a-${var.password}-z"
}
output "parts" {
  value     = loam_data.parts.output
  sensitive = true
}
"#;

/// Blocks that fail at plan or at apply, each where the secret is on the way.
const FAILING: &[(&str, &str)] = &[
    (
        "a probe that tells it",
        r#"resource "process" "p" {
  command = ["sleep", "1000"]
  ready {
    exec {
      command = ["sh", "-c", "echo ${var.password}; exit 1"]
    }
    timeout = "300ms"
  }
}"#,
    ),
    (
        "a log with the whole environment",
        r#"resource "process" "p" {
  command = ["sh", "-c", "env; echo FATAL $PASSWORD; sleep 1000"]
  env     = { PASSWORD = var.password }
  ready {
    exec {
      command = ["false"]
    }
    failure_log = "FATAL"
  }
}"#,
    ),
    (
        "a bootstrap that prints it",
        r#"resource "network" "n" {
  nodes   = 1
  command = ["sleep", "1000"]
  bootstrap {
    command = ["sh", "-c", "echo ${var.password}; exit 4"]
  }
}"#,
    ),
    ("a file that cannot be", "resource \"file\" \"f\" {\n  path = \"/proc/${var.password}/x\"\n  content = \"x\"\n}"),
    (
        "a source that is missing",
        "resource \"bucket\" \"b\" {\n  name = \"b\"\n}\nresource \"replica\" \"r\" {\n  mode = \"push\"\n  \
         bucket = bucket.b\n  series = \"x\"\n  source = \"./${var.password}\"\n}",
    ),
    ("a key that names it", "locals {\n  m = { (var.password) = 1 }\n}\noutput \"o\" {\n  value = local.m.nope\n}"),
    (
        "a timeout that is none",
        "resource \"process\" \"p\" {\n  command = [\"sleep\", \"9\"]\n  timeouts {\n    create = var.password\n  }\n}",
    ),
    (
        "an output that does not say so",
        "resource \"loam_data\" \"d\" {\n  input = var.password\n}\noutput \"o\" {\n  value = loam_data.d.output\n}",
    ),
];

fn loam(project: &Project, arguments: &[&str]) -> Done {
    Done::of(project.command(arguments).env("LOAM_VAR_password", CANARY))
}

/// Runs loam and checks that it does not tell the secret.
fn discreet(project: &Project, arguments: &[&str]) -> Done {
    let done = loam(project, arguments);
    assert!(!done.told().contains(CANARY), "loam {}\n{}", arguments.join(" "), done.told());
    done
}

/// Checks that the secret is in none of the files that loam keeps for itself, and that nobody else may read those.
fn assert_kept(project: &Project, further: &[&str]) {
    for name in [".loam/state.db", ".loam/state.db-wal", ".loam/lock", ".loam/key"].iter().chain(further) {
        let path = project.path(name);
        let Ok(bytes) = fs::read(&path) else { continue };
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "it stands in `{name}`");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::metadata(project.path(".loam")).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn what_works_tells_no_secret() {
    let project = Project::with(&format!("{VARIABLE}{EVERYWHERE}"));
    for command in [
        &["plan", "--out", "plan.bin"][..],
        &["plan", "--json"],
        &["show", "plan.bin"],
        &["apply", "plan.bin"],
        &["plan", "--detailed-exitcode"],
        &["apply", "--auto-approve", "--json", "--replace", "process.sleeper"],
        &["show"],
        &["show", "--json"],
        &["output"],
        &["graph"],
        &["state", "show", "loam_data.parts"],
        &["state", "show", "loam_data.whole", "--json"],
    ] {
        let done = discreet(&project, command);
        assert_eq!(done.code, 0, "{}", done.told());
    }
    assert_eq!(loam(&project, &["output", "parts", "--json"]).lines()[0]["secret"], CANARY, "asked for by name");
    let shown = discreet(&project, &["state", "show", "loam_data.parts"]).stdout;
    assert!(
        shown.contains("shown") && !shown.contains("= 7"),
        "also one that is too short to be searched for\n{shown}"
    );
    assert_kept(&project, &["plan.bin"]);
    let [process] = project
        .processes()
        .into_iter()
        .filter(|process| process.command.contains(CANARY))
        .collect::<Vec<_>>()
        .try_into()
        .expect("only the node whose command holds it");
    assert!(process.command.contains("demo-node"), "{}", process.command);
    for name in [".loam/networks", ".loam/processes"] {
        assert_eq!(fs::metadata(project.path(name)).unwrap().permissions().mode() & 0o777, 0o700, "{name}");
    }

    let changed = Done::of(project.command(&["apply", "--auto-approve"]).env("LOAM_VAR_password", "an0ther-one"));
    assert_eq!(changed.code, 0, "{}", changed.told());
    assert!(!changed.told().contains(CANARY) && !changed.told().contains("an0ther-one"), "{}", changed.told());
    assert_eq!(discreet(&project, &["destroy", "--auto-approve"]).code, 0);
    assert_kept(&project, &["plan.bin"]);
}

#[test]
fn what_fails_tells_no_secret() {
    for (what, block) in FAILING {
        let project = Project::with(&format!("{VARIABLE}{block}\n"));
        for json in [&["--json"][..], &[]] {
            let done = discreet(&project, &[json, &["apply", "--auto-approve"]].concat());
            assert_eq!(done.code, 1, "{what}\n{}", done.told());
            discreet(&project, &[json, &["plan"]].concat());
            discreet(&project, &[json, &["show"]].concat());
        }
        assert_kept(&project, &[]);
    }
}

#[test]
fn a_file_of_values_is_not_quoted_where_one_is_secret() {
    let project = Project::with(VARIABLE);
    project.write("loam.vars.hcl", format!("password = \"{CANARY}\n"));
    for command in [&["validate"][..], &["plan"], &["plan", "--json"]] {
        let done = Done::of(&mut project.command(command));
        assert!(!done.told().contains(CANARY), "{}", done.told());
    }
    let done = project.loam(&["plan"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("loam.vars.hcl:1:12"), "{}", done.stderr);
}
