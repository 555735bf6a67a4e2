//! Everything that changes during a run of the general simulation, and the books kept of it: who runs where, what owners
//! hold, when jobs will end. It decides nothing.

use lepton_core::decide::queue::JobFacts;
use lepton_core::decide::queue::pass::Reservation;
use serde::{Deserialize, Serialize};

use super::failures::Failing;
use super::machine::Machine;
use super::outcome::{NEVER, Outcome};
use super::{Failures, Jobs};
use crate::engine::EventQueue;

/// Everything that changes during a run: what a checkpoint holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State<M> {
    pub(super) now_seconds: i64,
    pub(super) arrived: usize,
    /// Share of the time asked for that the jobs that ended lately have used.
    pub(super) used_share: f64,
    /// The reservations of the last pass.
    pub(super) reserved: Vec<Reservation>,
    pub(super) machine: M,
    /// Running jobs by slot.
    pub(super) slots: Vec<Slot>,
    pub(super) free_slots: Vec<u32>,
    /// (slot, generation) of the jobs that will end.
    pub(super) ends: EventQueue<(u32, u32)>,
    pub(super) failing: Failing,
    /// What each owner's running jobs hold: owners x kinds of resource.
    pub(super) owner_held: Vec<u64>,
    /// Waiting jobs; filled only in a checkpoint.
    pub(super) waiting: Vec<u32>,
    pub(super) outcome: Outcome,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Slot {
    pub(super) job: u32,
    pub(super) start_seconds: i64,
    /// Goes up at each release, so that ends of jobs that were interrupted are told from real ones.
    pub(super) generation: u32,
    pub(super) running: bool,
}

impl<M: Machine> State<M> {
    /// Before the first of `jobs` comes, on an empty machine.
    pub(super) fn new(jobs: &Jobs, machine: M, failures: &Failures) -> Self {
        let first = jobs.submit_seconds.first().copied().unwrap_or(0);
        Self {
            now_seconds: first,
            arrived: 0,
            used_share: 1.0,
            reserved: Vec::new(),
            failing: Failing::new(failures, first, &machine),
            owner_held: vec![0; jobs.owners.len().max(1) * machine.kinds()],
            machine,
            slots: Vec::new(),
            free_slots: Vec::new(),
            ends: EventQueue::default(),
            waiting: Vec::new(),
            outcome: Outcome::new(jobs.len()),
        }
    }

    pub(super) fn running(&self) -> usize {
        self.slots.len() - self.free_slots.len()
    }

    /// What a policy may know of a waiting job now.
    pub(super) fn facts(&self, jobs: &Jobs, job: u32) -> JobFacts {
        let j = job as usize;
        let mut facts = jobs.facts(j);
        facts.attained_unit_seconds = self.failing.kept_seconds(job) as f64 * facts.size;
        facts.owner_share = self.owner_share(jobs.owner[j]);
        facts
    }

    /// Run time that the job still has before it, in seconds.
    fn remaining_seconds(&self, jobs: &Jobs, job: u32) -> i64 {
        i64::from(jobs.run_seconds[job as usize]) - self.failing.kept_seconds(job)
    }

    /// Run time that the job is expected to need by its request, in seconds; at least 1.
    pub(super) fn expected_seconds(&self, jobs: &Jobs, job: u32) -> i64 {
        (i64::from(jobs.requested_seconds[job as usize]) - self.failing.kept_seconds(job)).max(1)
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

    /// The slot that the next job to start will have.
    pub(super) fn spare_slot(&mut self) -> u32 {
        if let Some(&slot) = self.free_slots.last() {
            return slot;
        }
        self.slots.push(Slot { job: 0, start_seconds: 0, generation: 0, running: false });
        let slot = self.slots.len() as u32 - 1;
        self.free_slots.push(slot);
        slot
    }

    /// Books the start of a job that was just placed in the spare slot.
    pub(super) fn start(&mut self, jobs: &Jobs, job: u32) {
        let Some(slot) = self.free_slots.pop() else { return };
        let (now, j) = (self.now_seconds, job as usize);
        let s = &mut self.slots[slot as usize];
        *s = Slot { job, start_seconds: now, running: true, ..*s };
        let generation = s.generation;
        self.ends.schedule(now + self.remaining_seconds(jobs, job), (slot, generation));
        self.book_owner(jobs, job, |held, more| *held += more);
        let outcome = &mut self.outcome;
        if outcome.start_seconds[j] == NEVER {
            outcome.start_seconds[j] = now;
        }
        outcome.starts += 1;
    }

    /// Takes the job of `slot` off the machine.
    pub(super) fn leave(&mut self, jobs: &Jobs, slot: u32) {
        let s = &mut self.slots[slot as usize];
        s.generation = s.generation.wrapping_add(1);
        s.running = false;
        let job = s.job;
        self.machine.release(slot);
        self.free_slots.push(slot);
        self.book_owner(jobs, job, |held, less| *held -= less);
    }
}
