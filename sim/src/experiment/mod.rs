//! Experiments: policies replayed over a workload under fixed rules, and the statistics of the comparison.

pub mod faults;
pub mod forecast;
mod heat;
pub mod jobs;
mod loop_run;
mod placement;
mod placement_environment;
mod run_error;
mod served;
mod snapshot;
mod stats;
mod study;
mod study_options;
mod study_points;
mod study_result;
mod study_summary;

pub use heat::{Heat, HeatFrame, HeatModel, HeatNode, HeatPolicy};
pub use loop_run::{Keeper, LoopRun, TURN_SECONDS, WITHOUT_LOOP_POLICY, next_turn_seconds};
pub use placement::{BrokenRule, Curve, PlacementRun, RunLimits, run_placement};
pub use placement_environment::PlacementEnvironment;
pub use run_error::RunError;
pub use snapshot::{FilledCluster, fill_cluster, fill_cluster_unless};
pub use stats::{Paired, Spread, paired, spread};
pub use study::{StudyError, run_study};
pub use study_options::StudyOptions;
pub use study_result::{CurveSummary, Finding, PlacementStudy, PointSummary, PolicySummary, RunRecord};
