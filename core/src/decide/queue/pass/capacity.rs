//! What a pass through the queue knows of the machine that units run on: what is free on each node, where a unit would
//! stand, and placing it there. Nothing here knows of time or policies.

use serde::{Deserialize, Serialize};

/// Amounts on nodes: what a unit holds, or would hold. A unit may hold something of several nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Amounts per node: the width of [`Free`].
    width: usize,
    nodes: Vec<u32>,
    /// nodes x width.
    amounts: Vec<i64>,
}

impl Claims {
    /// Empties it, for rows of `width` amounts (at least 1).
    pub fn reset(&mut self, width: usize) {
        self.width = width.max(1);
        self.nodes.clear();
        self.amounts.clear();
    }

    /// Adds a node and gives its amounts, all 0, to be filled in.
    pub fn add(&mut self, node: u32) -> &mut [i64] {
        self.nodes.push(node);
        let from = self.amounts.len();
        self.amounts.resize(from + self.width.max(1), 0);
        &mut self.amounts[from..]
    }

    /// The nodes with their amounts.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &[i64])> {
        self.nodes.iter().copied().zip(self.amounts.chunks_exact(self.width.max(1)))
    }

    /// Whether nothing is claimed.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// What is free on each node: rows of equal width (resources, devices, or one count of units).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Free {
    width: usize,
    amounts: Vec<i64>,
}

impl Free {
    /// Nothing free on `nodes` nodes of `width` amounts (at least 1).
    pub fn reset(&mut self, nodes: usize, width: usize) {
        self.width = width.max(1);
        self.amounts.clear();
        self.amounts.resize(nodes * self.width, 0);
    }

    /// Becomes equal to another, keeping its memory.
    pub fn copy_from(&mut self, other: &Self) {
        self.width = other.width;
        self.amounts.clone_from(&other.amounts);
    }

    /// Number of nodes.
    pub fn nodes(&self) -> usize {
        self.amounts.len() / self.width.max(1)
    }

    /// Amounts per node.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All amounts, node by node.
    pub fn amounts(&self) -> &[i64] {
        &self.amounts
    }

    /// What is free on a node.
    pub fn row(&self, node: usize) -> &[i64] {
        &self.amounts[node * self.width..][..self.width]
    }

    /// The same, to be filled in.
    pub fn row_mut(&mut self, node: usize) -> &mut [i64] {
        &mut self.amounts[node * self.width..][..self.width]
    }

    /// Whether all that is claimed is free.
    pub fn covers(&self, claims: &Claims) -> bool {
        claims.iter().all(|(node, wanted)| {
            let mut pairs = self.row(node as usize).iter().zip(wanted);
            pairs.all(|(free, &wanted)| wanted == 0 || *free >= wanted)
        })
    }

    /// Takes out what is claimed.
    pub fn take(&mut self, claims: &Claims) {
        self.add(claims, -1);
    }

    /// Gives back what is claimed.
    pub fn give(&mut self, claims: &Claims) {
        self.add(claims, 1);
    }

    fn add(&mut self, claims: &Claims, sign: i64) {
        for (node, amounts) in claims.iter() {
            for (free, amount) in self.row_mut(node as usize).iter_mut().zip(amounts) {
                *free += sign * amount;
            }
        }
    }

    /// Leaves of each amount the lesser of this and another, on the nodes of `claims`.
    pub fn keep_least_at(&mut self, other: &Self, claims: &Claims) {
        for (node, _) in claims.iter() {
            let theirs = other.row(node as usize);
            self.row_mut(node as usize).iter_mut().zip(theirs).for_each(|(free, &t)| *free = t.min(*free));
        }
    }

    /// Leaves of each amount the lesser of this and another.
    pub fn keep_least(&mut self, other: &Self) {
        self.amounts.iter_mut().zip(&other.amounts).for_each(|(free, &theirs)| *free = theirs.min(*free));
    }
}

/// Where units (tasks or gangs) run: a machine of the simulator, or the draft of a plan for a live cluster. A unit is
/// told by its number, a placed one also by its slot, a small number that is used again once the unit has left.
///
/// For a draft: `place` chooses nodes and devices as its policy does and keeps the steps that this takes, `release` takes
/// them back; a gang is placed whole or not at all. A row of [`Free`] holds what the rules count on one node, such as
/// resources and the thousandths of each device, and `lay_out` answers from these rows and what never changes (labels,
/// models); then reservations are kept for what is really there, node by node, and not for a sum of units.
pub trait Capacity {
    /// Whether the size alone decides what fits: a larger unit never fits where a smaller one does not.
    const SIZE_DECIDES: bool;

    /// Units of equal shape fit or do not fit together; told apart only where the size does not decide.
    fn shape(&self, _unit: u32) -> u32 {
        0
    }

    /// Size units in service (nodes, processors or GPUs), used or free.
    fn units(&self) -> u64;

    /// Size units in service that nothing uses.
    fn free_units(&self) -> u64;

    /// Fills in what is free on each node now; nothing on nodes out of service.
    fn free(&self, free: &mut Free);

    /// Fills in what `slot` holds.
    fn held(&self, slot: u32, claims: &mut Claims);

    /// Where `unit`, of `size`, would stand if this were free on the nodes, those out of service included; false when it
    /// would not fit. What fits still fits where more is free. Changes nothing but scratch memory.
    fn lay_out(&mut self, unit: u32, size: u32, free: &Free, claims: &mut Claims) -> bool;

    /// Places `unit`, of `size`, as `slot` where the machine's own placement wants it; false, and nothing changed, when it
    /// does not fit now.
    fn place(&mut self, slot: u32, unit: u32, size: u32) -> bool;

    /// Places `unit`, of `size`, as `slot` on exactly that; false, and nothing changed, when any of it is not free.
    fn place_at(&mut self, slot: u32, unit: u32, size: u32, claims: &Claims) -> bool;

    /// Takes back what `slot` holds.
    fn release(&mut self, slot: u32);
}
