//! From traces and generators to the workload of a study of jobs: machines, virtual clusters, sequences,
//! load.

use std::collections::HashMap;
use std::sync::Arc;

use lepton_core::decide::placement_policies::PLACEMENT_POLICIES;
use lepton_core::model::fragmentation::TargetWorkload;
use lepton_core::model::{ClassId, Cluster, Task};

use super::{OpenbFiles, workload_of_openb};
use crate::jobs::machine::Topology;
use crate::jobs::{JOB_VALUE_MAX, Job, Jobs};
use crate::readers::openb::{read_nodes, read_tasks};
use crate::readers::{InputError, JobTrace, VirtualCluster};

/// The machine of a study.
#[derive(Debug, Clone)]
pub enum MachineSpec {
    /// Units without places.
    Pool,
    /// Nodes of equal GPU count.
    GpuNodes {
        /// GPUs of each node.
        gpus_per_node: u32,
        /// Domains and racks.
        topology: Topology,
    },
    /// A cluster that knows the jobs as its tasks; used by one part alone.
    Cluster {
        /// The cluster; task i is job i.
        cluster: Box<Cluster>,
        /// The mix that fragmentation is judged against.
        target: TargetWorkload,
    },
}

impl MachineSpec {
    /// What the machine has and jobs take of it: "node" or "GPU". A pool does not know what its units are;
    /// batch traces count processors or nodes, and here both are called nodes.
    pub fn unit(&self) -> &'static str {
        if matches!(self, Self::Pool) { "node" } else { "GPU" }
    }

    /// Size of a job that takes one whole unit.
    pub fn unit_size(&self) -> u32 {
        if matches!(self, Self::Cluster { .. }) { 1000 } else { 1 }
    }

    /// Names of the placements that it has.
    pub fn placements(&self) -> Vec<&'static str> {
        match self {
            Self::Pool => vec!["pool"],
            Self::GpuNodes { .. } => vec!["consolidate", "spread", "topology"],
            Self::Cluster { .. } => PLACEMENT_POLICIES.iter().map(|p| p.name).collect(),
        }
    }
}

/// A part of the workload that is scheduled alone: the whole, a virtual cluster, or a sequence.
#[derive(Debug, Clone)]
pub struct Part {
    /// Virtual cluster, where there are several.
    pub virtual_cluster: Option<String>,
    /// First job of the sequence, where the workload is cut into sequences.
    pub start: Option<usize>,
    /// Seed of what the part has of chance.
    pub seed: u64,
    /// Nodes (of a pool: units).
    pub nodes: u32,
    /// Its jobs, in order of submission. A sequence is the range of them below.
    pub jobs: Arc<Jobs>,
    /// The jobs to run.
    pub range: std::ops::Range<usize>,
}

/// What a study runs over.
#[derive(Debug, Clone)]
pub struct JobsWorkload {
    /// Short name for tables and reports.
    pub name: String,
    /// The machine.
    pub machine: MachineSpec,
    /// The parts.
    pub parts: Vec<Part>,
    /// What a careful reader would want to know about the input.
    pub warnings: Vec<String>,
}

impl JobTrace {
    /// What a careful reader would want to know about the trace.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |count: usize, what: &str| {
            if count > 0 {
                warnings.push(format!("{count} jobs {what}"));
            }
        };
        warn(self.left_out_without_run, "with a run time of 0 are left out");
        warn(self.left_out_without_size, "without processors are left out");
        warn(self.moved_into_order, "stood after one submitted later and were moved");
        warnings
    }
}

/// A workload of one part: all jobs on `nodes` nodes.
pub fn whole(name: &str, jobs: Arc<Jobs>, nodes: u32, machine: MachineSpec, seed: u64) -> JobsWorkload {
    let range = 0..jobs.len();
    let part = Part { virtual_cluster: None, start: None, seed, nodes, jobs, range };
    JobsWorkload { name: name.to_owned(), machine, parts: vec![part], warnings: Vec::new() }
}

/// Cuts the jobs into sequences of `length` jobs from each of `starts`, each on an empty machine.
///
/// # Errors
/// When a sequence goes beyond the end of the trace or is empty: which one, in a sentence.
pub fn sequences(
    name: &str,
    jobs: &Arc<Jobs>,
    nodes: u32,
    machine: MachineSpec,
    (starts, length): (&[usize], usize),
    seed: u64,
) -> Result<JobsWorkload, String> {
    let mut parts = Vec::new();
    for &start in starts {
        let end = start.checked_add(length).filter(|&end| end <= jobs.len() && length > 0);
        let range = start..end.ok_or_else(|| {
            format!("a sequence of {length} jobs from {start} does not fit a trace of {} jobs", jobs.len())
        })?;
        let jobs = Arc::clone(jobs);
        parts.push(Part { virtual_cluster: None, start: Some(start), seed, nodes, jobs, range });
    }
    Ok(JobsWorkload { name: name.to_owned(), machine, parts, warnings: Vec::new() })
}

