//! With few moves, every set of them is tried, the smallest first: is it enough for all that the plan places, wherever
//! that then goes?

use super::Over;
use super::build::Chain;
use super::draft::Draft;
use super::problem::{DefragmentProblem, Lens};
use crate::model::{Placement, TaskId};

/// Up to so many moves and placed tasks.
const MOVES_MAX: usize = 8;
const PLACED_MAX: usize = 8;
/// Placements tried in all.
const TRIES_MAX: usize = 20_000;

/// A plan for the same units with fewer of the same moves, if there is one.
pub(super) fn with_fewest(
    problem: &DefragmentProblem<'_>,
    chains: &[Chain],
    over: Over<'_>,
) -> Option<Vec<Chain>> {
    let steps = || chains.iter().flat_map(|c| c.steps.iter().copied());
    let (moves, placings): (Vec<_>, Vec<_>) = steps().partition(|s| problem.cluster.placement(s.0).is_some());
    let units: Vec<(usize, usize)> = chains.iter().filter_map(|c| c.places).collect();
    let placed: usize = units.iter().map(|&(_, unit)| problem.units[unit].tasks.len()).sum();
    if problem.nodes_count() || !(1..=MOVES_MAX).contains(&moves.len()) || placed > PLACED_MAX {
        return None;
    }
    let mut sets: Vec<usize> = (0..(1 << moves.len()) - 1).collect();
    sets.sort_by_key(|set: &usize| set.count_ones());
    let mut draft = Draft::new(problem, Lens::Sparing);
    let mut tries = TRIES_MAX;
    for set in sets {
        if over() || tries == 0 {
            return None;
        }
        let mark = draft.mark();
        let kept: Vec<_> =
            moves.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, step)| *step).collect();
        let mut seats = Vec::new();
        if kept.iter().all(|&(task, to)| draft.step(task, to))
            && seat(&mut draft, &placings, &mut seats, &mut tries)
        {
            let seats_of = |unit: usize| {
                let tasks = &problem.units[unit].tasks;
                seats.iter().filter(|s| tasks.contains(&s.0)).copied().collect()
            };
            let moved = Chain { places: None, steps: kept };
            let placed =
                units.iter().map(|&(kind, unit)| Chain { places: Some((kind, unit)), steps: seats_of(unit) });
            return Some([moved].into_iter().filter(|c| !c.steps.is_empty()).chain(placed).collect());
        }
        draft.back_to(mark);
    }
    None
}

/// Places all the tasks, in any places; or none, and the draft as before.
fn seat(
    draft: &mut Draft<'_>,
    tasks: &[(TaskId, Placement)],
    seats: &mut Vec<(TaskId, Placement)>,
    tries: &mut usize,
) -> bool {
    let Some((&(task, planned), rest)) = tasks.split_first() else { return true };
    let class = draft.cluster.task(task).class;
    let nodes: Vec<_> = draft.cluster.nodes().filter(|&n| draft.cluster.fits(n, class)).collect();
    let others = nodes.into_iter().filter(|&n| n != planned.node);
    for node in [planned.node].into_iter().chain(others) {
        *tries = tries.saturating_sub(1);
        if *tries == 0 {
            return false;
        }
        let Some((_, devices)) = draft.growth(class, node, &[]) else { continue };
        let mark = draft.mark();
        let to = Placement { node, devices };
        if draft.step(task, to) {
            seats.push((task, to));
            if seat(draft, rest, seats, tries) {
                return true;
            }
            seats.pop();
            draft.back_to(mark);
        }
    }
    false
}
