//! Values that are kept nowhere.

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
