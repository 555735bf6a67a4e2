//! Trying placements on the believed cluster and taking them all back: how decide looks ahead within one
//! plan without touching the world and without copying the cluster.

use super::{Cluster, PlaceError, Placement, TaskId};

/// Changes tried on a cluster, to be taken back by [`Trial::end`].
#[derive(Debug, Default)]
#[must_use = "a trial must be ended, or the cluster stays changed"]
pub struct Trial {
    /// Tasks touched and where they stood before, in order.
    undo: Vec<(TaskId, Option<Placement>)>,
}

impl Trial {
    /// Places a task for the time of the trial.
    ///
    /// # Errors
    /// When a rule forbids it.
    pub fn place(&mut self, cluster: &mut Cluster, task: TaskId, place: Placement) -> Result<(), PlaceError> {
        cluster.place(task, place)?;
        self.undo.push((task, None));
        Ok(())
    }

    /// Takes a task off its node for the time of the trial.
    pub fn remove(&mut self, cluster: &mut Cluster, task: TaskId) -> Option<Placement> {
        let place = cluster.remove(task)?;
        self.undo.push((task, Some(place)));
        Some(place)
    }

    /// Takes back the last change.
    pub fn take_back(&mut self, cluster: &mut Cluster) {
        match self.undo.pop() {
            Some((task, Some(place))) => cluster.put_back(task, place),
            Some((task, None)) => {
                cluster.remove(task);
            }
            None => {}
        }
    }

    /// Takes everything back.
    pub fn end(mut self, cluster: &mut Cluster) {
        while !self.undo.is_empty() {
            self.take_back(cluster);
        }
    }
}
