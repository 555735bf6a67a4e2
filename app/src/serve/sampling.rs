//! How the nodes stand, turn by turn, on the way to the series of the store.

use std::sync::Arc;

use lepton_core::model::{Assessment, Cluster, NodeId, Snapshot};
use lepton_edges::store::Sample;

use super::nodes::{MEASURED, MEASURES};
use super::people::unix_seconds;

/// Before the name of a resource: the share of it that is really used.
const USE_OF: &str = "use_of.";

/// Takes samples. The names are made anew only when they change.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    inventory_version: Option<u64>,
    nodes: Arc<Vec<String>>,
    measures: Arc<Vec<String>>,
}

impl Sampler {
    /// After a turn: of each node what a row of the list of nodes has, and the use of each resource. Nothing where readings are out of date:
    /// a gap says more than old values would.
    pub(super) fn sample(
        &mut self,
        snapshot: &Snapshot,
        assessment: &Assessment,
        now_seconds: u64,
    ) -> Option<Sample> {
        let cluster = &snapshot.cluster;
        if !snapshot.stale.is_empty() || cluster.node_count() == 0 {
            return None;
        }
        if self.inventory_version != Some(cluster.inventory_version()) {
            self.inventory_version = Some(cluster.inventory_version());
            self.nodes = Arc::new(cluster.nodes().map(|node| cluster.node_name(node).to_owned()).collect());
            let resources = cluster.schema().names().iter().map(|name| format!("{USE_OF}{name}"));
            self.measures = Arc::new(MEASURES.map(str::to_owned).into_iter().chain(resources).collect());
        }
        let mut values = Vec::with_capacity(self.nodes.len() * self.measures.len());
        for measure in MEASURED {
            values
                .extend(cluster.nodes().map(|node| Sample::thousandths(measure(cluster, node, assessment))));
        }
        for resource in 0..cluster.schema().len() {
            let of = |node| Sample::thousandths(use_of(cluster, node, assessment, resource));
            values.extend(cluster.nodes().map(of));
        }
        Some(Sample {
            time_seconds: now_seconds,
            unix_seconds: unix_seconds(),
            nodes: Arc::clone(&self.nodes),
            measures: Arc::clone(&self.measures),
            values,
        })
    }
}

/// The share of a resource that is really used.
fn use_of(cluster: &Cluster, node: NodeId, assessment: &Assessment, resource: usize) -> f64 {
    let capacity = cluster.capacity(node)[resource];
    let resources = assessment.use_of_demand.len();
    let used = assessment.used.get(node.index() * resources + resource).copied().unwrap_or(0.0);
    if capacity > 0 { used / capacity as f64 } else { 0.0 }
}
