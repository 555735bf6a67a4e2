//! The loop's own diary: the figures of each turn on their way to the store and to those who look on.

use std::collections::VecDeque;

use lepton_core::cycle::CycleReport;
use lepton_core::model::{DecisionRecord, Snapshot};
use lepton_edges::store::{HistoryRow, Inventory};

use super::api::rows::DecisionRow;
use super::figures::{Deeds, StageSeconds, TurnFigures};
use super::nodes::NodeBytes;
use super::people::unix_seconds;
use super::stream::{Encode, Topic};
use super::view::Published;

/// Turns told at once; of more, the newest are told.
const TURNS_TOLD_MAX: usize = 120;
/// Decisions told at once; of more, the newest are told, and the list has them all.
const DECISIONS_TOLD_MAX: usize = 50;

/// Rows of turns that wait while the store cannot be written; of more, the oldest are dropped and counted.
const ROWS_WAIT_MAX: usize = 1_440;

/// The diary.
#[derive(Debug, Default)]
pub(super) struct Chronicle {
    /// Place of the last turn that is kept.
    sequence: u64,
    /// What was done since the last turn.
    done: Deeds,
    /// Rows of turns that the store does not have as they are known by now: the last, and before it those of turns in which it could not be
    /// written.
    behind: VecDeque<HistoryRow>,
    /// Rows that were dropped before they could be written.
    dropped: u64,
    /// Digest of the names that the store has, and of those being kept.
    inventory: String,
    inventory_kept: String,
    /// What is not told yet.
    turns: Vec<TurnFigures>,
    decisions: Vec<DecisionRecord>,
}

impl Chronicle {
    /// Goes on after the last turn that is kept.
    pub(super) fn new(sequence: u64) -> Self {
        Self { sequence, ..Self::default() }
    }

    /// Something was done to the cluster.
    pub(super) fn did(&mut self, deeds: &Deeds) {
        self.done.add(deeds);
    }

    /// The figures of the turn that is just over.
    pub(super) fn figures(&self, snapshot: &Snapshot, report: &CycleReport, now_seconds: u64) -> TurnFigures {
        let (cluster, assessment) = (&snapshot.cluster, &report.assessment);
        TurnFigures {
            id: turn_id(self.sequence + 1),
            turn: report.cycle,
            time_seconds: now_seconds,
            unix_seconds: unix_seconds(),
            nodes: cluster.node_count(),
            hot_nodes: assessment.hot.len(),
            failing_nodes: assessment.failing.len(),
            running: cluster.live_tasks().count() - snapshot.pending.len(),
            waiting: snapshot.pending.len(),
            mean_used: assessment.mean_used,
            imbalance: assessment.imbalance,
            devices_held: assessment.devices_held,
            stranded_devices: assessment.stranded_milli as f64 / 1000.0,
            planned_steps: report.plan.parts.iter().map(|part| part.steps.len()).sum(),
            planned_worth_device_minutes: report.plan.parts.iter().map(|part| part.gain - part.cost).sum(),
            done: self.done,
            stages: StageSeconds::of(&report.laps),
            ..TurnFigures::default()
        }
    }

    /// What the store is to keep: this turn, the one before with all that is known of it, and those that it could not be given; the names of
    /// the nodes where they are new.
    pub(super) fn rows(
        &mut self,
        figures: &TurnFigures,
        nodes: NodeBytes,
        snapshot: &Snapshot,
    ) -> anyhow::Result<(Vec<HistoryRow>, Option<Inventory>)> {
        let cluster = &snapshot.cluster;
        let inventory = if nodes.inventory == self.inventory_kept {
            None
        } else {
            let names: Vec<&str> = cluster.nodes().map(|node| cluster.node_name(node)).collect();
            Some(Inventory { digest: nodes.inventory.clone(), names: serde_json::to_string(&names)? })
        };
        self.inventory.clone_from(&nodes.inventory);
        let row = HistoryRow {
            sequence: self.sequence + 1,
            turn: figures.turn,
            time_seconds: figures.time_seconds,
            unix_seconds: figures.unix_seconds,
            figures: serde_json::to_string(figures)?,
            inventory: nodes.inventory,
            nodes: nodes.bytes,
        };
        // Of what waits longer than a turn only the figures are kept: the names of its nodes may be others than those that are kept now.
        let long_behind = self.behind.len().saturating_sub(1);
        let is_named = |row: &HistoryRow| [&self.inventory, &self.inventory_kept].contains(&&row.inventory);
        for (at, row) in self.behind.iter_mut().enumerate() {
            if at < long_behind || !is_named(row) {
                row.nodes.clear();
            }
        }
        self.behind.push_back(row);
        while self.behind.len() > ROWS_WAIT_MAX {
            self.behind.pop_front();
            self.dropped += 1;
        }
        Ok((self.behind.iter().cloned().collect(), inventory))
    }

    /// Rows that were dropped before they could be written.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The store has what `rows` gave.
    pub(super) fn kept(&mut self) {
        self.behind.drain(..self.behind.len().saturating_sub(1));
        self.inventory_kept.clone_from(&self.inventory);
    }

    /// The turn is over and all is known of it.
    pub(super) fn turned(&mut self, report: &CycleReport, figures: &TurnFigures) {
        self.sequence += 1;
        self.done = Deeds::default();
        if let Some(row) = self.behind.back_mut() {
            row.figures = figures.encoded();
        }
        self.turns.push(figures.clone());
        let more = self.turns.len().saturating_sub(TURNS_TOLD_MAX);
        self.turns.drain(..more);
        self.decided(report);
    }

    /// This was decided.
    pub(super) fn decided(&mut self, report: &CycleReport) {
        self.decisions.extend(report.records.iter().cloned());
        let more = self.decisions.len().saturating_sub(DECISIONS_TOLD_MAX);
        self.decisions.drain(..more);
    }

    /// Tells those who look on.
    pub(super) fn tell(&mut self, published: &Published) {
        let view = published.view();
        let nodes = view.bytes.shown(&view.figures.id, view.figures.time_seconds);
        let decisions: Vec<DecisionRow> = self.decisions.drain(..).map(|d| DecisionRow::of(&d)).collect();
        let plan = serde_json::json!({"open_plan": view.status.open_plan});
        let mut bodies: Vec<(Topic, &dyn Encode)> = vec![
            (Topic::Status, &view.status),
            (Topic::Nodes, &nodes),
            (Topic::Waiting, &view.waiting),
            (Topic::Plan, &plan),
        ];
        if !self.turns.is_empty() {
            bodies.push((Topic::Turns, &self.turns));
        }
        if !decisions.is_empty() {
            bodies.push((Topic::Decisions, &decisions));
        }
        published.stream.tell(&bodies);
        self.turns.clear();
    }
}

/// The name of a turn that is kept.
pub(super) fn turn_id(sequence: u64) -> String {
    format!("t{sequence}")
}
