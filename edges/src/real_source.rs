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
