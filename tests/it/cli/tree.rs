//! Trees of modules, planned and applied.

use insta::assert_snapshot;

use crate::support::Project;

const ROOT: &str = r#"
variable "regions" {
  type    = map(number)
  default = { eu = 2, us = 1 }
}

resource "loam_data" "base" {
  input = "b"
}

module "site" {
  source   = "./site"
  for_each = var.regions
  region   = each.key
  size     = each.value
  prefix   = loam_data.base.output
}

module "later" {
  source     = "./node"
  label      = "later"
  token      = "hunter2"
  depends_on = [module.site]
}

resource "loam_data" "user" {
  for_each = var.regions
  input    = module.site[each.key].labels
}

output "labels" {
  value = { for name, site in module.site : name => site.labels }
}

output "token" {
  value     = module.later.token
  sensitive = true
}
"#;

const SITE: &str = r#"
variable "region" {}

variable "size" {
  type = number
}

variable "prefix" {
  validation {
    condition     = startswith(var.prefix, "b")
    error_message = "The prefix starts with b."
  }
}

locals {
  labels = [for label in module.node[*].label : upper(label)]
}

module "node" {
  source = "../node"
  count  = var.size
  label  = "${var.prefix}-${var.region}-${count.index}"
  token  = "s3cr3t-${count.index}"
}

output "labels" {
  value = local.labels
}
"#;

const NODE: &str = r#"
variable "label" {}

variable "token" {
  sensitive = true
}

variable "keep" {
  default = false
}

variable "is_precious" {
  default = false
}

resource "loam_data" "it" {
  input      = { label = var.label, token = var.token }
  on_destroy = var.keep ? "retain" : "delete"

  lifecycle {
    prevent_destroy       = var.is_precious
    create_before_destroy = var.keep
  }
}

output "label" {
  value = nonsensitive(loam_data.it.output.label)
}

output "token" {
  value     = "t"
  sensitive = true
}
"#;

fn tree(root: &str) -> Project {
    let project = Project::with(root);
    project.write("site/main.loam.hcl", SITE);
    project.write("node/main.loam.hcl", NODE);
    project
}

/// Returns what is told where nothing can be done.
fn refused(project: &Project, arguments: &[&str]) -> String {
    let done = project.loam(arguments);
    assert_eq!(done.code, 1, "{}", done.stderr);
    done.stderr
}

