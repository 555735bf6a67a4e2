//! Nodes with a count of GPUs each: the machine of GPU clusters whose jobs are gangs. Nodes are kept in one
//! set per number of free GPUs, so that the fullest or emptiest node that fits is found at once. A job gets
//! the lowest free GPUs of its nodes; which ones matters only when one fails. A node with a GPU out of service
//! is no whole node for a gang that needs whole ones.
//!
//! Nodes may be of several sizes. A gang that one node of the largest size could hold gets one node; a larger one gets
//! whole nodes, the largest first, and smaller ones only when the machine has no more of the larger, and the rest on
//! one node. So a larger gang never fits where a smaller one does not, and on an idle machine each fits that has
//! as many GPUs.

use lepton_core::decide::queue::pass::{Capacity, Claims, Free};
use serde::{Deserialize, Serialize};

use super::Machine;
use crate::engine::IndexSet;

/// How a gang's GPUs are laid out over nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum GangPlacement {
    /// Fewest nodes: within one node the fullest that fits, otherwise whole empty nodes and the rest on the
    /// emptiest of the others.
    Consolidate,
    /// GPU by GPU on the node with the most free ones: evens out load, at the price of communication.
    Spread,
    /// As consolidated, but within one NVLink domain if any holds the gang, else within one rack, else
    /// anywhere; of several, the group with the fewest free GPUs.
    Topology,
}

/// Consecutive nodes form NVLink domains, and these form racks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// Nodes that share an NVLink domain; at least 1.
    pub nodes_per_domain: u32,
    /// Nodes in a rack; at least 1.
    pub nodes_per_rack: u32,
}

impl Default for Topology {
    /// Each node its own domain, 16 nodes a rack.
    fn default() -> Self {
        Self { nodes_per_domain: 1, nodes_per_rack: 16 }
    }
}

/// Nodes with GPUs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GpuNodes {
    /// GPUs of each node, out of service or not.
    size: Vec<u32>,
    /// The sizes that there are, the largest first.
    sizes: Vec<u32>,
    /// `of_size[s][n]`: how many of the nodes before n have size `sizes[s]`; empty where there is one size.
    of_size: Vec<Vec<u32>>,
    placement: GangPlacement,
    topology: Topology,
    /// Free GPUs of each node that are in service themselves, whether or not the node is.
    free: Vec<u32>,
    /// The same as a set of GPUs.
    free_gpus: Vec<u64>,
    /// GPUs out of service.
    out: Vec<u64>,
    down: Vec<bool>,
    /// `with_free[f]`: nodes in service that have f free GPUs.
    with_free: Vec<IndexSet>,
    free_total: u64,
    /// GPUs in service on nodes in service.
    in_service: u64,
    /// GPUs in all.
    total: u64,
    /// First part of what each slot holds; `NONE` when it holds nothing.
    first_part: Vec<u32>,
    parts: Vec<Part>,
    spare_parts: Vec<u32>,
    /// Scratch for a placement that is being tried.
    tried: Vec<(u32, u32)>,
    /// The same nodes with other GPUs free, on which a layout is tried.
    #[serde(skip)]
    trial: Option<Box<Self>>,
}

/// GPUs of one node that a slot holds, and where its next part is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Part {
    node: u32,
    /// A set of the node's GPUs.
    gpus: u64,
    next: u32,
}

const NONE: u32 = u32::MAX;

/// The slot in which a layout is tried.
const TRIAL_SLOT: u32 = 0;

/// The lowest so many GPUs as a set.
fn lowest(gpus: i64) -> u64 {
    u64::MAX.checked_shr(u64::BITS - gpus.clamp(0, 64) as u32).unwrap_or(0)
}

impl GpuNodes {
    /// `nodes` free nodes of `gpus_per_node` GPUs (1 to 64).
    pub fn new(nodes: u32, gpus_per_node: u32, placement: GangPlacement, topology: Topology) -> Self {
        Self::of_sizes(vec![gpus_per_node; nodes as usize], placement, topology)
    }

