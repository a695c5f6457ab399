//! Meta-arguments: what a block says about how it is to be treated.
//!
//! They may be any expression that is static. Those that are written out in full cost nothing.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use loam_provider::{OnDestroy, Type, Value};

use super::{
    Basics,
    world::{InModule, World},
};
use crate::{
    addr::ModulePath,
    config::{self, Attribute, Lifecycle, Resource, Tree},
    diag::{Diagnostic, Diagnostics},
    eval::{InstanceValues, Statics},
    source::Span,
};

/// Evaluates meta-arguments.
pub(super) struct Meta<'p> {
    root: Statics<'p>,
    /// The modules in which something had to be evaluated.
    modules: RefCell<BTreeMap<ModulePath, Option<Statics<'p>>>>,
}

/// Where a meta-argument stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'v, 'p> {
    pub(super) tree: &'v Tree<'p>,
    pub(super) world: &'v World<'p>,
    /// The module instance.
    pub(super) path: &'v ModulePath,
    /// What the instance of the block can see, where it is one.
    pub(super) instance: Option<&'v InstanceValues>,
}

impl<'p> Meta<'p> {
    pub(super) fn new(basics: &Basics<'p>) -> Self {
        let root = Arc::clone(&basics.config.root);
        let root = Statics::new(root, basics.variables, basics.paths.clone(), basics.files);
        Self { root, modules: RefCell::default() }
    }

    /// Returns what a block says becomes of its things when they leave the state.
    pub(super) fn on_destroy(
        &self,
        block: &Resource,
        place: Place<'_, 'p>,
        diagnostics: &mut Diagnostics,
    ) -> Option<OnDestroy> {
        let attribute = block.on_destroy.as_ref()?;
        match self.value(attribute, &Type::String, place, diagnostics)?.as_str()? {
            "retain" => Some(OnDestroy::Retain),
            "delete" => Some(OnDestroy::Delete),
            other => {
                let detail = format!("`on_destroy` is \"retain\" or \"delete\", but this is \"{other}\".");
                let hint = "\"retain\" keeps the real thing when it leaves the configuration.";
                diagnostics.push(Diagnostic::error("Invalid value", attribute.expr.span, detail).hint(hint));
                None
            }
        }
    }

    /// Returns whether a replacement makes the new object first.
    pub(super) fn create_before_destroy(
        &self,
        lifecycle: &Lifecycle,
        place: Place<'_, 'p>,
        diagnostics: &mut Diagnostics,
    ) -> bool {
        let attribute = lifecycle.create_before_destroy.as_ref();
        attribute.and_then(|attribute| self.value(attribute, &Type::Bool, place, diagnostics))
            == Some(Value::Bool(true))
    }

    /// Returns the place that forbids destruction, if one does. What cannot be told protects: deleting by mistake is
    /// the worse of the two.
    pub(super) fn prevent_destroy(
        &self,
        lifecycle: &Lifecycle,
        place: Place<'_, 'p>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Span> {
        let attribute = lifecycle.prevent_destroy.as_ref()?;
        let is_off = match self.value(attribute, &Type::Bool, place, diagnostics) {
            Some(Value::Bool(false) | Value::Null(_)) => true,
            Some(_) | None => false,
        };
        (!is_off).then(|| attribute.span())
    }

    fn value(
        &self,
        attribute: &Attribute,
        ty: &Type,
        place: Place<'_, 'p>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Value> {
        if let Some(value) = config::constant(&attribute.expr) {
            return Some(value);
        }
        let statics = self.module(place.path, place)?;
        statics.require(attribute, ty, place.instance, diagnostics).map(|evaluated| evaluated.value)
    }

    /// Returns a module instance, with what its callers give it.
    fn module(&self, path: &ModulePath, place: Place<'_, 'p>) -> Option<Statics<'p>> {
        let (Some(parent), Some(step)) = (path.parent(), path.steps().last()) else { return Some(self.root.clone()) };
        if let Some(known) = self.modules.borrow().get(path) {
            return known.clone();
        }
        let called = place.tree.get(place.tree.find(&parent)?);
        let instance = place.world.find(path).map(|at: InModule| place.world.call_values(at));
        let outer = self.module(&parent, place)?;
        let statics = called.module.calls.get(&step.name).and_then(|call| outer.child(call, instance));
        self.modules.borrow_mut().insert(path.clone(), statics.clone());
        statics
    }
}
