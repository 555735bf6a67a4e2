//! Local search by simulated annealing over shifts, homecomings and swaps of tasks sampled at random. Early on,
//! nodes may hold more than their capacity for a price that grows where it stays broken, so that large tasks
//! can pass each other; in the last part the price is prohibitive. Only placements that keep every rule count
//! as found. S. Kirkpatrick et al., "Optimization by simulated annealing", Science 220, 1983; growing prices
//! of broken rules as in Z. Wu and B. W. Wah, "Discrete Lagrange-multiplier method", IJCAI 1999.

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::candidates::Candidates;
use super::{PlacementState, RebalanceProblem};

/// Evaluations between two looks at the progress.
pub(super) const SLICE_EVALUATIONS: u64 = 20_000;
/// Entries of the table of logarithms.
const THRESHOLDS: usize = 4096;
/// Of 256 proposals, so many are swaps.
const SWAPS_OF_256: u64 = 128;
/// Partners drawn for a swap until one could stand where the task stands, and the other way round.
const SWAP_DRAWS: usize = 16;
/// Of 256 shifts, so many go home: they free what is held on the old node.
const HOMECOMINGS_OF_256: u64 = 24;
/// Progress at which prices begin to grow.
const GROWTH_FROM: f64 = 0.4;
/// Progress from which no capacity is exceeded any more.
const HARD_FROM: f64 = 0.85;
/// Prices at the beginning, as a multiple of the load weights.
const PRICE_START: f64 = 20.0;
/// Prices in the last part, likewise.
const PRICE_HARD: f64 = 1e5;
/// Prices grow by this power of e from [`GROWTH_FROM`] to [`HARD_FROM`] where capacities stay broken.
const PRICE_GROWTH: f64 = 8.0;

/// Temperatures of one annealing, in units of cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Temperatures {
    /// At the beginning.
    pub(super) start: f64,
    /// When prices begin to grow.
    pub(super) growth: f64,
    /// When capacities become hard.
    pub(super) hard: f64,
    /// At the end.
    pub(super) end: f64,
    /// No broken capacity at any time.
    pub(super) hard_throughout: bool,
}

impl Temperatures {
    /// Of an annealing that forgets where it began; the unit is the load cost of a mean task.
    pub(super) fn hot(problem: &RebalanceProblem) -> Self {
        let unit = problem.task_unit();
        Self { start: 0.5 * unit, growth: 0.1 * unit, hard: 0.02 * unit, ..Self::cold(problem) }.softened()
    }

    /// Of one that rearranges a part and keeps the rest.
    pub(super) fn warm(problem: &RebalanceProblem) -> Self {
        let unit = problem.task_unit();
        Self { start: 0.03 * unit, growth: 0.01 * unit, hard: 0.003 * unit, ..Self::cold(problem) }.softened()
    }

    fn softened(self) -> Self {
        Self { hard_throughout: false, ..self }
    }

    /// Of a plain descent.
    pub(super) fn cold(problem: &RebalanceProblem) -> Self {
        let end = 1e-6 * problem.task_unit();
        Self { start: end, growth: end, hard: end, end, hard_throughout: true }
    }

    fn at(&self, progress: f64) -> f64 {
        let between = |from: f64, to: f64, share: f64| from * (to / from).powf(share.clamp(0.0, 1.0));
        if progress < GROWTH_FROM {
            between(self.start, self.growth, progress / GROWTH_FROM)
        } else if progress < HARD_FROM {
            between(self.growth, self.hard, (progress - GROWTH_FROM) / (HARD_FROM - GROWTH_FROM))
        } else {
            between(self.hard, self.end, (progress - HARD_FROM) / (1.0 - HARD_FROM))
        }
    }
}

impl RebalanceProblem {
    /// Load cost of a mean task if all of it were above the safety capacity; at least 1.
    pub(super) fn task_unit(&self) -> f64 {
        let parts = self.parts();
        let cost = |need: &[u64]| -> f64 {
            need.iter().zip(&parts.resources).map(|(&n, r)| n as f64 * r.load_weight as f64).sum()
        };
        let sum: f64 = parts.tasks.iter().map(|t| cost(&t.need)).sum();
        (sum / parts.tasks.len() as f64).max(1.0)
    }
}

