//! What the engine realises itself: `loam_data`, which stores a value and touches nothing.

use std::sync::Arc;

use async_trait::async_trait;
use loam_provider::{
    Attribute, CallCx, ConfigureCx, Factory, Failure, Kind, Known, OnChange, OnDestroy, PlanRequest, Planned, Provider,
    ProviderError, Resolution, Schema, Type, Value,
};

/// Offers `loam_data`.
pub(super) struct LoamFactory {
    schema: Schema,
    kinds: Vec<Kind>,
}

impl Default for LoamFactory {
    fn default() -> Self {
        let schema = Schema::new([
            ("input", Attribute::optional(Type::Any, "Any value; it is stored and given back as `output`.")),
            (
                "triggers_replace",
                Attribute::optional(Type::Any, "Any value; the object is replaced when it changes.")
                    .on_change(OnChange::Replace),
            ),
            ("output", Attribute::computed(Type::Any, "The value of `input`, known once it is stored.")),
            ("id", Attribute::computed(Type::String, "Identifies this object; a replacement has another.")),
        ]);
        let doc = "Stores a value and touches nothing, as `terraform_data` does.".to_owned();
        let kind = Kind { name: "loam_data".into(), doc, schema, on_destroy: OnDestroy::Delete };
        Self { schema: Schema::default(), kinds: vec![kind] }
    }
}

#[async_trait]
impl Factory for LoamFactory {
    fn name(&self) -> &'static str {
        "loam"
    }

    fn doc(&self) -> &'static str {
        "What loam does without any provider."
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    fn extension(&self, _kind: &str) -> Option<&Schema> {
        None
    }

    fn schemes(&self) -> &[&'static str] {
        &[]
    }

    async fn configure(&self, _config: &Known, _cx: &ConfigureCx) -> Result<Arc<dyn Provider>, ProviderError> {
        Ok(Arc::new(Loam))
    }
}

struct Loam;

/// Returns the stored object: the output is the input, and the id is that of the operation that made it.
fn stored(planned: &Value, id: &Value) -> Result<Known, ProviderError> {
    let input = planned.get("input").cloned().unwrap_or(Value::Null(Type::Any));
    let made = planned.with("output", input).with("id", id.clone());
    Known::new(made).map_err(|source| ProviderError::because("failed to store the value", source))
}

#[async_trait]
impl Provider for Loam {
    async fn plan(&self, _: &Kind, _: &CallCx, request: PlanRequest<'_>) -> Result<Planned, ProviderError> {
        let is_kept = request.prior.is_some_and(|prior| prior.get("input") == request.proposed.get("input"));
        let output = match request.proposed.get("input") {
            _ if is_kept => return Ok(Planned::new(request.proposed.clone())),
            // The value's type is known, so what refers to it can be checked even before it is stored.
            Some(input) if request.prior.is_some() => input.clone(),
            Some(input) => Value::Unknown(input.ty()),
            None => Value::Unknown(Type::Any),
        };
        Ok(Planned::new(request.proposed.with("output", output)))
    }

    async fn read(&self, _: &Kind, _: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError> {
        Ok(Some(current.clone()))
    }

    async fn create(&self, _: &Kind, cx: &CallCx, planned: &Value) -> Result<Known, Failure> {
        Ok(stored(planned, &Value::String(cx.token.0.clone()))?)
    }

    async fn update(&self, _: &Kind, _: &CallCx, before: &Known, planned: &Value) -> Result<Known, Failure> {
        let id = before.get("id").cloned().unwrap_or(Value::Null(Type::String));
        Ok(stored(planned, &id)?)
    }

    async fn delete(&self, _: &Kind, _: &CallCx, _: &Known) -> Result<(), Failure> {
        Ok(())
    }

    /// Every id names a value that nobody has stored yet: it is what the block says.
    async fn import(&self, _: &Kind, _: &CallCx, id: &str, config: &Value) -> Result<Option<Known>, ProviderError> {
        let said = config.transform(&mut |_, value| match value {
            Value::Unknown(ty) => Value::Null(ty),
            known => known,
        });
        stored(&said, &Value::from(id)).map(Some)
    }

    /// Nothing outside the state is ever made, so a lost answer left nothing.
    async fn resolve(&self, _: &Kind, _: &CallCx, _: &Value) -> Result<Resolution, ProviderError> {
        Ok(Resolution::Nothing)
    }
}
