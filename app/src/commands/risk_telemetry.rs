//! `lepton risk --train .. --input ..`: learns what is normal on each machine and judges what came later.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lepton_core::analyze::risk::{
    AlarmBudget, AnomalyDetector, AnomalyReading, EPISODE_BREAK_SECONDS, Telemetry,
};
use lepton_sim::readers::{TelemetryOptions, read_telemetry};
use lepton_sim::report::risk_html;
use serde::Serialize;
use serde_json::{Value, json};

use super::simulate_placement::command_line;
use crate::cli_risk::RiskArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::result_files::ResultFiles;

/// Endings of files that hold telemetry.
const ENDINGS: [&str; 4] = [".csv", ".csv.gz", ".csv.xz", ".csv.zst"];
/// Machines on the page, the worst, and points of each.
const MACHINES_DRAWN: usize = 200;
const POINTS_DRAWN: usize = 1500;
/// Machines in the table.
const ROWS_SHOWN: usize = 40;

/// A machine and what was found on it.
struct Watched {
    readings: Vec<AnomalyReading>,
    summary: MachineSummary,
}

/// What there is to say of a machine, the worst first.
#[derive(Debug, Clone, Serialize)]
struct MachineSummary {
    machine: String,
    bins: usize,
    /// Episodes of alarm, the highest score first.
    episodes: Vec<Episode>,
    /// Lowest score that is an alarm.
    threshold: f64,
    /// Highest score.
    score_max: f64,
}

/// Alarms with at most half an hour between them.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Episode {
    /// First bin, counted from the first of the input.
    first: usize,
    /// Last bin.
    last: usize,
    score_max: f64,
    /// Metrics that deviated most at the highest score, and by how many deviations.
    metrics: Vec<(String, f32)>,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    period_seconds: u32,
    budget_per_day: f64,
    machines: Vec<&'a MachineSummary>,
}

pub(super) fn run(args: &RiskArgs, train: &Path, input: &Path) -> Result<(), Failure> {
    let pairs = pairs(train, input)?;
    let read =
        pairs.values().flat_map(|[t, i]| [("--train", Some(t.as_path())), ("--input", Some(i.as_path()))]);
    let mut files = ResultFiles::beside_inputs(read);
    let predictions = files.claim_if_given("--predictions", args.predictions.as_deref())?;
    let page = files.claim_if_given("--report", args.report.as_deref())?;
    let bar = output::progress("machines", pairs.len() as u64);
    let mut watched = Vec::new();
    for (machine, [train, input]) in &pairs {
        watched.push(bar.suspend(|| watch(args, machine, train, input))?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    files.write(predictions.as_ref(), |out| write_predictions(out, &watched));
    let mut ranked: Vec<&Watched> = watched.iter().collect();
    ranked.sort_by(|a, b| {
        let worst =
            |w: &Watched| (w.summary.episodes.first().map_or(0.0, |e| e.score_max), w.summary.score_max);
        let (a, b) = (worst(a), worst(b));
        b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1))
    });
    let machines: Vec<&MachineSummary> = ranked.iter().map(|w| &w.summary).collect();
    if page.is_some() {
        files.write_page(page.as_ref(), &risk_html(&page_data(args, &ranked)));
    }
    let report = Report { period_seconds: args.period, budget_per_day: args.budget, machines };
    match args.output {
        OutputFormat::Json => output::print_json(&report)?,
        OutputFormat::Csv => output::print(&csv(&report))?,
        OutputFormat::Table => output::print(&text(&report))?,
    }
    files.end()
}

