//! `lepton simulate jobs`: reads or generates the jobs, runs the study, prints.

use std::path::Path;

use lepton_sim::experiment::jobs::{
    JobsStudy, JobsStudyError, JobsStudyOptions, Protocol, RunSoFar, SavedRun, jobs_page, run_jobs_study,
    save_run,
};
use lepton_sim::jobs::{Backfill, Discipline, Failures, PreemptiveSettings, Settings};
use lepton_sim::readers::read_outages;
use lepton_sim::workload::jobs::{JobsWorkload, MachineSpec};
use lepton_sim::writers::{write_jobs_csv, write_swf};

use super::jobs_result::{csv, text};
use super::jobs_workload::{left_out_in_words, workload};
use super::model_files;
use super::simulate_placement::{command_line, threads};
use crate::cli_jobs::{BackfillChoice, JobsArgs, JobsFormat, NodesChoice, ProtocolChoice, QueueChoice};
use crate::clock::WallClock;
use crate::columns::terminal_width;
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
    if let Some(left_out) = left_out_in_words(&workload.left_out) {
        output::note(&left_out);
    }
    for warning in &workload.warnings {
        output::note(&format!("warning: {warning}"));
    }
    let options = options(args, &workload)?;
    check_result_files(args, &workload, &options)?;
    if let Some(saved) = &options.resume {
        let (second, seed) = (saved.stopped_at_seconds(), saved.seed());
        output::note(&format!("going on with the saved run from second {second}, seed {seed}"));
    }
    if let (Some(file), Some(stop_at)) = (&saved, args.stop_at) {
        return save(file, stop_at, &workload, &options);
    }
    let study = study(&workload, &options)?;
    results.write(&mut files, &workload, &study);
    match args.output {
        OutputFormat::Table => output::print(&text(&study, terminal_width(), args.by_owner))?,
        OutputFormat::Json => output::print_json(&study)?,
        OutputFormat::Csv => output::print(&csv(&study, args.by_owner))?,
    }
    files.end()?;
    if study.stopped_early { Err(Failure::Stopped) } else { Ok(()) }
}

/// The files that are read.
fn inputs(args: &JobsArgs) -> [(&'static str, Option<&Path>); 6] {
    let nodes = match &args.nodes {
        Some(NodesChoice::File(path)) => Some(path.as_path()),
        Some(NodesChoice::Count(_) | NodesChoice::Sizes(_)) | None => None,
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
            let jobs = part.jobs.picked(part.range.clone());
            files.write(self.jobs_csv.as_ref(), |out| write_jobs_csv(out, &jobs, &run.outcome));
            let processors = part.nodes.units();
            files.write(self.jobs_swf.as_ref(), |out| write_swf(out, &jobs, &run.outcome, processors));
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

/// Runs up to a second and saves the state instead of a result; stopped before it, the state so far.
fn save(
    file: &ResultFile,
    stop_at: i64,
    workload: &JobsWorkload,
    options: &JobsStudyOptions,
) -> Result<(), Failure> {
    let stop = stop::flag_for_results();
    let jobs: usize = workload.parts.iter().map(|p| p.range.len()).sum();
    let bar = output::progress("jobs", jobs as u64);
    let run = save_run(workload, options, stop_at, stop, &|n| {
        stop::something_done();
        bar.inc(n);
    });
    bar.finish_and_clear();
    let RunSoFar { saved, arrived, stopped_early } = run?;
    file.write(|out| saved.write(out))?;
    let (path, second) = (file.path().display(), saved.stopped_at_seconds());
    output::note(&format!(
        "saved at {second} s, {arrived} of {jobs} jobs have come: {path}. Repeat the command with `--resume {path}` \
         instead to go on"
    ));
    if stopped_early { Err(Failure::Stopped) } else { Ok(()) }
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
    let policy = |p: &String| as_fcfs(p).to_owned();
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
        baseline: baseline(args)?,
        seeds: args.seeds.0.clone(),
        threads: threads(args.threads),
        segments_max: if args.report.is_some() || args.save.is_some() { GANTT_SEGMENTS_MAX } else { 0 },
        resume: args.resume.as_deref().map(SavedRun::read).transpose()?,
        command: command_line(),
        model: args.model.as_deref().map(model_files::read_jobs).transpose()?,
        guarded: !args.no_guard,
    })
}

/// The baseline where the user names none.
const DEFAULT_BASELINE: &str = "fcfs";

/// The policy that differences are taken to: the one asked for, or fcfs where it is one of several.
fn baseline(args: &JobsArgs) -> Result<Option<String>, Failure> {
    let among = |name: &str| args.policy.iter().any(|p| as_fcfs(p) == as_fcfs(name));
    match args.baseline.as_deref() {
        Some("none") => Ok(None),
        Some(name) if among(name) => Ok(Some(as_fcfs(name).to_owned())),
        Some(name) => {
            let problem =
                format!("--baseline {name} is none of the policies compared. Maybe add it to --policy");
            Err(Failure::Input(problem))
        }
        None => Ok(among(DEFAULT_BASELINE).then(|| DEFAULT_BASELINE.to_owned())),
    }
}

/// `fifo` is another name of `fcfs`.
fn as_fcfs(policy: &str) -> &str {
    if policy == "fifo" { DEFAULT_BASELINE } else { policy }
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
