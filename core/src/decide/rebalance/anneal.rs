//! Local search by simulated annealing over shifts, homecomings, swaps, exchanges within a service and chains of tasks
//! sampled at random.
//! Some rules are soft until late (see the schedule); only placements that keep every rule count as found.

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::candidates::Candidates;
use super::focus::{FOCUS_EVALUATIONS, Focus};
use super::neighbourhoods::{Kind, Neighbourhoods};
use super::schedule::Schedule;
use super::siblings::Siblings;
use super::{Delta, PlacementState, RebalanceProblem};

/// Evaluations between two looks at the progress, without a focus.
pub(super) const SLICE_EVALUATIONS: u64 = 20_000;
/// Entries of the table of logarithms.
const THRESHOLDS: usize = 4096;
/// Entries of the table of tasks to draw from.
const DRAWS: usize = 1 << 16;
/// Tasks are drawn in proportion to this power of their size: large ones matter more, small ones move more.
const SIZE_POWER: f64 = 0.3;
/// Partners drawn for a swap until one could stand where the task stands, and the other way round.
const SWAP_DRAWS: usize = 16;

/// An annealing in progress: the placement it stands at and the best it has found.
pub(super) struct Annealing<'p> {
    state: PlacementState<'p>,
    candidates: &'p Candidates,
    chance: Pcg64Mcg,
    neighbourhoods: Neighbourhoods,
    siblings: Siblings,
    focus: Option<Focus>,
    thresholds: Vec<f64>,
    /// Tasks, each as often as it should be drawn; empty in focus.
    draws: Vec<u32>,
    best: Vec<u32>,
    best_cost: f64,
    /// Has something better than the placement to beat been found?
    improved: bool,
    /// Tasks moved since `best` was last brought up to date; meaningless when longer than `best`.
    touched: Vec<u32>,
    last_progress: f64,
    evaluations: u64,
}

impl<'p> Annealing<'p> {
    /// Starts from `state`; `found` is the placement to beat, one that keeps every rule.
    pub(super) fn new(
        state: PlacementState<'p>,
        candidates: &'p Candidates,
        found: &[u32],
        found_cost: u64,
        seed: u64,
    ) -> Self {
        let thresholds = (0..THRESHOLDS).map(|i| -((i as f64 + 0.5) / THRESHOLDS as f64).ln()).collect();
        let focus = Focus::new(state.problem.node_count());
        let draws = if focus.is_some() { Vec::new() } else { draws_by_size(state.problem) };
        let siblings = Siblings::new(state.problem);
        Self {
            // The list is too long at first: the first improvement copies the whole placement.
            touched: vec![0; found.len() + 1],
            state,
            candidates,
            chance: Pcg64Mcg::seed_from_u64(seed),
            neighbourhoods: Neighbourhoods::new(),
            siblings,
            focus,
            thresholds,
            draws,
            best: found.to_vec(),
            best_cost: found_cost as f64,
            improved: false,
            last_progress: 0.0,
            evaluations: 0,
        }
    }

    /// Best placement found, or the one to beat.
    pub(super) fn best(&self) -> (&[u32], u64) {
        (&self.best, self.best_cost as u64)
    }

    /// Moves evaluated.
    pub(super) fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// One slice of evaluations at this progress (0 to 1) through the schedule.
    pub(super) fn slice(&mut self, schedule: &Schedule, progress: f64) {
        let stuck = !self.improved && self.is_broken();
        schedule.set_prices(progress, self.last_progress, stuck, &mut self.state);
        self.last_progress = progress;
        let temperature = schedule.temperature(progress, stuck);
        self.state.set_emphasis(schedule.emphasis(temperature));
        if let Some(focus) = &mut self.focus {
            focus.refresh(self.state.placement(), &mut self.chance);
        }
        for _ in 0..self.slice_evaluations() {
            let (first, second) = (self.chance.next_u64(), self.chance.next_u64());
            let limit = temperature * self.thresholds[first as usize % THRESHOLDS];
            let Some(task) = self.task(first) else { break };
            let kind = self.neighbourhoods.kind(second & 0xff);
            let change = match kind {
                Kind::Shift => self.candidate(task, second).and_then(|to| self.try_shift(task, to, limit)),
                Kind::Homecoming => self.try_shift(task, self.state.problem.initial()[task as usize], limit),
                Kind::Swap => self.partner(task, second).and_then(|other| self.try_swap(task, other, limit)),
                Kind::Sibling => {
                    self.sibling(task, second).and_then(|other| self.try_swap(task, other, limit))
                }
                Kind::Chain => self.try_chain(task, second, limit),
            };
            self.neighbourhoods.tried(kind, change.map_or(0.0, |delta| (-delta.penalised()).max(0.0)));
        }
        self.neighbourhoods.adapt(schedule.is_descent());
        self.keep_best();
        self.evaluations += self.slice_evaluations();
    }

    /// Evaluations of a slice.
    pub(super) fn slice_evaluations(&self) -> u64 {
        if self.focus.is_some() { FOCUS_EVALUATIONS } else { SLICE_EVALUATIONS }
    }

    /// A task to move: in focus any, else drawn by size.
    #[inline]
    fn task(&self, draw: u64) -> Option<u32> {
        match &self.focus {
            Some(focus) => focus.tasks().get(pick(draw, focus.tasks().len()) as usize).copied(),
            None => Some(self.draws[(draw >> 40) as usize % DRAWS]),
        }
    }

