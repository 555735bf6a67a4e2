//! The front between the number of moves and the objective: what each further move is worth. The plan is cut down to ever
//! fewer moves, what is worth most for its moves first, and completed; beside that each point has a search of its own, with as
//! many rounds as the plan had, or a share of the time. No point is better than the plan with as many moves. The front is
//! not proven to be the best possible.

use serde::Serialize;

use super::build::Chain;
use super::finish::Finished;
use super::problem::DefragmentProblem;
use super::singles::Singles;
use super::solve::{search, singles};
use super::{DefragmentOptions, DefragmentSurroundings, Defragmentation, Effort};
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
/// Share of the time for the search without a further limit; the rest is for the points of fewer moves.
const SEARCH_SHARE: f64 = 0.5;

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
    let singles = singles(problem, &first, surroundings);
    let found = search(problem, &first, surroundings, &singles);
    let limits = limits(found.moves, options.moves_max);
    let mut plans: Vec<Finished> = Vec::with_capacity(limits.len() + 1);
    for (at, &moves_max) in limits.iter().enumerate() {
        let single = singles.within(moves_max);
        if is_over(options, surroundings, 1.0) {
            plans.push(single);
            continue;
        }
        let share = SEARCH_SHARE + (1.0 - SEARCH_SHARE) * (at + 1) as f64 / limits.len() as f64;
        // Few moves are the smaller question; its answer is one of the next.
        let fewer = plans.last().map_or(&[][..], |plan| &plan.chains);
        let known = [cut_down(problem, &found.chains, moves_max), fewer.to_vec()];
        let options = DefragmentOptions { moves_max, ..*options };
        let plan = within(problem, &options, surroundings, &known, &singles, share);
        plans.push(if plan.cost < single.cost { plan } else { single });
    }
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

/// True once so much of the time is gone.
fn is_over(options: &DefragmentOptions, surroundings: &DefragmentSurroundings<'_>, share: f64) -> bool {
    let late = matches!(options.effort, Effort::Seconds(limit) if (surroundings.seconds)() >= limit * share);
    late || (surroundings.stopped)()
}

/// Limits below the plan's moves, the closer together the fewer they are; of a plan of few moves all, and some above it.
fn limits(moves: usize, moves_max: usize) -> Vec<usize> {
    if moves <= POINTS_MAX {
        return (0..=moves_max.min(POINTS_MAX)).collect();
    }
    let at = |i: usize| (moves as f64).powf(i as f64 / POINTS_MAX as f64).round() as usize;
    let mut limits: Vec<usize> = std::iter::once(0).chain((0..POINTS_MAX).map(at)).collect();
    limits.dedup();
    limits
}

/// The chains that place most for their moves, up to so many moves.
fn cut_down(problem: &DefragmentProblem<'_>, chains: &[Chain], moves_max: usize) -> Vec<Chain> {
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
    kept
}

/// The best known plan of at most so many moves: what the search finds with that limit until a share of the time is over,
/// or what becomes of plans that are known.
fn within(
    problem: &DefragmentProblem<'_>,
    options: &DefragmentOptions,
    surroundings: &DefragmentSurroundings<'_>,
    known: &[Vec<Chain>],
    singles: &Singles,
    share: f64,
) -> Finished {
    let begun = (surroundings.seconds)();
    let effort = match options.effort {
        Effort::Seconds(limit) => Effort::Seconds(limit * share - begun),
        rounds @ Effort::Rounds(_) => rounds,
    };
    let seconds = || (surroundings.seconds)() - begun;
    let over = || is_over(options, surroundings, share);
    let mut plans = parallel::map(known.len(), options.threads, &|at| {
        Finished::completed_from(problem, &known[at], options.moves_max, &over)
    });
    let surroundings = DefragmentSurroundings { seconds: &seconds, ..*surroundings };
    plans.push(search(problem, &DefragmentOptions { effort, ..*options }, &surroundings, singles));
    let best = plans.into_iter().reduce(|best, next| if next.cost < best.cost { next } else { best });
    best.expect("there is at least the search")
}
