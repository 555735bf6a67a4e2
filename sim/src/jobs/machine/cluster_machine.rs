//! The core's cluster as a machine: tasks with CPU, memory and (shared) devices, placed one by one by any
//! placement policy. Units are thousandths of a device, so a task without devices has size 0.

use lepton_core::decide::placement::Placer;
use lepton_core::decide::queue::pass::{Capacity, Claims, Free};
use lepton_core::model::fragmentation::TargetWorkload;
use lepton_core::model::{
    ClassId, Cluster, DEVICE_MILLI, DeviceSet, Health, LogPosition, ModelId, NodeId, Placement, TaskId,
};

use super::Machine;

/// A slot that holds nothing.
const NONE: u32 = u32::MAX;

/// A cluster under a placement policy. The cluster's task i is job i of the simulation.
pub struct ClusterMachine {
    cluster: Cluster,
    /// Chooses the node.
    placer: Placer,
    /// Amounts in a row: resources and devices.
    row_width: usize,
    /// Whether each class fits somewhere on the empty cluster.
    possible: Vec<bool>,
    /// The task in each slot.
    task_in: Vec<u32>,
    /// The slot of each task.
    slot_of: Vec<u32>,
    /// Device milli of devices in service on nodes in service.
    units: i64,
    /// Device milli of these that are free.
    free_units: i64,
    /// Capacity of each resource of the schema on nodes in service.
    capacity: Vec<i64>,
    target: TargetWorkload,
    node_fragmentation: Vec<f64>,
    fragmentation_sum: f64,
    /// Position in the cluster's change log up to which fragmentation is known.
    known_to: Option<LogPosition>,
}

impl ClusterMachine {
    /// A machine over an empty cluster that knows all tasks; `target` is the mix that fragmentation is
    /// judged against.
    pub fn new(cluster: Cluster, placer: Placer, target: TargetWorkload) -> Self {
        let possible = (0..cluster.classes().len() as u32)
            .map(|class| cluster.nodes().any(|n| cluster.fits(n, ClassId(class))))
            .collect();
        let units = cluster.device_milli_capacity();
        let mut capacity = vec![0; cluster.schema().len()];
        add_capacity(&mut capacity, &cluster, cluster.nodes(), 1);
        let devices_max = cluster.nodes().map(|node| cluster.devices_free(node).len()).max().unwrap_or(0);
        let row_width = cluster.schema().len() + devices_max;
        let slot_of = vec![NONE; cluster.tasks().len()];
        let node_fragmentation = vec![0.0; cluster.node_count()];
        Self {
            cluster,
            placer,
            row_width,
            possible,
            task_in: Vec::new(),
            slot_of,
            units,
            free_units: units,
            capacity,
            target,
            node_fragmentation,
            fragmentation_sum: 0.0,
            known_to: None,
        }
    }

    /// The cluster as it stands.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    fn in_service(&self, node: NodeId) -> bool {
        self.cluster.health(node) == Health::Up
    }

    fn put(&mut self, slot: u32, task: TaskId, place: Placement) -> bool {
        if self.cluster.place(task, place).is_err() {
            return false;
        }
        let s = slot as usize;
        if s >= self.task_in.len() {
            self.task_in.resize(s + 1, NONE);
        }
        self.task_in[s] = task.0;
        self.slot_of[task.index()] = slot;
        self.free_units -= self.cluster.demand(task).device_milli();
        true
    }

    /// What a task of the class holds at a place.
    fn claim(&self, class: ClassId, place: Placement, claims: &mut Claims) {
        let demand = &self.cluster.class(class).demand;
        let row = claims.add(place.node.0);
        row[..demand.resources.len()].copy_from_slice(&demand.resources);
        let devices = &mut row[demand.resources.len()..];
        if let Some(asked) = demand.devices {
            place.devices.iter().for_each(|index| devices[index] = i64::from(asked.milli));
        }
    }

    /// Where on the node a task of the class would stand if this were free there: on the devices with the least left.
    fn fit_in_row(&self, node: NodeId, class: ClassId, row: &[i64]) -> Option<Placement> {
        let demand = &self.cluster.class(class).demand;
        let (resources, devices) = row.split_at(demand.resources.len());
        let enough = resources.iter().zip(&demand.resources).all(|(free, need)| free >= need);
        if !enough || !self.cluster.suits(node, class) {
            return None;
        }
        let Some(asked) = demand.devices else { return Some(Placement { node, devices: DeviceSet::NONE }) };
        let models = self.cluster.device_models(node).iter().zip(devices).enumerate();
        let fits = |(_, (model, free)): &(usize, (&ModelId, &i64))| {
            **free >= i64::from(asked.milli) && asked.accept.contains(**model)
        };
        let mut fitting: Vec<(i64, usize)> = models.filter(fits).map(|(i, (_, &free))| (free, i)).collect();
        fitting.sort_unstable();
        let chosen = fitting.get(..usize::from(asked.count))?;
        Some(Placement { node, devices: chosen.iter().map(|&(_, index)| index).collect() })
    }

    /// Device milli of the node's devices in service, and how many of these are free.
    fn node_milli(&self, node: NodeId) -> (i64, i64) {
        let free = self.cluster.devices_free(node).iter().map(|&f| i64::from(f)).sum();
        let in_service = self.cluster.devices_in_service(node).iter().filter(|&&s| s).count();
        (in_service as i64 * i64::from(DEVICE_MILLI), free)
    }

    /// Changes something about a node and books what that does to the units.
    fn rebook(&mut self, node: NodeId, change: impl FnOnce(&mut Cluster)) {
        let counted = |machine: &Self| {
            if machine.in_service(node) { machine.node_milli(node) } else { (0, 0) }
        };
        let before = counted(self);
        change(&mut self.cluster);
        let after = counted(self);
        self.units += after.0 - before.0;
        self.free_units += after.1 - before.1;
    }

    fn has_device(&self, node: u32, device: u32) -> bool {
        node < self.nodes() && device < self.devices(node)
    }
}

