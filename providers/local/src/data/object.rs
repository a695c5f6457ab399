//! Objects of what was planned and what was found.

use loam_provider::{Kind, Known, NotKnown, Number, ProviderError, Role, Type, Value};

/// Returns `object` with attributes set.
pub(crate) fn with(object: &Value, found: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    found.into_iter().fold(object.clone(), |object, (name, value)| object.with(name, value))
}

/// Returns what was planned with what is known now; nothing may be left unknown.
pub(crate) fn completed(
    planned: &Value,
    found: impl IntoIterator<Item = (&'static str, Value)>,
) -> Result<Known, ProviderError> {
    Known::new(with(planned, found))
        .map_err(|NotKnown { path }| ProviderError::failed(format!("`{path}` is still unknown when it is needed")))
}

/// Returns what stands of a plan when only part of it was done: null for what is not known.
pub(crate) fn partial(planned: &Value, found: impl IntoIterator<Item = (&'static str, Value)>) -> Known {
    let known = with(planned, found).transform(&mut |_, value| match value {
        Value::Unknown(ty) => Value::Null(ty),
        known => known,
    });
    Known::new(known).expect("every unknown was made null")
}

/// Returns an object of what a block says and what was found, for a kind whose object is taken over: with defaults, and
/// null for what nobody knows.
pub(crate) fn taken_over(kind: &Kind, config: &Value, found: impl IntoIterator<Item = (&'static str, Value)>) -> Known {
    let mut object = config.clone();
    for (name, attribute) in &kind.schema.attributes {
        if let Role::Optional { default: Some(default) } = &attribute.role
            && !is_written(config, name)
        {
            object = object.with(name, default.value().clone());
        }
    }
    partial(&object, found)
}

/// Returns whether the configuration says something for an attribute, known or not.
pub(crate) fn is_written(config: &Value, name: &str) -> bool {
    config.get(name).is_some_and(|value| !value.is_null())
}

/// Returns whether an attribute is, or holds, what is not known yet.
pub(crate) fn is_unknown(object: &Value, name: &str) -> bool {
    object.get(name).is_some_and(|value| !value.is_wholly_known())
}

/// Returns a text, or null.
pub(crate) fn text(text: Option<String>) -> Value {
    text.map_or(Value::Null(Type::String), Value::from)
}

/// Returns a number, or null.
pub(crate) fn number(number: Option<u64>) -> Value {
    number.map_or(Value::Null(Type::Number), |number| Value::Number(Number::from(number)))
}

/// Returns an unknown text.
pub(crate) const fn unknown_text() -> Value {
    Value::Unknown(Type::String)
}

/// Returns an unknown number.
pub(crate) const fn unknown_number() -> Value {
    Value::Unknown(Type::Number)
}
