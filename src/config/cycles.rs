//! Which blocks of a module need which, and whether any of them needs itself.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

use loam_provider::Str;

use super::{BlockName, Module, ProviderName, Reference, Subject};
use crate::{
    diag::{Diagnostic, Diagnostics},
    source::Span,
};

/// Something of a module that has a value or does something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// A `variable`.
    Variable(Str),
    /// A value of `locals`.
    Local(Str),
    /// A `provider` block.
    Provider(ProviderName),
    /// A `resource` or `data` block.
    Block(BlockName),
    /// An `output`.
    Output(Str),
}

/// That a node needs another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The node that is needed.
    pub node: Node,
    /// Where it is named.
    pub span: Span,
}

/// Returns, for each node of a module, the declared nodes it needs, in the order they are named.
///
/// A block needs the provider configuration it names; which one it uses where it names none is not known here.
#[must_use]
pub fn needs(module: &Module) -> BTreeMap<Node, Vec<Need>> {
    let mut graph = BTreeMap::new();
    for (name, variable) in &module.variables {
        // A validation looks at its own variable: that is no need.
        let checks = variable.validations.iter().flat_map(super::Check::references);
        let others = checks.filter(|reference| reference.subject != Subject::Variable(name.clone()));
        graph.insert(Node::Variable(name.clone()), collect(module, others));
    }
    for (name, local) in &module.locals {
        graph.insert(Node::Local(name.clone()), collect(module, local.references.iter()));
    }
    for (name, provider) in &module.providers {
        graph.insert(Node::Provider(name.clone()), collect(module, provider.body.references()));
    }
    for (name, resource) in &module.resources {
        let mut needs = collect(module, resource.references());
        if let Some(choice) = &resource.provider
            && module.providers.contains_key(&choice.name)
        {
            needs.push(Need { node: Node::Provider(choice.name.clone()), span: choice.span });
        }
        graph.insert(Node::Block(name.clone()), needs);
    }
    for (name, output) in &module.outputs {
        graph.insert(Node::Output(name.clone()), collect(module, output.references()));
    }
    graph
}

fn collect<'r>(module: &Module, references: impl Iterator<Item = &'r Reference>) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for reference in references {
        if let Some(node) = node(module, &reference.subject)
            && seen.insert(node.clone())
        {
            needs.push(Need { node, span: reference.span });
        }
    }
    needs
}

fn node(module: &Module, subject: &Subject) -> Option<Node> {
    let block = |mode, kind: &Str, name: &Str| {
        let name = BlockName { mode, kind: kind.clone(), name: name.clone() };
        module.resources.contains_key(&name).then_some(Node::Block(name))
    };
    match subject {
        Subject::Variable(name) => module.variables.contains_key(name).then(|| Node::Variable(name.clone())),
        Subject::Local(name) => module.locals.contains_key(name).then(|| Node::Local(name.clone())),
        Subject::Resource { kind, name } => block(crate::addr::Mode::Managed, kind, name),
        Subject::Data { kind, name } => block(crate::addr::Mode::Data, kind, name),
        Subject::Module(_) | Subject::EachKey | Subject::EachValue | Subject::CountIndex => None,
        Subject::SelfObject | Subject::PathModule | Subject::PathRoot | Subject::PathCwd | Subject::Bound(_) => None,
    }
}

/// Returns an error for each group of nodes that need each other, with one whole cycle of it named.
#[must_use]
pub fn cycles(module: &Module) -> Diagnostics {
    let graph = needs(module);
    components(&graph).into_iter().filter_map(|component| report(&graph, &component)).collect()
}

fn report(graph: &BTreeMap<Node, Vec<Need>>, component: &[&Node]) -> Option<Diagnostic> {
    let cycle = shortest(graph, component)?;
    let first = cycle.first()?;
    let names: Vec<String> = cycle.iter().map(|(from, _)| format!("`{from}`")).collect();
    let round = format!("{} → `{}`", names.join(" → "), first.0);
    let detail = if cycle.len() == 1 {
        format!("`{}` needs its own value: {round}.", first.0)
    } else {
        format!("Each of these needs the value of the next: {round}.")
    };
    let mut diagnostic = Diagnostic::error("Reference cycle", first.1.span, detail);
    for (from, need) in &cycle[1..] {
        diagnostic = diagnostic.related(need.span, format!("`{from}` needs `{}`", need.node));
    }
    diagnostic = diagnostic.label(format!("`{}` needs `{}`", first.0, first.1.node));
    Some(diagnostic.hint("Take one of these references out, or pass the value another way, for example by a variable."))
}

