//! A source of a real system: readings as for any other, and what it has to say of itself.

#[cfg(any(feature = "kafka", feature = "logs"))]
use std::sync::Arc;

use lepton_core::collect::Source;
use lepton_core::model::{Readings, ResourceSchema};
use serde::{Deserialize, Serialize};

#[cfg(any(feature = "kafka", feature = "logs"))]
use crate::node_names::NodeNames;

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
    /// Those that were longer than is read, of which the rest was left out.
    pub cut: u64,
    /// Names of nodes that are not known, with where they were read; some of them.
    pub examples: Vec<String>,
    /// When the last came, seconds since 1970; 0 before the first.
    pub last_message_seconds: u64,
}

impl StreamCounts {
    /// Most examples that are shown.
    #[cfg(any(feature = "kafka", feature = "logs"))]
    const EXAMPLES_MAX: usize = 5;

    /// Shows a node that is not known, where few are shown.
    #[cfg(any(feature = "kafka", feature = "logs"))]
    pub(crate) fn show(&mut self, node: &str, place: &str) {
        let example = format!("node `{node}`, {place}");
        if self.examples.len() < Self::EXAMPLES_MAX && !self.examples.contains(&example) {
            self.examples.push(example);
        }
    }

    /// Takes over examples that are not shown yet.
    #[cfg(feature = "logs")]
    pub(crate) fn take_examples(&mut self, examples: Vec<String>) {
        let room = Self::EXAMPLES_MAX - self.examples.len();
        let new: Vec<String> =
            examples.into_iter().filter(|of| !self.examples.contains(of)).take(room).collect();
        self.examples.extend(new);
    }
}

/// Messages of one fault that came from a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultMessages {
    /// The node.
    pub node: String,
    /// Name of the pattern that they fit.
    pub pattern: String,
    /// How bad they are: critical, error or warning.
    pub severity: String,
    /// What is at fault by them.
    pub cause: String,
    /// How many came.
    pub count: u64,
    /// When the last was written, seconds since 1970.
    pub last_seconds: u64,
    /// That one, cut where it is long.
    pub example: String,
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
    /// Messages of faults that it found, by node and fault; of a source of lines of logs.
    pub faults: Vec<FaultMessages>,
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

    /// The nodes that there are by now by another source, of which a source beside it speaks.
    fn know_nodes(&mut self, _names: &[&str]) {}

    /// How it fares.
    fn report(&self) -> SourceReport;
}

/// Puts these nodes in the place of those known before, where they are others.
#[cfg(any(feature = "kafka", feature = "logs"))]
pub(crate) fn know_nodes(known: &mut Option<Arc<NodeNames>>, names: &[&str]) {
    let same = known.as_ref().map_or(names.is_empty(), |known| known.are(names));
    if !same {
        *known = Some(Arc::new(NodeNames::of(names))).filter(|known| !known.is_empty());
    }
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
#[cfg(any(feature = "kafka", feature = "logs", feature = "prometheus"))]
pub(crate) fn unix_seconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
