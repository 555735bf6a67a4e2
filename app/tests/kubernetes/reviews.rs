//! Who asks, by the cluster's own word: tokens of service accounts, and roles of RBAC. The service itself has the role of the observer and
//! `system:auth-delegator`, no more.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Output};

use serde_json::{Value, json};
use ureq::http::Method;

use crate::common::{scratch, stderr, written};
use crate::control_plane::ControlPlane;
use crate::lease::{apply, kubeconfig_of_role, token_of};

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// A token of a service account, which is made where it is not there.
fn token_of_new(plane: &ControlPlane, account: &str) -> String {
    let body = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}});
    // It may be there.
    plane.ask(Method::POST, "/api/v1/namespaces/lepton/serviceaccounts", Some(&body));
    token_of(plane, account)
}

fn bind(plane: &ControlPlane, role: &str, account: &str) {
    let subject = json!({"kind": "ServiceAccount", "name": account, "namespace": "lepton"});
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": format!("{role}-{account}").replace(':', "-")},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    });
    plane.post(&format!("{RBAC}/clusterrolebindings"), &binding);
}

/// Roles as the chart has them.
fn roles(plane: &ControlPlane) {
    for role in ["viewer", "operator", "admin"] {
        let rules = json!([{"nonResourceURLs": [format!("/lepton/{role}")], "verbs": ["use"]}]);
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": format!("lepton-{role}")}, "rules": rules,
        });
        plane.post(&format!("{RBAC}/clusterroles"), &role);
    }
}

#[test]
#[ignore = "needs kubernetes"]
fn the_cluster_says_who_asks_and_its_roles_what_he_may_do() {
    let plane = ControlPlane::start("reviews");
    plane.node("n1", 0, &json!({}), &Value::Null);
    plane.pod("waits", "lepton", &json!({"cpu": "1"}), &json!({}), &json!({}));
    apply(&plane, "observer.yaml");
    roles(&plane);
    for account in ["viewer", "operator"] {
        bind(&plane, &format!("lepton-{account}"), account);
    }
    bind(&plane, "system:auth-delegator", "lepton");
    let settings = written("reviews.toml", "[kubernetes]\nreview_tokens = true\n");
    let viewer = token_of_new(&plane, "viewer");
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let (kubeconfig, state) = (kubeconfig_of_role(&plane), format!("{}/state", plane.folder));
    let options = ["--source", "kubernetes", "--kubeconfig", &kubeconfig, "--turn-seconds", "0.5"];
    let service = crate::common::service::Service::start_of(
        &state,
        &[&options[..], &["--config", &settings]].concat(),
        &bearer(&viewer),
    );
    let [operator, stranger] = ["operator", "stranger"].map(|account| token_of_new(&plane, account));
    let matched = "If-Match: \"0\"\r\n";
    // Path, whose token, and what is answered.
    for (method, path, token, more, status) in [
        ("GET", "/api/v1/nodes", viewer.as_str(), "", 200),
        ("POST", "/api/v1/plans/p99/approve", &viewer, matched, 403),
        ("POST", "/api/v1/plans/p99/approve", &operator, matched, 404),
        ("GET", "/api/v1/audit", &operator, "", 403),
        ("GET", "/api/v1/nodes", &stranger, "", 403),
        ("GET", "/api/v1/nodes", "eyJhbGciOiJSUzI1NiJ9.e30.x", "", 401),
        ("GET", "/api/v1/nodes", "lpt_1_2", "", 401),
    ] {
        let (said, head, body) = service.request(method, path, &format!("{}{more}", bearer(token)));
        assert_eq!(said, status, "{method} {path}: {head} {body}");
    }
    assert_eq!(service.request("GET", "/api/v1/nodes", "").0, 401, "a token is asked for on loopback too");
    let other = format!("X-Lepton-Token: {viewer}\r\nAuthorization: Bearer of-a-proxy\r\n");
    assert_eq!(service.request("GET", "/api/v1/nodes", &other).0, 200);
    let (_, _, problem) = service.request("GET", "/api/v1/nodes", &bearer(&stranger));
    let detail = problem["detail"].as_str().expect("a text");
    assert!(
        detail.contains("system:serviceaccount:lepton:stranger") && detail.contains("/lepton/viewer"),
        "{detail}"
    );
    // Who was refused stands in the audit by the name that the cluster has for him.
    bind(&plane, "lepton-admin", "admin");
    let admin = bearer(&token_of_new(&plane, "admin"));
    service.wait_for("the audit", || {
        let lines = service.request("GET", "/api/v1/audit", &admin).2["items"].clone();
        let lines = lines.as_array().cloned().unwrap_or_default();
        lines.iter().any(|line| line["actor"] == "system:serviceaccount:lepton:viewer")
    });
    // The plugin, with a token that kubectl gives. There is no kubelet here that could forward a port: that is stood in for.
    let asks = |words: &[&str]| plugin(&plane, &service.address, words);
    let why = asks(&["why", "waits", "-n", "default", "--service-account", "viewer", "-o", "json"]);
    assert!(why.status.success(), "{}", stderr(&why));
    let said: Value = serde_json::from_slice(&why.stdout).expect("JSON");
    assert!(said["sentence"].as_str().is_some_and(|said| said.contains("default/waits")), "{said}");
    let top = asks(&["top", "--service-account", "viewer"]);
    assert!(String::from_utf8_lossy(&top.stdout).contains("n1"), "{}", stderr(&top));
    let refused = asks(&["approve", "p99", "--effects", "0", "--service-account", "viewer"]);
    assert!(stderr(&refused).contains("needs the role operator"), "{}", stderr(&refused));
}

/// `kubectl lepton`, with a kubectl that asks the API server for tokens, as the real one does, and says that it has forwarded a port to the service.
fn plugin(plane: &ControlPlane, address: &str, words: &[&str]) -> Output {
    let folder = scratch("plugin");
    fs::create_dir_all(&folder).expect("writable");
    let (kubectl, own) = (format!("{folder}/kubectl"), format!("{folder}/kubectl-lepton"));
    let viewer = token_of(plane, "viewer");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in\n*port-forward*service/lepton*) echo 'Forwarding from {address} -> 7717'; exec sleep 60;;\n\
         *'create token viewer --namespace lepton'*) echo '{viewer}';;\n*) echo \"unexpected: $*\" >&2; exit 1;;\nesac\n"
    );
    fs::write(&kubectl, script).expect("writable");
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).expect("it is ours");
    if !fs::exists(&own).expect("readable") {
        symlink(env!("CARGO_BIN_EXE_lepton"), &own).expect("writable");
    }
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
    Command::new(own).args(words).env("PATH", path).output().expect("it starts")
}