#[test]
fn modules_repeat_wait_and_give_back() {
    let project = tree(ROOT);
    project.succeed(&["validate"]);
    project.apply(&[]);
    project.assert_settled(&[]);
    assert_eq!(
        project.addresses(),
        [
            "loam_data.base",
            r#"loam_data.user["eu"]"#,
            r#"loam_data.user["us"]"#,
            "module.later.loam_data.it",
            r#"module.site["eu"].module.node[0].loam_data.it"#,
            r#"module.site["eu"].module.node[1].loam_data.it"#,
            r#"module.site["us"].module.node[0].loam_data.it"#,
        ]
    );
    assert_eq!(project.output("labels").to_string(), r#"{"eu":["B-EU-0","B-EU-1"],"us":["B-US-0"]}"#);
    let later = project.object("module.later.loam_data.it");
    assert!(!later.to_string().contains("hunter2"), "{later}");
    // What is no longer called goes, and what stays is not touched.
    let fewer = project.loam(&["apply", "--auto-approve", "--var", "regions={ us = 1 }"]);
    assert_eq!(fewer.code, 0, "{}", fewer.stderr);
    assert_eq!(project.addresses().len(), 4);
    project.succeed(&["destroy", "--auto-approve"]);
    assert_eq!(project.addresses(), Vec::<String>::new());
}

#[test]
fn a_repetition_that_nobody_knows_names_what_makes_it_unknown() {
    let project = tree("");
    project.configure(
        r#"
resource "loam_data" "names" {
  input = ["a"]
}

module "many" {
  source = "./many"
  names  = loam_data.names.output
}
"#,
    );
    project.write(
        "many/main.loam.hcl",
        "variable \"names\" {}\n\nresource \"loam_data\" \"it\" {\n  for_each = toset(var.names)\n}\n",
    );
    assert_snapshot!(refused(&project, &["plan"]), @r"
    error: Unknown for_each
      --> many/main.loam.hcl:4:14
      |
    4 |   for_each = toset(var.names)
      |              ^^^^^^^^^^^^^^^^
      = in module.many.loam_data.it
      = `for_each` decides which instances there are, so its value must be known at plan. It depends on `var.names`, which comes from `loam_data.names`, of which something is known only after apply.
    hint: Use keys that the configuration itself knows, and keep what is unknown in the values.
    ");
}

#[test]
fn only_the_outputs_that_are_named_are_needed() {
    let project = Project::with(
        "module \"a\" {\n  source = \"./m\"\n  in = module.b.constant\n}\n\nmodule \"b\" {\n  source = \"./m\"\n  in = module.a.out\n}\n",
    );
    let module =
        "variable \"in\" {}\n\noutput \"out\" {\n  value = var.in\n}\n\noutput \"constant\" {\n  value = 1\n}\n";
    project.write("m/main.loam.hcl", module);
    project.succeed(&["plan"]);
    let root = project.read("main.loam.hcl").replace("module.b.constant", "module.b.out");
    project.configure(&root);
    let told = refused(&project, &["plan"]);
    let round: String = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        round.contains(
            "`module.a.var.in` → `module.b.output.out` → `module.b.var.in` → `module.a.output.out` → `module.a.var.in`."
        ),
        "{told}"
    );
}

#[test]
fn meta_arguments_are_static_and_differ_between_instances() {
    let project = tree(
        "module \"node\" {\n  source   = \"./node\"\n  for_each = toset([\"plain\", \"precious\"])\n  label    = \"x\"\n  token    = \"t\"\n  is_precious = each.key == \"precious\"\n}\n",
    );
    project.apply(&[]);
    let told = refused(&project, &["destroy", "--auto-approve"]);
    assert!(told.contains("`module.node[\"precious\"].loam_data.it` would be destroyed"), "{told}");
    assert!(!told.contains("`module.node[\"plain\"].loam_data.it` would"), "{told}");
    let unknown = project.read("main.loam.hcl").replace("each.key ==", "loam_data.x.id ==")
        + "\nresource \"loam_data\" \"x\" {}\n";
    project.configure(&unknown);
    let told = refused(&project, &["plan"]);
    assert!(told.contains("`prevent_destroy` must be static"), "{told}");
    assert!(told.contains("`loam_data.x`"), "{told}");
}

const REGIONS: &str = r#"
provider "loam" {
  alias    = "by_region"
  for_each = toset(["eu", "us"])
}

module "node" {
  source    = "./passed"
  for_each  = toset(["eu", "us"])
  providers = { loam.here = loam.by_region[each.key] }
}

resource "loam_data" "own" {
  for_each = toset(["eu", "us"])
  provider = loam.by_region[each.key]
}
"#;

#[test]
fn each_instance_of_a_module_is_given_its_provider() {
    let project = Project::with(REGIONS);
    project.write("passed/main.loam.hcl", "resource \"loam_data\" \"it\" {\n  provider = loam.here\n}\n");
    project.succeed(&["validate"]);
    project.apply(&[]);
    project.assert_settled(&[]);
    for name in ["module.node[\"eu\"].loam_data.it", "loam_data.own[\"eu\"]"] {
        let shown = project.succeed(&["state", "show", name]);
        assert!(shown.contains("(loam.by_region[\"eu\"])"), "{shown}");
    }
    project.configure(&REGIONS.replace("provider = loam.by_region[each.key]", "provider = loam.by_region[\"ue\"]"));
    assert_snapshot!(refused(&project, &["plan"]).lines().skip(1).take(8).collect::<Vec<_>>().join("\n"), @r#"
    error: Invalid provider key
       --> main.loam.hcl:15:29
       |
    15 |   provider = loam.by_region["ue"]
       |                             ^^^^
       = in loam_data.own["eu"]
       = The provider configuration `loam.by_region` has no instance ["ue"].
    hint: Did you mean `eu`?
    "#);
    project.configure(&REGIONS.replace("= loam.by_region[each.key] }", "= loam.by_regoin[each.key] }"));
    assert_snapshot!(refused(&project, &["plan"]), @r"
    error: Undeclared provider
       --> main.loam.hcl:10:29
       |
    10 |   providers = { loam.here = loam.by_regoin[each.key] }
       |                             ^^^^^^^^^^^^^^^^^^^^^^^^
       = There is no provider configuration `loam.by_regoin`.
    hint: Did you mean `loam.by_region`?
    ");
    project.configure(REGIONS);
    project.succeed(&["destroy", "--auto-approve"]);
}

#[test]
fn a_module_that_configures_a_provider_is_called_once() {
    let project = Project::with("module \"m\" {\n  source = \"./m\"\n  count  = 2\n}\n");
    project.write("m/main.loam.hcl", "provider \"local\" {}\n");
    assert_snapshot!(refused(&project, &["validate"]), @r#"
error: Provider in a module
  --> main.loam.hcl:3:3
  |
3 |   count  = 2
  |   ^^^^^
  ::: m/main.loam.hcl:1:1
  |
1 | provider "local" {}
  | ^^^^^^^^^^^^^^^^ the module's own configuration
  = `module.m` configures the provider `local` itself, so its call cannot have `count`.
hint: Move the configuration out of the module, and pass it with `providers = { … }`.
"#);
}

/// A secret that a called module gives itself, of which a program tells a part.
const VAULT: &str = r#"
variable "token" {
  default   = "hunter2-of-the-vault"
  sensitive = true
}

data "process" "part" {
  command = ["sh", "-c", "echo $${WRAPPED#begin-}"]
  env     = { WRAPPED = "begin-${var.token}" }
}

resource "loam_data" "kept" {
  input = data.process.part.stdout
}

output "part" {
  value = data.process.part.stdout
}
"#;

#[test]
fn secrets_of_a_called_module_are_known_in_what_comes_back() {
    let project = Project::with("module \"vault\" {\n  source = \"./vault\"\n}\n");
    project.write("vault/main.loam.hcl", VAULT);
    let plan = project.succeed(&["plan"]);
    assert!(plan.contains("(sensitive)") && !plan.contains("hunter2"), "{plan}");
    let done = project.loam(&["apply", "--auto-approve"]);
    assert!(done.code == 0 && !done.told().contains("hunter2"), "{}", done.told());
    let shown = project.succeed(&["state", "show", "module.vault.loam_data.kept"]);
    assert!(shown.contains("(sensitive)") && !shown.contains("hunter2"), "{shown}");

    project.write(
        "main.loam.hcl",
        "module \"vault\" {\n  source = \"./vault\"\n}\n\noutput \"part\" {\n  value = module.vault.part\n}\n",
    );
    let done = project.loam(&["plan"]);
    assert!(done.code == 1 && done.stderr.contains("Sensitive output"), "{}", done.told());
    assert!(!done.told().contains("hunter2"), "{}", done.told());
}
