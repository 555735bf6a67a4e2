//! A placement on its way towards another one, task by task or in small groups that only fit together. Which
//! tasks should go, and when, is decided by others.

use super::{Delta, PlacementState, RebalanceProblem};

/// Most tasks that go together.
pub(super) const GROUP_MAX: usize = 4;

/// A placement and where its tasks are to go.
#[derive(Debug, Clone)]
pub(super) struct Toward<'p> {
    pub(super) state: PlacementState<'p>,
    goal: &'p [u32],
    /// Tasks on their way, by the node where they stand and by the one they go to.
    leaving: Vec<Vec<u32>>,
    coming: Vec<Vec<u32>>,
    /// Steps looked at since that was last asked.
    evaluated: u64,
}

impl<'p> Toward<'p> {
    pub(super) fn new(problem: &'p RebalanceProblem, placement: &[u32], goal: &'p [u32]) -> Self {
        let mut leaving = vec![Vec::new(); problem.node_count()];
        let mut coming = leaving.clone();
        for (task, (&node, &to)) in placement.iter().zip(goal).enumerate() {
            if node != to {
                leaving[node as usize].push(task as u32);
                coming[to as usize].push(task as u32);
            }
        }
        let state = PlacementState::with_overload(problem, placement, u32::MAX);
        Self { state, goal, leaving, coming, evaluated: 0 }
    }

    /// Steps looked at since the last call.
    pub(super) fn take_evaluated(&mut self) -> u64 {
        std::mem::take(&mut self.evaluated)
    }

    pub(super) fn place(&self, task: u32) -> u32 {
        self.state.placement()[task as usize]
    }

    /// Is the task not yet where it is to go?
    pub(super) fn waits(&self, task: u32) -> bool {
        self.place(task) != self.goal[task as usize]
    }

    /// What the task's step to its goal would change, if it has one to make and no rule but capacity forbids it.
    pub(super) fn delta(&self, task: u32) -> Option<Delta> {
        self.state.shift_delta(task, self.goal[task as usize], f64::INFINITY)
    }

    /// Tasks whose steps a step between the nodes may have changed.
    pub(super) fn around(&self, nodes: [u32; 2]) -> impl Iterator<Item = u32> + '_ {
        nodes
            .into_iter()
            .flat_map(|n| self.leaving[n as usize].iter().chain(&self.coming[n as usize]))
            .copied()
    }

    /// Takes the task to its goal, and as many of those beside it as it takes, so that the cost rises by at
    /// most `limit` and every rule is kept. Gives who went and from where, or changes nothing.
    pub(super) fn go(&mut self, task: u32, limit: f64) -> Vec<(u32, u32)> {
        self.go_with(task, limit, GROUP_MAX)
    }

    /// The same with at most so many tasks in all.
    pub(super) fn go_with(&mut self, task: u32, limit: f64, group_max: usize) -> Vec<(u32, u32)> {
        self.evaluated += 1;
        let mut gone: Vec<(u32, u32)> = Vec::new();
        let mut cost = 0.0;
        let mut next = self.delta(task).map(|delta| (task, delta));
        while let Some((task, delta)) = next {
            gone.push((task, self.place(task)));
            self.shift(task, self.goal[task as usize], delta);
            cost += delta.cost;
            if cost <= limit && self.state.nodes_over() == 0 {
                return gone;
            }
            next = if gone.len() < group_max { self.best_companion(&gone) } else { None };
        }
        for &(task, node) in gone.iter().rev() {
            // What was allowed in one direction is allowed in the other.
            if let Some(back) = self.state.shift_delta(task, node, f64::INFINITY) {
                self.shift(task, node, back);
            }
        }
        Vec::new()
    }

    /// The step that helps most among those at the nodes of the last one.
    fn best_companion(&mut self, gone: &[(u32, u32)]) -> Option<(u32, Delta)> {
        let &(last, left) = gone.last()?;
        let nodes = [left, self.place(last)];
        self.evaluated += self.around(nodes).count() as u64;
        let beside = self.around(nodes);
        let deltas = beside.filter_map(|task| self.delta(task).map(|delta| (task, delta)));
        deltas.min_by(|(s, a), (t, b)| a.penalised().total_cmp(&b.penalised()).then(s.cmp(t)))
    }

    fn shift(&mut self, task: u32, to: u32, delta: Delta) {
        let (from, goal) = (self.place(task), self.goal[task as usize]);
        self.state.shift(task, to, delta);
        if from != goal {
            self.leaving[from as usize].retain(|&t| t != task);
            self.coming[goal as usize].retain(|&t| t != task);
        }
        if to != goal {
            self.leaving[to as usize].push(task);
            self.coming[goal as usize].push(task);
        }
    }
}
