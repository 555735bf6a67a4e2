//! Moves that do not pay are taken back: single ones and small groups that save as much as they lose. A group
//! whose members only pay together stays.

use super::toward::Toward;
use super::{RebalanceProblem, Stopped};

/// The placement (a node for each task, every rule kept) without the moves that do not pay: it costs no more,
/// moves no more tasks, and keeps every rule. Stopped, it gives what it has come to.
pub(super) fn without_unpaid(
    problem: &RebalanceProblem,
    placement: &[u32],
    stopped: Stopped<'_>,
) -> Vec<u32> {
    let mut home = Toward::new(problem, placement, problem.initial());
    let tasks = || (0..problem.task_count() as u32).take_while(|_| !stopped());
    while tasks().fold(false, |any, task| any | !home.go(task, 0.0).is_empty()) {}
    home.state.placement().to_vec()
}
