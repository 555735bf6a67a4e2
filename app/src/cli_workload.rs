//! What commands share that read or generate workloads: formats, generators, how numbers of nodes are read.

use clap::ValueEnum;
use lepton_sim::generate::{GpuClusterKind, gpu_cluster, openb_like};
use lepton_sim::readers::{JobStatus, SwfLines};
use lepton_sim::workload::PlacementWorkload;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceFormat {
    /// Node list, task list and arrival orders as CSV (Alibaba cluster-trace-gpu-v2023)
    Openb,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Generator {
    /// A GPU cluster and task list with the statistics of the openb trace
    OpenbLike,
    /// Invented: nodes with eight devices, tasks that mostly take whole ones
    Training,
    /// Invented: nodes with one to four devices, tasks that mostly share one
    Inference,
    /// Invented: too little CPU beside the devices, many tasks without devices
    ScarceCpu,
    /// Invented: five device models, tasks bound to one of them
    BoundModels,
    /// Invented: tasks that take two to eight devices of a node at once
    MultiDevice,
}

impl Generator {
    /// Whether its workloads differ from seed to seed.
    pub(crate) fn draws(self) -> bool {
        self != Self::OpenbLike
    }

    /// The workload on so many nodes. Invented ones are drawn by the seed, openb-like is the same for every one.
    pub(crate) fn workload(self, nodes: usize, seed: u64) -> PlacementWorkload {
        let kind = match self {
            Self::OpenbLike => return openb_like(nodes),
            Self::Training => GpuClusterKind::Training,
            Self::Inference => GpuClusterKind::Inference,
            Self::ScarceCpu => GpuClusterKind::ScarceCpu,
            Self::BoundModels => GpuClusterKind::BoundModels,
            Self::MultiDevice => GpuClusterKind::MultiDevice,
        };
        let workload = gpu_cluster(kind, nodes, seed);
        PlacementWorkload { name: format!("{}-{seed}", workload.name), ..workload }
    }
}

/// Which lines of an SWF trace are jobs, by their status (field 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum JobStatusChoice {
    /// -1 or a number that the format does not define
    Unknown,
    /// 0: ran and failed
    Failed,
    /// 1: ran to its end
    Completed,
    /// 2, 3, 4: a part of a job that was interrupted, in the place of the job as a whole
    Part,
    /// 5: cancelled while it ran; what was cancelled while it waited never ran
    Cancelled,
}

/// What the reader of SWF traces is told.
pub(crate) fn swf_lines(statuses: &[JobStatusChoice]) -> SwfLines {
    SwfLines(
        statuses
            .iter()
            .map(|status| match status {
                JobStatusChoice::Unknown => JobStatus::Unknown,
                JobStatusChoice::Failed => JobStatus::Failed,
                JobStatusChoice::Completed => JobStatus::Completed,
                JobStatusChoice::Part => JobStatus::Part,
                JobStatusChoice::Cancelled => JobStatus::Cancelled,
            })
            .collect(),
    )
}

/// Reads a number of nodes: 1 to a million.
pub(crate) fn nodes_count(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(count) if (1..=1_000_000).contains(&count) => Ok(count),
        _ => Err("expected a whole number from 1 to 1000000".to_owned()),
    }
}

/// Reads a load: above 0, at most 10.
pub(crate) fn load(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(load) if load > 0.0 && load <= 10.0 => Ok(load),
        _ => Err("expected a number above 0 and at most 10; 1.3 means 130% of the capacity".to_owned()),
    }
}

/// Reads how far tasks overstate how long they will run: 1 to 1000.
pub(crate) fn request_factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if (1.0..=1000.0).contains(&factor) => Ok(factor),
        _ => Err("expected a number from 1 to 1000; 3 means that tasks ask for up to three times their work"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_out_of_range_are_refused() {
        for bad in ["0", "-1", "NaN", "inf", "11", ""] {
            assert!(load(bad).is_err(), "{bad}");
        }
    }
}
