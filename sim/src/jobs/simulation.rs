//! The general simulation of jobs over time: any machine, any queue policy that does not preempt, strict
//! or skipping queue, backfilling, failures. At each moment first the ends, then failures and repairs, then
//! the arrivals, then one pass through the queue.
//!
//! Who starts is decided in core (`decide::queue::pass`); preemptive policies have their own simulation, since they
//! look at running jobs again and again.

use lepton_core::decide::queue::QueuePolicy;
use lepton_core::decide::queue::pass::{Pass, PassRules, WaitingQueue};

use super::failures::FailureEvent;
use super::floor::Floor;
use super::job::note_used_share;
use super::machine::Machine;
use super::observer::{JobEvent, Moment, Observer};
use super::outcome::Outcome;
use super::state::{Slot, State};
use super::{Jobs, Settings};

/// One run over one machine.
pub struct Simulation<'a, M> {
    jobs: &'a Jobs,
    settings: &'a Settings,
    queue: WaitingQueue<'a>,
    state: State<M>,
    pass: Pass,
    /// Slots hit by a failure; kept for its memory.
    hit: Vec<u32>,
}

impl<'a, M: Machine> Simulation<'a, M> {
    /// A run of `jobs` (in order of submission) on an empty machine.
    pub fn new(jobs: &'a Jobs, machine: M, policy: &'a dyn QueuePolicy, settings: &'a Settings) -> Self {
        Self::resume(jobs, policy, settings, State::new(jobs, machine, &settings.failures))
    }

    /// Goes on from a checkpoint, with the jobs, policy and settings it was taken with.
    pub fn resume(
        jobs: &'a Jobs,
        policy: &'a dyn QueuePolicy,
        settings: &'a Settings,
        mut state: State<M>,
    ) -> Self {
        let mut queue = WaitingQueue::new(policy);
        for job in std::mem::take(&mut state.waiting) {
            queue.add(&state.facts(jobs, job));
        }
        Self { jobs, settings, queue, state, pass: Pass::default(), hit: Vec::new() }
    }

    /// Everything needed to go on later from here.
    pub fn checkpoint(&self) -> State<M>
    where
        M: Clone,
    {
        State { waiting: self.queue.units(), ..self.state.clone() }
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
        State { waiting: self.queue.units(), ..self.state }
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
            running: self.state.running(),
        };
        observer.moment(moment, || self.state.machine.fragmentation());
        true
    }

    /// When the next thing happens, in seconds; `None` when all is over.
    pub fn next_moment_seconds(&self) -> Option<i64> {
        let arrival = self.jobs.submit_seconds.get(self.state.arrived).copied();
        let end = self.state.ends.next_time_seconds();
        let over = arrival.is_none() && self.state.running() == 0 && self.queue.is_empty();
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
                self.state.leave(self.jobs, slot);
                self.state.outcome.end_seconds[job as usize] = now;
                let (run, asked) =
                    (self.jobs.run_seconds[job as usize], self.jobs.requested_seconds[job as usize]);
                note_used_share(&mut self.state.used_share, run, asked);
                observer.event(now, JobEvent::Ended { job });
            }
        }
    }

    fn fail_and_repair(&mut self, observer: &mut impl Observer) {
        let now = self.state.now_seconds;
        while let Some(event) = self.state.failing.due(now) {
            match event {
                FailureEvent::Repair { node, device } => {
                    self.state.failing.note_return(node, device);
                    match device {
                        None => self.state.machine.repair(node),
                        Some(device) => self.state.machine.repair_device(node, device),
                    }
                    observer.event(
                        now,
                        match device {
                            None => JobEvent::NodeRepaired { node },
                            Some(device) => JobEvent::DeviceRepaired { node, device },
                        },
                    );
                }
                FailureEvent::Fail { node, device, repair_seconds } => {
                    self.fail(node, device, repair_seconds, observer);
                    let State { failing, machine, .. } = &mut self.state;
                    failing.draw_after(device, &self.settings.failures, now, machine);
                }
            }
        }
    }

    fn fail(
        &mut self,
        node: u32,
        device: Option<u32>,
        repair_seconds: Option<u32>,
        observer: &mut impl Observer,
    ) {
        let now = self.state.now_seconds;
        let mut hit = std::mem::take(&mut self.hit);
        hit.clear();
        let (failed, event) = match device {
            None => (self.state.machine.fail(node, &mut hit), JobEvent::NodeFailed { node }),
            Some(device) => {
                let failed = self.state.machine.fail_device(node, device, &mut hit);
                (failed, JobEvent::DeviceFailed { node, device })
            }
        };
        // What is out of service already keeps its first repair.
        if failed {
            observer.event(now, event);
            self.state.failing.note_failure(&self.settings.failures, now, node, device, repair_seconds);
        }
        for &slot in &hit {
            self.interrupt(slot, observer);
        }
        self.hit = hit;
    }

    /// Stops the job of `slot`; it keeps what its last checkpoint holds and waits again.
    fn interrupt(&mut self, slot: u32, observer: &mut impl Observer) {
        let now = self.state.now_seconds;
        let Slot { job, start_seconds, .. } = self.state.slots[slot as usize];
        let progress = (now - start_seconds) as u64;
        let saved = match self.settings.checkpoint_interval_seconds {
            Some(interval) if interval > 0 => progress - progress % u64::from(interval),
            _ => 0,
        };
        let lost = progress - saved;
        self.state.leave(self.jobs, slot);
        // Saved time is part of the run time, which fits in 32 bits.
        self.state.failing.keep(job, saved as u32, self.jobs.len());
        self.state.outcome.lose(job as usize, lost, self.jobs.size[job as usize]);
        self.state.outcome.interruptions += 1;
        self.queue.add(&self.state.facts(self.jobs, job));
        observer.event(now, JobEvent::Interrupted { job, lost_seconds: lost as u32 });
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
                self.queue.add(&self.state.facts(self.jobs, job));
                observer.event(now, JobEvent::Submitted { job });
            } else {
                self.state.outcome.too_large += 1;
                observer.event(now, JobEvent::TooLarge { job });
            }
        }
    }

    fn schedule(&mut self, observer: &mut impl Observer) {
        if self.queue.is_empty() {
            return;
        }
        let Settings { discipline, backfill, depth_max, .. } = *self.settings;
        let rules = PassRules { discipline, backfill, depth_max };
        let mut reserved = std::mem::take(&mut self.state.reserved);
        let mut floor = Floor { jobs: self.jobs, state: &mut self.state, observer };
        self.pass.run(rules, &mut self.queue, &mut floor, &mut reserved);
        self.state.reserved = reserved;
    }
}