    /// Free nodes with so many GPUs each (1 to 64), in this order.
    pub fn of_sizes(mut size: Vec<u32>, placement: GangPlacement, topology: Topology) -> Self {
        size.iter_mut().for_each(|gpus| *gpus = (*gpus).clamp(1, u64::BITS));
        let mut sizes = size.clone();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes.dedup();
        let most = sizes.first().copied().unwrap_or(1);
        let mut with_free: Vec<IndexSet> = (0..=most).map(|_| IndexSet::new(size.len())).collect();
        for (node, &gpus) in size.iter().enumerate() {
            with_free[gpus as usize].insert(node);
        }
        let total = size.iter().map(|&gpus| u64::from(gpus)).sum();
        Self {
            of_size: if sizes.len() > 1 { counts_before(&size, &sizes) } else { Vec::new() },
            placement,
            topology,
            free_gpus: size.iter().map(|&gpus| u64::MAX >> (u64::BITS - gpus)).collect(),
            out: vec![0; size.len()],
            down: vec![false; size.len()],
            with_free,
            free_total: total,
            in_service: total,
            total,
            first_part: Vec::new(),
            parts: Vec::new(),
            spare_parts: Vec::new(),
            tried: Vec::new(),
            free: size.clone(),
            size,
            sizes,
            trial: None,
        }
    }

    /// The same nodes without jobs and failures.
    fn idle(&self) -> Self {
        Self::of_sizes(self.size.clone(), self.placement, self.topology)
    }

    /// Free GPUs of each node.
    pub fn free_gpus(&self) -> &[u32] {
        &self.free
    }

    fn set_free(&mut self, node: u32, gpus: u64) {
        let n = node as usize;
        let (before, free) = (self.free[n], gpus.count_ones());
        self.free[n] = free;
        self.free_gpus[n] = gpus;
        if !self.down[n] {
            self.with_free[before as usize].remove(n);
            self.with_free[free as usize].insert(n);
            self.free_total = self.free_total + u64::from(free) - u64::from(before);
        }
    }

    fn take(&mut self, slot: u32, node: u32, gpus: u32) {
        let free = self.free_gpus[node as usize];
        let left = (0..gpus).fold(free, |left, _| left & left.wrapping_sub(1));
        self.set_free(node, left);
        let gpus = free & !left;
        let s = slot as usize;
        if s >= self.first_part.len() {
            self.first_part.resize(s + 1, NONE);
        }
        let part = Part { node, gpus, next: self.first_part[s] };
        let at = if let Some(at) = self.spare_parts.pop() {
            self.parts[at as usize] = part;
            at
        } else {
            self.parts.push(part);
            self.parts.len() as u32 - 1
        };
        self.first_part[s] = at;
    }

    /// What `slot` holds, as (node, GPUs).
    pub fn parts_of(&self, slot: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let first = self.first_part.get(slot as usize).copied().filter(|&at| at != NONE);
        std::iter::successors(first, |&at| Some(self.parts[at as usize].next).filter(|&n| n != NONE))
            .map(|at| (self.parts[at as usize].node, self.parts[at as usize].gpus.count_ones()))
    }

    /// Whether `slot` holds any of these GPUs of `node`.
    fn holds(&self, slot: u32, node: u32, gpus: u64) -> bool {
        let mut at = self.first_part.get(slot as usize).copied().unwrap_or(NONE);
        while at != NONE {
            let part = self.parts[at as usize];
            if part.node == node && part.gpus & gpus != 0 {
                return true;
            }
            at = part.next;
        }
        false
    }

