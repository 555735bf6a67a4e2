//! `lepton serve` on a real Kubernetes API server. `cargo xtask test kubernetes` builds the program that the control plane is made of, and runs these.

mod alike;
mod chart;
mod claims;
#[path = "../common/mod.rs"]
mod common;
mod control_plane;
mod double;
mod faults;
mod hands;
mod lease;
mod preemption;
mod preferences;
mod queue;
mod reviews;
mod volumes;

use serde_json::{Value, json};

use control_plane::ControlPlane;
use lease::{apply, kubeconfig_of_role};

/// The list under a path, by name.
fn named(service: &common::service::Service, path: &str, name: &str) -> Value {
    let list = service.get(path)["items"].clone();
    let found = list.as_array().expect("a list").iter().find(|item| item["name"] == name);
    found.cloned().unwrap_or(Value::Null)
}

fn none() -> Value {
    json!({})
}

#[test]
#[ignore = "needs kubernetes"]
fn nodes_and_pods_of_a_cluster_appear_and_nothing_is_done_there() {
    let plane = ControlPlane::start("observe");
    plane.node("gpu-a", 4, &json!({"nvidia.com/gpu.product": "H100", "zone": "a"}), &Value::Null);
    plane.node("cpu-b", 0, &none(), &Value::Null);
    plane.pod("ours", "lepton", &json!({"cpu": "2", "nvidia.com/gpu": "2"}), &none(), &none());
    plane.pod("theirs", "default-scheduler", &json!({"cpu": "500m"}), &json!({"nodeName": "cpu-b"}), &none());
    plane.pod("waits", "default-scheduler", &json!({"cpu": "1"}), &none(), &none());
    let service = plane.service(&[]);
    let node = named(&service, "/api/v1/nodes", "gpu-a");
    assert_eq!((&node["devices"], &node["state"]), (&4.into(), &"up".into()), "{node}");
    let ours = named(&service, "/api/v1/tasks", "default/ours");
    assert_eq!((&ours["state"], &ours["devices"]), (&"waiting".into(), &2.0.into()), "{ours}");
    assert_eq!((&ours["owner"], &ours["demand"][0]), (&"default".into(), &2000.into()), "{ours}");
    let theirs = named(&service, "/api/v1/tasks", "default/theirs");
    assert_eq!((&theirs["node"], &theirs["do_not_disrupt"]), (&"cpu-b".into(), &true.into()), "{theirs}");
    assert_eq!(named(&service, "/api/v1/tasks", "default/waits"), Value::Null, "another scheduler places it");
    // What comes, changes and goes is followed.
    plane.pod("later", "lepton", &json!({"cpu": "1"}), &none(), &none());
    service
        .wait_for("the pod that came", || named(&service, "/api/v1/tasks", "default/later") != Value::Null);
    plane.delete("/api/v1/namespaces/default/pods/theirs");
    plane.patch("/api/v1/nodes/cpu-b", &json!({"spec": {"unschedulable": true}}));
    service.wait_for("the pod that went and the node that was cordoned", || {
        named(&service, "/api/v1/tasks", "default/theirs") == Value::Null
            && named(&service, "/api/v1/nodes", "cpu-b")["state"] == "cordoned"
    });
    assert_eq!((plane.node_of("ours"), plane.unscheduled("ours")), (None, None), "nothing is written");
}

