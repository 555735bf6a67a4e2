//! Two instances on one cluster, of which one acts; and what the roles in `deploy/` allow.

use std::fs;

use serde_json::{Value, json};
use ureq::http::Method;

use crate::common::service::Service;
use crate::control_plane::ControlPlane;

fn connected_to(service: &Service) -> String {
    service.get("/api/v1/status")["connected_to"].as_str().unwrap_or_default().to_owned()
}

#[test]
#[ignore = "needs kubernetes"]
fn of_two_instances_one_acts_and_the_other_takes_over_when_it_ends() {
    let plane = ControlPlane::start("lease");
    plane.node("n1", 0, &json!({}), &Value::Null);
    let kubeconfig = plane.kubeconfig();
    let mut first = plane.service_of("first", &kubeconfig, &["--mode", "act"]);
    first.wait_for("it acts", || !connected_to(&first).contains("stands by"));
    let second = plane.service_of("second", &kubeconfig, &["--mode", "act"]);
    second.wait_for("it stands by", || connected_to(&second).contains("stands by: another instance acts"));
    let cpu = json!({"cpu": "1"});
    plane.pod("one", "lepton", &cpu, &json!({}), &json!({}));
    first.wait_for("the pod", || plane.node_of("one").is_some());
    let calls = |service: &Service| service.get("/api/v1/decisions")["items"].as_array().map_or(0, Vec::len);
    assert_eq!((calls(&first) > 0, calls(&second)), (true, 0));
    let path = "/apis/coordination.k8s.io/v1/namespaces/lepton/leases/lepton";
    let holder = || plane.get(path)["spec"]["holderIdentity"].clone();
    let before = holder();
    assert_eq!(first.end("-TERM"), Some(143));
    assert_ne!(holder(), before, "it was given back");
    second.wait_for("it acts", || !connected_to(&second).contains("stands by"));
    plane.pod("two", "lepton", &cpu, &json!({}), &json!({}));
    second.wait_for("the pod", || plane.node_of("two").is_some());
    let lease = plane.get(path);
    assert_eq!(lease["spec"]["leaseTransitions"], 2, "{lease}");
}

/// Applies the objects of a manifest.
pub(crate) fn apply(plane: &ControlPlane, file: &str) {
    let path = format!("{}/../deploy/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).expect("it is there");
    for object in text.split("\n---\n") {
        let object: Value = serde_saphyr::from_str(object).expect("an object");
        let kind = object["kind"].as_str().expect("a kind");
        let group = match kind {
            "Namespace" | "ServiceAccount" => "/api/v1",
            _ => "/apis/rbac.authorization.k8s.io/v1",
        };
        let namespace = object["metadata"]["namespace"].as_str();
        let within = namespace.map_or(String::new(), |namespace| format!("/namespaces/{namespace}"));
        let path = format!("{group}{within}/{}s", kind.to_lowercase());
        let (status, answer) = plane.ask(Method::POST, &path, Some(&object));
        assert!(matches!(status, 201 | 409), "{path}: {answer}");
    }
}

/// A token of a service account of the namespace `lepton`.
pub(crate) fn token_of(plane: &ControlPlane, account: &str) -> String {
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let answer = plane.post(&format!("/api/v1/namespaces/lepton/serviceaccounts/{account}/token"), &request);
    answer["status"]["token"].as_str().expect("a token").to_owned()
}

/// A kubeconfig of the service account of the manifests.
pub(crate) fn kubeconfig_of_role(plane: &ControlPlane) -> String {
    let token = token_of(plane, "lepton");
    let path = format!("{}/role-kubeconfig", plane.folder);
    let admin = fs::read_to_string(plane.kubeconfig()).expect("it was written");
    let users = admin.find("users:").expect("it has users");
    fs::write(&path, format!("{}users:\n- {{name: admin, user: {{token: {token}}}}}\n", &admin[..users]))
        .expect("writable");
    path
}

#[test]
#[ignore = "needs kubernetes"]
fn the_roles_allow_what_each_mode_does_and_the_observer_writes_nothing() {
    let plane = ControlPlane::start("roles");
    plane.node("n1", 0, &json!({}), &Value::Null);
    let cpu = json!({"cpu": "3"});
    plane.pod("one", "lepton", &cpu, &json!({}), &json!({}));
    plane.pod("large", "lepton", &json!({"cpu": "30"}), &json!({}), &json!({}));
    apply(&plane, "observer.yaml");
    let kubeconfig = kubeconfig_of_role(&plane);
    {
        let service = plane.service_of("observer", &kubeconfig, &[]);
        service.wait_for("all pods", || {
            service.get("/api/v1/tasks")["items"].as_array().is_some_and(|t| t.len() == 2)
        });
        assert_eq!(service.get("/api/v1/status")["state"], "ok");
    }
    {
        let service = plane.service_of("too-little", &kubeconfig, &["--mode", "act"]);
        service.wait_for("it may not", || connected_to(&service).contains("the lease cannot be had"));
        assert_eq!((plane.node_of("one"), plane.unscheduled("large")), (None, None));
    }
    apply(&plane, "actuator.yaml");
    let service = plane.service_of("actuator", &kubeconfig, &["--mode", "act"]);
    service.wait_for("the pod", || plane.node_of("one").is_some() && plane.unscheduled("large").is_some());
    service.wait_for("the events", || {
        plane.has_event("one", "Scheduled") && plane.has_event("large", "FailedScheduling")
    });
    assert_eq!(service.get("/api/v1/status")["problems"], json!([]), "everything could be written");
}
