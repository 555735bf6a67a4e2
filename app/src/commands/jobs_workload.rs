//! What `lepton simulate jobs` runs over: from its options to jobs, machine and parts.

use std::path::Path;
use std::sync::Arc;

use lepton_core::model::{ClassId, TaskId};
use lepton_sim::generate::{Arrivals, LublinModel, task_arrivals, training_classes};
use lepton_sim::jobs::Jobs;
use lepton_sim::jobs::machine::Topology;
use lepton_sim::readers::{
    JobTrace, LeftOut, VirtualCluster, read_jobs_csv, read_philly_jobs, read_swf_lines, read_virtual_clusters,
};
use lepton_sim::workload::jobs::{
    JobsWorkload, MachineSpec, NamedNodes, NodeGroup, Nodes, scale_load, sequences, virtual_clusters, whole,
};
use lepton_sim::workload::{OpenbFiles, openb_over_time};

use crate::cli_jobs::{JobsArgs, JobsFormat, JobsGenerator, NodesChoice};
use crate::cli_workload::swf_lines;
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

/// What was left out of the trace and why, in one line; `None` where nothing was.
pub(super) fn left_out_in_words(left_out: &[LeftOut]) -> Option<String> {
    let each: Vec<String> = left_out.iter().map(|l| format!("{} {}", l.count, l.why)).collect();
    (!each.is_empty()).then(|| format!("left out: {}", each.join(", ")))
}

fn openb(args: &JobsArgs, trace: &Path, seed: u64) -> Result<JobsWorkload, Failure> {
    let Some(NodesChoice::File(nodes)) = &args.nodes else {
        return Err(Failure::Input("openb needs the node list. Maybe add `--nodes nodes.csv`".to_owned()));
    };
    if args.clusters.is_some() || args.partitions || !args.starts.is_empty() || args.window.is_some() {
        let problem = "openb runs as a whole: --clusters, --partitions, --starts and --window do not apply";
        return Err(Failure::Input(problem.to_owned()));
    }
    let files = OpenbFiles { nodes: nodes.clone(), tasks: trace.to_path_buf(), arrivals: None };
    let mut workload = openb_over_time(&files, seed)?;
    if let (MachineSpec::Cluster { cluster, .. }, Some(part)) =
        (&workload.machine, workload.parts.first_mut())
    {
        let units = cluster.device_milli_capacity().max(0) as u64;
        let class_fits: Vec<bool> = (0..cluster.classes().len() as u32)
            .map(|class| cluster.nodes().any(|node| cluster.fits(node, ClassId(class))))
            .collect();
        let fits = |i: usize| class_fits[cluster.task(TaskId(i as u32)).class.index()];
        part.jobs = with_load(Arc::clone(&part.jobs), units, args.load, fits)?;
    }
    Ok(workload)
}

fn recorded(args: &JobsArgs, format: JobsFormat, path: &Path, seed: u64) -> Result<JobsWorkload, Failure> {
    let trace = match format {
        JobsFormat::Swf => read_swf_lines(path, &swf_lines(&args.status))?,
        JobsFormat::Philly => read_philly_jobs(path)?,
        JobsFormat::Csv | JobsFormat::Openb => read_jobs_csv(path)?,
    };
    let moved = trace.moved_in_words();
    let JobTrace { jobs, nodes: named, partition_nodes, left_out, .. } = trace;
    let gpus = args.gpus_per_node.or((format == JobsFormat::Philly).then_some(GPUS_PER_NODE));
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let jobs = within(jobs, args.window)?;
    let mut workload = if args.partitions {
        let (clusters, machine) = partitions(args, gpus, &partition_nodes)?;
        virtual_clusters(&name, &jobs, clusters, machine, seed)
    } else if let Some(file) = &args.clusters {
        let (clusters, machine) = clusters(args, gpus, file)?;
        virtual_clusters(&name, &jobs, clusters, machine, seed)
    } else {
        let (nodes, machine) = machine(args, gpus, named)?;
        let (sizes, units) = (jobs.size.clone(), nodes.units());
        let jobs = with_load(jobs, units, args.load, |i| u64::from(sizes[i]) <= units)?;
        if args.starts.is_empty() {
            whole(&name, jobs, nodes, machine, seed)
        } else {
            let cut = (args.starts.as_slice(), args.length);
            sequences(&name, &jobs, nodes, machine, cut, seed).map_err(Failure::Input)?
        }
    };
    if workload.parts.is_empty() {
        return Err(Failure::Input("no virtual cluster or partition has any job".to_owned()));
    }
    workload.left_out.splice(0..0, left_out.into_list());
    workload.warnings.extend(moved);
    Ok(workload)
}

