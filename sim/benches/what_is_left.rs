//! What moves on a cluster where nothing waits are good for: the openb clusters are filled, a share of the tasks leaves, a plan moves at
//! most so many of the others by what it takes for the worth of free capacity, and then new tasks come until all devices have been
//! asked for. What is allocated then, against no plan on the same clusters and arrivals.
//!
//! Run by `cargo xtask bench what_is_left [--rounds 200] [--seeds 5] [--leave-percent 25] [--moves-percent 5]
//! [--traces default,gpuspec33,..] [--policies fgd,best-fit]`; needs LEPTON_DATA. It does not depend on the machine.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

#[path = "../tests/common/published.rs"]
#[expect(dead_code, reason = "only the traces are read here")]
mod published;

use lepton_core::decide::defragment::{
    DefragmentOptions, DefragmentProblem, DefragmentSurroundings, Effort, Objective, WaveLimits, defragment,
};
use lepton_core::decide::placement::Placer;
use lepton_core::decide::placement_policies::{PlacementContext, placement_policy};
use lepton_core::decide::policy::PlacementModel;
use lepton_core::decide::search::Method;
use lepton_core::model::{Cluster, Moving, NodeId, Task, TaskId, invariants, replay};
use lepton_sim::experiment::{StudyOptions, fill_cluster, paired, spread};
use lepton_sim::workload::PlacementWorkload;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// First of the seeds of the published sequences.
const FIRST_SEED: u64 = 42;
/// Sequences of arrivals that follow each plan.
const SEQUENCES: u64 = 3;

/// What free capacity is judged by: a name, the weights of fragmentation and of worth, and whether by the learned model.
const JUDGES: [(&str, f64, f64); 3] = [
    ("fragmentation, weight 2", 2.0, 0.0),
    ("fragmentation, weight 4", 4.0, 0.0),
    ("learned worth, weight 2", 0.0, 2.0),
];

struct Arguments {
    rounds: u64,
    seeds: u64,
    leave_percent: f64,
    moves_percent: f64,
    traces: Vec<String>,
    policies: Vec<String>,
}

fn main() {
    let arguments = arguments();
    let Some(folder) = published::folder() else { std::process::exit(1) };
    println!("| trace | filled by | judged by | moves | allocated then, % | against no plan [95%] |");
    println!("|---|---|---|---|---|---|");
    for trace in &arguments.traces {
        let workload = published::load(&folder, trace);
        for policy in &arguments.policies {
            let seeds = FIRST_SEED..FIRST_SEED + arguments.seeds;
            let clusters: Vec<Cluster> =
                seeds.map(|seed| thinned(&workload, policy, seed, arguments.leave_percent)).collect();
            let without: Vec<f64> =
                clusters.iter().map(|cluster| filled_up(&workload, cluster, policy)).collect();
            let rows = JUDGES.iter().map(|&(judge, fragmentation, worth)| {
                let planned: Vec<(usize, f64)> = clusters
                    .iter()
                    .map(|cluster| {
                        let (after, moves) = moved(&workload, cluster, (fragmentation, worth), &arguments);
                        (moves, filled_up(&workload, &after, policy))
                    })
                    .collect();
                (judge, planned)
            });
            let none = without.iter().map(|&percent| (0, percent)).collect();
            for (judge, planned) in std::iter::once(("no plan", none)).chain(rows) {
                let mean = |values: Vec<f64>| spread(&values).map_or(f64::NAN, |s| s.mean);
                let moves = mean(planned.iter().map(|p| p.0 as f64).collect());
                let then = mean(planned.iter().map(|p| p.1).collect());
                let gains: Vec<f64> =
                    planned.iter().zip(&without).map(|(p, without)| p.1 - without).collect();
                let gain = paired(&gains).filter(|_| judge != "no plan").map_or_else(String::new, |gain| {
                    format!("{:+.2} [{:+.2}, {:+.2}]", gain.difference, gain.low, gain.high)
                });
                println!("| {trace} | {policy} | {judge} | {moves:.0} | {then:.2} | {gain} |");
            }
        }
    }
}

