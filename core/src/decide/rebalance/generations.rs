//! When the generations of a search end, by what takes part in it.

use crate::decide::search::Method;

/// Generations of the evolution alone.
const EVOLUTION_GENERATIONS: u32 = 100;

/// The generations as shares of the budget at which they end. The first is a descent, so that something is
/// known early, the second a short annealing, after which easy problems only have moves left to spare, then come
/// `tries` long ones; the last two are left for polishing the best plan.
pub(super) fn generation_ends(method: Method, tries: usize) -> Vec<f64> {
    let annealings = |end: f64, rest: &[f64]| {
        let long = |i: usize| 0.12 + (end - 0.12) * i as f64 / tries as f64;
        [0.02].into_iter().chain((0..=tries).map(long)).chain(rest.iter().copied()).collect()
    };
    match method {
        Method::Hybrid => annealings(0.80, &[0.86, 0.93, 1.0]),
        Method::LocalSearch => annealings(0.86, &[0.93, 1.0]),
        Method::Evolution => {
            let share = |end| f64::from(end) / f64::from(EVOLUTION_GENERATIONS);
            (1..=EVOLUTION_GENERATIONS).map(share).collect()
        }
    }
}
