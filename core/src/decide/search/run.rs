//! The loop around an evolution: generation after generation until the stop rule says so.

use super::{Archipelago, Individual, Operators, Stop};

/// Runs the evolution and gives the best individual, or `None` if there was none to begin with.
pub fn run<G: Clone + Send + Sync>(
    archipelago: &mut Archipelago<G>,
    operators: &Operators<'_, G>,
    threads: usize,
    stop: &mut dyn Stop,
) -> Option<Individual<G>> {
    let mut best = archipelago.best()?.clone();
    while !stop.is_over(archipelago.generation(), best.cost) {
        archipelago.next_generation(operators, threads);
        if let Some(now) = archipelago.best().filter(|now| now.cost < best.cost) {
            best = now.clone();
        }
    }
    Some(best)
}
