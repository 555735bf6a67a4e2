//! A cluster filled by a policy up to a load, as a state to start from: what was placed, what was dropped.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use lepton_core::decide::placement::Placer;
use lepton_core::model::{Cluster, ClusterDocument, NodeId, Task};

use super::placement::BrokenRule;
use super::served::ServedPolicies;
use super::study::arrivals_of;
use super::{StudyError, StudyOptions};
use crate::workload::{Arrivals, PlacementWorkload};

/// A cluster at the moment at which a share of its device capacity has been asked for.
#[derive(Debug, Clone)]
pub struct FilledCluster {
    /// Nodes and tasks; the dropped tasks have no place.
    pub cluster: Cluster,
    /// Tasks placed.
    pub placed: usize,
    /// Tasks dropped.
    pub dropped: usize,
}

impl FilledCluster {
    /// The cluster as a document, with the workload's mix as the expected one.
    pub fn document(&self, workload: &PlacementWorkload) -> ClusterDocument {
        ClusterDocument::of_cluster(&self.cluster, 0).with_expected(&self.cluster, &workload.target)
    }
}

/// Replays the sequence of a seed under a policy of the study until `percent` of the device capacity has been asked
/// for, or the sequence, drawn for the study's load, ends. Tasks that are drawn again get names of their own.
///
/// # Errors
/// When the policy is not known or breaks a rule.
pub fn fill_cluster(
    workload: &PlacementWorkload,
    options: &StudyOptions,
    policy: &str,
    seed: u64,
    percent: f64,
) -> Result<FilledCluster, StudyError> {
    let filled = fill_cluster_unless(workload, options, policy, seed, percent, &AtomicBool::new(false))?;
    Ok(filled.expect("nobody stops it"))
}

/// The same; `None` when `stop` turned true.
///
/// # Errors
/// As [`fill_cluster`].
pub fn fill_cluster_unless(
    workload: &PlacementWorkload,
    options: &StudyOptions,
    policy: &str,
    seed: u64,
    percent: f64,
    stop: &AtomicBool,
) -> Result<Option<FilledCluster>, StudyError> {
    let Arrivals { order, node_rank } = arrivals_of(workload, options.load, seed);
    let mut nodes: Vec<NodeId> = workload.cluster.nodes().collect();
    nodes.sort_by_key(|n| node_rank[n.index()]);
    let names = [policy.to_owned()];
    let served = ServedPolicies::new(workload, &names, options.model.as_ref(), options.guarded)?;
    let mut placer = Placer::new(served.policy(policy, seed)?, nodes);
    let mut filled = FilledCluster { cluster: workload.cluster.clone(), placed: 0, dropped: 0 };
    let enough = percent / 100.0 * filled.cluster.device_milli_capacity() as f64;
    let (mut arrived, mut drawn) = (0, BTreeMap::new());
    for row in order {
        if arrived as f64 >= enough {
            break;
        }
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let entry = &workload.tasks[row as usize];
        let times = drawn.entry(row).or_insert(0_u32);
        *times += 1;
        let name = if *times == 1 { entry.name.clone() } else { format!("{}#{times}", entry.name).into() };
        let task = filled.cluster.add_task(Task::new(name, entry.class));
        arrived += filled.cluster.demand(task).device_milli();
        match placer.place(&filled.cluster, task) {
            Some(place) => {
                filled.cluster.place(task, place).map_err(|error| {
                    let error = BrokenRule::of(&filled.cluster, error);
                    StudyError::RuleBroken { policy: policy.to_owned(), seed, error }
                })?;
                filled.placed += 1;
            }
            None => filled.dropped += 1,
        }
    }
    Ok(Some(filled))
}
