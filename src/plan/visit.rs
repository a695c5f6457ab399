//! Visits every block in dependency order and collects what happens to its objects.

use std::collections::{BTreeMap, BTreeSet};

use loam_provider::{Known, OnDestroy, Path, Str, Value};

use super::{
    Basics, Basis, Change, FORMAT, Input, Mode, Move, ObjectChange, Origin, OutputChange, Plan, Reason, ReplaceOrder,
    check::{self, Stage},
    decide::{self, Calls, Case},
    meta, moves,
    order::Order,
    removed::{Fate, Removals},
    secret, steps,
    trigger::{self, Triggers},
    validate,
    world::World,
};
use crate::{
    addr::{Instance, Mode as BlockMode, ModulePath, Resource as Address},
    config::{BlockName, Module, Node, Output, ProviderName, Resource},
    diag::{Diagnostic, Diagnostics},
    eval::{self, Evaluated},
    event::Secrets,
    host::ProviderRef,
    refresh::Observation,
    state::{Condition, Slot, Stored},
};

/// Visits a configuration with the state as it is once `moves` are done.
pub(super) async fn visit(basics: Basics<'_>, moves: Vec<Move>) -> (Plan, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut visit = Visit::new(basics, moves, &mut diagnostics);
    let order = match visit.basics.options.mode {
        Mode::Destroy => {
            visit.destroy(&mut diagnostics);
            None
        }
        Mode::Apply => match Order::of(&visit.basics.config.root) {
            Ok(order) => {
                visit.blocks(&order, &mut diagnostics).await;
                visit.leftovers(&mut diagnostics);
                moves::still_declared(&visit.basics.config.root, &visit.seen, &mut diagnostics);
                Some(order)
            }
            Err(cycles) => {
                diagnostics.extend(cycles);
                None
            }
        },
    };
    (visit.finish(order.as_ref()), diagnostics)
}

/// A plan in the making.
struct Visit<'p> {
    basics: Basics<'p>,
    stored: BTreeMap<&'p Slot, &'p Stored>,
    world: World<'p>,
    changes: Vec<ObjectChange>,
    seen: BTreeSet<Instance>,
    /// The positions of the changes of objects that are changed or replaced.
    changed: BTreeMap<Instance, usize>,
    unchanged: usize,
    outputs: BTreeMap<Str, OutputChange>,
    /// The secrets among the variables.
    secrets: Secrets,
    removals: Removals,
    moves: Vec<Move>,
    /// Where each address that moved was before.
    origins: BTreeMap<Instance, Instance>,
}

impl<'p> Visit<'p> {
    fn new(basics: Basics<'p>, moves: Vec<Move>, diagnostics: &mut Diagnostics) -> Self {
        let removals = Removals::of(&basics, diagnostics);
        let world = World::new(&basics.config.root, basics.files, basics.paths.clone(), basics.variables);
        Self {
            stored: basics.objects.iter().map(|stored| (&stored.object.slot, stored)).collect(),
            world,
            changes: Vec::new(),
            seen: BTreeSet::new(),
            changed: BTreeMap::new(),
            unchanged: 0,
            outputs: BTreeMap::new(),
            secrets: Evaluated::secrets(basics.variables.values()),
            origins: moves::origins(&moves),
            moves,
            removals,
            basics,
        }
    }

    async fn blocks(&mut self, order: &Order, diagnostics: &mut Diagnostics) {
        let module: &'p Module = &self.basics.config.root;
        let needed = order.blocks_needed();
        let create_first = create_first(module, order, &needed);
        for (at, node) in order.sequence() {
            if self.basics.options.cancel.is_cancelled() {
                diagnostics.push(decide::interrupted());
                return;
            }
            self.world.publish(needed[at].iter());
            match node {
                Node::Variable(_) | Node::Provider(_) => {}
                Node::Local(name) => self.world.evaluate_local(name, diagnostics),
                Node::Output(name) => self.output(&module.outputs[name], diagnostics),
                Node::Block(name) => {
                    let block = &module.resources[name];
                    let replace_order =
                        if create_first[at] { ReplaceOrder::CreateFirst } else { ReplaceOrder::DeleteFirst };
                    let dependencies: Vec<Address> =
                        needed[at].iter().filter(|needed| *needed != name).map(address).collect();
                    self.block(block, &dependencies, replace_order, diagnostics).await;
                }
            }
        }
        eval::validations(module, &self.world.scope(), diagnostics);
        for name in self.basics.outputs.iter().map(|output| &output.name) {
            if !module.outputs.contains_key(name) {
                self.drop_output(name);
            }
        }
    }

