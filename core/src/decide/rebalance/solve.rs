//! The optimiser: islands of plans that evolve by grouping crossover and annealing until the budget is spent.
//! Anytime: a placement that keeps every rule is known from the start and only gets cheaper. Time, chance and
//! the wish to stop come in as arguments.

use super::anneal::{Annealing, SLICE_EVALUATIONS};
use super::candidates::Candidates;
use super::crossover::{GroupingCrossover, ShiftMutation};
use super::generations::generation_ends;
use super::schedule::Schedule;
use super::{Board, Method, PlacementState, RebalanceProblem};
use crate::decide::search::{
    Archipelago, Elitist, Fitness, Generations, Individual, Island, Operators, Ring, Tournament, parallel,
    run,
};

/// When to end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// After so many seconds by the caller's clock.
    Seconds(f64),
    /// After about so many evaluated moves, of all islands together. The result then depends on the options
    /// alone, not on threads or time.
    Evaluations(u64),
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RebalanceOptions {
    /// Seed of all chance.
    pub seed: u64,
    /// Threads to use.
    pub threads: usize,
    /// Populations that evolve side by side; at least as many as threads to make use of them.
    pub islands: usize,
    /// When to end.
    pub budget: Budget,
    /// Most tasks that may be moved.
    pub moves_max: Option<usize>,
    /// What takes part in the search.
    pub method: Method,
}

/// True when work should end with what it has.
pub type Stopped<'a> = &'a (dyn Fn() -> bool + Sync);

/// What the search needs of the world around it.
pub struct Surroundings<'a> {
    /// Seconds since the search began.
    pub seconds: &'a (dyn Fn() -> f64 + Sync),
    /// True when the search should end with what it has.
    pub stopped: Stopped<'a>,
    /// Where it shows what it has found.
    pub board: &'a Board,
}

/// Individuals of an island.
const POPULATION: usize = 6;
/// Shifts by which a child is mutated.
const MUTATION_SHIFTS: usize = 3;
/// Parts of the budget, the last ones, in which the best plan is polished.
const POLISHINGS: usize = 2;
/// Rounds of the rest of the budget in which moves are spared, once nothing else is left to gain.
const SPARING_ROUNDS: usize = 12;
/// Share of the way to the lower bound after which nothing but the cost of moves is left to gain.
const GAIN_COMPLETE: f64 = 0.9999;
/// How moves are spared; islands and rounds take these in turn.
const SPARINGS: [Sparing; 4] = [
    Sparing { start: 0.1, emphasis: 2.0, capped: true, anew: false },
    Sparing { start: 0.01, emphasis: 5.0, capped: false, anew: false },
    Sparing { start: 0.01, emphasis: 2.0, capped: true, anew: true },
    Sparing { start: 0.1, emphasis: 5.0, capped: false, anew: false },
];
/// Evaluations for each task from which an annealing gains less from more of them than from another try: where its
/// largest tasks end up is decided early and by chance.
const EVALUATIONS_PER_TASK_ENOUGH: f64 = 1.6e6;
/// Most long annealings of an island.
const TRIES_MAX: usize = 100;
/// With fewer evaluations than this for each task, an annealing that forgets where it began would not end
/// better than where it began.
const EVALUATIONS_PER_TASK_MIN: f64 = 500.0;

/// Searches for a cheaper placement and gives the best found: a node for each task, every rule kept.
pub fn rebalance(
    problem: &RebalanceProblem,
    options: &RebalanceOptions,
    surroundings: &Surroundings<'_>,
) -> Vec<u32> {
    let moves_max = moves_limit(options.moves_max);
    let initial_cost = problem.cost(problem.initial()).total();
    let candidates = Candidates::new(problem);
    let mut fitness = AnnealedCost {
        problem,
        candidates: &candidates,
        islands: options.islands.max(1),
        method: options.method,
        tries: 1,
        generation_ends: generation_ends(options.method, 1),
        budget: options.budget,
        moves_max,
        initial_cost,
        surroundings,
    };
    let start = || vec![Individual { genome: problem.initial().to_vec(), cost: initial_cost as f64 }];
    let seeds = (0..fitness.islands as u64).map(|i| options.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i);
    let islands = seeds.map(|seed| Island::new(start(), seed)).collect();
    let mut archipelago = Archipelago::new(islands);
    let mut evolve = |fitness: &AnnealedCost<'_>, until: usize| {
        let operators = Operators {
            selection: &Tournament { size: 2 },
            crossover: &GroupingCrossover { problem, moves_max },
            mutation: &ShiftMutation { problem, moves_max, shifts: MUTATION_SHIFTS },
            fitness,
            replacement: &Elitist { size: POPULATION },
            migration: &Ring { every: 1 },
            children: 1,
        };
        let mut stop = Generations(until as u64);
        let best = run(&mut archipelago, &operators, options.threads, &mut stop);
        best.unwrap_or_else(|| start().remove(0))
    };
    let mut done = fitness.sketches();
    let mut best = evolve(&fitness, done);
    fitness.plan_tries();
    while done < fitness.generation_ends.len() - POLISHINGS && !fitness.only_moves_left(&best.genome) {
        done += 1;
        best = evolve(&fitness, done);
    }
    let rounds = if fitness.only_moves_left(&best.genome) { SPARING_ROUNDS } else { POLISHINGS };
    let from = fitness.generation_ends[done - 1];
    let end = |round: usize| from + (1.0 - from) * round as f64 / rounds as f64;
    for round in 0..rounds {
        best = fitness.polish(&best, round, (end(round), end(round + 1)), options);
    }
    best.genome
}

