//! What is expected of each node and resource in the next hour: quantiles of its highest use, of the tasks that stand there now.
//!
//! **What is forecast.** A node's use jumps whenever a task comes or goes, and that is the decider's own doing: a series of it says
//! more of past decisions than of load. A series per task is too short, for most end within the hour. So each node and resource has a
//! level that moves as the use of those tasks moves which stood there before and stand there still, as an index of prices is chained
//! over the goods that were sold in both months: who comes or goes does not move it, a rhythm of the day or a rise of all does. It is
//! counted in shares of what the tasks are reckoned with (the larger of demand and use), so that it stays comparable while they change;
//! it leans back to what is really used with a half-life of a day, so that it does not drift. The forecast is of the level's highest
//! value in the next hour, and what is expected of the node is its use now plus that rise times what its tasks of now are reckoned with: no
//! one is expected to leave, and whoever is placed counts with what it uses.
//!
//! **Bins** are quarters of an hour and carry the highest reading in them: the peak is then that of readings and not of means, and a week
//! of a node costs a third of what it would in bins of five minutes. Five bins are forecast after each that is over, so that the hour
//! ahead is in them at any moment until the next is. Nodes close their bins at different moments, so that no turn has to forecast
//! them all.
//!
//! **Young series** take the quantiles of how far other nodes rose in their last hour, and what is used now while even that is unknown.

use std::sync::Arc;

use super::series::{Change, HORIZON_BINS, LEVELS, Series};
use crate::analyze::forecast::{ForecastSetup, MixtureConfig, NetworkModel, Scratch, SortedWindow, Steps};
use crate::analyze::load::TaskUse;
use crate::model::digest::fnv;
use crate::model::{ExpectedLoad, Health, Name, NodeId, Snapshot};

/// Length of a bin, seconds.
pub const BIN_SECONDS: u64 = 900;
/// Bins of a day.
const SEASON_BINS: usize = 96;
/// Time in which the level leans half the way back to what is really used, seconds.
const LEAN_SECONDS: f64 = 86_400.0;
/// Last hours of other nodes that a young series looks at, for each resource.
const POOL: usize = 2048;
/// Bins without a reading after which a series begins anew: a week.
const GAP_BINS_MAX: u64 = 672;

/// What the forecasts of an analyst answer: a network for it is trained for these steps.
pub fn forecast_steps() -> Steps {
    Steps::peak_alone(HORIZON_BINS, &LEVELS).expect("the levels ascend")
}

/// All series.
#[derive(Debug)]
pub(super) struct Outlook {
    setup: ForecastSetup,
    nodes: Vec<NodeOutlook>,
    /// Per task: where it stood and what it used at the last look.
    tasks: Vec<Before>,
    /// tasks x resources: what they used at the last look, where that was known.
    used: Vec<Option<i64>>,
    /// Per resource: how far the peaks of nodes' last hours were above their starts.
    pools: Vec<SortedWindow>,
    looks: u64,
    looked_seconds: u64,
    since_seconds: u64,
    /// Working space, per resource.
    changes: Vec<Change>,
    /// Working space of forecasts.
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct NodeOutlook {
    name: Name,
    /// Offset of its bins, seconds.
    phase_seconds: u64,
    bin: Option<u64>,
    series: Vec<Series>,
}

#[derive(Debug, Default, Clone)]
struct Before {
    name: Name,
    node: Option<NodeId>,
    look: u64,
}

impl Outlook {
    pub(super) fn new(network: Option<Arc<NetworkModel>>) -> Self {
        let steps = forecast_steps();
        let network = network.filter(|n| *n.steps() == steps);
        Self {
            setup: ForecastSetup {
                steps,
                season_bins: SEASON_BINS,
                network,
                source: None,
                mixture: MixtureConfig::default(),
            },
            nodes: Vec::new(),
            tasks: Vec::new(),
            used: Vec::new(),
            pools: Vec::new(),
            looks: 0,
            looked_seconds: 0,
            since_seconds: 0,
            changes: Vec::new(),
            scratch: Scratch::default(),
        }
    }

