//! The optimiser: islands of plans that evolve until the budget is spent. A plan is a sequence of chains; a child
//! takes what it can of one parent, completes it from the other, and is improved by local search. Anytime: a
//! sequence of allowed steps is known from the start and only gets better. Time, chance and the wish to stop
//! come in as arguments.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::DefragmentPlan;
use super::build::Chain;
use super::descent::Descent;
use super::problem::DefragmentProblem;
use crate::decide::search::{
    Archipelago, Crossover, Elitist, Fitness, Generations, Individual, Island, Mutation, Observer, Operators,
    Ring, Tournament, run,
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

/// The generations as shares of the budget at which they end: a long search on each island, then children.
const GENERATION_ENDS: [f64; 5] = [0.6, 0.7, 0.8, 0.9, 1.0];
/// Individuals of an island.
const POPULATION: usize = 3;

/// Searches for a plan and gives the best found: ordered steps, each allowed at its turn.
pub fn defragment(
    problem: &DefragmentProblem<'_>,
    options: &DefragmentOptions,
    surroundings: &DefragmentSurroundings<'_>,
) -> DefragmentPlan {
    let fitness = SearchedCost { problem, options, surroundings };
    let operators = Operators {
        selection: &Tournament { size: 2 },
        crossover: &SequenceCrossover,
        mutation: &Unchanged,
        fitness: &fitness,
        replacement: &Elitist { size: POPULATION },
        migration: &Ring { every: 1 },
        children: 1,
    };
    let start = || vec![Individual { genome: Vec::new(), cost: f64::INFINITY }];
    let islands = options.islands.max(1) as u64;
    let seeds = (0..islands).map(|i| options.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i);
    let islands = seeds.map(|seed| Island::new(start(), seed)).collect();
    let mut stop = Generations(GENERATION_ENDS.len() as u64);
    let best = run(&mut Archipelago::new(islands), &operators, options.threads, &mut stop, &mut Unobserved);
    let mut last = Descent::new(problem, options.moves_max, 0);
    last.take_over(&best.map_or_else(Vec::new, |b| b.genome));
    DefragmentPlan::of(last)
}

struct Unobserved;

impl Observer<Vec<Chain>> for Unobserved {
    fn generation(&mut self, _number: u64, _best: &Individual<Vec<Chain>>) {}
}

/// The local search changes children enough.
struct Unchanged;

impl Mutation<Vec<Chain>> for Unchanged {
    fn mutate(&self, _genome: &mut Vec<Chain>, _chance: &mut Pcg64Mcg) {}
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

/// A plan is worth what local search makes of it.
struct SearchedCost<'a> {
    problem: &'a DefragmentProblem<'a>,
    options: &'a DefragmentOptions,
    surroundings: &'a DefragmentSurroundings<'a>,
}

impl SearchedCost<'_> {
    fn is_over(&self, generation: usize, rounds: u64) -> bool {
        let to = GENERATION_ENDS[generation];
        let from = if generation == 0 { 0.0 } else { GENERATION_ENDS[generation - 1] };
        let spent = match self.options.effort {
            Effort::Seconds(limit) => (self.surroundings.seconds)() >= limit * to,
            Effort::Rounds(limit) => {
                rounds as f64 >= (limit as f64 / self.options.islands.max(1) as f64 * (to - from)).ceil()
            }
        };
        spent || (self.surroundings.stopped)()
    }
}

impl Fitness<Vec<Chain>> for SearchedCost<'_> {
    fn judge(&self, genome: Vec<Chain>, generation: u64, seed: u64) -> Individual<Vec<Chain>> {
        let generation = generation as usize;
        let mut descent = Descent::new(self.problem, self.options.moves_max, seed);
        if genome.is_empty() {
            descent.build();
        } else {
            descent.take_over(&genome);
        }
        let mut rounds = 0;
        while !self.is_over(generation, rounds) {
            descent.round();
            rounds += 1;
            (self.surroundings.progress)(descent.draft.cost(), descent.draft.moves());
        }
        Individual { cost: descent.draft.cost(), genome: descent.chains }
    }
}
