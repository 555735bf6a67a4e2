//! The workloads of training and of comparisons of models, as environments.

use lepton_learn::Environment;
use lepton_sim::experiment::PlacementEnvironment;
use lepton_sim::workload::{OpenbFiles, load_openb};

use crate::cli_train::LearningWorkloadArgs;
use crate::failure::Failure;
use crate::output;

/// One environment for each task list, or for each generated workload.
pub(super) fn environments(args: &LearningWorkloadArgs) -> Result<Vec<PlacementEnvironment>, Failure> {
    let Some(nodes) = &args.nodes else {
        let generated = args.generate.iter().map(|g| g.workload(args.nodes_count));
        return Ok(generated.map(PlacementEnvironment::new).collect());
    };
    let read = |tasks: &std::path::PathBuf| {
        let files = OpenbFiles { nodes: nodes.clone(), tasks: tasks.clone(), arrivals: None };
        let workload = load_openb(&files)?;
        for warning in &workload.warnings {
            output::note(&format!("warning: {}: {warning}", workload.name));
        }
        Ok(PlacementEnvironment::new(workload))
    };
    args.tasks.iter().map(read).collect()
}

/// The environments as learning sees them.
pub(super) fn as_learning_sees_them(environments: &[PlacementEnvironment]) -> Vec<&dyn Environment> {
    environments.iter().map(|e| e as &dyn Environment).collect()
}
