//! Types and secrets.

use loam_provider::{Type, Value};

use super::{Fault, Function, Param, Want, a_type, unfit};
use crate::eval::{Evaluated, Marks};

const V: Param = Param::nullable("v", Want::Any);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::marked(
        "issensitive",
        &[Param::nullable("value", Want::Any)],
        Want::Bool,
        |_, args| Ok(Value::Bool(args[0].marks.is_whole()).into()),
        "Returns whether a value is a secret.",
    ),
    Function::marked(
        "nonsensitive",
        &[Param::nullable("value", Want::Any)],
        Want::Any,
        |_, args| Ok(args[0].value.clone().into()),
        "Takes a value for no secret: use it only where it has been made harmless.",
    ),
    Function::marked(
        "sensitive",
        &[Param::nullable("value", Want::Any)],
        Want::Any,
        |_, args| Ok(Evaluated::new(args[0].value.clone(), Marks::whole())),
        "Marks a value as a secret, which is never shown.",
    ),
    Function::marked(
        "tobool",
        &[V],
        Want::Bool,
        |_, args| convert(args, &Type::Bool, "a bool"),
        "Converts to true or false.",
    ),
    Function::marked(
        "tolist",
        &[V],
        Want::List,
        |_, args| convert(args, &Type::list(Type::Any), "a list"),
        "Converts to a list of one type.",
    ),
    Function::marked(
        "tomap",
        &[V],
        Want::Any,
        |_, args| convert(args, &Type::map(Type::Any), "a map"),
        "Converts to a map of one type.",
    ),
    Function::marked(
        "tonumber",
        &[V],
        Want::Number,
        |_, args| convert(args, &Type::Number, "a number"),
        "Converts to a number.",
    ),
    Function::marked(
        "toset",
        &[V],
        Want::Set,
        |_, args| convert(args, &Type::set(Type::Any), "a set"),
        "Converts to a set of one type.",
    ),
    Function::marked(
        "tostring",
        &[V],
        Want::String,
        |_, args| convert(args, &Type::String, "a string"),
        "Converts to a string.",
    ),
];

fn convert(args: &[Evaluated], ty: &Type, what: &str) -> Result<Evaluated, Fault> {
    let arg = &args[0];
    let marks = match ty {
        // Members of a set have no place of their own.
        Type::Set(_) => arg.marks.collapsed(),
        _ if matches!(arg.value, Value::Set(_)) => arg.marks.collapsed(),
        _ => arg.marks.clone(),
    };
    match arg.value.convert(ty) {
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
