//! Nodes and pods in numbers, and who looks when each is bound.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

use crate::control_plane::ControlPlane;

/// Connections of a client that has much to say.
pub(crate) const CONNECTIONS: usize = 16;
const PODS: &str = "/api/v1/namespaces/default/pods";

/// What the pods are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A core and 2 GiB; a quarter with a GPU.
    Plain,
    /// Half spread over ten zones, half in groups of 50 that keep off each other's nodes.
    Ruled,
    /// A GPU each, all or none.
    Gang(usize),
    /// Eight GPUs each on a pool of fewer nodes.
    GangTooLarge,
}

/// Does it for each number up to the count, on several connections.
pub(crate) fn many(count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return;
                    }
                    work(at);
                }
            });
        }
    });
}

/// Nodes with 32 cores, 256 GiB and 8 GPUs in ten zones; five of them are a pool of their own.
pub(crate) fn create_nodes(plane: &ControlPlane, count: usize) {
    let amounts = json!({"cpu": "32", "memory": "256Gi", "pods": "110", "nvidia.com/gpu": "8"});
    many(count, |at| {
        let name = format!("node-{at}");
        let labels = json!({
            "zone": format!("z{}", at % 10), "kubernetes.io/hostname": name, "pool": if at < 5 { "small" } else { "large" }
        });
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}});
        plane.post("/api/v1/nodes", &node);
        let path = format!("/api/v1/nodes/{name}");
        let ready = json!([{"type": "Ready", "status": "True", "reason": "KubeletReady"}]);
        let status = json!({"status": {"capacity": amounts, "allocatable": amounts, "conditions": ready}});
        plane.patch(&format!("{path}/status"), &status);
        plane.patch(&path, &json!({"spec": {"taints": Value::Null}}));
    });
}

/// Pods of a scheduler.
pub(crate) fn create_pods(plane: &ControlPlane, scheduler: &str, kind: Kind, count: usize) {
    many(count, |at| create_pod(plane, scheduler, (kind, count), at));
}

/// One of so many of a kind.
pub(crate) fn create_pod(plane: &ControlPlane, scheduler: &str, (kind, count): (Kind, usize), at: usize) {
    let gpus = match kind {
        Kind::Plain => usize::from(at.is_multiple_of(4)),
        Kind::Ruled => 0,
        Kind::Gang(_) => 1,
        Kind::GangTooLarge => 8,
    };
    let mut requests = json!({"cpu": "1", "memory": "2Gi"});
    if gpus > 0 {
        requests["nvidia.com/gpu"] = gpus.to_string().into();
    }
    let (mut meta, mut more) = (json!({"name": format!("pod-{at}")}), json!({}));
    match kind {
        Kind::Plain => {}
        Kind::Ruled => (meta["labels"], more) = ruled(at),
        Kind::Gang(size) => {
            meta["labels"] = json!({"lepton/gang": "gang"});
            meta["annotations"] = json!({"lepton/gang-size": size.to_string()});
        }
        Kind::GangTooLarge => {
            meta["name"] = format!("large-{at}").into();
            meta["labels"] = json!({"lepton/gang": "large"});
            meta["annotations"] = json!({"lepton/gang-size": count.to_string()});
            more = json!({"nodeSelector": {"pool": "small"}});
        }
    }
    let resources = json!({"requests": requests, "limits": requests});
    let mut spec = json!({
        "schedulerName": scheduler, "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "main", "image": "none", "resources": resources}],
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    plane.post(PODS, &json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}));
}

/// Labels and rules of such a pod.
fn ruled(at: usize) -> (Value, Value) {
    let app = if at.is_multiple_of(2) { "spread".to_owned() } else { format!("apart-{}", at % 10) };
    let labels = json!({"app": app});
    let selector = json!({"matchLabels": labels});
    let spec = if at.is_multiple_of(2) {
        json!({"topologySpreadConstraints": [{
            "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector
        }]})
    } else {
        json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": selector}
        ]}}})
    };
    (labels, spec)
}

/// Takes all pods away, and waits until they are gone.
pub(crate) fn delete_pods(plane: &ControlPlane) {
    loop {
        plane.ask(Method::DELETE, PODS, Some(&json!({"gracePeriodSeconds": 0})));
        let left = plane.get(&format!("{PODS}?limit=1"));
        if left["items"].as_array().is_some_and(Vec::is_empty) {
            return;
        }
    }
}

/// A pod that was bound.
pub(crate) struct Bound {
    pub(crate) pod: String,
    pub(crate) node: String,
    pub(crate) at: Instant,
}

enum Seen {
    Bound(Bound),
    Told(Instant),
}

#[derive(Deserialize)]
struct Change {
    object: Pod,
}

#[derive(Deserialize)]
struct Pod {
    metadata: Meta,
    spec: Spec,
    status: Status,
}

#[derive(Deserialize)]
struct Meta {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    node_name: String,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(default)]
    reason: String,
}

/// Follows the pods.
pub(crate) struct Observer(Receiver<Seen>);

impl Observer {
    pub(crate) fn start(plane: &ControlPlane) -> Self {
        let (tell, seen) = channel();
        let body = plane.watch(PODS);
        thread::spawn(move || {
            let mut bound = BTreeSet::new();
            for line in BufReader::new(body).lines() {
                let (Ok(line), at) = (line, Instant::now()) else { return };
                let Ok(Change { object }) = serde_json::from_str(&line) else { continue };
                let Pod { metadata: Meta { name: pod }, spec: Spec { node_name: node }, .. } = &object;
                let news = if !node.is_empty() && bound.insert(pod.clone()) {
                    Seen::Bound(Bound { pod: pod.clone(), node: node.clone(), at })
                } else if object.status.conditions.iter().any(|c| c.reason == "Unschedulable") {
                    Seen::Told(at)
                } else {
                    continue;
                };
                if tell.send(news).is_err() {
                    return;
                }
            }
        });
        Self(seen)
    }

    /// The bindings in order, until there are so many or none has come for so long.
    pub(crate) fn wait_for(&self, count: usize, patience: Duration) -> Vec<Bound> {
        let (mut bound, begun) = (Vec::with_capacity(count), Instant::now());
        while bound.len() < count {
            match self.0.recv_timeout(patience.saturating_sub(begun.elapsed())) {
                Ok(Seen::Bound(one)) => bound.push(one),
                Ok(Seen::Told(_)) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        bound
    }

    /// When the first pod was told why it waits.
    pub(crate) fn first_told(&self, patience: Duration) -> Option<Instant> {
        let begun = Instant::now();
        loop {
            match self.0.recv_timeout(patience.saturating_sub(begun.elapsed())) {
                Ok(Seen::Told(at)) => return Some(at),
                Ok(Seen::Bound(_)) => {}
                Err(_) => return None,
            }
        }
    }
}
