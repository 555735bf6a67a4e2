//! Fault risk: what telemetry, counters, past failures and log messages say of the next hour and days of a node.

mod alarm_budget;
mod anomaly;
mod daily_profile;
mod spread;
mod tail_rank;
mod telemetry;

pub use alarm_budget::{AlarmBudget, EPISODE_BREAK_SECONDS, episodes};
pub use anomaly::{AnomalyDetector, AnomalyError, AnomalyReading, BINS_TO_LEARN_MIN};
pub use telemetry::{METRICS_MAX, Telemetry};

#[cfg(test)]
mod tests;
