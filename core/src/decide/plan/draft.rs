//! A plan in the making: a cluster that is ahead of the world by the steps drafted so far, what each node will use then, what
//! of the limits is left, and the way back to any earlier moment. The acts decide; this keeps the books.

use std::collections::{BTreeMap, BTreeSet};

use super::expected_use::{ExpectedUse, LoadBasis};
use super::records::{CANDIDATES_KEPT, Recorder};
use super::{DecideConfig, Decided, Situation};
use crate::decide::placement::Placer;
use crate::model::{
    Action, Assessment, Binding, Candidate, Cluster, DecisionRecord, Health, MoveBudget, Name, NodeId,
    Obstacle, PartKey, Placement, Reason, Snapshot, StepKey, TaskId, Waiting, Worth,
};

/// Nodes asked for a place that keeps below a level before the search gives up.
const ASKED_MAX: usize = 64;

/// A step of a part that is being put together.
pub(super) struct Drafted {
    action: Action,
    task: TaskId,
    candidates: Vec<Candidate>,
}

impl Drafted {
    /// The task that it places, moves or stops.
    pub(super) fn task(&self) -> TaskId {
        self.task
    }
}

/// A moment of a draft to come back to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(usize);

/// A plan in the making.
pub(super) struct Draft<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) assessment: &'a Assessment,
    pub(super) config: &'a DecideConfig,
    /// Ahead of the world by the steps drafted so far.
    pub(super) cluster: Cluster,
    /// Nodes that are kept for somebody, and from when, seconds, where that is known: nothing else is placed there but what
    /// ends before.
    pub(super) kept: BTreeMap<NodeId, Option<u64>>,
    /// Nodes that may fail: those that are failing, and those whose risk is above the wary level; the highest risk first.
    pub(super) wary: Vec<NodeId>,
    turn: u64,
    placer: &'a mut Placer,
    recorder: Recorder,
    /// By what nodes are levelled.
    expected: ExpectedUse<'a>,
    /// By what nodes are hot, or would be.
    heat: ExpectedUse<'a>,
    /// Tasks that parts under way have a hand on, and those that this plan moves.
    in_hand: BTreeSet<Name>,
    budget: MoveBudget,
    /// Tasks touched and where they stood before, in order.
    undo: Vec<(TaskId, Option<Placement>)>,
    /// Per node: the parts that take a task off it.
    vacating: BTreeMap<Name, Vec<PartKey>>,
    /// Records of tasks that wait for a new reason; they follow those of the steps.
    waits: Vec<DecisionRecord>,
    decided: Decided,
}