/// An annealing in progress: the placement it stands at and the best it has found.
pub(super) struct Annealing<'p> {
    state: PlacementState<'p>,
    candidates: &'p Candidates,
    chance: Pcg64Mcg,
    thresholds: Vec<f64>,
    best: Vec<u32>,
    best_cost: f64,
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
        Self {
            // The list is too long at first: the first improvement copies the whole placement.
            touched: vec![0; found.len() + 1],
            state,
            candidates,
            chance: Pcg64Mcg::seed_from_u64(seed),
            thresholds,
            best: found.to_vec(),
            best_cost: found_cost as f64,
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

    /// One slice of evaluations at this progress (0 to 1) through the temperatures.
    pub(super) fn slice(&mut self, temperatures: &Temperatures, progress: f64) {
        self.set_prices(temperatures, progress);
        let stuck = progress >= HARD_FROM && self.state.nodes_over() > 0;
        // What is still broken late gets the mobility of the beginning until it is mended.
        let temperature = if stuck { temperatures.start } else { temperatures.at(progress) };
        let tasks = self.best.len() as u64;
        let nodes = self.state.problem.node_count() as u64;
        // High bits pick by multiplication, low bits decide: one draw serves both.
        let pick = |draw: u64, count: u64| (((draw >> 32) * count) >> 32) as u32;
        for _ in 0..SLICE_EVALUATIONS {
            let (first, second) = (self.chance.next_u64(), self.chance.next_u64());
            let limit = temperature * self.thresholds[first as usize % THRESHOLDS];
            let task = pick(first, tasks);
            if second & 0xff < SWAPS_OF_256 {
                let mut other = pick(second, tasks);
                for _ in 0..SWAP_DRAWS {
                    if self.may_swap(task, other) {
                        self.try_swap(task, other, limit);
                        break;
                    }
                    other = pick(self.chance.next_u64(), tasks);
                }
            } else if (second >> 8) & 0xff < HOMECOMINGS_OF_256 {
                self.try_shift(task, self.state.problem.initial()[task as usize], limit);
            } else {
                let list = self.candidates.list(task);
                let to = if list.is_empty() {
                    pick(second, nodes)
                } else {
                    list[pick(second, list.len() as u64) as usize]
                };
                if self.candidates.allows(task, to) {
                    self.try_shift(task, to, limit);
                }
            }
        }
        self.keep_best();
        self.evaluations += SLICE_EVALUATIONS;
    }

    fn set_prices(&mut self, temperatures: &Temperatures, progress: f64) {
        if temperatures.hard_throughout || progress >= HARD_FROM {
            self.state.adapt_penalties(1.0, PRICE_HARD, false);
        } else if progress < GROWTH_FROM {
            self.state.adapt_penalties(1.0, PRICE_START, true);
        } else {
            let passed = (progress - self.last_progress).max(0.0) / (HARD_FROM - GROWTH_FROM);
            self.state.adapt_penalties((PRICE_GROWTH * passed).exp(), PRICE_START, false);
        }
        self.last_progress = progress;
    }

    /// Could both stand where the other stands?
    #[inline]
    fn may_swap(&self, a: u32, b: u32) -> bool {
        let placement = self.state.placement();
        self.candidates.allows(a, placement[b as usize]) && self.candidates.allows(b, placement[a as usize])
    }

    #[inline]
    fn try_shift(&mut self, task: u32, to: u32, limit: f64) {
        let Some(delta) = self.state.shift_delta(task, to, limit) else { return };
        if delta.cost > 0.0 || delta.overload > 0.0 {
            self.keep_best();
        }
        self.state.shift(task, to, delta);
        self.touch(task);
    }

    #[inline]
    fn try_swap(&mut self, a: u32, b: u32, limit: f64) {
        let Some(delta) = self.state.swap_delta(a, b, limit) else { return };
        if delta.cost > 0.0 || delta.overload > 0.0 {
            self.keep_best();
        }
        self.state.swap(a, b, delta);
        self.touch(a);
        self.touch(b);
    }

    fn touch(&mut self, task: u32) {
        if self.touched.len() <= self.best.len() {
            self.touched.push(task);
        }
    }

    fn keep_best(&mut self) {
        if self.state.nodes_over() > 0 || self.state.cost_exact() >= self.best_cost {
            return;
        }
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
