//! Where gangs are placed, and that units always add up, whatever fails.

use proptest::prelude::*;

use super::*;

const NODES: u32 = 12;
const GPUS: u32 = 8;

fn machine(placement: GangPlacement) -> GpuNodes {
    GpuNodes::new(NODES, GPUS, placement, Topology { nodes_per_domain: 2, nodes_per_rack: 4 })
}

fn held(m: &GpuNodes, slot: u32) -> Vec<(u32, u32)> {
    let mut parts: Vec<(u32, u32)> = m.held(slot).collect();
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

/// What a random walk does with a machine.
#[derive(Debug, Clone)]
enum Move {
    Place(u32),
    Release(usize),
    Fail(u32),
    Repair(u32),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (1u32..40).prop_map(Move::Place),
        2 => any::<usize>().prop_map(Move::Release),
        1 => (0..NODES + 2).prop_map(Move::Fail),
        1 => (0..NODES + 2).prop_map(Move::Repair),
    ];
    prop::collection::vec(one, 0..120)
}

/// Walks and checks after each step that what is used and free adds up, and that whoever stood on a failed
/// node is named. `limit` is the number of units.
fn walk<M: Machine>(mut m: M, limit: u64, moves: Vec<Move>) -> Result<(), TestCaseError> {
    let mut running: Vec<(u32, u64)> = Vec::new();
    let mut next_slot = 0;
    for step in moves {
        match step {
            Move::Place(size) => {
                if m.place(next_slot, 0, size) {
                    running.push((next_slot, u64::from(size)));
                    next_slot += 1;
                }
            }
            Move::Release(at) if !running.is_empty() => {
                let (slot, _) = running.remove(at % running.len());
                m.release(slot);
            }
            Move::Release(_) => {}
            Move::Fail(node) => {
                let mut hit = Vec::new();
                m.fail(node, &mut hit);
                for slot in hit {
                    let at = running.iter().position(|r| r.0 == slot);
                    prop_assert!(at.is_some(), "only running jobs are hit");
                    running.remove(at.unwrap_or(0));
                    m.release(slot);
                }
            }
            Move::Repair(node) => m.repair(node),
        }
        let used: u64 = running.iter().map(|r| r.1).sum();
        prop_assert_eq!(used + m.free_units(), m.units());
        prop_assert!(m.units() <= limit);
        prop_assert!((0.0..=1.0).contains(&m.fragmentation()));
    }
    for node in 0..m.nodes() {
        m.repair(node);
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
        walk(machine(placement), u64::from(NODES * GPUS), moves)?;
    }

    #[test]
    fn units_of_a_pool_always_add_up(moves in moves()) {
        walk(Pool::new(NODES), u64::from(NODES), moves)?;
    }

    #[test]
    fn a_smaller_job_fits_wherever_a_larger_one_does(
        sizes in prop::collection::vec(1u32..20, 0..12), size in 2u32..40,
    ) {
        let mut m = machine(GangPlacement::Consolidate);
        for (slot, size) in (0..).zip(sizes) {
            m.place(slot, 0, size);
        }
        let mut other = m.clone();
        if m.place(90, 0, size) {
            prop_assert!(other.place(90, 0, size - 1));
        }
    }
}
