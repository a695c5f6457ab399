//! Files of overrides: what replaces what.

use std::path::Path;

use loam::{
    config::{self, Attribute, Block, Body, IgnoreChanges, Module, Repeat},
    diag::plain,
    source::{Sources, Span},
};

/// Reads files, and returns the root module with what is wrong with it.
fn read(files: &[(&str, &str)]) -> (std::sync::Arc<Module>, Sources, String) {
    let mut sources = Sources::default();
    let files = files.iter().map(|(name, text)| config::File { name: (*name).into(), bytes: (*text).into() });
    let (config, diagnostics) = config::parse(Path::new("."), files.collect(), &mut sources);
    let told = diagnostics.sorted().iter().map(|diagnostic| plain(diagnostic, &sources)).collect();
    (config.root, sources, told)
}

/// Writes a body as it was put together.
fn text(body: &Body, sources: &Sources) -> String {
    let block = |block: &Block| {
        let word = if block.dynamic.is_some() { "dynamic " } else { "" };
        format!("{word}{} {{ {} }}", block.kind, text(&block.body, sources))
    };
    let attributes = body.attributes.iter().map(|attribute| at(attribute.span(), sources));
    attributes.chain(body.blocks.iter().map(block)).collect::<Vec<_>>().join("; ")
}

fn at(span: Span, sources: &Sources) -> String {
    sources.text(span.source)[span.start as usize..span.end as usize].to_owned()
}

fn shown(attribute: Option<&Attribute>, sources: &Sources) -> String {
    attribute.map_or_else(|| "-".into(), |attribute| at(attribute.expr.span, sources))
}

const MAIN: &str = r#"
loam {
  backend "local" {
    path = "base"
  }
}
provider "kube" {
  alias   = "ci"
  context = "base"
  cluster = "base"
}
variable "size" {
  type        = string
  default     = "base"
  description = "base"
  nullable    = false
  sensitive   = true
  validation {
    condition     = var.size != ""
    error_message = "base"
  }
}
locals {
  one = "base"
  two = "base"
}
resource "machine" "a" {
  count    = 2
  command  = ["base"]
  memory   = "base"
  port {
    number = 1
  }
  port {
    number = 2
  }
  dynamic "stop" {
    for_each = []
    content {}
  }
  lifecycle {
    create_before_destroy = true
    ignore_changes        = [command]
    precondition {
      condition     = var.size != ""
      error_message = "base"
    }
  }
}
output "o" {
  value       = "base"
  description = "base"
  depends_on  = [machine.a]
}
module "site" {
  source = "./base"
  count  = 1
  region = "base"
  nodes  = 1
}
"#;

#[test]
fn what_they_say_replaces_what_others_say() {
    let over = r#"
loam {
  backend "local" {
    path = "over"
  }
}
provider "kube" {
  alias   = "ci"
  context = "over"
}
provider "s3" {
  region = "over"
}
variable "size" {
  default   = "over"
  sensitive = false
}
locals {
  two = "over"
}
resource "machine" "a" {
  for_each = { x = 1 }
  memory   = "over"
  token    = "over"
  port {
    number = 3
  }
  stop {
    grace = "over"
  }
  lifecycle {
    prevent_destroy = true
    ignore_changes  = all
  }
  timeouts {
    create = "1h"
  }
}
output "o" {
  value = "over"
}
module "site" {
  source = "./over"
  nodes  = 2
  extra  = 3
}
"#;
    let (module, sources, told) = read(&[("main.loam.hcl", MAIN), ("main_override.loam.hcl", over)]);
    assert_eq!(told, "");
    let backend = module.settings.backend.as_ref().expect("a backend");
    assert_eq!(text(&backend.body, &sources), r#"path = "over""#);
    let providers: Vec<String> =
        module.providers.iter().map(|(name, found)| format!("{name}: {}", text(&found.body, &sources))).collect();
    assert_eq!(providers, [r#"kube.ci: context = "over"; cluster = "base""#, r#"s3: region = "over""#]);
    let size = &module.variables["size"];
    assert_eq!(shown(size.default.as_ref(), &sources), "\"over\"");
    assert_eq!(
        (size.description.as_deref(), size.nullable, size.sensitive, size.validations.len()),
        (Some("base"), false, false, 1)
    );
    assert_eq!(size.ty.to_string(), "string");
    let locals: Vec<String> = module.locals.values().map(|local| at(local.span(), &sources)).collect();
    assert_eq!(locals, [r#"one = "base""#, r#"two = "over""#]);
    let machine = module.resources.values().next().expect("one resource");
    assert!(matches!(&machine.repeat, Repeat::ForEach(each) if at(each.expr.span, &sources) == "{ x = 1 }"));
    assert_eq!(
        text(&machine.body, &sources),
        r#"command  = ["base"]; memory   = "over"; token    = "over"; port { number = 3 }; stop { grace = "over" }"#
    );
    let lifecycle = &machine.lifecycle;
    assert_eq!(shown(lifecycle.create_before_destroy.as_ref(), &sources), "true");
    assert_eq!(shown(lifecycle.prevent_destroy.as_ref(), &sources), "true");
    assert_eq!((&lifecycle.ignore_changes, lifecycle.preconditions.len()), (&IgnoreChanges::All, 1));
    assert_eq!(machine.timeouts.len(), 1);
    let output = &module.outputs["o"];
    assert_eq!(shown(Some(&output.value), &sources), "\"over\"");
    assert_eq!((output.description.as_deref(), output.depends_on.len()), (Some("base"), 1));
    let call = &module.calls["site"];
    assert_eq!(at(call.source.expr.span, &sources), "\"./over\"");
    assert!(matches!(call.repeat, Repeat::Count(_)));
    let arguments: Vec<String> = call.arguments.values().map(|argument| at(argument.span(), &sources)).collect();
    assert_eq!(arguments, ["extra  = 3", "nodes  = 2", r#"region = "base""#]);
}

#[test]
fn they_come_last_in_the_order_of_their_names() {
    let files = [
        ("a_override.loam.hcl", "locals {\n  one = 1\n  two = 1\n}\n"),
        ("override.loam.hcl", "locals {\n  two = 2\n}\n"),
        ("z.loam.hcl", "locals {\n  one = 0\n  two = 0\n  three = 0\n}\n"),
        ("z_override.loam.hcl", "locals {\n  three = 3\n}\n"),
    ];
    let (module, sources, told) = read(&files);
    assert_eq!(told, "");
    let locals: Vec<String> = module.locals.values().map(|local| at(local.span(), &sources)).collect();
    assert_eq!(locals, ["one = 1", "three = 3", "two = 2"]);
}

#[test]
fn a_name_that_only_looks_alike_is_a_file_like_others() {
    let (module, _, told) = read(&[("myoverride.loam.hcl", "locals {\n  one = 1\n}\n")]);
    assert_eq!((told.as_str(), module.locals.len()), ("", 1));
}
