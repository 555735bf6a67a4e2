//! The plan behind a placement: steps in an order in which every rule holds after each single one, packed in
//! waves of steps that may be done at the same time. Moves that do not pay are dropped; what cannot be reached
//! by safe steps is reported, not forced. It decides nothing about where tasks should best end up.
//!
//! Moves of the whole plan count as simultaneous for transient resources (the problem's rule 5), so what a
//! moved task holds on its old node is held until the last step.

mod named;
mod pack;
mod route;
mod settle;
mod wave;
mod work;

use serde::Serialize;

use super::anneal::Annealing;
use super::candidates::Candidates;
use super::pay::without_unpaid;
use super::schedule::Schedule;
use super::solve::{moves_limit, rebalance_unseen};
use super::{
    Budget, CostTerms, Method, PlacementState, RebalanceOptions, RebalanceProblem, RuleViolation, Stopped,
};
use pack::pack;
use route::Route;
pub(super) use work::{Total, Work};

/// Why a step is in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// To where the task will stay.
    Move,
    /// To a node where the task waits until others have moved; a later step moves it on.
    StopOver,
}

/// One migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OrderedStep {
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
    /// What the move itself costs; negative when it ends a move.
    pub cost: i64,
}

/// How much a plan may disturb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanOptions {
    /// Most tasks that take part in any step.
    pub moves_max: Option<usize>,
    /// Most steps in a wave; at least 1.
    pub moves_per_wave: Option<usize>,
    /// Most steps in a wave of tasks of one owner, that is one service; at least 1.
    pub moves_per_owner: Option<usize>,
    /// Seed of the search around blocked tasks.
    pub seed: u64,
}

/// The ordered steps and what is left over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct OrderedMoves {
    /// The steps in order.
    pub steps: Vec<OrderedStep>,
    /// Number of waves.
    pub waves: u32,
    /// Tasks whose move was left out because what it gains does not pay for it.
    pub dropped: Vec<u32>,
    /// Tasks for which no safe way to their new nodes was found before ordering ended; the others are arranged
    /// around them.
    pub blocked: Vec<u32>,
    /// The placement after the last step.
    pub placement: Vec<u32>,
}

impl OrderedMoves {
    /// Orders the way from the running placement to `target`, without limits on disruption.
    ///
    /// # Errors
    /// The first rule that the target breaks.
    pub fn order(problem: &RebalanceProblem, target: &[u32]) -> Result<Self, RuleViolation> {
        Self::order_within(problem, target, PlanOptions::default(), &|| false)
    }

