//! Reader of cluster snapshots: a [`ClusterDocument`] as JSON, checked as a whole before it is used.

use std::io::{self, Read};
use std::path::Path;

use lepton_core::model::fragmentation::TargetWorkload;
use lepton_core::model::{Cluster, ClusterDocument, TaskId};

use super::open::{unpacked, without_byte_order_mark};
use super::{InputError, in_plain_words};

/// Largest snapshot, bytes unpacked: about three million tasks.
const SNAPSHOT_BYTES_MAX: u64 = 1 << 30;
/// Bytes that are looked at before the rest is read.
const FIRST_BYTES: u64 = 1 << 12;

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
    // Parsing from memory takes a third of the time.
    let bytes = all_of(path, reader)?;
    let document: ClusterDocument = serde_json::from_slice(&bytes).map_err(|e| {
        let kind = if e.is_data() { "not a cluster snapshot" } else { "not JSON" };
        let error = InputError::new(path, format!("{kind}: {}", without_position(&e)));
        if e.line() == 0 { error } else { error.at_line(e.line() as u64) }
    })?;
    drop(bytes);
    let cluster = document.to_cluster().map_err(|e| InputError::new(path, e.to_string()))?;
    if cluster.node_count() == 0 {
        return Err(InputError::new(path, "the cluster has no node"));
    }
    let expected = document.expected_workload(&cluster).map_err(|e| InputError::new(path, e.to_string()))?;
    let expected = if expected.is_empty() { mix_of(&cluster) } else { expected };
    Ok(ClusterSnapshot { time_seconds: document.time_seconds, cluster, expected })
}

/// The bytes of a document. What does not begin as one is refused before the rest is read.
fn all_of(path: &Path, reader: impl Read) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    let mut limited = reader.take(SNAPSHOT_BYTES_MAX + 1);
    let mut chunk = |bytes: &mut Vec<u8>, most: u64| {
        limited.by_ref().take(most).read_to_end(bytes).map_err(|e| cannot_be_read(path, &e))
    };
    chunk(&mut bytes, FIRST_BYTES)?;
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|&first| first != b'{') {
        return Err(InputError::new(path, "not JSON of a cluster snapshot: it does not begin with `{`"));
    }
    chunk(&mut bytes, u64::MAX)?;
    if bytes.len() as u64 > SNAPSHOT_BYTES_MAX {
        return Err(InputError::new(path, format!("is longer than the limit of {SNAPSHOT_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

fn cannot_be_read(path: &Path, error: &io::Error) -> InputError {
    InputError::new(path, format!("cannot be read: {error}"))
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
