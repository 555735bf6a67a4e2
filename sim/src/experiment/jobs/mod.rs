//! A study of jobs over time: every queue policy, way of backfilling and placement on every part of a
//! workload, in parallel, and what it amounts to. What is simulated is in [`crate::jobs`].

mod environment;
mod figures;
mod guarded;
mod options;
mod outcome;
mod page;
mod recorded;
mod reward;
mod run;
mod sampled;
mod saved;
mod saved_run;
mod spread;
mod study;
mod summary;
mod windows;

pub use environment::{BATCH_RULES, JobSource, JobsEnvironment};
pub use figures::{Gantt, GanttJobs, JobsFigures, Quantiles, SeriesFigure};
pub use guarded::{GuardChange, GuardRecord};
pub use options::{JobsStudyError, JobsStudyOptions, Protocol};
pub use outcome::PartOutcome;
pub use page::jobs_page;
pub use reward::jobs_reward;
pub use run::run_part;
pub use sampled::{JobsSpread, SampledFigure};
pub use saved::{RunSoFar, save_run};
pub use saved_run::SavedRun;
pub use spread::{CombinationName, Finding, Verdict};
pub use study::{JobsStudy, run_jobs_study};
pub use summary::{GuardSummary, JobsRun, JobsSummary};

#[cfg(test)]
mod tests;
