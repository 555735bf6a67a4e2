//! Which tasks should leave a node so that a task of a class fits: few, and such as find a place elsewhere.

use super::draft::Draft;
use crate::model::{ClassId, DEVICES_PER_NODE_MAX, NodeId, RESOURCES_MAX, TaskId};

/// Most tasks of a node that are tried in pairs.
const PAIRED_MAX: usize = 48;
/// Most tasks that leave a node for one to come.
const LEAVING_MAX: usize = 16;
/// Sets whose effect on the node is worked out exactly.
const PRICED_SETS: usize = 3;

/// Tasks that leave, and what that costs: moves, their new places, and the node's growth.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ejection {
    pub(super) tasks: Vec<TaskId>,
    pub(super) cost: f64,
}

/// What is free on the node, changed as tasks are tried away.
struct Room<'a> {
    need: &'a [i64],
    devices_needed: usize,
    milli: u16,
    left: [i64; RESOURCES_MAX],
    free: [u16; DEVICES_PER_NODE_MAX],
    /// Devices of an accepted model.
    accepted: u64,
    devices: usize,
}

/// A hosted task that may leave.
struct Leaver {
    task: TaskId,
    class: ClassId,
    /// Move and new place.
    cost: f64,
    devices: u64,
    milli: u16,
}

impl Room<'_> {
    fn shift(&mut self, draft: &Draft<'_>, leaver: &Leaver, sign: i64) {
        let need = &draft.cluster.class(leaver.class).demand.resources;
        self.left.iter_mut().zip(need).for_each(|(left, need)| *left += sign * need);
        let mut devices = leaver.devices;
        while devices != 0 {
            let free = &mut self.free[devices.trailing_zeros() as usize];
            *free = if sign > 0 { *free + leaver.milli } else { *free - leaver.milli };
            devices &= devices - 1;
        }
    }

    fn resources_fit(&self) -> bool {
        self.left.iter().zip(self.need).all(|(left, need)| left >= need)
    }

    fn devices_fit(&self) -> bool {
        self.devices_needed == 0
            || (0..self.devices)
                .filter(|&i| self.accepted >> i & 1 == 1 && self.free[i] >= self.milli)
                .count()
                >= self.devices_needed
    }

    fn fits(&self) -> bool {
        self.resources_fit() && self.devices_fit()
    }
}

/// The cheapest ejection found from the node for the class; `relocation` is the cost of a new place by class,
/// infinite where there is none known.
pub(super) fn cheapest_ejection(
    draft: &mut Draft<'_>,
    class: ClassId,
    node: NodeId,
    relocation: &dyn Fn(ClassId) -> f64,
) -> Option<Ejection> {
    let cluster = &draft.cluster;
    let wanted = cluster.class(class);
    let demand = wanted.demand.devices;
    if demand.is_some_and(|d| !d.accept.meets(cluster.node_models(node)))
        || !cluster.health(node).takes_tasks()
        || cluster.capacity(node).iter().zip(&wanted.demand.resources).any(|(has, need)| has < need)
        || demand.is_some_and(|d| cluster.devices_free(node).len() < usize::from(d.count))
    {
        return None;
    }
    let mut leavers: Vec<Leaver> = (cluster.hosted(node).iter())
        .filter(|&&t| draft.problem.may_move(t))
        .filter_map(|&task| {
            let class = cluster.task(task).class;
            let cost = draft.problem.move_cost(task) + relocation(class);
            let devices = cluster.placement(task)?.devices.0;
            let milli = cluster.demand(task).devices.map_or(0, |d| d.milli);
            cost.is_finite().then_some(Leaver { task, class, cost, devices, milli })
        })
        .collect();
    if leavers.is_empty() {
        return None;
    }
    leavers.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(a.task.cmp(&b.task)));
    let mut room = Room {
        need: &wanted.demand.resources,
        devices_needed: demand.map_or(0, |d| usize::from(d.count)),
        milli: demand.map_or(0, |d| d.milli),
        left: [0; RESOURCES_MAX],
        free: [0; DEVICES_PER_NODE_MAX],
        accepted: (cluster.device_models(node).iter().enumerate())
            .filter(|(_, m)| demand.is_none_or(|d| d.accept.contains(**m)))
            .fold(0, |set, (i, _)| set | 1 << i),
        devices: cluster.devices_free(node).len(),
    };
    room.left[..room.need.len()].copy_from_slice(cluster.free(node));
    room.free[..room.devices].copy_from_slice(cluster.devices_free(node));
    let in_service = cluster.devices_in_service(node).iter().enumerate();
    let in_service = in_service.filter(|(_, s)| **s).fold(0_u64, |set, (i, _)| set | 1 << i);
    leavers.iter_mut().for_each(|l| l.devices &= in_service);
    let mut sets = small_sets(draft, &mut room, &leavers);
    if sets.is_empty() {
        sets.extend(larger_set(draft, &mut room, &leavers));
    }
    sets.into_iter()
        .filter_map(|(cost, set)| {
            let tasks: Vec<TaskId> = set.into_iter().map(|i| leavers[i].task).collect();
            let (growth, _) = draft.growth(class, node, &tasks)?;
            Some(Ejection { tasks, cost: cost + growth })
        })
        .min_by(|a, b| a.cost.total_cmp(&b.cost))
}

