//! The gradient learner: an actor that is reweighted by what the critic says of the episodes in a replay buffer, and
//! the critic, which learns from the same episodes by Bellman targets. The actor is a network over candidates, so it is
//! a policy like those of the evolution.

use std::collections::VecDeque;

use lepton_core::decide::policy::{Network, NetworkShape};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use super::adam::Adam;
use super::gradients::{Engine, Goal, Rows};
use super::replay::{ReplayBuffer, Transition, state_of, state_width};
use super::{Learner, LearnerOptions, Recipe, Update, targets};
use crate::{Decision, Environment, Episode, starting_weights};

/// Decisions whose gradient is worked out between two looks at the wish to stop.
const AT_ONCE: usize = 256;
/// Hidden layers of the critic, as in the source.
const CRITIC_HIDDEN: [usize; 2] = [64, 64];

/// Actor, critic and what they remember. The same seed and episodes give the same weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GradientLearner {
    options: LearnerOptions,
    shape: NetworkShape,
    seed: u64,
    rounds: u64,
    actor: Adam,
    critic: Adam,
    /// The critic's unit: the spread of the returns in the buffer, never 0.
    scale: f64,
    /// The episodes in the buffer, each with the number of its decisions kept.
    recipes: VecDeque<(Recipe, usize)>,
    #[serde(skip, default = "empty_buffer")]
    buffer: ReplayBuffer,
}

fn empty_buffer() -> ReplayBuffer {
    ReplayBuffer::new(0)
}

impl GradientLearner {
    /// A learner whose actor starts from these weights; a network that nothing has been learned into starts from
    /// [`starting_weights`]. `None` when their number is not the shape's.
    pub fn new(shape: &NetworkShape, weights: &[f32], options: LearnerOptions, seed: u64) -> Option<Self> {
        Network::new(shape.clone(), weights)?;
        Some(Self {
            buffer: ReplayBuffer::new(options.capacity),
            options,
            shape: shape.clone(),
            seed,
            rounds: 0,
            actor: Adam::new(weights.to_vec()),
            critic: Adam::new(starting_weights(&critic_shape(shape), seed)),
            scale: 1.0,
            recipes: VecDeque::new(),
        })
    }

    /// The learner whose [text](Learner::to_text) this is, with every remembered episode played again. `None` when the text is damaged, or of
    /// a learner for other environments.
    pub fn restore(text: &str, environments: &[&dyn Environment]) -> Option<Self> {
        let mut learner: Self = serde_json::from_str(text).ok()?;
        let count = learner.shape.weight_count();
        let sound = learner.options.check().is_ok()
            && learner.scale.is_finite()
            && learner.actor.is_sound(count)
            && learner.critic.is_sound(critic_shape(&learner.shape).weight_count());
        Network::new(learner.shape.clone(), learner.actor.weights())?;
        let recorded = environments.iter().map(|e| e.recorded()).collect::<Option<Vec<_>>>()?;
        if !sound || recorded.iter().any(|e| e.shape() != &learner.shape) {
            return None;
        }
        learner.buffer = ReplayBuffer::new(learner.options.capacity);
        for (recipe, _) in std::mem::take(&mut learner.recipes) {
            let environment = recorded.get(recipe.environment).filter(|_| recipe.weights.len() == count)?;
            let episode = environment.record(&recipe.weights, recipe.seed, recipe.temperature);
            learner.remember(recipe, &episode);
        }
        Some(learner)
    }

    /// V(s): what the critic expects from this decision to the end of the episode, as gain over the best fixed rule.
    pub fn value(&self, decision: &Decision) -> Option<f64> {
        Some(Old::new(self)?.value(&state_of(decision)))
    }

    /// One gradient step of actor and critic on decisions of the buffer; `old` are both as the round began. When `stopped`
    /// no step.
    fn step(&mut self, old: &Old, engine: &Engine, chance: &mut Pcg64Mcg, stopped: &dyn Fn() -> bool) {
        let drawn = self.buffer.draw(self.options.batch, chance);
        // Critic: V(s) towards R + gamma V(s').
        let values: Vec<f64> = drawn.iter().map(|t| old.value(&t.state)).collect();
        let target = |t: &&Transition| {
            let next = t.next.as_deref().map_or(0.0, |s| old.value(s));
            targets::bellman(&self.options, f64::from(t.reward), next, f64::from(t.observed))
        };
        let target: Vec<f64> = drawn.iter().map(target).collect();
        // Actor: pi(a|s) towards P(a|s) [R + gamma V(s')].
        let mut advantages: Vec<f64> = target.iter().zip(&values).map(|(t, v)| t - v).collect();
        targets::standardise(&mut advantages);
        let mut critic = vec![0.0; self.critic.weights().len()];
        let mut actor = vec![0.0; self.actor.weights().len()];
        let parts = drawn.chunks(AT_ONCE).zip(target.chunks(AT_ONCE)).zip(advantages.chunks(AT_ONCE));
        for ((part, target), advantages) in parts {
            if stopped() {
                return;
            }
            let share = part.len() as f32 / drawn.len() as f32;
            let add = |sum: &mut [f32], of: &[f32]| sum.iter_mut().zip(of).for_each(|(s, g)| *s += share * g);
            let states = part.iter().flat_map(|t| &t.state).copied().collect();
            let scaled: Vec<f32> = target.iter().map(|t| (t / old.scale) as f32).collect();
            add(
                &mut critic,
                &engine.critic(&old.critic_shape, self.critic.weights(), states, &scaled).gradient,
            );
            add(&mut actor, &self.actor_gradient(part, advantages, old, engine));
        }
        self.critic.step(&critic, self.options.critic_rate);
        self.actor.step(&actor, self.options.actor_rate);
    }