    /// Takes in the snapshot; `used` is what is used of each node and resource now, `uses` by which tasks. Readings that are out of
    /// date are none.
    pub(super) fn observe(
        &mut self,
        snapshot: &Snapshot,
        uses: &TaskUse,
        used: &[f64],
    ) -> Option<ExpectedLoad> {
        let (cluster, now) = (&snapshot.cluster, snapshot.time_seconds);
        let resources = cluster.schema().len();
        if self.looks == 0 {
            (self.since_seconds, self.looked_seconds) = (now, now);
        }
        self.looks += 1;
        self.pools.resize_with(resources, || SortedWindow::new(POOL));
        self.nodes.resize_with(cluster.node_count(), NodeOutlook::default);
        self.tasks.resize_with(cluster.tasks().len(), Before::default);
        self.used.resize(cluster.tasks().len() * resources, None);
        let passed = now.saturating_sub(self.looked_seconds) as f64;
        let lean = 1.0 - (-passed / LEAN_SECONDS).exp2();
        self.looked_seconds = self.looked_seconds.max(now);
        let fresh = snapshot.stale.is_empty();
        let mut expected = Filling::new(self.since_seconds, cluster.node_count() * resources);
        for node in cluster.nodes() {
            self.nodes[node.index()].meet(cluster.node_name(node), resources);
            self.nodes[node.index()].close_bins(now, &self.setup, &mut self.pools, &mut self.scratch);
            self.look_at_tasks(snapshot, uses, node);
            let of_node = &mut self.nodes[node.index()];
            for (resource, series) in of_node.series.iter_mut().enumerate() {
                let change = self.changes[resource];
                if fresh && cluster.health(node) != Health::Down {
                    series.read(change, lean);
                }
                let used = used[node.index() * resources + resource];
                expected.add(
                    series,
                    &self.pools[resource],
                    self.setup.network.is_some(),
                    (used, change.weight),
                );
            }
        }
        expected.finish()
    }

    /// Fills `changes` with what the tasks of a node did since the last look.
    fn look_at_tasks(&mut self, snapshot: &Snapshot, uses: &TaskUse, node: NodeId) {
        let cluster = &snapshot.cluster;
        let resources = cluster.schema().len();
        self.changes.clear();
        self.changes.resize(resources, Change::default());
        for (&task, entries) in cluster.hosted(node).iter().zip(uses.of_node(node)) {
            let before = &mut self.tasks[task.index()];
            let name = &cluster.task(task).name;
            let stayed = before.look + 1 == self.looks && before.node == Some(node) && before.name == *name;
            let of_before = &mut self.used[task.index() * resources..][..resources];
            for ((change, entry), of_before) in self.changes.iter_mut().zip(entries).zip(of_before) {
                let used_before = std::mem::replace(of_before, entry.used).filter(|_| stayed);
                let asked = entry.asked as f64;
                let Some(used) = entry.used.map(|used| used as f64) else {
                    change.weight += asked;
                    continue;
                };
                let weight = asked.max(used);
                change.used += used;
                change.weight += weight;
                if let Some(used_before) = used_before {
                    change.rise += used - used_before as f64;
                    change.matched += weight.max(used_before as f64);
                }
            }
            if !stayed {
                before.name.clone_from(name);
                before.node = Some(node);
            }
            before.look = self.looks;
        }
    }
}

impl NodeOutlook {
    /// Makes sure that this is about the node of that name.
    fn meet(&mut self, name: &str, resources: usize) {
        if *self.name != *name {
            self.name = Name::from(name);
            self.phase_seconds = fnv(name.bytes().map(u64::from)) % BIN_SECONDS;
            self.bin = None;
            self.series.clear();
        }
        self.series.resize_with(resources, Series::default);
    }

    fn close_bins(
        &mut self,
        now_seconds: u64,
        setup: &ForecastSetup,
        pools: &mut [SortedWindow],
        scratch: &mut Scratch,
    ) {
        let bin = now_seconds.saturating_add(self.phase_seconds) / BIN_SECONDS;
        let passed = self.bin.map_or(0, |before| bin.saturating_sub(before));
        if passed > GAP_BINS_MAX {
            self.series.iter_mut().for_each(Series::forget);
        } else if passed > 0 {
            for (series, pool) in self.series.iter_mut().zip(pools) {
                series.close(setup, passed - 1, pool, scratch);
            }
        }
        self.bin = Some(self.bin.map_or(bin, |before| before.max(bin)));
    }
}

/// What is expected, in the making.
struct Filling {
    expected: ExpectedLoad,
    coverage_sum: f64,
    coverage_count: usize,
}

impl Filling {
    fn new(since_seconds: u64, series: usize) -> Self {
        let expected = ExpectedLoad {
            horizon_seconds: BIN_SECONDS * (HORIZON_BINS as u64 - 1),
            levels: LEVELS.to_vec(),
            used: Vec::with_capacity(series * LEVELS.len()),
            since_seconds,
            ..ExpectedLoad::default()
        };
        Self { expected, coverage_sum: 0.0, coverage_count: 0 }
    }

    fn add(&mut self, series: &Series, pool: &SortedWindow, networked: bool, (used, weight): (f64, f64)) {
        let young = series.is_young(networked);
        let rises = if young { series.rises_as_others(pool) } else { series.rises() };
        self.expected.used.extend(rises.map(|rise| used + rise * weight));
        if series.is_known() {
            self.expected.series += 1;
            self.expected.young += usize::from(young);
            self.expected.slipped += usize::from(series.slipped());
        }
        if let Some(coverage) = series.coverage() {
            self.coverage_sum += coverage;
            self.coverage_count += 1;
        }
    }

    /// Nothing before the first bin is over.
    fn finish(mut self) -> Option<ExpectedLoad> {
        let known = self.coverage_count > 0;
        self.expected.coverage = known.then(|| self.coverage_sum / self.coverage_count as f64);
        (self.expected.series > 0).then_some(self.expected)
    }
}
