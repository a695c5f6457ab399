//! How many instances a block has: `count` and `for_each`.

use loam_provider::{Number, Str, Type, Value};

use crate::{
    addr::InstanceKey,
    config::{Attribute, Repeat},
    diag::{Diagnostic, Diagnostics},
    eval::{self, Each, Evaluated, InstanceValues, Scope},
};

/// A larger `count` is a mistake, and would not fit into memory.
const MOST: u64 = 10_000_000;

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
            let count = settle(attribute, scope, origins, count, diagnostics)?;
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
            let members = settle(attribute, scope, origins, members, diagnostics)?;
            let instances = members.into_iter().map(|(key, value)| {
                let each = Each { key: Evaluated::from(Value::String(key.clone())), value };
                (Some(InstanceKey::Key(key)), InstanceValues { each: Some(each), ..InstanceValues::default() })
            });
            Some(Expansion { shape: Shape::ForEach, instances: instances.collect() })
        }
    }
}

/// Evaluates what a block repeats by and reads it; `None` after what is wrong, or unknown, was reported.
fn settle<T>(
    attribute: &Attribute,
    scope: &Scope<'_>,
    origins: &dyn Fn() -> Vec<String>,
    read: fn(&Attribute, &Evaluated) -> Result<Option<T>, Diagnostic>,
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    let before = diagnostics.len();
    let evaluated = eval::expr(&attribute.expr, scope, diagnostics);
    if diagnostics.len() > before {
        return None;
    }
    match read(attribute, &evaluated) {
        Ok(Some(read)) => return Some(read),
        Ok(None) => diagnostics.push(unknown(attribute, scope, &origins())),
        Err(wrong) => diagnostics.push(wrong),
    }
    None
}

