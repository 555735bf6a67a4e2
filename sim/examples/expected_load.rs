//! What forecasts and signs of faults are worth to the loop: the same worlds under one decider that reckons with load in different
//! ways, and with and without heeding signs. Run by `cargo xtask bench expected-load`, with the number of seeds; `risk` after it leaves the load out.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::collections::BTreeMap;
use std::path::Path;

use lepton_core::analyze::AnalystConfig;
use lepton_core::analyze::risk::RiskModel;
use lepton_core::cycle::CycleReport;
use lepton_core::decide::plan::{Acts, Lepton, LeptonConfig, LoadBasis};
use lepton_core::model::{Health, NodeId, Reason};
use lepton_sim::experiment::faults::learn_risk;
use lepton_sim::experiment::{LoopRun, paired, spread};
use lepton_sim::generate::FAULT_PRESETS;
use lepton_sim::readers::{LoadColumns, Target, read_load};
use lepton_sim::world::{Measures, UseShapes, WorldConfig};

const SEEDS: u64 = 10;

/// A way of deciding.
struct Arm {
    name: &'static str,
    place_by: LoadBasis,
    relieve_by: LoadBasis,
    acts: Acts,
}

const fn expected(percent: u8) -> LoadBasis {
    LoadBasis::Expected { percent }
}

const fn arm(name: &'static str, place_by: LoadBasis, relieve_by: LoadBasis, acts: Acts) -> Arm {
    Arm { name, place_by, relieve_by, acts }
}

/// Placing alone.
const PLACE: Acts = Acts {
    protect: false,
    relieve: false,
    reserve: false,
    make_room: false,
    preempt: false,
    risk: false,
    order: false,
    rearrange: false,
};

const PLACING: [Arm; 4] = [
    arm("placing by current load", LoadBasis::Used, LoadBasis::Used, PLACE),
    arm("placing by requests", LoadBasis::Promised, LoadBasis::Used, PLACE),
    arm("placing by p50 of the peak", expected(50), LoadBasis::Used, PLACE),
    arm("placing by p90 of the peak", expected(90), LoadBasis::Used, PLACE),
];
const WHOLE: [Arm; 7] = [
    arm("all acts, by current load", LoadBasis::Used, LoadBasis::Used, Acts::DEFAULT),
    arm("all acts, placing by requests", LoadBasis::Promised, LoadBasis::Used, Acts::DEFAULT),
    arm("all acts, placing by p50", expected(50), LoadBasis::Used, Acts::DEFAULT),
    arm("all acts, placing by p90", expected(90), LoadBasis::Used, Acts::DEFAULT),
    arm("all acts, relieving by p50", LoadBasis::Used, expected(50), Acts::DEFAULT),
    arm("all acts, relieving by p90", LoadBasis::Used, expected(90), Acts::DEFAULT),
    arm("all acts, both by p90", expected(90), expected(90), Acts::DEFAULT),
];
const CARELESS: Arm =
    arm("heeding no signs", LoadBasis::Used, LoadBasis::Used, Acts { risk: false, ..Acts::DEFAULT });
const HEEDING: Arm = arm("heeding signs", LoadBasis::Used, LoadBasis::Used, Acts::DEFAULT);
const LEARNED: Arm = arm("heeding signs, as learned", LoadBasis::Used, LoadBasis::Used, Acts::DEFAULT);

/// Published rates are multiplied by this: 60 nodes do not live long enough to see the true ones.
const RATE_FACTOR: f64 = 10.0;
/// Nodes, days and seed of the worlds that signs are learned in.
const LEARNED_IN: (u32, u32, u64) = (200, 60, 1000);
/// A node that was cleared is expected to fail within a day.
const CLEARED_SECONDS: u64 = 86_400;

fn main() {
    let (seeds, risk_alone) =
        (args().find_map(|a| a.parse().ok()).unwrap_or(SEEDS), args().any(|a| a == "risk"));
    if !risk_alone {
        loads(seeds);
    }
    faults(seeds);
}

fn args() -> impl Iterator<Item = String> {
    std::env::args().skip(1)
}

