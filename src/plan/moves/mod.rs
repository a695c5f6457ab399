//! What was renamed: `moved` blocks, and what moves by itself when `count` comes or goes.
//!
//! [`moves`] follows each object of the state through all `moved` blocks of the configuration, as often as one is
//! about where it got to, so the order of the blocks does not matter. It knows the state's addresses and nothing of
//! the world: a provider is never asked. What was found is a [`Move`] for each address; [`Relocation`] is the state as
//! it is once they are done. Start in [`Moves::follow`].

mod statement;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use loam_provider::Str;
use serde::{Deserialize, Serialize};

use self::statement::{Place, Statement};
use super::order::block_of;
use crate::{
    addr::{Instance, InstanceKey, Mode, Resource},
    config::{Module, Repeat},
    diag::{Diagnostic, Diagnostics},
    refresh::Observed,
    state::{Object, Slot, Stored, Write},
};

/// An address whose objects get another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The address until now.
    pub from: Instance,
    /// The address from now on.
    pub to: Instance,
}

/// Returns which addresses of the state move, in the order of the addresses they have.
pub(super) fn moves(root: &Module, objects: &[Stored]) -> (Vec<Move>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let moves = Moves::of(root, &mut diagnostics);
    if diagnostics.has_errors() {
        return (Vec::new(), diagnostics);
    }
    let found = moves.follow(objects, &mut diagnostics);
    if diagnostics.has_errors() { (Vec::new(), diagnostics) } else { (found, diagnostics) }
}

/// Reports what a configuration still declares although it says that it moved.
pub(super) fn still_declared(root: &Module, declared: &BTreeSet<Instance>, diagnostics: &mut Diagnostics) {
    // What is wrong with the blocks themselves was reported before.
    let moves = Moves::of(root, &mut Diagnostics::default());
    if moves.statements.is_empty() {
        return;
    }
    let mut told = BTreeSet::new();
    for addr in declared {
        let Some((at, _)) = moves.step(addr) else { continue };
        let statement = &moves.statements[at];
        if told.insert(at) {
            let (_, to) = statement.names();
            let detail =
                format!("This block says that `{addr}` moved to `{to}`, but the configuration still has `{addr}`.");
            diagnostics.push(
                Diagnostic::error("Moved and still declared", statement.span, detail)
                    .hint(format!("Remove or rename the block of `{addr}`, or remove this `moved` block.")),
            );
        }
    }
}

/// Every `moved` block of a configuration.
struct Moves<'c> {
    root: &'c Module,
    statements: Vec<Statement>,
    by_place: HashMap<Place, Vec<usize>>,
    /// The blocks that a statement names; nothing of them moves by itself.
    named: BTreeSet<Place>,
}

impl<'c> Moves<'c> {
    fn of(root: &'c Module, diagnostics: &mut Diagnostics) -> Self {
        let mut statements = Vec::new();
        collect(root, &mut Vec::new(), &mut statements, diagnostics);
        let mut by_place: HashMap<Place, Vec<usize>> = HashMap::new();
        let mut named = BTreeSet::new();
        for (at, statement) in statements.iter().enumerate() {
            by_place.entry(statement.place()).or_default().push(at);
            named.extend([statement.place(), statement.destination()]);
        }
        // One instance counts before all of its block.
        for found in by_place.values_mut() {
            found.sort_by_key(|at| (!statements[*at].is_about_one(), *at));
        }
        let moves = Self { root, statements, by_place, named };
        moves.disagreements(diagnostics);
        moves
    }

    /// Reports blocks that contradict each other or themselves.
    fn disagreements(&self, diagnostics: &mut Diagnostics) {
        let mut from: BTreeMap<String, usize> = BTreeMap::new();
        let mut to: BTreeMap<String, usize> = BTreeMap::new();
        for (at, statement) in self.statements.iter().enumerate() {
            let (source, target) = statement.names();
            if source == target {
                let detail = format!("`{source}` would move to where it is.");
                diagnostics.push(Diagnostic::error("Circular move", statement.span, detail).hint("Remove this block."));
                continue;
            }
            let first = *from.entry(source.clone()).or_insert(at);
            let (_, elsewhere) = self.statements[first].names();
            if elsewhere != target {
                let detail = format!("`{source}` cannot move both to `{elsewhere}` and to `{target}`.");
                diagnostics.push(
                    Diagnostic::error("Contradictory moves", statement.span, detail)
                        .related(self.statements[first].span, "the other one")
                        .hint("Keep the block that says what happened, and remove the other."),
                );
                continue;
            }
            let first = *to.entry(target.clone()).or_insert(at);
            let (other, _) = self.statements[first].names();
            if other != source {
                let detail = format!("`{other}` and `{source}` cannot both become `{target}`.");
                diagnostics.push(
                    Diagnostic::error("Contradictory moves", statement.span, detail)
                        .related(self.statements[first].span, "the other one")
                        .hint("Move one of them to another address."),
                );
            }
        }
        if !diagnostics.has_errors() {
            self.circles(&from, diagnostics);
        }
    }