/// The partitions that the header of the trace names, each with its processors.
fn partitions(
    args: &JobsArgs,
    gpus: Option<u32>,
    partition_nodes: &[u32],
) -> Result<(Vec<NamedNodes>, MachineSpec), Failure> {
    if partition_nodes.is_empty() {
        let problem = "the trace does not say how large its partitions are, as `; MaxProcs: 32 (16 16)` does. Maybe \
                       name them with `--clusters FILE`";
        return Err(Failure::Input(problem.to_owned()));
    }
    let sized = (1..).zip(partition_nodes).map(|(partition, &size): (u32, _)| {
        let nodes = gpus.map_or_else(|| size.into(), |gpus| nodes_of(size, gpus));
        NamedNodes { name: partition.to_string(), nodes }
    });
    Ok((sized.filter(|partition| partition.nodes.units() > 0).collect(), machine_spec(args, gpus.is_some())))
}

/// The virtual clusters of the file, each with its nodes.
fn clusters(
    args: &JobsArgs,
    gpus: Option<u32>,
    file: &Path,
) -> Result<(Vec<NamedNodes>, MachineSpec), Failure> {
    if args.load.is_some() {
        let problem = "--load does not go with --clusters. Maybe use --scale";
        return Err(Failure::Input(problem.to_owned()));
    }
    let clusters = read_virtual_clusters(file)?;
    let sized = clusters.iter().flat_map(|c| &c.nodes).any(|group| group.gpus_per_node.is_some());
    let of_gpus = sized || gpus.is_some();
    let nodes = |cluster: &VirtualCluster| {
        let nodes = Nodes::of_cluster(cluster, if of_gpus { gpus } else { Some(1) }).ok_or_else(|| {
            let problem = format!(
                "{}: virtual cluster `{}` has nodes without `gpus_per_node`, others have it. Maybe add \
                 `--gpus-per-node N` for those",
                file.display(),
                cluster.name
            );
            Failure::Input(problem)
        })?;
        Ok(NamedNodes { name: cluster.name.clone(), nodes: nodes.divided(args.scale) })
    };
    let named: Result<Vec<NamedNodes>, Failure> = clusters.iter().map(nodes).collect();
    Ok((named?, machine_spec(args, of_gpus)))
}

/// The machine as asked for, or as large as the trace says.
fn machine(args: &JobsArgs, gpus: Option<u32>, named: Option<u32>) -> Result<(Nodes, MachineSpec), Failure> {
    let nodes = match (&args.nodes, named.filter(|&n| n > 0)) {
        (Some(NodesChoice::Sizes(_)), _) if args.gpus_per_node.is_some() => {
            let problem = "--nodes says how many GPUs each node has, so --gpus-per-node has no effect. Maybe leave \
                           it out";
            return Err(Failure::Input(problem.to_owned()));
        }
        (Some(NodesChoice::Sizes(nodes)), _) => return Ok((nodes.clone(), machine_spec(args, true))),
        (Some(NodesChoice::File(file)), _) => {
            let problem = format!(
                "--nodes {}: expected a number of nodes, or sizes as in 200x2,321x8, for this format",
                file.display()
            );
            return Err(Failure::Input(problem));
        }
        (Some(NodesChoice::Count(nodes)), _) => match gpus {
            Some(gpus_per_node) => Nodes(vec![NodeGroup { nodes: *nodes, gpus_per_node }]),
            None => (*nodes).into(),
        },
        // A trace counts processors, whatever nodes they are on.
        (None, Some(processors)) => gpus.map_or_else(|| processors.into(), |gpus| nodes_of(processors, gpus)),
        (None, None) => {
            let problem = "the trace does not say how large the machine is. Maybe add `--nodes-count N`";
            return Err(Failure::Input(problem.to_owned()));
        }
    };
    Ok((nodes, machine_spec(args, gpus.is_some())))
}

