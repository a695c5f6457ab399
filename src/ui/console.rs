//! What `loam console` answers: values as they would be written, types as they are declared, both as JSON.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use loam_provider::{List, Map, Step, Str, Type, Value};
use serde::Serialize;
use serde_json::Value as Json;

use super::{
    text::attribute_name,
    value::{UNKNOWN, is_masked},
};
use crate::{
    console::Answer,
    diag::Diagnostic,
    eval::{Evaluated, Marks},
    source::Sources,
};

/// What stands for a secret in an answer.
const SECRET: &str = "(sensitive value)";
/// What stands for a value that is kept nowhere.
const EPHEMERAL: &str = "(ephemeral value)";

/// Writes an answer to a person.
///
/// # Errors
/// Those of the writer.
pub fn answer(out: &mut dyn Write, answer: &Answer) -> io::Result<()> {
    let mut text = String::new();
    match answer {
        Answer::Value(Evaluated { value, marks }) => self::value(&mut text, value, marks, 0),
        Answer::Type(ty) => self::ty(&mut text, ty, 0),
    }
    writeln!(out, "{text}")
}

/// Writes an answer as a JSON line: `schemas/console.json`.
///
/// # Errors
/// Those of the writer.
pub fn answer_json(out: &mut dyn Write, answer: &Answer) -> io::Result<()> {
    let line = match answer {
        Answer::Value(Evaluated { value, marks }) => Line {
            value: json(value, marks),
            r#type: constraint(&value.ty()),
            sensitive: !marks.is_empty(),
            unknown: !value.is_wholly_known(),
        },
        Answer::Type(ty) => {
            Line { value: constraint(ty).into(), r#type: Type::String.to_string(), sensitive: false, unknown: false }
        }
    };
    super::json::line(out, &line)
}

/// Writes what is wrong with an expression as a JSON line.
///
/// # Errors
/// Those of the writer.
pub fn answer_error_json(out: &mut dyn Write, diagnostic: &Diagnostic, sources: &Sources) -> io::Result<()> {
    let mut detail = diagnostic.detail.clone();
    // What is wrong in a file has its place; the expression itself is known to whoever asked.
    if let Some(span) = diagnostic.span.filter(|span| sources.name(span.source).ends_with(".hcl")) {
        detail = format!("{}: {detail}", sources.place(span));
    }
    for value in &diagnostic.values {
        let _ = write!(detail, "\n{value}");
    }
    for hint in &diagnostic.hints {
        let _ = write!(detail, "\nhint: {hint}");
    }
    super::json::line(out, &ErrorLine { error: ErrorText { summary: diagnostic.summary, detail } })
}

/// Writes that a line cannot be read, as a JSON line.
///
/// # Errors
/// Those of the writer.
pub fn request_error_json(out: &mut dyn Write, detail: String) -> io::Result<()> {
    super::json::line(out, &ErrorLine { error: ErrorText { summary: "Invalid request", detail } })
}

#[derive(Serialize)]
struct Line {
    value: Json,
    r#type: String,
    sensitive: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unknown: bool,
}

#[derive(Serialize)]
struct ErrorLine<'d> {
    error: ErrorText<'d>,
}

#[derive(Serialize)]
struct ErrorText<'d> {
    summary: &'d str,
    detail: String,
}

/// Returns a value as JSON, with null where a secret stands and where nothing is known.
fn json(value: &Value, marks: &Marks) -> Json {
    if is_masked(value, marks) {
        return Json::Null;
    }
    let named = |items: &std::collections::BTreeMap<Str, Value>| {
        let items = items.iter().map(|(name, item)| {
            let marks = marks.inside(&Step::Name(name.clone()));
            (name.to_string(), json(item, &marks))
        });
        Json::Object(items.collect())
    };
    match value {
        Value::Unknown(_) | Value::Null(_) => Json::Null,
        Value::Bool(claim) => Json::Bool(*claim),
        Value::Number(number) => serde_json::to_value(number).unwrap_or_default(),
        Value::String(text) => Json::from(text.as_str()),
        Value::List(List { items, .. }) | Value::Tuple(items) => {
            let items = items.iter().enumerate();
            Json::Array(items.map(|(at, item)| json(item, &marks.inside(&Step::Index(at)))).collect())
        }
        Value::Set(set) => Json::Array(set.items().iter().map(|item| json(item, &Marks::none())).collect()),
        Value::Map(Map { items, .. }) | Value::Object(items) => named(items),
    }
}

