//! Values as they are kept: plain JSON, with null where something is secret or unknown, and what is secret sealed.
//!
//! The same form stands in rows of the state and in saved plans. The type beside the value makes it readable without
//! any provider's schema.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use loam_provider::{InvalidJson, Known, List, Map, ObjectType, Path, Step, Str, Type, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value as Json;
use zeroize::Zeroizing;

use super::{Context, Seal, StateError};

/// A value ready to be written where anyone may read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedValue {
    /// The value's type; `dynamic` where it would tell of a secret.
    #[serde(rename = "type")]
    pub ty: Type,
    /// The value; null where it is unknown or secret.
    pub value: Json,
    /// Where it is unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<Path>,
    /// What in it is secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensitive: Vec<Path>,
    /// The secrets, in base64.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "to_base64",
        deserialize_with = "of_base64"
    )]
    pub sealed: Option<Vec<u8>>,
}

/// What is under the seal.
#[derive(Serialize, Deserialize)]
struct Secrets {
    #[serde(rename = "type")]
    ty: Type,
    values: Vec<(Path, Json)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<Path>,
}

impl Seal {
    /// Returns a value in the form in which it is kept. The key is needed only if something in it is secret.
    ///
    /// # Errors
    /// As of [`Seal::seal`].
    pub fn seal_value(&self, cx: Context<'_>, value: &Value, sensitive: &[Path]) -> Result<SealedValue, StateError> {
        let mut unknown = Vec::new();
        let mut json = encode(value, &mut Path::root(), &mut unknown);
        let ty = value.ty();
        let mut secrets = Vec::new();
        for path in sensitive {
            // A null says nothing; what lies inside another secret is gone already.
            if let Some(place) = at_mut(&mut json, path).filter(|place| !place.is_null()) {
                secrets.push((path.clone(), place.take()));
            }
        }
        if secrets.is_empty() {
            return Ok(SealedValue { ty, value: json, unknown, sensitive: sensitive.to_vec(), sealed: None });
        }
        let masked = secrets.iter().fold(ty.clone(), |ty, (path, _)| mask(&ty, path.steps()));
        let (inside, outside) =
            unknown.into_iter().partition(|place| secrets.iter().any(|(path, _)| path.contains(place)));
        let plain = Secrets { ty, values: secrets, unknown: inside };
        let plain = Zeroizing::new(serde_json::to_vec(&plain).expect("paths, types and JSON are JSON"));
        let sealed = Some(self.seal(cx, &plain)?);
        Ok(SealedValue { ty: masked, value: json, unknown: outside, sensitive: sensitive.to_vec(), sealed })
    }

    /// Returns the value that [`Seal::seal_value`] was given.
    ///
    /// # Errors
    /// As of [`Seal::open`], and [`StateError::Stored`] if the value does not fit its type.
    pub fn open_value(&self, cx: Context<'_>, sealed: &SealedValue) -> Result<Value, StateError> {
        let stored = |source| StateError::Stored { row: cx.row(), source };
        let Some(bytes) = &sealed.sealed else {
            return decode(&sealed.value, &sealed.ty, &sealed.unknown).map_err(stored);
        };
        let unsealable = || StateError::Unsealable { row: cx.row() };
        let plain = self.open(cx, bytes)?;
        let mut secrets: Secrets = serde_json::from_slice(&plain).map_err(|_| unsealable())?;
        let mut json = sealed.value.clone();
        for (path, secret) in secrets.values {
            *at_mut(&mut json, &path).ok_or_else(unsealable)? = secret;
        }
        secrets.unknown.extend(sealed.unknown.iter().cloned());
        decode(&json, &secrets.ty, &secrets.unknown).map_err(stored)
    }
}

fn encode(value: &Value, path: &mut Path, unknown: &mut Vec<Path>) -> Json {
    let mut sequence = |items: &[Value], path: &mut Path| {
        let items = items.iter().enumerate().map(|(index, item)| {
            path.push(Step::Index(index));
            let json = encode(item, path, unknown);
            path.pop();
            json
        });
        Json::Array(items.collect())
    };
    match value {
        Value::Null(_) => Json::Null,
        Value::Unknown(_) => {
            unknown.push(path.clone());
            Json::Null
        }
        Value::Bool(claim) => Json::Bool(*claim),
        Value::Number(number) => serde_json::to_value(number).expect("a number is JSON"),
        Value::String(text) => Json::from(text.as_str()),
        Value::List(List { items, .. }) | Value::Tuple(items) => sequence(items, path),
        Value::Set(set) => sequence(set.items(), path),
        Value::Map(Map { items, .. }) | Value::Object(items) => {
            let items = items.iter().map(|(name, item)| {
                path.push(Step::Name(name.clone()));
                let json = encode(item, path, unknown);
                path.pop();
                (name.to_string(), json)
            });
            Json::Object(items.collect())
        }
    }
}

