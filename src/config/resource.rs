//! `resource` and `data` blocks: what belongs to the language is taken out, the rest is the kind's.

use loam_provider::{Path, Period, Step, Value};

use super::{
    Attribute, BlockName, ExprKind, IgnoreChanges, Lifecycle, Reference, Repeat, Resource, Subject,
    blocks::{Resources, bad_name, duplicate, wrong_labels},
    body::{self, Allowed},
    choices,
    constant::constant,
    lower::Lower,
    overrides::{self, Given, Layer},
    syntax::tree::{
        Attribute as HclAttribute, Block as HclBlock, BlockLabel, Expression, Spanned, Structure, TraversalOperator,
    },
};
use crate::{addr::Mode, diag::Diagnostic, source::Span};

/// Lowers a `resource` or `data` block into the module.
pub(super) fn lower(cx: &mut Lower<'_, '_>, block: &HclBlock, mode: Mode, span: Span, resources: &mut Resources) {
    let word = block.ident.as_str();
    let labels = body::labels(cx, block);
    let [kind, name] = labels.as_slice() else {
        return wrong_labels(cx, block, word, "a kind and a name", &format!("{word} \"bucket\" \"archives\""));
    };
    for (what, label) in [("kind", kind), ("resource", name)] {
        if !body::is_name(&label.text) {
            return bad_name(cx, what, &label.text, label.span);
        }
    }
    let name = BlockName { mode, kind: kind.text.clone(), name: name.text.clone() };
    let mut resource = Resource {
        name: name.clone(),
        repeat: Repeat::Once,
        provider: None,
        depends_on: Vec::new(),
        lifecycle: Lifecycle::default(),
        timeouts: Vec::new(),
        on_destroy: None,
        body: body::empty(cx, &block.body),
        span,
    };
    once(cx, block);
    for structure in &block.body {
        match structure {
            Structure::Attribute(found) => attribute(cx, found, &mut resource),
            Structure::Block(found) => nested(cx, found, structure, &mut resource),
        }
    }
    if cx.layer == Layer::Override {
        return match resources.get_mut(&name) {
            Some(base) => overrides::resource(cx, base, resource, &Given::of(block)),
            None => cx.diagnostics.push(overrides::undeclared(&format!("`{name}`"), span)),
        };
    }
    if let Some(first) = resources.get(&name) {
        cx.diagnostics.push(duplicate(format!("`{name}` is already declared."), span, first.span));
        return;
    }
    resources.insert(name, resource);
}

fn attribute(cx: &mut Lower<'_, '_>, found: &HclAttribute, resource: &mut Resource) {
    let key = found.key.as_str();
    match key {
        "count" | "for_each" => repeat(cx, found, &mut resource.repeat),
        "depends_on" => resource.depends_on = depends_on(cx, found),
        "provider" => resource.provider = choices::choice(cx, "provider", &found.value),
        "on_destroy" if resource.name.mode == Mode::Managed => resource.on_destroy = Some(on_destroy(cx, found)),
        "lifecycle" | "timeouts" => {
            let detail = format!("`{key}` is a block, not an argument.");
            let hint = format!("Write `{key} {{ … }}` without `=`.");
            let span = cx.span(&found.key);
            cx.diagnostics.push(Diagnostic::error("Unknown argument", span, detail).hint(hint));
        }
        _ => {
            let lowered = body::attribute(cx, found);
            resource.body.attributes.push(lowered);
        }
    }
}

/// Lowers `count` or `for_each`.
pub(super) fn repeat(cx: &mut Lower<'_, '_>, found: &HclAttribute, repeat: &mut Repeat) {
    let lowered = body::attribute(cx, found);
    if let Repeat::Count(first) | Repeat::ForEach(first) = repeat {
        let detail = "A block has either `count` or `for_each`, not both.";
        let diagnostic = Diagnostic::error("Conflicting arguments", lowered.name_span, detail);
        cx.diagnostics.push(diagnostic.related(first.name_span, "the other one"));
    } else if found.key.as_str() == "count" {
        *repeat = Repeat::Count(lowered);
    } else {
        *repeat = Repeat::ForEach(lowered);
    }
}

/// Lowers `on_destroy`; where its value can be told already, it is checked.
fn on_destroy(cx: &mut Lower<'_, '_>, found: &HclAttribute) -> Attribute {
    let lowered = body::attribute(cx, found);
    let shown = match constant(&lowered.expr) {
        None => return lowered,
        Some(Value::String(text)) if matches!(text.as_str(), "retain" | "delete") => return lowered,
        Some(Value::String(text)) => format!("\"{text}\""),
        Some(_) => "this".into(),
    };
    let detail = format!("`on_destroy` is \"retain\" or \"delete\", not {shown}.");
    let hint = "\"retain\" keeps the real thing when it leaves the configuration.";
    cx.diagnostics.push(Diagnostic::error("Invalid value", lowered.expr.span, detail).hint(hint));
    lowered
}

