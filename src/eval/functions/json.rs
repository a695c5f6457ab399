//! JSON as `jsonencode` writes it.

use std::fmt::Write as _;

use loam_provider::{List, Map, Value};

/// Returns a known value as JSON.
pub(super) fn encode(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null(_) | Value::Unknown(_) => out.push_str("null"),
        Value::Bool(claim) => out.push_str(if *claim { "true" } else { "false" }),
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::String(text) => out.push_str(&quote(text)),
        Value::List(List { items, .. }) | Value::Tuple(items) => sequence(out, items),
        Value::Set(set) => sequence(out, set.items()),
        Value::Map(Map { items, .. }) | Value::Object(items) => {
            out.push('{');
            for (index, (name, item)) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&quote(name));
                out.push(':');
                write(out, item);
            }
            out.push('}');
        }
    }
}

fn sequence(out: &mut String, items: &[Value]) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

/// Returns a text as JSON, with what is special in HTML escaped too.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

/// Returns the value of a JSON text: objects and tuples.
pub(super) fn decode(text: &str) -> Result<Value, serde_json::Error> {
    let json: serde_json::Value = serde_json::from_str(text)?;
    let known = loam_provider::Known::from_json(&json, &loam_provider::Type::Any);
    known.map(loam_provider::Known::into_value).map_err(|error| serde::de::Error::custom(error.to_string()))
}
