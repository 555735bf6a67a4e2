//! What `lepton simulate jobs` runs over: from its options to jobs, machine and parts.

use std::path::Path;
use std::sync::Arc;

use lepton_sim::generate::{Arrivals, LublinModel, task_arrivals, training_classes};
use lepton_sim::jobs::Jobs;
use lepton_sim::readers::{JobTrace, read_jobs_csv, read_philly_jobs, read_swf, read_virtual_clusters};
use lepton_sim::workload::OpenbFiles;
use lepton_sim::workload::jobs::{
    JobsWorkload, MachineSpec, openb_over_time, scale_load, sequences, virtual_clusters, whole,
};

use super::simulate_jobs::{topology, within};
use crate::cli_jobs::{JobsArgs, JobsFormat, JobsGenerator, NodesChoice};
use crate::failure::Failure;

/// GPUs of a node of the Philly trace and of the generators' clusters.
const GPUS_PER_NODE: u32 = 8;
/// Nodes of a generated batch machine where none are asked for.
const GENERATED_NODES: u32 = 256;
/// The same for a GPU cluster.
const GENERATED_GPU_NODES: u32 = 32;
/// Offered load of generated jobs where none is asked for.
const GENERATED_LOAD: f64 = 0.8;
/// Mean time between generated GPU jobs before the load is set, in seconds.
const GENERATED_SECONDS_BETWEEN: f64 = 10.0;

/// The workload that the options ask for.
pub(super) fn workload(args: &JobsArgs) -> Result<JobsWorkload, Failure> {
    let first_seed = args.seeds.0.first().copied().unwrap_or(0);
    let mut workload = match (args.generate, args.format, &args.trace) {
        (Some(generator), ..) => return generated(args, generator),
        (None, Some(JobsFormat::Openb), Some(trace)) => openb(args, trace, first_seed)?,
        (None, Some(format), Some(trace)) => recorded(args, format, trace, first_seed)?,
        _ => return Err(Failure::Input("expected --generate, or --format with --trace".to_owned())),
    };
    // Every further seed runs over the same jobs: only failures and drawing policies differ.
    let once = workload.parts.clone();
    for &seed in args.seeds.0.iter().skip(1) {
        workload.parts.extend(once.iter().cloned().map(|mut part| {
            part.seed = seed;
            part
        }));
    }
    Ok(workload)
}

fn openb(args: &JobsArgs, trace: &Path, seed: u64) -> Result<JobsWorkload, Failure> {
    let Some(NodesChoice::File(nodes)) = &args.nodes else {
        return Err(Failure::Input("openb needs the node list. Maybe add `--nodes nodes.csv`".to_owned()));
    };
    if args.clusters.is_some() || !args.starts.is_empty() || args.window.is_some() {
        let problem = "openb runs as a whole: --clusters, --starts and --window do not apply";
        return Err(Failure::Input(problem.to_owned()));
    }
    let files = OpenbFiles { nodes: nodes.clone(), tasks: trace.to_path_buf(), arrivals: None };
    let mut workload = openb_over_time(&files, seed)?;
    if let (MachineSpec::Cluster { cluster, .. }, Some(part)) =
        (&workload.machine, workload.parts.first_mut())
    {
        let units = cluster.device_milli_capacity().max(0) as u64;
        part.jobs = with_load(Arc::clone(&part.jobs), units, args.load);
    }
    Ok(workload)
}

