//! Where gangs are placed, and that units always add up, whatever fails.

use lepton_core::decide::placement::Placer;
use lepton_core::decide::placement_policies::{PlacementContext, placement_policy};
use lepton_core::decide::queue_policies::queue_policy;
use lepton_core::model::fragmentation::TargetWorkload;
use lepton_core::model::{
    ClassId, Cluster, DeviceDemand, DeviceKind, ModelSet, NodeSpec, ResourceSchema, Task, TaskClass, TaskId,
    invariants,
};
use proptest::prelude::*;

use super::*;
use crate::jobs::{Failures, Job, JobEvent, Jobs, Observer, Outage, Settings, Simulation};

const NODES: u32 = 12;
const GPUS: u32 = 8;

fn machine(placement: GangPlacement) -> GpuNodes {
    GpuNodes::new(NODES, GPUS, placement, Topology { nodes_per_domain: 2, nodes_per_rack: 4 })
}

fn held(m: &GpuNodes, slot: u32) -> Vec<(u32, u32)> {
    let mut parts: Vec<(u32, u32)> = m.parts_of(slot).collect();
    parts.sort_unstable();
    parts
}

#[test]
fn consolidating_takes_the_fullest_node_that_fits() {
    let mut m = machine(GangPlacement::Consolidate);
    assert!(m.place(0, 0, 5) && m.place(1, 0, 6));
    assert!(m.place(2, 0, 2));
    assert_eq!(held(&m, 2), [(1, 2)], "node 1 has 2 free, node 0 has 3");
}

#[test]
fn a_gang_takes_whole_empty_nodes_and_the_rest_on_the_emptiest_other() {
    let mut m = machine(GangPlacement::Consolidate);
    assert!(m.place(0, 0, 3));
    assert!(m.place(1, 0, 18));
    assert_eq!(held(&m, 1), [(1, 8), (2, 8), (3, 2)]);
}

#[test]
fn a_gang_without_its_whole_nodes_changes_nothing() {
    let mut m = machine(GangPlacement::Consolidate);
    for slot in 0..NODES {
        assert!(m.place(slot, 0, 1 + slot % 2 * 7), "one GPU on even nodes, a whole odd node");
    }
    let before = m.free_gpus().to_vec();
    assert!(!m.place(99, 0, 90));
    assert_eq!(m.free_gpus(), before);
}

/// One node of 8 GPUs, two of 2 and one of 4, in this order.
fn nodes_of_three_sizes() -> GpuNodes {
    GpuNodes::of_sizes(vec![8, 2, 2, 4], GangPlacement::Consolidate, Topology::default())
}

#[test]
fn on_nodes_of_several_sizes_a_gang_takes_the_fullest_that_holds_it_or_the_largest_whole_ones() {
    let mut m = nodes_of_three_sizes();
    assert!(m.place(0, 0, 2) && m.place(1, 0, 3));
    assert_eq!((held(&m, 0), held(&m, 1)), (vec![(1, 2)], vec![(3, 3)]));
    assert!(m.place(2, 0, 8));
    assert!(!m.place(3, 0, 4), "three GPUs are free, on two nodes");
    assert_eq!((m.devices(0), m.devices(1), m.units()), (8, 2, 16));
    let mut m = nodes_of_three_sizes();
    assert!(m.place(0, 0, 13));
    assert_eq!(held(&m, 0), [(0, 8), (1, 1), (3, 4)], "there is no second node of 8, so one of 4 stands in");
    assert!((m.fragmentation() - 1.0 / 3.0).abs() < 1e-12, "one of three free GPUs is on a node in use");
}

#[test]
fn spreading_evens_out_the_nodes() {
    let mut m = machine(GangPlacement::Spread);
    assert!(m.place(0, 0, NODES * 3));
    assert!(m.free_gpus().iter().all(|&f| f == GPUS - 3));
}

#[test]
fn topology_keeps_a_gang_within_a_domain_then_within_a_rack() {
    let mut m = machine(GangPlacement::Topology);
    assert!(m.place(0, 0, 4), "leaves 12 free GPUs in the first domain");
    assert!(m.place(1, 0, 16));
    assert_eq!(held(&m, 1), [(2, 8), (3, 8)], "the next domain holds it whole");
    assert!(m.place(2, 0, 24));
    assert_eq!(held(&m, 2), [(4, 8), (5, 8), (6, 8)], "no domain holds it, the second rack does");
}

