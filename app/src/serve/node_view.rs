//! What a turn knows of one node: each resource with what is expected of it, each device with who holds it.

use lepton_core::model::{Assessment, Cluster, DEVICE_MILLI, NodeId};
use serde::Serialize;
use utoipa::ToSchema;

/// One resource of a node.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct NodeResource {
    /// Its name, with its unit last.
    pub(crate) resource: String,
    /// What there is.
    pub(crate) capacity: f64,
    /// What is really used.
    pub(crate) used: f64,
    /// What is promised to tasks.
    pub(crate) promised: f64,
    /// The peak of the next hour at each of `levels`; empty while nothing is known.
    pub(crate) expected: Vec<f64>,
}

/// A device of a node.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct DeviceRow {
    /// Its model.
    pub(crate) model: String,
    /// Whether it works.
    pub(crate) in_service: bool,
    /// Share of it that is held.
    pub(crate) held: f64,
    /// The tasks that hold it.
    pub(crate) tasks: Vec<String>,
}

/// What a turn knows of a node beside its row.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeDetail {
    pub(super) resources: Vec<NodeResource>,
    /// The quantiles of what is expected, rising.
    pub(super) levels: Vec<f64>,
    pub(super) devices: Vec<DeviceRow>,
}

impl NodeDetail {
    /// After a turn.
    pub(super) fn of(cluster: &Cluster, node: NodeId, assessment: &Assessment) -> Self {
        let levels = assessment.expected.as_ref().map_or_else(Vec::new, |e| e.levels.clone());
        let names = cluster.schema().names().iter().enumerate();
        let resource = |(at, name): (usize, &String)| {
            let capacity = cluster.capacity(node)[at];
            NodeResource {
                resource: name.clone(),
                capacity: capacity as f64,
                used: used(assessment, node, at),
                promised: (capacity - cluster.free(node)[at]) as f64,
                expected: levels.iter().map(|&level| assessment.expected_use(node, at, level)).collect(),
            }
        };
        let devices = (0..cluster.device_models(node).len()).map(|at| device(cluster, node, at)).collect();
        Self { resources: names.map(resource).collect(), levels, devices }
    }
}

fn used(assessment: &Assessment, node: NodeId, resource: usize) -> f64 {
    let resources = assessment.use_of_demand.len();
    assessment.used.get(node.index() * resources + resource).copied().unwrap_or(0.0)
}

fn device(cluster: &Cluster, node: NodeId, at: usize) -> DeviceRow {
    let on_it = |task: &&_| cluster.placement(**task).is_some_and(|place| place.devices.contains(at));
    let holders: Vec<_> = cluster.hosted(node).iter().filter(on_it).copied().collect();
    let milli = |&task: &_| cluster.demand(task).devices.map_or(0, |demand| u32::from(demand.milli));
    DeviceRow {
        model: model_name(cluster, node, at),
        in_service: cluster.devices_in_service(node)[at],
        held: f64::from(holders.iter().map(milli).sum::<u32>()) / f64::from(DEVICE_MILLI),
        tasks: holders.iter().map(|&task| cluster.task(task).name.to_string()).collect(),
    }
}

/// The name of a device's model.
pub(super) fn model_name(cluster: &Cluster, node: NodeId, at: usize) -> String {
    let model = cluster.device_models(node).get(at);
    model.map_or_else(String::new, |model| cluster.models()[usize::from(model.0)].name.clone())
}