fn recorded(args: &JobsArgs, format: JobsFormat, path: &Path, seed: u64) -> Result<JobsWorkload, Failure> {
    let trace = match format {
        JobsFormat::Swf => read_swf(path)?,
        JobsFormat::Philly => read_philly_jobs(path)?,
        JobsFormat::Csv | JobsFormat::Openb => read_jobs_csv(path)?,
    };
    let warnings = trace.warnings();
    let JobTrace { jobs, nodes: named, .. } = trace;
    let gpus = args.gpus_per_node.or((format == JobsFormat::Philly).then_some(GPUS_PER_NODE));
    let machine = machine(args, gpus);
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let jobs = within(jobs, args.window)?;
    let mut workload = if let Some(file) = &args.clusters {
        if args.load.is_some() {
            let problem = "--load does not go with --clusters. Maybe use --scale";
            return Err(Failure::Input(problem.to_owned()));
        }
        let clusters = read_virtual_clusters(file)?;
        virtual_clusters(&name, &jobs, &clusters, args.scale, machine, seed)
    } else {
        let nodes = match &args.nodes {
            Some(NodesChoice::Count(count)) => Some(*count),
            Some(NodesChoice::File(file)) => {
                let problem = format!("--nodes {}: expected a number for this format", file.display());
                return Err(Failure::Input(problem));
            }
            None => named.filter(|&n| n > 0),
        };
        let nodes = nodes.ok_or_else(|| {
            Failure::Input(
                "the trace does not say how large the machine is. Maybe add `--nodes N`".to_owned(),
            )
        })?;
        let jobs = with_load(jobs, u64::from(nodes) * u64::from(gpus.unwrap_or(1)), args.load);
        if args.starts.is_empty() {
            whole(&name, jobs, nodes, machine, seed)
        } else {
            let cut = (args.starts.as_slice(), args.length);
            sequences(&name, &jobs, nodes, machine, cut, seed).map_err(Failure::Input)?
        }
    };
    if workload.parts.is_empty() {
        return Err(Failure::Input("no virtual cluster has any job".to_owned()));
    }
    workload.warnings.splice(0..0, warnings);
    Ok(workload)
}

fn machine(args: &JobsArgs, gpus_per_node: Option<u32>) -> MachineSpec {
    match gpus_per_node {
        None => MachineSpec::Pool,
        Some(gpus_per_node) => MachineSpec::GpuNodes { gpus_per_node, topology: topology(args) },
    }
}

fn with_load(jobs: Arc<Jobs>, units: u64, load: Option<f64>) -> Arc<Jobs> {
    match load {
        None => jobs,
        Some(load) => {
            let mut jobs = Arc::unwrap_or_clone(jobs);
            scale_load(&mut jobs, units, load);
            Arc::new(jobs)
        }
    }
}

/// Generated jobs: one draw per seed.
fn generated(args: &JobsArgs, generator: JobsGenerator) -> Result<JobsWorkload, Failure> {
    let nodes = match &args.nodes {
        None if generator == JobsGenerator::Lublin => GENERATED_NODES,
        None => GENERATED_GPU_NODES,
        Some(NodesChoice::Count(nodes)) => *nodes,
        Some(NodesChoice::File(_)) => {
            return Err(Failure::Input("--nodes: expected a number with --generate".to_owned()));
        }
    };
    if args.clusters.is_some() || args.window.is_some() {
        return Err(Failure::Input("--clusters and --window do not go with --generate".to_owned()));
    }
    let (name, gpus) = match generator {
        JobsGenerator::Lublin => ("lublin", args.gpus_per_node),
        JobsGenerator::Poisson => ("poisson", Some(args.gpus_per_node.unwrap_or(GPUS_PER_NODE))),
        JobsGenerator::DailyCycle => ("daily-cycle", Some(args.gpus_per_node.unwrap_or(GPUS_PER_NODE))),
    };
    let units = u64::from(nodes) * u64::from(gpus.unwrap_or(1));
    let count = args.jobs_count as usize;
    let mut all: Option<JobsWorkload> = None;
    for &seed in &args.seeds.0 {
        let mean_seconds_between = GENERATED_SECONDS_BETWEEN;
        let drawn = match generator {
            JobsGenerator::Lublin => {
                LublinModel::published(u32::try_from(units).unwrap_or(u32::MAX)).generate(count, seed)
            }
            JobsGenerator::Poisson => {
                task_arrivals(&training_classes(), Arrivals::Poisson { mean_seconds_between }, count, seed)
            }
            JobsGenerator::DailyCycle => {
                let arrivals = Arrivals::DailyCycle { mean_seconds_between, swing: 0.5 };
                task_arrivals(&training_classes(), arrivals, count, seed)
            }
        };
        let jobs = with_load(Arc::new(drawn), units, Some(args.load.unwrap_or(GENERATED_LOAD)));
        let machine = machine(args, gpus);
        let one = if args.starts.is_empty() {
            whole(name, jobs, nodes, machine, seed)
        } else {
            let cut = (args.starts.as_slice(), args.length);
            sequences(name, &jobs, nodes, machine, cut, seed).map_err(Failure::Input)?
        };
        match &mut all {
            Some(all) => all.parts.extend(one.parts),
            None => all = Some(one),
        }
    }
    all.ok_or_else(|| Failure::Input("expected at least one seed".to_owned()))
}
