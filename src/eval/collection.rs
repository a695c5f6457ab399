//! What a `for` goes through.

use loam_provider::{List, Map, Step, Type, Value};

use super::{
    Evaluated, Marks, Scope,
    describe::{a_type, about},
    expr,
};
use crate::{
    config::Expr,
    diag::{Diagnostic, Diagnostics},
};

/// The items of a collection, each with its key, and the marks that whatever is built of them bears.
pub(super) struct Items {
    pub(super) items: Vec<(Evaluated, Evaluated)>,
    pub(super) marks: Marks,
}

/// Evaluates what a `for` goes through. `None` where it is wrong; its marks where it is unknown.
pub(super) fn items(found: &Expr, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Option<Result<Items, Marks>> {
    let collection = expr::expr(found, scope, diagnostics);
    let marks = collection.marks.of_whole();
    let items = match &collection.value {
        Value::Unknown(Type::Bool | Type::Number | Type::String)
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => {
            let detail = format!("A `for` goes through a collection, but this is {}.", a_type(&collection.value.ty()));
            let diagnostic = Diagnostic::error("Not a collection", found.span, detail);
            diagnostics.push(diagnostic.values(about(&[found], scope)));
            return None;
        }
        Value::Null(_) => {
            let detail = "A `for` goes through a collection, but this is null.";
            let diagnostic = Diagnostic::error("Null value", found.span, detail);
            diagnostics.push(diagnostic.values(about(&[found], scope)));
            return None;
        }
        Value::Unknown(_) => return Some(Err(collection.marks.collapsed())),
        Value::List(_) | Value::Tuple(_) | Value::Set(_) | Value::Map(_) | Value::Object(_) => entries(&collection)?,
    };
    Some(Ok(Items { items, marks }))
}

/// Returns the items of a collection, each with its key: that of a list is the index, that of a set the item itself.
pub(super) fn entries(collection: &Evaluated) -> Option<Vec<(Evaluated, Evaluated)>> {
    let marks = &collection.marks;
    match &collection.value {
        Value::List(List { items, .. }) | Value::Tuple(items) => {
            let items = items.iter().enumerate().map(|(index, item)| {
                let inside = marks.inside(&Step::Index(index));
                (Evaluated::from(expr::index(index)), Evaluated::new(item.clone(), inside))
            });
            Some(items.collect())
        }
        Value::Set(set) => {
            let inside = marks.collapsed();
            let items = set.items().iter().map(|item| Evaluated::new(item.clone(), inside.clone()));
            Some(items.map(|item| (item.clone(), item)).collect())
        }
        Value::Map(Map { items, .. }) | Value::Object(items) => {
            let items = items.iter().map(|(name, item)| {
                let inside = marks.inside(&Step::Name(name.clone()));
                (Evaluated::from(Value::String(name.clone())), Evaluated::new(item.clone(), inside))
            });
            Some(items.collect())
        }
        Value::Unknown(_) | Value::Null(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}