fn decode(json: &Json, ty: &Type, unknown: &[Path]) -> Result<Value, InvalidJson> {
    let unknown: Vec<&[Step]> = unknown.iter().map(Path::steps).collect();
    decode_at(json, ty, &unknown)
}

/// Reads a value in which the places `unknown`, seen from here, are unknown.
fn decode_at(json: &Json, ty: &Type, unknown: &[&[Step]]) -> Result<Value, InvalidJson> {
    if unknown.iter().any(|path| path.is_empty()) {
        return Ok(Value::Unknown(ty.clone()));
    }
    let wrong = || InvalidJson { path: Path::root(), expected: ty.clone() };
    let mut below: BTreeMap<&Step, Vec<&[Step]>> = BTreeMap::new();
    for path in unknown {
        if let Some((step, rest)) = path.split_first() {
            below.entry(step).or_default().push(rest);
        }
    }
    if below.is_empty() {
        return Known::from_json(json, ty).map(Known::into_value);
    }
    let inside = |step: &Step| below.get(step).map_or(&[][..], Vec::as_slice);
    let items = |element: &dyn Fn(usize) -> Option<Type>| -> Result<Vec<Value>, InvalidJson> {
        let items = json.as_array().ok_or_else(wrong)?.iter().enumerate();
        items
            .map(|(index, item)| decode_at(item, &element(index).ok_or_else(wrong)?, inside(&Step::Index(index))))
            .collect()
    };
    let entries = |element: &dyn Fn(&str) -> Option<Type>| -> Result<Vec<(Str, Value)>, InvalidJson> {
        let entries = json.as_object().ok_or_else(wrong)?.iter();
        entries
            .map(|(name, item)| {
                let name = Str::from(name);
                let ty = element(&name).ok_or_else(wrong)?;
                Ok((name.clone(), decode_at(item, &ty, inside(&Step::Name(name)))?))
            })
            .collect()
    };
    Ok(match ty {
        Type::List(element) => Value::list((**element).clone(), items(&|_| Some((**element).clone()))?),
        Type::Set(element) => Value::set((**element).clone(), items(&|_| Some((**element).clone()))?),
        Type::Tuple(types) => Value::tuple(items(&|index| types.get(index).cloned())?),
        Type::Map(element) => Value::map((**element).clone(), entries(&|_| Some((**element).clone()))?),
        Type::Object(object) => Value::object(entries(&|name| object.fields.get(name).map(|field| field.ty.clone()))?),
        // A type of `Any` inside a collection: the JSON's own shape decides, as for known values.
        Type::Any if json.is_array() => Value::tuple(items(&|_| Some(Type::Any))?),
        Type::Any if json.is_object() => Value::object(entries(&|_| Some(Type::Any))?),
        Type::Any | Type::Bool | Type::Number | Type::String => return Err(wrong()),
    })
}

/// Returns what stands at a path, or `None` where the path leaves the value.
fn at_mut<'j>(json: &'j mut Json, path: &Path) -> Option<&'j mut Json> {
    path.steps().iter().try_fold(json, |json, step| match step {
        Step::Name(name) => json.get_mut(name.as_str()),
        Step::Index(index) => json.get_mut(*index),
    })
}

/// Returns the type with `Any` at a path: the names of a secret object's attributes are secret too.
///
/// Items of a collection share one type, so that of a single secret item stays as it is.
fn mask(ty: &Type, path: &[Step]) -> Type {
    match (path, ty) {
        ([], _) => Type::Any,
        ([Step::Name(name), rest @ ..], Type::Object(object)) => {
            let mut fields = object.fields.clone();
            if let Some(field) = fields.get_mut(name.as_str()) {
                field.ty = mask(&field.ty, rest);
            }
            Type::Object(ObjectType { fields }.into())
        }
        ([Step::Index(index), rest @ ..], Type::Tuple(types)) => {
            let items = types.iter().enumerate();
            Type::Tuple(items.map(|(at, ty)| if at == *index { mask(ty, rest) } else { ty.clone() }).collect())
        }
        ([_, ..], _) => ty.clone(),
    }
}

fn to_base64<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    bytes.as_ref().map(|bytes| BASE64_STANDARD.encode(bytes)).serialize(serializer)
}

