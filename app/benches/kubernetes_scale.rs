//! `lepton serve` on 5,000 nodes and 50,000 pods: how long it takes to take in 1,000 changes, how long a pod that comes waits for its binding,
//! and how much memory that is. The server is a double that speaks the wire, since no API server on one machine holds so many.
//!
//!     cargo xtask bench kubernetes-scale [--nodes N] [--pods N] [--rounds N]
//!
//! docs/benchmarks/kubernetes.md

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/kubernetes/double.rs"]
mod double;
mod figures;

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use common::scratch;
use common::service::Service;
use double::{Double, kubeconfig_of};
use figures::{argument, memory_bytes, quantile};
use serde_json::{Value, json};

/// Pods that change between two turns: half of them end, and as many others stand in their place.
const CHANGES: usize = 1000;
/// Pods that come one by one, and the time between.
const SINGLE_PODS: usize = 1500;
const BETWEEN_PODS: Duration = Duration::from_millis(37);
const PATIENCE: Duration = Duration::from_secs(60);

fn node(at: usize) -> (String, Value) {
    let name = format!("node-{at}");
    let amounts = json!({"cpu": "32", "memory": "256Gi", "pods": "110", "nvidia.com/gpu": "8"});
    let labels = json!({"kubernetes.io/hostname": name, "zone": format!("z{}", at % 10)});
    let node = json!({
        "metadata": {"name": name, "uid": format!("n{at}"), "labels": labels}, "spec": {},
        "status": {"capacity": amounts, "allocatable": amounts, "conditions": [{"type": "Ready", "status": "True"}]}
    });
    (name, node)
}

fn pod(name: &str, on: Option<usize>, gpus: usize) -> (String, Value) {
    let mut requests = json!({"cpu": "1", "memory": "2Gi"});
    if gpus > 0 {
        requests["nvidia.com/gpu"] = gpus.to_string().into();
    }
    let mut spec = json!({
        "schedulerName": "lepton",
        "containers": [{"name": "main", "image": "none", "resources": {"requests": requests, "limits": requests}}],
    });
    if let Some(node) = on {
        spec["nodeName"] = format!("node-{node}").into();
    }
    let phase = if on.is_some() { "Running" } else { "Pending" };
    let meta = json!({
        "name": name, "namespace": "default", "uid": name, "labels": {"app": format!("app-{}", name.len())}
    });
    (name.to_owned(), json!({"metadata": meta, "spec": spec, "status": {"phase": phase}}))
}

fn row(name: &str, seconds: &[f64]) {
    let [median, high, most] = [50, 99, 100].map(|percent| 1000.0 * quantile(seconds, percent));
    println!("| {name} | {} | {median:.1} | {high:.1} | {most:.1} |", seconds.len());
}

fn main() {
    let (nodes, pods, rounds) =
        (argument("--nodes", 5000), argument("--pods", 50_000), argument("--rounds", 30));
    let folder = scratch("kubernetes-scale");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("writable");
    let double = Double::start();
    double.put("nodes", (0..nodes).map(node));
    double.put("pods", (0..pods).map(|at| pod(&format!("old-{at}"), Some(at % nodes), 0)));
    let kubeconfig = format!("{folder}/kubeconfig");
    fs::write(&kubeconfig, kubeconfig_of(double.address())).expect("writable");
    // There is one instance, and no lease; nothing of it is recorded, as that is another bench.
    let settings = format!("{folder}/lepton.toml");
    let set = |turn_seconds: f64| {
        let text =
            format!("turn_seconds = {turn_seconds:.1}\nrecord_hours = 0\n[kubernetes]\nlease = \"\"\n");
        fs::write(&settings, text).expect("writable");
    };
    set(1.0);
    let options =
        ["--source", "kubernetes", "--kubeconfig", &kubeconfig, "--mode", "act", "--config", &settings];
    let begun = Instant::now();
    let service = Service::start_of(&format!("{folder}/state"), &options, "");
    let ready = begun.elapsed().as_secs_f64();
    let status = || service.get("/api/v1/status");
    let running = status()["running"].as_u64();
    assert_eq!(running, Some(pods as u64), "all that stand are known");

    // Changes, each thousand within one turn.
    let mut changed = Vec::new();
    for round in 0..rounds {
        let turn = status()["turn"].as_u64();
        service.wait_for("a turn", || status()["turn"].as_u64() > turn);
        let (from, half) = (round * CHANGES / 2, CHANGES / 2);
        double.take("pods", (from..from + half).map(|at| format!("old-{}", at % pods)));
        double
            .put("pods", (from..from + half).map(|at| pod(&format!("new-{at}"), Some((7 * at) % nodes), 0)));
        let turn = status()["turn"].as_u64();
        service.wait_for("the next turn", || status()["turn"].as_u64() > turn);
        changed.push(status()["stages"]["collect"].as_f64().expect("a number"));
    }

    // As it is set unless somebody sets it otherwise.
    set(15.0);
    let process = service.child.id();
    let asked = Command::new("kill").args(["-HUP", &process.to_string()]).status();
    assert!(asked.is_ok_and(|status| status.success()), "it hears of its settings");
    thread::sleep(Duration::from_secs(2));
    // Pods that come one by one: from their being there to the request that binds them.
    let mut waited = Vec::new();
    for at in 0..SINGLE_PODS {
        thread::sleep(BETWEEN_PODS);
        let name = format!("single-{at}");
        let came = Instant::now();
        double.put("pods", [pod(&name, None, usize::from(at.is_multiple_of(4)))]);
        let bound = loop {
            if let Some(bound) = double.bound(&name) {
                break bound;
            }
            assert!(came.elapsed() < PATIENCE, "{name} is never bound");
            thread::sleep(Duration::from_millis(1));
        };
        waited.push(bound.duration_since(came).as_secs_f64());
    }
    println!(
        "\n{nodes} nodes, {pods} pods: ready after {ready:.1} s; memory {:.0} MB, at most {:.0} MB\n",
        memory_bytes(process, "VmRSS:") / 1e6,
        memory_bytes(process, "VmHWM:") / 1e6
    );
    println!("| milliseconds | number | median | 99 in 100 | most |\n|---|---|---|---|---|");
    row(&format!("{CHANGES} changes taken in"), &changed);
    row("a pod's coming to its binding", &waited);
}
