//! What a world measures of itself: the figures by which a loop is judged.

use serde::Serialize;

/// Sums over the life of a world.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Measures {
    /// Minutes that working nodes spent above the safety level of CPU use, summed over the nodes.
    pub hot_node_minutes: f64,
    /// Mean wait for a first place, over the tasks that came, seconds; those still waiting count with
    /// their wait so far.
    pub mean_wait_seconds: f64,
    /// The same, each task counted as often as it asks for devices, seconds.
    pub mean_device_wait_seconds: f64,
    /// 95th percentile of the wait of a task.
    pub p95_wait_seconds: f64,
    /// Work lost to failing nodes, device-minutes.
    pub lost_device_minutes: f64,
    /// Standing still after moves and failures, device-minutes.
    pub paused_device_minutes: f64,
    /// Mean share of the device capacity that was held.
    pub devices_held: f64,
    /// Tasks that came.
    pub arrived: usize,
    /// Tasks that ended.
    pub finished: usize,
    /// Times a task was moved.
    pub migrations: usize,
    /// Times a node failed.
    pub failures: usize,
    /// Tasks that lost their place to a failing node.
    pub interrupted: usize,
    /// Nodes that the loop cordoned and let back in without a failure between.
    pub false_drains: usize,
}
