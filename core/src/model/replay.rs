//! Going through a plan on a cluster, step by step, as strictly as a real cluster would: a task that moves holds its
//! old place until it stands on the new one.

use super::{Action, Cluster, Health, PlaceError, Placement, Plan, TaskId};

/// A step that cannot be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A rule forbids it.
    #[error("step {step}: {error}")]
    Refused {
        /// Position of the step, from 1.
        step: usize,
        /// The rule.
        error: PlaceError,
    },
    /// The task does not stand where the step says.
    #[error("step {step}: task {task:?} does not stand where the step takes it from")]
    Elsewhere {
        /// Position of the step, from 1.
        step: usize,
        /// The task.
        task: TaskId,
    },
}

/// Carries out the steps in order; `after` sees the cluster after each with its position from 1. The cluster is left as the steps
/// before the refused one made it.
///
/// # Errors
/// The first step that cannot be carried out.
pub fn replay(
    plan: &Plan,
    cluster: &mut Cluster,
    mut after: impl FnMut(usize, &Cluster),
) -> Result<(), ReplayError> {
    for (at, step) in plan.steps.iter().enumerate() {
        let number = at + 1;
        let refused = |error| ReplayError::Refused { step: number, error };
        let stand = |cluster: &Cluster, task: TaskId, from: Placement| {
            let stands = cluster.placement(task) == Some(from);
            if stands { Ok(()) } else { Err(ReplayError::Elsewhere { step: number, task }) }
        };
        match step.action {
            Action::Place { task, to } => cluster.place(task, to).map_err(refused)?,
            Action::Migrate { task, from, to } => {
                stand(cluster, task, from)?;
                migrate(cluster, task, from, to).map_err(refused)?;
            }
            Action::Preempt { task, from } => {
                stand(cluster, task, from)?;
                cluster.remove(task);
            }
            Action::Cordon { node } => cluster.set_health(node, Health::Cordoned),
            Action::Uncordon { node } => cluster.set_health(node, Health::Up),
        }
        after(number, cluster);
    }
    Ok(())
}

fn migrate(cluster: &mut Cluster, task: TaskId, from: Placement, to: Placement) -> Result<(), PlaceError> {
    let class = cluster.task(task).class;
    if let Some(obstacle) = cluster.obstacle(to.node, class) {
        return Err(PlaceError::Forbidden { task, node: to.node, obstacle });
    }
    if !cluster.devices_right(class, to) {
        return Err(PlaceError::WrongDevices { task, node: to.node });
    }
    cluster.remove(task);
    let moved = cluster.place(task, to);
    if moved.is_err() {
        cluster.put_back(task, from);
    }
    moved
}
