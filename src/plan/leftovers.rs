//! What happens to objects that the configuration does not have, or not any more.

use loam_provider::{Known, OnDestroy};

use super::{Change, Drift, ObjectChange, Reason, decide, meta::Place, order, removed::Fate, secret, visit::Visit};
use crate::{
    addr::Instance,
    config::{Member, Resource},
    diag::{Diagnostic, Diagnostics},
    refresh::Observation,
    state::{Condition, Stored},
};

impl<'p> Visit<'p> {
    /// Removes what the configuration no longer has, and what a replacement left behind.
    pub(super) fn leftovers(&mut self, diagnostics: &mut Diagnostics) {
        for stored in self.basics.objects {
            let slot = &stored.object.slot;
            let addr = &slot.addr;
            // Nothing of what could not be planned is to be taken for removed.
            let is_undecided =
                || self.undecided.contains(&addr.resource) || self.world.is_undecided(&addr.resource.module);
            if slot.deposed.is_none() && (self.seen.contains(addr) || is_undecided()) {
                continue;
            }
            let because = if slot.deposed.is_some() {
                Reason::Deposed
            } else if self.removals.fate(addr) != Fate::Unmentioned {
                Reason::RemovedBlock
            } else if self.block_of(addr).is_some() {
                Reason::InstanceRemoved
            } else {
                Reason::BlockRemoved
            };
            self.remove(stored, because, diagnostics);
        }
    }

    pub(super) fn destroy(&mut self, diagnostics: &mut Diagnostics) {
        // What blocks say may depend on which instance of a module they stand in.
        let order = std::rc::Rc::clone(&self.order);
        let calls = order.sequence().filter(|(_, node)| matches!(node.member, Member::Call(_))).map(|(at, _)| at);
        let calls: Vec<usize> = calls.collect();
        for value in order.values_needed(calls.iter().copied()).into_iter().chain(calls) {
            self.world.evaluate(value, &mut Diagnostics::default());
        }
        for stored in self.basics.objects {
            self.remove(stored, Reason::Destroy, diagnostics);
        }
        for output in self.basics.outputs {
            self.drop_output(&output.name);
        }
    }

    fn remove(&mut self, stored: &Stored, because: Reason, diagnostics: &mut Diagnostics) {
        let object = &stored.object;
        let block = self.block_of(&object.slot.addr);
        // What the block says now counts; once it is gone, what it said last.
        let path = &object.slot.addr.resource.module;
        let place = Place { tree: self.order.tree(), world: &self.world, path, instance: None };
        // What cannot be told any more without its instance falls back on what is safe.
        let mut untold = Diagnostics::default();
        let says = block.and_then(|block| match &block.on_destroy {
            Some(_) => self.meta.on_destroy(block, place, &mut untold),
            None => self.basics.host.kind(&block.name.kind).map(|kind| kind.on_destroy),
        });
        let is_unfinished = match object.condition {
            Condition::Ready => false,
            Condition::Tainted | Condition::Partial => true,
        };
        let fate = self.removals.fate(&object.slot.addr);
        let says = match fate {
            Fate::Says(on_destroy) => Some(on_destroy),
            Fate::AsRecorded | Fate::Unmentioned => says,
        };
        let on_destroy = match says.unwrap_or(object.on_destroy) {
            // It was to be replaced because it was never finished.
            OnDestroy::Retain if is_unfinished && object.slot.deposed.is_some() => OnDestroy::Delete,
            on_destroy => on_destroy,
        };
        let (before, change) = match self.basics.observed.of(&object.slot) {
            Some(Observation::Gone) => {
                let before = object.attributes.clone();
                (before.clone(), Change::Forget { before, because: Reason::Gone })
            }
            Some(Observation::Present(current)) => (current.clone(), removal(on_destroy, current.clone(), because)),
            None => (object.attributes.clone(), removal(on_destroy, object.attributes.clone(), because)),
            // What is only forgotten need not be read; its provider may be gone too.
            Some(Observation::Failed(_)) if fate == Fate::Says(OnDestroy::Retain) => {
                (object.attributes.clone(), removal(on_destroy, object.attributes.clone(), because))
            }
            Some(Observation::Failed(trouble)) => {
                let detail = decide::sentence(&trouble.message);
                diagnostics.push(
                    Diagnostic::error_nowhere("Refresh failed", detail)
                        .address(&object.slot)
                        .maybe_hint(trouble.hint.clone())
                        .hint("With `--refresh=false` the plan starts from what was recorded."),
                );
                return;
            }
        };
        if let (Change::Delete { .. }, None, Some(span)) = (
            &change,
            &object.slot.deposed,
            block.and_then(|block| self.meta.prevent_destroy(&block.lifecycle, place, &mut untold)),
        ) {
            let detail = format!("`{}` would be destroyed, but its block forbids that.", object.slot.addr);
            diagnostics.push(
                Diagnostic::error("Destruction prevented", span, detail)
                    .address(&object.slot.addr)
                    .hint("Remove `prevent_destroy` first."),
            );
            return;
        }
        let Ok(provider) = object.provider.parse() else {
            let detail = format!("The state names `{}` as the provider of `{}`.", object.provider, object.slot);
            diagnostics.push(Diagnostic::error_nowhere("Invalid state", detail));
            return;
        };
        let drift = (before != object.attributes).then(|| Drift { recorded: object.attributes.clone() });
        self.changes.push(ObjectChange {
            addr: object.slot.addr.clone(),
            deposed: object.slot.deposed.clone(),
            provider,
            change,
            sensitive: match self.basics.host.kind(&object.kind) {
                Some(kind) => {
                    let recorded = object.sensitive.iter().cloned();
                    secret::paths(&kind.schema, before.value(), recorded, self.world.secrets()).into_iter().collect()
                }
                None => object.sensitive.clone(),
            },
            secret: object.sensitive.clone(),
            drift,
            notes: Vec::new(),
            ineffective: Vec::new(),
            on_destroy,
            replace_order: object.replace_order,
            dependencies: object.dependencies.clone(),
            origin: self.moved_from(&object.slot.addr),
            has_open_conditions: false,
        });
    }

    /// Returns the block that an address is an instance of, in whichever instance of its module.
    fn block_of(&self, addr: &Instance) -> Option<&'p Resource> {
        let tree = self.order.tree();
        let module = tree.get(tree.find(&addr.resource.module)?).module;
        module.resources.get(&order::block_name(&addr.resource))
    }
}

fn removal(on_destroy: OnDestroy, before: Known, because: Reason) -> Change {
    match on_destroy {
        OnDestroy::Delete => Change::Delete { before, because },
        OnDestroy::Retain => Change::Forget { before, because },
    }
}
