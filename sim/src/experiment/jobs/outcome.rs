//! What one run of a study is of and what it gave.

use super::guarded::GuardRecord;
use crate::jobs::{Backfill, Outcome, Samples, Segment, Series};

/// How a part is scheduled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combination {
    /// Queue policy.
    pub policy: String,
    /// Backfilling.
    pub backfill: Backfill,
    /// Placement.
    pub placement: String,
}

/// What one run gave.
#[derive(Debug, Clone)]
pub struct PartOutcome {
    /// Per-job values of the finished jobs.
    pub samples: Samples,
    /// What became of the jobs.
    pub outcome: Outcome,
    /// First submission of a job that the machine can hold, in seconds.
    pub first_seconds: i64,
    /// Used share of the machine up to the last end, 0 to 1; `None` when no job finished.
    pub utilization: Option<f64>,
    /// The use up to the last start as the studies of batch sequences define it, for the sequence protocol.
    pub use_to_last_start: Option<f64>,
    /// Run time x size of the finished jobs, in unit-seconds.
    pub work_unit_seconds: f64,
    /// From the first submission of a job that the machine can hold to the last end, in seconds; `None` when no job
    /// finished.
    pub makespan_seconds: Option<i64>,
    /// Curves over time; `None` for the sequence protocol.
    pub series: Option<Series>,
    /// The first stretches of jobs by start, where asked for; none for the sequence protocol.
    pub segments: Vec<Segment>,
    /// What the guard did, where it was asked for and the learned policy ran in the general simulation.
    pub guard: Option<GuardRecord>,
    /// Wall time, in seconds.
    pub seconds: f64,
}