    /// Reports moves that lead back to where they began. Each address leads to one other at most.
    fn circles(&self, from: &BTreeMap<String, usize>, diagnostics: &mut Diagnostics) {
        let mut seen: BTreeSet<usize> = BTreeSet::new();
        for start in from.values() {
            let mut way: Vec<usize> = Vec::new();
            let mut next = Some(*start);
            while let Some(at) = next {
                if let Some(begin) = way.iter().position(|other| *other == at) {
                    self.circle(&way[begin..], diagnostics);
                    break;
                }
                if !seen.insert(at) {
                    break;
                }
                way.push(at);
                next = from.get(&self.statements[at].names().1).copied();
            }
        }
    }

    fn circle(&self, statements: &[usize], diagnostics: &mut Diagnostics) {
        let Some((first, others)) = statements.split_first() else { return };
        let names: Vec<String> = statements.iter().map(|at| format!("`{}`", self.statements[*at].names().0)).collect();
        let detail = format!("These moves lead back to where they began: {} → {}.", names.join(" → "), names[0]);
        let diagnostic = Diagnostic::error("Circular move", self.statements[*first].span, detail);
        let diagnostic = others.iter().fold(diagnostic, |diagnostic, at| {
            diagnostic.related(self.statements[*at].span, format!("from `{}`", self.statements[*at].names().0))
        });
        let hint = "Keep only the move that was made last. To swap two names, move one of them away first and apply.";
        diagnostics.push(diagnostic.hint(hint));
    }

    /// Returns the statement that is about an address, and where it moves it: the one that says most about it.
    fn step(&self, addr: &Instance) -> Option<(usize, Instance)> {
        if self.statements.is_empty() {
            return None;
        }
        let mut names: Vec<Str> = addr.resource.module.steps().iter().map(|step| step.name.clone()).collect();
        let mut place = (std::mem::take(&mut names), Some(block_of(addr)));
        loop {
            let found = self.by_place.get(&place).into_iter().flatten();
            let moved = found.filter_map(|at| Some((*at, self.statements[*at].moved(addr)?)));
            if let Some(moved) = moved.into_iter().next() {
                return Some(moved);
            }
            if place.1.take().is_none() && place.0.pop().is_none() {
                return None;
            }
        }
    }

    /// Follows each address of the state to where it gets.
    fn follow(&self, objects: &[Stored], diagnostics: &mut Diagnostics) -> Vec<Move> {
        let addresses: BTreeSet<&Instance> = objects.iter().map(|stored| &stored.object.slot.addr).collect();
        let mut found: BTreeMap<&Instance, (Instance, Option<usize>)> = BTreeMap::new();
        for addr in &addresses {
            let (to, last) = self.led(addr, diagnostics);
            if to != **addr {
                found.insert(addr, (to, last));
            }
        }
        // What moves by itself gives way to all else.
        for addr in &addresses {
            if !found.contains_key(addr)
                && let Some(to) = self.by_itself(addr)
                && !addresses.contains(&to)
            {
                found.insert(addr, (to, None));
            }
        }
        self.occupied(&addresses, &found, diagnostics);
        found.into_iter().map(|(from, (to, _))| Move { from: from.clone(), to }).collect()
    }

    /// Returns where the statements lead an address, and the last of them.
    fn led(&self, addr: &Instance, diagnostics: &mut Diagnostics) -> (Instance, Option<usize>) {
        let (mut now, mut used) = (addr.clone(), Vec::new());
        while let Some((at, next)) = self.step(&now) {
            if used.contains(&at) {
                let statement = &self.statements[at];
                let detail =
                    format!("`{addr}` would move again and again: it comes to `{now}`, which moves once more.");
                let diagnostic = Diagnostic::error("Circular move", statement.span, detail);
                diagnostics.push(diagnostic.hint("Move it to an address that no `moved` block is about."));
                return (addr.clone(), None);
            }
            used.push(at);
            now = next;
        }
        (now, used.last().copied())
    }

    /// Returns where an address moves because its block now has, or no longer has, `count`.
    fn by_itself(&self, addr: &Instance) -> Option<Instance> {
        let is_possible = matches!(addr.key, None | Some(InstanceKey::Index(0))) && addr.resource.mode == Mode::Managed;
        if !is_possible {
            return None;
        }
        let steps = addr.resource.module.steps();
        let module =
            steps.iter().try_fold(self.root, |module, step| module.calls.get(&step.name)?.module.as_deref())?;
        let block = block_of(addr);
        let key = match (&module.resources.get(&block)?.repeat, &addr.key) {
            (Repeat::Once, Some(InstanceKey::Index(0))) => None,
            (Repeat::Count(_), None) => Some(InstanceKey::Index(0)),
            (Repeat::Once | Repeat::Count(_) | Repeat::ForEach(_), _) => return None,
        };
        let place = (steps.iter().map(|step| step.name.clone()).collect(), Some(block));
        (!self.named.contains(&place)).then(|| addr.resource.instance(key))
    }