/// Returns a type as it is declared, on one line. What may still be any type is `dynamic`.
fn constraint(ty: &Type) -> String {
    match ty {
        Type::Any => "dynamic".into(),
        Type::Bool | Type::Number | Type::String => ty.to_string(),
        Type::List(element) => format!("list({})", constraint(element)),
        Type::Set(element) => format!("set({})", constraint(element)),
        Type::Map(element) => format!("map({})", constraint(element)),
        Type::Tuple(items) => format!("tuple([{}])", items.iter().map(constraint).collect::<Vec<_>>().join(", ")),
        Type::Object(object) => {
            let fields = object.fields.iter();
            let fields = fields.map(|(name, field)| format!("{} = {}", attribute_name(name), constraint(&field.ty)));
            format!("object({{{}}})", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Writes a value as Terraform's console does: as an expression that has it, as far as there is one.
fn value(out: &mut String, value: &Value, marks: &Marks, indent: usize) {
    if !value.is_unknown() && is_masked(value, marks) {
        out.push_str(if marks.ephemeral_only().is_whole() { EPHEMERAL } else { SECRET });
        return;
    }
    let number = |out: &mut String, text: &dyn std::fmt::Display| {
        let _ = write!(out, "{text}");
    };
    match value {
        Value::Unknown(_) => out.push_str(UNKNOWN),
        Value::Null(ty) => null(out, ty),
        Value::Bool(claim) => number(out, claim),
        Value::Number(value) => number(out, value),
        Value::String(text) => string(out, text, indent),
        Value::Tuple(items) => sequence(out, items, marks, indent),
        Value::List(List { items, .. }) => {
            out.push_str("tolist(");
            sequence(out, items, marks, indent);
            out.push(')');
        }
        Value::Set(set) => {
            out.push_str("toset(");
            sequence(out, set.items(), &Marks::none(), indent);
            out.push(')');
        }
        Value::Object(items) => mapping(out, items, marks, indent),
        Value::Map(Map { items, .. }) => {
            out.push_str("tomap(");
            mapping(out, items, marks, indent);
            out.push(')');
        }
    }
}

fn null(out: &mut String, ty: &Type) {
    let of = |ty: &Type| ty.friendly().replace("any type", "dynamic");
    let text = match ty {
        Type::Any => "null".to_owned(),
        Type::Bool | Type::Number | Type::String => format!("to{ty}(null)"),
        Type::List(element) => format!("tolist(null) /* of {} */", of(element)),
        Type::Set(element) => format!("toset(null) /* of {} */", of(element)),
        Type::Map(element) => format!("tomap(null) /* of {} */", of(element)),
        Type::Object(_) | Type::Tuple(_) => format!("null /* {} */", of(ty)),
    };
    out.push_str(&text);
}

fn sequence(out: &mut String, items: &[Value], marks: &Marks, indent: usize) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        begin(out, indent + 2);
        value(out, item, &marks.inside(&Step::Index(at)), indent + 2);
        out.push(',');
    }
    if !items.is_empty() {
        begin(out, indent);
    }
    out.push(']');
}

fn mapping(out: &mut String, items: &std::collections::BTreeMap<Str, Value>, marks: &Marks, indent: usize) {
    out.push('{');
    for (name, item) in items {
        begin(out, indent + 2);
        string(out, name, indent + 2);
        out.push_str(" = ");
        value(out, item, &marks.inside(&Step::Name(name.clone())), indent + 2);
    }
    if !items.is_empty() {
        begin(out, indent);
    }
    out.push('}');
}

fn begin(out: &mut String, indent: usize) {
    let _ = write!(out, "\n{:indent$}", "");
}

/// Writes a text of several lines as a heredoc, any other in quotes.
fn string(out: &mut String, text: &str, indent: usize) {
    if !text.contains('\n') {
        return quoted(out, text);
    }
    let mut end = "EOT".to_owned();
    while text.split('\n').any(|line| line.trim() == end) {
        end.push('_');
    }
    out.push_str(if indent > 0 { "<<-" } else { "<<" });
    out.push_str(&end);
    for line in text.split('\n').chain([end.as_str()]) {
        begin(out, indent);
        out.push_str(line);
    }
}

/// Writes a text in quotes, as Go's `strconv.Quote`.
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for char in text.chars() {
        let _ = match char {
            '"' | '\\' => write!(out, "\\{char}"),
            '\u{7}' => write!(out, "\\a"),
            '\u{8}' => write!(out, "\\b"),
            '\u{c}' => write!(out, "\\f"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            '\u{b}' => write!(out, "\\v"),
            '\0'..='\u{1f}' | '\u{7f}' => write!(out, "\\x{:02x}", u32::from(char)),
            char if is_printable(char) => write!(out, "{char}"),
            '\0'..='\u{ffff}' => write!(out, "\\u{:04x}", u32::from(char)),
            _ => write!(out, "\\U{:08x}", u32::from(char)),
        };
    }
    out.push('"');
}

/// Returns whether a character is a letter, mark, number, sign or the plain space. Marks that join what stands before
/// them count: only at the start of a text would they be escaped.
fn is_printable(char: char) -> bool {
    let text = format!("a{char}");
    let mut escaped = text.escape_debug().skip(1);
    char == '\'' || escaped.next() == Some(char) && escaped.next().is_none()
}

/// Writes a type as Terraform's console does, structures over several lines.
fn ty(out: &mut String, ty: &Type, indent: usize) {
    let collection = |out: &mut String, name: &str, element: &Type| {
        let _ = write!(out, "{name}(");
        if matches!(element, Type::Object(_) | Type::Tuple(_)) {
            begin(out, indent + 4);
            self::ty(out, element, indent + 4);
            out.push(',');
            begin(out, indent);
        } else {
            self::ty(out, element, indent);
        }
        out.push(')');
    };
    match ty {
        Type::Any => out.push_str("dynamic"),
        Type::Bool | Type::Number | Type::String => {
            let _ = write!(out, "{ty}");
        }
        Type::List(element) => collection(out, "list", element),
        Type::Set(element) => collection(out, "set", element),
        Type::Map(element) => collection(out, "map", element),
        Type::Object(object) => {
            out.push_str("object({");
            for (name, field) in &object.fields {
                begin(out, indent + 4);
                let _ = write!(out, "{name}: ");
                self::ty(out, &field.ty, indent + 4);
                out.push(',');
            }
            if !object.fields.is_empty() {
                begin(out, indent);
            }
            out.push_str("})");
        }
        Type::Tuple(items) => {
            out.push_str("tuple([");
            for item in items.iter() {
                begin(out, indent + 4);
                self::ty(out, item, indent + 4);
                out.push(',');
            }
            if !items.is_empty() {
                begin(out, indent);
            }
            out.push_str("])");
        }
    }
}