    async fn block(
        &mut self,
        block: &'p Resource,
        dependencies: &[Address],
        order: ReplaceOrder,
        diagnostics: &mut Diagnostics,
    ) {
        let mut found = Diagnostics::default();
        if self.try_block(block, dependencies, order, &mut found).await.is_none() {
            self.world.set_block(&block.name, Evaluated::unknown());
            // Nothing of a block that could not be planned is to be taken for removed.
            let address = address(&block.name);
            let stored = self.basics.objects.iter().map(|stored| &stored.object.slot.addr);
            self.seen.extend(stored.filter(|addr| addr.resource == address).cloned());
        }
        found.set_address(&address(&block.name));
        diagnostics.extend(found);
    }

    async fn try_block(
        &mut self,
        block: &'p Resource,
        dependencies: &[Address],
        order: ReplaceOrder,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        if block.name.mode == BlockMode::Data {
            diagnostics.push(validate::no_data_source(block));
            return None;
        }
        let provider = self.provider(block, diagnostics)?;
        let kind = self.basics.host.kind(&block.name.kind)?;
        let expansion = self.world.expand(&block.name, diagnostics)?;
        self.world.declare(&block.name, expansion.shape);
        for (key, instance) in expansion.instances {
            let addr = address(&block.name).instance(key.clone());
            self.seen.insert(addr.clone());
            let mut found = Diagnostics::default();
            let scope = self.world.instance_scope(&instance);
            check::checks("Precondition failed", &block.lifecycle.preconditions, &scope, Stage::Plan, &mut found);
            let config = eval::body(&block.body, &kind.schema, &block.name.kind, block.span, &scope, &mut found);
            if found.has_errors() {
                found.set_address(&addr);
                diagnostics.extend(found);
                self.world.set_object(&block.name, &key, Evaluated::unknown());
                continue;
            }
            let slot = Slot::current(addr.clone());
            let mut forced = trigger::reasons(block, &self.world.instance_scope(&instance), &self.triggers());
            if self.basics.options.replace.contains(&addr) {
                forced.push(Reason::Requested);
            }
            let case = Case {
                block,
                kind,
                provider: provider.clone(),
                config,
                stored: self.stored.get(&slot).copied(),
                observed: self.basics.observed.of(&slot),
                dependencies,
                order,
                forced,
                addr: addr.clone(),
            };
            let calls = Calls {
                host: self.basics.host,
                state_id: self.basics.meta.state_id.clone(),
                cancel: self.basics.options.cancel.clone(),
                clock: self.basics.options.clock,
                secrets: self.secrets.clone(),
            };
            let decided = decide::decide(case, &calls).await;
            if self.basics.options.cancel.is_cancelled() {
                // Told once, and not for every object.
                return Some(());
            }
            let object = match decided {
                Ok(mut change) => {
                    change.origin = change.origin.take().or_else(|| self.moved_from(&addr));
                    let after = change.change.after().cloned().unwrap_or(Value::Unknown(loam_provider::Type::Any));
                    let object = Evaluated::new(after, eval::Marks::at_paths(change.sensitive.iter().cloned()));
                    self.guard(block, &change, &mut found);
                    let with_self = eval::InstanceValues { self_object: Some(object.clone()), ..instance };
                    let scope = self.world.instance_scope(&with_self);
                    check::checks(
                        "Postcondition failed",
                        &block.lifecycle.postconditions,
                        &scope,
                        Stage::Plan,
                        &mut found,
                    );
                    self.take(change);
                    object
                }
                Err(diagnostic) => {
                    found.push(*diagnostic);
                    Evaluated::unknown()
                }
            };
            found.set_address(&addr);
            diagnostics.extend(found);
            self.world.set_object(&block.name, &key, object);
        }
        Some(())
    }