/// The cheapest few sets of one or two tasks, as positions. No set has a member that would be enough alone.
fn small_sets(draft: &Draft<'_>, room: &mut Room<'_>, leavers: &[Leaver]) -> Vec<(f64, Vec<usize>)> {
    let mut sets: Vec<(f64, Vec<usize>)> = Vec::new();
    let mut keep = |cost: f64, set: Vec<usize>| {
        sets.push((cost, set));
        sets.sort_by(|a, b| a.0.total_cmp(&b.0));
        sets.truncate(PRICED_SETS);
        if sets.len() < PRICED_SETS { f64::INFINITY } else { sets[PRICED_SETS - 1].0 }
    };
    let mut dearest = f64::INFINITY;
    let mut alone = vec![false; leavers.len()];
    for (i, leaver) in leavers.iter().enumerate() {
        room.shift(draft, leaver, 1);
        alone[i] = room.fits();
        if alone[i] && leaver.cost < dearest {
            dearest = keep(leaver.cost, vec![i]);
        }
        room.shift(draft, leaver, -1);
    }
    for (i, leaver) in leavers.iter().enumerate().take(PAIRED_MAX).filter(|(i, _)| !alone[*i]) {
        room.shift(draft, leaver, 1);
        for (j, second) in leavers.iter().enumerate().skip(i + 1).take(PAIRED_MAX) {
            // Sorted by cost: the rest is dearer still.
            if leaver.cost + second.cost >= dearest {
                break;
            }
            if alone[j] {
                continue;
            }
            room.shift(draft, second, 1);
            if room.fits() {
                dearest = keep(leaver.cost + second.cost, vec![i, j]);
            }
            room.shift(draft, second, -1);
        }
        room.shift(draft, leaver, -1);
    }
    sets
}

/// A set of more tasks without any that is not needed.
fn larger_set(draft: &Draft<'_>, room: &mut Room<'_>, leavers: &[Leaver]) -> Option<(f64, Vec<usize>)> {
    let mut chosen = built_up_set(draft, room, leavers)?;
    // The dearest is spared first.
    chosen.sort_by(|&a, &b| leavers[b].cost.total_cmp(&leavers[a].cost).then(b.cmp(&a)));
    let needed = |room: &mut Room<'_>, l: usize| {
        room.shift(draft, &leavers[l], -1);
        let needed = !room.fits();
        if needed {
            room.shift(draft, &leavers[l], 1);
        }
        needed
    };
    chosen.retain(|&l| needed(room, l));
    Some((chosen.iter().map(|&l| leavers[l].cost).sum(), chosen))
}

/// Devices that are cleared most cheaply first, then what gives the resources.
fn built_up_set(draft: &Draft<'_>, room: &mut Room<'_>, leavers: &[Leaver]) -> Option<Vec<usize>> {
    let mut chosen: Vec<usize> = Vec::new();
    while !room.devices_fit() {
        let open = |i: usize| room.accepted >> i & 1 == 1 && room.free[i] < room.milli;
        let cleared = (0..room.devices).filter(|&i| open(i)).filter_map(|i| {
            let mut missing = i64::from(room.milli) - i64::from(room.free[i]);
            let mut on: Vec<usize> = (0..leavers.len())
                .filter(|l| leavers[*l].devices >> i & 1 == 1 && !chosen.contains(l))
                .collect();
            if let Some(&one) = on.iter().find(|&&l| i64::from(leavers[l].milli) >= missing) {
                return Some((leavers[one].cost, vec![one]));
            }
            on.sort_by_key(|&l| std::cmp::Reverse(leavers[l].milli));
            let mut set = Vec::new();
            for l in on {
                if missing <= 0 {
                    break;
                }
                missing -= i64::from(leavers[l].milli);
                set.push(l);
            }
            (missing <= 0).then(|| (set.iter().map(|&l| leavers[l].cost).sum(), set))
        });
        let (_, set) = cleared.min_by(|a, b| f64::total_cmp(&a.0, &b.0))?;
        set.iter().for_each(|&l| room.shift(draft, &leavers[l], 1));
        chosen.extend(set);
        if chosen.len() > LEAVING_MAX {
            return None;
        }
    }
    while !room.resources_fit() {
        let short = (0..room.need.len()).find(|&r| room.left[r] < room.need[r])?;
        let gives = |l: usize| draft.cluster.class(leavers[l].class).demand.resources[short];
        let missing = room.need[short] - room.left[short];
        let others = (0..leavers.len()).filter(|l| !chosen.contains(l) && gives(*l) > 0);
        let worth = |l: usize| leavers[l].cost / gives(l).min(missing) as f64;
        let next = others.min_by(|&a, &b| worth(a).total_cmp(&worth(b)))?;
        room.shift(draft, &leavers[next], 1);
        chosen.push(next);
        if chosen.len() > LEAVING_MAX {
            return None;
        }
    }
    Some(chosen)
}
