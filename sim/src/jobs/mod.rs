//! Jobs over time: traces of jobs that come, wait, run and end on a machine, under any queue policy.

mod job;
mod metrics;
mod order;
mod sequence;

pub use job::{JOB_VALUE_MAX, Job, Jobs, SUBMIT_SECONDS_MAX};
pub use metrics::{SLOWDOWN_BOUND_SECONDS, SequenceMetrics, bounded_slowdown};
pub use sequence::SequenceSimulator;
