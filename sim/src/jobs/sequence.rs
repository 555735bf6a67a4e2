//! The batch-sequence protocol of the RLScheduler study (Zhang et al., SC 2020): consecutive jobs of a
//! trace on an empty machine of n identical nodes, one choice at a time. Kept apart from the general
//! simulation because its loop differs on purpose, and published figures depend on every step of it:
//!
//! 1. The job with the lowest score is chosen. If it does not fit it stays chosen until it does; time
//!    moves event by event, the next arrival first when it is not later than the next end.
//! 2. With backfilling the chosen job's reservation is fixed once, from requested times; then before
//!    every time step each job that fits now and by its request ends before the reservation starts, in
//!    order of submission (jobs of the same second in the order of the last choice).
//! 3. After a start, when nothing waits, time moves until one job has arrived.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use lepton_core::decide::queue::{FreeLater, MachineView, QueuePolicy, ScoreChange};

use super::Jobs;
use super::job::{arrivals_per_second, note_used_share};
use super::order::{RankedOrder, ScoredBy, ScoredOrder, WaitingOrder};
use crate::engine::IndexSet;

/// Simulates sequences; keeps its memory from one to the next.
#[derive(Debug, Default)]
pub struct SequenceSimulator {
    state: State,
    ranked: RankedOrder,
    scored: ScoredOrder,
}

/// The machine and the clock of one sequence. Jobs are told by their index within the sequence.
#[derive(Debug, Default)]
struct State {
    now_seconds: i64,
    free: u32,
    used_share: f64,
    arrived: usize,
    started: u32,
    start_seconds: Vec<i64>,
    /// (end by true run time, number of the start, index) of each running job, the next end last; of one
    /// second, the job started first ends first. A few dozen run at a time, so a sorted list beats a heap.
    ends: Vec<(i64, u32, u32)>,
    /// (requested end, index) of each running job, ascending; kept only where something asks for it.
    requested_ends: Vec<(i64, u32)>,
    /// What the policy is shown of the running jobs; kept for its memory.
    later: Vec<FreeLater>,
    /// Waiting jobs in order of submission; kept only with backfilling.
    waiting: IndexSet,
    candidates: Vec<u32>,
}

impl SequenceSimulator {
    /// Simulates the jobs of `range` on `nodes` nodes and returns when each started, in seconds. The
    /// scores of `policy` must not depend on what runs ([`ScoreChange::WithState`] is taken as fixed), and
    /// no job may be larger than the machine: such a job would never start, and is given
    /// [`SequenceSimulator::NEVER`] without holding up the others.
    pub fn run(
        &mut self,
        jobs: &Jobs,
        range: Range<usize>,
        nodes: u32,
        policy: &dyn QueuePolicy,
        backfill: bool,
    ) -> &[i64] {
        let never = AtomicBool::new(false);
        self.run_unless_stopped(jobs, range, nodes, policy, backfill, &never);
        &self.state.start_seconds
    }

    /// The same; `None` when `stop` turned true before the end.
    pub fn run_unless_stopped(
        &mut self,
        jobs: &Jobs,
        range: Range<usize>,
        nodes: u32,
        policy: &dyn QueuePolicy,
        backfill: bool,
        stop: &AtomicBool,
    ) -> Option<&[i64]> {
        let change = policy.change();
        let mut sequence = Sequence::new(jobs, range.clone(), nodes, backfill, &mut self.state);
        sequence.shows_machine = change == ScoreChange::WithMachine;
        let done = if matches!(change, ScoreChange::WithWaiting | ScoreChange::WithMachine) {
            let mut order = ScoredBy { order: &mut self.scored, policy };
            order.prepare(jobs, range, policy);
            sequence.run(&mut order, stop)
        } else {
            self.ranked.prepare(jobs, range, policy);
            sequence.run(&mut self.ranked, stop)
        };
        done.then_some(&self.state.start_seconds[..])
    }

    /// The start time of a job that does not fit the machine.
    pub const NEVER: i64 = i64::MAX;
}

/// The columns of the sequence's jobs, and the run over them.
struct Sequence<'a> {
    submit_seconds: &'a [i64],
    run_seconds: &'a [u32],
    requested_seconds: &'a [u32],
    size: &'a [u32],
    nodes: u32,
    backfill: bool,
    /// Whether the policy looks at the machine; then it also orders what is backfilled.
    shows_machine: bool,
    state: &'a mut State,
}

