//! Placing what waits, and nothing else: what a cluster does without the loop. First come, first served by
//! priority; a task that does not fit waits and does not hold up the others.

use super::records::Recorder;
use super::{Decided, Decider, Situation};
use crate::decide::placement::{LevelWeights, Levelled, Placer};
use crate::decide::placement_policies::{LEARNED, PlacementContext, UnknownPolicy, placement_policy};
use crate::decide::policy::PlacementModel;
use crate::model::fragmentation::TargetWorkload;
use crate::model::{
    Action, Binding, ClassId, Cluster, Reason, ResourceSchema, Serving, Snapshot, StepKey, Worth,
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
    fn decide(&mut self, situation: &Situation<'_>) -> Decided {
        let &Situation { snapshot, turn, .. } = situation;
        let settings = format!("place-only {}", self.engine.seed);
        let mut recorder = Recorder::new(situation, self.engine.policy(snapshot), &settings);
        let mut decided = Decided::default();
        let mut cluster = snapshot.draft_cluster();
        let placer = self.engine.placer(snapshot);
        let mut no_room: Vec<ClassId> = Vec::new();
        for task in snapshot.queue() {
            let class = cluster.task(task).class;
            if no_room.contains(&class) || cluster.obstacle_of_quota(task).is_some() {
                continue;
            }
            let place = placer.place(&cluster, task).filter(|&to| cluster.place(task, to).is_ok());
            let Some(to) = place else {
                no_room.push(class);
                continue;
            };
            let gain = cluster.size_in_devices(task);
            let worth = Worth { reason: Reason::PendingTaskFits, gain, cost: 0.0 };
            let action = Action::place(&cluster, task, to);
            let key = StepKey { part: decided.plan.next_key(turn), step: 0 };
            decided.records.push(recorder.step(&cluster, (key, &action), Some(task), worth));
            decided.plan.push(turn, vec![action], worth, Binding::Each);
        }
        placer.leave_draft(&cluster, snapshot.cluster.changes().end());
        decided
    }
}

/// A placement engine that is made anew when the nodes or the mix of tasks are others.
pub(super) struct Engine {
    policy: String,
    pub(super) seed: u64,
    /// How use is levelled beside the policy; none for the policy as it is.
    weights: Option<LevelWeights>,
    /// The learned placement; it places where the guard says so.
    learned: Option<PlacementModel>,
    made: Option<(EngineKey, Placer)>,
}

/// What an engine was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct EngineKey {
    inventory_version: u64,
    mix_version: u64,
    serving: Serving,
}

impl Engine {
    pub(super) fn new(policy: &str, seed: u64) -> Result<Self, UnknownPolicy> {
        let empty = Cluster::new(ResourceSchema::cpu_and_memory());
        let target = TargetWorkload::default();
        placement_policy(policy, &PlacementContext { cluster: &empty, target: &target, seed, model: None })?;
        Ok(Self { policy: policy.to_owned(), seed, weights: None, learned: None, made: None })
    }

    /// The same, levelling use beside what the policy wants.
    pub(super) fn levelled(self, weights: LevelWeights) -> Self {
        Self { weights: Some(weights), ..self }
    }

    /// The same, with a learned placement in the place of the policy where the guard says so.
    pub(super) fn with_learned(self, model: PlacementModel) -> Self {
        Self { learned: Some(model), ..self }
    }

    /// Who places on the snapshot.
    fn serving(&self, snapshot: &Snapshot) -> Serving {
        if self.learned.is_some() { snapshot.memory.placing.served.serving } else { Serving::Rule }
    }

    /// The name of the policy that places on the snapshot.
    pub(super) fn policy(&self, snapshot: &Snapshot) -> &str {
        match self.serving(snapshot) {
            Serving::Model => LEARNED,
            Serving::Rule => &self.policy,
        }
    }

    /// The engine for the snapshot. A policy that draws by chance is made anew each time, so that its draws do not depend on
    /// those before.
    pub(super) fn placer(&mut self, snapshot: &Snapshot) -> &mut Placer {
        let key = EngineKey {
            inventory_version: snapshot.cluster.inventory_version(),
            mix_version: snapshot.mix.version,
            serving: self.serving(snapshot),
        };
        let kept =
            self.made.take().filter(|(made_for, placer)| *made_for == key && !placer.draws_by_chance());
        let placer = match kept {
            Some((_, placer)) => placer,
            None => {
                let context = PlacementContext {
                    cluster: &snapshot.cluster,
                    target: &snapshot.mix.target(),
                    seed: self.seed,
                    model: self.learned.as_ref(),
                };
                let policy = placement_policy(self.policy(snapshot), &context)
                    .expect("the name was checked when this was made");
                let policy = match self.weights {
                    Some(weights) => {
                        let per_device = snapshot.mix.cpu_per_device();
                        Box::new(Levelled::new(policy, weights, per_device, &snapshot.cluster))
                    }
                    None => policy,
                };
                Placer::in_node_order(policy, &snapshot.cluster)
            }
        };
        &mut self.made.insert((key, placer)).1
    }
}
