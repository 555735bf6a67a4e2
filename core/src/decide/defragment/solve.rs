//! The optimiser: islands of plans that evolve, then a polish, until the budget is spent. A plan is a sequence of chains; a
//! child takes what it can of one parent, completes it from the other, and is improved by local search. Anytime: a
//! sequence of allowed steps is known from the start and only gets better. Time, chance and the wish to stop
//! come in as arguments; every loop asks for them.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::build::Chain;
use super::descent::Descent;
use super::finish::Finished;
use super::problem::{DefragmentProblem, Lens};
use super::singles::Singles;
use super::waves::WaveLimits;
use super::{Defragmentation, Over};
use crate::decide::search::{
    Archipelago, Crossover, Elitist, Fitness, Generations, Individual, Island, Method, Mutation, Operators,
    Ring, Tournament, parallel, run,
};

/// When to end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effort {
    /// After so many seconds by the caller's clock.
    Seconds(f64),
    /// After so many rounds of local search, of all islands together. The result then depends on the options
    /// alone, not on threads or time.
    Rounds(u64),
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DefragmentOptions {
    /// Seed of all chance.
    pub seed: u64,
    /// Threads to use.
    pub threads: usize,
    /// Populations that evolve side by side; at least as many as threads to make use of them.
    pub islands: usize,
    /// When to end.
    pub effort: Effort,
    /// Most migrations; a task that is moved twice counts twice.
    pub moves_max: usize,
    /// Which halves of the search take part.
    pub method: Method,
    /// What a wave of the plan may disturb.
    pub waves: WaveLimits,
}

impl DefragmentOptions {
    /// Rounds of one island between two shares of the budget; without end where time is the limit.
    fn rounds(&self, from: f64, to: f64) -> u64 {
        match self.effort {
            Effort::Rounds(limit) => (limit as f64 / self.islands.max(1) as f64 * (to - from)).ceil() as u64,
            Effort::Seconds(_) => u64::MAX,
        }
    }
}

/// What the search needs of the world around it.
pub struct DefragmentSurroundings<'a> {
    /// Seconds since the search began.
    pub seconds: &'a (dyn Fn() -> f64 + Sync),
    /// True when the search should end with what it has.
    pub stopped: &'a (dyn Fn() -> bool + Sync),
    /// Told the objective and the moves of each draft that a round leaves behind.
    pub progress: &'a (dyn Fn(f64, usize) + Sync),
}

/// Individuals of an island.
const POPULATION: usize = 3;
/// Share of the budget after which the best plan is polished: what it places is looked for with fewer moves.
const EVOLUTION_END: f64 = 0.85;

/// Share of the budget after which no further moves are taken one at a time.
const SINGLES_END: f64 = 0.25;

/// Searches for a plan and gives the best found: ordered steps, each allowed at its turn.
pub fn defragment(
    problem: &DefragmentProblem<'_>,
    options: &DefragmentOptions,
    surroundings: &DefragmentSurroundings<'_>,
) -> Defragmentation {
    let singles = singles(problem, options, surroundings);
    let chains = search(problem, options, surroundings, &singles).chains;
    Defragmentation::of(problem, &chains, options.waves)
}

/// Moves taken one at a time, in the first part of the time.
pub(super) fn singles(
    problem: &DefragmentProblem<'_>,
    options: &DefragmentOptions,
    surroundings: &DefragmentSurroundings<'_>,
) -> Singles {
    Singles::taken(problem, options.moves_max, &|| {
        let late = match options.effort {
            Effort::Seconds(limit) => (surroundings.seconds)() >= limit * SINGLES_END,
            Effort::Rounds(_) => false,
        };
        late || (surroundings.stopped)()
    })
}

/// The three parts of a search: a plan that is known soon, evolution, and polish.
pub(super) fn search(
    problem: &DefragmentProblem<'_>,
    options: &DefragmentOptions,
    surroundings: &DefragmentSurroundings<'_>,
    singles: &Singles,
) -> Finished {
    let spent = |share: f64| match options.effort {
        Effort::Seconds(limit) => (surroundings.seconds)() >= limit * share,
        Effort::Rounds(_) => false,
    };
    let over = || spent(1.0) || (surroundings.stopped)();
    let mut first = Finished::built(problem, options.moves_max, &over);
    let single = singles.within(options.moves_max);
    if single.cost < first.cost {
        first = Finished::pruned(problem, &single.chains, &over);
    }
    (surroundings.progress)(first.cost, first.moves);
    if over() {
        return first;
    }
    let evolved =
        evolve(problem, options, surroundings, &|| spent(EVOLUTION_END) || (surroundings.stopped)());
    let evolved = Finished::completed(problem, &evolved, options.moves_max, &over);
    let best = if evolved.cost < first.cost { evolved } else { first };
    let rounds = options.rounds(EVOLUTION_END, 1.0);
    let polished = parallel::map(options.islands.max(1), options.threads, &|island| {
        if over() {
            return best.clone();
        }
        let seed = options.seed ^ (island as u64 + 1) << 32;
        let mut descent = Descent::new(problem, Lens::Sparing, (options.moves_max, seed), &over);
        descent.take_over(&best.chains);
        let mut round = 0;
        while !over() && round < rounds {
            descent.round();
            round += 1;
            (surroundings.progress)(descent.draft.cost(), descent.draft.moves());
        }
        Finished::completed(problem, &descent.chains, options.moves_max, &over)
    });
    polished.into_iter().fold(best, |best, next| if next.cost < best.cost { next } else { best })
}

