//! What was seen as readings: a complete list of nodes, devices and tasks.
//!
//! With kube-state-metrics the nodes and tasks are those of Kubernetes; without it each machine is a node. What a node uses beyond
//! its pods is the use of a task `rest-of-NODE`, so that the tasks of a node add up to what it uses.

use std::collections::{BTreeMap, BTreeSet};

use lepton_core::model::{
    DEVICES_PER_NODE_MAX, DeviceKind, DeviceSet, DocumentDemand, Health, NodeReading, Reading, TaskReading,
};

use super::gather::Gathered;
use super::identity::{Identity, pod_of};
use super::vector::Element;
use crate::real_source::RESOURCES;

/// Places of resources.
pub(super) const CPU: usize = 0;
pub(super) const MEMORY: usize = 1;
const NETWORK: usize = 2;
const DISK: usize = 3;
/// The first of the [`STALLS`].
const STALL: usize = 4;
const DEVICE_BUSY: usize = RESOURCES.len();
pub(super) const RESOURCES_COUNT: usize = RESOURCES.len() + 1;
const STALLS: [&str; 3] = ["cpu_stall_share", "memory_stall_share", "io_stall_share"];
/// Measures of nodes that speak of coming faults, with the signal that they are.
const SIGNALS: [(&str, &str); 5] = [
    ("corrected_memory_errors_per_hour", "corrected_memory_errors_per_hour"),
    ("device_memory_errors_per_hour", "corrected_memory_errors_per_hour"),
    ("device_errors_per_hour", "device_errors_per_hour"),
    ("link_errors_per_hour", "link_errors_per_hour"),
    ("throttled_seconds_per_hour", "throttled_seconds_per_hour"),
];
pub(super) const MIB: f64 = 1024.0 * 1024.0;
const WHOLE_PERMILLE: f64 = 1000.0;

/// A node while it is put together.
#[derive(Debug, Default)]
struct Node {
    capacity: Vec<i64>,
    /// What it uses in all; none where nothing tells.
    used: Option<Vec<i64>>,
    devices: Vec<(DeviceKind, String)>,
    out: BTreeSet<usize>,
    busy: BTreeMap<usize, f64>,
    /// Devices that pods are told to hold.
    held: BTreeMap<String, DeviceSet>,
}

/// All there is. `gone` are machines that were there and do not answer any more; `line_mbit_s` stands in where no line rate is told.
pub(super) fn readings(
    gathered: &Gathered,
    identity: &mut Identity,
    gone: &[NodeReading],
    fresh_seconds: f64,
    line_mbit_s: Option<u64>,
) -> Vec<Reading> {
    let mut nodes: BTreeMap<String, Node> =
        identity.nodes().map(|name| (name.to_owned(), Node::default())).collect();
    capacities(gathered, identity, &mut nodes, line_mbit_s);
    devices(gathered, identity, &mut nodes);
    uses(gathered, identity, &mut nodes, fresh_seconds);
    let mut told = Vec::new();
    tell_nodes(gathered, identity, &nodes, gone, &mut told);
    let pods = tell_pods(gathered, identity, &mut nodes, &mut told);
    for (name, node) in &nodes {
        let Some(used) = &node.used else { continue };
        let of_pods = pods.get(name);
        let left = |at: usize| (used[at] - of_pods.map_or(0, |sums| sums[at])).max(0);
        let rest = format!("rest-of-{name}");
        told.push(Reading::TaskSubmitted(task(rest.clone(), None, vec![0; RESOURCES_COUNT], 0, true)));
        told.push(Reading::TaskPlaced { task: rest.clone(), node: name.clone(), devices: DeviceSet::NONE });
        let amounts = (0..RESOURCES_COUNT).map(left).collect();
        told.push(Reading::TaskUse { task: rest, amounts, unsaved_seconds: 0 });
    }
    signals(gathered, identity, &mut told);
    told
}

