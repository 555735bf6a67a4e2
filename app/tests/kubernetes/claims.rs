//! Pods with claims of devices: where they go, what is written of their claims, and what they are told while they wait. The tests play the
//! drivers of devices and the controller of claims. The services have the roles of `deploy/` and no others.

use std::collections::BTreeSet;

use lepton_core::execute::Actuator;
use lepton_core::model::Answer;
use serde_json::{Value, json};

use crate::common::service::Service;
use crate::control_plane::ControlPlane;
use crate::faults;
use crate::hands::{connect_as, start, until, why};
use crate::lease::{apply, kubeconfig_of_role};

const GROUP: &str = "/apis/resource.k8s.io/v1";
const CLAIMS: &str = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
const DRIVER: &str = "gpu.example.com";

fn none() -> Value {
    json!({})
}

/// A control plane with the shipped roles and a class of all devices of the driver, and a kubeconfig of the roles.
fn plane(name: &str) -> (ControlPlane, String) {
    let plane = ControlPlane::start(name);
    let config = json!([{"opaque": {"driver": DRIVER, "parameters": {"sharing": "none"}}}]);
    let class = json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": "gpu"},
        "spec": {"selectors": [{"cel": {"expression": format!("device.driver == '{DRIVER}'")}}], "config": config}
    });
    plane.post(&format!("{GROUP}/deviceclasses"), &class);
    apply(&plane, "observer.yaml");
    apply(&plane, "actuator.yaml");
    let kubeconfig = kubeconfig_of_role(&plane);
    (plane, kubeconfig)
}

fn gpu(name: &str, product: &str) -> Value {
    json!({
        "name": name, "capacity": {"memory": {"value": "80Gi"}},
        "attributes": {"productName": {"string": product}, "driverVersion": {"version": "550.54.15"}}
    })
}

/// A node with these devices.
fn node(plane: &ControlPlane, name: &str, devices: &[Value]) {
    plane.node(name, 0, &none(), &Value::Null);
    let slice = json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": format!("{name}-gpus")},
        "spec": {
            "driver": DRIVER, "nodeName": name, "devices": devices,
            "pool": {"name": name, "generation": 1, "resourceSliceCount": 1}
        }
    });
    plane.post(&format!("{GROUP}/resourceslices"), &slice);
}

/// A claim of so many devices, and a pod that uses it.
fn claim(plane: &ControlPlane, name: &str, count: u32, more: &Value) {
    let mut exactly = json!({"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": count});
    for (key, value) in more.as_object().into_iter().flatten() {
        exactly[key] = value.clone();
    }
    let claim = json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"name": name},
        "spec": {"devices": {"requests": [{"name": "gpus", "exactly": exactly}]}}
    });
    plane.post(CLAIMS, &claim);
}

fn user(plane: &ControlPlane, pod: &str, scheduler: &str, claim: &str, more: &Value) {
    let mut spec = json!({"resourceClaims": [{"name": "gpus", "resourceClaimName": claim}]});
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    plane.pod(pod, scheduler, &json!({"cpu": "1"}), &spec, &none());
}

fn claim_now(plane: &ControlPlane, name: &str) -> Value {
    plane.get(&format!("{CLAIMS}/{name}"))
}

/// The devices of a claim, with their nodes.
fn devices(plane: &ControlPlane, name: &str) -> Vec<String> {
    let claim = claim_now(plane, name);
    let results = claim["status"]["allocation"]["devices"]["results"].as_array().cloned().unwrap_or_default();
    let text = |of: &Value| of.as_str().expect("a text").to_owned();
    results.iter().map(|one| format!("{}/{}", text(&one["pool"]), text(&one["device"]))).collect()
}

/// What another scheduler writes: these devices of the node, for the pod.
fn allocation(node: &str, devices: &[&str], uid: &Value, pod: &str) -> Value {
    let result = |device: &&str| json!({"request": "gpus", "driver": DRIVER, "pool": node, "device": device});
    let here = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]});
    json!({"status": {
        "allocation": {
            "devices": {"results": devices.iter().map(result).collect::<Vec<_>>()},
            "nodeSelector": {"nodeSelectorTerms": [here]}
        },
        "reservedFor": [{"resource": "pods", "name": pod, "uid": uid}]
    }})
}

