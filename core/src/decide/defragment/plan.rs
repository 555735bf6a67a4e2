//! The plan that comes out: steps in order, each with reason, gain and cost, moves that are not needed left out;
//! and what it does to each term of the objective.

use std::collections::BTreeMap;

use super::OBJECTIVE_TERMS;
use super::descent::Descent;
use super::draft::Draft;
use super::problem::DefragmentProblem;
use crate::model::fragmentation::DevicesLeft;
use crate::model::{
    Action, Binding, ClassId, Cluster, Obstacle, Placement, Plan, Reason, TaskId, Waiting, Worth,
};

/// A plan for a cluster with pending tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct DefragmentPlan {
    /// The steps, and who waits on.
    pub plan: Plan,
    /// The terms of the objective, unweighted, in the order of [`OBJECTIVE_TERMS`]: before and after.
    pub terms: [[f64; OBJECTIVE_TERMS.len()]; 2],
    /// The objective before and after.
    pub cost: [f64; 2],
    /// Migrations.
    pub moves: usize,
    /// Tasks placed.
    pub placed: usize,
}

impl DefragmentPlan {
    pub(super) fn of(descent: Descent<'_>) -> Self {
        let problem = descent.draft.problem;
        let steps: Vec<_> = descent.chains.into_iter().flat_map(|c| c.steps).collect();
        let steps = without_needless(problem, steps);
        let mut draft = Draft::new(problem);
        let before = (draft.cost(), terms(problem, &draft));
        let mut plan = Plan::default();
        for (task, to) in steps {
            let (from, cost) = (draft.cluster.placement(task), draft.cost());
            if !draft.step(task, to) {
                continue;
            }
            let own = from.map_or(0.0, |_| problem.move_cost(task));
            let (action, reason) = match from {
                Some(from) => (Action::migrate(&draft.cluster, task, from, to), Reason::StrandedCapacity),
                None => (Action::place(&draft.cluster, task, to), Reason::PendingTaskFits),
            };
            let worth = Worth { reason, gain: cost - draft.cost() + own, cost: own };
            plan.push(0, vec![action], worth, Binding::Each);
        }
        let waiting = problem.pending().filter(|&t| draft.cluster.placement(t).is_none());
        plan.waiting = with_obstacles(&draft.cluster, waiting.collect());
        let placed = problem.pending().count() - plan.waiting.len();
        Self {
            terms: [before.1, terms(problem, &draft)],
            cost: [before.0, draft.cost()],
            moves: draft.moves(),
            placed,
            plan,
        }
    }
}

/// The steps without moves that nothing after them needs and that do not pay by themselves. What is left out
/// may leave another move without a purpose, so it goes on until nothing more can go.
fn without_needless(
    problem: &DefragmentProblem<'_>,
    mut steps: Vec<(TaskId, Placement)>,
) -> Vec<(TaskId, Placement)> {
    let mut draft = Draft::new(problem);
    let mark = draft.mark();
    steps.retain(|&(task, to)| draft.step(task, to));
    loop {
        let before = steps.len();
        for at in (0..before).rev() {
            let cost = draft.cost();
            draft.back_to(mark + at);
            // A task that the plan itself has placed may move again later; only its placing is no move.
            let is_move = draft.cluster.placement(steps[at].0).is_some();
            let rest = &steps[at + 1..];
            if is_move && rest.iter().all(|&(task, to)| draft.step(task, to)) && draft.cost() <= cost {
                steps.remove(at);
            } else {
                draft.back_to(mark + at);
                let again = steps[at..].iter().filter(|&&(task, to)| draft.step(task, to)).count();
                debug_assert_eq!(again, steps.len() - at, "what was possible is so again");
            }
        }
        if steps.len() == before {
            return steps;
        }
    }
}

/// The terms, unweighted.
fn terms(problem: &DefragmentProblem<'_>, draft: &Draft<'_>) -> [f64; OBJECTIVE_TERMS.len()] {
    let (objective, cluster) = (&problem.objective, &draft.cluster);
    let mut sums = [0.0; OBJECTIVE_TERMS.len()];
    let waiting = problem.pending().filter(|&t| cluster.placement(t).is_none());
    sums[0] = waiting.map(|t| objective.waiting(cluster, t)).fold(0.0, |sum, one| sum + one);
    sums[2] = draft.moved_weight();
    for node in cluster.nodes() {
        let devices = DevicesLeft::of_node(cluster, node);
        let [fragmented, above, uneven] =
            objective.node_terms(cluster, &problem.target, node, cluster.free(node), &devices);
        sums[1] += fragmented;
        sums[3] += above;
        sums[4] += uneven;
    }
    sums
}

/// Each task with the obstacle that most nodes put up.
fn with_obstacles(cluster: &Cluster, tasks: Vec<TaskId>) -> Vec<Waiting> {
    let mut known: BTreeMap<ClassId, Obstacle> = BTreeMap::new();
    let mut main_obstacle = |class: ClassId| {
        *known.entry(class).or_insert_with(|| {
            let mut counts: BTreeMap<Obstacle, usize> = BTreeMap::new();
            for node in cluster.nodes() {
                let found = cluster.obstacle(node, class).or_else(|| cluster.obstacle_around(node, class));
                if let Some(obstacle) = found {
                    *counts.entry(obstacle).or_insert(0) += 1;
                }
            }
            counts
                .into_iter()
                .max_by_key(|&(_, count)| count)
                .map_or(Obstacle::InsufficientResource, |(o, _)| o)
        })
    };
    let mut obstacle = |task: TaskId| {
        cluster.obstacle_of_quota(task).unwrap_or_else(|| main_obstacle(cluster.task(task).class))
    };
    let mut tasks = tasks;
    tasks.sort_unstable();
    let waiting = tasks.into_iter().map(|task| (task, obstacle(task)));
    waiting.map(|(task, obstacle)| Waiting { task: cluster.task(task).name.clone(), obstacle }).collect()
}
