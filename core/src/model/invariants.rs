//! What must hold for every cluster at every moment, recomputed from scratch: shared by the simulator, the
//! tests and the live guard. An honest caller never sees a [`Violation`].

use super::{Cluster, DEVICE_MILLI, GangId, NodeId, TaskId};

/// A broken invariant. [`Cluster::violation`] says it with names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// What is booked as free is not the capacity less what the hosted tasks hold.
    #[error("free resources are not capacity less the hosted demands")]
    ResourceBooks(NodeId),
    /// More is held of a resource than there is.
    #[error("a resource is held beyond its capacity")]
    OverCapacity(NodeId),
    /// A device's books are wrong, or it is held beyond its capacity.
    #[error("device {1} is booked wrongly")]
    DeviceBooks(NodeId, usize),
    /// A task stands on devices that its class does not accept, or on the wrong number of them.
    #[error("its devices are not those its class asks for")]
    WrongDevices(TaskId),
    /// The node's list and the task's placement disagree.
    #[error("the node's list and the task's placement disagree")]
    HostedList(TaskId),
    /// A gang is placed in part.
    #[error("a gang is placed in part")]
    GangInPart(GangId),
    /// A task stands where its labels do not allow it.
    #[error("the node lacks a label its class asks for")]
    Selector(TaskId),
    /// Tasks that must be apart are together.
    #[error("a task it must not be near is there")]
    AntiAffinity(TaskId),
    /// An owner holds more than its quota.
    #[error("an owner holds more than its quota")]
    Quota,
    /// The sum of held device capacity is wrong.
    #[error("the sum of held device capacity is wrong")]
    DeviceTotal,
}

impl Cluster {
    /// What is broken, and of what, in the names of the cluster.
    pub fn violation(&self, violation: &Violation) -> String {
        let node = |node: NodeId| format!("node `{}`: {violation}", self.node_name(node));
        let task = |task: TaskId| format!("task `{}`: {violation}", self.task(task).name);
        match *violation {
            Violation::ResourceBooks(at) | Violation::OverCapacity(at) | Violation::DeviceBooks(at, _) => {
                node(at)
            }
            Violation::WrongDevices(of)
            | Violation::HostedList(of)
            | Violation::Selector(of)
            | Violation::AntiAffinity(of) => task(of),
            Violation::GangInPart(gang) => {
                let members = &self.gangs()[gang.index()];
                members.first().map_or_else(
                    || violation.to_string(),
                    |&first| format!("the gang of task `{}` is placed in part", self.task(first).name),
                )
            }
            Violation::Quota | Violation::DeviceTotal => violation.to_string(),
        }
    }
}

/// Checks the whole cluster: O(nodes + tasks). Health and affinity are asked only when a task is placed
/// (a node may fall sick later, a neighbour may leave), so they are not invariants.
///
/// # Errors
/// The first violation met.
pub fn check(cluster: &Cluster) -> Result<(), Violation> {
    check_books(cluster)?;
    if let Some(node) = cluster.nodes().find(|&node| cluster.is_overbooked(node)) {
        return Err(Violation::OverCapacity(node));
    }
    check_tasks(cluster)?;
    check_gangs(cluster)?;
    for owner in &cluster.owners {
        if let Some(quota) = &owner.quota {
            let over = owner.held.device_milli > quota.device_milli
                || owner.held.resources.iter().zip(&quota.resources).any(|(held, most)| held > most);
            if over {
                return Err(Violation::Quota);
            }
        }
    }
    Ok(())
}

/// Books per node: resources and devices equal capacity less demands and at least nothing, and nothing free on
/// devices out of service. It holds of every belief, also where the world holds more than there is.
///
/// # Errors
/// The first violation met.
pub fn check_books(cluster: &Cluster) -> Result<(), Violation> {
    let mut device_milli_held = 0;
    for node in cluster.nodes() {
        let mut free = cluster.capacity(node).to_vec();
        let mut devices = vec![i64::from(DEVICE_MILLI); cluster.devices_free(node).len()];
        for &task in cluster.hosted(node) {
            let demand = cluster.demand(task);
            let Some(place) = cluster.placement(task).filter(|p| p.node == node) else {
                return Err(Violation::HostedList(task));
            };
            for (free, need) in free.iter_mut().zip(&demand.resources) {
                *free -= need;
            }
            for index in place.devices.iter() {
                devices[index] -= demand.devices.map_or(0, |d| i64::from(d.milli));
            }
            device_milli_held += demand.device_milli();
        }
        if free.iter().zip(cluster.free(node)).any(|(&free, &booked)| free.max(0) != booked) {
            return Err(Violation::ResourceBooks(node));
        }
        let booked = cluster.devices_free(node).iter().zip(cluster.devices_in_service(node));
        for (index, (&left, (&have, &in_service))) in devices.iter().zip(booked).enumerate() {
            let want = if in_service { left.max(0) } else { 0 };
            if want != i64::from(have) {
                return Err(Violation::DeviceBooks(node, index));
            }
        }
    }
    if device_milli_held == cluster.device_milli_held() { Ok(()) } else { Err(Violation::DeviceTotal) }
}

/// Rules per placed task: device number and model, labels, anti-affinity.
fn check_tasks(cluster: &Cluster) -> Result<(), Violation> {
    for index in 0..cluster.tasks().len() {
        let task = TaskId::from(index);
        let Some(place) = cluster.placement(task) else { continue };
        let class = cluster.class(cluster.task(task).class);
        if !cluster.hosted(place.node).contains(&task) {
            return Err(Violation::HostedList(task));
        }
        let models = cluster.device_models(place.node);
        let right = match class.demand.devices {
            None => place.devices.is_empty(),
            Some(d) => {
                place.devices.len() == usize::from(d.count)
                    && place.devices.iter().all(|i| d.accept.contains(models[i]))
            }
        };
        if !right {
            return Err(Violation::WrongDevices(task));
        }
        for s in &class.rules.selectors {
            if !cluster.label(place.node, s.key).is_some_and(|v| s.values.contains(&v)) {
                return Err(Violation::Selector(task));
            }
        }
        for rule in &class.rules.anti_affinity {
            let own = u32::from(class.group == Some(rule.group));
            let near = cluster.tasks_near(place.node, rule.scope, cluster.group_nodes(rule.group));
            if near > own {
                return Err(Violation::AntiAffinity(task));
            }
        }
    }
    Ok(())
}

/// Gangs stand whole or not at all.
fn check_gangs(cluster: &Cluster) -> Result<(), Violation> {
    for (index, members) in cluster.gangs().iter().enumerate() {
        let placed = members.iter().filter(|&&t| cluster.placement(t).is_some()).count();
        if placed != 0 && placed != members.len() {
            return Err(Violation::GangInPart(GangId::from(index)));
        }
    }
    Ok(())
}
