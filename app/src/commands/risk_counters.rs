//! `lepton risk --counters`: learns from drives whose fate is known and ranks others by their chance to fail.

use std::io::{self, Write};
use std::path::Path;

use lepton_core::analyze::risk::{CounterRisk, CounterTable, FittedCounters};
use lepton_learn::{TreeOptions, train_counter_risk};
use lepton_sim::readers::{CounterFile, CounterOptions, read_counters};
use serde::Serialize;

use super::model_files;
use super::risk_telemetry::csv_field;
use super::simulate_placement::command_line;
use crate::cli_risk::RiskArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::result_files::ResultFiles;

/// Parts in the table.
const ROWS_SHOWN: usize = 20;
/// Counters that tell a part's age.
const AGE_COUNTERS: [&str; 5] = ["age_h", "age_hours", "power_on_hours", "smart_9", "smart_9_raw"];
/// Counters named as reasons.
const REASONS: usize = 3;

/// A part as it stands in its last row.
#[derive(Debug, Serialize)]
struct PartRisk {
    part: String,
    /// Its last row in the file, from 0.
    row: usize,
    /// Chance to fail within the time that the label speaks of.
    chance: f64,
    /// Counters that grew since its row before, or are above zero, the most grown first.
    reasons: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    trees: usize,
    rows_learned_from: usize,
    failures_learned_from: usize,
    parts: Vec<PartRisk>,
}

/// Learns from `train`, or reads what was learned before.
pub(super) fn run(args: &RiskArgs, train: Option<&Path>, input: &Path) -> Result<(), Failure> {
    let mut files = ResultFiles::beside_inputs([
        ("--train", train),
        ("--load", args.load.as_deref()),
        ("--input", Some(input)),
    ]);
    let predictions = files.claim_if_given("--predictions", args.predictions.as_deref())?;
    let save = files.claim_if_given("--save", args.save.as_deref())?;
    let fitted = match (train, &args.load) {
        (Some(train), _) => learn(args, train)?,
        (None, Some(path)) => model_files::read_counters(path)?,
        (None, None) => return Err(Failure::Input("--counters needs --train or --load".to_owned())),
    };
    files.write(save.as_ref(), |out| out.write_all(&fitted.to_bytes()));
    let model = &fitted.model;
    let columns = CounterTable {
        counters: model.counters.clone(),
        categories: model.categories.iter().map(|(name, _)| name.clone()).collect(),
        ..CounterTable::default()
    };
    let options = CounterOptions { part: args.part.clone(), features: args.features.clone(), label: None };
    let judged = read_counters(input, &options, Some(&columns))?;
    say(input, &judged);
    let log_odds = model.log_odds(&judged.table);
    files.write(predictions.as_ref(), |out| write_predictions(out, model, &log_odds));
    let report = Report {
        trees: model.trees.trees(),
        rows_learned_from: fitted.rows,
        failures_learned_from: fitted.failures,
        parts: ranked(model, &judged.table, &log_odds),
    };
    match args.output {
        OutputFormat::Json => output::print_json(&report)?,
        OutputFormat::Csv => output::print(&csv(&report))?,
        OutputFormat::Table => output::print(&text(&report))?,
    }
    files.end()
}

fn learn(args: &RiskArgs, train: &Path) -> Result<FittedCounters, Failure> {
    let Some(label) = args.label.clone() else {
        return Err(Failure::Input(
            "--counters with --train needs --label COLUMN: which rows failed soon after".to_owned(),
        ));
    };
    let options = CounterOptions {
        label: Some(label.clone()),
        part: args.part.clone(),
        features: args.features.clone(),
    };
    let learned = read_counters(train, &options, None)?;
    say(train, &learned);
    let age = learned.table.counters.iter().position(|c| AGE_COUNTERS.contains(&c.as_str()));
    let trees = TreeOptions { seed: args.seed, ..TreeOptions::default() };
    let bar = output::progress("trees", 1);
    let trained = train_counter_risk(&learned.table, age, &trees);
    bar.finish_and_clear();
    let model = trained.map_err(|e| Failure::Input(format!("{}: {e}", train.display())))?;
    let mut fitted = FittedCounters::new(model, command_line(), train.display().to_string(), label);
    fitted.rows = learned.table.rows();
    fitted.failures = learned.table.failed.iter().filter(|&&f| f).count();
    Ok(fitted)
}

