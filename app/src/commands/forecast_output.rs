//! What `lepton forecast` shows: tables, JSON, CSV, the file of predictions, and the data of its page.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use anyhow::Context;
use lepton_learn::forecast::SourceCheck;
use lepton_sim::experiment::forecast::{BackTest, Origins, Scores, SeriesRun};
use lepton_sim::readers::{LoadNotes, RecordedLoad};
use lepton_sim::report::forecast_html;
use serde::Serialize;
use serde_json::{Value, json};

use super::simulate_placement::command_line;
use crate::cli_forecast::ForecastArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};

/// Points of a scatter plot, at most.
const POINTS_MAX: usize = 3000;
/// Series of which fans are drawn, at most.
const FANS_MAX: usize = 24;
/// Bins before the origin that a fan shows.
const FAN_BINS: usize = 72;
/// Series in the table on the terminal when there is no back-test.
const ROWS: usize = 20;

/// What a run has come to. The first test is of the model asked for.
pub(super) struct Outcome<'a> {
    pub(super) args: &'a ForecastArgs,
    pub(super) load: &'a RecordedLoad,
    pub(super) origins: &'a Origins,
    pub(super) tests: &'a [BackTest],
    pub(super) check: Option<&'a SourceCheck>,
    pub(super) fit_seconds: f64,
    pub(super) play_seconds: f64,
}

/// The result as JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    tool: &'static str,
    version: &'static str,
    command: String,
    input: &'a Path,
    series: usize,
    bins: usize,
    notes: LoadNotes,
    fitted_until: usize,
    origins: usize,
    horizon: usize,
    levels: &'a [f64],
    seed: u64,
    fit_seconds: f64,
    back_test_seconds: f64,
    models: Vec<ModelScores<'a>>,
    /// Series on which the fall-back answered at some origin.
    slipped: usize,
    /// Forecasts of the last origin.
    forecasts: Vec<Latest<'a>>,
}

#[derive(Debug, Serialize)]
struct ModelScores<'a> {
    model: String,
    #[serde(flatten)]
    scores: &'a Scores,
}

/// The forecast of a series at the last origin: levels by steps 1 to the horizon, and the peak.
#[derive(Debug, Serialize)]
struct Latest<'a> {
    series: &'a str,
    steps: Vec<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak: Option<Vec<f64>>,
}

/// Name of a level's column: `q90`, `q99.5`.
fn level_name(level: f64) -> String {
    format!("q{}", (level * 1e6).round() / 1e4)
}

pub(super) fn write_predictions(out: &mut impl io::Write, outcome: &Outcome<'_>) -> io::Result<()> {
    let (test, args) = (&outcome.tests[0], outcome.args);
    let names: Vec<String> = args.quantiles.iter().map(|&l| level_name(l)).collect();
    writeln!(out, "series,origin,h,{}", names.join(","))?;
    for (name, run) in outcome.load.names.iter().zip(&test.series) {
        for (origin, forecast) in outcome.origins.bins.iter().zip(&run.forecasts) {
            for step in usize::from(!args.peak)..=args.horizon {
                write!(out, "{},{origin},{step}", quoted(name))?;
                for &level in &args.quantiles {
                    let peak = forecast.peak(level).unwrap_or(0.0);
                    let value = if step == 0 { peak } else { forecast.at(step, level) };
                    write!(out, ",{value}")?;
                }
                writeln!(out)?;
            }
        }
    }
    Ok(())
}

/// A CSV field.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

pub(super) fn print(outcome: &Outcome<'_>) -> Result<(), Failure> {
    match outcome.args.output {
        OutputFormat::Json => output::print_json(&report(outcome))?,
        OutputFormat::Table => output::print(&text(outcome))?,
        OutputFormat::Csv => output::print(&csv(outcome))?,
    }
    Ok(())
}

