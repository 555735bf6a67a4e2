//! What analyze makes of a snapshot: all that decide reads beside the snapshot itself.

use serde::{Deserialize, Serialize};

use super::{Cluster, ExpectedMix, Name, NodeId, SAFETY_LEVEL};

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

/// Whether a node is likely to fail.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NodeRisk {
    /// Estimated probability of a failure within the next hour, 0 to 1; 1 for a node that is sick.
    pub probability: f64,
    /// The same within the next day.
    pub within_day: f64,
    /// The same within the next week.
    pub within_week: f64,
    /// The signs that speak for it, the strongest first.
    pub signs: Vec<Sign>,
}

/// A sign of a coming fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sign {
    /// Name of the signal.
    pub signal: Name,
    /// Its value in its own unit; of what is remembered of the node, by which factor it raises the odds of a failure within a
    /// day.
    pub value: f64,
    /// Probability of a failure within the next hour by this sign alone, or by all that is remembered, 0 to 1.
    pub probability: f64,
}

/// What is expected to be used of each node and resource over some time to come.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ExpectedLoad {
    /// How far it looks ahead, seconds: the values are the highest within that time.
    pub horizon_seconds: u64,
    /// The quantiles, rising, each 0 to 1.
    pub levels: Vec<f64>,
    /// nodes x resources x levels, in the resource's unit.
    pub used: Vec<f64>,
    /// Since when load is followed, seconds: after a restart it is learned anew.
    pub since_seconds: u64,
    /// Series (nodes x resources) that are followed.
    pub series: usize,
    /// Those that are too young for a forecast of their own and take how far others rose.
    pub young: usize,
    /// Those that have lately covered far less than they say, and are forecast at least as wide as the naive way.
    pub slipped: usize,
    /// Share of the last days' peaks that were not above the highest level, over all series; none before any is known.
    pub coverage: Option<f64>,
}

/// What is to be known of the cluster before deciding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assessment {
    /// A node is hot above this share of its busiest resource: the one level of all stages.
    pub safety_level: f64,
    /// Per node.
    pub load: Vec<NodeLoad>,
    /// nodes x resources: real use now, in the resource's unit; tasks of unknown use count by `use_of_demand`.
    pub used: Vec<f64>,
    /// What is expected to be used; none without forecasts.
    pub expected: Option<ExpectedLoad>,
    /// Mean of `used` over the working nodes.
    pub mean_used: f64,
    /// Standard deviation of `used` over the working nodes: 0 is perfect balance.
    pub imbalance: f64,
    /// Share of the device capacity of working nodes that is held.
    pub devices_held: f64,
    /// Per resource: real use as a share of demand, over all tasks whose use is known; 1 while none is.
    pub use_of_demand: Vec<f64>,
    /// Working nodes above the safety level, the worst first.
    pub hot: Vec<NodeId>,
    /// Per node.
    pub risk: Vec<NodeRisk>,
    /// Nodes that work and are likely to fail, or are sick: the likeliest first.
    pub failing: Vec<NodeId>,
    /// Free device capacity (thousandths) on working nodes that have no CPU left to go with it.
    pub stranded_milli: i64,
    /// The mix of tasks that free capacity is judged against.
    #[serde(skip)]
    pub mix: ExpectedMix,
    /// Tasks that wait for a place.
    pub waiting: usize,
}

impl Default for Assessment {
    fn default() -> Self {
        Self {
            safety_level: SAFETY_LEVEL,
            load: Vec::new(),
            used: Vec::new(),
            expected: None,
            mean_used: 0.0,
            imbalance: 0.0,
            devices_held: 0.0,
            use_of_demand: Vec::new(),
            hot: Vec::new(),
            risk: Vec::new(),
            failing: Vec::new(),
            stranded_milli: 0,
            mix: ExpectedMix::default(),
            waiting: 0,
        }
    }
}

impl Assessment {
    /// The same as seen by somebody who knows no signs of coming faults.
    #[must_use]
    pub fn without_risk(&self) -> Self {
        Self { risk: vec![NodeRisk::default(); self.risk.len()], failing: Vec::new(), ..self.clone() }
    }

    /// Estimated probability of a failure of a node within the next hour.
    pub fn risk_of(&self, node: NodeId) -> f64 {
        self.risk.get(node.index()).map_or(0.0, |risk| risk.probability)
    }

    /// What a node is expected to use of a resource at a quantile: the forecast at the least level that reaches it, or what
    /// is used now where there is no forecast.
    pub fn expected_use(&self, node: NodeId, resource: usize, quantile: f64) -> f64 {
        let at = node.index() * self.use_of_demand.len() + resource;
        let forecast = self.expected.as_ref().and_then(|expected| {
            let last = expected.levels.len().checked_sub(1)?;
            let level = expected.levels.iter().position(|&l| l >= quantile).unwrap_or(last);
            expected.used.get(at * expected.levels.len() + level).copied()
        });
        forecast.or_else(|| self.used.get(at).copied()).unwrap_or(0.0)
    }

    /// Share of its capacity that the node's busiest resource is expected to be used to at a quantile.
    pub fn expected_share(&self, cluster: &Cluster, node: NodeId, quantile: f64) -> f64 {
        let capacities = cluster.capacity(node).iter().enumerate().filter(|(_, all)| **all > 0);
        let share = |(r, &all): (usize, &i64)| self.expected_use(node, r, quantile) / all as f64;
        capacities.map(share).fold(0.0, f64::max)
    }
}
