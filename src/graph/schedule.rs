//! Which nodes of a graph can run now.

use std::collections::BTreeSet;

use super::{Cycle, Graph};

/// A graph being worked off: nodes become ready when all they need is done.
#[derive(Debug, Clone)]
pub struct Schedule {
    dependents: Vec<Vec<usize>>,
    waiting: Vec<usize>,
    ready: BTreeSet<usize>,
    /// Taken, or skipped for good.
    is_taken: Vec<bool>,
    open: usize,
}

impl Schedule {
    /// Returns the schedule of a graph with nothing done.
    ///
    /// # Errors
    /// The graph's [`Cycle`], if it has one.
    pub fn new(graph: &Graph) -> Result<Self, Cycle> {
        graph.order()?;
        let dependents: Vec<Vec<usize>> = (0..graph.len()).map(|at| graph.dependents_of(at)).collect();
        let waiting: Vec<usize> = (0..graph.len()).map(|at| graph.needed_by(at).len()).collect();
        let ready = waiting.iter().enumerate().filter(|(_, waiting)| **waiting == 0).map(|(at, _)| at).collect();
        Ok(Self { open: waiting.len(), is_taken: vec![false; waiting.len()], dependents, waiting, ready })
    }

    /// Takes the lowest-numbered node that can run now.
    pub fn take(&mut self) -> Option<usize> {
        let next = self.ready.pop_first()?;
        self.is_taken[next] = true;
        Some(next)
    }

    /// Says that a taken node is done, so that what waited for it alone becomes ready.
    pub fn done(&mut self, at: usize) {
        self.open -= 1;
        for dependent in &self.dependents[at] {
            self.waiting[*dependent] -= 1;
            if self.waiting[*dependent] == 0 {
                self.ready.insert(*dependent);
            }
        }
    }

    /// Says that a taken node failed; returns all that will never run because of it, in ascending order.
    pub fn failed(&mut self, at: usize) -> Vec<usize> {
        self.open -= 1;
        let mut skipped = Vec::new();
        let mut queue = vec![at];
        while let Some(failed) = queue.pop() {
            for dependent in &self.dependents[failed] {
                // One need of it is never done, so it never becomes ready by itself.
                if !self.is_taken[*dependent] {
                    self.is_taken[*dependent] = true;
                    skipped.push(*dependent);
                    queue.push(*dependent);
                }
            }
        }
        self.open -= skipped.len();
        skipped.sort_unstable();
        skipped
    }

    /// Returns the nodes that were neither taken nor skipped, in ascending order.
    #[must_use]
    pub fn untaken(&self) -> Vec<usize> {
        (0..self.waiting.len()).filter(|at| !self.is_taken[*at]).collect()
    }

    /// Returns whether every node is done, failed or skipped.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.open == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_skips_only_what_needs_it() {
        let mut graph = Graph::new(5);
        for (dependent, needed) in [(1, 0), (2, 1), (4, 3), (2, 3)] {
            graph.needs(dependent, needed);
        }
        let mut schedule = Schedule::new(&graph).expect("there is no cycle");
        assert_eq!((schedule.take(), schedule.take(), schedule.take()), (Some(0), Some(3), None));
        assert_eq!(schedule.failed(0), [1, 2]);
        schedule.done(3);
        assert_eq!((schedule.take(), schedule.take()), (Some(4), None));
        assert!(!schedule.is_finished());
        schedule.done(4);
        assert!(schedule.is_finished());
    }
}