/// A search as a part of other work: it has a budget of evaluations and no clock, and nobody looks on.
pub(super) fn rebalance_unseen(
    problem: &RebalanceProblem,
    options: &RebalanceOptions,
    stopped: Stopped<'_>,
) -> Vec<u32> {
    debug_assert!(matches!(options.budget, Budget::Evaluations(_)), "without a clock no time passes");
    let board = Board::new(problem.cost(problem.initial()).total());
    rebalance(problem, options, &Surroundings { seconds: &|| 0.0, stopped, board: &board })
}

/// The limit on moves as placement states count it.
pub(super) fn moves_limit(moves_max: Option<usize>) -> u32 {
    moves_max.map_or(u32::MAX, |m| u32::try_from(m).unwrap_or(u32::MAX))
}

/// A way to look for a plan about as good with fewer moves.
#[derive(Debug, Clone, Copy)]
struct Sparing {
    /// Temperature at the beginning, in task units.
    start: f64,
    /// What a mean move of the plan counts, in temperatures.
    emphasis: f64,
    /// May no more tasks be moved than the plan moves? Then a move counts less and still none is added: the
    /// search goes through placements that cost more, but not through more moves.
    capped: bool,
    /// Does it begin at the running placement instead of the plan? Under the limit, only moves that gain most
    /// are made then, which may be others than the plan's.
    anew: bool,
}

/// A plan is worth what annealing makes of it.
struct AnnealedCost<'a> {
    problem: &'a RebalanceProblem,
    candidates: &'a Candidates,
    islands: usize,
    method: Method,
    /// Long annealings of each island, one after the other.
    tries: usize,
    generation_ends: Vec<f64>,
    budget: Budget,
    moves_max: u32,
    initial_cost: u64,
    surroundings: &'a Surroundings<'a>,
}

