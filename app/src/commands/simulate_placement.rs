//! `lepton simulate placement`: reads or generates the workload, runs the study, prints and reports.

use lepton_core::model::counted;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use lepton_core::decide::guard::Rehearsal;
use lepton_core::decide::placement_policies::{LEARNED, PLACEMENT_POLICIES};
use lepton_sim::experiment::{PlacementStudy, PointSummary, RunRecord, StudyOptions, run_study};
use lepton_sim::report::placement_html;
use lepton_sim::workload::{OpenbFiles, PlacementWorkload, load_openb};

use super::placement_snapshots::Snapshots;
use crate::cli::PlacementArgs;
use crate::clock::WallClock;
use crate::commands::model_files;
use crate::failure::Failure;
use crate::numbers::signed;
use crate::output::{self, OutputFormat};
use crate::result_files::ResultFiles;
use crate::stop;

/// The baseline where the user names none.
const DEFAULT_BASELINE: &str = "fgd";

pub(crate) fn run(args: &PlacementArgs) -> Result<(), Failure> {
    let mut files = ResultFiles::beside_inputs(inputs(args));
    let options = options(args)?;
    snapshot_within_load(args)?;
    let report = files.claim_if_given("--report", args.report.as_deref())?;
    let snapshots = match args.snapshot_at {
        Some(percent) => Some(Snapshots::claim(&mut files, &options, percent, &args.snapshot)?),
        None => None,
    };
    let workload = workload(args)?;
    for warning in &workload.warnings {
        output::note(&format!("warning: {warning}"));
    }
    let study = study(&workload, &options)?;
    if report.is_some() {
        files.write_page(report.as_ref(), &page(&study)?);
    }
    if let Some(snapshots) = snapshots {
        snapshots.write(&mut files, &workload, &options)?;
    }
    match args.output {
        OutputFormat::Table => output::print(&text(&study))?,
        OutputFormat::Json => output::print_json(&PlacementStudy { heat: None, ..study.clone() })?,
        OutputFormat::Csv => output::print(&csv(&study))?,
    }
    files.end()?;
    if study.stopped_early || stop::came() { Err(Failure::Stopped) } else { Ok(()) }
}

