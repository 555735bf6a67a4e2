//! GPU clusters and task lists of five kinds, of any size: other shapes than the openb trace has, to see whether
//! a policy is good beyond what it was made for. Shapes and their frequencies are drawn by the seed from ranges
//! that stand below; the list asks for as many devices as there are.
//!
//! They are invented, not taken from a recorded cluster.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::readers::openb::{OpenbNode, OpenbTask, Scheduled};
use crate::workload::{PlacementWorkload, workload_of_openb};

/// A kind of cluster with its kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GpuClusterKind {
    /// Nodes with eight devices, tasks that mostly take whole ones.
    Training,
    /// Nodes with one to four devices, tasks that mostly share one.
    Inference,
    /// Nodes with too little CPU for their devices, many tasks without devices.
    ScarceCpu,
    /// Five device models, tasks bound to one or two of them.
    BoundModels,
    /// Nodes with eight or sixteen devices, tasks that take two to eight at once.
    MultiDevice,
}

/// All kinds with their names.
pub const GPU_CLUSTER_KINDS: [(GpuClusterKind, &str); 5] = [
    (GpuClusterKind::Training, "training"),
    (GpuClusterKind::Inference, "inference"),
    (GpuClusterKind::ScarceCpu, "scarce-cpu"),
    (GpuClusterKind::BoundModels, "bound-models"),
    (GpuClusterKind::MultiDevice, "multi-device"),
];

/// What a kind is made of.
struct Recipe {
    /// Devices of a node, drawn evenly.
    node_devices: &'static [usize],
    /// Cores beside each device: least and most.
    cores_per_device: (i64, i64),
    models: usize,
    /// Share of the shapes without devices, sharing a device, and taking several; the rest take one.
    shapes: [f64; 3],
    /// Devices of shapes that take several, drawn evenly.
    several: &'static [u16],
    /// Cores that a shape asks for beside each device: least and most.
    task_cores: (i64, i64),
    /// Share of the shapes bound to a device model.
    bound: f64,
}

impl GpuClusterKind {
    fn recipe(self) -> Recipe {
        let usual = Recipe {
            node_devices: &[8],
            cores_per_device: (12, 16),
            models: 2,
            shapes: [0.1, 0.2, 0.1],
            several: &[2, 4, 8],
            task_cores: (4, 14),
            bound: 0.0,
        };
        match self {
            Self::Training => usual,
            Self::Inference => {
                Recipe { node_devices: &[1, 2, 4], shapes: [0.15, 0.75, 0.0], task_cores: (2, 12), ..usual }
            }
            Self::ScarceCpu => {
                Recipe { cores_per_device: (6, 12), shapes: [0.25, 0.3, 0.0], task_cores: (3, 12), ..usual }
            }
            Self::BoundModels => {
                Recipe { node_devices: &[2, 4, 8], models: 5, shapes: [0.1, 0.4, 0.0], bound: 0.4, ..usual }
            }
            Self::MultiDevice => Recipe { node_devices: &[8, 16], shapes: [0.1, 0.2, 0.5], ..usual },
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        GPU_CLUSTER_KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

/// Shapes of a task list.
const SHAPES: usize = 30;

/// A workload of the kind on `nodes` nodes.
///
/// # Panics
/// Never: what is drawn is within the model's limits, which a test confirms.
pub fn gpu_cluster(kind: GpuClusterKind, nodes: usize, seed: u64) -> PlacementWorkload {
    let recipe = kind.recipe();
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let models: Vec<String> = (0..recipe.models).map(|m| format!("M{m}")).collect();
    let cores_per_device: Vec<i64> = models
        .iter()
        .map(|_| chance.random_range(recipe.cores_per_device.0..=recipe.cores_per_device.1))
        .collect();
    let node = |i: usize, chance: &mut Pcg64Mcg| {
        let model = chance.random_range(0..models.len());
        let gpus = recipe.node_devices[chance.random_range(0..recipe.node_devices.len())];
        OpenbNode {
            name: format!("node-{i:06}"),
            cpu_millicores: gpus as i64 * cores_per_device[model] * 1000,
            memory_mib: gpus as i64 * 65_536,
            gpus,
            model: models[model].clone(),
        }
    };
    let list: Vec<OpenbNode> = (0..nodes).map(|i| node(i, &mut chance)).collect();
    let shapes: Vec<OpenbTask> = (0..SHAPES).map(|_| shape(&recipe, &models, &mut chance)).collect();
    // Few shapes are frequent, many are rare.
    let weight: Vec<f64> = (0..SHAPES).map(|i| 1.0 / (1.0 + i as f64)).collect();
    let capacity: i64 = list.iter().map(|n| n.gpus as i64 * 1000).sum();
    let mut asked = 0;
    let mut tasks: Vec<OpenbTask> = Vec::new();
    while asked < capacity {
        let shape = &shapes[drawn(&weight, &mut chance)];
        asked += i64::from(shape.gpus) * i64::from(shape.gpu_milli) + i64::from(shape.gpus == 0);
        tasks.push(OpenbTask { name: format!("task-{:07}", tasks.len()), ..shape.clone() });
    }
    let name = format!("{}-{nodes}", kind.name());
    workload_of_openb(&name, &list, &tasks).expect("what is drawn is within the model's limits")
}

fn shape(recipe: &Recipe, models: &[String], chance: &mut Pcg64Mcg) -> OpenbTask {
    let [without, sharing, several] = recipe.shapes;
    let at: f64 = chance.random();
    let (gpus, gpu_milli) = if at < without {
        (0, 0)
    } else if at < without + sharing {
        (1, 10 * chance.random_range(5..=90))
    } else if at < without + sharing + several {
        (recipe.several[chance.random_range(0..recipe.several.len())], 1000)
    } else {
        (1, 1000)
    };
    let cores = chance.random_range(recipe.task_cores.0..=recipe.task_cores.1);
    let bound = gpus > 0 && chance.random_bool(recipe.bound);
    OpenbTask {
        name: String::new(),
        cpu_millicores: cores * 1000 * i64::from(gpus.max(1)),
        memory_mib: 1_024 * i64::from(gpus.max(1)),
        gpus,
        gpu_milli,
        gpu_spec: if bound { models[chance.random_range(0..models.len())].clone() } else { String::new() },
        creation_seconds: None,
        deletion_seconds: None,
        scheduled: Scheduled::Unsaid,
        line: 0,
    }
}

/// An index with chances in proportion to the weights.
fn drawn(weight: &[f64], chance: &mut Pcg64Mcg) -> usize {
    let mut left = chance.random::<f64>() * weight.iter().sum::<f64>();
    for (i, w) in weight.iter().enumerate() {
        left -= w;
        if left < 0.0 {
            return i;
        }
    }
    weight.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_asks_for_its_devices_once() {
        for (kind, name) in GPU_CLUSTER_KINDS {
            for seed in 0..20 {
                let workload = gpu_cluster(kind, 64, seed);
                assert_eq!(workload.name, format!("{name}-64"));
                let asked: i64 = workload
                    .tasks
                    .iter()
                    .map(|t| workload.cluster.class(t.class).demand.device_milli())
                    .sum();
                let capacity = workload.cluster.device_milli_capacity();
                assert!((asked - capacity).abs() <= 16_000, "{name}: {asked} of {capacity}");
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_cluster() {
        let tasks = |seed| gpu_cluster(GpuClusterKind::BoundModels, 20, seed).tasks;
        assert_eq!(tasks(3), tasks(3));
        assert_ne!(tasks(3), tasks(4));
    }
}
