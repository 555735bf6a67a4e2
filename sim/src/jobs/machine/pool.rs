//! A pool of identical units without places, one node to a pass: the machine of batch traces.

use lepton_core::decide::queue::pass::{Capacity, Claims, Free};
use serde::{Deserialize, Serialize};

use super::Machine;

/// Identical units, counted only. Unit 0 is the first used one when a unit fails: jobs fill the units in
/// order of their slots.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pool {
    units: u32,
    free: u32,
    /// Units each slot holds.
    held: Vec<u32>,
    /// Units out of service, and those whose failure still waits for the job on them to leave.
    down: Vec<bool>,
    down_count: u32,
    /// Units that are out of service but still counted as held by a job.
    owed: u32,
}

impl Pool {
    /// A pool of `units` free units.
    pub fn new(units: u32) -> Self {
        Self { units, free: units, held: Vec::new(), down: Vec::new(), down_count: 0, owed: 0 }
    }
}

impl Capacity for Pool {
    const SIZE_DECIDES: bool = true;

    fn units(&self) -> u64 {
        u64::from(self.units - self.down_count)
    }

    fn free_units(&self) -> u64 {
        u64::from(self.free)
    }

    fn free(&self, free: &mut Free) {
        free.reset(1, 1);
        free.row_mut(0)[0] = i64::from(self.free);
    }

    fn held(&self, slot: u32, claims: &mut Claims) {
        claims.reset(1);
        claims.add(0)[0] = self.held.get(slot as usize).map_or(0, |&held| i64::from(held));
    }

    fn lay_out(&mut self, _job: u32, size: u32, free: &Free, claims: &mut Claims) -> bool {
        claims.reset(1);
        claims.add(0)[0] = i64::from(size);
        free.row(0)[0] >= i64::from(size)
    }

    fn place(&mut self, slot: u32, _job: u32, size: u32) -> bool {
        if size > self.free {
            return false;
        }
        let slot = slot as usize;
        if slot >= self.held.len() {
            self.held.resize(slot + 1, 0);
        }
        self.held[slot] = size;
        self.free -= size;
        true
    }

    fn place_at(&mut self, slot: u32, job: u32, size: u32, _claims: &Claims) -> bool {
        self.place(slot, job, size)
    }

    fn release(&mut self, slot: u32) {
        let back = std::mem::take(&mut self.held[slot as usize]);
        let settled = back.min(self.owed);
        self.owed -= settled;
        self.free += back - settled;
    }
}

impl Machine for Pool {
    fn could_hold(&self, _job: u32, size: u32) -> bool {
        size <= self.units
    }

    fn nodes(&self) -> u32 {
        self.units
    }

    fn fail(&mut self, node: u32, hit: &mut Vec<u32>) -> bool {
        self.down.resize(self.units as usize, false);
        let Some(down) = self.down.get_mut(node as usize) else { return false };
        if std::mem::replace(down, true) {
            return false;
        }
        self.down_count += 1;
        // The unit's place among the held ones decides which job, if any, stands on it.
        let mut before = 0u64;
        let on_it = self.held.iter().position(|&h| {
            before += u64::from(h);
            u64::from(node) < before
        });
        let on_it = if self.free > 0 { on_it } else { on_it.or(self.held.iter().rposition(|&h| h > 0)) };
        match on_it {
            Some(slot) => {
                self.owed += 1;
                hit.push(slot as u32);
            }
            None => self.free -= 1,
        }
        true
    }

    fn repair(&mut self, node: u32) {
        let Some(down) = self.down.get_mut(node as usize) else { return };
        if std::mem::replace(down, false) {
            self.down_count -= 1;
            if self.owed > 0 {
                self.owed -= 1;
            } else {
                self.free += 1;
            }
        }
    }

    fn returning(&self, _node: u32, _device: Option<u32>, claims: &mut Claims) -> u64 {
        claims.reset(1);
        claims.add(0)[0] = 1;
        1
    }

    /// A pool has no places, so nothing of it is ever out of reach.
    fn fragmentation(&mut self) -> f64 {
        0.0
    }
}
