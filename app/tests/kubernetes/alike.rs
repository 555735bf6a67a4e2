//! The double of the bench answers as the real API server does.

use std::io::{BufRead, BufReader};

use serde_json::{Value, json};
use ureq::http::{Method, Request};

use crate::control_plane::ControlPlane;
use crate::double::Double;

const PODS: &str = "/api/v1/namespaces/default/pods";

/// What a server answers to what Lepton asks: codes, and what matters of the bodies.
fn answers(ask: impl Fn(Method, &str, Option<&Value>) -> (u16, Value)) -> Vec<Value> {
    let mut all = Vec::new();
    let mut asked = |method: Method, path: &str, body: Option<&Value>, of: &[&str]| {
        let (code, answer) = ask(method, path, body);
        let seen: Vec<Value> = of.iter().filter_map(|at| answer.pointer(at).cloned()).collect();
        all.push(json!([path.split('?').next(), code, seen]));
        answer
    };
    let page = asked(
        Method::GET,
        "/api/v1/nodes?limit=2",
        None,
        &["/items/0/metadata/name", "/items/1/metadata/name"],
    );
    let next = page["metadata"]["continue"].as_str().expect("there is more");
    let last = &["/items/0/metadata/name", "/items/1"];
    asked(Method::GET, &format!("/api/v1/nodes?limit=2&continue={next}"), None, last);
    asked(Method::GET, &format!("{PODS}/gone"), None, &["/reason", "/code"]);
    let pod = asked(Method::GET, &format!("{PODS}/one"), None, &["/metadata/name", "/spec/nodeName"]);
    let uid = pod["metadata"]["uid"].clone();
    let binding = |name: &str, uid: &Value| {
        json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name, "namespace": "default", "uid": uid,
            "annotations": {"lepton/devices": "0"}}, "target": {"apiVersion": "v1", "kind": "Node", "name": "n1"}
        })
    };
    let bind = format!("{PODS}/one/binding");
    asked(Method::POST, &bind, Some(&binding("one", &json!("another"))), &["/code"]);
    asked(Method::POST, &bind, Some(&binding("one", &uid)), &["/status"]);
    asked(Method::POST, &bind, Some(&binding("one", &uid)), &["/code", "/reason"]);
    asked(Method::POST, &format!("{PODS}/gone/binding"), Some(&binding("gone", &uid)), &["/code"]);
    let bound = &["/spec/nodeName", "/metadata/annotations", "/status/conditions/0/type"];
    asked(Method::GET, &format!("{PODS}/one"), None, bound);
    let told = json!({"status": {"conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "none"}
    ]}});
    let seen = &["/status/conditions/0/reason", "/status/conditions/0/message"];
    asked(Method::PATCH, &format!("{PODS}/two/status"), Some(&told), seen);
    let eviction = |name: &str| json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "default"}});
    asked(Method::POST, &format!("{PODS}/one/eviction"), Some(&eviction("one")), &["/status"]);
    asked(Method::POST, &format!("{PODS}/gone/eviction"), Some(&eviction("gone")), &["/code"]);
    asked(Method::GET, &format!("{PODS}/one"), None, &["/code"]);
    asked(Method::GET, "/apis/scheduling.volcano.sh/v1beta1/podgroups?limit=1", None, &[]);
    let none = &["/items/0"];
    asked(Method::GET, "/apis/policy/v1/poddisruptionbudgets?limit=1", None, none);
    asked(Method::GET, "/api/v1/persistentvolumeclaims?limit=1", None, none);
    all
}

/// The changes of pods that a stream tells, up to the first that is gone: what, of which pod, on which node. A real server may tell the same of a pod
/// several times while it ends it.
fn told(stream: impl std::io::Read) -> Vec<Value> {
    let mut told: Vec<Value> = Vec::new();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let of: Value = serde_json::from_str(&line).expect("a change");
        told.push(json!([of["type"], of["object"]["metadata"]["name"], of["object"]["spec"]["nodeName"]]));
        if of["type"] == "DELETED" {
            break;
        }
    }
    told.dedup();
    told
}

#[test]
#[ignore = "needs kubernetes"]
fn the_double_answers_as_the_real_server() {
    let plane = ControlPlane::start("alike");
    (1..=3).for_each(|n| plane.node(&format!("n{n}"), 0, &json!({}), &Value::Null));
    let stream = plane.watch(PODS);
    ["one", "two"]
        .iter()
        .for_each(|name| plane.pod(name, "lepton", &json!({"cpu": "1"}), &json!({}), &json!({})));
    let real = answers(|method, path, body| plane.ask(method, path, body));
    let of_real = told(stream);

    let double = Double::start();
    let named = |name: &str| (name.to_owned(), json!({"metadata": {"name": name}, "spec": {}, "status": {}}));
    double.put("nodes", ["n1", "n2", "n3"].map(named));
    let watch = format!("{}/api/v1/pods?watch=1&resourceVersion=3&timeoutSeconds=30", double.address());
    let request = Request::builder().uri(watch).body(()).expect("sound");
    let agent = ureq::Agent::new_with_defaults();
    let stream =
        agent.run(request).expect("it answers").into_body().into_with_config().limit(u64::MAX).reader();
    let pod = |name: &str| {
        (
            name.to_owned(),
            json!({
                "metadata": {"name": name, "namespace": "default", "uid": name}, "spec": {"schedulerName": "lepton"},
                "status": {}
            }),
        )
    };
    double.put("pods", ["one", "two"].map(pod));
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let ask = |method: Method, path: &str, body: Option<&Value>| {
        let request = Request::builder().method(method).uri(format!("{}{path}", double.address()));
        let mut answer = match body {
            Some(body) => agent.run(request.body(body.to_string()).expect("sound")),
            None => agent.run(request.body(()).expect("sound")),
        }
        .expect("it answers");
        let text = answer.body_mut().read_to_string().expect("text");
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
    };
    let made = answers(ask);
    for (made, real) in made.iter().zip(&real) {
        assert_eq!(made, real);
    }
    assert_eq!(made.len(), real.len());
    assert_eq!(told(stream), of_real);
}
