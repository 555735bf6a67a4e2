//! `lepton simulate placement`: reads or generates the workload, runs the study, prints and reports.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use lepton_core::decide::guard::Rehearsal;
use lepton_core::decide::placement_policies::{LEARNED, PLACEMENT_POLICIES};
use lepton_sim::experiment::{PlacementStudy, PointSummary, StudyOptions, run_study};
use lepton_sim::report::placement_html;
use lepton_sim::workload::{OpenbFiles, PlacementWorkload, load_openb};

use super::placement_snapshots::Snapshots;
use crate::cli::PlacementArgs;
use crate::clock::WallClock;
use crate::commands::model_files;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::result_files::ResultFiles;
use crate::stop;

/// The baseline where the user names none.
const DEFAULT_BASELINE: &str = "fgd";

pub(crate) fn run(args: &PlacementArgs) -> Result<(), Failure> {
    let mut files = ResultFiles::beside_inputs(inputs(args));
    let options = options(args)?;
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
    if study.stopped_early { Err(Failure::Stopped) } else { Ok(()) }
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

/// Runs the study with a progress bar; Ctrl-C ends it after the runs in progress.
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
    let points: Vec<&String> =
        study.summary.first().map_or_else(Vec::new, |s| s.allocation_at.keys().collect());
    let mut header = vec!["policy".to_owned()];
    for point in &points {
        header.push(format!("at {point}%"));
        if let Some(baseline) = &study.baseline {
            header.push(format!("against {baseline}"));
        }
    }
    header.extend(["stranded", "p50 us", "p99 us", "s/run"].map(str::to_owned));
    let mut table = output::table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for s in &study.summary {
        let mut row = vec![s.policy.clone()];
        for &point in &points {
            let at = &s.allocation_at.get(point);
            row.push(at.map_or_else(String::new, |p| match s.runs {
                1 => format!("{:.2}", p.mean),
                _ => format!("{:.2} ±{:.2}", p.mean, p.sd),
            }));
            if study.baseline.is_some() {
                row.push(at.map_or_else(String::new, difference));
            }
        }
        let stranded = points.last().and_then(|&p| s.fragmentation_at.get(p));
        row.push(stranded.map_or_else(String::new, |p| format!("{:.2}", p.mean)));
        row.extend([
            format!("{:.1}", s.latency_p50_us),
            format!("{:.1}", s.latency_p99_us),
            format!("{:.3}", s.seconds),
        ]);
        table.add_row(row);
    }
    let mut text = String::new();
    let PlacementStudy { trace, nodes, devices, load, seeds, threads, seconds, .. } = study;
    let _ = writeln!(
        text,
        "{trace}: {nodes} nodes, {devices} devices; arrivals up to {:.0}% of the devices; seeds {}",
        load * 100.0,
        list(seeds)
    );
    let _ = writeln!(text, "{table}");
    let _ = writeln!(
        text,
        "at N%: devices allocated when N% of them have been asked for, percent, mean ±standard deviation over \
         the seeds."
    );
    if let Some(baseline) = &study.baseline {
        let _ = writeln!(
            text,
            "against {baseline}: difference seed by seed, mean and 95% interval, in percentage points."
        );
    }
    if let Some(guard) = &study.guard {
        text += &who_serves(guard);
    }
    let _ = writeln!(
        text,
        "stranded: devices free at the end but useless to the expected mix, percent. p50, p99: time of a decision.\n\
         Runs: {}, in {seconds:.1} s on {threads} threads.",
        study.runs.len()
    );
    text
}

/// Who serves as `lepton`, and why.
fn who_serves(guard: &Rehearsal) -> String {
    let reached: Vec<String> =
        guard.policies.iter().map(|p| format!("{} {:.2}", p.policy, p.allocation_percent)).collect();
    let Rehearsal { serves, decision, sequences, nodes, .. } = guard;
    let gain = decision.gain.map_or_else(String::new, |g| {
        format!(", {:+.2} ±{:.2} against the better rule", g.mean, g.half_width)
    });
    let who = if *serves == LEARNED { "serves itself" } else { serves };
    let reason = decision.reason;
    match sequences {
        0 => format!("lepton: {who} ({reason:?}): the mix asks for no devices.\n"),
        _ => format!(
            "lepton: {who} ({reason:?}): rehearsed on {sequences} sequences of the mix, {nodes} nodes: {}{gain}.\n",
            reached.join(", ")
        ),
    }
}

/// `+0.31 ±0.11`, or a dash for the baseline itself.
fn difference(point: &PointSummary) -> String {
    point
        .paired
        .map_or_else(|| "-".to_owned(), |p| format!("{:+.2} ±{:.2}", p.difference, (p.high - p.low) / 2.0))
}

/// `42..=51` for consecutive seeds, otherwise the list.
fn list(seeds: &[u64]) -> String {
    match seeds {
        [first, .., last] if seeds.windows(2).all(|w| w[1] == w[0] + 1) => format!("{first}..={last}"),
        _ => seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(","),
    }
}

/// One line per run.
fn csv(study: &PlacementStudy) -> String {
    let points: Vec<&String> = study.runs.first().map_or_else(Vec::new, |r| r.allocation_at.keys().collect());
    let mut out = String::from("policy,seed");
    for point in &points {
        let _ = write!(out, ",allocation_percent_at_{point},fragmentation_percent_at_{point}");
    }
    out.push_str(",decisions,placed,dropped,seconds,latency_p50_us,latency_p99_us\n");
    for r in &study.runs {
        let _ = write!(out, "{},{}", r.policy, r.seed);
        for &point in &points {
            let cell = |v: Option<&f64>| v.map_or_else(String::new, f64::to_string);
            let (a, f) = (r.allocation_at.get(point), r.fragmentation_at.get(point));
            let _ = write!(out, ",{},{}", cell(a), cell(f));
        }
        let _ = writeln!(
            out,
            ",{},{},{},{},{},{}",
            r.decisions, r.placed, r.dropped, r.seconds, r.latency_p50_us, r.latency_p99_us
        );
    }
    out
}
