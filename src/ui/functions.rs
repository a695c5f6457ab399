//! The functions of the language, for people and for editors.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use loam_provider::Type;
use serde::Serialize;

use super::{json::line, show::table, style::Style};
use crate::eval::functions::{Function, Nulls, Param};

/// Writes functions, one on each line.
///
/// # Errors
/// Those of the writer.
pub fn functions(out: &mut dyn Write, style: Style, functions: &[&Function]) -> io::Result<()> {
    let row = |function: &&Function| [function.signature(), shown(&function.returns.ty()), function.doc.to_owned()];
    let rows: Vec<_> = functions.iter().map(row).collect();
    table(out, style, ["FUNCTION", "RETURNS", "PURPOSE"], &rows)
}

/// Writes a function with the types of its arguments.
///
/// # Errors
/// Those of the writer.
pub fn function(out: &mut dyn Write, function: &Function) -> io::Result<()> {
    writeln!(out, "{}\n{}\n", function.signature(), function.doc)?;
    let row = |param: &Param, dots: &str| {
        let may_be = if param.nulls == Nulls::Taken { ", may be null" } else { "" };
        (format!("{}{dots}", param.name), format!("{}{may_be}", shown(&param.want.ty())))
    };
    let mut rows: Vec<_> = function.params.iter().map(|param| row(param, "")).collect();
    rows.extend(function.rest.iter().map(|param| row(param, "...")));
    rows.push(("returns".into(), shown(&function.returns.ty())));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    rows.iter().try_for_each(|(name, ty)| writeln!(out, "  {name:width$}  {ty}"))
}

fn shown(ty: &Type) -> String {
    ty.to_string()
}

/// Writes functions as JSON on one line, as `terraform metadata functions -json` does.
///
/// # Errors
/// Those of the writer.
pub fn functions_json(out: &mut dyn Write, functions: &[&Function]) -> io::Result<()> {
    let mut function_signatures = BTreeMap::new();
    for function in functions {
        function_signatures.insert(function.name.to_owned(), Signature::of(function));
        function_signatures.insert(format!("core::{}", function.name), Signature::of(function));
    }
    line(out, &Functions { format_version: "1.0", function_signatures })
}

#[derive(Serialize)]
struct Functions {
    format_version: &'static str,
    function_signatures: BTreeMap<String, Signature>,
}

#[derive(Serialize)]
struct Signature {
    description: &'static str,
    return_type: Type,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<Parameter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variadic_parameter: Option<Parameter>,
}

#[derive(Serialize)]
struct Parameter {
    name: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_nullable: bool,
    r#type: Type,
}

impl Signature {
    fn of(function: &Function) -> Self {
        Self {
            description: function.doc,
            return_type: function.returns.ty(),
            parameters: function.params.iter().map(Parameter::of).collect(),
            variadic_parameter: function.rest.as_ref().map(Parameter::of),
        }
    }
}

impl Parameter {
    fn of(param: &Param) -> Self {
        Self { name: param.name, is_nullable: param.nulls == Nulls::Taken, r#type: param.want.ty() }
    }
}
