//! What the loop believes of devices after any changes of slices, claims and pods is what a new one would be told, and no device is given
//! to two claims.

use std::collections::BTreeMap;

use lepton_core::collect::{CollectConfig, merge};
use lepton_core::model::{ClusterDocument, DeviceSet, Snapshot};
use serde_json::{Value, json};

use super::cache::{Cache, Change};
use super::device_changes::Told;
use super::reserves::promise;
use super::resources::{DeviceClaim, DeviceClass, DeviceId, Slice};
use super::tests::{Chance, believed_of, told};

const DRIVER: &str = "gpu.example.com";

fn read<T: serde::de::DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).expect("an object")
}

fn slice(chance: &mut Chance, node: &str, count: u64) -> Value {
    let device = |at: u64| {
        let mut device = json!({"name": format!("d{at}"), "attributes": {"model": {"string": (["H100", "A100"][(at % 2) as usize])}}});
        if chance.one_in(6) {
            device["taints"] = json!([{"key": "broken", "effect": "NoSchedule"}]);
        }
        device
    };
    let devices: Vec<Value> = (0..count).map(device).collect();
    json!({
        "metadata": {"name": node},
        "spec": {
            "driver": DRIVER, "nodeName": node, "devices": devices,
            "pool": {"name": node, "generation": 1, "resourceSliceCount": 1}
        }
    })
}

fn claim(chance: &mut Chance, name: &str) -> Value {
    let mut exactly =
        json!({"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 1 + chance.below(2)});
    let of_h100 = format!("device.attributes['{DRIVER}'].model == 'H100'");
    match chance.below(6) {
        0 => exactly["selectors"] = json!([{"cel": {"expression": of_h100}}]),
        1 => exactly = json!({"deviceClassName": "gpu", "allocationMode": "All"}),
        2 => exactly["tolerations"] = json!([{"key": "broken", "operator": "Exists"}]),
        3 => exactly["deviceClassName"] = "none".into(),
        _ => {}
    }
    json!({
        "metadata": {"name": name, "namespace": "team", "uid": format!("u-{name}"), "resourceVersion": chance.below(100).to_string()},
        "spec": {"devices": {"requests": [{"name": "r", "exactly": exactly}]}}
    })
}

/// What a claim that was promised devices looks like once these are written.
fn written(cache: &Cache, name: &str) -> Option<Value> {
    let promised = cache.devices.promised.get(&format!("team/{name}"))?;
    let result = |(request, id): &(String, DeviceId)| json!({"request": request, "driver": id.driver, "pool": id.pool, "device": id.device});
    let here =
        json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [promised.node]}]});
    Some(json!({
        "metadata": {"name": name, "namespace": "team", "uid": format!("u-{name}")},
        "status": {
            "allocation": {
                "devices": {"results": promised.devices.iter().map(result).collect::<Vec<_>>()},
                "nodeSelector": {"nodeSelectorTerms": [here]}
            },
            "reservedFor": [{"uid": promised.pod}]
        }
    }))
}

fn pod(chance: &mut Chance, name: &str) -> Value {
    let claims = (0..chance.below(3))
        .map(|at| json!({"name": at.to_string(), "resourceClaimName": format!("c{}", chance.below(8))}));
    let claims: Vec<Value> = claims.collect();
    json!({
        "metadata": {"name": name, "namespace": "team", "uid": format!("u-{name}")},
        "spec": {
            "schedulerName": if chance.one_in(3) { "default-scheduler" } else { "lepton" }, "containers": [{"name": "c"}],
            "nodeName": if chance.one_in(3) { format!("n{}", chance.below(3)) } else { String::new() }, "resourceClaims": claims
        },
        "status": {"phase": if chance.one_in(8) { "Succeeded" } else { "Pending" }},
    })
}

fn put<T: Told>(cache: &mut Cache, object: Value) {
    cache.device_change::<T>(Change::Put(read(object)));
}

