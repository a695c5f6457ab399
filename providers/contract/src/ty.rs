//! Types of values, as Terraform's: primitives, collections, structures, and `any`.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Known, Str, Value};

/// The type of a [`Value`], or, where it holds [`Type::Any`], a constraint on types.
///
/// The JSON form is Terraform's: `"string"`, `["list","string"]`, `["object",{"a":"bool"}]`, with the names of
/// optional attributes as a third element of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value", into = "serde_json::Value")]
pub enum Type {
    /// Not known yet, or any type at all.
    Any,
    /// `true` or `false`.
    Bool,
    /// An arbitrary-precision number.
    Number,
    /// Unicode text in NFC.
    String,
    /// An ordered sequence of values of one type.
    List(Arc<Type>),
    /// Unique values of one type, in one fixed order.
    Set(Arc<Type>),
    /// Values of one type by string key.
    Map(Arc<Type>),
    /// Named attributes, each with its own type.
    Object(Arc<ObjectType>),
    /// A sequence whose elements each have their own type.
    Tuple(Arc<[Type]>),
}

/// The attributes of an object type.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectType {
    /// Each attribute by name.
    pub fields: BTreeMap<Str, Field>,
}

/// One attribute of an object type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field {
    /// The attribute's type.
    pub ty: Type,
    /// What a value may leave out, in a constraint.
    pub presence: Presence,
}

/// Whether a value must have an attribute for conversion to the object type to succeed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// It must be there.
    Required,
    /// It may be absent, and is then this value, or null: `optional(T)`, `optional(T, default)`.
    Optional {
        /// The value of an absent or null attribute.
        default: Option<Known>,
    },
}

impl Type {
    /// Returns `list(element)`.
    #[must_use]
    pub fn list(element: Type) -> Self {
        Self::List(Arc::new(element))
    }

    /// Returns `set(element)`.
    #[must_use]
    pub fn set(element: Type) -> Self {
        Self::Set(Arc::new(element))
    }

    /// Returns `map(element)`.
    #[must_use]
    pub fn map(element: Type) -> Self {
        Self::Map(Arc::new(element))
    }

    /// Returns an object type whose attributes are all required.
    #[must_use]
    pub fn object<K: Into<Str>>(fields: impl IntoIterator<Item = (K, Type)>) -> Self {
        let fields =
            fields.into_iter().map(|(name, ty)| (name.into(), Field { ty, presence: Presence::Required })).collect();
        Self::Object(Arc::new(ObjectType { fields }))
    }

    /// Returns whether this is a single type rather than a constraint that several fit.
    #[must_use]
    pub fn is_concrete(&self) -> bool {
        match self {
            Self::Any => false,
            Self::Bool | Self::Number | Self::String => true,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.is_concrete(),
            Self::Object(object) => object.fields.values().all(|field| field.ty.is_concrete()),
            Self::Tuple(items) => items.iter().all(Self::is_concrete),
        }
    }

    /// Returns whether this is bool, number or string.
    #[must_use]
    pub fn is_primitive(&self) -> bool {
        matches!(self, Self::Bool | Self::Number | Self::String)
    }

    /// Returns a short English name, for messages: `string`, `list of number`, `object`.
    #[must_use]
    pub fn friendly(&self) -> String {
        match self {
            Self::Any => "any type".into(),
            Self::Bool => "bool".into(),
            Self::Number => "number".into(),
            Self::String => "string".into(),
            Self::List(element) => format!("list of {}", element.friendly()),
            Self::Set(element) => format!("set of {}", element.friendly()),
            Self::Map(element) => format!("map of {}", element.friendly()),
            Self::Object(_) => "object".into(),
            Self::Tuple(_) => "tuple".into(),
        }
    }
}

/// Writes the type as a constraint: `list(string)`, `object({a=bool,b=optional(number)})`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Set(element) => write!(f, "set({element})"),
            Self::Map(element) => write!(f, "map({element})"),
            Self::Object(object) => {
                f.write_str("object({")?;
                for (i, (name, field)) in object.fields.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    match field.presence {
                        Presence::Required => write!(f, "{comma}{name} = {}", field.ty)?,
                        Presence::Optional { .. } => write!(f, "{comma}{name} = optional({})", field.ty)?,
                    }
                }
                f.write_str("})")
            }
            Self::Tuple(items) => {
                f.write_str("tuple([")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("])")
            }
        }
    }
}

