//! `module` blocks.

use std::collections::BTreeMap;

use loam_provider::{Str, Value};

use super::{
    Attribute, Expr, ModuleCall, Repeat, Subject,
    blocks::{Builder, bad_name, duplicate, wrong_labels},
    body, choices,
    constant::constant,
    lower::Lower,
    overrides::{self, Given, Layer},
    resource,
    syntax::tree::{Block as HclBlock, Structure},
};
use crate::{
    diag::{Diagnostic, suggest},
    source::Span,
};

/// Lowers a `module` block into the module it stands in.
pub(super) fn lower(cx: &mut Lower<'_, '_>, block: &HclBlock, span: Span, builder: &mut Builder) {
    let labels = body::labels(cx, block);
    let [label] = labels.as_slice() else {
        return wrong_labels(cx, block, "module", "its name", "module \"site\"");
    };
    if !body::is_name(&label.text) {
        return bad_name(cx, "module", &label.text, label.span);
    }
    let name = label.text.clone();
    let (mut source, mut repeat, mut arguments) = (None, Repeat::Once, BTreeMap::new());
    let (mut providers, mut depends_on) = (Vec::new(), Vec::new());
    for structure in &block.body {
        let found = match structure {
            Structure::Attribute(found) => found,
            Structure::Block(found) => {
                refuse(cx, found);
                continue;
            }
        };
        match found.key.as_str() {
            "source" => {
                let lowered = body::attribute(cx, found);
                check_source(cx, &lowered);
                source = Some(lowered);
            }
            "version" => {
                body::attribute(cx, found);
                let detail = "loam has no registry of modules: where a module is says which version of it.";
                let hint = "Name the version in the source, for example `source = \"git::https://…/site?ref=v1.2.0\"`.";
                let span = cx.span(&found.key);
                cx.diagnostics.push(Diagnostic::error("Unknown argument", span, detail).hint(hint));
            }
            "count" | "for_each" => resource::repeat(cx, found, &mut repeat),
            "depends_on" => depends_on = resource::depends_on(cx, found),
            "providers" => providers = choices::passed(cx, &found.value),
            "provider" => {
                let detail = "A module may use several providers, so there is no argument `provider`.";
                let hint = "Pass configurations by name: `providers = { kube = kube.ci }`.";
                let span = cx.span(&found.key);
                cx.diagnostics.push(Diagnostic::error("Unknown argument", span, detail).hint(hint));
            }
            word @ ("lifecycle" | "locals") => {
                let detail = format!("`{word}` cannot be an argument of a module: the word is reserved.");
                let span = cx.span(&found.key);
                cx.diagnostics.push(Diagnostic::error("Reserved name", span, detail));
            }
            _ => {
                let lowered = body::attribute(cx, found);
                arguments.insert(lowered.name.clone(), lowered);
            }
        }
    }
    if cx.layer == Layer::Override {
        let source = source.unwrap_or_else(|| Attribute::new("source".into(), span, Expr::invalid(span)));
        let over =
            ModuleCall { name: name.clone(), source, repeat, arguments, providers, depends_on, module: None, span };
        return match builder.module.calls.get_mut(&name) {
            Some(base) => overrides::call(cx, base, over, &Given::of(block)),
            None => cx.diagnostics.push(overrides::undeclared(&format!("module `module.{name}`"), span)),
        };
    }
    if let Some(first) = builder.module.calls.get(&name) {
        let detail = format!("The module `{name}` is already declared.");
        let hint = "To call the same module twice, give each call a name of its own.";
        cx.diagnostics.push(duplicate(detail, span, first.span).hint(hint));
        return;
    }
    let Some(source) = source else {
        builder.broken.insert(Subject::Module(name));
        if cx.is_complete {
            let detail = "The argument `source` must be set in a `module` block: it says where the module is.";
            let meant = arguments.keys().find(|given: &&Str| suggest(given, ["source"]).is_some());
            let hint = match meant {
                Some(given) => format!("Did you mean `source` where `{given}` stands?"),
                None => "Write for example `source = \"./modules/site\"`.".into(),
            };
            cx.diagnostics.push(Diagnostic::error("Missing argument", span, detail).hint(hint));
        }
        return;
    };
    let call = ModuleCall { name: name.clone(), source, repeat, arguments, providers, depends_on, module: None, span };
    builder.module.calls.insert(name, call);
}

fn check_source(cx: &mut Lower<'_, '_>, source: &Attribute) {
    let hint = "Write for example `source = \"./modules/site\"` or `source = \"git::https://…/site?ref=v1.2.0\"`.";
    let wrong = match constant(&source.expr) {
        Some(Value::String(text)) if text.trim().is_empty() => "The source of a module is empty.",
        None | Some(Value::String(_)) => return,
        Some(_) => "The source of a module is text.",
    };
    cx.diagnostics.push(Diagnostic::error("Invalid source", source.expr.span, wrong).hint(hint));
}

fn refuse(cx: &mut Lower<'_, '_>, found: &HclBlock) {
    let name = found.ident.as_str();
    let span = body::head(cx, found);
    let detail = "A `module` block has arguments only.";
    let hint = match name {
        "lifecycle" => "Put `lifecycle` into the resources of the module.".to_owned(),
        "providers" | "count" | "for_each" | "depends_on" => format!("Write `{name} = …`."),
        "dynamic" => "Give the module a list, and use `dynamic` inside it.".to_owned(),
        _ => format!("For a variable that takes an object write `{name} = {{ … }}`."),
    };
    cx.diagnostics.push(Diagnostic::error("Unknown block", span, detail).hint(hint));
}