/// The chains of the best plan that evolution finds.
fn evolve(
    problem: &DefragmentProblem<'_>,
    options: &DefragmentOptions,
    surroundings: &DefragmentSurroundings<'_>,
    over: Over<'_>,
) -> Vec<Chain> {
    let ends = generation_ends(options.method);
    let fitness = SearchedCost { problem, options, surroundings, ends: &ends, over };
    let operators = Operators {
        selection: &Tournament { size: 2 },
        crossover: &SequenceCrossover,
        mutation: &DropSome { method: options.method },
        fitness: &fitness,
        replacement: &Elitist { size: POPULATION },
        migration: &Ring { every: 1 },
        children: 1,
    };
    let start = || vec![Individual { genome: Vec::new(), cost: f64::INFINITY }];
    let islands = options.islands.max(1) as u64;
    let seeds = (0..islands).map(|i| options.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i);
    let islands = seeds.map(|seed| Island::new(start(), seed)).collect();
    let mut stop = Generations(ends.len() as u64);
    let best = run(&mut Archipelago::new(islands), &operators, options.threads, &mut stop);
    best.map_or_else(Vec::new, |best| best.genome)
}

/// Generations of evolution alone.
const EVOLUTION_GENERATIONS: u32 = 60;

/// The generations as shares of the budget at which they end: a long search on each island, then children.
fn generation_ends(method: Method) -> Vec<f64> {
    let shares: Vec<f64> = match method {
        Method::Hybrid => vec![0.7, 0.8, 0.9, 1.0],
        Method::LocalSearch => vec![1.0],
        Method::Evolution => {
            (1..=EVOLUTION_GENERATIONS).map(|g| f64::from(g) / f64::from(EVOLUTION_GENERATIONS)).collect()
        }
    };
    shares.into_iter().map(|share| share * EVOLUTION_END).collect()
}

/// Most chains that evolution alone takes out of a child, as a share of all.
const DROPPED_SHARE: usize = 10;

/// The local search changes children enough; without it, a child loses a stretch of chains and is completed anew.
struct DropSome {
    method: Method,
}

impl Mutation<Vec<Chain>> for DropSome {
    fn mutate(&self, genome: &mut Vec<Chain>, chance: &mut Pcg64Mcg) {
        if self.method == Method::Evolution && !genome.is_empty() {
            let count = chance.random_range(1..=1 + genome.len() / DROPPED_SHARE).min(genome.len());
            let at = chance.random_range(0..=genome.len() - count);
            genome.drain(at..at + count);
        }
    }
}

/// The first part of one parent, then all of the other that is still possible after it, then the rest.
struct SequenceCrossover;

impl Crossover<Vec<Chain>> for SequenceCrossover {
    fn cross(&self, first: &Vec<Chain>, second: &Vec<Chain>, chance: &mut Pcg64Mcg) -> Vec<Chain> {
        if first == second {
            return first.clone();
        }
        let (head, tail) = first.split_at(chance.random_range(0..=first.len()));
        head.iter().chain(second).chain(tail).cloned().collect()
    }
}

/// A plan is worth what is left of it without moves that nothing needs, after local search has made the best of it.
struct SearchedCost<'a> {
    problem: &'a DefragmentProblem<'a>,
    options: &'a DefragmentOptions,
    surroundings: &'a DefragmentSurroundings<'a>,
    ends: &'a [f64],
    /// True once the time for evolution is over, or all.
    over: Over<'a>,
}

impl SearchedCost<'_> {
    fn is_over(&self, generation: usize, rounds: u64) -> bool {
        let to = self.ends[generation];
        let from = if generation == 0 { 0.0 } else { self.ends[generation - 1] };
        let spent = match self.options.effort {
            Effort::Seconds(limit) => (self.surroundings.seconds)() >= limit * to,
            Effort::Rounds(_) => rounds >= self.options.rounds(from, to),
        };
        spent || (self.over)()
    }
}

impl Fitness<Vec<Chain>> for SearchedCost<'_> {
    fn judge(&self, genome: Vec<Chain>, generation: u64, seed: u64) -> Individual<Vec<Chain>> {
        let generation = generation as usize;
        if (self.over)() {
            return Individual { cost: f64::INFINITY, genome };
        }
        let limits = (self.options.moves_max, seed);
        let mut descent = Descent::new(self.problem, Lens::Guided, limits, self.over);
        descent.take_over(&genome);
        if genome.is_empty() || self.options.method == Method::Evolution {
            descent.build();
        }
        let mut rounds = 0;
        while self.options.method != Method::Evolution && !self.is_over(generation, rounds) {
            descent.round();
            rounds += 1;
            (self.surroundings.progress)(descent.draft.cost(), descent.draft.moves());
        }
        if self.options.method == Method::Evolution {
            (self.surroundings.progress)(descent.draft.cost(), descent.draft.moves());
        }
        let cost = Finished::pruned(self.problem, &descent.chains, self.over).cost;
        Individual { cost, genome: descent.chains }
    }
}
