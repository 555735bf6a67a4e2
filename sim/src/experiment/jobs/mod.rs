//! A study of jobs over time: every queue policy, way of backfilling and placement on every part of a
//! workload, in parallel, and what it amounts to. What is simulated is in [`crate::jobs`].

mod environment;
mod figures;
mod guarded;
mod page;
mod recorded;
mod reward;
mod run;
mod saved;
mod spread;
mod study;
mod summary;
mod windows;

pub use environment::{BATCH_RULES, JobSource, JobsEnvironment};
pub use figures::{Gantt, GanttJobs, JobsFigures, Quantiles, SeriesFigure};
pub use guarded::{GuardChange, GuardRecord};
pub use page::jobs_page;
pub use reward::jobs_reward;
pub use run::{PartOutcome, run_part};
pub use saved::{RunSoFar, SavedRun, save_run};
pub use spread::{CombinationName, Finding, JobsSpread, SampledFigure, Verdict};
pub use study::{JobsStudy, JobsStudyError, JobsStudyOptions, Protocol, run_jobs_study};
pub use summary::{GuardSummary, JobsRun, JobsSummary};

#[cfg(test)]
mod tests;
