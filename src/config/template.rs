//! Templates: text with values in it.

use loam_provider::{Str, Value};

use super::{
    Expr, ExprKind, Part,
    lower::Lower,
    syntax::tree::{Element, Template},
};
use crate::source::Span;

/// Lowers a quoted template, or one that is a file of its own. One that is nothing but `${a}` is `a` itself.
pub(super) fn quoted(cx: &mut Lower<'_, '_>, template: &Template) -> Expr {
    match template.elements.as_slice() {
        [Element::Interpolation(expr)] => {
            Expr { kind: ExprKind::Parenthesised(Box::new(cx.expr(expr))), span: template.span }
        }
        elements => text(cx, elements, template.span),
    }
}

/// Lowers a heredoc, which is always text.
pub(super) fn heredoc(cx: &mut Lower<'_, '_>, template: &Template) -> Expr {
    text(cx, &template.elements, template.span)
}

fn text(cx: &mut Lower<'_, '_>, elements: &[Element], span: Span) -> Expr {
    let kind = match elements {
        [] => ExprKind::Literal(Value::from("")),
        [Element::Text(text)] => ExprKind::Literal(Value::String(text.clone())),
        elements => ExprKind::Template(parts(cx, elements)),
    };
    Expr { kind, span }
}

fn parts(cx: &mut Lower<'_, '_>, elements: &[Element]) -> Box<[Part]> {
    elements.iter().map(|element| part(cx, element)).collect()
}

fn part(cx: &mut Lower<'_, '_>, element: &Element) -> Part {
    match element {
        Element::Text(text) => Part::Text(text.clone()),
        Element::Interpolation(expr) => Part::Interpolation(cx.expr(expr)),
        Element::If { condition, then, otherwise } => {
            Part::If { condition: cx.expr(condition), then: parts(cx, then), otherwise: parts(cx, otherwise) }
        }
        Element::For { key, value, collection, body } => {
            let collection = cx.expr(collection);
            let key: Option<Str> = key.as_ref().map(|name| name.value.clone());
            let value = value.value.clone();
            let outside = cx.bound.len();
            cx.bound.extend(key.iter().cloned().chain([value.clone()]));
            let body = parts(cx, body);
            cx.bound.truncate(outside);
            Part::For { key, value, collection, body }
        }
    }
}