/// What the controller of claims does once no pod uses a claim.
fn take_back(plane: &ControlPlane, claim: &str) {
    let free = json!({"status": {"allocation": null, "reservedFor": null}});
    plane.patch(&format!("{CLAIMS}/{claim}/status"), &free);
}

fn is_told(plane: &ControlPlane, pod: &str, what: &str) -> bool {
    plane.unscheduled(pod).is_some_and(|(_, why)| why.contains(what))
}

fn acting(plane: &ControlPlane, kubeconfig: &str) -> Service {
    plane.service_of("state", kubeconfig, &["--mode", "act"])
}

#[test]
#[ignore = "needs kubernetes"]
fn claims_get_devices_of_their_own_where_their_pods_go() {
    let (plane, kubeconfig) = plane("claims");
    for name in ["a", "b"] {
        node(&plane, name, &[gpu("gpu-0", "H100"), gpu("gpu-1", "H100")]);
    }
    for n in 0..3 {
        claim(&plane, &format!("c{n}"), 1, &none());
        user(&plane, &format!("p{n}"), "lepton", &format!("c{n}"), &none());
    }
    // One of a template, which nobody has made a claim of yet.
    let of_template = json!({"resourceClaims": [{"name": "gpus", "resourceClaimTemplateName": "one"}]});
    plane.pod("p3", "lepton", &json!({"cpu": "1"}), &of_template, &none());
    let service = acting(&plane, &kubeconfig);
    let bound = || (0..3).filter(|n| plane.node_of(&format!("p{n}")).is_some()).count();
    service.wait_for("three pods", || bound() == 3);
    service.wait_for("no claim yet", || {
        is_told(&plane, "p3", "pod \"default/p3\": ResourceClaim not created yet")
    });
    let uid = plane.pod_now("p3")["metadata"]["uid"].clone();
    claim(&plane, "c3", 1, &none());
    let owner = json!([{"apiVersion": "v1", "kind": "Pod", "name": "p3", "uid": uid, "controller": true}]);
    plane.patch(&format!("{CLAIMS}/c3"), &json!({"metadata": {"ownerReferences": owner}}));
    let made = json!({"status": {"resourceClaimStatuses": [{"name": "gpus", "resourceClaimName": "c3"}]}});
    plane.patch("/api/v1/namespaces/default/pods/p3/status", &made);
    service.wait_for("the claim of the template", || plane.node_of("p3").is_some());
    let all: Vec<String> = (0..4).flat_map(|n| devices(&plane, &format!("c{n}"))).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 4, "{all:?}");
    // All is as the stock scheduler writes it.
    for n in 0..4 {
        let (pod, claim) = (plane.pod_now(&format!("p{n}")), claim_now(&plane, &format!("c{n}")));
        let node = &pod["spec"]["nodeName"];
        let device = &claim["status"]["allocation"]["devices"]["results"][0]["device"];
        let expected = json!({
            "allocation": {
                "devices": {
                    "results": [{"request": "gpus", "driver": DRIVER, "pool": node, "device": device}],
                    "config": [{
                        "source": "FromClass", "requests": ["gpus"],
                        "opaque": {"driver": DRIVER, "parameters": {"sharing": "none"}}
                    }]
                },
                "nodeSelector": {"nodeSelectorTerms": [
                    {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
                ]}
            },
            "reservedFor": [{"resource": "pods", "name": format!("p{n}"), "uid": pod["metadata"]["uid"]}]
        });
        assert_eq!(claim["status"], expected);
        assert_eq!(claim["metadata"]["finalizers"], json!(["resource.kubernetes.io/delete-protection"]));
        assert!(pod["metadata"]["annotations"]["lepton/devices"].is_null(), "its claim says it");
    }
    // None is left, until one comes free.
    claim(&plane, "c4", 1, &none());
    user(&plane, "p4", "lepton", "c4", &none());
    service.wait_for("why it waits", || {
        is_told(&plane, "p4", "0/2 nodes are available: 2 cannot allocate all claims.")
    });
    let free = devices(&plane, "c0");
    plane.delete("/api/v1/namespaces/default/pods/p0");
    take_back(&plane, "c0");
    service.wait_for("the device that came free", || plane.node_of("p4").is_some());
    assert_eq!(devices(&plane, "c4"), free);
    assert_eq!(service.get("/api/v1/status")["problems"], json!([]), "everything could be read and written");
}

