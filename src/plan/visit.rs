//! Visits every block in dependency order and collects what happens to its objects.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use loam_provider::{Path, Str, Value};

use super::{
    Basics, Basis, Change, CheckResult, FORMAT, Fetched, Input, Mode, Move, ObjectChange, Origin, OutputChange, Plan,
    Reason, ReplaceOrder,
    check::{self, Stage, Told},
    choice,
    decide::{self, Calls, Case},
    imports::{self, Imports},
    meta::{Meta, Place},
    moves,
    order::{self, Order},
    removed::Removals,
    steps,
    trigger::{self, Triggers},
    validate,
    world::{self, InModule, World},
};
use crate::{
    addr::{Instance, Mode as BlockMode, Resource as Address},
    config::{Member, ModuleId, Node, Output, Resource},
    diag::{Diagnostic, Diagnostics},
    eval::{self, Evaluated, Scope},
    host::ProviderRef,
    state::{Slot, Stored},
};

/// Visits a configuration with the state as it is once `moves` are done.
pub(super) async fn visit(basics: Basics<'_>, moves: Vec<Move>) -> (Plan, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let order = match Order::of(&basics.config.root) {
        Ok(order) => Rc::new(order),
        Err(cycles) => return (finish(&basics, Parts::default(), None), cycles),
    };
    let mut visit = Visit::new(basics, moves, Rc::clone(&order), &mut diagnostics);
    let made_in = match visit.basics.options.mode {
        Mode::Destroy => {
            visit.destroy(&mut diagnostics);
            None
        }
        Mode::Apply => {
            visit.blocks(&mut diagnostics).await;
            visit.leftovers(&mut diagnostics);
            visit.imports.unmet(&visit.seen, &visit.undecided, &mut diagnostics);
            visit.assertions(&mut diagnostics).await;
            moves::still_declared(&visit.basics.config.root, &visit.seen, &mut diagnostics);
            Some(&*order)
        }
    };
    let Visit { basics, changes, unchanged, outputs, moves, data, checks, .. } = visit;
    let plan = finish(&basics, Parts { changes, unchanged, outputs, moves }, made_in);
    (Plan { data, checks, ..plan }, diagnostics)
}

/// A plan in the making.
pub(super) struct Visit<'p> {
    pub(super) basics: Basics<'p>,
    pub(super) order: Rc<Order<'p>>,
    stored: BTreeMap<&'p Slot, &'p Stored>,
    pub(super) world: World<'p>,
    pub(super) changes: Vec<ObjectChange>,
    pub(super) seen: BTreeSet<Instance>,
    /// Blocks of which nobody can say what instances they have.
    pub(super) undecided: BTreeSet<Address>,
    /// The positions of the changes of objects that are changed or replaced.
    changed: BTreeMap<Instance, usize>,
    unchanged: usize,
    pub(super) outputs: BTreeMap<Str, OutputChange>,
    /// The configured providers.
    configured: Rc<BTreeSet<ProviderRef>>,
    pub(super) removals: Removals,
    imports: Imports,
    /// Blocks of which something will change. Their addresses name no instances of modules.
    pub(super) pending: BTreeSet<Address>,
    /// What data sources told.
    pub(super) data: Vec<Fetched>,
    pub(super) checks: Vec<CheckResult>,
    pub(super) meta: Meta<'p>,
    moves: Vec<Move>,
    /// Where each address that moved was before.
    origins: BTreeMap<Instance, Instance>,
}

/// What all instances of a block have in common.
pub(super) struct Common<'v, 'p> {
    /// Its place in the order.
    pub(super) node: usize,
    pub(super) block: &'p Resource,
    pub(super) dependencies: &'v [Address],
    order: ReplaceOrder,
}

impl<'p> Visit<'p> {
    fn new(basics: Basics<'p>, moves: Vec<Move>, order: Rc<Order<'p>>, diagnostics: &mut Diagnostics) -> Self {
        let removals = Removals::of(&basics, diagnostics);
        let imports = match basics.options.mode {
            Mode::Apply => Imports::of(&basics, diagnostics),
            Mode::Destroy => Imports::default(),
        };
        let configured: Rc<BTreeSet<ProviderRef>> = Rc::new(basics.host.configured().cloned().collect());
        let calls = world::Calls::Expanded(Some(Rc::clone(&configured)));
        let world = World::new(Rc::clone(&order), basics.files, &basics.paths, basics.variables, calls)
            .at(eval::Stage::Plan { planned: basics.options.clock.timestamp() });
        Self {
            stored: basics.objects.iter().map(|stored| (&stored.object.slot, stored)).collect(),
            world,
            order,
            changes: Vec::new(),
            seen: BTreeSet::new(),
            undecided: BTreeSet::new(),
            changed: BTreeMap::new(),
            unchanged: 0,
            outputs: BTreeMap::new(),
            configured,
            origins: moves::origins(&moves),
            moves,
            removals,
            imports,
            pending: BTreeSet::new(),
            data: Vec::new(),
            checks: Vec::new(),
            meta: Meta::new(&basics),
            basics,
        }
    }

