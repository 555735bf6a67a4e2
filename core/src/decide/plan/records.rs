//! Making decision records: names for ids, what ruled which nodes out, a digest of the input.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Situation;
use crate::model::{
    Action, ActionKind, ClassId, Cluster, DecisionRecord, NODES_NAMED, Obstacle, Shape, StepKey, TaskId,
    Worth,
};

/// Candidates kept in a record.
pub(super) const CANDIDATES_KEPT: usize = 3;

/// What rules nodes out for a class.
#[derive(Default)]
pub(super) struct RuledOut {
    /// How many nodes each rule rules out, most first.
    counts: Vec<(Obstacle, usize)>,
    /// Some of them by name, in the same order.
    named: Vec<(Obstacle, Vec<String>)>,
    /// How many nodes would take a task of the class.
    open: usize,
}

impl RuledOut {
    /// The class on this cluster.
    fn of(cluster: &Cluster, class: ClassId) -> Self {
        let mut rules: BTreeMap<Obstacle, (usize, Vec<String>)> = BTreeMap::new();
        let mut open = 0;
        for node in cluster.nodes() {
            let obstacle = cluster.obstacle(node, class).or_else(|| cluster.obstacle_around(node, class));
            let Some(obstacle) = obstacle else {
                open += 1;
                continue;
            };
            let (count, named) = rules.entry(obstacle).or_default();
            *count += 1;
            if *count <= NODES_NAMED {
                named.push(cluster.node_name(node).to_owned());
            }
        }
        let mut rules: Vec<_> = rules.into_iter().collect();
        rules.sort_by_key(|&(obstacle, (count, _))| (std::cmp::Reverse(count), obstacle));
        let counts = rules.iter().map(|&(obstacle, (count, _))| (obstacle, count)).collect();
        let named = rules.into_iter().map(|(obstacle, (_, named))| (obstacle, named)).collect();
        Self { counts, named, open }
    }
}

/// What all records of one plan share.
pub(super) struct Recorder {
    turn: u64,
    time_seconds: u64,
    number: u32,
    input_digest: u64,
    policy: String,
    /// What rules nodes out, when first asked: per shape, and per class where tasks elsewhere count too.
    ruled_out: BTreeMap<(Shape, Option<ClassId>), Rc<RuledOut>>,
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

    /// What keeps a task waiting: the rule that rules most nodes out, or its gang, where nodes would take it alone.
    pub(super) fn obstacle(&mut self, cluster: &Cluster, task: TaskId) -> Obstacle {
        let of = cluster.task(task);
        let ruled_out = self.ruled_out(cluster, of.class);
        match ruled_out.counts.first() {
            _ if of.gang.is_some() && ruled_out.open > 0 => Obstacle::Gang,
            Some(&(obstacle, _)) => obstacle,
            None if cluster.demand(task).devices.is_some() => Obstacle::InsufficientDevices,
            None => Obstacle::InsufficientResource,
        }
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
        let ruled_out =
            task.map_or_else(Rc::default, |task| self.ruled_out(cluster, cluster.task(task).class));
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
            ruled_out: ruled_out.counts.clone(),
            ruled_out_nodes: ruled_out.named.clone(),
            waits_for: None,
            gain: 0.0,
            cost: 0.0,
            result: None,
        }
    }

    /// What rules nodes out for the class.
    pub(super) fn ruled_out(&mut self, cluster: &Cluster, class: ClassId) -> Rc<RuledOut> {
        let alone = cluster.looks_around(class).then_some(class);
        let known = self.ruled_out.entry((cluster.class(class).shape(), alone));
        Rc::clone(known.or_insert_with(|| Rc::new(RuledOut::of(cluster, class))))
    }
}
