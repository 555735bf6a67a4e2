//! Which parts of a plan wait for a person, and which are not even planned: as the modes of their owners have it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::replay::can_be_done;
use super::{Cluster, DecisionRecord, Mode, Modes, Moving, Name, Part, PartKey, Plan, Snapshot};

impl Plan {
    /// The parts that wait for a person.
    pub fn for_approval(&self) -> Plan {
        let parts = self.parts.iter().filter(|part| part.needs_approval).cloned();
        Plan { parts: parts.collect(), waiting: self.waiting.clone() }
    }

    /// The parts that need nobody's approval.
    pub fn own_parts(&self) -> Cow<'_, Plan> {
        if !self.parts.iter().any(|part| part.needs_approval) {
            return Cow::Borrowed(self);
        }
        let parts = self.parts.iter().filter(|part| !part.needs_approval).cloned();
        Cow::Owned(Plan { parts: parts.collect(), waiting: self.waiting.clone() })
    }
}

impl Snapshot {
    /// The least that it may do with any task or node of the part.
    fn mode_of_part(&self, modes: &Modes, part: &Part) -> Mode {
        let of_step = |task: Option<&Name>| match task.and_then(|task| self.task_by_name.get(task)) {
            Some(&task) => modes.of(self.owner_of(task)),
            None => modes.rest,
        };
        part.steps.iter().map(|step| of_step(step.task())).min().unwrap_or(modes.rest)
    }

    /// Whether a loop with these modes only observes a task or node of the plan.
    pub fn is_only_observed(&self, modes: &Modes, plan: &Plan) -> bool {
        plan.parts.iter().any(|part| self.mode_of_part(modes, part) == Mode::Observe)
    }

    /// Marks the parts of a plan that wait for a person, and takes out those of which not even a plan is wanted; each with what comes after it and
    /// needs it. What can be done without them waits for nobody.
    pub fn apply_modes(&self, plan: &mut Plan, records: &mut Vec<DecisionRecord>) {
        if self.modes.is_one() {
            plan.parts.iter_mut().for_each(|part| part.needs_approval = self.modes.rest == Mode::Recommend);
            return;
        }
        let (mut left_out, mut proposed) = (BTreeSet::<PartKey>::new(), BTreeSet::<PartKey>::new());
        let mut done = Done { cluster: None, parts: 0 };
        for at in 0..plan.parts.len() {
            let (before, part) = plan.parts.split_at_mut(at);
            let Some(part) = part.first_mut() else { break };
            let mode = self.mode_of_part(&self.modes, part);
            let waits_for = |parts: &BTreeSet<PartKey>| part.after.iter().any(|key| parts.contains(key));
            let needs = match mode {
                Mode::Observe => Mode::Observe,
                _ if waits_for(&left_out) || waits_for(&proposed) => {
                    if mode == Mode::Act && done.can_do(self, before, part, &left_out) {
                        part.after.retain(|key| !left_out.contains(key) && !proposed.contains(key));
                        Mode::Act
                    } else if waits_for(&left_out) {
                        Mode::Observe
                    } else {
                        Mode::Recommend
                    }
                }
                mode => mode,
            };
            part.needs_approval = needs == Mode::Recommend;
            match needs {
                Mode::Observe => left_out.insert(part.key),
                Mode::Recommend => proposed.insert(part.key),
                Mode::Act => false,
            };
        }
        if !left_out.is_empty() {
            plan.parts.retain(|part| !left_out.contains(&part.key));
            records.retain(|record| record.step.is_none_or(|key| !left_out.contains(&key.part)));
        }
    }
}

/// The cluster as it is once the parts before are done that wait for nobody; made where it is needed.
struct Done {
    cluster: Option<Cluster>,
    /// How many of the parts were looked at.
    parts: usize,
}

impl Done {
    /// Whether the part can be done after those before it that wait for nobody, without the others.
    fn can_do(
        &mut self,
        snapshot: &Snapshot,
        before: &[Part],
        part: &Part,
        left_out: &BTreeSet<PartKey>,
    ) -> bool {
        let cluster = self.cluster.get_or_insert_with(|| snapshot.draft_cluster());
        // Of the two ways to move a task the one that needs more room.
        let moving = Moving::StandTwice;
        let steps = |cluster: &mut Cluster, part: &Part| {
            part.steps.iter().all(|step| can_be_done(step, cluster, &snapshot.task_by_name, moving))
        };
        for part in &before[self.parts..] {
            if !part.needs_approval && !left_out.contains(&part.key) {
                steps(cluster, part);
            }
        }
        let mut tried = cluster.clone();
        let can = steps(&mut tried, part);
        if can {
            *cluster = tried;
        }
        self.parts = before.len() + usize::from(can);
        can
    }
}
