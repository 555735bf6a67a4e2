//! Keeping nodes for a unit that waits for room: those on which it can start soonest take nothing else, so that what small
//! tasks leave there adds up. It is found anew each turn, and stays where it was, for nothing makes a kept node fuller.

use std::collections::BTreeMap;

use super::super::draft::Draft;
use super::super::lepton_config::LeptonConfig;
use crate::model::{ClassId, DEVICE_MILLI, Health, NodeId, Shape, TaskId};

/// A unit for which nodes are kept.
#[derive(Debug, Clone)]
pub(in crate::decide::plan) struct Reserved {
    /// Its tasks.
    pub(in crate::decide::plan) unit: Vec<TaskId>,
    /// The nodes that are kept.
    pub(in crate::decide::plan) nodes: Vec<NodeId>,
    /// When it can start there, by the times that tasks ask for, seconds; none where some of them ask for none.
    pub(in crate::decide::plan) at_seconds: Option<u64>,
}

/// Keeps nodes for the units that have waited long enough and have no room now, the first of the queue first. Where others may be
/// started ahead of the queue (`overtaken`), those that have room now are named as well, with no node.
pub(in crate::decide::plan) fn reserve(
    draft: &mut Draft<'_>,
    units: &[Vec<TaskId>],
    config: &LeptonConfig,
    overtaken: bool,
) -> Vec<Reserved> {
    let kept_max = 1 + (config.kept_share * draft.cluster.node_count() as f64) as usize;
    let mut soonest: BTreeMap<(Shape, usize), Vec<Candidate>> = BTreeMap::new();
    let mut reserved: Vec<Reserved> = Vec::new();
    let mut ready = 0;
    for unit in units {
        if draft.kept.len() + ready >= kept_max {
            break;
        }
        let waits = draft.waited_minutes(unit[0]) >= config.reserve_after_minutes;
        if !waits || unit.iter().any(|&t| draft.cluster.obstacle_of_quota(t).is_some()) {
            continue;
        }
        if fits_now(draft, unit) {
            if overtaken {
                let now = draft.snapshot.time_seconds;
                reserved.push(Reserved { unit: unit.clone(), nodes: Vec::new(), at_seconds: Some(now) });
                ready += unit.len();
            }
            continue;
        }
        let class = draft.cluster.task(unit[0]).class;
        let key = (draft.cluster.class(class).shape(), unit.len());
        let nodes = soonest.entry(key).or_insert_with(|| soonest_for(draft, class, unit.len()));
        reserved.extend(keep(draft, unit, nodes, kept_max));
    }
    reserved
}

fn fits_now(draft: &mut Draft<'_>, unit: &[TaskId]) -> bool {
    let mark = draft.mark();
    let all = unit.iter().all(|&task| draft.place_for(task).is_some_and(|found| draft.put(task, found.0)));
    draft.back_to(mark);
    all
}

/// Nodes that can hold tasks of the class, how many, and how soon; the soonest first.
type Candidate = (Ready, usize, NodeId);

fn soonest_for(draft: &Draft<'_>, class: ClassId, count: usize) -> Vec<Candidate> {
    let nodes = draft.cluster.nodes().filter(|node| !draft.assessment.failing.contains(node));
    let mut soonest: Vec<Candidate> = nodes
        .filter_map(|node| {
            let holds = holds(draft, node, class).min(count);
            (holds > 0).then(|| (ready(draft, node, class, holds), holds, node))
        })
        .collect();
    soonest.sort_by(|a, b| a.0.cmp(&b.0).then(a.2.cmp(&b.2)));
    soonest
}

