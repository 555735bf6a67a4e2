//! The general simulation of jobs over time: any machine, any queue policy that does not preempt, strict
//! or skipping queue, backfilling, failures. At each moment first the ends, then failures and repairs, then
//! the arrivals, then one pass through the queue.
//!
//! The queue pass is in `pass.rs`, failures are in `failures.rs`; preemptive policies have their own
//! simulation, since they look at running jobs again and again.

use lepton_core::decide::queue::{FreeLater, JobFacts, QueuePolicy};
use serde::{Deserialize, Serialize};

use super::failures::Failing;
use super::job::note_used_share;
use super::machine::Machine;
use super::observer::{JobEvent, Moment, Observer};
use super::pass::Unfit;
use super::queue::Queue;
use super::{Backfill, Jobs, Settings};
use crate::engine::EventQueue;

/// The time of something that did not happen.
pub const NEVER: i64 = i64::MAX;

/// One run over one machine.
pub struct Simulation<'a, M> {
    pub(super) jobs: &'a Jobs,
    pub(super) settings: &'a Settings,
    pub(super) queue: Queue<'a>,
    pub(super) state: State<M>,
    pub(super) scratch: Scratch<M>,
}

/// Everything that changes during a run: what a checkpoint holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State<M> {
    pub(super) now_seconds: i64,
    pub(super) arrived: usize,
    /// Share of the time asked for that the jobs that ended lately have used.
    pub(super) used_share: f64,
    /// The waiting job that units are held for.
    pub(super) held: Option<u32>,
    pub(super) machine: M,
    /// Running jobs. Slot 0 is never used by a job: reservations are tried in it.
    pub(super) slots: Vec<Slot>,
    pub(super) free_slots: Vec<u32>,
    /// (slot, generation) of the jobs that will end.
    ends: EventQueue<(u32, u32)>,
    pub(super) failing: Failing,
    /// What each owner's running jobs hold: owners x kinds of resource.
    owner_held: Vec<u64>,
    /// Waiting jobs; filled only in a checkpoint.
    waiting: Vec<u32>,
    pub(super) outcome: Outcome,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Slot {
    pub(super) job: u32,
    pub(super) start_seconds: i64,
    /// Goes up at each release, so that ends of jobs that were interrupted are told from real ones.
    generation: u32,
    pub(super) running: bool,
}

/// Buffers that a run uses again and again.
pub(super) struct Scratch<M> {
    /// Where reservations are tried.
    pub(super) trial: Option<M>,
    pub(super) ends: Vec<(i64, u32)>,
    pub(super) later: Vec<FreeLater>,
    pub(super) profile: Vec<(i64, i64)>,
    pub(super) hit: Vec<u32>,
    pub(super) unfit: Unfit,
}

/// What became of the jobs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// When each job started for the first time, in seconds; [`NEVER`] if it did not.
    pub start_seconds: Vec<i64>,
    /// When each job ended, in seconds; [`NEVER`] if it did not.
    pub end_seconds: Vec<i64>,
    /// Run time that each job lost and had to repeat, in seconds; empty when nothing was ever lost.
    pub lost_seconds: Vec<u64>,
    /// Jobs left out because the machine could never hold them.
    pub too_large: usize,
    /// Starts, repeated ones included.
    pub starts: u64,
    /// Times a running job lost its place.
    pub interruptions: u64,
    /// Unit-seconds lost and repeated.
    pub lost_unit_seconds: u64,
}

impl Outcome {
    /// Time that the job spent waiting, in all, in seconds; `None` if it did not end.
    pub fn wait_seconds(&self, jobs: &Jobs, index: usize) -> Option<i64> {
        let end = self.end_seconds[index];
        let lost = self.lost_seconds.get(index).map_or(0, |&l| l as i64);
        (end != NEVER).then(|| end - jobs.submit_seconds[index] - i64::from(jobs.run_seconds[index]) - lost)
    }
}

impl<M: Machine> State<M> {
    /// What a policy may know of a waiting job now.
    pub(super) fn facts(&self, jobs: &Jobs, job: u32) -> JobFacts {
        let j = job as usize;
        let mut facts = jobs.facts(j);
        let kept = self.failing.kept_seconds(job) as f64;
        facts.remaining_seconds -= kept;
        facts.attained_unit_seconds = kept * facts.size;
        facts.owner_share = self.owner_share(jobs.owner[j]);
        facts
    }

