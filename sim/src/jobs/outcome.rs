//! What became of the jobs of a run.

use serde::{Deserialize, Serialize};

use super::Jobs;

/// The time of something that did not happen.
pub const NEVER: i64 = i64::MAX;

/// What became of the jobs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// When each job started for the first time, in seconds; [`NEVER`] if it did not.
    pub start_seconds: Vec<i64>,
    /// When each job ended, in seconds; [`NEVER`] if it did not.
    pub end_seconds: Vec<i64>,
    /// Run time that each job lost and had to repeat, in seconds; empty when nothing was ever lost.
    pub lost_seconds: Vec<u64>,
    /// Jobs left out because the machine could never hold them.
    pub too_large: usize,
    /// Starts, repeated ones included.
    pub starts: u64,
    /// Times a running job lost its place.
    pub interruptions: u64,
    /// Unit-seconds lost and repeated.
    pub lost_unit_seconds: u64,
}

impl Outcome {
    /// Nothing has happened to so many jobs yet.
    pub(super) fn new(jobs: usize) -> Self {
        Self { start_seconds: vec![NEVER; jobs], end_seconds: vec![NEVER; jobs], ..Self::default() }
    }

    /// Books run time that a job of `size` units has lost.
    pub(super) fn lose(&mut self, job: usize, seconds: u64, size: u32) {
        self.lost_seconds.resize(self.end_seconds.len(), 0);
        self.lost_seconds[job] += seconds;
        self.lost_unit_seconds += seconds * u64::from(size);
    }

    /// Time that the job spent waiting, in all, in seconds; `None` if it did not end.
    pub fn wait_seconds(&self, jobs: &Jobs, index: usize) -> Option<i64> {
        let end = self.end_seconds[index];
        let lost = self.lost_seconds.get(index).map_or(0, |&l| l as i64);
        (end != NEVER).then(|| end - jobs.submit_seconds[index] - i64::from(jobs.run_seconds[index]) - lost)
    }
}
