//! Nodes and devices that fail and come back during a simulation, and what their jobs lose. Chance comes from the seed
//! and the number of the failure alone, so a run can be resumed without a generator's state.
//!
//! When something is expected back is known as an operator would: when the list says, or after the mean time to repair;
//! what is overdue is expected in the next second, like a job that runs past its request.

use lepton_core::decide::queue::pass::{Claims, ExpectedReturn};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use super::machine::Machine;
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
    /// What is out of service.
    out: Vec<Out>,
}

/// Something out of service, and when it is expected back, in seconds; `None` when never.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Out {
    node: u32,
    device: Option<u32>,
    back_seconds: Option<i64>,
}

/// A node, or one of its devices, fails or is back.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum FailureEvent {
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

    /// The next failure or repair that is due.
    pub(super) fn due(&mut self, now_seconds: i64) -> Option<FailureEvent> {
        self.next_seconds().filter(|&at| at <= now_seconds)?;
        self.events.pop().map(|event| event.what)
    }

    /// Books that something has gone out of service, and schedules its repair.
    pub(super) fn note_failure(
        &mut self,
        failures: &Failures,
        now_seconds: i64,
        node: u32,
        device: Option<u32>,
        repair_seconds: Option<u32>,
    ) {
        let after = |seconds: u32| now_seconds.saturating_add(i64::from(seconds));
        if let Some(at) = repair_seconds.map(after) {
            self.events.schedule(at, FailureEvent::Repair { node, device });
        }
        let back_seconds = match failures {
            Failures::Hazard { mean_repair_seconds, .. } => Some(after(mean_repair_seconds.ceil() as u32)),
            Failures::None | Failures::Recorded(_) => repair_seconds.map(after),
        };
        self.out.push(Out { node, device, back_seconds });
    }

    /// Books that something is back.
    pub(super) fn note_return(&mut self, node: u32, device: Option<u32>) {
        self.out.retain(|o| (o.node, o.device) != (node, device));
    }

    /// Books run time that a job, one of `jobs`, has saved.
    pub(super) fn keep(&mut self, job: u32, saved_seconds: u32, jobs: usize) {
        self.kept_seconds.resize(jobs, 0);
        self.kept_seconds[job as usize] += saved_seconds;
    }

    /// Adds what is expected back and when. A device is back when its node is, too.
    pub(super) fn expected_returns(
        &self,
        machine: &impl Machine,
        now_seconds: i64,
        returns: &mut Vec<ExpectedReturn>,
    ) {
        for out in &self.out {
            let node = self.out.iter().find(|o| o.node == out.node && o.device.is_none());
            let node_back = node.map_or(Some(now_seconds), |o| o.back_seconds);
            let (Some(own), Some(node)) = (out.back_seconds, node_back) else { continue };
            let mut claims = Claims::default();
            let units = machine.returning(out.node, out.device, &mut claims);
            let at_seconds = own.max(node).max(now_seconds + 1);
            returns.push(ExpectedReturn { at_seconds, units, claims });
        }
    }

    /// After a failure: schedules the next of its kind by the hazard rate.
    pub(super) fn draw_after(
        &mut self,
        device: Option<u32>,
        failures: &Failures,
        now_seconds: i64,
        machine: &impl Machine,
    ) {
        match device {
            None => self.draw_node(failures, now_seconds, machine),
            Some(_) => self.draw_device(failures, now_seconds, machine),
        }
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
