//! The training: generation after generation, policies are tried on sequences that nobody has seen before, and the
//! better ones shape the next generation. Now and then the centre of the evolution is tried on sequences kept
//! apart; the best centre so far is the result.

use lepton_core::decide::search::parallel;
use serde::{Deserialize, Serialize};

use crate::{Environment, MatrixAdaptation, TrainOptions};

/// First seed of the sequences that are learned from.
const TRAINING_SEEDS_FROM: u64 = 1_000_000;
/// First seed of the sequences that centres are checked on.
const CHECK_SEEDS_FROM: u64 = 2_000_000_000;

/// What a generation came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerationRecord {
    /// Its number, from 1.
    pub generation: u64,
    /// Fitness of its best policy.
    pub best: f64,
    /// Mean fitness of its policies.
    pub mean: f64,
    /// Width of the evolution's cloud.
    pub width: f64,
    /// Gain of the centre over the best fixed rule, per environment, on the sequences kept apart; only where
    /// it was checked.
    pub check: Option<Vec<f64>>,
}

/// A training in progress: all that is needed to go on with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    pub(crate) options: TrainOptions,
    pub(crate) environments: Vec<String>,
    pub(crate) evolution: MatrixAdaptation,
    pub(crate) best: Vec<f64>,
    pub(crate) best_fitness: f64,
    episodes: u64,
    history: Vec<GenerationRecord>,
}

impl Training {
    /// Starts from these weights, which are checked first: the result is never worse than they on the sequences
    /// kept apart. `scale` says how far each weight is worth moving.
    pub fn start(
        weights: &[f32],
        scale: Vec<f64>,
        options: TrainOptions,
        seed: u64,
        environments: &[&dyn Environment],
        threads: usize,
    ) -> Self {
        let centre: Vec<f64> = weights.iter().map(|&w| f64::from(w)).collect();
        let mut training = Self {
            environments: environments.iter().map(|e| e.name().to_owned()).collect(),
            evolution: MatrixAdaptation::new(centre.clone(), scale, options.spread, seed),
            options,
            best: centre,
            best_fitness: f64::NEG_INFINITY,
            episodes: 0,
            history: Vec::new(),
        };
        let check = training.check(environments, threads);
        training.history.push(GenerationRecord {
            generation: 0,
            best: training.best_fitness,
            mean: training.best_fitness,
            width: training.evolution.width(),
            check: Some(check),
        });
        training
    }

    /// One generation.
    pub fn next_generation(
        &mut self,
        environments: &[&dyn Environment],
        threads: usize,
    ) -> &GenerationRecord {
        // 1. Initialise the environments: sequences that are new to all, the same for all.
        let episodes = self.draw_episodes(environments.len());
        // 2. Generate the population around the centre of the evolution.
        let population = self.evolution.ask(self.options.population);
        // 3. Let every policy, and the best fixed rule, decide in every environment.
        let gains = self.play(environments, &population, &episodes, threads);
        // 4. Reward is what a policy gains over the rule; losses weigh more.
        let fitness: Vec<f64> = gains.iter().map(|gains| self.fitness(gains)).collect();
        // 5. Evolve: the better half draws the centre, the width and the directions of the cloud.
        self.evolution.tell(&fitness);
        // 6. Record, and check the centre on sequences kept apart.
        let generation = self.evolution.generation();
        let check = generation.is_multiple_of(self.options.check_every);
        let check = check.then(|| self.check(environments, threads));
        self.history.push(GenerationRecord {
            generation,
            best: fitness.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            mean: fitness.iter().sum::<f64>() / fitness.len() as f64,
            width: self.evolution.width(),
            check,
        });
        // 7. Repeat, as long as the caller has time.
        &self.history[self.history.len() - 1]
    }

    /// Tries the centre on the sequences kept apart and keeps it if it is the best so far. Its gain per
    /// environment.
    pub fn check(&mut self, environments: &[&dyn Environment], threads: usize) -> Vec<f64> {
        let centre = self.evolution.centre().to_vec();
        let seeds = CHECK_SEEDS_FROM..CHECK_SEEDS_FROM + self.options.check_sequences as u64;
        let episodes: Vec<_> =
            (0..environments.len()).flat_map(|e| seeds.clone().map(move |s| (e, s))).collect();
        let gains = self.play(environments, std::slice::from_ref(&centre), &episodes, threads).remove(0);
        let fitness = self.fitness(&gains);
        if fitness > self.best_fitness {
            (self.best_fitness, self.best) = (fitness, centre);
        }
        gains
            .chunks_exact(self.options.check_sequences)
            .map(|g| g.iter().sum::<f64>() / g.len() as f64)
            .collect()
    }

