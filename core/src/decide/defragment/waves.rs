//! Waves of a plan: steps that can be carried out at the same time and in any order, as many as the limits on disruption
//! allow. A step waits for the earlier ones that free the node it goes to; who only arrives stands in nobody's way that
//! the plan did not reckon with.

use std::collections::BTreeMap;

use crate::model::{Cluster, GangId, NodeId, OwnerId, Placement, TaskId};

/// How much a wave may disturb. Placements disturb nobody and do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WaveLimits {
    /// Most moves in a wave; at least 1.
    pub moves_per_wave: Option<usize>,
    /// Most moves in a wave of tasks of one owner; at least 1. Tasks without an owner are not counted together.
    pub moves_per_owner: Option<usize>,
}

/// Waves that have no room left for another move, counted from 1: the first that may have some, and what is in each.
#[derive(Debug, Default)]
struct Filled {
    first_open: u32,
    moves: BTreeMap<u32, usize>,
}

impl Filled {
    /// The first wave from `least` on with less than `most` moves.
    fn open_from(&mut self, least: u32, most: usize) -> u32 {
        let full = |moves: &BTreeMap<u32, usize>, wave: u32| moves.get(&wave).copied().unwrap_or(0) >= most;
        while full(&self.moves, self.first_open) {
            self.moves.remove(&self.first_open);
            self.first_open += 1;
        }
        let mut wave = least.max(self.first_open);
        while full(&self.moves, wave) {
            wave += 1;
        }
        wave
    }

    fn add(&mut self, wave: u32) {
        *self.moves.entry(wave).or_default() += 1;
    }
}

/// The wave of each step, from 1. The steps are allowed one after the other.
pub(super) fn waves_of(cluster: &Cluster, steps: &[(TaskId, Placement)], limits: WaveLimits) -> Vec<u32> {
    let mut stands: BTreeMap<TaskId, Placement> = BTreeMap::new();
    let mut stepped: BTreeMap<TaskId, u32> = BTreeMap::new();
    let mut left: BTreeMap<NodeId, u32> = BTreeMap::new();
    let mut all = Filled { first_open: 1, ..Filled::default() };
    let mut of_owner: BTreeMap<OwnerId, Filled> = BTreeMap::new();
    let (mut floor, mut last) = (1, 0);
    let mut waves = Vec::with_capacity(steps.len());
    let gang_of = |&(task, _): &(TaskId, Placement)| cluster.task(task).gang;
    let mut at = 0;
    while at < steps.len() {
        // The members of a gang come in one go.
        let places = |s: &(TaskId, Placement)| cluster.placement(s.0).is_none() && !stands.contains_key(&s.0);
        let gang: Option<GangId> = gang_of(&steps[at]).filter(|_| places(&steps[at]));
        let together =
            steps[at..].iter().take_while(|s| gang.is_some() && gang_of(s) == gang && places(s)).count();
        let group = &steps[at..at + together.max(1)];
        let mut wave = floor;
        for &(task, to) in group {
            let after = [stepped.get(&task), left.get(&to.node)].into_iter().flatten().max();
            wave = wave.max(after.map_or(1, |w| w + 1));
        }
        // A rule about other tasks may hang on any earlier step, and any later one on this.
        let barrier = group.iter().any(|s| cluster.looks_around(cluster.task(s.0).class));
        if barrier {
            wave = wave.max(last + 1);
        }
        for &(task, to) in group {
            let from = stands.insert(task, to).or_else(|| cluster.placement(task));
            if let Some(from) = from {
                wave = room_for_move(cluster, task, wave, (&mut all, &mut of_owner), limits);
                let gone = left.entry(from.node).or_default();
                *gone = (*gone).max(wave);
            }
            stepped.insert(task, wave);
            waves.push(wave);
        }
        last = last.max(wave);
        if barrier {
            floor = last + 1;
        }
        at += group.len();
    }
    waves
}

/// The first wave from `least` on in which the limits leave room for a move of the task; it is noted there.
fn room_for_move(
    cluster: &Cluster,
    task: TaskId,
    least: u32,
    (all, of_owner): (&mut Filled, &mut BTreeMap<OwnerId, Filled>),
    limits: WaveLimits,
) -> u32 {
    let owner = cluster.task(task).owner.zip(limits.moves_per_owner);
    let mut own = owner.map(|(owner, most)| {
        (of_owner.entry(owner).or_insert_with(|| Filled { first_open: 1, ..Filled::default() }), most.max(1))
    });
    let mut wave = least;
    loop {
        let before = wave;
        if let Some(most) = limits.moves_per_wave {
            wave = all.open_from(wave, most.max(1));
        }
        if let Some((filled, most)) = &mut own {
            wave = filled.open_from(wave, *most);
        }
        if wave == before {
            break;
        }
    }
    if limits.moves_per_wave.is_some() {
        all.add(wave);
    }
    if let Some((filled, _)) = own {
        filled.add(wave);
    }
    wave
}