/// Returns what a block that repeats is supposed to be where most values are unknown, and reports what is wrong
/// whatever they are.
pub(super) fn supposed(repeat: &Repeat, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Expansion {
    let unknown = |ty: Type| Evaluated::from(Value::Unknown(ty));
    let mut check = |attribute: &Attribute, read: fn(&Attribute, &Evaluated) -> Option<Diagnostic>| {
        let before = diagnostics.len();
        let evaluated = eval::expr(&attribute.expr, scope, diagnostics);
        if diagnostics.len() == before {
            diagnostics.extend(read(attribute, &evaluated).into_iter().collect());
        }
    };
    let (shape, instance) = match repeat {
        Repeat::Once => (Shape::Once, InstanceValues::default()),
        Repeat::Count(attribute) => {
            check(attribute, |attribute, evaluated| count(attribute, evaluated).err());
            let count_index = Some(unknown(Type::Number));
            (Shape::Count, InstanceValues { count_index, ..InstanceValues::default() })
        }
        Repeat::ForEach(attribute) => {
            check(attribute, |attribute, evaluated| members(attribute, evaluated).err());
            let each = Some(Each { key: unknown(Type::String), value: unknown(Type::Any) });
            (Shape::ForEach, InstanceValues { each, ..InstanceValues::default() })
        }
    };
    Expansion { shape, instances: vec![(None, instance)] }
}

/// Reads the value of `count`; `None` if it is unknown.
fn count(attribute: &Attribute, evaluated: &Evaluated) -> Result<Option<u64>, Diagnostic> {
    let wrong = |detail: String| Diagnostic::error("Invalid count", attribute.expr.span, detail);
    let number_of = "For the number of elements write `length(…)`.";
    if evaluated.marks.has_ephemeral() {
        return Err(wrong("`count` is ephemeral, but the instances are kept in the state.".into())
            .hint("Use a value that may be kept: instances must be the same at apply and ever after."));
    }
    if !evaluated.marks.is_empty() {
        return Err(wrong("`count` is a secret, and the number of instances could not be shown in a plan.".into())
            .hint("Use `nonsensitive(…)` if the number itself is no secret."));
    }
    match evaluated.value.convert(&Type::Number) {
        Ok(Value::Unknown(_)) => Ok(None),
        Ok(Value::Null(_)) => Err(wrong("`count` is null, but a whole number is needed.".into())
            .hint("For no instance write 0, as in `count = var.enabled ? 1 : 0`.")),
        Ok(Value::Number(number)) => match number.to_u64() {
            Some(count) if count > MOST => {
                Err(wrong(format!("`count` is {number}, but a block has at most {MOST} instances.")))
            }
            Some(count) => Ok(Some(count)),
            None => Err(wrong(format!("`count` must be a whole number of zero or more, but this is {number}."))),
        },
        Ok(_) => unreachable!("conversion to number gives a number"),
        Err(error) => {
            let told = wrong(format!("`count` must be a whole number: {error}."));
            Err(if evaluated.value.items().is_some() { told.hint(number_of) } else { told })
        }
    }
}

/// Reads the value of `for_each`; `None` if it, or one of its keys, is unknown.
fn members(attribute: &Attribute, evaluated: &Evaluated) -> Result<Option<Vec<(Str, Evaluated)>>, Diagnostic> {
    let wrong = |detail: String| Diagnostic::error("Invalid for_each", attribute.expr.span, detail);
    if evaluated.marks.of_whole().has_ephemeral() {
        return Err(wrong("`for_each` is ephemeral, but the keys of instances are kept in the state.".into())
            .hint("Use keys that may be kept: instances must be the same at apply and ever after."));
    }
    if evaluated.marks.is_whole() {
        return Err(wrong("`for_each` is a secret, and the keys of instances could not be shown in a plan.".into())
            .hint("Use `nonsensitive(…)`, or `for_each` over the keys alone."));
    }
    match &evaluated.value {
        Value::Unknown(_) => Ok(None),
        Value::Object(_) | Value::Map(_) => {
            let entries = evaluated.value.entries().into_iter().flatten();
            let member = |key: &Str| evaluated.get(key).unwrap_or_else(Evaluated::unknown);
            Ok(Some(entries.map(|(key, _)| (key.clone(), member(key))).collect()))
        }
        Value::Set(set) => {
            let keys: Option<Vec<Str>> = set
                .items()
                .iter()
                .map(|item| if let Value::String(key) = item { Some(key.clone()) } else { None })
                .collect();
            match keys {
                Some(keys) => {
                    let member = |key: Str| (key.clone(), Evaluated::from(Value::String(key)));
                    Ok(Some(keys.into_iter().map(member).collect()))
                }
                None if !evaluated.value.is_wholly_known() => Ok(None),
                None if set.element == Type::String => {
                    Err(wrong("`for_each` takes a set of strings, but one of them is null.".into())
                        .hint("Leave it out, as in `toset([for x in … : x if x != null])`."))
                }
                None => {
                    Err(wrong(format!("`for_each` takes a set of strings, but this is a {}.", set_of(&set.element)))
                        .hint("Convert the members, as in `toset([for x in … : tostring(x)])`."))
                }
            }
        }
        Value::Null(_) => Err(wrong("`for_each` is null, but a map, an object or a set of strings is needed.".into())
            .hint("For no instance write `{}`.")),
        Value::List(_) | Value::Tuple(_) => {
            Err(wrong("`for_each` takes a map, an object or a set of strings, but this is a list.".into())
                .hint("Use `toset(…)` if the order does not matter."))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let found = evaluated.value.ty().friendly();
            Err(wrong(format!("`for_each` takes a map, an object or a set of strings, but this is a {found}."))
                .hint("For a single instance write `toset([VALUE])`; for a number of them use `count`."))
        }
    }
}

fn set_of(element: &Type) -> String {
    Type::set(element.clone()).friendly()
}

/// Reports a repetition that cannot be known before apply, with what makes it unknown.
fn unknown(attribute: &Attribute, scope: &Scope<'_>, origins: &[String]) -> Diagnostic {
    let name = attribute.name.as_str();
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
    Diagnostic::error(summary, attribute.expr.span, detail).hint(if name == "count" {
        "Use a number that the configuration itself knows, for example the length of a variable."
    } else {
        "Use keys that the configuration itself knows, and keep what is unknown in the values."
    })
}
