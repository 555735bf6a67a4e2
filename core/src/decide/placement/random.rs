//! Random: any node on which the task fits, and any fitting device there, with equal chance.
//!
//! Source: the baseline of the FGD study (Weng et al., USENIX ATC 2023). Good as the floor that every
//! other policy must beat, and where spreading by chance is all that is wanted.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{PlacementPolicy, fitting_devices, tightest_devices};
use crate::model::{ClassId, Cluster, DeviceSet, NodeId};

pub(in crate::decide) struct Random {
    chance: Pcg64Mcg,
}

impl Random {
    pub(in crate::decide) fn new(seed: u64) -> Self {
        Self { chance: Pcg64Mcg::seed_from_u64(seed) }
    }
}

impl PlacementPolicy for Random {
    fn score(&mut self, _: &Cluster, _: ClassId, _: NodeId) -> f32 {
        0.0
    }

    fn devices(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> DeviceSet {
        match cluster.class(class).demand.devices {
            None => DeviceSet::NONE,
            Some(demand) if demand.is_sharing() => {
                let fitting: Vec<usize> = fitting_devices(cluster, node, &demand).collect();
                DeviceSet::one(fitting[self.chance.random_range(0..fitting.len())])
            }
            Some(demand) => tightest_devices(cluster, node, &demand),
        }
    }

    fn by_chance(&self) -> bool {
        true
    }

    fn draw(&mut self, candidates: usize) -> usize {
        self.chance.random_range(0..candidates)
    }
}
