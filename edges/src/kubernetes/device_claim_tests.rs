//! Where the claims of devices of a pod let it stand, which devices they get, and what the loop is told of it.

use std::collections::{BTreeMap, BTreeSet};

use lepton_core::model::{ClusterDocument, DeviceSet};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::cache::{Cache, Change};
use super::device_changes::Told;
use super::device_claims::DeviceClaims;
use super::fit::nowhere;
use super::neighbours::Neighbours;
use super::objects::Pod;
use super::reserves::promise;
use super::resources::{DeviceClaim, DeviceClass, DeviceId, Slice};
use super::tests::{believed_of, bindable, placeable};

fn put<T: Told>(cache: &mut Cache, object: Value) {
    cache.device_change::<T>(Change::Put(serde_json::from_value(object).expect("an object")));
}

fn gpu(name: &str, product: &str) -> Value {
    json!({"name": name, "attributes": {"productName": {"string": product}}})
}

fn slice(node: &str, generation: i64, count: usize, devices: &[Value]) -> Value {
    json!({
        "metadata": {"name": format!("{node}-{generation}")},
        "spec": {
            "driver": "gpu.example.com", "nodeName": node, "devices": devices,
            "pool": {"name": node, "generation": generation, "resourceSliceCount": count}
        }
    })
}

fn class(name: &str, selectors: &[&str]) -> Value {
    let selectors: Vec<Value> = selectors.iter().map(|text| json!({"cel": {"expression": text}})).collect();
    json!({"metadata": {"name": name}, "spec": {"selectors": selectors}})
}

fn claim(name: &str, exactly: &Value) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "team", "uid": format!("u-{name}"), "resourceVersion": "1"},
        "spec": {"devices": {"requests": [{"name": "gpus", "exactly": exactly}]}}
    })
}

fn of_class(class: &str, count: usize) -> Value {
    json!({"deviceClassName": class, "allocationMode": "ExactCount", "count": count})
}

fn allocated(name: &str, node: &str, devices: &[&str], users: &[&str]) -> Value {
    let mut claim = claim(name, &of_class("gpu", devices.len()));
    let result = |device: &&str| json!({"request": "gpus", "driver": "gpu.example.com", "pool": node, "device": device});
    let here = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]});
    claim["status"] = json!({
        "allocation": {
            "devices": {"results": devices.iter().map(result).collect::<Vec<_>>()},
            "nodeSelector": {"nodeSelectorTerms": [here]}
        },
        "reservedFor": users.iter().map(|user| json!({"resource": "pods", "name": user, "uid": format!("u-{user}")})).collect::<Vec<_>>()
    });
    claim
}

fn pod(name: &str, claims: &[&str], node: &str) -> Value {
    let named = |claim: &&str| json!({"name": claim, "resourceClaimName": claim});
    json!({
        "metadata": {"name": name, "namespace": "team", "uid": format!("u-{name}")},
        "spec": {
            "schedulerName": "lepton", "nodeName": node, "containers": [{"name": "main"}],
            "resourceClaims": claims.iter().map(named).collect::<Vec<_>>()
        }
    })
}

fn put_pod(cache: &mut Cache, pod: &Value) {
    cache.pod_change(Change::Put(serde_json::from_value(pod.clone()).expect("a pod")));
}

/// Nodes n0 and n1 with two H100 and two A100 each, and the class of them all.
fn cluster() -> Cache {
    let mut cache = Cache::default();
    for n in 0..2 {
        let name = format!("n{n}");
        let node = json!({
            "metadata": {"name": name},
            "status": {"allocatable": {"cpu": "8", "pods": "110"}, "conditions": [{"type": "Ready", "status": "True"}]}
        });
        cache.node_change(Change::Put(serde_json::from_value(node).expect("a node")));
        let gpus = [gpu("gpu-0", "H100"), gpu("gpu-1", "H100"), gpu("gpu-2", "A100"), gpu("gpu-3", "A100")];
        put::<Slice>(&mut cache, slice(&name, 1, 1, &gpus));
    }
    cache.device_change::<DeviceClass>(Change::Listed(Vec::new()));
    put::<DeviceClass>(&mut cache, class("gpu", &["device.driver == 'gpu.example.com'"]));
    let h100 = "device.attributes['gpu.example.com'].productName == 'H100'";
    put::<DeviceClass>(&mut cache, class("h100", &["device.driver == 'gpu.example.com'", h100]));
    let slices = ["n0", "n1"].map(|name| {
        let gpus = [gpu("gpu-0", "H100"), gpu("gpu-1", "H100"), gpu("gpu-2", "A100"), gpu("gpu-3", "A100")];
        serde_json::from_value(slice(name, 1, 1, &gpus)).expect("a slice")
    });
    cache.device_change::<Slice>(Change::Listed(slices.into()));
    cache.device_change::<DeviceClaim>(Change::Listed(Vec::new()));
    cache
}

