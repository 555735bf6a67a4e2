//! The cost of a decision and the memory of a run by the size of the cluster: generated clusters of 1,213
//! to 100,000 nodes filled to 130% under fgd and best-fit.
//!
//! Each size runs in a process of its own, so that its peak memory is its own. Run by `cargo xtask bench
//! scale`; with `--svg FILE` (relative to the workspace) it also draws the plot of docs/benchmarks.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "common/wall_clock.rs"]
mod wall_clock;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use lepton_core::decide::placement::Placer;
use lepton_core::decide::placement_policies::{PlacementContext, placement_policy};
use lepton_sim::experiment::run_placement;
use lepton_sim::generate::openb_like;
use lepton_sim::workload::sequence;
use wall_clock::WallClock;

const SIZES: [usize; 5] = [1_213, 3_000, 10_000, 30_000, 100_000];
const POLICIES: [&str; 2] = ["fgd", "best-fit"];

/// The first tenth of the arrivals warms up: each class is scored on all nodes when it first comes.
const WARM_UP: usize = 10;

/// One measured run.
struct Measured {
    nodes: usize,
    policy: String,
    decisions: usize,
    p50_us: f64,
    p99_us: f64,
    seconds: f64,
    peak_mb: f64,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [child, nodes, policy] = &args[..]
        && child == "--one"
    {
        return one(nodes.parse().expect("a number of nodes"), policy);
    }
    let mut all = Vec::new();
    println!("| policy | nodes | decisions | p50 us | p99 us | run s | peak memory MB |");
    println!("|---|---|---|---|---|---|---|");
    for policy in POLICIES {
        for nodes in SIZES {
            let m = in_child(nodes, policy);
            println!(
                "| {} | {} | {} | {:.2} | {:.1} | {:.2} | {:.0} |",
                m.policy, m.nodes, m.decisions, m.p50_us, m.p99_us, m.seconds, m.peak_mb
            );
            all.push(m);
        }
        let of: Vec<&Measured> = all.iter().filter(|m| m.policy == policy).collect();
        let growth = of[of.len() - 1].p50_us / of[0].p50_us;
        println!("\n{policy}: p50 at 100,000 nodes is {growth:.2} times that at 1,213.\n");
    }
    if let [flag, file] = &args[..]
        && flag == "--svg"
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        std::fs::write(&path, svg(&all)).expect("the plot can be written");
    }
}

/// Runs one size in this process and prints it for the parent.
fn one(nodes: usize, policy: &str) {
    let workload = openb_like(nodes);
    let arrivals = sequence(&workload, 1.3, 42);
    let context = PlacementContext { cluster: &workload.cluster, target: &workload.target, seed: 42 };
    let engine = placement_policy(policy, &context).expect("a known policy");
    let mut order: Vec<_> = workload.cluster.nodes().collect();
    order.sort_by_key(|n| arrivals.node_rank[n.index()]);
    let run = run_placement(&workload, &arrivals, Placer::new(engine, order), &[], &WallClock::start())
        .expect("no rule is broken");
    let mut nanos = run.latency_nanos[run.decisions / WARM_UP..].to_vec();
    nanos.sort_unstable();
    let at = |q: f64| f64::from(nanos[(q * (nanos.len() - 1) as f64) as usize]) / 1e3;
    println!("{} {} {} {} {}", run.decisions, at(0.5), at(0.99), run.seconds, peak_mb());
}

fn in_child(nodes: usize, policy: &str) -> Measured {
    let me = std::env::current_exe().expect("this program has a path");
    let output = Command::new(me)
        .args(["--one", &nodes.to_string(), policy])
        .output()
        .expect("this program can be started again");
    let text = String::from_utf8_lossy(&output.stdout);
    let values: Vec<f64> = text.split_whitespace().filter_map(|v| v.parse().ok()).collect();
    let [decisions, p50_us, p99_us, seconds, peak_mb] = values[..] else {
        panic!("the run of {nodes} nodes failed: {}", String::from_utf8_lossy(&output.stderr));
    };
    let policy = policy.to_owned();
    Measured { nodes, policy, decisions: decisions as usize, p50_us, p99_us, seconds, peak_mb }
}

/// Peak resident memory of this process in MB (10^6 bytes); 0 where the system does not tell.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) * 1024.0 / 1e6
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
