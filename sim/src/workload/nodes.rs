//! How many nodes a part of a workload runs on, and how large they are.

use std::fmt;

use crate::readers::{NodesOfSize, VirtualCluster};

/// Nodes of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeGroup {
    /// How many; at least 1.
    pub nodes: u32,
    /// GPUs of each; 1 where a node is a unit of a pool.
    pub gpus_per_node: u32,
}

/// Nodes of one or several sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nodes(pub Vec<NodeGroup>);

impl Nodes {
    /// The nodes of a virtual cluster; `gpus_per_node` counts where its file names no number of GPUs. `None` where neither
    /// does.
    pub fn of_cluster(cluster: &VirtualCluster, gpus_per_node: Option<u32>) -> Option<Self> {
        let group = |of: &NodesOfSize| {
            let gpus_per_node = of.gpus_per_node.or(gpus_per_node)?;
            Some(NodeGroup { nodes: of.nodes, gpus_per_node })
        };
        Some(Self(cluster.nodes.iter().map(group).collect::<Option<Vec<_>>>()?))
    }

    /// Nodes in all, up to the largest number there is.
    pub fn count(&self) -> u32 {
        self.0.iter().fold(0, |sum, group| sum.saturating_add(group.nodes))
    }

    /// GPUs in all; of a pool its units.
    pub fn units(&self) -> u64 {
        self.0.iter().map(|group| u64::from(group.nodes) * u64::from(group.gpus_per_node)).sum()
    }

    /// GPUs of each node, group after group.
    pub fn sizes(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|group| std::iter::repeat_n(group.gpus_per_node, group.nodes as usize))
    }

    /// The same with every number of nodes divided, rounded up.
    #[must_use]
    pub fn divided(&self, divisor: u32) -> Self {
        let divided = |group: &NodeGroup| NodeGroup { nodes: group.nodes.div_ceil(divisor.max(1)), ..*group };
        Self(self.0.iter().map(divided).collect())
    }
}

/// A virtual cluster or partition and its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedNodes {
    /// Its name.
    pub name: String,
    /// Its nodes.
    pub nodes: Nodes,
}

/// Units of a pool.
impl From<u32> for Nodes {
    fn from(nodes: u32) -> Self {
        Self(vec![NodeGroup { nodes, gpus_per_node: 1 }])
    }
}

/// As `--nodes-count` takes them: `200x2,321x8`.
impl fmt::Display for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, NodeGroup { nodes, gpus_per_node }) in self.0.iter().enumerate() {
            write!(f, "{}{nodes}x{gpus_per_node}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}
