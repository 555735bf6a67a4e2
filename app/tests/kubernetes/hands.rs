//! The hands alone: each call as the API server answers it.

use std::time::{Duration, Instant};

use lepton_core::collect::Source;
use lepton_core::execute::Actuator;
use lepton_core::model::{Answer, Call, DeviceSet, Spot};
use lepton_edges::kubernetes::{KubernetesHands, KubernetesOptions, KubernetesSource};
use serde_json::{Value, json};

use crate::common::service::PATIENCE;
use crate::control_plane::ControlPlane;

fn connect(plane: &ControlPlane) -> (KubernetesSource, KubernetesHands) {
    connect_as(&plane.kubeconfig())
}

/// The cluster as somebody sees it.
pub(crate) fn connect_as(kubeconfig: &str) -> (KubernetesSource, KubernetesHands) {
    let kubeconfig = Some(kubeconfig.into());
    let options = KubernetesOptions { kubeconfig, fresh_seconds: 60, ..KubernetesOptions::default() };
    KubernetesSource::connect(&options).expect("the cluster is there")
}

pub(crate) fn start(pod: &str, node: &str) -> Call {
    Call::Start { task: pod.into(), to: Spot { node: node.into(), devices: DeviceSet::NONE } }
}

fn stop(pod: &str, node: &str) -> Call {
    let from = Spot { node: node.into(), devices: DeviceSet::NONE };
    Call::Stop { task: pod.into(), from, makes_room_for: None }
}

pub(crate) fn why(answer: &Answer) -> &str {
    match answer {
        Answer::Refused(why) | Answer::Never(why) => why,
        other => panic!("refused was expected, not {other:?}"),
    }
}

/// Makes the call until the answer is as expected: what the hands know comes by streams.
pub(crate) fn until(hands: &mut KubernetesHands, call: &Call, expected: impl Fn(&Answer) -> bool) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = hands.call(call);
        if expected(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "never as expected: {answer:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
#[ignore = "needs kubernetes"]
fn a_pod_is_bound_once_and_only_where_it_may_stand() {
    let plane = ControlPlane::start("bind");
    plane.node("n1", 0, &json!({}), &Value::Null);
    plane.node("n2", 0, &json!({}), &Value::Null);
    let cpu = |amount: &str| json!({"cpu": amount});
    plane.pod("ours", "lepton", &cpu("6"), &json!({}), &json!({}));
    plane.pod("second", "lepton", &cpu("6"), &json!({}), &json!({}));
    plane.pod("theirs", "default-scheduler", &cpu("1"), &json!({}), &json!({}));
    plane.pod("raced", "lepton", &cpu("1"), &json!({}), &json!({}));
    let (_source, mut hands) = connect(&plane);
    assert_eq!(hands.call(&start("default/ours", "n1")), Answer::Done);
    assert_eq!(plane.node_of("ours").as_deref(), Some("n1"));
    let twice = hands.call(&start("default/ours", "n2"));
    assert!(why(&twice).contains("stands on n1 already"), "{twice:?}");
    // What was bound just now counts, whether or not a stream has told of it.
    let full = hands.call(&start("default/second", "n1"));
    assert_eq!(why(&full), "node n1: Insufficient cpu");
    let theirs = hands.call(&start("default/theirs", "n2"));
    assert!(why(&theirs).contains("belongs to the scheduler `default-scheduler`"), "{theirs:?}");
    assert!(why(&hands.call(&start("default/gone", "n2"))).contains("is gone"));
    assert!(why(&hands.call(&start("default/second", "n9"))).contains("node n9 is gone"));
    // Another scheduler is faster than the stream: the server refuses, and nothing is bound twice.
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": "raced"},
        "target": {"apiVersion": "v1", "kind": "Node", "name": "n1"}
    });
    plane.post("/api/v1/namespaces/default/pods/raced/binding", &binding);
    let raced = hands.call(&start("default/raced", "n2"));
    let said = why(&raced);
    assert!(said.contains("409") || said.contains("stands on n1 already"), "{said}");
    assert_eq!(plane.node_of("raced").as_deref(), Some("n1"));
}

