//! What the generated cluster and tasks must have in common with the published statistics.

use super::*;

#[test]
fn the_real_size_has_the_published_statistics() {
    let workload = openb_like(OPENB_NODES);
    let cluster = &workload.cluster;
    assert_eq!(cluster.node_count(), 1213);
    assert_eq!(cluster.device_count(), 6212);
    let cores: i64 = cluster.nodes().map(|n| cluster.capacity(n)[0]).sum();
    assert_eq!(cores, 107_018_000);
    assert_eq!(workload.tasks.len(), 8152);
    let demands: Vec<_> = workload.tasks.iter().map(|t| &cluster.class(t.class).demand).collect();
    let gpus: i64 = demands.iter().map(|d| d.device_milli()).sum();
    let near = |have: f64, want: f64| (have / want - 1.0).abs() < 0.02;
    assert!(near(gpus as f64, 6_086_800.0), "GPU demand {gpus} milli");
    let cpu: i64 = demands.iter().map(|d| d.resources[0]).sum();
    assert!(near(cpu as f64, 85_436_000.0), "CPU demand {cpu} millicores");
    let without = demands.iter().filter(|d| d.devices.is_none()).count();
    let sharing = demands.iter().filter(|d| d.devices.is_some_and(|d| d.is_sharing())).count();
    assert!(near(without as f64, 1088.0), "{without} tasks without GPU");
    assert!(near(sharing as f64, 3078.0), "{sharing} sharing tasks");
}

#[test]
fn any_size_has_the_nodes_asked_for() {
    for nodes in [1, 2, 7, 100, 5000] {
        assert_eq!(openb_like(nodes).cluster.node_count(), nodes);
    }
}

#[test]
fn parts_add_up_to_the_whole() {
    assert_eq!(apportion(10, [1, 1, 1].into_iter()), [4, 3, 3]);
}
