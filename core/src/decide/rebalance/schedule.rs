//! How temperature and the price of broken rules go with an annealing's progress. Cooling is slow and
//! capacities stay soft almost to the end, since large tasks pass each other only through placements that
//! break some; prices grow where that lasts. Where neighbourhoods are small, spread and dependencies are soft, too.
//! S. Kirkpatrick et al., "Optimization by simulated annealing", Science 220, 1983; growing prices of broken rules as in Z. Wu and B. W. Wah, "Discrete Lagrange-multiplier
//! method", IJCAI 1999.

use super::{PlacementState, RebalanceProblem, RebalanceTask};

/// Progress at which prices begin to grow.
const GROWTH_FROM: f64 = 0.3;
/// Progress from which no capacity may be exceeded anew.
const HARD_FROM: f64 = 0.95;
/// Progress from which what is still broken gets the mobility of the beginning.
const RESCUE_FROM: f64 = 0.975;
/// Prices at the beginning, as a multiple of the load weights.
const PRICE_START: f64 = 3.0;
/// Prices when capacities are hard, likewise.
const PRICE_HARD: f64 = 1e5;
/// Prices grow by this power of e from [`GROWTH_FROM`] to [`HARD_FROM`] where capacities stay broken.
const PRICE_GROWTH: f64 = 15.0;
/// From [`HARD_FROM`] on they grow by this factor with every slice.
const PRICE_GROWTH_LATE: f64 = 1.05;
/// What a mean move of the plan counts in the polishing, in temperatures.
const POLISH_EMPHASIS: f64 = 5.0;
/// Price of a missing location or service at the beginning, in task units.
const RULE_PRICE_START: f64 = 0.3;
/// Up to so many nodes in a mean neighbourhood, services that depend on each other hardly move one at a time.
const NEIGHBOURHOOD_NODES_MAX: usize = 4;

/// Temperatures of one annealing, in units of cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Schedule {
    start: f64,
    /// When prices begin to grow.
    growth: f64,
    /// When capacities become hard.
    hard: f64,
    end: f64,
    /// Is no capacity exceeded at any time?
    hard_throughout: bool,
    /// Is only what costs less accepted, or what costs hardly more?
    descent: bool,
    /// What moves count beyond their cost, as a multiple of it, for each unit of temperature; 0 when they only
    /// count what they cost.
    emphasis: f64,
    /// Least price of a missing location or of a missing service that another depends on; infinite where
    /// these rules hold throughout.
    rule_price: f64,
}

impl Schedule {
    /// Of an annealing that forgets where it began.
    pub(super) fn hot(problem: &RebalanceProblem) -> Self {
        let unit = problem.task_unit();
        let temperatures =
            Self { start: 0.4 * unit, growth: 0.1 * unit, hard: 0.001 * unit, ..Self::cold(problem) };
        Self { hard_throughout: false, descent: false, ..temperatures }
    }

    /// Of one that rearranges a part and keeps the rest.
    pub(super) fn warm(problem: &RebalanceProblem) -> Self {
        let unit = problem.task_unit();
        Self { start: 0.01 * unit, growth: 0.004 * unit, hard: 0.001 * unit, ..Self::hot(problem) }
    }

    /// Of one that has too little time to leave where it began.
    pub(super) fn brief(problem: &RebalanceProblem) -> Self {
        let unit = problem.task_unit();
        let temperatures = Self { start: 0.003 * unit, growth: 0.001 * unit, ..Self::cold(problem) };
        Self { hard: temperatures.end.max(1e-5 * unit), ..temperatures }
    }

    /// Of one that spares moves and small costs, and keeps what `plan` has reached otherwise.
    pub(super) fn polish(problem: &RebalanceProblem, plan: &[u32]) -> Self {
        Self { descent: true, ..Self::sparing(problem, plan, 0.001, POLISH_EMPHASIS) }
    }

    /// Of one that looks for a placement about as good as `plan`, but nearer to the running one.
    /// It goes from `start`, in task units, down to the cost of a cheap move; a mean move of the plan counts
    /// `emphasis` temperatures.
    pub(super) fn sparing(problem: &RebalanceProblem, plan: &[u32], start: f64, emphasis: f64) -> Self {
        let cold = Self::cold(problem);
        let start = (start * problem.task_unit()).max(cold.end);
        let between = |share: f64| geometric(start, cold.end, share);
        let moved = problem.moved_count(plan).max(1) as f64;
        let move_mean = (problem.cost(plan).moves() as f64 / moved).max(1.0);
        Self {
            start,
            growth: between(GROWTH_FROM),
            hard: between(HARD_FROM),
            descent: false,
            emphasis: emphasis / move_mean,
            ..cold
        }
    }