    /// The largest share that the owner's running jobs hold of any kind of resource, 0 to 1.
    fn owner_share(&self, owner: u32) -> f64 {
        let kinds = self.machine.kinds();
        let held = &self.owner_held[owner as usize * kinds..][..kinds];
        let share = |(kind, &held): (usize, &u64)| held as f64 / self.machine.capacity(kind).max(1) as f64;
        held.iter().enumerate().map(share).fold(0.0, f64::max)
    }

    /// Books that the job's owner holds more or less by what the job holds.
    fn book_owner(&mut self, jobs: &Jobs, job: u32, book: impl Fn(&mut u64, u64)) {
        let (j, kinds) = (job as usize, self.machine.kinds());
        let held = &mut self.owner_held[jobs.owner[j] as usize * kinds..][..kinds];
        for (kind, held) in held.iter_mut().enumerate() {
            book(held, self.machine.demand(job, jobs.size[j], kind));
        }
    }
}

impl<'a, M: Machine> Simulation<'a, M> {
    /// A run of `jobs` (in order of submission) on an empty machine.
    pub fn new(jobs: &'a Jobs, machine: M, policy: &'a dyn QueuePolicy, settings: &'a Settings) -> Self {
        let outcome = Outcome {
            start_seconds: vec![NEVER; jobs.len()],
            end_seconds: vec![NEVER; jobs.len()],
            ..Outcome::default()
        };
        let first = jobs.submit_seconds.first().copied().unwrap_or(0);
        let state = State {
            now_seconds: first,
            arrived: 0,
            used_share: 1.0,
            held: None,
            failing: Failing::new(&settings.failures, first, &machine),
            owner_held: vec![0; jobs.owners.len().max(1) * machine.kinds()],
            machine,
            slots: vec![Slot { job: 0, start_seconds: 0, generation: 0, running: false }],
            free_slots: Vec::new(),
            ends: EventQueue::default(),
            waiting: Vec::new(),
            outcome,
        };
        Self::resume(jobs, policy, settings, state)
    }

    /// Goes on from a checkpoint, with the jobs, policy and settings it was taken with.
    pub fn resume(
        jobs: &'a Jobs,
        policy: &'a dyn QueuePolicy,
        settings: &'a Settings,
        mut state: State<M>,
    ) -> Self {
        let scratch = Scratch {
            trial: None,
            ends: Vec::new(),
            later: Vec::new(),
            profile: Vec::new(),
            hit: Vec::new(),
            unfit: Unfit::default(),
        };
        let waiting = std::mem::take(&mut state.waiting);
        let mut simulation = Self { jobs, settings, queue: Queue::new(jobs, policy), state, scratch };
        for index in waiting {
            let facts = simulation.facts(index);
            simulation.queue.add(index, &facts);
        }
        simulation
    }

    /// Everything needed to go on later from here.
    pub fn checkpoint(&self) -> State<M>
    where
        M: Clone,
    {
        State { waiting: self.queue.waiting(), ..self.state.clone() }
    }

    /// Runs to the end and returns what became of the jobs.
    pub fn run(mut self, observer: &mut impl Observer) -> Outcome {
        while self.advance(observer) {}
        self.into_outcome()
    }

    /// What became of the jobs so far.
    pub fn into_outcome(self) -> Outcome {
        self.state.outcome
    }

    /// What became of the jobs so far.
    pub fn outcome(&self) -> &Outcome {
        &self.state.outcome
    }

    /// The same as [`checkpoint`](Self::checkpoint), at the end of this run.
    pub fn into_state(self) -> State<M> {
        State { waiting: self.queue.waiting(), ..self.state }
    }

    /// The last moment at which something happened, in seconds.
    pub fn now_seconds(&self) -> i64 {
        self.state.now_seconds
    }

    /// How many jobs have come so far.
    pub fn arrived(&self) -> usize {
        self.state.arrived
    }

    /// The machine as it stands.
    pub fn machine(&self) -> &M {
        &self.state.machine
    }

    /// Handles the next moment at which something happens. False, and nothing done, when all is over: no
    /// job is to come, none runs, and none that waits will ever start.
    pub fn advance(&mut self, observer: &mut impl Observer) -> bool {
        let Some(now) = self.next_moment_seconds() else { return false };
        self.state.now_seconds = now;
        self.end_jobs(observer);
        self.fail_and_repair(observer);
        self.admit(observer);
        self.schedule(observer);
        let moment = Moment {
            now_seconds: now,
            units: self.state.machine.units(),
            free_units: self.state.machine.free_units(),
            waiting: self.queue.len(),
            running: self.running(),
        };
        observer.moment(moment, || self.state.machine.fragmentation());
        true
    }

    pub(super) fn running(&self) -> usize {
        self.state.slots.len() - 1 - self.state.free_slots.len()
    }