/// Checks a timeout, where its value can be told already.
fn is_period(cx: &mut Lower<'_, '_>, timeout: &Attribute) {
    let because = match constant(&timeout.expr) {
        None | Some(Value::Null(_)) => return,
        Some(Value::String(text)) => match text.parse::<Period>() {
            Ok(_) => return,
            Err(error) => format!("`{}` is how long to wait at most: {error}.", timeout.name),
        },
        Some(_) => format!("`{}` is how long to wait at most, as text.", timeout.name),
    };
    let diagnostic = Diagnostic::error("Invalid timeout", timeout.expr.span, because);
    cx.diagnostics.push(diagnostic.hint("Write a number with a unit, for example \"90s\" or \"10m\"."));
}

/// Reports blocks of the language that stand in a resource more than once.
fn once(cx: &mut Lower<'_, '_>, block: &HclBlock) {
    for word in ["lifecycle", "timeouts"] {
        let mut found = block.body.blocks().filter(|inner| inner.ident.as_str() == word);
        let Some(first) = found.next() else { continue };
        for second in found {
            let (first, span) = (body::head(cx, first), body::head(cx, second));
            let detail = format!("There can be one `{word}` block in a `{}` block.", block.ident.as_str());
            let diagnostic = Diagnostic::error("Duplicate block", span, detail).related(first, "the first one");
            cx.diagnostics.push(diagnostic.hint("Put the arguments of both into one."));
        }
    }
}

fn nested(cx: &mut Lower<'_, '_>, found: &HclBlock, structure: &Structure, resource: &mut Resource) {
    match found.ident.as_str() {
        "lifecycle" => {
            body::no_labels(cx, found);
            lifecycle(cx, found, resource);
        }
        "timeouts" => {
            body::no_labels(cx, found);
            let operations = ["create", "read", "update", "delete"];
            let allowed = Allowed { what: "a `timeouts` block", attributes: &operations, blocks: &[] };
            for structure in &found.body {
                match structure {
                    Structure::Attribute(timeout) if operations.contains(&timeout.key.as_str()) => {
                        let lowered = body::attribute(cx, timeout);
                        is_period(cx, &lowered);
                        resource.timeouts.push(lowered);
                    }
                    other => allowed.refuse(cx, other),
                }
            }
        }
        "provisioner" | "connection" => body::no_provisioner(cx, found),
        "dynamic" if found.labels.first().is_some_and(|label| matches!(label.as_str(), "lifecycle" | "timeouts")) => {
            let word = found.labels.first().map(BlockLabel::as_str).unwrap_or_default();
            let detail = format!("A `{word}` block belongs to the language, so it cannot be made by `dynamic`.");
            let hint =
                format!("Write `{word} {{ … }}`; an argument in it may be any expression, and null leaves it out.");
            let span = body::head(cx, found);
            cx.diagnostics.push(Diagnostic::error("Invalid block", span, detail).hint(hint));
        }
        word @ ("count" | "for_each" | "depends_on" | "provider" | "on_destroy") => {
            let detail = format!("`{word}` is an argument, not a block.");
            let span = body::head(cx, found);
            let diagnostic = Diagnostic::error("Unknown block", span, detail);
            cx.diagnostics.push(diagnostic.hint(format!("Write `{word} = …`.")));
        }
        _ => body::add(cx, structure, &mut resource.body),
    }
}

fn lifecycle(cx: &mut Lower<'_, '_>, block: &HclBlock, resource: &mut Resource) {
    let attributes = ["create_before_destroy", "prevent_destroy", "ignore_changes", "replace_triggered_by"];
    let blocks = ["precondition", "postcondition"];
    let allowed = Allowed { what: "a `lifecycle` block", attributes: &attributes, blocks: &blocks };
    let lifecycle = &mut resource.lifecycle;
    for structure in &block.body {
        match structure {
            Structure::Attribute(found) => match found.key.as_str() {
                "create_before_destroy" => lifecycle.create_before_destroy = Some(body::static_flag(cx, found)),
                "prevent_destroy" => lifecycle.prevent_destroy = Some(body::static_flag(cx, found)),
                "ignore_changes" => lifecycle.ignore_changes = ignore_changes(cx, found),
                "replace_triggered_by" => lifecycle.replace_triggered_by = replace_triggered_by(cx, found),
                _ => allowed.refuse(cx, structure),
            },
            Structure::Block(found) => match found.ident.as_str() {
                "precondition" => lifecycle.preconditions.extend(body::check(cx, found)),
                "postcondition" => lifecycle.postconditions.extend(body::check(cx, found)),
                _ => allowed.refuse(cx, structure),
            },
        }
    }
}