/// Nodes on which a pod with this claim would be bound.
fn nodes_of(cache: &mut Cache, exactly: &Value) -> Vec<String> {
    put::<DeviceClaim>(cache, claim("asked", exactly));
    put_pod(cache, &pod("asks", &["asked"], ""));
    bindable(cache, "team/asks").into_iter().collect()
}

fn known(cache: &Cache, name: &str) -> Pod {
    cache.pods[&format!("team/{name}")].pod.clone()
}

fn why(cache: &Cache, name: &str) -> String {
    DeviceClaims::of(cache, &known(cache, name)).map(|_| ()).expect_err(name)
}

fn devices_of(cache: &Cache, claim: &str) -> Vec<String> {
    cache
        .devices
        .devices_of(&format!("team/{claim}"))
        .into_iter()
        .map(|id| format!("{}/{}", id.pool, id.device))
        .collect()
}

#[test]
fn a_pod_goes_where_as_many_devices_are_free_as_its_claim_selects() {
    let mut cache = cluster();
    put::<DeviceClaim>(&mut cache, allocated("held", "n0", &["gpu-0"], &["other"]));
    put_pod(&mut cache, &pod("other", &["held"], "n0"));
    let selecting = |class: &str, count: usize, selector: &str| {
        let mut exactly = of_class(class, count);
        exactly["selectors"] = json!([{"cel": {"expression": selector}}]);
        exactly
    };
    let a100 = "device.attributes['gpu.example.com'].productName == 'A100'";
    let all = |class: &str| json!({"deviceClassName": class, "allocationMode": "All"});
    for (exactly, expected) in [
        (of_class("gpu", 3), vec!["n0", "n1"]),
        (of_class("gpu", 4), vec!["n1"]),
        (of_class("gpu", 5), vec![]),
        (of_class("h100", 1), vec!["n0", "n1"]),
        (of_class("h100", 2), vec!["n1"]),
        (selecting("gpu", 2, a100), vec!["n0", "n1"]),
        (selecting("h100", 1, a100), vec![]),
        (all("h100"), vec!["n1"]),
        (all("gpu"), vec!["n1"]),
    ] {
        assert_eq!(nodes_of(&mut cache, &exactly), expected, "{exactly}");
        // The loop finds the same.
        let (belief, teller) = believed_of(&mut cache);
        let told = placeable(&belief, "team/asks").unwrap_or_else(|| panic!("{:?}", teller.kept_back()));
        assert_eq!(told.into_iter().collect::<Vec<_>>(), expected, "{exactly}");
    }
    nodes_of(&mut cache, &of_class("gpu", 5));
    let waits = &cache.pods["team/asks"];
    let told = nowhere(&cache, waits, &Neighbours::of(&cache, waits));
    assert_eq!(told.as_deref(), Some("0/2 nodes are available: 2 cannot allocate all claims."));
}

