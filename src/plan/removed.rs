//! What `removed` blocks say about objects whose blocks are gone.

use std::collections::HashMap;

use loam_provider::{OnDestroy, Str, Type, Value};

use super::{Basics, order::block_of};
use crate::{
    addr::{Instance, Mode},
    config::{BlockName, Removed},
    diag::{Diagnostic, Diagnostics},
    eval::Statics,
    source::Span,
};

/// The `removed` blocks of a configuration, by what they are about.
#[derive(Debug, Default)]
pub(super) struct Removals {
    by_place: HashMap<(Vec<Str>, Option<BlockName>), Removal>,
}

/// What one block says.
#[derive(Debug, Clone, Copy)]
struct Removal {
    /// What becomes of the things; `None` where that is as it was recorded with each.
    on_destroy: Option<OnDestroy>,
    span: Span,
}

impl Removals {
    /// Collects what every module of a configuration says, and reports what contradicts it.
    pub(super) fn of(basics: &Basics<'_>, diagnostics: &mut Diagnostics) -> Self {
        let root = std::sync::Arc::clone(&basics.config.root);
        let statics = Statics::new(root, basics.variables, basics.paths.clone(), basics.files);
        let mut removals = Self::default();
        removals.collect(&statics, &mut Vec::new(), diagnostics);
        removals
    }

    fn collect(&mut self, statics: &Statics<'_>, within: &mut Vec<Str>, diagnostics: &mut Diagnostics) {
        for removed in &statics.module().removed {
            self.add(removed, statics, within, diagnostics);
        }
        for (name, call) in &statics.module().calls {
            if let Some(called) = statics.child(call, None) {
                within.push(name.clone());
                self.collect(&called, within, diagnostics);
                within.pop();
            }
        }
    }

    fn add(&mut self, removed: &Removed, statics: &Statics<'_>, within: &[Str], diagnostics: &mut Diagnostics) {
        let steps: Vec<Str> = removed.from.module.iter().map(|step| step.name.clone()).collect();
        let block = removed.from.block.as_ref().map(|block| block.name.clone());
        let mut names: Vec<String> = steps.iter().map(|name| format!("module.{name}")).collect();
        names.extend(block.as_ref().map(ToString::to_string));
        let name = names.join(".");
        if block.as_ref().is_some_and(|block| block.mode == Mode::Data) {
            let detail = format!("`{name}` is a data source: nothing of it is recorded, so nothing has to be let go.");
            let hint = "Remove this `removed` block.";
            diagnostics.push(Diagnostic::error("Invalid removal", removed.from.span, detail).hint(hint));
            return;
        }
        if is_declared(statics, &steps, block.as_ref()) {
            let detail = format!("This block says that `{name}` was removed, but the configuration still has it.");
            let hint = format!("Remove the block of `{name}`, or this `removed` block.");
            diagnostics.push(Diagnostic::error("Removed and still declared", removed.span, detail).hint(hint));
            return;
        }
        let on_destroy = match &removed.destroy {
            None => None,
            Some(attribute) => match statics.require(attribute, &Type::Bool, None, diagnostics) {
                Some(destroy) if destroy.value == Value::Bool(true) => Some(OnDestroy::Delete),
                Some(destroy) if destroy.value.is_null() => None,
                // What cannot be read keeps: deleting by mistake is the worse of the two.
                Some(_) | None => Some(OnDestroy::Retain),
            },
        };
        let removal = Removal { on_destroy, span: removed.span };
        let place = (within.iter().cloned().chain(steps).collect(), block);
        let first = self.by_place.entry(place).or_insert(removal);
        if first.span != removal.span && first.on_destroy != removal.on_destroy {
            let detail = format!("Another `removed` block says something else about `{name}`.");
            diagnostics.push(
                Diagnostic::error("Contradictory removals", removed.span, detail)
                    .related(first.span, "the other one")
                    .hint("Keep one of them."),
            );
        }
    }

    /// Returns what a block says becomes of the thing at an address: the block that says most about it.
    pub(super) fn fate(&self, addr: &Instance) -> Fate {
        if self.by_place.is_empty() {
            return Fate::Unmentioned;
        }
        let names: Vec<Str> = addr.resource.module.steps().iter().map(|step| step.name.clone()).collect();
        let mut place = (names, Some(block_of(addr)));
        loop {
            if let Some(removal) = self.by_place.get(&place) {
                return removal.on_destroy.map_or(Fate::AsRecorded, Fate::Says);
            }
            if place.1.take().is_none() && place.0.pop().is_none() {
                return Fate::Unmentioned;
            }
        }
    }
}

/// What `removed` blocks say about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// None is about it.
    Unmentioned,
    /// It was removed, and what becomes of the thing is as it was recorded with it.
    AsRecorded,
    /// It was removed, and this becomes of the thing.
    Says(OnDestroy),
}

/// Returns whether a module still has what leads from it to something.
fn is_declared(statics: &Statics<'_>, steps: &[Str], block: Option<&BlockName>) -> bool {
    let mut module = std::sync::Arc::clone(statics.module());
    for (at, name) in steps.iter().enumerate() {
        let Some(call) = module.calls.get(name) else { return false };
        if at + 1 == steps.len() && block.is_none() {
            return true;
        }
        let Some(called) = call.module.clone() else { return false };
        module = called;
    }
    block.is_some_and(|block| module.resources.contains_key(block))
}