/// One part per virtual cluster, on its nodes divided by `divisor` and rounded up. Jobs are told apart by
/// their owner; those of other owners are left out, with a warning.
pub fn virtual_clusters(
    name: &str,
    jobs: &Jobs,
    clusters: &[VirtualCluster],
    divisor: u32,
    machine: MachineSpec,
    seed: u64,
) -> JobsWorkload {
    let mut parts = Vec::new();
    let mut taken = 0;
    for cluster in clusters {
        let owner = jobs.owners.iter().position(|o| *o == cluster.name).map(|o| o as u32);
        let own = jobs.filtered(|j| Some(j.owner) == owner);
        taken += own.len();
        if own.is_empty() {
            continue;
        }
        parts.push(Part {
            virtual_cluster: Some(cluster.name.clone()),
            start: None,
            seed,
            nodes: cluster.nodes.div_ceil(divisor.max(1)),
            range: 0..own.len(),
            jobs: Arc::new(own),
        });
    }
    let left = jobs.len() - taken;
    let warnings = (left > 0).then(|| format!("{left} jobs belong to no virtual cluster and are left out"));
    JobsWorkload { name: name.to_owned(), machine, parts, warnings: warnings.into_iter().collect() }
}

/// Work of the jobs over capacity from the first to the last submission, as a fraction; 0 when there is no
/// time in between.
pub fn offered_load(jobs: &Jobs, units: u64) -> f64 {
    let (Some(first), Some(last)) = (jobs.submit_seconds.first(), jobs.submit_seconds.last()) else {
        return 0.0;
    };
    let work: f64 = jobs.run_seconds.iter().zip(&jobs.size).map(|(&r, &s)| f64::from(r) * f64::from(s)).sum();
    let capacity = units as f64 * (last - first) as f64;
    if capacity > 0.0 { work / capacity } else { 0.0 }
}

/// Moves submissions closer together or further apart so that the offered load on `units` is `load`.
pub fn scale_load(jobs: &mut Jobs, units: u64, load: f64) {
    let factor = offered_load(jobs, units) / load;
    if factor <= 0.0 || !factor.is_finite() {
        return;
    }
    let Some(&first) = jobs.submit_seconds.first() else { return };
    for submit in &mut jobs.submit_seconds {
        *submit = first + ((*submit - first) as f64 * factor).round() as i64;
    }
}

/// An openb trace over time: tasks come at their creation, wait when nothing fits, run for deletion minus
/// creation, and leave. Sizes are thousandths of a device. Tasks deleted when created are left out.
///
/// # Errors
/// When a file cannot be read or a task lacks its times.
pub fn openb_over_time(files: &OpenbFiles, seed: u64) -> Result<JobsWorkload, InputError> {
    let nodes = read_nodes(&files.nodes)?;
    let tasks = read_tasks(&files.tasks)?;
    let name = files.tasks.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let mut workload = workload_of_openb(&name, &nodes, &tasks).map_err(|(of_tasks, problem)| {
        InputError::new(if of_tasks { &files.tasks } else { &files.nodes }, problem)
    })?;
    let class_of: HashMap<&str, ClassId> =
        workload.tasks.iter().map(|t| (t.name.as_ref(), t.class)).collect();
    let mut left_out = 0;
    let mut timed: Vec<(i64, i64, &str, ClassId)> = Vec::new();
    for task in &tasks {
        let (Some(created), Some(deleted)) = (task.creation_seconds, task.deletion_seconds) else {
            return Err(InputError::new(&files.tasks, "the task has no creation or deletion time")
                .at_line(task.line)
                .in_column("creation_time, deletion_time"));
        };
        if deleted <= created {
            left_out += 1;
        } else if let Some(&class) = class_of.get(task.name.as_str()) {
            timed.push((created, deleted - created, &task.name, class));
        }
    }
    // Tasks of the same second stay in the order of the file.
    timed.sort_by_key(|t| t.0);
    let mut jobs = Jobs { owners: vec![name.clone()], ..Jobs::default() };
    for (id, &(submit_seconds, run, task, class)) in (0..).zip(&timed) {
        workload.cluster.add_task(Task::new(task, class));
        let run_seconds = run.min(JOB_VALUE_MAX) as u32;
        let size = workload.cluster.class(class).demand.device_milli() as u32;
        jobs.push(Job {
            id,
            submit_seconds,
            run_seconds,
            requested_seconds: run_seconds,
            size,
            owner: 0,
            priority: 0,
        });
    }
    if left_out > 0 {
        workload.warnings.push(format!("{left_out} tasks deleted when created are left out"));
    }
    let nodes = workload.cluster.node_count() as u32;
    let machine = MachineSpec::Cluster { cluster: Box::new(workload.cluster), target: workload.target };
    let mut out = whole(&name, Arc::new(jobs), nodes, machine, seed);
    out.warnings = workload.warnings;
    Ok(out)
}
