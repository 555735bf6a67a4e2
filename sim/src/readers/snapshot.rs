//! Reader of cluster snapshots: a [`ClusterDocument`] as JSON, checked as a whole before it is used.

use std::io::BufRead;
use std::path::Path;

use lepton_core::model::fragmentation::TargetWorkload;
use lepton_core::model::{Cluster, ClusterDocument, TaskId};

use super::{InputError, in_plain_words, open};

/// Largest snapshot, bytes unpacked: about ten million tasks.
const SNAPSHOT_BYTES_MAX: u64 = 4 << 30;

/// A cluster at one moment.
#[derive(Debug, Clone)]
pub struct ClusterSnapshot {
    /// Seconds since the start of the trace, or of the epoch for a live cluster.
    pub time_seconds: u64,
    /// Nodes and tasks; those without a place wait for one.
    pub cluster: Cluster,
    /// The mix of tasks that is expected: what the file says, or else the mix of its tasks.
    pub expected: TargetWorkload,
}

/// Reads a snapshot.
///
/// # Errors
/// When the file cannot be read, is no snapshot, or says what cannot be.
pub fn read_snapshot(path: &Path) -> Result<ClusterSnapshot, InputError> {
    read_snapshot_from(path, open(path)?)
}

/// The same over an open reader; the path is only named in errors.
///
/// # Errors
/// As [`read_snapshot`].
pub fn read_snapshot_from(path: &Path, reader: impl BufRead) -> Result<ClusterSnapshot, InputError> {
    let mut limited = reader.take(SNAPSHOT_BYTES_MAX);
    let read: Result<ClusterDocument, _> = serde_json::from_reader(&mut limited);
    let document = read.map_err(|e| {
        let problem = if limited.limit() == 0 {
            format!("is longer than the limit of {SNAPSHOT_BYTES_MAX} bytes")
        } else if e.is_io() {
            format!("cannot be read: {e}")
        } else if e.is_data() {
            format!("not a cluster snapshot: {}", without_position(&e))
        } else {
            format!("not JSON: {}", without_position(&e))
        };
        let error = InputError::new(path, problem);
        if e.line() == 0 { error } else { error.at_line(e.line() as u64) }
    })?;
    let cluster = document.to_cluster().map_err(|e| InputError::new(path, e.to_string()))?;
    if cluster.node_count() == 0 {
        return Err(InputError::new(path, "the cluster has no node"));
    }
    let expected = document.expected_workload(&cluster).map_err(|e| InputError::new(path, e.to_string()))?;
    let expected = if expected.is_empty() { mix_of(&cluster) } else { expected };
    Ok(ClusterSnapshot { time_seconds: document.time_seconds, cluster, expected })
}

/// What serde says without "at line 3 column 5": the error names the line itself.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    in_plain_words(text.rsplit_once(" at line ").map_or(text.as_str(), |(said, _)| said))
}

fn mix_of(cluster: &Cluster) -> TargetWorkload {
    let mut counts = vec![0_u64; cluster.classes().len()];
    for task in (0..cluster.tasks().len()).map(TaskId::from) {
        counts[cluster.task(task).class.index()] += 1;
    }
    let counts = counts.into_iter().enumerate().filter(|&(_, n)| n > 0);
    TargetWorkload::from_classes(cluster, &counts.map(|(class, n)| (class.into(), n)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
