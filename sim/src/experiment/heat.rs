//! How full each node was at certain loads of a run: the same means over the arrivals of a load that the curves show,
//! so that a map of the nodes and the figure of the run say the same.

use std::collections::BTreeMap;

use lepton_core::model::{Cluster, DEVICE_MILLI, NodeId};
use serde::Serialize;

/// Maps are kept for clusters up to this many nodes.
const NODES_MAX: usize = 5_000;
/// Distance of the loads at which they are kept, percent.
const STEP_PERCENT: u32 = 5;
/// Name of a device without a model.
const NO_MODEL: &str = "no model";

/// The nodes with devices under one seed, for all policies.
#[derive(Debug, Clone, Serialize)]
pub struct Heat {
    /// The seed.
    pub seed: u64,
    /// The loads, percent.
    pub load_percent: Vec<u32>,
    /// The models of devices, the one with most devices first.
    pub models: Vec<HeatModel>,
    /// The nodes with devices.
    pub nodes: Vec<HeatNode>,
    /// Per policy.
    pub policies: Vec<HeatPolicy>,
}

/// A model of devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeatModel {
    /// Its name.
    pub model: String,
    /// Nodes with it.
    pub nodes: usize,
    /// Devices on them.
    pub devices: usize,
}

/// A node of a [`Heat`].
#[derive(Debug, Clone, Serialize)]
pub struct HeatNode {
    /// Its name.
    pub name: String,
    /// Which of the models its devices are of, by the first of them.
    pub model: usize,
    /// How many devices it has.
    pub devices: usize,
}

/// A policy of a [`Heat`].
#[derive(Debug, Clone, Serialize)]
pub struct HeatPolicy {
    /// The policy.
    pub policy: String,
    /// Per load, per model: devices held, percent.
    pub model_percent: Vec<Vec<f64>>,
    /// Per load, per node: devices held, whole percent.
    pub used_percent: Vec<Vec<u8>>,
}

/// The nodes at one load.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatFrame {
    /// Per model, in the order of [`Heat::models`]: devices held, percent.
    pub model_percent: Vec<f64>,
    /// Per node with devices: devices held, whole percent.
    pub used_percent: Vec<u8>,
}

/// The loads at which maps are kept, percent; none for a cluster without devices or with too many nodes.
pub(super) fn heat_loads(cluster: &Cluster, load: f64) -> Vec<u32> {
    if cluster.device_count() == 0 || cluster.node_count() > NODES_MAX {
        return Vec::new();
    }
    (1..).map(|i| i * STEP_PERCENT).take_while(|&at| f64::from(at) <= load * 100.0 + 1e-6).collect()
}

/// The map of these policies.
pub(super) fn heat_of(
    cluster: &Cluster,
    seed: u64,
    load_percent: Vec<u32>,
    policies: Vec<HeatPolicy>,
) -> Heat {
    let Groups { models, nodes } = groups(cluster);
    let node = |&(node, model, devices): &(NodeId, usize, usize)| HeatNode {
        name: cluster.node_name(node).to_owned(),
        model,
        devices,
    };
    Heat { seed, load_percent, models, nodes: nodes.iter().map(node).collect(), policies }
}

/// The models of a cluster's devices, and its nodes with devices, each with its model.
struct Groups {
    models: Vec<HeatModel>,
    /// Node, its model, its devices.
    nodes: Vec<(NodeId, usize, usize)>,
}

fn groups(cluster: &Cluster) -> Groups {
    let model_of = |node: NodeId| {
        let first = cluster.device_models(node).first();
        let name = first.map_or("", |m| cluster.models()[usize::from(m.0)].name.as_str());
        if name.is_empty() { NO_MODEL } else { name }
    };
    let with_devices: Vec<NodeId> =
        cluster.nodes().filter(|&n| !cluster.devices_free(n).is_empty()).collect();
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for &node in &with_devices {
        let (nodes, devices) = counts.entry(model_of(node)).or_default();
        *nodes += 1;
        *devices += cluster.devices_free(node).len();
    }
    let mut models: Vec<HeatModel> = (counts.into_iter())
        .map(|(model, (nodes, devices))| HeatModel { model: model.to_owned(), nodes, devices })
        .collect();
    models.sort_by_key(|m| std::cmp::Reverse(m.devices));
    let place: BTreeMap<&str, usize> =
        models.iter().enumerate().map(|(i, m)| (m.model.as_str(), i)).collect();
    let node = |node| (node, place[model_of(node)], cluster.devices_free(node).len());
    let nodes = with_devices.into_iter().map(node).collect();
    Groups { models, nodes }
}