    /// Another task, any one that may be looked at.
    #[inline]
    fn other(&self, draw: u64) -> u32 {
        match &self.focus {
            Some(focus) => focus.tasks()[pick(draw, focus.tasks().len()) as usize],
            None => pick(draw, self.state.placement().len()),
        }
    }

    /// A node where the task could stand.
    #[inline]
    fn candidate(&self, task: u32, draw: u64) -> Option<u32> {
        if let Some(focus) = &self.focus {
            let node = focus.nodes()[pick(draw, focus.nodes().len()) as usize];
            return self.candidates.allows(task, node).then_some(node);
        }
        let list = self.candidates.list(task);
        if list.is_empty() {
            let node = pick(draw, self.state.problem.node_count());
            self.candidates.allows(task, node).then_some(node)
        } else {
            Some(list[pick(draw, list.len()) as usize])
        }
    }

    /// A task that could stand where this one stands, and this one there.
    #[inline]
    fn partner(&mut self, task: u32, mut draw: u64) -> Option<u32> {
        for _ in 0..SWAP_DRAWS {
            let other = self.other(draw);
            if self.exchangeable(task, other) {
                return Some(other);
            }
            draw = self.chance.next_u64();
        }
        None
    }

    /// Could each task stand where the other stands?
    #[inline]
    fn exchangeable(&self, a: u32, b: u32) -> bool {
        let placement = self.state.placement();
        self.candidates.allows(a, placement[b as usize]) && self.candidates.allows(b, placement[a as usize])
    }

    /// Another task of its service that could stand where this one stands, and this one there; in focus any task.
    #[inline]
    fn sibling(&mut self, task: u32, draw: u64) -> Option<u32> {
        if self.focus.is_some() {
            return self.partner(task, draw);
        }
        let all = self.siblings.of(self.state.problem.service[task as usize]);
        let other = all[pick(draw, all.len()) as usize];
        (other != task && self.exchangeable(task, other)).then_some(other)
    }

    #[inline]
    fn try_shift(&mut self, task: u32, to: u32, limit: f64) -> Option<Delta> {
        let delta = self.state.shift_delta(task, to, limit)?;
        self.keep_best_before(delta);
        self.state.shift(task, to, delta);
        self.touch(task);
        Some(delta)
    }

    #[inline]
    fn try_swap(&mut self, a: u32, b: u32, limit: f64) -> Option<Delta> {
        let delta = self.state.swap_delta(a, b, limit)?;
        self.keep_best_before(delta);
        self.state.swap(a, b, delta);
        self.touch(a);
        self.touch(b);
        Some(delta)
    }

    /// The task takes the place of another, which goes to a third node.
    fn try_chain(&mut self, task: u32, draw: u64, limit: f64) -> Option<Delta> {
        let other = self.other(draw);
        let to = self.state.placement()[other as usize];
        if !self.candidates.allows(task, to) {
            return None;
        }
        let onward = self.chance.next_u64();
        let third = self.candidate(other, onward)?;
        let (first, second) = self.state.chain_delta((task, to), (other, third), limit)?;
        let delta = first.plus(second);
        self.keep_best_before(delta);
        self.state.shift(task, to, first);
        self.state.shift(other, third, second);
        self.touch(task);
        self.touch(other);
        Some(delta)
    }

    /// Notes the placement if it is the best so far and the change that comes is none for the better.
    #[inline]
    fn keep_best_before(&mut self, delta: Delta) {
        if delta.cost > 0.0 || delta.overload > 0.0 {
            self.keep_best();
        }
    }

    /// Is a capacity or another rule broken?
    fn is_broken(&self) -> bool {
        self.state.nodes_over() > 0 || self.state.broken_rules() > 0
    }

    fn touch(&mut self, task: u32) {
        if self.touched.len() <= self.best.len() {
            self.touched.push(task);
        }
    }

    fn keep_best(&mut self) {
        if self.is_broken() || self.state.cost_exact() >= self.best_cost {
            return;
        }
        self.improved = true;
        self.best_cost = self.state.cost_exact();
        let now = self.state.placement();
        if self.touched.len() > self.best.len() {
            self.best.copy_from_slice(now);
        } else {
            for &task in &self.touched {
                self.best[task as usize] = now[task as usize];
            }
        }
        self.touched.clear();
    }
}

/// High bits pick by multiplication; the low ones are left for another use of the draw.
#[inline]
fn pick(draw: u64, count: usize) -> u32 {
    (((draw >> 32) * count as u64) >> 32) as u32
}

/// A table in which each task stands about in proportion to a power of its size, all at least once if there is
/// room.
fn draws_by_size(problem: &RebalanceProblem) -> Vec<u32> {
    let tasks = &problem.parts().tasks;
    let weight = |task| (1.0 + problem.load_size(task)).powf(SIZE_POWER);
    let total: f64 = tasks.iter().map(weight).sum();
    let mut draws = Vec::with_capacity(DRAWS);
    let mut sum = 0.0;
    for (task, spec) in tasks.iter().enumerate() {
        sum += weight(spec);
        let until = (sum / total * DRAWS as f64).round() as usize;
        draws.resize(until.min(DRAWS).max(draws.len()), task as u32);
    }
    draws.resize(DRAWS, tasks.len() as u32 - 1);
    draws
}
