//! Who starts now: one pass through the queue, by the discipline alone, with EASY or with conservative backfilling. The
//! simulator's machines and the draft of a plan are served alike: as a [`Site`] over a [`Capacity`].
//!
//! It deliberately knows no time but the expected one: when a unit really ends, and what fails, is the caller's.

mod capacity;
mod conservative;
mod easy;
mod horizon;
mod preempt;
mod unfit;
mod waiting;

use serde::{Deserialize, Serialize};

pub use capacity::{Capacity, Claims, Free};
pub use horizon::{ExpectedEnd, ExpectedReturn, NEVER};
pub use preempt::{Rank, Victims, share_out};
pub use waiting::{WaitingQueue, sortable};

use super::{FreeLater, Held, JobFacts, MachineView, ScoreChange};
use horizon::Horizon;
use unfit::Unfit;

use crate::model::RecentTasks;

/// What a queue does when the unit at its head does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Discipline {
    /// Nothing passes the head.
    Strict,
    /// Every unit that fits starts, in the policy's order; large ones may starve.
    Skipping,
}

/// What may start ahead of its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backfill {
    /// Only what the discipline lets through.
    None,
    /// EASY (Lifka, JSSPP 1995): whatever does not delay the head's reservation.
    Easy,
    /// Conservative (Mu'alem and Feitelson, TPDS 2001): whatever delays no unit ahead of it. Every waiting unit has a
    /// reservation of its own, node by node.
    Conservative,
}

/// The rules of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassRules {
    /// What happens when the head does not fit.
    pub discipline: Discipline,
    /// What may start ahead of its turn.
    pub backfill: Backfill,
    /// At most this many waiting units are looked at beyond the head.
    pub depth_max: usize,
}

/// A unit that is to start later, and where: what starts ahead of it leaves that free then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The unit.
    pub unit: u32,
    /// When it is to start, in seconds of the caller's clock; [`NEVER`] while nothing that is expected makes room for
    /// it, which then holds up nobody, and where nothing could start ahead of it, so that nobody looked.
    pub at_seconds: i64,
    /// When that was found, in seconds: now, or in an earlier pass where this one found nothing free and did not look.
    pub found_seconds: i64,
    /// What is kept for it from then on; nothing where it has no time.
    pub claims: Claims,
}

/// How jobs have gone lately, for policies that look at it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lately {
    /// Share of the time asked for that the jobs that ended lately have used; 1 while nothing is known.
    pub used_share: f64,
    /// Jobs that have come lately, in a second.
    pub arrivals_per_second: f64,
}

impl Default for Lately {
    fn default() -> Self {
        Self { used_share: 1.0, arrivals_per_second: 0.0 }
    }
}

/// As the running loop has seen it.
impl From<&RecentTasks> for Lately {
    fn from(recent: &RecentTasks) -> Self {
        Self { used_share: recent.used_share(), arrivals_per_second: recent.arrivals_per_second() }
    }
}

/// Where units wait and run: the machine, and what is known of the units. The numbers of units rise with submission.
pub trait Site {
    /// Where they run.
    type Capacity: Capacity;

    /// The machine.
    fn capacity(&self) -> &Self::Capacity;

    /// The machine, to place units on and take them off.
    fn capacity_mut(&mut self) -> &mut Self::Capacity;

    /// Now, in seconds of the caller's clock.
    fn now_seconds(&self) -> i64;

    /// Size of a unit.
    fn size(&self, unit: u32) -> u32;

    /// How long a waiting unit is expected to run once it starts, in seconds; at least 1.
    fn expected_seconds(&self, unit: u32) -> i64;

    /// What a policy may know of a waiting unit.
    fn facts(&self, unit: u32) -> JobFacts;

    /// Adds when each running unit is expected to end, in any order; what is overdue is expected in the next second.
    fn expected_ends(&self, ends: &mut Vec<ExpectedEnd>);

    /// Adds when what is out of service is expected back, in any order, the overdue in the next second; nothing for what
    /// is not expected back.
    fn expected_returns(&self, _returns: &mut Vec<ExpectedReturn>) {}

    /// How jobs have gone lately.
    fn lately(&self) -> Lately {
        Lately::default()
    }

    /// The slot that the next unit to start will have.
    fn spare_slot(&mut self) -> u32;

    /// Books that a unit, which has just been placed as `slot`, starts now.
    fn start(&mut self, unit: u32, slot: u32);
}

/// Passes through the queue; keeps its memory from one to the next, and nothing else.
#[derive(Debug, Default)]
pub struct Pass {
    /// What does not fit in this pass.
    unfit: Unfit,
    /// What does not fit beside the reservation.
    unfit_beside: Unfit,
    ends: Vec<ExpectedEnd>,
    returns: Vec<ExpectedReturn>,
    later: Vec<FreeLater>,
    horizon: Horizon,
    /// What the reserved unit leaves free when it starts.
    left_then: Free,
    /// What is free now, for the search for another place.
    free: Free,
    claims: Claims,
    spare_claims: Vec<Claims>,
}