    fn actor_gradient(
        &self,
        drawn: &[&Transition],
        advantages: &[f64],
        old: &Old,
        engine: &Engine,
    ) -> Vec<f32> {
        let temperature = self.options.temperature;
        let decisions: Vec<_> = drawn.iter().map(|t| &t.decision).collect();
        let rows = Rows::new(&decisions, &self.shape);
        let at_choices = |values: &[f64]| -> Vec<f32> {
            let mut table = vec![0.0; rows.width() * decisions.len()];
            for ((row, d), &value) in table.chunks_exact_mut(rows.width()).zip(&decisions).zip(values) {
                row[d.chosen] = value as f32;
            }
            table
        };
        let (shape, weights) = (&self.shape, self.actor.weights());
        if self.options.update == Update::Ppo {
            let old_log: Vec<f32> = decisions.iter().map(|d| old.log_probability(d, temperature)).collect();
            let advantage: Vec<f32> = advantages.iter().map(|&a| a as f32).collect();
            let taken = at_choices(&vec![1.0; decisions.len()]);
            let clip = self.options.clip;
            let goal = Goal::Clipped { taken: &taken, old_log: &old_log, advantage: &advantage, clip };
            engine.actor(shape, weights, &rows, temperature, &goal).gradient
        } else {
            let goal = at_choices(&targets::factors(&self.options, advantages));
            engine.actor(shape, weights, &rows, temperature, &Goal::Policy(&goal)).gradient
        }
    }
}

impl Learner for GradientLearner {
    fn weights(&self) -> Vec<f32> {
        self.actor.weights().to_vec()
    }

    fn to_text(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts can be written as JSON")
    }

    fn remember(&mut self, recipe: Recipe, episode: &Episode) {
        if self.options.update == Update::Ppo && !recipe.own {
            return;
        }
        let LearnerOptions { discount, episode_decisions, .. } = self.options;
        let kept = self.buffer.push(episode, recipe.gain, discount, episode_decisions, recipe.seed);
        self.recipes.push_back((recipe, kept));
        let mut held: usize = self.recipes.iter().map(|r| r.1).sum();
        while let Some(&(_, oldest)) = self.recipes.front().filter(|r| held - r.1 >= self.buffer.len()) {
            held -= oldest;
            self.recipes.pop_front();
        }
    }

    fn learn(&mut self, start: Option<&[f32]>, stopped: &dyn Fn() -> bool) {
        if let Some(start) = start.filter(|s| s.len() == self.shape.weight_count()) {
            self.actor = Adam::new(start.to_vec());
        }
        if self.buffer.len() == 0 {
            return;
        }
        let squares: f64 = self.buffer.iter().map(|t| f64::from(t.observed).powi(2)).sum();
        self.scale = (squares / self.buffer.len() as f64).sqrt().max(1e-6);
        let Some(old) = Old::new(self) else { return };
        let engine = Engine::new();
        let round = self.rounds.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut chance = Pcg64Mcg::seed_from_u64(self.seed ^ round);
        for _ in 0..self.options.steps {
            if stopped() {
                return;
            }
            self.step(&old, &engine, &mut chance, stopped);
        }
        self.rounds += 1;
        if self.options.update == Update::Ppo {
            // The next round learns from what its own policy does.
            self.buffer.clear();
            self.recipes.clear();
        }
    }
}

/// Actor and critic as a round began: what targets are computed with, so that they stand still during the round.
struct Old {
    actor: Network,
    critic: Network,
    critic_shape: NetworkShape,
    scale: f64,
}

impl Old {
    fn new(learner: &GradientLearner) -> Option<Self> {
        let critic_shape = critic_shape(&learner.shape);
        Some(Self {
            actor: Network::new(learner.shape.clone(), learner.actor.weights())?,
            critic: Network::new(critic_shape.clone(), learner.critic.weights())?,
            critic_shape,
            scale: learner.scale,
        })
    }

    /// Logarithm of the actor's probability of the choice taken.
    fn log_probability(&self, decision: &Decision, temperature: f64) -> f32 {
        let mut scores = decision.base.clone();
        self.actor.correct(&decision.context, &decision.candidates, &mut scores);
        targets::softmax(&scores, temperature)[decision.chosen].ln() as f32
    }

    /// V(s) in the unit of the reward.
    fn value(&self, state: &[f32]) -> f64 {
        let mut value = [0.0];
        self.critic.correct(&[], state, &mut value);
        f64::from(value[0]) * self.scale
    }
}

/// The critic is the same kind of network, with the state as its only candidate.
fn critic_shape(shape: &NetworkShape) -> NetworkShape {
    NetworkShape { candidate: state_width(shape), context: 0, hidden: CRITIC_HIDDEN.to_vec() }
}