    /// Orders the way from the running placement to `target`. Where not every task can get there the plan
    /// ends as cheaply as it can with these tasks left out. Stopped, it is the best plan so far: safe, and not
    /// dearer than to move nothing.
    ///
    /// # Errors
    /// The first rule that the target breaks.
    pub fn order_within(
        problem: &RebalanceProblem,
        target: &[u32],
        options: PlanOptions,
        stopped: Stopped<'_>,
    ) -> Result<Self, RuleViolation> {
        if let Some(violation) = problem.first_violation(target) {
            return Err(violation);
        }
        let total = Total::new(total_work(problem), stopped);
        let paying = without_unpaid(problem, target, &total);
        let (route, blocked) = best_route(problem, &paying, options, &total);
        let steps = pack(problem, route.hops().iter().map(|h| (h.task, h.from, h.to)), options);
        let placement = route.state.placement().to_vec();
        let home = problem.initial();
        let dropped = (0..target.len()).filter(|&t| target[t] != home[t] && paying[t] == home[t]);
        Ok(Self {
            waves: steps.last().map_or(0, |s| s.wave),
            steps,
            dropped: dropped.map(|t| t as u32).collect(),
            blocked: blocked.into_iter().filter(|&t| placement[t as usize] != paying[t as usize]).collect(),
            placement,
        })
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

/// Most rounds of tidying up.
const ROUNDS_MAX: usize = 5;
/// Most searches around blocked tasks, while the plan is dearer than its target.
const SEARCHES_MAX: u64 = 4;
/// Evaluations of each part of ordering: walking, settling, shortening.
const WORK: u64 = 10_000_000;
/// Evaluations of all parts together, by tasks: an evaluation takes longer the more there are. Between these bounds.
const TOTAL_TIMES_TASKS: u64 = 300_000_000_000;
const TOTAL_MIN: u64 = 8_000_000;
const TOTAL_MAX: u64 = 150_000_000;
/// Pairs of task and node that are looked at for the price of one evaluation before a search.
const PAIRS_PER_EVALUATION: u64 = 16;
/// Evaluations of a search around blocked tasks, for each task and in all; one that begins anew gets
/// [`ANEW_FACTOR`] times as many.
const SEARCH_PER_TASK: u64 = 10_000;
const SEARCH_MAX: u64 = 10_000_000;
const ANEW_FACTOR: u64 = 3;
/// Most nodes of a problem that is searched again; the costs between nodes are copied.
const SEARCH_NODES_MAX: usize = 3_000;

fn total_work(problem: &RebalanceProblem) -> u64 {
    (TOTAL_TIMES_TASKS / problem.task_count().max(1) as u64).clamp(TOTAL_MIN, TOTAL_MAX)
}

/// The route that ends cheapest, of these the one with fewest steps, and the tasks that could not get to
/// `target`.
fn best_route<'p>(
    problem: &'p RebalanceProblem,
    target: &[u32],
    options: PlanOptions,
    total: &'p Total<'p>,
) -> (Route<'p>, Vec<u32>) {
    let (mut best, mut blocked) = route_to(problem, target, options, total);
    let wanted = problem.cost(target).total();
    if !blocked.is_empty() && problem.node_count() <= SEARCH_NODES_MAX {
        let mut pinned = problem.clone();
        let mut stuck = blocked.clone();
        // Where much is stuck, what the others were to do with it is not worth much either.
        let anew = blocked.len() * 10 > problem.moved_count(target);
        for round in 0..SEARCHES_MAX {
            if best.state.cost() <= wanted || total.is_over() {
                break;
            }
            let reached = best.state.placement();
            stuck.retain(|&t| reached[t as usize] == problem.initial()[t as usize]);
            pinned.pin(&stuck);
            let found = if anew && round == 0 {
                search_again(&pinned, options, total)
            } else {
                improve(&pinned, reached, (options, round), total)
            };
            let target = without_unpaid(problem, &found, total);
            let (route, still) = route_to(problem, &target, options, total);
            if rank(&route) < rank(&best) {
                best = route;
            }
            stuck = still;
        }
    }
    for _ in 0..ROUNDS_MAX {
        if total.is_over() {
            break;
        }
        let next = without_unpaid(problem, best.state.placement(), total);
        if next == best.state.placement() {
            break;
        }
        let (route, _) = route_to(problem, &next, options, total);
        if rank(&route) >= rank(&best) {
            break;
        }
        best = route;
    }
    // Tasks that went ahead of what they were to gain with are better not moved at all.
    if !blocked.is_empty() && best.state.cost() > problem.cost(problem.initial()).total() {
        best.take_back(0);
        let moved = |&task: &u32| target[task as usize] != problem.initial()[task as usize];
        blocked = (0..target.len() as u32).filter(moved).collect();
    }
    (best, blocked)
}

fn rank(route: &Route<'_>) -> (u64, usize) {
    (route.state.cost(), route.hops().len())
}

/// A route as near to the target as it gets, and the tasks that could not get there.
fn route_to<'p>(
    problem: &'p RebalanceProblem,
    target: &[u32],
    options: PlanOptions,
    total: &'p Total<'p>,
) -> (Route<'p>, Vec<u32>) {
    let work = || Work::new(WORK, total);
    let mut route = Route::new(problem, target, options.moves_max.unwrap_or(usize::MAX), work());
    route.walk();
    let blocked = route.waiting();
    if !blocked.is_empty() {
        route.descend(work());
    }
    while route.go_home() {}
    route.shorten(work());
    (route, blocked)
}

/// Evaluations of a search around blocked tasks.
fn evaluations(problem: &RebalanceProblem) -> u64 {
    (problem.task_count() as u64 * SEARCH_PER_TASK).min(SEARCH_MAX)
}

/// A cheap placement, searched from the running one. Pinned tasks stay.
fn search_again(problem: &RebalanceProblem, options: PlanOptions, total: &Total<'_>) -> Vec<u32> {
    let most = total.at_most(ANEW_FACTOR * evaluations(problem));
    let search = RebalanceOptions {
        seed: options.seed,
        threads: 1,
        islands: 1,
        budget: Budget::Evaluations(most),
        moves_max: options.moves_max,
        method: Method::Hybrid,
    };
    let found = rebalance_unseen(problem, &search, &|| total.is_over());
    total.spend(most + pairs_looked_at(problem));
    found
}

/// What looking at all pairs of task and node takes, in evaluations.
fn pairs_looked_at(problem: &RebalanceProblem) -> u64 {
    problem.task_count() as u64 * problem.node_count() as u64 / PAIRS_PER_EVALUATION
}

/// A placement not dearer than the given one, which is rearranged in part. Pinned tasks stay.
fn improve(
    problem: &RebalanceProblem,
    placement: &[u32],
    (options, round): (PlanOptions, u64),
    total: &Total<'_>,
) -> Vec<u32> {
    let state = PlacementState::with_overload(problem, placement, moves_limit(options.moves_max));
    let cost = state.cost();
    let candidates = Candidates::new(problem);
    let mut annealing = Annealing::new(state, &candidates, placement, cost, options.seed ^ round);
    let (schedule, most) = (Schedule::warm(problem), total.at_most(evaluations(problem)));
    while annealing.evaluations() < most && !total.is_over() {
        annealing.slice(&schedule, annealing.evaluations() as f64 / most as f64);
    }
    total.spend(annealing.evaluations() + pairs_looked_at(problem));
    annealing.best().0.to_vec()
}
