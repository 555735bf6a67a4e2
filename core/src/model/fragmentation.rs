//! Fragmentation of device capacity against a target workload.
//!
//! Source: Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation
//! Gradient Descent", USENIX ATC 2023. The fragmentation of a node for one task shape is the free device
//! capacity that the shape cannot use; of a node, the mean over the shapes of the target workload,
//! weighted by how often they are asked for.

use serde::{Deserialize, Serialize};

use super::{ClassId, Cluster, DeviceDemand, ModelSet, NodeId, ResourceSchema};

/// One shape of the target workload.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shape {
    cpu: i64,
    /// Devices asked for; 0 for tasks that need none.
    count: u16,
    milli: u16,
    accept: ModelSet,
    /// Share among the shapes kept; they add up to 1.
    share: f64,
}

impl Shape {
    fn expected(&self, share: f64) -> ExpectedShape {
        let Self { cpu, count, milli, accept, .. } = *self;
        let devices = (count > 0).then_some(DeviceDemand { count, milli, accept });
        ExpectedShape { cpu_millicores: cpu, devices, share }
    }
}

/// The most frequent task shapes of a workload with their shares: what capacity is judged against.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TargetWorkload {
    shapes: Vec<Shape>,
    /// The less frequent shapes that fragmentation leaves out, with their share of all tasks.
    rare: Vec<Shape>,
    /// Share of all tasks that have one of `shapes`.
    share_kept: f64,
}

/// A shape of the tasks that are expected, and how frequent it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExpectedShape {
    /// CPU asked for, millicores.
    pub cpu_millicores: i64,
    /// The devices asked for.
    pub devices: Option<DeviceDemand>,
    /// Share of all tasks, 0 to 1.
    pub share: f64,
}

/// A shape to be counted: CPU in millicores, the device demand, and the text that breaks ties (the list of
/// accepted models as written).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShapeKey {
    /// CPU asked for, millicores.
    pub cpu_millicores: i64,
    /// Thousandths on each device; 0 without devices.
    pub milli: u16,
    /// Devices; 0 without.
    pub count: u16,
    /// Accepted models as the user wrote them; empty for any.
    pub spec: String,
}

impl TargetWorkload {
    /// The shapes that make up the first `coverage` (0 to 1) of the tasks, most frequent first. Of equally
    /// frequent shapes the larger one (CPU, then milli, then count, then spec text) comes first.
    pub fn from_counts(counts: Vec<(ShapeKey, ModelSet, u64)>, coverage: f64) -> Self {
        let mut counts = counts;
        counts.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| b.0.cmp(&a.0)));
        let total: u64 = counts.iter().map(|c| c.2).sum();
        let shape = |(key, accept, count): &(ShapeKey, ModelSet, u64)| Shape {
            cpu: key.cpu_millicores,
            count: key.count,
            milli: key.milli,
            accept: *accept,
            share: *count as f64 / total as f64,
        };
        let mut kept = 0;
        let mut taken = 0;
        while taken < counts.len() && (kept as f64) < coverage * total as f64 {
            kept += counts[taken].2;
            taken += 1;
        }
        // Shares of all first, then of those kept: the published study divides twice, and placements hang
        // on the last bit where two scores are equal but for rounding.
        let share_kept = kept as f64 / total.max(1) as f64;
        let of_kept = |s: Shape| Shape { share: s.share / share_kept, ..s };
        Self {
            shapes: counts[..taken].iter().map(shape).map(of_kept).collect(),
            rare: counts[taken..].iter().map(shape).collect(),
            share_kept,
        }
    }

    /// The shapes of a cluster's classes, weighted by the number of `tasks` of each class (pairs of class
    /// and count), all of them kept.
    pub fn from_classes(cluster: &Cluster, tasks: &[(ClassId, u64)]) -> Self {
        let counts = tasks.iter().map(|&(class, count)| {
            let demand = &cluster.class(class).demand;
            let d = demand.devices;
            let key = ShapeKey {
                cpu_millicores: demand.resources[ResourceSchema::CPU],
                milli: d.map_or(0, |d| d.milli),
                count: d.map_or(0, |d| d.count),
                spec: format!("{:020}", d.map_or(0, |d| d.accept.0)),
            };
            (key, d.map_or(ModelSet::ANY, |d| d.accept), count)
        });
        Self::from_counts(counts.collect(), 1.0)
    }

    /// All shapes of the workload, also those too rare to count for fragmentation; their shares add up to 1.
    pub fn all_shapes(&self) -> impl Iterator<Item = ExpectedShape> {
        let frequent = self.shapes.iter().map(|s| (s, s.share * self.share_kept));
        let rare = self.rare.iter().map(|s| (s, s.share));
        frequent.chain(rare).map(|(s, share)| s.expected(share))
    }

    /// The shapes that fragmentation is judged by, the most frequent first; their shares add up to 1.
    pub fn frequent_shapes(&self) -> impl Iterator<Item = ExpectedShape> {
        self.shapes.iter().map(|s| s.expected(s.share))
    }

    /// A workload of shapes, each with CPU in millicores, its device demand, and its share; the shares are
    /// brought to a sum of 1.
    pub fn from_shares(shapes: &[(i64, Option<DeviceDemand>, f64)]) -> Self {
        let sum: f64 = shapes.iter().map(|s| s.2).sum();
        let shape = |&(cpu, devices, share): &(i64, Option<DeviceDemand>, f64)| Shape {
            cpu,
            count: devices.map_or(0, |d| d.count),
            milli: devices.map_or(0, |d| d.milli),
            accept: devices.map_or(ModelSet::ANY, |d| d.accept),
            share: share / sum,
        };
        Self { shapes: shapes.iter().map(shape).collect(), rare: Vec::new(), share_kept: 1.0 }
    }

    /// The shapes: CPU in millicores, device demand, share.
    pub fn shares(&self) -> impl Iterator<Item = (i64, Option<DeviceDemand>, f64)> {
        self.shapes.iter().map(|s| {
            let Shape { cpu, count, milli, accept, share } = *s;
            (cpu, (count > 0).then_some(DeviceDemand { count, milli, accept }), share)
        })
    }

    /// How many shapes there are.
    pub fn len(&self) -> usize {
        self.shapes.len()
    }

    /// Whether there is no shape.
    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// Fragmentation of a node, in thousandths of a device: the free device capacity that a task drawn
    /// from the workload cannot use on it, in the mean.
    pub fn node_fragmentation(&self, cluster: &Cluster, node: NodeId) -> f64 {
        let cpu = cluster.free(node)[ResourceSchema::CPU];
        let devices = DevicesLeft::of_node(cluster, node);
        self.fragmentation(cpu, &devices)
    }

    /// Fragmentation of the whole cluster, in thousandths of a device.
    pub fn cluster_fragmentation(&self, cluster: &Cluster) -> f64 {
        cluster.nodes().map(|n| self.node_fragmentation(cluster, n)).sum()
    }

    /// Fragmentation of a node with this much CPU and these devices left, thousandths of a device.
    ///
    /// The sum runs in double precision over six buckets in a fixed order, as the published study does,
    /// so that equal states give equal values to the last bit.
    pub fn fragmentation(&self, cpu_left: i64, devices: &DevicesLeft) -> f64 {
        let [mut both, mut device, mut cpu, mut fits_without, mut cpu_without, mut model] = [0.0; 6];
        let total = f64::from(devices.total);
        for shape in &self.shapes {
            let enough_cpu = cpu_left >= shape.cpu;
            if shape.count == 0 {
                if enough_cpu {
                    fits_without += shape.share * total;
                } else {
                    cpu_without += shape.share * total;
                }
                continue;
            }
            if !shape.accept.meets(devices.models) {
                model += shape.share * total;
                continue;
            }
            let (fitting, unfit_milli) = devices.split(shape.milli, shape.accept);
            match (fitting >= u32::from(shape.count), enough_cpu) {
                (true, true) => device += shape.share * f64::from(unfit_milli),
                (true, false) => cpu += shape.share * total,
                (false, true) => device += shape.share * total,
                (false, false) => both += shape.share * total,
            }
        }
        both + device + cpu + fits_without + cpu_without + model
    }
}