/// Keeps the soonest nodes for a unit, at most so many together with those kept before; a first unit gets what it needs.
fn keep(draft: &mut Draft<'_>, unit: &[TaskId], soonest: &[Candidate], kept_max: usize) -> Option<Reserved> {
    let (mut nodes, mut missing, mut at_seconds) = (Vec::new(), unit.len(), Some(0));
    for &(ready, holds, node) in soonest.iter().filter(|c| !draft.kept.contains_key(&c.2)) {
        nodes.push(node);
        at_seconds = at_seconds.zip(ready.at_seconds()).map(|(a, b)| a.max(b));
        missing = missing.saturating_sub(holds);
        if missing == 0 {
            break;
        }
    }
    // Half a reservation helps nobody.
    if missing > 0 || (draft.kept.len() + nodes.len() > kept_max && !draft.kept.is_empty()) {
        return None;
    }
    draft.kept.extend(nodes.iter().map(|&node| (node, at_seconds)));
    Some(Reserved { unit: unit.to_vec(), nodes, at_seconds })
}

/// How soon a node has room: when all that must end has ended, where it says when, then how many thousandths of devices must be
/// left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ready {
    /// Seconds; the largest where nobody knows.
    at_seconds: u64,
    missing_milli: i64,
}

impl Ready {
    fn at_seconds(self) -> Option<u64> {
        (self.at_seconds < u64::MAX).then_some(self.at_seconds)
    }
}

/// How many tasks of the class the node holds when nothing else is on it but what may never leave.
fn holds(draft: &Draft<'_>, node: NodeId, class: ClassId) -> usize {
    let cluster = &draft.cluster;
    let in_use = matches!(cluster.health(node), Health::Up);
    if !in_use || !cluster.suits(node, class) {
        return 0;
    }
    let demand = &cluster.class(class).demand;
    let by_resource = cluster.capacity(node).iter().zip(&demand.resources);
    let by_resource = by_resource.filter(|(_, need)| **need > 0).map(|(all, need)| (all / need) as usize);
    let by_device = demand.devices.map_or(usize::MAX, |wanted| {
        let models = cluster.device_models(node).iter().zip(cluster.devices_in_service(node));
        let fine = models.filter(|&(m, &serves)| serves && wanted.accept.contains(*m)).count();
        fine * usize::from(DEVICE_MILLI / wanted.milli.max(1)) / usize::from(wanted.count.max(1))
    });
    by_resource.min().unwrap_or(usize::MAX).min(by_device)
}

/// When so many tasks of the class have room on the node, if nothing else is placed there.
fn ready(draft: &Draft<'_>, node: NodeId, class: ClassId, holds: usize) -> Ready {
    let cluster = &draft.cluster;
    let demand = &cluster.class(class).demand;
    let milli = demand.device_milli() * holds as i64;
    let free = cluster.devices_free(node).iter().map(|&f| i64::from(f)).sum::<i64>();
    let mut missing: Vec<i64> = vec![milli - free];
    let resources = demand.resources.iter().zip(cluster.free(node));
    missing.extend(resources.map(|(need, free)| need * holds as i64 - free));
    let short = |missing: &[i64]| missing.iter().any(|&m| m > 0);
    let now = draft.snapshot.time_seconds;
    let mut at_seconds = now;
    if short(&missing) {
        let end = |&t: &TaskId| {
            let state = draft.snapshot.tasks.get(t.index())?;
            Some((state.started_seconds?.saturating_add(state.requested_seconds?).max(now), t))
        };
        let mut ends: Vec<(u64, TaskId)> = cluster.hosted(node).iter().filter_map(end).collect();
        ends.sort_unstable();
        for (end, task) in ends {
            if !short(&missing) {
                break;
            }
            at_seconds = end;
            let freed = cluster.demand(task);
            missing[0] -= freed.device_milli();
            missing[1..].iter_mut().zip(&freed.resources).for_each(|(m, f)| *m -= f);
        }
    }
    // What is short even then waits for tasks that do not say when they end.
    let at_seconds = if short(&missing) { u64::MAX } else { at_seconds };
    Ready { at_seconds, missing_milli: (milli - free).max(0) }
}
