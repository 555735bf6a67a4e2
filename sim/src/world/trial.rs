//! What is done to a world by hand, to see how a loop takes it. It is kept and done again at the same place when the world is lived again.

use lepton_core::model::{Health, NodeId};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use super::World;
use super::faults::NodeEvent;

/// How long a node that is made to fail stays away, seconds.
pub const TRIAL_REPAIR_SECONDS: u64 = 2 * 3600;

/// Something that happens to a world because somebody wants it to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trial {
    /// The node goes down at once, without a sign before, and comes back after [`TRIAL_REPAIR_SECONDS`].
    Failure {
        /// Its name.
        node: String,
    },
    /// So many tasks come at once, of the shapes that come to this world.
    Burst {
        /// How many.
        tasks: u32,
    },
}

impl World {
    /// The working node with the most tasks; the first of several, none where none works.
    pub fn busiest_node(&self) -> Option<&str> {
        let up = self.cluster.nodes().filter(|&node| self.cluster.health(node) == Health::Up);
        let busiest = up.max_by_key(|&node| (self.cluster.hosted(node).len(), std::cmp::Reverse(node)));
        busiest.map(|node| self.cluster.node_name(node))
    }

    /// Does it, at the world's present moment.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn try_out(&mut self, trial: &Trial) -> Result<(), String> {
        match trial {
            Trial::Failure { node } => {
                let id: NodeId =
                    self.cluster.node_named(node).ok_or_else(|| format!("there is no node {node}"))?;
                self.happens(id, NodeEvent::Fails, 0);
                self.happens(id, NodeEvent::Recovers, TRIAL_REPAIR_SECONDS);
            }
            Trial::Burst { tasks } => {
                // Another burst of the same moment is another one: the tasks that came by then tell them apart.
                let seed = self.config.seed ^ (self.lives.len() as u64) << 20;
                let mut chance = Pcg64Mcg::seed_from_u64(seed);
                (0..*tasks).for_each(|_| self.comes_now(&mut chance));
            }
        }
        Ok(())
    }
}
