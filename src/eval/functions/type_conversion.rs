//! Types and secrets.

use std::collections::BTreeMap;

use loam_provider::{Path, Step, Str, Type, Value, can_convert};

use super::{Fault, Function, Param, Want, a_type, unfit};
use crate::eval::{Evaluated, Marks};

const V: Param = Param::nullable("v", Want::Any);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::marked(
        "ephemeralasnull",
        &[Param::nullable("value", Want::Any)],
        Want::Any,
        |_, args| Ok(without_ephemeral(&args[0])),
        "Replaces what is ephemeral in a value by null.",
    ),
    Function::marked(
        "issensitive",
        &[Param::nullable("value", Want::Any)],
        Want::Bool,
        |_, args| Ok(Value::Bool(args[0].marks.is_secret()).into()),
        "Returns whether a value is a secret.",
    ),
    Function::marked(
        "nonsensitive",
        &[Param::nullable("value", Want::Any)],
        Want::Any,
        |_, args| Ok(Evaluated::new(args[0].value.clone(), args[0].marks.ephemeral_only())),
        "Takes a value for no secret: use it only where it has been made harmless.",
    )
    .of_unknown(),
    Function::marked(
        "sensitive",
        &[Param::nullable("value", Want::Any)],
        Want::Any,
        |_, args| {
            let ephemeral = args[0].marks.ephemeral_only();
            Ok(Evaluated::new(args[0].value.clone(), Marks::whole().and(&ephemeral)))
        },
        "Marks a value as a secret, which is never shown.",
    )
    .of_unknown(),
    Function::marked(
        "tobool",
        &[V],
        Want::Bool,
        |_, args| convert(args, &Type::Bool, "a bool"),
        "Converts to true or false.",
    )
    .of_unknown(),
    Function::marked(
        "tolist",
        &[V],
        Want::List,
        |_, args| convert(args, &Type::list(Type::Any), "a list"),
        "Converts to a list of one type.",
    )
    .of_unknown(),
    Function::marked(
        "tomap",
        &[V],
        Want::Map,
        |_, args| convert(args, &Type::map(Type::Any), "a map"),
        "Converts to a map of one type.",
    )
    .of_unknown(),
    Function::marked(
        "tonumber",
        &[V],
        Want::Number,
        |_, args| convert(args, &Type::Number, "a number"),
        "Converts to a number.",
    )
    .of_unknown(),
    Function::marked(
        "toset",
        &[V],
        Want::Set,
        |_, args| convert(args, &Type::set(Type::Any), "a set"),
        "Converts to a set of one type.",
    )
    .of_unknown(),
    Function::marked(
        "tostring",
        &[V],
        Want::String,
        |_, args| convert(args, &Type::String, "a string"),
        "Converts to a string.",
    )
    .of_unknown(),
];

fn without_ephemeral(found: &Evaluated) -> Evaluated {
    let marks = found.marks.secrets_only();
    let paths: Vec<&Path> = found.marks.ephemeral_paths().collect();
    Evaluated::new(nulled(&found.value, &paths), marks)
}

/// Returns a value with null at these paths.
fn nulled(value: &Value, paths: &[&Path]) -> Value {
    if paths.is_empty() {
        return value.clone();
    }
    if paths.iter().any(|path| path.is_root()) {
        return Value::Null(value.ty());
    }
    let inside = |step: &Step, item: &Value| {
        let prefix = Path::from(vec![step.clone()]);
        let paths: Vec<Path> = paths.iter().filter_map(|path| path.strip_prefix(&prefix)).collect();
        nulled(item, &paths.iter().collect::<Vec<_>>())
    };
    let items = |items: &[Value]| -> Vec<Value> {
        items.iter().enumerate().map(|(index, item)| inside(&Step::Index(index), item)).collect()
    };
    let entries = |entries: &BTreeMap<Str, Value>| -> Vec<(Str, Value)> {
        entries.iter().map(|(name, item)| (name.clone(), inside(&Step::Name(name.clone()), item))).collect()
    };
    match value {
        Value::List(list) => Value::list(list.element.clone(), items(&list.items)),
        Value::Tuple(found) => Value::tuple(items(found)),
        Value::Map(map) => Value::map(map.element.clone(), entries(&map.items)),
        Value::Object(fields) => Value::object(entries(fields)),
        // These have no inside that could be marked.
        Value::Set(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Null(_) | Value::Unknown(_) => {
            value.clone()
        }
    }
}

fn convert(args: &[Evaluated], ty: &Type, what: &str) -> Result<Evaluated, Fault> {
    let arg = &args[0];
    let marks = match ty {
        // Members of a set have no place of their own.
        Type::Set(_) => arg.marks.collapsed(),
        _ if matches!(arg.value, Value::Set(_)) => arg.marks.collapsed(),
        _ => arg.marks.clone(),
    };
    let converted = match &arg.value {
        // Also null has a type.
        Value::Null(own) if !can_convert(own, ty) => {
            let because = format!("{}, though null, cannot be converted to {what}", a_type(own));
            return Err(Fault::Argument(0, because));
        }
        value => value.convert(ty),
    };
    match converted {
        Ok(value) => Ok(Evaluated::new(value, marks)),
        Err(error) => {
            let found = a_type(&arg.value.ty());
            let because = match &arg.value {
                Value::String(text) => format!("\"{text}\" cannot be converted to {what}"),
                _ if error.path.is_root() => format!("{found} cannot be converted to {what}"),
                _ => format!("{found} cannot be converted to {what}: {}", unfit(&error)),
            };
            Err(Fault::Argument(0, because))
        }
    }
}

/// Functions that only a console has.
pub(super) const OF_CONSOLE: &[Function] = &[Function::marked(
    "type",
    &[Param::nullable("value", Want::Any)],
    Want::String,
    |_, args| {
        let mut out = String::new();
        write_type(&mut out, &args[0].value.ty(), 0);
        Ok(Value::from(out).into())
    },
    "Returns the type of a value.",
)];

/// Writes a type with every part of a structure on a line of its own.
fn write_type(out: &mut String, ty: &Type, depth: usize) {
    let inner = "    ".repeat(depth + 1);
    let outer = "    ".repeat(depth);
    match ty {
        Type::Any => out.push_str("dynamic"),
        Type::Bool | Type::Number | Type::String => out.push_str(&ty.to_string()),
        Type::List(element) | Type::Set(element) | Type::Map(element) => {
            out.push_str(match ty {
                Type::List(_) => "list(",
                Type::Set(_) => "set(",
                _ => "map(",
            });
            if !matches!(**element, Type::Object(_) | Type::Tuple(_)) {
                write_type(out, element, depth);
            } else {
                out.push_str(&format!("\n{inner}"));
                write_type(out, element, depth + 1);
                out.push_str(&format!(",\n{outer}"));
            }
            out.push(')');
        }
        Type::Object(object) if object.fields.is_empty() => out.push_str("object({})"),
        Type::Object(object) => {
            out.push_str("object({\n");
            for (name, field) in &object.fields {
                out.push_str(&format!("{inner}{name}: "));
                write_type(out, &field.ty, depth + 1);
                out.push_str(",\n");
            }
            out.push_str(&format!("{outer}}})"));
        }
        Type::Tuple(items) if items.is_empty() => out.push_str("tuple([])"),
        Type::Tuple(items) => {
            out.push_str("tuple([\n");
            for item in items.iter() {
                out.push_str(&inner);
                write_type(out, item, depth + 1);
                out.push_str(",\n");
            }
            out.push_str(&format!("{outer}])"));
        }
    }
}
