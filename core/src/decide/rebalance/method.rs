//! Which of the search's two halves take part: to compare them at equal time, and to see what each is worth.

/// How plans are improved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Annealings on each island, a short one and one or more long ones, then crossover and shorter annealings.
    #[default]
    Hybrid,
    /// A short annealing on each island and one or more long ones; nothing is crossed.
    LocalSearch,
    /// Crossover and mutation in many generations; a child is only repaired and improved by a descent.
    Evolution,
}

/// Generations of the evolution alone.
const EVOLUTION_GENERATIONS: u32 = 100;

impl Method {
    /// The generations as shares of the budget at which they end. The first is a descent, so that something is
    /// known early, the second a short annealing, after which easy problems only have moves left to spare, then come
    /// `tries` long ones; the last two are left for polishing the best plan.
    pub(super) fn generation_ends(self, tries: usize) -> Vec<f64> {
        let annealings = |end: f64, rest: &[f64]| {
            let long = |i: usize| 0.12 + (end - 0.12) * i as f64 / tries as f64;
            [0.02].into_iter().chain((0..=tries).map(long)).chain(rest.iter().copied()).collect()
        };
        match self {
            Self::Hybrid => annealings(0.80, &[0.86, 0.93, 1.0]),
            Self::LocalSearch => annealings(0.86, &[0.93, 1.0]),
            Self::Evolution => {
                let share = |end| f64::from(end) / f64::from(EVOLUTION_GENERATIONS);
                (1..=EVOLUTION_GENERATIONS).map(share).collect()
            }
        }
    }
}