fn watch(args: &RiskArgs, machine: &str, train: &Path, input: &Path) -> Result<Watched, Failure> {
    let options = TelemetryOptions { period_seconds: args.period, time_column: args.time.clone() };
    let learned = read_telemetry(train, machine, &options, None)?;
    let mut judged = read_telemetry(input, machine, &options, Some(&learned))?;
    for (path, file) in [(train, &learned), (input, &judged)] {
        for note in &file.notes {
            output::note(&format!("{}: {note}", path.display()));
        }
    }
    if !learned.timed {
        // Rows without a time go on where those that were learned from end.
        judged.telemetry.first_bin += learned.telemetry.bins() as i64;
    }
    let budget = AlarmBudget { episodes_per_day: args.budget };
    let mut detector =
        AnomalyDetector::fit(&learned.telemetry, budget).map_err(|e| Failure::Input(e.to_string()))?;
    let input = judged.telemetry;
    let readings: Vec<AnomalyReading> =
        input.rows().filter_map(|(bin, row)| detector.push(bin, row)).collect();
    let mut episodes = episodes(&input, &readings);
    episodes.sort_by(|a, b| b.score_max.total_cmp(&a.score_max));
    let summary = MachineSummary {
        machine: machine.to_owned(),
        bins: readings.len(),
        episodes,
        threshold: detector.threshold(),
        score_max: readings.iter().map(|r| r.score).fold(0.0, f64::max),
    };
    Ok(Watched { readings, summary })
}

fn episodes(input: &Telemetry, readings: &[AnomalyReading]) -> Vec<Episode> {
    let gap = (EPISODE_BREAK_SECONDS / input.period_seconds) as usize;
    let mut found: Vec<Episode> = Vec::new();
    for (bin, reading) in readings.iter().enumerate().filter(|(_, r)| r.alarm) {
        let metrics = || {
            let named = reading.metrics.iter().filter(|(_, off)| *off > 0.0);
            named.map(|&(m, off)| (input.metrics[m as usize].clone(), off)).collect()
        };
        match found.last_mut().filter(|e| bin - e.last <= gap + 1) {
            Some(episode) => {
                episode.last = bin;
                if reading.score > episode.score_max {
                    (episode.score_max, episode.metrics) = (reading.score, metrics());
                }
            }
            None => {
                found.push(Episode { first: bin, last: bin, score_max: reading.score, metrics: metrics() });
            }
        }
    }
    found
}

/// Files to learn from and to judge, by machine.
fn pairs(train: &Path, input: &Path) -> Result<BTreeMap<String, [PathBuf; 2]>, Failure> {
    if !train.is_dir() && !input.is_dir() {
        let name = machine_of(input, &["_test", "_input", "_train"]);
        return Ok(BTreeMap::from([(name, [train.to_owned(), input.to_owned()])]));
    }
    let [learned, judged] = [files(train, &["_train"])?, files(input, &["_test", "_input"])?];
    let missing = |wanted: &BTreeMap<String, PathBuf>, there: &BTreeMap<String, PathBuf>, role: &str| {
        wanted.iter().find(|(name, _)| !there.contains_key(*name)).map(|(name, path)| {
            let problem = format!("{}: machine `{name}` has no file in {role}", path.display());
            Failure::Input(format!("{problem}. Maybe its name is written differently there"))
        })
    };
    if let Some(failure) = missing(&judged, &learned, "--train") {
        return Err(failure);
    }
    if let Some(failure) = missing(&learned, &judged, "--input") {
        return Err(failure);
    }
    Ok(learned.into_iter().map(|(name, path)| (name.clone(), [path, judged[&name].clone()])).collect())
}

/// The telemetry in a folder by machine: files with one of these suffixes if there are any, else all.
fn files(folder: &Path, suffixes: &[&str]) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let cannot = |e: io::Error| Failure::Input(format!("{}: cannot be read: {e}", folder.display()));
    if !folder.is_dir() {
        let problem = "is a file, expected a folder as the other of --train and --input is";
        return Err(Failure::Input(format!("{}: {problem}", folder.display())));
    }
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if stem(&path).is_some() && path.is_file() {
            all.push(path);
        }
    }
    let marked = |path: &PathBuf| stem(path).is_some_and(|s| suffixes.iter().any(|e| s.ends_with(e)));
    if all.iter().any(marked) {
        all.retain(marked);
    }
    let mut by_machine = BTreeMap::new();
    for path in all {
        if let Some(other) = by_machine.insert(machine_of(&path, suffixes), path.clone()) {
            let (a, b) = (other.display(), path.display());
            return Err(Failure::Input(format!("{a} and {b} are of the same machine")));
        }
    }
    if by_machine.is_empty() {
        let problem = format!("has no file that ends in {}", ENDINGS.join(", "));
        return Err(Failure::Input(format!("{}: {problem}", folder.display())));
    }
    Ok(by_machine)
}

