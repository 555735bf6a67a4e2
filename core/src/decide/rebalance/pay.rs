//! Moves that do not pay are taken back: single ones and small groups that save as much as they lose. A group
//! whose members only pay together stays.

use std::collections::BTreeSet;

use super::RebalanceProblem;
use super::order::{Total, Work};
use super::toward::{GROUP_MAX, Toward};

/// Evaluations at most.
const WORK: u64 = 5_000_000;

/// The placement (a node for each task, every rule kept) without the moves that do not pay: it costs no more,
/// moves no more tasks, and keeps every rule. Over, it gives what it has come to.
pub(super) fn without_unpaid(problem: &RebalanceProblem, placement: &[u32], total: &Total<'_>) -> Vec<u32> {
    let mut home = Toward::new(problem, placement, problem.initial());
    let mut work = Work::new(WORK, total);
    let mut due: BTreeSet<u32> = (0..problem.task_count() as u32).filter(|&t| home.waits(t)).collect();
    // Single tasks first: they take a look each.
    for group_max in [1, GROUP_MAX] {
        while !due.is_empty() && !work.is_over() {
            due = pass(&mut home, &due, group_max, &mut work);
        }
        due = (0..problem.task_count() as u32).filter(|&t| home.waits(t)).collect();
    }
    home.state.placement().to_vec()
}

/// Sends home whom of the tasks it pays to; gives those whose nodes have changed by that.
fn pass(
    home: &mut Toward<'_>,
    tasks: &BTreeSet<u32>,
    group_max: usize,
    work: &mut Work<'_>,
) -> BTreeSet<u32> {
    let mut changed = BTreeSet::new();
    for &task in tasks {
        if work.is_over() {
            break;
        }
        let gone = home.go_with(task, 0.0, group_max);
        changed.extend(gone.into_iter().flat_map(|(task, from)| [from, home.place(task)]));
        work.spend(home.take_evaluated());
    }
    changed.into_iter().flat_map(|node| home.around([node, node]).collect::<Vec<_>>()).collect()
}
