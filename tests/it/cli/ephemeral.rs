//! Values that are kept nowhere.

use insta::assert_snapshot;

use crate::support::Project;

const CANARY: &str = "token=canary-81-ephemeral";

const TOKEN: &str = r#"
variable "token" {
  ephemeral = true
}
locals {
  greeting = "hello ${var.token}"
}
resource "loam_data" "a" {
  input = { kept = "yes", token = ephemeralasnull(local.greeting) }
}
output "is_null" {
  value = loam_data.a.output.token == null
}
"#;

#[test]
fn a_saved_plan_needs_them_again() {
    let project = Project::with(TOKEN);
    project.succeed(&["plan", "--out", "next.plan", "--var", CANARY]);
    let refused = project.loam(&["apply", "next.plan"]);
    assert_eq!(refused.code, 1, "{}", refused.told());
    assert!(refused.stderr.contains("variable `token` has no default and was given no value"), "{}", refused.told());
    let refused = project.loam(&["apply", "next.plan", "--var", "size=1"]);
    assert!(refused.stderr.contains("`--var size` cannot be used with a saved plan"), "{}", refused.told());
    project.succeed(&["apply", "next.plan", "--var", CANARY]);
    assert_eq!(project.output("is_null"), true);
    project.assert_settled(&["--var", "token=another"]);
    for file in project.files() {
        let bytes = std::fs::read(project.path(&file)).unwrap_or_default();
        let holds = bytes.windows(9).any(|window| window == b"canary-81");
        assert!(!holds, "{} keeps what is ephemeral", file.display());
    }
}

#[test]
fn a_value_that_replaced_a_default_is_needed_again() {
    let project = Project::with(&TOKEN.replace("ephemeral = true", "ephemeral = true\n  default = \"none\""));
    project.succeed(&["plan", "--out", "default.plan"]);
    project.succeed(&["plan", "--out", "given.plan", "--var", CANARY]);
    let refused = project.loam(&["apply", "given.plan"]);
    assert!(refused.stderr.contains("variable `token` has no default and was given no value"), "{}", refused.told());
    project.succeed(&["apply", "default.plan"]);
}

#[test]
fn they_are_refused_where_something_is_kept() {
    let project = Project::with(
        r#"
variable "token" {
  ephemeral = true
}
resource "loam_data" "kept" {
  input = var.token
}
resource "loam_data" "counted" {
  count = length(var.token)
}
resource "loam_data" "each" {
  for_each = toset([var.token])
}
output "token" {
  value = var.token
}
"#,
    );
    let refused = project.loam(&["plan", "--var", CANARY]);
    assert_eq!(refused.code, 1, "{}", refused.told());
    for told in [
        "`loam_data.kept` is kept in the state with all of its arguments",
        "`count` is ephemeral, but the instances are kept in the state",
        "`for_each` is ephemeral, but the keys of instances are kept in the state",
        "This value is ephemeral, and the output does not say so",
    ] {
        assert!(refused.stderr.contains(told), "{told}: {}", refused.told());
    }
    assert!(!refused.told().contains("canary"), "{}", refused.told());
}

#[test]
fn validate_knows_what_can_be_kept_nowhere() {
    let project = Project::with(
        r#"
variable "token" {
  ephemeral = true
}

variable "size" {
  sensitive = true
}

resource "loam_data" "kept" {
  input = var.token
}

resource "loam_data" "counted" {
  count = length(var.token)
}

resource "loam_data" "each" {
  for_each = toset(var.size)
}

resource "loam_data" "list" {
  for_each = ["a"]
}

output "size" {
  value = var.size
}

module "site" {
  source = "./site"
  token  = var.token
}
"#,
    );
    project.write(
        "site/main.loam.hcl",
        "variable \"token\" {\n  ephemeral = true\n}\noutput \"t\" {\n  value = var.token\n}\n",
    );
    let refused = project.loam(&["validate"]);
    assert_eq!(refused.code, 1, "{}", refused.told());
    assert_snapshot!(project.shown(&refused.stderr), @r#"
    error: Ephemeral value
       --> main.loam.hcl:11:11
       |
    11 |   input = var.token
       |           ^^^^^^^^^
       = in loam_data.kept
       = This value is ephemeral, and `loam_data.kept` is kept in the state with all of its arguments.
    hint: Ephemeral values can configure providers; `ephemeralasnull(…)` gives a value that can be kept.

    error: Invalid count
       --> main.loam.hcl:15:11
       |
    15 |   count = length(var.token)
       |           ^^^^^^^^^^^^^^^^^
       = in loam_data.counted
       = `count` is ephemeral, but the instances are kept in the state.
    hint: Use a value that may be kept: instances must be the same at apply and ever after.

    error: Invalid for_each
       --> main.loam.hcl:19:14
       |
    19 |   for_each = toset(var.size)
       |              ^^^^^^^^^^^^^^^
       = in loam_data.each
       = `for_each` is a secret, and the keys of instances could not be shown in a plan.
    hint: Use `nonsensitive(…)`, or `for_each` over the keys alone.

    error: Invalid for_each
       --> main.loam.hcl:23:14
       |
    23 |   for_each = ["a"]
       |              ^^^^^
       = in loam_data.list
       = `for_each` takes a map, an object or a set of strings, but this is a list.
    hint: Use `toset(…)` if the order does not matter.

    error: Sensitive output
       --> main.loam.hcl:27:11
       |
    27 |   value = var.size
       |           ^^^^^^^^
       = This value holds a secret, and the output does not say so.
    hint: Add `sensitive = true` to the output, or use `nonsensitive(…)` if it is none.

    error: Ephemeral value
      --> site/main.loam.hcl:5:11
      |
    5 |   value = var.token
      |           ^^^^^^^^^
      = in module.site
      = This value is ephemeral, and the output does not say so.
    hint: In a called module add `ephemeral = true` to the output. Outputs of the root module are kept: use `ephemeralasnull(…)`.

    6 errors.
    "#);
}
