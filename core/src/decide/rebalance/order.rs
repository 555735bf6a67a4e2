//! The plan behind a placement: steps in an order in which every rule holds after each single one, independent
//! steps grouped in waves, cycles broken by a stop-over on a third node. What cannot be ordered is reported,
//! not forced. It decides nothing about where tasks should end up.
//!
//! Moves of the whole plan count as simultaneous for transient resources (the problem's rule 5), so what a
//! moved task holds on its old node is held until the last step.

use serde::Serialize;

use super::{CostTerms, Delta, PlacementState, RebalanceProblem, RuleViolation};

/// Most stop-overs of one task, so that the ordering ends.
const STOP_OVERS_MAX: u8 = 6;
/// Most stop-overs tried before any that is possible is taken.
const TRIES_MAX: u32 = 2_000_000;

/// Why a step is in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// To where the task will stay.
    Move,
    /// To a node that only breaks a cycle; a later step moves the task on.
    StopOver,
}

/// One migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RebalanceStep {
    /// The task.
    pub task: u32,
    /// Where it stands.
    pub from: u32,
    /// Where it goes.
    pub to: u32,
    /// What the step is for.
    pub kind: StepKind,
    /// Steps of one wave can be done in any order and at the same time; waves from 1 in order.
    pub wave: u32,
    /// Fall of the load and balance cost by this step at its turn; negative when that rises.
    pub gain: i64,
    /// What the move itself costs.
    pub cost: i64,
}

/// The ordered steps and what is left over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RebalancePlan {
    /// The steps in order.
    pub steps: Vec<RebalanceStep>,
    /// Number of waves.
    pub waves: u32,
    /// Tasks for which no safe step was found; they stay where the steps leave them.
    pub blocked: Vec<u32>,
    /// The placement after the last step.
    pub placement: Vec<u32>,
}

impl RebalancePlan {
    /// Orders the way from the running placement to `target`.
    ///
    /// # Errors
    /// The first rule that the target breaks.
    pub fn order(problem: &RebalanceProblem, target: &[u32]) -> Result<Self, RuleViolation> {
        if let Some(violation) = problem.first_violation(target) {
            return Err(violation);
        }
        let mut ordering = Ordering {
            state: PlacementState::with_overload(problem, problem.initial(), u32::MAX),
            target,
            waiting: (0..target.len() as u32)
                .filter(|&t| target[t as usize] != problem.initial()[t as usize])
                .collect(),
            stop_overs: vec![0; target.len()],
            wave: 1,
            touched: vec![0; problem.node_count()],
            involved: vec![0; problem.parts.services.len()],
            plan: Self::default(),
        };
        while !ordering.waiting.is_empty() {
            if ordering.direct_steps() == 0 && !ordering.stop_over() {
                break;
            }
        }
        let Ordering { state, waiting, mut plan, .. } = ordering;
        plan.waves = plan.steps.iter().map(|s| s.wave).max().unwrap_or(0);
        plan.blocked = waiting;
        plan.placement = state.placement().to_vec();
        Ok(plan)
    }

    /// Tasks that stand elsewhere after the plan.
    pub fn moves(&self, problem: &RebalanceProblem) -> usize {
        problem.moved_count(&self.placement)
    }

    /// Cost of the placement after the plan.
    pub fn cost(&self, problem: &RebalanceProblem) -> CostTerms {
        problem.cost(&self.placement)
    }
}

struct Ordering<'p> {
    state: PlacementState<'p>,
    target: &'p [u32],
    /// Tasks that are not where they should be.
    waiting: Vec<u32>,
    /// How often each task has stopped over.
    stop_overs: Vec<u8>,
    wave: u32,
    /// Last wave in which the node was part of a step.
    touched: Vec<u32>,
    /// Last wave in which a rule of the service was at stake.
    involved: Vec<u32>,
    plan: RebalancePlan,
}