/// What is left of a node's devices, for trying placements without touching the cluster.
#[derive(Debug, Clone)]
pub struct DevicesLeft {
    free: [u16; super::DEVICES_PER_NODE_MAX],
    len: usize,
    total: u32,
    models: ModelSet,
    /// Per device model; only looked at when the node mixes models.
    of_model: Option<Box<[super::ModelId]>>,
}

impl DevicesLeft {
    /// What is left on a node now.
    pub fn of_node(cluster: &Cluster, node: NodeId) -> Self {
        let left = cluster.devices_free(node);
        let mut free = [0; super::DEVICES_PER_NODE_MAX];
        free[..left.len()].copy_from_slice(left);
        let models = cluster.node_models(node);
        let mixed = models.0.count_ones() > 1;
        Self {
            free,
            len: left.len(),
            total: left.iter().map(|&f| u32::from(f)).sum(),
            models,
            of_model: mixed.then(|| cluster.device_models(node).into()),
        }
    }

    /// What is free on each device, thousandths.
    pub fn free(&self) -> &[u16] {
        &self.free[..self.len]
    }

    /// Whether the node has devices of several models.
    pub fn mixed(&self) -> bool {
        self.of_model.is_some()
    }

    /// Takes `milli` of the device.
    pub fn take(&mut self, index: usize, milli: u16) {
        self.free[index] -= milli;
        self.total -= u32::from(milli);
    }

    /// Gives `milli` back to the device.
    pub fn give(&mut self, index: usize, milli: u16) {
        self.free[index] += milli;
        self.total += u32::from(milli);
    }

    /// Whether device `index` is of a model that the demand accepts.
    pub fn accepted(&self, index: usize, demand: &DeviceDemand) -> bool {
        match &self.of_model {
            None => demand.accept.meets(self.models),
            Some(models) => demand.accept.contains(models[index]),
        }
    }

    /// How many accepted devices have at least `milli` left, and what is left on all the others together.
    fn split(&self, milli: u16, accept: ModelSet) -> (u32, u32) {
        let (mut fitting, mut unfit_milli) = (0, 0);
        match &self.of_model {
            None => {
                for &free in self.free() {
                    let fits = free >= milli;
                    fitting += u32::from(fits);
                    unfit_milli += if fits { 0 } else { u32::from(free) };
                }
            }
            Some(models) => {
                for (&free, &model) in self.free().iter().zip(models) {
                    let fits = free >= milli && accept.contains(model);
                    fitting += u32::from(fits);
                    unfit_milli += if fits { 0 } else { u32::from(free) };
                }
            }
        }
        (fitting, unfit_milli)
    }
}
