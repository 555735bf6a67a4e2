//! What the nodes hold, and what that costs. All that pricing a node needs stands side by side, since at
//! thousands of nodes the search waits for memory more than for arithmetic.

use super::RebalanceProblem;
use super::problem::{Block, LANES};

/// Prices of broken capacities stop growing here.
const PENALTY_MAX: f64 = 1e12;

/// What a move changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delta {
    /// Change of the cost, exact.
    pub cost: f64,
    /// Change of the penalty: on what nodes hold beyond their capacities, on other rules that are broken, and on
    /// moves where they count more than they cost.
    pub overload: f64,
}

impl Delta {
    /// What the search minimises.
    #[inline]
    pub fn penalised(self) -> f64 {
        self.cost + self.overload
    }

    /// Both changes, one after the other.
    #[inline]
    pub fn plus(self, other: Self) -> Self {
        Self { cost: self.cost + other.cost, overload: self.overload + other.overload }
    }

    #[inline]
    pub(super) fn less(self, other: Self) -> Self {
        Self { cost: self.cost - other.cost, overload: self.overload - other.overload }
    }
}

/// Use and price of each node.
#[derive(Debug, Clone)]
pub(super) struct Ledger<'p> {
    problem: &'p RebalanceProblem,
    /// By node three rows: what its tasks use, less its safety capacity; what it holds (use, and the transient
    /// needs of tasks that have left), less its capacity; the price of a unit beyond the capacity.
    rows: Vec<Block>,
    /// Load and balance cost by node, and weighted amounts beyond the capacity.
    priced: Vec<Delta>,
    nodes_over: u32,
}

impl<'p> Ledger<'p> {
    /// All nodes empty. They have no price until they are [settled](Self::settle).
    pub(super) fn new(problem: &'p RebalanceProblem) -> Self {
        let mut rows = Vec::with_capacity(3 * problem.nodes * problem.blocks);
        for node in 0..problem.nodes {
            let own = node * problem.blocks..(node + 1) * problem.blocks;
            rows.extend(problem.safety[own.clone()].iter().map(|block| block.map(|v| -v)));
            rows.extend(problem.capacity[own].iter().map(|block| block.map(|v| -v)));
            rows.extend(&problem.overload_weight);
        }
        let priced = vec![Delta { cost: 0.0, overload: 0.0 }; problem.nodes];
        Self { problem, rows, priced, nodes_over: 0 }
    }

    /// Number of nodes that hold more than their capacity.
    pub(super) fn nodes_over(&self) -> u32 {
        self.nodes_over
    }

    /// Load and balance cost of all nodes.
    pub(super) fn cost(&self) -> f64 {
        self.priced.iter().map(|delta| delta.cost).sum()
    }

    /// The node's price as it was last settled.
    #[inline]
    pub(super) fn priced(&self, node: u32) -> Delta {
        self.priced[node as usize]
    }

    /// What the node holds, less its capacity.
    #[inline]
    pub(super) fn beyond(&self, node: u32) -> &[Block] {
        let blocks = self.problem.blocks;
        &self.node(node)[blocks..2 * blocks]
    }

    /// Adds to the use of the node.
    pub(super) fn use_more(&mut self, node: u32, need: &[Block], sign: f64) {
        let start = 3 * node as usize * self.problem.blocks;
        add(&mut self.rows[start..], need, sign);
    }

    /// Adds to what the node holds.
    pub(super) fn hold_more(&mut self, node: u32, need: &[Block], sign: f64) {
        let start = (3 * node as usize + 1) * self.problem.blocks;
        add(&mut self.rows[start..], need, sign);
    }

    /// Brings the price of the node up to date.
    pub(super) fn settle(&mut self, node: u32) {
        let now = self.price(node, |_| [0.0; LANES], |_| [0.0; LANES]);
        self.nodes_over -= u32::from(self.priced(node).overload > 0.0);
        self.nodes_over += u32::from(now.overload > 0.0);
        self.priced[node as usize] = now;
    }

    /// Sets the price of each unit beyond a capacity: where it is broken the price grows by the factor, but
    /// it is nowhere below `floor` times the resource's weight (and exactly that where `reset`).
    pub(super) fn adapt_penalties(&mut self, growth: f64, floor: f64, reset: bool) {
        let blocks = self.problem.blocks;
        let weights = &self.problem.overload_weight;
        for node in self.rows.chunks_mut(3 * blocks) {
            let (amounts, prices) = node.split_at_mut(2 * blocks);
            for ((price, beyond), weight) in prices.iter_mut().zip(&amounts[blocks..]).zip(weights) {
                for l in 0..LANES {
                    let least = floor * weight[l];
                    let grown = if beyond[l] > 0.0 { price[l] * growth } else { price[l] };
                    price[l] = if reset { least } else { grown.clamp(least, PENALTY_MAX) };
                }
            }
        }
        for node in 0..self.problem.nodes as u32 {
            if self.priced(node).overload > 0.0 {
                self.settle(node);
            }
        }
    }

    /// Price of the node if its use and what it holds changed by these blocks.
    #[inline]
    pub(super) fn price(
        &self,
        node: u32,
        change: impl Fn(usize) -> Block,
        held_change: impl Fn(usize) -> Block,
    ) -> Delta {
        let problem = self.problem;
        let (used, rest) = self.node(node).split_at(problem.blocks);
        let (held, penalty) = rest.split_at(problem.blocks);
        let (mut load, mut beyond) = ([0.0; LANES], [0.0; LANES]);
        let rows = used.iter().zip(&problem.load_weight).zip(held.iter().zip(penalty)).enumerate();
        for (b, ((u, w), (h, v))) in rows {
            let (c, d) = (change(b), held_change(b));
            for l in 0..LANES {
                load[l] += (u[l] + c[l]).max(0.0) * w[l];
                beyond[l] += (h[l] + d[l]).max(0.0) * v[l];
            }
        }
        let mut cost = (load[0] + load[1]) + (load[2] + load[3]);
        if !problem.parts.balance.is_empty() {
            let own = node as usize * problem.blocks;
            let free = |r: u32| {
                let (b, l) = (r as usize / LANES, r as usize % LANES);
                problem.capacity[own + b][l] - problem.safety[own + b][l] - used[b][l] - change(b)[l]
            };
            for goal in &problem.parts.balance {
                let missing = goal.target as f64 * free(goal.of) - free(goal.to);
                cost += missing.max(0.0) * goal.weight as f64;
            }
        }
        Delta { cost, overload: (beyond[0] + beyond[1]) + (beyond[2] + beyond[3]) }
    }

    #[inline]
    fn node(&self, node: u32) -> &[Block] {
        let length = 3 * self.problem.blocks;
        &self.rows[node as usize * length..(node as usize + 1) * length]
    }
}

pub(super) fn add(row: &mut [Block], change: &[Block], sign: f64) {
    for (row, change) in row.iter_mut().zip(change) {
        for l in 0..LANES {
            row[l] += sign * change[l];
        }
    }
}