#[test]
fn the_share_of_free_gpus_on_partly_used_nodes_is_the_fragmentation() {
    let mut m = GpuNodes::new(2, 8, GangPlacement::Consolidate, Topology::default());
    assert_eq!(m.fragmentation(), 0.0);
    assert!(m.place(0, 0, 4));
    assert!((m.fragmentation() - 4.0 / 12.0).abs() < 1e-12);
}

#[test]
fn a_failed_unit_of_a_full_pool_interrupts_a_job() {
    let mut pool = Pool::new(4);
    assert!(pool.place(1, 0, 4));
    let mut hit = Vec::new();
    pool.fail(2, &mut hit);
    assert_eq!(hit, [1]);
    pool.release(1);
    assert_eq!((pool.units(), pool.free_units()), (3, 3));
    pool.repair(2);
    assert_eq!((pool.units(), pool.free_units()), (4, 4));
}

/// Five nodes of four GPUs, a sixth without, and 120 tasks from CPU alone to whole nodes, with their sizes;
/// placed by first-fit.
fn cluster_of_tasks() -> (ClusterMachine, Vec<u32>) {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let model = cluster.add_model(DeviceKind::Gpu, "A").expect("one model");
    for node in 0..6 {
        let devices = if node < 5 { vec![model; 4] } else { Vec::new() };
        let spec = NodeSpec::new(format!("n{node}"), vec![8000, 8000], devices);
        cluster.add_node(spec).expect("a sound node");
    }
    let demands = [None, Some((1, 300)), Some((1, 1000)), Some((2, 1000)), Some((4, 1000))];
    let sizes = (0..120).map(|i: usize| {
        let devices = demands[i % demands.len()];
        let devices = devices.map(|(count, milli)| DeviceDemand { count, milli, accept: ModelSet::ANY });
        let class = TaskClass::of_demand([500, 500], devices);
        let class = cluster.add_class(class).expect("a sound demand");
        let task = cluster.add_task(Task::new(format!("t{i}"), class));
        cluster.demand(task).device_milli() as u32
    });
    let sizes = sizes.collect();
    let classes: Vec<_> = (0..cluster.classes().len()).map(|c| (ClassId::from(c), 1)).collect();
    let target = TargetWorkload::from_classes(&cluster, &classes);
    let context = PlacementContext { cluster: &cluster, target: &target, seed: 0, model: None };
    let first_fit = placement_policy("first-fit", &context).expect("a known policy");
    let placer = Placer::in_node_order(first_fit, &cluster);
    (ClusterMachine::new(cluster, placer, target), sizes)
}

#[test]
fn a_failed_device_of_a_cluster_names_the_tasks_on_it_and_comes_back_empty() {
    let (mut m, sizes) = cluster_of_tasks();
    assert!(m.place(1, 1, sizes[1]) && m.place(2, 2, sizes[2]) && m.place(3, 6, sizes[6]));
    let on = |m: &ClusterMachine, task| m.cluster().placement(TaskId(task)).map(|p| p.devices);
    assert_eq!(on(&m, 1), on(&m, 6), "both small tasks share a device");
    let shared = on(&m, 1).and_then(|d| d.iter().next()).expect("it is placed") as u32;
    let mut hit = Vec::new();
    assert!(m.fail_device(0, shared, &mut hit));
    assert_eq!(hit, [1, 3]);
    for slot in hit.drain(..) {
        m.release(slot);
    }
    assert_eq!((m.units(), m.free_units()), (19_000, 18_000));
    assert_eq!(invariants::check(m.cluster()), Ok(()));
    assert!(!m.fail_device(0, shared, &mut hit), "it is out of service already");
    assert!(m.fail(0, &mut hit));
    assert_eq!((m.units(), &hit[..]), (16_000, &[2][..]));
    m.release(2);
    m.repair_device(0, shared);
    assert_eq!(m.units(), 16_000, "its node is still out of service");
    m.repair(0);
    assert_eq!((m.units(), m.free_units()), (20_000, 20_000));
}

