//! Preemptive scheduling: at each moment the waiting jobs, in the policy's order, start where they fit, and where they do
//! not, running jobs that come after them in that order are stopped: the fewest that make room, and none where that
//! cannot be. The form that Helios published (Hu et al., SC 2021) is kept beside it, since its tables depend on it: all
//! jobs in order fill a quota of units, whether or not they then fit the nodes, and an end is seen a second late.
//!
//! Both move from event to event instead of second by second: in between, running jobs only move ahead of others. Who is stopped for whom is decided in core (`decide::queue::pass`). Nodes do not fail here.

use lepton_core::decide::queue::pass::{Rank, Victims, share_out};
use lepton_core::decide::queue::{DurationHistory, JobFacts, Preemption, QueuePolicy};

use super::Jobs;
use super::machine::Machine;
use super::observer::{JobEvent, Moment, Observer};
use super::outcome::{NEVER, Outcome};

/// What a preemption costs: run time added to the stopped job, by its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartCost {
    /// (largest size, seconds), ascending in size; the last one holds for all larger sizes too.
    pub seconds_by_size: Vec<(u32, u32)>,
}

impl Default for RestartCost {
    /// Helios': 7 s for one GPU, 30 s up to 8, 60 s beyond.
    fn default() -> Self {
        Self { seconds_by_size: vec![(1, 7), (8, 30), (u32::MAX, 60)] }
    }
}

impl RestartCost {
    fn seconds(&self, size: u32) -> u32 {
        let step = self.seconds_by_size.iter().find(|s| size <= s.0).or(self.seconds_by_size.last());
        step.map_or(0, |s| s.1)
    }
}

/// How preemptive runs are done. The form is the policy's own, see [`QueuePolicy::preemption`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PreemptiveSettings {
    /// The cost of being stopped.
    pub restart_cost: RestartCost,
}

/// One preemptive run over one machine.
pub struct PreemptiveSimulation<'a, M> {
    jobs: &'a Jobs,
    policy: &'a dyn QueuePolicy,
    settings: &'a PreemptiveSettings,
    /// Whether it is the published form.
    by_quota: bool,
    machine: M,
    now_seconds: i64,
    arrived: usize,
    waiting: Vec<Active>,
    running: Vec<Active>,
    /// All active jobs in the policy's order: (score, active job).
    ranked: Vec<(f64, Active)>,
    /// The same as the decision in core sees them.
    order: Vec<Rank>,
    scratch: Scratch,
    /// What the jobs that have ended say of durations.
    history: DurationHistory,
    outcome: Outcome,
    free_slots: Vec<u32>,
    slots: u32,
}

/// Kept for its memory.
#[derive(Default)]
struct Scratch {
    victims: Victims,
    behind: Vec<Rank>,
    stopped: Vec<usize>,
    chosen: Vec<usize>,
}

/// An unfinished job.
#[derive(Debug, Clone, Copy)]
struct Active {
    job: u32,
    /// Its slot while it runs.
    slot: Option<u32>,
    /// When the values below were right, in seconds: its last start, or now while it waits.
    at_seconds: i64,
    remaining_seconds: i64,
    attained_seconds: i64,
    /// What it has had and must have again.
    lost_seconds: i64,
    /// When it was stopped last, in seconds.
    stopped_seconds: i64,
}

impl Active {
    /// The job as it is at `now_seconds`, if it has run until then.
    fn at(self, now_seconds: i64) -> Self {
        let ran = if self.slot.is_some() { now_seconds - self.at_seconds } else { 0 };
        Self {
            at_seconds: now_seconds,
            remaining_seconds: self.remaining_seconds - ran,
            attained_seconds: self.attained_seconds + ran,
            ..self
        }
    }
}

impl<'a, M: Machine> PreemptiveSimulation<'a, M> {
    /// A run of `jobs` (in order of submission) on an empty machine.
    pub fn new(
        jobs: &'a Jobs,
        machine: M,
        policy: &'a dyn QueuePolicy,
        settings: &'a PreemptiveSettings,
    ) -> Self {
        Self {
            jobs,
            policy,
            settings,
            by_quota: policy.preemption() == Some(Preemption::ByQuota),
            machine,
            now_seconds: i64::MIN,
            arrived: 0,
            waiting: Vec::new(),
            running: Vec::new(),
            ranked: Vec::new(),
            order: Vec::new(),
            scratch: Scratch::default(),
            history: DurationHistory::default(),
            outcome: Outcome::new(jobs.len()),
            free_slots: Vec::new(),
            slots: 0,
        }
    }

    /// Runs to the end and returns what became of the jobs.
    pub fn run(mut self, observer: &mut impl Observer) -> Outcome {
        while self.advance(observer) {}
        self.into_outcome()
    }

    /// What became of the jobs so far.
    pub fn into_outcome(self) -> Outcome {
        self.outcome
    }

