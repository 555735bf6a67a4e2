//! The rules of the loop: clear nodes that are failing, take work off hot nodes, place what waits where it
//! does not make a node hot.
//!
//! Each move must pay: its expected gain must exceed its cost by a factor. A task that was moved is left alone for the
//! cool-down and never goes back where it came from. The learned policy will replace the scores here, not
//! the frame.

use std::collections::BTreeSet;

use super::expected_use::ExpectedUse;
use super::place_only::{Engine, in_order};
use super::records::{CANDIDATES_KEPT, Recorder};
use super::{DecideConfig, Decided, Decider};
use crate::decide::placement::Placer;
use crate::decide::placement_policies::UnknownPolicy;
use crate::model::{
    Action, Assessment, Binding, Candidate, ClassId, DecisionRecord, Health, Name, NodeId, Obstacle,
    Placement, Reason, Snapshot, StepKey, TaskId, Trial, Waiting, Worth,
};

/// Nodes asked for a safe place before the coolest of them is taken.
const SAFE_ASKED_MAX: usize = 64;

/// Decides by the rules above.
pub struct Caretaker {
    config: DecideConfig,
    engine: Engine,
}

impl Caretaker {
    /// With this configuration.
    ///
    /// # Errors
    /// When the configuration names a policy that is not there.
    pub fn new(config: DecideConfig, seed: u64) -> Result<Self, UnknownPolicy> {
        Ok(Self { engine: Engine::new(&config.policy, seed)?, config })
    }
}

impl Decider for Caretaker {
    fn decide(&mut self, snapshot: &mut Snapshot, assessment: &Assessment, cycle: u64) -> Decided {
        let recorder = Recorder::new(snapshot, cycle, &self.engine.policy);
        let expected = ExpectedUse::now(snapshot, assessment);
        let placer = self.engine.placer(snapshot);
        let config = &self.config;
        let underway = snapshot.memory.tasks_underway().into_iter().map(Name::from).collect();
        let mut draft = Draft {
            snapshot,
            cycle,
            underway,
            assessment,
            config,
            placer,
            recorder,
            expected,
            moves: 0,
            trial: Trial::default(),
            waits: Vec::new(),
            decided: Decided::default(),
        };
        // Phase 1: clear nodes that are failing, before their work is lost.
        draft.clear_failing();
        draft.bring_back_calm();
        // Phase 2: take work off nodes above the safety level.
        draft.relieve_hot();
        // Phase 3: place what waits.
        draft.place_waiting();
        draft.finish()
    }
}

/// A plan in the making: the snapshot's cluster is ahead of the world by the steps drafted so far.
struct Draft<'a> {
    snapshot: &'a mut Snapshot,
    cycle: u64,
    /// Tasks that parts under way have a hand on.
    underway: BTreeSet<Name>,
    assessment: &'a Assessment,
    config: &'a DecideConfig,
    placer: &'a mut Placer,
    recorder: Recorder,
    expected: ExpectedUse,
    moves: usize,
    trial: Trial,
    /// Records of tasks that wait for a new reason; they follow those of the steps.
    waits: Vec<DecisionRecord>,
    decided: Decided,
}

