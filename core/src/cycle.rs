//! The loop on one screen: readings -> snapshot -> assessment -> plan -> outcome.
//!
//! The only file that knows all four stages. The live loop, the simulation and the demo run this and no
//! other.

use crate::analyze::{AnalyzeConfig, assess};
use crate::collect::{CollectConfig, Source, merge};
use crate::decide::plan::{Decided, Decider};
use crate::execute::{Actuator, Journal, carry_out, recover};
use crate::model::{
    Action, Assessment, DecisionRecord, Move, Name, Outcome, Plan, ResourceSchema, Snapshot, StepResult,
};

/// What the loop may do, in order of trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Look and assess; decide nothing.
    Observe,
    /// Decide and show the plan; do nothing.
    Recommend,
    /// Decide and carry out.
    Act,
}

/// The loop's settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CycleConfig {
    /// What it may do.
    pub mode: Mode,
    /// What is believed.
    pub collect: CollectConfig,
    /// What counts as hot and failing.
    pub analyze: AnalyzeConfig,
}

/// What one turn of the loop came to.
#[derive(Debug, Clone, Default)]
pub struct CycleReport {
    /// Number of the turn.
    pub cycle: u64,
    /// How the cluster stood.
    pub assessment: Assessment,
    /// What was decided, each with its result.
    pub records: Vec<DecisionRecord>,
    /// What came of the plan.
    pub outcome: Outcome,
}

/// The loop's memory between turns.
pub struct Cycle {
    config: CycleConfig,
    snapshot: Snapshot,
    turns: u64,
}

impl Cycle {
    /// Starts, or starts again after a kill: everything is listed anew, and the journal's unfinished step
    /// is closed by what the world shows.
    pub fn start(
        config: CycleConfig,
        schema: ResourceSchema,
        sources: &mut [&mut dyn Source],
        journal: &mut dyn Journal,
        now_seconds: u64,
    ) -> Self {
        let mut snapshot = Snapshot::new(schema);
        for source in sources {
            merge(&mut snapshot, &source.list(now_seconds), now_seconds, &config.collect);
        }
        recover(&snapshot, journal);
        Self { config, snapshot, turns: 0 }
    }

    /// One turn.
    pub fn turn(
        &mut self,
        sources: &mut [&mut dyn Source],
        decider: &mut dyn Decider,
        actuator: &mut dyn Actuator,
        journal: &mut dyn Journal,
        now_seconds: u64,
    ) -> CycleReport {
        self.turns += 1;
        let snapshot = &mut self.snapshot;

        // collect
        for source in sources {
            merge(snapshot, &source.poll(now_seconds), now_seconds, &self.config.collect);
        }
        // analyze
        let assessment = assess(snapshot, &self.config.analyze);
        // decide
        let mut decided = match self.config.mode {
            Mode::Observe => Decided::default(),
            Mode::Recommend | Mode::Act => decider.decide(snapshot, &assessment, self.turns),
        };
        // execute
        let outcome = match self.config.mode {
            Mode::Act if snapshot.stale.is_empty() => {
                carry_out(&decided.plan, snapshot, self.turns, actuator, journal)
            }
            _ => Outcome::default(),
        };
        for (record, result) in decided.records.iter_mut().zip(&outcome.results) {
            record.result = Some(result.clone());
        }
        self.remember_moves(&decided.plan, &outcome);
        let snapshot = &mut self.snapshot;
        for &(task, obstacle) in &decided.plan.unplaced {
            snapshot.tasks[task.index()].waits_for = Some(obstacle);
        }
        CycleReport { cycle: self.turns, assessment, records: decided.records, outcome }
    }

    /// Notes the moves that were carried out. The world tells of a move as of a task that lost its place and got
    /// another, so what was moved, and why it rests now, is known only here.
    fn remember_moves(&mut self, plan: &Plan, outcome: &Outcome) {
        let Snapshot { cluster, moves, time_seconds, .. } = &mut self.snapshot;
        for (step, result) in plan.steps.iter().zip(&outcome.results) {
            let (task, from, to) = match step.action {
                Action::Migrate { task, from, to } => (task, from, Some(to)),
                Action::Preempt { task, from } => (task, from, None),
                Action::Place { .. } | Action::Cordon { .. } | Action::Uncordon { .. } => continue,
            };
            if *result == StepResult::Done {
                moves.record(Move {
                    time_seconds: *time_seconds,
                    task: cluster.task(task).name.clone(),
                    owner: cluster.task(task).owner.map(|o| Name::from(cluster.owner_name(o))),
                    from: Name::from(cluster.node_name(from.node)),
                    to: to.map(|to| Name::from(cluster.node_name(to.node))),
                });
            }
        }
    }

    /// The cluster as the loop believes it to be.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }
}
