//! What is recorded, as text and as JSON lines: objects, outputs, tables.

use std::io::{self, Write};

use loam_provider::{OnDestroy, Path, Type, Value};
use serde::Serialize;

use super::{
    Style,
    json::line,
    names::Names,
    plan::json,
    style::Tone,
    text::{attribute_name, clean, quote, width},
    tree::{self, Body, Entry, Gutter, Inside, Layout, Mark},
    value::{self, Manner},
};
use crate::{
    addr::{Instance, Mode, Resource},
    eval::Marks,
    host::Offers,
    state::{Condition, DeposedId, Object, Output},
};

/// The output has no raw form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRawForm {
    /// It is a collection or a structure.
    #[error("output `{name}` has type {ty}, and only a string, a number or a bool has a raw form")]
    Structured { name: String, ty: String },
    /// It is null.
    #[error("output `{name}` is null, which has no raw form")]
    Null { name: String },
}

/// Writes an object as the block it could be; secrets are masked.
///
/// # Errors
/// Those of the writer.
pub fn object(out: &mut dyn Write, style: Style, object: &Object, offers: &Offers) -> io::Result<()> {
    let resource = &object.slot.addr.resource;
    let names = offers.kind(&object.kind).map_or(Names::None, |kind| Names::Of(&kind.schema));
    let condition = match object.condition {
        Condition::Ready => String::new(),
        Condition::Tainted => "  tainted: the next apply replaces it".to_owned(),
        Condition::Partial => "  partial: a call failed half-way, and this much of it stands".to_owned(),
    };
    let address = format!("# {}", clean(&object.slot.to_string()));
    let provider = format!("({})", object.provider);
    let (address, provider) = (style.paint(Tone::Strong, address), style.paint(Tone::Dim, provider));
    writeln!(out, "{address} {provider}{}", style.paint(Tone::Changed, condition))?;
    let keyword = match resource.mode {
        Mode::Managed => "resource",
        Mode::Data => "data",
    };
    writeln!(out, "{keyword} {} {} {{", quote(&resource.kind), quote(&resource.name))?;
    let entries = object.attributes.entries().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let set = Value::object(entries.map(|(name, value)| (name.clone(), value.clone())));
    if let Body::Value(inside) = value::body(&set, &marks(&object.sensitive), names, Manner::Exact) {
        tree::draw(out, style, &inside, 2, Gutter::Bare)?;
    }
    writeln!(out, "}}")
}

/// Writes an object as JSON on one line: `schemas/output.json`; secrets are null.
///
/// # Errors
/// Those of the writer.
pub fn object_json(out: &mut dyn Write, object: &Object) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        r#type: &'static str,
        address: &'a Instance,
        deposed: Option<&'a DeposedId>,
        kind: &'a str,
        provider: &'a str,
        condition: Condition,
        on_destroy: OnDestroy,
        dependencies: &'a [Resource],
        value: serde_json::Value,
        sensitive: &'a [Path],
    }
    let value = json(object.attributes.value(), &marks(&object.sensitive), &mut Vec::new());
    let shown = Line {
        r#type: "object",
        address: &object.slot.addr,
        deposed: object.slot.deposed.as_ref(),
        kind: &object.kind,
        provider: &object.provider,
        condition: object.condition,
        on_destroy: object.on_destroy,
        dependencies: &object.dependencies,
        value,
        sensitive: &object.sensitive,
    };
    line(out, &shown)
}

/// Writes objects as a table: where each stands, who realises it, how it is doing.
///
/// # Errors
/// Those of the writer.
pub fn object_list(out: &mut dyn Write, style: Style, objects: &[Object]) -> io::Result<()> {
    let row = |object: &Object| [object.slot.to_string(), object.provider.to_string(), object.condition.to_string()];
    let rows: Vec<[String; 3]> = objects.iter().map(row).collect();
    table(out, style, ["ADDRESS", "PROVIDER", "CONDITION"], &rows)
}

