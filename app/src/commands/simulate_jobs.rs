//! `lepton simulate jobs`: reads or generates the jobs, runs the study, prints.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use lepton_sim::experiment::jobs::{
    GuardSummary, JobsStudy, JobsStudyError, JobsStudyOptions, JobsSummary, Protocol, SavedRun, jobs_page,
    run_jobs_study, save_run,
};
use lepton_sim::jobs::machine::Topology;
use lepton_sim::jobs::{Backfill, Discipline, Failures, Jobs, PreemptiveSettings, Settings};
use lepton_sim::readers::read_outages;
use lepton_sim::workload::jobs::{JobsWorkload, MachineSpec};
use lepton_sim::writers::{write_jobs_csv, write_swf};

use super::jobs_workload::workload;
use super::model_files;
use super::simulate_placement::{command_line, threads};
use crate::cli_jobs::{BackfillChoice, JobsArgs, JobsFormat, NodesChoice, ProtocolChoice, QueueChoice};
use crate::clock::WallClock;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::result_files::{ResultFile, ResultFiles};
use crate::stop;

/// Most stretches of jobs in the Gantt view of a combination: about 2 MB of the page.
const GANTT_SEGMENTS_MAX: usize = 50_000;

pub(crate) fn run(args: &JobsArgs) -> Result<(), Failure> {
    let mut files = ResultFiles::beside_inputs(inputs(args));
    let results = Results {
        jobs_csv: files.claim_if_given("--jobs-csv", args.jobs_csv.as_deref())?,
        jobs_swf: files.claim_if_given("--jobs-swf", args.jobs_swf.as_deref())?,
        report: files.claim_if_given("--report", args.report.as_deref())?,
    };
    let saved = files.claim_if_given("--save", args.save.as_deref())?;
    let workload = workload(args)?;
    for warning in &workload.warnings {
        output::note(&format!("warning: {warning}"));
    }
    let options = options(args, &workload)?;
    check_result_files(args, &workload, &options)?;
    if let Some(saved) = &options.resume {
        let seed = workload.parts.first().map_or(0, |part| part.seed);
        let second = saved.stopped_at_seconds();
        output::note(&format!("going on with the saved run from second {second}, seed {seed}"));
    }
    if let (Some(file), Some(stop_at)) = (&saved, args.stop_at) {
        return save(file, stop_at, &workload, &options);
    }
    let study = study(&workload, &options)?;
    results.write(&mut files, &workload, &study);
    match args.output {
        OutputFormat::Table => output::print(&text(&study))?,
        OutputFormat::Json => output::print_json(&study)?,
        OutputFormat::Csv => output::print(&csv(&study))?,
    }
    files.end()?;
    if study.stopped_early { Err(Failure::Stopped) } else { Ok(()) }
}

