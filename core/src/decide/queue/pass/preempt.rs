//! Who is stopped for whom: running units for waiting ones that a policy puts before them. Two ways: where it makes room
//! for the one that waits, with the fewest victims that do; and by a quota of units, as published.
//!
//! It deliberately stops nobody: whoever calls does, on the machine and in its books.

use super::capacity::{Capacity, Claims, Free};

/// An unfinished unit, running or waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    /// The unit.
    pub unit: u32,
    /// Its size.
    pub size: u32,
    /// Its slot while it runs.
    pub slot: Option<u32>,
}

/// Finds victims; keeps its memory from one search to the next.
#[derive(Debug, Default)]
pub struct Victims {
    free: Free,
    held: Vec<Claims>,
    claims: Claims,
    chosen: Vec<usize>,
}

impl Victims {
    /// The positions in `behind` of the units to stop so that the waiting `unit`, of `size`, fits; `None` when it would
    /// not fit if all of them were stopped. `behind` are running units, the one to be spared most first. No subset of
    /// the victims suffices.
    pub fn find<C: Capacity>(
        &mut self,
        capacity: &mut C,
        unit: u32,
        size: u32,
        behind: &[Rank],
    ) -> Option<&[usize]> {
        self.held.resize_with(behind.len().max(self.held.len()), Claims::default);
        capacity.free(&mut self.free);
        self.chosen.clear();
        let mut units = capacity.free_units();
        // From the last on, until it fits.
        let mut fits = false;
        for (at, victim) in behind.iter().enumerate().rev() {
            let Some(slot) = victim.slot else { continue };
            capacity.held(slot, &mut self.held[at]);
            self.free.give(&self.held[at]);
            self.chosen.push(at);
            units += u64::from(victim.size);
            fits = units >= u64::from(size) && capacity.lay_out(unit, size, &self.free, &mut self.claims);
            if fits {
                break;
            }
        }
        if !fits {
            return None;
        }
        // Spare whoever need not go, the first in the order first. What is needed now is needed when more are spared.
        let (free, held, claims) = (&mut self.free, &self.held, &mut self.claims);
        self.chosen.reverse();
        self.chosen.retain(|&at| {
            free.take(&held[at]);
            let needed = !capacity.lay_out(unit, size, free, claims);
            if needed {
                free.give(&held[at]);
            }
            needed
        });
        Some(&self.chosen)
    }
}

/// Helios' form (Hu et al., SC 2021): all units in the policy's order, `ranked`, fill a quota of `units`. Puts the positions of the running
/// ones that get none into `stopped`, those of the waiting ones that get some into `chosen`; these may not fit the nodes.
pub fn share_out(units: u64, ranked: &[Rank], stopped: &mut Vec<usize>, chosen: &mut Vec<usize>) {
    stopped.clear();
    chosen.clear();
    let mut quota = units;
    for (at, rank) in ranked.iter().enumerate() {
        let size = u64::from(rank.size);
        if size <= quota {
            quota -= size;
            if rank.slot.is_none() {
                chosen.push(at);
            }
        } else if rank.slot.is_some() {
            stopped.push(at);
        }
    }
}
