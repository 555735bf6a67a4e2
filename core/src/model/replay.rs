//! Going through a plan on a cluster, step by step, as strictly as the world would that moves tasks in the way given.

use std::collections::HashMap;

use super::{
    Action, Cluster, Health, Moving, Name, NodeId, PartKey, PlaceError, Placement, Plan, Spot, TaskId,
};

/// A step that cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A rule forbids it.
    #[error("part {part}, step {step}: {refusal}")]
    Refused {
        /// The part.
        part: PartKey,
        /// Position of the step in it, from 1.
        step: usize,
        /// What was refused, and why.
        refusal: String,
    },
    /// The task does not stand where the step says.
    #[error("part {part}, step {step}: task `{task}` does not stand where the step takes it from")]
    Elsewhere {
        /// The part.
        part: PartKey,
        /// Position of the step in it, from 1.
        step: usize,
        /// The task.
        task: Name,
    },
    /// A task or node of that name is not there.
    #[error("part {part}, step {step}: there is no task or node `{name}`")]
    Unknown {
        /// The part.
        part: PartKey,
        /// Position of the step in it, from 1.
        step: usize,
        /// The name.
        name: Name,
    },
}

/// What keeps a step from being carried out.
enum Problem {
    Rule(PlaceError),
    Elsewhere(Name),
    Unknown(Name),
}

/// Carries out the steps in order; `after` sees the cluster after each with its position from 1 over the whole plan. The
/// cluster is left as the steps before the refused one made it.
///
/// # Errors
/// The first step that cannot be carried out.
pub fn replay(
    plan: &Plan,
    cluster: &mut Cluster,
    moving: Moving,
    mut after: impl FnMut(usize, &Cluster),
) -> Result<(), ReplayError> {
    let tasks: HashMap<Name, TaskId> =
        cluster.live_tasks().map(|task| (cluster.task(task).name.clone(), task)).collect();
    let mut number = 0;
    for part in &plan.parts {
        for (at, action) in part.steps.iter().enumerate() {
            number += 1;
            let (part, step) = (part.key, at + 1);
            let done = carry_out(action, cluster, &tasks, moving);
            done.map_err(|problem| match problem {
                Problem::Rule(error) => ReplayError::Refused { part, step, refusal: cluster.refusal(&error) },
                Problem::Elsewhere(task) => ReplayError::Elsewhere { part, step, task },
                Problem::Unknown(name) => ReplayError::Unknown { part, step, name },
            })?;
            after(number, cluster);
        }
    }
    Ok(())
}

/// Does one step, if the rules allow it now.
pub(super) fn can_be_done(
    action: &Action,
    cluster: &mut Cluster,
    tasks: &HashMap<Name, TaskId>,
    moving: Moving,
) -> bool {
    carry_out(action, cluster, tasks, moving).is_ok()
}

fn carry_out(
    action: &Action,
    cluster: &mut Cluster,
    tasks: &HashMap<Name, TaskId>,
    moving: Moving,
) -> Result<(), Problem> {
    let task_named = |task: &Name| tasks.get(task).copied().ok_or_else(|| Problem::Unknown(task.clone()));
    let node_named = |cluster: &Cluster, node: &Name| -> Result<NodeId, Problem> {
        cluster.node_named(node).ok_or_else(|| Problem::Unknown(node.clone()))
    };
    let place_of = |cluster: &Cluster, spot: &Spot| -> Result<Placement, Problem> {
        Ok(Placement { node: node_named(cluster, &spot.node)?, devices: spot.devices })
    };
    let standing = |cluster: &Cluster, name: &Name, from: &Spot| -> Result<(TaskId, Placement), Problem> {
        let (task, from) = (task_named(name)?, place_of(cluster, from)?);
        let stands = cluster.placement(task) == Some(from);
        if stands { Ok((task, from)) } else { Err(Problem::Elsewhere(name.clone())) }
    };
    match action {
        Action::Place { task, to } => {
            let (task, to) = (task_named(task)?, place_of(cluster, to)?);
            cluster.place(task, to).map_err(Problem::Rule)
        }
        Action::Migrate { task, from, to } => {
            let (task, _) = standing(cluster, task, from)?;
            let to = place_of(cluster, to)?;
            cluster.migrate(task, to, moving).map_err(Problem::Rule)
        }
        Action::Preempt { task, from } => {
            let (task, _) = standing(cluster, task, from)?;
            cluster.remove(task);
            Ok(())
        }
        Action::Cordon { node } => {
            let node = node_named(cluster, node)?;
            cluster.set_health(node, Health::Cordoned);
            Ok(())
        }
        Action::Uncordon { node } => {
            let node = node_named(cluster, node)?;
            cluster.set_health(node, Health::Up);
            Ok(())
        }
    }
}