impl Capacity for ClusterMachine {
    const SIZE_DECIDES: bool = false;

    fn shape(&self, job: u32) -> u32 {
        self.cluster.task(TaskId(job)).class.0
    }

    fn units(&self) -> u64 {
        self.units.max(0) as u64
    }

    fn free_units(&self) -> u64 {
        self.free_units.max(0) as u64
    }

    /// A row holds the resources and then the thousandths of each device.
    fn free(&self, free: &mut Free) {
        let resources = self.cluster.schema().len();
        free.reset(self.cluster.node_count(), self.row_width);
        for node in self.cluster.nodes().filter(|&node| self.in_service(node)) {
            let row = free.row_mut(node.index());
            row[..resources].copy_from_slice(self.cluster.free(node));
            let devices = row[resources..].iter_mut().zip(self.cluster.devices_free(node));
            devices.for_each(|(amount, &free)| *amount = i64::from(free));
        }
    }

    fn held(&self, slot: u32, claims: &mut Claims) {
        claims.reset(self.row_width);
        let task = self.task_in.get(slot as usize).copied().filter(|&task| task != NONE).map(TaskId);
        if let Some((task, place)) = task.and_then(|t| Some((t, self.cluster.placement(t)?))) {
            self.claim(self.cluster.task(task).class, place, claims);
        }
    }

    /// On the first node that fits.
    fn lay_out(&mut self, job: u32, _size: u32, free: &Free, claims: &mut Claims) -> bool {
        let class = self.cluster.task(TaskId(job)).class;
        let place =
            self.cluster.nodes().find_map(|node| self.fit_in_row(node, class, free.row(node.index())));
        claims.reset(self.row_width);
        place.is_some_and(|place| {
            self.claim(class, place, claims);
            true
        })
    }

    fn place(&mut self, slot: u32, job: u32, _size: u32) -> bool {
        let task = TaskId(job);
        self.placer.place(&self.cluster, task).is_some_and(|place| self.put(slot, task, place))
    }

    fn place_at(&mut self, slot: u32, job: u32, _size: u32, claims: &Claims) -> bool {
        let resources = self.cluster.schema().len();
        claims.iter().next().is_some_and(|(node, row)| {
            let held = row[resources..].iter().enumerate().filter(|(_, amount)| **amount > 0);
            let devices = held.map(|(index, _)| index).collect();
            self.put(slot, TaskId(job), Placement { node: NodeId(node), devices })
        })
    }

    fn release(&mut self, slot: u32) {
        let Some(task) = self.task_in.get_mut(slot as usize).map(|t| std::mem::replace(t, NONE)) else {
            return;
        };
        if task == NONE {
            return;
        }
        let task = TaskId(task);
        self.slot_of[task.index()] = NONE;
        if let Some(place) = self.cluster.placement(task) {
            self.rebook(place.node, |cluster| {
                cluster.remove(task);
            });
        }
    }
}

impl Machine for ClusterMachine {
    fn kinds(&self) -> usize {
        1 + self.capacity.len()
    }

    fn capacity(&self, kind: usize) -> u64 {
        match kind.checked_sub(1) {
            None => self.units(),
            Some(resource) => self.capacity[resource].max(0) as u64,
        }
    }

