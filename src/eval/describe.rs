//! What a message says about the values that took part. Secrets are masked here.

use loam_provider::{ConvertError, Expected, Type, Value};

use super::{Evaluated, Scope, steps};
use crate::{
    config::{Expr, ExprKind, Step, StepKind, Subject},
    diag::Diagnostics,
};

/// So many values are named in one message.
const MAX_VALUES: usize = 4;
/// Longer texts are cut.
const MAX_TEXT: usize = 60;

/// Returns a line for each name in the expressions that says what its value is: `var.size is 5`.
pub(super) fn about(found: &[&Expr], scope: &Scope<'_>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for found in found {
        found.visit(&mut |inner| {
            let Some((subject, base, way)) = named(inner) else { return };
            let name = format!("{subject}{}", way.iter().filter_map(written).collect::<String>());
            // The base of a traversal is visited after it; the traversal says more.
            let covered = |line: &String| line.starts_with(&name) && !line[name.len()..].starts_with(' ');
            if lines.iter().any(covered) {
                return;
            }
            if let Some(value) = value(subject, base, way, scope) {
                let line = format!("{name} is {}", describe(&value));
                if !lines.contains(&line) && lines.len() < MAX_VALUES {
                    lines.push(line);
                }
            }
        });
    }
    lines
}

/// Returns the name an expression starts from, and the steps from it that are written out in full.
fn named(found: &Expr) -> Option<(&Subject, &Expr, &[Step])> {
    if let ExprKind::Traverse { base, steps } = &found.kind {
        let ExprKind::Reference(subject) = &base.kind else { return None };
        let plain = steps.iter().take_while(|step| written(step).is_some()).count();
        return Some((subject, base, &steps[..plain]));
    }
    if let ExprKind::Reference(subject) = &found.kind { Some((subject, found, &[])) } else { None }
}

fn value(subject: &Subject, base: &Expr, way: &[Step], scope: &Scope<'_>) -> Option<Evaluated> {
    let value = scope.lookup(subject)?.clone();
    let mut problems = Diagnostics::default();
    let value = steps::follow(value, way, base, scope, &mut problems);
    problems.is_empty().then_some(value)
}

/// Returns a step as it is written, where it is written out in full.
fn written(step: &Step) -> Option<String> {
    match &step.kind {
        StepKind::Attribute(name) => Some(format!(".{name}")),
        StepKind::Index(key) => match key.literal()? {
            Value::String(text) => Some(format!("[{:?}]", text.as_str())),
            Value::Number(number) => Some(format!("[{number}]")),
            _ => None,
        },
        StepKind::Splat(_) => None,
    }
}

/// Returns what a message says a value is.
pub(super) fn describe(value: &Evaluated) -> String {
    if value.marks.is_whole() {
        return if value.marks.is_secret() { "sensitive" } else { "ephemeral" }.into();
    }
    let of_entries = |count: usize| match count {
        1 => "1 element".to_owned(),
        count => format!("{count} elements"),
    };
    match &value.value {
        Value::Null(_) => "null".into(),
        Value::Unknown(_) => "not known yet".into(),
        Value::Bool(claim) => claim.to_string(),
        Value::Number(number) => shorten(&number.to_string()),
        Value::String(text) => format!("\"{}\"", shorten(&text.escape_debug().to_string())),
        Value::List(list) => format!("a {} with {}", value.value.ty().friendly(), of_entries(list.items.len())),
        Value::Set(set) => format!("a {} with {}", value.value.ty().friendly(), of_entries(set.items().len())),
        Value::Tuple(items) => format!("a tuple with {}", of_entries(items.len())),
        Value::Map(map) => format!("a {} with {}", value.value.ty().friendly(), of_entries(map.items.len())),
        Value::Object(fields) if fields.is_empty() => "an empty object".into(),
        Value::Object(fields) => {
            let names: Vec<&str> = fields.keys().take(6).map(loam_provider::Str::as_str).collect();
            let more = if fields.len() > names.len() { ", …" } else { "" };
            format!("an object with {}{more}", names.join(", "))
        }
    }
}

/// Returns a type as a message names it: `a string`, `an object`, `a list of number`.
pub(super) fn a_type(ty: &Type) -> String {
    match ty {
        Type::Any => "a value of any type".into(),
        Type::Object(_) => "an object".into(),
        Type::Bool | Type::Number | Type::String | Type::Tuple(_) => format!("a {}", ty.friendly()),
        Type::List(_) | Type::Set(_) | Type::Map(_) => format!("a {}", ty.friendly()),
    }
}

/// Returns why a value does not fit a type, as a part of a sentence.
pub(super) fn unfit(error: &ConvertError) -> String {
    let place = if error.path.is_root() { String::new() } else { format!("at `{}` ", error.path) };
    let found = match error.found.as_str() {
        found if found == "null" || found.starts_with("a") => found.to_owned(),
        "object" => "an object".into(),
        found => format!("a {found}"),
    };
    let wanted = match &error.expected {
        Expected::Type(ty) => format!("{} is required", a_type(ty)),
        Expected::Attribute(name) => format!("the attribute `{name}` is required"),
        Expected::Length(length) => format!("a tuple of {length} elements is required"),
        Expected::OneType => "all elements must have one type".into(),
    };
    format!("{place}{wanted}, but this is {found}")
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= MAX_TEXT {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(MAX_TEXT).collect::<String>())
}

/// Returns whether anything an expression names is not wholly known. What cannot be reached is an error for whoever
/// evaluates the expression, not something to wait for.
pub(super) fn depends_on_unknown(found: &Expr, scope: &Scope<'_>) -> bool {
    let mut unknown = false;
    let mut bases: Vec<*const Expr> = Vec::new();
    found.visit(&mut |inner| {
        if bases.contains(&(&raw const *inner)) {
            return;
        }
        let Some((subject, base, way)) = named(inner) else { return };
        bases.push(&raw const *base);
        unknown |= match scope.lookup(subject) {
            // A name bound inside the expression itself has no value here.
            None => !matches!(subject, Subject::Bound(_)),
            Some(_) => value(subject, base, way, scope).is_some_and(|value| !value.value.is_wholly_known()),
        };
    });
    unknown
}
