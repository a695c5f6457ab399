//! How many instances a block has: `count` and `for_each`.

use loam_provider::{Number, Str, Type, Value};

use crate::{
    addr::InstanceKey,
    config::{Attribute, Repeat},
    diag::{Diagnostic, Diagnostics},
    eval::{self, Each, Evaluated, InstanceValues, Scope},
};

/// What the instances of a block are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// There is one, without a key.
    Once,
    /// By number.
    Count,
    /// By string.
    ForEach,
}

impl Shape {
    /// Returns the shape of a block that repeats like this.
    #[must_use]
    pub(crate) fn of(repeat: &Repeat) -> Self {
        match repeat {
            Repeat::Once => Self::Once,
            Repeat::Count(_) => Self::Count,
            Repeat::ForEach(_) => Self::ForEach,
        }
    }
}

/// The instances of a block.
#[derive(Debug)]
pub(crate) struct Expansion {
    /// What they are told apart by.
    pub shape: Shape,
    /// Each instance with what only it can see.
    pub instances: Vec<(Option<InstanceKey>, InstanceValues)>,
}

/// Evaluates `count` or `for_each`; `None` after a mistake that was reported. `origins` names what makes a value
/// unknown in the end.
pub(super) fn expand(
    repeat: &Repeat,
    scope: &Scope<'_>,
    origins: &dyn Fn() -> Vec<String>,
    diagnostics: &mut Diagnostics,
) -> Option<Expansion> {
    match repeat {
        Repeat::Once => Some(Expansion { shape: Shape::Once, instances: vec![(None, InstanceValues::default())] }),
        Repeat::Count(attribute) => {
            let count = count(attribute, scope, origins, diagnostics)?;
            let instances = (0..count).map(|index| {
                let value = Evaluated::from(Value::Number(Number::from(index)));
                (
                    Some(InstanceKey::Index(index)),
                    InstanceValues { count_index: Some(value), ..InstanceValues::default() },
                )
            });
            Some(Expansion { shape: Shape::Count, instances: instances.collect() })
        }
        Repeat::ForEach(attribute) => {
            let members = members(attribute, scope, origins, diagnostics)?;
            let instances = members.into_iter().map(|(key, value)| {
                let each = Each { key: Evaluated::from(Value::String(key.clone())), value };
                (Some(InstanceKey::Key(key)), InstanceValues { each: Some(each), ..InstanceValues::default() })
            });
            Some(Expansion { shape: Shape::ForEach, instances: instances.collect() })
        }
    }
}

fn count(
    attribute: &Attribute,
    scope: &Scope<'_>,
    origins: &dyn Fn() -> Vec<String>,
    diagnostics: &mut Diagnostics,
) -> Option<u64> {
    let before = diagnostics.len();
    let evaluated = eval::expr(&attribute.expr, scope, diagnostics);
    if diagnostics.len() > before {
        return None;
    }
    let wrong = |detail: String| Diagnostic::error("Invalid count", attribute.expr.span, detail);
    let diagnostic = if evaluated.marks.has_ephemeral() {
        wrong("`count` is ephemeral, but the instances are kept in the state.".into())
            .hint("Use a value that may be kept: instances must be the same at apply and ever after.")
    } else if !evaluated.marks.is_empty() {
        wrong("`count` is a secret, and the number of instances could not be shown in a plan.".into())
            .hint("Use `nonsensitive(…)` if the number itself is no secret.")
    } else {
        match evaluated.value.convert(&Type::Number) {
            Ok(Value::Unknown(_)) => unknown("count", attribute, scope, &origins()),
            Ok(Value::Null(_)) => wrong("`count` is null, but a whole number is needed.".into()),
            Ok(Value::Number(number)) => match number.to_u64() {
                Some(count) => return Some(count),
                None => wrong(format!("`count` must be a whole number of zero or more, but this is {number}.")),
            },
            Ok(_) => unreachable!("conversion to number gives a number"),
            Err(error) => wrong(format!("`count` must be a whole number: {error}.")),
        }
    };
    diagnostics.push(diagnostic);
    None
}

