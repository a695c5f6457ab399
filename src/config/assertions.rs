//! `check` blocks.

use super::{
    CheckBlock, Repeat, Resource,
    blocks::{Builder, Resources, bad_name, duplicate, wrong_labels},
    body::{self, Allowed},
    lower::Lower,
    resource,
    syntax::tree::{Block as HclBlock, Structure},
};
use crate::{addr::Mode, diag::Diagnostic, source::Span};

/// Lowers a `check` block.
pub(super) fn lower(cx: &mut Lower<'_, '_>, block: &HclBlock, span: Span, builder: &mut Builder) {
    let labels = body::labels(cx, block);
    let [label] = labels.as_slice() else {
        return wrong_labels(cx, block, "check", "its name", "check \"health\"");
    };
    if !body::is_name(&label.text) {
        return bad_name(cx, "check", &label.text, label.span);
    }
    let name = label.text.clone();
    let what = "a `check` block";
    let allowed = Allowed { what, attributes: &[], blocks: &["data", "assert"] };
    let mut data: Option<Box<Resource>> = None;
    let mut asserts = Vec::new();
    let mut is_sound = true;
    for structure in &block.body {
        match structure {
            Structure::Block(found) if found.ident.as_str() == "data" => {
                let own = scoped(cx, found);
                match (&data, own) {
                    (Some(first), Some(second)) => {
                        let detail = "A `check` block has one data source of its own.";
                        let hint = "Declare the other one outside, or write a second `check`.";
                        let diagnostic = Diagnostic::error("Duplicate block", second.span, detail);
                        cx.diagnostics.push(diagnostic.related(first.span, "the first one").hint(hint));
                    }
                    (None, own) => data = own.map(Box::new),
                    (Some(_), None) => {}
                }
            }
            Structure::Block(found) if found.ident.as_str() == "assert" => match body::check(cx, found) {
                Some(assert) => asserts.push(assert),
                None => is_sound = false,
            },
            Structure::Block(found) if matches!(found.ident.as_str(), "precondition" | "postcondition") => {
                is_sound = false;
                let detail = format!("There is no block `{}` in {what}.", found.ident.as_str());
                let span = body::head(cx, found);
                cx.diagnostics.push(Diagnostic::error("Unknown block", span, detail).hint("Write `assert {` here."));
            }
            other => {
                is_sound = false;
                allowed.refuse(cx, other);
            }
        }
    }
    if asserts.is_empty() && is_sound && cx.is_complete {
        let detail = "There must be an `assert` block in a `check` block: it would look at nothing.";
        let hint = "Write `assert { condition = …, error_message = \"…\" }`, each argument on a line of its own.";
        cx.diagnostics.push(Diagnostic::error("Missing block", span, detail).hint(hint));
    }
    if let Some(first) = builder.module.checks.get(&name) {
        cx.diagnostics.push(duplicate(format!("The check `{name}` is already declared."), span, first.span));
        return;
    }
    builder.module.checks.insert(name.clone(), CheckBlock { name, data, asserts, span });
}

/// Lowers the data source of a `check`: it is one, read when the check is.
fn scoped(cx: &mut Lower<'_, '_>, block: &HclBlock) -> Option<Resource> {
    let span = body::head(cx, block);
    let mut found = Resources::new();
    resource::lower(cx, block, Mode::Data, span, &mut found);
    let (_, mut data) = found.pop_first()?;
    let refuse = |name: &str, span: Span| {
        let detail = format!("`{name}` cannot be used in the data source of a `check` block.");
        let hint = "Declare the data source outside of the `check`, where it can be.";
        Diagnostic::error("Unknown argument", span, detail).hint(hint)
    };
    let repeat = std::mem::replace(&mut data.repeat, Repeat::Once);
    if let Repeat::Count(attribute) | Repeat::ForEach(attribute) = &repeat {
        cx.diagnostics.push(refuse(&attribute.name, attribute.name_span));
    }
    let lifecycle = block.body.blocks().find(|found| found.ident.as_str() == "lifecycle");
    if let Some(lifecycle) = lifecycle {
        let span = body::head(cx, lifecycle);
        cx.diagnostics.push(refuse("lifecycle", span));
    }
    Some(data)
}
