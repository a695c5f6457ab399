//! Evaluates templates to text.

use loam_provider::{Type, Value};

use super::{
    Evaluated, Marks, Scope, collection,
    describe::{a_type, about},
    expr,
};
use crate::{
    config::{Expr, Part},
    diag::{Diagnostic, Diagnostics},
};

/// Evaluates the parts of a template to one text.
pub(super) fn text(parts: &[Part], scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Evaluated {
    let mut text = Some(String::new());
    let mut marks = Marks::none();
    for part in parts {
        match part {
            Part::Text(more) => append(&mut text, Some(more)),
            Part::Interpolation(found) => {
                let value = expr::expr(found, scope, diagnostics);
                marks.add(&value.marks.collapsed());
                append(&mut text, interpolated(found, &value, scope, diagnostics).as_deref());
            }
            Part::If { condition, then, otherwise } => {
                let (truth, condition_marks, _) = expr::condition(condition, scope, diagnostics);
                marks.add(&condition_marks);
                match truth {
                    None => text = None,
                    Some(truth) => {
                        let (chosen, other) = if truth { (then, otherwise) } else { (otherwise, then) };
                        let chosen = self::text(chosen, scope, diagnostics);
                        marks.add(&chosen.marks);
                        // As in Terraform a result is secret where the other one would have been.
                        marks.add(&self::text(other, scope, &mut Diagnostics::default()).marks);
                        append(&mut text, chosen.value.as_str());
                    }
                }
            }
            Part::For { key, value, collection, body } => {
                let items = collection::items(collection, scope, diagnostics);
                let Some(Ok(items)) = items else {
                    marks.add(&items.and_then(Result::err).unwrap_or_default());
                    text = None;
                    continue;
                };
                marks.add(&items.marks);
                for item in &items.items {
                    let mut problems = Diagnostics::default();
                    let done = expr::for_part(key.as_ref(), value, body, item, scope, &mut problems);
                    marks.add(&done.marks);
                    append(&mut text, done.value.as_str());
                    if !problems.is_empty() {
                        diagnostics.extend(problems);
                        break;
                    }
                }
            }
        }
    }
    let value = text.map_or(Value::Unknown(Type::String), Value::from);
    Evaluated::new(value, marks)
}

fn append(text: &mut Option<String>, more: Option<&str>) {
    match (text.as_mut(), more) {
        (Some(text), Some(more)) => text.push_str(more),
        (Some(_), None) => *text = None,
        (None, _) => {}
    }
}

/// Returns the text of an interpolated value; `None` where it is unknown or wrong.
fn interpolated(found: &Expr, value: &Evaluated, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Option<String> {
    // What it becomes may still fit.
    if value.value.is_unknown() {
        return None;
    }
    match value.value.convert(&Type::String) {
        Ok(Value::String(text)) => Some(text.to_string()),
        Ok(Value::Null(_)) => {
            let detail = "This value is null, and null cannot be part of a text.";
            let diagnostic = Diagnostic::error("Null value", found.span, detail)
                .hint("Give it a default: `coalesce(VALUE, \"default\")`.");
            diagnostics.push(diagnostic.values(about(&[found], scope)));
            None
        }
        Ok(_) => None,
        Err(_) => {
            let detail =
                format!("A text can hold strings, numbers and bools, but this is {}.", a_type(&value.value.ty()));
            let diagnostic = Diagnostic::error("Invalid template value", found.span, detail)
                .hint("Use `join(\", \", LIST)`, or `jsonencode(VALUE)` for its JSON.");
            diagnostics.push(diagnostic.values(about(&[found], scope)));
            None
        }
    }
}