fn say(path: &Path, file: &CounterFile) {
    for note in &file.notes {
        output::note(&format!("{}: {note}", path.display()));
    }
}

/// `row,score,chance`: a row for each row of the input. The score ranks finer than the chance, which has steps.
fn write_predictions(out: &mut impl Write, model: &CounterRisk, log_odds: &[f64]) -> io::Result<()> {
    writeln!(out, "row,score,chance")?;
    for (row, &score) in log_odds.iter().enumerate() {
        writeln!(out, "{row},{score:.6},{:.6}", model.chance(score))?;
    }
    Ok(())
}

/// The parts by their last rows, the likeliest to fail first.
fn ranked(model: &CounterRisk, table: &CounterTable, log_odds: &[f64]) -> Vec<PartRisk> {
    let mut last: Vec<[Option<usize>; 2]> = vec![[None; 2]; table.parts.len()];
    for row in 0..table.rows() {
        let rows = &mut last[table.part[row] as usize];
        *rows = [Some(row), rows[0]];
    }
    let mut order: Vec<(usize, usize, Option<usize>)> =
        last.iter().enumerate().filter_map(|(part, rows)| Some((part, rows[0]?, rows[1]))).collect();
    order.sort_by(|a, b| log_odds[b.1].total_cmp(&log_odds[a.1]));
    let risk = |(part, row, before): (usize, usize, Option<usize>)| PartRisk {
        part: table.parts[part].clone(),
        row,
        chance: model.chance(log_odds[row]),
        reasons: reasons(model, table, row, before),
    };
    order.into_iter().map(risk).collect()
}

fn reasons(model: &CounterRisk, table: &CounterTable, row: usize, before: Option<usize>) -> Vec<String> {
    let mut grown: Vec<(f32, f32, f32, &str)> = Vec::new();
    for (c, name) in table.counters.iter().enumerate().filter(|(c, _)| Some(*c) != model.age) {
        let now = table.row(row)[c];
        let by = before.map_or(0.0, |b| now - table.row(b)[c]);
        if now > 0.0 && by > 0.0 {
            grown.push((by / now.max(1.0), by, now, name));
        }
    }
    grown.sort_by(|a, b| b.0.total_cmp(&a.0));
    grown.iter().take(REASONS).map(|(_, by, now, name)| format!("{name} {now} (+{by})")).collect()
}

fn text(report: &Report) -> String {
    let mut table = output::table(&["part", "chance", "row", "grown since the row before"]);
    for part in report.parts.iter().take(ROWS_SHOWN) {
        let why = if part.reasons.is_empty() { "-".to_owned() } else { part.reasons.join(", ") };
        table.add_row([part.part.clone(), format!("{:.1}%", 100.0 * part.chance), part.row.to_string(), why]);
    }
    let (rows, failures) = (report.rows_learned_from, report.failures_learned_from);
    let expected: f64 = report.parts.iter().map(|p| p.chance).sum();
    format!(
        "{table}\n{} parts in their last rows, of which about {expected:.0} are expected to fail; learned from {rows} rows, \
         {failures} of them before a failure.\n",
        report.parts.len()
    )
}

fn csv(report: &Report) -> String {
    let mut out = String::from("part,row,chance,reasons\n");
    for part in &report.parts {
        let (name, why) = (csv_field(&part.part), csv_field(&part.reasons.join("; ")));
        out.push_str(&format!("{name},{},{:.6},{why}\n", part.row, part.chance));
    }
    out
}
