//! Least GPU-seconds first, with the true duration: an oracle for GPU clusters.

use super::{JobFacts, QueuePolicy, RunTimes, ScoreChange};

/// Least GPU-seconds (true duration x GPUs) first; an oracle that bounds what a predictor of GPU time can gain.
#[derive(Debug, Clone, Default)]
pub struct SmallestGpuTimeFirst {
    /// How long the jobs really run.
    pub truth: RunTimes,
}

impl QueuePolicy for SmallestGpuTimeFirst {
    fn name(&self) -> &'static str {
        "sgf"
    }

    fn about(&self) -> &'static str {
        "Least GPU-seconds (true duration x GPUs) first; an oracle that bounds what a predictor of GPU time can gain."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::Never
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [self.truth.run_seconds(job) * job.size, 0.0]
    }
}
