//! The last steps of a route: tasks that could not get to their targets go where the cluster is cheapest, moves
//! that do not pay are undone, and detours that have become needless are cut out.

use super::route::Route;
use super::work::Work;

impl Route<'_> {
    /// Steps on as long as one makes the placement cheaper. Looks at every task if `work` evaluations allow a
    /// look at all nodes for each, else at those that have stepped.
    pub(super) fn descend(&mut self, mut work: Work<'_>) {
        let problem = self.state.problem;
        let mut tasks: Vec<u32> = (0..problem.task_count() as u32).collect();
        if tasks.len() as u64 * problem.node_count() as u64 * SWEEPS_MIN > work.left() {
            tasks.retain(|&t| self.has_stepped(t));
        }
        let mut improved = true;
        while improved && !work.is_over() {
            improved = false;
            for &task in &tasks {
                if work.is_over() {
                    break;
                }
                work.spend(problem.node_count() as u64);
                improved |= self.cheapest_step(task);
            }
        }
    }

    /// Takes the task where it makes the placement cheapest, if that pays.
    fn cheapest_step(&mut self, task: u32) -> bool {
        if !self.may_step(task) {
            return false;
        }
        let nodes = self.state.problem.node_count() as u32;
        let mut best = None;
        let mut limit = -1.0;
        for node in 0..nodes {
            let delta = self.state.shift_delta(task, node, limit);
            if let Some(delta) = delta.filter(|d| d.overload <= 0.0) {
                limit = delta.cost - 1.0;
                best = Some(node);
            }
        }
        best.is_some_and(|node| self.hop(task, node))
    }

    /// One pass of homecomings that save as much as they lose.
    pub(super) fn go_home(&mut self) -> bool {
        let problem = self.state.problem;
        let mut any = false;
        for task in 0..problem.task_count() as u32 {
            let home = problem.initial()[task as usize];
            if self.place(task) != home && self.safe_delta(task, home).is_some_and(|d| d.cost <= 0.0) {
                any |= self.hop(task, home);
            }
        }
        any
    }

    /// Cuts out stop-overs, and whole round trips, that nothing needs any more; tries at most `work` steps.
    pub(super) fn shorten(&mut self, mut work: Work<'_>) {
        let mut at = self.hops().len();
        while at > 0 && !work.is_over() {
            at -= 1;
            let first = self.hops()[at];
            if !self.steps_often(first.task) {
                continue;
            }
            let Some(next) = self.hops()[at + 1..].iter().position(|h| h.task == first.task) else {
                continue;
            };
            let old: Vec<(u32, u32)> = self.hops()[at..].iter().map(|h| (h.task, h.to)).collect();
            work.spend(2 * old.len() as u64);
            let round_trip = old[next + 1].1 == first.from;
            let late: Vec<(u32, u32)> = without(&old, &[Some(0), round_trip.then_some(next + 1)]);
            if self.replace_from(at, &late) {
                continue;
            }
            let mut early = without(&old, &[Some(next + 1)]);
            early[0].1 = old[next + 1].1;
            if round_trip || !self.replace_from(at, &early) {
                let restored = self.replace_from(at, &old);
                debug_assert!(restored, "steps that were safe are safe again");
            }
        }
    }

    /// Takes back the steps from the mark on and does the given ones; false where one is not safe.
    fn replace_from(&mut self, mark: usize, steps: &[(u32, u32)]) -> bool {
        self.take_back(mark);
        steps.iter().all(|&(task, to)| self.hop(task, to))
    }
}

fn without(steps: &[(u32, u32)], leave_out: &[Option<usize>]) -> Vec<(u32, u32)> {
    let kept = steps.iter().enumerate().filter(|(i, _)| !leave_out.contains(&Some(*i)));
    kept.map(|(_, &step)| step).collect()
}

/// A descent over all tasks should be able to pass at least so often.
const SWEEPS_MIN: u64 = 4;
