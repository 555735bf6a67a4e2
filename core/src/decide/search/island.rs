//! One population with its own chance: what happens on an island depends on nothing else between migrations.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{Individual, Operators};

/// A population that evolves on its own.
#[derive(Debug, Clone)]
pub struct Island<G> {
    pub(super) population: Vec<Individual<G>>,
    chance: Pcg64Mcg,
}

impl<G: Clone> Island<G> {
    /// An island with its first individuals (at least one).
    pub fn new(population: Vec<Individual<G>>, seed: u64) -> Self {
        Self { population, chance: Pcg64Mcg::seed_from_u64(seed) }
    }

    /// The individuals.
    pub fn population(&self) -> &[Individual<G>] {
        &self.population
    }

    /// The cheapest individual.
    pub fn best(&self) -> Option<&Individual<G>> {
        self.population.iter().min_by(|a, b| a.cost.total_cmp(&b.cost))
    }

    /// One generation: children by selection, crossover, mutation and judgement; then replacement.
    pub fn next_generation(&mut self, operators: &Operators<'_, G>, generation: u64) {
        let costs: Vec<f64> = self.population.iter().map(|i| i.cost).collect();
        if costs.is_empty() {
            return;
        }
        for _ in 0..operators.children {
            let first = operators.selection.select(&costs, &mut self.chance);
            let second = operators.selection.select(&costs, &mut self.chance);
            let parents = (&self.population[first].genome, &self.population[second].genome);
            let mut child = operators.crossover.cross(parents.0, parents.1, &mut self.chance);
            operators.mutation.mutate(&mut child, &mut self.chance);
            let seed = self.chance.random();
            self.population.push(operators.fitness.judge(child, generation, seed));
        }
        operators.replacement.replace(&mut self.population);
    }
}
