//! The parts of a configuration in the order in which they can be evaluated.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use crate::{
    addr::{Mode, Resource as Address},
    config::{self, BlockName, Member, Module, ModuleId, Node, Reference, Subject, Tree},
    diag::Diagnostics,
    graph::Graph,
};

/// The parts of all modules, and which needs which; what stands in a module stands here once for all its instances.
#[derive(Debug)]
pub(crate) struct Order<'c> {
    tree: Tree<'c>,
    nodes: Vec<Node>,
    graph: Graph,
    sequence: Vec<usize>,
    /// Where each node stands in the sequence.
    ranks: Vec<usize>,
    places: BTreeMap<Node, usize>,
}

impl<'c> Order<'c> {
    /// Orders a root module and all that it calls.
    ///
    /// # Errors
    /// Diagnostics that name each reference cycle in full.
    pub(crate) fn of(root: &'c Module) -> Result<Self, Diagnostics> {
        let tree = Tree::of(root);
        let needs = config::needs(&tree);
        let mut graph = Graph::new(needs.nodes.len());
        for (at, edges) in needs.edges.iter().enumerate() {
            for need in edges {
                graph.needs(at, need.node);
            }
        }
        match graph.order() {
            Ok(sequence) => {
                let mut ranks = vec![0; needs.nodes.len()];
                for (rank, at) in sequence.iter().enumerate() {
                    ranks[*at] = rank;
                }
                let config::Needs { nodes, places, .. } = needs;
                Ok(Self { tree, nodes, graph, sequence, ranks, places })
            }
            Err(_) => Err(config::cycles(&tree, &needs)),
        }
    }