    /// When the next thing happens, in seconds; `None` when all is over.
    pub fn next_moment_seconds(&self) -> Option<i64> {
        let arrival = self.jobs.submit_seconds.get(self.state.arrived).copied();
        let end = self.state.ends.next_time_seconds();
        let over = arrival.is_none() && self.running() == 0 && self.queue.len() == 0;
        let failure = if over { None } else { self.state.failing.next_seconds() };
        [arrival, end, failure].into_iter().flatten().min().map(|t| t.max(self.state.now_seconds))
    }

    fn end_jobs(&mut self, observer: &mut impl Observer) {
        let now = self.state.now_seconds;
        while self.state.ends.next_time_seconds().is_some_and(|t| t <= now) {
            let Some(end) = self.state.ends.pop() else { break };
            let (slot, generation) = end.what;
            let Slot { job, generation: current, .. } = self.state.slots[slot as usize];
            if generation == current {
                self.leave(slot);
                self.state.outcome.end_seconds[job as usize] = now;
                let (run, asked) =
                    (self.jobs.run_seconds[job as usize], self.jobs.requested_seconds[job as usize]);
                note_used_share(&mut self.state.used_share, run, asked);
                observer.event(now, JobEvent::Ended { job });
            }
        }
    }

    fn admit(&mut self, observer: &mut impl Observer) {
        let now = self.state.now_seconds;
        while let Some(&submit) = self.jobs.submit_seconds.get(self.state.arrived) {
            if submit > now {
                break;
            }
            let job = self.state.arrived as u32;
            self.state.arrived += 1;
            if self.state.machine.could_hold(job, self.jobs.size[job as usize]) {
                let facts = self.facts(job);
                self.queue.add(job, &facts);
                observer.event(now, JobEvent::Submitted { job });
            } else {
                self.state.outcome.too_large += 1;
                observer.event(now, JobEvent::TooLarge { job });
            }
        }
    }

    /// Takes the job of `slot` off the machine.
    pub(super) fn leave(&mut self, slot: u32) {
        let s = &mut self.state.slots[slot as usize];
        s.generation = s.generation.wrapping_add(1);
        s.running = false;
        let job = s.job;
        self.state.machine.release(slot);
        self.state.free_slots.push(slot);
        self.state.book_owner(self.jobs, job, |held, less| *held -= less);
    }

    /// The slot that the next job to start will have.
    pub(super) fn spare_slot(&mut self) -> u32 {
        if let Some(&slot) = self.state.free_slots.last() {
            return slot;
        }
        self.state.slots.push(Slot { job: 0, start_seconds: 0, generation: 0, running: false });
        let slot = self.state.slots.len() as u32 - 1;
        self.state.free_slots.push(slot);
        slot
    }

    /// Starts a job that was just placed in the spare slot.
    pub(super) fn start(&mut self, job: u32, observer: &mut impl Observer) {
        let Some(slot) = self.state.free_slots.pop() else { return };
        let now = self.state.now_seconds;
        let j = job as usize;
        let s = &mut self.state.slots[slot as usize];
        s.job = job;
        s.start_seconds = now;
        s.running = true;
        let generation = s.generation;
        let end = now + self.remaining_seconds(job);
        self.state.ends.schedule(end, (slot, generation));
        self.state.book_owner(self.jobs, job, |held, more| *held += more);
        let outcome = &mut self.state.outcome;
        if outcome.start_seconds[j] == NEVER {
            outcome.start_seconds[j] = now;
        }
        outcome.starts += 1;
        self.queue.remove(job);
        observer.event(now, JobEvent::Started { job, slot });
    }

    /// Run time that the job still has before it, in seconds.
    pub(super) fn remaining_seconds(&self, job: u32) -> i64 {
        i64::from(self.jobs.run_seconds[job as usize]) - self.state.failing.kept_seconds(job)
    }

    /// Run time that the job is expected to need by its request, in seconds; at least 1.
    pub(super) fn requested_seconds(&self, job: u32) -> i64 {
        (i64::from(self.jobs.requested_seconds[job as usize]) - self.state.failing.kept_seconds(job)).max(1)
    }

    /// What a policy may know of a waiting job now.
    pub(super) fn facts(&self, job: u32) -> JobFacts {
        self.state.facts(self.jobs, job)
    }

    fn schedule(&mut self, observer: &mut impl Observer) {
        if self.queue.len() == 0 {
            return;
        }
        match self.settings.backfill {
            Backfill::None => self.pass_without_backfill(observer),
            Backfill::Easy => self.pass_easy(observer),
            Backfill::Conservative => self.pass_conservative(observer),
        }
    }
}