/// The files that are read.
fn inputs(args: &JobsArgs) -> [(&'static str, Option<&Path>); 6] {
    let nodes = match &args.nodes {
        Some(NodesChoice::File(path)) => Some(path.as_path()),
        Some(NodesChoice::Count(_)) | None => None,
    };
    [
        ("--trace", args.trace.as_deref()),
        ("--nodes", nodes),
        ("--clusters", args.clusters.as_deref()),
        ("--model", args.model.as_deref()),
        ("--failures", args.failures.as_deref()),
        ("--resume", args.resume.as_deref()),
    ]
}

/// The files that the study goes to.
struct Results {
    jobs_csv: Option<ResultFile>,
    jobs_swf: Option<ResultFile>,
    report: Option<ResultFile>,
}

impl Results {
    fn write(&self, files: &mut ResultFiles, workload: &JobsWorkload, study: &JobsStudy) {
        if let (Some(part), Some((_, run))) = (workload.parts.first(), study.runs().next()) {
            let mut jobs = Jobs { owners: part.jobs.owners.clone(), ..Jobs::default() };
            for i in part.range.clone() {
                jobs.push(part.jobs.get(i));
            }
            files.write(self.jobs_csv.as_ref(), |out| write_jobs_csv(out, &jobs, &run.outcome));
            let nodes = u64::from(part.nodes);
            files.write(self.jobs_swf.as_ref(), |out| write_swf(out, &jobs, &run.outcome, nodes));
        }
        if self.report.is_some() {
            files.write_page(self.report.as_ref(), &jobs_page(study));
        }
    }
}

/// Runs the study with a progress bar over jobs; Ctrl-C keeps the runs that are done.
fn study(workload: &JobsWorkload, options: &JobsStudyOptions) -> Result<JobsStudy, Failure> {
    let stop = stop::flag_for_results();
    let combinations = options.policies.len() * options.backfills.len() * options.placements.len();
    let jobs: usize = workload.parts.iter().map(|p| p.range.len()).sum();
    let bar = output::progress("jobs", (jobs * combinations) as u64);
    let study = run_jobs_study(workload, options, &WallClock::start(), stop, &|n| {
        stop::something_done();
        bar.inc(n);
    });
    bar.finish_and_clear();
    Ok(study?)
}

/// Runs up to a second and saves the state instead of a result.
fn save(
    file: &ResultFile,
    stop_at: i64,
    workload: &JobsWorkload,
    options: &JobsStudyOptions,
) -> Result<(), Failure> {
    let stop = stop::flag_for_results();
    let jobs: usize = workload.parts.iter().map(|p| p.range.len()).sum();
    let bar = output::progress("jobs", jobs as u64);
    let saved = save_run(workload, options, stop_at, stop, &|n| bar.inc(n));
    bar.finish_and_clear();
    let (saved, arrived) = saved?;
    file.write(|out| saved.write(out))?;
    let path = file.path().display();
    output::note(&format!(
        "saved at {stop_at} s, {arrived} of {jobs} jobs have come: {path}. Repeat the command with `--resume {path}` \
         instead to go on"
    ));
    Ok(())
}

impl From<JobsStudyError> for Failure {
    fn from(error: JobsStudyError) -> Self {
        match error {
            JobsStudyError::Run(e) => e.into(),
            _ => Self::Input(error.to_string()),
        }
    }
}

fn options(args: &JobsArgs, workload: &JobsWorkload) -> Result<JobsStudyOptions, Failure> {
    let mut placements = args.placement.clone();
    if placements.is_empty() {
        let default = match workload.machine {
            MachineSpec::Pool => "pool",
            MachineSpec::GpuNodes { .. } => "consolidate",
            MachineSpec::Cluster { .. } => "fgd",
        };
        placements.push(default.to_owned());
    }
    let protocol = match args.protocol {
        Some(ProtocolChoice::Sequence) => Protocol::Sequence,
        None if !args.starts.is_empty() => Protocol::Sequence,
        Some(ProtocolChoice::Events) | None => Protocol::Events,
    };
    if protocol == Protocol::Sequence && !matches!(workload.machine, MachineSpec::Pool) {
        let problem = "the sequence protocol runs on a pool of nodes. Maybe add `--protocol events`";
        return Err(Failure::Input(problem.to_owned()));
    }
    let policy = |p: &String| if p == "fifo" { "fcfs".to_owned() } else { p.clone() };
    let settings = Settings {
        discipline: match args.queue {
            QueueChoice::Strict => Discipline::Strict,
            QueueChoice::Skipping => Discipline::Skipping,
        },
        backfill: Backfill::None,
        depth_max: args.depth.unwrap_or(usize::MAX),
        failures: failures(args)?,
        checkpoint_interval_seconds: args.checkpoint_minutes.map(|m| m * 60),
    };
    Ok(JobsStudyOptions {
        policies: distinct(args.policy.iter().map(policy)),
        backfills: distinct(args.backfill.iter().map(|b| match b {
            BackfillChoice::None => Backfill::None,
            BackfillChoice::Easy => Backfill::Easy,
            BackfillChoice::Conservative => Backfill::Conservative,
        })),
        placements: distinct(placements),
        protocol,
        settings,
        preemptive: PreemptiveSettings::default(),
        seeds: args.seeds.0.clone(),
        threads: threads(args.threads),
        segments_max: if args.report.is_some() || args.save.is_some() { GANTT_SEGMENTS_MAX } else { 0 },
        resume: args.resume.as_deref().map(SavedRun::read).transpose()?,
        command: command_line(),
        model: args.model.as_deref().map(model_files::read_jobs).transpose()?,
        guarded: !args.no_guard,
    })
}

fn distinct<T: PartialEq>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut out = Vec::new();
    for one in all {
        if !out.contains(&one) {
            out.push(one);
        }
    }
    out
}

