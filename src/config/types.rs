//! Type constraints: `list(object({ a = optional(string, "x") }))`.

use std::{collections::BTreeMap, sync::Arc};

use loam_provider::{Field, Known, ObjectType, Presence, Type};

use super::{
    constant::constant,
    lower::Lower,
    syntax::tree::{Expression, FuncCall, ObjectKey},
};
use crate::{
    diag::{Diagnostic, did_you_mean},
    source::Span,
};

const SIMPLE: [&str; 4] = ["string", "number", "bool", "any"];
const WRAPPING: [&str; 5] = ["list", "set", "map", "object", "tuple"];

/// Lowers the type of a variable. As in Terraform, `list` and `map` alone are short for `list(any)` and `map(any)`.
pub(super) fn of_variable(cx: &mut Lower<'_, '_>, expr: &Expression) -> Type {
    match expr {
        Expression::Variable(name) if name.as_str() == "list" => Type::list(Type::Any),
        Expression::Variable(name) if name.as_str() == "map" => Type::map(Type::Any),
        _ => lower(cx, expr),
    }
}

/// Lowers a type constraint; what is wrong in it is reported and stands for any type.
fn lower(cx: &mut Lower<'_, '_>, expr: &Expression) -> Type {
    let span = cx.span(expr);
    match expr {
        Expression::Variable(name) => match name.as_str() {
            "string" => Type::String,
            "number" => Type::Number,
            "bool" => Type::Bool,
            "any" => Type::Any,
            word @ ("list" | "set" | "map") => {
                let detail = format!("A {word} type says what its elements are.");
                report(cx, span, detail, Some(format!("Write `{word}(string)`, or `{word}(any)` for any one type.")));
                Type::Any
            }
            "object" => {
                let detail = "An object type lists its attributes.";
                report(cx, span, detail.into(), Some("Write for example `object({ name = string })`.".into()));
                Type::Any
            }
            "tuple" => {
                let detail = "A tuple type lists the types of its elements.";
                report(cx, span, detail.into(), Some("Write for example `tuple([string, number])`.".into()));
                Type::Any
            }
            name => unknown(cx, name, span),
        },
        Expression::FuncCall(call) => wrapping(cx, call, span),
        Expression::Parenthesis(inner) => lower(cx, inner.inner()),
        Expression::String(text) => {
            let word = text.value().clone();
            let detail = "A type is written without quotes.".to_owned();
            let written = match word.as_str() {
                "list" | "set" | "map" => format!("{word}(string)"),
                word => word.to_owned(),
            };
            report(cx, span, detail, Some(format!("Write `{written}`.")));
            Type::Any
        }
        _ => {
            let detail = "A type is `string`, `number`, `bool`, `any`, or one of `list(…)`, `set(…)`, `map(…)`, `object({…})` and `tuple([…])`.";
            let hint = match expr {
                Expression::Object(_) => Some("Write for example `object({ name = string })`.".to_owned()),
                Expression::Array(_) => {
                    Some("Write for example `list(string)` or `tuple([string, number])`.".to_owned())
                }
                _ => None,
            };
            report(cx, span, detail.into(), hint);
            Type::Any
        }
    }
}

fn report(cx: &mut Lower<'_, '_>, span: Span, detail: String, hint: Option<String>) {
    cx.diagnostics.push(Diagnostic::error("Invalid type", span, detail).maybe_hint(hint));
}

fn unknown(cx: &mut Lower<'_, '_>, name: &str, span: Span) -> Type {
    let hint = match name {
        "int" | "integer" | "float" | "double" => Some("Write `number`.".to_owned()),
        "boolean" => Some("Write `bool`.".to_owned()),
        "array" => Some("Write for example `list(string)`.".to_owned()),
        "dict" => Some("Write for example `map(string)`.".to_owned()),
        _ => did_you_mean(name, SIMPLE.into_iter().chain(WRAPPING)),
    };
    report(cx, span, format!("There is no type `{name}`."), hint);
    Type::Any
}

