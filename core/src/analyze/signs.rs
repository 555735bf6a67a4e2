//! Signs of coming faults: each known signal speaks for a failure with a hazard in proportion to its value.
//!
//! The probability of a failure within the next hour by one signal of value v is 1 - exp(-v / scale), the failures by
//! different signals are taken as independent. A first estimate: what is learned from recorded faults replaces the scales.

use crate::model::{Health, Name, NodeId, NodeRisk, Sign, Snapshot};

/// The signals that speak of coming faults, each with the value at which a failure within the hour has the
/// probability 1 - 1/e.
const SCALES: [(&str, f64); 4] = [
    ("corrected_memory_errors_per_hour", 100.0),
    ("device_errors_per_hour", 4.0),
    ("link_errors_per_hour", 50.0),
    ("throttled_seconds_per_hour", 1800.0),
];

/// The risk of a node and the signs that speak for it.
pub(super) fn risk_of(snapshot: &Snapshot, node: NodeId) -> NodeRisk {
    let mut signs: Vec<Sign> = Vec::new();
    let mut stays = 1.0;
    for (signal, value) in snapshot.signals_of(node) {
        let scale = SCALES.iter().find(|s| s.0 == signal).map(|s| s.1);
        let probability = scale.map_or(0.0, |scale| 1.0 - (-value / scale).exp());
        if probability > 0.0 {
            stays *= 1.0 - probability;
            signs.push(Sign { signal: Name::from(signal), value, probability });
        }
    }
    signs.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.signal.cmp(&b.signal)));
    let probability = if snapshot.cluster.health(node) == Health::Sick { 1.0 } else { 1.0 - stays };
    NodeRisk { probability, signs }
}