fn members(
    attribute: &Attribute,
    scope: &Scope<'_>,
    origins: &dyn Fn() -> Vec<String>,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<(Str, Evaluated)>> {
    let before = diagnostics.len();
    let evaluated = eval::expr(&attribute.expr, scope, diagnostics);
    if diagnostics.len() > before {
        return None;
    }
    let wrong = |detail: String| Diagnostic::error("Invalid for_each", attribute.expr.span, detail);
    let diagnostic = match &evaluated.value {
        Value::Unknown(_) => unknown("for_each", attribute, scope, &origins()),
        _ if evaluated.marks.of_whole().has_ephemeral() => {
            wrong("`for_each` is ephemeral, but the keys of instances are kept in the state.".into())
                .hint("Use keys that may be kept: instances must be the same at apply and ever after.")
        }
        _ if evaluated.marks.is_whole() => {
            wrong("`for_each` is a secret, and the keys of instances could not be shown in a plan.".into())
                .hint("Use `nonsensitive(…)`, or `for_each` over the keys alone.")
        }
        Value::Object(_) | Value::Map(_) => {
            let entries = evaluated.value.entries().into_iter().flatten();
            let member = |key: &Str| evaluated.get(key).unwrap_or_else(Evaluated::unknown);
            return Some(entries.map(|(key, _)| (key.clone(), member(key))).collect());
        }
        Value::Set(set) if set.items().is_empty() => return Some(Vec::new()),
        Value::Set(set) => {
            let keys: Option<Vec<Str>> = set
                .items()
                .iter()
                .map(|item| if let Value::String(key) = item { Some(key.clone()) } else { None })
                .collect();
            match keys {
                Some(keys) => {
                    let member = |key: Str| (key.clone(), Evaluated::from(Value::String(key)));
                    return Some(keys.into_iter().map(member).collect());
                }
                None if !evaluated.value.is_wholly_known() => unknown("for_each", attribute, scope, &origins()),
                None => wrong(format!("`for_each` takes a set of strings, but this is a {}.", set_of(&set.element)))
                    .hint("Convert the members, as in `toset([for x in … : tostring(x)])`."),
            }
        }
        Value::Null(_) => wrong("`for_each` is null, but a map, an object or a set of strings is needed.".into()),
        Value::List(_) | Value::Tuple(_) => {
            wrong("`for_each` takes a map, an object or a set of strings, but this is a list.".into())
                .hint("Use `toset(…)` if the order does not matter.")
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let found = evaluated.value.ty().friendly();
            wrong(format!("`for_each` takes a map, an object or a set of strings, but this is a {found}."))
        }
    };
    diagnostics.push(diagnostic);
    None
}

fn set_of(element: &Type) -> String {
    Type::set(element.clone()).friendly()
}

/// Reports a repetition that cannot be known before apply, with what makes it unknown.
fn unknown(name: &str, attribute: &Attribute, scope: &Scope<'_>, origins: &[String]) -> Diagnostic {
    let mut culprits: Vec<String> = attribute
        .references
        .iter()
        .filter(|reference| scope.module.get(&reference.subject).is_some_and(|value| !value.value.is_wholly_known()))
        .map(|reference| reference.subject.to_string())
        .collect();
    culprits.dedup();
    let listed = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    let behind: Vec<String> = origins.iter().filter(|origin| !culprits.contains(origin)).cloned().collect();
    let because = match (culprits.as_slice(), behind.as_slice()) {
        ([], []) => String::new(),
        ([], behind) => format!(" It depends on {}, of which something is known only after apply.", listed(behind)),
        (culprits, []) => {
            format!(" It depends on {}, of which something is known only after apply.", listed(culprits))
        }
        (culprits, behind) => format!(
            " It depends on {}, which comes from {}, of which something is known only after apply.",
            listed(culprits),
            listed(behind)
        ),
    };
    let summary = if name == "count" { "Unknown count" } else { "Unknown for_each" };
    let detail = format!("`{name}` decides which instances there are, so its value must be known at plan.{because}");
    Diagnostic::error(summary, attribute.expr.span, detail)
        .hint("Use keys that the configuration itself knows, and keep what is unknown in the values.")
}
