//! Which parts of a configuration need which, and whether any of them needs itself.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
};

use loam_provider::Str;

use super::{BlockName, Module, ModuleId, Output, ProviderName, Reference, Resource, Subject, Tree};
use crate::{
    addr::Mode,
    diag::{Diagnostic, Diagnostics},
    source::Span,
};

/// A part of a module, in the module as some calls lead to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// The module.
    pub module: ModuleId,
    /// The part.
    pub member: Member,
}

/// Something of a module that has a value or does something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    /// A `variable`.
    Variable(Str),
    /// A value of `locals`.
    Local(Str),
    /// A `provider` block.
    Provider(ProviderName),
    /// A `module` block: which instances it has.
    Call(Str),
    /// A `resource` or `data` block.
    Block(BlockName),
    /// An `output`.
    Output(Str),
    /// All that the module makes, for those that depend on a whole module.
    All,
}

/// That a node needs another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The position of the node that is needed.
    pub node: usize,
    /// Where it is named.
    pub span: Span,
}

/// The parts of a configuration with what each of them needs, by position.
#[derive(Debug, Clone)]
pub struct Needs {
    /// The nodes, module by module.
    pub nodes: Vec<Node>,
    /// Where each node stands.
    pub places: BTreeMap<Node, usize>,
    /// What each node needs, in the order it is named.
    pub edges: Vec<Vec<Need>>,
}

impl Node {
    /// Returns a part of the root module.
    #[must_use]
    pub fn root(member: Member) -> Self {
        Self { module: ModuleId::ROOT, member }
    }

    /// Returns what users call the node: `module.site.local.name`.
    #[must_use]
    pub fn name(&self, tree: &Tree<'_>) -> String {
        let path = &tree.get(self.module).path;
        match &self.member {
            Member::All => format!("all of {path}"),
            member if path.is_root() => member.to_string(),
            member => format!("{path}.{member}"),
        }
    }
}

/// Returns, for each part of a configuration, the declared parts it needs, in the order they are named.
///
/// A block needs the provider configuration it names; which one it uses where it names none is not known here.
/// Everything in a module needs the call, which decides whether it is there at all. Of another module only those
/// outputs are needed that are named.
#[must_use]
pub fn needs(tree: &Tree<'_>) -> Needs {
    let waited = waited(tree);
    let mut nodes = Vec::new();
    for (module, called) in tree.iter() {
        let found = called.module;
        let members = found.variables.keys().cloned().map(Member::Variable);
        let members = members.chain(found.locals.keys().cloned().map(Member::Local));
        let members = members.chain(found.providers.keys().cloned().map(Member::Provider));
        let members = members.chain(found.calls.keys().cloned().map(Member::Call));
        let members = members.chain(found.resources.keys().cloned().map(Member::Block));
        let members = members.chain(found.outputs.keys().cloned().map(Member::Output));
        let members = members.chain(waited.contains(&module).then_some(Member::All));
        nodes.extend(members.map(|member| Node { module, member }));
    }
    let places = nodes.iter().cloned().enumerate().map(|(at, node)| (node, at)).collect();
    let mut finder = Finder { tree, places, needs: Vec::new(), seen: BTreeSet::new() };
    let edges = nodes.iter().map(|node| finder.of(node)).collect();
    Needs { nodes, places: finder.places, edges }
}

/// Returns the modules that something depends on as a whole, and all that these call.
fn waited(tree: &Tree<'_>) -> BTreeSet<ModuleId> {
    let mut found = BTreeSet::new();
    for (_, called) in tree.iter() {
        let module = called.module;
        let lists = module.resources.values().map(|resource| &resource.depends_on);
        let lists = lists.chain(module.outputs.values().map(|output| &output.depends_on));
        let lists = lists.chain(module.calls.values().map(|call| &call.depends_on));
        for reference in lists.flatten() {
            if let Subject::Module(name) = &reference.subject {
                found.extend(called.children.get(name));
            }
        }
    }
    for (id, called) in tree.iter() {
        if called.caller.is_some_and(|(caller, _)| found.contains(&caller)) {
            found.insert(id);
        }
    }
    found
}

/// Finds what one node after the other needs.
struct Finder<'t, 'c> {
    tree: &'t Tree<'c>,
    places: BTreeMap<Node, usize>,
    needs: Vec<Need>,
    seen: BTreeSet<usize>,
}