#[test]
#[ignore = "needs kubernetes"]
fn selectors_taints_and_others_say_which_devices_a_claim_gets() {
    let (plane, kubeconfig) = plane("claims-selected");
    let mut broken = gpu("gpu-2", "H100");
    broken["taints"] = json!([{"key": "broken", "value": "fan", "effect": "NoSchedule"}]);
    node(&plane, "a", &[gpu("gpu-0", "H100"), gpu("gpu-1", "A100"), broken]);
    // Another scheduler has one, and its pod stands there.
    claim(&plane, "theirs", 1, &none());
    user(&plane, "theirs", "default-scheduler", "theirs", &json!({"nodeName": "a"}));
    let uid = plane.pod_now("theirs")["metadata"]["uid"].clone();
    plane.patch(&format!("{CLAIMS}/theirs/status"), &allocation("a", &["gpu-0"], &uid, "theirs"));
    let selecting = |expression: String| json!({"selectors": [{"cel": {"expression": expression}}]});
    let product = |name: &str| format!("device.attributes['{DRIVER}'].productName.contains('{name}')");
    let large = format!("device.capacity['{DRIVER}'].memory.compareTo(quantity('40Gi')) >= 0");
    claim(&plane, "a100", 1, &selecting(format!("{} && {large}", product("A100"))));
    claim(&plane, "h100", 1, &selecting(product("H100")));
    let mut tolerant = selecting(product("H100"));
    tolerant["tolerations"] = json!([{"key": "broken", "operator": "Exists", "effect": "NoSchedule"}]);
    claim(&plane, "tolerant", 1, &tolerant);
    claim(
        &plane,
        "newer",
        1,
        &selecting(format!("device.attributes['{DRIVER}'].driverVersion.isGreaterThan(semver('550.54.15'))")),
    );
    claim(
        &plane,
        "pattern",
        1,
        &selecting(format!("device.attributes['{DRIVER}'].productName.matches('A.*')")),
    );
    for name in ["a100", "h100", "tolerant", "newer", "pattern"] {
        user(&plane, name, "lepton", name, &none());
    }
    let service = acting(&plane, &kubeconfig);
    for (name, device) in [("a100", "a/gpu-1"), ("tolerant", "a/gpu-2")] {
        service.wait_for(name, || plane.node_of(name).is_some());
        assert_eq!(devices(&plane, name), [device]);
    }
    for name in ["h100", "newer"] {
        service.wait_for(name, || {
            is_told(&plane, name, "0/1 nodes are available: 1 cannot allocate all claims.")
        });
    }
    service.wait_for("what is not understood", || {
        is_told(&plane, "pattern", "the function `matches` is not known")
    });
    assert_eq!(devices(&plane, "theirs"), ["a/gpu-0"]);
    // The driver says that it is whole again.
    let whole = json!({"spec": {"devices": [gpu("gpu-0", "H100"), gpu("gpu-1", "A100"), gpu("gpu-2", "H100"), gpu("gpu-3", "H100")]}});
    plane.patch(&format!("{GROUP}/resourceslices/a-gpus"), &whole);
    service.wait_for("one more", || plane.node_of("h100").is_some());
    assert_eq!(devices(&plane, "h100"), ["a/gpu-3"]);
}

