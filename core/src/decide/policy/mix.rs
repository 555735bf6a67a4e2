//! What the learned placement policy knows of a cluster and its mix of tasks: tables and prices, made once, that
//! turn the state of a node into features. Everything is relative: to a device, to the mix, to the mean price.

use std::collections::BTreeMap;

use super::share_value::{self, Size, Worth, cells_of};
use super::type_prices::{Asked, Supply, device_prices};
use crate::model::fragmentation::{ExpectedShape, TargetWorkload};
use crate::model::{Cluster, DEVICE_MILLI, NodeId, ResourceSchema};

/// Most types of node told apart.
const TYPES_MAX: usize = 64;
/// Most amounts of CPU, and of a device, at which the tables have a step.
const STEPS_MAX: usize = 64;
/// Most shapes looked at: the most frequent ones.
const SHAPES_MAX: usize = 1_000;

/// A type of node: devices of the same models, about the same CPU.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NodeType {
    /// Which row of the tables of what can be used is for its device models.
    group: usize,
    /// The same in the tables of what is left.
    worth_group: usize,
    /// How dear its devices are because tasks are bound to their model.
    pub(super) bound_price: f64,
    /// How dear its devices are, given the CPU that stands beside them.
    pub(super) type_price: f64,
}

/// A cluster and its mix as the policy sees them.
#[derive(Debug, Clone, PartialEq)]
pub struct Mix {
    /// Amounts of CPU at which one more shape fits, ascending from 0, millicores.
    cpu_steps: Vec<i64>,
    /// Per thousandths left on a device: how many steps of size fit.
    size_step: Vec<u16>,
    size_steps: usize,
    types: Vec<NodeType>,
    type_of: Vec<u16>,
    /// Share of the mix that can use a device; by group, CPU step, size step.
    usable: Vec<f64>,
    /// Share of the mix that asks for several devices and fits; by group, CPU step, whole free devices.
    usable_whole: Vec<f64>,
    whole_max: usize,
    /// Worth of what is left on a device; by group of models.
    worth: Vec<Worth>,
    /// The same for the shapes that find enough CPU; by group of models and CPU step.
    worth_within_cpu: Vec<Worth>,
    /// Devices that the mix asks for with each millicore.
    pub(super) devices_per_millicore: f64,
}

/// Sums over the devices of a node at one step of CPU.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DeviceSums {
    /// Free capacity, devices.
    pub(super) free: f64,
    usable: f64,
    pub(super) worth: f64,
    pub(super) worth_within_cpu: f64,
    pub(super) whole: usize,
    pub(super) partly_used: usize,
}

impl Mix {
    /// What a policy should know of the cluster, whatever stands on it now, and of the mix.
    pub fn new(cluster: &Cluster, target: &TargetWorkload) -> Self {
        let mut shapes: Vec<ExpectedShape> = target.all_shapes().collect();
        shapes.sort_by(|a, b| b.share.total_cmp(&a.share));
        shapes.truncate(SHAPES_MAX);
        let cpu_steps = steps(shapes.iter().map(|s| s.cpu_millicores).chain([0]));
        let milli = |s: &ExpectedShape| s.devices.filter(|d| d.count == 1).map(|d| i64::from(d.milli));
        let sizes = steps(shapes.iter().filter_map(milli));
        let size_step = (0..=i64::from(DEVICE_MILLI)).map(|m| sizes.partition_point(|&s| s <= m) as u16);
        let (names, type_of) = type_names(cluster);
        let mut groups: Vec<u64> = names.iter().map(|n| n.0).collect();
        groups.dedup();
        let shares = ShareWorth::of(&shapes, &groups);
        let types = node_types(cluster, &names, &type_of, &groups, &shapes, &shares);
        let whole_max =
            shapes.iter().filter_map(|s| s.devices).map(|d| usize::from(d.count)).max().unwrap_or(1);
        let mut mix = Self {
            worth_within_cpu: shares.worth(&shapes, &cpu_steps),
            worth: shares.worth(&shapes, &[i64::MAX]),
            usable: vec![0.0; groups.len() * cpu_steps.len() * (sizes.len() + 1)],
            usable_whole: vec![0.0; groups.len() * cpu_steps.len() * (whole_max + 1)],
            devices_per_millicore: devices_per_millicore(&shapes),
            size_step: size_step.collect(),
            size_steps: sizes.len() + 1,
            cpu_steps,
            types,
            type_of,
            whole_max,
        };
        for shape in target.frequent_shapes() {
            mix.count_usable(&shape, &groups, &sizes);
        }
        mix
    }

    /// Adds a shape to the tables of what can be used.
    fn count_usable(&mut self, shape: &ExpectedShape, groups: &[u64], sizes: &[i64]) {
        let Some(demand) = shape.devices else { return };
        for (group, &models) in groups.iter().enumerate() {
            if demand.accept.0 & models == 0 {
                continue;
            }
            for cpu in 0..self.cpu_steps.len() {
                if self.cpu_steps[cpu] < shape.cpu_millicores {
                    continue;
                }
                let row = group * self.cpu_steps.len() + cpu;
                if demand.count == 1 {
                    let from = sizes.partition_point(|&s| s < i64::from(demand.milli)) + 1;
                    let row = &mut self.usable[row * self.size_steps..][..self.size_steps];
                    row[from..].iter_mut().for_each(|share| *share += shape.share);
                } else {
                    let row = &mut self.usable_whole[row * (self.whole_max + 1)..][..=self.whole_max];
                    row[usize::from(demand.count)..].iter_mut().for_each(|share| *share += shape.share);
                }
            }
        }
    }