    /// Refuses what `prevent_destroy` forbids.
    fn guard(&self, block: &Resource, change: &ObjectChange, diagnostics: &mut Diagnostics) {
        let Some(span) = meta::prevent_destroy(&block.lifecycle) else { return };
        if let Change::Replace { because, .. } = &change.change {
            let why = match because.first() {
                Some(Reason::CannotUpdate { cause }) => {
                    format!(", because `{}` cannot be changed in place", cause.path)
                }
                Some(_) | None => String::new(),
            };
            let detail =
                format!("The plan would destroy `{}` to make it again{why}, but its block forbids that.", change.addr);
            diagnostics.push(
                Diagnostic::error("Destruction prevented", span, detail)
                    .hint("Undo the change that forces the replacement, or remove `prevent_destroy`."),
            );
        }
    }

    /// Keeps a change, unless nothing has to be written for it.
    fn take(&mut self, change: ObjectChange) {
        if change.is_effective() {
            if matches!(change.change, Change::Update { .. } | Change::Replace { .. }) {
                self.changed.insert(change.addr.clone(), self.changes.len());
            }
            self.unchanged += usize::from(!change.change.is_effective());
            self.changes.push(change);
            return;
        }
        self.unchanged += 1;
        let stored = self.stored.get(&Slot::current(change.addr.clone()));
        let is_recorded = stored.is_some_and(|stored| {
            let object = &stored.object;
            change.drift.is_none()
                && object.sensitive == change.secret
                && object.replace_order == change.replace_order
                && object.on_destroy == change.on_destroy
                && object.dependencies == change.dependencies
        });
        if !is_recorded {
            self.changes.push(change);
        }
    }

    fn provider(&self, block: &Resource, diagnostics: &mut Diagnostics) -> Option<ProviderRef> {
        let named = block.provider.as_ref().map(|choice| reference(&choice.name));
        let configured: BTreeSet<ProviderRef> = self.basics.config.root.providers.keys().map(reference).collect();
        match self.basics.host.offers().provider_of(&block.name.kind, named.as_ref(), &configured) {
            Ok(provider) => Some(provider),
            Err(error) => {
                diagnostics.push(validate::no_provider(block, self.basics.host.offers(), &error));
                None
            }
        }
    }

