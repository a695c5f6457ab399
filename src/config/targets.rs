//! `moved`, `removed` and `import` blocks, and the addresses in them.

use loam_provider::{Str, Value};

use super::{
    BlockName, Expr, ExprKind, Import, Moved, Removed, Target, TargetBlock, TargetStep,
    blocks::Builder,
    body::{self, Allowed},
    choices,
    constant::constant,
    lower::Lower,
    syntax::tree::{
        Attribute as HclAttribute, Block as HclBlock, Expression, Spanned, Structure, Traversal, TraversalOperator,
    },
};
use crate::{addr::Mode, diag::Diagnostic, source::Span};

/// Lowers a `moved` block.
pub(super) fn moved(cx: &mut Lower<'_, '_>, block: &HclBlock, span: Span, builder: &mut Builder) {
    body::no_labels(cx, block);
    let what = "a `moved` block";
    let allowed = Allowed { what, attributes: &["from", "to"], blocks: &[] };
    let (mut from, mut to) = (None, None);
    for structure in &block.body {
        match structure {
            Structure::Attribute(found) if found.key.as_str() == "from" => from = Some(fixed(cx, found)),
            Structure::Attribute(found) if found.key.as_str() == "to" => to = Some(fixed(cx, found)),
            other => allowed.refuse(cx, other),
        }
    }
    let hint = "Write for example `from = bucket.old` and `to = bucket.new`.";
    for (name, absent) in [("from", from.is_none()), ("to", to.is_none())] {
        if absent {
            body::missing_with(cx, name, what, block, hint);
        }
    }
    let (Some(Some(from)), Some(Some(to))) = (from, to) else { return };
    if from.block.is_some() != to.block.is_some() {
        let name = |target: &Target| if target.block.is_some() { "a resource" } else { "a module" };
        let detail = format!("`from` is {}, but `to` is {}.", name(&from), name(&to));
        let hint = "A resource moves to the address of a resource, a module to that of a module.";
        cx.diagnostics.push(Diagnostic::error("Invalid move", span, detail).hint(hint));
        return;
    }
    builder.module.moved.push(Moved { from, to, span });
}

/// Lowers a `removed` block.
pub(super) fn removed(cx: &mut Lower<'_, '_>, block: &HclBlock, span: Span, builder: &mut Builder) {
    body::no_labels(cx, block);
    let what = "a `removed` block";
    let allowed = Allowed { what, attributes: &["from"], blocks: &["lifecycle"] };
    let (mut from, mut destroy) = (None, None);
    for structure in &block.body {
        match structure {
            Structure::Attribute(found) if found.key.as_str() == "from" => {
                let target = fixed(cx, found);
                let keyed = target.as_ref().is_some_and(Target::has_keys);
                if keyed {
                    let detail = "`from` names a whole resource or module: its `removed` block is for all instances.";
                    let hint = "Leave out the key in brackets.";
                    let span = cx.span(&found.value);
                    cx.diagnostics.push(Diagnostic::error("Invalid address", span, detail).hint(hint));
                }
                from = Some(target.filter(|_| !keyed));
            }
            Structure::Block(found) if found.ident.as_str() == "lifecycle" => {
                body::no_labels(cx, found);
                let allowed =
                    Allowed { what: "the `lifecycle` of a `removed` block", attributes: &["destroy"], blocks: &[] };
                for structure in &found.body {
                    match structure {
                        Structure::Attribute(found) if found.key.as_str() == "destroy" => {
                            destroy = Some(body::static_flag(cx, found));
                        }
                        other => allowed.refuse(cx, other),
                    }
                }
            }
            Structure::Attribute(found) if found.key.as_str() == "destroy" => {
                let detail = "`destroy` stands in the `lifecycle` of a `removed` block.";
                let hint = "Write `lifecycle { destroy = false }`.";
                let span = cx.span(&found.key);
                cx.diagnostics.push(Diagnostic::error("Unknown argument", span, detail).hint(hint));
            }
            Structure::Block(found) if matches!(found.ident.as_str(), "provisioner" | "connection") => {
                body::no_provisioner(cx, found);
            }
            other => allowed.refuse(cx, other),
        }
    }
    match from {
        None => body::missing_with(cx, "from", what, block, "Write for example `from = bucket.old`."),
        Some(None) => {}
        Some(Some(from)) => builder.module.removed.push(Removed { from, destroy, span }),
    }
}

