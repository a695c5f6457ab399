use insta::assert_snapshot;

use crate::support::Project;

/// Six mistakes, none of which follows from another.
const BROKEN: &str = r#"variable "nodes" {
  type    = nmber
  default = 3
}

resource "bucket" "archives" {
  nmae = "archives"
}

resource "network" "bench" {
  nodes   = var.node
  command = ["sleep", lenght("a")]

  ready {
    http {
      path = "/health"
    }
  }
}

output "url" {
  value = bucket.archive.url
}
"#;

#[test]
fn six_mistakes_are_told_in_one_run() {
    let project = Project::with(BROKEN);
    let done = project.loam(&["validate"]);
    assert_eq!(done.code, 1);
    assert_eq!(done.stdout, "");
    let places: Vec<&str> = done.stderr.lines().map(str::trim).filter(|line| line.contains("main.loam.hcl:")).collect();
    assert_snapshot!(places.join("\n"), @"
    --> main.loam.hcl:2:13
    --> main.loam.hcl:7:3
    --> main.loam.hcl:11:13
    --> main.loam.hcl:12:23
    --> main.loam.hcl:15:5
    --> main.loam.hcl:22:11
    ");
    assert_snapshot!(done.stderr.lines().take(25).collect::<Vec<_>>().join("\n"), @r#"
    error: Invalid type
      --> main.loam.hcl:2:13
      |
    2 |   type    = nmber
      |             ^^^^^
      = There is no type `nmber`.
    hint: Did you mean `number`?

    error: Unknown argument
      --> main.loam.hcl:7:3
      |
    7 |   nmae = "archives"
      |   ^^^^
      = in bucket.archives
      = There is no argument `nmae` in bucket.
    hint: Did you mean `name`?

    error: Undeclared name
       --> main.loam.hcl:11:13
       |
    11 |   nodes   = var.node
       |             ^^^^^^^^
       = There is no variable `var.node`.
    hint: Did you mean `var.nodes`?
    hint: To declare it, add a block `variable "node" {}`.
    "#);
}

#[test]
fn six_mistakes_are_six_lines_of_json() {
    let project = Project::with(BROKEN);
    let done = project.loam(&["validate", "--json"]);
    assert_eq!((done.code, done.stderr.as_str()), (1, ""));
    for line in done.stdout.lines() {
        crate::schema::assert_valid("diagnostic", line);
    }
    let told: Vec<String> = done
        .lines()
        .iter()
        .map(|line| {
            let start = &line["range"]["start"];
            format!("{}:{} {}", start["line"], start["column"], line["summary"].as_str().unwrap_or_default())
        })
        .collect();
    assert_snapshot!(told.join("\n"), @"
    2:13 Invalid type
    7:3 Unknown argument
    11:13 Undeclared name
    12:23 Unknown function
    15:5 Missing argument
    22:11 Undeclared name
    ");
}
