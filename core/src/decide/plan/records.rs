//! Making decision records: names for ids, counts of what ruled nodes out, a digest of the input.

use std::collections::BTreeMap;

use crate::model::{
    Action, ActionKind, ClassId, Cluster, DecisionRecord, Obstacle, Snapshot, StepKey, TaskId, Worth,
};

/// Candidates kept in a record.
pub(super) const CANDIDATES_KEPT: usize = 3;

/// What all records of one plan share.
pub(super) struct Recorder {
    cycle: u64,
    number: u32,
    input_digest: u64,
    policy: String,
    /// Per class: how many nodes each rule rules out, at the start of the plan.
    ruled_out: BTreeMap<ClassId, Vec<(Obstacle, usize)>>,
}

impl Recorder {
    pub(super) fn new(snapshot: &Snapshot, cycle: u64, policy: &str) -> Self {
        let input_digest = digest(snapshot);
        Self { cycle, number: 0, input_digest, policy: policy.to_owned(), ruled_out: BTreeMap::new() }
    }

    /// The record of a step.
    pub(super) fn step(
        &mut self,
        snapshot: &Snapshot,
        (key, action): (StepKey, &Action),
        task: Option<TaskId>,
        worth: Worth,
    ) -> DecisionRecord {
        let mut record = self.blank(snapshot, task).with_action(action);
        record.step = Some(key);
        (record.reason, record.gain, record.cost) = (Some(worth.reason), worth.gain, worth.cost);
        record
    }

    /// The record of a task that waits on.
    pub(super) fn wait(&mut self, snapshot: &Snapshot, task: TaskId, obstacle: Obstacle) -> DecisionRecord {
        let mut record = self.blank(snapshot, Some(task));
        record.waits_for = Some(obstacle);
        record
    }

    fn blank(&mut self, snapshot: &Snapshot, task: Option<TaskId>) -> DecisionRecord {
        let number = self.number;
        self.number += 1;
        let cluster = &snapshot.cluster;
        DecisionRecord {
            turn: self.cycle,
            number,
            step: None,
            time_seconds: snapshot.time_seconds,
            input_digest: self.input_digest,
            action: ActionKind::Wait,
            task: task.map(|t| cluster.task(t).name.to_string()),
            from: None,
            to: None,
            reason: None,
            policy: self.policy.clone(),
            candidates: Vec::new(),
            ruled_out: task.map_or_else(Vec::new, |t| self.ruled_out(cluster, cluster.task(t).class)),
            waits_for: None,
            gain: 0.0,
            cost: 0.0,
            result: None,
        }
    }

    /// How many nodes each rule rules out for the class, most first.
    pub(super) fn ruled_out(&mut self, cluster: &Cluster, class: ClassId) -> Vec<(Obstacle, usize)> {
        let count = || {
            let mut counts: BTreeMap<Obstacle, usize> = BTreeMap::new();
            for node in cluster.nodes() {
                let obstacle = cluster.obstacle(node, class).or_else(|| cluster.obstacle_around(node, class));
                if let Some(obstacle) = obstacle {
                    *counts.entry(obstacle).or_insert(0) += 1;
                }
            }
            let mut counts: Vec<(Obstacle, usize)> = counts.into_iter().collect();
            counts.sort_by_key(|&(obstacle, count)| (std::cmp::Reverse(count), obstacle));
            counts
        };
        self.ruled_out.entry(class).or_insert_with(count).clone()
    }
}

/// A digest (FNV-1a, 64 bits) of what a decision depends on.
fn digest(snapshot: &Snapshot) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut eat = |value: u64| {
        for byte in value.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    let cluster = &snapshot.cluster;
    eat(snapshot.time_seconds);
    for &task in &snapshot.pending {
        eat(u64::from(task.0));
    }
    for node in cluster.nodes() {
        eat(cluster.health(node) as u64);
        eat(snapshot.risk[node.index()].to_bits());
        for &free in cluster.free(node) {
            eat(free as u64);
        }
        for &free in cluster.devices_free(node) {
            eat(u64::from(free));
        }
        let mut used: Vec<(TaskId, i64)> = (cluster.hosted(node).iter())
            .map(|&t| (t, snapshot.task(t).used.first().copied().unwrap_or(-1)))
            .collect();
        used.sort_unstable();
        for (task, used) in used {
            eat(u64::from(task.0));
            eat(used as u64);
        }
    }
    hash
}