#[test]
#[ignore = "needs kubernetes"]
fn pods_are_bound_where_every_rule_holds_and_told_why_where_none_does() {
    let plane = ControlPlane::start("act");
    plane.node("plain", 0, &json!({"zone": "a"}), &Value::Null);
    plane.node("gpu", 2, &json!({"zone": "b"}), &Value::Null);
    let taint = json!([{"key": "team", "value": "red", "effect": "NoSchedule"}]);
    plane.node("red", 8, &json!({"zone": "c"}), &taint);
    let cpu = json!({"cpu": "1", "memory": "1Gi"});
    plane.pod("theirs", "default-scheduler", &cpu, &none(), &none());
    plane.pod("two-gpus", "lepton", &json!({"cpu": "1", "nvidia.com/gpu": "2"}), &none(), &none());
    plane.pod("zone-a", "lepton", &cpu, &json!({"nodeSelector": {"zone": "a"}}), &none());
    let not_b = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a", "b"]}]}
    ]}}});
    let tolerant = json!([{"key": "team", "operator": "Exists"}]);
    plane.pod("tolerant", "lepton", &cpu, &json!({"affinity": not_b, "tolerations": tolerant}), &none());
    plane.pod("intolerant", "lepton", &cpu, &json!({"affinity": not_b}), &none());
    plane.pod("gated", "lepton", &cpu, &json!({"schedulingGates": [{"name": "wait"}]}), &none());
    let service = plane.service(&["--mode", "act"]);
    for (pod, node) in [("two-gpus", "gpu"), ("zone-a", "plain"), ("tolerant", "red")] {
        service.wait_for(pod, || plane.node_of(pod).as_deref() == Some(node));
    }
    let devices = plane.pod_now("two-gpus")["metadata"]["annotations"]["lepton/devices"].clone();
    assert_eq!(devices, "0,1");
    service.wait_for("the reason", || plane.unscheduled("intolerant").is_some());
    let (reason, message) = plane.unscheduled("intolerant").expect("it was told");
    assert_eq!(reason, "Unschedulable");
    let two = "2 node(s) didn't match Pod's node affinity/selector";
    assert_eq!(
        message,
        format!("0/3 nodes are available: {two}, 1 node(s) had untolerated taint {{team: red}}.")
    );
    service.wait_for("its events", || {
        plane.has_event("two-gpus", "Scheduled") && plane.has_event("intolerant", "FailedScheduling")
    });
    // A GPU that is held is not given again: it comes free, and the next pod gets it.
    plane.pod("next-gpu", "lepton", &json!({"cpu": "1", "nvidia.com/gpu": "1"}), &none(), &none());
    service.wait_for("the reason", || {
        plane.unscheduled("next-gpu").is_some_and(|(_, why)| why.contains("2 Insufficient nvidia.com/gpu"))
    });
    plane.delete("/api/v1/namespaces/default/pods/two-gpus");
    service.wait_for("the GPU that came free", || plane.node_of("next-gpu").as_deref() == Some("gpu"));
    // The gate opens.
    assert_eq!(plane.node_of("gated"), None);
    plane.patch("/api/v1/namespaces/default/pods/gated", &json!({"spec": {"schedulingGates": null}}));
    service.wait_for("the gate", || plane.node_of("gated").is_some());
    assert_eq!((plane.node_of("theirs"), plane.unscheduled("theirs")), (None, None), "it is not ours");
}

