//! Load over time: what [`analyze_load`] says of the cluster, once in a quarter of an hour, for a week. Numbers only; which nodes
//! were hot is known of now alone.

use std::collections::VecDeque;

use serde::Serialize;

use super::load_analysis::{LoadAnalysis, ResourceLoad, Stranded, analyze_load};
use crate::model::{Settings, Snapshot};

/// Time between two moments, seconds.
pub const MOMENT_SECONDS: u64 = 900;
/// Moments that are kept: a week.
pub const MOMENTS_MAX: usize = 672;

/// The load of the cluster at a moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoadMoment {
    /// When, seconds.
    pub time_seconds: u64,
    /// Each resource, then the devices if there are any.
    pub resources: Vec<ResourceLoad>,
    /// Nodes above the safety level.
    pub hot: usize,
    /// Nodes far below it.
    pub cold: usize,
    /// The resource that is allocated most.
    pub bottleneck: Option<String>,
    /// Free device capacity that cannot be used, by cause.
    pub stranded: Vec<Stranded>,
    /// Free device capacity that the expected tasks cannot use, in devices.
    pub fragmentation: Option<f64>,
    /// Tasks that wait.
    pub waiting: usize,
}

impl LoadMoment {
    /// The numbers of an analysis.
    pub fn of(time_seconds: u64, analysis: LoadAnalysis, waiting: usize) -> Self {
        Self {
            time_seconds,
            hot: analysis.hot.len(),
            cold: analysis.cold.len(),
            resources: analysis.resources,
            bottleneck: analysis.bottleneck,
            stranded: analysis.stranded,
            fragmentation: analysis.fragmentation,
            waiting,
        }
    }
}

/// The load of the last week.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LoadHistory {
    moments: VecDeque<LoadMoment>,
}

impl LoadHistory {
    /// Takes in the snapshot, if it is time; readings that are out of date are not taken for load.
    pub(super) fn observe(&mut self, snapshot: &Snapshot, settings: &Settings) {
        let now = snapshot.time_seconds;
        let due = self.moments.back().is_none_or(|last| now >= last.time_seconds + MOMENT_SECONDS);
        if !due || !snapshot.stale.is_empty() || snapshot.cluster.node_count() == 0 {
            return;
        }
        let target = snapshot.mix.target();
        let expected = (snapshot.mix.version > 0).then_some(&target);
        let analysis = analyze_load(snapshot, settings, expected);
        if self.moments.len() == MOMENTS_MAX {
            self.moments.pop_front();
        }
        self.moments.push_back(LoadMoment::of(now, analysis, snapshot.pending.len()));
    }

    /// The moments, the oldest first.
    pub fn moments(&self) -> impl Iterator<Item = &LoadMoment> {
        self.moments.iter()
    }
}
