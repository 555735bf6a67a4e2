//! Conservative backfilling: every waiting unit in turn is promised the first time and place at which it delays none of
//! those before it; whoever is promised now starts.

use super::capacity::{Capacity as _, Claims};
use super::horizon::{Ask, NEVER};
use super::{Pass, PassRules, Reservation, Site, WaitingQueue, full, start};

impl Pass {
    /// Promises are made anew in each pass, so that an early end moves everybody up. A unit whose time stays keeps its
    /// place too: then what has started behind it cannot have pushed another onto its nodes.
    pub(super) fn run_conservative<S: Site>(
        &mut self,
        rules: PassRules,
        queue: &mut WaitingQueue<'_>,
        site: &mut S,
        reserved: &mut Vec<Reservation>,
    ) {
        self.begin(rules, queue, site, None);
        if full(site.capacity()) {
            return;
        }
        self.look_at_nodes(site);
        let now = site.now_seconds();
        let mut before = std::mem::take(reserved);
        before.sort_unstable_by_key(|r| r.unit);
        let mut seen = vec![false; before.len()];
        for _ in 0..=rules.depth_max {
            let Some(unit) = queue.next_unit() else { break };
            let (size, span_seconds) = (site.size(unit), site.expected_seconds(unit));
            let kept = before.binary_search_by_key(&unit, |r| r.unit).ok();
            let wanted = kept.map(|at| (before[at].at_seconds, &before[at].claims));
            kept.iter().for_each(|&at| seen[at] = true);
            let mut claims = self.spare_claims.pop().unwrap_or_default();
            let ask = Ask { unit, size, span_seconds, from_seconds: now };
            let mut at = self.horizon.first_span(site.capacity_mut(), ask, wanted, &mut claims);
            if at == now {
                if self.place_now(unit, wanted.is_some_and(|w| w.0 == now), &mut claims, site, queue) {
                    self.horizon.reserve(now, now + span_seconds, size, &claims);
                    self.spare_claims.push(claims);
                    if full(site.capacity()) {
                        break;
                    }
                    continue;
                }
                // Room by the rows, but a rule that they do not show forbids the place.
                let ask = Ask { from_seconds: now + 1, ..ask };
                at = self.horizon.first_span(site.capacity_mut(), ask, None, &mut claims);
            }
            if at == NEVER {
                self.spare_claims.push(claims);
                continue;
            }
            self.horizon.reserve(at, at.saturating_add(span_seconds), size, &claims);
            reserved.push(Reservation { unit, at_seconds: at, found_seconds: now, claims });
        }
        for (kept, seen) in before.into_iter().zip(seen) {
            if seen { self.spare_claims.push(kept.claims) } else { reserved.push(kept) }
        }
    }

    /// Places and starts a unit whose time has come: where the machine would have it if that delays nobody, else on what
    /// was found for it. `claims` becomes what it holds.
    fn place_now<S: Site>(
        &mut self,
        unit: u32,
        promised: bool,
        claims: &mut Claims,
        site: &mut S,
        queue: &mut WaitingQueue<'_>,
    ) -> bool {
        let (slot, size) = (site.spare_slot(), site.size(unit));
        let capacity = site.capacity_mut();
        if !promised && capacity.place(slot, unit, size) {
            capacity.held(slot, &mut self.claims);
            if self.horizon.covers(&self.claims) {
                claims.clone_from(&self.claims);
                start(unit, slot, queue, site);
                return true;
            }
            capacity.release(slot);
        }
        let placed = site.capacity_mut().place_at(slot, unit, size, claims);
        if placed {
            start(unit, slot, queue, site);
        }
        placed
    }
}