#[test]
#[ignore = "needs kubernetes"]
fn a_claim_that_has_devices_takes_its_pods_to_them() {
    let (plane, kubeconfig) = plane("claims-shared");
    for name in ["a", "b"] {
        node(&plane, name, &[gpu("gpu-0", "H100"), gpu("gpu-1", "H100")]);
    }
    // Several pods use one claim: the first that goes takes the others with it.
    claim(&plane, "shared", 2, &none());
    (0..3).for_each(|n| user(&plane, &format!("s{n}"), "lepton", "shared", &none()));
    let service = acting(&plane, &kubeconfig);
    let nodes = || (0..3).filter_map(|n| plane.node_of(&format!("s{n}"))).collect::<Vec<_>>();
    service.wait_for("all three", || nodes().len() == 3);
    let nodes: BTreeSet<String> = nodes().into_iter().collect();
    let reserved = claim_now(&plane, "shared")["status"]["reservedFor"].as_array().map(Vec::len);
    assert_eq!((nodes.len(), reserved), (1, Some(3)));
    let other = if nodes.contains("a") { "b" } else { "a" };
    // What an instance before it wrote for a pod that it did not bind is used again.
    claim(&plane, "left", 1, &none());
    user(
        &plane,
        "left",
        "other",
        "left",
        &json!({"schedulingGates": [{"name": "wait"}], "schedulerName": "lepton"}),
    );
    let uid = plane.pod_now("left")["metadata"]["uid"].clone();
    plane.patch(&format!("{CLAIMS}/left/status"), &allocation(other, &["gpu-1"], &uid, "left"));
    plane.patch("/api/v1/namespaces/default/pods/left", &json!({"spec": {"schedulingGates": null}}));
    service.wait_for("its node", || plane.node_of("left").as_deref() == Some(other));
    assert_eq!(devices(&plane, "left"), [format!("{other}/gpu-1")]);
    // Where the pod cannot go there any more, they are given back.
    claim(&plane, "stuck", 1, &none());
    let elsewhere =
        json!({"nodeSelector": {"kubernetes.io/hostname": "c"}, "schedulingGates": [{"name": "wait"}]});
    user(&plane, "stuck", "lepton", "stuck", &elsewhere);
    let uid = plane.pod_now("stuck")["metadata"]["uid"].clone();
    plane.patch(&format!("{CLAIMS}/stuck/status"), &allocation(other, &["gpu-0"], &uid, "stuck"));
    plane.patch("/api/v1/namespaces/default/pods/stuck", &json!({"spec": {"schedulingGates": null}}));
    service.wait_for("they are given back", || {
        let status = &claim_now(&plane, "stuck")["status"];
        status["allocation"].is_null() && status["reservedFor"].is_null()
    });
    plane.node("c", 0, &json!({"kubernetes.io/hostname": "c"}), &Value::Null);
    service.wait_for("why it waits", || is_told(&plane, "stuck", "1 cannot allocate all claims"));
    assert_eq!(service.get("/api/v1/status")["problems"], json!([]), "everything could be written");
}

