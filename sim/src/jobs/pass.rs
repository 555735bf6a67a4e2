//! One pass through the queue: who starts now. Three ways: by the discipline alone, with EASY and with
//! conservative backfilling.

use lepton_core::decide::queue::{FreeLater, Held, MachineView, ScoreChange};

use super::job::arrivals_per_second;
use super::machine::Machine;
use super::observer::Observer;
use super::simulation::{NEVER, Simulation};
use super::{Backfill, Discipline};

/// The slot in which reservations are tried; no job runs in it.
const RESERVED_SLOT: u32 = 0;

/// What has turned out not to fit in this pass. Units only get fewer while it goes on, so what did not fit
/// will not fit later in it.
#[derive(Debug, Default)]
pub(super) struct Unfit {
    /// Sizes from here on do not fit.
    size: u32,
    /// The pass in which each shape last did not fit.
    shapes: Vec<u64>,
    pass: u64,
}

impl Unfit {
    fn begin(&mut self) {
        self.size = u32::MAX;
        self.pass += 1;
    }

    fn add<M: Machine>(&mut self, machine: &M, job: u32, size: u32) {
        if M::SIZE_DECIDES {
            self.size = self.size.min(size);
            return;
        }
        let shape = machine.shape(job) as usize;
        if shape >= self.shapes.len() {
            self.shapes.resize(shape + 1, 0);
        }
        self.shapes[shape] = self.pass;
    }

    fn has<M: Machine>(&self, machine: &M, job: u32, size: u32) -> bool {
        if M::SIZE_DECIDES {
            return size >= self.size;
        }
        self.shapes.get(machine.shape(job) as usize) == Some(&self.pass)
    }
}

