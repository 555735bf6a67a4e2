//! How load stands, stood, and is expected to stand, as the API shows it.

use lepton_core::analyze::{LoadAnalysis, LoadMoment, ResourceLoad, Stranded, analyze_load};
use lepton_core::cycle::{Cycle, CycleReport};
use lepton_core::model::{Assessment, DEVICE_MILLI, NodeId, Settings, Snapshot};
use serde::Serialize;
use utoipa::ToSchema;

/// The quantile at which nodes are listed as about to be hot.
const HOT_QUANTILE: f64 = 0.9;

/// One resource over the working nodes, or the devices.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ResourceRow {
    /// Its name; `devices` for the devices, whose use is what is held.
    pub(crate) resource: String,
    /// Share of the capacity really used.
    pub(crate) used: f64,
    /// Share of the capacity promised to tasks.
    pub(crate) allocated: f64,
    /// What is promised and not used.
    pub(crate) gap: f64,
    /// Coefficient of variation of the nodes' use: 0 is perfect balance.
    pub(crate) variation: f64,
    /// Use of the busiest node over the mean: 1 is perfect balance.
    pub(crate) max_over_mean: f64,
    /// The busiest node now.
    pub(crate) busiest: Option<String>,
}

/// Free capacity that cannot be used.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StrandedRow {
    /// NoCpu, NoOtherResource, NodeClosed, DeviceOut or Fragment.
    pub(crate) cause: String,
    /// How many devices.
    pub(crate) devices: f64,
    /// Nodes that have part in it.
    pub(crate) nodes: usize,
}

/// Load at a moment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct MomentRow {
    /// When, seconds.
    pub(crate) time_seconds: u64,
    /// Each resource, then the devices.
    pub(crate) resources: Vec<ResourceRow>,
    /// Nodes above the safety level.
    pub(crate) hot: usize,
    /// Nodes used below a quarter of it.
    pub(crate) cold: usize,
    /// The resource that is allocated most.
    pub(crate) bottleneck: Option<String>,
    /// Free devices that cannot be used, by cause.
    pub(crate) stranded: Vec<StrandedRow>,
    /// Free devices that the expected tasks cannot use.
    pub(crate) fragmentation_devices: Option<f64>,
    /// Tasks that wait.
    pub(crate) waiting: usize,
}

/// What is expected of the next hour.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct OutlookRow {
    /// How far it looks ahead, seconds.
    pub(crate) horizon_seconds: u64,
    /// Since when load is followed, seconds: after a start it is learned anew.
    pub(crate) since_seconds: u64,
    /// Series (nodes x resources) that are followed.
    pub(crate) series: usize,
    /// Those too young for a forecast of their own.
    pub(crate) young: usize,
    /// Those that lately covered far less than they say.
    pub(crate) slipped: usize,
    /// Share of recent peaks not above the highest quantile (0.95).
    pub(crate) coverage: Option<f64>,
    /// Nodes whose peak passes the safety level with a chance of a tenth or more, the worst first.
    pub(crate) hot: Vec<String>,
}

/// How load stands, stood, and is expected to stand.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct LoadBody {
    /// A node is hot above this share of its busiest resource.
    pub(crate) safety_level: f64,
    /// Now; none before the first turn.
    pub(crate) now: Option<MomentRow>,
    /// Nodes above the safety level, the worst first.
    pub(crate) hot: Vec<String>,
    /// Nodes used below a quarter of it, the idlest first.
    pub(crate) cold: Vec<String>,
    /// The next hour; none while nothing is known.
    pub(crate) expected: Option<OutlookRow>,
    /// The last week, a moment each quarter of an hour, the oldest first; only what is known since the start.
    pub(crate) over_time: Vec<MomentRow>,
}

impl LoadBody {
    /// After a turn.
    pub(super) fn of(cycle: &Cycle, report: &CycleReport, now_seconds: u64) -> Self {
        let (snapshot, assessment) = (cycle.snapshot(), &report.assessment);
        let settings = Settings { safety_level: assessment.safety_level, ..Settings::default() };
        let target = snapshot.mix.target();
        let known = (snapshot.mix.version > 0).then_some(&target);
        let analysis = analyze_load(snapshot, &settings, known);
        let names =
            |nodes: &[NodeId]| nodes.iter().map(|&n| snapshot.cluster.node_name(n).to_owned()).collect();
        let (hot, cold) = (names(&analysis.hot), names(&analysis.cold));
        let now = moment(snapshot, &now_of(snapshot, analysis, now_seconds));
        Self {
            safety_level: assessment.safety_level,
            now: Some(now),
            hot,
            cold,
            expected: outlook(snapshot, assessment),
            over_time: cycle.analyst().load_history().moments().map(|m| moment(snapshot, m)).collect(),
        }
    }
}

fn now_of(snapshot: &Snapshot, analysis: LoadAnalysis, now_seconds: u64) -> LoadMoment {
    LoadMoment::of(now_seconds, analysis, snapshot.pending.len())
}

fn moment(snapshot: &Snapshot, moment: &LoadMoment) -> MomentRow {
    let resource = |r: &ResourceLoad| ResourceRow {
        resource: r.resource.clone(),
        used: r.used,
        allocated: r.allocated,
        gap: r.gap,
        variation: r.variation,
        max_over_mean: r.max_over_mean,
        busiest: r.busiest.map(|n| snapshot.cluster.node_name(n).to_owned()),
    };
    let stranded = |s: &Stranded| StrandedRow {
        cause: s.cause.code().to_owned(),
        devices: s.device_milli as f64 / f64::from(DEVICE_MILLI),
        nodes: s.nodes,
    };
    MomentRow {
        time_seconds: moment.time_seconds,
        resources: moment.resources.iter().map(resource).collect(),
        hot: moment.hot,
        cold: moment.cold,
        bottleneck: moment.bottleneck.clone(),
        stranded: moment.stranded.iter().map(stranded).collect(),
        fragmentation_devices: moment.fragmentation,
        waiting: moment.waiting,
    }
}

fn outlook(snapshot: &Snapshot, assessment: &Assessment) -> Option<OutlookRow> {
    let expected = assessment.expected.as_ref()?;
    let mut hot: Vec<(f64, NodeId)> = (snapshot.cluster.nodes())
        .map(|n| (assessment.expected_share(&snapshot.cluster, n, HOT_QUANTILE), n))
        .filter(|&(share, _)| share > assessment.safety_level)
        .collect();
    hot.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    Some(OutlookRow {
        horizon_seconds: expected.horizon_seconds,
        since_seconds: expected.since_seconds,
        series: expected.series,
        young: expected.young,
        slipped: expected.slipped,
        coverage: expected.coverage,
        hot: hot.into_iter().map(|(_, n)| snapshot.cluster.node_name(n).to_owned()).collect(),
    })
}
