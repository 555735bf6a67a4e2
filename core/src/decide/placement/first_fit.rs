//! First-fit: the first node, in the run's fixed order, on which the task fits.
//!
//! Source: Johnson et al., "Worst-case performance bounds for simple one-dimensional packing algorithms",
//! SIAM J. Comput. 3 (1974). Good when nodes are alike and decisions must be explained in one sentence.

use super::PlacementPolicy;
use crate::model::{ClassId, Cluster, NodeId};

pub(in crate::decide) struct FirstFit;

impl PlacementPolicy for FirstFit {
    fn score(&mut self, _: &Cluster, _: ClassId, _: NodeId) -> f32 {
        0.0
    }
}