fn capacities(
    gathered: &Gathered,
    identity: &mut Identity,
    nodes: &mut BTreeMap<String, Node>,
    line_mbit_s: Option<u64>,
) {
    for node in nodes.values_mut() {
        node.capacity = vec![0; RESOURCES_COUNT];
        node.capacity[NETWORK] = line_mbit_s.unwrap_or(0) as i64;
    }
    // What Kubernetes may give away counts over what the machine has.
    for (measure, resource, scale) in [
        ("cores", CPU, 1000.0),
        ("node_cores", CPU, 1000.0),
        ("memory_bytes", MEMORY, 1.0 / MIB),
        ("node_memory_bytes", MEMORY, 1.0 / MIB),
    ] {
        for (name, value) in identity.by_node(gathered.of(measure)) {
            if let Some(node) = nodes.get_mut(&name) {
                node.capacity[resource] = (value * scale).round() as i64;
            }
        }
    }
    if line_mbit_s.is_none() {
        for (name, bytes) in identity.by_node(gathered.of("network_bytes_s")) {
            if let Some(node) = nodes.get_mut(&name) {
                node.capacity[NETWORK] = (bytes * 8e-6).round() as i64;
            }
        }
    }
}

/// The devices of each node, by what the exporter of devices tells, or by how many Kubernetes knows of.
fn devices(gathered: &Gathered, identity: &mut Identity, nodes: &mut BTreeMap<String, Node>) {
    for (name, count) in identity.by_node(gathered.of("node_devices")) {
        if let Some(node) = nodes.get_mut(&name) {
            let count = (count as usize).min(DEVICES_PER_NODE_MAX);
            node.devices = vec![(DeviceKind::Gpu, "GPU".to_owned()); count];
        }
    }
    for element in gathered.of("device") {
        let Some((name, at)) = identity.node_of(element).zip(index_of(element)) else { continue };
        let Some(node) = nodes.get_mut(&name) else { continue };
        while node.devices.len() <= at {
            node.devices.push((DeviceKind::Gpu, "GPU".to_owned()));
        }
        if let Some(model) = element.first(&["modelName", "model_name"]) {
            model.clone_into(&mut node.devices[at].1);
        }
        if let Some(pod) = pod_of(element) {
            let held = node.held.entry(pod).or_insert(DeviceSet::NONE);
            *held = held.iter().chain([at]).collect();
        }
    }
    for element in gathered.of("device_out") {
        if let (Some(node), Some(at)) =
            (identity.node_of(element).and_then(|name| nodes.get_mut(&name)), index_of(element))
        {
            node.out.insert(at);
        }
    }
    for element in gathered.of("device_busy_share") {
        if let (Some(node), Some(at)) =
            (identity.node_of(element).and_then(|name| nodes.get_mut(&name)), index_of(element))
        {
            // The parts of a divided device tell of themselves, one by one.
            let busy = node.busy.entry(at).or_insert(0.0);
            *busy = busy.max(element.value.clamp(0.0, 1.0));
        }
    }
    for node in nodes.values_mut().filter(|node| !node.busy.is_empty()) {
        node.capacity[DEVICE_BUSY] = (node.devices.len() as f64 * WHOLE_PERMILLE) as i64;
    }
}

fn index_of(element: &Element) -> Option<usize> {
    let index: usize = element.label("gpu")?.parse().ok()?;
    (index < DEVICES_PER_NODE_MAX).then_some(index)
}