impl<'a> Draft<'a> {
    /// An empty plan; nodes are hot by `heat`. `placer` is told how much of each node is used.
    pub(super) fn new(
        situation: &Situation<'a>,
        (config, heat): (&'a DecideConfig, LoadBasis),
        placer: &'a mut Placer,
        (policy, settings): (&str, &str),
    ) -> Self {
        let &Situation { snapshot, assessment, turn, .. } = situation;
        let expected = ExpectedUse::by(config.place_by, snapshot, assessment);
        for node in snapshot.cluster.nodes() {
            placer.note_use(node, &expected.shares(node));
        }
        Self {
            snapshot,
            assessment,
            config,
            cluster: snapshot.draft_cluster(),
            kept: BTreeMap::new(),
            wary: wary_nodes(snapshot, assessment, config.wary_level),
            turn,
            placer,
            recorder: Recorder::new(situation, policy, settings),
            expected,
            heat: ExpectedUse::by(heat, snapshot, assessment),
            in_hand: snapshot.memory.tasks_underway().into_iter().map(Name::from).collect(),
            budget: MoveBudget::new(
                config.moves.for_nodes(snapshot.cluster.node_count()),
                &snapshot.memory.moves,
                snapshot.time_seconds,
            ),
            undo: Vec::new(),
            vacating: BTreeMap::new(),
            waits: Vec::new(),
            decided: Decided::default(),
        }
    }

    /// Share of the node's busiest resource that it will use.
    pub(super) fn share(&self, node: NodeId) -> f64 {
        self.heat.share_with(node, None)
    }

    /// Share of the node's busiest resource that the task uses.
    pub(super) fn share_of(&self, task: TaskId, node: NodeId) -> f64 {
        self.heat.share_of(task, node)
    }

    /// Now.
    pub(super) fn mark(&self) -> Mark {
        Mark(self.undo.len())
    }

    /// Takes back all that was taken off or put since.
    pub(super) fn back_to(&mut self, mark: Mark) {
        while self.undo.len() > mark.0 {
            match self.undo.pop() {
                Some((task, Some(place))) => {
                    self.cluster.put_back(task, place);
                    self.reckon(task, place.node, 1.0);
                }
                Some((task, None)) => {
                    if let Some(place) = self.cluster.remove(task) {
                        self.reckon(task, place.node, -1.0);
                    }
                }
                None => {}
            }
        }
    }

    /// Takes a task off its node; returns where it stood.
    pub(super) fn take_off(&mut self, task: TaskId) -> Option<Placement> {
        let place = self.cluster.remove(task)?;
        self.undo.push((task, Some(place)));
        self.reckon(task, place.node, -1.0);
        Some(place)
    }

    /// Puts a task somewhere, if every rule allows it.
    pub(super) fn put(&mut self, task: TaskId, to: Placement) -> bool {
        if self.cluster.place(task, to).is_err() {
            return false;
        }
        self.undo.push((task, None));
        self.reckon(task, to.node, 1.0);
        true
    }

    /// Puts a task back where it just stood; no rule is asked.
    pub(super) fn put_back(&mut self, task: TaskId, place: Placement) {
        self.cluster.put_back(task, place);
        self.undo.push((task, None));
        self.reckon(task, place.node, 1.0);
    }

    fn reckon(&mut self, task: TaskId, node: NodeId, sign: f64) {
        self.expected.add(node, task, sign);
        self.heat.add(node, task, sign);
        self.placer.note_use(node, &self.expected.shares(node));
    }

    /// The best place for a task that waits, among nodes that are neither failing nor kept for somebody else; on one that may fail
    /// only where no other has room.
    pub(super) fn place_for(&mut self, task: TaskId) -> Option<(Placement, Vec<Candidate>)> {
        let (assessment, wary_level) = (self.assessment, self.config.wary_level);
        let calm = |node| assessment.risk_of(node) < wary_level;
        let found = self.search(task, usize::MAX, f64::INFINITY, &calm);
        if found.is_none() && !self.wary.is_empty() {
            return self.search(task, usize::MAX, f64::INFINITY, &|_| true);
        }
        found
    }

    /// The nodes on which all of a unit may be placed, each with whether it may fail.
    pub(super) fn open_to(&self, unit: &[TaskId]) -> Vec<(NodeId, bool)> {
        let Assessment { failing, .. } = self.assessment;
        // Who would end last is let in where all are.
        let ends = unit.iter().map(|&task| self.would_end(task));
        let ends = ends.min_by_key(|end| std::cmp::Reverse(end.unwrap_or(u64::MAX))).flatten();
        let open = |node: &NodeId| !failing.contains(node) && !is_closed(&self.kept, *node, ends);
        self.cluster
            .nodes()
            .filter(open)
            .map(|node| (node, self.assessment.risk_of(node) >= self.config.wary_level))
            .collect()
    }

    /// The best place on one node.
    pub(super) fn place_on(&mut self, task: TaskId, node: NodeId) -> Option<Placement> {
        if !self.cluster.fits(node, self.cluster.task(task).class) {
            return None;
        }
        let kept = self.kept.remove(&node);
        let found = self.search(task, usize::MAX, f64::INFINITY, &|other| other == node);
        if let Some(from) = kept {
            self.kept.insert(node, from);
        }
        found.map(|found| found.0)
    }

    /// The best place for a task that leaves `from`, where it keeps the node's use below `level`; never where it came from
    /// before, nor on a node that may fail about as well.
    pub(super) fn place_away(
        &mut self,
        task: TaskId,
        from: NodeId,
        level: f64,
    ) -> Option<(Placement, Vec<Candidate>)> {
        let before = self.snapshot.memory.moves.last_of(&self.cluster.task(task).name);
        let before = before.and_then(|m| self.cluster.node_named(&m.from));
        let assessment = self.assessment;
        let risk_max = self.config.wary_level.max(assessment.risk_of(from) / 2.0);
        let admit = |node| node != from && Some(node) != before && assessment.risk_of(node) < risk_max;
        self.search(task, ASKED_MAX, level, &admit)
    }

    /// What a record would say of the node if the task were placed now, wherever it stands; none where it does not fit there.
    pub(super) fn weigh(&mut self, task: TaskId, node: NodeId) -> Option<Candidate> {
        let mark = self.mark();
        self.take_off(task);
        let found = self.search(task, usize::MAX, f64::INFINITY, &|other| other == node);
        self.back_to(mark);
        found.and_then(|(_, candidates)| candidates.into_iter().next())
    }

    fn search(
        &mut self,
        task: TaskId,
        asked_max: usize,
        level: f64,
        admit: &dyn Fn(NodeId) -> bool,
    ) -> Option<(Placement, Vec<Candidate>)> {
        let class = self.cluster.task(task).class;
        let (heat, failing, kept) = (&self.heat, &self.assessment.failing, &self.kept);
        let ends = self.would_end(task);
        let open = |node: NodeId| !failing.contains(&node) && !is_closed(kept, node, ends) && admit(node);
        let (mut weighed, mut asked) = (Vec::new(), 0);
        let mut accept = |node: NodeId, score: f32| {
            if !open(node) {
                return false;
            }
            asked += 1;
            let fine = heat.share_with(node, Some(task)) <= level;
            if asked <= CANDIDATES_KEPT || fine {
                weighed.push((node, score));
            }
            fine
        };
        let found = self.placer.place_class_where(&self.cluster, class, asked_max, &mut accept)?;
        // Beside the chosen one and those that were refused before it: who came next.
        let missing = CANDIDATES_KEPT.saturating_sub(weighed.len());
        let known: Vec<NodeId> = weighed.iter().map(|of| of.0).collect();
        let mut other = |node| open(node) && !known.contains(&node);
        weighed.extend(self.placer.next_best(&self.cluster, class, missing, &mut other));
        let candidates = weighed.into_iter().map(|(node, score)| self.candidate(task, node, score));
        Some((found, candidates.collect()))
    }

    /// What is recorded of a node that was weighed.
    fn candidate(&self, task: TaskId, node: NodeId, score: f32) -> Candidate {
        let (cluster, class) = (&self.cluster, self.cluster.task(task).class);
        let expected_use = self.heat.share_with(node, Some(task));
        Candidate {
            node: cluster.node_name(node).to_owned(),
            score,
            terms: self.placer.terms(cluster, class, node, score),
            expected_use,
            safe: expected_use <= self.assessment.safety_level,
        }
    }

    /// Moves a task to a place that keeps below `level`, if there is one and the limits allow it.
    pub(super) fn move_away(&mut self, task: TaskId, level: f64) -> Option<Drafted> {
        let stood = self.cluster.placement(task)?;
        let (to, candidates) = self.place_away(task, stood.node, level)?;
        let action = Action::migrate(&self.cluster, task, stood, to);
        self.step(action, (task, to), candidates)
    }

    /// Takes a step that brings a task somewhere, if the limits and every rule allow it.
    fn step(
        &mut self,
        action: Action,
        (task, to): (TaskId, Placement),
        candidates: Vec<Candidate>,
    ) -> Option<Drafted> {
        if !self.take_budget(&action, task) {
            return None;
        }
        let mark = self.mark();
        self.take_off(task);
        if !self.put(task, to) {
            self.back_to(mark);
            self.give_back(&action, task);
            return None;
        }
        self.in_hand.insert(self.cluster.task(task).name.clone());
        Some(Drafted { action, task, candidates })
    }

    /// Takes a step of a plan that was made earlier, if it is still as meant: the task stands where that plan found it, may go
    /// where it goes, and where it moves it keeps the node below the safety level.
    pub(super) fn follow(&mut self, action: &Action) -> Option<Drafted> {
        let task = self.snapshot.task_by_name.get(&**action.task()?).copied()?;
        let to = action.to()?.placement(&self.cluster)?;
        let from = match action.from() {
            Some(spot) => Some(spot.placement(&self.cluster)?),
            None => None,
        };
        let name = self.cluster.task(task).name.clone();
        let open = !self.snapshot.is_left_alone(task)
            && !self.assessment.failing.contains(&to.node)
            && !is_closed(&self.kept, to.node, self.would_end(task))
            && (from.is_none() || self.heat.share_with(to.node, Some(task)) <= self.assessment.safety_level);
        if !open || self.cluster.placement(task) != from || self.in_hand.contains(&name) {
            return None;
        }
        if from.is_some() {
            let before = self.snapshot.memory.moves.last_of(&name);
            let back = before.is_some_and(|m| *m.from == *self.cluster.node_name(to.node));
            if back || !self.may_go(task) {
                return None;
            }
        } else if !self.cluster.is_waiting(task) || self.cluster.obstacle_of_quota(task).is_some() {
            return None;
        }
        self.step(action.clone(), (task, to), Vec::new())
    }

    /// When the task would end if it started now, by the time it asks for, seconds.
    fn would_end(&self, task: TaskId) -> Option<u64> {
        let asked_for = self.snapshot.task(task).requested_seconds;
        asked_for.map(|seconds| self.snapshot.time_seconds.saturating_add(seconds))
    }

    /// Forgets steps that were drafted and taken back.
    pub(super) fn forget(&mut self, steps: Vec<Drafted>) {
        for step in steps {
            self.give_back(&step.action, step.task);
            self.in_hand.remove(&self.cluster.task(step.task).name);
        }
    }

    fn owner_of(&self, task: TaskId) -> Option<Name> {
        self.cluster.task(task).owner.map(|o| Name::from(self.cluster.owner_name(o)))
    }

    fn take_budget(&mut self, action: &Action, task: TaskId) -> bool {
        let (Some(from), Some(to)) = (action.from(), action.to()) else { return true };
        let owner = self.owner_of(task);
        self.budget.take(&from.node, &to.node, owner.as_ref())
    }

    fn give_back(&mut self, action: &Action, task: TaskId) {
        if let (Some(from), Some(to)) = (action.from(), action.to()) {
            let owner = self.owner_of(task);
            self.budget.give_back(&from.node, &to.node, owner.as_ref());
        }
    }

    /// A step that places a task, which stands there already in the draft.
    pub(super) fn placed(&self, task: TaskId, candidates: Vec<Candidate>) -> Option<Drafted> {
        let to = self.cluster.placement(task)?;
        Some(Drafted { action: Action::place(&self.cluster, task, to), task, candidates })
    }

    /// A step that takes a task off its node, which is off already in the draft.
    pub(super) fn preempted(&self, task: TaskId, from: Placement) -> Drafted {
        Drafted { action: Action::preempt(&self.cluster, task, from), task, candidates: Vec::new() }
    }

    /// Adds a part and its records. Where it brings a task to a node that earlier parts take tasks off, it may need their room,
    /// so it comes after them: tasks may take their time to go.
    pub(super) fn push(&mut self, steps: Vec<Drafted>, worth: Worth, binding: Binding) {
        let key = self.decided.plan.next_key(self.turn);
        let targets = steps.iter().filter_map(|s| s.action.to());
        let mut after: Vec<PartKey> =
            targets.filter_map(|to| self.vacating.get(&to.node)).flatten().copied().collect();
        after.sort_unstable();
        after.dedup();
        for (number, step) in steps.iter().enumerate() {
            let at = StepKey { part: key, step: number as u32 };
            let record = self.recorder.step(&self.cluster, (at, &step.action), Some(step.task), worth);
            self.decided.records.push(DecisionRecord { candidates: step.candidates.clone(), ..record });
            if let Some(from) = step.action.from() {
                self.vacating.entry(from.node.clone()).or_default().push(key);
            }
        }
        let actions = steps.into_iter().map(|s| s.action).collect();
        self.decided.plan.push(self.turn, actions, worth, binding);
        if let Some(part) = self.decided.plan.parts.last_mut() {
            part.after = after;
        }
    }

    /// Adds a part that cordons a node, or ends its cordon.
    pub(super) fn push_cordon(&mut self, node: NodeId, cordoned: bool, worth: Worth) {
        let key = StepKey { part: self.decided.plan.next_key(self.turn), step: 0 };
        let action = Action::cordon(&self.cluster, node, cordoned);
        let record = self.recorder.step(&self.cluster, (key, &action), None, worth);
        self.decided.records.push(record);
        self.decided.plan.push(self.turn, vec![action], worth, Binding::Each);
        self.cluster.set_health(node, if cordoned { Health::Cordoned } else { Health::Up });
    }

    /// The task waits on; a record says so when the reason is a new one.
    pub(super) fn wait(&mut self, task: TaskId, obstacle: Option<Obstacle>) {
        let obstacle = obstacle.unwrap_or_else(|| self.recorder.obstacle(&self.cluster, task));
        let name = self.cluster.task(task).name.clone();
        self.decided.plan.waiting.push(Waiting { task: name, obstacle });
        if self.snapshot.task(task).waits_for != Some(obstacle) {
            self.waits.push(self.recorder.wait(&self.cluster, task, obstacle));
        }
    }

    /// Tasks of a node that may be moved.
    pub(super) fn movable(&self, node: NodeId) -> Vec<TaskId> {
        let hosted = self.cluster.hosted(node).iter().copied();
        hosted.filter(|&t| self.may_go(t)).collect()
    }

    /// Whether a placed task may be moved or preempted: not marked, in nobody's hand, not moved within its cool-down.
    pub(super) fn may_go(&self, task: TaskId) -> bool {
        let of = self.cluster.task(task);
        let cooling = || {
            let moves = &self.snapshot.memory.moves;
            moves.is_cooling(&of.name, self.snapshot.time_seconds, self.config.cool_down_seconds)
        };
        !of.do_not_disrupt && !self.in_hand.contains(&of.name) && !cooling()
    }

    /// Whether a placed task may be stopped for a more important one: marked so, and in nobody's hand.
    pub(super) fn may_be_stopped(&self, task: TaskId) -> bool {
        let of = self.cluster.task(task);
        of.preemptible && !self.in_hand.contains(&of.name) && !self.snapshot.task(task).leaving
    }

    /// Device-minutes that standing still during a move costs.
    pub(super) fn move_cost(&self, task: TaskId) -> f64 {
        self.snapshot.move_cost(task)
    }

    /// Device-minutes lost when the task's node fails: unsaved work, and waiting for a new place.
    pub(super) fn work_at_stake(&self, task: TaskId) -> f64 {
        let unsaved = self.snapshot.task(task).unsaved_seconds as f64 / 60.0;
        self.cluster.size_in_devices(task) * (unsaved + self.config.restart_minutes)
    }

    /// How long a task has waited since it came, minutes.
    pub(super) fn waited_minutes(&self, task: TaskId) -> f64 {
        let since = self.snapshot.task(task).submitted_seconds;
        self.snapshot.time_seconds.saturating_sub(since) as f64 / 60.0
    }

    /// A part of one step with a reason.
    pub(super) fn push_one(&mut self, step: Drafted, reason: Reason, (gain, cost): (f64, f64)) {
        self.push(vec![step], Worth { reason, gain, cost }, Binding::Each);
    }

    /// The plan.
    pub(super) fn finish(mut self) -> Decided {
        self.placer.leave_draft(&self.cluster, self.snapshot.cluster.changes().end());
        self.decided.records.append(&mut self.waits);
        self.decided
    }
}

fn wary_nodes(snapshot: &Snapshot, assessment: &Assessment, wary_level: f64) -> Vec<NodeId> {
    let of = |node: NodeId| assessment.risk_of(node);
    let cluster = &snapshot.cluster;
    let up = cluster.nodes().filter(|&n| cluster.health(n) != Health::Down);
    let mut nodes: Vec<NodeId> =
        up.filter(|n| of(*n) >= wary_level || assessment.failing.contains(n)).collect();
    nodes.sort_by(|&a, &b| of(b).total_cmp(&of(a)).then(a.cmp(&b)));
    nodes
}

/// Whether the node is kept from a task that would end then: it takes only what ends before somebody needs it.
fn is_closed(kept: &BTreeMap<NodeId, Option<u64>>, node: NodeId, ends: Option<u64>) -> bool {
    kept.get(&node).is_some_and(|&from| ends.zip(from).is_none_or(|(end, from)| end > from))
}