    /// How many jobs have come so far.
    pub fn arrived(&self) -> usize {
        self.arrived
    }

    /// Handles the next moment at which the order can change. False, and nothing done, when all is over.
    pub fn advance(&mut self, observer: &mut impl Observer) -> bool {
        let Some(now) = self.next_moment() else { return false };
        self.now_seconds = now;
        self.end_jobs(observer);
        self.admit(observer);
        if self.by_quota {
            self.rank();
            self.share_out(observer);
        } else {
            // Whoever was stopped has another place in the order, and may fit elsewhere.
            while self.serve(observer) {}
        }
        let moment = Moment {
            now_seconds: now,
            units: self.machine.units(),
            free_units: self.machine.free_units(),
            waiting: self.waiting.len(),
            running: self.running.len(),
        };
        observer.moment(moment, || self.machine.fragmentation());
        true
    }

    fn facts(&self, active: Active) -> JobFacts {
        let j = active.job as usize;
        let mut facts = self.jobs.facts(j);
        let had = active.attained_seconds as f64;
        facts.seconds_per_end = self.history.seconds_per_end(self.jobs.owner[j], self.jobs.size[j], had);
        facts.lost_seconds = active.lost_seconds as f64;
        facts.running = active.slot.is_some();
        facts.attained_unit_seconds = had * facts.size;
        facts
    }

    fn score(&self, active: Active) -> f64 {
        let facts = self.facts(active);
        let wait = self.now_seconds as f64 - facts.submit_seconds;
        self.policy.score(self.policy.coefficients(&facts), wait)
    }

    fn end_seconds(&self, running: &Active) -> i64 {
        running.at_seconds + running.remaining_seconds + i64::from(self.by_quota)
    }

    fn next_moment(&self) -> Option<i64> {
        let arrival = self.jobs.submit_seconds.get(self.arrived).copied();
        let end = self.running.iter().map(|r| self.end_seconds(r)).min();
        let jump = self.running.iter().filter_map(|&r| self.jump_seconds(r)).min();
        [arrival, end, jump].into_iter().flatten().min().map(|t| t.max(self.now_seconds))
    }

    /// When the score of a running job jumps, if it does before its end.
    fn jump_seconds(&self, running: Active) -> Option<i64> {
        let after = self.policy.jumps_after_seconds(&self.facts(running))?;
        let at = running.at_seconds + after.ceil() as i64;
        (at > self.now_seconds).then_some(at)
    }

    fn end_jobs(&mut self, observer: &mut impl Observer) {
        let now = self.now_seconds;
        let mut running = std::mem::take(&mut self.running);
        running.retain(|r| {
            let over = self.end_seconds(r) <= now;
            if over {
                self.free(r.slot);
                let j = r.job as usize;
                let ran = (r.attained_seconds + now - r.at_seconds) as f64;
                self.history.add(self.jobs.owner[j], self.jobs.size[j], ran);
                self.outcome.end_seconds[j] = now;
                self.outcome.lose(j, u64::from(self.by_quota), self.jobs.size[j]);
                observer.event(now, JobEvent::Ended { job: r.job });
            }
            !over
        });
        self.running = running;
    }

    fn free(&mut self, slot: Option<u32>) {
        if let Some(slot) = slot {
            self.machine.release(slot);
            self.free_slots.push(slot);
        }
    }

    fn admit(&mut self, observer: &mut impl Observer) {
        let now = self.now_seconds;
        while self.jobs.submit_seconds.get(self.arrived).is_some_and(|&s| s <= now) {
            let j = self.arrived;
            let job = j as u32;
            self.arrived += 1;
            if self.machine.could_hold(job, self.jobs.size[j]) {
                let remaining_seconds = i64::from(self.jobs.run_seconds[j]);
                self.waiting.push(Active {
                    job,
                    slot: None,
                    at_seconds: now,
                    remaining_seconds,
                    attained_seconds: 0,
                    lost_seconds: 0,
                    stopped_seconds: i64::MIN,
                });
                observer.event(now, JobEvent::Submitted { job });
            } else {
                self.outcome.too_large += 1;
                observer.event(now, JobEvent::TooLarge { job });
            }
        }
    }

    /// Sorts all active jobs; of equal scores the waiting ones come first, each list in its own order.
    fn rank(&mut self) {
        let mut ranked = std::mem::take(&mut self.ranked);
        ranked.clear();
        let active = self.waiting.iter().chain(&self.running);
        ranked.extend(active.map(|a| a.at(self.now_seconds)).map(|a| (self.score(a), a)));
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.order.clear();
        self.order.extend(ranked.iter().map(|&(_, active)| Rank {
            unit: active.job,
            size: self.jobs.size[active.job as usize],
            slot: active.slot,
        }));
        self.ranked = ranked;
    }