impl Ordering<'_> {
    /// One pass over the waiting tasks; gives the number of steps found. A wave ends with the pass. Within
    /// it no node takes part twice and no service, so its steps do not depend on each other's order.
    fn direct_steps(&mut self) -> usize {
        let before = self.plan.steps.len();
        for task in std::mem::take(&mut self.waiting) {
            let to = self.target[task as usize];
            let from = self.state.placement()[task as usize];
            let related = self.related_services(task);
            let free = [from, to].iter().all(|&n| self.touched[n as usize] < self.wave)
                && related.iter().all(|&s| self.involved[s as usize] < self.wave);
            if free && self.step(task, to, StepKind::Move) {
                for service in related {
                    self.involved[service as usize] = self.wave;
                }
            } else {
                self.waiting.push(task);
            }
        }
        let found = self.plan.steps.len() - before;
        self.wave += u32::from(found > 0);
        found
    }

    /// The services whose rules a move of the task can touch.
    fn related_services(&self, task: u32) -> Vec<u32> {
        let problem = self.state.problem;
        let service = problem.service[task as usize];
        let mut related = vec![service];
        related.extend(&problem.parts.services[service as usize].depends_on);
        related.extend(&problem.needed_by[service as usize]);
        related
    }

    /// Moves one of the waiting tasks out of the way: if possible one whose leaving lets another go where it
    /// should, else any that can go somewhere.
    fn stop_over(&mut self) -> bool {
        let mut here = vec![Vec::new(); self.state.problem.node_count()];
        for &task in self.waiting.iter().filter(|&&t| self.stop_overs[t as usize] < STOP_OVERS_MAX) {
            here[self.state.placement()[task as usize] as usize].push(task);
        }
        let mut tries = TRIES_MAX;
        for i in 0..self.waiting.len() {
            let blocked = self.waiting[i];
            for &blocker in &here[self.target[blocked as usize] as usize] {
                for node in 0..self.state.problem.node_count() as u32 {
                    if tries > 0 && self.unblocks(blocker, node, blocked) {
                        return self.stop_over_at(blocker, node);
                    }
                    tries = tries.saturating_sub(1);
                }
            }
        }
        let movable = self.waiting.iter().filter(|&&t| self.stop_overs[t as usize] < STOP_OVERS_MAX);
        let anywhere = movable.filter_map(|&task| self.cheapest_node(task).map(|node| (task, node))).next();
        anywhere.is_some_and(|(task, node)| self.stop_over_at(task, node))
    }

    fn stop_over_at(&mut self, task: u32, node: u32) -> bool {
        self.stop_overs[task as usize] += 1;
        let kind = if self.target[task as usize] == node { StepKind::Move } else { StepKind::StopOver };
        let done = self.step(task, node, kind);
        self.wave += 1;
        done
    }

    /// Would `blocked` get to its target if `blocker` went to `node`? Leaves everything as it was.
    fn unblocks(&mut self, blocker: u32, node: u32, blocked: u32) -> bool {
        let Some(there) = self.safe_delta(blocker, node) else { return false };
        let from = self.state.placement()[blocker as usize];
        self.state.shift(blocker, node, there);
        let unblocks = self.safe_delta(blocked, self.target[blocked as usize]).is_some();
        let back = Delta { cost: -there.cost, overload: -there.overload };
        self.state.shift(blocker, from, back);
        unblocks
    }

    fn cheapest_node(&self, task: u32) -> Option<u32> {
        let nodes = 0..self.state.problem.node_count() as u32;
        let allowed = nodes.filter_map(|node| self.safe_delta(task, node).map(|d| (d.cost, node)));
        allowed.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map(|(_, node)| node)
    }

    /// What the step would change, if it keeps every rule.
    fn safe_delta(&self, task: u32, to: u32) -> Option<Delta> {
        self.state.shift_delta(task, to, f64::INFINITY).filter(|d| d.overload <= 0.0)
    }

    fn step(&mut self, task: u32, to: u32, kind: StepKind) -> bool {
        let Some(delta) = self.safe_delta(task, to) else { return false };
        let from = self.state.placement()[task as usize];
        let before = self.state.move_cost();
        self.state.shift(task, to, delta);
        let cost = self.state.move_cost() - before;
        for node in [from, to] {
            self.touched[node as usize] = self.wave;
        }
        self.plan.steps.push(RebalanceStep {
            task,
            from,
            to,
            kind,
            wave: self.wave,
            gain: (cost - delta.cost) as i64,
            cost: cost as i64,
        });
        true
    }
}
