//! A running cluster's own mix as an environment of learning: sequence after sequence is drawn from it and placed on an empty model of the
//! cluster.

use lepton_core::decide::guard::{ProvingGround, Who};
use lepton_core::decide::policy::PlacementModel;

use crate::Environment;

/// Asked after each sequence: who works beside a service rests here. False where it is to end at once.
pub type Breathe<'a> = &'a (dyn Fn() -> bool + Sync);

/// The environment.
pub struct OwnMix<'a> {
    ground: &'a ProvingGround,
    /// Added to each seed, so that no two trainings of a service see the same sequences.
    seeds_from: u64,
    breathe: Breathe<'a>,
}

impl<'a> OwnMix<'a> {
    /// On this ground; where `breathe` says that it is to end, episodes are worth NaN.
    pub fn new(ground: &'a ProvingGround, seeds_from: u64, breathe: Breathe<'a>) -> Self {
        Self { ground, seeds_from, breathe }
    }

    fn reached(&self, who: Who<'_>, seed: u64) -> f64 {
        let reached = self.ground.drawn(who, self.seeds_from.wrapping_add(seed));
        if (self.breathe)() { reached } else { f64::NAN }
    }
}

impl Environment for OwnMix<'_> {
    fn name(&self) -> &str {
        "own mix"
    }

    fn play(&self, weights: &[f32], seed: u64) -> f64 {
        let manifest = PlacementModel::manifest_of("member");
        let Some(model) = PlacementModel::from_weights(weights, manifest) else { return f64::NAN };
        self.reached(Who::Model(&model), seed)
    }

    /// What the rule reaches that places where no learned placement serves.
    fn play_best_rule(&self, seed: u64) -> f64 {
        self.reached(Who::Rule, seed)
    }
}
