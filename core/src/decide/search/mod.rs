//! The evolutionary engine: populations on islands, selection, crossover, mutation, elites and migration,
//! generic over what evolves (plans here, policies in learning). Operators are one file each. A generation is a
//! step that the caller takes; the loop is [`run()`], with a stop rule and an observer. It reads no clock and
//! keeps no log. A. E. Eiben and J. E. Smith, "Introduction to Evolutionary Computing", Springer 2015.

mod archipelago;
mod elitist;
mod island;
mod method;
pub mod parallel;
mod ring;
mod run;
mod stop;
mod tournament;

use rand_pcg::Pcg64Mcg;

pub use archipelago::Archipelago;
pub use elitist::Elitist;
pub use island::Island;
pub use method::Method;
pub use ring::Ring;
pub use run::run;
pub use stop::Generations;
pub use tournament::Tournament;

/// A genome with its cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Individual<G> {
    /// What evolves.
    pub genome: G,
    /// What is minimised; never NaN.
    pub cost: f64,
}

/// Chooses a parent.
pub trait Selection: Sync {
    /// Index of the chosen one among the costs, of which there is at least one.
    fn select(&self, costs: &[f64], chance: &mut Pcg64Mcg) -> usize;
}

/// Makes a child of two parents.
pub trait Crossover<G>: Sync {
    /// The child.
    fn cross(&self, first: &G, second: &G, chance: &mut Pcg64Mcg) -> G;
}

/// Changes a child at random.
pub trait Mutation<G>: Sync {
    /// Changes the genome in place.
    fn mutate(&self, genome: &mut G, chance: &mut Pcg64Mcg);
}

/// Tells what a genome costs. It may improve the genome first (local search); the seed is all the chance it
/// may use.
pub trait Fitness<G>: Sync {
    /// The individual that the genome becomes in this generation (from 0).
    fn judge(&self, genome: G, generation: u64, seed: u64) -> Individual<G>;
}

/// Decides who stays in the population.
pub trait Replacement<G>: Sync {
    /// Shrinks the population, newest last, to those who stay.
    fn replace(&self, population: &mut Vec<Individual<G>>);
}

/// Decides who visits which island.
pub trait Migration<G>: Sync {
    /// Adds visitors to populations; called between generations.
    fn migrate(&self, populations: &mut [&mut Vec<Individual<G>>], generation: u64);
}

/// Decides when to end, between generations, all of which it sees.
pub trait Stop {
    /// True to end: `generation` many are done, the best cost so far is `best`.
    fn is_over(&mut self, generation: u64, best: f64) -> bool;
}

/// The operators of one evolution.
pub struct Operators<'a, G> {
    /// Chooses both parents.
    pub selection: &'a dyn Selection,
    /// Makes the child.
    pub crossover: &'a dyn Crossover<G>,
    /// Changes the child.
    pub mutation: &'a dyn Mutation<G>,
    /// Judges the child.
    pub fitness: &'a dyn Fitness<G>,
    /// Decides who stays.
    pub replacement: &'a dyn Replacement<G>,
    /// Decides who visits.
    pub migration: &'a dyn Migration<G>,
    /// Children of an island in one generation.
    pub children: usize,
}

#[cfg(test)]
mod tests;
