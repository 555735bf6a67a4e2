//! Less important pods make room for more important ones. The services have the roles of `deploy/` and no others; the tests play the kubelet,
//! which ends pods, and the controller of disruption budgets.

use serde_json::{Value, json};
use ureq::http::Method;

use crate::common::service::Service;
use crate::control_plane::ControlPlane;
use crate::lease::{apply, kubeconfig_of_role};

const PODS: &str = "/api/v1/namespaces/default/pods";
const BUDGETS: &str = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

/// A control plane with so many nodes of 8 cores and three classes of priority, and a service that acts there.
fn start(name: &str, nodes: usize) -> (ControlPlane, Service) {
    let plane = ControlPlane::start(name);
    for n in 1..=nodes {
        plane.node(&format!("n{n}"), 0, &json!({}), &Value::Null);
    }
    for (name, value, policy) in [
        ("high", 1000, "PreemptLowerPriority"),
        ("middle", 10, "PreemptLowerPriority"),
        ("polite", 1000, "Never"),
    ] {
        let class = json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name},
            "value": value, "preemptionPolicy": policy
        });
        plane.post("/apis/scheduling.k8s.io/v1/priorityclasses", &class);
    }
    apply(&plane, "observer.yaml");
    apply(&plane, "actuator.yaml");
    let kubeconfig = kubeconfig_of_role(&plane);
    let service = plane.service_of("state", &kubeconfig, &["--mode", "act"]);
    (plane, service)
}

/// A pod of a class of priority, which takes 30 s to end.
fn pod(plane: &ControlPlane, name: &str, cpu: &str, class: Option<&str>, on: Option<&str>, meta: &Value) {
    let mut spec = json!({"terminationGracePeriodSeconds": 30});
    if let Some(class) = class {
        spec["priorityClassName"] = class.into();
    }
    if let Some(node) = on {
        spec["nodeName"] = node.into();
    }
    plane.pod(name, "lepton", &json!({"cpu": cpu}), &spec, meta);
}

fn is_leaving(plane: &ControlPlane, name: &str) -> bool {
    !plane.pod_now(name)["metadata"]["deletionTimestamp"].is_null()
}

/// The kubelet has ended it.
fn end(plane: &ControlPlane, name: &str) {
    plane.delete(&format!("{PODS}/{name}"));
}

fn disruptions(plane: &ControlPlane, budget: &str, allowed: u32) {
    let status = json!({"status": {
        "observedGeneration": 1, "disruptionsAllowed": allowed, "currentHealthy": 1 + allowed, "desiredHealthy": 1, "expectedPods": 2
    }});
    plane.patch(&format!("{BUDGETS}/{budget}/status"), &status);
}

#[test]
#[ignore = "needs kubernetes"]
fn a_more_important_pod_takes_the_place_of_the_least_important_and_of_no_more() {
    let (plane, service) = start("preempt", 1);
    pod(&plane, "low", "4", None, None, &json!({}));
    pod(&plane, "middle", "4", Some("middle"), None, &json!({}));
    service.wait_for("both", || plane.node_of("low").is_some() && plane.node_of("middle").is_some());
    // It waits, however important it is.
    pod(&plane, "polite", "4", Some("polite"), None, &json!({}));
    service.wait_for("why it waits", || plane.unscheduled("polite").is_some());
    assert!(!is_leaving(&plane, "low") && !is_leaving(&plane, "middle"));
    plane.delete(&format!("{PODS}/polite"));
    pod(&plane, "high", "3", Some("high"), None, &json!({}));
    service.wait_for("the least important goes", || is_leaving(&plane, "low"));
    // The eviction says its own reason first.
    service.wait_for("why it goes", || {
        let low = plane.pod_now("low");
        let mut conditions = low["status"]["conditions"].as_array().into_iter().flatten();
        conditions.any(|told| told["type"] == "DisruptionTarget" && told["reason"] == "PreemptionByScheduler")
    });
    assert_eq!(plane.pod_now("low")["metadata"]["deletionGracePeriodSeconds"], 30, "it may end in order");
    service.wait_for("its event", || plane.has_event("low", "Preempted"));
    assert_eq!(plane.pod_now("high")["status"]["nominatedNodeName"], "n1");
    // While it ends nobody else goes, and the room is for no other.
    pod(&plane, "small", "1", None, None, &json!({}));
    service.wait_for("why it waits", || plane.unscheduled("small").is_some());
    assert!(!is_leaving(&plane, "middle") && plane.node_of("high").is_none());
    end(&plane, "low");
    service.wait_for("the room", || plane.node_of("high").as_deref() == Some("n1"));
    service.wait_for("what is left of it", || plane.node_of("small").as_deref() == Some("n1"));
    assert!(!is_leaving(&plane, "middle"));
    assert_eq!(service.get("/api/v1/status")["problems"], json!([]), "everything could be written");
}