#[test]
fn a_promised_device_is_given_to_nobody_else_until_it_is_taken_back() {
    let mut cache = cluster();
    for n in 0..3 {
        put::<DeviceClaim>(&mut cache, claim(&format!("c{n}"), &of_class("h100", 1)));
        put_pod(&mut cache, &pod(&format!("p{n}"), &[&format!("c{n}")], ""));
    }
    let pods = [0, 1, 2].map(|n| known(&cache, &format!("p{n}")));
    // The loop's choice comes first.
    assert_eq!(promise(&mut cache, &pods[0], "n0", DeviceSet::one(1)), Ok(()));
    assert_eq!(promise(&mut cache, &pods[1], "n0", DeviceSet::one(1)), Ok(()));
    assert_eq!(
        (devices_of(&cache, "c0"), devices_of(&cache, "c1")),
        (vec!["n0/gpu-1".into()], vec!["n0/gpu-0".into()])
    );
    assert_eq!(
        promise(&mut cache, &pods[2], "n0", DeviceSet::NONE),
        Err("cannot allocate all claims".to_owned())
    );
    // Once more is the same.
    assert_eq!(promise(&mut cache, &pods[0], "n0", DeviceSet::NONE), Ok(()));
    assert_eq!(devices_of(&cache, "c0"), ["n0/gpu-1"]);
    assert_eq!(bindable(&cache, "team/p0"), BTreeSet::from(["n0".to_owned()]));
    // A stream that tells of the finalizer alone changes nothing, one that tells of the devices takes the promise's place.
    let mut written = claim("c0", &of_class("h100", 1));
    written["metadata"]["finalizers"] = json!(["resource.kubernetes.io/delete-protection"]);
    put::<DeviceClaim>(&mut cache, written);
    assert_eq!(devices_of(&cache, "c0"), ["n0/gpu-1"]);
    put::<DeviceClaim>(&mut cache, allocated("c0", "n0", &["gpu-1"], &["p0"]));
    assert!(!cache.devices.promised.contains_key("team/c0"));
    assert_eq!(devices_of(&cache, "c0"), ["n0/gpu-1"]);
    assert_eq!(
        promise(&mut cache, &pods[2], "n0", DeviceSet::NONE),
        Err("cannot allocate all claims".to_owned())
    );
    cache.break_promises(&pods[1]);
    assert_eq!(promise(&mut cache, &pods[2], "n0", DeviceSet::NONE), Ok(()));
    assert_eq!(devices_of(&cache, "c2"), ["n0/gpu-0"]);
    // A claim that is made anew under its name was promised nothing.
    let mut anew = claim("c2", &of_class("h100", 1));
    anew["metadata"]["uid"] = "another".into();
    put::<DeviceClaim>(&mut cache, anew);
    assert!(devices_of(&cache, "c2").is_empty());
}

#[test]
fn claims_that_have_devices_bind_their_pods_to_the_node_of_these() {
    let mut cache = cluster();
    put::<DeviceClaim>(&mut cache, allocated("shared", "n1", &["gpu-0"], &["first"]));
    put_pod(&mut cache, &pod("first", &["shared"], "n1"));
    put_pod(&mut cache, &pod("second", &["shared"], ""));
    assert_eq!(bindable(&cache, "team/second"), BTreeSet::from(["n1".to_owned()]));
    let (belief, _) = believed_of(&mut cache);
    assert_eq!(placeable(&belief, "team/second"), Some(BTreeSet::from(["n1".to_owned()])));
    let second = &cache.pods["team/second"];
    let told = nowhere(&cache, second, &Neighbours::of(&cache, second));
    assert_eq!(told, None);
    // The device counts once, for the first of its users.
    put_pod(&mut cache, &pod("second", &["shared"], "n1"));
    let document = document_of(&mut cache);
    assert_eq!((held_by(&document, "first"), held_by(&document, "second")), (vec![0], vec![]));
    let users: Vec<String> = (0..256).map(|n| n.to_string()).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    put::<DeviceClaim>(&mut cache, allocated("shared", "n1", &["gpu-0"], &users));
    put_pod(&mut cache, &pod("third", &["shared"], ""));
    assert_eq!(why(&cache, "third"), "resourceclaim team/shared is in use by 256 pods, the most that may");
}

#[test]
fn a_pool_counts_in_its_newest_generation_once_all_of_it_is_there() {
    let mut cache = cluster();
    let one = of_class("gpu", 1);
    assert_eq!(nodes_of(&mut cache, &of_class("gpu", 4)), ["n0", "n1"]);
    // The first of two slices of a new generation.
    put::<Slice>(&mut cache, slice("n0", 2, 2, &[gpu("gpu-0", "H100")]));
    assert_eq!(nodes_of(&mut cache, &one), ["n1"]);
    let mut second = slice("n0", 2, 2, &[gpu("gpu-1", "H100")]);
    second["metadata"]["name"] = "second".into();
    put::<Slice>(&mut cache, second.clone());
    assert_eq!(nodes_of(&mut cache, &of_class("gpu", 2)), ["n0", "n1"]);
    assert_eq!(nodes_of(&mut cache, &of_class("gpu", 3)), ["n1"]);
    // A name that is there twice.
    second["spec"]["devices"] = json!([gpu("gpu-0", "H100")]);
    put::<Slice>(&mut cache, second);
    assert_eq!(nodes_of(&mut cache, &one), ["n1"]);
    let gone = serde_json::from_value(slice("n1", 1, 1, &[])).expect("a slice");
    cache.device_change::<Slice>(Change::Gone(gone));
    assert!(nodes_of(&mut cache, &one).is_empty());
}

