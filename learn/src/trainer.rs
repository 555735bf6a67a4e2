//! The training: generation after generation, policies are tried on sequences that nobody has seen before, and the
//! better ones shape the next generation. A learner, where there is one, is a member of each generation and learns
//! from the episodes of the good ones. Now and then the centre of the evolution and the learner are tried on
//! sequences kept apart; the best so far is the result.

use lepton_core::decide::policy::Manifest;
use lepton_core::decide::search::parallel;
use serde::{Deserialize, Serialize};

use crate::evolution::Evolution;
use crate::{Apart, Environment, Learner, Method, Recipe, TrainOptions};

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
    /// Mean fitness of its policies, the learner among them.
    pub mean: f64,
    /// Width of the evolution's cloud.
    pub width: f64,
    /// Gain of the centre over the best fixed rule, per environment, on the sequences kept apart; only where
    /// it was checked.
    pub check: Option<Vec<f64>>,
    /// How the learner did, where there is one.
    #[serde(default)]
    pub learner: Option<LearnerRecord>,
}

/// How the learner did among the policies of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LearnerRecord {
    /// Its fitness.
    pub fitness: f64,
    /// Its rank, from 1.
    pub rank: usize,
}

/// A training in progress: all that is needed to go on with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    pub(crate) options: TrainOptions,
    pub(crate) environments: Vec<String>,
    /// What they play.
    about: Vec<String>,
    seed: u64,
    /// The weights that it started from.
    start: Vec<f32>,
    /// Where these come from.
    origin: Option<Manifest>,
    pub(crate) evolution: Evolution,
    pub(crate) best: Vec<f64>,
    pub(crate) best_fitness: f64,
    generations: u64,
    /// Generations since the learner was last among the better half.
    #[serde(default)]
    learner_behind: u64,
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
            about: environments.iter().map(|e| e.about()).collect(),
            seed,
            start: weights.to_vec(),
            origin: None,
            evolution: Evolution::new(centre.clone(), scale, &options, seed),
            options,
            best: centre,
            best_fitness: f64::NEG_INFINITY,
            generations: 0,
            learner_behind: 0,
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
            learner: None,
        });
        training
    }

    /// Where the environments play something else than those that it began with: what it was, and what it is now.
    pub fn other_than(&self, environments: &[&dyn Environment]) -> Option<(&str, String)> {
        let pairs = self.about.iter().zip(environments).map(|(was, now)| (was.as_str(), now.about()));
        pairs.into_iter().find(|(was, now)| was != now)
    }

    /// The same training, with where the weights that it starts from come from.
    pub fn with_origin(mut self, origin: Manifest) -> Self {
        self.origin = Some(origin);
        self
    }

    /// One generation of an evolution alone.
    pub fn next_generation(
        &mut self,
        environments: &[&dyn Environment],
        threads: usize,
    ) -> &GenerationRecord {
        self.next_generation_with(None, environments, threads, &|| false)
    }

    /// One generation, with the learner that the method asks for. The learner sees only environments that are
    /// [recorded](Environment::recorded). When `stopped` the generation ends soon, and neither training nor learner are
    /// of use any more.
    pub fn next_generation_with(
        &mut self,
        mut learner: Option<&mut dyn Learner>,
        environments: &[&dyn Environment],
        threads: usize,
        stopped: &dyn Fn() -> bool,
    ) -> &GenerationRecord {
        // 1. Initialise the environments: sequences that are new to all, the same for all.
        let episodes = self.draw_episodes(environments.len());
        // 2. Generate the population around the centre of the evolution; the learner joins it as the last.
        let mut population = self.members();
        let members = population.len();
        population.extend(learner.as_ref().map(|l| as_f64(&l.weights())));
        // 3. Let every policy, and the best fixed rule, decide in every environment.
        let (gains, rule) = self.play(environments, &population, &episodes, threads);
        // 4. Reward is what a policy gains over the rule; losses weigh more.
        let fitness: Vec<f64> = gains.iter().map(|gains| self.fitness(gains)).collect();
        // 5. Evolve: the better half draws the centre, the width and the directions of the cloud.
        let standing = fitness.get(members).map(|&f| standing(f, &fitness));
        let visitor = standing.map(|s| (population[members].as_slice(), s.fitness));
        self.evolve(&fitness[..members], visitor);
        // 6. Learn: the best members' episodes and the learner's own fill its buffer. A learner that has not helped
        //    for long goes on from the centre.
        if let (Some(learner), Some(standing)) = (learner.as_deref_mut(), standing) {
            let lessons = self.lessons(&population[..members], &fitness, learner, &episodes, &gains);
            self.teach(learner, environments, lessons, &rule, threads);
            let start = self.fresh_start(standing.rank, members);
            learner.learn(start.as_deref(), stopped);
        }
        // 7. Record, check on sequences kept apart, and repeat, as long as the caller has time.
        self.generations += 1;
        let check = self.generations.is_multiple_of(self.options.check_every);
        let good = learner.as_deref().filter(|_| self.learner_behind == 0);
        let check = check.then(|| self.check_with(good, environments, threads));
        self.history.push(GenerationRecord {
            generation: self.generations,
            best: fitness.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            mean: fitness.iter().sum::<f64>() / fitness.len() as f64,
            width: self.evolution.width(),
            check,
            learner: standing,
        });
        &self.history[self.history.len() - 1]
    }

    /// The policies of the evolution's cloud; none where the learner is alone.
    fn members(&self) -> Vec<Vec<f64>> {
        match self.options.method {
            Method::Hybrid | Method::Evolution => self.evolution.ask(self.options.population),
            Method::Reinforcement => Vec::new(),
        }
    }

    fn evolve(&mut self, fitness: &[f64], visitor: Option<(&[f64], f64)>) {
        if !fitness.is_empty() {
            self.evolution.tell_with(fitness, visitor);
        }
    }

    /// The centre, for a learner that has been out of the better half for too long.
    fn fresh_start(&mut self, rank: usize, members: usize) -> Option<Vec<f32>> {
        let behind = members > 0 && rank > members.div_ceil(2);
        self.learner_behind = if behind { self.learner_behind + 1 } else { 0 };
        (self.learner_behind >= self.options.learner.patience).then(|| {
            self.learner_behind = 0;
            as_f32(self.evolution.centre())
        })
    }

    /// Which episodes the learner is to see: those of the best members, and its own with some chance in the choices.
    /// The gain of its own is not known before they are played.
    fn lessons(
        &self,
        members: &[Vec<f64>],
        fitness: &[f64],
        learner: &dyn Learner,
        episodes: &[(usize, u64)],
        gains: &[Vec<f64>],
    ) -> Vec<(usize, Recipe)> {
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by(|&a, &b| fitness[b].total_cmp(&fitness[a]));
        order.truncate(self.options.learner.teachers);
        let recipe = |weights: Vec<f32>, gains: &[f64], temperature: f32| -> Vec<(usize, Recipe)> {
            let own = temperature > 0.0;
            let one = |(i, (&(environment, seed), &gain)): (usize, (&(usize, u64), &f64))| {
                (i, Recipe { environment, seed, weights: weights.clone(), temperature, gain, own })
            };
            episodes.iter().zip(gains).enumerate().map(one).collect()
        };
        let taught = order.iter().flat_map(|&m| recipe(as_f32(&members[m]), &gains[m], 0.0));
        let temperature = self.options.learner.temperature as f32;
        taught.chain(recipe(learner.weights(), &vec![0.0; episodes.len()], temperature)).collect()
    }

    /// Plays the lessons again, with every decision on record. `rule` is what the best rule reached, by episode.
    fn teach(
        &mut self,
        learner: &mut dyn Learner,
        environments: &[&dyn Environment],
        lessons: Vec<(usize, Recipe)>,
        rule: &[f64],
        threads: usize,
    ) {
        let mut lessons = lessons.into_iter();
        loop {
            // A few at a time: a record is large.
            let some: Vec<(usize, Recipe)> = lessons.by_ref().take(threads.max(1)).collect();
            if some.is_empty() {
                return;
            }
            self.episodes += some.len() as u64;
            let played = parallel::map(some.len(), threads, &|i| {
                let recipe = &some[i].1;
                let environment = environments[recipe.environment].recorded()?;
                Some(environment.record(&recipe.weights, recipe.seed, recipe.temperature))
            });
            for ((i, mut recipe), episode) in some.into_iter().zip(played) {
                let Some(episode) = episode else { continue };
                if recipe.own {
                    recipe.gain = episode.value - rule[i];
                }
                learner.remember(recipe, &episode);
            }
        }
    }

    /// Tries the centre on the sequences that policies are chosen on, [kept apart](Environment::apart) from those that
    /// are learned from wherever there are any, and keeps it if it is the best so far. Its gain per environment.
    pub fn check(&mut self, environments: &[&dyn Environment], threads: usize) -> Vec<f64> {
        self.check_with(None, environments, threads)
    }

    /// The same with the learner: the better of both, or the learner where it is alone.
    pub fn check_with<'e>(
        &mut self,
        learner: Option<&dyn Learner>,
        environments: &[&'e dyn Environment],
        threads: usize,
    ) -> Vec<f64> {
        let mut candidates: Vec<Vec<f64>> = learner.iter().map(|l| as_f64(&l.weights())).collect();
        if self.options.method != Method::Reinforcement || learner.is_none() {
            candidates.push(self.evolution.centre().to_vec());
        }
        let apart = |e: &&'e dyn Environment| match e.apart() {
            Apart::Later { checks, .. } => checks,
            Apart::OtherSeeds | Apart::Nothing(_) => *e,
        };
        let environments: Vec<&dyn Environment> = environments.iter().map(apart).collect();
        let environments = environments.as_slice();
        let seeds = CHECK_SEEDS_FROM..CHECK_SEEDS_FROM + self.options.check_sequences as u64;
        let episodes: Vec<_> =
            (0..environments.len()).flat_map(|e| seeds.clone().map(move |s| (e, s))).collect();
        let (gains, _) = self.play(environments, &candidates, &episodes, threads);
        let mut checked = (f64::NEG_INFINITY, Vec::new());
        for (candidate, gains) in candidates.into_iter().zip(gains) {
            let fitness = self.fitness(&gains);
            if fitness > self.best_fitness {
                (self.best_fitness, self.best) = (fitness, candidate);
            }
            if fitness > checked.0 || checked.1.is_empty() {
                checked = (fitness, gains);
            }
        }
        checked
            .1
            .chunks_exact(self.options.check_sequences)
            .map(|g| g.iter().sum::<f64>() / g.len() as f64)
            .collect()
    }

    /// Environment and seed of each episode of the next generation.
    fn draw_episodes(&self, environments: usize) -> Vec<(usize, u64)> {
        let generation = self.generations;
        let taken = if self.options.environments == 0 { environments } else { self.options.environments };
        let taken = taken.min(environments);
        let first = generation as usize * taken;
        // Neighbours in the list are alike: they come far apart.
        let stride = stride(environments);
        let seeds = self.sequences();
        let of_environment = |i: usize| {
            let from = TRAINING_SEEDS_FROM + generation * seeds;
            (from..from + seeds).map(move |seed| ((first + i) * stride % environments, seed))
        };
        (0..taken).flat_map(of_environment).collect()
    }

    /// Sequences of each environment in a generation. A learner alone plays as many episodes as a population would:
    /// half of them as it is, half with chance.
    fn sequences(&self) -> u64 {
        let TrainOptions { sequences, population, method, .. } = self.options;
        let times = if method == Method::Reinforcement { population / 2 } else { 1 };
        (sequences * times) as u64
    }

    /// By policy and episode: the gain over the best fixed rule. By episode: what that rule reaches.
    fn play(
        &mut self,
        environments: &[&dyn Environment],
        policies: &[Vec<f64>],
        episodes: &[(usize, u64)],
        threads: usize,
    ) -> (Vec<Vec<f64>>, Vec<f64>) {
        let policies: Vec<Vec<f32>> = policies.iter().map(|p| as_f32(p)).collect();
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
        let gains = |p: &[f64]| p.iter().zip(rule).map(|(p, r)| p - r).collect();
        (played.chunks_exact(count).map(gains).collect(), rule.to_vec())
    }

    fn fitness(&self, gains: &[f64]) -> f64 {
        let TrainOptions { gain_max, gain_scale, loss_weight, .. } = self.options;
        // The limit balances environments; one alone may gain whatever it can.
        let gain_max = if self.environments.len() > 1 { gain_max } else { f64::INFINITY };
        let worth = |&gain: &f64| match gain {
            _ if gain <= 0.0 => gain + loss_weight * gain,
            _ if gain_scale > 0.0 => gain_scale * (gain / gain_scale).ln_1p(),
            _ => gain.min(gain_max),
        };
        gains.iter().map(worth).sum::<f64>() / gains.len().max(1) as f64
    }

    /// The seed of all its random choices.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The weights that it started from.
    pub fn start_weights(&self) -> &[f32] {
        &self.start
    }

    /// Where these come from, if that was said.
    pub fn origin(&self) -> Option<&Manifest> {
        self.origin.as_ref()
    }

    /// The best weights so far.
    pub fn best(&self) -> Vec<f32> {
        as_f32(&self.best)
    }

    /// Their fitness on the sequences kept apart.
    pub fn best_fitness(&self) -> f64 {
        self.best_fitness
    }

    /// Generations done.
    pub fn generations(&self) -> u64 {
        self.generations
    }

    /// Episodes that policies have played.
    pub fn episodes(&self) -> u64 {
        self.episodes
    }

    /// Ends after so many generations, 0 never: for a training that goes on from a checkpoint.
    pub fn end_after(&mut self, generations: u64) {
        self.options.generations_max = generations;
    }

    /// Its options.
    pub fn options(&self) -> &TrainOptions {
        &self.options
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
        let count = self.generations() * self.sequences();
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

/// Fitness and rank of a policy among all.
fn standing(fitness: f64, all: &[f64]) -> LearnerRecord {
    LearnerRecord { fitness, rank: 1 + all.iter().filter(|&&other| other > fitness).count() }
}

fn as_f32(weights: &[f64]) -> Vec<f32> {
    weights.iter().map(|&w| w as f32).collect()
}

fn as_f64(weights: &[f32]) -> Vec<f64> {
    weights.iter().map(|&w| f64::from(w)).collect()
}
