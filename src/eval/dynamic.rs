//! What the nested blocks of a body are: those written out, and those that `dynamic` makes.

use loam_provider::{Nesting, Str, Type, Value};

use super::{
    Evaluated, Scope, collection,
    describe::{a_type, about},
    expr,
    scope::Bound,
};
use crate::{
    config::{Block, Dynamic, Label},
    diag::{Diagnostic, Diagnostics},
    source::Span,
};

/// One nested block, before its body is evaluated.
pub(super) struct Made<'b> {
    /// What it is made of.
    pub(super) block: &'b Block,
    /// Its labels.
    pub(super) labels: Vec<Label>,
    /// What `dynamic` binds in it.
    item: Option<(&'b Str, Evaluated)>,
}

/// Nested blocks of one type.
pub(super) struct Nested<'b> {
    /// Those that there are.
    pub(super) made: Vec<Made<'b>>,
    /// Whether there may be more, or fewer: a `dynamic` goes through what is not known yet.
    pub(super) is_open: bool,
}

impl Made<'_> {
    /// Evaluates something in the scope of the block.
    pub(super) fn within<T>(&self, scope: &Scope<'_>, evaluate: impl FnOnce(&Scope<'_>) -> T) -> T {
        match &self.item {
            None => evaluate(scope),
            Some((name, value)) => {
                let bound = Bound { name, value, outer: scope.bound };
                evaluate(&scope.with_bound(&bound))
            }
        }
    }
}

/// Returns the blocks that these make, each `dynamic` in its place.
pub(super) fn blocks<'b>(
    found: &[&'b Block],
    nesting: Nesting,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Nested<'b> {
    let mut nested = Nested { made: Vec::with_capacity(found.len()), is_open: false };
    for &block in found {
        match &block.dynamic {
            None => nested.made.push(Made { block, labels: block.labels.clone(), item: None }),
            Some(dynamic) => generate(block, dynamic, nesting, &mut nested, scope, diagnostics),
        }
    }
    nested
}

fn generate<'b>(
    block: &'b Block,
    dynamic: &'b Dynamic,
    nesting: Nesting,
    nested: &mut Nested<'b>,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) {
    let is_labelled = nesting == Nesting::Labelled;
    match &dynamic.labels {
        None if is_labelled => {
            let detail =
                format!("A `{}` block has one label: its name. This `dynamic` does not say which.", block.kind);
            let hint = format!("Add for example `labels = [{}.key]`.", dynamic.iterator);
            diagnostics.push(Diagnostic::error("Missing argument", block.span, detail).hint(hint));
        }
        Some(labels) if !is_labelled => {
            let detail = format!("A `{}` block has no labels.", block.kind);
            let diagnostic = Diagnostic::error("Unexpected argument", labels.name_span, detail);
            diagnostics.push(diagnostic.hint("Remove `labels`."));
        }
        None | Some(_) => {}
    }
    let unknown = || (Evaluated::unknown(), Evaluated::unknown());
    let items = match items(dynamic, scope, diagnostics) {
        Items::These(items) => items,
        Items::Unknown => {
            nested.is_open = true;
            // Evaluated once all the same: it may hold mistakes.
            vec![unknown()]
        }
        Items::Wrong => vec![unknown()],
    };
    for (key, value) in items {
        let item = Evaluated::pair(key, value);
        let mut made = Made { block, labels: Vec::new(), item: Some((&dynamic.iterator, item)) };
        if let Some(attribute) = dynamic.labels.as_ref().filter(|_| is_labelled) {
            let before = diagnostics.len();
            let evaluated = made.within(scope, |scope| expr::expr(&attribute.expr, scope, diagnostics));
            if diagnostics.len() > before {
                continue;
            }
            let span = attribute.expr.span;
            match labels(&evaluated, span) {
                Ok(Some(labels)) => made.labels = labels,
                Ok(None) => nested.is_open = true,
                Err(detail) => {
                    let diagnostic = Diagnostic::error("Invalid label", span, detail);
                    let values = made.within(scope, |scope| about(&[&attribute.expr], scope));
                    diagnostics.push(diagnostic.values(values));
                }
            }
        }
        nested.made.push(made);
    }
}

/// What a `dynamic` goes through.
enum Items {
    These(Vec<(Evaluated, Evaluated)>),
    Unknown,
    Wrong,
}

fn items(dynamic: &Dynamic, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Items {
    let for_each = &dynamic.for_each;
    let before = diagnostics.len();
    let evaluated = expr::expr(&for_each.expr, scope, diagnostics);
    if diagnostics.len() > before {
        return Items::Wrong;
    }
    let wrong = |detail: String| Diagnostic::error("Invalid for_each", for_each.expr.span, detail);
    let diagnostic = match &evaluated.value {
        _ if evaluated.marks.is_whole() => {
            let (word, hint) = if evaluated.marks.is_secret() {
                ("a secret", "Use `nonsensitive(…)`, or go through the keys alone.")
            } else {
                ("ephemeral", "Go through something that may be kept.")
            };
            wrong(format!("`for_each` is {word}, and the number of blocks could not be shown in a plan.")).hint(hint)
        }
        Value::Unknown(Type::Bool | Type::Number | Type::String)
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => {
            let found = a_type(&evaluated.value.ty());
            wrong(format!("`for_each` takes a list, a set, a map or an object, but this is {found}."))
        }
        Value::Null(_) => wrong("`for_each` is null, but a list, a set, a map or an object is needed.".into())
            .hint("Where it may be null, write `for_each = VALUE == null ? [] : [VALUE]`."),
        Value::Unknown(_) => return Items::Unknown,
        // Two members that are not known may be one.
        Value::Set(set) if !set.items().iter().all(Value::is_wholly_known) => return Items::Unknown,
        Value::List(_) | Value::Tuple(_) | Value::Set(_) | Value::Map(_) | Value::Object(_) => {
            return collection::entries(&evaluated).map_or(Items::Wrong, Items::These);
        }
    };
    diagnostics.push(diagnostic.values(about(&[&for_each.expr], scope)));
    Items::Wrong
}

/// Returns the labels that a list gives; `None` where one of them is not known.
fn labels(evaluated: &Evaluated, span: Span) -> Result<Option<Vec<Label>>, String> {
    if !evaluated.marks.is_empty() {
        return Err("A label is a secret, and labels are shown in a plan.".into());
    }
    let items = match &evaluated.value {
        Value::Unknown(_) => return Ok(None),
        Value::List(_) | Value::Tuple(_) => evaluated.value.items().unwrap_or_default(),
        other => return Err(format!("`labels` takes a list of texts, but this is {}.", a_type(&other.ty()))),
    };
    let mut labels = Vec::with_capacity(items.len());
    for item in items {
        match item.convert(&Type::String) {
            Ok(Value::String(text)) => labels.push(Label { text, span }),
            Ok(Value::Null(_)) => return Err("A label is null, but it must be text.".into()),
            Ok(_) => return Ok(None),
            Err(_) => return Err(format!("A label is text, but this is {}.", a_type(&item.ty()))),
        }
    }
    Ok(Some(labels))
}