#[test]
fn a_tainted_device_goes_to_claims_that_tolerate_it_alone() {
    let mut cache = cluster();
    let tainted = |effect: &str| {
        let mut broken = gpu("gpu-0", "H100");
        broken["taints"] = json!([{"key": "broken", "value": "fan", "effect": effect}]);
        slice("n0", 2, 1, &[broken, gpu("gpu-1", "H100")])
    };
    let tolerating = |toleration: Value| {
        let mut exactly = of_class("gpu", 2);
        exactly["tolerations"] = json!([toleration]);
        exactly
    };
    for (effect, exactly, expected) in [
        ("NoSchedule", of_class("gpu", 2), vec!["n1"]),
        ("NoExecute", of_class("gpu", 2), vec!["n1"]),
        ("None", of_class("gpu", 2), vec!["n0", "n1"]),
        ("NoSchedule", of_class("gpu", 1), vec!["n0", "n1"]),
        ("NoSchedule", tolerating(json!({"key": "broken", "operator": "Exists"})), vec!["n0", "n1"]),
        ("NoSchedule", tolerating(json!({"key": "broken", "value": "fan"})), vec!["n0", "n1"]),
        ("NoSchedule", tolerating(json!({"key": "broken", "value": "pump"})), vec!["n1"]),
        (
            "NoExecute",
            tolerating(json!({"key": "broken", "operator": "Exists", "effect": "NoSchedule"})),
            vec!["n1"],
        ),
        // All of them is more than it may have.
        ("NoSchedule", json!({"deviceClassName": "gpu", "allocationMode": "All"}), vec!["n1"]),
    ] {
        put::<Slice>(&mut cache, tainted(effect));
        assert_eq!(nodes_of(&mut cache, &exactly), expected, "{effect} {exactly}");
        let (belief, _) = believed_of(&mut cache);
        let told: Vec<String> = placeable(&belief, "team/asks").expect("it is told").into_iter().collect();
        assert_eq!(told, expected, "{effect} {exactly}");
    }
}

#[test]
fn what_lepton_does_not_place_keeps_a_pod_back_with_the_reason() {
    let mut cache = cluster();
    let with = |key: &str, value: Value| {
        let mut exactly = of_class("gpu", 1);
        exactly[key] = value;
        claim("asked", &exactly)
    };
    let mut constrained = claim("asked", &of_class("gpu", 2));
    constrained["spec"]["devices"]["constraints"] = json!([{"matchAttribute": "gpu.example.com/numa"}]);
    let mut alternatives = claim("asked", &json!(null));
    alternatives["spec"]["devices"]["requests"] =
        json!([{"name": "gpus", "firstAvailable": [{"name": "a"}]}]);
    let mut going = claim("asked", &of_class("gpu", 1));
    going["metadata"]["deletionTimestamp"] = "2026-11-30T00:00:00Z".into();
    put_pod(&mut cache, &pod("asks", &["asked"], ""));
    for (claim, expected) in [
        (
            alternatives,
            "resourceclaim team/asked asks for alternatives of devices (firstAvailable), which Lepton does not place",
        ),
        (constrained, "asks for devices that go together (constraints), which"),
        (with("adminAccess", json!(true)), "asks for devices of others (adminAccess), which"),
        (
            with("capacity", json!({"requests": {"memory": "1Gi"}})),
            "asks for parts of devices (capacity), which",
        ),
        (with("deviceClassName", json!("none")), "request gpus: device class none does not exist"),
        (with("count", json!(33)), "asks for 33 devices, and may have 32"),
        (with("count", json!(u64::MAX)), "and may have 32"),
        (with("allocationMode", json!("Some")), "request gpus: unsupported count mode Some"),
        (
            with("selectors", json!([{"cel": {"expression": "device.driver.matches('gpu.*')"}}])),
            "request gpus: its selector \"device.driver.matches('gpu.*')\" is not understood: the function `matches` is not known",
        ),
        (going, "resourceclaim \"asked\" is being deleted"),
    ] {
        put::<DeviceClaim>(&mut cache, claim);
        let why = why(&cache, "asks");
        assert!(why.contains(expected), "{why}");
        let (_, teller) = believed_of(&mut cache);
        assert_eq!(teller.kept_back()["team/asks"], why);
    }
    // A selector that a device has no answer to keeps the pod off its node.
    put::<DeviceClaim>(
        &mut cache,
        with("selectors", json!([{"cel": {"expression": "device.attributes['a'].b"}}])),
    );
    let waits = &cache.pods["team/asks"];
    let told = nowhere(&cache, waits, &Neighbours::of(&cache, waits)).expect("it fits nowhere");
    assert!(told.contains("2 request gpus: CEL runtime error: no such key: b"), "{told}");
    let of_several = |more: &Value| {
        let mut device = gpu("far", "H100");
        for (key, value) in more.as_object().into_iter().flatten() {
            device[key] = value.clone();
        }
        device
    };
    put::<DeviceClaim>(&mut cache, claim("asked", &of_class("h100", 1)));
    for (node, more, expected) in [
        ("", json!({}), "asks for devices that several nodes reach, which"),
        ("n2", json!({"consumesCounters": [{"counterSet": "a"}]}), "asks for parts of devices, which"),
        (
            "n2",
            json!({"allowMultipleAllocations": true}),
            "asks for devices that several claims share, which",
        ),
        (
            "n2",
            json!({"bindingConditions": ["ready"]}),
            "asks for devices that have to be made ready first, which",
        ),
    ] {
        let beyond = slice(node, 1, 1, &[of_several(&more)]);
        put::<Slice>(&mut cache, beyond.clone());
        let said = why(&cache, "asks");
        assert!(said.contains(expected), "{said}");
        cache.device_change::<Slice>(Change::Gone(serde_json::from_value(beyond).expect("a slice")));
    }
    assert!(DeviceClaims::of(&cache, &known(&cache, "asks")).is_ok());
}

