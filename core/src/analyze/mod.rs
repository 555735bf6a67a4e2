//! Analyzing: what the snapshot means. One file per question; none of them changes anything.

mod analyst;
pub mod forecast;
mod ledger;
mod load;
mod load_analysis;
mod load_history;
mod restate;
pub mod risk;
mod signs;
mod starts;
mod stranded;

pub use analyst::{
    Analyst, AnalystConfig, BIN_SECONDS, Foresight, HORIZON_BINS, KeptSigns, LEVELS, forecast_steps,
};
pub use ledger::{Accounts, Ledger};
pub use load_analysis::{LoadAnalysis, ResourceLoad, Stranded, StrandedCause, analyze_load};
pub use load_history::{LoadHistory, LoadMoment, MOMENT_SECONDS, MOMENTS_MAX};
pub use restate::restate;
pub use starts::{START_LEVELS, StartBand, StartCalibration, StartsJudged, expected_starts};

use load::TaskUse;

use crate::model::{Assessment, Health, NodeId, NodeRisk, Settings, Snapshot};

/// Assesses the snapshot by itself, without forecasts and without what came of earlier signs: O(nodes + placed tasks). The
/// loop asks an [`Analyst`].
pub fn assess(snapshot: &Snapshot, settings: &Settings) -> Assessment {
    let risk = snapshot.cluster.nodes().map(|n| signs::risk_of(snapshot, n)).collect();
    assess_with(snapshot, settings, risk, &TaskUse::of(snapshot))
}

fn assess_with(snapshot: &Snapshot, settings: &Settings, risk: Vec<NodeRisk>, uses: &TaskUse) -> Assessment {
    let cluster = &snapshot.cluster;
    let use_of_demand = uses.use_of_demand();
    let used = uses.used(&use_of_demand);
    let load: Vec<_> = cluster.nodes().map(|n| load::of_node(snapshot, n, &used)).collect();
    let working: Vec<NodeId> = cluster.nodes().filter(|&n| cluster.health(n) != Health::Down).collect();
    let (mean_used, imbalance) = load::mean_and_deviation(working.iter().map(|n| load[n.index()].used));

    let mut hot: Vec<NodeId> =
        working.iter().copied().filter(|n| load[n.index()].used > settings.safety_level).collect();
    hot.sort_by(|a, b| load[b.index()].used.total_cmp(&load[a.index()].used).then(a.cmp(b)));

    let of = |n: NodeId| risk[n.index()].probability;
    let mut failing: Vec<NodeId> = working.iter().copied().filter(|&n| of(n) > settings.risk_level).collect();
    failing.sort_by(|&a, &b| of(b).total_cmp(&of(a)).then(a.cmp(&b)));

    Assessment {
        safety_level: settings.safety_level,
        mean_used,
        imbalance,
        devices_held: load::devices_held(cluster, &working),
        use_of_demand,
        used,
        expected: None,
        hot,
        risk,
        failing,
        stranded_milli: stranded::milli(cluster, &working),
        mix: snapshot.mix.clone(),
        waiting: snapshot.waiting().len(),
        load,
    }
}
