//! Objects that are written out, beside the type that they are given to.
//!
//! A value loses the attributes that its type does not have. Where an object is written out, one that nearly has the
//! name of an attribute that is left out was misspelt, and would silently do nothing.

use loam_provider::{ObjectType, Str, Type, Value};

use super::{
    expr::{Expr, ExprKind, Item},
    module::Variable,
};
use crate::diag::{Diagnostic, Diagnostics, suggest};

/// Returns the attributes in a value for a variable that seem to be misspelt.
pub fn misspelt(variable: &Variable, value: &Expr) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    walk(variable, value, &variable.ty, &mut diagnostics);
    diagnostics
}

fn walk(variable: &Variable, value: &Expr, ty: &Type, diagnostics: &mut Diagnostics) {
    match (&value.kind, ty) {
        (ExprKind::Parenthesised(inner), _) => walk(variable, inner, ty, diagnostics),
        (ExprKind::Tuple(elements), Type::List(ty) | Type::Set(ty)) => {
            elements.iter().for_each(|element| walk(variable, element, ty, diagnostics));
        }
        (ExprKind::Tuple(elements), Type::Tuple(types)) => {
            elements.iter().zip(types.iter()).for_each(|(element, ty)| walk(variable, element, ty, diagnostics));
        }
        (ExprKind::Object(items), Type::Map(ty)) => {
            items.iter().for_each(|item| walk(variable, &item.value, ty, diagnostics));
        }
        (ExprKind::Object(items), Type::Object(object)) => attributes(variable, items, object, diagnostics),
        // Nothing is written out here, or it is no object.
        _ => {}
    }
}

fn attributes(variable: &Variable, items: &[Item], object: &ObjectType, diagnostics: &mut Diagnostics) {
    let given: Vec<&Str> = items.iter().filter_map(key).collect();
    for item in items {
        let Some(name) = key(item) else { continue };
        if let Some(field) = object.fields.get(name) {
            walk(variable, &item.value, &field.ty, diagnostics);
            continue;
        }
        let left_out = object.fields.keys().filter(|field| !given.contains(field));
        if let Some(meant) = suggest(name, left_out.map(Str::as_str)) {
            let detail = format!("The type of the variable `{}` has no attribute `{name}` here.", variable.name);
            // The line in which a secret stands is not shown.
            let span = if variable.sensitive || variable.ephemeral { variable.span } else { item.key.span };
            let hint = format!("Did you mean `{meant}`?");
            diagnostics.push(Diagnostic::error("Unknown attribute", span, detail).hint(hint));
        }
    }
}

fn key(item: &Item) -> Option<&Str> {
    let Value::String(name) = item.key.literal()? else { return None };
    Some(name)
}
