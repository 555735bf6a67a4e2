//! Generators: workloads made from published statistics or invented ones, so that nothing needs a file.

mod batch_machines;
mod chance;
mod faults;
mod gpu_clusters;
mod lublin;
mod openb_like;
mod reassignment;
mod task_arrivals;

pub use batch_machines::BatchMachines;
pub use faults::{
    FAULT_CAUSES, FAULT_NODES_MAX, FAULT_PRESETS, FaultCause, FaultEvent, FaultOptions, FaultPreset,
    FaultWorld,
};
pub use gpu_clusters::{GPU_CLUSTER_KINDS, GpuClusterKind, gpu_cluster};
pub use lublin::LublinModel;
pub use openb_like::{OPENB_NODES, openb_like};
pub use reassignment::{ReassignmentShape, reassignment};
pub use task_arrivals::{Arrivals, TaskClassSpec, task_arrivals, training_classes};
