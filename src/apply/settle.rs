//! The values of the configuration while objects become what was planned.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use crate::{
    addr::{Instance, ModulePath},
    config::{Check, Member, ModuleId, Node, Resource, Subject, Variable},
    diag::Diagnostics,
    eval::{Evaluated, Marks},
    plan::{
        Plan,
        order::{self, Order, Read},
        world::{InModule, Seed, World},
    },
    state::Stored,
};

/// How far a value has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nobody has asked for it.
    Unasked,
    /// It was evaluated from predictions.
    Predicted,
    /// Everything it is made from is done.
    Final,
}

/// The world, and which of its values are final.
///
/// A step waits for every object of the blocks that its block needs, in all instances of their modules. So what its
/// block needs is final when the first step of it starts, and is evaluated once.
pub(super) struct Settling<'r> {
    pub(super) world: World<'r>,
    order: Rc<Order<'r>>,
    stages: Vec<Stage>,
    /// What the blocks that were settled read.
    settled: HashMap<usize, Rc<Vec<(ModuleId, Read)>>>,
}

/// Where an object stands in the configuration.
#[derive(Clone, Copy)]
pub(super) struct Site<'r> {
    /// The block's place in the order.
    pub(super) node: usize,
    pub(super) block: &'r Resource,
    pub(super) at: InModule,
}

impl<'r> Settling<'r> {
    /// Lets the module instances appear that the plan was made with.
    pub(super) fn new(world: World<'r>, order: Rc<Order<'r>>) -> Self {
        let stages = vec![Stage::Unasked; order.len()];
        let mut settling = Self { world, order, stages, settled: HashMap::new() };
        let order = Rc::clone(&settling.order);
        let calls = order.sequence().filter(|(_, node)| matches!(node.member, Member::Call(_)));
        let calls: Vec<usize> = calls.map(|(at, _)| at).collect();
        // What is wrong with them was told when the plan was made.
        settling.predict(&calls);
        for call in calls {
            settling.world.evaluate(call, &mut Diagnostics::default());
            settling.stages[call] = Stage::Final;
        }
        settling
    }

    /// Evaluates what nodes need from what is predicted, where nobody has asked for it yet.
    fn predict(&mut self, nodes: &[usize]) {
        for value in self.order.values_needed(nodes.iter().copied()) {
            if self.stages[value] == Stage::Unasked {
                self.world.evaluate(value, &mut Diagnostics::default());
                self.stages[value] = Stage::Predicted;
            }
        }
    }

    /// Returns where an object stands in the configuration, if it does.
    pub(super) fn site(&self, addr: &Instance) -> Option<Site<'r>> {
        let node = self.order.block(&addr.resource)?;
        let at = self.world.find(&addr.resource.module)?;
        let module = self.order.tree().get(self.order.node(node).module).module;
        Some(Site { node, block: module.resources.get(&order::block_name(&addr.resource))?, at })
    }

    /// Brings what a block is made from up to date. Everything that it needs is done.
    pub(super) fn settle(&mut self, site: Site<'_>, diagnostics: &mut Diagnostics) {
        let reads = match self.settled.get(&site.node) {
            Some(reads) => Rc::clone(reads),
            None => {
                for value in self.order.values_needed([site.node]) {
                    self.settle_value(value, diagnostics);
                }
                let reads = Rc::new(self.order.reads(site.node));
                Rc::clone(self.settled.entry(site.node).or_insert(reads))
            }
        };
        self.world.publish(site.at, &reads);
    }

    fn settle_value(&mut self, value: usize, diagnostics: &mut Diagnostics) {
        match self.stages[value] {
            Stage::Final => return,
            // What was known from the start is what was made.
            Stage::Predicted if self.world.is_known(value) && !self.is_checked_late(value) => {}
            Stage::Predicted | Stage::Unasked => self.world.evaluate(value, diagnostics),
        }
        self.stages[value] = Stage::Final;
    }

    /// Returns whether a value has checks that look at more than variables, and may not have been decided at plan.
    fn is_checked_late(&self, value: usize) -> bool {
        let node = self.order.node(value);
        let module = self.order.tree().get(node.module).module;
        let is_late =
            |check: &Check| check.references().any(|reference| !matches!(reference.subject, Subject::Variable(_)));
        match &node.member {
            Member::Variable(name) => {
                let Variable { validations, .. } = &module.variables[name];
                validations.iter().any(is_late)
            }
            Member::Output(name) => !module.outputs[name].preconditions.is_empty(),
            Member::Local(_) | Member::Call(_) | Member::Provider(_) | Member::Block(_) | Member::All => false,
        }
    }

    /// Makes sure that what a block needs has values, although they may be predictions.
    pub(super) fn glance(&mut self, site: Site<'_>) {
        if !self.settled.contains_key(&site.node) {
            self.predict(&[site.node]);
        }
    }

    /// Brings all that the outputs of the root need up to date, at the end of a run.
    pub(super) fn settle_outputs(&mut self, is_complete: bool, diagnostics: &mut Diagnostics) {
        let order = Rc::clone(&self.order);
        let is_wanted = |at: usize, node: &Node| {
            let is_output = node.module == ModuleId::ROOT && matches!(node.member, Member::Output(_));
            is_output || is_complete && self.is_checked_late(at)
        };
        let wanted = order.sequence().filter(|(at, node)| is_wanted(*at, node)).map(|(at, _)| at);
        let wanted: Vec<usize> = wanted.collect();
        let checks = order.tree().iter().flat_map(|(module, called)| {
            called.module.checks.values().flat_map(move |check| check.references()).map(move |name| (module, name))
        });
        let named: BTreeSet<usize> =
            checks.flat_map(|(module, name)| order.named(module, std::iter::once(name))).collect();
        let needed = order.values_needed(wanted.iter().copied().chain(named.iter().copied())).into_iter();
        let needed: BTreeSet<usize> =
            needed.chain(wanted).chain(named.into_iter().filter(|at| order.is_value(*at))).collect();
        for (value, _) in order.sequence().filter(|(at, _)| needed.contains(at)) {
            if self.stages[value] == Stage::Predicted && !is_complete {
                // It may have been predicted from what was not made.
                self.world.evaluate(value, diagnostics);
            } else {
                self.settle_value(value, diagnostics);
            }
        }
    }
}

/// Returns every object as the plan has it, by module instance: what stays as it is, what changes as it is predicted.
pub(super) fn seeds(plan: &Plan, objects: &[Stored]) -> HashMap<ModulePath, Vec<Seed>> {
    let mut standing: BTreeMap<&Instance, Evaluated> = BTreeMap::new();
    for Stored { object, .. } in objects {
        if object.slot.deposed.is_none() {
            let marks = Marks::at_paths(object.sensitive.iter().cloned());
            standing.insert(&object.slot.addr, Evaluated::new(object.attributes.value().clone(), marks));
        }
    }
    for fetched in &plan.data {
        standing.insert(&fetched.addr, fetched.evaluated());
    }
    for change in &plan.changes {
        match change.change.after() {
            Some(after) => {
                let marks = Marks::at_paths(change.sensitive.iter().cloned());
                standing.insert(&change.addr, Evaluated::new(after.clone(), marks));
            }
            None if change.deposed.is_none() => {
                standing.remove(&change.addr);
            }
            None => {}
        }
    }
    let mut seeds: HashMap<ModulePath, Vec<Seed>> = HashMap::new();
    for (addr, object) in standing {
        let seed = Seed { block: order::block_name(&addr.resource), key: addr.key.clone(), object };
        seeds.entry(addr.resource.module.clone()).or_default().push(seed);
    }
    seeds
}
