//! Collecting: readings of sources become the snapshot the loop believes in. Readings that are absurd or
//! speak of unknown things are counted and not used; a source that has not looked for too long makes the
//! snapshot stale, and the loop then stops acting.

mod merge;
mod reconcile;
mod told;

pub use merge::merge;

use crate::model::Readings;

/// Where readings come from: a cluster, a metrics store, an event stream.
pub trait Source {
    /// What was seen since the last call.
    fn poll(&mut self, now_seconds: u64) -> Readings;

    /// The same for a turn that only decides on what waits: what is measured of tasks that stand may be left to the next poll.
    fn news(&mut self, now_seconds: u64) -> Readings {
        self.poll(now_seconds)
    }

    /// Everything there is, as a complete list. Asked when the loop starts or starts again, when readings are missing, and
    /// when too many of them could not be believed.
    fn list(&mut self, now_seconds: u64) -> Readings;
}

/// Limits of what is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectConfig {
    /// A source whose last look is older than this makes the snapshot stale, seconds.
    pub freshness_seconds: u64,
    /// A use of more than this many times the node's capacity is absurd.
    pub use_of_capacity_max: i64,
    /// A source of which more readings than this could not be believed since its last list is asked for a new one.
    pub rejected_max: u64,
}

impl Default for CollectConfig {
    fn default() -> Self {
        Self { freshness_seconds: 180, use_of_capacity_max: 10, rejected_max: 20 }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod truth_tests;
