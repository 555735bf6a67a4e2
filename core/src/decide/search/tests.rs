//! The engine on a problem whose optimum is known: the number of ones in a string of bits.

use std::sync::atomic::{AtomicUsize, Ordering};

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::*;

const LENGTH: usize = 48;

struct OneMax;

impl Fitness<Vec<bool>> for OneMax {
    fn judge(&self, genome: Vec<bool>, _generation: u64, _seed: u64) -> Individual<Vec<bool>> {
        let cost = genome.iter().filter(|bit| !**bit).count() as f64;
        Individual { genome, cost }
    }
}

impl Crossover<Vec<bool>> for OneMax {
    fn cross(&self, first: &Vec<bool>, second: &Vec<bool>, chance: &mut Pcg64Mcg) -> Vec<bool> {
        first.iter().zip(second).map(|(&a, &b)| if chance.random() { a } else { b }).collect()
    }
}

impl Mutation<Vec<bool>> for OneMax {
    fn mutate(&self, genome: &mut Vec<bool>, chance: &mut Pcg64Mcg) {
        let at = chance.random_range(0..genome.len());
        genome[at] = !genome[at];
    }
}

/// Ends after so many generations and keeps the best cost before and after each.
struct Watched {
    stop: Generations,
    costs: Vec<f64>,
}

impl Stop for Watched {
    fn is_over(&mut self, generation: u64, best: f64) -> bool {
        self.costs.push(best);
        self.stop.is_over(generation, best)
    }
}

fn evolve(islands: usize, threads: usize, generations: u64) -> (Individual<Vec<bool>>, Vec<f64>) {
    let operators = Operators {
        selection: &Tournament { size: 2 },
        crossover: &OneMax,
        mutation: &OneMax,
        fitness: &OneMax,
        replacement: &Elitist { size: 10 },
        migration: &Ring { every: 5 },
        children: 10,
    };
    let start = || vec![Individual { genome: vec![false; LENGTH], cost: LENGTH as f64 }];
    let islands = (0..islands as u64).map(|i| Island::new(start(), i)).collect();
    let mut stop = Watched { stop: Generations(generations), costs: Vec::new() };
    let best = run(&mut Archipelago::new(islands), &operators, threads, &mut stop);
    (best.expect("there was an individual to begin with"), stop.costs)
}

#[test]
fn the_optimum_of_a_simple_problem_is_found() {
    let (best, costs) = evolve(2, 1, 200);
    assert_eq!((best.cost, costs.len()), (0.0, 201));
    assert!(costs.windows(2).all(|pair| pair[1] <= pair[0]), "the best is never lost: {costs:?}");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let one = evolve(5, 1, 25);
    assert_eq!(one, evolve(5, 2, 25));
    assert_eq!(one, evolve(5, 8, 25));
}

#[test]
fn every_job_is_done_once_and_results_stand_in_the_order_of_the_jobs() {
    for (jobs, threads) in [(0, 4), (1, 4), (5, 1), (40, 3), (3, 0)] {
        let done: Vec<_> = (0..jobs).map(|_| AtomicUsize::new(0)).collect();
        let results = parallel::map(jobs, threads, &|job| {
            // The first jobs take longest, so that with several threads later ones end before them.
            std::hint::black_box((0..(jobs - job) * 1000).sum::<usize>());
            done[job].fetch_add(1, Ordering::Relaxed);
            format!("job {job}")
        });
        assert_eq!(results, (0..jobs).map(|job| format!("job {job}")).collect::<Vec<_>>());
        assert!(done.iter().all(|times| times.load(Ordering::Relaxed) == 1));
    }
}

#[test]
fn visitors_go_round_the_ring() {
    let island = |cost: f64| vec![Individual { genome: cost as u8, cost }];
    let (mut a, mut b, mut c) = (island(3.0), island(1.0), island(2.0));
    Ring { every: 2 }.migrate(&mut [&mut a, &mut b, &mut c], 3);
    assert_eq!(a.len(), 1, "not in this generation");
    Ring { every: 2 }.migrate(&mut [&mut a, &mut b, &mut c], 4);
    assert_eq!((a[1].genome, b[1].genome, c[1].genome), (2, 3, 1));
}

#[test]
fn of_equal_individuals_one_stays() {
    let mut population: Vec<_> =
        [(1_u8, 5.0), (2, 3.0), (1, 5.0), (3, 9.0)].map(|(genome, cost)| Individual { genome, cost }).into();
    Elitist { size: 3 }.replace(&mut population);
    assert_eq!(population.iter().map(|i| i.genome).collect::<Vec<_>>(), [2, 1, 3]);
}

#[test]
fn larger_tournaments_choose_cheaper_parents() {
    use rand::SeedableRng;
    let costs: Vec<f64> = (0..100).map(f64::from).collect();
    let mean = |size| {
        let mut chance = Pcg64Mcg::seed_from_u64(1);
        (0..1000).map(|_| Tournament { size }.select(&costs, &mut chance)).sum::<usize>() / 1000
    };
    assert!(mean(1) > 40 && mean(2) < 40 && mean(5) < 20);
}
