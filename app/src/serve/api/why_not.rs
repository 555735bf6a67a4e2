//! Why a task does not stand on a node, and what would have to change.

use lepton_core::analyze::Analyst;
use lepton_core::decide::explain::{Remedy, nearest_fit, why_not};
use lepton_core::decide::plan::{Lepton, LeptonConfig, Situation};
use lepton_core::model::{NodeId, Plan, Settings, Snapshot, TaskId};
use serde::Serialize;
use utoipa::ToSchema;

use super::rows::CandidateRow;

/// A rule that stands in the way.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct InTheWay {
    /// A stable code.
    code: String,
    /// The same in words.
    sentence: String,
}

/// Changes after which the task fits. They were tried on a copy of the cluster, and none of them is idle.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct WouldFit {
    /// The node.
    node: String,
    /// The changes in words.
    changes: Vec<String>,
    /// The same for programs; `change` names the kind.
    effects: Vec<serde_json::Value>,
}

impl WouldFit {
    fn of(node: &str, remedy: &Remedy) -> Self {
        let value = |change| serde_json::to_value(change).unwrap_or_default();
        Self {
            node: node.to_owned(),
            changes: remedy.changes.iter().map(ToString::to_string).collect(),
            effects: remedy.changes.iter().map(value).collect(),
        }
    }
}

/// Why a task does not stand on a node.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct WhyNotBody {
    /// The node.
    node: String,
    /// The answer in one sentence.
    pub(super) sentence: String,
    /// Whether the task may stand there as the cluster is.
    pub(super) fits: bool,
    /// What stands in the way, the first thing first.
    obstacles: Vec<InTheWay>,
    /// What would have to change, the smallest first; empty where nothing was found.
    would_fit: Vec<WouldFit>,
    /// Members of its gang that wait: the gang is placed all or none.
    gang_waiting: usize,
    /// How the node is scored now, and the node on which the task stands as if it were placed anew; a node on which it does not fit or
    /// that is failing is not there.
    weighed: Vec<CandidateRow>,
}

/// Scores the node for the task, and the one on which it stands.
fn weighed(snapshot: &Snapshot, task: TaskId, node: NodeId) -> Result<Vec<CandidateRow>, String> {
    let assessment = Analyst::default().assess(snapshot, &Settings::default());
    let mut decider = Lepton::new(LeptonConfig::default(), 0).map_err(|error| error.to_string())?;
    let (turn, proposal) = (snapshot.memory.turn, Plan::default());
    let situation = Situation::new(snapshot, &assessment, &proposal, turn);
    let stands = snapshot.cluster.placement(task).map(|place| place.node).filter(|&at| at != node);
    let nodes: Vec<NodeId> = [node].into_iter().chain(stands).collect();
    Ok(decider.weigh(&situation, task, &nodes).iter().map(CandidateRow::of).collect())
}

/// What was found out about a task.
pub(super) struct Found {
    pub(super) why_not: Option<WhyNotBody>,
    pub(super) would_fit: Option<WouldFit>,
}

/// Looks at the copy: about a node, if one is named, and for a task that waits where the least would have to change.
///
/// # Errors
/// Which of the two is not there.
pub(super) fn look(snapshot: &Snapshot, task: &str, node: Option<&str>) -> Result<Found, String> {
    let cluster = &snapshot.cluster;
    let id = *snapshot.task_by_name.get(task).ok_or_else(|| format!("there is no task `{task}` now"))?;
    let nearest = || nearest_fit(cluster, id).filter(|(_, remedy)| !remedy.changes.is_empty());
    let nearest = cluster.placement(id).is_none().then(nearest).flatten();
    let would_fit = nearest.map(|(node, remedy)| WouldFit::of(cluster.node_name(node), &remedy));
    let Some(name) = node else { return Ok(Found { why_not: None, would_fit }) };
    let node = cluster.node_named(name).ok_or_else(|| format!("there is no node `{name}`"))?;
    let found = why_not(cluster, id, node);
    let gang_waiting = cluster.task(id).gang.map_or(0, |gang| {
        cluster.gangs()[gang.index()].iter().filter(|&&member| cluster.is_waiting(member)).count()
    });
    let stands = cluster.placement(id);
    let sentence = match (found.obstacles.first(), stands) {
        (_, Some(place)) if place.node == node => format!("{task} stands on {name}"),
        (Some(obstacle), _) => format!("{task} may not stand on {name}: {obstacle}"),
        (None, Some(place)) => {
            let now = cluster.node_name(place.node);
            format!(
                "{task} may stand on {name}; it stands on {now}, which was the better choice or came first"
            )
        }
        (None, None) if gang_waiting > 1 => {
            format!(
                "{task} fits on {name} alone; its gang waits, and all {gang_waiting} members must find a place"
            )
        }
        (None, None) => {
            format!("{task} fits on {name}; its turn has not come, or the node is kept for others")
        }
    };
    let obstacles = found.obstacles.iter();
    Ok(Found {
        why_not: Some(WhyNotBody {
            node: name.to_owned(),
            sentence,
            fits: found.obstacles.is_empty(),
            obstacles: obstacles
                .map(|o| InTheWay { code: o.code().to_owned(), sentence: o.to_string() })
                .collect(),
            would_fit: found.remedies.iter().map(|remedy| WouldFit::of(name, remedy)).collect(),
            gang_waiting,
            weighed: weighed(snapshot, id, node)?,
        }),
        would_fit,
    })
}