impl<'a> Sequence<'a> {
    fn new(jobs: &'a Jobs, range: Range<usize>, nodes: u32, backfill: bool, state: &'a mut State) -> Self {
        Self {
            submit_seconds: &jobs.submit_seconds[range.clone()],
            run_seconds: &jobs.run_seconds[range.clone()],
            requested_seconds: &jobs.requested_seconds[range.clone()],
            size: &jobs.size[range],
            nodes,
            backfill,
            shows_machine: false,
            state,
        }
    }

    /// False when it was stopped.
    fn run(mut self, order: &mut impl WaitingOrder, stop: &AtomicBool) -> bool {
        self.reset();
        loop {
            if stop.load(Ordering::Relaxed) {
                return false;
            }
            while order.is_empty() {
                if !self.step(order) {
                    return true;
                }
            }
            let Some(chosen) = self.choose(order) else { return true };
            if self.size(chosen) > self.state.free {
                if self.backfill && self.shows_machine {
                    self.wait_choosing(chosen, order);
                } else if self.backfill {
                    self.wait_backfilling(chosen, order);
                } else {
                    while self.size(chosen) > self.state.free && self.step(order) {}
                }
            }
            self.start(chosen, order);
        }
    }

    fn reset(&mut self) {
        let s = &mut *self.state;
        s.now_seconds = i64::MIN;
        s.free = self.nodes;
        s.used_share = 1.0;
        s.arrived = 0;
        s.started = 0;
        s.start_seconds.clear();
        s.start_seconds.resize(self.size.len(), SequenceSimulator::NEVER);
        s.ends.clear();
        s.requested_ends.clear();
        s.waiting.reset(if self.backfill { self.size.len() } else { 0 });
    }

    /// The job that goes next by the policy, or `None` when nothing waits.
    fn choose(&mut self, order: &mut impl WaitingOrder) -> Option<u32> {
        self.look_ahead();
        order.choose(&self.view())
    }

    /// Brings what the policy is shown of the running jobs up to now.
    fn look_ahead(&mut self) {
        let s = &mut *self.state;
        s.later.clear();
        if self.shows_machine {
            let mut free_units = f64::from(s.free);
            for &(end, index) in &s.requested_ends {
                free_units += f64::from(self.size[index as usize]);
                // What runs past its request is expected to end at any moment.
                let in_seconds = (end - s.now_seconds).max(0) as f64;
                s.later.push(FreeLater { in_seconds, free_units });
            }
        }
    }

