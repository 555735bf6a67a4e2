//! Workloads: a cluster, a list of tasks to draw from, and the sequences in which they arrive. They come
//! from trace files or from generators; experiments do not see the difference.

pub mod jobs;
mod load;
mod nodes;
mod openb;
mod openb_over_time;
mod sequence;

pub use openb::{OpenbFiles, load_openb, workload_of_openb};
pub use openb_over_time::openb_over_time;
pub use sequence::sequence;

use std::collections::BTreeMap;

use lepton_core::model::fragmentation::TargetWorkload;
use lepton_core::model::{ClassId, Cluster};

pub use crate::readers::openb::Arrivals;

/// A task of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadTask {
    /// Its name.
    pub name: Box<str>,
    /// Its class in the cluster.
    pub class: ClassId,
}

/// What a placement study replays.
#[derive(Debug, Clone)]
pub struct PlacementWorkload {
    /// Short name for tables and reports.
    pub name: String,
    /// The cluster without tasks, all classes known.
    pub cluster: Cluster,
    /// The task list, sorted by name.
    pub tasks: Vec<WorkloadTask>,
    /// The mix that fragmentation is judged against: the shapes of 95% of the list.
    pub target: TargetWorkload,
    /// Given arrival sequences by seed; other seeds are drawn by [`sequence()`].
    pub arrivals: BTreeMap<u64, Arrivals>,
    /// What a careful reader would want to know about the input.
    pub warnings: Vec<String>,
}
