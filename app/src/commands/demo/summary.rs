//! The end of the demo: one sentence on what the loop was worth and what it cost, the figures, and how typical they are.

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table};
use lepton_core::model::{DeedsByAct, counted};
use lepton_sim::world::{Measures, WorldConfig};
use serde_json::json;

use super::hours::Pair;
use super::served::Served;
use super::{FIGURES, explanation, typical};
use crate::against::Against;
use crate::columns::terminal_width;
use crate::failure::Failure;
use crate::numbers::signed;
use crate::output::{self, OutputFormat};

/// Columns that a line of the summary has at most; less where the terminal is narrower.
const COLUMNS_MAX: usize = 80;
/// A narrower terminal breaks the lines itself.
const COLUMNS_MIN: usize = 40;

/// A run that has come to its end.
pub(super) struct Ended<'a> {
    pub(super) config: &'a WorldConfig,
    pub(super) now_seconds: u64,
    pub(super) nodes: usize,
    pub(super) devices: usize,
    pub(super) pair: Pair,
    pub(super) deeds: DeedsByAct,
    pub(super) order: Served,
    pub(super) stopped: bool,
}

/// Prints it; `others` waits for what the loop gains with other seeds. What is known is shown before.
pub(super) fn print(
    ended: &Ended<'_>,
    form: OutputFormat,
    others: impl FnOnce() -> Vec<f64>,
) -> Result<(), Failure> {
    let Pair { with, without } = &ended.pair;
    match form {
        OutputFormat::Table => {
            let columns = terminal_width().map_or(COLUMNS_MAX, |width| width.clamp(COLUMNS_MIN, COLUMNS_MAX));
            output::print(&text(ended, columns))?;
            if !ended.stopped {
                let said = typical::said(ended.config.seed, typical::gain(&ended.pair), &others());
                output::print(&wrapped(&said, columns))?;
            }
        }
        OutputFormat::Json => {
            let differences: serde_json::Map<_, _> = (FIGURES.iter())
                .map(|(name, _, value, _)| ((*name).to_owned(), (value(with) - value(without)).into()))
                .collect();
            let acts: serde_json::Map<_, _> =
                ended.deeds.iter().map(|(act, deeds)| (act.name().to_owned(), json!(deeds))).collect();
            output::print_json(&json!({
                "tool": "lepton", "version": env!("CARGO_PKG_VERSION"), "seed": ended.config.seed,
                "hours": hours(ended), "nodes": ended.nodes, "devices": ended.devices,
                "stopped_early": ended.stopped, "with_loop": with, "without_loop": without,
                "difference": differences, "acts": acts, "order": ended.order.document(), "other_seeds_hot_node_minutes_taken_off": others(),
            }))?;
        }
        OutputFormat::Csv => {
            let mut text = String::from("figure,with_loop,without_loop,difference\n");
            for (name, _, value, _) in FIGURES {
                let (with, without) = (value(with), value(without));
                let _ = writeln!(text, "{name},{with},{without},{}", with - without);
            }
            output::print(&text)?;
        }
    }
    Ok(())
}

fn hours(ended: &Ended<'_>) -> f64 {
    ended.now_seconds as f64 / 3600.0
}

fn text(ended: &Ended<'_>, columns: usize) -> String {
    let Pair { with, without } = &ended.pair;
    let mut table = output::table(&["", "with the loop", "without", "difference"]);
    for (_, label, value, decimals) in FIGURES {
        let (with, without) = (value(with), value(without));
        let difference = signed(with - without, decimals);
        let row = [format!("{with:.decimals$}"), format!("{without:.decimals$}"), difference];
        table.add_row(std::iter::once(label.to_owned()).chain(row));
    }
    let table = within(table, columns);
    let run = format!(
        "{:.1} hours, {}, {}, seed {}: {} came, {} failed.",
        hours(ended),
        counted(ended.nodes, "node", "nodes"),
        counted(ended.devices, "GPU", "GPUs"),
        ended.config.seed,
        counted(with.arrived, "task", "tasks"),
        counted(with.failures, "node", "nodes"),
    );
    let explanation = format!(
        "{} What each act of the loop did: protect clears failing nodes, relieve takes work off hot ones, start \
         places what waits, make-room moves tasks so that others fit; gain and cost in device-minutes, as expected \
         when it was decided.",
        explanation(Against::WithoutLoop)
    );
    let acts = acts(&ended.deeds, columns);
    let [worth, run, explanation] =
        [worth(with, without), run, explanation].map(|said| wrapped(&said, columns));
    let order = ended.order.said().map_or_else(String::new, |said| wrapped(&said, columns) + "\n");
    format!("{worth}{run}\n{table}\n\n{acts}\n\n{order}{explanation}")
}

/// What each act of the loop did.
fn acts(deeds: &DeedsByAct, columns: usize) -> String {
    let header = ["act", "placed", "moved", "stopped", "cordons", "not done", "gain", "cost"];
    let mut table = output::table(&header);
    for (act, d) in deeds.iter() {
        let counts = [d.placed, d.moved, d.stopped, d.cordons, d.not_done].map(|n| n.to_string());
        let worth = [d.gain, d.cost].map(|worth| format!("{worth:.0}"));
        table.add_row(std::iter::once(act.name().to_owned()).chain(counts).chain(worth));
    }
    within(table, columns)
}

/// The table in so many columns, cells broken where they must be.
fn within(mut table: Table, columns: usize) -> String {
    let width = u16::try_from(columns).unwrap_or(u16::MAX);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// What the loop was worth and what it cost, in one sentence.
fn worth(with: &Measures, without: &Measures) -> String {
    let (hot, hot_without) = (with.hot_node_minutes, without.hot_node_minutes);
    let change = if hot_without > 0.0 {
        format!(" ({}%)", signed(100.0 * (hot - hot_without) / hot_without, 0))
    } else {
        String::new()
    };
    let lost = with.lost_device_minutes - without.lost_device_minutes;
    let paused = with.paused_device_minutes - without.paused_device_minutes;
    format!(
        "With the loop nodes stood {hot:.0} instead of {hot_without:.0} minutes above the safety level{change} \
         and {:.0} device-minutes {} of work were lost to failures; that cost {} and {:.0} \
         device-minutes {} of standing still.",
        lost.abs(),
        if lost <= 0.0 { "less" } else { "more" },
        counted(with.migrations, "migration", "migrations"),
        paused.abs(),
        if paused >= 0.0 { "more" } else { "less" },
    )
}

/// The text in lines of at most so many columns.
fn wrapped(text: &str, columns: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always one");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= columns {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n") + "\n"
}
