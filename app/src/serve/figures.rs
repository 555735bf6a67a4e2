//! How a turn went, in figures: what a page draws as lines and a time slider goes back to.

use std::collections::BTreeMap;

use lepton_core::cycle::{Lap, Stage};
use lepton_core::model::{ActionKind, Memory, Outcome, Part, PartKey, PartOutcome, Plan, StepResult};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long each stage of a turn took, seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct StageSeconds {
    /// Reading the sources and believing them.
    pub(crate) collect: f64,
    /// Assessing the cluster.
    pub(crate) assess: f64,
    /// Deciding.
    pub(crate) decide: f64,
    /// Carrying out, with its journal.
    pub(crate) execute: f64,
    /// Writing decisions and plan down before anything is done, and what came of it afterwards.
    pub(crate) record: f64,
}

impl StageSeconds {
    /// The stages by name.
    pub(crate) fn by_name(&self) -> [(&'static str, f64); 5] {
        [
            (Stage::Collect, self.collect),
            (Stage::Assess, self.assess),
            (Stage::Decide, self.decide),
            (Stage::Execute, self.execute),
            (Stage::Record, self.record),
        ]
        .map(|(stage, seconds)| (Self::name_of(stage), seconds))
    }

    /// The name of a stage.
    pub(super) fn name_of(stage: Stage) -> &'static str {
        match stage {
            Stage::Collect => "collect",
            Stage::Assess => "assess",
            Stage::Decide => "decide",
            Stage::Execute => "execute",
            Stage::Record => "record",
        }
    }

    /// What these laps come to, stage by stage.
    pub(super) fn of(laps: &[Lap]) -> Self {
        let seconds = |stage: Stage| {
            let nanos: u64 =
                laps.iter().filter(|lap| lap.stage == stage).map(|lap| lap.to_nanos - lap.from_nanos).sum();
            nanos as f64 * 1e-9
        };
        Self {
            collect: seconds(Stage::Collect),
            assess: seconds(Stage::Assess),
            decide: seconds(Stage::Decide),
            execute: seconds(Stage::Execute),
            record: seconds(Stage::Record),
        }
    }
}

/// What was done to the cluster, each step counted once, when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct Deeds {
    /// Tasks placed.
    pub(crate) places: u64,
    /// Tasks moved.
    pub(crate) moves: u64,
    /// Tasks taken off their node.
    pub(crate) preemptions: u64,
    /// Nodes that take no new tasks any more.
    pub(crate) drains: u64,
    /// Nodes that take tasks again.
    pub(crate) reopened: u64,
    /// Steps refused or taken back.
    pub(crate) refused: u64,
    /// What the parts that were finished are expected to gain, device-minutes.
    pub(crate) gain_device_minutes: f64,
    /// What they cost, device-minutes.
    pub(crate) cost_device_minutes: f64,
}

impl Deeds {
    /// Steps that were done.
    pub(crate) fn done(&self) -> u64 {
        self.places + self.moves + self.preemptions + self.drains + self.reopened
    }

    /// Adds those of others.
    pub(crate) fn add(&mut self, other: &Self) {
        self.places += other.places;
        self.moves += other.moves;
        self.preemptions += other.preemptions;
        self.drains += other.drains;
        self.reopened += other.reopened;
        self.refused += other.refused;
        self.gain_device_minutes += other.gain_device_minutes;
        self.cost_device_minutes += other.cost_device_minutes;
    }
}

/// The parts that were under way before something was carried out: what is done already is not counted again.
pub(super) struct Begun(BTreeMap<PartKey, (Part, PartOutcome)>);

impl Begun {
    pub(super) fn of(memory: &Memory) -> Self {
        let parts = memory.underway().map(|s| (s.part().key, (s.part().clone(), s.outcome())));
        Self(parts.collect())
    }

