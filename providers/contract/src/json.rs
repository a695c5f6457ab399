//! Known values as plain JSON, read back with the help of their type.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::{Known, List, Map, Number, Path, Step, Str, Type, Value};

/// The JSON does not hold a value of the type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the JSON at `{path}` is not a value of type {expected}")]
pub struct InvalidJson {
    /// Where in the value.
    pub path: Path,
    /// The type asked for there.
    pub expected: Type,
}

impl Known {
    /// Returns the value as plain JSON, as `jsonencode` means it: sets and tuples are arrays, null is null.
    #[must_use]
    pub fn to_json(&self) -> Json {
        encode(self.value())
    }

    /// Reads a value of a type from plain JSON; where the type is `Any` the JSON's own shape decides
    /// (objects and tuples).
    ///
    /// # Errors
    /// [`InvalidJson`] with the first place that does not fit.
    pub fn from_json(json: &Json, ty: &Type) -> Result<Self, InvalidJson> {
        let value = decode(json, ty, &mut Path::root())?;
        Ok(Known::new(value).expect("JSON holds nothing unknown"))
    }
}

fn encode(value: &Value) -> Json {
    match value {
        Value::Null(_) => Json::Null,
        Value::Bool(claim) => Json::Bool(*claim),
        Value::Number(number) => serde_json::to_value(number).expect("a number is JSON"),
        Value::String(text) => Json::from(text.as_str()),
        Value::List(List { items, .. }) | Value::Tuple(items) => Json::Array(items.iter().map(encode).collect()),
        Value::Set(set) => Json::Array(set.items().iter().map(encode).collect()),
        Value::Map(Map { items, .. }) | Value::Object(items) => {
            Json::Object(items.iter().map(|(name, item)| (name.to_string(), encode(item))).collect())
        }
        Value::Unknown(_) => unreachable!("a known value holds nothing unknown"),
    }
}

fn decode(json: &Json, ty: &Type, path: &mut Path) -> Result<Value, InvalidJson> {
    let wrong = |path: &Path| InvalidJson { path: path.clone(), expected: ty.clone() };
    let number = |json: &serde_json::Number, path: &Path| {
        Number::parse(&json.to_string()).map(Value::Number).map_err(|_| wrong(path))
    };
    let sequence = |items: &[Json], types: &mut dyn Iterator<Item = &Type>, path: &mut Path| {
        let mut decoded = Vec::with_capacity(items.len());
        for (index, (item, ty)) in items.iter().zip(types).enumerate() {
            path.push(Step::Index(index));
            decoded.push(decode(item, ty, path)?);
            path.pop();
        }
        Ok(decoded)
    };
    Ok(match (ty, json) {
        (ty, Json::Null) => Value::Null(ty.clone()),
        (Type::Any | Type::Bool, Json::Bool(claim)) => Value::Bool(*claim),
        (Type::Any | Type::Number, Json::Number(json)) => number(json, path)?,
        (Type::Any | Type::String, Json::String(text)) => Value::string(text),
        (Type::List(element), Json::Array(items)) => {
            Value::list((**element).clone(), sequence(items, &mut std::iter::repeat(&**element), path)?)
        }
        (Type::Set(element), Json::Array(items)) => {
            Value::set((**element).clone(), sequence(items, &mut std::iter::repeat(&**element), path)?)
        }
        (Type::Any, Json::Array(items)) => Value::tuple(sequence(items, &mut std::iter::repeat(&Type::Any), path)?),
        (Type::Tuple(types), Json::Array(items)) if types.len() == items.len() => {
            Value::tuple(sequence(items, &mut types.iter(), path)?)
        }
        (Type::Map(element), Json::Object(items)) => {
            Value::map((**element).clone(), entries(items, path, |_| Some(&**element))?)
        }
        (Type::Any, Json::Object(items)) => Value::object(entries(items, path, |_| Some(&Type::Any))?),
        (Type::Object(object), Json::Object(items)) => {
            let mut fields = entries(items, path, |name| object.fields.get(name).map(|field| &field.ty))?;
            for (name, field) in &object.fields {
                fields.entry(name.clone()).or_insert_with(|| Value::Null(field.ty.clone()));
            }
            Value::object(fields)
        }
        _ => return Err(wrong(path)),
    })
}

fn entries<'t>(
    items: &serde_json::Map<String, Json>,
    path: &mut Path,
    ty: impl Fn(&str) -> Option<&'t Type>,
) -> Result<BTreeMap<Str, Value>, InvalidJson> {
    let mut decoded = BTreeMap::new();
    for (name, item) in items {
        // Attributes that an object type does not name were dropped from it since; they are dropped here too.
        let Some(ty) = ty(name) else { continue };
        path.push(Step::Name(name.into()));
        decoded.insert(Str::from(name), decode(item, ty, path)?);
        path.pop();
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_and_its_type_round_trip() {
        let value = Value::object([
            ("list", Value::list(Type::Number, [Value::from(1u64)])),
            ("set", Value::set(Type::String, [Value::from("a")])),
            ("map", Value::map(Type::Bool, [("k", Value::from(true))])),
            ("tuple", Value::tuple([Value::Null(Type::String), Value::from("x")])),
        ]);
        let known = Known::new(value).expect("it is known");
        assert_eq!(Known::from_json(&known.to_json(), &known.ty()).expect("its own type"), known);
        assert!(Known::from_json(&known.to_json(), &Type::list(Type::Any)).is_err());
    }
}
