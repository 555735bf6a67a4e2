//! A cluster in which nothing happens by itself: what a plan is carried out on to see what it comes to. It does a call at
//! once or refuses it, as strictly as the rules of the cluster are.

use std::collections::HashMap;

use lepton_core::execute::Actuator;
use lepton_core::model::{Answer, Call, Cluster, Health, Moving, Name, NodeId, Placement, Spot, TaskId};

/// The cluster.
#[derive(Debug, Clone)]
pub struct StillCluster {
    cluster: Cluster,
    moving: Moving,
    tasks: HashMap<Name, TaskId>,
}

impl StillCluster {
    /// A cluster whose tasks move in this way.
    pub fn new(cluster: Cluster, moving: Moving) -> Self {
        let tasks = cluster.live_tasks().map(|task| (cluster.task(task).name.clone(), task)).collect();
        Self { cluster, moving, tasks }
    }

    /// The cluster as it is now.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    fn try_call(&mut self, call: &Call) -> Result<(), String> {
        match call {
            Call::Start { task, to } => {
                let (task, to) = (self.task(task)?, self.place(to)?);
                self.cluster.place(task, to).map_err(|error| self.cluster.refusal(&error))
            }
            Call::Stop { task, from, .. } => {
                let task = self.standing(task, from)?;
                self.cluster.remove(task);
                Ok(())
            }
            Call::Move { task, from, to } => {
                let (task, to) = (self.standing(task, from)?, self.place(to)?);
                let moved = self.cluster.migrate(task, to, Moving::StandTwice);
                moved.map_err(|error| self.cluster.refusal(&error))
            }
            Call::Cordon { node, cordoned } => {
                let id = self.node(node)?;
                let (from, to) = match cordoned {
                    true => (Health::Up, Health::Cordoned),
                    false => (Health::Cordoned, Health::Up),
                };
                if self.cluster.health(id) == from {
                    self.cluster.set_health(id, to);
                }
                Ok(())
            }
        }
    }

    fn task(&self, name: &Name) -> Result<TaskId, String> {
        self.tasks.get(name).copied().ok_or_else(|| format!("there is no task `{name}`"))
    }

    fn node(&self, name: &Name) -> Result<NodeId, String> {
        self.cluster.node_named(name).ok_or_else(|| format!("there is no node `{name}`"))
    }

    fn place(&self, spot: &Spot) -> Result<Placement, String> {
        Ok(Placement { node: self.node(&spot.node)?, devices: spot.devices })
    }

    fn standing(&self, name: &Name, from: &Spot) -> Result<TaskId, String> {
        let task = self.task(name)?;
        match self.cluster.placement(task) {
            Some(place) if Spot::of(&self.cluster, place) == *from => Ok(task),
            Some(place) => {
                let node = self.cluster.node_name(place.node);
                let devices = if node == &*from.node { " on other devices" } else { "" };
                Err(format!("task `{name}` stands on node `{node}`{devices}, not where it is taken from"))
            }
            None => Err(format!("task `{name}` has no place")),
        }
    }
}

impl Actuator for StillCluster {
    fn moving(&self) -> Moving {
        self.moving
    }

    fn call(&mut self, call: &Call) -> Answer {
        match self.try_call(call) {
            Ok(()) => Answer::Done,
            Err(why) => Answer::Refused(why),
        }
    }
}
