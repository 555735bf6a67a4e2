//! What a schedule of a sequence of jobs is worth to a learner.

use crate::jobs::{Jobs, SequenceMetrics};

/// Minus the logarithm of the mean bounded slowdown. Differences of it are logarithms of ratios, so a sequence that is
/// hard for all weighs no more than an easy one: 0.1 more means 10% less slowdown, wherever.
pub fn jobs_reward(jobs: &Jobs, start_seconds: &[i64], nodes: u32) -> f64 {
    -SequenceMetrics::of(jobs, 0..jobs.len(), start_seconds, nodes).mean_bounded_slowdown.ln()
}
