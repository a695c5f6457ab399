//! Conversion between types, and the one type that several values can share; the rules are Terraform's.

use std::{collections::BTreeMap, fmt};

use crate::{Known, List, Map, Number, Path, Presence, Step, Str, Type, Value, unify};

/// Why a value does not fit a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvertError {
    /// The place inside the value that does not fit; the root for the value itself.
    pub path: Path,
    /// What was expected there.
    pub expected: Expected,
    /// A short description of what stands there.
    pub found: String,
}

/// What a conversion would have needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// A value of this type.
    Type(Type),
    /// An object with this attribute.
    Attribute(Str),
    /// A tuple of this length.
    Length(usize),
    /// Items that can all have one type.
    OneType,
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_root() {
            write!(f, "`{}`: ", self.path)?;
        }
        match &self.expected {
            Expected::Type(ty) => write!(f, "{} required, but this is {}", ty.friendly(), self.found),
            Expected::Attribute(name) => write!(f, "attribute `{name}` is required, but this is {}", self.found),
            Expected::Length(1) => write!(f, "a tuple of one element is required, but this is {}", self.found),
            Expected::Length(length) => {
                write!(f, "a tuple of {length} elements is required, but this is {}", self.found)
            }
            Expected::OneType => write!(f, "all elements must have one type, but this is {}", self.found),
        }
    }
}

impl std::error::Error for ConvertError {}

impl Value {
    /// Returns the value converted to a type; `Any` in the type keeps what stands there.
    ///
    /// # Errors
    /// [`ConvertError`] with the first place that does not fit.
    pub fn convert(&self, ty: &Type) -> Result<Value, ConvertError> {
        convert(self, ty, &mut Path::root())
    }
}

fn mismatch(path: &Path, value: &Value, expected: Expected) -> ConvertError {
    ConvertError { path: path.clone(), expected, found: describe(value) }
}

/// Returns what a message calls a value: its type, and for a short primitive the value too.
fn describe(value: &Value) -> String {
    match value {
        Value::Null(_) => "null".into(),
        Value::Unknown(ty) | Value::List(List { element: ty, .. }) if matches!(ty, Type::Any) => value.ty().friendly(),
        Value::Object(fields) if fields.is_empty() => "an empty object".into(),
        _ => value.ty().friendly(),
    }
}

fn convert(value: &Value, ty: &Type, path: &mut Path) -> Result<Value, ConvertError> {
    match value {
        // A null that has a type fits only where some value of its type would.
        Value::Null(own) if can_convert(own, ty) => return Ok(Value::Null(resolve(own, ty))),
        Value::Null(own) => {
            let found = format!("a null {}", own.friendly());
            return Err(ConvertError { path: path.clone(), expected: Expected::Type(ty.clone()), found });
        }
        Value::Unknown(own) => {
            return match (own, ty) {
                (_, Type::Any) => Ok(value.clone()),
                (Type::Any, _) => Ok(Value::Unknown(bare(ty))),
                _ if can_convert(own, ty) => Ok(Value::Unknown(resolve(own, ty))),
                _ => Err(mismatch(path, value, Expected::Type(ty.clone()))),
            };
        }
        _ => {}
    }
    let wrong = |path: &Path| mismatch(path, value, Expected::Type(ty.clone()));
    match ty {
        Type::Any => Ok(value.clone()),
        Type::Bool => match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::String(text) => match text.as_str() {
                "true" | "1" => Ok(Value::Bool(true)),
                "false" | "0" => Ok(Value::Bool(false)),
                _ => Err(wrong(path)),
            },
            _ => Err(wrong(path)),
        },
        Type::Number => match value {
            Value::Number(_) => Ok(value.clone()),
            Value::String(text) => Number::parse(text).map(Value::Number).map_err(|_| wrong(path)),
            _ => Err(wrong(path)),
        },
        Type::String => match value {
            Value::String(_) => Ok(value.clone()),
            Value::Number(number) => Ok(Value::string(number.to_string())),
            Value::Bool(claim) => Ok(Value::string(if *claim { "true" } else { "false" })),
            _ => Err(wrong(path)),
        },
        Type::List(element) | Type::Set(element) => {
            let items = value.items().ok_or_else(|| wrong(path))?;
            let (element, items) = one_type(items, element, path, value)?;
            Ok(if matches!(ty, Type::List(_)) { Value::list(element, items) } else { Value::set(element, items) })
        }
        Type::Tuple(types) => {
            let Value::Tuple(items) = value else { return Err(wrong(path)) };
            if items.len() != types.len() {
                return Err(mismatch(path, value, Expected::Length(types.len())));
            }
            let items = items.iter().zip(types.iter()).enumerate().map(|(index, (item, ty))| {
                path.push(Step::Index(index));
                let item = convert(item, ty, path);
                path.pop();
                item
            });
            Ok(Value::tuple(items.collect::<Result<Vec<_>, _>>()?))
        }
        Type::Map(element) => {
            let entries = value.entries().ok_or_else(|| wrong(path))?;
            let values: Vec<Value> = entries.values().cloned().collect();
            let names: Vec<&Str> = entries.keys().collect();
            let (element, values) = one_type_named(&values, element, path, value, Some(&names))?;
            Ok(Value::map(element, entries.keys().cloned().zip(values)))
        }
        Type::Object(object) => {
            let entries = value.entries().ok_or_else(|| wrong(path))?;
            let mut fields = BTreeMap::new();
            for (name, field) in &object.fields {
                path.push(Step::Name(name.clone()));
                let given = match (entries.get(name), &field.presence) {
                    (Some(Value::Null(_)), Presence::Optional { default: Some(default) }) => Some(default.value()),
                    (Some(given), _) => Some(given),
                    (None, Presence::Optional { default: Some(default) }) => Some(default.value()),
                    (None, Presence::Optional { default: None }) => None,
                    (None, Presence::Required) => {
                        path.pop();
                        return Err(mismatch(path, value, Expected::Attribute(name.clone())));
                    }
                };
                let converted =
                    given.map_or_else(|| Ok(Value::Null(bare(&field.ty))), |given| convert(given, &field.ty, path));
                path.pop();
                fields.insert(name.clone(), converted?);
            }
            Ok(Value::object(fields))
        }
    }
}

