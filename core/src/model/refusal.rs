//! What a cluster refuses, in its names.

use super::{Cluster, Obstacle, PlaceError};

impl Cluster {
    /// What was refused and why, in the names of the cluster, which is as it was.
    pub fn refusal(&self, error: &PlaceError) -> String {
        match *error {
            PlaceError::AlreadyPlaced(task) => format!("task `{}` has a place already", self.task(task).name),
            PlaceError::Forbidden { task, node, .. } | PlaceError::WrongDevices { task, node } => {
                let (task, node) = (&self.task(task).name, self.node_name(node));
                format!("task `{task}` cannot stand on node `{node}`: {}", self.refusal_cause(error))
            }
        }
    }

    /// Why alone.
    pub fn refusal_cause(&self, error: &PlaceError) -> String {
        let PlaceError::Forbidden { task, node, obstacle: Obstacle::InsufficientResource } = *error else {
            return error.to_string();
        };
        let (free, need) = (self.free(node), &self.demand(task).resources);
        let short = free.iter().zip(need).zip(self.schema().names()).find(|((free, need), _)| free < need);
        short.map_or_else(
            || error.to_string(),
            |((free, need), resource)| format!("it asks for {need} of `{resource}`, {free} are left"),
        )
    }
}
