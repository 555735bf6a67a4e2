//! The front between the number of moves and the cost of a placement: what each further move is worth. Short
//! searches with limits on moves give some points; greedy walks between these and home, always by the step
//! that costs least, give those between. The front is not proven to be the best possible.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use serde::Serialize;

use super::solve::rebalance_unseen;
use super::toward::Toward;
use super::{Budget, Method, PlacementState, RebalanceOptions, RebalanceProblem, RuleViolation, Stopped};

/// A placement that keeps every rule and that no other point beats in both numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FrontPoint {
    /// Tasks that stand elsewhere than now.
    pub moves: usize,
    /// Cost of the placement.
    pub cost: u64,
}

/// The points, and the cheapest placement seen while they were looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Front {
    /// From no move to the placement: more moves, less cost.
    pub points: Vec<FrontPoint>,
    /// Not dearer than the placement that was given, and of no more moves than allowed: the last point.
    pub placement: Vec<u32>,
}

/// Limits on moves that are searched, as shares of the moves of the whole plan.
const SHARES: [f64; 12] = [0.01, 0.02, 0.04, 0.06, 0.09, 0.13, 0.18, 0.25, 0.35, 0.5, 0.65, 0.8];
/// Evaluations of each search, for each task and in all.
const SEARCH_PER_TASK: u64 = 2_500;
const SEARCH_MAX: u64 = 2_500_000;
/// Beyond so many pairs of task and node, only every fourth limit is searched: each search looks at all pairs.
const PAIRS_MAX: usize = 1 << 23;

impl RebalanceProblem {
    /// Points from the running placement to `placement` or to one that is found to be cheaper with at most
    /// `moves_max` moves. The result does not depend on `threads`. Stopped, it has the points found so far.
    ///
    /// # Errors
    /// The first rule that the placement breaks.
    pub fn front(
        &self,
        placement: &[u32],
        moves_max: Option<usize>,
        (seed, threads): (u64, usize),
        stopped: Stopped<'_>,
    ) -> Result<Front, RuleViolation> {
        if let Some(violation) = self.first_violation(placement) {
            return Err(violation);
        }
        let mut points = Vec::new();
        let most = moves_max.unwrap_or(usize::MAX).max(self.moved_count(placement));
        // Of equally cheap placements the one with the fewest moves.
        let mut best = (self.cost(placement).total(), self.moved_count(placement), placement.to_vec());
        visit_front(self, placement, (seed, threads), stopped, &mut |state| {
            let point = FrontPoint { moves: state.moved() as usize, cost: state.cost() };
            points.push(point);
            if point.moves <= most && (point.cost, point.moves) < (best.0, best.1) {
                best = (point.cost, point.moves, state.placement().to_vec());
            }
        });
        points.sort_unstable_by_key(|p| (p.moves, p.cost));
        let (mut least, most) = (u64::MAX, best.1);
        points.retain(|p| {
            let beats = p.cost < least && p.moves <= most;
            least = least.min(p.cost);
            beats
        });
        Ok(Front { points, placement: best.2 })
    }
}

/// Shows every placement that may be a point; stopped, at least the running one and the given one.
pub(super) fn visit_front(
    problem: &RebalanceProblem,
    placement: &[u32],
    (seed, threads): (u64, usize),
    stopped: Stopped<'_>,
    visit: &mut dyn FnMut(&PlacementState<'_>),
) {
    let home = problem.initial();
    let most = problem.moved_count(placement);
    let pairs = problem.task_count() * problem.node_count();
    let shares = SHARES.iter().step_by(if pairs > PAIRS_MAX { 4 } else { 1 });
    let mut limits: Vec<usize> = shares.map(|share| (share * most as f64) as usize).collect();
    limits.retain(|&limit| limit > 0);
    limits.dedup();
    let mut last = home.to_vec();
    let limits = limits.into_iter().take_while(|_| !stopped());
    let between = limits.map(|limit| search(problem, limit, (seed, threads), stopped));
    for next in between.chain([placement.to_vec()]) {
        for (from, to) in [(home, &*next), (&next, home), (&last, &next), (&next, &last)] {
            walk(problem, Toward::new(problem, from, to), stopped, visit);
        }
        last = next;
    }
}

fn search(
    problem: &RebalanceProblem,
    moves_max: usize,
    (seed, threads): (u64, usize),
    stopped: Stopped<'_>,
) -> Vec<u32> {
    let evaluations = (problem.task_count() as u64 * SEARCH_PER_TASK).min(SEARCH_MAX);
    let options = RebalanceOptions {
        seed,
        threads,
        islands: 2,
        budget: Budget::Evaluations(evaluations),
        moves_max: Some(moves_max),
        method: Method::Hybrid,
    };
    rebalance_unseen(problem, &options, stopped)
}

/// Steps towards the goal, always the one that costs least, until none is left that keeps every rule.
fn walk(
    problem: &RebalanceProblem,
    mut toward: Toward<'_>,
    stopped: Stopped<'_>,
    visit: &mut dyn FnMut(&PlacementState<'_>),
) {
    visit(&toward.state);
    let mut of = vec![Vec::new(); problem.parts.services.len()];
    let mut heap = BinaryHeap::new();
    for task in (0..problem.task_count() as u32).filter(|&t| toward.waits(t)) {
        of[problem.service[task as usize] as usize].push(task);
        heap.extend(Candidate::of(&toward, task));
    }
    let mut stuck = false;
    while !stuck && !stopped() {
        let mut gone = Vec::new();
        while let (Some(candidate), true) = (heap.pop(), gone.is_empty()) {
            match Candidate::of(&toward, candidate.task) {
                Some(now) if now.cost <= candidate.cost => gone = toward.go(now.task, f64::INFINITY),
                // It has become dearer since: it waits for its turn.
                later => heap.extend(later),
            }
        }
        if gone.is_empty() {
            // No single step is left: a group that only fits together may be.
            let waiting = (0..problem.task_count() as u32).filter(|&t| toward.waits(t)).collect::<Vec<_>>();
            gone = waiting
                .into_iter()
                .take_while(|_| !stopped())
                .map(|t| toward.go(t, f64::INFINITY))
                .find(|g| !g.is_empty())
                .unwrap_or_default();
            stuck = gone.is_empty();
        }
        if !stuck {
            visit(&toward.state);
        }
        for (task, from) in gone {
            let service = problem.service[task as usize] as usize;
            let spec = &problem.parts.services[service];
            let related = spec.depends_on.iter().chain(&problem.needed_by[service]).map(|&s| s as usize);
            let by_rule = related.chain([service]).flat_map(|s| of[s].iter().copied());
            let near = toward.around([from, toward.place(task)]).chain(by_rule);
            heap.extend(near.filter_map(|t| Candidate::of(&toward, t)));
        }
    }
}

/// A step that keeps every rule, and what it cost when it was last looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    cost: f64,
    task: u32,
}

impl Candidate {
    fn of(toward: &Toward<'_>, task: u32) -> Option<Self> {
        let delta = toward.delta(task).filter(|d| toward.waits(task) && d.overload <= 0.0)?;
        Some(Self { cost: delta.cost, task })
    }
}

impl Eq for Candidate {}

impl Ord for Candidate {
    /// The cheapest comes out of a heap first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.cost.total_cmp(&self.cost).then(other.task.cmp(&self.task))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