impl<'c> Finder<'_, 'c> {
    fn of(&mut self, node: &Node) -> Vec<Need> {
        let tree = self.tree;
        let called = tree.get(node.module);
        let module: &'c Module = called.module;
        match &node.member {
            Member::Variable(name) => {
                if let Some((caller, call)) = called.caller
                    && let Some(argument) = call.arguments.get(name)
                {
                    self.values(caller, &argument.references);
                }
                let checks = module.variables[name].validations.iter().flat_map(super::Check::references);
                // A validation looks at its own variable: that is no need.
                let own = Subject::Variable(name.clone());
                self.values(node.module, checks.filter(|reference| reference.subject != own));
            }
            Member::Local(name) => self.values(node.module, &module.locals[name].references),
            Member::Provider(name) => {
                let provider = &module.providers[name];
                let for_each = provider.for_each.iter().flat_map(|attribute| attribute.references.iter());
                self.values(node.module, provider.body.references().chain(for_each));
            }
            Member::Call(name) => {
                let call = &module.calls[name];
                let keys = call.providers.iter().filter_map(|passed| passed.outer.key.as_deref());
                let attributes = call.repeat.attribute().into_iter().chain(keys);
                self.values(node.module, attributes.flat_map(|attribute| attribute.references.iter()));
                self.wholes(node.module, &call.depends_on);
            }
            Member::Block(name) => self.block(node.module, &module.resources[name]),
            Member::Output(name) => {
                let Output { value, preconditions, depends_on, .. } = &module.outputs[name];
                let checks = preconditions.iter().flat_map(super::Check::references);
                self.values(node.module, value.references.iter().chain(checks));
                self.wholes(node.module, depends_on);
            }
            Member::All => {
                for (name, resource) in &module.resources {
                    self.need(node.module, Member::Block(name.clone()), resource.span);
                }
                for (name, child) in &called.children {
                    self.need(*child, Member::All, module.calls[*name].span);
                }
            }
        }
        if let Some((caller, call)) = called.caller {
            self.need(caller, Member::Call(call.name.clone()), call.span);
        }
        self.seen.clear();
        std::mem::take(&mut self.needs)
    }

    fn block(&mut self, module: ModuleId, resource: &Resource) {
        self.values(module, resource.values());
        self.wholes(module, &resource.depends_on);
        if let Some(choice) = &resource.provider {
            self.need(module, Member::Provider(choice.name.clone()), choice.span);
        }
    }

    /// Needs the values of names.
    fn values<'r>(&mut self, module: ModuleId, references: impl IntoIterator<Item = &'r Reference>) {
        for reference in references {
            let span = reference.span;
            match &reference.subject {
                Subject::Variable(name) => self.need(module, Member::Variable(name.clone()), span),
                Subject::Local(name) => self.need(module, Member::Local(name.clone()), span),
                Subject::Resource { kind, name } => self.need(module, block(Mode::Managed, kind, name), span),
                Subject::Data { kind, name } => self.need(module, block(Mode::Data, kind, name), span),
                Subject::Module(name) => self.outputs(module, name, reference),
                Subject::EachKey | Subject::EachValue | Subject::CountIndex | Subject::SelfObject => {}
                Subject::PathModule | Subject::PathRoot | Subject::PathCwd | Subject::Bound(_) => {}
            }
        }
    }

    /// Needs the outputs of a call that are meant: one, or where that cannot be told all.
    fn outputs(&mut self, module: ModuleId, name: &Str, reference: &Reference) {
        self.need(module, Member::Call(name.clone()), reference.span);
        let called = self.tree.get(module);
        let Some(&child) = called.children.get(name) else { return };
        let outputs = &self.tree.get(child).module.outputs;
        let meant = called.module.calls[name].output(reference);
        match meant.filter(|output| outputs.contains_key(*output)) {
            Some(output) => self.need(child, Member::Output(output.clone()), reference.span),
            None => outputs.keys().for_each(|output| self.need(child, Member::Output(output.clone()), reference.span)),
        }
    }

    /// Needs all that blocks and modules make: `depends_on`.
    fn wholes(&mut self, module: ModuleId, references: &[Reference]) {
        for reference in references {
            match &reference.subject {
                Subject::Module(name) => match self.tree.get(module).children.get(name) {
                    Some(&child) => self.need(child, Member::All, reference.span),
                    None => self.need(module, Member::Call(name.clone()), reference.span),
                },
                _ => self.values(module, [reference]),
            }
        }
    }

    fn need(&mut self, module: ModuleId, member: Member, span: Span) {
        if let Some(&node) = self.places.get(&Node { module, member })
            && self.seen.insert(node)
        {
            self.needs.push(Need { node, span });
        }
    }
}