fn loads(seeds: u64) {
    let rhythm = WorldConfig { hours: 48, ..WorldConfig::default() };
    heat("generated daily rhythm", &rhythm, &PLACING, seeds);
    heat("generated daily rhythm", &rhythm, &WHOLE, seeds);
    match recorded() {
        Some(use_shapes) => {
            let work_median_seconds = 4.0 * 3600.0;
            let services =
                WorldConfig { hours: 72, work_median_seconds, use_shapes, ..WorldConfig::default() };
            heat("use of recorded machines, tasks of four hours", &services, &PLACING, seeds);
            heat("use of recorded machines, tasks of four hours", &services, &WHOLE, seeds);
        }
        None => println!("LEPTON_DATA is not set: recorded load is left out\n"),
    }
}

fn faults(seeds: u64) {
    let faults = WorldConfig { hours: 72, failure_hours: 120.0, ..WorldConfig::default() };
    let about = "nodes that fail every five days, 70% of failures announced";
    risk(about, &faults, &[(CARELESS, None), (HEEDING, None)], seeds);
    for preset in FAULT_PRESETS {
        let preset = preset.times(RATE_FACTOR);
        let world = WorldConfig { hours: 72, faults: Some(preset), ..WorldConfig::default() };
        let (nodes, days, seed) = LEARNED_IN;
        let learned = learn_risk(preset, nodes, days, seed);
        let about = format!("{}, rates times {RATE_FACTOR}", preset.name);
        risk(&about, &world, &[(CARELESS, None), (HEEDING, None), (LEARNED, Some(learned))], seeds);
    }
}

/// CPU use of recorded virtual machines.
fn recorded() -> Option<UseShapes> {
    let data = std::env::var_os("LEPTON_DATA")?;
    let path = Path::new(&data).join("bitbrains-rnd/load_5min.csv.gz");
    let target = Target { name: "cpu".to_owned(), columns: vec!["cpu_pct".to_owned()], counter: false };
    let columns = LoadColumns {
        series: Some("vm".to_owned()),
        time: "t".to_owned(),
        period_seconds: 300,
        unit_seconds: 300,
        targets: vec![target],
    };
    let load = read_load(&path, &columns).map_err(|e| println!("{e}")).ok()?;
    Some(UseShapes::of_recorded(&load.values, 300))
}

/// A figure of a run.
type Figure = fn(&Measures) -> f64;

/// Runs of the arms, seed by seed.
fn runs(config: &WorldConfig, arms: &[Arm], seeds: u64) -> Vec<Vec<Measures>> {
    let run = |arm, seed| run(config, arm, None, seed).map(|(measures, _)| measures);
    arms.iter().map(|arm| (1..=seeds).filter_map(|seed| run(arm, seed)).collect()).collect()
}

fn mean(runs: &[Measures], figure: Figure) -> f64 {
    spread(&runs.iter().map(figure).collect::<Vec<_>>()).map_or(f64::NAN, |s| s.mean)
}

fn with_spread(runs: &[Measures], figure: Figure) -> String {
    let of = spread(&runs.iter().map(figure).collect::<Vec<_>>());
    of.map_or_else(String::new, |s| format!("{:.0} ±{:.0}", s.mean, s.sd))
}

/// Mean paired difference to the first arm, with its 95% interval.
fn difference(runs: &[Measures], first: &[Measures], figure: Figure) -> String {
    let differences: Vec<f64> = runs.iter().zip(first).map(|(a, b)| figure(a) - figure(b)).collect();
    let paired = paired(&differences);
    paired.map_or_else(String::new, |p| format!("{:+.0} [{:+.0}, {:+.0}]", p.difference, p.low, p.high))
}

