//! Packs the steps of a route into waves. A step may overtake earlier ones that wait for a later wave where
//! that cannot stand in their way.

use super::super::{PlacementState, RebalanceProblem};
use super::wave::Wave;
use super::{OrderedStep, PlanOptions, StepKind};

/// Most steps that wait while later ones are looked at, so that packing stays fast.
const AHEAD_MAX: usize = 5_000;

/// A step of a route that is still to be packed.
#[derive(Debug, Clone, Copy)]
struct Unpacked {
    task: u32,
    from: u32,
    to: u32,
    kind: StepKind,
}

/// The steps (task and node, each safe after those before it) in waves.
pub(super) fn pack(
    problem: &RebalanceProblem,
    hops: impl DoubleEndedIterator<Item = (u32, u32, u32)>,
    options: PlanOptions,
) -> Vec<OrderedStep> {
    let mut moves_on = vec![false; problem.task_count()];
    let mut left: Vec<Unpacked> = hops
        .rev()
        .map(|(task, from, to)| {
            let later = std::mem::replace(&mut moves_on[task as usize], true);
            let kind = if later { StepKind::StopOver } else { StepKind::Move };
            Unpacked { task, from, to, kind }
        })
        .collect();
    left.reverse();
    let mut state = PlacementState::with_overload(problem, problem.initial(), u32::MAX);
    let mut steps = Vec::with_capacity(left.len());
    let (mut number, mut next) = (0, 0);
    let mut passed_over: Vec<Unpacked> = Vec::new();
    while steps.len() < left.len() {
        number += 1;
        let (before, mut wave) = (steps.len(), Wave::new(problem, options));
        let mut waiting = Vec::new();
        let mut earlier = passed_over.into_iter();
        while !wave.is_full() && waiting.len() <= AHEAD_MAX {
            let Some(step) = earlier.next().or_else(|| left.get(next).copied().inspect(|_| next += 1)) else {
                break;
            };
            match carry_out(&mut state, &wave, step) {
                Some((gain, cost)) => {
                    let Unpacked { task, from, to, kind } = step;
                    wave.add(task, from, to);
                    steps.push(OrderedStep { task, from, to, kind, wave: number, gain, cost });
                }
                None => {
                    wave.pass_over(step.task, step.from, step.to);
                    waiting.push(step);
                }
            }
        }
        waiting.extend(earlier);
        passed_over = waiting;
        // The first step is always taken: what was before it is done, and nothing has overtaken it in vain.
        debug_assert!(steps.len() > before, "each wave has a step");
    }
    steps
}

/// Does the step if the wave takes it, and gives what it gains and costs.
fn carry_out(state: &mut PlacementState<'_>, wave: &Wave<'_>, step: Unpacked) -> Option<(i64, i64)> {
    let delta = state.shift_delta(step.task, step.to, f64::INFINITY).filter(|d| d.overload <= 0.0)?;
    if state.placement()[step.task as usize] != step.from || !wave.takes(state, step.task, step.to) {
        return None;
    }
    let cost = state.moving_cost(step.task, step.to);
    state.shift(step.task, step.to, delta);
    Some(((cost - delta.cost) as i64, cost as i64))
}
