//! Bodies of blocks: attributes and nested blocks, lowered, or taken one by one by whoever knows their names.

use loam_provider::{Str, Value};

use super::{
    Attribute, Block, Body, Check, Label,
    constant::constant,
    dynamic,
    lower::Lower,
    overrides::Layer,
    syntax::{
        self,
        tree::{Attribute as HclAttribute, Block as HclBlock, BlockLabel, Body as HclBody, Structure},
    },
};
use crate::{
    diag::{Diagnostic, did_you_mean, suggest},
    source::Span,
};

/// Lowers an attribute.
pub(super) fn attribute(cx: &mut Lower<'_, '_>, found: &HclAttribute) -> Attribute {
    let name_span = cx.span(&found.key);
    Attribute::new(found.key.as_str().into(), name_span, cx.expr(&found.value))
}

/// Lowers a nested block with everything in it.
pub(super) fn block(cx: &mut Lower<'_, '_>, found: &HclBlock) -> Block {
    let kind_span = cx.span(&found.ident);
    let labels = labels(cx, found);
    let span = head(cx, found);
    let kind = found.ident.as_str().into();
    Block { kind, kind_span, dynamic: None, labels, body: body(cx, &found.body), span }
}

/// Lowers a body with everything in it.
pub(super) fn body(cx: &mut Lower<'_, '_>, found: &HclBody) -> Body {
    let mut lowered = empty(cx, found);
    for structure in found {
        add(cx, structure, &mut lowered);
    }
    lowered
}

/// Returns a body with the place of another and nothing in it yet.
pub(super) fn empty(cx: &Lower<'_, '_>, found: &HclBody) -> Body {
    Body { is_complete: cx.is_complete, notation: found.notation, ..Body::empty(found.span) }
}

/// Lowers one thing into a body.
pub(super) fn add(cx: &mut Lower<'_, '_>, structure: &Structure, body: &mut Body) {
    match structure {
        Structure::Attribute(found) => body.attributes.push(attribute(cx, found)),
        Structure::Block(found) if found.ident.as_str() == "dynamic" => {
            let block = dynamic::lower(cx, found);
            body.blocks.extend(block);
        }
        Structure::Block(found) => {
            let block = block(cx, found);
            body.blocks.push(block);
        }
    }
}

/// Returns the labels of a block.
pub(super) fn labels(cx: &Lower<'_, '_>, block: &HclBlock) -> Vec<Label> {
    let label = |label: &BlockLabel| Label { text: label.as_str().into(), span: cx.span(label) };
    block.labels.iter().map(label).collect()
}

/// Returns the place of a block's type and labels.
pub(super) fn head(cx: &Lower<'_, '_>, block: &HclBlock) -> Span {
    let start = cx.span(&block.ident);
    block.labels.last().map_or(start, |last| start.to(cx.span(last)))
}

/// What a block of the language itself may hold, for messages about everything else.
pub(super) struct Allowed<'a> {
    /// What the block is called: "a `variable` block".
    pub(super) what: &'a str,
    /// The attributes it may have.
    pub(super) attributes: &'a [&'a str],
    /// The blocks it may have.
    pub(super) blocks: &'a [&'a str],
}

impl Allowed<'_> {
    /// Reports something that the block may not hold.
    pub(super) fn refuse(&self, cx: &mut Lower<'_, '_>, structure: &Structure) {
        match structure {
            Structure::Attribute(found) => {
                let (name, span) = (found.key.as_str(), cx.span(&found.key));
                let detail = format!("There is no argument `{name}` in {}.", self.what);
                let mut diagnostic = Diagnostic::error("Unknown argument", span, detail);
                if self.blocks.contains(&name) {
                    diagnostic = diagnostic.hint(format!("`{name}` is a block: write `{name} {{ … }}` without `=`."));
                } else if let Some(hint) = did_you_mean(name, self.attributes.iter().copied()) {
                    diagnostic = diagnostic.hint(hint);
                } else {
                    diagnostic = diagnostic.maybe_hint(list("The arguments there are", self.attributes));
                }
                cx.diagnostics.push(diagnostic);
            }
            Structure::Block(found) => {
                let (name, span) = (found.ident.as_str(), head(cx, found));
                let detail = format!("There is no block `{name}` in {}.", self.what);
                let mut diagnostic = Diagnostic::error("Unknown block", span, detail);
                if self.attributes.contains(&name) {
                    diagnostic = diagnostic.hint(format!("`{name}` is an argument: write `{name} = …`."));
                } else if let Some(hint) = did_you_mean(name, self.blocks.iter().copied()) {
                    diagnostic = diagnostic.hint(hint);
                } else {
                    diagnostic = diagnostic.maybe_hint(list("The blocks there are", self.blocks));
                }
                cx.diagnostics.push(diagnostic);
            }
        }
    }
}

fn list(intro: &str, names: &[&str]) -> Option<String> {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| format!("{intro}: {}.", names.join(", ")))
}