/// Follows how full the nodes are and keeps a frame at each of the loads.
pub(super) struct HeatKeeper<'a> {
    at: &'a [u32],
    groups: Groups,
    /// Place in `groups` by node.
    place: Vec<Option<usize>>,
    /// Thousandths of devices held now, of each node with devices.
    held_milli: Vec<u64>,
    /// Their sum over the arrivals of the load, up to the arrival `since`.
    sum: Vec<u64>,
    since: Vec<u64>,
    /// Arrivals of the load.
    arrivals: u64,
    load: u32,
    frames: Vec<HeatFrame>,
}

impl<'a> HeatKeeper<'a> {
    /// For these loads, percent, ascending.
    pub(super) fn new(cluster: &Cluster, at: &'a [u32]) -> Self {
        let groups =
            if at.is_empty() { Groups { models: Vec::new(), nodes: Vec::new() } } else { groups(cluster) };
        let mut place = vec![None; cluster.node_count()];
        groups.nodes.iter().enumerate().for_each(|(i, (node, ..))| place[node.index()] = Some(i));
        let nodes = groups.nodes.len();
        let (held_milli, sum, since) = (vec![0; nodes], vec![0; nodes], vec![0; nodes]);
        Self { at, groups, place, held_milli, sum, since, arrivals: 0, load: 0, frames: Vec::new() }
    }

    /// Takes in an arrival at a load, percent, and the node that it was placed on.
    pub(super) fn arrived(&mut self, cluster: &Cluster, load: u32, on: Option<NodeId>) {
        if self.frames.len() == self.at.len() {
            return;
        }
        if load != self.load {
            self.keep_below(load);
            self.sum.fill(0);
            self.since.fill(0);
            (self.load, self.arrivals) = (load, 0);
        }
        if let Some((node, i)) = on.and_then(|node| Some((node, self.place[node.index()]?))) {
            self.sum[i] += self.held_milli[i] * (self.arrivals - self.since[i]);
            self.since[i] = self.arrivals;
            let milli = u64::from(DEVICE_MILLI);
            self.held_milli[i] = cluster.devices_free(node).iter().map(|&free| milli - u64::from(free)).sum();
        }
        self.arrivals += 1;
    }

    /// The frames, those of loads that were not reached as the run ended.
    pub(super) fn frames(mut self) -> Vec<HeatFrame> {
        self.keep_below(u32::MAX);
        self.frames
    }

    fn keep_below(&mut self, load: u32) {
        let due = self.at.iter().skip(self.frames.len()).take_while(|&&at| at < load).count();
        if due > 0 {
            let frame = self.frame();
            self.frames.extend(std::iter::repeat_n(frame, due));
        }
    }

    fn frame(&self) -> HeatFrame {
        let Groups { models, nodes } = &self.groups;
        let mut model_milli = vec![0.0; models.len()];
        let mut used_percent = Vec::with_capacity(nodes.len());
        for (i, &(_, model, devices)) in nodes.iter().enumerate() {
            let sum = self.sum[i] + self.held_milli[i] * (self.arrivals - self.since[i]);
            let held = if self.arrivals == 0 { 0.0 } else { sum as f64 / self.arrivals as f64 };
            model_milli[model] += held;
            used_percent.push(percent(held, devices).round() as u8);
        }
        let of_model =
            |(model, held): (&HeatModel, f64)| (percent(held, model.devices) * 100.0).round() / 100.0;
        HeatFrame { model_percent: models.iter().zip(model_milli).map(of_model).collect(), used_percent }
    }
}

/// Thousandths of devices as percent of so many devices.
fn percent(milli: f64, devices: usize) -> f64 {
    100.0 * milli / (devices.max(1) as f64 * f64::from(DEVICE_MILLI))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::openb_like;

    #[test]
    fn models_are_listed_by_their_devices_with_all_nodes_that_have_them() {
        let cluster = openb_like(200).cluster;
        let Groups { models, nodes } = groups(&cluster);
        assert!(models.is_sorted_by_key(|m| std::cmp::Reverse(m.devices)));
        assert_eq!(models.iter().map(|m| m.devices).sum::<usize>(), cluster.device_count());
        assert_eq!(models.iter().map(|m| m.nodes).sum::<usize>(), nodes.len());
    }

    #[test]
    fn no_map_is_kept_without_devices_or_of_a_very_large_cluster() {
        let cluster = openb_like(20).cluster;
        assert_eq!(heat_loads(&cluster, 0.21), [5, 10, 15, 20]);
        assert_eq!(heat_loads(&cluster, 0.01), [0; 0]);
        assert!(heat_loads(&openb_like(NODES_MAX + 1).cluster, 1.0).is_empty());
    }
}
