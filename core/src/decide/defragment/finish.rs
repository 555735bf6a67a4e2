//! From chains that a search has found to a plan: moves that nothing needs are left out, tasks that have come to fit
//! without a move go there, and the moves that this saves make room for others.

use super::Over;
use super::build::Chain;
use super::descent::Descent;
use super::draft::Draft;
use super::fewest::with_fewest;
use super::problem::{DefragmentProblem, Lens};
use super::prune::prune;
use crate::model::{ClassId, NodeId, Placement, TaskId};
use std::collections::BTreeMap;

/// Chains that are a plan, with the objective they reach.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finished {
    pub(super) chains: Vec<Chain>,
    pub(super) cost: f64,
    pub(super) moves: usize,
}

/// Most rounds of leaving out and filling up.
const ROUNDS_MAX: usize = 4;

impl Finished {
    /// A first plan, soon: greedily built, without a look at what any place leaves to others.
    pub(super) fn built(problem: &DefragmentProblem<'_>, moves_max: usize, over: Over<'_>) -> Self {
        let mut descent = Descent::new(problem, Lens::Counted, (moves_max, 0), over);
        descent.build();
        Self::pruned(problem, &descent.chains, over)
    }

    /// The chains without what nothing needs, nothing added.
    pub(super) fn pruned(problem: &DefragmentProblem<'_>, chains: &[Chain], over: Over<'_>) -> Self {
        Self::of(problem, prune(problem, chains, over))
    }

    /// The chains pruned, then completed within `moves_max`.
    pub(super) fn completed(
        problem: &DefragmentProblem<'_>,
        chains: &[Chain],
        moves_max: usize,
        over: Over<'_>,
    ) -> Self {
        let mut best = Self::pruned(problem, chains, over);
        for _ in 0..ROUNDS_MAX {
            if over() {
                break;
            }
            let mut descent = Descent::new(problem, Lens::Sparing, (moves_max, 0), over);
            descent.take_over(&best.chains);
            let seated = reseated(&mut descent, over);
            let fewer = with_fewest(problem, &best.chains, over);
            descent.build();
            let next = [fewer, seated, Some(descent.chains)].into_iter().flatten();
            let next = next.map(|chains| Self::pruned(problem, &chains, over));
            let next = next.min_by(|a, b| a.cost.total_cmp(&b.cost));
            match next.filter(|next| next.cost < best.cost - 1e-9) {
                Some(next) => best = next,
                None => break,
            }
        }
        best
    }

    /// The chains as far as they are possible one after the other, completed within `moves_max`.
    pub(super) fn completed_from(
        problem: &DefragmentProblem<'_>,
        chains: &[Chain],
        moves_max: usize,
        over: Over<'_>,
    ) -> Self {
        let mut descent = Descent::new(problem, Lens::Sparing, (moves_max, 0), over);
        descent.take_over(chains);
        descent.build();
        Self::completed(problem, &descent.chains, moves_max, over)
    }

    /// Waiting tasks that the chains place.
    pub(super) fn placed(&self, problem: &DefragmentProblem<'_>) -> usize {
        self.chains.iter().filter_map(|c| c.places).map(|(_, unit)| problem.units[unit].tasks.len()).sum()
    }

    fn of(problem: &DefragmentProblem<'_>, chains: Vec<Chain>) -> Self {
        let mut draft = Draft::new(problem, Lens::Counted);
        for &(task, to) in chains.iter().flat_map(|c| &c.steps) {
            let done = draft.step(task, to);
            debug_assert!(done, "what is left out was not needed");
        }
        Self { cost: draft.cost(), moves: draft.moves(), chains }
    }
}

/// The chains with tasks that moves were made for placed last, and elsewhere, where they fit in the end; the draft is as
/// before.
fn reseated(descent: &mut Descent<'_>, over: Over<'_>) -> Option<Vec<Chain>> {
    let (draft, chains) = (&mut descent.draft, &descent.chains);
    let problem = draft.problem;
    let mark = draft.mark();
    let mut open: BTreeMap<ClassId, Vec<NodeId>> = BTreeMap::new();
    let mut seats: BTreeMap<TaskId, Placement> = BTreeMap::new();
    for chain in chains.iter().filter(|c| c.steps.len() > 1) {
        let Some(&[task]) = chain.places.map(|(_, unit)| &problem.units[unit].tasks[..]) else { continue };
        let class = draft.cluster.task(task).class;
        let nodes = open.entry(class).or_insert_with(|| {
            draft.cluster.nodes().filter(|&n| !over() && draft.cluster.fits(n, class)).collect()
        });
        while let Some(&node) = nodes.last() {
            let to = draft.growth(class, node, &[]).map(|(_, devices)| Placement { node, devices });
            if let Some(to) = to.filter(|&to| draft.step(task, to)) {
                seats.insert(task, to);
                break;
            }
            nodes.pop();
        }
    }
    draft.back_to(mark);
    if seats.is_empty() {
        return None;
    }
    let mut moved = Vec::new();
    let mut seated = Vec::new();
    for chain in chains {
        let task = chain.places.and_then(|(_, unit)| problem.units[unit].tasks.first().copied());
        let seat = task.and_then(|t| Some((t, *seats.get(&t)?)));
        let Some((task, to)) = seat else {
            moved.push(chain.clone());
            continue;
        };
        let others = chain.steps.iter().filter(|s| s.0 != task).copied().collect();
        moved.push(Chain { places: None, steps: others });
        seated.push(Chain { places: chain.places, steps: vec![(task, to)] });
    }
    // A task that moves on later in the plan needs its first place.
    let steps = |c: &Chain| c.steps.iter().filter(|s| seats.contains_key(&s.0)).count();
    let moves_on = moved.iter().map(steps).sum::<usize>() > 0;
    moved.extend(seated);
    (!moves_on).then_some(moved)
}