impl Draft<'_> {
    fn clear_failing(&mut self) {
        for &node in &self.assessment.failing {
            let risk = self.snapshot.risk_of(node);
            if self.snapshot.cluster.health(node) == Health::Up {
                let worth = Worth { reason: Reason::NodeFailing, gain: risk, cost: 0.0 };
                self.push(Action::cordon(&self.snapshot.cluster, node, true), None, worth, Vec::new());
            }
            let mut tasks = self.movable(node);
            tasks.sort_by(|&a, &b| {
                let at_stake = |t: TaskId| self.work_at_stake(t);
                at_stake(b).total_cmp(&at_stake(a)).then(a.cmp(&b))
            });
            for task in tasks {
                let gain = risk * self.work_at_stake(task);
                self.migrate(task, node, Reason::NodeFailing, gain);
            }
        }
    }

    /// Nodes that the loop cordoned for signs that are gone take tasks again.
    fn bring_back_calm(&mut self) {
        for node in self.snapshot.cordoned_by_loop.clone() {
            let cordoned = self.snapshot.cluster.health(node) == Health::Cordoned;
            if cordoned && !self.assessment.failing.contains(&node) {
                let worth = Worth { reason: Reason::NodeCalm, gain: 0.0, cost: 0.0 };
                self.push(Action::cordon(&self.snapshot.cluster, node, false), None, worth, Vec::new());
            }
        }
    }

    fn relieve_hot(&mut self) {
        for &node in &self.assessment.hot {
            let mut tasks = self.movable(node);
            // Cheap moves first: the least standing still per use taken away.
            tasks.sort_by(|&a, &b| {
                let price = |t: TaskId| self.move_cost(t) / self.share_of(t, node).max(1e-9);
                price(a).total_cmp(&price(b)).then(a.cmp(&b))
            });
            for task in tasks {
                let excess = self.expected.share_with(self.snapshot, node, None) - self.config.safety_level;
                if excess <= 0.0 {
                    break;
                }
                let devices = self.snapshot.cluster.devices_free(node).len().max(1) as f64;
                let gain = self.share_of(task, node).min(excess) * devices * self.config.hot_minutes;
                self.migrate(task, node, Reason::NodeOverloaded, gain);
            }
        }
    }

    fn place_waiting(&mut self) {
        let mut no_room: Vec<ClassId> = Vec::new();
        for task in in_order(self.snapshot) {
            let class = self.snapshot.cluster.task(task).class;
            if let Some(obstacle) = self.snapshot.cluster.obstacle_of_quota(task) {
                self.wait(task, obstacle);
                continue;
            }
            let found = if no_room.contains(&class) { None } else { self.search(task, None) };
            let Some((to, candidates)) = found else {
                let ruled_out = self.recorder.ruled_out(&self.snapshot.cluster, class);
                self.wait(task, ruled_out.first().map_or(Obstacle::InsufficientDevices, |o| o.0));
                no_room.push(class);
                continue;
            };
            let action = Action::place(&self.snapshot.cluster, task, to);
            if !self.try_place(task, to) {
                continue;
            }
            let gain = self.snapshot.cluster.size_in_devices(task);
            let worth = Worth { reason: Reason::PendingTaskFits, gain, cost: 0.0 };
            self.push(action, Some(task), worth, candidates);
        }
    }

    /// The task waits on; a record says so when the reason is a new one.
    fn wait(&mut self, task: TaskId, obstacle: Obstacle) {
        let name = self.snapshot.cluster.task(task).name.clone();
        self.decided.plan.waiting.push(Waiting { task: name, obstacle });
        if self.snapshot.task(task).waits_for != Some(obstacle) {
            self.waits.push(self.recorder.wait(self.snapshot, task, obstacle));
        }
    }

    /// Drafts a migration off `from`, if there is a safe place and it pays.
    fn migrate(&mut self, task: TaskId, from: NodeId, reason: Reason, gain: f64) {
        let cost = self.move_cost(task);
        if gain <= self.config.gain_over_cost * cost || self.moves >= self.config.moves_max {
            return;
        }
        let Some(stood) = self.snapshot.cluster.placement(task) else { return };
        let Some((to, candidates)) = self.search(task, Some(from)) else { return };
        let action = Action::migrate(&self.snapshot.cluster, task, stood, to);
        self.trial.remove(&mut self.snapshot.cluster, task);
        self.expected.add(self.snapshot, from, task, -1.0);
        if !self.try_place(task, to) {
            self.trial.take_back(&mut self.snapshot.cluster);
            self.expected.add(self.snapshot, from, task, 1.0);
            return;
        }
        self.moves += 1;
        self.push(action, Some(task), Worth { reason, gain, cost }, candidates);
    }

    /// The best place for a task: the first by score whose expected use stays below the level. A pending
    /// task (`off` is `None`) otherwise takes the coolest of those looked at. Failing nodes are left out,
    /// and for a migration the node it comes from and the one it came from before.
    fn search(&mut self, task: TaskId, off: Option<NodeId>) -> Option<(Placement, Vec<Candidate>)> {
        let (snapshot, assessment) = (&*self.snapshot, self.assessment);
        let class = snapshot.cluster.task(task).class;
        let before = snapshot.memory.moves.last_of(&snapshot.cluster.task(task).name);
        let before = before.and_then(|m| snapshot.cluster.node_named(&m.from));
        let mut candidates = Vec::new();
        let mut seen = 0;
        let expected = &self.expected;
        let level = if off.is_some() { self.config.safety_level } else { self.config.placement_level };
        let mut coolest: Option<(f64, NodeId)> = None;
        let mut safe = |node: NodeId, score: f32| {
            if assessment.failing.contains(&node)
                || (off.is_some() && (Some(node) == off || Some(node) == before))
            {
                return false;
            }
            seen += 1;
            let expected_use = expected.share_with(snapshot, node, Some(task));
            let safe = expected_use <= level;
            if seen <= CANDIDATES_KEPT || safe {
                let node = snapshot.cluster.node_name(node).to_owned();
                candidates.push(Candidate { node, score, expected_use, safe });
            }
            if coolest.is_none_or(|(least, _)| expected_use < least) {
                coolest = Some((expected_use, node));
            }
            safe
        };
        let found = self.placer.place_class_where(&snapshot.cluster, class, SAFE_ASKED_MAX, &mut safe);
        if found.is_some() || off.is_some() {
            return found.map(|to| (to, candidates));
        }
        let (_, coolest) = coolest?;
        let found =
            self.placer.place_class_where(&snapshot.cluster, class, usize::MAX, &mut |n, _| n == coolest);
        found.map(|to| (to, candidates))
    }

    fn try_place(&mut self, task: TaskId, to: Placement) -> bool {
        if self.trial.place(&mut self.snapshot.cluster, task, to).is_err() {
            return false;
        }
        self.expected.add(self.snapshot, to.node, task, 1.0);
        true
    }

    /// A part of one step, and its record.
    fn push(&mut self, action: Action, task: Option<TaskId>, worth: Worth, candidates: Vec<Candidate>) {
        let key = StepKey { part: self.decided.plan.next_key(self.cycle), step: 0 };
        let record = self.recorder.step(self.snapshot, (key, &action), task, worth);
        self.decided.plan.push(self.cycle, vec![action], worth, Binding::Each);
        self.decided.records.push(DecisionRecord { candidates, ..record });
    }

    /// Tasks of a node that may be moved.
    fn movable(&self, node: NodeId) -> Vec<TaskId> {
        let cluster = &self.snapshot.cluster;
        let free_to_go = |&t: &TaskId| {
            let task = cluster.task(t);
            !(task.do_not_disrupt || self.underway.contains(&task.name) || self.cooling_down(t))
        };
        cluster.hosted(node).iter().copied().filter(free_to_go).collect()
    }

    fn cooling_down(&self, task: TaskId) -> bool {
        let now = self.snapshot.time_seconds;
        let name = &self.snapshot.cluster.task(task).name;
        self.snapshot.memory.moves.is_cooling(name, now, self.config.cool_down_seconds)
    }

    /// Device-minutes that standing still during a move costs.
    fn move_cost(&self, task: TaskId) -> f64 {
        self.snapshot.cluster.size_in_devices(task) * f64::from(self.snapshot.task(task).pause_seconds) / 60.0
    }

    /// Device-minutes lost when the task's node fails: unsaved work, and waiting for a new place.
    fn work_at_stake(&self, task: TaskId) -> f64 {
        let unsaved = self.snapshot.task(task).unsaved_seconds as f64 / 60.0;
        self.snapshot.cluster.size_in_devices(task) * (unsaved + self.config.restart_minutes)
    }

    /// Share of the node's busiest resource that the task uses.
    fn share_of(&self, task: TaskId, node: NodeId) -> f64 {
        let cluster = &self.snapshot.cluster;
        let share = |r: usize| {
            let capacity = cluster.capacity(node)[r].max(1) as f64;
            self.snapshot.task_use(task, r, self.assessment.use_of_demand) / capacity
        };
        (0..cluster.schema().len()).map(share).fold(0.0, f64::max)
    }

    /// The plan; the cluster is put back as the world has it.
    fn finish(mut self) -> Decided {
        self.trial.end(&mut self.snapshot.cluster);
        self.decided.records.extend(self.waits);
        self.decided
    }
}
