//! A simulated cluster, which dies with the process and is lived again at the next start, second by second with every call of
//! the loop that the store has.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context;
use lepton_core::collect::Source;
use lepton_core::model::{Call, Mode, Modes, Name, Readings, ResourceSchema, counted};
use lepton_edges::store::Store;
use lepton_sim::experiment::{TURN_SECONDS, WITHOUT_LOOP_POLICY, next_turn_seconds};
use lepton_sim::world::{Measures, OwnScheduler, Trial, World, WorldActuator, WorldConfig, WorldSource};
use serde::{Deserialize, Serialize};

use super::{Connection, Ports, Standing, WrongSettings, differences, simulation_settings};
use crate::serve::config::ServeConfig;

/// Names of facts in the store.
pub(super) const SIMULATION: &str = "simulation";
const ERAS: &str = "eras";
const TRIALS: &str = "trials";
/// Most trials that are kept.
const TRIALS_MAX: usize = 1000;

/// Whose tasks the cluster's own scheduler places; where the loop acts, it is the scheduler.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct OwnSchedule {
    /// Whether it does those of owners that are not named.
    own_scheduler: bool,
    /// Whether it does those of these.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    owners: BTreeMap<Name, bool>,
}

impl OwnSchedule {
    fn of(modes: &Modes) -> Self {
        let does = |mode: Mode| mode != Mode::Act;
        let owners = modes.owners.iter().map(|(owner, mode)| (owner.clone(), does(*mode)));
        Self { own_scheduler: does(modes.rest), owners: owners.collect() }
    }

    fn places(&self, owner: Option<&str>) -> bool {
        owner.and_then(|owner| self.owners.get(owner)).copied().unwrap_or(self.own_scheduler)
    }
}

/// A stretch of time in which it stayed the same whose tasks the cluster placed by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Era {
    /// Where it begins, seconds.
    from_seconds: u64,
    #[serde(flatten)]
    schedule: OwnSchedule,
}

/// Something that was tried, and its place among the calls of the loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Tried {
    /// When, seconds.
    at_seconds: u64,
    /// How many calls the world had carried out before.
    calls_before: u64,
    trial: Trial,
}

/// The world as a source that may fall silent.
struct Eyes {
    world: WorldSource,
    /// It tells nothing before this moment, seconds.
    silent_until_seconds: u64,
}

impl Eyes {
    fn silence(&self, now_seconds: u64) -> Option<Readings> {
        // It has not looked: nothing is known that was not known before, and what is known grows old.
        (now_seconds < self.silent_until_seconds).then(|| Readings {
            source: "world".to_owned(),
            time_seconds: 0,
            sequence: None,
            complete: false,
            readings: Vec::new(),
        })
    }
}

impl Source for Eyes {
    fn poll(&mut self, now_seconds: u64) -> Readings {
        self.silence(now_seconds).unwrap_or_else(|| self.world.poll(now_seconds))
    }

    fn news(&mut self, now_seconds: u64) -> Readings {
        self.silence(now_seconds).unwrap_or_else(|| self.world.news(now_seconds))
    }

    fn list(&mut self, now_seconds: u64) -> Readings {
        self.silence(now_seconds).unwrap_or_else(|| self.world.list(now_seconds))
    }
}

/// Tasks that come between turns, each at its second.
struct Between {
    /// How many times as fast as the machine's clock the cluster's time runs.
    speed: f64,
    /// When the last whole turn was due, by the clock and in the cluster's time.
    from: (Instant, u64),
    /// When the first of the tasks came that the loop has not been told of.
    came: Option<Instant>,
}

/// A simulated cluster.
pub(in crate::serve) struct SimulatedCluster {
    world: Rc<RefCell<World>>,
    eyes: Eyes,
    hands: WorldActuator,
    scheduler: OwnScheduler,
    nodes_count: usize,
    /// Whose tasks the cluster places by itself from now on.
    schedule: OwnSchedule,
    now_seconds: u64,
    /// None where tasks come with the turns.
    between: Option<Between>,
}