#[test]
fn drf_compares_owners_by_the_resource_that_each_holds_most_of() {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let model = cluster.add_model(DeviceKind::Gpu, "A").expect("one model");
    for node in 0..2 {
        let spec = NodeSpec::new(format!("n{node}"), vec![10_000, 10_000], vec![model; 4]);
        cluster.add_node(spec).expect("a sound node");
    }
    let one_gpu = DeviceDemand { count: 1, milli: 1000, accept: ModelSet::ANY };
    // "cpu" takes 30% of the cluster's CPU a job and no GPU, "gpu" 1/8 of the GPUs and little CPU.
    let shapes = [TaskClass::of_demand([6000, 10], None), TaskClass::of_demand([500, 10], Some(one_gpu))];
    let classes = shapes.map(|c| cluster.add_class(c).expect("a sound class"));
    let mut jobs = Jobs { owners: vec!["cpu".into(), "gpu".into()], ..Jobs::default() };
    // Two jobs of "cpu" (0 and 3), three of "gpu".
    for (id, owner) in [(0, 0), (1, 1), (2, 1), (3, 0), (4, 1)] {
        cluster.add_task(Task::new(format!("t{id}"), classes[owner]));
        let size = if owner == 0 { 0 } else { 1000 };
        let (submit_seconds, run_seconds) = (id as i64, 100);
        let (owner, requested_seconds) = (owner as u32, run_seconds);
        jobs.push(Job { id, submit_seconds, run_seconds, requested_seconds, size, owner, priority: 0 });
    }
    let target = TargetWorkload::default();
    let context = PlacementContext { cluster: &cluster, target: &target, seed: 0, model: None };
    let first_fit = placement_policy("first-fit", &context).expect("a known policy");
    let placer = Placer::in_node_order(first_fit, &cluster);
    let outage = |node| Outage { at_seconds: 3, node, device: None, repair_seconds: Some(7) };
    let settings =
        Settings { failures: Failures::Recorded(vec![outage(0), outage(1)]), ..Settings::default() };
    let policy = queue_policy("drf").expect("a known policy");
    let mut order = Starts::default();
    let machine = ClusterMachine::new(cluster, placer, target);
    Simulation::new(&jobs, machine, policy.as_ref(), &settings).run(&mut order);
    assert_eq!(order.0[..3], [0, 1, 2], "as they come");
    // Then all wait for the repair: once "cpu" holds 0.3 of the CPU, "gpu" holds less until its third job.
    assert_eq!(order.0[3..], [0, 1, 2, 4, 3], "by GPUs alone, `cpu` would hold nothing and go first twice");
}

/// Notes the jobs in order of their starts.
#[derive(Default)]
struct Starts(Vec<u32>);

impl Observer for Starts {
    fn event(&mut self, _now_seconds: i64, event: JobEvent) {
        if let JobEvent::Started { job, .. } = event {
            self.0.push(job);
        }
    }
}

/// What a random walk does with a machine.
#[derive(Debug, Clone)]
enum Move {
    Place(u32),
    Release(usize),
    Fail(u32),
    Repair(u32),
    FailDevice(u32, u32),
    RepairDevice(u32, u32),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (1u32..40).prop_map(Move::Place),
        2 => any::<usize>().prop_map(Move::Release),
        1 => (0..NODES + 2).prop_map(Move::Fail),
        1 => (0..NODES + 2).prop_map(Move::Repair),
        1 => (0..NODES + 2, 0..GPUS + 2).prop_map(|(node, device)| Move::FailDevice(node, device)),
        1 => (0..NODES + 2, 0..GPUS + 2).prop_map(|(node, device)| Move::RepairDevice(node, device)),
    ];
    prop::collection::vec(one, 0..120)
}

