//! Signals that speak of coming faults: each known counter for a failure with a hazard in proportion to its value.
//!
//! The probability of a failure within the next hour by one counter of value v is 1 - exp(-v / scale), the failures by
//! different counters are taken as independent. A first estimate, from round numbers; outcomes correct it ([`super::Analyst`]).

use super::risk::Severity;
use crate::model::{Health, Name, NodeId, NodeRisk, Sign, Snapshot};

/// How far ahead a counter's chance looks, seconds.
pub(super) const SIGN_HORIZON_SECONDS: u64 = 3600;

/// The counters that speak of coming faults, each with the value at which a failure within the hour has the
/// probability 1 - 1/e.
const SCALES: [(&str, f64); KINDS] = [
    ("corrected_memory_errors_per_hour", 100.0),
    ("device_errors_per_hour", 4.0),
    ("link_errors_per_hour", 50.0),
    ("throttled_seconds_per_hour", 1800.0),
];
/// Messages of faults found in a node's log since they were last told of, by severity. Of several sources that tell of one node, each adds `:` and
/// a name of its own.
const MESSAGES: [(&str, Severity); 3] = [
    ("critical_log_messages", Severity::Critical),
    ("error_log_messages", Severity::Error),
    ("warning_log_messages", Severity::Warning),
];
/// The anomaly score of a node's telemetry.
const ANOMALY: &str = "anomaly_score";

/// Kinds of counters.
pub(super) const KINDS: usize = 4;
/// Strengths by which outcomes are told apart: tenths of the chance.
pub(super) const BANDS: usize = 10;

/// What a signal says.
pub(super) enum Kind {
    /// A failure within the hour has this chance by it, beyond 0.
    Hazard(f64),
    /// So many messages.
    Messages(Severity),
    /// Telemetry is unusual.
    Anomaly,
}

/// What a signal of this value says, with its number among the counters; none that is not known or says nothing.
pub(super) fn kind_of(signal: &str, value: f64) -> Option<(usize, Kind)> {
    if let Some(kind) = SCALES.iter().position(|s| s.0 == signal) {
        let chance = 1.0 - (-value / SCALES[kind].1).exp();
        return (chance > 0.0).then_some((kind, Kind::Hazard(chance)));
    }
    if signal == ANOMALY {
        return Some((0, Kind::Anomaly));
    }
    let of = signal.split_once(':').map_or(signal, |(of, _)| of);
    let messages = MESSAGES.iter().find(|m| m.0 == of)?;
    Some((0, Kind::Messages(messages.1)))
}

/// The band of a chance.
pub(super) fn band_of(chance: f64) -> usize {
    ((chance * BANDS as f64) as usize).min(BANDS - 1)
}

/// The risk of a node and the signs that speak for it, by what is told now alone.
pub(super) fn risk_of(snapshot: &Snapshot, node: NodeId) -> NodeRisk {
    let mut signs: Vec<Sign> = Vec::new();
    let mut stays = 1.0;
    for (signal, value) in snapshot.signals_of(node) {
        if let Some((_, Kind::Hazard(probability))) = kind_of(signal, value) {
            stays *= 1.0 - probability;
            signs.push(Sign { signal: Name::from(signal), value, probability });
        }
    }
    signs.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.signal.cmp(&b.signal)));
    let probability = if snapshot.cluster.health(node) == Health::Sick { 1.0 } else { 1.0 - stays };
    NodeRisk { probability, within_day: probability, within_week: probability, signs }
}
