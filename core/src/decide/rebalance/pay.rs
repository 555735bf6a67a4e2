//! Moves that do not pay are taken back: single ones and small groups that save as much as they lose. A group
//! whose members only pay together stays.

use super::RebalanceProblem;
use super::toward::Toward;

/// The placement (a node for each task, every rule kept) without the moves that do not pay: it costs no more,
/// moves no more tasks, and keeps every rule.
pub(super) fn without_unpaid(problem: &RebalanceProblem, placement: &[u32]) -> Vec<u32> {
    let mut home = Toward::new(problem, placement, problem.initial());
    while (0..problem.task_count() as u32).fold(false, |any, task| any | !home.go(task, 0.0).is_empty()) {}
    home.state.placement().to_vec()
}
