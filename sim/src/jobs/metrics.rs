//! What a schedule was worth: waiting, completion, slowdown, use of the machine.

use std::ops::Range;

use super::{Jobs, SequenceSimulator};

/// Run times below this count as this in the bounded slowdown, in seconds.
pub const SLOWDOWN_BOUND_SECONDS: f64 = 10.0;

/// max(1, (wait + run) / max(run, 10 s)).
pub fn bounded_slowdown(wait_seconds: f64, run_seconds: f64) -> f64 {
    ((wait_seconds + run_seconds) / run_seconds.max(SLOWDOWN_BOUND_SECONDS)).max(1.0)
}

/// Means over one sequence of jobs, as the studies on batch sequences define them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequenceMetrics {
    /// Mean of the bounded slowdown.
    pub mean_bounded_slowdown: f64,
    /// Mean wait from submission to start, in seconds.
    pub mean_wait_seconds: f64,
    /// Mean time from submission to end, in seconds.
    pub mean_completion_seconds: f64,
    /// Sum of run x size over nodes x (last start - first submission).
    pub utilization: f64,
}

impl SequenceMetrics {
    /// Metrics of the jobs of `range`, which started at `start_seconds`; jobs that never start are left out.
    pub fn of(jobs: &Jobs, range: Range<usize>, start_seconds: &[i64], nodes: u32) -> Self {
        let first = jobs.submit_seconds[range.start];
        let (mut slowdown, mut wait_sum, mut run_sum, mut area) = (0.0, 0i64, 0i64, 0i64);
        let (mut last, mut count) = (first, 0u32);
        for (&start, j) in start_seconds.iter().zip(range).filter(|s| *s.0 != SequenceSimulator::NEVER) {
            let wait = start - jobs.submit_seconds[j];
            let run = jobs.run_seconds[j];
            slowdown += bounded_slowdown(wait as f64, f64::from(run));
            wait_sum += wait;
            run_sum += i64::from(run);
            area += i64::from(run) * i64::from(jobs.size[j]);
            last = last.max(start);
            count += 1;
        }
        let n = f64::from(count.max(1));
        let capacity = f64::from(nodes) * (last - first) as f64;
        Self {
            mean_bounded_slowdown: slowdown / n,
            mean_wait_seconds: wait_sum as f64 / n,
            mean_completion_seconds: (wait_sum + run_sum) as f64 / n,
            utilization: if capacity > 0.0 { area as f64 / capacity } else { 0.0 },
        }
    }
}
