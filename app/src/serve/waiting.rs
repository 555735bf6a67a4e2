//! What waits, grouped by the dominant reason.

use std::collections::{BTreeMap, HashMap};

#[cfg(feature = "kubernetes")]
use lepton_core::model::Mode;
use lepton_core::model::{ClassId, Cluster, Obstacle, Snapshot, TaskId};
use serde::Serialize;
use utoipa::ToSchema;

/// Tasks named with a group.
const EXAMPLES_MAX: usize = 5;
/// Classes of tasks for which nodes are asked anew in one turn; what is beyond waits for the decider's word.
const CLASSES_MAX: usize = 64;

/// The code of tasks of whose owner the loop only observes.
const LEFT_ALONE: &str = "OwnerObserved";

/// Tasks that wait for one reason.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub(crate) struct WaitingGroup {
    /// The reason, a stable code: an obstacle, `FitsNow` where a node would take the task, `OwnerObserved`, or `Undecided`.
    pub(crate) code: String,
    /// The same in words.
    pub(crate) sentence: String,
    /// How many tasks.
    pub(crate) tasks: usize,
    /// Devices that they ask for together.
    pub(crate) devices: f64,
    /// How long the oldest of them waits, seconds.
    pub(crate) oldest_seconds: u64,
    /// Some of them, the oldest first.
    pub(crate) examples: Vec<String>,
}

/// What waits.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub(crate) struct WaitingBody {
    /// How many tasks.
    pub(crate) tasks: usize,
    /// By reason, the one with most tasks first.
    pub(crate) groups: Vec<WaitingGroup>,
    /// The cluster's time of what is shown, seconds.
    pub(crate) as_of_seconds: u64,
}

impl WaitingBody {
    /// Of the snapshot.
    pub(super) fn of(snapshot: &Snapshot, now_seconds: u64) -> Self {
        let mut oldest: Vec<(u64, TaskId)> =
            snapshot.pending.iter().map(|&task| (snapshot.task(task).submitted_seconds, task)).collect();
        oldest.sort_unstable();
        let (mut groups, mut known) = (BTreeMap::<String, WaitingGroup>::new(), HashMap::new());
        for (submitted, task) in oldest {
            let (code, sentence) = reason(snapshot, task, &mut known);
            let group = groups.entry(code.clone()).or_insert_with(|| WaitingGroup {
                code,
                sentence,
                oldest_seconds: now_seconds.saturating_sub(submitted),
                ..WaitingGroup::default()
            });
            group.tasks += 1;
            group.devices += snapshot.cluster.demand(task).device_milli() as f64 / 1000.0;
            if group.examples.len() < EXAMPLES_MAX {
                group.examples.push(snapshot.cluster.task(task).name.to_string());
            }
        }
        let mut groups: Vec<WaitingGroup> = groups.into_values().collect();
        groups.sort_by(|a, b| b.tasks.cmp(&a.tasks).then_with(|| a.code.cmp(&b.code)));
        Self { tasks: snapshot.pending.len(), groups, as_of_seconds: now_seconds }
    }
}

/// Each task that waits and may be placed, with its reason; none where a node would take it and its turn is to come.
#[cfg(feature = "kubernetes")]
pub(super) fn reasons(snapshot: &Snapshot) -> Vec<(String, Option<String>)> {
    let (cluster, mut known) = (&snapshot.cluster, HashMap::new());
    let reason = |&id: &TaskId| {
        let task = cluster.task(id);
        let (code, sentence) = reason(snapshot, id, &mut known);
        let fits_alone = || {
            let gang = cluster.gang_name(task.gang?);
            Some(format!("a node would take it alone, and gang {gang} as a whole fits nowhere"))
        };
        let is_open = matches!(code.as_str(), "FitsNow" | "Undecided" | "Gang");
        (task.name.to_string(), if is_open { fits_alone() } else { Some(sentence) })
    };
    snapshot.pending.iter().filter(|&&task| snapshot.mode_of(task) == Mode::Act).map(reason).collect()
}

type Known = HashMap<ClassId, Option<Obstacle>>;

/// What the decider said, or, where it said nothing, what most nodes put up now.
fn reason(snapshot: &Snapshot, task: TaskId, known: &mut Known) -> (String, String) {
    let cluster = &snapshot.cluster;
    if snapshot.is_left_alone(task) {
        return (LEFT_ALONE.to_owned(), "the loop only observes the tasks of its owner".to_owned());
    }
    let class = cluster.task(task).class;
    let said = snapshot.task(task).waits_for.or_else(|| cluster.obstacle_of_quota(task));
    let obstacle = match said {
        Some(obstacle) => Some(obstacle),
        None if known.len() >= CLASSES_MAX && !known.contains_key(&class) => {
            return ("Undecided".to_owned(), "nothing is decided yet".to_owned());
        }
        None => *known.entry(class).or_insert_with(|| dominant(cluster, class)),
    };
    match obstacle {
        Some(obstacle) => (obstacle.code().to_owned(), obstacle.to_string()),
        None => ("FitsNow".to_owned(), "a node would take it; its turn comes".to_owned()),
    }
}

/// What most nodes put up against the class; none where one would take it.
fn dominant(cluster: &Cluster, class: ClassId) -> Option<Obstacle> {
    let mut counts = BTreeMap::<Obstacle, usize>::new();
    for node in cluster.nodes() {
        let obstacle = cluster.obstacle(node, class).or_else(|| cluster.obstacle_around(node, class))?;
        *counts.entry(obstacle).or_insert(0) += 1;
    }
    let most = counts.into_iter().max_by_key(|&(obstacle, count)| (count, std::cmp::Reverse(obstacle)));
    most.map_or(Some(Obstacle::NodeNotReady), |(obstacle, _)| Some(obstacle))
}
