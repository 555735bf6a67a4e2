//! On a large cluster each slice of the search looks at some nodes and their tasks only, so that everything it
//! touches stays in the processor's cache; the next slice looks elsewhere. Drawing from the whole of 5,000 nodes
//! and 50,000 tasks, most of the time goes into waiting for memory.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

/// Nodes of a focus: few enough that all that is priced there stays near the processor.
const NODES: usize = 32;
/// Evaluations until the next look elsewhere, some fifteen for each task in focus.
pub(super) const FOCUS_EVALUATIONS: u64 = 5_000;
/// On no more nodes than this, the whole stays in the cache.
const NODES_WITHOUT: usize = 256;

/// The nodes and tasks of a slice.
#[derive(Debug, Clone)]
pub(super) struct Focus {
    /// All nodes; the first [`NODES`] are in focus.
    nodes: Vec<u32>,
    tasks: Vec<u32>,
    in_focus: Vec<bool>,
}

impl Focus {
    /// For a cluster that is so large that it pays, else `None`.
    pub(super) fn new(nodes: usize) -> Option<Self> {
        let all = || (0..nodes as u32).collect();
        (nodes > NODES_WITHOUT).then(|| Self {
            nodes: all(),
            tasks: Vec::new(),
            in_focus: vec![false; nodes],
        })
    }

    /// Looks elsewhere: random nodes, and the tasks that the placement has there. Needs a pass over all tasks.
    pub(super) fn refresh(&mut self, placement: &[u32], chance: &mut Pcg64Mcg) {
        for i in 0..NODES {
            self.in_focus[self.nodes[i] as usize] = false;
        }
        for i in 0..NODES {
            let other = chance.random_range(i..self.nodes.len());
            self.nodes.swap(i, other);
            self.in_focus[self.nodes[i] as usize] = true;
        }
        self.tasks.clear();
        let here = |(task, &node): (usize, &u32)| self.in_focus[node as usize].then_some(task as u32);
        self.tasks.extend(placement.iter().enumerate().filter_map(here));
    }

    /// The nodes in focus.
    pub(super) fn nodes(&self) -> &[u32] {
        &self.nodes[..NODES]
    }

    /// The tasks that stood there when the slice began. They only move within the focus or home.
    pub(super) fn tasks(&self) -> &[u32] {
        &self.tasks
    }
}
