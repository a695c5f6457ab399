//! Whether an answer keeps the contract.

use loam_provider::{Path, PlanRequest, Role, Schema, Step, Type, Value};

/// How an answer breaks the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// It does not have the kind's type.
    #[error("{what} does not fit the kind's schema at `{path}`")]
    Shape { what: &'static str, path: Path },
    /// It says something else than was known before.
    #[error("{what} is not what was {before} at `{path}`")]
    Differs { what: &'static str, before: &'static str, path: Path },
    /// It holds an unknown where everything must be known.
    #[error("{what} is unknown at `{path}`")]
    Unknown { what: &'static str, path: Path },
}

/// Checks a prediction against what was asked for.
pub(super) fn prediction(schema: &Schema, request: PlanRequest<'_>, after: &Value) -> Result<(), Breach> {
    shape("the prediction", &schema.ty(), after)?;
    for (name, attribute) in &schema.attributes {
        let (Some(proposed), Some(predicted)) = (request.proposed.get(name), after.get(name)) else { continue };
        let is_binding = match attribute.role {
            Role::Required | Role::Optional { .. } => true,
            Role::OptionalComputed => request.config.get(name).is_some_and(|written| !written.is_null()),
            Role::Computed => false,
        };
        if is_binding && let Err(rest) = agrees(proposed, predicted) {
            let path = Path::attribute(name.clone()).join(&rest);
            return Err(Breach::Differs { what: "the prediction", before: "configured", path });
        }
    }
    Ok(())
}

/// Checks the result of a change against its prediction.
pub(super) fn result(schema: &Schema, planned: &Value, after: &Value) -> Result<(), Breach> {
    shape("the result", &schema.ty(), after)?;
    agrees(planned, after).map_err(|path| Breach::Differs { what: "the result", before: "planned", path })
}

/// Checks what a data source told against what it was asked.
pub(super) fn fetched(schema: &Schema, config: &Value, fetched: &Value) -> Result<(), Breach> {
    shape("what was read", &schema.ty(), fetched)?;
    for (name, attribute) in &schema.attributes {
        let (Some(asked), Some(told)) = (config.get(name), fetched.get(name)) else { continue };
        let is_binding = match attribute.role {
            Role::Required => true,
            Role::Optional { .. } | Role::OptionalComputed => !asked.is_null(),
            Role::Computed => false,
        };
        if is_binding && let Err(rest) = agrees(asked, told) {
            let path = Path::attribute(name.clone()).join(&rest);
            return Err(Breach::Differs { what: "what was read", before: "configured", path });
        }
    }
    Ok(())
}

/// Checks an object that was read.
pub(super) fn object(schema: &Schema, read: &Value) -> Result<(), Breach> {
    shape("what was read", &schema.ty(), read)
}

fn shape(what: &'static str, ty: &Type, value: &Value) -> Result<(), Breach> {
    conforms(ty, value).map_err(|path| Breach::Shape { what, path })
}

/// Checks that a value has a type, or, where the type is `Any`, any type.
///
/// # Errors
/// The first place that does not fit.
pub fn conforms(ty: &Type, value: &Value) -> Result<(), Path> {
    let inside = |step: Step, rest: Path| Err(Path::from(vec![step]).join(&rest));
    match (ty, value) {
        (Type::Any, _) | (_, Value::Null(_) | Value::Unknown(_)) => Ok(()),
        (Type::Bool, Value::Bool(_)) | (Type::Number, Value::Number(_)) | (Type::String, Value::String(_)) => Ok(()),
        (Type::List(element), Value::List(_)) | (Type::Set(element), Value::Set(_)) => {
            for (index, item) in value.items().unwrap_or_default().iter().enumerate() {
                conforms(element, item).or_else(|rest| inside(Step::Index(index), rest))?;
            }
            Ok(())
        }
        (Type::Tuple(types), Value::Tuple(items)) if types.len() == items.len() => {
            for (index, (ty, item)) in types.iter().zip(items.iter()).enumerate() {
                conforms(ty, item).or_else(|rest| inside(Step::Index(index), rest))?;
            }
            Ok(())
        }
        (Type::Map(element), Value::Map(map)) => {
            for (name, item) in map.items.iter() {
                conforms(element, item).or_else(|rest| inside(Step::Name(name.clone()), rest))?;
            }
            Ok(())
        }
        (Type::Object(object), Value::Object(fields)) => {
            for (name, field) in &object.fields {
                let Some(item) = fields.get(name) else { return Err(Path::attribute(name.clone())) };
                conforms(&field.ty, item).or_else(|rest| inside(Step::Name(name.clone()), rest))?;
            }
            match fields.keys().find(|name| !object.fields.contains_key(*name)) {
                Some(extra) => Err(Path::attribute(extra.clone())),
                None => Ok(()),
            }
        }
        _ => Err(Path::root()),
    }
}

/// Checks that whatever is known in `expected` stands in `actual` too.
fn agrees(expected: &Value, actual: &Value) -> Result<(), Path> {
    if expected == actual || expected.is_unknown() {
        return Ok(());
    }
    let inside = |step: Step, rest: Path| Err(Path::from(vec![step]).join(&rest));
    if let (Some(expected), Some(actual)) = (expected.entries(), actual.entries()) {
        for (name, item) in expected {
            let step = Step::Name(name.clone());
            match actual.get(name) {
                Some(actual) => agrees(item, actual).or_else(|rest| inside(step, rest))?,
                None => return inside(step, Path::root()),
            }
        }
        return match actual.keys().find(|name| !expected.contains_key(*name)) {
            Some(extra) => inside(Step::Name(extra.clone()), Path::root()),
            None => Ok(()),
        };
    }
    match (expected, actual) {
        // The members of a set have no position: with unknowns among them there is nothing to compare one by one.
        (Value::Set(expected), Value::Set(actual)) => {
            let missing = expected.items().iter().any(|item| item.is_wholly_known() && !actual.items().contains(item));
            if missing { Err(Path::root()) } else { Ok(()) }
        }
        (Value::List(_), Value::List(_)) | (Value::Tuple(_), Value::Tuple(_)) => {
            let (expected, actual) = (expected.items().unwrap_or_default(), actual.items().unwrap_or_default());
            if expected.len() != actual.len() {
                return Err(Path::root());
            }
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                agrees(expected, actual).or_else(|rest| inside(Step::Index(index), rest))?;
            }
            Ok(())
        }
        (Value::Null(_), Value::Null(_)) => Ok(()),
        _ => Err(Path::root()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_parts_must_stay_and_unknown_parts_may_become_anything() {
        let planned = Value::object([
            ("id", Value::Unknown(Type::String)),
            ("tags", Value::map(Type::String, [("a", Value::from("1")), ("b", Value::Unknown(Type::String))])),
        ]);
        let result = |a: &str| {
            Value::object([
                ("id", Value::from("x")),
                ("tags", Value::map(Type::String, [("a", Value::from(a)), ("b", Value::from("2"))])),
            ])
        };
        assert_eq!(agrees(&planned, &result("1")), Ok(()));
        assert_eq!(agrees(&planned, &result("9")).map_err(|path| path.to_string()), Err("tags.a".into()));
    }

    #[test]
    fn an_object_has_exactly_its_types_attributes() {
        let ty = Type::object([("a", Type::list(Type::Bool))]);
        let found = |value: Value| conforms(&ty, &value).map_err(|path| path.to_string());
        assert_eq!(found(Value::object([("a", Value::list(Type::Bool, [Value::from(true)]))])), Ok(()));
        assert_eq!(found(Value::object([("a", Value::list(Type::Bool, [Value::from("x")]))])), Err("a[0]".into()));
        assert_eq!(found(Value::object([("b", Value::from(true))])), Err("a".into()));
    }
}