fn heat(title: &str, config: &WorldConfig, arms: &[Arm], seeds: u64) {
    println!("{title}: {} nodes, {} hours, {seeds} seeds", config.nodes, config.hours);
    println!(
        "| | node-minutes above the safety level | difference to the first [95%] | devices held | mean wait, s | moves | standing still, device-min |"
    );
    println!("|---|---|---|---|---|---|---|");
    let all = runs(config, arms, seeds);
    for (arm, runs) in arms.iter().zip(&all) {
        let hot: Figure = |m| m.hot_node_minutes;
        println!(
            "| {} | {} | {} | {:.4} | {:.0} | {:.0} | {:.0} |",
            arm.name,
            with_spread(runs, hot),
            difference(runs, &all[0], hot),
            mean(runs, |m| m.devices_held),
            mean(runs, |m| m.mean_wait_seconds),
            mean(runs, |m| m.migrations as f64),
            mean(runs, |m| m.paused_device_minutes)
        );
    }
    println!();
}

fn risk(title: &str, config: &WorldConfig, arms: &[(Arm, Option<RiskModel>)], seeds: u64) {
    println!("{title}: {} nodes, {} hours, {seeds} seeds", config.nodes, config.hours);
    println!(
        "| | work lost, device-min | difference to the first [95%] | interrupted | failures | cleared | of these failed within a day | cordons without failure | moves | lost and standing still, device-min | difference to the first [95%] | mean wait, s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    let mut first = Vec::new();
    for (arm, model) in arms {
        let of_seed = |seed| run(config, arm, model.as_ref(), seed);
        let (runs, cleared): (Vec<Measures>, Vec<Cleared>) = (1..=seeds).filter_map(of_seed).unzip();
        if first.is_empty() {
            first.clone_from(&runs);
        }
        let lost: Figure = |m| m.lost_device_minutes;
        let cost: Figure = |m| m.lost_device_minutes + m.paused_device_minutes;
        let of_run = |count: fn(&Cleared) -> usize| {
            cleared.iter().map(count).sum::<usize>() as f64 / cleared.len().max(1) as f64
        };
        println!(
            "| {} | {} | {} | {:.0} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} | {} | {} | {:.0} |",
            arm.name,
            with_spread(&runs, lost),
            difference(&runs, &first, lost),
            mean(&runs, |m| m.interrupted as f64),
            mean(&runs, |m| m.failures as f64),
            of_run(|c| c.failed + c.in_vain),
            of_run(|c| c.failed),
            mean(&runs, |m| m.false_drains as f64),
            mean(&runs, |m| m.migrations as f64),
            with_spread(&runs, cost),
            difference(&runs, &first, cost),
            mean(&runs, |m| m.mean_wait_seconds)
        );
    }
    println!();
}

/// Nodes that tasks were taken off for their risk, and what became of them.
#[derive(Default)]
struct Cleared {
    /// Since when, of those whose day is not over.
    open: BTreeMap<NodeId, u64>,
    failed: usize,
    in_vain: usize,
}

impl Cleared {
    fn observe(&mut self, run: &LoopRun, report: &CycleReport) {
        let (cluster, now) = (&run.snapshot().cluster, run.now_seconds());
        self.open.retain(|&node, &mut since| {
            let (down, over) = (cluster.health(node) == Health::Down, now > since + CLEARED_SECONDS);
            self.failed += usize::from(down);
            self.in_vain += usize::from(over && !down);
            !down && !over
        });
        let for_risk = report.plan.parts.iter().filter(|part| part.reason == Reason::NodeFailing);
        let from = for_risk.flat_map(|part| &part.steps).filter_map(|action| action.from());
        for node in from.filter_map(|spot| cluster.node_named(&spot.node)) {
            self.open.entry(node).or_insert(now);
        }
    }
}

fn run(config: &WorldConfig, arm: &Arm, model: Option<&RiskModel>, seed: u64) -> Option<(Measures, Cleared)> {
    let mut decider = LeptonConfig { relieve_by: arm.relieve_by, acts: arm.acts, ..LeptonConfig::default() };
    decider.decide.place_by = arm.place_by;
    let decider = Box::new(Lepton::new(decider, seed).ok()?);
    let analyst = AnalystConfig { risk: model.cloned().unwrap_or_default(), ..AnalystConfig::default() };
    let mut run = LoopRun::with_analyst(&WorldConfig { seed, ..config.clone() }, decider, analyst);
    let mut cleared = Cleared::default();
    while let Some(report) = run.turn() {
        cleared.observe(&run, &report);
    }
    Some((run.measures(), cleared))
}