    /// The slots that hold any of these GPUs of `node`.
    fn slots_on(&self, node: u32, gpus: u64) -> impl Iterator<Item = u32> + '_ {
        (0..self.first_part.len() as u32).filter(move |&slot| self.holds(slot, node, gpus))
    }

    /// The GPU as a set, if there is such a one.
    fn gpu(&self, node: u32, device: u32) -> Option<u64> {
        (node < self.nodes() && device < self.size[node as usize]).then(|| 1 << device)
    }

    /// The first node of `lo..hi` with exactly `free` GPUs free.
    fn node_with(&self, free: u32, lo: u32, hi: u32) -> Option<u32> {
        let found = self.with_free[free as usize].next_from(lo as usize)? as u32;
        (found < hi).then_some(found)
    }

    /// The first node of `lo..hi` that has exactly this size and all of it free.
    fn whole_node(&self, size: u32, lo: u32, hi: u32) -> Option<u32> {
        let mut from = lo;
        loop {
            let node = self.node_with(size, from, hi)?;
            if self.size[node as usize] == size {
                return Some(node);
            }
            from = node + 1;
        }
    }

    /// How many nodes have exactly this size and all of it free.
    fn whole_nodes(&self, size: u32) -> u64 {
        let free = &self.with_free[size as usize];
        if self.sizes.len() == 1 {
            return free.len() as u64;
        }
        free.iter().filter(|&node| self.size[node] == size).count() as u64
    }

    /// How many nodes of `lo..hi` have the size `sizes[class]`, in service or not.
    fn nodes_of_size(&self, class: usize, lo: u32, hi: u32) -> u32 {
        let hi = hi.min(self.nodes());
        self.of_size.get(class).map_or(hi - lo, |before| before[hi as usize] - before[lo as usize])
    }

    /// Lays a gang out over as few nodes of `lo..hi` as possible, into `tried`. False when it does not fit.
    fn consolidate(&mut self, size: u32, lo: u32, hi: u32) -> bool {
        self.tried.clear();
        let most = self.with_free.len() as u32 - 1;
        if size <= most {
            let node = (size..=most).find_map(|f| self.node_with(f, lo, hi));
            self.tried.extend(node.map(|n| (n, size)));
            return node.is_some();
        }
        let mut rest = size;
        for class in 0..self.sizes.len() {
            let gpus = self.sizes[class];
            let there = self.nodes_of_size(class, lo, hi);
            let whole = (rest / gpus).min(there);
            let mut from = lo;
            for _ in 0..whole {
                let Some(node) = self.whole_node(gpus, from, hi) else { return false };
                self.tried.push((node, gpus));
                from = node + 1;
            }
            rest -= whole * gpus;
            if rest == 0 {
                return true;
            }
            // Smaller nodes stand in only where there is no further one of this size.
            if whole < there {
                break;
            }
        }
        let emptiest = self.emptiest_untried(rest, lo, hi);
        self.tried.extend(emptiest.map(|n| (n, rest)));
        emptiest.is_some()
    }

    /// The node of `lo..hi` with the most free GPUs, at least `least`, that is not tried yet.
    fn emptiest_untried(&self, least: u32, lo: u32, hi: u32) -> Option<u32> {
        let most = self.with_free.len() as u32 - 1;
        (least..=most).rev().find_map(|free| {
            // Whole nodes of a size were tried from the lowest on.
            let last = self.tried.iter().filter(|t| t.1 == free).map(|t| t.0).max();
            let mut from = lo;
            loop {
                let node = self.node_with(free, from, hi)?;
                if self.size[node as usize] != free || last.is_none_or(|last| node > last) {
                    return Some(node);
                }
                from = node + 1;
            }
        })
    }

    /// Lays a gang out GPU by GPU on the emptiest nodes, into `tried`.
    fn spread(&mut self, slot: u32, size: u32) -> bool {
        if u64::from(size) > self.free_total {
            return false;
        }
        for _ in 0..size {
            let most = self.with_free.len() as u32 - 1;
            let emptiest = (1..=most).rev().find_map(|f| self.node_with(f, 0, NONE));
            let Some(node) = emptiest else { break };
            self.take(slot, node, 1);
        }
        self.merge_parts(slot);
        true
    }

    /// Joins the parts of `slot` that lie on the same node.
    fn merge_parts(&mut self, slot: u32) {
        let mut tried = std::mem::take(&mut self.tried);
        tried.clear();
        tried.extend(self.parts_of(slot));
        tried.sort_unstable();
        tried.dedup_by(|later, first| {
            let same = later.0 == first.0;
            first.1 += if same { later.1 } else { 0 };
            same
        });
        self.release(slot);
        for &(node, gpus) in &tried {
            self.take(slot, node, gpus);
        }
        self.tried = tried;
    }

    /// Consolidated within the tightest group of `group` nodes that holds the gang.
    fn within_group(&mut self, size: u32, group: u32) -> bool {
        let nodes = self.free.len() as u32;
        let group = group.clamp(1, nodes.max(1));
        let mut best: Option<(u64, u32)> = None;
        for lo in (0..nodes).step_by(group as usize) {
            let hi = nodes.min(lo + group);
            let free: u64 =
                (lo..hi).filter(|&n| !self.down[n as usize]).map(|n| u64::from(self.free[n as usize])).sum();
            let better = best.is_none_or(|(least, _)| free < least);
            if free >= u64::from(size) && better && self.consolidate(size, lo, hi) {
                best = Some((free, lo));
            }
        }
        best.is_some_and(|(_, lo)| self.consolidate(size, lo, nodes.min(lo + group)))
    }
}

