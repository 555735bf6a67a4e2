//! Reader of GPU training jobs in the form of the Philly trace: a CSV of jobs with columns `submit_s`,
//! `duration_s`, `gpus`, `vc`, and a CSV of virtual clusters with columns `vc`, `nodes`.
//!
//! Rules: the requested time is the duration (the trace has no requests, so policies that read it are
//! oracles). A duration of 0, or none, leaves the job out, and so do no GPUs; negative numbers are refused. Times may
//! have fractions and are rounded. Submit times may be negative (before the trace's zero). Jobs out of order are moved,
//! keeping the order of the rows among those of the same second. The owner of a job is its virtual cluster. A virtual
//! cluster with nodes of several sizes has a row for each size, told apart by the optional column `gpus_per_node`.

use std::collections::HashMap;
use std::path::Path;

use super::{CsvTable, InputError, JobTrace, WITHOUT_RUN, WITHOUT_SIZE, room_for_a_job};
use crate::jobs::{JOB_VALUE_MAX, Job, SUBMIT_SECONDS_MAX};

/// Most virtual clusters: each is a run of its own.
const CLUSTERS_MAX: usize = 10_000;

/// Most GPUs of a node.
const GPUS_PER_NODE_MAX: i64 = 64;

/// A virtual cluster: a part of the cluster with its own queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualCluster {
    /// Its name.
    pub name: String,
    /// Its nodes, by their size.
    pub nodes: Vec<NodesOfSize>,
}

/// Nodes of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodesOfSize {
    /// How many.
    pub nodes: u32,
    /// GPUs of each, where the file says so.
    pub gpus_per_node: Option<u32>,
}

/// Reads the jobs.
///
/// # Errors
/// When the file cannot be read, a column is missing, a field is no whole number within its bounds, or there
/// is no job at all.
pub fn read_philly_jobs(path: &Path) -> Result<JobTrace, InputError> {
    read_philly_jobs_from(CsvTable::open(path)?)
}

/// The same over an open table.
///
/// # Errors
/// As [`read_philly_jobs`].
pub fn read_philly_jobs_from(mut table: CsvTable) -> Result<JobTrace, InputError> {
    let (submit, duration) = (table.column("submit_s")?, table.column("duration_s")?);
    let (gpus, vc) = (table.column("gpus")?, table.column("vc")?);
    let mut trace = JobTrace::default();
    let mut owners: HashMap<String, u32> = HashMap::new();
    let mut id = 0;
    while let Some(row) = table.next_row()? {
        let submit_seconds = row.seconds(submit, -SUBMIT_SECONDS_MAX, SUBMIT_SECONDS_MAX)?;
        let run_seconds = row.length_seconds_or_empty(duration, JOB_VALUE_MAX)?.unwrap_or(0) as u32;
        let size = row.integer_or_empty(gpus, 0, JOB_VALUE_MAX)?.unwrap_or(0) as u32;
        let name = row.name(vc)?;
        let owner = owners.get(name).copied().unwrap_or_else(|| {
            let next = owners.len() as u32;
            owners.insert(name.to_owned(), next);
            trace.jobs.owners.push(name.to_owned());
            next
        });
        if run_seconds == 0 {
            trace.left_out.add(WITHOUT_RUN);
        } else if size == 0 {
            trace.left_out.add(WITHOUT_SIZE);
        } else {
            room_for_a_job(trace.jobs.len(), row.file(), row.line())?;
            let requested_seconds = run_seconds;
            trace.jobs.push(Job {
                id,
                submit_seconds,
                run_seconds,
                requested_seconds,
                size,
                owner,
                priority: 0,
            });
        }
        id += 1;
    }
    if trace.jobs.is_empty() {
        return Err(trace.left_out.without_any(table.file(), "job"));
    }
    trace.moved_into_order = trace.jobs.sort_by_submit();
    Ok(trace)
}

/// Reads the virtual clusters, in the order of the file.
///
/// # Errors
/// When the file cannot be read, a column is missing, a name is empty or twice there with nodes of the same size, a
/// number of nodes is not from 1 to 1,000,000 or one of GPUs not from 1 to 64.
pub fn read_virtual_clusters(path: &Path) -> Result<Vec<VirtualCluster>, InputError> {
    let mut table = CsvTable::open(path)?;
    let (vc, nodes) = (table.column("vc")?, table.column("nodes")?);
    let gpus = table.find("gpus_per_node");
    let mut clusters: Vec<VirtualCluster> = Vec::new();
    while let Some(row) = table.next_row()? {
        let name = row.name(vc)?;
        let gpus_per_node = match gpus {
            Some(column) => row.integer_or_empty(column, 1, GPUS_PER_NODE_MAX)?.map(|gpus| gpus as u32),
            None => None,
        };
        let nodes = row.integer(nodes, 1, 1_000_000)? as u32;
        let group = NodesOfSize { nodes, gpus_per_node };
        match clusters.iter().position(|c| c.name == name) {
            Some(at) if clusters[at].nodes.iter().any(|g| g.gpus_per_node == gpus_per_node) => {
                return Err(row.error(vc, "the virtual cluster is there twice with nodes of the same size"));
            }
            Some(at) => clusters[at].nodes.push(group),
            None if clusters.len() == CLUSTERS_MAX => {
                let problem = format!("has more than {CLUSTERS_MAX} virtual clusters");
                return Err(InputError::new(path, problem).at_line(row.line()));
            }
            None => clusters.push(VirtualCluster { name: name.to_owned(), nodes: vec![group] }),
        }
    }
    if clusters.is_empty() {
        return Err(InputError::new(path, "has no virtual cluster"));
    }
    Ok(clusters)
}

#[cfg(test)]
mod tests;
