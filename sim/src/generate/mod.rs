//! Generators: workloads made from published statistics, so that nothing needs a file.

mod chance;
mod lublin;
mod openb_like;
mod reassignment;
mod task_arrivals;

pub use lublin::LublinModel;
pub use openb_like::{OPENB_NODES, openb_like};
pub use reassignment::{ReassignmentShape, reassignment};
pub use task_arrivals::{Arrivals, TaskClassSpec, task_arrivals, training_classes};