    fn view(&self) -> MachineView<'_> {
        MachineView {
            now_seconds: self.state.now_seconds as f64,
            units: f64::from(self.nodes),
            free_units: f64::from(self.state.free),
            backfills: self.backfill,
            held: None,
            used_share: self.state.used_share,
            arrivals_per_second: arrivals_per_second(&self.submit_seconds[..self.state.arrived]),
            later: &self.state.later,
        }
    }

    fn size(&self, index: u32) -> u32 {
        self.size[index as usize]
    }

    /// Requested end of a job that starts now.
    fn requested_end(&self, index: u32) -> i64 {
        let requested = self.requested_seconds[index as usize];
        self.state.now_seconds + i64::from(requested)
    }

    /// Moves to the next event: one arrival or one end. False when there is none.
    fn step(&mut self, order: &mut impl WaitingOrder) -> bool {
        let s = &mut *self.state;
        let arrival = (s.arrived < self.size.len()).then(|| self.submit_seconds[s.arrived]);
        match (arrival, s.ends.last().map(|end| end.0)) {
            (Some(submit), end) if end.is_none_or(|end| submit <= end) => {
                s.now_seconds = s.now_seconds.max(submit);
                let index = s.arrived as u32;
                s.arrived += 1;
                if self.size[index as usize] <= self.nodes {
                    order.add(index);
                    if self.backfill {
                        self.state.waiting.insert(index as usize);
                    }
                }
                true
            }
            (_, Some(_)) => self.end_one(),
            (_, None) => false,
        }
    }

    fn end_one(&mut self) -> bool {
        let Some((end, _, index)) = self.state.ends.pop() else { return false };
        self.state.now_seconds = self.state.now_seconds.max(end);
        self.state.free += self.size(index);
        let (run, requested) = (self.run_seconds[index as usize], self.requested_seconds[index as usize]);
        note_used_share(&mut self.state.used_share, run, requested);
        if self.backfill || self.shows_machine {
            let requested = self.requested_seconds[index as usize];
            let key = (self.state.start_seconds[index as usize] + i64::from(requested), index);
            if let Ok(at) = self.state.requested_ends.binary_search(&key) {
                self.state.requested_ends.remove(at);
            }
        }
        true
    }

    fn start(&mut self, index: u32, order: &mut impl WaitingOrder) {
        order.remove(index);
        let size = self.size(index);
        let requested_end = self.requested_end(index);
        let run = i64::from(self.run_seconds[index as usize]);
        let s = &mut *self.state;
        s.free -= size;
        s.start_seconds[index as usize] = s.now_seconds;
        let end = (s.now_seconds + run, s.started, index);
        s.started += 1;
        let at = s.ends.partition_point(|other| *other > end);
        s.ends.insert(at, end);
        if self.backfill {
            s.waiting.remove(index as usize);
        }
        if self.backfill || self.shows_machine {
            let key = (requested_end, index);
            let at = s.requested_ends.partition_point(|k| *k < key);
            s.requested_ends.insert(at, key);
        }
    }

    /// Lets time pass until `chosen` fits, starting others that do not delay its reservation.
    fn wait_backfilling(&mut self, chosen: u32, order: &mut impl WaitingOrder) {
        let reservation = self.reservation(chosen);
        let mut candidates = std::mem::take(&mut self.state.candidates);
        candidates.clear();
        candidates.extend(
            self.state.waiting.iter().map(|i| i as u32).filter(|&i| self.requested_end(i) < reservation),
        );
        // Jobs of the same second stand in the order of the last choice.
        let submit = |i: &u32| self.submit_seconds[*i as usize];
        for run in candidates.chunk_by_mut(|a, b| submit(a) == submit(b)).filter(|run| run.len() > 1) {
            run.sort_by_key(|&i| order.key(i));
        }
        // The smallest candidate left: below it a look through the list finds nothing.
        let mut smallest = 0;
        while self.size(chosen) > self.state.free {
            if self.state.free >= smallest {
                smallest = u32::MAX;
                candidates.retain(|&i| {
                    let (size, in_time) = (self.size(i), self.requested_end(i) < reservation);
                    let starts = in_time && size <= self.state.free;
                    if starts {
                        self.start(i, order);
                    } else if in_time {
                        smallest = smallest.min(size);
                    }
                    in_time && !starts
                });
            }
            let arrived = self.state.arrived as u32;
            if !self.step(order) {
                break;
            }
            if self.state.arrived as u32 > arrived && self.size(arrived) <= self.nodes {
                candidates.push(arrived);
                smallest = smallest.min(self.size(arrived));
            }
        }
        self.state.candidates = candidates;
    }

    /// Lets time pass until `chosen` fits; the policy chooses what starts ahead of it, if anything, among the jobs
    /// that do not delay its reservation.
    fn wait_choosing(&mut self, chosen: u32, order: &mut impl WaitingOrder) {
        let reservation = self.reservation(chosen);
        while self.size(chosen) > self.state.free {
            self.look_ahead();
            let may = |i: u32| self.size(i) <= self.state.free && self.requested_end(i) < reservation;
            let in_seconds = (reservation - self.state.now_seconds) as f64;
            match order.choose_ahead_of(chosen, in_seconds, &self.view(), may) {
                Some(ahead) => self.start(ahead, order),
                None if self.step(order) => {}
                None => break,
            }
        }
    }

    /// When, by the running jobs' requested times, enough nodes are free for `chosen`.
    fn reservation(&self, chosen: u32) -> i64 {
        let mut free = self.state.free;
        let wanted = self.size(chosen);
        for &(end, index) in &self.state.requested_ends {
            free += self.size(index);
            if free >= wanted {
                return end;
            }
        }
        self.state.now_seconds
    }
}
