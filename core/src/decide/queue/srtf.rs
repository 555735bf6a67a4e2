//! Shortest remaining time first, preemptive.

use super::{JobFacts, QueuePolicy, ScoreChange};

/// Least remaining run time first, stopping running jobs for shorter ones; an oracle, since it knows the
/// duration. The bound for mean completion time when preemption is cheap.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShortestRemainingTimeFirst;

impl QueuePolicy for ShortestRemainingTimeFirst {
    fn name(&self) -> &'static str {
        "srtf"
    }

    fn about(&self) -> &'static str {
        "Least remaining time first, preemptive (an oracle); near the bound for mean completion when preemption is cheap."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::WithState
    }

    fn preempts(&self) -> bool {
        true
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.remaining_seconds, 0.0]
    }
}
