//! Measures the jobs simulator: starts per second on the batch sequences, the whole October table of GPU
//! jobs, and ten million generated jobs. Prints Markdown tables.
//!
//! Run by `cargo xtask bench jobs`; without LEPTON_DATA only generated jobs are measured.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use lepton_core::decide::queue::{RunTimes, ScoreChange};
use lepton_core::decide::queue_policies::{QueueContext, queue_policies_with, queue_policy_with};
use lepton_sim::generate::{Arrivals, task_arrivals, training_classes};
use lepton_sim::jobs::machine::{GangPlacement, GpuNodes, Topology};
use lepton_sim::jobs::{Jobs, SequenceMetrics, SequenceSimulator, Settings, Simulation};
use lepton_sim::readers::{VirtualCluster, read_philly_jobs, read_swf, read_virtual_clusters};
use lepton_sim::workload::jobs::{MachineSpec, NamedNodes, Nodes, scale_load, virtual_clusters};

const SEQUENCE_JOBS: usize = 1024;
/// Passes over the ten sequences; a pass takes a millisecond or two, so that other work on the machine
/// shows in the median and not in the best.
const PASSES: usize = 201;
const STARTS: [usize; 10] = [1981, 2756, 4299, 8850, 3316, 2714, 5228, 7762, 4022, 7085];

fn main() {
    match std::env::var_os("LEPTON_DATA").map(PathBuf::from) {
        Some(root) => {
            batch_sequences(&root);
            october_table(&root);
        }
        None => println!("LEPTON_DATA is not set: only generated jobs are measured\n"),
    }
    generated_jobs();
}

/// The 18 runs of the October table, reading the trace included, one core.
fn october_table(root: &Path) {
    let begun = Instant::now();
    let data = root.join("philly-jobs");
    let trace = read_philly_jobs(&data.join("jobs.csv.gz")).expect("the trace is sound");
    let clusters = read_virtual_clusters(&data.join("vc.csv")).expect("the clusters are sound");
    let jobs = trace.jobs.filtered(|j| (0..31 * 86_400).contains(&j.submit_seconds));
    let read = begun.elapsed();
    let mut starts = 0;
    let machine = || MachineSpec::GpuNodes { topology: Topology::default() };
    for policy in ["fcfs", "sjf", "sgf"] {
        for nodes in [96, 80, 64] {
            starts += run(&jobs, nodes, policy);
        }
        for scale in [1, 2, 4] {
            let divided = |cluster: &VirtualCluster| {
                let nodes = Nodes::of_cluster(cluster, Some(8)).expect("nodes of a size").divided(scale);
                NamedNodes { name: cluster.name.clone(), nodes }
            };
            let clusters = clusters.iter().map(divided).collect();
            for part in virtual_clusters("october", &jobs, clusters, machine(), 0).parts {
                starts += run(&part.jobs, part.nodes.count(), policy);
            }
        }
    }
    let all = begun.elapsed().as_secs_f64();
    println!("| October table | starts | seconds reading | seconds in all |\n|---|---|---|---|");
    println!("| 18 runs | {starts} | {:.3} | {all:.3} |\n", read.as_secs_f64());
}

fn run(jobs: &Jobs, nodes: u32, policy: &str) -> u64 {
    let policy = queue_policy_with(policy, &told(jobs)).expect("a known policy");
    let machine = GpuNodes::new(nodes, 8, GangPlacement::Consolidate, Topology::default());
    Simulation::new(jobs, machine, policy.as_ref(), &Settings::default()).run(&mut ()).starts
}

/// What oracles are told.
fn told(jobs: &Jobs) -> QueueContext<'static> {
    QueueContext { truth: RunTimes::new(&jobs.run_seconds), ..QueueContext::default() }
}

/// Generated GPU jobs on 10,000 nodes of 8 GPUs at 90% load: time must grow linearly with their number.
fn generated_jobs() {
    println!(
        "| generated jobs | policy | seconds generating | seconds simulating | million jobs/s |\n|---|---|---|---|---|"
    );
    for count in [1_000_000, 2_000_000, 5_000_000, 10_000_000] {
        for policy in ["fcfs", "sjf"] {
            let begun = Instant::now();
            let arrivals = Arrivals::Poisson { mean_seconds_between: 1.0 };
            let mut jobs = task_arrivals(&training_classes(), arrivals, count, 7);
            scale_load(&mut jobs, 80_000, 0.9, |_| true).expect("there is a load to set");
            let generated = begun.elapsed().as_secs_f64();
            let begun = Instant::now();
            let starts = run(&jobs, 10_000, policy);
            let simulated = begun.elapsed().as_secs_f64();
            assert_eq!(starts, count as u64);
            let rate = count as f64 / simulated / 1e6;
            println!("| {count} | {policy} | {generated:.2} | {simulated:.2} | {rate:.2} |");
        }
    }
}

/// Million starts per second over the ten sequences of Lublin-1, metrics included, one core.
fn batch_sequences(root: &Path) {
    let trace = read_swf(&root.join("hpc-swf/lublin-1.swf.gz")).expect("the trace is sound");
    let nodes = trace.nodes.expect("the trace names its machine");
    println!("| policy | score changes | million starts/s | best pass | with backfilling | best pass |");
    println!("|---|---|---|---|---|---|");
    let mut simulator = SequenceSimulator::default();
    for policy in
        queue_policies_with(&told(&trace.jobs)).into_iter().filter(|p| p.change() != ScoreChange::WithState)
    {
        let mut rates = Vec::new();
        for backfill in [false, true] {
            let mut passes: Vec<f64> = (0..PASSES)
                .map(|_| {
                    let begun = Instant::now();
                    let mut sum = 0.0;
                    for start in STARTS {
                        let range = start..start + SEQUENCE_JOBS;
                        let started =
                            simulator.run(&trace.jobs, range.clone(), nodes, policy.as_ref(), backfill);
                        sum += SequenceMetrics::of(&trace.jobs, range, started, nodes)
                            .expect("jobs started")
                            .mean_bounded_slowdown;
                    }
                    assert!(sum > 0.0);
                    (STARTS.len() * SEQUENCE_JOBS) as f64 / begun.elapsed().as_secs_f64() / 1e6
                })
                .collect();
            passes.sort_by(f64::total_cmp);
            rates.push((passes[PASSES / 2], passes[PASSES - 1]));
        }
        let [(median, best), (median_filled, best_filled)] = rates[..] else { continue };
        println!(
            "| {} | {:?} | {median:.2} | {best:.2} | {median_filled:.2} | {best_filled:.2} |",
            policy.name(),
            policy.change()
        );
    }
    println!();
}