/// Lowers `depends_on`: a list of whole blocks.
pub(super) fn depends_on(cx: &mut Lower<'_, '_>, found: &HclAttribute) -> Vec<Reference> {
    let Expression::Array(items) = &found.value else {
        let span = cx.span(&found.value);
        list_expected(cx, "depends_on", span, "depends_on = [bucket.archives]");
        return Vec::new();
    };
    let mut references = Vec::new();
    for item in items {
        let lowered = cx.expr(item);
        let block = matches!(
            &lowered.kind,
            ExprKind::Reference(Subject::Resource { .. } | Subject::Data { .. } | Subject::Module(_))
        );
        match lowered.kind {
            ExprKind::Reference(subject) if block => {
                references.push(Reference { subject, span: lowered.span, output: None, way: None });
            }
            ExprKind::Invalid => {}
            _ => {
                let detail = "`depends_on` lists whole blocks by their addresses, without an attribute or an index.";
                let hint = "Write for example `depends_on = [bucket.archives, data.file.seed]`.";
                let diagnostic = Diagnostic::error("Invalid dependency", lowered.span, detail);
                cx.diagnostics.push(diagnostic.hint(hint));
            }
        }
    }
    references
}

fn list_expected(cx: &mut Lower<'_, '_>, name: &str, span: Span, example: &str) {
    let detail = format!("`{name}` takes a list in brackets.");
    let hint = format!("Write for example `{example}`.");
    cx.diagnostics.push(Diagnostic::error("Invalid value", span, detail).hint(hint));
}

fn replace_triggered_by(cx: &mut Lower<'_, '_>, found: &HclAttribute) -> Vec<Attribute> {
    let name_span = cx.span(&found.key);
    let Expression::Array(items) = &found.value else {
        let span = cx.span(&found.value);
        list_expected(cx, "replace_triggered_by", span, "replace_triggered_by = [loam_data.release.output]");
        return Vec::new();
    };
    let mut triggers = Vec::new();
    for item in items {
        let expr = cx.expr(item);
        if matches!(expr.kind, ExprKind::Invalid) {
            continue;
        }
        if matches!(expr.subject(), Some(Subject::Resource { .. })) {
            triggers.push(Attribute::new("replace_triggered_by".into(), name_span, expr));
        } else {
            let detail = "`replace_triggered_by` lists resources, or attributes of resources.";
            let hint = "To be replaced when another value changes, put that value into a `loam_data` resource.";
            cx.diagnostics.push(Diagnostic::error("Invalid trigger", expr.span, detail).hint(hint));
        }
    }
    triggers
}

fn ignore_changes(cx: &mut Lower<'_, '_>, found: &HclAttribute) -> IgnoreChanges {
    match &found.value {
        Expression::Variable(name) if name.as_str() == "all" => IgnoreChanges::All,
        Expression::Array(items) => {
            let mut paths = Vec::new();
            for item in items {
                let span = cx.span(item);
                match path(item) {
                    Some(path) => paths.push((path, span)),
                    None => {
                        let detail = "`ignore_changes` lists attributes of this block, without its address.";
                        let hint = "Write for example `ignore_changes = [command, env[\"TOKEN\"]]`.";
                        cx.diagnostics.push(Diagnostic::error("Invalid attribute", span, detail).hint(hint));
                    }
                }
            }
            IgnoreChanges::Paths(paths)
        }
        value => {
            let span = cx.span(value);
            list_expected(cx, "ignore_changes", span, "ignore_changes = [command]` or `ignore_changes = all");
            IgnoreChanges::Nothing
        }
    }
}

/// Reads the path of an attribute: `env["TOKEN"]`, `ports[0]`, or the same in quotes.
fn path(expr: &Expression) -> Option<Path> {
    match expr {
        Expression::Variable(name) => Some(Path::attribute(name.as_str())),
        Expression::String(text) => text.value().parse().ok().filter(|path: &Path| !path.is_root()),
        Expression::Traversal(traversal) => {
            let mut steps = path(&traversal.expr)?;
            traversal.operators.iter().try_for_each(|operator| {
                steps.push(step(operator)?);
                Some(())
            })?;
            Some(steps)
        }
        _ => None,
    }
}

fn step(operator: &Spanned<TraversalOperator>) -> Option<Step> {
    Some(match operator.value() {
        TraversalOperator::GetAttr(name) => Step::Name(name.value.clone()),
        TraversalOperator::Index(Expression::String(key)) => Step::Name(key.value().clone()),
        TraversalOperator::Index(Expression::Number(index)) => Step::Index(index.as_str().parse().ok()?),
        TraversalOperator::LegacyIndex(index) => Step::Index(index.parse().ok()?),
        TraversalOperator::Index(_) | TraversalOperator::AttrSplat | TraversalOperator::FullSplat => return None,
    })
}