    pub(super) fn node_type(&self, node: NodeId) -> &NodeType {
        &self.types[usize::from(self.type_of[node.index()])]
    }

    /// The step of CPU that so many millicores reach.
    pub(super) fn cpu_step(&self, millicores: i64) -> usize {
        self.cpu_steps.partition_point(|&step| step <= millicores).saturating_sub(1)
    }

    /// Adds a device with `free` thousandths left to the sums (`sign` 1), or takes it out (-1).
    pub(super) fn count(&self, node: &NodeType, cpu: usize, free: u16, sign: f64, sums: &mut DeviceSums) {
        let row = (node.group * self.cpu_steps.len() + cpu) * self.size_steps;
        let devices = f64::from(free) / f64::from(DEVICE_MILLI);
        let cell = usize::from(free / share_value::CELL_MILLI);
        sums.free += sign * devices;
        sums.usable += sign * devices * self.usable[row + usize::from(self.size_step[usize::from(free)])];
        sums.worth += sign * self.worth[node.worth_group][cell];
        let within_cpu = &self.worth_within_cpu[node.worth_group * self.cpu_steps.len() + cpu];
        sums.worth_within_cpu += sign * within_cpu[cell];
        let counted = |count: usize| if sign > 0.0 { count + 1 } else { count - 1 };
        match free {
            0 => {}
            DEVICE_MILLI => sums.whole = counted(sums.whole),
            _ => sums.partly_used = counted(sums.partly_used),
        }
    }

    /// The sums over a node's devices with this much left of each, thousandths.
    pub(super) fn sums(&self, node: &NodeType, cpu: usize, free: &[u16]) -> DeviceSums {
        let mut sums = DeviceSums::default();
        for &left in free {
            self.count(node, cpu, left, 1.0, &mut sums);
        }
        sums
    }

    /// The fragmentation of a node with these devices left, in devices: free capacity that a task drawn from
    /// the mix cannot use, in the mean.
    pub(super) fn fragmentation(&self, node: &NodeType, cpu: usize, sums: &DeviceSums) -> f64 {
        let row = (node.group * self.cpu_steps.len() + cpu) * (self.whole_max + 1);
        let several = sums.whole as f64 * self.usable_whole[row + sums.whole.min(self.whole_max)];
        sums.free - sums.usable - several
    }
}

/// Distinct values, ascending, thinned to at most [`STEPS_MAX`] of which the largest is one.
fn steps(values: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut all: Vec<i64> = values.collect();
    all.sort_unstable();
    all.dedup();
    let stride = all.len().div_ceil(STEPS_MAX).max(1);
    let kept = all.iter().enumerate().filter(|(i, _)| i % stride == 0 || i + 1 == all.len());
    kept.map(|(_, &value)| value).collect()
}

/// Devices asked for with each millicore by the tasks that ask for devices; 0 when none do.
fn devices_per_millicore(shapes: &[ExpectedShape]) -> f64 {
    let with_devices = shapes.iter().filter_map(|s| s.devices.map(|d| (s, d)));
    let (devices, millicores) = with_devices.fold((0.0, 0.0), |(devices, millicores), (s, d)| {
        let each = d.total_milli() as f64 / f64::from(DEVICE_MILLI);
        (devices + s.share * each, millicores + s.share * s.cpu_millicores as f64)
    });
    if millicores > 0.0 { devices / millicores } else { 0.0 }
}

/// Prices of the sizes in which one device is asked for.
struct ShareWorth {
    sizes: Vec<Size>,
    price: Vec<f64>,
    /// Per set of device models on nodes: its group.
    group_of: Vec<usize>,
    /// Per group: the sizes that run on it.
    groups: Vec<Vec<usize>>,
}

impl ShareWorth {
    fn of(shapes: &[ExpectedShape], models: &[u64]) -> Self {
        let mut weight: BTreeMap<(usize, u64), f64> = BTreeMap::new();
        for (shape, demand) in shapes.iter().filter_map(|s| s.devices.map(|d| (s, d))) {
            // A size that no node here has a device for weighs nothing: without a packing it has no price.
            let hosted = models.iter().any(|m| m & demand.accept.0 != 0);
            if demand.count == 1 && hosted {
                *weight.entry((cells_of(demand.milli), demand.accept.0)).or_default() += shape.share;
            }
        }
        let size = |(&(cells, accept), &weight): (&(usize, u64), &f64)| Size { cells, accept, weight };
        let sizes: Vec<Size> = weight.iter().map(size).collect();
        let (group_of, groups) = share_value::groups(&sizes, models);
        let price = share_value::prices(&sizes, &groups);
        Self { sizes, price, group_of, groups }
    }

