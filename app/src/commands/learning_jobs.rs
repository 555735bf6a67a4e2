//! The traces and machines that the order of jobs is learned on and compared on, as environments.

use lepton_core::model::counted;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use lepton_sim::experiment::jobs::{JobSource, JobsEnvironment};
use lepton_sim::generate::BatchMachines;
use lepton_sim::readers::{read_jobs_csv, read_swf_lines};

use super::jobs_workload::left_out_in_words;
use crate::cli_train_jobs::{BatchGenerator, LearnBackfill, LearnFormat, LearningJobsArgs};
use crate::cli_workload::swf_lines;
use crate::failure::Failure;
use crate::output;
use crate::stop;

/// What the numbers of a comparison are.
pub(super) const JOBS_UNIT: &str =
    "Minus the logarithm of the mean bounded slowdown, so a difference of 0.1 is a tenth less of it";

/// One environment for each trace or kind of machine, and each way of backfilling.
pub(super) fn environments(args: &LearningJobsArgs) -> Result<Vec<JobsEnvironment>, Failure> {
    let stop = stop::flag_for_results();
    let mut sources = Vec::new();
    for path in &args.trace {
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        sources.push((name, trace(args, path)?));
    }
    for generator in &args.generate {
        let (name, noisy_share) = match generator {
            BatchGenerator::Exact => ("exact", 0.0),
            BatchGenerator::Noisy => ("noisy", 1.0),
        };
        let machines = BatchMachines { noisy_share, ..BatchMachines::default() };
        sources.push((name.to_owned(), JobSource::Generated(machines)));
    }
    let queues = args.backfill.iter().map(|b| *b == LearnBackfill::Easy);
    let of_queue = |easy: bool| {
        let sources = sources.iter().cloned();
        sources
            .map(move |(name, source)| JobsEnvironment::new(&name, source, args.length, easy).ended_by(stop))
    };
    Ok(queues.flat_map(of_queue).collect())
}

fn trace(args: &LearningJobsArgs, path: &Path) -> Result<JobSource, Failure> {
    let wrong = |problem: String| Failure::Input(format!("{}: {problem}", path.display()));
    let trace = match args.format {
        Some(LearnFormat::Csv) => read_jobs_csv(path)?,
        _ => read_swf_lines(path, &swf_lines(&args.status))?,
    };
    let say = |what: &str| output::note(&format!("warning: {}: {what}", path.display()));
    trace.moved_in_words().iter().for_each(|moved| say(moved));
    left_out_in_words(&trace.left_out.into_list()).iter().for_each(|left_out| say(left_out));
    let nodes = args.nodes.or(trace.nodes.filter(|&n| n > 0));
    let nodes = nodes.ok_or_else(|| {
        wrong("does not say how large the machine is. Maybe add `--nodes-count N`".to_owned())
    })?;
    let too_large = trace.jobs.size.iter().filter(|&&size| size > nodes).count();
    if too_large > 0 {
        say(&format!(
            "{} larger than the machine of {nodes}: what can never run is left out",
            counted(too_large, "job is", "jobs are")
        ));
    }
    if too_large == trace.jobs.len() {
        return Err(wrong(format!(
            "no job fits a machine of {nodes}. Maybe `--nodes-count` is meant to be larger"
        )));
    }
    let count = trace.jobs.len();
    if let Some(part) = args.parts.iter().find(|part| part.end > count) {
        let Range { start, end } = part;
        return Err(wrong(format!(
            "has {}, `--parts {start}..{end}` goes beyond that",
            counted(count, "job", "jobs")
        )));
    }
    let mut parts = args.parts.clone();
    parts.sort_by_key(|part| part.start);
    if let Some(two) = parts.windows(2).find(|two| two[1].start < two[0].end) {
        let [a, b] = [&two[0], &two[1]].map(|part| format!("{}..{}", part.start, part.end));
        return Err(Failure::Input(format!("--parts {a},{b}: overlap, expected parts that do not")));
    }
    // What can never run says nothing of an order. Parts are named by the jobs of the file.
    let fitting_before = |at: usize| trace.jobs.size[..at].iter().filter(|&&size| size <= nodes).count();
    for part in &mut parts {
        *part = fitting_before(part.start)..fitting_before(part.end);
    }
    let jobs = trace.jobs.filtered(|job| job.size <= nodes);
    Ok(JobSource::Trace { jobs: Arc::new(jobs), nodes, parts })
}
