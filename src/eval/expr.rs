//! Evaluates expressions.

use loam_provider::{Number, Step as PathStep, Str, Type, Value};

use super::{
    Evaluated, Marks, Scope, call, collection,
    describe::{a_type, about, unfit},
    operators,
    scope::Bound,
    steps, template,
};
use crate::{
    config::{Conditional, Expr, ExprKind, For, ForResult, Item, Part, Subject},
    diag::{Diagnostic, Diagnostics, did_you_mean},
};

/// The stack is grown when less than this is left of it, so that nesting never overflows it.
const STACK_LEFT: usize = 256 << 10;
/// By so much.
const STACK_MORE: usize = 2 << 20;

/// Evaluates an expression. What is wrong in it is added to `diagnostics`, and its value is unknown.
pub fn expr(expr: &Expr, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Evaluated {
    stacker::maybe_grow(STACK_LEFT, STACK_MORE, || evaluate(expr, scope, diagnostics))
}

fn evaluate(expr: &Expr, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Evaluated {
    match &expr.kind {
        ExprKind::Literal(value) => value.clone().into(),
        ExprKind::Template(parts) => template::text(parts, scope, diagnostics),
        ExprKind::Tuple(items) => {
            let items = items.iter().map(|item| self::expr(item, scope, diagnostics)).collect();
            tuple(items)
        }
        ExprKind::Object(items) => object(items, scope, diagnostics),
        ExprKind::Reference(subject) => reference(subject, expr, scope, diagnostics),
        ExprKind::Traverse { base, steps } => {
            let value = self::expr(base, scope, diagnostics);
            steps::follow(value, steps, base, scope, diagnostics)
        }
        ExprKind::Unary { op, operand } => operators::unary(*op, operand, scope, diagnostics),
        ExprKind::Binary { first, rest } => operators::chain(first, rest, scope, diagnostics),
        ExprKind::Conditional(found) => conditional(found, expr, scope, diagnostics),
        ExprKind::For(found) => for_expr(found, scope, diagnostics),
        ExprKind::Call(found) => call::call(found, expr, scope, diagnostics),
        ExprKind::Parenthesised(inner) => self::expr(inner, scope, diagnostics),
        ExprKind::Invalid => Evaluated::unknown(),
    }
}

fn reference(subject: &Subject, expr: &Expr, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Evaluated {
    if let Some(found) = scope.lookup(subject) {
        return found.clone();
    }
    if let Subject::Bound(name) = subject {
        let names = scope.bound_names();
        let detail = format!("There is no variable `{name}` in this template.");
        let hint = did_you_mean(name, names.iter().map(|name| name.as_str()))
            .unwrap_or_else(|| format!("Give it a value: `{{ {name} = … }}`."));
        diagnostics.push(Diagnostic::error("Undeclared name", expr.span, detail).hint(hint));
    }
    Evaluated::unknown()
}

/// Returns a tuple of evaluated items.
pub(super) fn tuple(items: Vec<Evaluated>) -> Evaluated {
    let mut marks = Marks::none();
    let mut values = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        marks.add(&item.marks.under(PathStep::Index(index)));
        values.push(item.value);
    }
    Evaluated::new(Value::tuple(values), marks)
}

fn object(items: &[Item], scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Evaluated {
    let mut marks = Marks::none();
    let mut fields = Vec::with_capacity(items.len());
    let mut known = true;
    for item in items {
        let key = self::key(&item.key, scope, diagnostics);
        let value = expr(&item.value, scope, diagnostics);
        let Some((key, key_marks)) = key else {
            known = false;
            continue;
        };
        marks.add(&key_marks.collapsed());
        marks.add(&value.marks.under(PathStep::Name(key.clone())));
        fields.push((key, value.value));
    }
    if known { Evaluated::new(Value::object(fields), marks) } else { Evaluated::unknown().marked(&marks.collapsed()) }
}

/// Evaluates the key of an object; `None` where it is unknown or wrong.
fn key(found: &Expr, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Option<(Str, Marks)> {
    let key = expr(found, scope, diagnostics);
    match key.value.convert(&Type::String) {
        Ok(Value::String(text)) => Some((text, key.marks)),
        Ok(Value::Null(_)) => {
            let diagnostic = Diagnostic::error("Null key", found.span, "This key is null: a key must be text.");
            diagnostics.push(diagnostic.values(about(&[found], scope)));
            None
        }
        Ok(_) => None,
        Err(_) => {
            let detail = format!("A key must be text, but this is {}.", a_type(&key.value.ty()));
            let diagnostic = Diagnostic::error("Invalid key", found.span, detail);
            diagnostics.push(diagnostic.values(about(&[found], scope)));
            None
        }
    }
}

/// Evaluates a condition; `None` where it is wrong, or not known.
pub(super) fn condition(
    found: &Expr,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> (Option<bool>, Marks, Evaluated) {
    let evaluated = expr(found, scope, diagnostics);
    let marks = evaluated.marks.collapsed();
    let truth = match evaluated.value.convert(&Type::Bool) {
        Ok(Value::Bool(claim)) => Some(claim),
        Ok(Value::Null(_)) => {
            let detail = "This condition is null: it must be true or false.";
            let diagnostic = Diagnostic::error("Null condition", found.span, detail);
            diagnostics.push(diagnostic.values(about(&[found], scope)));
            None
        }
        Ok(_) => None,
        Err(_) => {
            let detail = format!("A condition must be true or false, but this is {}.", a_type(&evaluated.value.ty()));
            let diagnostic = Diagnostic::error("Invalid condition", found.span, detail);
            diagnostics.push(diagnostic.values(about(&[found], scope)));
            None
        }
    };
    (truth, marks, evaluated)
}

fn conditional(found: &Conditional, whole: &Expr, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Evaluated {
    let (truth, marks, _) = condition(&found.condition, scope, diagnostics);
    let (mut then_problems, mut otherwise_problems) = (Diagnostics::default(), Diagnostics::default());
    let then = expr(&found.then, scope, &mut then_problems);
    let otherwise = expr(&found.otherwise, scope, &mut otherwise_problems);
    let Some(shared) = shared(&then.value, &otherwise.value) else {
        let detail = format!(
            "Both results must have one type, but the first is {} and the second {}.",
            a_type(&then.value.ty()),
            a_type(&otherwise.value.ty())
        );
        let diagnostic = Diagnostic::error("Different types", whole.span, detail);
        let diagnostic = diagnostic.hint("Convert one of them, for example with `tostring(…)` or `tolist(…)`.");
        diagnostics.push(diagnostic.values(about(&[&found.then, &found.otherwise], scope)));
        return Evaluated::unknown().marked(&marks);
    };
    let Some(truth) = truth else {
        let both = then.marks.and(&otherwise.marks).collapsed();
        return Evaluated::from(Value::Unknown(shared)).marked(&both).marked(&marks);
    };
    // As in Terraform a result is secret where the other one would have been.
    let marks = marks.and(&then.marks.of_whole()).and(&otherwise.marks.of_whole());
    let (chosen, problems) = if truth { (then, then_problems) } else { (otherwise, otherwise_problems) };
    diagnostics.extend(problems);
    let value = chosen.value.convert(&shared).unwrap_or_else(|error| {
        let detail = format!("Both results must have one type, {}, but {}.", a_type(&shared), unfit(&error));
        let diagnostic = Diagnostic::error("Different types", whole.span, detail);
        diagnostics.push(diagnostic.values(about(&[&found.then, &found.otherwise], scope)));
        Value::Unknown(shared)
    });
    Evaluated::new(value, chosen.marks).marked(&marks)
}

/// Returns the type that both results of a conditional have in common.
fn shared(then: &Value, otherwise: &Value) -> Option<Type> {
    match (then, otherwise) {
        (Value::Unknown(Type::Any), _) | (_, Value::Unknown(Type::Any)) => Some(Type::Any),
        (Value::Null(Type::Any), other) | (other, Value::Null(Type::Any)) => Some(other.ty()),
        (then, otherwise) => loam_provider::unify(&[then.ty(), otherwise.ty()]),
    }
}

/// What a `for` has built so far.
enum Built {
    Tuple(Vec<Evaluated>),
    Object(Vec<(Str, Evaluated)>),
    Groups(std::collections::BTreeMap<Str, Vec<Evaluated>>),
}

fn for_expr(found: &For, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Evaluated {
    let Some(items) = collection::items(&found.collection, scope, diagnostics) else { return Evaluated::unknown() };
    if let Some(condition) = &found.condition
        && !can_hold(condition, found, scope, diagnostics)
    {
        return Evaluated::unknown().marked(&items.map_or_else(|marks| marks, |items| items.marks));
    }
    let collection::Items { items, mut marks } = match items {
        Ok(items) => items,
        Err(marks) => return Evaluated::unknown().marked(&marks),
    };
    let mut built = match found.result {
        ForResult::Tuple(_) => Built::Tuple(Vec::new()),
        ForResult::Object { .. } => Built::Object(Vec::new()),
        ForResult::Groups { .. } => Built::Groups(std::collections::BTreeMap::new()),
    };
    let mut seen = std::collections::HashSet::new();
    let mut known = true;
    for (key, value) in &items {
        let mut problems = Diagnostics::default();
        let key_bound = found.key.as_ref().map(|name| Bound { name, value: key, outer: scope.bound });
        let value_bound = Bound { name: &found.value, value, outer: key_bound.as_ref().or(scope.bound) };
        let inner = scope.with_bound(&value_bound);
        if let Some(condition) = &found.condition {
            let (truth, condition_marks, _) = self::condition(condition, &inner, &mut problems);
            marks.add(&condition_marks);
            known &= truth.is_some();
            if truth != Some(true) && problems.is_empty() {
                continue;
            }
        }
        match (&found.result, &mut built) {
            (ForResult::Tuple(result), Built::Tuple(all)) => all.push(expr(result, &inner, &mut problems)),
            (ForResult::Object { key: key_expr, value: result }, Built::Object(all)) => {
                match self::key(key_expr, &inner, &mut problems) {
                    Some((key, key_marks)) => {
                        let result = expr(result, &inner, &mut problems);
                        marks.add(&key_marks.collapsed());
                        if !seen.insert(key.clone()) {
                            problems.push(duplicate_key(key_expr, &key, !key_marks.is_empty(), &inner));
                        }
                        all.push((key, result));
                    }
                    None => known = false,
                }
            }
            (ForResult::Groups { key: key_expr, value: result }, Built::Groups(all)) => {
                match self::key(key_expr, &inner, &mut problems) {
                    Some((key, key_marks)) => {
                        let result = expr(result, &inner, &mut problems);
                        marks.add(&key_marks.collapsed());
                        all.entry(key).or_default().push(result);
                    }
                    None => known = false,
                }
            }
            (ForResult::Tuple(_) | ForResult::Object { .. } | ForResult::Groups { .. }, _) => {}
        }
        if !problems.is_empty() {
            // What is wrong with one item is likely wrong with all.
            diagnostics.extend(problems);
            return Evaluated::unknown().marked(&marks);
        }
    }
    if !known {
        return Evaluated::unknown().marked(&marks.collapsed());
    }
    let built = match built {
        Built::Tuple(items) => tuple(items),
        Built::Object(items) => named(items),
        Built::Groups(groups) => named(groups.into_iter().map(|(key, items)| (key, tuple(items))).collect()),
    };
    built.marked(&marks)
}

/// Reports a condition that is wrong whatever the items are, also where there are none.
fn can_hold(condition: &Expr, found: &For, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> bool {
    let unknown = Evaluated::unknown();
    let key_bound = found.key.as_ref().map(|name| Bound { name, value: &unknown, outer: scope.bound });
    let value_bound = Bound { name: &found.value, value: &unknown, outer: key_bound.as_ref().or(scope.bound) };
    let mut problems = Diagnostics::default();
    self::condition(condition, &scope.with_bound(&value_bound), &mut problems);
    let is_sound = !problems.has_errors();
    diagnostics.extend(problems);
    is_sound
}

fn named(items: Vec<(Str, Evaluated)>) -> Evaluated {
    let mut marks = Marks::none();
    let mut fields = Vec::with_capacity(items.len());
    for (key, item) in items {
        marks.add(&item.marks.under(PathStep::Name(key.clone())));
        fields.push((key, item.value));
    }
    Evaluated::new(Value::object(fields), marks)
}

fn duplicate_key(found: &Expr, key: &Str, secret: bool, scope: &Scope<'_>) -> Diagnostic {
    let key = if secret { "(sensitive)" } else { key.as_str() };
    let detail = format!("Two items have the key \"{key}\".");
    Diagnostic::error("Duplicate key", found.span, detail)
        .hint("To keep all items of a key as a list, write `...` after the value.")
        .values(about(&[found], scope))
}

/// Evaluates the body of a template's `for` with its names bound.
pub(super) fn for_part(
    key: Option<&Str>,
    value: &Str,
    body: &[Part],
    item: &(Evaluated, Evaluated),
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Evaluated {
    let key_bound = key.map(|name| Bound { name, value: &item.0, outer: scope.bound });
    let value_bound = Bound { name: value, value: &item.1, outer: key_bound.as_ref().or(scope.bound) };
    let inner = scope.with_bound(&value_bound);
    template::text(body, &inner, diagnostics)
}

/// Returns a position as a value.
pub(super) fn index(index: usize) -> Value {
    Value::Number(Number::from(index as u64))
}