#[test]
#[ignore = "needs kubernetes"]
fn pods_of_a_budget_that_allows_nothing_stay_and_others_go_in_their_place() {
    let (plane, service) = start("preempt-budget", 2);
    let kept = json!({"labels": {"app": "kept"}});
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "kept"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "kept"}}}
    });
    plane.post(BUDGETS, &budget);
    disruptions(&plane, "kept", 0);
    pod(&plane, "kept-0", "4", None, Some("n1"), &kept);
    pod(&plane, "kept-1", "4", None, Some("n1"), &kept);
    pod(&plane, "middle", "8", Some("middle"), Some("n2"), &json!({}));
    for name in ["kept-0", "kept-1", "middle"] {
        let running =
            json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        plane.patch(&format!("{PODS}/{name}/status"), &running);
    }
    pod(&plane, "high-0", "3", Some("high"), None, &json!({}));
    service.wait_for("the one without a budget", || is_leaving(&plane, "middle"));
    assert!(!is_leaving(&plane, "kept-0") && !is_leaving(&plane, "kept-1"));
    end(&plane, "middle");
    service.wait_for("its place", || plane.node_of("high-0").as_deref() == Some("n2"));
    // One may go now: one goes.
    disruptions(&plane, "kept", 1);
    pod(&plane, "high-1", "8", Some("high"), None, &json!({}));
    service.wait_for("why it waits", || plane.unscheduled("high-1").is_some());
    assert!(!is_leaving(&plane, "kept-0") && !is_leaving(&plane, "kept-1"), "one would not be enough");
    pod(&plane, "high-2", "4", Some("high"), None, &json!({}));
    service.wait_for("room on n2", || plane.node_of("high-2").as_deref() == Some("n2"));
    pod(&plane, "high-3", "4", Some("high"), None, &json!({}));
    service.wait_for("one of them", || is_leaving(&plane, "kept-1"));
    assert!(!is_leaving(&plane, "kept-0"));
    end(&plane, "kept-1");
    service.wait_for("its place", || plane.node_of("high-3").as_deref() == Some("n1"));
    assert_eq!(service.get("/api/v1/status")["problems"], json!([]), "everything could be written");
}

#[test]
#[ignore = "needs kubernetes"]
fn a_gang_preempts_whole_and_is_preempted_whole() {
    let (plane, service) = start("preempt-gang", 2);
    let gang =
        |name: &str| json!({"labels": {"lepton/gang": name}, "annotations": {"lepton/gang-size": "2"}});
    for n in 0..2 {
        pod(&plane, &format!("old-{n}"), "5", None, None, &gang("old"));
    }
    service.wait_for("the first gang", || (0..2).all(|n| plane.node_of(&format!("old-{n}")).is_some()));
    // Half of it would fit: nobody goes for it.
    for n in 0..2 {
        pod(&plane, &format!("large-{n}"), ["6", "9"][n], Some("high"), None, &gang("large"));
    }
    service.wait_for("why it waits", || plane.unscheduled("large-0").is_some());
    assert!((0..2).all(|n| !is_leaving(&plane, &format!("old-{n}"))));
    pod(&plane, "new", "4", Some("high"), None, &json!({}));
    service.wait_for("both members go", || (0..2).all(|n| is_leaving(&plane, &format!("old-{n}"))));
    (0..2).for_each(|n| end(&plane, &format!("old-{n}")));
    service.wait_for("the room", || plane.node_of("new").is_some());
    // What a pod that is gone was nominated for is nobody's.
    pod(&plane, "filler", "8", None, None, &json!({}));
    service.wait_for("the other node", || plane.node_of("filler").is_some());
    pod(&plane, "brief", "8", Some("high"), None, &json!({}));
    service.wait_for("the filler goes", || is_leaving(&plane, "filler"));
    plane.ask(Method::DELETE, &format!("{PODS}/brief"), Some(&json!({"gracePeriodSeconds": 0})));
    end(&plane, "filler");
    pod(&plane, "after", "8", None, None, &json!({}));
    service.wait_for("the pod after it", || plane.node_of("after").is_some());
    assert_eq!(service.get("/api/v1/status")["problems"], json!([]), "everything could be written");
}
