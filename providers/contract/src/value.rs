//! Values: what expressions evaluate to, what providers are given and give back.

use std::{collections::BTreeMap, fmt, sync::Arc};

use unicode_normalization::{UnicodeNormalization, is_nfc_quick};

use crate::{Number, Path, Step, Type};

/// Text in Unicode normal form C, cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Str(Arc<str>);

impl Str {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        match is_nfc_quick(text.chars()) {
            unicode_normalization::IsNormalized::Yes => Self(text.into()),
            unicode_normalization::IsNormalized::No | unicode_normalization::IsNormalized::Maybe => {
                Self(text.nfc().collect::<String>().into())
            }
        }
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&String> for Str {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl std::ops::Deref for Str {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Str {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Str {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl serde::Serialize for Str {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Str {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// A value that may be, or may hold, what is not known yet.
///
/// Null, absent, unknown and empty are four different things. Sensitivity is not here: it rides beside
/// a value as paths, in the engine. The order of the enum and of its collections is the order in which values sort.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    String(Str),
    /// A list; every item has the element type.
    List(List),
    /// A set; sorted, without duplicates.
    Set(Set),
    /// A map; every value has the element type.
    Map(Map),
    /// An object.
    Object(Arc<BTreeMap<Str, Value>>),
    /// A tuple.
    Tuple(Arc<[Value]>),
    /// No value, of this type (`Any` for a bare `null`).
    Null(Type),
    /// A value of this type that will be known later (`Any` where even the type is not known).
    Unknown(Type),
}

/// The items of a list value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct List {
    /// The items' type.
    pub element: Type,
    /// The items, in order.
    pub items: Arc<[Value]>,
}

/// The members of a set value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Set {
    /// The members' type.
    pub element: Type,
    items: Arc<[Value]>,
}

/// The entries of a map value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Map {
    /// The values' type.
    pub element: Type,
    /// The entries, by key.
    pub items: Arc<BTreeMap<Str, Value>>,
}

impl Set {
    /// Returns the members in their fixed order.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        &self.items
    }
}

impl Value {
    /// Returns a string value, normalised.
    pub fn string(text: impl Into<Str>) -> Self {
        Self::String(text.into())
    }

    /// Returns a number value.
    pub fn number(number: impl Into<Number>) -> Self {
        Self::Number(number.into())
    }

    /// Returns a list; the caller answers for the items having the element type.
    pub fn list(element: Type, items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(List { element, items: items.into_iter().collect() })
    }

    /// Returns a set, sorted and without duplicates; the caller answers for the items having the element type.
    pub fn set(element: Type, items: impl IntoIterator<Item = Value>) -> Self {
        let mut items: Vec<Value> = items.into_iter().collect();
        items.sort_unstable();
        items.dedup();
        Self::Set(Set { element, items: items.into() })
    }

    /// Returns a map; the caller answers for the values having the element type.
    pub fn map<K: Into<Str>>(element: Type, items: impl IntoIterator<Item = (K, Value)>) -> Self {
        let items = items.into_iter().map(|(key, value)| (key.into(), value)).collect();
        Self::Map(Map { element, items: Arc::new(items) })
    }

    /// Returns an object.
    pub fn object<K: Into<Str>>(fields: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Object(Arc::new(fields.into_iter().map(|(name, value)| (name.into(), value)).collect()))
    }

    /// Returns a tuple.
    pub fn tuple(items: impl IntoIterator<Item = Value>) -> Self {
        Self::Tuple(items.into_iter().collect())
    }

    /// Returns whether this is null of any type.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null(_))
    }

    /// Returns whether this very value is unknown (what it holds may be unknown even so).
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Returns whether nothing in this value is unknown.
    #[must_use]
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Null(_) => true,
            Self::List(List { items, .. }) | Self::Set(Set { items, .. }) | Self::Tuple(items) => {
                items.iter().all(Self::is_wholly_known)
            }
            Self::Map(Map { items, .. }) | Self::Object(items) => items.values().all(Self::is_wholly_known),
        }
    }

    /// Returns the text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// Returns a bool's claim.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(claim) = self { Some(*claim) } else { None }
    }

    /// Returns a number.
    #[must_use]
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// Returns the entries of an object or map.
    #[must_use]
    pub fn entries(&self) -> Option<&BTreeMap<Str, Value>> {
        match self {
            Self::Map(Map { items, .. }) | Self::Object(items) => Some(items),
            Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::List(_) => None,
            Self::Set(_) | Self::Tuple(_) | Self::Null(_) | Self::Unknown(_) => None,
        }
    }

    /// Returns the items of a list, set or tuple.
    #[must_use]
    pub fn items(&self) -> Option<&[Value]> {
        match self {
            Self::List(List { items, .. }) | Self::Set(Set { items, .. }) | Self::Tuple(items) => Some(items),
            Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Map(_) => None,
            Self::Object(_) | Self::Null(_) | Self::Unknown(_) => None,
        }
    }

    /// Returns an attribute of an object or an entry of a map.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.entries()?.get(name)
    }

    /// Returns what stands at a path, or `None` where the path leaves the value.
    #[must_use]
    pub fn at(&self, path: &Path) -> Option<&Value> {
        path.steps().iter().try_fold(self, |value, step| match step {
            Step::Name(name) => value.get(name),
            Step::Index(index) => value.items()?.get(*index),
        })
    }

    /// Returns this object with one attribute set; anything but an object is returned unchanged.
    #[must_use]
    pub fn with(&self, name: &str, value: Value) -> Self {
        match self {
            Self::Object(fields) => {
                let mut fields = (**fields).clone();
                fields.insert(name.into(), value);
                Self::Object(Arc::new(fields))
            }
            Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::List(_) | Self::Set(_) => self.clone(),
            Self::Map(_) | Self::Tuple(_) | Self::Null(_) | Self::Unknown(_) => self.clone(),
        }
    }

    /// Returns the value rebuilt with `change` applied from the leaves up; `change` sees every value with its path.
    #[must_use]
    pub fn transform(&self, change: &mut dyn FnMut(&Path, Value) -> Value) -> Self {
        self.transform_at(&mut Path::root(), change)
    }

    fn transform_at(&self, path: &mut Path, change: &mut dyn FnMut(&Path, Value) -> Value) -> Self {
        let mut sequence = |path: &mut Path, items: &[Value]| -> Vec<Value> {
            items
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    path.push(Step::Index(index));
                    let item = item.transform_at(path, change);
                    path.pop();
                    item
                })
                .collect()
        };
        let rebuilt = match self {
            Self::List(list) => Self::list(list.element.clone(), sequence(path, &list.items)),
            Self::Set(set) => Self::set(set.element.clone(), sequence(path, &set.items)),
            Self::Tuple(items) => Self::tuple(sequence(path, items)),
            Self::Map(Map { items, .. }) | Self::Object(items) => {
                let items = items
                    .iter()
                    .map(|(name, item)| {
                        path.push(Step::Name(name.clone()));
                        let item = item.transform_at(path, change);
                        path.pop();
                        (name.clone(), item)
                    })
                    .collect();
                match self {
                    Self::Map(map) => Self::Map(Map { element: map.element.clone(), items: Arc::new(items) }),
                    _ => Self::Object(Arc::new(items)),
                }
            }
            Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Null(_) | Self::Unknown(_) => self.clone(),
        };
        change(path, rebuilt)
    }

    /// Returns the first path at which something is unknown.
    #[must_use]
    pub fn first_unknown(&self) -> Option<Path> {
        if self.is_wholly_known() {
            return None;
        }
        let mut path = Path::root();
        let mut value = self;
        loop {
            let next = match value {
                Self::List(List { items, .. }) | Self::Set(Set { items, .. }) | Self::Tuple(items) => items
                    .iter()
                    .enumerate()
                    .find(|(_, item)| !item.is_wholly_known())
                    .map(|(index, item)| (Step::Index(index), item)),
                Self::Map(Map { items, .. }) | Self::Object(items) => items
                    .iter()
                    .find(|(_, item)| !item.is_wholly_known())
                    .map(|(name, item)| (Step::Name(name.clone()), item)),
                Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Null(_) | Self::Unknown(_) => None,
            };
            match next {
                Some((step, item)) => {
                    path.push(step);
                    value = item;
                }
                None => return Some(path),
            }
        }
    }
}

