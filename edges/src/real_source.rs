//! A source of a real system: readings as for any other, and what it has to say of itself.

use lepton_core::collect::Source;
use lepton_core::model::{Readings, ResourceSchema};

/// How series were found to belong to nodes and tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeriesCounts {
    /// Series that belong to a node or task.
    pub mapped: u64,
    /// Series that belong to none that is known, and are not used.
    pub unmapped: u64,
    /// Series of which more than one claims to be the same, or whose labels name two nodes; the first is used, or none.
    pub ambiguous: u64,
    /// Some of those that are not used, as they were written.
    pub examples: Vec<String>,
}

/// What came to a source of messages since its start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamCounts {
    /// Messages that were read.
    pub messages: u64,
    /// Of these, those that were of no use and are among the dead letters.
    pub dead_letters: u64,
    /// Those that were older than what was known already.
    pub late: u64,
    /// Those that spoke of a node that is not known.
    pub unknown: u64,
    /// Those that had been read before, and were left alone.
    pub repeated: u64,
    /// Messages that are there and have not been read.
    pub lag: u64,
    /// When the last came, seconds since 1970; 0 before the first.
    pub last_message_seconds: u64,
}

/// How a source fares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceReport {
    /// Its name, as in its readings.
    pub source: String,
    /// Looks since the start.
    pub looks: u64,
    /// Looks that failed.
    pub failures: u64,
    /// How long the last look took, milliseconds.
    pub look_millis: u64,
    /// Why the last look failed; none where it did not.
    pub problem: Option<String>,
    /// What it cannot see, and what would show it.
    pub notes: Vec<String>,
    /// Of a source of series.
    pub series: Option<SeriesCounts>,
    /// Of a source of messages.
    pub stream: Option<StreamCounts>,
}

/// A source of a real system, which is only looked at.
pub trait RealSource: Source {
    /// The resources that its amounts are of, in order.
    fn schema(&self) -> ResourceSchema;

    /// What it looks at, for people.
    fn about(&self) -> String;

    /// What it knows of the time before now, as complete lists, the oldest first; nothing where it keeps no past. May take as long as the
    /// asking does.
    fn past(&mut self, _now_seconds: u64) -> Vec<Readings> {
        Vec::new()
    }

    /// The number of the last sign of a fault that it told, to be kept with what was learned of signs; none where there is nothing to keep.
    fn signs_told(&self) -> Option<u64> {
        None
    }

    /// What was learned of signs is kept with that number: they are not told again.
    fn signs_kept(&mut self, _number: u64) {}

    /// How it fares.
    fn report(&self) -> SourceReport;
}

/// The resources of real sources: what is not known of a node has no capacity and is not shown as a share.
pub(crate) const RESOURCES: [&str; 7] = [
    "cpu_millicores",
    "memory_mib",
    "network_mbit_s",
    "disk_busy_permille",
    "cpu_stall_permille",
    "memory_stall_permille",
    "io_stall_permille",
];

/// [`RESOURCES`] as a schema.
pub(crate) fn schema() -> ResourceSchema {
    ResourceSchema::new(RESOURCES).expect("seven names that differ")
}

/// This moment, seconds since 1970.
#[cfg(any(feature = "kafka", feature = "prometheus"))]
pub(crate) fn unix_seconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
