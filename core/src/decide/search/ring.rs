//! Migration on a ring: now and then a copy of each island's best visits the next island.

use super::{Individual, Migration};

/// Every `every` generations (0: never) the best of island i visits island i + 1, that of the last the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ring {
    /// Generations between two migrations.
    pub every: u64,
}

impl<G: Clone> Migration<G> for Ring {
    fn migrate(&self, populations: &mut [&mut Vec<Individual<G>>], generation: u64) {
        if self.every == 0 || !generation.is_multiple_of(self.every) || populations.len() < 2 {
            return;
        }
        let best = |p: &&mut Vec<Individual<G>>| p.iter().min_by(|a, b| a.cost.total_cmp(&b.cost)).cloned();
        let visitors: Vec<_> = populations.iter().map(best).collect();
        let count = populations.len();
        for (from, visitor) in visitors.into_iter().enumerate() {
            populations[(from + 1) % count].extend(visitor);
        }
    }
}
