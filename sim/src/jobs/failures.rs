//! Nodes that fail and come back during a simulation, and what their jobs lose. Chance comes from the seed
//! and the number of the failure alone, so a run can be resumed without a generator's state.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use super::Failures;
use super::machine::Machine;
use super::observer::{JobEvent, Observer};
use super::simulation::Simulation;
use crate::engine::EventQueue;

/// What is going to fail and come back, and what interrupted jobs have saved.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Failing {
    events: EventQueue<NodeEvent>,
    /// Failures drawn so far from the hazard rate.
    drawn: u64,
    /// Run time saved by each job, in seconds; empty as long as no job was interrupted.
    kept_seconds: Vec<u32>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum NodeEvent {
    Fail { node: u32, repair_seconds: Option<u32> },
    Repair { node: u32 },
}

impl Failing {
    pub(super) fn new(failures: &Failures, from_seconds: i64, nodes: u32) -> Self {
        let mut failing = Self::default();
        match failures {
            Failures::None => {}
            Failures::Recorded(outages) => {
                for o in outages {
                    let fail = NodeEvent::Fail { node: o.node, repair_seconds: o.repair_seconds };
                    failing.events.schedule(o.at_seconds, fail);
                }
            }
            Failures::Hazard { .. } => failing.draw(failures, from_seconds, nodes),
        }
        failing
    }

    pub(super) fn next_seconds(&self) -> Option<i64> {
        self.events.next_time_seconds()
    }

    pub(super) fn kept_seconds(&self, job: u32) -> i64 {
        self.kept_seconds.get(job as usize).map_or(0, |&k| i64::from(k))
    }

    /// Schedules the next failure by the hazard rate: of all nodes together, one after an exponentially
    /// distributed time, on any of them.
    fn draw(&mut self, failures: &Failures, now_seconds: i64, nodes: u32) {
        let Failures::Hazard { mean_seconds_between, mean_repair_seconds, seed } = failures else { return };
        if nodes == 0 {
            return;
        }
        let mut chance =
            Pcg64Mcg::seed_from_u64(seed.wrapping_add(self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        self.drawn += 1;
        let mut exponential = |mean: f64| -mean * (1.0 - chance.random::<f64>()).ln();
        let after = exponential(mean_seconds_between / f64::from(nodes));
        let repair = exponential(*mean_repair_seconds).clamp(1.0, f64::from(u32::MAX));
        let node = chance.random_range(0..nodes);
        let at = now_seconds.saturating_add((after as i64).max(1));
        self.events.schedule(at, NodeEvent::Fail { node, repair_seconds: Some(repair as u32) });
    }
}

impl<M: Machine> Simulation<'_, M> {
    pub(super) fn fail_and_repair(&mut self, observer: &mut impl Observer) {
        let now = self.state.now_seconds;
        while self.state.failing.next_seconds().is_some_and(|t| t <= now) {
            let Some(event) = self.state.failing.events.pop() else { break };
            match event.what {
                NodeEvent::Repair { node } => {
                    self.state.machine.repair(node);
                    observer.event(now, JobEvent::NodeRepaired { node });
                }
                NodeEvent::Fail { node, repair_seconds } => {
                    self.fail(node, repair_seconds, observer);
                    let nodes = self.state.machine.nodes();
                    self.state.failing.draw(&self.settings.failures, now, nodes);
                }
            }
        }
    }

    fn fail(&mut self, node: u32, repair_seconds: Option<u32>, observer: &mut impl Observer) {
        let now = self.state.now_seconds;
        let in_service = self.state.machine.units();
        let mut hit = std::mem::take(&mut self.scratch.hit);
        hit.clear();
        self.state.machine.fail(node, &mut hit);
        // A node that is out of service already keeps its first repair.
        if self.state.machine.units() < in_service {
            observer.event(now, JobEvent::NodeFailed { node });
            if let Some(after) = repair_seconds {
                let at = now.saturating_add(i64::from(after));
                self.state.failing.events.schedule(at, NodeEvent::Repair { node });
            }
        }
        for &slot in &hit {
            self.interrupt(slot, observer);
        }
        self.scratch.hit = hit;
    }

    /// Stops the job of `slot`; it keeps what its last checkpoint holds and waits again.
    fn interrupt(&mut self, slot: u32, observer: &mut impl Observer) {
        let now = self.state.now_seconds;
        let started = self.state.slots[slot as usize];
        let (job, j) = (started.job, started.job as usize);
        let progress = (now - started.start_seconds) as u64;
        let saved = match self.settings.checkpoint_interval_seconds {
            Some(interval) if interval > 0 => progress - progress % u64::from(interval),
            _ => 0,
        };
        let lost = progress - saved;
        self.leave(slot);
        let count = self.jobs.len();
        let kept = &mut self.state.failing.kept_seconds;
        kept.resize(count, 0);
        // Saved time is part of the run time, which fits in 32 bits.
        kept[j] += saved as u32;
        let outcome = &mut self.state.outcome;
        outcome.lost_seconds.resize(count, 0);
        outcome.lost_seconds[j] += lost;
        outcome.lost_unit_seconds += lost * u64::from(self.jobs.size[j]);
        outcome.interruptions += 1;
        let facts = self.facts(job);
        self.queue.add(job, &facts);
        observer.event(now, JobEvent::Interrupted { job, lost_seconds: lost as u32 });
    }
}
