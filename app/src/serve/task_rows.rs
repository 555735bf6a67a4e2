//! Tasks as the API shows them. A row stays as it is while its task does: a turn makes only those of tasks that have changed.

use std::sync::Arc;

use lepton_core::model::{DEVICE_MILLI, Snapshot, TaskId};
use serde::Serialize;
use utoipa::ToSchema;

use super::starts::{StartRow, Starts};

/// A task.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TaskRow {
    /// Its name.
    pub(crate) name: String,
    /// running or waiting.
    pub(crate) state: String,
    /// Where it stands.
    pub(crate) node: Option<String>,
    /// Whose it is.
    pub(crate) owner: Option<String>,
    /// The gang it is a member of.
    pub(crate) gang: Option<String>,
    /// Devices it asks for; a share of one counts as much.
    pub(crate) devices: f64,
    /// Whether it must not be moved or stopped.
    pub(crate) do_not_disrupt: bool,
    /// Its priority; higher goes first.
    pub(crate) priority: i32,
    /// When it was submitted, seconds.
    pub(crate) submitted_seconds: u64,
    /// When its present run began, seconds.
    pub(crate) started_seconds: Option<u64>,
    /// How much of each resource it asks for, in the order of a node's resources.
    pub(crate) demand: Vec<i64>,
    /// What keeps it waiting, as far as Lepton decided on it.
    pub(crate) waits_for: Option<String>,
    /// When it is expected to start; none while it runs, and where nothing can be told.
    pub(crate) starts: Option<StartRow>,
}

impl TaskRow {
    /// As it is believed to be.
    fn of(snapshot: &Snapshot, id: TaskId) -> Self {
        let cluster = &snapshot.cluster;
        let (task, state, place) = (cluster.task(id), snapshot.task(id), cluster.placement(id));
        Self {
            name: task.name.to_string(),
            state: state_of(place.is_some()).to_owned(),
            node: place.map(|p| cluster.node_name(p.node).to_owned()),
            owner: task.owner.map(|o| cluster.owner_name(o).to_owned()),
            gang: task.gang.map(|g| cluster.gang_name(g).to_owned()),
            devices: devices(snapshot, id),
            do_not_disrupt: task.do_not_disrupt,
            priority: task.priority,
            submitted_seconds: state.submitted_seconds,
            started_seconds: state.started_seconds,
            demand: cluster.demand(id).resources.to_vec(),
            waits_for: state.waits_for.map(|obstacle| obstacle.code().to_owned()),
            starts: None,
        }
    }

    /// Whether that is what it says, but for the expected start.
    fn is_of(&self, snapshot: &Snapshot, id: TaskId) -> bool {
        let Self {
            name,
            state,
            node,
            owner,
            gang,
            devices: of_devices,
            do_not_disrupt,
            priority,
            submitted_seconds,
            started_seconds,
            demand,
            waits_for,
            starts: _,
        } = self;
        let cluster = &snapshot.cluster;
        let (task, now, place) = (cluster.task(id), snapshot.task(id), cluster.placement(id));
        *name == *task.name
            && *state == state_of(place.is_some())
            && node.as_deref() == place.map(|p| cluster.node_name(p.node))
            && owner.as_deref() == task.owner.map(|o| cluster.owner_name(o))
            && gang.as_deref() == task.gang.map(|g| cluster.gang_name(g))
            && *of_devices == devices(snapshot, id)
            && *do_not_disrupt == task.do_not_disrupt
            && *priority == task.priority
            && *submitted_seconds == now.submitted_seconds
            && *started_seconds == now.started_seconds
            && **demand == *cluster.demand(id).resources
            && waits_for.as_deref() == now.waits_for.map(|obstacle| obstacle.code())
    }
}

fn state_of(is_placed: bool) -> &'static str {
    if is_placed { "running" } else { "waiting" }
}

fn devices(snapshot: &Snapshot, id: TaskId) -> f64 {
    snapshot.cluster.demand(id).device_milli() as f64 / f64::from(DEVICE_MILLI)
}

/// All of them, in the order of their names.
#[derive(Debug, Default)]
pub(super) struct TaskRows(Vec<(TaskId, Arc<TaskRow>)>);

