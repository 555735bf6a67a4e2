//! Jobs over time: traces of jobs that come, wait, run and end on a machine, under any queue policy.

mod failures;
mod floor;
mod job;
pub mod machine;
mod metrics;
mod observer;
mod order;
mod outcome;
mod preemptive;
mod sequence;
mod series;
mod settings;
mod simulation;
mod state;

pub use job::{JOB_VALUE_MAX, Job, Jobs, SUBMIT_SECONDS_MAX};
pub use lepton_core::decide::queue::pass::{Backfill, Discipline};
pub use metrics::{
    Distribution, Fairness, OwnerFigures, SLOWDOWN_BOUND_SECONDS, Samples, SequenceMetrics, bounded_slowdown,
    mean,
};
pub use observer::{JobEvent, Moment, Observer};
pub use outcome::{NEVER, Outcome};
pub use preemptive::{PreemptiveSettings, PreemptiveSimulation, RestartCost};
pub use sequence::SequenceSimulator;
pub use series::{Recorder, Segment, Series, SeriesRecorder};
pub use settings::{Failures, Outage, Settings};
pub use simulation::Simulation;
pub use state::State;

#[cfg(test)]
mod reference_tests;
#[cfg(test)]
mod tests;
