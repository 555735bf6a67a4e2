//! The loop over a simulated world, in accelerated time: one turn a simulated minute, and where that is asked for one for each task that comes.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use lepton_core::analyze::AnalystConfig;
use lepton_core::collect::Source;
use lepton_core::cycle::{Cycle, CycleConfig, CycleReport, Means};
use lepton_core::decide::deliberate::{DeliberateConfig, Deliberation};
use lepton_core::decide::placement_policies::UnknownPolicy;
use lepton_core::decide::plan::{
    Acts, Caretaker, DecideConfig, Decider, Lepton, LeptonConfig, LoadBasis, PlaceOnly, Scope,
};
use lepton_core::decide::policy::{JobsModel, PlacementModel};
use lepton_core::model::{FrozenClock, JournalEntry, Mode, Modes, Settings, Snapshot};

use crate::world::{Measures, World, WorldActuator, WorldConfig, WorldSource};

/// Simulated seconds between two turns.
pub const TURN_SECONDS: u64 = 60;

/// When the first whole turn after this moment is due.
pub fn next_turn_seconds(now_seconds: u64) -> u64 {
    (now_seconds / TURN_SECONDS + 1) * TURN_SECONDS
}

/// Turns between two times of slow thinking; in this simulation it takes no simulated time.
const DELIBERATE_TURNS: u64 = 5;

/// Entries of the journal before it is brought down to what they amount to.
const JOURNAL_ENTRIES_MAX: usize = 10_000;

/// The policy that places tasks where there is no loop: the default scores of the Kubernetes scheduler.
pub const WITHOUT_LOOP_POLICY: &str = "kube-least-allocated";

/// Who looks after the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Keeper {
    /// The whole loop, deciding by these acts.
    Loop(Acts),
    /// The same with turns between for each task that comes.
    TurningBetween(Acts),
    /// The whole loop, starting what waits in the order of this model.
    OrderingBy(Arc<JobsModel>),
    /// The whole loop, placing by this learned placement where a rehearsal shows it to be better.
    PlacingByModel(Arc<PlacementModel>),
    /// The whole loop, placing by this load of the nodes.
    PlacingBy(LoadBasis),
    /// The loop with the decider of fixed rules.
    Caretaker,
    /// A scheduler that only places what waits.
    WithoutLoop,
}

/// A loop in progress.
pub struct LoopRun {
    world: Rc<RefCell<World>>,
    cycle: Cycle,
    decider: Box<dyn Decider>,
    journal: Vec<JournalEntry>,
    /// What is thought about beside the loop, and the seed of it.
    deliberation: (Deliberation, u64),
    /// Whether it turns for each task that comes, too.
    between_turns: bool,
    now_seconds: u64,
    end_seconds: u64,
}

impl LoopRun {
    /// A world of this configuration and who looks after it.
    ///
    /// # Errors
    /// When a policy is unknown.
    pub fn start(config: &WorldConfig, keeper: &Keeper) -> Result<Self, UnknownPolicy> {
        let decider: Box<dyn Decider> = match keeper {
            &(Keeper::Loop(acts) | Keeper::TurningBetween(acts)) => {
                Box::new(Lepton::new(LeptonConfig { acts, ..LeptonConfig::default() }, config.seed)?)
            }
            Keeper::OrderingBy(model) => {
                Box::new(Lepton::new(LeptonConfig::default(), config.seed)?.with_order(model))
            }
            Keeper::PlacingByModel(model) => Box::new(
                Lepton::new(LeptonConfig::default(), config.seed)?
                    .with_placement(PlacementModel::clone(model)),
            ),
            &Keeper::PlacingBy(load) => {
                let mut placing = LeptonConfig::default();
                placing.decide.place_by = load;
                Box::new(Lepton::new(placing, config.seed)?)
            }
            Keeper::Caretaker => Box::new(Caretaker::new(DecideConfig::default(), config.seed)?),
            Keeper::WithoutLoop => Box::new(PlaceOnly::new(WITHOUT_LOOP_POLICY, config.seed)?),
        };
        let run = Self::with_decider(config, decider);
        let deliberation = match keeper {
            Keeper::Loop(acts) | Keeper::TurningBetween(acts) if acts.rearrange => {
                Deliberation { rearrange: Some(DeliberateConfig::default()), ..Deliberation::default() }
            }
            Keeper::PlacingByModel(model) => {
                let placement = (PlacementModel::clone(model), DecideConfig::default().policy);
                Deliberation { placement: Some(placement), ..Deliberation::default() }
            }
            _ => Deliberation::default(),
        };
        let run = run.deliberating(deliberation, config.seed);
        Ok(if matches!(keeper, Keeper::TurningBetween(_)) { run.between_turns() } else { run })
    }