impl Pass {
    /// Starts what is to start now. `reserved` are the reservations of the pass before (none at first), afterwards those
    /// of this one, as far as the pass went.
    pub fn run<S: Site>(
        &mut self,
        rules: PassRules,
        queue: &mut WaitingQueue<'_>,
        site: &mut S,
        reserved: &mut Vec<Reservation>,
    ) {
        match rules.backfill {
            Backfill::None => self.run_plain(rules, queue, site),
            Backfill::Easy => self.run_easy(rules, queue, site, reserved),
            Backfill::Conservative => self.run_conservative(rules, queue, site, reserved),
        }
    }

    fn run_plain<S: Site>(&mut self, rules: PassRules, queue: &mut WaitingQueue<'_>, site: &mut S) {
        self.begin(rules, queue, site, None);
        self.unfit.begin();
        let strict = rules.discipline == Discipline::Strict;
        let mut passed_over = 0;
        while let Some(unit) = queue.next_unit() {
            if self.try_start(unit, rules, queue, site) {
                continue;
            }
            passed_over += 1;
            if strict || full(site.capacity()) || passed_over > rules.depth_max {
                break;
            }
        }
    }

    /// Begins to go through the queue from its front, while units are held for the unit of `held`.
    fn begin<S: Site>(
        &mut self,
        rules: PassRules,
        queue: &mut WaitingQueue<'_>,
        site: &S,
        held: Option<(u32, i64)>,
    ) {
        self.later.clear();
        if queue.change() == ScoreChange::WithMachine {
            self.look_ahead(site);
        }
        let (now, capacity, lately) = (site.now_seconds(), site.capacity(), site.lately());
        let view = MachineView {
            now_seconds: now as f64,
            units: capacity.units() as f64,
            free_units: capacity.free_units() as f64,
            backfills: rules.backfill != Backfill::None,
            held: held.and_then(|(unit, at)| {
                let in_seconds = at.saturating_sub(now) as f64;
                queue.position(unit).map(|position| Held { position, in_seconds })
            }),
            used_share: lately.used_share,
            arrivals_per_second: lately.arrivals_per_second,
            later: &self.later,
        };
        queue.begin(&view, |unit| site.facts(unit));
    }

    /// What will be free later, as far as is expected.
    fn look_ahead<S: Site>(&mut self, site: &S) {
        self.expect(site);
        let ends = self.ends.iter().map(|e| (e.at_seconds, u64::from(e.size)));
        let mut back: Vec<(i64, u64)> = ends.collect();
        back.extend(self.returns.iter().map(|r| (r.at_seconds, r.units)));
        back.sort_by_key(|b| b.0);
        let mut free = site.capacity().free_units();
        for (at, units) in back {
            free += units;
            let in_seconds = (at - site.now_seconds()) as f64;
            self.later.push(FreeLater { in_seconds, free_units: free as f64 });
        }
    }

    /// Asks what is expected to end and to come back, in order of time.
    fn expect<S: Site>(&mut self, site: &S) {
        self.ends.clear();
        site.expected_ends(&mut self.ends);
        self.ends.sort_unstable();
        self.returns.clear();
        site.expected_returns(&mut self.returns);
    }

    /// Looks ahead from now, node by node.
    fn look_at_nodes<S: Site>(&mut self, site: &S) {
        self.expect(site);
        self.horizon.begin(site.capacity(), site.now_seconds(), &self.ends, &self.returns);
    }

    /// Places and starts a unit if it fits.
    fn try_start<S: Site>(
        &mut self,
        unit: u32,
        rules: PassRules,
        queue: &mut WaitingQueue<'_>,
        site: &mut S,
    ) -> bool {
        let Some(slot) = self.try_place(unit, site) else { return false };
        start(unit, slot, queue, site);
        if matches!(queue.change(), ScoreChange::WithState | ScoreChange::WithMachine) {
            self.begin(rules, queue, site, None);
        }
        true
    }

    /// Places a unit in the spare slot if it fits.
    fn try_place<S: Site>(&mut self, unit: u32, site: &mut S) -> Option<u32> {
        let size = site.size(unit);
        if self.unfit.has(site.capacity(), unit, size) {
            return None;
        }
        let slot = site.spare_slot();
        if site.capacity_mut().place(slot, unit, size) {
            return Some(slot);
        }
        self.unfit.add(site.capacity(), unit, size);
        None
    }
}

/// Whether nothing more can start: with sizes that count, when no unit is free.
fn full<C: Capacity>(capacity: &C) -> bool {
    C::SIZE_DECIDES && capacity.free_units() == 0
}

fn start<S: Site>(unit: u32, slot: u32, queue: &mut WaitingQueue<'_>, site: &mut S) {
    queue.remove(unit);
    site.start(unit, slot);
}

#[cfg(test)]
mod tests;
