//! What happens to a world's nodes, and their failures by a published preset, with the signs that precede some of them and those that precede none.

use lepton_core::analyze::risk::{Severity, Sign};

use crate::generate::{FaultEvent, FaultOptions, FaultPreset, FaultWorld};

/// Something that happens to a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum NodeEvent {
    /// Signs of a fault: the risk that a detector would tell.
    Signs(f64),
    /// Corrected errors of its memory, in an hour.
    Counter(f64),
    /// A message in its log.
    Message(Severity),
    /// Its telemetry is unusual, by this score.
    Anomaly(f64),
    /// The node goes down.
    Fails,
    /// The node comes back, or the signs go away.
    Recovers,
}

/// Mean time until a failed node is back: 90% within hours, 10% within days (an assumption without a source).
const MEAN_REPAIR_HOURS: f64 = 6.6;
/// A counter tells of its growth for so long.
const COUNTER_SECONDS: u64 = 3600;

/// What happens to so many nodes in so many hours, by time.
pub(super) fn fault_events(
    preset: FaultPreset,
    nodes: u32,
    hours: u32,
    seed: u64,
) -> Vec<(u64, u32, NodeEvent)> {
    let options = FaultOptions { nodes, mean_repair_hours: MEAN_REPAIR_HOURS, signs: true, seed };
    let mut world = FaultWorld::new(preset, options);
    let end = i64::from(hours) * 3600;
    let mut events = Vec::new();
    while let Some((now, node, event)) = world.advance()
        && now < end
    {
        let at = now as u64;
        let what = match event {
            FaultEvent::Fail { .. } => NodeEvent::Fails,
            FaultEvent::Repaired => NodeEvent::Recovers,
            FaultEvent::Sign { sign: Sign::Message(severity), .. } => NodeEvent::Message(severity),
            FaultEvent::Sign { sign: Sign::Anomaly(score), .. } => NodeEvent::Anomaly(score),
            FaultEvent::Sign { sign: Sign::CounterGrowth(by), .. } => {
                events.push((at + COUNTER_SECONDS, node, NodeEvent::Counter(0.0)));
                NodeEvent::Counter(by)
            }
        };
        events.push((at, node, what));
    }
    events.sort_by_key(|&(time, node, _)| (time, node));
    events
}
