//! Gangs that do not fit one after another.

use super::{Effort, LOOKS_OF_TURN, fit_together};
use crate::model::{
    Cluster, DeviceSet, GroupId, GroupRule, NearRule, NodeId, NodeSpec, Placement, ResourceSchema, Scope,
    Task, TaskClass, TaskId,
};

/// Nodes with so many cores, two to a rack.
fn cluster(cores: &[i64]) -> Cluster {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    for (number, cores) in cores.iter().enumerate() {
        let mut node = NodeSpec::new(format!("n{number}"), vec![cores * 1000, 1 << 20], Vec::new());
        node.labels.push(("rack".to_owned(), format!("r{}", number / 2)));
        cluster.add_node(node).expect("a sound node");
    }
    cluster
}

fn class(cores: i64, group: Option<GroupId>) -> TaskClass {
    TaskClass { group, ..TaskClass::of_demand(vec![cores * 1000, 1], None) }
}

/// A gang of so many members of each class.
fn gang(cluster: &mut Cluster, kinds: Vec<(usize, TaskClass)>) -> Vec<TaskId> {
    let gang = Some(cluster.add_gang());
    let mut members = Vec::new();
    for (count, class) in kinds {
        let class = cluster.add_class(class).expect("a sound class");
        members.extend((0..count).map(|_| cluster.add_task(Task { gang, ..Task::new("member", class) })));
    }
    members
}

fn found(cluster: &Cluster, members: &[TaskId], effort: &mut Effort) -> Option<Vec<(TaskId, Placement)>> {
    let nodes: Vec<(NodeId, bool)> = cluster.nodes().map(|node| (node, false)).collect();
    fit_together(cluster, members, &nodes, effort)
}

/// The nodes of the members in order, if there are places for all; each can be placed when it comes up.
fn nodes_of(cluster: &mut Cluster, members: &[TaskId]) -> Option<Vec<usize>> {
    for (task, to) in found(cluster, members, &mut Effort::default())? {
        cluster.place(task, to).expect("it was found");
    }
    let node = |&member: &TaskId| cluster.placement(member).map(|place| place.node.index());
    members.iter().map(node).collect()
}

#[test]
fn the_large_ones_are_left_the_nodes_that_only_they_need() {
    let mut cluster = cluster(&[8, 4, 4]);
    let members = gang(&mut cluster, vec![(2, class(4, None)), (1, class(8, None))]);
    assert_eq!(nodes_of(&mut cluster, &members), Some(vec![1, 2, 0]));
}

#[test]
fn a_gang_that_stays_in_one_rack_goes_where_all_of_it_has_room() {
    let mut cluster = cluster(&[9, 1, 5, 6, 7, 2]);
    let rack = Scope::Domain(cluster.label_key("rack"));
    let (drivers, workers) = (cluster.group("drivers"), cluster.group("workers"));
    let near = NearRule { groups: vec![drivers, workers], scope: rack };
    let near_all = |mut class: TaskClass| {
        class.rules.affinity.push(near.clone());
        class
    };
    let mut worker = near_all(class(5, Some(workers)));
    worker.rules.anti_affinity.push(GroupRule { group: workers, scope: Scope::Node });
    let members = gang(&mut cluster, vec![(1, near_all(class(1, Some(drivers)))), (2, worker)]);
    let mut nodes = nodes_of(&mut cluster, &members).expect("there is a way");
    nodes[1..].sort_unstable();
    assert_eq!(nodes, [3, 2, 3], "the driver beside one of the workers");
}

#[test]
fn who_must_be_near_somebody_comes_after_him() {
    let mut cluster = cluster(&[4, 4, 9, 9]);
    let rack = Scope::Domain(cluster.label_key("rack"));
    let servers = cluster.group("servers");
    let mut trainer = class(9, None);
    trainer.rules.affinity.push(NearRule { groups: vec![servers], scope: rack });
    let members = gang(&mut cluster, vec![(1, trainer), (2, class(4, Some(servers)))]);
    let nodes = nodes_of(&mut cluster, &members).expect("there is a way");
    assert!(nodes[0] >= 2 && nodes[1..].iter().any(|&node| node >= 2 && node != nodes[0]), "{nodes:?}");
}

#[test]
fn what_cannot_be_is_seen_at_once_and_equal_members_are_not_searched_for() {
    let mut cluster = cluster(&[8, 8, 3]);
    let too_many = gang(&mut cluster, vec![(1, class(1, None)), (3, class(8, None))]);
    let mut effort = Effort::default();
    assert_eq!(found(&cluster, &too_many, &mut effort), None);
    assert!(LOOKS_OF_TURN - effort.0 < 20, "{effort:?}");
    let equal = gang(&mut cluster, vec![(3, class(8, None))]);
    let mut effort = Effort::default();
    assert_eq!(found(&cluster, &equal, &mut effort), None);
    assert_eq!(effort.0, LOOKS_OF_TURN);
}

#[test]
fn what_stands_already_counts() {
    let mut cluster = cluster(&[8, 8, 8, 8]);
    let rack = Scope::Domain(cluster.label_key("rack"));
    let group = cluster.group("shy");
    let mut shy = class(2, Some(group));
    shy.rules.anti_affinity.push(GroupRule { group, scope: rack });
    let standing = cluster.add_class(shy.clone()).expect("a sound class");
    let standing = cluster.add_task(Task::new("standing", standing));
    cluster.place(standing, Placement { node: NodeId(0), devices: DeviceSet::NONE }).expect("it is empty");
    let members = gang(&mut cluster, vec![(1, shy.clone()), (1, class(8, None)), (1, class(7, None))]);
    let nodes = nodes_of(&mut cluster, &members).expect("there is a way");
    assert!(nodes[0] >= 2, "{nodes:?}");
    let more = gang(&mut cluster, vec![(1, shy), (1, class(1, None))]);
    assert_eq!(nodes_of(&mut cluster, &more), None);
}