fn one_type(
    items: &[Value],
    element: &Type,
    path: &mut Path,
    whole: &Value,
) -> Result<(Type, Vec<Value>), ConvertError> {
    one_type_named(items, element, path, whole, None)
}

/// Converts items to the element type, or, where that leaves room, to the one type they share.
fn one_type_named(
    items: &[Value],
    element: &Type,
    path: &mut Path,
    whole: &Value,
    names: Option<&[&Str]>,
) -> Result<(Type, Vec<Value>), ConvertError> {
    let mut converted = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        path.push(names.map_or(Step::Index(index), |names| Step::Name(names[index].clone())));
        let item = convert(item, element, path);
        path.pop();
        converted.push(item?);
    }
    if element.is_concrete() {
        return Ok((bare(element), converted));
    }
    let shared = match (whole, converted.is_empty()) {
        (Value::List(List { element: own, .. }) | Value::Map(Map { element: own, .. }), true) => resolve(own, element),
        (_, true) => bare(element),
        (_, false) => unify(&converted.iter().map(Value::ty).collect::<Vec<_>>())
            .ok_or_else(|| mismatch(path, whole, Expected::OneType))?,
    };
    let converted = converted.iter().map(|item| convert(item, &shared, path)).collect::<Result<_, _>>()?;
    Ok((shared, converted))
}

/// Returns the type a constraint stands for in a value: without its optional markers and defaults.
fn bare(ty: &Type) -> Type {
    match ty {
        Type::Any | Type::Bool | Type::Number | Type::String => ty.clone(),
        Type::List(element) => Type::list(bare(element)),
        Type::Set(element) => Type::set(bare(element)),
        Type::Map(element) => Type::map(bare(element)),
        Type::Object(object) => Type::object(object.fields.iter().map(|(name, field)| (name.clone(), bare(&field.ty)))),
        Type::Tuple(items) => Type::Tuple(items.iter().map(bare).collect()),
    }
}

/// Returns the type that a value of type `own` has after conversion to the constraint `ty`.
fn resolve(own: &Type, ty: &Type) -> Type {
    match (own, ty) {
        (own, Type::Any) => own.clone(),
        (Type::List(own) | Type::Set(own), Type::List(ty)) => Type::list(resolve(own, ty)),
        (Type::List(own) | Type::Set(own), Type::Set(ty)) => Type::set(resolve(own, ty)),
        (Type::Map(own), Type::Map(ty)) => Type::map(resolve(own, ty)),
        (_, ty) => bare(ty),
    }
}

