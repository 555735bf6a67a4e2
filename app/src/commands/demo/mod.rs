//! `lepton demo`: the loop on a simulated GPU cluster in accelerated time, then the same hours without it.

mod compare;
mod live;
mod screen;

use lepton_sim::experiment::{Keeper, LoopRun, WITHOUT_LOOP_POLICY};
use lepton_sim::world::{Measures, WorldConfig};

use crate::cli::DemoArgs;
use crate::failure::Failure;
use crate::stop;

/// A figure of the comparison: its name, its unit, how it is read, decimals shown.
type Figure = (&'static str, &'static str, fn(&Measures) -> f64, usize);

/// What the loop is judged by; less is better in all but the last.
const FIGURES: [Figure; 8] = [
    ("hot_node_minutes", "node-minutes above the safety level", |m| m.hot_node_minutes, 0),
    ("mean_wait_seconds", "mean wait, s", |m| m.mean_wait_seconds, 1),
    ("p95_wait_seconds", "95% of the tasks wait less than, s", |m| m.p95_wait_seconds, 0),
    ("lost_device_minutes", "work lost to failures, device-minutes", |m| m.lost_device_minutes, 0),
    (
        "paused_device_minutes",
        "standing still after restarts and moves, device-minutes",
        |m| m.paused_device_minutes,
        0,
    ),
    ("interrupted", "tasks interrupted by failures", |m| m.interrupted as f64, 0),
    ("migrations", "migrations", |m| m.migrations as f64, 0),
    ("devices_held_percent", "devices held, %", |m| 100.0 * m.devices_held, 2),
];

pub(crate) fn run(args: &DemoArgs) -> Result<(), Failure> {
    let config = |seed| WorldConfig {
        seed,
        nodes: args.nodes_count,
        hours: args.hours,
        load: args.load,
        ..WorldConfig::default()
    };
    let stop = stop::flag();
    match &args.seeds {
        Some(seeds) => compare::run(args, &seeds.0, &config, stop),
        None => live::run(args, &config(args.seed), stop),
    }
}

fn start(config: &WorldConfig, keeper: Keeper) -> Result<LoopRun, Failure> {
    LoopRun::start(config, keeper).map_err(|e| Failure::Input(e.to_string()))
}

fn explanation() -> String {
    format!(
        "Without the loop: tasks are placed first come, first served by {WITHOUT_LOOP_POLICY}, the default scores \
         of\nthe Kubernetes scheduler, and nothing is moved or cordoned. Both meet the same arrivals and faults."
    )
}