    /// Of a plain descent.
    pub(super) fn cold(problem: &RebalanceProblem) -> Self {
        let end = 0.1 * problem.task_move_unit();
        Self {
            start: end,
            growth: end,
            hard: end,
            end,
            hard_throughout: true,
            descent: true,
            emphasis: 0.0,
            rule_price: problem.rule_price_start(),
        }
    }

    /// What moves count beyond their cost at this temperature, as a multiple of it. Where moves are cheap, a
    /// temperature that can pass between placements of equal load would let tasks stray for nothing; as long
    /// as it is above the cost of a move, moves count as if they cost that much more.
    pub(super) fn emphasis(&self, temperature: f64) -> f64 {
        (self.emphasis * temperature - 1.0).max(0.0)
    }

    /// Is only what costs less accepted, or what costs hardly more?
    pub(super) fn is_descent(&self) -> bool {
        self.descent
    }

    /// Temperature at this progress (0 to 1); `stuck` when capacities are broken and none of the placements
    /// so far was worth keeping.
    pub(super) fn temperature(&self, progress: f64, stuck: bool) -> f64 {
        if progress < GROWTH_FROM {
            geometric(self.start, self.growth, progress / GROWTH_FROM)
        } else if progress < HARD_FROM {
            geometric(self.growth, self.hard, (progress - GROWTH_FROM) / (HARD_FROM - GROWTH_FROM))
        } else if !stuck || self.hard_throughout {
            geometric(self.hard, self.end, (progress - HARD_FROM) / (1.0 - HARD_FROM))
        } else if progress < RESCUE_FROM {
            self.growth.min(5.0 * self.hard)
        } else {
            self.start
        }
    }

    /// Brings the prices of broken capacities to this progress; `last` is the progress before, `stuck` as in
    /// [`temperature`](Self::temperature).
    pub(super) fn set_prices(&self, progress: f64, last: f64, stuck: bool, state: &mut PlacementState<'_>) {
        let rescued = progress >= RESCUE_FROM || !stuck;
        if self.hard_throughout || (progress >= HARD_FROM && rescued) {
            state.adapt_penalties(1.0, PRICE_HARD, false);
            state.set_rule_price(if self.hard_throughout {
                f64::INFINITY
            } else {
                PRICE_HARD * self.rule_price
            });
        } else if progress >= HARD_FROM {
            state.adapt_penalties(PRICE_GROWTH_LATE, PRICE_START, false);
            state.grow_rule_price(PRICE_GROWTH_LATE, self.rule_price);
        } else if progress >= GROWTH_FROM {
            let passed = (progress - last).max(0.0) / (HARD_FROM - GROWTH_FROM);
            state.adapt_penalties((PRICE_GROWTH * passed).exp(), PRICE_START, false);
            state.grow_rule_price((PRICE_GROWTH * passed).exp(), self.rule_price);
        } else {
            state.adapt_penalties(1.0, PRICE_START, true);
            state.set_rule_price(self.rule_price);
        }
    }
}

fn geometric(from: f64, to: f64, share: f64) -> f64 {
    from * (to / from).powf(share.clamp(0.0, 1.0))
}

impl RebalanceProblem {
    /// Price of a missing location or service at the beginning; infinite where neighbourhoods have so many nodes
    /// that these rules are no hindrance.
    fn rule_price_start(&self) -> f64 {
        if self.dependency_rows > 0 && self.nodes <= NEIGHBOURHOOD_NODES_MAX * self.neighbourhoods {
            RULE_PRICE_START * self.task_unit()
        } else {
            f64::INFINITY
        }
    }

    /// Load cost of a mean task if all of it were above the safety capacity; at least 1.
    fn task_unit(&self) -> f64 {
        let parts = self.parts();
        let sum: f64 = parts.tasks.iter().map(|task| self.load_size(task)).sum();
        (sum / parts.tasks.len() as f64).max(1.0)
    }

    /// Load cost of the task if all of it were above the safety capacity.
    pub(super) fn load_size(&self, task: &RebalanceTask) -> f64 {
        let rules = &self.parts().resources;
        task.need.iter().zip(rules).map(|(&need, rule)| need as f64 * rule.load_weight as f64).sum()
    }

    /// Cost of moving a mean task to a node that costs nothing more; at least 1.
    fn task_move_unit(&self) -> f64 {
        (self.task_move_cost.iter().sum::<f64>() / self.task_count() as f64).max(1.0)
    }
}
