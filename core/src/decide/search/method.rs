//! Which of a search's two halves take part: to compare them at equal time, and to see what each is worth.

/// How plans are improved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Local search on each island, then crossover of what it finds and shorter local searches.
    #[default]
    Hybrid,
    /// Local search on each island; nothing is crossed.
    LocalSearch,
    /// Crossover and mutation in many generations; a child is only repaired and completed.
    Evolution,
}
