//! Elitist replacement: parents and children compete, the best stay, of equal genomes one.

use super::{Individual, Replacement};

/// Keeps the best `size` (at least one) distinct individuals; of equal costs the older.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elitist {
    /// Size of the population.
    pub size: usize,
}

impl<G: PartialEq> Replacement<G> for Elitist {
    fn replace(&self, population: &mut Vec<Individual<G>>) {
        population.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        population.dedup_by(|a, b| a.cost == b.cost && a.genome == b.genome);
        population.truncate(self.size.max(1));
    }
}
