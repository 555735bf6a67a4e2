//! Making decision records: names for ids, counts of what ruled nodes out, a digest of the input.

use std::collections::BTreeMap;

use super::Situation;
use crate::model::{
    Action, ActionKind, ClassId, Cluster, DecisionRecord, Obstacle, Shape, StepKey, TaskId, Worth,
};

/// Candidates kept in a record.
pub(super) const CANDIDATES_KEPT: usize = 3;

/// How many nodes each rule rules out, most first.
type Counts = Vec<(Obstacle, usize)>;

/// What all records of one plan share.
pub(super) struct Recorder {
    turn: u64,
    time_seconds: u64,
    number: u32,
    input_digest: u64,
    policy: String,
    /// How many nodes each rule rules out, when first asked: per shape, and per class where tasks elsewhere count too.
    ruled_out: BTreeMap<(Shape, Option<ClassId>), Counts>,
}

impl Recorder {
    pub(super) fn new(situation: &Situation<'_>, policy: &str, settings: &str) -> Self {
        Self {
            turn: situation.turn,
            time_seconds: situation.snapshot.time_seconds,
            number: 0,
            input_digest: situation.digest(settings),
            policy: policy.to_owned(),
            ruled_out: BTreeMap::new(),
        }
    }

    /// The record of a step.
    pub(super) fn step(
        &mut self,
        cluster: &Cluster,
        (key, action): (StepKey, &Action),
        task: Option<TaskId>,
        worth: Worth,
    ) -> DecisionRecord {
        let mut record = self.blank(cluster, task).with_action(action);
        record.step = Some(key);
        (record.reason, record.gain, record.cost) = (Some(worth.reason), worth.gain, worth.cost);
        record
    }

    /// The record of a task that waits on.
    pub(super) fn wait(&mut self, cluster: &Cluster, task: TaskId, obstacle: Obstacle) -> DecisionRecord {
        let mut record = self.blank(cluster, Some(task));
        record.waits_for = Some(obstacle);
        record
    }

    fn blank(&mut self, cluster: &Cluster, task: Option<TaskId>) -> DecisionRecord {
        let number = self.number;
        self.number += 1;
        DecisionRecord {
            turn: self.turn,
            number,
            step: None,
            time_seconds: self.time_seconds,
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
    pub(super) fn ruled_out(&mut self, cluster: &Cluster, class: ClassId) -> Counts {
        let count = || {
            let mut counts: BTreeMap<Obstacle, usize> = BTreeMap::new();
            for node in cluster.nodes() {
                let obstacle = cluster.obstacle(node, class).or_else(|| cluster.obstacle_around(node, class));
                if let Some(obstacle) = obstacle {
                    *counts.entry(obstacle).or_insert(0) += 1;
                }
            }
            let mut counts: Counts = counts.into_iter().collect();
            counts.sort_by_key(|&(obstacle, count)| (std::cmp::Reverse(count), obstacle));
            counts
        };
        let alone = cluster.looks_around(class).then_some(class);
        self.ruled_out.entry((cluster.class(class).shape(), alone)).or_insert_with(count).clone()
    }
}
