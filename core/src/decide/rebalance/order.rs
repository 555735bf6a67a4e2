//! The plan behind a placement: steps in an order in which every rule holds after each single one, independent
//! steps grouped in waves, cycles broken by a stop-over on a third node. What cannot be ordered is reported,
//! not forced. It decides nothing about where tasks should end up.
//!
//! Moves of the whole plan count as simultaneous for transient resources (the problem's rule 5), so what a
//! moved task holds on its old node is held until the last step.

use serde::Serialize;

use super::{CostTerms, PlacementState, RebalanceProblem, RuleViolation};

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
            stopped_over: vec![false; target.len()],
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
    /// A task stops over at most once, so that the ordering ends.
    stopped_over: Vec<bool>,
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

    /// Moves one of the blocked tasks out of the way, to the node where it costs least for now.
    fn stop_over(&mut self) -> bool {
        for i in 0..self.waiting.len() {
            let task = self.waiting[i];
            if self.stopped_over[task as usize] {
                continue;
            }
            let nodes = 0..self.state.problem.node_count() as u32;
            let allowed = nodes.filter_map(|node| self.allowed(task, node).map(|cost| (cost, node)));
            let Some((_, node)) = allowed.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))) else {
                continue;
            };
            self.stopped_over[task as usize] = true;
            self.step(task, node, StepKind::StopOver);
            self.wave += 1;
            return true;
        }
        false
    }

    /// Change of the cost if the step keeps every rule.
    fn allowed(&self, task: u32, to: u32) -> Option<f64> {
        self.state.shift_delta(task, to, f64::INFINITY).filter(|d| d.overload <= 0.0).map(|d| d.cost)
    }

    fn step(&mut self, task: u32, to: u32, kind: StepKind) -> bool {
        let Some(delta) = self.state.shift_delta(task, to, f64::INFINITY).filter(|d| d.overload <= 0.0)
        else {
            return false;
        };
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