fn report<'a>(outcome: &Outcome<'a>) -> Report<'a> {
    let (args, load) = (outcome.args, outcome.load);
    let test = &outcome.tests[0];
    let latest = |(name, run): (&'a String, &SeriesRun)| {
        let forecast = run.forecasts.last()?;
        let of = |step: usize| args.quantiles.iter().map(|&l| forecast.at(step, l)).collect();
        let peak = args.peak.then(|| args.quantiles.iter().filter_map(|&l| forecast.peak(l)).collect());
        Some(Latest { series: name, steps: (1..=args.horizon).map(of).collect(), peak })
    };
    Report {
        tool: "lepton",
        version: env!("CARGO_PKG_VERSION"),
        command: command_line(),
        input: &args.input,
        series: load.names.len(),
        bins: load.values.first().map_or(0, Vec::len),
        notes: load.notes,
        fitted_until: outcome.origins.fitted - 1,
        origins: outcome.origins.bins.len(),
        horizon: args.horizon,
        levels: &args.quantiles,
        seed: args.seed,
        fit_seconds: outcome.fit_seconds,
        back_test_seconds: outcome.play_seconds,
        models: outcome
            .tests
            .iter()
            .map(|t| ModelScores { model: t.model.to_string(), scores: &t.scores })
            .collect(),
        slipped: test.series.iter().filter(|s| s.slipped).count(),
        forecasts: load.names.iter().zip(&test.series).filter_map(latest).collect(),
    }
}

fn scored(outcome: &Outcome<'_>) -> bool {
    outcome.tests[0].scores.series > 0
}

fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:.3}") } else { "-".to_owned() }
}

/// Columns of the table of scores: heading and value.
fn columns(args: &ForecastArgs, scores: &Scores) -> Vec<(String, f64)> {
    let mut columns = vec![
        ("relMAE".to_owned(), scores.rel_mae),
        ("MASE".to_owned(), scores.mase),
        ("WAPE".to_owned(), scores.wape),
        ("WQL".to_owned(), scores.wql),
    ];
    let highest = args.quantiles.len() - 1;
    let mut shown = vec![highest.saturating_sub(1), highest];
    shown.dedup();
    for l in shown {
        let percent = &level_name(args.quantiles[l])[1..];
        columns.push((format!("SPL{percent}"), scores.spl[l]));
        columns.push((format!("cov{percent}"), scores.coverage[l]));
    }
    if args.peak {
        let percent = &level_name(args.quantiles[highest])[1..];
        columns.push((format!("peak cov{percent}"), scores.peak_coverage[highest]));
        columns.push(("peak slack".to_owned(), scores.peak_slack[highest]));
    }
    columns
}

fn text(outcome: &Outcome<'_>) -> String {
    let (args, load) = (outcome.args, outcome.load);
    let notes = &load.notes;
    let mut text = format!(
        "{} series, {} bins of {} s; fitted on bins 0 to {} in {:.0} s.\n{} rows, {} duplicates, {} bins without sample, {} counter \
         resets, {} constant series, {} empty ones.\n\n",
        load.names.len(),
        load.values.first().map_or(0, Vec::len),
        args.period,
        outcome.origins.fitted - 1,
        outcome.fit_seconds,
        notes.rows,
        notes.duplicates,
        notes.missing,
        notes.resets,
        notes.constant,
        notes.empty
    );
    if scored(outcome) {
        let headings = columns(args, &outcome.tests[0].scores);
        let header: Vec<&str> =
            std::iter::once("model").chain(headings.iter().map(|(h, _)| h.as_str())).collect();
        let mut table = output::table(&header);
        for test in outcome.tests {
            let values = columns(args, &test.scores);
            table.add_row(
                std::iter::once(test.model.to_string()).chain(values.iter().map(|(_, v)| number(*v))),
            );
        }
        let slipped = outcome.tests[0].series.iter().filter(|s| s.slipped).count();
        let _ = write!(
            text,
            "{} origins, {} steps ahead:\n\n{table}\n\nrelMAE: error over that of the last value, geometric mean over series. SPL: \
             pinball loss over the mean change from bin to bin.\ncov: share of values not above the quantile. slack: how far the peak's \
             quantile lies above it, over the series' 99th percentile.\nFell back to the naive width at some origin: {slipped} series.\n",
            outcome.origins.bins.len(),
            args.horizon
        );
    } else {
        let _ = writeln!(text, "{}", latest_table(outcome));
    }
    text
}

