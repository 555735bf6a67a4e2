//! Measures the jobs simulator: starts per second on the batch sequences, the whole October table of GPU
//! jobs, and ten million generated jobs. Prints Markdown tables.
//!
//! `LEPTON_DATA=... cargo run --release -p lepton-sim --example job_rates`

use std::path::{Path, PathBuf};
use std::time::Instant;

use lepton_core::decide::queue_policies::queue_policies;
use lepton_sim::jobs::{SequenceMetrics, SequenceSimulator};
use lepton_sim::readers::read_swf;

const SEQUENCE_JOBS: usize = 1024;
const STARTS: [usize; 10] = [1981, 2756, 4299, 8850, 3316, 2714, 5228, 7762, 4022, 7085];

fn main() {
    let Some(root) = std::env::var_os("LEPTON_DATA").map(PathBuf::from) else {
        eprintln!("LEPTON_DATA is not set: only generated jobs can be measured");
        return;
    };
    batch_sequences(&root);
}

/// Million starts per second over the ten sequences of Lublin-1, metrics included, one core.
fn batch_sequences(root: &Path) {
    let trace = read_swf(&root.join("hpc-swf/lublin-1.swf.gz")).expect("the trace is sound");
    let nodes = trace.nodes.expect("the trace names its machine");
    println!("| policy | score changes | million starts/s | with backfilling |\n|---|---|---|---|");
    let mut simulator = SequenceSimulator::default();
    for policy in queue_policies() {
        let mut rates = Vec::new();
        for backfill in [false, true] {
            let mut rate: f64 = 0.0;
            for _ in 0..5 {
                let begun = Instant::now();
                let mut sum = 0.0;
                let mut starts = 0;
                while begun.elapsed().as_millis() < 100 {
                    for start in STARTS {
                        let range = start..start + SEQUENCE_JOBS;
                        let started =
                            simulator.run(&trace.jobs, range.clone(), nodes, policy.as_ref(), backfill);
                        sum += SequenceMetrics::of(&trace.jobs, range, started, nodes).mean_bounded_slowdown;
                        starts += SEQUENCE_JOBS;
                    }
                }
                assert!(sum > 0.0);
                rate = rate.max(starts as f64 / begun.elapsed().as_secs_f64() / 1e6);
            }
            rates.push(rate);
        }
        println!("| {} | {:?} | {:.2} | {:.2} |", policy.name(), policy.change(), rates[0], rates[1]);
    }
}
