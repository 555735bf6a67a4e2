//! The rules of the loop: clear nodes that are failing, take work off hot nodes, place what waits where it
//! does not make a node hot.
//!
//! Each move must pay: its expected gain must exceed its cost by a factor. A task that was moved is left alone for the
//! cool-down and never goes back where it came from. The learned policy will replace the scores here, not
//! the frame.

use std::collections::{BTreeMap, BTreeSet};

use super::expected_use::{ExpectedUse, LoadBasis};
use super::place_only::Engine;
use super::records::{CANDIDATES_KEPT, Recorder};
use super::{DecideConfig, Decided, Decider, Scope, Situation};
use crate::decide::placement::Placer;
use crate::decide::placement_policies::UnknownPolicy;
use crate::model::{
    Action, Assessment, Binding, Candidate, ClassId, Cluster, DecisionRecord, Health, MoveBudget, Name,
    NodeId, Obstacle, PartKey, Placement, Reason, Snapshot, StepKey, TaskId, Waiting, Worth,
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
    fn decide(&mut self, situation: &Situation<'_>) -> Decided {
        let &Situation { snapshot, assessment, turn, .. } = situation;
        let settings = format!("caretaker {:?} {}", self.config, self.engine.seed);
        let underway = snapshot.memory.tasks_underway().into_iter().map(Name::from).collect();
        let mut draft = Draft {
            snapshot,
            assessment,
            turn,
            cluster: snapshot.draft_cluster(),
            config: &self.config,
            recorder: Recorder::new(situation, self.engine.policy(snapshot), &settings),
            expected: ExpectedUse::by(LoadBasis::Used, snapshot, assessment),
            placer: self.engine.placer(snapshot),
            underway,
            budget: MoveBudget::new(self.config.moves, &snapshot.memory.moves, snapshot.time_seconds),
            vacating: BTreeMap::new(),
            waits: Vec::new(),
            decided: Decided::default(),
        };
        if situation.scope == Scope::Whole {
            // Phase 1: clear nodes that are failing, before their work is lost.
            draft.clear_failing();
            draft.bring_back_calm();
        }
        // Phase 2: take work off nodes above the safety level.
        draft.relieve_hot();
        // Phase 3: place what waits.
        draft.place_waiting();
        draft.finish()
    }
}

/// A plan in the making.
struct Draft<'a> {
    snapshot: &'a Snapshot,
    assessment: &'a Assessment,
    turn: u64,
    /// Ahead of the world by the steps drafted so far.
    cluster: Cluster,
    config: &'a DecideConfig,
    placer: &'a mut Placer,
    recorder: Recorder,
    expected: ExpectedUse<'a>,
    /// Tasks that parts under way have a hand on.
    underway: BTreeSet<Name>,
    budget: MoveBudget,
    /// Per node: the parts that take a task off it.
    vacating: BTreeMap<Name, Vec<PartKey>>,
    /// Records of tasks that wait for a new reason; they follow those of the steps.
    waits: Vec<DecisionRecord>,
    decided: Decided,
}

