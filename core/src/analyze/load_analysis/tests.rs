//! Load of the smallest clusters that show it.

use super::*;
use crate::model::{
    DeviceDemand, DeviceKind, DeviceSet, ModelSet, NodeSpec, Placement, ResourceSchema, Task, TaskClass,
    TaskState,
};

fn cluster_of(nodes: usize) -> Snapshot {
    let mut snapshot = Snapshot::new(ResourceSchema::cpu_and_memory());
    for i in 0..nodes {
        let spec = NodeSpec::new(format!("n{i}"), vec![10_000, 100], vec![]);
        snapshot.cluster.add_node(spec).expect("a sound node");
    }
    snapshot
}

fn place(snapshot: &mut Snapshot, node: u32, demand: [i64; 2], used: [i64; 2]) {
    let class = snapshot.cluster.add_class(TaskClass::of_demand(demand, None)).expect("a sound class");
    let id = snapshot.cluster.add_task(Task::new(format!("t{}", snapshot.tasks.len()), class));
    snapshot.tasks.push(TaskState { used: used.to_vec(), ..TaskState::default() });
    snapshot.cluster.place(id, Placement { node: NodeId(node), devices: DeviceSet::NONE }).expect("it fits");
}

#[test]
fn use_allocation_gap_and_balance_are_counted_per_resource() {
    let mut snapshot = cluster_of(2);
    place(&mut snapshot, 0, [8000, 10], [6000, 10]);
    place(&mut snapshot, 1, [4000, 50], [2000, 10]);
    let load = analyze_load(&snapshot, &Settings::default(), None);
    let cpu = &load.resources[0];
    assert_eq!((cpu.used, cpu.allocated), (0.4, 0.6));
    assert!((cpu.gap - 0.2).abs() < 1e-12);
    // 0.6 and 0.2 about a mean of 0.4.
    assert!((cpu.variation - 0.5).abs() < 1e-12 && (cpu.max_over_mean - 1.5).abs() < 1e-12);
    assert_eq!(cpu.busiest, Some(NodeId(0)));
    assert_eq!(load.bottleneck.as_deref(), Some("cpu_millicores"));
    assert_eq!(load.fragmentation, None);
}

#[test]
fn hot_and_cold_nodes_come_worst_first() {
    let mut snapshot = cluster_of(4);
    place(&mut snapshot, 1, [9000, 1], [8500, 1]);
    place(&mut snapshot, 2, [9900, 1], [9900, 1]);
    place(&mut snapshot, 3, [9900, 1], [500, 1]);
    let load = analyze_load(&snapshot, &Settings::default(), None);
    assert_eq!(load.hot, [NodeId(2), NodeId(1)]);
    assert_eq!(load.cold, [NodeId(0), NodeId(3)]);
}

#[test]
fn an_empty_cluster_is_even_and_has_no_bottleneck() {
    let load = analyze_load(&cluster_of(3), &Settings::default(), None);
    assert_eq!(
        (load.bottleneck, load.resources[0].max_over_mean, load.resources[0].variation),
        (None, 1.0, 0.0)
    );
    assert!(load.stranded.is_empty());
    let nothing = analyze_load(&cluster_of(0), &Settings::default(), None);
    assert_eq!((nothing.resources[0].used, nothing.resources[0].busiest), (0.0, None));
}

#[test]
fn devices_without_cpu_or_on_closed_nodes_are_stranded_for_that_cause() {
    let mut snapshot = Snapshot::new(ResourceSchema::cpu_and_memory());
    let gpu = snapshot.cluster.add_model(DeviceKind::Gpu, "A100").expect("a sound model");
    for i in 0..3 {
        let spec = NodeSpec::new(format!("n{i}"), vec![10_000, 100], vec![gpu; 2]);
        snapshot.cluster.add_node(spec).expect("a sound node");
    }
    place(&mut snapshot, 0, [10_000, 1], [100, 1]);
    snapshot.cluster.set_health(NodeId(1), Health::Cordoned);
    let load = analyze_load(&snapshot, &Settings::default(), None);
    let of = |cause, device_milli| Stranded { cause, device_milli, nodes: 1 };
    assert_eq!(load.stranded, [of(StrandedCause::NoCpu, 2000), of(StrandedCause::NodeClosed, 2000)]);

    // Tasks of three devices are expected: no node has three, so all six devices are of no use to them.
    let demand = DeviceDemand { count: 3, milli: DEVICE_MILLI, accept: ModelSet::ANY };
    let class =
        snapshot.cluster.add_class(TaskClass::of_demand([1, 1], Some(demand))).expect("a sound class");
    let expected = TargetWorkload::from_classes(&snapshot.cluster, &[(class, 1)]);
    let load = analyze_load(&snapshot, &Settings::default(), Some(&expected));
    assert_eq!(load.fragmentation, Some(6.0));
    assert_eq!(load.resources[2].resource, "devices");
}