/// The cluster as the policy has filled it, without what was dropped and without the share of the tasks that leaves.
fn thinned(workload: &PlacementWorkload, policy: &str, seed: u64, leave_percent: f64) -> Cluster {
    let filled =
        fill_cluster(workload, &StudyOptions::default(), policy, seed, 100.0).unwrap_or_else(|error| {
            eprintln!("{error}");
            std::process::exit(2)
        });
    let (mut cluster, mut chance) = (filled.cluster, Pcg64Mcg::seed_from_u64(seed));
    let tasks: Vec<TaskId> = cluster.live_tasks().collect();
    for task in tasks {
        if cluster.placement(task).is_none() {
            cluster.retire(task);
        } else if chance.random::<f64>() < leave_percent / 100.0 {
            cluster.remove(task);
            cluster.retire(task);
        }
    }
    cluster
}

/// The cluster after the plan, and its moves.
fn moved(
    workload: &PlacementWorkload,
    cluster: &Cluster,
    (fragmentation, worth): (f64, f64),
    arguments: &Arguments,
) -> (Cluster, usize) {
    let weights = [20.0, fragmentation, 1.0, 0.0, 0.0, worth];
    let objective = Objective { weights, ..Objective::default() };
    let model = PlacementModel::shipped();
    let problem = DefragmentProblem::new(cluster, &workload.target, objective, Some(&model));
    let options = DefragmentOptions {
        seed: 1,
        threads: 1,
        islands: 1,
        effort: Effort::Rounds(arguments.rounds),
        moves_max: (arguments.moves_percent / 100.0 * cluster.live_tasks().count() as f64) as usize,
        method: Method::Hybrid,
        waves: WaveLimits::default(),
    };
    let surroundings = DefragmentSurroundings { seconds: &|| 0.0, stopped: &|| false, progress: &|_, _| () };
    let found = defragment(&problem, &options, &surroundings);
    let mut after = cluster.clone();
    let replayed = replay(&found.plan, &mut after, Moving::StandTwice, |step, cluster| {
        assert_eq!(invariants::check(cluster), Ok(()), "after step {step}");
    });
    assert_eq!(replayed, Ok(()), "every step is allowed at its turn");
    (after, found.moves)
}

/// Percent of the devices held when new tasks, drawn from the trace and placed by the policy, have asked for all that was free.
fn filled_up(workload: &PlacementWorkload, cluster: &Cluster, policy: &str) -> f64 {
    let of_sequence = |number: u64| {
        let (mut cluster, mut chance) = (cluster.clone(), Pcg64Mcg::seed_from_u64(1000 + number));
        let context =
            PlacementContext { cluster: &cluster, target: &workload.target, seed: number, model: None };
        let placing = placement_policy(policy, &context).expect("the policy is there");
        let mut nodes: Vec<NodeId> = cluster.nodes().collect();
        nodes.shuffle(&mut chance);
        let mut placer = Placer::new(placing, nodes);
        let mut asked = cluster.device_milli_held();
        while asked < cluster.device_milli_capacity() {
            let drawn = &workload.tasks[chance.random_range(0..workload.tasks.len())];
            let task = cluster.add_task(Task::new("", drawn.class));
            asked += cluster.demand(task).device_milli();
            if let Some(place) = placer.place(&cluster, task) {
                cluster.place(task, place).expect("the placer keeps the rules");
            }
        }
        100.0 * cluster.device_milli_held() as f64 / cluster.device_milli_capacity() as f64
    };
    (0..SEQUENCES).map(of_sequence).sum::<f64>() / SEQUENCES as f64
}

fn arguments() -> Arguments {
    let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut arguments = Arguments {
        rounds: 200,
        seeds: 5,
        leave_percent: 25.0,
        moves_percent: 5.0,
        traces: list(
            "default,cpu250,gpushare100,gpuspec33,multigpu50,cpu200,gpushare40,gpuspec20,multigpu30",
        ),
        policies: list("fgd,best-fit"),
    };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(option) = words.next() {
        let value = words.next().unwrap_or_default();
        let known = match option.as_str() {
            "--rounds" => value.parse().map(|v| arguments.rounds = v).is_ok(),
            "--seeds" => value.parse().map(|v: u64| arguments.seeds = v.max(1)).is_ok(),
            "--leave-percent" => value.parse().map(|v| arguments.leave_percent = v).is_ok(),
            "--moves-percent" => value.parse().map(|v| arguments.moves_percent = v).is_ok(),
            "--traces" => {
                arguments.traces = list(&value);
                true
            }
            "--policies" => {
                arguments.policies = list(&value);
                true
            }
            _ => false,
        };
        if !known {
            eprintln!("`{option} {value}` is not understood; see the head of this file's documentation");
            std::process::exit(2);
        }
    }
    arguments
}
