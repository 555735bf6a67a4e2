//! A simulated cluster, which dies with the process and is lived again at the next start, second by second with every call of
//! the loop that the store has.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::Context;
use lepton_core::cycle::Mode;
use lepton_core::model::{Call, Readings, ResourceSchema, counted};
use lepton_edges::store::Store;
use lepton_sim::experiment::{TURN_SECONDS, WITHOUT_LOOP_POLICY};
use lepton_sim::world::{Measures, OwnScheduler, World, WorldActuator, WorldConfig, WorldSource};
use serde::{Deserialize, Serialize};

use super::{Connection, Ports, Standing, WrongSettings, differences, simulation_settings};
use crate::serve::config::ServeConfig;

/// Names of facts in the store.
pub(super) const SIMULATION: &str = "simulation";
const ERAS: &str = "eras";

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
    eyes: WorldSource,
    hands: WorldActuator,
    scheduler: OwnScheduler,
    nodes_count: usize,
    /// Whether the cluster places its tasks by itself from now on.
    schedules: bool,
    now_seconds: u64,
}

impl SimulatedCluster {
    /// As it was at `to_seconds`: from its first second on, with these calls.
    fn lived(
        config: &WorldConfig,
        to_seconds: u64,
        eras: &[Era],
        calls: &[(u64, Call)],
    ) -> anyhow::Result<Self> {
        let world = World::new(config.clone());
        let scheduler = OwnScheduler::new(&world, WITHOUT_LOOP_POLICY)?;
        let world = Rc::new(RefCell::new(world));
        let (eyes, hands) = (WorldSource(Rc::clone(&world)), WorldActuator(Rc::clone(&world)));
        let nodes_count = config.nodes;
        let mut cluster =
            Self { world, eyes, hands, scheduler, nodes_count, schedules: false, now_seconds: 0 };
        let mut calls = calls.iter().peekable();
        loop {
            let now = cluster.now_seconds;
            cluster.schedules =
                eras.iter().rev().find(|era| era.from_seconds <= now).is_some_and(|era| era.own_scheduler);
            cluster.schedule();
            while let Some((_, call)) = calls.next_if(|(when, _)| *when <= now) {
                cluster.world.borrow_mut().carry_out(call);
            }
            if now >= to_seconds {
                return Ok(cluster);
            }
            cluster.advance();
        }
    }

    fn advance(&mut self) {
        self.now_seconds += TURN_SECONDS;
        self.world.borrow_mut().advance(self.now_seconds);
    }

    /// The cluster's own scheduler, where it is at work, places what waits.
    fn schedule(&mut self) {
        if self.schedules {
            self.scheduler.schedule(&mut self.world.borrow_mut());
        }
    }
}

impl Connection for SimulatedCluster {
    fn schema(&self) -> ResourceSchema {
        self.world.borrow().schema()
    }

    fn now_seconds(&self) -> u64 {
        self.now_seconds
    }

    fn pass(&mut self) {
        self.advance();
        self.schedule();
    }

    fn ports(&mut self) -> Ports<'_> {
        Ports { sources: vec![&mut self.eyes], hands: &mut self.hands }
    }

    fn measures(&self) -> Option<Measures> {
        Some(self.world.borrow().measures())
    }

    fn past(&mut self) -> Vec<Readings> {
        Vec::new()
    }

    fn set_mode(&mut self, store: &mut Store, mode: Mode) -> anyhow::Result<()> {
        eras_with(store, self.now_seconds, mode != Mode::Act)?;
        self.schedules = mode != Mode::Act;
        Ok(())
    }

    fn standing(&self) -> Standing {
        let world = self.world.borrow();
        Standing {
            about: format!("a simulated cluster of {}", counted(self.nodes_count, "node", "nodes")),
            can_act: true,
            problems: world
                .check()
                .err()
                .map(|e| format!("the simulated cluster: {e}"))
                .into_iter()
                .collect(),
            reports: Vec::new(),
        }
    }
}

/// The eras that the store has, and from the next turn on one in which the cluster's own scheduler is at work or not.
fn eras_with(store: &mut Store, now_seconds: u64, own_scheduler: bool) -> anyhow::Result<Vec<Era>> {
    let eras = store.fact(ERAS)?.unwrap_or_else(|| "[]".to_owned());
    let mut eras: Vec<Era> = serde_json::from_str(&eras).context("the store, fact `eras`")?;
    if eras.last().is_none_or(|era| era.own_scheduler != own_scheduler) {
        // The turn of this second may be over under the old rule.
        let from_seconds = if eras.is_empty() { 0 } else { now_seconds + TURN_SECONDS };
        eras.push(Era { from_seconds, own_scheduler });
        store.set_fact(ERAS, &serde_json::to_string(&eras)?)?;
    }
    Ok(eras)
}

/// The simulated cluster as the store left it.
pub(super) fn connect(store: &mut Store, config: &ServeConfig) -> anyhow::Result<SimulatedCluster> {
    let simulation = &config.simulation;
    let settings = simulation_settings(config);
    match store.fact(SIMULATION)? {
        Some(before) if before != settings => {
            let problem = WrongSettings(format!(
                "the store in {} belongs to another simulated cluster: {}. Maybe another `--state-dir` is meant",
                config.state_dir,
                differences(&before, &settings)
            ));
            return Err(problem.into());
        }
        Some(_) => {}
        None => store.set_fact(SIMULATION, &settings)?,
    }
    let now = store.clock_seconds()?.unwrap_or(0);
    let world = WorldConfig {
        seed: simulation.seed,
        nodes: simulation.nodes_count,
        hours: simulation.hours,
        load: simulation.load,
        request_factor_max: simulation.request_factor.unwrap_or(0.0),
        ..WorldConfig::default()
    };
    let own_scheduler = config.mode != Mode::Act;
    let eras = eras_with(store, now, own_scheduler)?;
    let calls = store.calls()?;
    let mut cluster = SimulatedCluster::lived(&world, now, &eras, &calls)?;
    cluster.schedules = own_scheduler;
    if store.clock_seconds()?.is_some() {
        // The turn of that second was begun; what it left undone is gone on with in the next.
        cluster.pass();
    }
    Ok(cluster)
}