/// Returns the shortest cycle through the first node of a component, or `None` if there is none.
fn shortest<'g>(graph: &'g BTreeMap<Node, Vec<Need>>, component: &[&'g Node]) -> Option<Vec<(&'g Node, &'g Need)>> {
    let start = *component.iter().min()?;
    let mut from: BTreeMap<&Node, (&Node, &Need)> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for need in graph.get(node)? {
            if need.node == *start {
                let mut cycle = vec![(node, need)];
                let mut at = node;
                while at != start {
                    let step = from[at];
                    cycle.push(step);
                    at = step.0;
                }
                cycle.reverse();
                return Some(cycle);
            }
            if component.binary_search(&&need.node).is_ok() && !from.contains_key(&need.node) {
                from.insert(&need.node, (node, need));
                queue.push_back(&need.node);
            }
        }
    }
    None
}

/// Returns the groups of nodes that need each other, each sorted: Tarjan's algorithm without recursion.
fn components(graph: &BTreeMap<Node, Vec<Need>>) -> Vec<Vec<&Node>> {
    let nodes: Vec<&Node> = graph.keys().collect();
    let index_of: BTreeMap<&Node, usize> = nodes.iter().enumerate().map(|(index, node)| (*node, index)).collect();
    let edges: Vec<Vec<usize>> = graph
        .values()
        .map(|needs| needs.iter().filter_map(|need| index_of.get(&need.node).copied()).collect())
        .collect();
    let mut state = Tarjan { order: vec![usize::MAX; nodes.len()], low: vec![0; nodes.len()], ..Tarjan::default() };
    let mut found = Vec::new();
    for start in 0..nodes.len() {
        state.visit(start, &edges, &mut found);
    }
    found
        .into_iter()
        .filter(|component: &Vec<usize>| component.len() > 1 || edges[component[0]].contains(&component[0]))
        .map(|component| {
            let mut names: Vec<&Node> = component.into_iter().map(|index| nodes[index]).collect();
            names.sort_unstable();
            names
        })
        .collect()
}

#[derive(Default)]
struct Tarjan {
    order: Vec<usize>,
    low: Vec<usize>,
    stack: Vec<usize>,
    on_stack: std::collections::HashSet<usize>,
    next: usize,
}

impl Tarjan {
    fn visit(&mut self, start: usize, edges: &[Vec<usize>], found: &mut Vec<Vec<usize>>) {
        if self.order[start] != usize::MAX {
            return;
        }
        let mut calls = vec![(start, 0)];
        self.enter(start);
        while let Some((node, edge)) = calls.last_mut() {
            let node = *node;
            if let Some(&next) = edges[node].get(*edge) {
                *edge += 1;
                if self.order[next] == usize::MAX {
                    self.enter(next);
                    calls.push((next, 0));
                } else if self.on_stack.contains(&next) {
                    self.low[node] = self.low[node].min(self.order[next]);
                }
                continue;
            }
            calls.pop();
            if let Some((caller, _)) = calls.last() {
                self.low[*caller] = self.low[*caller].min(self.low[node]);
            }
            if self.low[node] == self.order[node] {
                let start = self.stack.iter().rposition(|other| *other == node).unwrap_or(0);
                let component = self.stack.split_off(start);
                component.iter().for_each(|member| {
                    self.on_stack.remove(member);
                });
                found.push(component);
            }
        }
    }

    fn enter(&mut self, node: usize) {
        self.order[node] = self.next;
        self.low[node] = self.next;
        self.next += 1;
        self.stack.push(node);
        self.on_stack.insert(node);
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "var.{name}"),
            Self::Local(name) => write!(f, "local.{name}"),
            Self::Provider(name) => write!(f, "provider.{name}"),
            Self::Block(name) => write!(f, "{name}"),
            Self::Output(name) => write!(f, "output.{name}"),
        }
    }
}
