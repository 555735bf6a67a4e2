//! A genetic algorithm over weight vectors: elites stay, the others are children of parents chosen by tournament, by
//! crossover and mutation. All are rated anew in each generation, because its sequences are new; a visitor takes the
//! place of the worst. Khadka and Tumer, "Evolution-Guided Policy Gradient in Reinforcement Learning", NeurIPS 2018.

use lepton_core::decide::search::{Selection, Tournament};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use crate::matrix_adaptation::normal;

/// Share of the population that stays as it is.
const ELITES: f64 = 0.15;
/// Draws of a tournament.
const TOURNAMENT: Tournament = Tournament { size: 3 };
/// Share of the weights that a mutation changes.
const MUTATED: f64 = 0.1;
/// What the width of mutations is multiplied by in each generation.
const NARROWING: f64 = 0.995;

/// The state of the population; a generation's chance depends on `seed` and its number alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Genetic {
    seed: u64,
    generation: u64,
    scale: Vec<f64>,
    width: f64,
    population: Vec<Vec<f64>>,
    /// The best of the last generation.
    best: Vec<f64>,
}

impl Genetic {
    /// A population around `start`, which is its first member; `scale` says how far each weight is worth moving.
    pub(crate) fn new(start: Vec<f64>, scale: Vec<f64>, width: f64, size: usize, seed: u64) -> Self {
        let mut chance = Pcg64Mcg::seed_from_u64(seed);
        let mut around = || -> Vec<f64> {
            start.iter().zip(&scale).map(|(w, s)| w + width * s * normal(&mut chance)).collect()
        };
        let mut population: Vec<Vec<f64>> = (1..size).map(|_| around()).collect();
        population.insert(0, start.clone());
        Self { seed, generation: 0, scale, width, population, best: start }
    }

    /// The best of the last generation.
    pub(crate) fn best(&self) -> &[f64] {
        &self.best
    }

    /// Width of mutations, in each weight's own scale.
    pub(crate) fn width(&self) -> f64 {
        self.width
    }

    /// Whether the parts of a state that was read belong together.
    pub(crate) fn is_sound(&self, weights: usize) -> bool {
        let fits = |v: &Vec<f64>| v.len() == weights && v.iter().all(|x| x.is_finite());
        self.population.iter().chain([&self.scale, &self.best]).all(fits)
            && !self.population.is_empty()
            && self.width.is_finite()
    }

    /// The members of this generation.
    pub(crate) fn ask(&self) -> Vec<Vec<f64>> {
        self.population.clone()
    }

    /// Moves on to the next generation by the fitness of each member; more is better.
    pub(crate) fn tell_with(&mut self, fitness: &[f64], visitor: Option<(&[f64], f64)>) {
        let mut rated: Vec<(f64, Vec<f64>)> =
            fitness.iter().copied().zip(std::mem::take(&mut self.population)).collect();
        rated.sort_by(|a, b| b.0.total_cmp(&a.0));
        if let Some((weights, reached)) = visitor {
            let at = rated.partition_point(|r| r.0 >= reached).min(rated.len() - 1);
            rated.pop();
            rated.insert(at, (reached, weights.to_vec()));
        }
        self.best.clone_from(&rated[0].1);
        let costs: Vec<f64> = rated.iter().map(|r| -r.0).collect();
        let size = rated.len();
        let elites = (ELITES * size as f64).ceil() as usize;
        let mut chance = Pcg64Mcg::seed_from_u64(self.seed ^ (self.generation + 1).wrapping_mul(0x9e37_79b9));
        let mut child = || {
            let first = &rated[TOURNAMENT.select(&costs, &mut chance)].1;
            let second = &rated[TOURNAMENT.select(&costs, &mut chance)].1;
            let genes = first.iter().zip(second).zip(&self.scale);
            let gene = |((a, b), scale): ((&f64, &f64), &f64)| {
                let gene = if chance.random() { *a } else { *b };
                let mutated = chance.random::<f64>() < MUTATED;
                gene + if mutated { self.width * scale * normal(&mut chance) } else { 0.0 }
            };
            genes.map(gene).collect::<Vec<f64>>()
        };
        let children: Vec<Vec<f64>> = (elites..size).map(|_| child()).collect();
        self.population = rated.into_iter().take(elites).map(|r| r.1).chain(children).collect();
        self.width *= NARROWING;
        self.generation += 1;
    }
}
