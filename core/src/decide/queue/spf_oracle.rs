//! Shortest processing time first with the true run time: what perfect run-time prediction would give.

use super::{JobFacts, QueuePolicy, RunTimes, ScoreChange};

/// Shortest true run time first; an oracle that bounds what better time estimates can gain.
#[derive(Debug, Clone, Default)]
pub struct ShortestProcessingOracle {
    /// How long the jobs really run.
    pub truth: RunTimes,
}

impl QueuePolicy for ShortestProcessingOracle {
    fn name(&self) -> &'static str {
        "spf-oracle"
    }

    fn about(&self) -> &'static str {
        "Shortest true run time first; an oracle that bounds what better time estimates can gain."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::Never
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [self.truth.run_seconds(job), 0.0]
    }
}
