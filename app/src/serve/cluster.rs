//! The cluster that is served: a simulated one, which dies with the process and is lived again at the next start, second by
//! second with every call of the loop that the store has.

use std::cell::RefCell;
use std::rc::Rc;

use lepton_core::model::Call;
use lepton_sim::experiment::{TURN_SECONDS, WITHOUT_LOOP_POLICY};
use lepton_sim::world::{OwnScheduler, World, WorldActuator, WorldConfig, WorldSource};
use serde::{Deserialize, Serialize};

/// A stretch of time in which the cluster placed its tasks by itself, or did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Era {
    /// Where it begins, seconds.
    pub(super) from_seconds: u64,
    /// Whether the cluster's own scheduler is at work; where the loop acts, it is the scheduler.
    pub(super) own_scheduler: bool,
}

/// A simulated cluster.
pub(super) struct SimulatedCluster {
    world: Rc<RefCell<World>>,
    scheduler: OwnScheduler,
    now_seconds: u64,
}

impl SimulatedCluster {
    /// As it was at `to_seconds`: from its first second on, with these calls.
    pub(super) fn lived(
        config: &WorldConfig,
        to_seconds: u64,
        eras: &[Era],
        calls: &[(u64, Call)],
    ) -> anyhow::Result<Self> {
        let world = World::new(config.clone());
        let scheduler = OwnScheduler::new(&world, WITHOUT_LOOP_POLICY)?;
        let mut cluster = Self { world: Rc::new(RefCell::new(world)), scheduler, now_seconds: 0 };
        let mut calls = calls.iter().peekable();
        loop {
            let now = cluster.now_seconds;
            let era = eras.iter().rev().find(|era| era.from_seconds <= now);
            if era.is_some_and(|era| era.own_scheduler) {
                cluster.schedule();
            }
            while let Some((_, call)) = calls.next_if(|(when, _)| *when <= now) {
                cluster.hands().0.borrow_mut().carry_out(call);
            }
            if now >= to_seconds {
                return Ok(cluster);
            }
            cluster.pass();
        }
    }

    /// Time passes up to the next turn.
    pub(super) fn pass(&mut self) {
        self.now_seconds += TURN_SECONDS;
        self.world.borrow_mut().advance(self.now_seconds);
    }

    /// The cluster's own scheduler places what waits.
    pub(super) fn schedule(&mut self) {
        self.scheduler.schedule(&mut self.world.borrow_mut());
    }

    pub(super) fn now_seconds(&self) -> u64 {
        self.now_seconds
    }

    pub(super) fn eyes(&self) -> WorldSource {
        WorldSource(Rc::clone(&self.world))
    }

    pub(super) fn hands(&self) -> WorldActuator {
        WorldActuator(Rc::clone(&self.world))
    }

    pub(super) fn world(&self) -> &RefCell<World> {
        &self.world
    }
}