#[test]
#[ignore = "needs kubernetes"]
fn rules_about_other_pods_hold_also_among_those_that_come_at_once() {
    let plane = ControlPlane::start("neighbours");
    for (name, zone) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        plane.node(name, 0, &json!({"zone": zone, "kubernetes.io/hostname": name}), &Value::Null);
    }
    let cpu = json!({"cpu": "100m"});
    let term =
        |app: &str, key: &str| json!({"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key});
    let required = |kind: &str, term: Value| json!({"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}});
    let of = |app: &str| json!({"labels": {"app": app}});
    // One to a node: three fit, the fourth does not.
    for n in 0..4 {
        let apart = required("podAntiAffinity", term("single", "kubernetes.io/hostname"));
        plane.pod(&format!("single-{n}"), "lepton", &cpu, &apart, &of("single"));
    }
    // All in one zone, wherever the first goes.
    for n in 0..3 {
        plane.pod(
            &format!("near-{n}"),
            "lepton",
            &cpu,
            &required("podAffinity", term("near", "zone")),
            &of("near"),
        );
    }
    // Another's wish to be alone in its zone holds for ours.
    let alone = required("podAntiAffinity", term("loud", "zone"));
    let at_b = json!({"nodeName": "b1", "affinity": alone["affinity"]});
    plane.pod("quiet", "default-scheduler", &cpu, &at_b, &of("quiet"));
    for n in 0..2 {
        plane.pod(&format!("loud-{n}"), "lepton", &cpu, &none(), &of("loud"));
    }
    let spread = json!({"topologySpreadConstraints": [{
        "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "even"}}
    }]});
    for n in 0..4 {
        plane.pod(&format!("even-{n}"), "lepton", &cpu, &spread, &of("even"));
    }
    let port = json!({"containers": [{
        "name": "main", "image": "none", "ports": [{"containerPort": 80, "hostPort": 8080}]
    }]});
    for n in 0..3 {
        plane.pod(&format!("port-{n}"), "lepton", &cpu, &port, &of("port"));
    }
    let service = plane.service(&["--mode", "act"]);
    let nodes = |app: &str, count: usize| -> Vec<String> {
        (0..count).filter_map(|n| plane.node_of(&format!("{app}-{n}"))).collect()
    };
    for (app, count, bound) in
        [("single", 4, 3), ("near", 3, 3), ("loud", 2, 2), ("even", 4, 4), ("port", 3, 3)]
    {
        service.wait_for(app, || nodes(app, count).len() == bound);
    }
    for (app, count) in [("single", 4), ("port", 3)] {
        let mut each = nodes(app, count);
        each.sort();
        assert_eq!(each, ["a1", "a2", "b1"], "{app}");
    }
    let zones = |app: &str, count: usize| -> Vec<String> {
        nodes(app, count).iter().map(|node| node[..1].to_owned()).collect()
    };
    let near = zones("near", 3);
    assert!(near.iter().all(|zone| *zone == near[0]), "{near:?}");
    assert_eq!(zones("loud", 2), ["a", "a"]);
    assert_eq!(zones("even", 4).iter().filter(|zone| *zone == "a").count(), 2);
    let waits = (0..4).find(|n| plane.node_of(&format!("single-{n}")).is_none()).expect("one waits");
    service.wait_for("why it waits", || {
        plane
            .unscheduled(&format!("single-{waits}"))
            .is_some_and(|(_, why)| why.contains("3 node(s) didn't match pod anti-affinity rules"))
    });
}

#[test]
#[ignore = "needs kubernetes"]
fn labels_of_namespaces_and_tolerated_cordons_say_where_a_pod_goes() {
    let plane = ControlPlane::start("namespaces");
    apply(&plane, "observer.yaml");
    apply(&plane, "actuator.yaml");
    for (name, zone) in [("a1", "a"), ("b1", "b"), ("c1", "c")] {
        plane.node(name, 0, &json!({"zone": zone}), &Value::Null);
    }
    plane.patch("/api/v1/nodes/c1", &json!({"spec": {"unschedulable": true}}));
    let red = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "red", "labels": {"team": "red"}}});
    plane.post("/api/v1/namespaces", &red);
    let there = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "there"},
        "spec": {"nodeName": "a1", "schedulerName": "other", "containers": [{"name": "main", "image": "none"}]}
    });
    plane.post("/api/v1/namespaces/red/pods", &there);
    let cpu = json!({"cpu": "100m"});
    let of = |kind: &str, team: &str| {
        let selector = json!({"matchLabels": {"team": team}});
        let term = json!({"topologyKey": "zone", "labelSelector": {}, "namespaceSelector": selector});
        json!({"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}})
    };
    plane.pod("near-red", "lepton", &cpu, &of("podAffinity", "red"), &none());
    plane.pod("apart-red", "lepton", &cpu, &of("podAntiAffinity", "red"), &none());
    plane.pod("near-blue", "lepton", &cpu, &of("podAffinity", "blue"), &none());
    let tolerates = json!([{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]);
    let at_c = json!({"nodeSelector": {"zone": "c"}, "tolerations": tolerates});
    plane.pod("tolerant", "lepton", &cpu, &at_c, &none());
    plane.pod("intolerant", "lepton", &cpu, &json!({"nodeSelector": {"zone": "c"}}), &none());
    let service = plane.service_of("state", &kubeconfig_of_role(&plane), &["--mode", "act"]);
    for (pod, node) in [("near-red", "a1"), ("apart-red", "b1"), ("tolerant", "c1")] {
        service.wait_for(pod, || plane.node_of(pod).as_deref() == Some(node));
    }
    for (pod, words) in [
        ("near-blue", "2 node(s) didn't match pod affinity rules"),
        ("intolerant", "1 node(s) were unschedulable"),
    ] {
        service.wait_for(pod, || plane.unscheduled(pod).is_some_and(|(_, why)| why.contains(words)));
    }
    plane.patch("/api/v1/namespaces/red", &json!({"metadata": {"labels": {"team": "blue"}}}));
    service.wait_for("its other label", || plane.node_of("near-blue").as_deref() == Some("a1"));
    assert_eq!(service.get("/api/v1/status")["problems"], json!([]), "everything could be read and written");
}

#[test]
#[ignore = "needs kubernetes"]
fn a_gang_is_bound_whole_or_not_at_all() {
    let plane = ControlPlane::start("gang");
    for name in ["n1", "n2"] {
        plane.node(name, 4, &none(), &Value::Null);
    }
    let gpus = |count: u32| json!({"cpu": "1", "nvidia.com/gpu": count.to_string()});
    let ours = |gang: &str, size: u32| json!({"labels": {"lepton/gang": gang}, "annotations": {"lepton/gang-size": size.to_string()}});
    let kueue = json!({
        "labels": {"kueue.x-k8s.io/pod-group-name": "queued"}, "annotations": {"kueue.x-k8s.io/pod-group-total-count": "2"}
    });
    // Needs 12 GPUs of 8.
    for n in 0..3 {
        plane.pod(&format!("big-{n}"), "lepton", &gpus(4), &none(), &ours("big", 3));
    }
    let service = plane.service(&["--mode", "act"]);
    service.wait_for("why it waits", || (0..3).all(|n| plane.unscheduled(&format!("big-{n}")).is_some()));
    // Two of three are there: nothing is bound before the third comes.
    for n in 0..2 {
        plane.pod(&format!("late-{n}"), "lepton", &gpus(1), &none(), &ours("late", 3));
    }
    service.wait_for("what is missing", || {
        plane.unscheduled("late-0").is_some_and(|(_, why)| why.contains("2 of 3 pods are there"))
    });
    assert_eq!((plane.node_of("late-0"), plane.node_of("late-1")), (None, None));
    plane.pod("late-2", "lepton", &gpus(1), &none(), &ours("late", 3));
    service.wait_for("the whole gang", || (0..3).all(|n| plane.node_of(&format!("late-{n}")).is_some()));
    for n in 0..2 {
        plane.pod(&format!("queued-{n}"), "lepton", &gpus(2), &none(), &kueue);
    }
    service
        .wait_for("the group of Kueue", || (0..2).all(|n| plane.node_of(&format!("queued-{n}")).is_some()));
    assert!((0..3).all(|n| plane.node_of(&format!("big-{n}")).is_none()), "12 GPUs are not there");
    // With a third node, and what stood there gone, the gang that waited is bound.
    plane.node("n3", 4, &none(), &Value::Null);
    for pod in ["late-0", "late-1", "late-2", "queued-0", "queued-1"] {
        plane.delete(&format!("/api/v1/namespaces/default/pods/{pod}"));
    }
    service.wait_for("the gang that waited", || (0..3).all(|n| plane.node_of(&format!("big-{n}")).is_some()));
}

#[test]
#[ignore = "needs kubernetes"]
fn an_api_server_that_goes_and_comes_back_is_followed_again() {
    let mut plane = ControlPlane::start("away");
    plane.node("n1", 0, &none(), &Value::Null);
    let file = format!("{}/lepton.toml", plane.folder);
    std::fs::write(&file, "fresh_seconds = 15\n").expect("writable");
    let service = plane.service(&["--mode", "act", "--config", &file]);
    let source = || service.get("/api/v1/status")["sources"][0].clone();
    assert_eq!(source()["stale"], false);
    plane.stop();
    service.wait_for("it says so", || {
        source()["stale"] == true && service.get("/api/v1/status")["state"] == "degraded"
    });
    plane.run();
    plane.pod("after", "lepton", &json!({"cpu": "1"}), &none(), &none());
    service.wait_for("the pod that came after", || plane.node_of("after").is_some());
    // A pod may be bound a moment before the turn that bound it is told.
    service.wait_for("it is fresh again", || source()["stale"] == false);
}