/// What each node uses in all, where something fresh tells.
fn uses(
    gathered: &Gathered,
    identity: &mut Identity,
    nodes: &mut BTreeMap<String, Node>,
    fresh_seconds: f64,
) {
    let ages = gathered.ages.get("node-exporter").map_or(&[][..], Vec::as_slice);
    let ages = identity.by_node(ages);
    // A rate has no age of its own, and there is none before the second sample.
    for element in gathered.of("cores_used") {
        let Some(name) = identity.find(element) else { continue };
        if ages.get(&name).is_some_and(|age| *age <= fresh_seconds)
            && let Some(node) = nodes.get_mut(&name)
        {
            node.used = Some(vec![0; RESOURCES_COUNT]);
        }
    }
    let mut measures = vec![
        ("cores_used", CPU, 1000.0),
        ("memory_used_bytes", MEMORY, 1.0 / MIB),
        ("network_received_bytes_s", NETWORK, 8e-6),
        ("network_sent_bytes_s", NETWORK, 8e-6),
        ("disk_busy_share", DISK, WHOLE_PERMILLE),
    ];
    measures.extend(STALLS.iter().enumerate().map(|(at, name)| (*name, STALL + at, WHOLE_PERMILLE)));
    for (measure, resource, scale) in measures {
        for (name, value) in identity.by_node(gathered.of(measure)) {
            let Some(node) = nodes.get_mut(&name) else { continue };
            let Some(used) = &mut node.used else { continue };
            if resource >= DISK {
                node.capacity[resource] = WHOLE_PERMILLE as i64;
            }
            let most = if resource >= DISK { WHOLE_PERMILLE as i64 } else { i64::MAX };
            // Lines carry both directions at once: the fuller one counts.
            used[resource] = used[resource].max(((value * scale).round() as i64).clamp(0, most));
        }
    }
    for node in nodes.values_mut() {
        let busy = (node.busy.values().sum::<f64>() * WHOLE_PERMILLE).round() as i64;
        let Some(used) = &mut node.used else { continue };
        used[DEVICE_BUSY] = busy;
        for (used, capacity) in used.iter_mut().zip(&node.capacity) {
            // A use of what has no capacity could not be believed.
            *used = if *capacity == 0 { 0 } else { *used };
        }
    }
}

fn tell_nodes(
    gathered: &Gathered,
    identity: &mut Identity,
    nodes: &BTreeMap<String, Node>,
    gone: &[NodeReading],
    told: &mut Vec<Reading>,
) {
    let ready = identity.by_node(gathered.of("node_ready"));
    let cordoned = identity.by_node(gathered.of("node_cordoned"));
    for (name, node) in nodes {
        let health = match (ready.get(name), cordoned.get(name)) {
            (Some(ready), _) if *ready != 1.0 => Health::Down,
            (_, Some(cordoned)) if *cordoned == 1.0 => Health::Cordoned,
            _ => Health::Up,
        };
        let reading = NodeReading {
            name: name.clone(),
            capacity: node.capacity.clone(),
            devices: node.devices.clone(),
            devices_out_of_service: node.out.iter().copied().filter(|at| *at < node.devices.len()).collect(),
            labels: Vec::new(),
            health,
        };
        told.push(Reading::NodeAdded(reading));
    }
    let down = |node: &NodeReading| NodeReading { health: Health::Down, ..node.clone() };
    told.extend(gone.iter().map(|node| Reading::NodeAdded(down(node))));
}