/// Returns whether some value of type `from` converts to `to`.
#[must_use]
pub fn can_convert(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Any, _) | (_, Type::Any) => true,
        (Type::Tuple(items), Type::List(to) | Type::Set(to)) if **to == Type::Any => {
            items.is_empty() || unify(items).is_some()
        }
        (Type::Object(from), Type::Map(to)) if **to == Type::Any => {
            let types: Vec<Type> = from.fields.values().map(|field| field.ty.clone()).collect();
            types.is_empty() || unify(&types).is_some()
        }
        (Type::Bool | Type::Number | Type::String, Type::String) => true,
        (Type::String | Type::Bool, Type::Bool) | (Type::String | Type::Number, Type::Number) => true,
        (Type::List(from) | Type::Set(from), Type::List(to) | Type::Set(to)) => can_convert(from, to),
        (Type::Tuple(items), Type::List(to) | Type::Set(to)) => items.iter().all(|from| can_convert(from, to)),
        (Type::Tuple(from), Type::Tuple(to)) => {
            from.len() == to.len() && from.iter().zip(to.iter()).all(|(from, to)| can_convert(from, to))
        }
        (Type::Map(from), Type::Map(to)) => can_convert(from, to),
        (Type::Object(from), Type::Map(to)) => from.fields.values().all(|field| can_convert(&field.ty, to)),
        (Type::Map(from), Type::Object(to)) => to.fields.values().all(|field| can_convert(from, &field.ty)),
        (Type::Object(from), Type::Object(to)) => to.fields.iter().all(|(name, field)| match from.fields.get(name) {
            Some(own) => can_convert(&own.ty, &field.ty),
            None => field.presence != Presence::Required,
        }),
        _ => false,
    }
}

impl Known {
    /// Returns the value converted to a type.
    ///
    /// # Errors
    /// As [`Value::convert`].
    pub fn convert(&self, ty: &Type) -> Result<Known, ConvertError> {
        let converted = self.value().convert(ty)?;
        Ok(Known::new(converted).expect("conversion makes nothing unknown"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, ObjectType};

    fn converted(value: &Value, ty: &Type) -> String {
        value.convert(ty).map_or_else(|error| error.to_string(), |value| format!("{value:?}"))
    }

    #[test]
    fn primitives_convert_through_text() {
        assert_eq!(converted(&Value::from("42"), &Type::Number), "42");
        assert_eq!(converted(&Value::from(true), &Type::String), r#""true""#);
        assert_eq!(converted(&Value::from("yes"), &Type::Bool), "bool required, but this is string");
    }

    #[test]
    fn collections_take_one_type() {
        let tuple = Value::tuple([Value::from("b"), Value::from(1u64), Value::from(true)]);
        assert_eq!(converted(&tuple, &Type::list(Type::Any)), r#"["b", "1", "true"]"#);
        assert_eq!(converted(&tuple, &Type::list(Type::Number)), "`[0]`: number required, but this is string");
        assert_eq!(converted(&tuple, &Type::set(Type::String)), r#"{"1", "b", "true"}"#);
    }

    #[test]
    fn objects_fill_defaults_and_drop_extras() {
        let optional = Presence::Optional { default: Some(Known::from(80u64)) };
        let fields = BTreeMap::from([
            (Str::from("name"), Field { ty: Type::String, presence: Presence::Required }),
            (Str::from("port"), Field { ty: Type::Number, presence: optional }),
        ]);
        let ty = Type::Object(std::sync::Arc::new(ObjectType { fields }));
        let given = Value::object([("name", Value::from("web")), ("extra", Value::from(true))]);
        assert_eq!(converted(&given, &ty), r#"{"name": "web", "port": 80}"#);
        assert_eq!(
            converted(&Value::object([("port", Value::from(1u64))]), &ty),
            "attribute `name` is required, but this is object"
        );
    }

    #[test]
    fn unknowns_take_the_wanted_type() {
        assert_eq!(converted(&Value::Unknown(Type::Any), &Type::list(Type::String)), "unknown(list(string))");
        assert_eq!(converted(&Value::Null(Type::Any), &Type::Bool), "null(bool)");
        assert_eq!(
            converted(&Value::Unknown(Type::list(Type::Any)), &Type::Bool),
            "bool required, but this is list of any type"
        );
    }
}
