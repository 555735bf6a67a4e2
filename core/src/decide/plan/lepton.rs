//! The decider: keep nodes for what waits too long, then protect, relieve, start what waits, make room, rearrange, in this order of
//! disturbance.
//!
//! Each act is a file in `acts`; all work on one draft, so each sees what those before have done. Fast thinking only: what a
//! long search finds comes in as a value of the situation.

use super::acts::{make_room, protect, rearrange, relieve, reserve, start_waiting, units};
use super::draft::Draft;
use super::lepton_config::LeptonConfig;
use super::place_only::Engine;
use super::queue_order::{in_order, learned, most_say_how_long};
use super::{Decided, Decider, Situation};
use crate::decide::placement_policies::UnknownPolicy;
use crate::decide::policy::LearnedOrder;

/// Decides by the acts above.
pub struct Lepton {
    config: LeptonConfig,
    engine: Engine,
    /// Who is started first; none where it is always who came first.
    order: Option<LearnedOrder>,
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
        Ok(Self { engine, order: config.acts.order.then(learned), settings, config })
    }
}

impl Decider for Lepton {
    fn decide(&mut self, situation: &Situation<'_>) -> Decided {
        let Self { config, engine, order, settings } = self;
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
        let order = order.as_ref().filter(|_| most_say_how_long(&draft, &units));
        let reserved = if config.acts.reserve {
            reserve(&mut draft, &units, config, order.is_some())
        } else {
            Vec::new()
        };
        if config.acts.protect {
            protect(&mut draft);
        }
        if config.acts.relieve {
            relieve(&mut draft, config);
        }
        let units = match order {
            Some(policy) => in_order(policy, &draft, units, &reserved),
            None => units,
        };
        start_waiting(&mut draft, &units, &reserved);
        if config.acts.make_room {
            make_room(&mut draft, &reserved, config);
        }
        if config.acts.rearrange {
            rearrange(&mut draft, situation.proposal, config);
        }
        draft.finish()
    }
}