/// Writes all outputs as `name = value`; secrets are masked.
///
/// # Errors
/// Those of the writer.
pub fn outputs(out: &mut dyn Write, style: Style, outputs: &[Output]) -> io::Result<()> {
    let entries = outputs.iter().map(|output| {
        let body = value::body(output.value.value(), &marks(&output.sensitive), Names::None, Manner::Exact);
        Entry { mark: Mark::Same, name: attribute_name(&output.name), body, remark: None }
    });
    let (open, close, nouns) = (String::new(), String::new(), ("output", "outputs"));
    let inside = Inside { open, close, entries: entries.collect(), layout: Layout::Spread, hidden: 0, nouns };
    tree::draw(out, style, &inside, 0, Gutter::Bare)
}

/// Writes one output's value; what is secret in it is masked.
///
/// # Errors
/// Those of the writer.
pub fn output(out: &mut dyn Write, style: Style, output: &Output) -> io::Result<()> {
    let body = value::body(output.value.value(), &marks(&output.sensitive), Names::None, Manner::Exact);
    let (open, close, nouns) = (String::new(), String::new(), ("output", "outputs"));
    let entries = vec![Entry { mark: Mark::Same, name: String::new(), body, remark: None }];
    let inside = Inside { open, close, entries, layout: Layout::Spread, hidden: 0, nouns };
    tree::draw(out, style, &inside, 0, Gutter::Bare)
}

/// Writes all outputs as JSON, one object per line: `schemas/output.json`; secrets are null.
///
/// # Errors
/// Those of the writer.
pub fn outputs_json(out: &mut dyn Write, outputs: &[Output]) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        r#type: &'static str,
        name: &'a str,
        value: serde_json::Value,
        value_type: Type,
        sensitive: &'a [Path],
    }
    for Output { name, value, sensitive } in outputs {
        let (value_type, value) = (value.ty(), json(value.value(), &marks(sensitive), &mut Vec::new()));
        line(out, &Line { r#type: "output", name, value, value_type, sensitive })?;
    }
    Ok(())
}

/// Writes the value of one output that was asked for by name as JSON, also where it is secret.
///
/// # Errors
/// Those of the writer.
pub fn output_json(out: &mut dyn Write, output: &Output) -> io::Result<()> {
    line(out, &output.value.to_json())
}

/// Returns the value of one output that was asked for by name as it is, also where it is secret.
///
/// # Errors
/// [`NoRawForm`] where it is null or made of parts.
pub fn output_raw(output: &Output) -> Result<String, NoRawForm> {
    let name = || output.name.to_string();
    match output.value.value() {
        Value::String(text) => Ok(text.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(claim) => Ok(claim.to_string()),
        Value::Null(_) => Err(NoRawForm::Null { name: name() }),
        Value::List(_) | Value::Set(_) | Value::Map(_) | Value::Object(_) | Value::Tuple(_) | Value::Unknown(_) => {
            Err(NoRawForm::Structured { name: name(), ty: output.value.ty().friendly() })
        }
    }
}

/// Writes rows under a heading, in columns as wide as what stands in them.
///
/// # Errors
/// Those of the writer.
pub fn table<const N: usize>(
    out: &mut dyn Write,
    style: Style,
    heading: [&str; N],
    rows: &[[String; N]],
) -> io::Result<()> {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| clean(cell).into_owned())).collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| width(&row[column]));
        cells.chain([width(heading[column])]).max().unwrap_or(0)
    });
    let mut write = |tone: Tone, row: [&str; N]| {
        let mut text = String::new();
        for (cell, columns) in row.iter().zip(widths) {
            text.push_str(cell);
            text.push_str(&" ".repeat(columns - width(cell) + 2));
        }
        writeln!(out, "{}", style.paint(tone, text.trim_end()))
    };
    write(Tone::Dim, heading)?;
    rows.iter().try_for_each(|row| write(Tone::Plain, row.each_ref().map(String::as_str)))
}

