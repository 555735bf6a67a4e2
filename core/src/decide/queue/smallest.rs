//! Smallest job first, whatever its length.

use super::{JobFacts, QueuePolicy, ScoreChange};

/// Fewest units first; good where large jobs block the queue, blind to run times.
#[derive(Debug, Clone, Copy, Default)]
pub struct SmallestFirst;

impl QueuePolicy for SmallestFirst {
    fn name(&self) -> &'static str {
        "smallest"
    }

    fn about(&self) -> &'static str {
        "Fewest units first; good where large jobs block the queue, blind to run times."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::Never
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.size, 0.0]
    }
}