#[test]
fn a_claim_of_a_template_is_used_once_it_is_made_for_the_pod() {
    let mut cache = cluster();
    let mut made = pod("asks", &[], "");
    made["spec"]["resourceClaims"] = json!([{"name": "gpus", "resourceClaimTemplateName": "one"}]);
    put_pod(&mut cache, &made);
    assert_eq!(why(&cache, "asks"), "pod \"team/asks\": ResourceClaim not created yet");
    made["status"] = json!({"resourceClaimStatuses": [{"name": "gpus", "resourceClaimName": "asks-gpus"}]});
    put_pod(&mut cache, &made);
    assert_eq!(why(&cache, "asks"), "could not find ResourceClaim \"team/asks-gpus\"");
    let mut own = claim("asks-gpus", &of_class("gpu", 1));
    put::<DeviceClaim>(&mut cache, own.clone());
    let stranger = "ResourceClaim team/asks-gpus was not created for pod team/asks (pod is not owner)";
    assert_eq!(why(&cache, "asks"), stranger);
    own["metadata"]["ownerReferences"] =
        json!([{"kind": "Pod", "name": "asks", "uid": "u-asks", "controller": true}]);
    put::<DeviceClaim>(&mut cache, own);
    assert_eq!(bindable(&cache, "team/asks").len(), 2);
    // Where none is needed after all.
    made["status"] = json!({"resourceClaimStatuses": [{"name": "gpus"}]});
    put_pod(&mut cache, &made);
    assert!(DeviceClaims::of(&cache, &known(&cache, "asks")).is_ok());
    let mut unheard = Cache::default();
    put_pod(&mut unheard, &pod("asks", &["asked"], ""));
    assert_eq!(why(&unheard, "asks"), "it has resource claims, and resourceclaims are not known");
}

#[test]
fn the_loop_is_told_of_devices_and_of_who_has_them() {
    let mut cache = cluster();
    put::<DeviceClaim>(&mut cache, allocated("theirs", "n0", &["gpu-2"], &["theirs"]));
    let mut theirs = pod("theirs", &["theirs"], "n0");
    theirs["spec"]["schedulerName"] = "default-scheduler".into();
    put_pod(&mut cache, &theirs);
    // Nobody stands there for it yet.
    put::<DeviceClaim>(&mut cache, allocated("coming", "n0", &["gpu-0"], &["coming"]));
    let document = document_of(&mut cache);
    let models: Vec<(&str, usize)> =
        document.nodes[0].devices.iter().map(|devices| (devices.model.as_str(), devices.count)).collect();
    assert_eq!(models, [("gpu.example.com/H100", 2), ("gpu.example.com/A100", 2)]);
    assert_eq!(
        (held_by(&document, "theirs"), &document.nodes[0].devices_out_of_service),
        (vec![2], &vec![0])
    );
    // It comes.
    cache.changed_nodes.clear();
    put_pod(&mut cache, &pod("coming", &["coming"], "n0"));
    assert!(cache.changed_nodes.contains("n0"), "the node is told again");
    let document = document_of(&mut cache);
    assert_eq!((held_by(&document, "coming"), &document.nodes[0].devices_out_of_service), (vec![0], &vec![]));
}

