//! The general simulation as the queue's pass sees it: the machine, what runs on it and until when by its request, and
//! when what has failed is expected back.

use lepton_core::decide::queue::JobFacts;
use lepton_core::decide::queue::pass::{ExpectedEnd, ExpectedReturn, Lately, Site};

use super::Jobs;
use super::job::arrivals_per_second;
use super::machine::Machine;
use super::observer::{JobEvent, Observer};
use super::state::State;

/// A moment of a run, to which its observer listens.
pub(super) struct Floor<'s, M, O> {
    pub(super) jobs: &'s Jobs,
    pub(super) state: &'s mut State<M>,
    pub(super) observer: &'s mut O,
}

impl<M: Machine, O: Observer> Site for Floor<'_, M, O> {
    type Capacity = M;

    fn capacity(&self) -> &M {
        &self.state.machine
    }

    fn capacity_mut(&mut self) -> &mut M {
        &mut self.state.machine
    }

    fn now_seconds(&self) -> i64 {
        self.state.now_seconds
    }

    fn size(&self, unit: u32) -> u32 {
        self.jobs.size[unit as usize]
    }

    fn expected_seconds(&self, unit: u32) -> i64 {
        self.state.expected_seconds(self.jobs, unit)
    }

    fn facts(&self, unit: u32) -> JobFacts {
        self.state.facts(self.jobs, unit)
    }

    fn expected_ends(&self, ends: &mut Vec<ExpectedEnd>) {
        let next_second = self.state.now_seconds + 1;
        let running = (0u32..).zip(&self.state.slots).filter(|(_, s)| s.running);
        ends.extend(running.map(|(slot, s)| ExpectedEnd {
            at_seconds: (s.start_seconds + self.expected_seconds(s.job)).max(next_second),
            slot,
            size: self.size(s.job),
        }));
    }

    fn expected_returns(&self, returns: &mut Vec<ExpectedReturn>) {
        self.state.failing.expected_returns(&self.state.machine, self.state.now_seconds, returns);
    }

    fn lately(&self) -> Lately {
        Lately {
            used_share: self.state.used_share,
            arrivals_per_second: arrivals_per_second(&self.jobs.submit_seconds[..self.state.arrived]),
        }
    }

    fn spare_slot(&mut self) -> u32 {
        self.state.spare_slot()
    }

    fn start(&mut self, unit: u32, slot: u32) {
        self.state.start(self.jobs, unit);
        self.observer.event(self.state.now_seconds, JobEvent::Started { job: unit, slot });
    }
}
