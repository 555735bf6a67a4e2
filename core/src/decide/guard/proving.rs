//! Where a placement proves itself beside the one that serves and the rule in its place: an empty model of the cluster, sequences drawn from
//! the cluster's own mix, and what really came lately, in windows.
//!
//! What a policy reaches is a function of the cluster, the mix, what came, the policy and the sequence: who is compared with whom is no
//! matter of this file.

use std::sync::Arc;

use super::rehearsal::{Sequence, Stage};
use crate::decide::placement::PlacementPolicy;
use crate::decide::placement_policies::{PlacementContext, placement_policy};
use crate::decide::policy::{LearnedPlacement, Mix, PlacementModel};
use crate::model::fragmentation::TargetWorkload;
use crate::model::{CameTask, Cluster};

/// Nodes of the model of the cluster; a larger cluster is scaled down.
const NODES_MAX: usize = 100;
/// Most windows into which what came is cut.
const WINDOWS_MAX: usize = 12;
/// Fewest tasks of a window: fewer say little of what comes.
const WINDOW_TASKS_LEAST: usize = 48;

/// Who places.
#[derive(Debug, Clone, Copy)]
pub enum Who<'a> {
    /// A learned placement.
    Model(&'a PlacementModel),
    /// The rule that places where none serves.
    Rule,
}

/// A cluster, its mix and its recent history, on which placements are tried.
pub struct ProvingGround {
    stage: Stage,
    mix: Arc<Mix>,
    target: TargetWorkload,
    rule: String,
    windows: Vec<(Stage, Sequence)>,
}

impl ProvingGround {
    /// Of this cluster, whatever stands on it, its mix, and the tasks that came lately, the oldest first. `rule` places where no learned
    /// placement serves. None where the mix asks for no devices, the cluster has none, or there is no such rule.
    pub fn new(cluster: &Cluster, target: &TargetWorkload, came: &[CameTask], rule: &str) -> Option<Self> {
        let stage = Stage::new(cluster, target, NODES_MAX);
        if stage.is_empty() {
            return None;
        }
        let mix = Arc::new(Mix::new(&stage.cluster, target));
        let (tasks, count) = (came.len(), Self::windows_of(came.len()));
        let each = tasks.checked_div(count).unwrap_or(tasks).max(1);
        let whole = &came[tasks - count * each..];
        let windows =
            whole.chunks_exact(each).filter_map(|window| Stage::of_tasks(cluster, window.iter(), NODES_MAX));
        let windows = windows.collect();
        let ground = Self { windows, stage, mix, target: target.clone(), rule: rule.to_owned() };
        ground.ruled(&ground.stage).is_some().then_some(ground)
    }

    /// Into how many windows so many tasks are cut.
    pub fn windows_of(tasks: usize) -> usize {
        (tasks / WINDOW_TASKS_LEAST).min(WINDOWS_MAX)
    }

    /// Tasks that make the most windows; of more the last count.
    pub fn tasks_enough() -> usize {
        2 * WINDOWS_MAX * WINDOW_TASKS_LEAST
    }

    /// Nodes of the model of the cluster.
    pub fn nodes(&self) -> usize {
        self.stage.cluster.node_count()
    }

    /// Windows of what came that ask for devices.
    pub fn windows(&self) -> usize {
        self.windows.len()
    }

    /// Percent of the devices that are allocated when all of them have been asked for, on the sequence of the mix that `seed` draws.
    pub fn drawn(&self, who: Who<'_>, seed: u64) -> f64 {
        self.reached(who, &self.stage, &self.stage.sequence(seed))
    }

    /// The same on a window of what came, by its number from 0, the oldest first: its tasks come in their order, and over again until all
    /// devices have been asked for. Not a number where there is no such window.
    pub fn came(&self, who: Who<'_>, window: usize) -> f64 {
        let Some((stage, sequence)) = self.windows.get(window) else { return f64::NAN };
        self.reached(who, stage, sequence)
    }

    fn reached(&self, who: Who<'_>, stage: &Stage, sequence: &Sequence) -> f64 {
        let policy: Option<Box<dyn PlacementPolicy>> = match who {
            Who::Model(model) => Some(Box::new(LearnedPlacement::new(Arc::clone(&self.mix), model))),
            Who::Rule => self.ruled(stage),
        };
        policy.map_or(f64::NAN, |policy| stage.play(policy, sequence))
    }

    fn ruled(&self, stage: &Stage) -> Option<Box<dyn PlacementPolicy>> {
        let context =
            PlacementContext { cluster: &stage.cluster, target: &self.target, seed: 0, model: None };
        placement_policy(&self.rule, &context).ok()
    }
}