    async fn blocks(&mut self, diagnostics: &mut Diagnostics) {
        let order = Rc::clone(&self.order);
        let needed = order.blocks_needed();
        let create_first = self.create_first(&needed);
        for (at, Node { module, member }) in order.sequence() {
            if self.basics.options.cancel.is_cancelled() {
                diagnostics.push(decide::interrupted());
                return;
            }
            let called = order.tree().get(*module);
            match member {
                Member::Variable(_) | Member::Local(_) | Member::Call(_) => self.world.evaluate(at, diagnostics),
                Member::Provider(_) | Member::All => {}
                Member::Output(name) if *module == ModuleId::ROOT => {
                    self.world.publish(self.world.nth(ModuleId::ROOT, 0), &order.reads(at));
                    self.output(&called.module.outputs[name], diagnostics);
                }
                Member::Output(_) => self.world.evaluate(at, diagnostics),
                Member::Block(name) => {
                    let own = order::address(name, &called.path);
                    // What is read is not in the state; what it is read from stands for it.
                    let is_wanted =
                        |needed: &&Address| name.mode == BlockMode::Data || needed.mode == BlockMode::Managed;
                    let others = needed[at].iter().filter(|needed| **needed != own).filter(is_wanted);
                    let dependencies: Vec<Address> = others.cloned().collect();
                    let order = if create_first[at] { ReplaceOrder::CreateFirst } else { ReplaceOrder::DeleteFirst };
                    let block = &called.module.resources[name];
                    let common = Common { node: at, block, dependencies: &dependencies, order };
                    self.block(*module, &common, diagnostics).await;
                }
            }
        }
        let module = &self.basics.config.root;
        for name in self.basics.outputs.iter().map(|output| &output.name) {
            if !module.outputs.contains_key(name) {
                self.drop_output(name);
            }
        }
    }

    /// Visits a block in every instance of its module.
    async fn block(&mut self, module: ModuleId, common: &Common<'_, 'p>, diagnostics: &mut Diagnostics) {
        let reads = self.order.reads(common.node);
        let name = &common.block.name;
        for nth in 0..self.world.count(module) {
            let at = self.world.nth(module, nth);
            self.world.publish(at, &reads);
            let address = order::address(name, self.world.path(at));
            let mut found = Diagnostics::default();
            if self.try_block(at, &address, common, &mut found).await.is_none() {
                self.world.set_block(at, name, Evaluated::unknown());
                self.undecided.insert(address.clone());
            }
            found.set_address(&address);
            diagnostics.extend(found);
            if self.basics.options.cancel.is_cancelled() {
                return;
            }
        }
    }

