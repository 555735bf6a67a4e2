//! Preemptive scheduling: at each moment all jobs, running and waiting, in the policy's order fill a quota of
//! units; running jobs that get none are stopped, waiting ones that get some are placed. Jobs that fit the
//! quota but not the nodes keep it and wait. This is the form of Helios' simulator (Hu et al., SC 2021) for
//! shortest-remaining-time-first and of Tiresias' two queues; it moves from event to event instead of
//! second by second, with the same result: in between, running jobs only move ahead of others, and two jobs
//! that both have quota keep it when they change places. Nodes do not fail here.

use lepton_core::decide::queue::{DurationHistory, JobFacts, QueuePolicy};

use super::Jobs;
use super::machine::Machine;
use super::observer::{JobEvent, Moment, Observer};
use super::simulation::{NEVER, Outcome};

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

/// How preemptive runs are done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreemptiveSettings {
    /// The cost of being stopped.
    pub restart_cost: RestartCost,
    /// Whether an end is seen one second late, as in Helios' second-by-second loop.
    pub ends_seen_late: bool,
}

impl Default for PreemptiveSettings {
    /// As Helios.
    fn default() -> Self {
        Self { restart_cost: RestartCost::default(), ends_seen_late: true }
    }
}

/// One preemptive run over one machine.
pub struct PreemptiveSimulation<'a, M> {
    jobs: &'a Jobs,
    policy: &'a dyn QueuePolicy,
    settings: &'a PreemptiveSettings,
    machine: M,
    now_seconds: i64,
    arrived: usize,
    waiting: Vec<Active>,
    running: Vec<Active>,
    /// All active jobs in the policy's order: (score, active job).
    ranked: Vec<(f64, Active)>,
    /// Waiting jobs that got units; kept for its memory.
    chosen: Vec<Active>,
    /// What the jobs that have ended say of durations.
    history: DurationHistory,
    outcome: Outcome,
    free_slots: Vec<u32>,
    slots: u32,
}

/// An unfinished job.
#[derive(Debug, Clone, Copy)]
struct Active {
    job: u32,
    /// Its slot while it runs.
    slot: Option<u32>,
    /// When the two values below were right, in seconds: its last start, or now while it waits.
    at_seconds: i64,
    remaining_seconds: i64,
    attained_seconds: i64,
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
        let outcome = Outcome {
            start_seconds: vec![NEVER; jobs.len()],
            end_seconds: vec![NEVER; jobs.len()],
            lost_seconds: vec![0; jobs.len()],
            ..Outcome::default()
        };
        Self {
            jobs,
            policy,
            settings,
            machine,
            now_seconds: i64::MIN,
            arrived: 0,
            waiting: Vec::new(),
            running: Vec::new(),
            ranked: Vec::new(),
            chosen: Vec::new(),
            history: DurationHistory::default(),
            outcome,
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
        self.rank();
        self.redistribute(observer);
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
        facts.remaining_seconds = active.remaining_seconds as f64;
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
        running.at_seconds + running.remaining_seconds + i64::from(self.settings.ends_seen_late)
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
                self.outcome.lost_seconds[j] += u64::from(self.settings.ends_seen_late);
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
                let new = Active { job, slot: None, at_seconds: now, remaining_seconds, attained_seconds: 0 };
                self.waiting.push(new);
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
        self.ranked = ranked;
    }

    /// Hands the units out in the ranked order: stops running jobs that get none, then places waiting ones.
    fn redistribute(&mut self, observer: &mut impl Observer) {
        let ranked = std::mem::take(&mut self.ranked);
        let mut quota = self.machine.units();
        // Phase 1: who gets units. A running job that gets none is stopped at once; placing comes after.
        let mut chosen = std::mem::take(&mut self.chosen);
        chosen.clear();
        for &(_, active) in &ranked {
            let size = u64::from(self.jobs.size[active.job as usize]);
            if size <= quota {
                quota -= size;
                if active.slot.is_none() {
                    chosen.push(active);
                }
            } else if active.slot.is_some() {
                self.stop(active, observer);
            }
        }
        // Phase 2: places for those that wait, in the same order.
        for &active in &chosen {
            self.start(active, observer);
        }
        self.chosen = chosen;
        self.ranked = ranked;
    }

    fn stop(&mut self, active: Active, observer: &mut impl Observer) {
        let size = self.jobs.size[active.job as usize];
        let cost = self.settings.restart_cost.seconds(size);
        self.free(active.slot);
        self.running.retain(|r| r.job != active.job);
        let remaining_seconds = active.remaining_seconds + i64::from(cost);
        self.waiting.push(Active { slot: None, remaining_seconds, ..active });
        self.outcome.interruptions += 1;
        self.outcome.lost_seconds[active.job as usize] += u64::from(cost);
        self.outcome.lost_unit_seconds += u64::from(cost) * u64::from(size);
        observer.event(self.now_seconds, JobEvent::Interrupted { job: active.job, lost_seconds: cost });
    }

    /// Places the job if it fits; otherwise it waits on.
    fn start(&mut self, active: Active, observer: &mut impl Observer) {
        let slot = self.free_slots.last().copied().unwrap_or(self.slots);
        let j = active.job as usize;
        if !self.machine.place(slot, active.job, self.jobs.size[j]) {
            return;
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
    }
}
