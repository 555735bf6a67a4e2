//! Which of the search's two halves take part: to compare them at equal time, and to see what each is worth.

/// How plans are improved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Two annealings on each island, a short and a long one, then crossover and shorter annealings.
    #[default]
    Hybrid,
    /// A short and a long annealing on each island; nothing is crossed.
    LocalSearch,
    /// Crossover and mutation in many generations; a child is only repaired and improved by a descent.
    Evolution,
}

/// Generations of the evolution alone.
const EVOLUTION_GENERATIONS: u32 = 100;

impl Method {
    /// The generations as shares of the budget at which they end. The first is a descent, so that something is
    /// known early, the second a short annealing, after which easy problems only have moves left to spare; the last
    /// two are left for polishing the best plan.
    pub(super) fn generation_ends(self) -> Vec<f64> {
        match self {
            Self::Hybrid => vec![0.02, 0.12, 0.80, 0.86, 0.93, 1.0],
            Self::LocalSearch => vec![0.02, 0.12, 0.86, 0.93, 1.0],
            Self::Evolution => {
                let share = |end| f64::from(end) / f64::from(EVOLUTION_GENERATIONS);
                (1..=EVOLUTION_GENERATIONS).map(share).collect()
            }
        }
    }
}
