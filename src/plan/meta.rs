//! Meta-arguments: what a block says about how it is to be treated.

use loam_provider::{OnDestroy, Value};

use crate::{
    config::{self, Attribute, Lifecycle, Resource},
    source::Span,
};

/// Returns what a block says becomes of its things when they leave the state.
pub(super) fn on_destroy(block: &Resource) -> Option<OnDestroy> {
    match config::constant(&block.on_destroy.as_ref()?.expr)?.as_str()? {
        "retain" => Some(OnDestroy::Retain),
        "delete" => Some(OnDestroy::Delete),
        _ => None,
    }
}

/// Returns whether a replacement makes the new object first.
pub(super) fn create_before_destroy(lifecycle: &Lifecycle) -> bool {
    lifecycle.create_before_destroy.as_ref().is_some_and(holds)
}

/// Returns the place that forbids destruction, if one does. What cannot be read protects: deleting by mistake is the
/// worse of the two.
pub(super) fn prevent_destroy(lifecycle: &Lifecycle) -> Option<Span> {
    let attribute = lifecycle.prevent_destroy.as_ref()?;
    let is_off = config::constant(&attribute.expr) == Some(Value::Bool(false));
    (!is_off).then(|| attribute.span())
}

fn holds(attribute: &Attribute) -> bool {
    config::constant(&attribute.expr) == Some(Value::Bool(true))
}