fn failures(args: &JobsArgs) -> Result<Failures, Failure> {
    let seconds = |hours: f64| hours * 3600.0;
    let nodes = args.mean_hours_between_failures.map(seconds);
    let devices = args.mean_hours_between_device_failures.map(seconds);
    Ok(match &args.failures {
        Some(file) => Failures::Recorded(read_outages(file)?),
        None if nodes.is_none() && devices.is_none() => Failures::None,
        None => Failures::Hazard {
            mean_seconds_between: nodes,
            device_mean_seconds_between: devices,
            mean_repair_seconds: seconds(args.mean_hours_to_repair),
            seed: 0,
        },
    })
}

/// Domains and racks as asked for.
pub(super) fn topology(args: &JobsArgs) -> Topology {
    Topology { nodes_per_domain: args.nodes_per_domain, nodes_per_rack: args.nodes_per_rack }
}

/// Result files hold one run: says so before the work is done.
fn check_result_files(
    args: &JobsArgs,
    workload: &JobsWorkload,
    options: &JobsStudyOptions,
) -> Result<(), Failure> {
    let wanted = args.jobs_csv.is_some() || args.jobs_swf.is_some();
    let combinations = options.policies.len() * options.backfills.len() * options.placements.len();
    if wanted && combinations * workload.parts.len() != 1 {
        let problem = "--jobs-csv and --jobs-swf hold one run. Maybe name one policy, one backfilling, one \
                       placement, one seed, and neither --clusters nor several --starts";
        return Err(Failure::Input(problem.to_owned()));
    }
    if args.jobs_swf.is_some() && args.format == Some(JobsFormat::Openb) {
        return Err(Failure::Input(
            "openb tasks have no processors, so no SWF. Maybe use --jobs-csv".to_owned(),
        ));
    }
    Ok(())
}