/// Reports an argument that is missing from a block, unless a misspelt one was meant.
pub(super) fn missing(cx: &mut Lower<'_, '_>, name: &str, what: &str, block: &HclBlock) {
    let diagnostic = missing_from(cx, name, what, block);
    diagnostic.into_iter().for_each(|diagnostic| cx.diagnostics.push(diagnostic));
}

/// Reports an argument that is missing from a block, as [`missing`] does, with a way out.
pub(super) fn missing_with(cx: &mut Lower<'_, '_>, name: &str, what: &str, block: &HclBlock, hint: &str) {
    let diagnostic = missing_from(cx, name, what, block);
    diagnostic.into_iter().for_each(|diagnostic| cx.diagnostics.push(diagnostic.hint(hint)));
}

fn missing_from(cx: &Lower<'_, '_>, name: &str, what: &str, block: &HclBlock) -> Option<Diagnostic> {
    let misspelt = block.body.attributes().any(|found| suggest(found.key.as_str(), [name]).is_some());
    let detail = format!("The argument `{name}` must be set in {what}.");
    (cx.is_complete && cx.layer == Layer::Base && !misspelt)
        .then(|| Diagnostic::error("Missing argument", head(cx, block), detail))
}

/// Reports a block that Terraform has and loam does not.
pub(super) fn no_provisioner(cx: &mut Lower<'_, '_>, found: &HclBlock) {
    let word = found.ident.as_str();
    let detail = format!("loam has no `{word}` blocks.");
    let hint = "Use a resource of kind `process`, or the hooks of the kind itself.";
    let span = head(cx, found);
    cx.diagnostics.push(Diagnostic::error("Unknown block", span, detail).hint(hint));
}

/// Returns an argument that has to be a plain `true` or `false`.
pub(super) fn flag(cx: &mut Lower<'_, '_>, found: &HclAttribute) -> Option<bool> {
    let lowered = attribute(cx, found);
    match constant(&lowered.expr).map(|value| value.convert(&loam_provider::Type::Bool)) {
        Some(Ok(Value::Bool(claim))) => Some(claim),
        _ => {
            must_be(cx, &lowered, "`true` or `false`");
            None
        }
    }
}

/// Lowers an argument that is `true` or `false` in the end; where its value can be told already, it is checked.
pub(super) fn static_flag(cx: &mut Lower<'_, '_>, found: &HclAttribute) -> Attribute {
    let lowered = attribute(cx, found);
    if let Some(value) = constant(&lowered.expr)
        && !matches!(value.convert(&loam_provider::Type::Bool), Ok(Value::Bool(_)))
    {
        must_be(cx, &lowered, "`true` or `false`");
    }
    lowered
}

/// Returns an argument that has to be plain text.
pub(super) fn text(cx: &mut Lower<'_, '_>, found: &HclAttribute) -> Option<Str> {
    let lowered = attribute(cx, found);
    match constant(&lowered.expr) {
        Some(Value::String(text)) => Some(text),
        _ => {
            must_be(cx, &lowered, "text in quotes, without references");
            None
        }
    }
}

/// Reports an argument whose value must be plain but is not.
pub(super) fn must_be(cx: &mut Lower<'_, '_>, attribute: &Attribute, what: &str) {
    let detail = format!("The argument `{}` must be {what}.", attribute.name);
    cx.diagnostics.push(Diagnostic::error("Invalid value", attribute.expr.span, detail));
}

/// Lowers a block of a condition and a message: `validation`, `precondition`, `postcondition`.
pub(super) fn check(cx: &mut Lower<'_, '_>, found: &HclBlock) -> Option<Check> {
    let name = found.ident.as_str();
    let span = head(cx, found);
    no_labels(cx, found);
    let article = if name == "assert" { "an" } else { "a" };
    let what = format!("{article} `{name}` block");
    let allowed = Allowed { what: &what, attributes: &["condition", "error_message"], blocks: &[] };
    let (mut condition, mut error_message) = (None, None);
    for structure in &found.body {
        match structure {
            Structure::Attribute(found) if found.key.as_str() == "condition" => condition = Some(attribute(cx, found)),
            Structure::Attribute(found) if found.key.as_str() == "error_message" => {
                error_message = Some(attribute(cx, found));
            }
            other => allowed.refuse(cx, other),
        }
    }
    for (name, absent) in [("condition", condition.is_none()), ("error_message", error_message.is_none())] {
        if absent {
            missing(cx, name, &what, found);
        }
    }
    Some(Check { condition: condition?, error_message: error_message?, span })
}

/// Reports labels on a block that has none.
pub(super) fn no_labels(cx: &mut Lower<'_, '_>, found: &HclBlock) {
    if let Some(first) = found.labels.first() {
        let span = cx.span(first).to(head(cx, found));
        let name = found.ident.as_str();
        let detail = format!("A `{name}` block has no labels.");
        cx.diagnostics.push(Diagnostic::error("Unexpected label", span, detail).hint(format!("Write `{name} {{`.")));
    }
}

/// Returns whether a text can be a name.
pub(super) fn is_name(text: &str) -> bool {
    syntax::is_identifier(text)
}
