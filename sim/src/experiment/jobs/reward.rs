//! What a schedule of a sequence of jobs is worth to a learner.

use crate::jobs::{Jobs, SequenceMetrics};

/// Minus the logarithm of the mean bounded slowdown. Differences of it are logarithms of ratios, so a sequence that is
/// hard for all weighs no more than an easy one: 0.1 more means 10% less slowdown, wherever. A sequence in which no job
/// fits the machine tells nothing and is worth 0 under every policy.
pub fn jobs_reward(jobs: &Jobs, start_seconds: &[i64], nodes: u32) -> f64 {
    let metrics = SequenceMetrics::of(jobs, 0..jobs.len(), start_seconds, nodes);
    metrics.map_or(0.0, |m| -m.mean_bounded_slowdown.ln())
}