impl SimulatedCluster {
    /// As it was at `to_seconds`: from its first second on, with these calls and trials.
    fn lived(
        config: &WorldConfig,
        to_seconds: u64,
        eras: &[Era],
        calls: &[(u64, Call)],
        trials: &[Tried],
    ) -> anyhow::Result<Self> {
        let world = World::new(config.clone());
        let scheduler = OwnScheduler::new(&world, WITHOUT_LOOP_POLICY)?;
        let world = Rc::new(RefCell::new(world));
        let eyes = Eyes { world: WorldSource(Rc::clone(&world)), silent_until_seconds: 0 };
        let hands = WorldActuator(Rc::clone(&world));
        let nodes_count = config.nodes;
        let schedule = OwnSchedule::default();
        let mut cluster =
            Self { world, eyes, hands, scheduler, nodes_count, schedule, now_seconds: 0, between: None };
        let (mut calls, mut trials) = (calls.iter().peekable(), trials.iter().peekable());
        loop {
            let now = cluster.now_seconds;
            if now.is_multiple_of(TURN_SECONDS) {
                let era = eras.iter().rev().find(|era| era.from_seconds <= now);
                cluster.schedule = era.map(|era| era.schedule.clone()).unwrap_or_default();
                cluster.schedule();
            }
            loop {
                let mut world = cluster.world.borrow_mut();
                let (done, is_called) =
                    (world.calls_done(), calls.peek().is_some_and(|(when, _)| *when <= now));
                let in_place = |of: &&Tried| of.at_seconds <= now && (of.calls_before <= done || !is_called);
                if let Some(tried) = trials.next_if(in_place) {
                    // It could be done then.
                    let _ = world.try_out(&tried.trial);
                } else if let Some((_, call)) = calls.next_if(|(when, _)| *when <= now) {
                    world.carry_out(call);
                } else {
                    break;
                }
            }
            if now >= to_seconds {
                return Ok(cluster);
            }
            let next = [calls.peek().map(|call| call.0), trials.peek().map(|tried| tried.at_seconds)];
            let next = next.into_iter().flatten().fold(to_seconds, u64::min);
            cluster.advance_to(next.min(next_turn_seconds(now)));
        }
    }

    /// Makes the node with the most tasks fail; its name and how many tasks it had, none where no node works.
    pub(in crate::serve) fn fail_busiest(
        &mut self,
        store: &mut Store,
    ) -> anyhow::Result<Option<(String, usize)>> {
        let busiest = self.world.borrow().busiest_node().map(str::to_owned);
        let Some(node) = busiest else { return Ok(None) };
        let tasks = {
            let world = self.world.borrow();
            let cluster = world.cluster();
            cluster.node_named(&node).map_or(0, |id| cluster.hosted(id).len())
        };
        self.try_out(store, &Trial::Failure { node: node.clone() })?;
        Ok(Some((node, tasks)))
    }

    /// Lets as many tasks come as there are nodes, within limits; how many.
    pub(in crate::serve) fn burst(
        &mut self,
        store: &mut Store,
        (least, most): (usize, usize),
    ) -> anyhow::Result<usize> {
        let tasks = self.nodes_count.clamp(least, most);
        self.try_out(store, &Trial::Burst { tasks: tasks as u32 })?;
        Ok(tasks)
    }

    /// The source tells nothing for so long. A service that starts anew sees again.
    pub(in crate::serve) fn fall_silent(&mut self, seconds: u64) {
        self.eyes.silent_until_seconds = self.now_seconds + seconds;
    }

    /// Does it once it is on the disk: the world is lived again with it.
    fn try_out(&mut self, store: &mut Store, trial: &Trial) -> anyhow::Result<()> {
        let mut trials = trials_of(store)?;
        anyhow::ensure!(
            trials.len() < TRIALS_MAX,
            "{TRIALS_MAX} trials are enough for one simulated cluster"
        );
        let calls_before = self.world.borrow().calls_done();
        trials.push(Tried { at_seconds: self.now_seconds, calls_before, trial: trial.clone() });
        store.set_fact(TRIALS, &serde_json::to_string(&trials)?)?;
        self.world.borrow_mut().try_out(trial).map_err(anyhow::Error::msg)
    }

