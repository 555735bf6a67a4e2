//! The ledger over clusters in every state: its accounts add up.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use lepton_core::analyze::{Accounts, Ledger};
use lepton_core::collect::{CollectConfig, merge};
use lepton_core::model::{
    DEVICE_MILLI, DeviceKind, DeviceSet, DocumentDemand, Health, NodeReading, Reading, Readings,
    ResourceSchema, Snapshot, TaskReading,
};

/// A cluster of which nothing is asked: nodes in every state, tasks that use less and more than they were given.
fn readings(seed: u64) -> Readings {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let mut readings = Vec::new();
    for node in 0..4 {
        let devices = chance.random_range(0..4);
        readings.push(Reading::NodeAdded(NodeReading {
            name: format!("n{node}"),
            capacity: vec![chance.random_range(0..5) * 1000, 4096],
            devices: vec![(DeviceKind::Gpu, "A".into()); devices],
            devices_out_of_service: (0..devices).filter(|_| chance.random_bool(0.2)).collect(),
            labels: Vec::new(),
            health: [Health::Up, Health::Up, Health::Cordoned, Health::Down][chance.random_range(0..4)],
        }));
    }
    for task in 0..chance.random_range(0..12) {
        let name = format!("t{task}");
        let device = chance.random_bool(0.5);
        readings.push(Reading::TaskSubmitted(TaskReading {
            name: name.clone(),
            demand: vec![chance.random_range(0..4) * 700, chance.random_range(0..3) * 1024],
            devices: device.then(|| DocumentDemand { count: 1, milli: 500, models: Vec::new() }),
            owner: chance.random_bool(0.7).then(|| format!("o{}", task % 3)),
            ..TaskReading::default()
        }));
        let devices = if device { DeviceSet::one(0) } else { DeviceSet::NONE };
        let node = format!("n{}", chance.random_range(0..4));
        readings.push(Reading::TaskPlaced { task: name.clone(), node, devices });
        if chance.random_bool(0.7) {
            let amounts = vec![chance.random_range(0..3000), chance.random_range(0..3000)];
            readings.push(Reading::TaskUse { task: name, amounts, unsaved_seconds: 0 });
        }
    }
    Readings { source: "test".into(), time_seconds: 60, sequence: None, complete: true, readings }
}

fn snapshot(seed: u64) -> Snapshot {
    let mut snapshot = Snapshot::new(ResourceSchema::cpu_and_memory());
    merge(&mut snapshot, &readings(seed), 60, &CollectConfig::default());
    snapshot
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_account_of_a_node_adds_up_to_its_capacity_and_those_of_owners_to_what_tasks_had(
        seeds in proptest::collection::vec(any::<u64>(), 1..4), seconds in 1_u64..4000, still in 0_u64..5000,
    ) {
        let mut ledger = Ledger::default();
        let mut capacity = BTreeMap::<(String, usize), i64>::new();
        for seed in seeds {
            let snapshot = snapshot(seed);
            let cluster = &snapshot.cluster;
            ledger.book(&snapshot, seconds, &BTreeMap::from([("t1".into(), still)]));
            for node in cluster.nodes() {
                let devices = cluster.devices_free(node).len() as i64 * i64::from(DEVICE_MILLI);
                for (at, amount) in cluster.capacity(node).iter().chain([&devices]).enumerate() {
                    *capacity.entry((cluster.node_name(node).to_owned(), at)).or_default() += amount * seconds as i64;
                }
            }
        }
        let mut held = vec![0; ledger.resources.len()];
        for (name, accounts) in &ledger.nodes {
            for (at, accounts) in accounts.iter().enumerate() {
                prop_assert_eq!(accounts.sum(), capacity[&(name.clone(), at)], "{} {}", name, at);
                let mut all = [accounts.used, accounts.unused, accounts.beyond, accounts.moves, accounts.lost, accounts.idle]
                    .into_iter()
                    .chain(accounts.stranded);
                prop_assert!(all.all(|amount| amount >= 0), "{:?}", accounts);
                held[at] += accounts.used + accounts.unused + accounts.beyond + accounts.moves;
            }
        }
        for accounts in ledger.owners.values() {
            accounts.iter().enumerate().for_each(|(at, accounts)| held[at] -= accounts.sum());
        }
        prop_assert!(held.iter().all(|left| *left == 0), "{:?}", held);
    }
}

#[test]
fn a_task_pays_for_its_move_while_it_stands_still() {
    let node = NodeReading {
        name: "n".into(),
        capacity: vec![4000, 0],
        devices: Vec::new(),
        devices_out_of_service: Vec::new(),
        labels: Vec::new(),
        health: Health::Up,
    };
    let task = TaskReading {
        name: "t".into(),
        demand: vec![1000, 0],
        owner: Some("ann".into()),
        ..TaskReading::default()
    };
    let readings = vec![
        Reading::NodeAdded(node),
        Reading::TaskSubmitted(task),
        Reading::TaskPlaced { task: "t".into(), node: "n".into(), devices: DeviceSet::NONE },
        Reading::TaskUse { task: "t".into(), amounts: vec![600, 0], unsaved_seconds: 0 },
    ];
    let told = Readings { source: "test".into(), time_seconds: 0, sequence: None, complete: true, readings };
    let mut snapshot = Snapshot::new(ResourceSchema::cpu_and_memory());
    merge(&mut snapshot, &told, 0, &CollectConfig::default());
    let mut ledger = Ledger::default();
    ledger.book(&snapshot, 60, &BTreeMap::from([("t".into(), 20)]));
    let right = Accounts { used: 600 * 40, unused: 400 * 40, moves: 1000 * 20, ..Accounts::default() };
    assert_eq!(ledger.owners["ann"][0], right);
    assert_eq!(ledger.nodes["n"][0], Accounts { idle: 3000 * 60, ..right });
}
