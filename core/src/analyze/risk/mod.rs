//! Fault risk: what telemetry, counters, past failures and log messages say of the next hour and days of a node.
//!
//! Each source has its file and its words; [`NodeSigns`] takes in what they find, sign by sign, and [`RiskModel`] makes
//! chances of it. What a model is learned from is not known here.

mod alarm_budget;
mod anomaly;
mod calibration;
mod counter_file;
mod counter_risk;
mod counters;
mod daily_profile;
mod file_head;
mod log_patterns;
mod node_risk;
mod past_failures;
mod risk_file;
mod spread;
mod tail_rank;
mod telemetry;
mod trees;

pub use alarm_budget::{AlarmBudget, EPISODE_BREAK_SECONDS, episodes};
pub use anomaly::{AnomalyDetector, AnomalyError, AnomalyReading, BINS_TO_LEARN_MIN};
pub use calibration::{Calibration, Outcome};
pub use counter_file::{CounterFileError, FittedCounters};
pub use counter_risk::{CategoryRates, CounterRisk, CounterTable};
pub use counters::{CounterFeatures, CounterHistory};
pub use log_patterns::{LOG_PATTERNS, LogPattern, LogPatternError, LogPatterns, Severity};
pub use node_risk::{HorizonModel, NodeRisk, NodeSigns, RISK_HORIZONS_SECONDS, RiskModel, SIGNALS, Sign};
pub use past_failures::{FailurePrior, LemonRule, PastFailures};
pub use risk_file::{FittedRisk, RiskFileError};
pub use telemetry::{METRICS_MAX, Telemetry};
pub use trees::{TREE_FEATURES_MAX, TreeEnsemble, TreeError, TreeNode};

#[cfg(test)]
mod tests;