    /// The published form: stops running jobs that get no units, then places waiting ones that get some.
    fn share_out(&mut self, observer: &mut impl Observer) {
        let Scratch { mut stopped, mut chosen, .. } = std::mem::take(&mut self.scratch);
        share_out(self.machine.units(), &self.order, &mut stopped, &mut chosen);
        for &at in &stopped {
            self.stop(self.ranked[at].1, observer);
        }
        for &at in &chosen {
            self.start(self.ranked[at].1, observer);
        }
        self.scratch = Scratch { stopped, chosen, ..Scratch::default() };
    }

    /// Goes through the waiting jobs in order: each starts if it fits. True as soon as one was given room by stopping jobs
    /// behind it: then the order is another.
    fn serve(&mut self, observer: &mut impl Observer) -> bool {
        self.rank();
        let ranked = std::mem::take(&mut self.ranked);
        let mut scratch = std::mem::take(&mut self.scratch);
        // Units that would be free if all behind were stopped: what does not fit those needs no closer look.
        let stoppable = |a: &Active| a.slot.is_some() && a.stopped_seconds != self.now_seconds;
        let units = |a: &Active| u64::from(self.jobs.size[a.job as usize]);
        let mut behind: u64 = ranked.iter().map(|r| &r.1).filter(|a| stoppable(a)).map(units).sum();
        let (mut smallest_unfit, mut made_room) = (u32::MAX, false);
        for (at, &(_, active)) in ranked.iter().enumerate() {
            let size = self.jobs.size[active.job as usize];
            if active.slot.is_some() {
                let counted = active.stopped_seconds != self.now_seconds;
                behind -= if counted { u64::from(size) } else { 0 };
                continue;
            }
            if (M::SIZE_DECIDES && size >= smallest_unfit) || self.start(active, observer) {
                continue;
            }
            // Whoever was stopped a moment ago stops nobody in turn: what it waits for may end soon.
            if active.stopped_seconds == self.now_seconds {
                continue;
            }
            let enough = self.machine.free_units() + behind >= u64::from(size);
            if enough && self.make_room(at, &ranked, &mut scratch, observer) {
                made_room = true;
                self.start(active, observer);
                break;
            }
            smallest_unfit = smallest_unfit.min(size);
        }
        self.scratch = scratch;
        self.ranked = ranked;
        made_room
    }

    /// Stops the fewest running jobs behind the one at `at` that make room for it. False, and nobody stopped, when even all
    /// of them would not. Nobody is stopped twice at one moment.
    fn make_room(
        &mut self,
        at: usize,
        ranked: &[(f64, Active)],
        scratch: &mut Scratch,
        observer: &mut impl Observer,
    ) -> bool {
        let Scratch { victims, behind, stopped, .. } = scratch;
        behind.clear();
        stopped.clear();
        for (later, rank) in self.order.iter().enumerate().skip(at + 1) {
            if rank.slot.is_some() && ranked[later].1.stopped_seconds != self.now_seconds {
                behind.push(*rank);
                stopped.push(later);
            }
        }
        let wanted = self.order[at];
        let found = victims.find(&mut self.machine, wanted.unit, wanted.size, behind);
        for &victim in found.unwrap_or_default() {
            self.stop(ranked[stopped[victim]].1, observer);
        }
        found.is_some()
    }

    fn stop(&mut self, active: Active, observer: &mut impl Observer) {
        let size = self.jobs.size[active.job as usize];
        let cost = self.settings.restart_cost.seconds(size);
        self.free(active.slot);
        self.running.retain(|r| r.job != active.job);
        self.waiting.push(Active {
            slot: None,
            remaining_seconds: active.remaining_seconds + i64::from(cost),
            lost_seconds: active.lost_seconds + i64::from(cost),
            stopped_seconds: self.now_seconds,
            ..active
        });
        self.outcome.interruptions += 1;
        self.outcome.lose(active.job as usize, u64::from(cost), size);
        observer.event(self.now_seconds, JobEvent::Interrupted { job: active.job, lost_seconds: cost });
    }

    /// Places the job if it fits; otherwise it waits on.
    fn start(&mut self, active: Active, observer: &mut impl Observer) -> bool {
        let slot = self.free_slots.last().copied().unwrap_or(self.slots);
        let j = active.job as usize;
        if !self.machine.place(slot, active.job, self.jobs.size[j]) {
            return false;
        }
        if self.free_slots.pop().is_none() {
            self.slots += 1;
        }
        self.waiting.retain(|w| w.job != active.job);
        self.running.push(Active { slot: Some(slot), ..active });
        if self.outcome.start_seconds[j] == NEVER {
            self.outcome.start_seconds[j] = self.now_seconds;
        }
        self.outcome.starts += 1;
        observer.event(self.now_seconds, JobEvent::Started { job: active.job, slot });
        true
    }
}
