//! Why a task does not stand on a node, and after which smallest change it may.
//!
//! Two ways are looked at where room is short: others leave the node, or the task asks for less. Obstacles of tasks elsewhere (affinity,
//! spread, anti-affinity over domains) have a remedy only where tasks of the node itself are in the way.

use serde::Serialize;

use super::Change;
use crate::decide::placement::tightest_devices;
use crate::model::{Cluster, DeviceSet, NodeId, Obstacle, Placement, Quota, TaskId};

/// Most changes of one remedy.
const CHANGES_MAX: usize = 64;
/// Tasks of a node of which all pairs and triples are looked at; with more, they leave one after the other.
const HOSTED_MAX: usize = 32;
/// Nodes that are looked at closely for the nearest fit.
const NODES_MAX: usize = 64;

/// Changes that together make a task fit; none of them is idle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// The changes, in order.
    pub changes: Vec<Change>,
}

/// Why a task does not stand on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WhyNot {
    /// What stands in the way, the first thing first; empty where the task may stand there.
    pub obstacles: Vec<Obstacle>,
    /// What would have to change, the smallest first: each was tried. Empty where nothing was found.
    pub remedies: Vec<Remedy>,
}

/// How room is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    OthersLeave,
    AskLess,
}

/// Why the task does not stand on the node, as the cluster is. A task that stands elsewhere is looked at as if it had left.
pub fn why_not(cluster: &Cluster, task: TaskId, node: NodeId) -> WhyNot {
    let mut before = cluster.clone();
    before.remove(task);
    let (mut obstacles, mut remedies) = (Vec::new(), Vec::<Remedy>::new());
    for way in [Way::OthersLeave, Way::AskLess] {
        let (met, remedy) = toward(&before, task, node, way);
        met.into_iter().for_each(|o| {
            if !obstacles.contains(&o) {
                obstacles.push(o);
            }
        });
        let news = remedy.filter(|r| !r.changes.is_empty() && !remedies.contains(r));
        remedies.extend(news);
    }
    remedies.sort_by_key(|remedy| remedy.changes.len());
    WhyNot { obstacles, remedies }
}

/// Of all nodes that where the least would have to change for the task to stand there, with that change.
pub fn nearest_fit(cluster: &Cluster, task: TaskId) -> Option<(NodeId, Remedy)> {
    let mut before = cluster.clone();
    before.remove(task);
    let mut nodes: Vec<(f64, NodeId)> =
        before.nodes().filter(|&n| before.is_there(n)).map(|n| (shortage(&before, task, n), n)).collect();
    nodes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut best: Option<(NodeId, Remedy)> = None;
    for (_, node) in nodes.into_iter().take(NODES_MAX) {
        for way in [Way::OthersLeave, Way::AskLess] {
            let Some(remedy) = toward(&before, task, node, way).1 else { continue };
            if best.as_ref().is_none_or(|(_, least)| remedy.changes.len() < least.changes.len()) {
                best = Some((node, remedy));
            }
        }
    }
    best
}

/// About how much is in the way on the node.
fn shortage(cluster: &Cluster, task: TaskId, node: NodeId) -> f64 {
    let demand = cluster.demand(task);
    let class = cluster.task(task).class;
    let short = |(free, need): (&i64, &i64)| (need - free).max(0) as f64 / (*need).max(1) as f64;
    let resources: f64 = cluster.free(node).iter().zip(&demand.resources).map(short).sum();
    let devices = demand.devices.map_or(0.0, |devices| {
        usize::from(devices.count).saturating_sub(cluster.devices_fitting(node, &devices)) as f64
    });
    let never = f64::from(u8::from(!cluster.suits(node, class))) * 10.0;
    resources + devices + never + f64::from(u8::from(!cluster.health(node).takes_tasks())) * 5.0
}

