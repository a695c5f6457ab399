use insta::assert_snapshot;

use super::{SITE, calling, told};
use crate::support::Project;

#[test]
fn modules_call_modules_and_share_directories() {
    let project =
        Project::with(&format!("{}module \"other\" {{\n  source = \"./sites/us\"\n}}\n", calling("./sites/eu")));
    project.write("sites/eu/main.loam.hcl", SITE.to_owned() + "module \"inner\" {\n  source = \"../shared\"\n}\n");
    project.write("sites/us/main.loam.hcl", "module \"inner\" {\n  source = \"../shared/\"\n}\n");
    project.write("sites/shared/main.loam.hcl", "output \"x\" {\n  value = 1\n}\n");
    project.succeed(&["validate"]);
    assert_snapshot!(told(&project, &["get"]), @r"
    exit 0
    --- stderr
    Nothing to fetch: every module is a local directory.
    ");
}

#[test]
fn a_source_is_any_static_expression() {
    let project = Project::with(
        r#"variable "region" {
  default = "eu"
}

locals {
  sites = "./sites"
}

module "site" {
  source = "${local.sites}/${var.region}"
  name   = "x"
}

module "outer" {
  source = "./outer"
  where  = var.region
}
"#,
    );
    project.write("sites/eu/main.loam.hcl", SITE);
    project.write(
        "outer/main.loam.hcl",
        "variable \"where\" {}\n\nmodule \"site\" {\n  source = \"../sites/${var.where}\"\n  name   = \"x\"\n}\n",
    );
    project.succeed(&["validate"]);
    project.succeed(&["get"]);
    let wrong = project.loam(&["get", "--var", "region=ue"]);
    assert_eq!(wrong.code, 1);
    assert_eq!(wrong.stderr.matches("Did you mean").count(), 2, "{}", wrong.stderr);
    assert_snapshot!(wrong.stderr.lines().take(9).collect::<Vec<_>>().join("\n"), @r#"
    error: Missing module
       --> main.loam.hcl:10:12
       |
    10 |   source = "${local.sites}/${var.region}"
       |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = There is no directory `sites/ue`.
    hint: Did you mean `./sites/eu`?

    error: Missing module
    "#);
    assert!(wrong.stderr.contains("= in module.outer\n"), "{}", wrong.stderr);
}

#[test]
fn each_wrong_source_is_told_with_the_way_out() {
    let project = Project::with(
        r#"resource "loam_data" "x" {
}

variable "token" {
  default   = "./canary"
  sensitive = true
}

module "empty" {
  source = "./empty"
}

module "file" {
  source = "./site/main.loam.hcl"
}

module "registry" {
  source = "networks/site/local"
}

module "resource" {
  source = loam_data.x.id
}

module "secret" {
  source = var.token
}

module "each" {
  source   = "./${each.key}"
  for_each = toset(["a"])
}

module "bare" {
  source = "site"
}
"#,
    );
    project.write("empty/inner/main.loam.hcl", SITE);
    project.write("site/main.loam.hcl", SITE);
    let done = project.loam(&["validate"]);
    assert_eq!(done.code, 1);
    assert!(!done.stderr.contains("canary"), "{}", done.stderr);
    let lines = done
        .stderr
        .lines()
        .filter(|line| line.starts_with("error") || line.contains(" = ") || line.starts_with("hint"));
    assert_snapshot!(lines.filter(|line| !line.contains('|')).collect::<Vec<_>>().join("\n"), @r"
    error: Missing module
       = There is no file ending in `.loam.hcl` in `empty`.
    hint: There is a module in its directory `inner`.
    error: Missing module
       = `./site/main.loam.hcl` is a file, but a module is a directory.
    hint: For the module that the file belongs to, write `./site`.
    error: Invalid module source
       = `networks/site/local` is the address of a registry, and loam asks none.
    hint: Name the repository itself, as `git::https://HOST/PATH.git?ref=…`, or `./networks/site/local` for a directory.
    error: Not static
       = `source` must be static: it depends on `loam_data.x`, which is known only after apply.
    hint: Use literals, variables, locals and functions of them.
    error: Invalid module source
       = The source of a module is a secret, but it is shown and stored in many places.
    hint: Leave the password to git's own configuration, and use `nonsensitive(…)` for what is no secret.
    error: Misplaced `each`
       = `each` has no value in `source`, which all instances share.
    error: Invalid module source
       = `site` says neither where a directory is nor what to fetch.
    hint: For a directory write `./site`, for a repository `git::https://HOST/PATH.git?ref=v1`.
    ");
}

#[test]
fn a_module_that_contains_itself_is_told_with_the_whole_way() {
    let project = Project::with("module \"a\" {\n  source = \"./a\"\n}\n\nmodule \"me\" {\n  source = \".\"\n}\n");
    project.write("a/main.loam.hcl", "module \"b\" {\n  source = \"../b\"\n}\n");
    project.write("b/main.loam.hcl", "module \"a\" {\n  source = \"../link\"\n}\n");
    std::os::unix::fs::symlink("a", project.path("link")).unwrap();
    assert_snapshot!(told(&project, &["validate"]), @r#"
    exit 1
    --- stderr
    error: Module cycle
      --> main.loam.hcl:6:12
      |
    6 |   source = "."
      = This module calls itself: `.` → `.`.
    hint: A module cannot contain itself: move what both need into a module of its own.

    error: Module cycle
      --> b/main.loam.hcl:2:12
      |
    2 |   source = "../link"
      = in module.a.module.b
      = Each of these modules calls the next: `./a` → `./b` → `./a`.
    hint: A module cannot contain itself: move what both need into a module of its own.

    2 errors.
    "#);
}

#[test]
fn what_is_wrong_in_a_module_is_placed_in_its_file() {
    let outer = Project::empty();
    outer.write("net/main.loam.hcl", calling("./site"));
    outer.write("net/site/main.loam.hcl", SITE.replace("var.name", "var.nmae"));
    outer.write("net/site/second.loam.hcl", "locals {\n  x = [1, 2\n}\n");
    assert_snapshot!(told(&outer, &["-C", "net", "validate"]), @r#"
    exit 1
    --- stderr
    error: Undeclared name
      --> net/site/main.loam.hcl:6:14
      |
    6 |   value = "${var.nmae} in ${path.module}"
      = in module.site
      = There is no variable `var.nmae`.
    hint: Did you mean `var.name`?
    hint: To declare it, add a block `variable "nmae" {}`.

    error: Unclosed bracket
      --> net/site/second.loam.hcl:2:7
      |
    2 |   x = [1, 2
      |       ^ expected `]` for this
      = in module.site
      = The bracket opened here is never closed.
    hint: Add `]` where it ends.

    2 errors.
    "#);
}

#[test]
fn a_module_beside_the_project_reads_its_own_files_and_no_others() {
    let outer = Project::empty();
    outer.write("net/main.loam.hcl", calling("../shared"));
    outer.write("shared/main.loam.hcl", SITE.replace("${var.name}", "${file(\"${path.module}/motto.txt\")}"));
    outer.write("shared/motto.txt", "per aspera");
    outer.write("secret.txt", "canary");
    outer.succeed(&["-C", "net", "validate"]);
    outer.write("shared/main.loam.hcl", SITE.replace("${var.name}", "${file(\"${path.module}/../secret.txt\")}"));
    outer.write("net/main.loam.hcl", calling("../shared").replace("module.site.text", "file(\"../secret.txt\")"));
    let done = outer.loam(&["-C", "net", "validate"]);
    assert!(done.code == 1 && !done.told().contains("canary"), "{}", done.told());
}

#[test]
fn a_saved_plan_is_stale_when_a_module_changed() {
    let project = Project::with(&calling("./site"));
    project.write("site/main.loam.hcl", SITE);
    project.succeed(&["plan", "--out", "saved.plan"]);
    project.write("site/main.loam.hcl", SITE.replace(" in ", " at "));
    let done = project.loam(&["apply", "--auto-approve", "saved.plan"]);
    assert!(done.code == 1 && done.stderr.contains("the configuration has changed since"), "{}", done.told());
}
