//! Arrival sequences for a placement study: the task list in random order, inflated or thinned to a given
//! load. The procedure is that of the FGD study (Weng et al., USENIX ATC 2023, artifact).

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{Arrivals, PlacementWorkload};

/// Draws the sequence of `seed` with a device demand of `load` times the cluster's device capacity.
///
/// 1. The list is shuffled. 2. Tasks drawn with replacement are appended until the next would pass the
///    load (a task of several devices counts as one of them in this test only); or, when the list is above
///    the load already, randomly chosen ones are taken out until it is not. 3. The nodes' ranks are drawn.
pub fn sequence(workload: &PlacementWorkload, load: f64, seed: u64) -> Arrivals {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let cluster = &workload.cluster;
    let demand = |row: u32| cluster.class(workload.tasks[row as usize].class).demand.devices;
    let total = |row: u32| demand(row).map_or(0, |d| d.total_milli());
    let limit = (load * cluster.device_milli_capacity() as f64).round() as i64;

    let mut order: Vec<u32> = (0..workload.tasks.len() as u32).collect();
    order.shuffle(&mut chance);
    let mut arrived: i64 = order.iter().map(|&row| total(row)).sum();
    if arrived > limit {
        let mut leaving = order.clone();
        leaving.shuffle(&mut chance);
        let mut out = vec![false; workload.tasks.len()];
        for row in leaving {
            if arrived <= limit {
                break;
            }
            arrived -= total(row);
            out[row as usize] = true;
        }
        order.retain(|&row| !out[row as usize]);
    }
    let asks_for_devices = order.iter().any(|&row| total(row) > 0);
    if asks_for_devices {
        loop {
            let row = chance.random_range(0..workload.tasks.len()) as u32;
            if arrived + demand(row).map_or(0, |d| i64::from(d.milli)) > limit {
                break;
            }
            arrived += total(row);
            order.push(row);
        }
    }
    let mut node_rank: Vec<u32> = (0..cluster.node_count() as u32).collect();
    node_rank.shuffle(&mut chance);
    Arrivals { order, node_rank }
}