/// Lowers an `import` block.
pub(super) fn import(cx: &mut Lower<'_, '_>, block: &HclBlock, span: Span, builder: &mut Builder) {
    body::no_labels(cx, block);
    let what = "an `import` block";
    let allowed = Allowed { what, attributes: &["to", "id", "for_each", "provider"], blocks: &[] };
    let (mut to, mut id, mut for_each, mut provider) = (None, None, None, None);
    for structure in &block.body {
        let Structure::Attribute(found) = structure else {
            allowed.refuse(cx, structure);
            continue;
        };
        match found.key.as_str() {
            "to" => {
                let target = target(cx, &found.value);
                let is_module = target.as_ref().is_some_and(|target| target.block.is_none());
                if is_module {
                    let detail = "A module cannot be imported as one: each of its resources is.";
                    let hint = "Write for example `to = module.site.bucket.archives`.";
                    let span = cx.span(&found.value);
                    cx.diagnostics.push(Diagnostic::error("Invalid address", span, detail).hint(hint));
                }
                to = Some(target.filter(|_| !is_module));
            }
            "id" => id = Some(body::attribute(cx, found)),
            "for_each" => for_each = Some(body::attribute(cx, found)),
            "provider" => provider = choices::choice(cx, "provider", &found.value),
            _ => allowed.refuse(cx, structure),
        }
    }
    if to.is_none() {
        body::missing_with(cx, "to", what, block, "Write for example `to = bucket.archives`.");
    }
    if id.is_none() {
        body::missing_with(
            cx,
            "id",
            what,
            block,
            "It is what the provider knows the object by, for example a name or a path.",
        );
    }
    if let (Some(Some(to)), Some(id)) = (to, id) {
        builder.module.imports.push(Import { to, id, for_each, provider, span });
    }
}

/// Lowers an address all of whose keys are written out.
fn fixed(cx: &mut Lower<'_, '_>, found: &HclAttribute) -> Option<Target> {
    let target = target(cx, &found.value)?;
    let keys = target.keys().find(|key| {
        !matches!(key.kind, ExprKind::Invalid) && !matches!(constant(key), Some(Value::String(_) | Value::Number(_)))
    });
    let Some(key) = keys else { return Some(target) };
    let detail = format!("The keys in `{}` must be written out: they cannot refer to anything.", found.key.as_str());
    let hint = "Write for example `bucket.archives[\"eu\"]` or `bucket.archives[0]`.";
    let diagnostic = Diagnostic::error("Invalid address", key.span, detail).hint(hint);
    cx.diagnostics.push(diagnostic);
    None
}

/// Lowers the address of a module, a resource, or one instance of either.
fn target(cx: &mut Lower<'_, '_>, value: &Expression) -> Option<Target> {
    let span = cx.span(value);
    let read = match value {
        Expression::Traversal(found) => Walk::new(found).and_then(|walk| walk.target(cx, span)),
        Expression::String(text) => Err(format!("Write it without quotes: `{}`.", text.value())),
        _ => Err("Write for example `bucket.archives` or `module.site.bucket.archives[\"eu\"]`.".into()),
    };
    match read {
        Ok(target) => Some(target),
        Err(hint) => {
            let is_data = cx.text(value).trim_start().starts_with("data.");
            let detail = if is_data {
                "A data source keeps nothing in the state that an address could be given to."
            } else {
                "This is no address of a resource or a module."
            };
            cx.diagnostics.push(Diagnostic::error("Invalid address", span, detail).hint(hint));
            None
        }
    }
}

/// The words of an address that are still to be read.
struct Walk<'e> {
    first: Option<&'e str>,
    rest: &'e [Spanned<TraversalOperator>],
}

impl<'e> Walk<'e> {
    fn new(found: &'e Traversal) -> Result<Self, String> {
        match &found.expr {
            Expression::Variable(first) => Ok(Self { first: Some(first.as_str()), rest: &found.operators }),
            _ => Err("Write for example `bucket.archives`.".into()),
        }
    }

    fn word(&mut self) -> Option<Str> {
        if let Some(first) = self.first.take() {
            return Some(first.into());
        }
        let (operator, rest) = self.rest.split_first()?;
        let TraversalOperator::GetAttr(word) = operator.value() else { return None };
        self.rest = rest;
        Some(word.as_str().into())
    }

    fn key(&mut self, cx: &mut Lower<'_, '_>) -> Option<Expr> {
        let (operator, rest) = self.rest.split_first()?;
        let key = match operator.value() {
            TraversalOperator::Index(key) => cx.expr(key),
            TraversalOperator::LegacyIndex(digits) => {
                let span = cx.span(operator);
                cx.number(digits, span)
            }
            TraversalOperator::GetAttr(_) | TraversalOperator::AttrSplat | TraversalOperator::FullSplat => {
                return None;
            }
        };
        self.rest = rest;
        Some(key)
    }

    /// Returns the address, or a way out where there is none.
    fn target(mut self, cx: &mut Lower<'_, '_>, span: Span) -> Result<Target, String> {
        let mut module = Vec::new();
        while self.first.is_some() || !self.rest.is_empty() {
            let word = self.word().ok_or("A key in brackets stands after a name.")?;
            if word.as_str() == "module" {
                let name = self.word().ok_or("After `module` stands its name, as in `module.site`.")?;
                module.push(TargetStep { name, key: self.key(cx) });
                continue;
            }
            if word.as_str() == "data" {
                return Err("It is read anew in every run: just change its block.".into());
            }
            if let "var" | "local" | "each" | "count" | "self" | "path" | "terraform" = word.as_str() {
                return Err("Only resources and modules have addresses: write for example `bucket.archives`.".into());
            }
            let name = self.word().ok_or_else(|| format!("After `{word}` stands a name, as in `{word}.archives`."))?;
            let key = self.key(cx);
            if !self.rest.is_empty() {
                return Err("An address ends with the resource, or with its key in brackets.".into());
            }
            let name = BlockName { mode: Mode::Managed, kind: word, name };
            return Ok(Target { module, block: Some(TargetBlock { name, key }), span });
        }
        Ok(Target { module, block: None, span })
    }
}