impl AnnealedCost<'_> {
    /// A part of the budget in which the best plan is polished on all islands, each with its own chance.
    fn polish(
        &self,
        best: &Individual<Vec<u32>>,
        round: usize,
        part: (f64, f64),
        options: &RebalanceOptions,
    ) -> Individual<Vec<u32>> {
        let plan = best.genome.as_slice();
        let only_moves_left = self.only_moves_left(plan);
        let polished = |island: usize| {
            let sparing = only_moves_left.then(|| SPARINGS[(island + round) % SPARINGS.len()]);
            let schedule = sparing.map_or_else(
                || Schedule::polish(self.problem, plan),
                |s| Schedule::sparing(self.problem, plan, s.start, s.emphasis),
            );
            let moves_max = match sparing {
                Some(Sparing { capped: true, .. }) => moves_limit(Some(self.problem.moved_count(plan))),
                _ => self.moves_max,
            };
            let from = if sparing.is_some_and(|s| s.anew) { self.problem.initial() } else { plan };
            let state = PlacementState::with_overload(self.problem, from, moves_max);
            let seed = options.seed ^ ((round + 2) * self.islands + island) as u64;
            let annealing = Annealing::new(state, self.candidates, plan, best.cost as u64, seed);
            self.anneal(annealing, &schedule, part)
        };
        let results = parallel::map(self.islands, options.threads, &polished);
        results.into_iter().fold(best.clone(), |best, next| if next.cost < best.cost { next } else { best })
    }

    /// Runs the annealing through its generation's part of the budget.
    fn anneal(
        &self,
        mut annealing: Annealing<'_>,
        schedule: &Schedule,
        (from, to): (f64, f64),
    ) -> Individual<Vec<u32>> {
        loop {
            let progress = self.progress(from, to, annealing.evaluations());
            if progress >= 1.0 || (self.surroundings.stopped)() {
                break;
            }
            annealing.slice(schedule, progress.max(0.0));
            let (best, cost) = annealing.best();
            let moves = || self.problem.moved_count(best) as u64;
            let evaluations = annealing.slice_evaluations();
            self.surroundings.board.report((self.surroundings.seconds)(), evaluations, cost, moves);
        }
        let (best, cost) = annealing.best();
        Individual { genome: best.to_vec(), cost: cost as f64 }
    }

    /// The generation's part of the budget, as shares at which it begins and ends.
    fn part(&self, generation: usize) -> (f64, f64) {
        let from = if generation == 0 { 0.0 } else { self.generation_ends[generation - 1] };
        (from, self.generation_ends[generation])
    }

    /// About how many evaluations an island has for each task in the generation.
    fn evaluations_per_task(&self, generation: usize) -> f64 {
        let (from, to) = self.part(generation);
        let evaluations = match self.budget {
            Budget::Seconds(limit) => {
                let rate = self.surroundings.board.evaluations() as f64 / (self.surroundings.seconds)();
                rate * limit * (to - from)
            }
            Budget::Evaluations(limit) => limit as f64 * (to - from),
        };
        evaluations / (self.islands * self.problem.task_count()) as f64
    }

    /// Makes several annealings of the long one if there is time for them. It is known how fast the search is by then.
    fn plan_tries(&mut self) {
        let tries = self.evaluations_per_task(2) / EVALUATIONS_PER_TASK_ENOUGH;
        self.tries = (tries as usize).clamp(1, TRIES_MAX);
        self.generation_ends = generation_ends(self.method, self.tries);
    }

    /// Generations after which a plan is looked at for the first time: all but the polishing of an evolution
    /// alone, else the descent and the short annealing.
    fn sketches(&self) -> usize {
        if self.method == Method::Evolution { self.generation_ends.len() - POLISHINGS } else { 2 }
    }

    fn schedule(&self, generation: usize) -> Schedule {
        match generation {
            0 => Schedule::cold(self.problem),
            _ if self.method == Method::Evolution => Schedule::cold(self.problem),
            // What the first annealing has no time for, the shorter ones that follow have not either.
            1.. if self.evaluations_per_task(generation.min(2)) < EVALUATIONS_PER_TASK_MIN => {
                Schedule::brief(self.problem)
            }
            _ if generation < 2 + self.tries => Schedule::hot(self.problem),
            _ => Schedule::warm(self.problem),
        }
    }

    /// Is what the plan costs above the bound mostly the cost of its moves, or next to nothing?
    fn only_moves_left(&self, plan: &[u32]) -> bool {
        let terms = self.problem.cost(plan);
        let above = |cost: u64| cost.saturating_sub(self.problem.lower_bound()) as f64;
        let left = above(terms.total());
        left <= 2.0 * terms.moves() as f64 || left <= (1.0 - GAIN_COMPLETE) * above(self.initial_cost)
    }

    /// How far an annealing with so many evaluations has got through its part of the budget; 1 is the end.
    fn progress(&self, from: f64, to: f64, evaluations: u64) -> f64 {
        match self.budget {
            Budget::Seconds(limit) => {
                ((self.surroundings.seconds)() - from * limit) / ((to - from) * limit).max(f64::MIN_POSITIVE)
            }
            Budget::Evaluations(limit) => {
                let quota = limit as f64 / self.islands as f64 * (to - from);
                evaluations as f64 / quota.max(SLICE_EVALUATIONS as f64)
            }
        }
    }
}

impl Fitness<Vec<u32>> for AnnealedCost<'_> {
    fn judge(&self, genome: Vec<u32>, generation: u64, seed: u64) -> Individual<Vec<u32>> {
        let generation = generation as usize;
        let initial = self.problem.initial();
        // The first descent starts where every rule holds, so that its first step down is a result; a child of
        // it has been mutated and may have to be repaired first.
        let genome = if generation == 0 { initial.to_vec() } else { genome };
        let state = PlacementState::with_overload(self.problem, &genome, self.moves_max);
        let annealing = if state.nodes_over() == 0 {
            let cost = state.cost();
            Annealing::new(state, self.candidates, &genome, cost, seed)
        } else {
            Annealing::new(state, self.candidates, initial, self.initial_cost, seed)
        };
        self.anneal(annealing, &self.schedule(generation), self.part(generation))
    }
}