/// For each of `sizes`, and each node and the end: how many nodes before it have that size.
fn counts_before(size: &[u32], sizes: &[u32]) -> Vec<Vec<u32>> {
    let of = |wanted: &u32| {
        let mut before = vec![0];
        before.extend(size.iter().scan(0, |count, gpus| {
            *count += u32::from(gpus == wanted);
            Some(*count)
        }));
        before
    };
    sizes.iter().map(of).collect()
}

impl Capacity for GpuNodes {
    const SIZE_DECIDES: bool = true;

    fn units(&self) -> u64 {
        self.in_service
    }

    fn free_units(&self) -> u64 {
        self.free_total
    }

    fn free(&self, free: &mut Free) {
        free.reset(self.free.len(), 1);
        for (node, &gpus) in self.free.iter().enumerate().filter(|(node, _)| !self.down[*node]) {
            free.row_mut(node)[0] = i64::from(gpus);
        }
    }

    fn held(&self, slot: u32, claims: &mut Claims) {
        claims.reset(1);
        for (node, gpus) in self.parts_of(slot) {
            claims.add(node)[0] = i64::from(gpus);
        }
    }

    fn lay_out(&mut self, job: u32, size: u32, free: &Free, claims: &mut Claims) -> bool {
        let mut trial = self.trial.take().unwrap_or_else(|| Box::new(self.idle()));
        for (node, &gpus) in (0u32..).zip(free.amounts()) {
            if i64::from(trial.free[node as usize]) != gpus {
                trial.set_free(node, lowest(gpus));
            }
        }
        let fits = trial.place(TRIAL_SLOT, job, size);
        if fits {
            trial.held(TRIAL_SLOT, claims);
            trial.release(TRIAL_SLOT);
        }
        self.trial = Some(trial);
        fits
    }

    fn place(&mut self, slot: u32, _job: u32, size: u32) -> bool {
        if u64::from(size) > self.free_total {
            return false;
        }
        let fits = match self.placement {
            GangPlacement::Spread => return self.spread(slot, size),
            GangPlacement::Consolidate => self.consolidate(size, 0, NONE),
            GangPlacement::Topology => {
                let Topology { nodes_per_domain, nodes_per_rack } = self.topology;
                self.within_group(size, nodes_per_domain)
                    || self.within_group(size, nodes_per_rack)
                    || self.consolidate(size, 0, NONE)
            }
        };
        if fits {
            let tried = std::mem::take(&mut self.tried);
            for &(node, gpus) in &tried {
                self.take(slot, node, gpus);
            }
            self.tried = tried;
        }
        fits
    }

