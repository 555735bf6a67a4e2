//! Smallest area first with the true run time: what perfect run-time prediction would give.

use super::{JobFacts, QueuePolicy, RunTimes, ScoreChange};

/// Smallest true run time x size first; an oracle that bounds what better time estimates can gain.
#[derive(Debug, Clone, Default)]
pub struct SmallestAreaOracle {
    /// How long the jobs really run.
    pub truth: RunTimes,
}

impl QueuePolicy for SmallestAreaOracle {
    fn name(&self) -> &'static str {
        "saf-oracle"
    }

    fn about(&self) -> &'static str {
        "Smallest true run time x size first; an oracle that bounds what better time estimates can gain."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::Never
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [self.truth.run_seconds(job) * job.size, 0.0]
    }
}
