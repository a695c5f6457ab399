//! What will become of an object.

use loam_provider::{
    Attribute, Cause, Kind, Known, OnChange, Path, PlanRequest, Planned, ProviderError, Role, Type, Value,
};

use crate::kinds;

/// Predicts an object: all that is configured, and of the rest what can be known before.
pub(super) fn predict(kind: &Kind, request: PlanRequest<'_>) -> Result<Planned, ProviderError> {
    kinds::check(request.config)?;
    let Some(prior) = request.prior else {
        let unknown = request.proposed.with("id", Value::Unknown(Type::String));
        return Ok(Planned::new(with_output(&unknown.with("generation", Value::Unknown(Type::Number)))));
    };
    if is_kept(kind, request.proposed, prior) {
        return Ok(Planned::new(with_computed_of(kind, request.proposed, prior)));
    }
    let changed = with_computed_of(kind, request.proposed, prior).with("generation", Value::Unknown(Type::Number));
    Ok(Planned { after: with_output(&changed), replace: shrunk(kind, request.proposed, prior), notes: Vec::new() })
}

/// Returns whether nothing differs that matters to an object that exists.
fn is_kept(kind: &Kind, proposed: &Value, prior: &Known) -> bool {
    let matters =
        |attribute: &Attribute| attribute.role != Role::Computed && attribute.on_change != OnChange::CreationOnly;
    let attributes = kind.schema.attributes.iter().filter(|(_, attribute)| matters(attribute)).map(|(name, _)| name);
    attributes.chain(kind.schema.blocks.keys()).all(|name| proposed.get(name) == prior.get(name))
        // Someone may have changed what the cloud computes, or a change stopped half-way.
        && prior.get("output").is_none_or(|output| Some(output) == prior.get("input"))
        && prior.get("generation").is_some_and(|generation| !generation.is_null())
}

fn with_computed_of(kind: &Kind, proposed: &Value, prior: &Known) -> Value {
    let computed = kind.schema.attributes.iter().filter(|(_, attribute)| attribute.role == Role::Computed);
    computed.fold(proposed.clone(), |after, (name, _)| match prior.get(name) {
        Some(value) => after.with(name, value.clone()),
        None => after,
    })
}

/// Returns the object with `output` as it will be: the same as `input`, if the kind has them.
fn with_output(object: &Value) -> Value {
    match (object.get("input"), object.get("output")) {
        (Some(input), Some(_)) => object.with("output", input.clone()),
        (Some(_) | None, _) => object.clone(),
    }
}

/// Returns why a volume that gets smaller is another volume.
fn shrunk(kind: &Kind, proposed: &Value, prior: &Known) -> Vec<Cause> {
    let size = |object: &Value| object.get("size").and_then(Value::as_number).cloned();
    match (size(prior), size(proposed)) {
        (Some(before), Some(after)) if kind.name.as_str() == "sim_volume" && after.value_cmp(&before).is_lt() => {
            vec![Cause { path: Path::attribute("size"), because: "a volume cannot shrink".into() }]
        }
        (Some(_) | None, _) => Vec::new(),
    }
}
