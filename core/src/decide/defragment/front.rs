//! The front between the number of moves and the objective: what each further move is worth. The plan is cut down to ever
//! fewer moves, what is worth most for its moves first, and completed within that limit. No point is better than the
//! plan with as many moves. The front is not proven to be the best possible.

use serde::Serialize;

use super::build::Chain;
use super::finish::Finished;
use super::problem::DefragmentProblem;
use super::solve::search;
use super::{DefragmentOptions, DefragmentSurroundings, Defragmentation, Effort, Over};
use crate::decide::search::parallel;

/// A plan that no other point beats in both moves and objective.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DefragmentPoint {
    /// Migrations.
    pub moves: usize,
    /// Waiting tasks placed.
    pub placed: usize,
    /// The objective it reaches.
    pub objective: f64,
}

/// Limits on moves that are tried.
const POINTS_MAX: usize = 16;
/// Objectives that differ by less than this share of them are equal.
const ROUNDING: f64 = 1e-12;
/// Share of the time for the search; the rest is for the front.
const SEARCH_SHARE: f64 = 0.75;

/// As [`super::defragment`], with the points from no move to the plan. Stopped, it has the points found so far.
pub fn defragment_with_front(
    problem: &DefragmentProblem<'_>,
    options: &DefragmentOptions,
    surroundings: &DefragmentSurroundings<'_>,
) -> (Defragmentation, Vec<DefragmentPoint>) {
    let mut first = *options;
    if let Effort::Seconds(limit) = options.effort {
        first.effort = Effort::Seconds(limit * SEARCH_SHARE);
    }
    let found = search(problem, &first, surroundings);
    let over = || {
        let late = matches!(options.effort, Effort::Seconds(limit) if (surroundings.seconds)() >= limit);
        late || (surroundings.stopped)()
    };
    let limits = limits(found.moves);
    let mut plans =
        parallel::map(limits.len(), options.threads, &|at| within(problem, &found.chains, limits[at], &over));
    plans.push(found);
    plans.sort_by(|a, b| a.moves.cmp(&b.moves).then(a.cost.total_cmp(&b.cost)));
    let mut best: Vec<Finished> = Vec::new();
    for plan in plans {
        // What differs by the rounding of a sum is no better.
        if best.last().is_none_or(|last| plan.cost < last.cost - ROUNDING * last.cost.abs()) {
            best.push(plan);
        }
    }
    let point = |plan: &Finished| DefragmentPoint {
        moves: plan.moves,
        placed: plan.placed(problem),
        objective: plan.cost,
    };
    let mut points: Vec<DefragmentPoint> = best.iter().map(point).collect();
    // The last point is the cheapest of all that are known: the plan itself, whose steps are summed in the order of their waves.
    let chains = best.last().map_or(&[][..], |plan| &plan.chains);
    let plan = Defragmentation::of(problem, chains, options.waves);
    if let Some(last) = points.last_mut() {
        *last = DefragmentPoint { moves: plan.moves, placed: plan.placed, objective: plan.cost[1] };
    }
    (plan, points)
}

/// Numbers of moves below `moves`, all of them if these are few.
fn limits(moves: usize) -> Vec<usize> {
    let mut limits: Vec<usize> = if moves <= POINTS_MAX {
        (0..moves).collect()
    } else {
        (0..POINTS_MAX).map(|i| moves * i * i / (POINTS_MAX * POINTS_MAX)).collect()
    };
    limits.dedup();
    limits
}

/// The best known plan of at most so many moves.
fn within(problem: &DefragmentProblem<'_>, chains: &[Chain], moves_max: usize, over: Over<'_>) -> Finished {
    let is_move = |c: &Chain, s: usize| {
        let placed = c.places.map_or(&[][..], |(_, unit)| &problem.units[unit].tasks);
        !placed.contains(&c.steps[s].0)
    };
    let moves_of = |c: &Chain| (0..c.steps.len()).filter(|&s| is_move(c, s)).count();
    let worth = |c: &Chain| c.places.map_or(0.0, |(_, unit)| problem.units[unit].waiting_cost);
    let mut by_worth: Vec<(f64, &Chain)> =
        chains.iter().map(|c| (worth(c) / (moves_of(c) as f64 + 1e-3), c)).collect();
    by_worth.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut left = moves_max;
    let mut kept = Vec::new();
    for (_, chain) in by_worth {
        let moves = moves_of(chain);
        if moves <= left && chain.places.is_some() {
            left -= moves;
            kept.push(chain.clone());
        }
    }
    Finished::completed_from(problem, &kept, moves_max, over)
}