/// What is in the way, and what clears it, on one way.
fn toward(before: &Cluster, task: TaskId, node: NodeId, way: Way) -> (Vec<Obstacle>, Option<Remedy>) {
    let mut cluster = before.clone();
    let (mut obstacles, mut changes) = (Vec::new(), Vec::new());
    while let Some(obstacle) = in_the_way(&cluster, task, node) {
        obstacles.push(obstacle);
        let more = match obstacle {
            Obstacle::InsufficientResource | Obstacle::InsufficientDevices if way == Way::AskLess => {
                ask_less(&cluster, task, node, obstacle)
            }
            Obstacle::InsufficientResource
            | Obstacle::InsufficientDevices
            | Obstacle::AntiAffinity
            | Obstacle::Spread => leave(&cluster, task, node),
            _ => make_suit(&mut cluster, task, node, obstacle),
        };
        let applied = more.is_some_and(|more| {
            let done = more.iter().all(|change| change.apply(&mut cluster, task));
            changes.extend(more);
            done
        });
        if !applied || changes.len() > CHANGES_MAX {
            return (obstacles, None);
        }
    }
    if !fits_after(before, task, node, &changes) {
        return (obstacles, None);
    }
    // What was needed before a later change may be idle after it.
    let mut at = 0;
    while at < changes.len() {
        let change = changes.remove(at);
        if !fits_after(before, task, node, &changes) {
            changes.insert(at, change);
            at += 1;
        }
    }
    (obstacles, Some(Remedy { changes }))
}

fn fits_after(before: &Cluster, task: TaskId, node: NodeId, changes: &[Change]) -> bool {
    let mut cluster = before.clone();
    changes.iter().all(|change| change.apply(&mut cluster, task)) && {
        let devices = cluster.demand(task).devices;
        let devices = devices.map_or(DeviceSet::NONE, |demand| tightest_devices(&cluster, node, &demand));
        cluster.place(task, Placement { node, devices }).is_ok()
    }
}

fn in_the_way(cluster: &Cluster, task: TaskId, node: NodeId) -> Option<Obstacle> {
    let class = cluster.task(task).class;
    (cluster.obstacle(node, class))
        .or_else(|| cluster.obstacle_around(node, class))
        .or_else(|| cluster.obstacle_of_quota(task))
}

/// What makes the node and the task suit each other, apart from room.
fn make_suit(cluster: &mut Cluster, task: TaskId, node: NodeId, obstacle: Obstacle) -> Option<Vec<Change>> {
    let name = cluster.node_name(node).to_owned();
    match obstacle {
        Obstacle::NodeNotReady => Some(vec![Change::OpenNode { node: name }]),
        Obstacle::LabelMismatch => {
            let rules = &cluster.class(cluster.task(task).class).rules;
            let missing = rules
                .selectors
                .iter()
                .filter(|s| !cluster.label(node, s.key).is_some_and(|value| s.values.contains(&value)));
            let label = |s: &crate::model::Selector| {
                let value = cluster.label_value_name(s.key, *s.values.first()?).to_owned();
                let key = cluster.label_key_name(s.key).to_owned();
                Some(Change::LabelNode { node: name.clone(), key, value })
            };
            missing.map(label).collect()
        }
        Obstacle::DeviceModelMismatch => {
            let model = cluster.device_models(node).first()?;
            Some(vec![Change::AcceptModel { model: cluster.models()[usize::from(model.0)].name.clone() }])
        }
        Obstacle::Quota => {
            let owner = cluster.task(task).owner?;
            let Quota { resources, device_milli } = cluster.quota(owner)?.clone();
            let (held, demand) = (cluster.held_by(owner), cluster.demand(task));
            let needed = held.resources.iter().zip(&demand.resources).map(|(held, need)| held + need);
            Some(vec![Change::RaiseQuota {
                owner: cluster.owner_name(owner).to_owned(),
                resources: resources.iter().zip(needed).map(|(&most, needed)| most.max(needed)).collect(),
                device_milli: device_milli.max(held.device_milli + demand.device_milli()),
            }])
        }
        _ => None,
    }
}