fn document_of(cache: &mut Cache) -> ClusterDocument {
    let (belief, _) = believed_of(cache);
    ClusterDocument::of_cluster(&belief.cluster, 0)
}

fn held_by(document: &ClusterDocument, pod: &str) -> Vec<usize> {
    let name = format!("team/{pod}");
    document.tasks.iter().find(|task| task.name == name).expect("it is told").device_indices.clone()
}

proptest! {
    /// Requests get devices exactly where some way to share them out exists, and never one twice.
    #[test]
    fn devices_are_shared_out_wherever_there_is_a_way(
        devices in prop::collection::vec((0..3_i64, any::<bool>()), 0..6),
        wishes in prop::collection::vec((prop::collection::btree_set(0..3_i64, 1..3), 1..3_usize), 1..4),
    ) {
        let mut cache = cluster();
        let of = |(at, (kind, _)): (usize, &(i64, bool))| json!({"name": format!("d{at}"), "attributes": {"kind": {"int": kind}}});
        let all: Vec<Value> = devices.iter().enumerate().map(of).collect();
        put::<Slice>(&mut cache, slice("n0", 2, 1, &all));
        let taken = devices.iter().enumerate().filter(|(_, (_, taken))| *taken).map(|(at, _)| format!("d{at}"));
        let taken: Vec<String> = taken.collect();
        let taken: Vec<&str> = taken.iter().map(String::as_str).collect();
        put::<DeviceClaim>(&mut cache, allocated("taken", "n0", &taken, &[]));
        let request = |(at, (kinds, count)): (usize, &(BTreeSet<i64>, usize))| {
            let kinds: Vec<&i64> = kinds.iter().collect();
            let selector = format!("has(device.attributes['gpu.example.com'].kind) && device.attributes['gpu.example.com'].kind in {kinds:?}");
            let mut exactly = of_class("gpu", *count);
            exactly["selectors"] = json!([{"cel": {"expression": selector}}]);
            json!({"name": at.to_string(), "exactly": exactly})
        };
        let mut asked = claim("asked", &json!(null));
        asked["spec"]["devices"]["requests"] = wishes.iter().enumerate().map(request).collect();
        put::<DeviceClaim>(&mut cache, asked);
        put_pod(&mut cache, &pod("asks", &["asked"], ""));
        let pod = known(&cache, "asks");
        let went = promise(&mut cache, &pod, "n0", DeviceSet::NONE);
        // Tried out: each device for each slot.
        let slots: Vec<&BTreeSet<i64>> = wishes.iter().flat_map(|(kinds, count)| std::iter::repeat_n(kinds, *count)).collect();
        fn is_possible(slots: &[&BTreeSet<i64>], free: &[i64]) -> bool {
            slots.split_first().is_none_or(|(first, rest)| (0..free.len()).any(|at| {
                let mut left = free.to_vec();
                first.contains(&left.swap_remove(at)) && is_possible(rest, &left)
            }))
        }
        let free: Vec<i64> = devices.iter().filter(|(_, taken)| !taken).map(|(kind, _)| *kind).collect();
        prop_assert_eq!(went.is_ok(), is_possible(&slots, &free));
        if let Some(promised) = cache.devices.promised.get("team/asked") {
            let ids: BTreeSet<&DeviceId> = promised.devices.iter().map(|(_, id)| id).collect();
            prop_assert_eq!((ids.len(), promised.devices.len()), (slots.len(), slots.len()));
            let mut counts = BTreeMap::<&str, usize>::new();
            for (request, id) in &promised.devices {
                let (kinds, _) = &wishes[request.parse::<usize>().expect("a number")];
                let at: usize = id.device[1..].parse().expect("a number");
                prop_assert!(kinds.contains(&devices[at].0) && !devices[at].1);
                *counts.entry(request).or_default() += 1;
            }
            prop_assert!(wishes.iter().enumerate().all(|(at, (_, count))| counts[at.to_string().as_str()] == *count));
        }
    }
}