    async fn try_block(
        &mut self,
        at: InModule,
        address: &Address,
        common: &Common<'_, 'p>,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        if common.block.name.mode == BlockMode::Data {
            return self.try_data(at, address, common, diagnostics).await;
        }
        let Common { node, block, dependencies, order } = *common;
        let configuration = self.configuration(at, block, diagnostics)?;
        let kind = self.basics.host.kind(&block.name.kind)?;
        let expansion = self.world.expand(at, node, &block.repeat, diagnostics)?;
        self.world.declare(at, &block.name, expansion.shape);
        diagnostics.extend(check::ignored(block, &kind.schema));
        for (key, instance) in expansion.instances {
            let addr = address.instance(key.clone());
            self.seen.insert(addr.clone());
            let mut found = Diagnostics::default();
            let scope = self.world.scope(at).with_instance(&instance);
            let provider = self.provider(&configuration, block, &scope, &mut found);
            let before =
                check::checks("Precondition failed", &block.lifecycle.preconditions, &scope, Stage::Plan, &mut found);
            let config = eval::body(&block.body, &kind.schema, &block.name.kind, block.span, &scope, &mut found);
            found.extend(check::kept(block, &kind.schema, &config));
            let provider = match provider {
                Some(provider) if !found.has_errors() => provider,
                Some(_) | None => {
                    found.set_address(&addr);
                    diagnostics.extend(found);
                    self.world.set_object(at, &block.name, &key, Evaluated::unknown());
                    continue;
                }
            };
            let slot = Slot::current(addr.clone());
            let mut forced = trigger::reasons(block, &scope, &self.triggers(at));
            if self.basics.options.replace.contains(&addr) {
                forced.push(Reason::Requested);
            }
            let place = self.place(at, &instance);
            let on_destroy = self.meta.on_destroy(block, place, &mut found);
            let is_made_first = self.meta.create_before_destroy(&block.lifecycle, place, &mut found);
            let order = if is_made_first { ReplaceOrder::CreateFirst } else { order };
            let mut case = Case {
                on_destroy,
                block,
                kind,
                provider,
                config,
                stored: self.stored.get(&slot).copied(),
                found: None,
                observed: self.basics.observed.of(&slot),
                dependencies,
                order,
                forced,
                addr: addr.clone(),
            };
            let calls = self.calls();
            let taken_over = match self.imports.wanted(&addr) {
                Some(wanted) if case.stored.is_none() => {
                    imports::find(wanted, &case, self.basics.objects, &calls).await.map(Some)
                }
                Some(_) | None => Ok(None),
            };
            let decided = match taken_over {
                Ok(found) => {
                    case.found = found;
                    decide::decide(case, &calls).await
                }
                Err(diagnostic) => Err(diagnostic),
            };
            if self.basics.options.cancel.is_cancelled() {
                // Told once, and not for every object.
                return Some(());
            }
            let object = match decided {
                Ok(mut change) => {
                    change.origin = change.origin.take().or_else(|| self.moved_from(&addr));
                    imports::warn_of_replacement(&change, block, &mut found);
                    let after = change.change.after().cloned().unwrap_or(Value::Unknown(loam_provider::Type::Any));
                    let object = Evaluated::new(after, eval::Marks::at_paths(change.sensitive.iter().cloned()));
                    self.guard(block, &change, self.place(at, &instance), &mut found);
                    let with_self = eval::InstanceValues { self_object: Some(object.clone()), ..instance };
                    let scope = self.world.scope(at).with_instance(&with_self);
                    let after = check::checks(
                        "Postcondition failed",
                        &block.lifecycle.postconditions,
                        &scope,
                        Stage::Plan,
                        &mut found,
                    );
                    let is_open = before == Told::Some || after == Told::Some;
                    // Where something is done, its step looks at them.
                    change.has_open_conditions = is_open && !change.change.is_effective();
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
            self.world.set_object(at, &block.name, &key, object);
        }
        Some(())
    }

    /// Returns what every call has in common.
    pub(super) fn calls(&self) -> Calls<'p> {
        Calls {
            host: self.basics.host,
            state_id: self.basics.meta.state_id.clone(),
            cancel: self.basics.options.cancel.clone(),
            clock: self.basics.options.clock,
            secrets: self.world.secrets().clone(),
        }
    }

    /// Refuses what `prevent_destroy` forbids.
    fn guard(&self, block: &Resource, change: &ObjectChange, place: Place<'_, 'p>, diagnostics: &mut Diagnostics) {
        let Some(span) = self.meta.prevent_destroy(&block.lifecycle, place, diagnostics) else { return };
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
    pub(super) fn take(&mut self, change: ObjectChange) {
        if change.change.is_effective() || matches!(change.change, Change::Read { .. }) {
            self.pending.insert(change.addr.resource.without_keys());
        }
        if matches!(change.change, Change::Read { .. }) {
            self.changes.push(change);
            return;
        }
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
        if !is_recorded || change.has_open_conditions {
            self.changes.push(change);
        }
    }

    /// Returns the provider configuration that a block means, before its instance is chosen.
    pub(super) fn configuration(
        &self,
        at: InModule,
        block: &Resource,
        diagnostics: &mut Diagnostics,
    ) -> Option<choice::Configuration> {
        let offers = self.basics.host.offers();
        match choice::choose(offers, &block.name, block.provider.as_ref(), self.world.visible(at)) {
            Ok(configuration) => configuration,
            Err(error) => {
                diagnostics.push(validate::no_provider(block, offers, &error));
                None
            }
        }
    }

    /// Returns who realises one instance of a block.
    pub(super) fn provider(
        &self,
        configuration: &choice::Configuration,
        block: &Resource,
        scope: &Scope<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<ProviderRef> {
        match &block.provider {
            Some(chosen) => choice::instance(configuration, chosen, scope, Some(&self.configured), diagnostics),
            None => Some(configuration.reference.clone()),
        }
    }

    /// Returns where the meta-arguments of an instance of a block stand.
    fn place<'v>(&'v self, at: InModule, instance: &'v eval::InstanceValues) -> Place<'v, 'p> {
        let path = self.world.path(at);
        Place { tree: self.order.tree(), world: &self.world, path, instance: Some(instance) }
    }

    /// Returns, for each node, whether its block is replaced by making the new object first: because it says so, or
    /// because something made from it does, which could not be made first otherwise. What differs between instances
    /// counts for those alone.
    fn create_first(&self, needed: &[Rc<BTreeSet<Address>>]) -> Vec<bool> {
        let (order, world) = (&self.order, &self.world);
        let mut create_first = vec![false; order.len()];
        for (at, Node { module, member }) in order.sequence().rev() {
            let Member::Block(name) = member else { continue };
            let called = order.tree().get(*module);
            let place = Place { tree: order.tree(), world, path: &called.path, instance: None };
            let lifecycle = &called.module.resources[name].lifecycle;
            // What is wrong is told where the instances are visited.
            let mut untold = Diagnostics::default();
            if create_first[at] || self.meta.create_before_destroy(lifecycle, place, &mut untold) {
                create_first[at] = true;
                for place in needed[at].iter().filter_map(|need| order.block(need)) {
                    create_first[place] = true;
                }
            }
        }
        create_first
    }

    /// Returns where an object comes from whose address changes.
    pub(super) fn moved_from(&self, addr: &Instance) -> Option<Origin> {
        self.origins.get(addr).map(|from| Origin::Moved { from: from.clone() })
    }

    fn triggers(&self, at: InModule) -> Triggers<'_> {
        let path = self.world.path(at);
        let tree = self.order.tree();
        let module = tree.find(path).map_or(&*self.basics.config.root, |module| tree.get(module).module);
        Triggers { module, path, changed: &self.changed, changes: &self.changes }
    }

    fn output(&mut self, output: &Output, diagnostics: &mut Diagnostics) {
        let mut found = Diagnostics::default();
        let scope = self.world.scope(self.world.nth(ModuleId::ROOT, 0));
        check::checks("Precondition failed", &output.preconditions, &scope, Stage::Plan, &mut found);
        let evaluated = eval::expr(&output.value.expr, &scope, &mut found);
        found.extend(check::ephemeral(output, &evaluated).into_iter().collect());
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

    pub(super) fn drop_output(&mut self, name: &Str) {
        let Some(stored) = self.basics.outputs.iter().find(|stored| stored.name == *name) else { return };
        let change =
            OutputChange { before: Some(stored.value.clone()), after: None, sensitive: stored.sensitive.clone() };
        self.outputs.insert(name.clone(), change);
    }
}

/// What a visit found.
#[derive(Default)]
struct Parts {
    changes: Vec<ObjectChange>,
    unchanged: usize,
    outputs: BTreeMap<Str, OutputChange>,
    moves: Vec<Move>,
}

fn finish(basics: &Basics<'_>, parts: Parts, order: Option<&Order<'_>>) -> Plan {
    let Parts { mut changes, unchanged, outputs, moves } = parts;
    changes.sort_by(|a, b| (&a.addr, &a.deposed).cmp(&(&b.addr, &b.deposed)));
    let steps = steps::steps(&changes, basics.objects, order);
    let (ephemeral, kept): (Vec<_>, Vec<_>) =
        basics.variables.iter().partition(|(_, evaluated)| evaluated.marks.has_ephemeral());
    let variables = kept.into_iter().map(|(name, evaluated)| {
        let sensitive = evaluated.marks.paths().cloned().collect();
        (name.clone(), Input { value: evaluated.value.clone(), sensitive })
    });
    let declared = &basics.config.root.variables;
    let is_default = |name: &Str, evaluated: &Evaluated| {
        let variable = declared.get(name)?;
        let default = crate::config::constant(&variable.default.as_ref()?.expr)?.convert(&variable.ty).ok()?;
        (default == evaluated.value).then_some(())
    };
    let ephemeral = ephemeral.into_iter().filter(|(name, evaluated)| is_default(name, evaluated).is_none());
    Plan {
        basis: Basis {
            format: FORMAT,
            loam: basics.options.version.clone(),
            state_id: basics.meta.state_id.clone(),
            serial: basics.meta.serial.0,
            config: basics.config.digest.clone(),
            planned: basics.options.clock.timestamp(),
        },
        mode: basics.options.mode,
        changes,
        unchanged,
        outputs,
        steps,
        variables: variables.collect(),
        ephemeral: ephemeral.map(|(name, _)| name.clone()).collect(),
        moves,
        data: Vec::new(),
        checks: Vec::new(),
    }
}
