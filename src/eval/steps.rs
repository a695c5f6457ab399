//! Steps into values: `.name`, `[key]`, `[*]`.

use loam_provider::{List, Map, Number, Step as PathStep, Str, Type, Value};

use super::{
    Evaluated, Scope,
    describe::{a_type, about},
    expr,
};
use crate::{
    config::{Expr, ExprKind, Step, StepKind, Subject},
    diag::{Diagnostic, Diagnostics, did_you_mean},
    source::Span,
};

/// Follows steps into a value. `base` is the expression the value came from.
pub(super) fn follow(
    mut value: Evaluated,
    steps: &[Step],
    base: &Expr,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Evaluated {
    for step in steps {
        value = match &step.kind {
            StepKind::Attribute(name) => match attribute(&value, name, step.span) {
                Ok(value) => value,
                Err(diagnostic) => {
                    diagnostics.push(diagnostic.values(about(&[base], scope)));
                    return Evaluated::unknown();
                }
            },
            StepKind::Index(key) => {
                let evaluated = expr::expr(key, scope, diagnostics);
                match index(&value, &evaluated, key.span).map_err(|diagnostic| match &base.kind {
                    ExprKind::Reference(subject) if step.span.start == base.span.end => {
                        no_instance(subject, &value, &evaluated, key.span).unwrap_or(diagnostic)
                    }
                    _ => diagnostic,
                }) {
                    Ok(value) => value,
                    Err(diagnostic) => {
                        diagnostics.push(diagnostic.values(about(&[base, key], scope)));
                        return Evaluated::unknown();
                    }
                }
            }
            StepKind::Splat(each) => splat(&value, each, base, scope, diagnostics),
        };
    }
    value
}

/// Returns an attribute of an object, or an entry of a map.
fn attribute(value: &Evaluated, name: &Str, span: Span) -> Result<Evaluated, Diagnostic> {
    let found = match &value.value {
        Value::Object(fields) => match fields.get(name) {
            Some(found) => found.clone(),
            None => return Err(no_attribute(name, fields.keys().map(Str::as_str), value.marks.is_whole(), span)),
        },
        Value::Map(Map { items, .. }) => match items.get(name) {
            Some(found) => found.clone(),
            None => return Err(no_key(name, items.keys().map(Str::as_str), !value.marks.is_empty(), span)),
        },
        Value::Unknown(Type::Any) => Value::Unknown(Type::Any),
        Value::Unknown(Type::Map(element)) => Value::Unknown((**element).clone()),
        Value::Unknown(Type::Object(object)) => match object.fields.get(name) {
            Some(field) => Value::Unknown(field.ty.clone()),
            None => {
                return Err(no_attribute(name, object.fields.keys().map(Str::as_str), value.marks.is_whole(), span));
            }
        },
        Value::Null(_) => {
            let detail = format!("This value is null, so it has no attribute `{name}`.");
            return Err(Diagnostic::error("Null value", span, detail)
                .hint("Where it may be null, write `try(VALUE.ATTRIBUTE, null)` or check it with `==` first."));
        }
        other => {
            let ty = other.ty();
            let detail = format!("This value is {}, which has no attributes.", a_type(&ty));
            let diagnostic = Diagnostic::error("Unknown attribute", span, detail);
            let sequence = matches!(ty, Type::List(_) | Type::Tuple(_) | Type::Set(_));
            return Err(if sequence {
                diagnostic.hint(format!("For the attribute of one element write `[0].{name}`, of all `[*].{name}`."))
            } else {
                diagnostic
            });
        }
    };
    Ok(Evaluated::new(found, value.marks.inside(&PathStep::Name(name.clone()))))
}

fn no_attribute<'n>(name: &str, names: impl Iterator<Item = &'n str>, secret: bool, span: Span) -> Diagnostic {
    if secret {
        return Diagnostic::error("Unknown attribute", span, "This object has no such attribute.");
    }
    let names: Vec<&str> = names.collect();
    let detail = format!("This object has no attribute `{name}`.");
    let hint = did_you_mean(name, names.iter().copied()).or_else(|| match names.as_slice() {
        [] => None,
        names => Some(format!("It has {}.", listed(names))),
    });
    Diagnostic::error("Unknown attribute", span, detail).maybe_hint(hint)
}