fn wrapping(cx: &mut Lower<'_, '_>, call: &FuncCall, span: Span) -> Type {
    let name = call.name.name.as_str();
    let args: Vec<&Expression> = call.args.iter().collect();
    match (name, args.as_slice()) {
        ("list", [element]) => Type::list(lower(cx, element)),
        ("set", [element]) => Type::set(lower(cx, element)),
        ("map", [element]) => Type::map(lower(cx, element)),
        ("tuple", [Expression::Array(items)]) => Type::Tuple(items.iter().map(|item| lower(cx, item)).collect()),
        ("object", [Expression::Object(object)]) => {
            let mut fields = BTreeMap::new();
            for (key, value) in object {
                let name = match key {
                    ObjectKey::Ident(ident) => ident.value.clone(),
                    ObjectKey::Expression(Expression::String(text)) => text.value().clone(),
                    ObjectKey::Expression(key) => {
                        let span = cx.span(key);
                        report(cx, span, "An attribute of an object type is a plain name.".into(), None);
                        continue;
                    }
                };
                fields.insert(name, field(cx, value));
            }
            Type::Object(Arc::new(ObjectType { fields }))
        }
        ("optional", _) => {
            let detail = "`optional` marks an attribute inside `object({…})`; it is no type by itself.";
            let hint = "Leave `optional` out: a variable that may be left out has a `default`.".to_owned();
            report(cx, span, detail.into(), Some(hint));
            Type::Any
        }
        (word, _) if SIMPLE.contains(&word) => {
            report(cx, span, format!("The type `{word}` takes nothing in parentheses."), None);
            Type::Any
        }
        ("list" | "set" | "map", _) => {
            let detail = format!("`{name}` takes one type in its parentheses: that of its elements.");
            report(cx, span, detail, Some(format!("Write for example `{name}(string)`.")));
            Type::Any
        }
        ("object", _) => {
            let detail = "`object` takes its attributes in braces.";
            report(cx, span, detail.into(), Some("Write for example `object({ name = string })`.".into()));
            Type::Any
        }
        ("tuple", _) => {
            let detail = "`tuple` takes the types of its elements in brackets.";
            report(cx, span, detail.into(), Some("Write for example `tuple([string, number])`.".into()));
            Type::Any
        }
        (name, _) => {
            let name = name.to_owned();
            unknown(cx, &name, span)
        }
    }
}

/// Lowers the type of an object's attribute, which may be `optional(type, default)`.
fn field(cx: &mut Lower<'_, '_>, expr: &Expression) -> Field {
    let call = match expr {
        Expression::FuncCall(call) if call.name.name.as_str() == "optional" => call,
        expr => return Field { ty: lower(cx, expr), presence: Presence::Required },
    };
    let args: Vec<&Expression> = call.args.iter().collect();
    match args.as_slice() {
        [ty] => Field { ty: lower(cx, ty), presence: Presence::Optional { default: None } },
        [ty, default] => {
            let ty = lower(cx, ty);
            let span = cx.span(*default);
            let lowered = cx.expr(default);
            let default = match constant(&lowered).map(|value| value.convert(&ty)) {
                Some(Ok(value)) => Known::new(value).ok(),
                Some(Err(error)) => {
                    let detail = format!("This default does not fit the type of its attribute: {error}.");
                    cx.diagnostics.push(Diagnostic::error("Invalid default", span, detail));
                    None
                }
                None => {
                    let detail = "The default of an optional attribute must be a plain value.";
                    let hint = "It cannot refer to anything or call functions.";
                    cx.diagnostics.push(Diagnostic::error("Invalid default", span, detail).hint(hint));
                    None
                }
            };
            Field { ty, presence: Presence::Optional { default } }
        }
        _ => {
            let span = cx.span(expr);
            let detail = "`optional` takes a type and, if wanted, a default.";
            report(cx, span, detail.into(), Some("Write for example `optional(number, 80)`.".into()));
            Field { ty: Type::Any, presence: Presence::Optional { default: None } }
        }
    }
}