/// The pods; what those of each node use together.
fn tell_pods(
    gathered: &Gathered,
    identity: &mut Identity,
    nodes: &mut BTreeMap<String, Node>,
    told: &mut Vec<Reading>,
) -> BTreeMap<String, Vec<i64>> {
    let known: BTreeSet<String> = gathered.of("pod").iter().filter_map(pod_of).collect();
    let mut by_pod = |measure| identity.by_pod(gathered.of(measure), &known);
    let (cores, memory) = (by_pod("pod_cores"), by_pod("pod_memory_bytes"));
    let (devices, created) = (by_pod("pod_devices"), by_pod("pod_created_seconds"));
    let (cores_used, memory_used) = (by_pod("pod_cores_used"), by_pod("pod_memory_used_bytes"));
    let (received, sent) = (by_pod("pod_network_received_bytes_s"), by_pod("pod_network_sent_bytes_s"));
    let mut sums = BTreeMap::<String, Vec<i64>>::new();
    let mut done = BTreeSet::new();
    for element in gathered.of("pod") {
        let Some(name) = pod_of(element) else { continue };
        if !done.insert(name.clone()) {
            continue;
        }
        let of = |values: &BTreeMap<String, f64>, scale: f64| {
            values.get(&name).map_or(0, |v| (v * scale).round() as i64)
        };
        let mut demand = vec![0; RESOURCES_COUNT];
        demand[CPU] = of(&cores, 1000.0);
        demand[MEMORY] = of(&memory, 1.0 / MIB);
        // What a controller puts on every node cannot be moved.
        let bound = matches!(element.label("created_by_kind"), Some("DaemonSet" | "Node") | None);
        let owner = name.split('/').next().map(str::to_owned);
        let count = of(&devices, 1.0).clamp(0, DEVICES_PER_NODE_MAX as i64) as usize;
        let mut reading = task(name.clone(), owner, demand, of(&created, 1.0) as u64, bound);
        reading.devices =
            (count > 0).then(|| DocumentDemand { count: count as u16, milli: 1000, models: Vec::new() });
        told.push(Reading::TaskSubmitted(reading));
        let Some((on, node)) = element.label("node").and_then(|on| Some((on, nodes.get_mut(on)?))) else {
            continue;
        };
        let held = node.take(&name, count);
        told.push(Reading::TaskPlaced { task: name.clone(), node: on.to_owned(), devices: held });
        if !cores_used.contains_key(&name) || !memory_used.contains_key(&name) {
            continue;
        }
        let mut amounts = vec![0; RESOURCES_COUNT];
        amounts[CPU] = of(&cores_used, 1000.0);
        amounts[MEMORY] = of(&memory_used, 1.0 / MIB);
        amounts[NETWORK] = of(&received, 8e-6).max(of(&sent, 8e-6));
        let busy = held.iter().filter_map(|at| node.busy.get(&at)).sum::<f64>();
        amounts[DEVICE_BUSY] = (busy * WHOLE_PERMILLE).round() as i64;
        for (amount, capacity) in amounts.iter_mut().zip(&node.capacity) {
            *amount = if *capacity == 0 { 0 } else { (*amount).max(0) };
        }
        let sums = sums.entry(on.to_owned()).or_insert_with(|| vec![0; RESOURCES_COUNT]);
        sums.iter_mut().zip(&amounts).for_each(|(sum, amount)| *sum += amount);
        told.push(Reading::TaskUse { task: name, amounts, unsaved_seconds: 0 });
    }
    sums
}

impl Node {
    /// The devices of a pod: those that it is told to hold, or, where that is not known, the first that nobody is told to hold.
    fn take(&mut self, pod: &str, count: usize) -> DeviceSet {
        if count == 0 {
            return DeviceSet::NONE;
        }
        if let Some(held) = self.held.get(pod).filter(|held| held.len() == count) {
            return *held;
        }
        let taken: BTreeSet<usize> = self.held.values().flat_map(|held| held.iter()).collect();
        let free = (0..self.devices.len()).filter(|at| !taken.contains(at));
        let held: DeviceSet =
            free.chain((0..self.devices.len()).filter(|at| taken.contains(at))).take(count).collect();
        self.held.insert(pod.to_owned(), held);
        held
    }
}

fn task(name: String, owner: Option<String>, demand: Vec<i64>, submitted: u64, bound: bool) -> TaskReading {
    TaskReading {
        name,
        demand,
        owner,
        do_not_disrupt: bound,
        submitted_seconds: submitted,
        ..TaskReading::default()
    }
}

/// Signs of coming faults; of the devices of a node they add up.
fn signals(gathered: &Gathered, identity: &mut Identity, told: &mut Vec<Reading>) {
    let mut sums = BTreeMap::<(String, &str), f64>::new();
    for (measure, signal) in SIGNALS {
        for element in gathered.of(measure) {
            if let Some(node) = identity.node_of(element) {
                *sums.entry((node, signal)).or_insert(0.0) += element.value.max(0.0);
            }
        }
    }
    let signal = |((node, signal), value): ((String, &str), f64)| Reading::Signal {
        node,
        signal: signal.to_owned(),
        value,
    };
    told.extend(sums.into_iter().filter(|(_, value)| *value > 0.0).map(signal));
}