    fn advance_to(&mut self, to_seconds: u64) {
        self.now_seconds = to_seconds;
        self.world.borrow_mut().advance(to_seconds);
    }

    /// The cluster's own scheduler, where it is at work, places what waits.
    fn schedule(&mut self) {
        let schedule = &self.schedule;
        if schedule.own_scheduler || schedule.owners.values().any(|places| *places) {
            self.scheduler.schedule_of(&mut self.world.borrow_mut(), &|owner| schedule.places(owner));
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
        self.advance_to(next_turn_seconds(self.now_seconds));
        self.schedule();
        if let Some(between) = &mut self.between {
            between.from = (Instant::now(), self.now_seconds);
        }
    }

    fn pass_between(&mut self) {
        let Some(between) = &mut self.between else { return };
        let (since, from_seconds) = between.from;
        let next = self.world.borrow().next_arrival_seconds();
        let Some(next) = next.filter(|next| *next < next_turn_seconds(self.now_seconds)) else { return };
        let came = since + Duration::from_secs_f64((next - from_seconds) as f64 / between.speed);
        if came <= Instant::now() {
            between.came.get_or_insert(came);
            self.advance_to(next);
        }
    }

    fn urgent_since(&self) -> Option<Instant> {
        self.between.as_ref()?.came
    }

    fn ports(&mut self) -> Ports<'_> {
        if let Some(between) = &mut self.between {
            between.came = None;
        }
        Ports { sources: vec![&mut self.eyes], hands: &mut self.hands }
    }

    fn simulated(&mut self) -> Option<&mut SimulatedCluster> {
        Some(self)
    }

    fn measures(&self) -> Option<Measures> {
        Some(self.world.borrow().measures())
    }

    fn past(&mut self) -> Vec<Readings> {
        Vec::new()
    }

    fn set_modes(&mut self, store: &mut Store, modes: &Modes) -> anyhow::Result<()> {
        let schedule = OwnSchedule::of(modes);
        eras_with(store, self.now_seconds, &schedule)?;
        self.schedule = schedule;
        Ok(())
    }

    fn standing(&self) -> Standing {
        let world = self.world.borrow();
        Standing {
            about: format!("a simulated cluster of {}", counted(self.nodes_count, "node", "nodes")),
            simulated: true,
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

/// The eras that the store has, and from the next turn on one in which the cluster's own scheduler is at work like this.
fn eras_with(store: &mut Store, now_seconds: u64, schedule: &OwnSchedule) -> anyhow::Result<Vec<Era>> {
    let eras = store.fact(ERAS)?.unwrap_or_else(|| "[]".to_owned());
    let mut eras: Vec<Era> = serde_json::from_str(&eras).context("the store, fact `eras`")?;
    if eras.last().is_none_or(|era| era.schedule != *schedule) {
        // The turn of this second may be over under the old rule.
        let from_seconds = if eras.is_empty() { 0 } else { now_seconds + TURN_SECONDS };
        eras.push(Era { from_seconds, schedule: schedule.clone() });
        store.set_fact(ERAS, &serde_json::to_string(&eras)?)?;
    }
    Ok(eras)
}

/// The trials that the store has.
fn trials_of(store: &Store) -> anyhow::Result<Vec<Tried>> {
    let trials = store.fact(TRIALS)?.unwrap_or_else(|| "[]".to_owned());
    serde_json::from_str(&trials).context("the store, fact `trials`")
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
        services_per_node: simulation.services_per_node,
        owners: simulation.owners,
        ..WorldConfig::default()
    };
    let schedule = OwnSchedule::of(&config.modes());
    let eras = eras_with(store, now, &schedule)?;
    let calls = store.calls()?;
    let mut cluster = SimulatedCluster::lived(&world, now, &eras, &calls, &trials_of(store)?)?;
    cluster.schedule = schedule;
    if store.clock_seconds()?.is_some() {
        // The turn of that second was begun; what it left undone is gone on with in the next.
        cluster.pass();
    }
    if simulation.between_turns {
        let from = (Instant::now(), cluster.now_seconds);
        cluster.between = Some(Between { speed: config.speed, from, came: None });
    }
    Ok(cluster)
}
