//! What runs, and what each step needs.
//!
//! A step needs what it was made from and nothing more. Where many need the same many, one
//! [`Work::Gather`] stands between them, so that the number of edges stays linear.

use std::collections::{BTreeMap, BTreeSet};

use loam_provider::{OnDestroy, Str};
use serde::{Deserialize, Serialize};

use super::{Change, ObjectChange, Origin, ReplaceOrder, order::Order};
use crate::{addr::Resource, graph::Graph, state::Stored};

/// The position of a step in [`super::Plan::steps`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepId(pub u32);

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is done.
    pub work: Work,
    /// The steps that must be done before.
    pub needs: Vec<StepId>,
}

/// What a step does; `change` is a position in [`super::Plan::changes`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum Work {
    /// Makes the object.
    Create { change: usize },
    /// Changes the object in place.
    Update { change: usize },
    /// Deletes the object, or the old one of a replacement.
    Delete { change: usize },
    /// Forgets the object, or the old one of a replacement; the real thing stays.
    Forget { change: usize },
    /// Brings the record of the object up to date.
    Record { change: usize },
    /// Takes over the thing that was found: it gets a record.
    Import { change: usize },
    /// Reads a data source.
    Read { change: usize },
    /// Looks at the conditions of an object that stays, and brings its record up to date.
    Check { change: usize },
    /// Does nothing: many that need the same many need this one instead.
    Gather {
        /// What it stands for.
        of: Str,
    },
}

impl Work {
    /// Returns the change that this is part of.
    #[must_use]
    pub fn change(&self) -> Option<usize> {
        match self {
            Self::Create { change }
            | Self::Update { change }
            | Self::Delete { change }
            | Self::Forget { change }
            | Self::Record { change }
            | Self::Import { change }
            | Self::Read { change }
            | Self::Check { change } => Some(*change),
            Self::Gather { .. } => None,
        }
    }
}

/// Orders the work of all changes. `order` is the configuration's, if the run looks at it at all.
pub(super) fn steps(changes: &[ObjectChange], stored: &[Stored], order: Option<&Order<'_>>) -> Vec<Step> {
    let mut building = Building {
        steps: Vec::new(),
        of_change: vec![Halves::default(); changes.len()],
        letting_go: Vec::new(),
        users_first: Vec::new(),
    };
    for (at, change) in changes.iter().enumerate() {
        building.add_work(at, change);
    }
    if let Some(order) = order {
        building.order_making(changes, order);
    }
    building.order_deleting(changes, stored);
    for step in &mut building.steps {
        step.needs.sort_unstable();
        step.needs.dedup();
    }
    building.untangle();
    building.steps
}

/// The steps of one change.
#[derive(Debug, Clone, Copy, Default)]
struct Halves {
    making: Option<StepId>,
    removing: Option<StepId>,
}

struct Building {
    steps: Vec<Step>,
    of_change: Vec<Halves>,
    /// Deletions that wait for an update away from their object.
    letting_go: Vec<(StepId, StepId)>,
    /// Deletions that wait for the deletion of what was made from their object.
    users_first: Vec<(StepId, StepId)>,
}

impl Building {
    fn push(&mut self, work: Work, needs: Vec<StepId>) -> StepId {
        let id = StepId(u32::try_from(self.steps.len()).expect("a plan has fewer than four thousand million steps"));
        self.steps.push(Step { work, needs });
        id
    }

    fn need(&mut self, step: StepId, needed: StepId) {
        self.steps[step.0 as usize].needs.push(needed);
    }