impl Draft<'_> {
    fn clear_failing(&mut self) {
        for &node in &self.assessment.failing {
            let risk = self.assessment.risk_of(node);
            if self.cluster.health(node) == Health::Up {
                let worth = Worth { reason: Reason::NodeFailing, gain: risk, cost: 0.0 };
                self.push(Action::cordon(&self.cluster, node, true), None, worth, Vec::new());
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
        for &node in &self.snapshot.cordoned_by_loop {
            let cordoned = self.cluster.health(node) == Health::Cordoned;
            if cordoned && !self.assessment.failing.contains(&node) {
                let worth = Worth { reason: Reason::NodeCalm, gain: 0.0, cost: 0.0 };
                self.push(Action::cordon(&self.cluster, node, false), None, worth, Vec::new());
            }
        }
    }

    fn relieve_hot(&mut self) {
        for &node in &self.assessment.hot {
            let mut tasks = self.movable(node);
            // Cheap moves first: the least standing still per use taken away.
            tasks.sort_by(|&a, &b| {
                let price = |t: TaskId| self.move_cost(t) / self.expected.share_of(t, node).max(1e-9);
                price(a).total_cmp(&price(b)).then(a.cmp(&b))
            });
            for task in tasks {
                let excess = self.expected.share_with(node, None) - self.assessment.safety_level;
                if excess <= 0.0 {
                    break;
                }
                let devices = self.cluster.devices_free(node).len().max(1) as f64;
                let gain = self.expected.share_of(task, node).min(excess) * devices * self.config.hot_minutes;
                self.migrate(task, node, Reason::NodeOverloaded, gain);
            }
        }
    }

    fn place_waiting(&mut self) {
        let mut no_room: Vec<ClassId> = Vec::new();
        for task in self.snapshot.queue() {
            let class = self.cluster.task(task).class;
            if let Some(obstacle) = self.cluster.obstacle_of_quota(task) {
                self.wait(task, obstacle);
                continue;
            }
            let found = if no_room.contains(&class) { None } else { self.search(task, None) };
            let Some((to, candidates)) = found else {
                let obstacle = self.recorder.obstacle(&self.cluster, task);
                self.wait(task, obstacle);
                no_room.push(class);
                continue;
            };
            let action = Action::place(&self.cluster, task, to);
            if !self.try_place(task, to) {
                continue;
            }
            let gain = self.cluster.size_in_devices(task);
            let worth = Worth { reason: Reason::PendingTaskFits, gain, cost: 0.0 };
            self.push(action, Some(task), worth, candidates);
        }
    }

    /// The task waits on; a record says so when the reason is a new one.
    fn wait(&mut self, task: TaskId, obstacle: Obstacle) {
        let name = self.cluster.task(task).name.clone();
        self.decided.plan.waiting.push(Waiting { task: name, obstacle });
        if self.snapshot.task(task).waits_for != Some(obstacle) {
            self.waits.push(self.recorder.wait(&self.cluster, task, obstacle));
        }
    }

    /// Drafts a migration off `from`, if there is a safe place and it pays.
    fn migrate(&mut self, task: TaskId, from: NodeId, reason: Reason, gain: f64) {
        let cost = self.move_cost(task);
        if gain <= self.config.gain_over_cost * cost {
            return;
        }
        let Some(stood) = self.cluster.placement(task) else { return };
        let Some((to, candidates)) = self.search(task, Some(from)) else { return };
        let action = Action::migrate(&self.cluster, task, stood, to);
        let owner = self.cluster.task(task).owner.map(|o| Name::from(self.cluster.owner_name(o)));
        let nodes = [from, to.node].map(|node| Name::from(self.cluster.node_name(node)));
        if !self.budget.take(&nodes[0], &nodes[1], owner.as_ref()) {
            return;
        }
        self.cluster.remove(task);
        self.expected.add(from, task, -1.0);
        if !self.try_place(task, to) {
            self.cluster.put_back(task, stood);
            self.expected.add(from, task, 1.0);
            self.budget.give_back(&nodes[0], &nodes[1], owner.as_ref());
            return;
        }
        self.push(action, Some(task), Worth { reason, gain, cost }, candidates);
    }

    /// The best place for a task: the first by score whose expected use stays below the level. A pending
    /// task (`off` is `None`) otherwise takes the coolest of those looked at. Failing nodes are left out,
    /// and for a migration the node it comes from and the one it came from before.
    fn search(&mut self, task: TaskId, off: Option<NodeId>) -> Option<(Placement, Vec<Candidate>)> {
        let (snapshot, assessment) = (self.snapshot, self.assessment);
        let class = snapshot.cluster.task(task).class;
        let before = snapshot.memory.moves.last_of(&snapshot.cluster.task(task).name);
        let before = before.and_then(|m| snapshot.cluster.node_named(&m.from));
        let mut candidates = Vec::new();
        let mut seen = 0;
        let expected = &self.expected;
        let level = if off.is_some() { assessment.safety_level } else { self.config.placement_level };
        let mut coolest: Option<(f64, NodeId)> = None;
        let mut safe = |node: NodeId, score: f32| {
            if assessment.failing.contains(&node)
                || (off.is_some() && (Some(node) == off || Some(node) == before))
            {
                return false;
            }
            seen += 1;
            let expected_use = expected.share_with(node, Some(task));
            let safe = expected_use <= level;
            if seen <= CANDIDATES_KEPT || safe {
                let node = snapshot.cluster.node_name(node).to_owned();
                candidates.push(Candidate { node, score, terms: Vec::new(), expected_use, safe });
            }
            if coolest.is_none_or(|(least, _)| expected_use < least) {
                coolest = Some((expected_use, node));
            }
            safe
        };
        let found = self.placer.place_class_where(&self.cluster, class, SAFE_ASKED_MAX, &mut safe);
        if found.is_some() || off.is_some() {
            return found.map(|to| (to, candidates));
        }
        let (_, coolest) = coolest?;
        let found = self.placer.place_class_where(&self.cluster, class, usize::MAX, &mut |n, _| n == coolest);
        found.map(|to| (to, candidates))
    }

    fn try_place(&mut self, task: TaskId, to: Placement) -> bool {
        if self.cluster.place(task, to).is_err() {
            return false;
        }
        self.expected.add(to.node, task, 1.0);
        true
    }

    /// A part of one step, and its record. Where it brings a task to a node that earlier parts take tasks off, it may need
    /// their room, so it comes after them: tasks may take their time to go.
    fn push(&mut self, action: Action, task: Option<TaskId>, worth: Worth, candidates: Vec<Candidate>) {
        let key = StepKey { part: self.decided.plan.next_key(self.turn), step: 0 };
        let record = self.recorder.step(&self.cluster, (key, &action), task, worth);
        let after = action.to().and_then(|to| self.vacating.get(&to.node)).cloned().unwrap_or_default();
        if let Some(from) = action.from() {
            self.vacating.entry(from.node.clone()).or_default().push(key.part);
        }
        self.decided.plan.push(self.turn, vec![action], worth, Binding::Each);
        if let Some(part) = self.decided.plan.parts.last_mut() {
            part.after = after;
        }
        self.decided.records.push(DecisionRecord { candidates, ..record });
    }

    /// Tasks of a node that may be moved.
    fn movable(&self, node: NodeId) -> Vec<TaskId> {
        let cluster = &self.cluster;
        let free_to_go = |&t: &TaskId| {
            let task = cluster.task(t);
            !(task.do_not_disrupt || self.underway.contains(&task.name) || self.cooling_down(t))
        };
        cluster.hosted(node).iter().copied().filter(free_to_go).collect()
    }

    fn cooling_down(&self, task: TaskId) -> bool {
        let now = self.snapshot.time_seconds;
        let name = &self.cluster.task(task).name;
        self.snapshot.memory.moves.is_cooling(name, now, self.config.cool_down_seconds)
    }

    /// Device-minutes that standing still during a move costs.
    fn move_cost(&self, task: TaskId) -> f64 {
        self.snapshot.move_cost(task)
    }

    /// Device-minutes lost when the task's node fails: unsaved work, and waiting for a new place.
    fn work_at_stake(&self, task: TaskId) -> f64 {
        let unsaved = self.snapshot.task(task).unsaved_seconds as f64 / 60.0;
        self.cluster.size_in_devices(task) * (unsaved + self.config.restart_minutes)
    }

    /// The plan.
    fn finish(mut self) -> Decided {
        self.placer.leave_draft(&self.cluster, self.snapshot.cluster.changes().end());
        self.decided.records.extend(self.waits);
        self.decided
    }
}
