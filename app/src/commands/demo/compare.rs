//! Many seeds: only the comparison, with its spread and the differences seed by seed.

use lepton_core::model::counted;
use std::fmt::Write as _;
use std::sync::atomic::AtomicBool;

use lepton_sim::experiment::{Keeper, Paired, Spread, paired, spread};
use lepton_sim::world::{Measures, WorldConfig};
use serde_json::{Value, json};

use super::hours::{self, Hours};
use super::{FIGURES, Figure, explanation};
use crate::cli::DemoArgs;
use crate::failure::Failure;
use crate::numbers::signed;
use crate::output::{self, OutputFormat};

/// A seed with the figures of its two runs.
struct Pair {
    seed: u64,
    with: Measures,
    without: Measures,
}

/// A figure over all seeds.
struct Row {
    figure: Figure,
    with: Spread,
    without: Spread,
    paired: Option<Paired>,
}

/// Runs the seeds.
pub(super) fn run(
    args: &DemoArgs,
    seeds: &[u64],
    config: &dyn Fn(u64) -> WorldConfig,
    the_loop: &Keeper,
    stop: &'static AtomicBool,
) -> Result<(), Failure> {
    let bar = output::progress("seeds", seeds.len() as u64);
    let mut pairs = Vec::new();
    for &seed in seeds {
        let keepers = [the_loop.clone(), args.against.keeper()];
        let Some(hours::Pair { with, without }) = Hours::whole(&config(seed), keepers, stop)? else { break };
        pairs.push(Pair { seed, with, without });
        bar.inc(1);
    }
    bar.finish_and_clear();
    let stopped = pairs.len() < seeds.len();
    if pairs.is_empty() {
        return Err(Failure::StoppedWithoutResult);
    }
    match args.output {
        OutputFormat::Table => output::print(&text(args, &pairs))?,
        OutputFormat::Json => output::print_json(&document(args, &pairs, stopped))?,
        OutputFormat::Csv => output::print(&csv(args, &pairs))?,
    }
    if stopped { Err(Failure::Stopped) } else { Ok(()) }
}

fn rows(pairs: &[Pair]) -> Vec<Row> {
    let row = |figure: &Figure| {
        let with: Vec<f64> = pairs.iter().map(|p| figure.2(&p.with)).collect();
        let without: Vec<f64> = pairs.iter().map(|p| figure.2(&p.without)).collect();
        let differences: Vec<f64> = with.iter().zip(&without).map(|(a, b)| a - b).collect();
        let (with, without) = (spread(&with)?, spread(&without)?);
        Some(Row { figure: *figure, with, without, paired: paired(&differences) })
    };
    FIGURES.iter().filter_map(row).collect()
}

fn text(args: &DemoArgs, pairs: &[Pair]) -> String {
    let mut table = output::table(&["", "with the loop", args.against.label(), "paired difference [95%]"]);
    for Row { figure: (_, label, _, d), with, without, paired } in rows(pairs) {
        let shown = |s: Spread| format!("{:.*} ±{:.*}", d, s.mean, d, s.sd);
        let difference = paired.map_or_else(String::new, |p| {
            let [difference, low, high] = [p.difference, p.low, p.high].map(|value| signed(value, d));
            format!("{difference} [{low}, {high}]")
        });
        table.add_row([label.to_owned(), shown(with), shown(without), difference]);
    }
    format!(
        "{}, {}, {}: mean ± standard deviation\n{table}\n{}\n",
        counted(pairs.len(), "seed", "seeds"),
        counted(args.hours, "hour", "hours"),
        counted(args.nodes_count, "node", "nodes"),
        explanation(args.against)
    )
}

fn document(args: &DemoArgs, pairs: &[Pair], stopped: bool) -> Value {
    let summary: serde_json::Map<String, Value> = rows(pairs)
        .into_iter()
        .map(|row| {
            let values =
                json!({"with_loop": row.with, (args.against.key()): row.without, "paired": row.paired});
            (row.figure.0.to_owned(), values)
        })
        .collect();
    let runs: Vec<Value> = (pairs.iter())
        .map(|p| json!({"seed": p.seed, "with_loop": p.with, (args.against.key()): p.without}))
        .collect();
    json!({
        "tool": "lepton", "version": env!("CARGO_PKG_VERSION"), "hours": args.hours, "nodes": args.nodes_count,
        "runs": runs, "summary": summary, "stopped_early": stopped,
    })
}

fn csv(args: &DemoArgs, pairs: &[Pair]) -> String {
    let mut text = String::from("seed,keeper");
    for (name, ..) in FIGURES {
        let _ = write!(text, ",{name}");
    }
    text.push('\n');
    for Pair { seed, with, without } in pairs {
        for (keeper, m) in [("loop", with), (args.against.key(), without)] {
            let _ = write!(text, "{seed},{keeper}");
            for (_, _, value, _) in FIGURES {
                let _ = write!(text, ",{}", value(m));
            }
            text.push('\n');
        }
    }
    text
}
