//! What the modules of a configuration give.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use loam_provider::Str;

use crate::{
    addr::{InstanceKey, ModulePath},
    config::{Member, Module, ModuleId, Node, Repeat, Resource, Subject},
    diag::Diagnostics,
    eval::{self, Evaluated, Files, Marks, ModuleValues},
    plan::{
        order::{self, Order, Read},
        world::{Seed, World},
    },
    state::Stored,
};

/// The module instances, with their values as far as somebody asked for them.
pub(super) struct Modules<'c> {
    order: Rc<Order<'c>>,
    world: World<'c>,
    /// The nodes that were evaluated.
    done: Vec<bool>,
    /// What is wrong with what a call gives.
    problems: BTreeMap<Str, Diagnostics>,
}

impl<'c> Modules<'c> {
    /// Returns the modules that a root module calls; nothing of them is evaluated yet.
    ///
    /// # Errors
    /// Diagnostics that name each reference cycle in full.
    pub(super) fn new(
        root: &'c Module,
        files: &'c Files,
        paths: &ModuleValues,
        variables: &BTreeMap<Str, Evaluated>,
        objects: &[Stored],
        stage: eval::Stage,
    ) -> Result<Self, Diagnostics> {
        let order = Rc::new(Order::of(root)?);
        let seeds = seeds(&order, objects);
        let world = World::seeded(Rc::clone(&order), files, paths, variables, seeds).at(stage);
        let done = vec![false; order.len()];
        Ok(Self { order, world, done, problems: BTreeMap::new() })
    }

    /// Returns what a call of the root gives, and what is wrong with it. Locals of the root that have a value already
    /// keep it.
    pub(super) fn outputs(&mut self, name: &Str, values: &ModuleValues) -> (Evaluated, Diagnostics) {
        let order = Rc::clone(&self.order);
        let place = |module, member| order.place(&Node { module, member });
        let mut wanted: Vec<usize> = place(ModuleId::ROOT, Member::Call(name.clone())).into_iter().collect();
        if let Some(&child) = order.tree().get(ModuleId::ROOT).children.get(name) {
            let outputs = order.tree().get(child).module.outputs.keys();
            wanted.extend(outputs.filter_map(|output| place(child, Member::Output(output.clone()))));
        }
        if !self.problems.contains_key(name) {
            let mut problems = Diagnostics::default();
            self.evaluate(wanted, values, &mut problems);
            self.problems.insert(name.clone(), problems);
        }
        let root = self.world.nth(ModuleId::ROOT, 0);
        self.world.publish(root, &[(ModuleId::ROOT, Read::Call(name.clone()))]);
        let value = self.world.scope(root).module.get(&Subject::Module(name.clone())).cloned();
        (value.unwrap_or_else(Evaluated::unknown), self.problems.get(name).cloned().unwrap_or_default())
    }

    /// Evaluates nodes and all that they need.
    fn evaluate(&mut self, wanted: Vec<usize>, values: &ModuleValues, problems: &mut Diagnostics) {
        let order = Rc::clone(&self.order);
        // What is behind a block is evaluated only to know its instances: whoever plans is told what is wrong there.
        let mut is_told = vec![false; order.len()];
        let direct = order.values_needed(wanted.iter().copied());
        direct.into_iter().chain(wanted.iter().copied()).for_each(|at| is_told[at] = true);
        let mut is_needed = vec![false; order.len()];
        let mut open = wanted;
        while let Some(at) = open.pop() {
            if !is_needed[at] && !self.done[at] {
                is_needed[at] = true;
                open.extend(order.needs(at));
            }
        }
        for (at, node) in order.sequence().filter(|(at, _)| is_needed[*at]) {
            self.done[at] = true;
            let mut found = Diagnostics::default();
            match &node.member {
                Member::Block(name) => {
                    self.block(at, node.module, &order.tree().get(node.module).module.resources[name])
                }
                Member::Local(name) if node.module == ModuleId::ROOT => {
                    let subject = Subject::Local(name.clone());
                    match values.get(&subject) {
                        Some(value) => {
                            let root = self.world.nth(ModuleId::ROOT, 0);
                            self.world.set_value(root, subject, value.clone());
                        }
                        None => self.world.evaluate(at, &mut found),
                    }
                }
                Member::Call(_) => {
                    self.world.evaluate(at, &mut found);
                    // What only a plan can read, like data, may say how often a module is there.
                    if !order.needs(at).into_iter().all(|need| self.world.is_known(need)) {
                        found = Diagnostics::default();
                    }
                }
                Member::Variable(_) | Member::Local(_) | Member::Output(_) => self.world.evaluate(at, &mut found),
                Member::Provider(_) | Member::All => {}
            }
            if is_told[at] {
                problems.extend(found);
            }
        }
    }

    /// Says which objects a block has in every instance of its module: those of the state, as far as they are still
    /// its own, and unknown ones where an object is still to be made.
    fn block(&mut self, node: usize, module: ModuleId, block: &Resource) {
        let reads = self.order.reads(node);
        for nth in 0..self.world.count(module) {
            let at = self.world.nth(module, nth);
            self.world.publish(at, &reads);
            let expansion = self.world.expand(at, node, &block.repeat, &mut Diagnostics::default());
            self.world.expect(at, &block.name, expansion.as_ref());
        }
    }

    /// Returns the value of a local of the root, if it was evaluated on the way.
    pub(super) fn local(&self, name: &Str) -> Option<&Evaluated> {
        let place = self.order.place(&Node { module: ModuleId::ROOT, member: Member::Local(name.clone()) })?;
        let root = self.world.nth(ModuleId::ROOT, 0);
        if self.done[place] { self.world.scope(root).module.get(&Subject::Local(name.clone())) } else { None }
    }
}

/// Returns whether an object may be an instance of a block that repeats like this: otherwise the next apply takes it
/// away.
pub(super) fn is_of_block(repeat: &Repeat, key: Option<&InstanceKey>) -> bool {
    match repeat {
        Repeat::Once => key.is_none(),
        Repeat::Count(_) => matches!(key, Some(InstanceKey::Index(_))),
        Repeat::ForEach(_) => matches!(key, Some(InstanceKey::Key(_))),
    }
}

/// Returns the objects of the state by module instance.
fn seeds(order: &Order<'_>, objects: &[Stored]) -> HashMap<ModulePath, Vec<Seed>> {
    let mut seeds: HashMap<ModulePath, Vec<Seed>> = HashMap::new();
    for Stored { object, .. } in objects.iter().filter(|stored| stored.object.slot.deposed.is_none()) {
        let addr = &object.slot.addr;
        let block = order::block_name(&addr.resource);
        let module = order.tree().find(&addr.resource.module).map(|module| order.tree().get(module).module);
        let Some(declared) = module.and_then(|module| module.resources.get(&block)) else { continue };
        if is_of_block(&declared.repeat, addr.key.as_ref()) {
            let marks = Marks::at_paths(object.sensitive.iter().cloned());
            let object = Evaluated::new(object.attributes.value().clone(), marks);
            let seed = Seed { block, key: addr.key.clone(), object };
            seeds.entry(addr.resource.module.clone()).or_default().push(seed);
        }
    }
    seeds
}
