//! How a simulation is run: queue discipline, backfilling, failures. Values only.

use lepton_core::decide::queue::pass::{Backfill, Discipline};
use serde::{Deserialize, Serialize};

/// A node or one of its devices that goes out of service, and comes back unless it never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// When it fails, in seconds.
    pub at_seconds: i64,
    /// Which node (of a pool: which unit).
    pub node: u32,
    /// Which device of the node, from 0; `None`: the whole node.
    pub device: Option<u32>,
    /// When it is back, in seconds after the failure; `None` when never.
    pub repair_seconds: Option<u32>,
}

/// Where failures come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Failures {
    /// Nothing fails.
    #[default]
    None,
    /// A recorded list.
    Recorded(Vec<Outage>),
    /// Each node and each device fails at a constant hazard rate, independently of the others.
    Hazard {
        /// Mean time between failures of one node, in seconds; above zero. `None`: whole nodes do not fail.
        mean_seconds_between: Option<f64>,
        /// The same for one device.
        device_mean_seconds_between: Option<f64>,
        /// Mean time to repair, in seconds (exponentially distributed, at least one second).
        mean_repair_seconds: f64,
        /// Seed of the failures' chance.
        seed: u64,
    },
}

impl Failures {
    /// Whether single devices are meant to fail.
    pub fn of_devices(&self) -> bool {
        match self {
            Self::None => false,
            Self::Recorded(outages) => outages.iter().any(|o| o.device.is_some()),
            Self::Hazard { device_mean_seconds_between, .. } => device_mean_seconds_between.is_some(),
        }
    }
}

/// The settings of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What happens when the head does not fit.
    pub discipline: Discipline,
    /// What may start ahead of its turn.
    pub backfill: Backfill,
    /// At most this many waiting jobs are looked at beyond the head in one pass.
    pub depth_max: usize,
    /// What fails.
    pub failures: Failures,
    /// Jobs save their state after each such span of run time, in seconds; `None`: never, a failure costs
    /// the whole run.
    pub checkpoint_interval_seconds: Option<u32>,
}

impl Default for Settings {
    /// A strict queue without backfilling or failures.
    fn default() -> Self {
        Self {
            discipline: Discipline::Strict,
            backfill: Backfill::None,
            depth_max: usize::MAX,
            failures: Failures::None,
            checkpoint_interval_seconds: None,
        }
    }
}
