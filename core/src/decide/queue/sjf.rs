//! Shortest job first by the time the user asks for.

use super::{JobFacts, QueuePolicy, ScoreChange};

/// Shortest requested time first; very good for mean slowdown, may starve long jobs.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShortestJobFirst;

impl QueuePolicy for ShortestJobFirst {
    fn name(&self) -> &'static str {
        "sjf"
    }

    fn about(&self) -> &'static str {
        "Shortest requested time first; very good for mean slowdown, may starve long jobs."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::Never
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.requested_seconds, 0.0]
    }
}