/// What the task may ask for to fit into what is free.
fn ask_less(cluster: &Cluster, task: TaskId, node: NodeId, obstacle: Obstacle) -> Option<Vec<Change>> {
    let demand = cluster.demand(task);
    if obstacle == Obstacle::InsufficientResource {
        let each = cluster.schema().names().iter().zip(cluster.free(node)).zip(&demand.resources);
        let short = each.filter(|((_, free), need)| free < need);
        let less = |((resource, &free), &need): ((&String, &i64), &i64)| {
            (free > 0).then(|| Change::AskLess { resource: resource.clone(), from: need, to: free })
        };
        return short.map(less).collect();
    }
    let devices = demand.devices?;
    let fitting = cluster.devices_fitting(node, &devices) as u16;
    if fitting > 0 {
        return Some(vec![Change::AskFewerDevices { from: devices.count, to: fitting }]);
    }
    let models = cluster.device_models(node).iter();
    let accepted =
        cluster.devices_free(node).iter().zip(models).filter(|(_, m)| devices.accept.contains(**m));
    let mut free: Vec<u16> = accepted.map(|(&free, _)| free).collect();
    free.sort_unstable_by(|a, b| b.cmp(a));
    let share = *free.get(usize::from(devices.count) - 1)?;
    (share > 0).then(|| vec![Change::AskSmallerShare { from: devices.milli, to: share }])
}

/// The fewest tasks of the node, the smallest among equally many, without which the task fits. Those that must not be disturbed stay.
fn leave(before: &Cluster, task: TaskId, node: NodeId) -> Option<Vec<Change>> {
    let mut cluster = before.clone();
    let mut others: Vec<TaskId> = before.hosted(node).to_vec();
    others.retain(|&t| t != task && !before.task(t).do_not_disrupt);
    let size = |&t: &TaskId| before.size_in_devices(t);
    others.sort_by(|a, b| size(a).total_cmp(&size(b)).then(a.cmp(b)));
    let chosen = if others.len() <= HOSTED_MAX { few(&mut cluster, task, node, &others) } else { None };
    let chosen = chosen.or_else(|| one_after_the_other(&mut cluster, task, node, &others))?;
    let change = |t: TaskId| Change::Leave {
        task: before.task(t).name.to_string(),
        node: before.node_name(node).to_owned(),
    };
    Some(chosen.into_iter().map(change).collect())
}

/// Whether the task fits without these; the cluster is as it was afterwards.
fn fits_without(cluster: &mut Cluster, task: TaskId, node: NodeId, gone: &[TaskId]) -> bool {
    let places: Vec<_> = gone.iter().map(|&t| (t, cluster.remove(t))).collect();
    let class = cluster.task(task).class;
    let fits = cluster.fits(node, class) && cluster.obstacle_around(node, class).is_none();
    for (t, place) in places.into_iter().rev() {
        if let Some(place) = place {
            cluster.put_back(t, place);
        }
    }
    fits
}

/// One, two or three tasks.
fn few(cluster: &mut Cluster, task: TaskId, node: NodeId, others: &[TaskId]) -> Option<Vec<TaskId>> {
    let total =
        |cluster: &Cluster, set: &[TaskId]| set.iter().map(|&t| cluster.size_in_devices(t)).sum::<f64>();
    let n = others.len();
    for count in 1..=n.min(3) {
        let mut best: Option<(f64, Vec<TaskId>)> = None;
        let mut look = |cluster: &mut Cluster, set: Vec<TaskId>| {
            let size = total(cluster, &set);
            if best.as_ref().is_none_or(|(least, _)| size < *least) && fits_without(cluster, task, node, &set)
            {
                best = Some((size, set));
            }
        };
        for a in 0..n {
            match count {
                1 => look(cluster, vec![others[a]]),
                2 => (a + 1..n).for_each(|b| look(cluster, vec![others[a], others[b]])),
                _ => {
                    for b in a + 1..n {
                        (b + 1..n).for_each(|c| look(cluster, vec![others[a], others[b], others[c]]));
                    }
                }
            }
        }
        if let Some((_, set)) = best {
            return Some(set);
        }
    }
    None
}

/// The largest first, until the task fits; whoever need not have left comes back.
fn one_after_the_other(
    cluster: &mut Cluster,
    task: TaskId,
    node: NodeId,
    others: &[TaskId],
) -> Option<Vec<TaskId>> {
    let mut gone = Vec::new();
    for &other in others.iter().rev() {
        gone.push(other);
        if fits_without(cluster, task, node, &gone) {
            for &back in &gone.clone() {
                let rest: Vec<TaskId> = gone.iter().copied().filter(|&t| t != back).collect();
                if fits_without(cluster, task, node, &rest) {
                    gone = rest;
                }
            }
            return Some(gone);
        }
    }
    None
}