/// The files that are read.
fn inputs(args: &PlacementArgs) -> [(&'static str, Option<&Path>); 4] {
    [
        ("--nodes", args.nodes.as_deref()),
        ("--tasks", args.tasks.as_deref()),
        ("--arrivals", args.arrivals.as_deref()),
        ("--model", args.model.as_deref()),
    ]
}

/// A moment that no run comes to has no snapshot.
fn snapshot_within_load(args: &PlacementArgs) -> Result<(), Failure> {
    match args.snapshot_at {
        Some(percent) if percent > args.load * 100.0 + 1e-6 => Err(Failure::Input(format!(
            "--snapshot-at {percent}: expected at most {}, since arrivals end at --load {}. Maybe raise it: `--load {}`",
            (args.load * 1e6).round() / 1e4,
            args.load,
            percent / 100.0
        ))),
        _ => Ok(()),
    }
}

/// Runs the study with a progress bar; a signal ends it, and the runs that are done count.
pub(super) fn study(workload: &PlacementWorkload, options: &StudyOptions) -> Result<PlacementStudy, Failure> {
    let stop = stop::flag_for_results();
    let bar = output::progress("runs", (options.policies.len() * options.seeds.len()) as u64);
    let study = run_study(workload, options, &WallClock::start(), stop, &|| {
        stop::something_done();
        bar.inc(1);
    });
    bar.finish_and_clear();
    Ok(study?)
}

fn workload(args: &PlacementArgs) -> Result<PlacementWorkload, Failure> {
    match (args.generate, &args.nodes, &args.tasks) {
        (Some(generator), ..) => Ok(generator.workload(args.nodes_count, args.generate_seed)),
        (None, Some(nodes), Some(tasks)) => {
            let files =
                OpenbFiles { nodes: nodes.clone(), tasks: tasks.clone(), arrivals: args.arrivals.clone() };
            Ok(load_openb(&files)?)
        }
        _ => Err(Failure::Input("expected --generate, or --format with --nodes and --tasks".to_owned())),
    }
}

fn options(args: &PlacementArgs) -> Result<StudyOptions, Failure> {
    let mut policies = args.policy.clone();
    if policies.is_empty() {
        policies = PLACEMENT_POLICIES.iter().map(|p| p.name.to_owned()).collect();
    }
    let mut distinct = Vec::new();
    for policy in policies {
        if !distinct.contains(&policy) {
            distinct.push(policy);
        }
    }
    let baseline = match args.baseline.as_deref() {
        Some("none") => None,
        Some(name) => Some(name.to_owned()),
        None if distinct.len() < 2 => None,
        None => distinct.iter().find(|p| *p == DEFAULT_BASELINE).cloned(),
    };
    if let Some(baseline) = &baseline
        && !distinct.contains(baseline)
    {
        distinct.push(baseline.clone());
    }
    Ok(StudyOptions {
        policies: distinct,
        seeds: args.seeds.0.clone(),
        load: args.load,
        baseline,
        threads: threads(args.threads),
        heat: args.report.is_some(),
        command: command_line(),
        model: args.model.as_deref().map(model_files::read).transpose()?,
        guarded: !args.no_guard,
    })
}

/// The number asked for, or all cores.
pub(super) fn threads(asked: Option<u16>) -> usize {
    asked.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
}

/// The command as typed, without the folder of the program.
pub(super) fn command_line() -> String {
    let quoted = |word: String| {
        let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.,=/:+%@".contains(c));
        if plain && !word.is_empty() { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    let words = std::env::args_os().skip(1).map(|w| quoted(w.to_string_lossy().into_owned()));
    std::iter::once("lepton".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// The report page.
pub(super) fn page(study: &PlacementStudy) -> Result<String, Failure> {
    let study = serde_json::to_value(study).context("cannot write the study as JSON")?;
    Ok(placement_html(&study))
}

/// The table for people.
pub(super) fn text(study: &PlacementStudy) -> String {
    let mut text = String::new();
    let PlacementStudy { trace, nodes, devices, load, seeds, threads, seconds, .. } = study;
    let _ = writeln!(
        text,
        "{trace}: {}, {}; arrivals up to {}% of the devices; {} {}",
        counted(*nodes, "node", "nodes"),
        counted(*devices, "device", "devices"),
        (load * 1e6).round() / 1e4,
        if seeds.len() == 1 { "seed" } else { "seeds" },
        list(seeds)
    );
    let _ = writeln!(text, "{}", table(study));
    match study.without_result {
        Some(reason) => {
            let _ = writeln!(text, "-: {reason}.");
        }
        None => text += &legend(study),
    }
    if let Some(guard) = &study.guard {
        text += &who_serves(guard);
    }
    let done = match study.stopped_early {
        true => format!("{} of {}, stopped before the end", study.runs.len(), study.runs_asked),
        false => study.runs.len().to_string(),
    };
    let _ =
        writeln!(text, "p50, p99: time of a decision. Runs: {done}, in {seconds:.1} s on {threads} threads.");
    text
}

/// A row per policy; how many runs a row stands for where that is not the same for all.
fn table(study: &PlacementStudy) -> comfy_table::Table {
    let points = study.points();
    let mut header = vec!["policy".to_owned()];
    header.extend(study.stopped_early.then(|| "runs".to_owned()));
    for point in &points {
        header.push(format!("at {point}%"));
        header.extend(study.baseline.as_ref().map(|baseline| format!("against {baseline}")));
    }
    header.extend(["stranded", "p50 us", "p99 us", "s/run"].map(str::to_owned));
    let mut table = output::table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for s in &study.summary {
        let mut row = vec![row_name(study, &s.policy)];
        row.extend(study.stopped_early.then(|| format!("{} of {}", s.runs, s.runs_asked)));
        for point in &points {
            let at = s.allocation_at.get(point);
            row.push(at.map_or_else(none, mean));
            row.extend(study.baseline.as_ref().map(|_| at.map_or_else(none, difference)));
        }
        let stranded = points.last().and_then(|p| s.fragmentation_at.get(p)?.mean);
        row.extend([
            number(stranded, 2),
            number(s.latency_p50_us, 1),
            number(s.latency_p99_us, 1),
            number(s.seconds, 3),
        ]);
        table.add_row(row);
    }
    table
}

/// What the columns are.
fn legend(study: &PlacementStudy) -> String {
    let mut text =
        "at N%: devices allocated when N% of them have been asked for, percent, mean ±standard deviation \
                    over the seeds.\n"
            .to_owned();
    if let Some(baseline) = &study.baseline {
        let _ = writeln!(
            text,
            "against {baseline}: difference seed by seed, mean and 95% interval, in percentage points."
        );
    }
    text += "stranded: devices free at the end but useless to the expected mix, percent.\n";
    text
}

/// The policy, and who decided in its place.
fn row_name(study: &PlacementStudy, policy: &str) -> String {
    match study.served_by(policy) {
        served if served == policy => policy.to_owned(),
        served => format!("{policy} ({served})"),
    }
}

/// What stands where there is no number.
fn none() -> String {
    "-".to_owned()
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(none, |v| format!("{v:.digits$}"))
}

/// `93.10 ±0.42`, without a deviation for a single run.
fn mean(point: &PointSummary) -> String {
    match (point.mean, point.sd) {
        (Some(mean), Some(sd)) => format!("{mean:.2} ±{sd:.2}"),
        (mean, _) => number(mean, 2),
    }
}

/// Who serves as `lepton`, and why.
fn who_serves(guard: &Rehearsal) -> String {
    let reached: Vec<String> =
        guard.policies.iter().map(|p| format!("{} {:.2}", p.policy, p.allocation_percent)).collect();
    let Rehearsal { serves, decision, sequences, nodes, .. } = guard;
    let gain = decision.gain.map_or_else(String::new, |g| {
        format!(", {} ±{:.2} against the better rule", signed(g.mean, 2), g.half_width)
    });
    let who = if *serves == LEARNED { "serves itself".to_owned() } else { format!("{serves} serves") };
    let reason = decision.reason;
    match sequences {
        0 => format!("lepton: {who}, for {reason}: the mix asks for no devices.\n"),
        _ => format!(
            "lepton: {who}, for {reason}: rehearsed on {} of the mix, {}: {}{gain}.\n",
            counted(*sequences, "sequence", "sequences"),
            counted(*nodes, "node", "nodes"),
            reached.join(", ")
        ),
    }
}

/// `+0.31 ±0.11`, or a dash where there are no pairs.
fn difference(point: &PointSummary) -> String {
    point.paired.map_or_else(none, |p| format!("{} ±{:.2}", signed(p.difference, 2), (p.high - p.low) / 2.0))
}

/// `42..=51` for consecutive seeds, otherwise the list.
fn list(seeds: &[u64]) -> String {
    match seeds {
        [first, .., last] if seeds.windows(2).all(|w| w[1] == w[0] + 1) => format!("{first}..={last}"),
        _ => seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(","),
    }
}

/// One line per run that was asked for, also where the study was stopped before it; without a number where there is none.
fn csv(study: &PlacementStudy) -> String {
    let points = study.points();
    let mut out = String::from("policy,seed");
    for point in &points {
        let _ = write!(out, ",allocation_percent_at_{point},fragmentation_percent_at_{point}");
    }
    out.push_str(",decisions,placed,dropped,seconds,latency_p50_us,latency_p99_us,done,served_by\n");
    let cell = |v: Option<f64>| v.map_or_else(String::new, |v| v.to_string());
    for (policy, &seed) in
        study.summary.iter().flat_map(|s| study.seeds.iter().map(move |seed| (&s.policy, seed)))
    {
        let _ = write!(out, "{policy},{seed}");
        let run = study.runs.iter().find(|r| r.policy == *policy && r.seed == seed);
        let at =
            |values: &BTreeMap<String, Option<f64>>, point: &str| cell(values.get(point).copied().flatten());
        for point in &points {
            let of = |values: fn(&RunRecord) -> &BTreeMap<String, Option<f64>>| {
                run.map_or_else(String::new, |r| at(values(r), point))
            };
            let _ = write!(out, ",{},{}", of(|r| &r.allocation_at), of(|r| &r.fragmentation_at));
        }
        let rest = run.map_or_else(
            || ",,,,,".to_owned(),
            |r| {
                let RunRecord { decisions, placed, dropped, seconds, .. } = r;
                let (p50, p99) = (cell(r.latency_p50_us), cell(r.latency_p99_us));
                format!("{decisions},{placed},{dropped},{seconds},{p50},{p99}")
            },
        );
        let _ = writeln!(out, ",{rest},{},{}", run.is_some(), study.served_by(policy));
    }
    out
}
