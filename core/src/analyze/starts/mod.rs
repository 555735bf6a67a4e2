//! When what waits will start: the queue is played forward on many futures, each with run times drawn for all tasks from what tasks
//! that ended say, and quantiles of the starts are a band. [`StartCalibration`] corrects the band by what came of earlier ones.

mod calibration;
mod curve;
mod line;
mod run_times;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

pub use calibration::{StartCalibration, StartsJudged};
use line::{Line, Scratch};
use run_times::RunTimes;

use crate::model::{Assessment, ClassId, DeviceSet, Health, Name, NodeId, Snapshot, TaskId};

/// Most futures that are played, and fewest: on large clusters so many as take a few seconds.
const FUTURES: (usize, usize) = (32, 8);
/// Nodes that are looked at in all futures together, each for every class of tasks that waits.
const LOOKS_MAX: usize = 4_000_000;
/// Units at the front of the queue for which a start is told; what stands behind them waits for its turn to be told.
const UNITS_MAX: usize = 500;
/// Quantiles of a band: the start is before the first as often as after it, and seldom after the second.
pub const START_LEVELS: [f64; 2] = [0.5, 0.9];

/// When a waiting task is expected to start, in seconds of the cluster's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartBand {
    /// As likely before as after.
    pub expected_seconds: u64,
    /// With nine chances in ten before; none where that is further away than can be seen.
    pub within_seconds: Option<u64>,
}

/// Bands of the tasks that wait, by name. No band where nothing is known of how long tasks run, for a task over its quota, and for one
/// that no node could ever take. Rules among tasks (affinity, spread), tasks that come later and moves are not played; equal arguments
/// give equal bands.
pub fn expected_starts(snapshot: &Snapshot, assessment: &Assessment, seed: u64) -> BTreeMap<Name, StartBand> {
    let units = units(snapshot);
    if units.is_empty() {
        return BTreeMap::new();
    }
    let Some(run_times) = RunTimes::of(snapshot) else { return BTreeMap::new() };
    let nodes = Nodes::of(snapshot, assessment);
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let classes: BTreeSet<ClassId> = units.iter().map(|unit| snapshot.cluster.task(unit[0]).class).collect();
    let (most, fewest) = FUTURES;
    let futures = (LOOKS_MAX / (nodes.lines.len() * classes.len()).max(1)).clamp(fewest, most);
    let mut starts = vec![Vec::with_capacity(futures); units.len()];
    for _ in 0..futures {
        let mut future = Future::new(snapshot, &nodes, &run_times, &mut rng);
        for (unit, starts) in units.iter().zip(&mut starts) {
            starts.push(future.start(unit, &mut rng));
        }
    }
    let mut bands = BTreeMap::new();
    for (unit, mut starts) in units.iter().zip(starts) {
        starts.sort_unstable();
        let at = |level: f64| {
            let place = (level * (starts.len() - 1) as f64).round() as usize;
            Some(starts[place]).filter(|&seconds| seconds != NEVER)
        };
        let [expected, within] = START_LEVELS.map(at);
        let Some(expected_seconds) = expected else { continue };
        let band = StartBand { expected_seconds, within_seconds: within };
        bands.extend(unit.iter().map(|&task| (snapshot.cluster.task(task).name.clone(), band)));
    }
    bands
}

/// The time of what does not happen.
const NEVER: u64 = u64::MAX;

/// The units at the front of the queue; those over their quota wait for something else than room.
fn units(snapshot: &Snapshot) -> Vec<Vec<TaskId>> {
    let in_quota =
        |unit: &Vec<TaskId>| unit.iter().all(|&of| snapshot.cluster.obstacle_of_quota(of).is_none());
    snapshot.queue_units().into_iter().filter(in_quota).take(UNITS_MAX).collect()
}

/// The nodes that take tasks, as they stand now.
struct Nodes<'a> {
    lines: Vec<(NodeId, Line<'a>)>,
    /// What stands on each.
    hosted: Vec<Vec<TaskId>>,
}

impl<'a> Nodes<'a> {
    fn of(snapshot: &'a Snapshot, assessment: &Assessment) -> Self {
        let cluster = &snapshot.cluster;
        let failing: BTreeSet<NodeId> = assessment.failing.iter().copied().collect();
        let open = |&node: &NodeId| cluster.health(node) == Health::Up && !failing.contains(&node);
        let nodes: Vec<NodeId> = cluster.nodes().filter(open).collect();
        let hosted = nodes.iter().map(|&node| cluster.hosted(node).to_vec()).collect();
        Self { lines: nodes.into_iter().map(|node| (node, Line::of(cluster, node))).collect(), hosted }
    }
}

/// The nodes that could take a task of a class, each with the first time at which one more has room as far as was looked.
type Soonest = BinaryHeap<Reverse<(u64, usize)>>;

/// One course that things may take.
struct Future<'a> {
    snapshot: &'a Snapshot,
    run_times: &'a RunTimes,
    nodes: &'a [(NodeId, Line<'a>)],
    lines: Vec<Line<'a>>,
    soonest: HashMap<ClassId, Soonest>,
    scratch: Scratch,
}

