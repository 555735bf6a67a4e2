//! The cost of a decision and the memory of a run by the size of the cluster: generated clusters of 1,213
//! to 100,000 nodes filled to 130% under fgd and best-fit.
//!
//! Each run is a process of its own, so that its peak memory is its own; there are three per size and policy,
//! with seeds 42 to 44. Run by `cargo xtask bench
//! scale`; with `--svg FILE` (relative to the workspace) it also draws the plot of docs/benchmarks.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "common/memory.rs"]
mod memory;
#[path = "../../app/src/clock.rs"]
mod wall_clock;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use lepton_core::decide::placement::Placer;
use lepton_core::decide::placement_policies::{PlacementContext, placement_policy};
use lepton_sim::experiment::{RunLimits, run_placement};
use lepton_sim::generate::openb_like;
use lepton_sim::workload::sequence;
use memory::memory_mb;
use wall_clock::WallClock;

const SIZES: [usize; 5] = [1_213, 3_000, 10_000, 30_000, 100_000];
const POLICIES: [&str; 2] = ["fgd", "best-fit"];
const SEEDS: [u64; 3] = [42, 43, 44];

/// The first tenth of the arrivals warms up: each class is scored on all nodes when it first comes.
const WARM_UP: usize = 10;

/// One policy at one size: means over the seeds.
struct Measured {
    nodes: usize,
    policy: &'static str,
    decisions: f64,
    p50_us: f64,
    /// Lowest and highest median of a run.
    p50_us_range: (f64, f64),
    p99_us: f64,
    seconds: f64,
    /// The highest of any run.
    peak_mb: f64,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [child, nodes, policy, seed] = &args[..]
        && child == "--one"
    {
        let nodes = nodes.parse().expect("a number of nodes");
        return one(nodes, policy, seed.parse().expect("a seed"));
    }
    let mut all = Vec::new();
    println!(
        "| policy | nodes | decisions | p50 us (lowest to highest run) | p99 us | run s | peak memory MB |"
    );
    println!("|---|---|---|---|---|---|---|");
    for policy in POLICIES {
        for nodes in SIZES {
            let m = measure(nodes, policy);
            println!(
                "| {policy} | {nodes} | {:.0} | {:.2} ({:.2} to {:.2}) | {:.1} | {:.2} | {:.0} |",
                m.decisions, m.p50_us, m.p50_us_range.0, m.p50_us_range.1, m.p99_us, m.seconds, m.peak_mb
            );
            all.push(m);
        }
    }
    for of in all.chunks(SIZES.len()) {
        let growth = of[of.len() - 1].p50_us / of[0].p50_us;
        println!("\n{}: p50 at 100,000 nodes is {growth:.2} times that at 1,213.", of[0].policy);
    }
    if let [flag, file] = &args[..]
        && flag == "--svg"
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        std::fs::write(&path, svg(&all)).expect("the plot can be written");
    }
}

/// Runs one size in this process and prints it for the parent.
fn one(nodes: usize, policy: &str, seed: u64) {
    let workload = openb_like(nodes);
    let arrivals = sequence(&workload, 1.3, seed);
    let context =
        PlacementContext { cluster: &workload.cluster, target: &workload.target, seed, model: None };
    let engine = placement_policy(policy, &context).expect("a known policy");
    let mut order: Vec<_> = workload.cluster.nodes().collect();
    order.sort_by_key(|n| arrivals.node_rank[n.index()]);
    let limits = RunLimits { load: 1.3, heat_at: &[], stop: &AtomicBool::new(false) };
    let run = run_placement(&workload, &arrivals, Placer::new(engine, order), limits, &WallClock::start())
        .expect("no rule is broken")
        .expect("nothing stops it");
    let mut nanos = run.latency_nanos[run.decisions / WARM_UP..].to_vec();
    nanos.sort_unstable();
    let at = |q: f64| f64::from(nanos[(q * (nanos.len() - 1) as f64) as usize]) / 1e3;
    println!("{} {} {} {} {}", run.decisions, at(0.5), at(0.99), run.seconds, memory_mb("VmHWM"));
}

/// One run in a process of its own: decisions, p50 and p99 in microseconds, seconds, peak memory in MB.
fn in_child(nodes: usize, policy: &str, seed: u64) -> [f64; 5] {
    let me = std::env::current_exe().expect("this program has a path");
    let output = Command::new(me)
        .args(["--one", &nodes.to_string(), policy, &seed.to_string()])
        .output()
        .expect("this program can be started again");
    let text = String::from_utf8_lossy(&output.stdout);
    let values: Vec<f64> = text.split_whitespace().filter_map(|v| v.parse().ok()).collect();
    let Ok(values) = values.try_into() else {
        panic!("the run of {nodes} nodes failed: {}", String::from_utf8_lossy(&output.stderr));
    };
    values
}

fn measure(nodes: usize, policy: &'static str) -> Measured {
    let runs = SEEDS.map(|seed| in_child(nodes, policy, seed));
    let mean = |i: usize| runs.iter().map(|run| run[i]).sum::<f64>() / runs.len() as f64;
    let lowest = |i: usize| runs.iter().map(|run| run[i]).fold(f64::INFINITY, f64::min);
    let highest = |i: usize| runs.iter().map(|run| run[i]).fold(0.0, f64::max);
    Measured {
        nodes,
        policy,
        decisions: mean(0),
        p50_us: mean(1),
        p50_us_range: (lowest(1), highest(1)),
        p99_us: mean(2),
        seconds: mean(3),
        peak_mb: highest(4),
    }
}

/// A plot of the median time of a decision over the size of the cluster, both on logarithmic scales.
fn svg(all: &[Measured]) -> String {
    const COLOURS: [&str; 2] = ["#0072b2", "#d55e00"];
    let x = |nodes: f64| 70.0 + 460.0 * (nodes.log10() - 3.0) / 2.0;
    let y = |us: f64| 270.0 - 115.0 * (us.log10() + 1.0);
    let mut out = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 320\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"640\" height=\"320\" fill=\"#fff\"/>\n<text x=\"70\" y=\"24\">Median time \
         of a decision, microseconds</text>\n",
    );
    for us in [0.1, 1.0, 10.0] {
        let at = y(us);
        let _ = writeln!(out, "<path d=\"M70 {at:.0}H530\" stroke=\"#ddd\"/>");
        let _ = writeln!(out, "<text x=\"62\" y=\"{:.0}\" text-anchor=\"end\">{us}</text>", at + 4.0);
    }
    for nodes in [1_000.0, 10_000.0, 100_000.0] {
        let _ = writeln!(out, "<text x=\"{:.0}\" y=\"292\" text-anchor=\"middle\">{nodes}</text>", x(nodes));
    }
    out.push_str("<text x=\"300\" y=\"312\" text-anchor=\"middle\">nodes</text>\n");
    for (policy, colour) in POLICIES.iter().zip(COLOURS) {
        let points: Vec<(f64, f64)> =
            (all.iter().filter(|m| m.policy == *policy)).map(|m| (x(m.nodes as f64), y(m.p50_us))).collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        let _ = writeln!(
            out,
            "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join("L")
        );
        for (x, y) in &points {
            let _ = writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>");
        }
        if let Some((x, y)) = points.last() {
            let _ = writeln!(
                out,
                "<text x=\"{:.0}\" y=\"{:.0}\" fill=\"{colour}\">{policy}</text>",
                x + 10.0,
                y + 4.0
            );
        }
    }
    out.push_str("</svg>\n");
    out
}