fn marks(sensitive: &[Path]) -> Marks {
    Marks::at_paths(sensitive.iter().cloned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use loam_provider::Known;

    use super::*;
    use crate::{
        state::{ReplaceOrder, Slot},
        ui::schema_test,
    };

    fn text(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn known(json: &serde_json::Value) -> Known {
        Known::from_json(json, &Type::Any).unwrap()
    }

    fn sample() -> Known {
        known(&serde_json::json!({
            "name": "bench", "long_name": 1.5, "gone": null, "script": "#!/bin/sh\necho ${x}\n", "token": "CANARY",
            "nodes": {"0": {"url": "http://a", "key": "CANARY"}}, "tags": ["a", "b"], "none": {}
        }))
    }

    #[test]
    fn an_object_is_shown_as_the_block_it_could_be() {
        let sensitive = ["token", r#"nodes["0"].key"#].map(|path| path.parse().unwrap()).into();
        let shown = Object {
            slot: Slot::deposed(r#"module.a.network.bench["x"]"#.parse().unwrap(), DeposedId("4f".into())),
            kind: "network".into(),
            kind_version: 0,
            provider: "kube.ci".into(),
            attributes: sample(),
            sensitive,
            condition: Condition::Tainted,
            dependencies: vec!["bucket.a".parse().unwrap()],
            on_destroy: OnDestroy::Retain,
            replace_order: ReplaceOrder::DeleteFirst,
        };
        let offers = Offers::new(Vec::new());
        insta::assert_snapshot!(text(|out| object(out, Style::plain(), &shown, &offers)), @r#"
        # module.a.network.bench["x"] (deposed 4f) (kube.ci)  tainted: the next apply replaces it
        resource "network" "bench" {
          long_name = 1.5
          name      = "bench"
          nodes     = {
            "0" = {
              key = (sensitive)
              url = "http://a"
            }
          }
          none      = {}
          script    = <<-EOT
            #!/bin/sh
            echo $${x}
          EOT
          tags      = [
            "a",
            "b",
          ]
          token     = (sensitive)
        }
        "#);
        let json = text(|out| object_json(out, &shown));
        schema_test::assert_valid("output", &json);
        let list = text(|out| object_list(out, Style::plain(), &[shown]));
        let row = "module.a.network.bench[\"x\"] (deposed 4f)  kube.ci   tainted\n";
        assert!(list.starts_with("ADDRESS ") && list.ends_with(row), "{list}");
        assert!(!json.contains("CANARY"), "{json}");
    }

    #[test]
    fn outputs_are_masked_unless_one_is_asked_for_by_name() {
        let (endpoints, token) = (known(&serde_json::json!({"0": "http://a", "b c": 1})), Known::from("CANARY"));
        let list = [
            Output { name: "endpoints".into(), value: endpoints, sensitive: Vec::new() },
            Output { name: "token".into(), value: token, sensitive: vec![Path::root()] },
        ];
        insta::assert_snapshot!(text(|out| outputs(out, Style::plain(), &list)), @r#"
        endpoints = {
          "0"   = "http://a"
          "b c" = 1
        }
        token     = (sensitive)
        "#);
        let json = text(|out| outputs_json(out, &list));
        json.lines().for_each(|line| schema_test::assert_valid("output", line));
        assert!(!json.contains("CANARY") && json.contains(r#""sensitive":[""]"#), "{json}");
        assert_eq!(text(|out| output(out, Style::plain(), &list[1])), "(sensitive)\n");
        assert_eq!(text(|out| output_json(out, &list[1])), "\"CANARY\"\n");
        assert_eq!(output_raw(&list[1]).unwrap(), "CANARY");
        assert_eq!(
            output_raw(&list[0]).unwrap_err().to_string(),
            "output `endpoints` has type object, and only a string, a number or a bool has a raw form"
        );
    }

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let rows = [["a".to_owned(), "日本".to_owned(), "x".to_owned()], ["long".into(), "b".into(), String::new()]];
        let table = text(|out| table(out, Style::plain(), ["ONE", "TWO", "THREE"], &rows));
        assert_eq!(table, "ONE   TWO   THREE\na     日本  x\nlong  b\n");
    }
}
