//! How long jobs really run: what an oracle is told when it is made, and nobody else. [`super::JobFacts`] does not hold it.

use std::sync::Arc;

use super::JobFacts;

/// The true run times of the jobs of a trace, by their numbers. A job that is not in it is taken to run for as long as
/// it asks for.
#[derive(Debug, Clone, Default)]
pub struct RunTimes(Arc<[u32]>);

impl RunTimes {
    /// The run times of jobs 0, 1, 2, .., in seconds.
    pub fn new(run_seconds: &[u32]) -> Self {
        Self(run_seconds.into())
    }

    /// How long the job runs, in seconds.
    pub(super) fn run_seconds(&self, job: &JobFacts) -> f64 {
        self.0.get(job.unit as usize).map_or(job.requested_seconds, |&seconds| f64::from(seconds))
    }

    /// How much of its run is left, what it has lost included, in seconds.
    pub(super) fn remaining_seconds(&self, job: &JobFacts) -> f64 {
        self.run_seconds(job) + job.lost_seconds - job.attained_unit_seconds / job.size
    }
}