#[test]
#[ignore = "needs kubernetes"]
fn a_pod_that_is_not_bound_gives_its_devices_back() {
    let (plane, kubeconfig) = plane("claims-back");
    node(&plane, "a", &[gpu("gpu-0", "H100")]);
    for name in ["first", "second"] {
        claim(&plane, name, 1, &none());
        user(&plane, name, "lepton", name, &none());
    }
    // It may not bind.
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/lepton-actuator";
    let rules = plane.get(path)["rules"].clone();
    let fewer: Vec<&Value> = rules
        .as_array()
        .expect("rules")
        .iter()
        .filter(|rule| rule["resources"][0] != "pods/binding")
        .collect();
    plane.patch(path, &json!({"rules": fewer}));
    let (_source, mut hands) = connect_as(&kubeconfig);
    let refused = until(
        &mut hands,
        &start("default/first", "a"),
        |answer| matches!(answer, Answer::Refused(why) if why.contains("is not bound")),
    );
    assert!(why(&refused).contains("(403)") && !why(&refused).contains("keep their devices"), "{refused:?}");
    let status = claim_now(&plane, "first")["status"].clone();
    assert!(status["allocation"].is_null() && status["reservedFor"].is_null(), "{status}");
    plane.patch(path, &json!({"rules": rules}));
    // The device is free for the other, and then no more.
    until(&mut hands, &start("default/second", "a"), |answer| *answer == Answer::Done);
    assert_eq!(devices(&plane, "second"), ["a/gpu-0"]);
    let taken = hands.call(&start("default/first", "a"));
    assert_eq!(why(&taken), "node a: cannot allocate all claims");
    // Another scheduler is faster than the stream: what it wrote stands, whatever is known of it.
    let slice = format!("{GROUP}/resourceslices/a-gpus");
    let more = ["gpu-0", "gpu-1", "gpu-2"].map(|name| gpu(name, "H100"));
    plane.patch(&slice, &json!({"spec": {"devices": more}}));
    let uid = plane.pod_now("second")["metadata"]["uid"].clone();
    plane.patch(&format!("{CLAIMS}/first/status"), &allocation("a", &["gpu-2"], &uid, "second"));
    let answer = hands.call(&start("default/first", "a"));
    assert_eq!(devices(&plane, "first"), ["a/gpu-2"], "{answer:?}");
    let users = claim_now(&plane, "first")["status"]["reservedFor"].clone();
    let mut users = users.as_array().expect("it is reserved").iter();
    assert!(users.any(|user| user["uid"] == uid), "{answer:?}");
    // Once it is known, the claim is shared.
    until(&mut hands, &start("default/first", "a"), |answer| {
        *answer == Answer::Done
            || matches!(answer, Answer::Refused(why) if why.contains("stands on a already"))
    });
    assert_eq!(claim_now(&plane, "first")["status"]["reservedFor"].as_array().map(Vec::len), Some(2));
}

#[test]
#[ignore = "needs kubernetes"]
fn whatever_fails_each_claim_gets_devices_of_its_own_and_its_pod_is_bound() {
    let (plane, _) = plane("claims-faults");
    // However the six are spread that ask for one, a node has two left.
    for name in ["a", "b"] {
        node(&plane, name, &["gpu-0", "gpu-1", "gpu-2", "gpu-3", "gpu-4"].map(|name| gpu(name, "H100")));
    }
    let (chance, service) = faults::start(&plane);
    for seed in 0..faults::seeds() {
        faults::begin(&chance, seed);
        let names: Vec<String> = (0..7).map(|n| format!("c-{seed}-{n}")).collect();
        for (n, name) in names.iter().enumerate() {
            claim(&plane, name, if n == 0 { 2 } else { 1 }, &none());
            user(&plane, name, "lepton", name, &none());
        }
        service.wait_for(&format!("seed {seed}: all are bound"), || {
            names.iter().all(|name| plane.node_of(name).is_some())
        });
        let all: Vec<String> = names.iter().flat_map(|name| devices(&plane, name)).collect();
        assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (8, 8), "seed {seed}: {all:?}");
        for name in &names {
            let (pod, claim) = (plane.pod_now(name), claim_now(&plane, name));
            let users = json!([{"resource": "pods", "name": name, "uid": pod["metadata"]["uid"]}]);
            assert_eq!(claim["status"]["reservedFor"], users, "seed {seed}");
            let pool = &claim["status"]["allocation"]["devices"]["results"][0]["pool"];
            assert_eq!(*pool, pod["spec"]["nodeName"], "seed {seed}: its devices are where it stands");
        }
        faults::end(&chance);
        for name in &names {
            plane.delete(&format!("/api/v1/namespaces/default/pods/{name}"));
            take_back(&plane, name);
            plane.patch(&format!("{CLAIMS}/{name}"), &json!({"metadata": {"finalizers": null}}));
            plane.delete(&format!("{CLAIMS}/{name}"));
        }
    }
}
