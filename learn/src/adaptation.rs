//! Learning beside a service: the weights of the placement that serves are evolved on the cluster's own mix. What comes of it is a candidate,
//! and no more: who judges it is the [gate](crate::judge).

use lepton_core::decide::guard::ProvingGround;
use lepton_core::decide::policy::PlacementModel;

use crate::{Breathe, Environment, GenerationRecord, OwnMix, TrainOptions, Training};

/// Between the seeds of two trainings of a service.
const SEEDS_OF_TRAINING: u64 = 1 << 40;

/// How learning beside a service goes on.
pub fn adaptation_options() -> TrainOptions {
    TrainOptions {
        population: 12,
        sequences: 3,
        environments: 0,
        spread: 0.15,
        check_every: 5,
        check_sequences: 12,
        generations_max: 60,
        ..TrainOptions::default()
    }
}

/// What one training came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapted {
    /// The best weights on the sequences that they are checked on, with where they come from. Those that it began with where none were
    /// better.
    pub model: PlacementModel,
    /// What each generation came to; the first record is the start.
    pub generations: Vec<GenerationRecord>,
}

/// Evolves the weights of `serving` on this ground. `number` tells the trainings of a service apart: no two learn from the same sequences.
/// `progress` is told of each generation. None where `breathe` has ended it; otherwise equal arguments give equal results.
pub fn adapt(
    ground: &ProvingGround,
    serving: &PlacementModel,
    options: &TrainOptions,
    (seed, number): (u64, u64),
    breathe: Breathe<'_>,
    progress: &dyn Fn(&GenerationRecord),
) -> Option<Adapted> {
    let environment = OwnMix::new(ground, number.wrapping_mul(SEEDS_OF_TRAINING), breathe);
    let environments: [&dyn Environment; 1] = [&environment];
    let scale = PlacementModel::weight_scales().map(f64::from).to_vec();
    let seed = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut training = Training::start(&serving.weights(), scale, options.clone(), seed, &environments, 1);
    training.history().iter().for_each(progress);
    while !training.is_over() {
        if !breathe() {
            return None;
        }
        progress(training.next_generation(&environments, 1));
    }
    if !breathe() {
        return None;
    }
    let mut manifest = PlacementModel::manifest_of(format!("placement-{number}"));
    manifest.training_seeds = format!("{}, each and {number} x 2^40", training.training_seeds());
    manifest.generations = training.generations();
    manifest.episodes = training.episodes();
    manifest.figures.insert("fitness_on_checks".to_owned(), training.best_fitness());
    let model = PlacementModel::from_weights(&training.best(), manifest)?;
    Some(Adapted { model, generations: training.history().to_vec() })
}