impl From<Type> for serde_json::Value {
    fn from(ty: Type) -> Self {
        use serde_json::json;
        match ty {
            Type::Any => json!("dynamic"),
            Type::Bool => json!("bool"),
            Type::Number => json!("number"),
            Type::String => json!("string"),
            Type::List(element) => json!(["list", Self::from((*element).clone())]),
            Type::Set(element) => json!(["set", Self::from((*element).clone())]),
            Type::Map(element) => json!(["map", Self::from((*element).clone())]),
            Type::Tuple(items) => json!(["tuple", items.iter().cloned().map(Self::from).collect::<Vec<_>>()]),
            Type::Object(object) => {
                let fields: serde_json::Map<_, _> = object
                    .fields
                    .iter()
                    .map(|(name, field)| (name.to_string(), Self::from(field.ty.clone())))
                    .collect();
                let optional: Vec<_> = object
                    .fields
                    .iter()
                    .filter(|(_, field)| field.presence != Presence::Required)
                    .map(|(name, _)| name.as_str())
                    .collect();
                if optional.is_empty() { json!(["object", fields]) } else { json!(["object", fields, optional]) }
            }
        }
    }
}

/// The JSON is not a type.
#[derive(Debug, thiserror::Error)]
#[error("`{json}` is not a type")]
pub struct InvalidType {
    json: serde_json::Value,
}

impl TryFrom<serde_json::Value> for Type {
    type Error = InvalidType;

    fn try_from(json: serde_json::Value) -> Result<Self, InvalidType> {
        use serde_json::Value as Json;
        let element = |inner: &Json| Self::try_from(inner.clone());
        match &json {
            Json::String(name) => match name.as_str() {
                "dynamic" => return Ok(Self::Any),
                "bool" => return Ok(Self::Bool),
                "number" => return Ok(Self::Number),
                "string" => return Ok(Self::String),
                _ => {}
            },
            Json::Array(parts) => match (parts.first().and_then(Json::as_str), parts.get(1), parts.get(2)) {
                (Some("list"), Some(inner), None) => return Ok(Self::list(element(inner)?)),
                (Some("set"), Some(inner), None) => return Ok(Self::set(element(inner)?)),
                (Some("map"), Some(inner), None) => return Ok(Self::map(element(inner)?)),
                (Some("tuple"), Some(Json::Array(items)), None) => {
                    return Ok(Self::Tuple(items.iter().map(element).collect::<Result<_, _>>()?));
                }
                (Some("object"), Some(Json::Object(fields)), optional) => {
                    let optional: Vec<&str> = match optional {
                        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
                        Some(_) => return Err(InvalidType { json }),
                        None => Vec::new(),
                    };
                    let fields = fields
                        .iter()
                        .map(|(name, inner)| {
                            let presence = if optional.contains(&name.as_str()) {
                                Presence::Optional { default: None }
                            } else {
                                Presence::Required
                            };
                            Ok((Str::from(name.as_str()), Field { ty: element(inner)?, presence }))
                        })
                        .collect::<Result<_, InvalidType>>()?;
                    return Ok(Self::Object(Arc::new(ObjectType { fields })));
                }
                _ => {}
            },
            _ => {}
        }
        Err(InvalidType { json })
    }
}

impl Value {
    /// Returns the value's type. `Any` stands where a null or unknown says nothing more.
    #[must_use]
    pub fn ty(&self) -> Type {
        match self {
            Self::Null(ty) | Self::Unknown(ty) => ty.clone(),
            Self::Bool(_) => Type::Bool,
            Self::Number(_) => Type::Number,
            Self::String(_) => Type::String,
            Self::List(list) => Type::list(list.element.clone()),
            Self::Set(set) => Type::set(set.element.clone()),
            Self::Map(map) => Type::map(map.element.clone()),
            Self::Object(fields) => Type::object(fields.iter().map(|(name, value)| (name.clone(), value.ty()))),
            Self::Tuple(items) => Type::Tuple(items.iter().map(Self::ty).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_form_is_terraforms_and_round_trips() {
        let ty = Type::object([
            ("a", Type::list(Type::String)),
            ("b", Type::Tuple([Type::Bool, Type::map(Type::Number)].into())),
        ]);
        let json = serde_json::to_string(&ty).expect("a type is JSON");
        assert_eq!(json, r#"["object",{"a":["list","string"],"b":["tuple",["bool",["map","number"]]]}]"#);
        assert_eq!(serde_json::from_str::<Type>(&json).expect("it was written by us"), ty);
        assert_eq!(ty.to_string(), "object({a = list(string), b = tuple([bool, map(number)])})");
        assert!(serde_json::from_str::<Type>(r#"["list"]"#).is_err());
    }
}