/// Walks and checks after each step that what is used and free adds up, and that whoever stood on a failed
/// node or device is named. Job i has `sizes[i]` units where sizes are
/// given; `limit` is the number of units.
fn walk<M: Machine>(
    mut m: M,
    limit: u64,
    moves: Vec<Move>,
    sizes: Option<&[u32]>,
) -> Result<(), TestCaseError> {
    let mut running: Vec<(u32, u64)> = Vec::new();
    let mut next_slot = 0;
    for step in moves {
        match step {
            Move::Place(drawn) => {
                let job = if sizes.is_some() { next_slot } else { 0 };
                let size = sizes.map_or(drawn, |sizes| sizes[job as usize]);
                if m.place(next_slot, job, size) {
                    running.push((next_slot, u64::from(size)));
                    next_slot += 1;
                }
            }
            Move::Release(at) if !running.is_empty() => {
                let (slot, _) = running.remove(at % running.len());
                m.release(slot);
            }
            Move::Release(_) => {}
            Move::Fail(_) | Move::FailDevice(..) => {
                let (before, mut hit) = (m.units(), Vec::new());
                let failed = match step {
                    Move::FailDevice(node, device) => m.fail_device(node, device, &mut hit),
                    Move::Fail(node) => m.fail(node, &mut hit),
                    _ => false,
                };
                prop_assert!(failed || (hit.is_empty() && m.units() == before));
                for slot in hit {
                    let at = running.iter().position(|r| r.0 == slot);
                    prop_assert!(at.is_some(), "only running jobs are hit");
                    running.remove(at.unwrap_or(0));
                    m.release(slot);
                }
            }
            Move::Repair(node) => m.repair(node),
            Move::RepairDevice(node, device) => m.repair_device(node, device),
        }
        let used: u64 = running.iter().map(|r| r.1).sum();
        prop_assert_eq!(used + m.free_units(), m.units());
        prop_assert!(m.units() <= limit);
        prop_assert!((0.0..=1.0).contains(&m.fragmentation()));
    }
    for node in 0..m.nodes() {
        m.repair(node);
        for device in 0..m.devices(node) {
            m.repair_device(node, device);
        }
    }
    for (slot, _) in running {
        m.release(slot);
    }
    prop_assert_eq!((m.units(), m.free_units()), (limit, limit));
    Ok(())
}

proptest! {
    #[test]
    fn units_of_gpu_nodes_always_add_up(moves in moves(), which in 0usize..3) {
        let placement = [GangPlacement::Consolidate, GangPlacement::Spread, GangPlacement::Topology][which];
        walk(machine(placement), u64::from(NODES * GPUS), moves, None)?;
    }

    #[test]
    fn units_of_nodes_of_several_sizes_always_add_up(
        moves in moves(), size in prop::collection::vec(1u32..12, 1..14), which in 0usize..3,
    ) {
        let placement = [GangPlacement::Consolidate, GangPlacement::Spread, GangPlacement::Topology][which];
        let total = size.iter().map(|&gpus| u64::from(gpus)).sum();
        let topology = Topology { nodes_per_domain: 2, nodes_per_rack: 4 };
        walk(GpuNodes::of_sizes(size, placement, topology), total, moves, None)?;
    }

    #[test]
    fn idle_nodes_of_any_sizes_hold_every_gang_of_no_more_gpus(
        size in prop::collection::vec(1u32..12, 1..10), which in 0usize..3,
    ) {
        let placement = [GangPlacement::Consolidate, GangPlacement::Spread, GangPlacement::Topology][which];
        let total: u32 = size.iter().sum();
        let empty = GpuNodes::of_sizes(size, placement, Topology { nodes_per_domain: 2, nodes_per_rack: 4 });
        for gang in 1..=total {
            let mut m = empty.clone();
            prop_assert!(m.place(0, 0, gang), "{gang} of {total}");
            prop_assert_eq!(m.free_units(), u64::from(total - gang));
        }
        prop_assert!(!empty.could_hold(0, total + 1));
    }

    #[test]
    fn units_of_a_pool_always_add_up(moves in moves()) {
        walk(Pool::new(NODES), u64::from(NODES), moves, None)?;
    }

    #[test]
    fn units_of_a_cluster_always_add_up(moves in moves()) {
        let (machine, sizes) = cluster_of_tasks();
        walk(machine, 20_000, moves, Some(&sizes))?;
    }

    #[test]
    fn a_smaller_job_fits_wherever_a_larger_one_does(
        sizes in prop::collection::vec(1u32..20, 0..12), size in 2u32..40,
        nodes in prop::collection::vec(prop::sample::select(vec![1u32, 2, 4, 8]), 1..14), equal in any::<bool>(),
    ) {
        let uneven = GpuNodes::of_sizes(nodes, GangPlacement::Consolidate, Topology::default());
        let mut m = if equal { machine(GangPlacement::Consolidate) } else { uneven };
        for (slot, size) in (0..).zip(sizes) {
            m.place(slot, 0, size);
        }
        let mut other = m.clone();
        if m.place(90, 0, size) {
            prop_assert!(other.place(90, 0, size - 1));
        }
    }
}