    fn add_work(&mut self, at: usize, change: &ObjectChange) {
        let removal = match change.on_replace() {
            OnDestroy::Delete => Work::Delete { change: at },
            OnDestroy::Retain => Work::Forget { change: at },
        };
        let halves = match &change.change {
            Change::Keep { .. } if change.has_open_conditions => {
                Halves { making: Some(self.push(Work::Check { change: at }, Vec::new())), removing: None }
            }
            Change::Keep { .. } if matches!(change.origin, Some(Origin::Imported { .. })) => {
                self.push(Work::Import { change: at }, Vec::new());
                Halves::default()
            }
            Change::Keep { .. } => {
                self.push(Work::Record { change: at }, Vec::new());
                Halves::default()
            }
            Change::Read { .. } => {
                Halves { making: Some(self.push(Work::Read { change: at }, Vec::new())), removing: None }
            }
            Change::Create { .. } => {
                Halves { making: Some(self.push(Work::Create { change: at }, Vec::new())), removing: None }
            }
            Change::Update { .. } if matches!(change.origin, Some(Origin::Imported { .. })) => {
                let import = self.push(Work::Import { change: at }, Vec::new());
                Halves { making: Some(self.push(Work::Update { change: at }, vec![import])), removing: None }
            }
            Change::Update { .. } => {
                Halves { making: Some(self.push(Work::Update { change: at }, Vec::new())), removing: None }
            }
            Change::Replace { order: ReplaceOrder::DeleteFirst, .. } => {
                let removing = self.push(removal, Vec::new());
                let making = self.push(Work::Create { change: at }, vec![removing]);
                Halves { making: Some(making), removing: Some(removing) }
            }
            Change::Replace { order: ReplaceOrder::CreateFirst, .. } => {
                let making = self.push(Work::Create { change: at }, Vec::new());
                let removing = self.push(removal, vec![making]);
                Halves { making: Some(making), removing: Some(removing) }
            }
            Change::Delete { .. } => {
                Halves { making: None, removing: Some(self.push(Work::Delete { change: at }, Vec::new())) }
            }
            Change::Forget { .. } => {
                Halves { making: None, removing: Some(self.push(Work::Forget { change: at }, Vec::new())) }
            }
        };
        if matches!(change.change, Change::Replace { .. }) && matches!(change.origin, Some(Origin::Imported { .. })) {
            let import = self.push(Work::Import { change: at }, Vec::new());
            for half in [halves.making, halves.removing].into_iter().flatten() {
                self.need(half, import);
            }
        }
        self.of_change[at] = halves;
    }

    /// What is made waits for what it was made from, also through blocks and locals in which nothing happens.
    fn order_making(&mut self, changes: &[ObjectChange], order: &Order<'_>) {
        let mut makers: BTreeMap<usize, Vec<StepId>> = BTreeMap::new();
        for (at, change) in changes.iter().enumerate() {
            if let (Some(making), Some(place)) = (self.of_change[at].making, order.block(&change.addr.resource)) {
                makers.entry(place).or_default().push(making);
            }
        }
        // For each node, the one step after which all that it stands for is made.
        let mut done: Vec<Option<StepId>> = vec![None; order.len()];
        for (at, _) in order.sequence() {
            let mut before: Vec<StepId> = order.needs(at).into_iter().filter_map(|need| done[need]).collect();
            before.sort_unstable();
            before.dedup();
            let own = makers.remove(&at).unwrap_or_default();
            if own.len() > 1 && before.len() > 1 {
                before =
                    vec![self.push(Work::Gather { of: format!("all that {} needs", order.name(at)).into() }, before)];
            }
            for making in &own {
                self.steps[making.0 as usize].needs.extend(&before);
            }
            let after = if own.is_empty() { before } else { own };
            done[at] = match after.as_slice() {
                [] => None,
                [only] => Some(*only),
                _ => Some(self.push(Work::Gather { of: format!("all of {}", order.name(at)).into() }, after)),
            };
        }
    }

    /// What is deleted waits until nothing is made from it any more.
    fn order_deleting(&mut self, changes: &[ObjectChange], stored: &[Stored]) {
        // What objects were made from is recorded without the instances of modules.
        let blocks: Vec<Resource> = changes.iter().map(|change| change.addr.resource.without_keys()).collect();
        let mut removed: BTreeMap<&Resource, Vec<usize>> = BTreeMap::new();
        for (at, block) in blocks.iter().enumerate() {
            if self.of_change[at].removing.is_some() {
                removed.entry(block).or_default().push(at);
            }
        }
        let by_slot: BTreeMap<_, _> =
            changes.iter().enumerate().map(|(at, change)| ((&change.addr, &change.deposed), at)).collect();
        // For each block of which something is removed: what used it, and must let go of it first.
        let mut users: BTreeMap<&Resource, Vec<usize>> = BTreeMap::new();
        for stored in stored {
            let slot = &stored.object.slot;
            let Some(&user) = by_slot.get(&(&slot.addr, &slot.deposed)) else { continue };
            for dependency in &stored.object.dependencies {
                if removed.contains_key(dependency) && *dependency != blocks[user] {
                    users.entry(dependency).or_default().push(user);
                }
            }
        }
        for (block, users) in users {
            let victims = &removed[block];
            let deletes: Vec<StepId> = users.iter().filter_map(|user| self.of_change[*user].removing).collect();
            let updates: Vec<StepId> = users
                .iter()
                .filter(|user| matches!(changes[**user].change, Change::Update { .. }))
                .filter_map(|user| self.of_change[*user].making)
                .collect();
            for (needed, is_update) in [(deletes, false), (updates, true)] {
                let needed = match needed.as_slice() {
                    [] => continue,
                    [only] => *only,
                    _ => self.push(Work::Gather { of: format!("all that uses {block}").into() }, needed),
                };
                for victim in victims {
                    // An object that is deleted before it is made again is updated to the new one, not away from the old.
                    let is_made_again =
                        matches!(changes[*victim].change, Change::Replace { order: ReplaceOrder::DeleteFirst, .. });
                    if let (Some(removing), false) = (self.of_change[*victim].removing, is_update && is_made_again) {
                        self.need(removing, needed);
                        let edges = if is_update { &mut self.letting_go } else { &mut self.users_first };
                        edges.push((removing, needed));
                    }
                }
            }
        }
    }