/// Returns what to say where a block or module has no instance with a key. Keys are never secret, but what is used as
/// one by mistake may be.
fn no_instance(subject: &Subject, value: &Evaluated, key: &Evaluated, span: Span) -> Option<Diagnostic> {
    let (Subject::Resource { .. } | Subject::Data { .. } | Subject::Module(_)) = subject else { return None };
    let is_secret = !key.marks.is_empty();
    let (Value::Object(fields), Value::String(key)) = (&value.value, &key.value) else { return None };
    if value.marks.is_whole() || is_secret || fields.get(key).is_some() {
        return None;
    }
    let keys: Vec<&str> = fields.keys().map(Str::as_str).collect();
    let detail = format!("`{subject}` has no key \"{key}\".");
    let hint = did_you_mean(key, keys.iter().copied()).unwrap_or_else(|| match keys.as_slice() {
        [] => "It has no instances.".into(),
        keys => format!("It has {}.", listed(keys)),
    });
    Some(Diagnostic::error("Unknown key", span, detail).hint(hint))
}

fn no_key<'n>(key: &str, keys: impl Iterator<Item = &'n str>, secret: bool, span: Span) -> Diagnostic {
    if secret {
        return Diagnostic::error("Unknown key", span, "This map has no such key.");
    }
    let keys: Vec<&str> = keys.collect();
    let detail = format!("This map has no key \"{key}\".");
    let hint = did_you_mean(key, keys.iter().copied()).or_else(|| match keys.as_slice() {
        [] => Some("It is empty.".into()),
        keys => Some(format!("It has {}.", listed(keys))),
    });
    Diagnostic::error("Unknown key", span, detail).maybe_hint(hint)
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Returns an element of a collection.
fn index(value: &Evaluated, key: &Evaluated, span: Span) -> Result<Evaluated, Diagnostic> {
    let secret = !key.marks.is_empty() || value.marks.is_whole();
    let (found, inside) = match &value.value {
        Value::Null(_) => {
            return Err(Diagnostic::error("Null value", span, "This value is null, so it has no elements."));
        }
        // Whether it is a key at all will be seen once it is known.
        _ if matches!(key.value, Value::Unknown(Type::Any)) => (Value::Unknown(Type::Any), value.marks.collapsed()),
        Value::Unknown(ty) => {
            let element = match ty {
                Type::List(element) | Type::Map(element) => (**element).clone(),
                Type::Any | Type::Tuple(_) | Type::Object(_) => Type::Any,
                Type::Bool | Type::Number | Type::String | Type::Set(_) => return Err(no_elements(ty, span)),
            };
            (Value::Unknown(element), value.marks.collapsed())
        }
        Value::List(List { items, element }) => match position(key, items.len(), span)? {
            Some(at) => (items[at].clone(), value.marks.inside(&PathStep::Index(at))),
            None => (Value::Unknown(element.clone()), value.marks.collapsed()),
        },
        Value::Tuple(items) => match position(key, items.len(), span)? {
            Some(at) => (items[at].clone(), value.marks.inside(&PathStep::Index(at))),
            None => (Value::Unknown(Type::Any), value.marks.collapsed()),
        },
        Value::Map(Map { items, element }) => match name(key, span)? {
            Some(name) => match items.get(&name) {
                Some(found) => (found.clone(), value.marks.inside(&PathStep::Name(name))),
                None => return Err(no_key(&name, items.keys().map(Str::as_str), secret, span)),
            },
            None => (Value::Unknown(element.clone()), value.marks.collapsed()),
        },
        Value::Object(fields) => match name(key, span)? {
            Some(name) => match fields.get(&name) {
                Some(found) => (found.clone(), value.marks.inside(&PathStep::Name(name))),
                None if secret => {
                    return Err(Diagnostic::error("Unknown attribute", span, "This object has no such attribute."));
                }
                None => return Err(no_attribute(&name, fields.keys().map(Str::as_str), secret, span)),
            },
            None => (Value::Unknown(Type::Any), value.marks.collapsed()),
        },
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Set(_) => {
            return Err(no_elements(&value.value.ty(), span));
        }
    };
    Ok(Evaluated::new(found, inside).marked(&key.marks.collapsed()))
}

fn no_elements(ty: &Type, span: Span) -> Diagnostic {
    let detail = format!("This value is {}, whose elements have no index.", a_type(ty));
    let diagnostic = Diagnostic::error("Invalid index", span, detail);
    match ty {
        Type::Set(_) => diagnostic.hint("Make it a list first with `tolist(…)`; `one(…)` takes the only element."),
        Type::String => diagnostic.hint("For a part of a text use `substr(TEXT, START, LENGTH)`."),
        _ => diagnostic,
    }
}

/// Returns which element of a sequence a key means; `None` where it is not known.
fn position(key: &Evaluated, length: usize, span: Span) -> Result<Option<usize>, Diagnostic> {
    let wrong = |detail: String| Diagnostic::error("Invalid index", span, detail);
    let shown = |number: &Number| if key.marks.is_empty() { number.to_string() } else { "(sensitive)".into() };
    match key.value.convert(&Type::Number) {
        Ok(Value::Number(number)) => {
            if number.is_negative() {
                let detail = format!("An index counts from 0, so {} is none.", shown(&number));
                return Err(wrong(detail).hint("For the last element write `element(LIST, length(LIST) - 1)`."));
            }
            if !number.is_integer() {
                return Err(wrong(format!("An index is a whole number, but this is {}.", shown(&number))));
            }
            match number.to_usize().filter(|at| *at < length) {
                Some(at) => Ok(Some(at)),
                None => {
                    let has = match length {
                        0 => "no elements".to_owned(),
                        1 => "one element, with index 0".to_owned(),
                        length => format!("{length} elements, with indexes 0 to {}", length - 1),
                    };
                    Err(wrong(format!("There is no element {}: the list has {has}.", shown(&number))))
                }
            }
        }
        Ok(Value::Null(_)) => Err(wrong("This index is null.".into())),
        Ok(_) => Ok(None),
        Err(_) => Err(wrong(format!("The index of a list is a number, but this is {}.", a_type(&key.value.ty())))),
    }
}

/// Returns the text of a key; `None` where it is not known.
fn name(key: &Evaluated, span: Span) -> Result<Option<Str>, Diagnostic> {
    match key.value.convert(&Type::String) {
        Ok(Value::String(name)) => Ok(Some(name)),
        Ok(Value::Null(_)) => Err(Diagnostic::error("Invalid index", span, "This key is null.")),
        Ok(_) => Ok(None),
        Err(_) => {
            let detail = format!("The key of a map is text, but this is {}.", a_type(&key.value.ty()));
            Err(Diagnostic::error("Invalid index", span, detail))
        }
    }
}

/// Follows steps into every element. A value that is no sequence is a sequence of itself, and null of nothing.
fn splat(value: &Evaluated, each: &[Step], base: &Expr, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Evaluated {
    let whole = value.marks.of_whole();
    let items: Vec<Evaluated> = match &value.value {
        Value::Null(Type::List(_) | Type::Set(_) | Type::Tuple(_)) => {
            let detail = "This list is null, so `*` has no elements to go through.";
            let diagnostic = Diagnostic::error("Null value", base.span, detail);
            diagnostics.push(
                diagnostic.hint("Where it may be null, write `coalesce(LIST, [])`.").values(about(&[base], scope)),
            );
            return Evaluated::unknown().marked(&whole);
        }
        Value::Null(_) => Vec::new(),
        Value::Unknown(ty) => {
            let element = match ty {
                Type::List(element) | Type::Set(element) => (**element).clone(),
                Type::Any | Type::Tuple(_) => return Evaluated::unknown().marked(&value.marks.collapsed()),
                Type::Bool | Type::Number | Type::String | Type::Map(_) | Type::Object(_) => ty.clone(),
            };
            let item = Evaluated::from(Value::Unknown(element));
            let item = follow(item, each, base, scope, diagnostics);
            let sequence = matches!(ty, Type::List(_) | Type::Set(_));
            let ty = if sequence { Type::list(item.value.ty()) } else { Type::Any };
            return Evaluated::new(Value::Unknown(ty), value.marks.collapsed());
        }
        Value::List(List { items, .. }) | Value::Tuple(items) => {
            let items = items.iter().enumerate();
            items.map(|(at, item)| Evaluated::new(item.clone(), value.marks.inside(&PathStep::Index(at)))).collect()
        }
        Value::Set(set) => {
            let inside = value.marks.collapsed();
            set.items().iter().map(|item| Evaluated::new(item.clone(), inside.clone())).collect()
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Map(_) | Value::Object(_) => vec![value.clone()],
    };
    let mut results = Vec::with_capacity(items.len());
    for item in items {
        let mut problems = Diagnostics::default();
        results.push(follow(item, each, base, scope, &mut problems));
        if !problems.is_empty() {
            // What is wrong with one element is likely wrong with all.
            diagnostics.extend(problems);
            return Evaluated::unknown().marked(&whole);
        }
    }
    let element = match &value.value {
        Value::List(List { element, .. }) => Some(element.clone()),
        Value::Set(set) => Some(set.element.clone()),
        _ => None,
    };
    let built = expr::tuple(results).marked(&whole);
    let Some(element) = element else { return built };
    let types: Vec<Type> = built.value.items().unwrap_or_default().iter().map(Value::ty).collect();
    match types.first() {
        None => {
            let item = Evaluated::from(Value::Unknown(element));
            let item = follow(item, each, base, scope, &mut Diagnostics::default());
            Evaluated::new(Value::list(item.value.ty(), []), built.marks)
        }
        Some(first) if types.iter().all(|ty| ty == first) => {
            let items = built.value.items().unwrap_or_default().to_vec();
            Evaluated::new(Value::list(first.clone(), items), built.marks)
        }
        Some(_) => built,
    }
}
