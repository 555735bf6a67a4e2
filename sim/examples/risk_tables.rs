//! The tables of docs/benchmarks/risk.md that need no scorer: the time of a reading and of an assessment.
//!
//! Run by `cargo xtask bench risk`.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::hint::black_box;
use std::time::Instant;

use lepton_core::analyze::risk::{
    AlarmBudget, AnomalyDetector, LogPatterns, NodeSigns, RiskModel, Severity, Sign, Telemetry,
};
use lepton_sim::experiment::faults::{LONG_JOBS, simulate_ettr, simulate_lemons, simulate_mttf};
use lepton_sim::generate::FAULT_PRESETS;

/// Bins that are pushed.
const PUSHES: usize = 20_000;

fn main() {
    costs();
    let preset = |name: &str| FAULT_PRESETS.into_iter().find(|p| p.name == name).expect("a preset");
    println!("\n| nodes | simulated MTTF, h | standard error | 1/(N r), h |\n|---|---|---|---|");
    for nodes in [128, 2048, 16_384] {
        let r = simulate_mttf(preset("rsc1"), nodes, 4000, 1);
        println!(
            "| {nodes} | {:.3} | {:.3} | {:.3} |",
            r.mean_hours, r.standard_error_hours, r.expected_hours
        );
    }
    println!(
        "\n| nodes | per 1000 days | write, min | interval, min | simulated ETTR | formula |\n|---|---|---|---|---|---|"
    );
    for job in LONG_JOBS {
        let r = simulate_ettr(job, 120, 1);
        let (nodes, rate, write) = (job.nodes, job.per_1000_node_days, job.write_minutes);
        println!(
            "| {nodes} | {rate} | {write:.2} | {:.1} | {:.3} | {:.3} |",
            r.interval_minutes, r.ettr, r.expected
        );
    }
    println!(
        "\n| seed | lemons | flagged | true | jobs of 64 nodes failed | without the flagged |\n|---|---|---|---|---|---|"
    );
    for seed in 1..=5 {
        let r = simulate_lemons(preset("lemons"), 3000, 28, seed);
        let (lemons, flagged, right) = (r.lemons, r.flagged, r.flagged_lemons);
        let (with, without) = (100.0 * r.jobs_failed, 100.0 * r.jobs_failed_without);
        println!("| {seed} | {lemons} | {flagged} | {right} | {with:.1}% | {without:.1}% |");
    }
}

fn costs() {
    println!("| what | microseconds |\n|---|---|");
    for metrics in [10, 40, 160] {
        let noise = |i: usize| ((i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64;
        let values: Vec<f64> = (0..2 * 1440 * metrics).map(noise).collect();
        let names = (0..metrics).map(|m| m.to_string()).collect();
        let telemetry =
            Telemetry { machine: "m".into(), metrics: names, period_seconds: 60, first_bin: 0, values };
        let budget = AlarmBudget { episodes_per_day: 1.0 };
        let mut detector = AnomalyDetector::fit(&telemetry, budget).expect("two days are enough");
        let started = Instant::now();
        for i in 0..PUSHES {
            black_box(detector.push(2880 + i as i64, telemetry.row(i % 2880)));
        }
        let micros = started.elapsed().as_secs_f64() * 1e6 / PUSHES as f64;
        println!("| a reading of {metrics} metrics scored | {micros:.2} |");
    }
    let (model, mut node) = (RiskModel::default(), NodeSigns::default());
    let started = Instant::now();
    for i in 0..PUSHES {
        node.sign(i as i64 * 60, Sign::Message(Severity::Warning), &model.prior);
        black_box(model.assess(&node, i as i64 * 60));
    }
    println!(
        "| a sign taken in and a node assessed | {:.2} |",
        started.elapsed().as_secs_f64() * 1e6 / PUSHES as f64
    );
    let list = LogPatterns::built_in();
    let started = Instant::now();
    let lines: Vec<&str> = list.patterns().iter().map(|p| p.example.as_str()).collect();
    for i in 0..PUSHES {
        black_box(list.find(lines[i % lines.len()]));
    }
    println!("| a log message looked up | {:.2} |", started.elapsed().as_secs_f64() * 1e6 / PUSHES as f64);
}
