//! Pods with volumes: where they go, what is written for them, and what they are told while they wait. The tests play the controllers of
//! claims and of own volumes. The services have the roles of `deploy/` and no others.

use serde_json::{Value, json};

use crate::common::service::Service;
use crate::control_plane::ControlPlane;
use crate::lease::{apply, kubeconfig_of_role};

const CLAIMS: &str = "/api/v1/namespaces/default/persistentvolumeclaims";
const VOLUMES: &str = "/api/v1/persistentvolumes";

fn none() -> Value {
    json!({})
}

/// A control plane with nodes in two zones and three classes of storage, and a kubeconfig of the shipped roles.
fn storage(name: &str) -> (ControlPlane, String) {
    let plane = ControlPlane::start(name);
    for (name, zone) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        plane.node(name, 0, &json!({"zone": zone, "kubernetes.io/hostname": name}), &Value::Null);
    }
    let class = |name: &str, provisioner: &str, mode: &str, topologies: Value| {
        let class = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
            "provisioner": provisioner, "volumeBindingMode": mode, "allowedTopologies": topologies
        });
        plane.post("/apis/storage.k8s.io/v1/storageclasses", &class);
    };
    class("now", "disk.example.com", "Immediate", json!([]));
    let in_b = json!([{"matchLabelExpressions": [{"key": "zone", "values": ["b"]}]}]);
    class("there", "disk.example.com", "WaitForFirstConsumer", in_b);
    class("local", "kubernetes.io/no-provisioner", "WaitForFirstConsumer", json!([]));
    apply(&plane, "observer.yaml");
    apply(&plane, "actuator.yaml");
    let kubeconfig = kubeconfig_of_role(&plane);
    (plane, kubeconfig)
}

fn claim(plane: &ControlPlane, name: &str, class: &str, mode: &str, owner: &Value) {
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "ownerReferences": owner},
        "spec": {"storageClassName": class, "accessModes": [mode], "resources": {"requests": {"storage": "5Gi"}}}
    });
    plane.post(CLAIMS, &claim);
}

/// A volume that is free, on nodes with this label.
fn volume(plane: &ControlPlane, name: &str, class: &str, mode: &str, (key, value): (&str, &str)) {
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "storageClassName": class, "accessModes": [mode], "capacity": {"storage": "10Gi"},
            "csi": {"driver": "disk.example.com", "volumeHandle": name},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}
            ]}}
        }
    });
    plane.post(VOLUMES, &volume);
    plane.patch(&format!("{VOLUMES}/{name}/status"), &json!({"status": {"phase": "Available"}}));
}

/// What the controller of claims does.
fn bind(plane: &ControlPlane, claim: &str, volume: &str) {
    let uid = plane.get(&format!("{CLAIMS}/{claim}"))["metadata"]["uid"].clone();
    let owner = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "default", "name": claim, "uid": uid
    });
    plane.patch(&format!("{VOLUMES}/{volume}"), &json!({"spec": {"claimRef": owner}}));
    plane.patch(&format!("{VOLUMES}/{volume}/status"), &json!({"status": {"phase": "Bound"}}));
    let bound = json!({"metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}, "spec": {"volumeName": volume}});
    plane.patch(&format!("{CLAIMS}/{claim}"), &bound);
}

fn user(plane: &ControlPlane, pod: &str, cpu: &str, claim: &str) {
    let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]);
    plane.pod(pod, "lepton", &json!({"cpu": cpu}), &json!({"volumes": volumes}), &none());
}

fn selected(plane: &ControlPlane, claim: &str) -> Value {
    let claim = plane.get(&format!("{CLAIMS}/{claim}"));
    claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"].clone()
}

fn acting(plane: &ControlPlane, state: &str, kubeconfig: &str) -> Service {
    plane.service_of(state, kubeconfig, &["--mode", "act"])
}