impl<M: Machine> Simulation<'_, M> {
    fn begin_pass(&mut self) {
        self.begin_pass_holding(None);
    }

    /// The same while units are held for a job that is to start at some second.
    fn begin_pass_holding(&mut self, held: Option<(u32, i64)>) {
        let mut later = std::mem::take(&mut self.scratch.later);
        later.clear();
        if self.queue.policy().change() == ScoreChange::WithMachine {
            self.free_later(&mut later);
        }
        let machine = &self.state.machine;
        let view = MachineView {
            now_seconds: self.state.now_seconds as f64,
            units: machine.units() as f64,
            free_units: machine.free_units() as f64,
            backfills: self.settings.backfill != Backfill::None,
            held: held.and_then(|(job, at)| {
                let in_seconds = at.saturating_sub(self.state.now_seconds) as f64;
                self.queue.position(job).map(|position| Held { position, in_seconds })
            }),
            used_share: self.state.used_share,
            arrivals_per_second: arrivals_per_second(&self.jobs.submit_seconds[..self.state.arrived]),
            later: &later,
        };
        let Self { jobs, state, queue, .. } = self;
        queue.begin_pass(&view, |job| state.facts(jobs, job));
        self.scratch.later = later;
    }

    /// What will be free later, as the running jobs' requests say.
    fn free_later(&mut self, later: &mut Vec<FreeLater>) {
        let mut ends = std::mem::take(&mut self.scratch.ends);
        self.expected_ends(&mut ends);
        let mut free = self.state.machine.free_units();
        for &(end, slot) in &ends {
            free += u64::from(self.jobs.size[self.state.slots[slot as usize].job as usize]);
            let in_seconds = (end - self.state.now_seconds) as f64;
            later.push(FreeLater { in_seconds, free_units: free as f64 });
        }
        self.scratch.ends = ends;
    }

    /// Places and starts `job` if it fits.
    fn try_start(&mut self, job: u32, observer: &mut impl Observer) -> bool {
        let size = self.jobs.size[job as usize];
        if self.scratch.unfit.has(&self.state.machine, job, size) {
            return false;
        }
        let slot = self.spare_slot();
        if !self.state.machine.place(slot, job, size) {
            self.scratch.unfit.add(&self.state.machine, job, size);
            return false;
        }
        self.start(job, observer);
        if matches!(self.queue.policy().change(), ScoreChange::WithState | ScoreChange::WithMachine) {
            self.begin_pass();
        }
        true
    }

    /// Whether the job that has a reservation keeps it until it starts: a policy that looks at the machine may prefer
    /// another at every moment, and then a large job would never get its units.
    fn holds(&self) -> bool {
        self.queue.policy().change() == ScoreChange::WithMachine
    }

    /// Whether nothing more can start: with sizes that count, when no unit is free.
    fn full(&self) -> bool {
        M::SIZE_DECIDES && self.state.machine.free_units() == 0
    }

    pub(super) fn pass_without_backfill(&mut self, observer: &mut impl Observer) {
        self.begin_pass();
        self.scratch.unfit.begin();
        let strict = self.settings.discipline == Discipline::Strict;
        let mut passed_over = 0;
        while let Some(job) = self.queue.next() {
            if self.try_start(job, observer) {
                continue;
            }
            passed_over += 1;
            if strict || self.full() || passed_over > self.settings.depth_max {
                break;
            }
        }
    }

    pub(super) fn pass_easy(&mut self, observer: &mut impl Observer) {
        self.begin_pass();
        self.scratch.unfit.begin();
        let mut held = self.state.held.take();
        let head = loop {
            match held.take().or_else(|| self.queue.next()) {
                None => return,
                Some(job) => {
                    if !self.try_start(job, observer) {
                        break job;
                    }
                }
            }
        };
        if self.holds() {
            self.state.held = Some(head);
        }
        // Without a free unit, or with the head alone, there is nothing to start ahead of it.
        if self.full() || self.queue.len() == 1 {
            return;
        }
        let reserved = self.reserve(head);
        if self.holds() {
            self.begin_pass_holding(Some((head, reserved)));
        }
        let now = self.state.now_seconds;
        for _ in 0..self.settings.depth_max {
            let Some(job) = self.queue.next() else { break };
            if self.holds() && job == head {
                // The policy would rather hold on than start one of the others.
                break;
            }
            let size = self.jobs.size[job as usize];
            if self.scratch.unfit.has(&self.state.machine, job, size) {
                continue;
            }
            let slot = self.spare_slot();
            if !self.state.machine.place(slot, job, size) {
                self.scratch.unfit.add(&self.state.machine, job, size);
                continue;
            }
            let in_time = now + self.requested_seconds(job) <= reserved;
            let beside = |trial: &mut M| trial.place_as_on(slot, &self.state.machine);
            if in_time || self.scratch.trial.as_mut().is_some_and(beside) {
                self.start(job, observer);
            } else {
                self.state.machine.release(slot);
            }
            if self.full() {
                break;
            }
        }
    }

    /// When, by the running jobs' requests, `head` can start; the trial copy of the machine is left as it
    /// will be then, with the head on it: everything that ends at that second has left.
    fn reserve(&mut self, head: u32) -> i64 {
        let size = self.jobs.size[head as usize];
        let mut ends = std::mem::take(&mut self.scratch.ends);
        self.expected_ends(&mut ends);
        self.state.machine.copy_for_trial(&mut self.scratch.trial);
        let mut reserved = NEVER;
        if let Some(trial) = &mut self.scratch.trial {
            for together in ends.chunk_by(|a, b| a.0 == b.0) {
                for &(_, slot) in together {
                    trial.release(slot);
                }
                if trial.free_units() >= u64::from(size) && trial.place(RESERVED_SLOT, head, size) {
                    reserved = together[0].0;
                    break;
                }
            }
        }
        self.scratch.ends = ends;
        reserved
    }

    /// (expected end, slot) of the running jobs in order of time; what runs past its request is expected to
    /// end in the next second.
    fn expected_ends(&self, ends: &mut Vec<(i64, u32)>) {
        let next_second = self.state.now_seconds + 1;
        ends.clear();
        ends.extend(
            (0u32..)
                .zip(&self.state.slots)
                .filter(|(_, s)| s.running)
                .map(|(slot, s)| ((s.start_seconds + self.requested_seconds(s.job)).max(next_second), slot)),
        );
        ends.sort_unstable();
    }

    pub(super) fn pass_conservative(&mut self, observer: &mut impl Observer) {
        self.begin_pass();
        let now = self.state.now_seconds;
        self.build_profile();
        for _ in 0..=self.settings.depth_max {
            let Some(job) = self.queue.next() else { break };
            let size = i64::from(self.jobs.size[job as usize]);
            let span = self.requested_seconds(job);
            let mut start = earliest(&self.scratch.profile, now, span, size);
            if start == now {
                let slot = self.spare_slot();
                if self.state.machine.place(slot, job, size as u32) {
                    self.start(job, observer);
                } else {
                    start = earliest(&self.scratch.profile, now + 1, span, size);
                }
            }
            if start != NEVER {
                reserve_span(&mut self.scratch.profile, start, start.saturating_add(span), size);
            }
        }
    }

    /// Free units from now on, as the running jobs' requests say: (from when, how many), ascending.
    fn build_profile(&mut self) {
        let mut ends = std::mem::take(&mut self.scratch.ends);
        self.expected_ends(&mut ends);
        let profile = &mut self.scratch.profile;
        profile.clear();
        let mut free = self.state.machine.free_units() as i64;
        profile.push((self.state.now_seconds, free));
        for &(end, slot) in &ends {
            free += i64::from(self.jobs.size[self.state.slots[slot as usize].job as usize]);
            match profile.last_mut() {
                Some(last) if last.0 == end => last.1 = free,
                _ => profile.push((end, free)),
            }
        }
        self.scratch.ends = ends;
    }
}

/// The earliest time from `from` on at which `size` units are free for `span` seconds; [`NEVER`] if never.
fn earliest(profile: &[(i64, i64)], from: i64, span: i64, size: i64) -> i64 {
    let mut start = from;
    let first = profile.partition_point(|p| p.0 <= from).saturating_sub(1);
    for (at, &(time, free)) in profile.iter().enumerate().skip(first) {
        if time >= start.saturating_add(span) {
            return start;
        }
        if free < size {
            match profile.get(at + 1) {
                Some(next) => start = next.0,
                None => return NEVER,
            }
        }
    }
    start
}

/// Takes `size` units out of the profile from `start` to `end`.
fn reserve_span(profile: &mut Vec<(i64, i64)>, start: i64, end: i64, size: i64) {
    let first = split(profile, start);
    let last = split(profile, end);
    for step in &mut profile[first..last] {
        step.1 -= size;
    }
}

/// Makes sure that a step begins at `time` and returns its position; `time` is not before the first step.
fn split(profile: &mut Vec<(i64, i64)>, time: i64) -> usize {
    let at = profile.partition_point(|p| p.0 < time);
    if profile.get(at).is_none_or(|p| p.0 != time) {
        let free = profile[at.saturating_sub(1)].1;
        profile.insert(at, (time, free));
    }
    at
}