    fn triggers(&self) -> Triggers<'_> {
        Triggers { module: &self.basics.config.root, changed: &self.changed, changes: &self.changes }
    }

    fn output(&mut self, output: &Output, diagnostics: &mut Diagnostics) {
        let mut found = Diagnostics::default();
        let scope = self.world.scope();
        check::checks("Precondition failed", &output.preconditions, &scope, Stage::Plan, &mut found);
        let evaluated = eval::expr(&output.value.expr, &scope, &mut found);
        if let Some(leak) = check::leak(output, &evaluated.marks) {
            found.push(leak);
        }
        diagnostics.extend(found);
        let before = self.basics.outputs.iter().find(|stored| stored.name == output.name);
        let mut sensitive: BTreeSet<Path> = evaluated.marks.paths().cloned().collect();
        if output.sensitive {
            sensitive = BTreeSet::from([Path::root()]);
        }
        let change = OutputChange {
            before: before.map(|stored| stored.value.clone()),
            after: Some(evaluated.value),
            sensitive: sensitive.into_iter().collect(),
        };
        if change.is_effective() {
            self.outputs.insert(output.name.clone(), change);
        }
    }

    fn drop_output(&mut self, name: &Str) {
        let Some(stored) = self.basics.outputs.iter().find(|stored| stored.name == *name) else { return };
        let change =
            OutputChange { before: Some(stored.value.clone()), after: None, sensitive: stored.sensitive.clone() };
        self.outputs.insert(name.clone(), change);
    }

    /// Removes what the configuration no longer has, and what a replacement left behind.
    fn leftovers(&mut self, diagnostics: &mut Diagnostics) {
        let module = &self.basics.config.root;
        for stored in self.basics.objects {
            let slot = &stored.object.slot;
            if slot.deposed.is_none() && self.seen.contains(&slot.addr) {
                continue;
            }
            let because = if slot.deposed.is_some() {
                Reason::Deposed
            } else if self.removals.fate(&slot.addr) != Fate::Unmentioned {
                Reason::RemovedBlock
            } else if module.resources.contains_key(&block_of(&slot.addr)) {
                Reason::InstanceRemoved
            } else {
                Reason::BlockRemoved
            };
            self.remove(stored, because, diagnostics);
        }
    }

    fn destroy(&mut self, diagnostics: &mut Diagnostics) {
        for stored in self.basics.objects {
            self.remove(stored, Reason::Destroy, diagnostics);
        }
        for output in self.basics.outputs {
            self.drop_output(&output.name);
        }
    }

    fn remove(&mut self, stored: &Stored, because: Reason, diagnostics: &mut Diagnostics) {
        let object = &stored.object;
        let block = self.basics.config.root.resources.get(&block_of(&object.slot.addr));
        // What the block says now counts; once it is gone, what it said last.
        let says = block.and_then(|block| {
            meta::on_destroy(block).or_else(|| self.basics.host.kind(&block.name.kind).map(|kind| kind.on_destroy))
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
        if let (Change::Delete { .. }, None, Some(span)) =
            (&change, &object.slot.deposed, block.and_then(|block| meta::prevent_destroy(&block.lifecycle)))
        {
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
        let drift = (before != object.attributes).then(|| super::Drift { recorded: object.attributes.clone() });
        self.changes.push(ObjectChange {
            addr: object.slot.addr.clone(),
            deposed: object.slot.deposed.clone(),
            provider,
            change,
            sensitive: match self.basics.host.kind(&object.kind) {
                Some(kind) => {
                    let recorded = object.sensitive.iter().cloned();
                    secret::paths(&kind.schema, before.value(), recorded, &self.secrets).into_iter().collect()
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

    /// Returns where an object comes from whose address changes.
    fn moved_from(&self, addr: &Instance) -> Option<Origin> {
        self.origins.get(addr).map(|from| Origin::Moved { from: from.clone() })
    }

    fn finish(mut self, order: Option<&Order>) -> Plan {
        self.changes.sort_by(|a, b| (&a.addr, &a.deposed).cmp(&(&b.addr, &b.deposed)));
        let steps = steps::steps(&self.changes, self.basics.objects, order);
        let variables = self.basics.variables.iter().map(|(name, evaluated)| {
            let sensitive = evaluated.marks.paths().cloned().collect();
            (name.clone(), Input { value: evaluated.value.clone(), sensitive })
        });
        Plan {
            basis: Basis {
                format: FORMAT,
                loam: self.basics.options.version.clone(),
                state_id: self.basics.meta.state_id.clone(),
                serial: self.basics.meta.serial.0,
                config: self.basics.config.digest.clone(),
            },
            mode: self.basics.options.mode,
            changes: self.changes,
            unchanged: self.unchanged,
            outputs: self.outputs,
            steps,
            variables: variables.collect(),
            moves: self.moves,
            data: Vec::new(),
            checks: Vec::new(),
        }
    }
}

fn removal(on_destroy: OnDestroy, before: Known, because: Reason) -> Change {
    match on_destroy {
        OnDestroy::Delete => Change::Delete { before, because },
        OnDestroy::Retain => Change::Forget { before, because },
    }
}

/// Returns, for each node, whether its block is replaced by making the new object first: because it says so, or
/// because something made from it does, which could not be made first otherwise.
fn create_first(module: &Module, order: &Order, needed: &[std::rc::Rc<BTreeSet<BlockName>>]) -> Vec<bool> {
    let mut create_first = vec![false; order.len()];
    let places: Vec<usize> = order.sequence().map(|(at, _)| at).collect();
    for at in places.into_iter().rev() {
        let Node::Block(name) = order.node(at) else { continue };
        if create_first[at] || meta::create_before_destroy(&module.resources[name].lifecycle) {
            create_first[at] = true;
            for need in needed[at].iter() {
                if let Some(place) = order.place(&Node::Block(need.clone())) {
                    create_first[place] = true;
                }
            }
        }
    }
    create_first
}

/// Returns the address of a block of the root module.
pub(crate) fn address(block: &BlockName) -> Address {
    Address { module: ModulePath::root(), mode: block.mode, kind: block.kind.clone(), name: block.name.clone() }
}

/// Returns the name of the block that an address is an instance of.
pub(crate) fn block_of(addr: &Instance) -> BlockName {
    let Address { mode, kind, name, .. } = &addr.resource;

    BlockName { mode: *mode, kind: kind.clone(), name: name.clone() }
}

/// Returns the provider that a configuration names.
pub(crate) fn reference(name: &ProviderName) -> ProviderRef {
    ProviderRef { name: name.name.clone(), alias: name.alias.clone() }
}
