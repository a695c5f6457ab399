//! Typed views of a kind's attributes: a struct with `Deserialize` is its own decoder.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::{Known, List, Map, ProviderError, Trouble, Value};

/// Reads a typed struct out of an object value.
///
/// Nulls and unknowns are left out, so a field that may be missing is an `Option` or has `#[serde(default)]`.
/// Sizes, rates and durations decode to [`crate::Size`], [`crate::Rate`] and [`crate::Period`].
///
/// # Errors
/// When the value does not fit the struct: a contradiction between a kind's schema and its typed view.
pub fn decode<T: DeserializeOwned>(value: &Value) -> Result<T, ProviderError> {
    let json = present(value).unwrap_or(Json::Null);
    serde_json::from_value(json).map_err(|source| {
        ProviderError::because("failed to read the object's attributes", source).trouble(Trouble::Invalid)
    })
}

/// Returns the value as JSON without nulls and unknowns.
fn present(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Null(_) | Value::Unknown(_) => return None,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Known::new(value.clone()).expect("primitives are known").to_json()
        }
        Value::List(List { items, .. }) | Value::Tuple(items) => {
            Json::Array(items.iter().filter_map(present).collect())
        }
        Value::Set(set) => Json::Array(set.items().iter().filter_map(present).collect()),
        Value::Map(Map { items, .. }) | Value::Object(items) => {
            Json::Object(items.iter().filter_map(|(name, item)| Some((name.to_string(), present(item)?))).collect())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Size, Type};

    #[test]
    fn what_is_null_or_unknown_is_absent() {
        #[derive(serde::Deserialize)]
        struct Spec {
            name: String,
            quota: Option<Size>,
            url: Option<String>,
        }
        let value = Value::object([
            ("name", Value::from("a")),
            ("quota", Value::from("16MiB")),
            ("url", Value::Unknown(Type::String)),
            ("tags", Value::Null(Type::map(Type::String))),
        ]);
        let spec: Spec = decode(&value).expect("it fits");
        assert_eq!((spec.name.as_str(), spec.quota, spec.url), ("a", Some(Size(16 << 20)), None));
    }
}
