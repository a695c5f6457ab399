//! Directed graphs of things that need each other, by position.
//!
//! The engine numbers what it orders (blocks, steps) and keeps facts in vectors; this module only
//! knows the numbers. It knows no addresses, no values and no providers. Start in [`Graph`].

mod render;
mod schedule;

use petgraph::{
    Direction,
    graph::{DiGraph, NodeIndex},
};

pub use render::{Shape, dot, mermaid};
pub use schedule::Schedule;

/// Which node needs which. Edges point from what is needed to what needs it.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    inner: DiGraph<(), (), u32>,
}

/// Nodes that need each other in a circle, each needing the next, the last the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle(pub Vec<usize>);

impl Graph {
    /// Returns a graph of `nodes` nodes, numbered from zero, without edges.
    #[must_use]
    pub fn new(nodes: usize) -> Self {
        let mut inner = DiGraph::with_capacity(nodes, nodes);
        for _ in 0..nodes {
            inner.add_node(());
        }
        Self { inner }
    }

    /// Returns how many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.node_count()
    }

    /// Returns whether there is no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a node and returns its number.
    pub fn add(&mut self) -> usize {
        self.inner.add_node(()).index()
    }

    /// Says that `dependent` needs `needed`. Saying it twice costs an edge and changes nothing else.
    pub fn needs(&mut self, dependent: usize, needed: usize) {
        self.inner.add_edge(node(needed), node(dependent), ());
    }

    /// Returns what a node needs, in ascending order, each once.
    #[must_use]
    pub fn needed_by(&self, dependent: usize) -> Vec<usize> {
        self.neighbours(dependent, Direction::Incoming)
    }

    /// Returns what needs a node, in ascending order, each once.
    #[must_use]
    pub fn dependents_of(&self, needed: usize) -> Vec<usize> {
        self.neighbours(needed, Direction::Outgoing)
    }

    fn neighbours(&self, of: usize, direction: Direction) -> Vec<usize> {
        let mut found: Vec<usize> = self.inner.neighbors_directed(node(of), direction).map(NodeIndex::index).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Returns the nodes with each after all it needs; of several that could come next, the lowest number.
    ///
    /// # Errors
    /// A [`Cycle`], the one through the lowest number.
    pub fn order(&self) -> Result<Vec<usize>, Cycle> {
        let mut waiting: Vec<usize> = (0..self.len()).map(|at| self.needed_by(at).len()).collect();
        let mut ready: std::collections::BinaryHeap<std::cmp::Reverse<usize>> = waiting
            .iter()
            .enumerate()
            .filter(|(_, waiting)| **waiting == 0)
            .map(|(at, _)| std::cmp::Reverse(at))
            .collect();
        let mut order = Vec::with_capacity(self.len());
        while let Some(std::cmp::Reverse(at)) = ready.pop() {
            order.push(at);
            for dependent in self.dependents_of(at) {
                waiting[dependent] -= 1;
                if waiting[dependent] == 0 {
                    ready.push(std::cmp::Reverse(dependent));
                }
            }
        }
        if order.len() == self.len() { Ok(order) } else { Err(self.cycle()) }
    }

    /// Returns a number for each node; nodes that need each other, and no others, have the same.
    #[must_use]
    pub fn components(&self) -> Vec<usize> {
        let mut component = vec![0; self.len()];
        for (number, nodes) in petgraph::algo::tarjan_scc(&self.inner).into_iter().enumerate() {
            for node in nodes {
                component[node.index()] = number;
            }
        }
        component
    }

    fn cycle(&self) -> Cycle {
        let mut components: Vec<Vec<usize>> = petgraph::algo::tarjan_scc(&self.inner)
            .into_iter()
            .map(|component| component.into_iter().map(NodeIndex::index).collect::<Vec<usize>>())
            .filter(|component| component.len() > 1 || self.needed_by(component[0]).contains(&component[0]))
            .collect();
        for component in &mut components {
            component.sort_unstable();
        }
        components.sort();
        let component = components.first().cloned().unwrap_or_default();
        let Some(&start) = component.first() else { return Cycle(Vec::new()) };
        // Walking along needs inside the component must meet a node again; what lies between is a cycle.
        let mut path = vec![start];
        loop {
            let last = *path.last().expect("the path starts with a node");
            let next = self.needed_by(last).into_iter().find(|next| component.binary_search(next).is_ok());
            let next = next.expect("every node of a strongly connected component needs another of it");
            if let Some(position) = path.iter().position(|seen| *seen == next) {
                return Cycle(path.split_off(position));
            }
            path.push(next);
        }
    }
}

fn node(at: usize) -> NodeIndex<u32> {
    NodeIndex::new(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(nodes: usize, needs: &[(usize, usize)]) -> Graph {
        let mut graph = Graph::new(nodes);
        for (dependent, needed) in needs {
            graph.needs(*dependent, *needed);
        }
        graph
    }

    #[test]
    fn what_is_needed_comes_first_and_ties_go_by_number() {
        assert_eq!(graph(4, &[(0, 2), (1, 2), (2, 3), (0, 2)]).order(), Ok(vec![3, 2, 0, 1]));
        assert_eq!(graph(3, &[]).order(), Ok(vec![0, 1, 2]));
    }

    #[test]
    fn nodes_that_need_each_other_are_one_component() {
        let component = graph(4, &[(0, 1), (1, 0), (2, 1), (3, 2)]).components();
        assert_eq!(component[0], component[1]);
        assert_eq!(component.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    }

    #[test]
    fn a_cycle_is_named_in_full() {
        assert_eq!(graph(5, &[(1, 2), (2, 3), (3, 1), (4, 1), (1, 0)]).order(), Err(Cycle(vec![1, 2, 3])));
        assert_eq!(graph(2, &[(1, 1)]).order(), Err(Cycle(vec![1])));
    }
}
