//! The plan that comes out: steps in order, each with reason, gain and cost; and what it does to each term of the
//! objective.

use std::collections::{BTreeMap, BTreeSet};

use super::OBJECTIVE_TERMS;
use super::build::Chain;
use super::draft::Draft;
use super::problem::{DefragmentProblem, Lens};
use super::prune::prune_steps;
use super::waves::{WaveLimits, waves_of};
use crate::model::fragmentation::DevicesLeft;
use crate::model::{
    Action, ActionKind, Binding, ClassId, Cluster, NodeId, Obstacle, Part, PartKey, Placement, Plan, Reason,
    TaskId, Waiting,
};

/// What a search has come to: the plan, and what it does to the objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Defragmentation {
    /// The chains as parts, each step with its wave, and who waits on.
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

impl Defragmentation {
    /// How many waves the steps are carried out in.
    pub fn waves(&self) -> u32 {
        self.plan.waves()
    }

    pub(super) fn of(problem: &DefragmentProblem<'_>, chains: &[Chain], limits: WaveLimits) -> Self {
        let mut parts = bound(problem, in_waves(problem, chains, limits));
        let mut found = Self::of_parts(problem, &parts);
        while let Some((first, last)) = idle_alone(&found.plan.parts) {
            let joined = parts.drain(first..=last).flatten().collect();
            parts.insert(first, joined);
            found = Self::of_parts(problem, &parts);
        }
        found
    }

    fn of_parts(problem: &DefragmentProblem<'_>, parts: &[Vec<InWave>]) -> Self {
        let mut draft = Draft::new(problem, Lens::Counted);
        let before = (draft.cost(), terms(problem, &draft));
        let mut plan = Plan::default();
        let mut left = Left::default();
        for steps in parts {
            let Some(mut part) = part_of(problem, &mut draft, steps, plan.next_key(0)) else { continue };
            part.after = left.before(problem, &part, steps);
            plan.parts.push(part);
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

/// A step with its wave and the number of its chain.
type InWave = (u32, usize, (TaskId, Placement));

/// The steps in the order of their waves. What goes ahead of others in that order may make a move needless.
fn in_waves(problem: &DefragmentProblem<'_>, chains: &[Chain], limits: WaveLimits) -> Vec<InWave> {
    let mut steps: Vec<_> =
        chains.iter().enumerate().flat_map(|(at, c)| c.steps.iter().map(move |s| (at, *s))).collect();
    loop {
        let in_order: Vec<_> = steps.iter().map(|s| s.1).collect();
        let waves = waves_of(problem.cluster, &in_order, limits);
        let mut by_wave: Vec<_> = waves.into_iter().zip(steps).collect();
        by_wave.sort_by_key(|(wave, _)| *wave);
        let left = prune_steps(problem, by_wave.iter().map(|s| s.1), &|| false);
        if left.len() == by_wave.len() {
            return by_wave.into_iter().map(|(wave, (chain, step))| (wave, chain, step)).collect();
        }
        steps = left;
    }
}

/// The steps of each part, the parts in an order in which each step is allowed at its turn: chain by chain. Where a chain
/// relies on what a later one does in an earlier wave, each step is a part, in the order of waves.
fn bound(problem: &DefragmentProblem<'_>, steps: Vec<InWave>) -> Vec<Vec<InWave>> {
    let mut chains: BTreeMap<usize, Vec<InWave>> = BTreeMap::new();
    for &step in &steps {
        chains.entry(step.1).or_default().push(step);
    }
    let mut draft = Draft::new(problem, Lens::Counted);
    if chains.values().flatten().all(|&(_, _, (task, to))| draft.step(task, to)) {
        chains.into_values().collect()
    } else {
        steps.into_iter().map(|step| vec![step]).collect()
    }
}

/// A part whose moves do not pay by themselves, to the one that they are of use to, or from its neighbour: such parts become one with
/// those between, since nothing of them is to be done alone.
fn idle_alone(parts: &[Part]) -> Option<(usize, usize)> {
    let at = parts.iter().position(|part| part.cost > 0.0 && part.gain <= part.cost)?;
    let user = parts.iter().position(|part| part.after.contains(&parts[at].key)).filter(|&user| user > at);
    match user.or((at + 1 < parts.len()).then_some(at + 1)) {
        Some(user) => Some((at, user)),
        None => Some((at.checked_sub(1)?, at)),
    }
}

/// Takes the steps of a part and says what they are worth together. Of use is only the whole of a chain.
fn part_of(
    problem: &DefragmentProblem<'_>,
    draft: &mut Draft<'_>,
    steps: &[InWave],
    key: PartKey,
) -> Option<Part> {
    let (mut actions, mut waves, mut cost, before) = (Vec::new(), Vec::new(), 0.0, draft.cost());
    for &(wave, _, (task, to)) in steps {
        let from = draft.cluster.placement(task);
        if !draft.step(task, to) {
            debug_assert!(false, "steps are allowed in the order of the parts");
            continue;
        }
        actions.push(match from {
            Some(from) => Action::migrate(&draft.cluster, task, from, to),
            None => Action::place(&draft.cluster, task, to),
        });
        waves.push(wave);
        cost += from.map_or(0.0, |_| problem.move_cost(task));
    }
    let places = actions.iter().all(|action| action.kind() == ActionKind::Place);
    Some(Part {
        key,
        reason: if places { Reason::PendingTaskFits } else { Reason::StrandedCapacity },
        gain: before - draft.cost() + cost,
        cost,
        binding: if actions.len() > 1 { Binding::AllOrNone } else { Binding::Each },
        after: Vec::new(),
        waves,
        steps: actions,
        needs_approval: false,
    })
    .filter(|part| !part.steps.is_empty())
}

/// Which parts have taken tasks off which nodes, and moved which tasks.
#[derive(Default)]
struct Left {
    nodes: BTreeMap<NodeId, BTreeSet<PartKey>>,
    tasks: BTreeMap<TaskId, PartKey>,
}

impl Left {
    /// The parts that must come before this one: those that make room where there was none, and those that move the same
    /// tasks. Notes what this one leaves.
    fn before(&mut self, problem: &DefragmentProblem<'_>, part: &Part, steps: &[InWave]) -> Vec<PartKey> {
        let mut after = BTreeSet::new();
        for &(_, _, (task, to)) in steps {
            let cluster = problem.cluster;
            if !cluster.fits(to.node, cluster.task(task).class) {
                after.extend(self.nodes.get(&to.node).into_iter().flatten());
            }
            after.extend(self.tasks.get(&task));
        }
        for (&(_, _, (task, _)), action) in steps.iter().zip(&part.steps) {
            let from = action.from().and_then(|from| problem.cluster.node_named(&from.node));
            if let Some(from) = from {
                self.nodes.entry(from).or_default().insert(part.key);
            }
            self.tasks.insert(task, part.key);
        }
        after.remove(&part.key);
        after.into_iter().collect()
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
        sums[5] += problem.worth_taken(node, cluster.free(node), &devices);
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