    /// Reports moves to where something else is or comes.
    fn occupied(
        &self,
        addresses: &BTreeSet<&Instance>,
        found: &BTreeMap<&Instance, (Instance, Option<usize>)>,
        diagnostics: &mut Diagnostics,
    ) {
        let mut taken: BTreeMap<&Instance, &Instance> = BTreeMap::new();
        for (from, (to, last)) in found {
            let Some(span) = last.map(|at| self.statements[at].span) else { continue };
            if addresses.contains(to) && !found.contains_key(to) {
                let detail = format!("`{from}` cannot move to `{to}`: the state has an object there already.");
                let hint = format!(
                    "Give the object that is there another address with `loam state mv '{to}' ADDRESS`, or forget it \
                     with `loam state rm '{to}'`."
                );
                diagnostics.push(Diagnostic::error("Occupied address", span, detail).hint(hint));
            } else if let Some(other) = taken.insert(to, from) {
                let detail = format!("`{other}` and `{from}` cannot both move to `{to}`.");
                let hint = "Move one of them to another address.";
                diagnostics.push(Diagnostic::error("Occupied address", span, detail).hint(hint));
            }
        }
    }
}

/// Collects the statements of a module and of all that it calls.
fn collect(module: &Module, within: &mut Vec<Str>, statements: &mut Vec<Statement>, diagnostics: &mut Diagnostics) {
    statements.extend(module.moved.iter().filter_map(|moved| Statement::of(moved, within, diagnostics)));
    for (name, call) in &module.calls {
        if let Some(called) = &call.module {
            within.push(name.clone());
            collect(called, within, statements, diagnostics);
            within.pop();
        }
    }
}

/// The state once everything that moves has moved.
pub(crate) struct Relocation<'p> {
    to: BTreeMap<&'p Instance, &'p Instance>,
    /// Where the objects of a block of which something moves are then, itself among them if something stays.
    blocks: BTreeMap<&'p Resource, BTreeSet<&'p Resource>>,
}

impl<'p> Relocation<'p> {
    /// Returns what moves do to these objects.
    pub(crate) fn of(moves: &'p [Move], objects: &'p [Stored]) -> Self {
        let to: BTreeMap<&Instance, &Instance> = moves.iter().map(|it| (&it.from, &it.to)).collect();
        let mut blocks: BTreeMap<&Resource, BTreeSet<&Resource>> =
            moves.iter().map(|it| (&it.from.resource, BTreeSet::new())).collect();
        for Stored { object, .. } in objects {
            if let Some(places) = blocks.get_mut(&object.slot.addr.resource) {
                places.insert(&to.get(&object.slot.addr).copied().unwrap_or(&object.slot.addr).resource);
            }
        }
        Self { to, blocks }
    }

    /// Returns where an object stands then.
    fn slot(&self, slot: &Slot) -> Option<Slot> {
        self.to.get(&slot.addr).map(|to| Slot { addr: (*to).clone(), deposed: slot.deposed.clone() })
    }

    /// Returns what an object is made from then, if that has another name.
    fn dependencies(&self, object: &Object) -> Option<Vec<Resource>> {
        if !object.dependencies.iter().any(|needed| self.blocks.contains_key(needed)) {
            return None;
        }
        let needed = object.dependencies.iter().flat_map(|needed| match self.blocks.get(needed) {
            Some(places) if !places.is_empty() => places.iter().map(|place| (*place).clone()).collect(),
            Some(_) | None => vec![needed.clone()],
        });
        let needed: BTreeSet<Resource> = needed.collect();
        let needed: Vec<Resource> = needed.into_iter().collect();
        (needed != object.dependencies).then_some(needed)
    }

    /// Returns an object as it is then.
    fn relocated(&self, stored: &Stored) -> Stored {
        let mut stored = stored.clone();
        if let Some(dependencies) = self.dependencies(&stored.object) {
            stored.object.dependencies = dependencies;
        }
        if let Some(slot) = self.slot(&stored.object.slot) {
            stored.object.slot = slot;
        }
        stored
    }

    /// Returns the objects as they are then, by slot.
    pub(crate) fn objects(&self, objects: &[Stored]) -> Vec<Stored> {
        let mut objects: Vec<Stored> = objects.iter().map(|stored| self.relocated(stored)).collect();
        objects.sort_unstable_by(|a, b| a.object.slot.cmp(&b.object.slot));
        objects
    }

    /// Returns what was observed of the objects, where they are then.
    pub(crate) fn observed(&self, observed: &Observed) -> Observed {
        observed.renamed(|slot| self.slot(slot))
    }

    /// Returns what the state has to take in.
    pub(crate) fn writes(&self, objects: &[Stored]) -> Vec<Write> {
        let mut writes = Vec::new();
        for Stored { object, .. } in objects {
            if let Some(to) = self.slot(&object.slot) {
                writes.push(Write::Rename { from: object.slot.clone(), to });
            }
        }
        for stored in objects {
            if self.dependencies(&stored.object).is_some() {
                writes.push(Write::Put(Box::new(self.relocated(stored).object)));
            }
        }
        writes
    }
}

/// Returns where each address that moved was before.
pub(super) fn origins(moves: &[Move]) -> BTreeMap<Instance, Instance> {
    moves.iter().map(|it| (it.to.clone(), it.from.clone())).collect()
}