    /// Lets go of an order that cannot be kept.
    ///
    /// What objects were made from was recorded one by one, so it need not fit together with what they are made from
    /// now, nor with each other. What is made still waits for what it is made from; only a deletion comes earlier.
    fn untangle(&mut self) {
        for edges in [std::mem::take(&mut self.letting_go), std::mem::take(&mut self.users_first)] {
            let mut graph = Graph::new(self.steps.len());
            for (at, step) in self.steps.iter().enumerate() {
                for need in &step.needs {
                    graph.needs(at, need.0 as usize);
                }
            }
            if graph.order().is_ok() {
                return;
            }
            let component = graph.components();
            let is_tangled =
                |(step, needed): &(StepId, StepId)| component[step.0 as usize] == component[needed.0 as usize];
            let dropped: BTreeSet<(StepId, StepId)> = edges.into_iter().filter(is_tangled).collect();
            for (step, _) in &dropped {
                self.steps[step.0 as usize].needs.retain(|needed| !dropped.contains(&(*step, *needed)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use insta::assert_snapshot;
    use jiff::Timestamp;
    use loam_provider::Known;

    use super::*;
    use crate::{
        config::{self, File},
        plan::Reason,
        source::Sources,
        state::{Condition, Object, Serial, Slot, Stamp},
    };

    /// Returns the order in which a program's steps run: `b needs a; replace a; update b; delete c`.
    fn order(program: &str) -> String {
        let words: Vec<Vec<&str>> = program.split("; ").map(|line| line.split(' ').collect()).collect();
        let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for line in &words {
            if let [user, "needs", needed] = line[..] {
                needs.entry(user).or_default().push(needed);
            }
        }
        let mut verbs: Vec<(&str, &str)> =
            words.iter().filter(|line| line.len() == 2).map(|line| (line[1], line[0])).collect();
        verbs.sort_unstable();
        let mut names: Vec<&str> =
            needs.iter().flat_map(|(user, needed)| [*user].into_iter().chain(needed.clone())).collect();
        names.extend(verbs.iter().map(|(name, _)| name));
        names.sort_unstable();
        names.dedup();
        let is_gone = |name: &str| verbs.iter().any(|(other, verb)| *other == name && *verb == "delete");
        let text: String = names
            .iter()
            .filter(|name| !is_gone(name))
            .map(|name| {
                let present = needs.get(name).into_iter().flatten().filter(|needed| !is_gone(needed));
                let needed: Vec<String> = present.map(|needed| format!("t.{needed}")).collect();
                format!("resource \"t\" \"{name}\" {{\n  depends_on = [{}]\n}}\n", needed.join(", "))
            })
            .collect();
        let mut sources = Sources::default();
        let file = File { name: "main.loam.hcl".into(), bytes: text.into_bytes() };
        let (config, diagnostics) = config::parse(std::path::Path::new("."), vec![file], &mut sources);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        let order = Order::of(&config.root).expect("there is no cycle");
        let dependencies = |name: &str| -> Vec<Resource> {
            needs.get(name).into_iter().flatten().map(|needed| Resource::managed("t", *needed)).collect()
        };
        let changes: Vec<ObjectChange> =
            verbs.iter().map(|(name, verb)| changed(name, verb, dependencies(name))).collect();
        let stored: Vec<Stored> = names.iter().map(|name| recorded(name, dependencies(name))).collect();
        let steps = steps(&changes, &stored, Some(&order));
        let mut graph = Graph::new(steps.len());
        for (at, step) in steps.iter().enumerate() {
            for need in &step.needs {
                graph.needs(at, need.0 as usize);
            }
        }
        let shown = graph.order().expect("steps never wait for each other").into_iter().filter_map(|at| {
            let name = |change: &usize| changes[*change].addr.resource.name.clone();
            match &steps[at].work {
                Work::Create { change } => Some(format!("create {}", name(change))),
                Work::Update { change } => Some(format!("update {}", name(change))),
                Work::Delete { change } => Some(format!("delete {}", name(change))),
                Work::Read { .. } | Work::Import { .. } | Work::Check { .. } => None,
                Work::Forget { .. } | Work::Record { .. } | Work::Gather { .. } => None,
            }
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    fn changed(name: &str, verb: &str, dependencies: Vec<Resource>) -> ObjectChange {
        let (before, after) = (Known::object([("x", Known::from(true))]), Known::from(true).into_value());
        let because = vec![Reason::Requested];
        let change = match verb {
            "create" => Change::Create { after, because: Reason::New },
            "update" => Change::Update { before, after },
            "delete" => Change::Delete { before, because: Reason::BlockRemoved },
            "replace" => Change::Replace { before, after, order: ReplaceOrder::DeleteFirst, because },
            "swap" => Change::Replace { before, after, order: ReplaceOrder::CreateFirst, because },
            other => panic!("{other}"),
        };
        ObjectChange {
            addr: Resource::managed("t", name).instance(None),
            deposed: None,
            provider: "sim".parse().expect("a provider"),
            change,
            sensitive: Vec::new(),
            drift: None,
            notes: Vec::new(),
            ineffective: Vec::new(),
            on_destroy: OnDestroy::Delete,
            secret: Vec::new(),
            replace_order: ReplaceOrder::DeleteFirst,
            dependencies,
            origin: None,
            has_open_conditions: false,
        }
    }

    fn recorded(name: &str, dependencies: Vec<Resource>) -> Stored {
        let stamp = Stamp { serial: Serial(1), at: Timestamp::UNIX_EPOCH };
        let object = Object {
            slot: Slot::current(Resource::managed("t", name).instance(None)),
            kind: "t".into(),
            kind_version: 1,
            provider: "sim".into(),
            attributes: Known::object([("x", Known::from(true))]),
            sensitive: Vec::new(),
            condition: Condition::Ready,
            dependencies,
            on_destroy: OnDestroy::Delete,
            replace_order: ReplaceOrder::DeleteFirst,
        };
        Stored { object, created: stamp, updated: stamp }
    }

    #[test]
    fn what_is_needed_is_made_first() {
        assert_snapshot!(order("c needs b; b needs a; create a; create b; create c"), @"create a, create b, create c");
        // Nothing happens to b, and c still waits for a.
        assert_snapshot!(order("c needs b; b needs z; update c; update z"), @"update z, update c");
    }

    #[test]
    fn dependents_are_deleted_first() {
        assert_snapshot!(order("b needs a; delete a; delete b"), @"delete b, delete a");
        assert_snapshot!(order("b needs a; replace a; replace b"), @"delete b, delete a, create a, create b");
        assert_snapshot!(order("b needs a; c needs a; delete a; delete b; delete c"), @"delete b, delete c, delete a");
    }

    #[test]
    fn users_let_go_before_what_they_used_is_deleted() {
        assert_snapshot!(order("z needs a; delete a; update z"), @"update z, delete a");
        assert_snapshot!(order("b needs a; replace a; update b"), @"delete a, create a, update b");
    }

    #[test]
    fn an_order_that_cannot_be_kept_is_let_go() {
        // b lets go of a, and waits for c; c waits for its old object, which waits for a, which was made from it.
        assert_snapshot!(
            order("b needs c; b needs a; a needs c; delete a; replace c; update b"),
            @"delete a, delete c, create c, update b"
        );
        assert_snapshot!(order("a needs b; b needs a; delete a; delete b"), @"delete a, delete b");
    }

    #[test]
    fn a_replacement_made_first_is_used_before_the_old_object_goes() {
        assert_snapshot!(order("b needs a; swap a; update b"), @"create a, update b, delete a");
        assert_snapshot!(order("b needs a; swap a; swap b"), @"create a, create b, delete b, delete a");
    }
}