    /// A world of this configuration and a decider of one's own.
    pub fn with_decider(config: &WorldConfig, decider: Box<dyn Decider>) -> Self {
        Self::with_analyst(config, decider, AnalystConfig::default())
    }

    /// The same with an analyst that has learned something beforehand.
    pub fn with_analyst(config: &WorldConfig, decider: Box<dyn Decider>, analyst: AnalystConfig) -> Self {
        let world = Rc::new(RefCell::new(World::new(config.clone())));
        let schema = world.borrow().schema();
        let journal = Vec::new();
        let settings = Settings { safety_level: config.safety_level, ..Settings::default() };
        let config_of_loop =
            CycleConfig { modes: Modes::all(Mode::Act), collect: Default::default(), settings, analyst };
        let mut source = WorldSource(Rc::clone(&world));
        let sources: &mut [&mut dyn Source] = &mut [&mut source];
        let cycle =
            Cycle::start(config_of_loop, schema, sources, &journal, 0).expect("an empty journal can be read");
        let end_seconds = u64::from(config.hours) * 3600;
        let deliberation = (Deliberation::default(), 0);
        let between_turns = false;
        Self { world, cycle, decider, journal, deliberation, between_turns, now_seconds: 0, end_seconds }
    }

    /// With slow thinking beside the loop.
    #[must_use]
    pub fn deliberating(self, about: Deliberation, seed: u64) -> Self {
        Self { deliberation: (about, seed), ..self }
    }

    /// With turns between for what waits, one whenever a task comes.
    #[must_use]
    pub fn between_turns(self) -> Self {
        Self { between_turns: true, ..self }
    }

    /// One turn of the loop; `None` when the time is over.
    pub fn turn(&mut self) -> Option<CycleReport> {
        if self.now_seconds >= self.end_seconds {
            return None;
        }
        let mut source = WorldSource(Rc::clone(&self.world));
        let mut actuator = WorldActuator(Rc::clone(&self.world));
        let is_whole = self.now_seconds.is_multiple_of(TURN_SECONDS);
        let scope = if is_whole { Scope::Whole } else { Scope::Waiting };
        let means = Means {
            sources: &mut [&mut source],
            decider: self.decider.as_mut(),
            actuator: &mut actuator,
            journal: &mut self.journal,
        };
        let report = self.cycle.turn(scope, means, self.now_seconds, &FrozenClock);
        if self.journal.len() > JOURNAL_ENTRIES_MAX {
            self.cycle.remember(&mut self.journal).expect("memory takes another entry");
        }
        let (about, seed) = &self.deliberation;
        if is_whole && !about.is_empty() && report.cycle.is_multiple_of(DELIBERATE_TURNS) {
            let chance = (seed ^ report.cycle, 1);
            let thoughts = about.think(self.cycle.snapshot(), &report.assessment, chance, &|| false);
            self.cycle.take_up(thoughts, &mut self.journal);
        }
        let mut world = self.world.borrow_mut();
        let arrival = world.next_arrival_seconds().filter(|_| self.between_turns);
        self.now_seconds = next_turn_seconds(self.now_seconds).min(arrival.unwrap_or(u64::MAX));
        world.advance(self.now_seconds);
        drop(world);
        Some(report)
    }

    /// Simulated seconds so far.
    pub fn now_seconds(&self) -> u64 {
        self.now_seconds
    }

    /// The cluster as the loop believes it to be.
    pub fn snapshot(&self) -> &Snapshot {
        self.cycle.snapshot()
    }

    /// Nodes of the world.
    pub fn nodes(&self) -> usize {
        self.cycle.snapshot().cluster.node_count()
    }

    /// Devices of the world.
    pub fn devices(&self) -> usize {
        self.cycle.snapshot().cluster.device_count()
    }

    /// The figures so far.
    pub fn measures(&self) -> Measures {
        self.world.borrow().measures()
    }
}