fn stem(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending))
}

fn machine_of(path: &Path, suffixes: &[&str]) -> String {
    let name = stem(path).or_else(|| path.file_stem()?.to_str()).unwrap_or("machine");
    suffixes.iter().find_map(|s| name.strip_suffix(s)).unwrap_or(name).to_owned()
}

/// `machine,t,score,alarm`: a row for each bin of the input.
fn write_predictions(out: &mut impl Write, watched: &[Watched]) -> io::Result<()> {
    writeln!(out, "machine,t,score,alarm")?;
    for machine in watched {
        for (t, reading) in machine.readings.iter().enumerate() {
            let (name, alarm) = (csv_field(&machine.summary.machine), u8::from(reading.alarm));
            writeln!(out, "{name},{t},{:.6},{alarm}", reading.score)?;
        }
    }
    Ok(())
}

/// A field that can stand in CSV.
pub(super) fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// What the page is drawn from.
fn page_data(args: &RiskArgs, ranked: &[&Watched]) -> Value {
    let machine = |w: &&Watched| {
        let mut of = json!(w.summary);
        of["line"] = line(&w.readings);
        of
    };
    json!({
        "tool": "lepton",
        "version": env!("CARGO_PKG_VERSION"),
        "command": command_line(),
        "period_seconds": args.period,
        "budget_per_day": args.budget,
        "machines": ranked.iter().take(MACHINES_DRAWN).map(machine).collect::<Vec<_>>(),
    })
}

/// The scores at as many points as can be told apart: of each stretch the highest.
fn line(readings: &[AnomalyReading]) -> Value {
    let stretch = readings.len().div_ceil(POINTS_DRAWN).max(1);
    let highest = |part: &[AnomalyReading]| {
        let score = part.iter().map(|r| r.score).fold(0.0, f64::max);
        (score * 1000.0).round() / 1000.0
    };
    let bins: Vec<usize> = (0..readings.len()).step_by(stretch).collect();
    json!({ "bins": bins, "scores": readings.chunks(stretch).map(highest).collect::<Vec<_>>() })
}

fn text(report: &Report<'_>) -> String {
    let mut table = output::table(&["machine", "episodes", "highest", "alarm from", "at bin", "why"]);
    for machine in report.machines.iter().take(ROWS_SHOWN) {
        let worst = machine.episodes.first();
        table.add_row([
            machine.machine.clone(),
            machine.episodes.len().to_string(),
            format!("{:.2}", machine.score_max),
            format!("{:.2}", machine.threshold),
            worst.map_or_else(|| "-".to_owned(), |e| format!("{}..={}", e.first, e.last)),
            worst.map_or_else(|| "-".to_owned(), reason),
        ]);
    }
    let more = report.machines.len().saturating_sub(ROWS_SHOWN);
    let more = if more > 0 { format!("{more} more machines: --output json or csv\n") } else { String::new() };
    let scale = "A score of 2 is seen in one bin of a hundred that was learned from, 3 in one of a thousand.";
    format!("{table}\n{more}{scale}\n")
}

/// The metrics that deviated most, for people.
fn reason(episode: &Episode) -> String {
    let named: Vec<String> =
        episode.metrics.iter().map(|(name, off)| format!("{name} {off:.0} dev.")).collect();
    named.join(", ")
}

fn csv(report: &Report<'_>) -> String {
    let mut out = String::from("machine,episode,first_bin,last_bin,score_max,metrics\n");
    for machine in &report.machines {
        for (i, episode) in machine.episodes.iter().enumerate() {
            let (name, why) = (csv_field(&machine.machine), csv_field(&reason(episode)));
            let (first, last) = (episode.first, episode.last);
            out.push_str(&format!("{name},{},{first},{last},{:.6},{why}\n", i + 1, episode.score_max));
        }
    }
    out
}