    /// Which of the sizes a shape has.
    fn size_of(&self, shape: &ExpectedShape) -> Option<usize> {
        let demand = shape.devices.filter(|d| d.count == 1)?;
        let key = (cells_of(demand.milli), demand.accept.0);
        self.sizes.binary_search_by_key(&key, |s| (s.cells, s.accept)).ok()
    }

    /// Devices that a task of the shape costs.
    fn devices(&self, shape: &ExpectedShape) -> f64 {
        let several = shape.devices.map_or(0.0, |d| f64::from(d.count));
        self.size_of(shape).map_or(several, |size| self.price[size])
    }

    /// Worth of what is left on a device, by group and limit, to the shapes that ask for at most as much CPU as
    /// the limit.
    fn worth(&self, shapes: &[ExpectedShape], cpu_limits: &[i64]) -> Vec<Worth> {
        let mut least_cpu = vec![i64::MAX; self.sizes.len()];
        for shape in shapes {
            if let Some(size) = self.size_of(shape) {
                least_cpu[size] = least_cpu[size].min(shape.cpu_millicores);
            }
        }
        let worth = |members: &Vec<usize>, limit: i64| {
            let fitting: Vec<usize> = members.iter().copied().filter(|&i| least_cpu[i] <= limit).collect();
            share_value::worth(&self.sizes, &fitting, &self.price)
        };
        self.groups.iter().flat_map(|m| cpu_limits.iter().map(move |&limit| worth(m, limit))).collect()
    }
}

/// What tells types of node apart: device models, number of devices, size in CPU.
type TypeKey = (u64, usize, u32);

/// The types of node, and the type of each node.
fn type_names(cluster: &Cluster) -> (Vec<TypeKey>, Vec<u16>) {
    let fine = |n: NodeId| {
        // Two steps to each doubling of the CPU.
        let size = (2.0 * (cpu(cluster, n).max(1) as f64).log2()).floor() as u32;
        (cluster.node_models(n).0, cluster.devices_free(n).len(), size)
    };
    let by_models = |n: NodeId| (cluster.node_models(n).0, 0, 0);
    let keys_by = |key: &dyn Fn(NodeId) -> TypeKey| cluster.nodes().map(key).collect::<Vec<_>>();
    let distinct = |keys: &[TypeKey]| {
        let mut all = keys.to_vec();
        all.sort_unstable();
        all.dedup();
        all
    };
    let mut keys = keys_by(&fine);
    if distinct(&keys).len() > TYPES_MAX {
        keys = keys_by(&by_models);
    }
    if distinct(&keys).len() > TYPES_MAX {
        keys = keys_by(&|_| (u64::MAX, 0, 0));
    }
    let names = distinct(&keys);
    let type_of = keys.iter().map(|k| names.partition_point(|n| n < k) as u16).collect();
    (names, type_of)
}

fn cpu(cluster: &Cluster, node: NodeId) -> i64 {
    cluster.capacity(node)[ResourceSchema::CPU]
}

/// The types of node with their prices. `groups` are the sets of device models that the tables have rows for.
fn node_types(
    cluster: &Cluster,
    names: &[TypeKey],
    type_of: &[u16],
    groups: &[u64],
    shapes: &[ExpectedShape],
    shares: &ShareWorth,
) -> Vec<NodeType> {
    let mut supply = vec![Supply { devices: 0.0, cores: 0.0 }; names.len()];
    let mut largest = vec![(0, 0); names.len()];
    for (node, &t) in cluster.nodes().zip(type_of) {
        let (t, devices) = (usize::from(t), cluster.devices_free(node).len());
        supply[t].devices += devices as f64;
        supply[t].cores += cpu(cluster, node) as f64 / 1000.0;
        largest[t] = (largest[t].0.max(devices), largest[t].1.max(cpu(cluster, node)));
    }
    let asked = |runs_on: &dyn Fn(&ExpectedShape, usize) -> bool| -> Vec<Asked> {
        let of_shape = shapes.iter().map(|s| Asked {
            share: s.share,
            devices: shares.devices(s),
            cores: s.cpu_millicores as f64 / 1000.0,
            runs_on: (0..names.len()).map(|t| runs_on(s, t)).collect(),
        });
        of_shape.collect()
    };
    let accepts = |s: &ExpectedShape, t: usize| s.devices.is_none_or(|d| d.accept.0 & names[t].0 != 0);
    let has_room = |s: &ExpectedShape, t: usize| {
        s.devices.map_or(0, |d| usize::from(d.count)) <= largest[t].0 && s.cpu_millicores <= largest[t].1
    };
    let bound = device_prices(&supply, &asked(&accepts), false);
    let typed = device_prices(&supply, &asked(&|s, t| accepts(s, t) && has_room(s, t)), true);
    let types = names.iter().zip(bound).zip(typed).map(|((name, bound_price), type_price)| {
        let group = groups.partition_point(|&g| g < name.0);
        NodeType { group, worth_group: shares.group_of[group], bound_price, type_price }
    });
    types.collect()
}
