//! The workloads of training and of comparisons of models, as environments.

use lepton_learn::Environment;
use lepton_sim::experiment::PlacementEnvironment;
use lepton_sim::workload::{OpenbFiles, load_openb};

use crate::cli_train::LearningWorkloadArgs;
use crate::failure::Failure;
use crate::output;
use crate::stop;

/// One environment for each task list and for each generated workload.
pub(super) fn environments(args: &LearningWorkloadArgs) -> Result<Vec<PlacementEnvironment>, Failure> {
    let stop = stop::flag_for_results();
    let mut all = Vec::new();
    for (nodes, tasks) in
        args.nodes.iter().flat_map(|nodes| args.tasks.iter().map(move |tasks| (nodes, tasks)))
    {
        let files = OpenbFiles { nodes: nodes.clone(), tasks: tasks.clone(), arrivals: None };
        let workload = load_openb(&files)?;
        for warning in &workload.warnings {
            output::note(&format!("warning: {}: {warning}", workload.name));
        }
        all.push(PlacementEnvironment::new(workload).ended_by(stop));
    }
    for generator in &args.generate {
        for &nodes in &args.nodes_count {
            let seeds = if generator.draws() { &args.generate_seeds.0[..] } else { &[0] };
            let environment =
                |&seed: &u64| PlacementEnvironment::new(generator.workload(nodes, seed)).ended_by(stop);
            all.extend(seeds.iter().map(environment));
        }
    }
    Ok(all)
}

/// The environments as learning sees them.
pub(super) fn as_learning_sees_them(environments: &[PlacementEnvironment]) -> Vec<&dyn Environment> {
    environments.iter().map(|e| e as &dyn Environment).collect()
}