impl From<bool> for Value {
    fn from(claim: bool) -> Self {
        Self::Bool(claim)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::string(text)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(Number::from(number))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Number::from(number))
    }
}

/// Writes the value as HCL on one line, for tests and traces; users see `ui`'s rendering.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null(Type::Any) => f.write_str("null"),
            Self::Null(ty) => write!(f, "null({ty})"),
            Self::Unknown(ty) => write!(f, "unknown({ty})"),
            Self::Bool(claim) => write!(f, "{claim}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::String(text) => write!(f, "{text:?}"),
            Self::List(List { items, .. }) => f.debug_list().entries(items.iter()).finish(),
            Self::Tuple(items) => f.debug_list().entries(items.iter()).finish(),
            Self::Set(Set { items, .. }) => f.debug_set().entries(items.iter()).finish(),
            Self::Map(Map { items, .. }) | Self::Object(items) => f.debug_map().entries(items.iter()).finish(),
        }
    }
}

/// A value proved to hold no unknown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Known(Value);

/// The value holds something unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is not known")]
pub struct NotKnown {
    /// The first place that is unknown.
    pub path: Path,
}

impl Known {
    /// Checks that a value holds no unknown.
    ///
    /// # Errors
    /// [`NotKnown`] with the first unknown place.
    pub fn new(value: Value) -> Result<Self, NotKnown> {
        match value.first_unknown() {
            None => Ok(Self(value)),
            Some(path) => Err(NotKnown { path }),
        }
    }