    fn demand(&self, job: u32, size: u32, kind: usize) -> u64 {
        match kind.checked_sub(1) {
            None => u64::from(size),
            Some(resource) => self.cluster.demand(TaskId(job)).resources[resource].max(0) as u64,
        }
    }

    fn could_hold(&self, job: u32, _size: u32) -> bool {
        self.possible.get(self.shape(job) as usize).copied().unwrap_or(false)
    }

    fn nodes(&self) -> u32 {
        self.cluster.node_count() as u32
    }

    fn fail(&mut self, node: u32, hit: &mut Vec<u32>) -> bool {
        if node >= self.nodes() || !self.in_service(NodeId(node)) {
            return false;
        }
        let node = NodeId(node);
        self.rebook(node, |cluster| cluster.set_health(node, Health::Down));
        add_capacity(&mut self.capacity, &self.cluster, [node], -1);
        hit.extend(self.cluster.hosted(node).iter().map(|t| self.slot_of[t.index()]));
        hit.sort_unstable();
        true
    }

    fn repair(&mut self, node: u32) {
        if node < self.nodes() && !self.in_service(NodeId(node)) {
            let node = NodeId(node);
            self.rebook(node, |cluster| cluster.set_health(node, Health::Up));
            add_capacity(&mut self.capacity, &self.cluster, [node], 1);
        }
    }

    fn devices(&self, node: u32) -> u32 {
        self.cluster.devices_free(NodeId(node)).len() as u32
    }

    fn fail_device(&mut self, node: u32, device: u32, hit: &mut Vec<u32>) -> bool {
        if !self.has_device(node, device) {
            return false;
        }
        let (node, index) = (NodeId(node), device as usize);
        let mut failed = false;
        self.rebook(node, |cluster| failed = cluster.set_device_health(node, index, false));
        if failed {
            let on_it = |t: &&TaskId| self.cluster.placement(**t).is_some_and(|p| p.devices.contains(index));
            let tasks = self.cluster.hosted(node).iter().filter(on_it);
            hit.extend(tasks.map(|t| self.slot_of[t.index()]));
            hit.sort_unstable();
        }
        failed
    }

    fn repair_device(&mut self, node: u32, device: u32) {
        if self.has_device(node, device) {
            let node = NodeId(node);
            self.rebook(node, |cluster| {
                cluster.set_device_health(node, device as usize, true);
            });
        }
    }

    fn returning(&self, node: u32, device: Option<u32>, claims: &mut Claims) -> u64 {
        let node = NodeId(node);
        let resources = self.cluster.schema().len();
        claims.reset(self.row_width);
        let row = claims.add(node.0);
        if let Some(device) = device {
            row[resources + device as usize] = i64::from(DEVICE_MILLI);
            return u64::from(DEVICE_MILLI);
        }
        row[..resources].copy_from_slice(self.cluster.capacity(node));
        let devices = row[resources..].iter_mut().zip(self.cluster.devices_in_service(node));
        devices
            .filter(|(_, in_service)| **in_service)
            .for_each(|(amount, _)| *amount = i64::from(DEVICE_MILLI));
        self.node_milli(node).0.max(0) as u64
    }

    /// Expected share of the free device milli that a task of the target mix cannot use (FGD, ATC 2023).
    fn fragmentation(&mut self) -> f64 {
        let mut rate = |nodes: &mut dyn Iterator<Item = NodeId>| {
            for node in nodes {
                // Like the free units, of nodes in service alone.
                let up = self.cluster.health(node) == Health::Up;
                let now = if up { self.target.node_fragmentation(&self.cluster, node) } else { 0.0 };
                let kept = &mut self.node_fragmentation[node.index()];
                self.fragmentation_sum += now - std::mem::replace(kept, now);
            }
        };
        match self.known_to.and_then(|at| self.cluster.changes().since(at)) {
            Some(changed) => rate(&mut changed.iter().copied()),
            None => rate(&mut self.cluster.nodes()),
        }
        self.known_to = Some(self.cluster.changes().end());
        // The running sum may be off in its last digits.
        let share = self.fragmentation_sum / self.free_units.max(1) as f64;
        if self.free_units > 0 { share.clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Adds (`sign` 1) or takes away (-1) what the nodes have of each resource.
fn add_capacity(capacity: &mut [i64], cluster: &Cluster, nodes: impl IntoIterator<Item = NodeId>, sign: i64) {
    for node in nodes {
        for (all, own) in capacity.iter_mut().zip(cluster.capacity(node)) {
            *all += sign * own;
        }
    }
}
