//! The published and measured table of batch sequences (RLScheduler's protocol): every cell of every trace.

mod common;

use std::collections::BTreeMap;

use lepton_core::decide::queue::RunTimes;
use lepton_core::decide::queue_policies::{QueueContext, queue_policy, queue_policy_with};
use lepton_sim::experiment::jobs::BATCH_RULES;
use lepton_sim::jobs::{SequenceMetrics, SequenceSimulator};
use lepton_sim::readers::read_swf;

/// Jobs of one sequence.
const SEQUENCE_JOBS: usize = 1024;

/// (name in the table, our name).
const POLICIES: [(&str, &str); 16] = [
    ("FCFS", "fcfs"),
    ("SJF", "sjf"),
    ("F1", "f1"),
    ("F2", "f2"),
    ("F3", "f3"),
    ("F4", "f4"),
    ("WFP3", "wfp3-published"),
    ("WFP3-fixed", "wfp3"),
    ("UNICEP", "unicep-published"),
    ("UNICEP-fixed", "unicep"),
    ("SAF", "saf"),
    ("SqAF", "sqaf"),
    ("Smallest", "smallest"),
    ("LXF", "lxf"),
    ("SPF-oracle", "spf-oracle"),
    ("SAF-oracle", "saf-oracle"),
];

/// (tolerance of the metric, its name in the table).
const METRICS: [(&str, f64); 3] = [("bsld", 1e-6), ("wait_s", 1e-6), ("utilisation", 1e-6)];

#[test]
fn every_cell_of_the_table_is_reproduced() {
    let Some(data) = common::data("hpc-swf") else { return };
    let anchors = common::json(&data.join("anchors.json"));
    let mut cells = 0;
    let mut wrong = Vec::new();
    let mut simulator = SequenceSimulator::default();
    for trace in ["lublin-1", "lublin-2", "theta"] {
        let table = &anchors[trace];
        let jobs = read_swf(&data.join(format!("{trace}.swf.gz"))).expect("the trace is sound").jobs;
        assert_eq!(jobs.len() as u64, table["jobs_loaded"].as_u64().expect("a count"), "{trace}");
        let nodes = table["processors"].as_u64().expect("a count") as u32;
        // Oracles know how long the jobs run.
        let context = QueueContext { truth: RunTimes::new(&jobs.run_seconds), ..QueueContext::default() };
        let starts: Vec<usize> = common::numbers(&table["starts"]).iter().map(|&s| s as usize).collect();
        for (mode, backfill) in [("no-backfill", false), ("backfill", true)] {
            for (theirs, ours) in POLICIES {
                let policy = queue_policy_with(ours, &context).expect("a known policy");
                let mut got: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
                for &start in &starts {
                    let range = start..start + SEQUENCE_JOBS;
                    let started = simulator.run(&jobs, range.clone(), nodes, policy.as_ref(), backfill);
                    let v = SequenceMetrics::of(&jobs, range, started, nodes).expect("jobs started");
                    got.entry("bsld").or_default().push(v.mean_bounded_slowdown);
                    got.entry("wait_s").or_default().push(v.mean_wait_seconds);
                    got.entry("utilisation").or_default().push(v.use_to_last_start);
                }
                for (metric, tolerance) in METRICS {
                    let Some(cell) = table[mode][metric].get(theirs) else { continue };
                    let mean = got[metric].iter().sum::<f64>() / got[metric].len() as f64;
                    let want = cell["mean"].as_f64().expect("a mean");
                    let per_sequence = common::numbers(&cell["per_sequence"]);
                    cells += 1;
                    let off = per_sequence.iter().zip(&got[metric]).any(|(w, g)| (w - g).abs() > tolerance);
                    if off || (mean - want).abs() > tolerance {
                        wrong.push(format!("{trace} {mode} {metric} {theirs}: {mean} instead of {want}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cells} cells differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(cells, 136, "the table has 96 cells of slowdown, 10 of waiting, 30 of utilisation");
}

#[test]
fn one_learned_order_is_below_the_best_rule_of_each_row_in_the_geometric_mean_and_far_above_it_nowhere() {
    let Some(data) = common::data("hpc-swf") else { return };
    let anchors = common::json(&data.join("anchors.json"));
    let mut simulator = SequenceSimulator::default();
    let mut ratios = Vec::new();
    for trace in ["lublin-1", "lublin-2", "theta"] {
        let table = &anchors[trace];
        let jobs = read_swf(&data.join(format!("{trace}.swf.gz"))).expect("the trace is sound").jobs;
        let nodes = table["processors"].as_u64().expect("a count") as u32;
        let starts: Vec<usize> = common::numbers(&table["starts"]).iter().map(|&s| s as usize).collect();
        for backfill in [false, true] {
            let mut mean = |name: &str| {
                let policy = queue_policy(name).expect("a known policy");
                let of = |&start: &usize| {
                    let range = start..start + SEQUENCE_JOBS;
                    let started = simulator.run(&jobs, range.clone(), nodes, policy.as_ref(), backfill);
                    SequenceMetrics::of(&jobs, range, started, nodes)
                        .expect("jobs started")
                        .mean_bounded_slowdown
                };
                starts.iter().map(of).sum::<f64>() / starts.len() as f64
            };
            let best = BATCH_RULES.iter().map(|rule| mean(rule)).fold(f64::INFINITY, f64::min);
            ratios.push(mean("lepton") / best);
        }
    }
    let logs: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    assert!((logs / ratios.len() as f64).exp() < 0.9, "{ratios:?}");
    assert!(ratios.iter().all(|&ratio| ratio < 1.1), "{ratios:?}");
}
