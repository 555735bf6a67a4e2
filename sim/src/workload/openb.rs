//! From openb rows to a workload.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lepton_core::model::fragmentation::{ShapeKey, TargetWorkload};
use lepton_core::model::{
    Cluster, DeviceDemand, DeviceKind, ModelId, ModelSet, NodeSpec, ResourceSchema, TaskClass, counted,
};

use super::{PlacementWorkload, WorkloadTask};
use crate::readers::InputError;
use crate::readers::openb::{OpenbNode, OpenbTask, read_arrivals, read_nodes, read_tasks};

/// Share of the tasks whose shapes make up the target workload, as in the FGD study.
const TARGET_COVERAGE: f64 = 0.95;

/// The files of an openb workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenbFiles {
    /// Node list.
    pub nodes: PathBuf,
    /// Task list.
    pub tasks: PathBuf,
    /// Arrival orders by seed, if given.
    pub arrivals: Option<PathBuf>,
}

/// Reads an openb workload.
///
/// # Errors
/// When a file cannot be read or holds something unexpected.
pub fn load_openb(files: &OpenbFiles) -> Result<PlacementWorkload, InputError> {
    let nodes = read_nodes(&files.nodes)?;
    let tasks = read_tasks(&files.tasks)?;
    let name = stem(&files.tasks);
    let mut workload = workload_of_openb(&name, &nodes, &tasks).map_err(|(file, problem)| {
        InputError::new(if file { &files.tasks } else { &files.nodes }, problem)
    })?;
    if let Some(arrivals) = &files.arrivals {
        workload.arrivals = read_arrivals(arrivals, tasks.len(), nodes.len())?;
    }
    Ok(workload)
}

/// File name without folders and endings.
fn stem(path: &Path) -> String {
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    name.split('.').next().unwrap_or("").to_owned()
}

/// Makes a workload of rows read or generated. Node capacities beyond the model's limits are refused: the
/// error tells whether it is about the tasks (`true`) or the nodes, and what is wrong.
///
/// # Errors
/// When a node or task cannot be part of a cluster.
pub fn workload_of_openb(
    name: &str,
    nodes: &[OpenbNode],
    tasks: &[OpenbTask],
) -> Result<PlacementWorkload, (bool, String)> {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    for node in nodes {
        let mut devices = Vec::new();
        if node.gpus > 0 {
            let model =
                cluster.add_model(DeviceKind::Gpu, &node.model).map_err(|e| (false, e.to_string()))?;
            devices = vec![model; node.gpus];
        }
        let capacity = vec![node.cpu_millicores, node.memory_mib];
        cluster
            .add_node(NodeSpec::new(node.name.as_str(), capacity, devices))
            .map_err(|e| (false, e.to_string()))?;
    }
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    let mut list = Vec::with_capacity(tasks.len());
    let mut counts: BTreeMap<ShapeKey, (ModelSet, u64)> = BTreeMap::new();
    for task in tasks {
        let accept = accepted(&cluster, &task.gpu_spec, &mut unknown);
        let devices =
            (task.gpus > 0).then_some(DeviceDemand { count: task.gpus, milli: task.gpu_milli, accept });
        let class = TaskClass::of_demand([task.cpu_millicores, task.memory_mib], devices);
        let class = cluster.add_class(class).map_err(|e| (true, e.to_string()))?;
        list.push(WorkloadTask { name: task.name.as_str().into(), class });
        let key = ShapeKey {
            cpu_millicores: task.cpu_millicores,
            milli: task.gpu_milli,
            count: task.gpus,
            spec: task.gpu_spec.clone(),
        };
        counts.entry(key).or_insert((accept, 0)).1 += 1;
    }
    list.sort_by(|a, b| a.name.cmp(&b.name));
    let counts = counts.into_iter().map(|(key, (accept, count))| (key, accept, count)).collect();
    let warnings = unknown.into_iter().map(|(model, tasks)| {
        let tasks = counted(tasks, "task", "tasks");
        format!("gpu_spec of {tasks} names the model `{model}`, which no node has")
    });
    Ok(PlacementWorkload {
        name: name.to_owned(),
        cluster,
        tasks: list,
        target: TargetWorkload::from_counts(counts, TARGET_COVERAGE),
        arrivals: BTreeMap::new(),
        warnings: warnings.collect(),
    })
}

/// The set of models that a `gpu_spec` accepts; names that no node has are counted in `unknown`.
fn accepted(cluster: &Cluster, spec: &str, unknown: &mut BTreeMap<String, usize>) -> ModelSet {
    if spec.is_empty() {
        return ModelSet::ANY;
    }
    spec.split('|').map(str::trim).fold(ModelSet::NONE, |set, name| {
        match cluster.models().iter().position(|m| m.name == name) {
            Some(index) => set.with(ModelId(index as u8)),
            None => {
                *unknown.entry(name.to_owned()).or_insert(0) += 1;
                set
            }
        }
    })
}