fn change(chance: &mut Chance, cache: &mut Cache) {
    let (node, name) = (format!("n{}", chance.below(3)), format!("c{}", chance.below(8)));
    let pod_name = format!("p{}", chance.below(8));
    let full = format!("team/{pod_name}");
    match chance.below(12) {
        0 => {
            let count = chance.below(5);
            put::<Slice>(cache, slice(chance, &node, count));
        }
        1 if chance.one_in(3) => cache.device_change::<Slice>(Change::Gone(read(slice(chance, &node, 0)))),
        2 | 3 => put::<DeviceClaim>(cache, claim(chance, &name)),
        4 => cache.device_change::<DeviceClaim>(Change::Gone(read(claim(chance, &name)))),
        5 if chance.one_in(4) => {
            let all = (0..6).map(|n| read(claim(chance, &format!("c{n}")))).collect();
            cache.device_change::<DeviceClaim>(Change::Listed(all));
        }
        6 | 7 => {
            if let Some(claim) = written(cache, &name) {
                put::<DeviceClaim>(cache, claim);
            }
        }
        8 => cache.pod_change(Change::Gone(read(pod(chance, &pod_name)))),
        9 | 10 if cache.pods.contains_key(&full) && cache.node_of(&full).is_none() => {
            let pod = cache.pods[&full].pod.clone();
            if promise(cache, &pod, &node, DeviceSet::NONE).is_ok() {
                cache.assume(&full, &node, DeviceSet::NONE);
            }
        }
        11 if cache.assumed(&full).is_some() => {
            let pod = cache.pods[&full].pod.clone();
            cache.break_promises(&pod);
            cache.take_back(&full, &pod.metadata.uid);
        }
        _ => cache.pod_change(Change::Put(read(pod(chance, &pod_name)))),
    }
}

fn believed(snapshot: &Snapshot) -> ClusterDocument {
    let mut document = ClusterDocument::of_cluster(&snapshot.cluster, 0);
    document.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    document.tasks.sort_by(|a, b| a.name.cmp(&b.name));
    document
        .tasks
        .iter_mut()
        .filter_map(|task| task.devices.as_mut())
        .for_each(|devices| devices.models.sort());
    document
}

#[test]
fn the_belief_of_devices_after_any_changes_is_what_a_new_loop_is_told() {
    for seed in 0..150 {
        let (mut chance, mut cache) = (Chance(seed), Cache::default());
        // The last one stays as it is, so that all models are known.
        for n in 0..4 {
            let node = json!({
                "metadata": {"name": format!("n{n}")},
                "status": {"allocatable": {"cpu": "8", "pods": "50"}, "conditions": [{"type": "Ready", "status": "True"}]}
            });
            cache.node_change(Change::Put(read(node)));
        }
        let mut both = slice(&mut Chance(0), "n3", 4);
        for at in 0..4 {
            let taints = if at < 2 { json!([]) } else { json!([{"key": "broken", "effect": "NoSchedule"}]) };
            both["spec"]["devices"][at]["taints"] = taints;
        }
        cache.device_change::<Slice>(Change::Listed(vec![read(both)]));
        let class =
            json!({"metadata": {"name": "gpu"}, "spec": {"selectors": [{"cel": {"expression": "true"}}]}});
        cache.device_change::<DeviceClass>(Change::Listed(vec![read(class)]));
        cache.device_change::<DeviceClaim>(Change::Listed(Vec::new()));
        let (mut belief, mut teller) = believed_of(&mut cache);
        for turn in 0..60 {
            (0..=chance.below(4)).for_each(|_| change(&mut chance, &mut cache));
            let news = teller.news(&mut cache);
            merge(&mut belief, &told(false, news), 0, &CollectConfig::default());
            assert_eq!(belief.rejected, 0, "seed {seed}, turn {turn}: nothing absurd is told");
            let (fresh, new) = believed_of(&mut cache);
            assert_eq!(believed(&belief), believed(&fresh), "seed {seed}, turn {turn}");
            assert_eq!(teller.kept_back(), new.kept_back(), "seed {seed}, turn {turn}");
            let mut owners = BTreeMap::new();
            for name in (0..8).map(|n| format!("team/c{n}")) {
                for device in cache.devices.devices_of(&name) {
                    assert_eq!(owners.insert(device, name.clone()), None, "seed {seed}, turn {turn}: {name}");
                }
            }
            // What is taken is what claims have.
            let taken = owners.iter().all(|(device, owner)| cache.devices.takers(device).eq([owner]));
            assert!(taken && cache.devices.taken.len() == owners.len(), "seed {seed}, turn {turn}");
        }
    }
}