fn is_told(plane: &ControlPlane, pod: &str, what: &str) -> bool {
    plane.unscheduled(pod).is_some_and(|(_, why)| why.contains(what))
}

#[test]
#[ignore = "needs kubernetes"]
fn pods_go_where_their_volumes_are_and_wait_for_those_that_are_not_there() {
    let (plane, kubeconfig) = storage("volumes");
    claim(&plane, "data", "now", "ReadWriteOnce", &json!([]));
    volume(&plane, "data-in-b", "now", "ReadWriteOnce", ("zone", "b"));
    bind(&plane, "data", "data-in-b");
    user(&plane, "reader", "1", "data");
    user(&plane, "early", "1", "late");
    claim(&plane, "once", "now", "ReadWriteOncePod", &json!([]));
    volume(&plane, "once-in-a", "now", "ReadWriteOncePod", ("zone", "a"));
    bind(&plane, "once", "once-in-a");
    user(&plane, "once-1", "1", "once");
    user(&plane, "once-2", "1", "once");
    let service = acting(&plane, "state", &kubeconfig);
    service.wait_for("the volume in b", || plane.node_of("reader").as_deref() == Some("b1"));
    service.wait_for("the claim is missing", || {
        is_told(&plane, "early", "0/3 nodes are available: persistentvolumeclaim \"late\" not found.")
    });
    claim(&plane, "late", "now", "ReadWriteOnce", &json!([]));
    service.wait_for("the claim has no volume", || {
        is_told(&plane, "early", "pod has unbound immediate PersistentVolumeClaims")
    });
    assert_eq!((plane.node_of("early"), selected(&plane, "late")), (None, Value::Null));
    volume(&plane, "late-on-a2", "now", "ReadWriteOnce", ("kubernetes.io/hostname", "a2"));
    bind(&plane, "late", "late-on-a2");
    service.wait_for("the volume on a2", || plane.node_of("early").as_deref() == Some("a2"));
    // Of two pods one alone has the volume, and the other gets it when it goes.
    let once = || [plane.node_of("once-1"), plane.node_of("once-2")];
    service.wait_for("one of the two", || once().iter().flatten().count() == 1);
    let (has, waits) = if once()[0].is_some() { ("once-1", "once-2") } else { ("once-2", "once-1") };
    service.wait_for("why the other waits", || {
        is_told(&plane, waits, "ReadWriteOncePod access mode already in-use")
    });
    plane.delete(&format!("/api/v1/namespaces/default/pods/{has}"));
    service.wait_for("the other", || plane.node_of(waits).is_some());
    assert_eq!(service.get("/api/v1/status")["problems"], json!([]), "everything could be written");
}

