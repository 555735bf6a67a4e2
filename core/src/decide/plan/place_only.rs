//! Placing what waits, and nothing else: what a cluster does without the loop. First come, first served by
//! priority; a task that does not fit waits and does not hold up the others.

use super::records::Recorder;
use super::{Decided, Decider};
use crate::decide::placement::Placer;
use crate::decide::placement_policies::{PlacementContext, UnknownPolicy, placement_policy};
use crate::model::fragmentation::TargetWorkload;
use crate::model::{
    Action, Assessment, Binding, ClassId, Cluster, Reason, ResourceSchema, Snapshot, StepKey, TaskId, Trial,
    Worth,
};

/// Places pending tasks by one placement policy.
pub struct PlaceOnly {
    engine: Engine,
}

impl PlaceOnly {
    /// By the policy of that name.
    ///
    /// # Errors
    /// When there is no such policy.
    pub fn new(policy: &str, seed: u64) -> Result<Self, UnknownPolicy> {
        Ok(Self { engine: Engine::new(policy, seed)? })
    }
}

impl Decider for PlaceOnly {
    fn decide(&mut self, snapshot: &mut Snapshot, _: &Assessment, cycle: u64) -> Decided {
        let mut recorder = Recorder::new(snapshot, cycle, &self.engine.policy);
        let mut decided = Decided::default();
        let placer = self.engine.placer(snapshot);
        let mut no_room: Vec<ClassId> = Vec::new();
        let mut found = Vec::new();
        let mut trial = Trial::default();
        for task in in_order(snapshot) {
            let class = snapshot.cluster.task(task).class;
            if no_room.contains(&class) {
                continue;
            }
            match placer.place(&snapshot.cluster, task) {
                Some(to) if trial.place(&mut snapshot.cluster, task, to).is_ok() => found.push((task, to)),
                _ => no_room.push(class),
            }
        }
        trial.end(&mut snapshot.cluster);
        for (task, to) in found {
            let gain = snapshot.cluster.size_in_devices(task);
            let worth = Worth { reason: Reason::PendingTaskFits, gain, cost: 0.0 };
            let action = Action::place(&snapshot.cluster, task, to);
            let part = decided.plan.push(cycle, vec![action.clone()], worth, Binding::Each);
            let key = StepKey { part, step: 0 };
            decided.records.push(recorder.step(snapshot, (key, &action), Some(task), worth));
        }
        decided
    }
}

/// The waiting tasks: higher priority first, then who came first.
pub(super) fn in_order(snapshot: &Snapshot) -> Vec<TaskId> {
    let mut tasks = snapshot.waiting();
    tasks.sort_by_key(|&t| {
        (std::cmp::Reverse(snapshot.cluster.task(t).priority), snapshot.task(t).submitted_seconds, t)
    });
    tasks
}

/// A placement engine that is made anew when nodes were added or the mix of tasks has doubled.
pub(super) struct Engine {
    pub(super) policy: String,
    seed: u64,
    made: Option<(usize, u32, Placer)>,
}

impl Engine {
    pub(super) fn new(policy: &str, seed: u64) -> Result<Self, UnknownPolicy> {
        let empty = Cluster::new(ResourceSchema::cpu_and_memory());
        let target = TargetWorkload::default();
        placement_policy(policy, &PlacementContext { cluster: &empty, target: &target, seed, model: None })?;
        Ok(Self { policy: policy.to_owned(), seed, made: None })
    }

    /// The engine for the snapshot.
    pub(super) fn placer(&mut self, snapshot: &Snapshot) -> &mut Placer {
        let nodes = snapshot.cluster.node_count();
        let doublings = snapshot.arrived.iter().sum::<u64>().checked_ilog2().unwrap_or(0);
        let fresh = self.made.take().filter(|(n, d, _)| (*n, *d) == (nodes, doublings));
        let placer = match fresh {
            Some((_, _, placer)) => placer,
            None => {
                let counts: Vec<(ClassId, u64)> = (snapshot.arrived.iter().enumerate())
                    .filter(|&(_, &count)| count > 0)
                    .map(|(class, &count)| (ClassId::from(class), count))
                    .collect();
                let target = TargetWorkload::from_classes(&snapshot.cluster, &counts);
                let context = PlacementContext {
                    cluster: &snapshot.cluster,
                    target: &target,
                    seed: self.seed,
                    model: None,
                };
                let policy = placement_policy(&self.policy, &context)
                    .expect("the name was checked when this was made");
                Placer::in_node_order(policy, &snapshot.cluster)
            }
        };
        &mut self.made.insert((nodes, doublings, placer)).2
    }
}
