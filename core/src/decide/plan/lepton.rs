//! The decider: keep nodes for what waits too long, then protect, relieve, start what waits, make room, in this order of
//! disturbance.
//!
//! Each act is a file in `acts`; all work on one draft, so each sees what those before have done. Fast thinking only: what a
//! long search finds comes in as a value of the situation.

use super::acts::{make_room, protect, relieve, reserve, start_waiting, units};
use super::draft::Draft;
use super::place_only::Engine;
use super::{DecideConfig, Decided, Decider, LoadBasis, Situation};
use crate::decide::placement::LevelWeights;
use crate::decide::placement_policies::UnknownPolicy;
use crate::model::MoveLimits;

/// Which acts take part; all of them unless one is to be measured by leaving it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acts {
    /// Clearing nodes that are about to fail.
    pub protect: bool,
    /// Taking work off hot nodes.
    pub relieve: bool,
    /// Keeping nodes for what waits too long.
    pub reserve: bool,
    /// Moving tasks out of the way of what nodes are kept for.
    pub make_room: bool,
    /// Heeding signs of coming faults: nothing is placed on nodes that show them, and they are cleared.
    pub risk: bool,
}

impl Acts {
    /// All of them.
    pub const ALL: Self = Self { protect: true, relieve: true, reserve: true, make_room: true, risk: true };
}

/// What the decider is bound by. Gains and costs are in device-minutes.
#[derive(Debug, Clone, PartialEq)]
pub struct LeptonConfig {
    /// What all deciders share.
    pub decide: DecideConfig,
    /// How placement weighs packing against level use.
    pub weights: LevelWeights,
    /// By what load nodes are hot.
    pub relieve_by: LoadBasis,
    /// Nodes above the safety level are relieved down to this.
    pub relief_level: f64,
    /// Share of its work that a node loses while it is above the safety level.
    pub hot_loss: f64,
    /// What taking a task off a hot node costs beside its standing still, device-minutes.
    pub move_price: f64,
    /// Nodes are kept for what has waited so long, minutes.
    pub reserve_after_minutes: f64,
    /// Share of the nodes that may be kept at once; one at least.
    pub kept_share: f64,
    /// Tasks are moved out of the way of what has waited so long, minutes.
    pub room_after_minutes: f64,
    /// How long something is expected to wait where running tasks do not say when they end, minutes.
    pub unknown_wait_minutes: f64,
    /// Which acts take part.
    pub acts: Acts,
}

impl Default for LeptonConfig {
    fn default() -> Self {
        Self {
            decide: DecideConfig {
                gain_over_cost: 4.0,
                moves: MoveLimits { per_turn_and_thousand_nodes: 100, ..MoveLimits::default() },
                ..DecideConfig::default()
            },
            weights: LevelWeights::default(),
            relieve_by: LoadBasis::Used,
            relief_level: 0.77,
            hot_loss: 0.1,
            move_price: 0.0,
            reserve_after_minutes: 10.0,
            kept_share: 0.005,
            room_after_minutes: 15.0,
            unknown_wait_minutes: 60.0,
            acts: Acts::ALL,
        }
    }
}

/// Decides by the acts above.
pub struct Lepton {
    config: LeptonConfig,
    engine: Engine,
    settings: String,
}

impl Lepton {
    /// With this configuration.
    ///
    /// # Errors
    /// When the configuration names a policy that is not there.
    pub fn new(config: LeptonConfig, seed: u64) -> Result<Self, UnknownPolicy> {
        let engine = Engine::new(&config.decide.policy, seed)?.levelled(config.weights);
        let settings = format!("lepton {config:?} {seed}");
        Ok(Self { engine, settings, config })
    }
}

impl Decider for Lepton {
    fn decide(&mut self, situation: &Situation<'_>) -> Decided {
        let Self { config, engine, settings } = self;
        let careless;
        let situation = if config.acts.risk {
            situation
        } else {
            careless = situation.assessment.without_risk();
            &Situation { assessment: &careless, ..*situation }
        };
        let policy = engine.policy.clone();
        let placer = engine.placer(situation.snapshot);
        let mut draft =
            Draft::new(situation, (&config.decide, config.relieve_by), placer, (&policy, settings));
        let units = units(&draft);
        let reserved = if config.acts.reserve { reserve(&mut draft, &units, config) } else { Vec::new() };
        if config.acts.protect {
            protect(&mut draft);
        }
        if config.acts.relieve {
            relieve(&mut draft, config);
        }
        start_waiting(&mut draft, &units, &reserved);
        if config.acts.make_room {
            make_room(&mut draft, &reserved, config);
        }
        draft.finish()
    }
}
