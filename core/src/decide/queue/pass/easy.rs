//! EASY backfilling: the first unit that does not fit has a reservation, and whatever does not delay it starts.

use super::capacity::{Capacity as _, Claims};
use super::horizon::NEVER;
use super::{Pass, PassRules, Reservation, Site, WaitingQueue, full, start};
use crate::decide::queue::ScoreChange;

impl Pass {
    pub(super) fn run_easy<S: Site>(
        &mut self,
        rules: PassRules,
        queue: &mut WaitingQueue<'_>,
        site: &mut S,
        reserved: &mut Vec<Reservation>,
    ) {
        self.begin(rules, queue, site, None);
        self.unfit.begin();
        // A unit that has a reservation keeps it until it starts where the policy looks at the machine: such a policy may
        // prefer another at every moment, and then a large unit would never get its turn.
        let holds = queue.change() == ScoreChange::WithMachine;
        let mut held = reserved.first().map(|r| r.unit).filter(|_| holds);
        reserved.clear();
        let head = loop {
            match held.take().or_else(|| queue.next_unit()) {
                None => return,
                Some(unit) => {
                    if !self.try_start(unit, rules, queue, site) {
                        break unit;
                    }
                }
            }
        };
        let head_alone = queue.len() == 1;
        // Without a free unit, or with the head alone, there is nothing to start ahead of it.
        if full(site.capacity()) || head_alone {
            let claims = Claims::default();
            reserved.push(Reservation {
                unit: head,
                at_seconds: NEVER,
                found_seconds: site.now_seconds(),
                claims,
            });
            return;
        }
        let at_seconds = self.reserve(head, site, reserved);
        if holds {
            self.begin(rules, queue, site, Some((head, at_seconds)));
        }
        self.unfit_beside.begin();
        for _ in 0..rules.depth_max {
            let Some(unit) = queue.next_unit() else { break };
            if unit == head {
                // The policy would rather hold on than start one of the others.
                break;
            }
            if let Some(slot) = self.place_ahead_of(at_seconds, unit, site) {
                start(unit, slot, queue, site);
                if full(site.capacity()) {
                    break;
                }
            }
        }
    }

    /// When `head` can start, as far as is expected; `left_then` becomes what it leaves free then.
    fn reserve<S: Site>(&mut self, head: u32, site: &mut S, reserved: &mut Vec<Reservation>) -> i64 {
        self.look_at_nodes(site);
        let mut claims = Claims::default();
        let size = site.size(head);
        let left_then = &mut self.left_then;
        let at_seconds = self.horizon.first_fit(site.capacity_mut(), head, size, &mut claims, left_then);
        let found_seconds = site.now_seconds();
        reserved.push(Reservation { unit: head, at_seconds, found_seconds, claims });
        at_seconds
    }

    /// Places a unit that ends before the reservation or stands beside it.
    fn place_ahead_of<S: Site>(&mut self, at_seconds: i64, unit: u32, site: &mut S) -> Option<u32> {
        let slot = self.try_place(unit, site)?;
        let (size, capacity) = (site.size(unit), site.capacity());
        if site.now_seconds() + site.expected_seconds(unit) <= at_seconds {
            return Some(slot);
        }
        capacity.held(slot, &mut self.claims);
        if self.left_then.covers(&self.claims) {
            self.left_then.take(&self.claims);
            return Some(slot);
        }
        // Not where the machine would have it: maybe elsewhere, in what is free both now and then.
        let capacity = site.capacity_mut();
        capacity.release(slot);
        if self.unfit_beside.has(capacity, unit, size) {
            return None;
        }
        capacity.free(&mut self.free);
        self.free.keep_least(&self.left_then);
        if !capacity.lay_out(unit, size, &self.free, &mut self.claims) {
            self.unfit_beside.add(capacity, unit, size);
            return None;
        }
        let placed = capacity.place_at(slot, unit, size, &self.claims);
        if placed {
            self.left_then.take(&self.claims);
        }
        placed.then_some(slot)
    }
}