/// So many units on nodes of this size, and what is left on a smaller one.
fn nodes_of(units: u32, gpus_per_node: u32) -> Nodes {
    let whole = NodeGroup { nodes: units / gpus_per_node, gpus_per_node };
    let rest = NodeGroup { nodes: 1, gpus_per_node: units % gpus_per_node };
    let groups = [whole, rest].into_iter().filter(|group| group.nodes > 0 && group.gpus_per_node > 0);
    Nodes(groups.collect())
}

fn machine_spec(args: &JobsArgs, of_gpus: bool) -> MachineSpec {
    if of_gpus { MachineSpec::GpuNodes { topology: topology(args) } } else { MachineSpec::Pool }
}

/// The jobs at the load asked for; `fits` says of each whether the machine could ever hold it.
fn with_load(
    jobs: Arc<Jobs>,
    units: u64,
    load: Option<f64>,
    fits: impl Fn(usize) -> bool,
) -> Result<Arc<Jobs>, Failure> {
    let Some(load) = load else { return Ok(jobs) };
    let mut jobs = Arc::unwrap_or_clone(jobs);
    scale_load(&mut jobs, units, load, fits)
        .map_err(|why| Failure::Input(format!("--load {load}: {why}")))?;
    Ok(Arc::new(jobs))
}

/// Generated jobs: one draw per seed.
fn generated(args: &JobsArgs, generator: JobsGenerator) -> Result<JobsWorkload, Failure> {
    if args.clusters.is_some() || args.window.is_some() {
        return Err(Failure::Input("--clusters and --window do not go with --generate".to_owned()));
    }
    let (name, gpus, default_nodes) = match generator {
        JobsGenerator::Lublin => ("lublin", args.gpus_per_node, GENERATED_NODES),
        JobsGenerator::Poisson => ("poisson", Some(GPUS_PER_NODE), GENERATED_GPU_NODES),
        JobsGenerator::DailyCycle => ("daily-cycle", Some(GPUS_PER_NODE), GENERATED_GPU_NODES),
    };
    let gpus = args.gpus_per_node.or(gpus);
    let default_units = default_nodes * gpus.unwrap_or(1);
    let (nodes, spec) = machine(args, gpus, Some(default_units))?;
    let units = nodes.units();
    let count = args.jobs_count as usize;
    let mut all: Option<JobsWorkload> = None;
    for &seed in &args.seeds.0 {
        let mean_seconds_between = GENERATED_SECONDS_BETWEEN;
        let mut drawn = match generator {
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
        let load = args.load.unwrap_or(GENERATED_LOAD);
        let sizes = drawn.size.clone();
        match scale_load(&mut drawn, units, load, |i| u64::from(sizes[i]) <= units) {
            Err(why) if args.load.is_some() => return Err(Failure::Input(format!("--load {load}: {why}"))),
            // So few jobs that there is no load to set come as they were drawn.
            Ok(()) | Err(_) => {}
        }
        let jobs = Arc::new(drawn);
        let (nodes, machine) = (nodes.clone(), spec.clone());
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

/// Domains and racks as asked for.
fn topology(args: &JobsArgs) -> Topology {
    Topology { nodes_per_domain: args.nodes_per_domain, nodes_per_rack: args.nodes_per_rack }
}

/// Keeps the jobs submitted within `[from, to)`.
fn within(jobs: Jobs, window: Option<(i64, i64)>) -> Result<Arc<Jobs>, Failure> {
    let Some((from, to)) = window else { return Ok(Arc::new(jobs)) };
    let kept = jobs.filtered(|j| (from..to).contains(&j.submit_seconds));
    if kept.is_empty() {
        return Err(Failure::Input(format!("no job is submitted within {from}..{to} seconds")));
    }
    Ok(Arc::new(kept))
}
