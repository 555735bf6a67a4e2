//! Nodes and devices that fail and come back during a simulation, and what their jobs lose. Chance comes from the seed
//! and the number of the failure alone, so a run can be resumed without a generator's state.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::observer::{JobEvent, Observer};
use super::simulation::Simulation;
use super::{Failures, Outage};
use crate::engine::EventQueue;

/// Tells the chance of devices from that of nodes.
const DEVICE_STREAM: u64 = 0xD1B5_4A32_D192_ED03;

/// What is going to fail and come back, and what interrupted jobs have saved.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Failing {
    events: EventQueue<FailureEvent>,
    /// Failures of nodes drawn so far from the hazard rate.
    drawn: u64,
    /// The same of devices.
    drawn_devices: u64,
    /// Run time saved by each job, in seconds; empty as long as no job was interrupted.
    kept_seconds: Vec<u32>,
}

/// A node, or one of its devices, fails or is back.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum FailureEvent {
    Fail { node: u32, device: Option<u32>, repair_seconds: Option<u32> },
    Repair { node: u32, device: Option<u32> },
}

impl Failing {
    pub(super) fn new(failures: &Failures, from_seconds: i64, machine: &impl Machine) -> Self {
        let mut failing = Self::default();
        match failures {
            Failures::None => {}
            Failures::Recorded(outages) => {
                for &Outage { at_seconds, node, device, repair_seconds } in outages {
                    let fail = FailureEvent::Fail { node, device, repair_seconds };
                    failing.events.schedule(at_seconds, fail);
                }
            }
            Failures::Hazard { .. } => {
                failing.draw_node(failures, from_seconds, machine);
                failing.draw_device(failures, from_seconds, machine);
            }
        }
        failing
    }

    pub(super) fn next_seconds(&self) -> Option<i64> {
        self.events.next_time_seconds()
    }

    pub(super) fn kept_seconds(&self, job: u32) -> i64 {
        self.kept_seconds.get(job as usize).map_or(0, |&k| i64::from(k))
    }

    /// Schedules the next failure of a node by the hazard rate.
    fn draw_node(&mut self, failures: &Failures, now_seconds: i64, machine: &impl Machine) {
        let Failures::Hazard { mean_seconds_between, mean_repair_seconds, seed, .. } = failures else {
            return;
        };
        let Some(mean) = *mean_seconds_between else { return };
        let draw = Draw::new(*seed, &mut self.drawn, mean, *mean_repair_seconds, machine.nodes());
        if let Some(Draw { after_seconds, repair_seconds, which: node }) = draw {
            let fail = FailureEvent::Fail { node, device: None, repair_seconds: Some(repair_seconds) };
            self.events.schedule(now_seconds.saturating_add(after_seconds), fail);
        }
    }

    /// The same of a device.
    fn draw_device(&mut self, failures: &Failures, now_seconds: i64, machine: &impl Machine) {
        let Failures::Hazard { device_mean_seconds_between, mean_repair_seconds, seed, .. } = failures else {
            return;
        };
        let Some(mean) = *device_mean_seconds_between else { return };
        let all = (0..machine.nodes()).map(|node| machine.devices(node)).sum();
        let seed = seed ^ DEVICE_STREAM;
        let draw = Draw::new(seed, &mut self.drawn_devices, mean, *mean_repair_seconds, all);
        let Some(Draw { after_seconds, repair_seconds, which: mut device }) = draw else { return };
        for node in 0..machine.nodes() {
            let own = machine.devices(node);
            if device < own {
                let repair_seconds = Some(repair_seconds);
                let fail = FailureEvent::Fail { node, device: Some(device), repair_seconds };
                self.events.schedule(now_seconds.saturating_add(after_seconds), fail);
                return;
            }
            device -= own;
        }
    }
}

/// The next failure among equal parts.
struct Draw {
    after_seconds: i64,
    repair_seconds: u32,
    which: u32,
}

impl Draw {
    /// Of all `parts` together, one fails after an exponentially distributed time, any of them. `None` when
    /// there are none.
    fn new(seed: u64, drawn: &mut u64, mean_seconds: f64, mean_repair: f64, parts: u32) -> Option<Self> {
        if parts == 0 {
            return None;
        }
        let mut chance =
            Pcg64Mcg::seed_from_u64(seed.wrapping_add(drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        *drawn += 1;
        let mut exponential = |mean: f64| -mean * (1.0 - chance.random::<f64>()).ln();
        let after = exponential(mean_seconds / f64::from(parts));
        let repair = exponential(mean_repair).clamp(1.0, f64::from(u32::MAX));
        let which = chance.random_range(0..parts);
        Some(Self { after_seconds: (after as i64).max(1), repair_seconds: repair as u32, which })
    }
}

impl<M: Machine> Simulation<'_, M> {
    pub(super) fn fail_and_repair(&mut self, observer: &mut impl Observer) {
        let now = self.state.now_seconds;
        while self.state.failing.next_seconds().is_some_and(|t| t <= now) {
            let Some(event) = self.state.failing.events.pop() else { break };
            match event.what {
                FailureEvent::Repair { node, device: None } => {
                    self.state.machine.repair(node);
                    observer.event(now, JobEvent::NodeRepaired { node });
                }
                FailureEvent::Repair { node, device: Some(device) } => {
                    self.state.machine.repair_device(node, device);
                    observer.event(now, JobEvent::DeviceRepaired { node, device });
                }
                FailureEvent::Fail { node, device, repair_seconds } => {
                    self.fail(node, device, repair_seconds, observer);
                    let (failing, machine) = (&mut self.state.failing, &self.state.machine);
                    match device {
                        None => failing.draw_node(&self.settings.failures, now, machine),
                        Some(_) => failing.draw_device(&self.settings.failures, now, machine),
                    }
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
        let mut hit = std::mem::take(&mut self.scratch.hit);
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
            if let Some(after) = repair_seconds {
                let at = now.saturating_add(i64::from(after));
                self.state.failing.events.schedule(at, FailureEvent::Repair { node, device });
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
