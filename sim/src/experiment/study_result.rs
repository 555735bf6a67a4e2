//! What a placement study comes to: exactly what `--output json` prints and the report page shows. A mean over nothing is
//! no number: it is `None`, with the number of runs beside it.

use std::collections::BTreeMap;

use lepton_core::decide::guard::Rehearsal;
use serde::Serialize;

use super::{Curve, Heat, Paired};

/// A study that has ended, or was stopped with some runs done.
#[derive(Debug, Clone, Serialize)]
pub struct PlacementStudy {
    /// Always "lepton".
    pub tool: &'static str,
    /// Version of Lepton.
    pub version: &'static str,
    /// The command that made it.
    pub command: String,
    /// Name of the workload.
    pub trace: String,
    /// Nodes of the cluster.
    pub nodes: usize,
    /// Devices of the cluster.
    pub devices: usize,
    /// Tasks in the list.
    pub tasks_in_trace: usize,
    /// Device demand that arrives, as a multiple of the capacity.
    pub load: f64,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// The policy others are compared with.
    pub baseline: Option<String>,
    /// Threads used.
    pub threads: usize,
    /// Wall time of the study, seconds.
    pub seconds: f64,
    /// Whether the study was stopped before all runs were done.
    pub stopped_early: bool,
    /// Runs asked for: one for each policy and seed.
    pub runs_asked: usize,
    /// The runs done: by policy, then seed.
    pub runs: Vec<RunRecord>,
    /// Per policy, those without a run included.
    pub summary: Vec<PolicySummary>,
    /// Why there is no result at any load, in words; `None` where there is one.
    pub without_result: Option<&'static str>,
    /// Which policy allocates most, and whether the runs show it; `None` without a result to compare.
    pub finding: Option<Finding>,
    /// Who serves under the learned policy's name, and why; `None` without it or its guard.
    pub guard: Option<Rehearsal>,
    /// The nodes of the first seed; only for a report.
    pub heat: Option<Heat>,
}

impl PlacementStudy {
    /// Who serves under a policy's name: another policy where the guard has put one in the learned policy's place.
    pub fn served_by<'a>(&'a self, policy: &'a str) -> &'a str {
        use lepton_core::decide::placement_policies::LEARNED;
        self.guard.as_ref().filter(|_| policy == LEARNED).map_or(policy, |guard| guard.serves)
    }

    /// The loads that tables speak of: `"100"` where it is reached, and the end, percent.
    pub fn points(&self) -> Vec<String> {
        super::study_points::points(self.load).into_iter().map(|point| point.name).collect()
    }
}

/// One run in a [`PlacementStudy`].
#[derive(Debug, Clone, Serialize)]
pub struct RunRecord {
    /// The policy.
    pub policy: String,
    /// The seed.
    pub seed: u64,
    /// Allocation and fragmentation by arrived load.
    pub curve: Curve,
    /// Allocation (percent of all devices) at 100% arrived and at the end.
    pub allocation_at: BTreeMap<String, Option<f64>>,
    /// Fragmentation (percent of all devices), likewise.
    pub fragmentation_at: BTreeMap<String, Option<f64>>,
    /// Tasks that arrived.
    pub decisions: usize,
    /// Tasks placed.
    pub placed: usize,
    /// Tasks dropped.
    pub dropped: usize,
    /// Wall time of the run, seconds.
    pub seconds: f64,
    /// Median time of a decision, microseconds; `None` without a decision.
    pub latency_p50_us: Option<f64>,
    /// 99th percentile of the time of a decision, microseconds.
    pub latency_p99_us: Option<f64>,
}

/// One policy over the seeds that were run.
#[derive(Debug, Clone, Serialize)]
pub struct PolicySummary {
    /// The policy.
    pub policy: String,
    /// Runs done.
    pub runs: usize,
    /// Runs asked for.
    pub runs_asked: usize,
    /// Allocation at 100% arrived and at the end, percent of all devices.
    pub allocation_at: BTreeMap<String, PointSummary>,
    /// Fragmentation, likewise.
    pub fragmentation_at: BTreeMap<String, PointSummary>,
    /// Allocation by arrived load.
    pub allocation: CurveSummary,
    /// Fragmentation by arrived load.
    pub fragmentation: CurveSummary,
    /// Mean tasks that arrived.
    pub decisions: Option<f64>,
    /// Mean tasks placed.
    pub placed: Option<f64>,
    /// Mean wall time of a run, seconds.
    pub seconds: Option<f64>,
    /// Median over the runs of the median time of a decision, microseconds.
    pub latency_p50_us: Option<f64>,
    /// Median over the runs of its 99th percentile, microseconds.
    pub latency_p99_us: Option<f64>,
}

/// A value over the runs that have it, and against the baseline on the same seeds.
#[derive(Debug, Clone, Serialize)]
pub struct PointSummary {
    /// Runs that have it.
    pub runs: usize,
    /// Mean over them.
    pub mean: Option<f64>,
    /// Sample standard deviation; `None` for fewer than two runs.
    pub sd: Option<f64>,
    /// Difference to the baseline, pair by pair; `None` for the baseline itself, without one, and for fewer than two
    /// pairs.
    pub paired: Option<Paired>,
}

/// Values by arrived load, in whole percent from 0, over all runs done of a policy; `None` at a load that one of them
/// did not reach, so that every value of a curve stands for the same runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CurveSummary {
    /// Mean.
    pub mean: Vec<Option<f64>>,
    /// Lowest run.
    pub low: Vec<Option<f64>>,
    /// Highest run.
    pub high: Vec<Option<f64>>,
    /// Sample standard deviation; `None` for fewer than two runs.
    pub sd: Vec<Option<f64>>,
}

/// The policy that allocates most over the seeds under which all policies that ran have a result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The load, percent, one of [`PlacementStudy::points`].
    pub load_percent: String,
    /// The seeds compared.
    pub seeds: usize,
    /// The policy with the highest mean.
    pub leader: String,
    /// Its mean allocation over these seeds, percent of all devices.
    pub leader_percent: f64,
    /// The baseline, or, where that leads or is missing, the next best; `None` of one policy alone.
    pub peer: Option<String>,
    /// The peer's mean.
    pub peer_percent: Option<f64>,
    /// Leader less peer, pair by pair; `None` for fewer than two seeds.
    pub paired: Option<Paired>,
    /// Whether that interval lies above zero.
    pub shown: bool,
    /// Whether it does against every other policy: only then is the leader the best.
    pub best: bool,
}
