//! Analyzing: what the snapshot means. One file per question; none of them changes anything.

mod load;
pub mod risk;
mod stranded;

use crate::model::{Assessment, NodeId, Snapshot};

/// What counts as hot and as failing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnalyzeConfig {
    /// A node whose busiest resource is used above this share of its capacity is hot.
    pub safety_level: f64,
    /// A node whose estimated risk of a failure within the next hour is above this is failing.
    pub risk_level: f64,
}

impl Default for AnalyzeConfig {
    fn default() -> Self {
        Self { safety_level: 0.8, risk_level: 0.5 }
    }
}

/// Assesses the snapshot: O(nodes + placed tasks).
pub fn assess(snapshot: &Snapshot, config: &AnalyzeConfig) -> Assessment {
    let cluster = &snapshot.cluster;
    let use_of_demand = load::use_of_demand(snapshot);
    let load: Vec<_> = cluster.nodes().map(|n| load::of_node(snapshot, n, use_of_demand)).collect();
    let working: Vec<NodeId> =
        cluster.nodes().filter(|&n| cluster.health(n) != crate::model::Health::Down).collect();
    let (mean_used, imbalance) = load::mean_and_deviation(working.iter().map(|n| load[n.index()].used));

    let mut hot: Vec<NodeId> =
        working.iter().copied().filter(|n| load[n.index()].used > config.safety_level).collect();
    hot.sort_by(|a, b| load[b.index()].used.total_cmp(&load[a.index()].used).then(a.cmp(b)));

    let risk = |n: NodeId| snapshot.risk_of(n);
    let mut failing: Vec<NodeId> = working.iter().copied().filter(|&n| risk(n) > config.risk_level).collect();
    failing.sort_by(|&a, &b| risk(b).total_cmp(&risk(a)).then(a.cmp(&b)));

    Assessment {
        mean_used,
        imbalance,
        devices_held: load::devices_held(cluster, &working),
        use_of_demand,
        hot,
        failing,
        stranded_milli: stranded::milli(cluster, &working),
        waiting: snapshot.pending.len(),
        load,
    }
}