    fn release(&mut self, slot: u32) {
        let mut at = std::mem::replace(&mut self.first_part[slot as usize], NONE);
        while at != NONE {
            let part = self.parts[at as usize];
            let n = part.node as usize;
            self.set_free(part.node, self.free_gpus[n] | part.gpus & !self.out[n]);
            self.spare_parts.push(at);
            at = part.next;
        }
    }

    fn place_at(&mut self, slot: u32, _job: u32, _size: u32, claims: &Claims) -> bool {
        let free = |(node, gpus): (u32, &[i64])| {
            !self.down[node as usize] && i64::from(self.free[node as usize]) >= gpus[0]
        };
        let fits = claims.iter().all(free);
        if fits {
            for (node, gpus) in claims.iter() {
                self.take(slot, node, gpus[0] as u32);
            }
        }
        fits
    }
}

impl Machine for GpuNodes {
    fn could_hold(&self, _job: u32, size: u32) -> bool {
        u64::from(size) <= self.total
    }

    fn nodes(&self) -> u32 {
        self.free.len() as u32
    }

    fn fail(&mut self, node: u32, hit: &mut Vec<u32>) -> bool {
        let n = node as usize;
        if n >= self.down.len() || self.down[n] {
            return false;
        }
        self.with_free[self.free[n] as usize].remove(n);
        self.free_total -= u64::from(self.free[n]);
        self.in_service -= u64::from(self.size[n] - self.out[n].count_ones());
        self.down[n] = true;
        hit.extend(self.slots_on(node, u64::MAX));
        true
    }

    fn repair(&mut self, node: u32) {
        let n = node as usize;
        if n >= self.down.len() || !self.down[n] {
            return;
        }
        self.down[n] = false;
        self.in_service += u64::from(self.size[n] - self.out[n].count_ones());
        self.free_total += u64::from(self.free[n]);
        self.with_free[self.free[n] as usize].insert(n);
    }

    fn devices(&self, node: u32) -> u32 {
        self.size.get(node as usize).copied().unwrap_or(0)
    }

    fn fail_device(&mut self, node: u32, device: u32, hit: &mut Vec<u32>) -> bool {
        let n = node as usize;
        let Some(gpu) = self.gpu(node, device).filter(|&gpu| self.out[n] & gpu == 0) else { return false };
        self.out[n] |= gpu;
        self.in_service -= u64::from(!self.down[n]);
        if self.free_gpus[n] & gpu == 0 {
            hit.extend(self.slots_on(node, gpu));
        } else {
            self.set_free(node, self.free_gpus[n] & !gpu);
        }
        true
    }

    fn repair_device(&mut self, node: u32, device: u32) {
        let n = node as usize;
        let Some(gpu) = self.gpu(node, device).filter(|&gpu| self.out[n] & gpu != 0) else { return };
        self.out[n] &= !gpu;
        self.in_service += u64::from(!self.down[n]);
        if self.slots_on(node, gpu).next().is_none() {
            self.set_free(node, self.free_gpus[n] | gpu);
        }
    }

    fn returning(&self, node: u32, device: Option<u32>, claims: &mut Claims) -> u64 {
        let healthy = self.size[node as usize] - self.out[node as usize].count_ones();
        let gpus = if device.is_some() { 1 } else { healthy };
        claims.reset(1);
        claims.add(node)[0] = i64::from(gpus);
        u64::from(gpus)
    }

    /// Share of the free GPUs that lie on nodes partly in use.
    fn fragmentation(&mut self) -> f64 {
        let whole: u64 = self.sizes.iter().map(|&gpus| u64::from(gpus) * self.whole_nodes(gpus)).sum();
        if self.free_total == 0 { 0.0 } else { (self.free_total - whole) as f64 / self.free_total as f64 }
    }
}