    /// Returns the object of these known attributes.
    pub fn object<K: Into<Str>>(fields: impl IntoIterator<Item = (K, Known)>) -> Self {
        Self(Value::object(fields.into_iter().map(|(name, value)| (name, value.0))))
    }

    /// Returns null without a type.
    #[must_use]
    pub fn null() -> Self {
        Self(Value::Null(Type::Any))
    }

    /// Returns the value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// Returns the value, owned.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.0
    }

    /// Returns this object with one attribute set.
    #[must_use]
    pub fn with(&self, name: &str, value: Known) -> Self {
        Self(self.0.with(name, value.0))
    }
}

impl std::ops::Deref for Known {
    type Target = Value;
    fn deref(&self) -> &Value {
        &self.0
    }
}

impl From<bool> for Known {
    fn from(claim: bool) -> Self {
        Self(Value::Bool(claim))
    }
}

impl From<&str> for Known {
    fn from(text: &str) -> Self {
        Self(Value::string(text))
    }
}

impl From<String> for Known {
    fn from(text: String) -> Self {
        Self(Value::string(text))
    }
}

impl From<u64> for Known {
    fn from(number: u64) -> Self {
        Self(Value::from(number))
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_nfc() {
        assert_eq!(Str::from("a\u{301}"), Str::from("\u{e1}"));
    }

    #[test]
    fn sets_are_sorted_and_unique() {
        let set = Value::set(Type::String, ["b", "a", "b"].map(Value::from));
        assert_eq!(format!("{set:?}"), r#"{"a", "b"}"#);
    }

    #[test]
    fn known_names_the_first_unknown() {
        let value = Value::object([("a", Value::tuple([Value::from(true), Value::Unknown(Type::String)]))]);
        assert_eq!(Known::new(value.clone()).map_err(|error| error.path.to_string()), Err("a[1]".into()));
        assert_eq!(value.at(&"a[1]".parse().expect("a path")), Some(&Value::Unknown(Type::String)));
    }
}
