//! Reader of cluster snapshots: a [`ClusterDocument`] as JSON, checked as a whole before it is used.

use std::io::Read;
use std::path::Path;

use lepton_core::model::fragmentation::TargetWorkload;
use lepton_core::model::{Cluster, ClusterDocument, TaskId};

use super::InputError;
use super::json_document::read_document_from;
use super::open::{unpacked, without_byte_order_mark};

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
    read_snapshot_from(path, without_byte_order_mark(unpacked(path)?))
}

/// The same over an open reader; the path is only named in errors.
///
/// # Errors
/// As [`read_snapshot`].
pub fn read_snapshot_from(path: &Path, reader: impl Read) -> Result<ClusterSnapshot, InputError> {
    let document: ClusterDocument = read_document_from(path, reader, "a cluster snapshot")?;
    let cluster = document.to_cluster().map_err(|e| InputError::new(path, e.to_string()))?;
    if cluster.node_count() == 0 {
        return Err(InputError::new(path, "the cluster has no node"));
    }
    let expected = document.expected_workload(&cluster).map_err(|e| InputError::new(path, e.to_string()))?;
    let expected = if expected.is_empty() { mix_of(&cluster) } else { expected };
    Ok(ClusterSnapshot { time_seconds: document.time_seconds, cluster, expected })
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