fn of_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| BASE64_STANDARD.decode(text).map_err(D::Error::custom)).transpose()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::state::Key;

    const HERE: Context<'_> = Context { state: "s", sort: "object", name: "bucket.a" };

    fn seal(byte: u8) -> Seal {
        Seal::with_key(Key::new([byte; 32]), "the test's key")
    }

    fn value() -> Value {
        let user = |name: &str, password: &str| {
            Value::object([("name", Value::from(name)), ("password", Value::from(password))])
        };
        let users = Value::list(user("", "").ty(), [user("ann", "canary-1"), user("bob", "canary-2")]);
        Value::object([
            ("users", users),
            ("token", Value::object([("canary-3", Value::from("x")), ("later", Value::Unknown(Type::Bool))])),
            ("size", Value::from(7u64)),
            ("none", Value::Null(Type::String)),
            ("ids", Value::set(Type::String, [Value::from("a"), Value::Unknown(Type::String)])),
            ("later", Value::tuple([Value::Unknown(Type::list(Type::Number)), Value::Unknown(Type::Any)])),
        ])
    }

    fn sensitive() -> Vec<Path> {
        ["none", "nowhere", "token", "token.later", "users[0].password", "users[1]"]
            .map(|path| path.parse().unwrap())
            .to_vec()
    }

    #[test]
    fn a_value_with_secrets_and_unknowns_round_trips_without_showing_them() {
        let sealed = seal(1).seal_value(HERE, &value(), &sensitive()).unwrap();
        let text = serde_json::to_string(&sealed).unwrap();
        insta::assert_snapshot!(serde_json::to_string(&sealed.value).unwrap(), @r#"{"ids":["a",null],"later":[null,null],"none":null,"size":7,"token":null,"users":[{"name":"ann","password":null},null]}"#);
        assert!(!text.contains("canary"), "{text}");
        let read: SealedValue = serde_json::from_str(&text).unwrap();
        assert_eq!(seal(1).open_value(HERE, &read).unwrap(), value());
    }

    #[test]
    fn a_wholly_secret_value_shows_nothing_but_null() {
        let sealed = seal(1).seal_value(HERE, &Value::from("canary"), &[Path::root()]).unwrap();
        assert_eq!((&sealed.value, &sealed.ty), (&Json::Null, &Type::Any));
        assert_eq!(seal(1).open_value(HERE, &sealed).unwrap(), Value::from("canary"));
    }

    #[test]
    fn the_same_secret_gives_the_same_bytes_and_another_one_other_bytes() {
        let of = |text: &str, cx| seal(1).seal(cx, text.as_bytes()).unwrap();
        assert_eq!(of("a", HERE), of("a", HERE));
        assert_ne!(of("a", HERE)[9..33], of("b", HERE)[9..33], "the nonce depends on the secret");
        let there = Context { name: "bucket.b", ..HERE };
        assert_ne!(of("a", HERE)[9..33], of("a", there)[9..33], "and on the place");
    }

    #[test]
    fn what_was_moved_or_changed_does_not_open() {
        let sealed = seal(1).seal(HERE, b"secret").unwrap();
        for cx in [
            Context { state: "t", ..HERE },
            Context { sort: "output", ..HERE },
            Context { name: "bucket.b", ..HERE },
            Context { sort: "objectb", name: "ucket.a", ..HERE },
        ] {
            assert!(matches!(seal(1).open(cx, &sealed), Err(StateError::Unsealable { .. })), "{cx:?}");
        }
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(seal(1).open(HERE, &changed).is_err(), "byte {place}");
            assert!(seal(1).open(HERE, &sealed[..place]).is_err(), "cut at {place}");
        }
        assert_eq!(**seal(1).open(HERE, &sealed).unwrap(), *b"secret");
    }

    #[test]
    fn another_key_is_named_by_its_fingerprint() {
        let sealed = seal(1).seal(HERE, b"secret").unwrap();
        let error = seal(2).open(HERE, &sealed).unwrap_err();
        let (expected, found) = (Key::new([1; 32]).id(), Key::new([2; 32]).id());
        let message =
            format!("the state's secrets are sealed with key {expected}, and the test's key holds key {found}");
        assert_eq!(error.to_string(), message);
        assert_eq!(error.hint().unwrap(), format!("Use the key whose fingerprint is {expected}."));
    }

    #[test]
    fn a_lost_key_file_is_never_replaced_by_a_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let sealed = Seal::in_directory(dir.path()).seal(HERE, b"secret").unwrap();
        let file = dir.path().join("key");
        assert_eq!(**Seal::in_directory(dir.path()).open(HERE, &sealed).unwrap(), *b"secret");
        std::fs::remove_file(&file).unwrap();
        let error = Seal::in_directory(dir.path()).open(HERE, &sealed).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the key of the state's secrets is missing: `{}` does not exist", file.display())
        );
        assert!(!file.exists());
    }
}
