//! What a source tells of a node or a task: new ones are added, known ones become as they are told.

use std::collections::BTreeMap;

use crate::model::{
    CameTask, Demand, NodeReading, NodeSpec, ResourceSchema, Snapshot, Task, TaskClass, TaskId, TaskReading,
    TaskState,
};

/// `None` when it cannot be believed.
pub(super) fn add_node(snapshot: &mut Snapshot, told: &NodeReading, source: u32) -> Option<()> {
    if told.name.is_empty() {
        return None;
    }
    let models = told.devices.iter().map(|(kind, model)| snapshot.cluster.add_model(*kind, model).ok());
    let models = models.collect::<Option<Vec<_>>>()?;
    let mut spec = NodeSpec::new(told.name.as_str(), told.capacity.clone(), models);
    spec.health = told.health;
    spec.labels.clone_from(&told.labels);
    let node = match snapshot.cluster.node_named(&told.name) {
        Some(node) => {
            if !snapshot.is_as_told(node, &spec) {
                snapshot.cluster.update_node(node, &spec).ok()?;
            }
            node
        }
        None => snapshot.cluster.add_node(spec).ok()?,
    };
    if snapshot.signals.len() <= node.index() {
        snapshot.signals.resize_with(node.index() + 1, BTreeMap::new);
        snapshot.node_source.resize(node.index() + 1, 0);
    }
    snapshot.node_source[node.index()] = source;
    for device in 0..told.devices.len() {
        let in_service = !told.devices_out_of_service.contains(&device);
        snapshot.cluster.set_device_health(node, device, in_service);
    }
    Some(())
}

/// `None` when it cannot be believed.
pub(super) fn add_task(snapshot: &mut Snapshot, told: &TaskReading, source: u32) -> Option<()> {
    if told.name.is_empty() {
        return None;
    }
    let cluster = &mut snapshot.cluster;
    let devices = told.devices.as_ref().map(|d| d.to_demand(cluster));
    let demand = Demand { resources: told.demand.clone().into(), devices };
    let rules = told.rules.to_rules(cluster);
    let group = told.group.as_deref().map(|g| cluster.group(g));
    let class = cluster.add_class(TaskClass { demand, rules, group }).ok()?;
    let task = Task {
        owner: told.owner.as_deref().map(|o| cluster.owner(o)),
        gang: told.gang.as_deref().map(|g| cluster.gang(g)),
        priority: told.priority,
        move_cost: told.move_cost,
        do_not_disrupt: told.do_not_disrupt,
        preempts: told.preempts,
        preemptible: told.preemptible,
        ..Task::new(told.name.as_str(), class)
    };
    let id = match snapshot.task_by_name.get(told.name.as_str()) {
        Some(&id) => {
            if *cluster.task(id) != task {
                cluster.replace_task(id, task);
            }
            id
        }
        None => {
            let demand = &snapshot.cluster.class(class).demand;
            let came =
                CameTask { cpu_millicores: demand.resources[ResourceSchema::CPU], devices: demand.devices };
            snapshot.recent.note_arrival(told.submitted_seconds, came);
            new_task(snapshot, task)
        }
    };
    let state = &mut snapshot.tasks[id.index()];
    state.source = source;
    state.submitted_seconds = told.submitted_seconds;
    state.requested_seconds = told.requested_seconds;
    state.started_seconds = told.started_seconds.or(state.started_seconds);
    state.pause_seconds = told.pause_seconds;
    Some(())
}

fn new_task(snapshot: &mut Snapshot, task: Task) -> TaskId {
    snapshot.arrivals.count(&snapshot.cluster.class(task.class).demand);
    let name = task.name.clone();
    let id = snapshot.cluster.add_task(task);
    if snapshot.tasks.len() <= id.index() {
        snapshot.tasks.resize_with(id.index() + 1, TaskState::default);
    }
    snapshot.tasks[id.index()] = TaskState::default();
    snapshot.task_by_name.insert(name, id);
    snapshot.pending.insert(id);
    id
}
