//! Islands that evolve side by side on threads and exchange visitors between generations. The number of threads
//! changes how long a generation takes and nothing else.

use std::thread;

use super::{Individual, Island, Operators};

/// Several islands.
#[derive(Debug, Clone)]
pub struct Archipelago<G> {
    islands: Vec<Island<G>>,
    generation: u64,
}

impl<G: Clone + Send + Sync> Archipelago<G> {
    /// The islands, at least one with at least one individual.
    pub fn new(islands: Vec<Island<G>>) -> Self {
        Self { islands, generation: 0 }
    }

    /// The islands.
    pub fn islands(&self) -> &[Island<G>] {
        &self.islands
    }

    /// Generations done.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The cheapest individual of all islands; of equals that of the first island.
    pub fn best(&self) -> Option<&Individual<G>> {
        self.islands.iter().filter_map(Island::best).min_by(|a, b| a.cost.total_cmp(&b.cost))
    }

    /// One generation on every island, on up to `threads` threads, then migration.
    pub fn next_generation(&mut self, operators: &Operators<'_, G>, threads: usize) {
        let generation = self.generation;
        let share = self.islands.len().div_ceil(threads.max(1)).max(1);
        if share >= self.islands.len() {
            self.islands.iter_mut().for_each(|island| island.next_generation(operators, generation));
        } else {
            thread::scope(|scope| {
                for islands in self.islands.chunks_mut(share) {
                    scope.spawn(move || {
                        islands.iter_mut().for_each(|i| i.next_generation(operators, generation));
                    });
                }
            });
        }
        self.generation += 1;
        let mut populations: Vec<_> = self.islands.iter_mut().map(|i| &mut i.population).collect();
        operators.migration.migrate(&mut populations, self.generation);
    }
}
