//! The decider: keep nodes for what waits too long, then protect, relieve, start what waits, preempt, make room, rearrange, in this order of
//! disturbance. In a turn for what waits it keeps nodes, relieves, starts and preempts.
//!
//! Each act is a file in `acts`; all work on one draft, so each sees what those before have done. Fast thinking only: what a
//! long search finds comes in as a value of the situation.

use super::acts::{make_room, preempt, protect, rearrange, relieve, reserve, start_waiting};
use super::draft::Draft;
use super::lepton_config::LeptonConfig;
use super::place_only::Engine;
use super::queue_order::{in_order, most_say_how_long};
use super::{Decided, Decider, Scope, Situation};
use crate::decide::guard::{Compared, compare_orders};
use crate::decide::placement_policies::UnknownPolicy;
use crate::decide::policy::{JobsModel, LearnedOrder, PlacementModel};
use crate::decide::queue::{QueuePolicy, SmallestAreaFirst};
use crate::model::digest::Digest;
use crate::model::{Candidate, NodeId, RecentTasks, Serving, TaskId};

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
        let order = config.acts.order.then(|| LearnedOrder::new(&JobsModel::shipped()));
        Ok(Self { engine, order, settings, config })
    }

    /// The same, starting in the order of another model than the one that ships.
    #[must_use]
    pub fn with_order(mut self, model: &JobsModel) -> Self {
        self.order = self.config.acts.order.then(|| LearnedOrder::new(model));
        self.note("order", model.weights());
        self
    }

    /// The same, placing by a learned placement where the guard says so, as [`review_placing`](crate::decide::guard::review_placing)
    /// finds out beside the loop.
    #[must_use]
    pub fn with_placement(mut self, model: PlacementModel) -> Self {
        self.note("placement", &model.weights());
        self.engine = self.engine.with_learned(model);
        self
    }

    /// How these nodes are scored for a task that is waiting or lifted from where it stands: what a record would say of them as
    /// candidates. Nodes on which it does not fit, or that are failing, are left out.
    pub fn weigh(&mut self, situation: &Situation<'_>, task: TaskId, nodes: &[NodeId]) -> Vec<Candidate> {
        let mut draft = drafted(situation, &self.config, &mut self.engine, &self.settings);
        nodes.iter().filter_map(|&node| draft.weigh(task, node)).collect()
    }

    /// Models are settings too.
    fn note(&mut self, model: &str, weights: &[f32]) {
        let mut digest = Digest::default();
        weights.iter().for_each(|&weight| digest.real(f64::from(weight)));
        self.settings = format!("{} {model} {:016x}", self.settings, digest.value());
    }
}

/// An empty plan for the situation.
fn drafted<'a>(
    situation: &Situation<'a>,
    config: &'a LeptonConfig,
    engine: &'a mut Engine,
    settings: &str,
) -> Draft<'a> {
    let policy = engine.policy(situation.snapshot).to_owned();
    let placer = engine.placer(situation.snapshot);
    Draft::new(situation, (&config.decide, config.relieve_by), placer, (&policy, settings))
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
        let is_whole = situation.scope == Scope::Whole;
        let mut draft = drafted(situation, config, engine, settings);
        let units = situation.snapshot.queue_units();
        let served = &situation.snapshot.memory.order;
        let order = order.as_ref().filter(|_| most_say_how_long(&draft, &units));
        let order = order.map(|learned| match served.serving {
            Serving::Model => learned as &dyn QueuePolicy,
            Serving::Rule => &SmallestAreaFirst,
        });
        let reserved = if config.acts.reserve {
            reserve(&mut draft, &units, config, order.is_some())
        } else {
            Vec::new()
        };
        if is_whole && config.acts.protect {
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
        if config.acts.preempt {
            preempt(&mut draft, &units, &reserved, config.unknown_wait_minutes);
        }
        if is_whole && config.acts.make_room {
            make_room(&mut draft, &reserved, config);
        }
        if is_whole && config.acts.rearrange {
            rearrange(&mut draft, situation.proposal, config);
        }
        draft.finish()
    }

    fn compare(&self, recent: &RecentTasks, serving: Serving) -> Option<Compared> {
        compare_orders(recent, serving, self.order.as_ref()?, &SmallestAreaFirst)
    }
}
