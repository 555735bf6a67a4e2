//! Reader of GPU training jobs in the form of the Philly trace: a CSV of jobs with columns `submit_s`,
//! `duration_s`, `gpus`, `vc`, and a CSV of virtual clusters with columns `vc`, `nodes`.
//!
//! Rules: the requested time is the duration (the trace has no requests, so policies that read it are
//! oracles). A duration of 0 leaves the job out; negative ones are refused, as are jobs without GPUs.
//! Submit times may be negative (before the trace's zero). Jobs out of order are moved, keeping the order of
//! the rows among those of the same second. The owner of a job is its virtual cluster.

use std::collections::HashMap;
use std::path::Path;

use super::{CsvTable, InputError, JobTrace};
use crate::jobs::{JOB_VALUE_MAX, Job, SUBMIT_SECONDS_MAX};

/// A virtual cluster: a part of the cluster with its own queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualCluster {
    /// Its name.
    pub name: String,
    /// Its nodes.
    pub nodes: u32,
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
        let submit_seconds = row.integer(submit, -SUBMIT_SECONDS_MAX, SUBMIT_SECONDS_MAX)?;
        let run_seconds = row.integer(duration, 0, JOB_VALUE_MAX)? as u32;
        let size = row.integer(gpus, 1, JOB_VALUE_MAX)? as u32;
        let name = row.name(vc)?;
        let owner = owners.get(name).copied().unwrap_or_else(|| {
            let next = owners.len() as u32;
            owners.insert(name.to_owned(), next);
            trace.jobs.owners.push(name.to_owned());
            next
        });
        if run_seconds == 0 {
            trace.left_out_without_run += 1;
        } else {
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
        return Err(InputError::new(table.file(), "has no job that ran"));
    }
    trace.moved_into_order = trace.jobs.sort_by_submit();
    Ok(trace)
}

/// Reads the virtual clusters, in the order of the file.
///
/// # Errors
/// When the file cannot be read, a column is missing, a name is empty or twice there, or a number of nodes
/// is not from 1 to 1,000,000.
pub fn read_virtual_clusters(path: &Path) -> Result<Vec<VirtualCluster>, InputError> {
    let mut table = CsvTable::open(path)?;
    let (vc, nodes) = (table.column("vc")?, table.column("nodes")?);
    let mut clusters: Vec<VirtualCluster> = Vec::new();
    while let Some(row) = table.next_row()? {
        let name = row.name(vc)?.to_owned();
        if clusters.iter().any(|c| c.name == name) {
            return Err(row.error(vc, "the virtual cluster is there twice"));
        }
        clusters.push(VirtualCluster { name, nodes: row.integer(nodes, 1, 1_000_000)? as u32 });
    }
    if clusters.is_empty() {
        return Err(InputError::new(path, "has no virtual cluster"));
    }
    Ok(clusters)
}

#[cfg(test)]
mod tests;