impl<'a> Future<'a> {
    fn new(
        snapshot: &'a Snapshot,
        nodes: &'a Nodes<'a>,
        run_times: &'a RunTimes,
        rng: &mut Pcg64Mcg,
    ) -> Self {
        let mut lines: Vec<Line<'a>> = nodes.lines.iter().map(|(_, line)| line.clone()).collect();
        for (line, hosted) in lines.iter_mut().zip(&nodes.hosted) {
            for &task in hosted {
                let Some(place) = snapshot.cluster.placement(task) else { continue };
                let end = run_times.end_of(snapshot, task, rng.random());
                line.gives(end, snapshot.cluster.demand(task), place.devices);
            }
            line.sort();
        }
        Self {
            snapshot,
            run_times,
            nodes: &nodes.lines,
            lines,
            soonest: HashMap::new(),
            scratch: Scratch::default(),
        }
    }

    /// When all of the unit stand, each where it can be soonest beside what was started before; they hold their places from then on.
    fn start(&mut self, unit: &[TaskId], rng: &mut Pcg64Mcg) -> u64 {
        let span = self.run_times.span_of(self.snapshot, unit[0], rng.random());
        let now = self.snapshot.time_seconds;
        if let &[task] = unit {
            return self.take(task, now, (span, span), &mut Vec::new()).map_or(NEVER, |(at, _)| at);
        }
        // Members of a gang wait for one another where they are: none takes the place of another that has ended.
        let (mut before, mut places, mut at) = (Vec::new(), Vec::with_capacity(unit.len()), now);
        let soonest = self.soonest_of(unit);
        for &task in unit {
            let Some((soonest, node)) = self.take(task, now, (span, NEVER), &mut before) else { break };
            at = at.max(soonest);
            places.push((task, node));
        }
        self.undo(before, soonest);
        if places.len() < unit.len() {
            return NEVER;
        }
        // They begin together: where the soonest could, at the time of the last.
        let mut before = Vec::new();
        for &(task, node) in &places {
            let demand = self.snapshot.cluster.demand(task);
            let (open, line) = (self.open(task, node), &mut self.lines[node]);
            let Some((start, devices)) = line.earliest(demand, open, (at, span), &mut self.scratch) else {
                self.undo(before, Vec::new());
                return NEVER;
            };
            before.push((node, line.clone()));
            line.takes(start, span, demand, devices);
            at = at.max(start);
        }
        at
    }

    /// What is known of the nodes that could take tasks of the unit.
    fn soonest_of(&self, unit: &[TaskId]) -> Vec<(ClassId, Option<Soonest>)> {
        let classes: BTreeSet<ClassId> =
            unit.iter().map(|&task| self.snapshot.cluster.task(task).class).collect();
        classes.into_iter().map(|class| (class, self.soonest.get(&class).cloned())).collect()
    }

    /// Lines become as they were, and so does what is known of them: it is the least only where lines fill.
    fn undo(&mut self, before: Vec<(usize, Line<'a>)>, soonest: Vec<(ClassId, Option<Soonest>)>) {
        before.into_iter().rev().for_each(|(node, line)| self.lines[node] = line);
        for (class, known) in soonest {
            match known {
                Some(known) => self.soonest.insert(class, known),
                None => self.soonest.remove(&class),
            };
        }
    }

    /// The devices of the node that the task accepts.
    fn open(&self, task: TaskId, node: usize) -> DeviceSet {
        let (cluster, id) = (&self.snapshot.cluster, self.nodes[node].0);
        let Some(wanted) = cluster.demand(task).devices else { return DeviceSet::NONE };
        let models = cluster.device_models(id).iter().zip(cluster.devices_in_service(id));
        models
            .enumerate()
            .filter(|&(_, (&m, &serves))| serves && wanted.accept.contains(m))
            .map(|(i, _)| i)
            .collect()
    }

    /// Takes the soonest room for the task that is free for `span` seconds, and holds it for `holds`; `before` keeps lines as they were.
    fn take(
        &mut self,
        task: TaskId,
        now: u64,
        (span, holds): (u64, u64),
        before: &mut Vec<(usize, Line<'a>)>,
    ) -> Option<(u64, usize)> {
        let cluster = &self.snapshot.cluster;
        let (class, demand) = (cluster.task(task).class, cluster.demand(task));
        let mut soonest = self.soonest.remove(&class).unwrap_or_else(|| {
            let suits = |&(_, &(id, _)): &(usize, &(NodeId, Line))| cluster.suits(id, class);
            self.nodes.iter().enumerate().filter(suits).map(|(node, _)| Reverse((now, node))).collect()
        });
        let mut found = None;
        while let Some(Reverse((known, node))) = soonest.pop() {
            let open = self.open(task, node);
            // Lines only fill, so what was found before is the least that it can be now.
            let Some((start, devices)) =
                self.lines[node].earliest(demand, open, (known, span), &mut self.scratch)
            else {
                continue;
            };
            soonest.push(Reverse((start, node)));
            if start == known {
                before.push((node, self.lines[node].clone()));
                self.lines[node].takes(start, holds, demand, devices);
                found = Some((start, node));
                break;
            }
        }
        self.soonest.insert(class, soonest);
        found
    }
}