#[test]
#[ignore = "needs kubernetes"]
fn pods_are_evicted_within_their_disruption_budget_and_only_where_they_come_back() {
    let plane = ControlPlane::start("evict");
    plane.node("n1", 0, &json!({}), &Value::Null);
    let cpu = json!({"cpu": "1"});
    let set = json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "set", "uid": "u-1", "controller": true}]);
    let owned = json!({"ownerReferences": set, "labels": {"app": "set"}});
    let there = json!({"nodeName": "n1"});
    plane.pod("set-0", "lepton", &cpu, &there, &owned);
    plane.pod("bare", "lepton", &cpu, &there, &json!({}));
    plane.pod("theirs", "default-scheduler", &cpu, &there, &owned);
    for pod in ["set-0", "bare", "theirs"] {
        let running =
            json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        plane.patch(&format!("/api/v1/namespaces/default/pods/{pod}/status"), &running);
    }
    let budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "set"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "set"}}}
    });
    plane.post(budgets, &budget);
    let allow = |count: u32| {
        let status = json!({"status": {
            "observedGeneration": 1, "disruptionsAllowed": count, "currentHealthy": 1 + count, "desiredHealthy": 1, "expectedPods": 2
        }});
        plane.patch(&format!("{budgets}/set/status"), &status);
    };
    allow(0);
    let (mut source, mut hands) = connect(&plane);
    source.list(0);
    let broken = hands.call(&stop("default/set-0", "n1"));
    assert!(why(&broken).contains("disruption budget") && why(&broken).contains("429"), "{broken:?}");
    assert!(plane.pod_now("set-0")["metadata"]["deletionTimestamp"].is_null());
    assert!(why(&hands.call(&stop("default/bare", "n1"))).contains("no controller"));
    assert!(why(&hands.call(&stop("default/theirs", "n1"))).contains("belongs to the scheduler"));
    assert!(why(&hands.call(&stop("default/set-0", "n2"))).contains("does not stand on n2"));
    allow(1);
    assert_eq!(hands.call(&stop("default/set-0", "n1")), Answer::Underway);
    // It is gone for good, and to stop what is gone is done.
    until(&mut hands, &stop("default/set-0", "n1"), |answer| *answer == Answer::Done);
    assert_eq!(plane.pod_now("set-0")["code"], 404);
    // Its set makes it anew: to the loop it is the same task, which lost its place and is started again.
    let told = |source: &mut KubernetesSource| format!("{:?}", source.poll(0).readings);
    assert!(!told(&mut source).contains("TaskEnded"), "it is expected back");
    plane.pod("set-0", "lepton", &cpu, &json!({}), &owned);
    let begun = Instant::now();
    while !told(&mut source).contains("TaskUnplaced") {
        assert!(begun.elapsed() < PATIENCE, "it is never told to wait");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(hands.call(&start("default/set-0", "n1")), Answer::Done);
    let now = told(&mut source);
    assert!(now.contains("TaskPlaced") && !now.contains("TaskEnded"), "{now}");
}

#[test]
#[ignore = "needs kubernetes"]
fn nodes_are_cordoned_and_only_our_own_cordons_are_ended() {
    let plane = ControlPlane::start("cordon");
    plane.node("n1", 0, &json!({}), &Value::Null);
    plane.node("n2", 0, &json!({}), &Value::Null);
    plane.patch("/api/v1/nodes/n2", &json!({"spec": {"unschedulable": true}}));
    let (mut source, mut hands) = connect(&plane);
    let cordon = |node: &str, cordoned: bool| Call::Cordon { node: node.into(), cordoned };
    source.list(0);
    assert!(why(&hands.call(&cordon("n2", true))).contains("cordoned already"));
    assert!(why(&hands.call(&cordon("n2", false))).contains("was not cordoned by Lepton"));
    assert_eq!(hands.call(&cordon("n1", true)), Answer::Underway);
    assert_eq!(plane.get("/api/v1/nodes/n1")["spec"]["unschedulable"], true);
    // The readings tell that it was ours.
    let begun = Instant::now();
    let told = loop {
        let told = format!("{:?}", source.poll(0).readings);
        if told.contains("cordoned_by_loop: true") {
            break told;
        }
        assert!(begun.elapsed() < PATIENCE, "the cordon is never told");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(told.contains("n1") && !told.contains("n2"), "{told}");
    assert_eq!(hands.call(&cordon("n1", false)), Answer::Underway);
    let node = plane.get("/api/v1/nodes/n1");
    assert!(
        node["spec"]["unschedulable"].is_null()
            && node["metadata"]["annotations"]["lepton/cordoned"].is_null()
    );
    assert_eq!(plane.get("/api/v1/nodes/n2")["spec"]["unschedulable"], true);
}

#[test]
#[ignore = "needs kubernetes"]
fn what_changes_between_the_decision_and_the_binding_is_seen_and_what_was_refused_holds_nothing() {
    let plane = ControlPlane::start("between");
    plane.node("n1", 0, &json!({}), &Value::Null);
    let cpu = json!({"cpu": "6"});
    plane.pod("first", "lepton", &cpu, &json!({}), &json!({}));
    plane.pod("second", "lepton", &cpu, &json!({}), &json!({}));
    let (mut source, mut hands) = connect(&plane);
    source.list(0);
    // The first is made anew under its name, faster than the stream: another pod is not bound in its place.
    let path = "/api/v1/namespaces/default/pods/first";
    plane.delete(path);
    plane.pod("first", "lepton", &cpu, &json!({}), &json!({}));
    let answer = hands.call(&start("default/first", "n1"));
    let bound = plane.node_of("first").is_some();
    assert_eq!(answer == Answer::Done, bound, "{answer:?}");
    plane.delete(path);
    until(
        &mut hands,
        &start("default/first", "n1"),
        |answer| matches!(answer, Answer::Refused(why) if why.contains("is gone")),
    );
    // Whatever came of it, the room is free.
    plane.patch("/api/v1/nodes/n1", &json!({"spec": {"unschedulable": true}}));
    let begun = Instant::now();
    while !format!("{:?}", source.poll(0).readings).contains("Cordoned") {
        assert!(begun.elapsed() < PATIENCE, "the cordon is never told");
        std::thread::sleep(Duration::from_millis(50));
    }
    let cordoned = hands.call(&start("default/second", "n1"));
    assert_eq!(why(&cordoned), "node n1: node(s) were unschedulable");
    plane.patch("/api/v1/nodes/n1", &json!({"spec": {"unschedulable": null}}));
    until(&mut hands, &start("default/second", "n1"), |answer| *answer == Answer::Done);
    assert_eq!(plane.node_of("second").as_deref(), Some("n1"));
}
