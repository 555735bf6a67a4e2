//! The plan that comes out: steps in order, each with reason, gain and cost; and what it does to each term of the
//! objective.

use std::collections::BTreeMap;

use super::OBJECTIVE_TERMS;
use super::build::Chain;
use super::draft::Draft;
use super::problem::{DefragmentProblem, Lens};
use super::prune::prune_steps;
use super::waves::{WaveLimits, waves_of};
use crate::model::fragmentation::DevicesLeft;
use crate::model::{
    Action, Binding, ClassId, Cluster, Obstacle, Placement, Plan, Reason, TaskId, Waiting, Worth,
};

/// A plan for a cluster with pending tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct DefragmentPlan {
    /// The steps, each a part with its wave, and who waits on.
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
    /// How many waves the steps are carried out in.
    pub fn waves(&self) -> u32 {
        self.plan.parts.last().map_or(0, |part| part.wave)
    }

    pub(super) fn of(problem: &DefragmentProblem<'_>, chains: &[Chain], limits: WaveLimits) -> Self {
        let steps = in_waves(problem, chains, limits);
        let mut draft = Draft::new(problem, Lens::Counted);
        let before = (draft.cost(), terms(problem, &draft));
        let mut plan = Plan::default();
        for (wave, (task, to)) in steps {
            let (from, cost) = (draft.cluster.placement(task), draft.cost());
            if !draft.step(task, to) {
                debug_assert!(false, "steps are allowed in the order of their waves");
                continue;
            }
            let own = from.map_or(0.0, |_| problem.move_cost(task));
            let (action, reason) = match from {
                Some(from) => (Action::migrate(&draft.cluster, task, from, to), Reason::StrandedCapacity),
                None => (Action::place(&draft.cluster, task, to), Reason::PendingTaskFits),
            };
            let worth = Worth { reason, gain: cost - draft.cost() + own, cost: own };
            plan.push(0, vec![action], worth, Binding::Each);
            plan.parts.last_mut().expect("one was pushed").wave = wave;
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

/// The steps in the order of their waves. What goes ahead of others in that order may make a move needless.
fn in_waves(
    problem: &DefragmentProblem<'_>,
    chains: &[Chain],
    limits: WaveLimits,
) -> Vec<(u32, (TaskId, Placement))> {
    let mut steps: Vec<_> =
        chains.iter().enumerate().flat_map(|(at, c)| c.steps.iter().map(move |s| (at, *s))).collect();
    loop {
        let in_order: Vec<_> = steps.iter().map(|s| s.1).collect();
        let waves = waves_of(problem.cluster, &in_order, limits);
        let mut by_wave: Vec<_> = waves.into_iter().zip(steps).collect();
        by_wave.sort_by_key(|(wave, _)| *wave);
        let left = prune_steps(problem, by_wave.iter().map(|s| s.1), &|| false);
        if left.len() == by_wave.len() {
            return by_wave.into_iter().map(|(wave, (_, step))| (wave, step)).collect();
        }
        steps = left;
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