/// The forecasts of the last origin, the first series.
fn latest_table(outcome: &Outcome<'_>) -> String {
    let args = outcome.args;
    let names: Vec<String> = args.quantiles.iter().map(|&l| level_name(l)).collect();
    let mut header = vec!["series", "last"];
    let ends: Vec<String> = names.iter().map(|n| format!("h{} {n}", args.horizon)).collect();
    let peaks: Vec<String> =
        if args.peak { names.iter().map(|n| format!("peak {n}")).collect() } else { Vec::new() };
    header.extend(ends.iter().chain(&peaks).map(String::as_str));
    let mut table = output::table(&header);
    for (i, run) in outcome.tests[0].series.iter().enumerate().take(ROWS) {
        let (Some(forecast), Some(&origin)) = (run.forecasts.last(), outcome.origins.bins.last()) else {
            continue;
        };
        let mut row = vec![outcome.load.names[i].clone(), number(outcome.load.values[i][origin])];
        row.extend(args.quantiles.iter().map(|&l| number(forecast.at(args.horizon, l))));
        if args.peak {
            row.extend(args.quantiles.iter().filter_map(|&l| forecast.peak(l)).map(number));
        }
        table.add_row(row);
    }
    let more = outcome.load.names.len().saturating_sub(ROWS);
    let rest =
        if more > 0 { format!("\n\nand {more} more; --predictions writes all") } else { String::new() };
    format!("Forecasts after bin {}:\n\n{table}{rest}", outcome.origins.bins.last().copied().unwrap_or(0))
}

fn csv(outcome: &Outcome<'_>) -> String {
    let mut text = String::new();
    for (i, test) in outcome.tests.iter().enumerate() {
        let columns = columns(outcome.args, &test.scores);
        if i == 0 {
            let headings: Vec<String> = columns.iter().map(|(h, _)| h.replace(' ', "_")).collect();
            let _ = writeln!(text, "model,{}", headings.join(","));
        }
        let values: Vec<String> = columns.iter().map(|(_, v)| v.to_string()).collect();
        let _ = writeln!(text, "{},{}", test.model, values.join(","));
    }
    text
}

/// The page: scores, scatter of predicted against actual, fans, coverage.
pub(super) fn page(outcome: &Outcome<'_>) -> Result<String, Failure> {
    let mut page = serde_json::to_value(report(outcome)).context("cannot write the report as JSON")?;
    let args = outcome.args;
    page["targets"] = json!(args.targets.iter().map(|t| &t.name).collect::<Vec<_>>());
    page["scatter"] = json!(outcome.tests.iter().map(|test| scatter(outcome, test)).collect::<Vec<_>>());
    page["fans"] = fans(outcome);
    page["source"] = json!(outcome.check);
    page["forecasts"] = Value::Null;
    Ok(forecast_html(&page))
}

/// Median predicted and value that came, one step and a horizon ahead, over the series' scale of the fitted part.
fn scatter(outcome: &Outcome<'_>, test: &BackTest) -> Value {
    let args = outcome.args;
    let count = test.series.len() * outcome.origins.bins.len();
    let every = count.div_ceil(POINTS_MAX).max(1);
    let mut points = Vec::new();
    let mut i = 0_usize;
    for (values, run) in outcome.load.values.iter().zip(&test.series) {
        for (&origin, forecast) in outcome.origins.bins.iter().zip(&run.forecasts) {
            i += 1;
            let step = args.horizon.div_ceil(2);
            let came = values.get(origin + step).copied().unwrap_or(f64::NAN);
            if i.is_multiple_of(every) && came.is_finite() && run.score.high > 0.0 {
                points.push([came / run.score.high, forecast.at(step, 0.5) / run.score.high]);
            }
        }
    }
    json!({ "model": test.model.to_string(), "step": args.horizon.div_ceil(2), "points": points })
}

/// Some series about one origin: what was known, what was forecast, what came.
fn fans(outcome: &Outcome<'_>) -> Value {
    let args = outcome.args;
    let test = &outcome.tests[0];
    let every = test.series.len().div_ceil(FANS_MAX).max(1);
    let fans = test.series.iter().enumerate().step_by(every).filter_map(|(i, run)| {
        let at = (i * 7919) % outcome.origins.bins.len();
        let (origin, forecast) = (outcome.origins.bins[at], run.forecasts.get(at)?);
        let from = origin.saturating_sub(FAN_BINS.max(args.horizon));
        let to = (origin + args.horizon + 1).min(outcome.load.values[i].len());
        let quantiles: Vec<Vec<f64>> =
            (1..=args.horizon).map(|step| args.quantiles.iter().map(|&l| forecast.at(step, l)).collect()).collect();
        let known: Vec<Option<f64>> = outcome.load.values[i][from..to].iter().map(|v| v.is_finite().then_some(*v)).collect();
        Some(json!({ "series": outcome.load.names[i], "origin": origin, "from": from, "values": known, "quantiles": quantiles }))
    });
    json!(fans.collect::<Vec<_>>())
}
