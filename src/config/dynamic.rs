//! `dynamic` blocks: nested blocks that are written once and made for each item of a collection.

use loam_provider::Str;

use super::{
    Block, Dynamic,
    body::{self, Allowed},
    lower::Lower,
    syntax::tree::{Block as HclBlock, Expression, Structure},
};
use crate::diag::Diagnostic;

const WHAT: &str = "a `dynamic` block";

/// Lowers a `dynamic` block; `None` after a mistake that leaves nothing of it.
pub(super) fn lower(cx: &mut Lower<'_, '_>, found: &HclBlock) -> Option<Block> {
    let span = body::head(cx, found);
    let labels = body::labels(cx, found);
    let [label] = labels.as_slice() else {
        super::blocks::wrong_labels(cx, found, "dynamic", "the type of the blocks it makes", "dynamic \"port\"");
        return None;
    };
    let kind = label.text.clone();
    let iterator = found.body.get_attribute("iterator").and_then(|given| iterator(cx, &given.value));
    let iterator = iterator.unwrap_or_else(|| kind.clone());
    let allowed = Allowed { what: WHAT, attributes: &["for_each", "iterator", "labels"], blocks: &["content"] };
    let (mut for_each, mut labels_of, mut content) = (None, None, None);
    for structure in &found.body {
        match structure {
            Structure::Attribute(given) => match given.key.as_str() {
                "for_each" => for_each = Some(body::attribute(cx, given)),
                "labels" => labels_of = Some(within(cx, &iterator, |cx| body::attribute(cx, given))),
                "iterator" => {}
                _ => allowed.refuse(cx, structure),
            },
            Structure::Block(given) if given.ident.as_str() == "content" => {
                body::no_labels(cx, given);
                let head = body::head(cx, given);
                let lowered = within(cx, &iterator, |cx| body::body(cx, &given.body));
                match content {
                    None => content = Some((lowered, head)),
                    Some((_, first)) => {
                        let detail = "A `dynamic` block has one `content` block.";
                        let diagnostic = Diagnostic::error("Duplicate block", head, detail);
                        cx.diagnostics.push(diagnostic.related(first, "the first one"));
                    }
                }
            }
            Structure::Block(_) => allowed.refuse(cx, structure),
        }
    }
    if for_each.is_none() {
        let hint = format!("It says how many `{kind}` blocks there are, as in `for_each = var.{kind}s`.");
        body::missing_with(cx, "for_each", WHAT, found, &hint);
    }
    if content.is_none() && cx.is_complete {
        let detail = format!("There must be a `content` block in {WHAT}: what stands in each `{kind}` block.");
        let hint = format!("Write `content {{ … }}`; the item is `{iterator}.value` there.");
        cx.diagnostics.push(Diagnostic::error("Missing block", span, detail).hint(hint));
    }
    let (for_each, (body, _)) = (for_each?, content?);
    let dynamic = Some(Box::new(Dynamic { for_each, iterator, labels: labels_of }));
    Some(Block { kind, kind_span: label.span, dynamic, labels: Vec::new(), body, span })
}

/// Reads the name of the iterator, which is a bare word.
fn iterator(cx: &mut Lower<'_, '_>, value: &Expression) -> Option<Str> {
    if let Expression::Variable(name) = value {
        return Some(name.as_str().into());
    }
    let span = cx.span(value);
    let detail = "`iterator` is the name by which `content` knows the item: one word.";
    let hint = match value {
        Expression::String(text) if body::is_name(text.value()) => {
            format!("Write it without quotes: `iterator = {}`.", text.value().as_str())
        }
        _ => "Write for example `iterator = item`; then `item.key` and `item.value` are the item's.".into(),
    };
    cx.diagnostics.push(Diagnostic::error("Invalid value", span, detail).hint(hint));
    None
}

/// Lowers something in which the iterator has a value.
fn within<T>(cx: &mut Lower<'_, '_>, iterator: &Str, lower: impl FnOnce(&mut Lower<'_, '_>) -> T) -> T {
    cx.bound.push(iterator.clone());
    let lowered = lower(cx);
    cx.bound.pop();
    lowered
}