    /// Returns the modules.
    #[must_use]
    pub(crate) fn tree(&self) -> &Tree<'c> {
        &self.tree
    }

    /// Returns the nodes, each after all it needs.
    pub(crate) fn sequence(&self) -> impl DoubleEndedIterator<Item = (usize, &Node)> {
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

    /// Returns the place of the block that an object is made from.
    #[must_use]
    pub(crate) fn block(&self, address: &Address) -> Option<usize> {
        let module = self.tree.find(&address.module)?;
        self.place(&Node { module, member: Member::Block(block_name(address)) })
    }

    /// Returns the node at a place.
    #[must_use]
    pub(crate) fn node(&self, at: usize) -> &Node {
        &self.nodes[at]
    }

    /// Returns what users call the node at a place.
    #[must_use]
    pub(crate) fn name(&self, at: usize) -> String {
        self.nodes[at].name(&self.tree)
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

    /// Returns, for each node, the blocks it needs: those it names, and those that the values it names need. Their
    /// addresses name no instances of modules.
    #[must_use]
    pub(crate) fn blocks_needed(&self) -> Vec<Rc<BTreeSet<Address>>> {
        let nothing: Rc<BTreeSet<Address>> = Rc::default();
        let mut needed = vec![Rc::clone(&nothing); self.nodes.len()];
        for at in &self.sequence {
            let mut direct = BTreeSet::new();
            let mut through: Vec<&Rc<BTreeSet<Address>>> = Vec::new();
            for need in self.needs(*at) {
                match &self.nodes[need].member {
                    Member::Block(name) => {
                        direct.insert(address(name, &self.tree.get(self.nodes[need].module).path));
                        // What is only read stands for what it is read from.
                        if name.mode == Mode::Data {
                            through.push(&needed[need]);
                        }
                    }
                    Member::Local(_) | Member::Variable(_) | Member::Provider(_) | Member::Output(_) => {
                        through.push(&needed[need]);
                    }
                    Member::Call(_) | Member::All => through.push(&needed[need]),
                }
            }
            through.retain(|blocks| !blocks.is_empty());
            through.sort_by_key(|blocks| std::cmp::Reverse(blocks.len()));
            // What needs no more than another node shares its set: most nodes need one value, or none.
            let largest = through.first().copied().unwrap_or(&nothing);
            let rest = through.iter().skip(1).filter(|blocks| !Rc::ptr_eq(blocks, largest));
            let is_covered = direct.is_subset(largest) && rest.clone().all(|blocks| blocks.is_subset(largest));
            needed[*at] = if is_covered {
                Rc::clone(largest)
            } else {
                direct.extend(largest.iter().cloned());
                rest.for_each(|blocks| direct.extend(blocks.iter().cloned()));
                Rc::new(direct)
            };
        }
        needed
    }

    /// Returns the values that these nodes need, also through other values, in the order in which they can be
    /// evaluated. What is behind a block is not among them.
    #[must_use]
    pub(crate) fn values_needed(&self, nodes: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut found = BTreeSet::new();
        let mut queue: Vec<usize> = nodes.into_iter().collect();
        while let Some(next) = queue.pop() {
            for need in self.needs(next) {
                if self.is_value(need) && found.insert(need) {
                    queue.push(need);
                }
            }
        }
        let mut in_order: Vec<usize> = found.into_iter().collect();
        in_order.sort_unstable_by_key(|at| self.ranks[*at]);
        in_order
    }

    /// Returns whether a node is computed from others, and no object.
    #[must_use]
    pub(crate) fn is_value(&self, at: usize) -> bool {
        match &self.nodes[at].member {
            Member::Variable(_) | Member::Local(_) | Member::Call(_) | Member::Output(_) => true,
            Member::Provider(_) | Member::Block(_) | Member::All => false,
        }
    }

    /// Returns the nodes that names in a module mean; of a call, every output.
    #[must_use]
    pub(crate) fn named<'r>(&self, module: ModuleId, names: impl Iterator<Item = &'r Reference>) -> Vec<usize> {
        let block = |mode, kind: &loam_provider::Str, name: &loam_provider::Str| {
            Member::Block(BlockName { mode, kind: kind.clone(), name: name.clone() })
        };
        let mut found = BTreeSet::new();
        for name in names {
            let own = |member| vec![Node { module, member }];
            let nodes = match &name.subject {
                Subject::Variable(name) => own(Member::Variable(name.clone())),
                Subject::Local(name) => own(Member::Local(name.clone())),
                Subject::Resource { kind, name } => own(block(Mode::Managed, kind, name)),
                Subject::Data { kind, name } => own(block(Mode::Data, kind, name)),
                Subject::Module(name) => match self.tree.get(module).children.get(name) {
                    Some(&child) => {
                        let outputs = self.tree.get(child).module.outputs.keys();
                        outputs.map(|output| Node { module: child, member: Member::Output(output.clone()) }).collect()
                    }
                    None => Vec::new(),
                },
                _ => Vec::new(),
            };
            found.extend(nodes.iter().filter_map(|node| self.place(node)));
        }
        found.into_iter().collect()
    }

    /// Returns what has to be put together before a node is evaluated: blocks and calls, with the module whose
    /// expressions name them.
    #[must_use]
    pub(crate) fn reads(&self, at: usize) -> Vec<(ModuleId, Read)> {
        self.reads_of(self.nodes[at].module, &self.needs(at))
    }

    /// Returns what has to be put together before something in a module is evaluated that needs these nodes.
    #[must_use]
    pub(crate) fn reads_of(&self, module: ModuleId, needs: &[usize]) -> Vec<(ModuleId, Read)> {
        let own_call = self.tree.get(module).caller.map(|(caller, call)| (caller, &call.name));
        let mut reads = BTreeSet::new();
        for &need in needs {
            let Node { module: needed, member } = &self.nodes[need];
            match member {
                Member::Block(name) => {
                    reads.insert((*needed, Read::Block(name.clone())));
                }
                Member::Output(_) => {
                    if let Some((caller, call)) = self.tree.get(*needed).caller {
                        reads.insert((caller, Read::Call(call.name.clone())));
                    }
                }
                Member::Call(name) if own_call != Some((*needed, name)) => {
                    reads.insert((*needed, Read::Call(name.clone())));
                }
                Member::Call(_) | Member::Variable(_) | Member::Local(_) => {}
                Member::Provider(_) | Member::All => {}
            }
        }
        reads.into_iter().collect()
    }
}

/// A value that is put together from those of instances.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Read {
    /// Of the objects of a block.
    Block(BlockName),
    /// Of the outputs of a module.
    Call(loam_provider::Str),
}

impl Read {
    /// Returns what expressions call it.
    pub(crate) fn subject(&self) -> Subject {
        match self {
            Self::Block(name) => name.subject(),
            Self::Call(name) => Subject::Module(name.clone()),
        }
    }
}

/// Returns the address of a block in a module.
pub(crate) fn address(block: &BlockName, module: &crate::addr::ModulePath) -> Address {
    Address { module: module.clone(), mode: block.mode, kind: block.kind.clone(), name: block.name.clone() }
}

/// Returns the name of a block within its module.
pub(crate) fn block_name(address: &Address) -> BlockName {
    let Address { mode, kind, name, .. } = address;
    BlockName { mode: *mode, kind: kind.clone(), name: name.clone() }
}

/// Returns the name, within its module, of the block that an address is an instance of.
pub(crate) fn block_of(addr: &crate::addr::Instance) -> BlockName {
    block_name(&addr.resource)
}