    /// Environment and seed of each episode of the next generation.
    fn draw_episodes(&self, environments: usize) -> Vec<(usize, u64)> {
        let generation = self.evolution.generation();
        let taken = if self.options.environments == 0 { environments } else { self.options.environments };
        let taken = taken.min(environments);
        let first = generation as usize * taken;
        // Neighbours in the list are alike: they come far apart.
        let stride = stride(environments);
        let seeds = self.options.sequences as u64;
        let of_environment = |i: usize| {
            let from = TRAINING_SEEDS_FROM + generation * seeds;
            (from..from + seeds).map(move |seed| ((first + i) * stride % environments, seed))
        };
        (0..taken).flat_map(of_environment).collect()
    }

    /// By policy and episode: the gain over the best fixed rule.
    fn play(
        &mut self,
        environments: &[&dyn Environment],
        policies: &[Vec<f64>],
        episodes: &[(usize, u64)],
        threads: usize,
    ) -> Vec<Vec<f64>> {
        let policies: Vec<Vec<f32>> =
            policies.iter().map(|p| p.iter().map(|&w| w as f32).collect()).collect();
        let count = episodes.len();
        let results = parallel::map((policies.len() + 1) * count, threads, &|job| {
            let (environment, seed) = episodes[job % count];
            match policies.get(job / count) {
                Some(weights) => environments[environment].play(weights, seed),
                None => environments[environment].play_best_rule(seed),
            }
        });
        self.episodes += (policies.len() * count) as u64;
        let (played, rule) = results.split_at(policies.len() * count);
        played.chunks_exact(count).map(|p| p.iter().zip(rule).map(|(p, r)| p - r).collect()).collect()
    }

    fn fitness(&self, gains: &[f64]) -> f64 {
        let TrainOptions { gain_scale, loss_weight, .. } = self.options;
        let worth = |&gain: &f64| match gain {
            ..=0.0 => (1.0 + loss_weight) * gain,
            _ => gain_scale * (gain / gain_scale).ln_1p(),
        };
        gains.iter().map(worth).sum::<f64>() / gains.len().max(1) as f64
    }

    /// The best weights so far.
    pub fn best(&self) -> Vec<f32> {
        self.best.iter().map(|&w| w as f32).collect()
    }

    /// Their fitness on the sequences kept apart.
    pub fn best_fitness(&self) -> f64 {
        self.best_fitness
    }

    /// Generations done.
    pub fn generations(&self) -> u64 {
        self.evolution.generation()
    }

    /// Episodes that policies have played.
    pub fn episodes(&self) -> u64 {
        self.episodes
    }

    /// Ends after so many generations, 0 never: for a training that goes on from a checkpoint.
    pub fn end_after(&mut self, generations: u64) {
        self.options.generations_max = generations;
    }

    /// Whether the number of generations that the options allow is reached.
    pub fn is_over(&self) -> bool {
        self.options.generations_max > 0 && self.generations() >= self.options.generations_max
    }

    /// What each generation came to; the first record is the start.
    pub fn history(&self) -> &[GenerationRecord] {
        &self.history
    }

    /// Names of the environments.
    pub fn environments(&self) -> &[String] {
        &self.environments
    }

    /// The seeds of the sequences learned from so far, as people write them.
    pub fn training_seeds(&self) -> String {
        let count = self.generations() * self.options.sequences as u64;
        let checks = CHECK_SEEDS_FROM + self.options.check_sequences as u64 - 1;
        let learned = TRAINING_SEEDS_FROM + count.saturating_sub(1);
        format!("{TRAINING_SEEDS_FROM}..={learned}, checked on {CHECK_SEEDS_FROM}..={checks}")
    }
}

/// The number nearest to the golden section of `count`, from below, whose multiples reach every place.
fn stride(count: usize) -> usize {
    let common = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    (1..=count * 618 / 1000).rev().find(|&step| common(step, count) == 1).unwrap_or(1)
}