impl TaskRows {
    /// As the snapshot has them; those of tasks that are as they were are those of `before`.
    pub(super) fn of(snapshot: &Snapshot, Self(before): &Self) -> Self {
        let cluster = &snapshot.cluster;
        let mut missing = vec![false; snapshot.tasks.len()];
        cluster.live_tasks().for_each(|task| missing[task.index()] = true);
        let mut known = Vec::with_capacity(before.len());
        for (id, row) in before {
            // The number of a task that has gone may be another's now.
            let is_there = missing.get(id.index()) == Some(&true) && *row.name == *cluster.task(*id).name;
            if is_there {
                missing[id.index()] = false;
                let is_same = row.is_of(snapshot, *id);
                let row = if is_same { Arc::clone(row) } else { Arc::new(TaskRow::of(snapshot, *id)) };
                known.push((*id, row));
            }
        }
        let of_new = cluster.live_tasks().filter(|task| missing[task.index()]);
        let mut new: Vec<_> = of_new.map(|id| (id, Arc::new(TaskRow::of(snapshot, id)))).collect();
        new.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
        if new.is_empty() {
            return Self(known);
        }
        let mut rows = Vec::with_capacity(known.len() + new.len());
        let mut new = new.into_iter().peekable();
        for row in known {
            while let Some(before) = new.next_if(|(_, other)| other.name < row.1.name) {
                rows.push(before);
            }
            rows.push(row);
        }
        rows.extend(new);
        Self(rows)
    }

    /// Tells when what waits is expected to start.
    pub(super) fn tell_starts(&mut self, starts: &Starts) {
        for (_, row) in self.0.iter_mut().filter(|(_, row)| row.node.is_none()) {
            let expected = starts.of(&row.name);
            if row.starts != expected {
                Arc::make_mut(row).starts = expected;
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &TaskRow> {
        self.0.iter().map(|(_, row)| &**row)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The task of this name.
    pub(super) fn named(&self, name: &str) -> Option<&TaskRow> {
        let at = self.0.binary_search_by(|(_, row)| row.name.as_str().cmp(name)).ok()?;
        Some(&self.0[at].1)
    }
}

#[cfg(test)]
mod tests {
    use lepton_core::model::{
        Cluster, Demand, DeviceSet, NodeSpec, Placement, ResourceSchema, Rules, Task, TaskClass,
    };

    use super::*;

    #[test]
    fn rows_follow_their_tasks_in_the_order_of_names_and_only_those_that_changed_are_made_anew() {
        let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
        let node = cluster.add_node(NodeSpec::new("n", vec![10_000, 10], Vec::new())).expect("a sound node");
        let demand = Demand { resources: vec![1000, 1].into(), devices: None };
        let class = TaskClass { demand, rules: Rules::default(), group: None };
        let class = cluster.add_class(class).expect("a sound class");
        let mut ids = Vec::new();
        for name in ["d", "a", "c"] {
            ids.push(cluster.add_task(Task::new(name, class)));
        }
        let first = Snapshot::of_cluster(cluster.clone(), 0);
        let names = |rows: &TaskRows| rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
        let before = TaskRows::of(&first, &TaskRows::default());
        assert_eq!(names(&before), ["a", "c", "d"]);
        // One starts, one goes, and one that comes gets its number.
        let place = Placement { node, devices: DeviceSet::NONE };
        cluster.place(ids[1], place).expect("there is room");
        cluster.retire(ids[2]);
        for name in ["b", "e"] {
            cluster.add_task(Task::new(name, class));
        }
        let second = Snapshot::of_cluster(cluster, 60);
        let after = TaskRows::of(&second, &before);
        assert_eq!(names(&after), ["a", "b", "d", "e"]);
        assert_eq!(
            after.named("a").map(|row| (row.state.as_str(), row.node.as_deref())),
            Some(("running", Some("n")))
        );
        assert!(after.named("c").is_none());
        let same = |name: &str| {
            let of = |rows: &TaskRows| rows.named(name).map(std::ptr::from_ref);
            of(&before) == of(&after)
        };
        assert!(same("d") && !same("a"));
        let fresh = TaskRows::of(&second, &TaskRows::default());
        let json = |rows: &TaskRows| serde_json::to_string(&rows.iter().collect::<Vec<_>>()).expect("JSON");
        assert_eq!(json(&after), json(&fresh));
    }
}
