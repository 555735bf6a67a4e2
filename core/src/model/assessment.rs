//! What analyze makes of a snapshot.

use serde::Serialize;

use super::NodeId;

/// Load of one node: shares of its capacity, 0 to 1 and above when it is overrun.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct NodeLoad {
    /// Share of its resources really used: that of the busiest resource.
    pub used: f64,
    /// Share of its resources promised to tasks: that of the fullest resource.
    pub promised: f64,
    /// Share of its device capacity held.
    pub devices_held: f64,
}

/// What is to be known of the cluster before deciding.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Assessment {
    /// Per node.
    pub load: Vec<NodeLoad>,
    /// Mean of `used` over the working nodes.
    pub mean_used: f64,
    /// Standard deviation of `used` over the working nodes: 0 is perfect balance.
    pub imbalance: f64,
    /// Share of the device capacity of working nodes that is held.
    pub devices_held: f64,
    /// Real use as a share of demand, over all tasks whose use is known; 1 while none is.
    pub use_of_demand: f64,
    /// Working nodes above the safety level, the worst first.
    pub hot: Vec<NodeId>,
    /// Nodes that work and are likely to fail, or are sick: the likeliest first.
    pub failing: Vec<NodeId>,
    /// Free device capacity (thousandths) on working nodes that have no CPU left to go with it.
    pub stranded_milli: i64,
    /// Tasks that wait for a place.
    pub waiting: usize,
}