    /// What was done since, of these parts and of a plan.
    pub(super) fn deeds(&self, plan: &Plan, outcome: &Outcome) -> Deeds {
        let of_plan: BTreeMap<PartKey, &Part> = plan.parts.iter().map(|part| (part.key, part)).collect();
        let mut deeds = Deeds::default();
        for of_part in &outcome.parts {
            let before = self.0.get(&of_part.key);
            let of_plan = || of_plan.get(&of_part.key).copied();
            let Some(part) = before.map(|(part, _)| part).or_else(of_plan) else { continue };
            let old = |step: usize| before.and_then(|(_, outcome)| outcome.results.get(step));
            let news = of_part.results.iter().enumerate().filter(|(step, new)| old(*step) != Some(new));
            for (step, result) in news {
                let Some(action) = part.steps.get(step) else { continue };
                match (result, action.kind()) {
                    (StepResult::Done, ActionKind::Place) => deeds.places += 1,
                    (StepResult::Done, ActionKind::Migrate) => deeds.moves += 1,
                    (StepResult::Done, ActionKind::Preempt) => deeds.preemptions += 1,
                    (StepResult::Done, ActionKind::Cordon) => deeds.drains += 1,
                    (StepResult::Done, ActionKind::Uncordon) => deeds.reopened += 1,
                    (StepResult::Refused(_) | StepResult::Undone(_), _) => deeds.refused += 1,
                    _ => {}
                }
            }
            if of_part.is_done() && !before.is_some_and(|(_, outcome)| outcome.is_done()) {
                deeds.gain_device_minutes += part.gain;
                deeds.cost_device_minutes += part.cost;
            }
        }
        deeds
    }
}

/// How a turn went.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct TurnFigures {
    /// Its name among the turns that are kept.
    pub(crate) id: String,
    /// Number of the turn.
    pub(crate) turn: u64,
    /// The cluster's time, seconds.
    pub(crate) time_seconds: u64,
    /// When it ended, seconds since 1970.
    pub(crate) unix_seconds: u64,
    /// `ok` or `degraded`.
    pub(crate) state: String,
    /// Nodes.
    pub(crate) nodes: usize,
    /// Nodes above the safety level.
    pub(crate) hot_nodes: usize,
    /// Nodes likely to fail.
    pub(crate) failing_nodes: usize,
    /// Tasks that stand on a node.
    pub(crate) running: usize,
    /// Tasks that wait.
    pub(crate) waiting: usize,
    /// Mean over the working nodes of the share of the busiest resource that is used.
    pub(crate) mean_used: f64,
    /// Standard deviation of the same: 0 is perfect balance.
    pub(crate) imbalance: f64,
    /// Share of the device capacity of working nodes that is held.
    pub(crate) devices_held: f64,
    /// Free devices on working nodes that have no CPU left to go with them.
    pub(crate) stranded_devices: f64,
    /// Steps that the turn's plan has.
    pub(crate) planned_steps: usize,
    /// What that plan is expected to gain beyond its cost, device-minutes.
    pub(crate) planned_worth_device_minutes: f64,
    /// What was done since the turn before.
    pub(crate) done: Deeds,
    /// How long the turn took, seconds.
    pub(crate) turn_seconds: f64,
    /// How long each of its stages took.
    pub(crate) stages: StageSeconds,
}

#[cfg(test)]
mod tests {
    use lepton_core::model::{Action, Binding, DeviceSet, Reason, Spot, Worth};

    use super::*;

    fn spot(node: &str) -> Spot {
        Spot { node: node.into(), devices: DeviceSet::NONE }
    }

    #[test]
    fn a_step_counts_once_however_many_turns_its_part_takes() {
        let mut plan = Plan::default();
        let steps = vec![
            Action::Cordon { node: "n1".into() },
            Action::Migrate { task: "t1".into(), from: spot("n1"), to: spot("n2") },
        ];
        let worth = Worth { reason: Reason::NodeFailing, gain: 5.0, cost: 2.0 };
        let key = plan.push(3, steps, worth, Binding::InOrder);
        let first = PartOutcome { key, results: vec![StepResult::Done, StepResult::Underway] };
        let of = |part: &PartOutcome| Outcome { parts: vec![part.clone()], halted: None };
        let begun = Begun(BTreeMap::new()).deeds(&plan, &of(&first));
        assert_eq!((begun.drains, begun.moves, begun.gain_device_minutes), (1, 0, 0.0));
        let later = Begun(BTreeMap::from([(key, (plan.parts[0].clone(), first))]));
        let second = PartOutcome { key, results: vec![StepResult::Done, StepResult::Done] };
        let ended = later.deeds(&Plan::default(), &of(&second));
        assert_eq!((ended.drains, ended.moves, ended.done()), (0, 1, 1));
        assert_eq!((ended.gain_device_minutes, ended.cost_device_minutes), (5.0, 2.0));
    }
}
