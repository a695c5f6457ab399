//! The parts of a module in the order in which they can be evaluated.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use loam_provider::Str;

use crate::{
    config::{self, BlockName, Module, Node},
    diag::Diagnostics,
    graph::Graph,
};

/// The parts of a module, and which needs which.
#[derive(Debug)]
pub(crate) struct Order {
    nodes: Vec<Node>,
    graph: Graph,
    sequence: Vec<usize>,
    /// Where each node stands in the sequence.
    ranks: Vec<usize>,
    places: BTreeMap<Node, usize>,
}

impl Order {
    /// Orders a module.
    ///
    /// # Errors
    /// Diagnostics that name each reference cycle in full.
    pub(crate) fn of(module: &Module) -> Result<Self, Diagnostics> {
        let needs = config::needs(module);
        let nodes: Vec<Node> = needs.keys().cloned().collect();
        let places: BTreeMap<Node, usize> = nodes.iter().cloned().enumerate().map(|(at, node)| (node, at)).collect();
        let mut graph = Graph::new(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            for need in &needs[node] {
                if let Some(&needed) = places.get(&need.node) {
                    graph.needs(at, needed);
                }
            }
        }
        match graph.order() {
            Ok(sequence) => {
                let mut ranks = vec![0; nodes.len()];
                for (rank, at) in sequence.iter().enumerate() {
                    ranks[*at] = rank;
                }
                Ok(Self { nodes, graph, sequence, ranks, places })
            }
            Err(_) => Err(config::cycles(module)),
        }
    }

    /// Returns the nodes, each after all it needs.
    pub(crate) fn sequence(&self) -> impl Iterator<Item = (usize, &Node)> {
        self.sequence.iter().map(|at| (*at, &self.nodes[*at]))
    }

    /// Returns how many nodes there are.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns the place of a node.
    #[must_use]
    pub(crate) fn place(&self, node: &Node) -> Option<usize> {
        self.places.get(node).copied()
    }

    /// Returns the node at a place.
    #[must_use]
    pub(crate) fn node(&self, at: usize) -> &Node {
        &self.nodes[at]
    }

    /// Returns what a node needs directly.
    #[must_use]
    pub(crate) fn needs(&self, at: usize) -> Vec<usize> {
        self.graph.needed_by(at)
    }

    /// Returns the graph over the places of nodes.
    #[must_use]
    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Returns, for each node, the blocks it needs: those it names, and those that the locals it names need.
    #[must_use]
    pub(crate) fn blocks_needed(&self) -> Vec<Rc<BTreeSet<BlockName>>> {
        let mut needed: Vec<Rc<BTreeSet<BlockName>>> = vec![Rc::default(); self.nodes.len()];
        for at in &self.sequence {
            let direct = self.needs(*at);
            needed[*at] = match direct.as_slice() {
                [only] if matches!(self.nodes[*only], Node::Local(_)) => Rc::clone(&needed[*only]),
                _ => {
                    let mut blocks = BTreeSet::new();
                    for need in direct {
                        match &self.nodes[need] {
                            Node::Block(name) => {
                                blocks.insert(name.clone());
                            }
                            Node::Local(_) | Node::Variable(_) | Node::Provider(_) | Node::Output(_) => {
                                blocks.extend(needed[need].iter().cloned());
                            }
                        }
                    }
                    Rc::new(blocks)
                }
            };
        }
        needed
    }

    /// Returns the locals that a node needs, in the order in which they can be evaluated.
    #[must_use]
    pub(crate) fn locals_needed(&self, at: usize) -> Vec<&Str> {
        let mut found = BTreeSet::new();
        let mut queue = vec![at];
        while let Some(next) = queue.pop() {
            for need in self.needs(next) {
                if matches!(self.nodes[need], Node::Local(_)) && found.insert(need) {
                    queue.push(need);
                }
            }
        }
        let mut in_order: Vec<usize> = found.into_iter().collect();
        in_order.sort_unstable_by_key(|at| self.ranks[*at]);
        in_order
            .iter()
            .filter_map(|at| match &self.nodes[*at] {
                Node::Local(name) => Some(name),
                Node::Variable(_) | Node::Provider(_) | Node::Block(_) | Node::Output(_) => None,
            })
            .collect()
    }
}