fn block(mode: Mode, kind: &Str, name: &Str) -> Member {
    Member::Block(BlockName { mode, kind: kind.clone(), name: name.clone() })
}

/// Returns an error for each group of nodes that need each other, with one whole cycle of it named.
#[must_use]
pub fn cycles(tree: &Tree<'_>, needs: &Needs) -> Diagnostics {
    components(&needs.edges).into_iter().filter_map(|component| report(tree, needs, &component)).collect()
}

fn report(tree: &Tree<'_>, needs: &Needs, component: &[usize]) -> Option<Diagnostic> {
    let cycle = shortest(&needs.edges, component)?;
    let first = cycle.first()?;
    let name = |at: usize| needs.nodes[at].name(tree);
    let names: Vec<String> = cycle.iter().map(|(from, _)| format!("`{}`", name(*from))).collect();
    let round = format!("{} → `{}`", names.join(" → "), name(first.0));
    let detail = if cycle.len() == 1 {
        format!("`{}` needs its own value: {round}.", name(first.0))
    } else {
        format!("Each of these needs the value of the next: {round}.")
    };
    let mut diagnostic = Diagnostic::error("Reference cycle", first.1.span, detail);
    for (from, need) in &cycle[1..] {
        diagnostic = diagnostic.related(need.span, format!("`{}` needs `{}`", name(*from), name(need.node)));
    }
    diagnostic = diagnostic.label(format!("`{}` needs `{}`", name(first.0), name(first.1.node)));
    Some(diagnostic.hint(match needs.nodes[first.0].member {
        Member::Block(_) if cycle.len() == 1 => {
            "A block cannot use its own attributes; in a `postcondition` write `self` for the object."
        }
        _ => "Take one of these references out, or pass the value another way, for example by a variable.",
    }))
}

/// Returns the shortest cycle through the first node of a component, or `None` if there is none.
fn shortest<'g>(edges: &'g [Vec<Need>], component: &[usize]) -> Option<Vec<(usize, &'g Need)>> {
    let start = *component.first()?;
    let mut from: BTreeMap<usize, (usize, &Need)> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for need in &edges[node] {
            if need.node == start {
                let mut cycle = vec![(node, need)];
                let mut at = node;
                while at != start {
                    let step = from[&at];
                    cycle.push(step);
                    at = step.0;
                }
                cycle.reverse();
                return Some(cycle);
            }
            if component.binary_search(&need.node).is_ok() && !from.contains_key(&need.node) {
                from.insert(need.node, (node, need));
                queue.push_back(need.node);
            }
        }
    }
    None
}

/// Returns the groups of nodes that need each other, each sorted: Tarjan's algorithm without recursion.
fn components(edges: &[Vec<Need>]) -> Vec<Vec<usize>> {
    let count = edges.len();
    let edges: Vec<Vec<usize>> = edges.iter().map(|needs| needs.iter().map(|need| need.node).collect()).collect();
    let mut state = Tarjan { order: vec![usize::MAX; count], low: vec![0; count], ..Tarjan::default() };
    let mut found = Vec::new();
    for start in 0..count {
        state.visit(start, &edges, &mut found);
    }
    found.retain(|component: &Vec<usize>| component.len() > 1 || edges[component[0]].contains(&component[0]));
    found.iter_mut().for_each(|component| component.sort_unstable());
    found
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

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "var.{name}"),
            Self::Local(name) => write!(f, "local.{name}"),
            Self::Provider(name) => write!(f, "provider.{name}"),
            Self::Call(name) => write!(f, "module.{name}"),
            Self::Block(name) => write!(f, "{name}"),
            Self::Output(name) => write!(f, "output.{name}"),
            Self::All => f.write_str("all"),
        }
    }
}
