//! What calls make of an object, honestly or not.

use loam_provider::{Kind, Known, Number, ProviderError, Role, Str, Type, Value};

/// Returns the object after a change: what was planned, with what only the cloud can tell.
pub(super) fn after(planned: &Value, before: Option<&Known>, id: &Str) -> Result<Known, ProviderError> {
    let mut after = planned.with("id", Value::String(id.clone()));
    let generation = before.and_then(|before| before.get("generation")).and_then(Value::as_number);
    let next = generation.and_then(Number::to_u64).unwrap_or_default() + 1;
    after = after.with("generation", Value::from(next));
    if let (Some(input), Some(_)) = (planned.get("input"), planned.get("output")) {
        after = after.with("output", input.clone());
    }
    Known::new(after).map_err(|source| ProviderError::because("the cloud was asked for what is not known", source))
}

/// Returns the object when a change stopped half-way: of what may be absent, the first half is as it was before.
pub(super) fn half(kind: &Kind, before: Option<&Known>, after: &Known) -> Known {
    let optional = |role: &Role| matches!(role, Role::Optional { .. } | Role::OptionalComputed);
    let attributes: Vec<_> = kind.schema.attributes.iter().filter(|(_, attribute)| optional(&attribute.role)).collect();
    let mut half = after.clone();
    for (name, attribute) in attributes.iter().take(attributes.len().div_ceil(2)) {
        half = half.with(name, was(before, name, &attribute.ty));
    }
    for (name, attribute) in &kind.schema.attributes {
        if attribute.role == Role::Computed && name.as_str() != "id" {
            half = half.with(name, was(before, name, &attribute.ty));
        }
    }
    half
}

fn was(before: Option<&Known>, name: &str, ty: &Type) -> Known {
    let before = before.and_then(|before| before.get(name)).cloned();
    Known::new(before.unwrap_or_else(|| Value::Null(ty.clone()))).expect("parts of what is known are known")
}

/// The name of what is not as it was planned.
pub(super) const WRONG: &str = "wrong";

/// Returns an object that is not what was planned.
pub(super) fn misnamed(honest: &Known) -> Known {
    honest.with("name", Known::from(WRONG))
}

/// Returns an object that does not fit its kind.
pub(super) fn misshapen(honest: &Known) -> Known {
    let name = Known::new(Value::tuple([Value::from(WRONG)])).expect("it holds nothing unknown");
    honest.with("name", name).with("nonsense", Known::from(true))
}
