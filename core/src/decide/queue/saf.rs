//! Smallest area first: requested time times size.

use super::{JobFacts, QueuePolicy, ScoreChange};

/// Smallest requested time x size first; the best simple rule on many batch traces, above all with backfilling.
#[derive(Debug, Clone, Copy, Default)]
pub struct SmallestAreaFirst;

impl QueuePolicy for SmallestAreaFirst {
    fn name(&self) -> &'static str {
        "saf"
    }

    fn about(&self) -> &'static str {
        "Smallest requested time x size first; the best simple rule on many batch traces, above all with backfilling."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::Never
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.requested_seconds * job.size, 0.0]
    }
}
