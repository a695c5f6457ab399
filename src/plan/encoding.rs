//! Values in plan files: plain JSON, its type, and the places that are not known yet.

use loam_provider::{Known, Path, Type, Value};
use serde::{Deserialize, Serialize};

/// A value as a plan file holds it.
#[derive(Debug, Serialize, Deserialize)]
struct Encoded {
    /// Its concrete type.
    #[serde(rename = "type")]
    ty: Type,
    /// The value, with null where it is unknown.
    value: serde_json::Value,
    /// Where it is unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<Unknown>,
}

/// One place that is not known yet, with the type it will have.
#[derive(Debug, Serialize, Deserialize)]
struct Unknown {
    path: Path,
    #[serde(rename = "type")]
    ty: Type,
}

fn encode(value: &Value) -> Encoded {
    let mut unknown = Vec::new();
    let known = value.transform(&mut |path, part| match part {
        Value::Unknown(ty) => {
            unknown.push(Unknown { path: path.clone(), ty: ty.clone() });
            Value::Null(ty)
        }
        part => part,
    });
    let ty = known.ty();
    let known = Known::new(known).expect("every unknown became null");
    Encoded { ty, value: known.to_json(), unknown }
}

fn decode(encoded: &Encoded) -> Result<Value, loam_provider::InvalidJson> {
    let known = Known::from_json(&encoded.value, &encoded.ty)?;
    if encoded.unknown.is_empty() {
        return Ok(known.into_value());
    }
    Ok(known.transform(&mut |path, part| {
        let unknown = encoded.unknown.iter().find(|unknown| unknown.path == *path);
        unknown.map_or(part, |unknown| Value::Unknown(unknown.ty.clone()))
    }))
}

/// For fields that hold a [`Value`].
pub(crate) mod value {
    use loam_provider::Value;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
        super::encode(value).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        super::decode(&super::Encoded::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// For fields that hold a [`Known`].
pub(crate) mod known {
    use loam_provider::Known;
    use serde::{Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(known: &Known, serializer: S) -> Result<S::Ok, S::Error> {
        super::value::serialize(known.value(), serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Known, D::Error> {
        Known::new(super::value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// For fields that hold an optional [`Value`].
pub(crate) mod optional_value {
    use loam_provider::Value;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(super::encode).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
        let encoded = Option::<super::Encoded>::deserialize(deserializer)?;
        encoded.map(|encoded| super::decode(&encoded).map_err(D::Error::custom)).transpose()
    }
}

/// For fields that hold an optional [`Known`].
pub(crate) mod optional_known {
    use loam_provider::Known;
    use serde::{Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(known: &Option<Known>, serializer: S) -> Result<S::Ok, S::Error> {
        super::optional_value::serialize(&known.as_ref().map(|known| known.value().clone()), serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Known>, D::Error> {
        let value = super::optional_value::deserialize(deserializer)?;
        value.map(|value| Known::new(value).map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknowns_keep_their_place_and_type() {
        let value = Value::object([
            ("id", Value::Unknown(Type::String)),
            ("items", Value::list(Type::Number, [Value::from(1u64), Value::Unknown(Type::Number)])),
            ("note", Value::Null(Type::String)),
        ]);
        assert_eq!(decode(&encode(&value)), Ok(value));
    }
}
