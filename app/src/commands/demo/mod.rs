//! `lepton demo`: the loop on a simulated GPU cluster in accelerated time, beside the same hours without it.

mod compare;
mod hours;
mod live;
mod served;
mod service;
mod show;
mod summary;
mod terminal;
mod typical;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use lepton_core::decide::plan::Acts;
use lepton_sim::experiment::Keeper;
use lepton_sim::world::{Measures, WorldConfig};

use super::model_files;
use crate::against::Against;
use crate::cli::DemoArgs;
use crate::failure::Failure;
use crate::stop;

/// A figure of the comparison: its name, its unit, how it is read, decimals shown.
type Figure = (&'static str, &'static str, fn(&Measures) -> f64, usize);

/// What the loop is judged by; less is better in all but the last.
const FIGURES: [Figure; 9] = [
    ("hot_node_minutes", "node-minutes above the safety level", |m| m.hot_node_minutes, 0),
    ("mean_wait_seconds", "mean wait, s", |m| m.mean_wait_seconds, 1),
    ("mean_device_wait_seconds", "mean wait by devices, s", |m| m.mean_device_wait_seconds, 1),
    ("p95_wait_seconds", "95% of the tasks wait less than, s", |m| m.p95_wait_seconds, 0),
    ("lost_device_minutes", "work lost to failures, device-min", |m| m.lost_device_minutes, 0),
    ("paused_device_minutes", "standing still, device-min", |m| m.paused_device_minutes, 0),
    ("interrupted", "tasks interrupted by failures", |m| m.interrupted as f64, 0),
    ("migrations", "migrations", |m| m.migrations as f64, 0),
    ("devices_held_percent", "devices held, %", |m| 100.0 * m.devices_held, 2),
];

/// Seeds that are drawn lie below this, so that they are easily typed again.
const DRAWN_BELOW: u64 = 1_000_000;

pub(crate) fn run(args: &DemoArgs) -> Result<(), Failure> {
    let config = |seed| WorldConfig {
        seed,
        nodes: args.nodes_count,
        hours: args.hours,
        load: args.load,
        request_factor_max: args.request_factor.unwrap_or(0.0),
        ..WorldConfig::default()
    };
    let several = args.seeds.as_ref().is_some_and(|seeds| seeds.0.len() > 1);
    if args.against != Against::WithoutLoop && !several {
        let message = "--against compares over several seeds: give some, as `--seed 1..=20`";
        return Err(Failure::Input(message.to_owned()));
    }
    let the_loop = the_loop(args)?;
    let stop = stop::flag();
    match args.seeds.as_ref().map(|seeds| seeds.0.as_slice()) {
        Some(&[seed]) => live::run(args, &config(seed), &the_loop, stop),
        Some(seeds) => compare::run(args, seeds, &config, &the_loop, stop),
        None => live::run(args, &config(drawn_seed()), &the_loop, stop),
    }
}

/// The loop that is shown.
fn the_loop(args: &DemoArgs) -> Result<Keeper, Failure> {
    let Some(path) = &args.model else { return Ok(Keeper::Loop(Acts::DEFAULT)) };
    Ok(Keeper::OrderingBy(Arc::new(model_files::read_jobs(path)?)))
}

/// A seed that nobody has chosen.
fn drawn_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_nanos() as u64 ^ u64::from(std::process::id())) % DRAWN_BELOW
}

fn explanation(against: Against) -> String {
    format!(
        "{} Both meet the same arrivals and faults. Standing still: after restarts and moves.",
        against.meaning()
    )
}
