//! `lepton demo`: the loop on a simulated GPU cluster in accelerated time, then the same hours without it.

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use lepton_core::cycle::CycleReport;
use lepton_core::model::{DecisionRecord, StepResult};
use lepton_sim::experiment::{Keeper, LoopRun, Paired, Spread, WITHOUT_LOOP_POLICY, paired, spread};
use lepton_sim::world::{Measures, WorldConfig};
use serde_json::{Value, json};

use super::demo_screen::Screen;
use crate::cli::DemoArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
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
    let stop = stop::on_ctrl_c()?;
    match &args.seeds {
        Some(seeds) => many(args, &seeds.0, &config, &stop),
        None => one(args, &config(args.seed), &stop),
    }
}

/// One seed: live, then the summary.
fn one(args: &DemoArgs, config: &WorldConfig, stop: &AtomicBool) -> Result<(), Failure> {
    let mut records = match &args.records {
        Some(path) => {
            let file =
                std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            Some(BufWriter::new(file))
        }
        None => None,
    };
    let mut run = start(config, Keeper::Loop)?;
    let table = args.output == OutputFormat::Table;
    let mut screen = Screen::new(&run, config, table);
    let pause = args.speed.filter(|_| screen.is_live()).map(|speed| Duration::from_secs_f64(60.0 / speed));
    while let Some(report) = run.turn() {
        if table {
            output::print(&screen.show(&run, &report))?;
        }
        if let Some(file) = &mut records {
            for record in &report.records {
                let line = serde_json::to_string(record).context("cannot write a record as JSON")?;
                writeln!(file, "{line}").context("cannot write the records")?;
            }
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if let Some(pause) = pause {
            std::thread::sleep(pause);
        }
    }
    if let Some(mut file) = records {
        file.flush().context("cannot write the records")?;
    }
    let stopped = stop.load(Ordering::Relaxed);
    let hours = run.now_seconds() as f64 / 3600.0;
    // Without the loop the same hours pass, also when they were cut short.
    let mut without = start(config, Keeper::WithoutLoop)?;
    while without.now_seconds() < run.now_seconds() && without.turn().is_some() {}
    let (with, without) = (run.measures(), without.measures());
    match args.output {
        OutputFormat::Table => {
            let head = format!(
                "\n{hours:.1} hours, {} nodes, {} GPUs, seed {}: {} tasks came, {} nodes failed.\n",
                run.nodes(),
                run.devices(),
                config.seed,
                with.arrived,
                with.failures
            );
            let mut table = output::table(&["", "with the loop", "without"]);
            for (_, label, value, decimals) in FIGURES {
                let shown = |m: &Measures| format!("{:.*}", decimals, value(m));
                table.add_row([label.to_owned(), shown(&with), shown(&without)]);
            }
            output::print(&format!("{head}{table}\n{}\n", explanation()))?;
        }
        OutputFormat::Json => output::print_json(&json!({
            "tool": "lepton", "version": env!("CARGO_PKG_VERSION"), "seed": config.seed, "hours": hours,
            "nodes": run.nodes(), "devices": run.devices(), "stopped_early": stopped,
            "with_loop": with, "without_loop": without,
        }))?,
        OutputFormat::Csv => {
            let mut text = String::from("figure,with_loop,without_loop\n");
            for (name, _, value, _) in FIGURES {
                let _ = writeln!(text, "{name},{},{}", value(&with), value(&without));
            }
            output::print(&text)?;
        }
    }
    if stopped { Err(Failure::Stopped) } else { Ok(()) }
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

/// Many seeds: only the comparison, with its spread.
fn many(
    args: &DemoArgs,
    seeds: &[u64],
    config: &dyn Fn(u64) -> WorldConfig,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let bar = output::progress("seeds", seeds.len() as u64);
    let mut pairs: Vec<(u64, Measures, Measures)> = Vec::new();
    for &seed in seeds {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let whole = |keeper| -> Result<Measures, Failure> {
            let mut run = start(&config(seed), keeper)?;
            while run.turn().is_some() {}
            Ok(run.measures())
        };
        pairs.push((seed, whole(Keeper::Loop)?, whole(Keeper::WithoutLoop)?));
        bar.inc(1);
    }
    bar.finish_and_clear();
    let rows: Vec<(Figure, Spread, Spread, Option<Paired>)> = FIGURES
        .iter()
        .filter_map(|figure| {
            let with: Vec<f64> = pairs.iter().map(|p| figure.2(&p.1)).collect();
            let without: Vec<f64> = pairs.iter().map(|p| figure.2(&p.2)).collect();
            let difference: Vec<f64> = with.iter().zip(&without).map(|(a, b)| a - b).collect();
            Some((*figure, spread(&with)?, spread(&without)?, paired(&difference)))
        })
        .collect();
    match args.output {
        OutputFormat::Table => {
            let mut table = output::table(&["", "with the loop", "without", "paired difference [95%]"]);
            for ((_, label, _, d), with, without, paired) in &rows {
                let shown = |s: &Spread| format!("{:.*} ±{:.*}", *d, s.mean, *d, s.sd);
                let difference = paired.map_or_else(String::new, |p| {
                    format!("{:+.*} [{:+.*}, {:+.*}]", *d, p.difference, *d, p.low, *d, p.high)
                });
                table.add_row([(*label).to_owned(), shown(with), shown(without), difference]);
            }
            let text = format!(
                "{} seeds, {} hours, {} nodes: mean ± standard deviation\n{table}\n{}\n",
                pairs.len(),
                args.hours,
                args.nodes_count,
                explanation()
            );
            output::print(&text)?;
        }
        OutputFormat::Json => {
            let summary: serde_json::Map<String, Value> = rows
                .iter()
                .map(|((name, ..), with, without, paired)| {
                    (
                        (*name).to_owned(),
                        json!({"with_loop": with, "without_loop": without, "paired": paired}),
                    )
                })
                .collect();
            let runs: Vec<Value> = pairs
                .iter()
                .map(
                    |(seed, with, without)| json!({"seed": seed, "with_loop": with, "without_loop": without}),
                )
                .collect();
            output::print_json(&json!({
                "tool": "lepton", "version": env!("CARGO_PKG_VERSION"), "hours": args.hours,
                "nodes": args.nodes_count, "runs": runs, "summary": summary,
                "stopped_early": pairs.len() < seeds.len(),
            }))?;
        }
        OutputFormat::Csv => {
            let mut text = String::from("seed,keeper");
            for (name, ..) in FIGURES {
                let _ = write!(text, ",{name}");
            }
            text.push('\n');
            for (seed, with, without) in &pairs {
                for (keeper, m) in [("loop", with), ("without_loop", without)] {
                    let _ = write!(text, "{seed},{keeper}");
                    for (_, _, value, _) in FIGURES {
                        let _ = write!(text, ",{}", value(m));
                    }
                    text.push('\n');
                }
            }
            output::print(&text)?;
        }
    }
    if pairs.len() < seeds.len() { Err(Failure::Stopped) } else { Ok(()) }
}

/// One decision on one line, with its reason.
pub(super) fn line(record: &DecisionRecord) -> String {
    let DecisionRecord { action, task, from, to, reason, gain, cost, result, .. } = record;
    let mut out = format!("{} {action:<8}", clock(record.time_seconds));
    if let Some(task) = task {
        let _ = write!(out, " {task}");
    }
    match (from, to) {
        (Some(from), Some(to)) => {
            let _ = write!(out, " {from} -> {to}");
        }
        (None, Some(to)) if task.is_some() => {
            let _ = write!(out, " -> {to}");
        }
        (_, Some(to)) => {
            let _ = write!(out, " {to}");
        }
        _ => {}
    }
    if let Some(reason) = reason {
        let _ = write!(out, "  {reason:?}");
    } else if let Some((obstacle, nodes)) = record.ruled_out.first() {
        let _ = write!(out, "  {obstacle:?} on {nodes} nodes");
    }
    if *cost > 0.0 {
        let _ = write!(out, ", gain {gain:.1} for {cost:.1} device-minutes");
    }
    match result {
        Some(StepResult::Refused(why)) => {
            let _ = write!(out, "; refused: {why}");
        }
        Some(StepResult::Undone(why)) => {
            let _ = write!(out, "; undone: {why}");
        }
        Some(StepResult::Done) | None => {}
    }
    out
}

/// How the cluster stands, on one line.
pub(super) fn status(time_seconds: u64, report: &CycleReport) -> String {
    let a = &report.assessment;
    format!(
        "{} cpu {:.0}% ±{:.0}, devices {:.0}%, stranded {:.1}, waiting {}, hot nodes {}, failing {}",
        clock(time_seconds),
        100.0 * a.mean_used,
        100.0 * a.imbalance,
        100.0 * a.devices_held,
        a.stranded_milli as f64 / 1000.0,
        a.waiting,
        a.hot.len(),
        a.failing.len()
    )
}

/// `1d 06:30`, without the day on the first.
fn clock(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    if days == 0 { format!("{hours:02}:{minutes:02}") } else { format!("{days}d {hours:02}:{minutes:02}") }
}