#[test]
#[ignore = "needs kubernetes"]
fn volumes_are_made_and_given_where_their_pods_go_and_the_pods_are_bound_once_they_are_there() {
    let (plane, kubeconfig) = storage("volumes-made");
    claim(&plane, "fresh", "there", "ReadWriteOnce", &json!([]));
    user(&plane, "maker", "6", "fresh");
    claim(&plane, "near", "local", "ReadWriteOnce", &json!([]));
    volume(&plane, "disk-of-a2", "local", "ReadWriteOnce", ("kubernetes.io/hostname", "a2"));
    user(&plane, "local", "1", "near");
    let own = json!([{"name": "tmp", "ephemeral": {"volumeClaimTemplate": {"spec": {
        "storageClassName": "there", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}
    }}}}]);
    plane.pod("own", "lepton", &json!({"cpu": "1"}), &json!({"volumes": own}), &none());
    let mut service = acting(&plane, "state", &kubeconfig);
    service.wait_for("a volume is made in b", || selected(&plane, "fresh") == "b1");
    let nominated = |pod: &str| plane.pod_now(pod)["status"]["nominatedNodeName"].clone();
    assert_eq!((nominated("maker"), plane.node_of("maker")), ("b1".into(), None), "it is not bound yet");
    service.wait_for("the volume of a2 is given", || {
        plane.get(&format!("{VOLUMES}/disk-of-a2"))["spec"]["claimRef"]["name"] == "near"
    });
    bind(&plane, "near", "disk-of-a2");
    service.wait_for("the pod on a2", || plane.node_of("local").as_deref() == Some("a2"));
    // Nobody has made the claim of its own volume yet.
    service.wait_for("why it waits", || {
        is_told(
            &plane,
            "own",
            "waiting for ephemeral volume controller to create the persistentvolumeclaim \"own-tmp\"",
        )
    });
    let uid = plane.pod_now("own")["metadata"]["uid"].clone();
    let owner = json!([{"apiVersion": "v1", "kind": "Pod", "name": "own", "uid": uid, "controller": true}]);
    claim(&plane, "own-tmp", "there", "ReadWriteOnce", &owner);
    service.wait_for("its volume is made in b", || selected(&plane, "own-tmp") == "b1");
    // The place is kept while the volume is made: 6 of 8 cores are taken, also for an instance that starts anew.
    let at_b = json!({"nodeSelector": {"zone": "b"}});
    plane.pod("third", "lepton", &json!({"cpu": "2"}), &at_b, &none());
    service.wait_for("no room is left in b", || is_told(&plane, "third", "1 Insufficient cpu"));
    assert_eq!(service.end("-TERM"), Some(143));
    let service = acting(&plane, "other", &kubeconfig);
    plane.pod("fourth", "lepton", &json!({"cpu": "3"}), &at_b, &none());
    service.wait_for("no room is left in b", || is_told(&plane, "fourth", "1 Insufficient cpu"));
    volume(&plane, "made", "there", "ReadWriteOnce", ("zone", "b"));
    bind(&plane, "fresh", "made");
    service.wait_for("the pod in b", || plane.node_of("maker").as_deref() == Some("b1"));
    // A provisioner that cannot make the volume there takes the selection away, and the pod is decided on anew.
    let unselected = json!({"metadata": {"annotations": {"volume.kubernetes.io/selected-node": null}}});
    plane.patch(&format!("{CLAIMS}/own-tmp"), &unselected);
    service.wait_for("it is selected again", || selected(&plane, "own-tmp") == "b1");
    volume(&plane, "made-too", "there", "ReadWriteOnce", ("zone", "b"));
    bind(&plane, "own-tmp", "made-too");
    service.wait_for("its own volume", || plane.node_of("own").as_deref() == Some("b1"));
    assert_eq!(service.get("/api/v1/status")["problems"], json!([]), "everything could be written");
}

#[test]
#[ignore = "needs kubernetes"]
fn a_volume_is_made_only_where_its_driver_has_room_for_it() {
    let (plane, kubeconfig) = storage("volumes-room");
    let driver = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": "disk.example.com"},
        "spec": {"storageCapacity": true}
    });
    plane.post("/apis/storage.k8s.io/v1/csidrivers", &driver);
    let rooms = "/apis/storage.k8s.io/v1/namespaces/default/csistoragecapacities";
    let room = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "CSIStorageCapacity", "metadata": {"name": "in-b"},
        "storageClassName": "there", "nodeTopology": {"matchLabels": {"zone": "b"}}, "capacity": "1Gi"
    });
    plane.post(rooms, &room);
    claim(&plane, "fresh", "there", "ReadWriteOnce", &json!([]));
    user(&plane, "maker", "1", "fresh");
    let service = acting(&plane, "state", &kubeconfig);
    service
        .wait_for("why it waits", || is_told(&plane, "maker", "1 node(s) did not have enough free storage"));
    assert_eq!(selected(&plane, "fresh"), Value::Null);
    plane.patch(&format!("{rooms}/in-b"), &json!({"capacity": "8Gi"}));
    service.wait_for("a volume is made in b", || selected(&plane, "fresh") == "b1");
}