/// The table for people.
fn text(study: &JobsStudy) -> String {
    let several =
        |value: fn(&JobsSummary) -> &str| study.summary.iter().any(|s| value(s) != value(&study.summary[0]));
    let placements = several(|s| &s.placement);
    let lost = study.summary.iter().any(|s| s.preemptions > 0);
    let curves = study.protocol == Protocol::Events;
    let mut header = vec!["policy", "backfill"];
    header.extend(placements.then_some("placement"));
    header.extend([
        "slowdown",
        "worst run",
        "wait s",
        "median",
        "p95",
        "p99",
        "completion s",
        "use %",
        "Jain",
    ]);
    header.extend(curves.then_some(["peak use %", "stranded %"]).into_iter().flatten());
    header.extend(lost.then_some(["preempted", "lost %"]).into_iter().flatten());
    let mut table = output::table(&header);
    for s in &study.summary {
        let mut row = vec![s.policy.clone(), s.backfill.to_owned()];
        row.extend(placements.then(|| s.placement.clone()));
        row.extend([
            format!("{:.2}", s.mean_bounded_slowdown),
            format!("{:.2}", s.worst_run_mean_bounded_slowdown),
            format!("{:.1}", s.mean_wait_seconds),
            format!("{:.0}", s.wait_seconds.median),
            format!("{:.0}", s.wait_seconds.p95),
            format!("{:.0}", s.wait_seconds.p99),
            format!("{:.1}", s.mean_completion_seconds),
            format!("{:.1}", 100.0 * s.utilization),
            format!("{:.3}", s.fairness.jain_index),
        ]);
        if curves {
            let percent =
                |share: Option<f64>| share.map_or_else(String::new, |s| format!("{:.1}", 100.0 * s));
            row.extend([percent(s.peak_utilization), percent(s.mean_fragmentation)]);
        }
        if lost {
            row.extend([s.preemptions.to_string(), format!("{:.2}", 100.0 * s.lost_share)]);
        }
        table.add_row(row);
    }
    let mut text = String::new();
    let JobsStudy { trace, jobs, nodes, seconds, threads, .. } = study;
    let runs: usize = study.summary.iter().map(|s| s.runs).sum();
    let _ = writeln!(text, "{trace}: {jobs} jobs, {nodes} nodes, seeds {:?}", study.seeds);
    let _ = writeln!(text, "{table}");
    let _ = writeln!(
        text,
        "slowdown: mean bounded slowdown, (wait + run) / max(run, 10 s), at least 1; Jain: fairness over owners, \
         1 is even{}.\n{runs} runs in {seconds:.2} s on {threads} threads.",
        if curves { ";\nstranded: free units that are of no use, mean over time" } else { "" }
    );
    for s in &study.summary {
        text += &who_served(s);
    }
    let unfinished: usize = study.summary.iter().map(|s| s.jobs - s.finished).sum();
    if unfinished > 0 {
        let large: usize = study.summary.iter().map(|s| s.too_large).sum();
        let _ = writeln!(
            text,
            "{unfinished} jobs over all runs did not finish, {large} of them because the machine could never \
             hold them; they are in no figure."
        );
    }
    text
}

/// How long the learned policy served itself; nothing where there was no guard.
fn who_served(summary: &JobsSummary) -> String {
    let Some(GuardSummary { rule, model_share, comparisons, changes }) = summary.guard() else {
        return String::new();
    };
    let JobsSummary { policy, backfill, .. } = summary;
    format!(
        "{policy}, backfill {backfill}: the model served {:.0}% of the jobs and {rule} the others; comparisons in the \
         shadow: {comparisons}, changes: {changes}.\n",
        100.0 * model_share
    )
}

/// One line per run.
fn csv(study: &JobsStudy) -> String {
    let mut out = String::from(
        "policy,backfill,placement,start,virtual_cluster,seed,nodes,jobs,finished,too_large,\
         mean_bounded_slowdown,mean_wait_seconds,mean_completion_seconds,utilization,makespan_seconds,\
         preemptions,lost_unit_seconds,seconds\n",
    );
    for (s, r) in study.runs() {
        let start = r.start.map_or_else(String::new, |s| s.to_string());
        let cluster = r.virtual_cluster.as_deref().unwrap_or("");
        let cluster = if cluster.contains([',', '"']) {
            format!("\"{}\"", cluster.replace('"', "\"\""))
        } else {
            cluster.to_owned()
        };
        let _ = writeln!(
            out,
            "{},{},{},{start},{cluster},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            s.policy,
            s.backfill,
            s.placement,
            r.seed,
            r.nodes,
            r.jobs,
            r.finished,
            r.too_large,
            r.mean_bounded_slowdown,
            r.mean_wait_seconds,
            r.mean_completion_seconds,
            r.utilization,
            r.makespan_seconds,
            r.preemptions,
            r.lost_unit_seconds,
            r.seconds
        );
    }
    out
}

/// Keeps the jobs submitted within `[from, to)`.
pub(super) fn within(jobs: Jobs, window: Option<(i64, i64)>) -> Result<Arc<Jobs>, Failure> {
    let Some((from, to)) = window else { return Ok(Arc::new(jobs)) };
    let kept = jobs.filtered(|j| (from..to).contains(&j.submit_seconds));
    if kept.is_empty() {
        return Err(Failure::Input(format!("no job is submitted within {from}..{to} seconds")));
    }
    Ok(Arc::new(kept))
}
