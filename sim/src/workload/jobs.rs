//! From traces and generators to the workload of a study of jobs: machines, virtual clusters, sequences,
//! load.

use std::sync::Arc;

use lepton_core::decide::placement_policies::PLACEMENT_POLICIES;
use lepton_core::model::fragmentation::TargetWorkload;
use lepton_core::model::{Cluster, counted};

pub use super::load::{offered_load, scale_load};
pub use super::nodes::{NamedNodes, NodeGroup, Nodes};
use crate::jobs::Jobs;
use crate::jobs::machine::Topology;
use crate::readers::LeftOut;

/// The machine of a study.
#[derive(Debug, Clone)]
pub enum MachineSpec {
    /// Units without places.
    Pool,
    /// Nodes with GPUs.
    GpuNodes {
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
    /// Its nodes.
    pub nodes: Nodes,
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
    /// What of the input is no job of the workload, and why.
    pub left_out: Vec<LeftOut>,
    /// What a careful reader would want to know about the input.
    pub warnings: Vec<String>,
}

/// A workload of one part: all jobs on `nodes`.
pub fn whole(
    name: &str,
    jobs: Arc<Jobs>,
    nodes: impl Into<Nodes>,
    machine: MachineSpec,
    seed: u64,
) -> JobsWorkload {
    let range = 0..jobs.len();
    let part = Part { virtual_cluster: None, start: None, seed, nodes: nodes.into(), jobs, range };
    JobsWorkload::of(name, machine, vec![part])
}

/// Cuts the jobs into sequences of `length` jobs from each of `starts`, each on an empty machine.
///
/// # Errors
/// When a sequence goes beyond the end of the trace or is empty: which one, in a sentence.
pub fn sequences(
    name: &str,
    jobs: &Arc<Jobs>,
    nodes: impl Into<Nodes>,
    machine: MachineSpec,
    (starts, length): (&[usize], usize),
    seed: u64,
) -> Result<JobsWorkload, String> {
    let nodes = nodes.into();
    let mut parts = Vec::new();
    for &start in starts {
        let end = start.checked_add(length).filter(|&end| end <= jobs.len() && length > 0);
        let range = start..end.ok_or_else(|| {
            let (length, all) = (counted(length, "job", "jobs"), counted(jobs.len(), "job", "jobs"));
            format!("a sequence of {length} from {start} does not fit a trace of {all}")
        })?;
        let (jobs, nodes) = (Arc::clone(jobs), nodes.clone());
        parts.push(Part { virtual_cluster: None, start: Some(start), seed, nodes, jobs, range });
    }
    Ok(JobsWorkload::of(name, machine, parts))
}

/// One part per virtual cluster or partition of the machine, given by name. Jobs are told apart by their partition, or
/// by their owner where the trace has no partitions; those of others are left out, with a count.
pub fn virtual_clusters(
    name: &str,
    jobs: &Jobs,
    clusters: Vec<NamedNodes>,
    machine: MachineSpec,
    seed: u64,
) -> JobsWorkload {
    let (of_job, names) = if jobs.partitions.is_empty() {
        (&jobs.owner, &jobs.owners)
    } else {
        (&jobs.partition, &jobs.partitions)
    };
    let mut parts = Vec::new();
    let mut taken = 0;
    for NamedNodes { name: cluster, nodes } in clusters {
        let Some(index) = names.iter().position(|n| *n == cluster) else { continue };
        let own = jobs.picked((0..jobs.len()).filter(|&i| of_job[i] as usize == index));
        taken += own.len();
        if own.is_empty() {
            continue;
        }
        let (range, jobs) = (0..own.len(), Arc::new(own));
        parts.push(Part { virtual_cluster: Some(cluster), start: None, seed, nodes, range, jobs });
    }
    let mut workload = JobsWorkload::of(name, machine, parts);
    let left = jobs.len() - taken;
    if left > 0 {
        workload.left_out.push(LeftOut { count: left, why: OF_NO_CLUSTER });
    }
    workload
}

/// Why a job is left out: nothing of the machine is for it.
const OF_NO_CLUSTER: &str = "of none of the virtual clusters or partitions";

impl JobsWorkload {
    fn of(name: &str, machine: MachineSpec, parts: Vec<Part>) -> Self {
        Self { name: name.to_owned(), machine, parts, left_out: Vec::new(), warnings: Vec::new() }
    }
}
