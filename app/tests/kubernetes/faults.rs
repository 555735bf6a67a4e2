//! A gate before the real API server that fails by chance: errors before a request is heard, answers that are lost after it was, streams that
//! break off. Whatever happens, each pod ends bound once, or waits and is told why, and nobody is evicted beyond what a budget allows or for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::http::Method;

use crate::common::service::Service;
use crate::control_plane::{ControlPlane, Gate};
use crate::double::kubeconfig_of;

/// Rounds of pods, each with faults of its own, unless `LEPTON_FAULT_SEEDS` says how many.
const SEEDS: u64 = 20;
/// Nodes of 8 cores and 4 GPUs.
const NODES: usize = 3;
/// How long faults come in a round.
const STORM: Duration = Duration::from_secs(15);

/// What the gate has seen and does.
pub(crate) struct Chance {
    state: u64,
    /// Requests of a hundred that fail; none while it is 0.
    percent: u64,
    /// Rounds so far.
    round: u64,
    /// How many requests that read have failed so far, and how many others: the kinds take turns.
    failed: [usize; 2],
    /// Faults so far, by kind.
    faults: BTreeMap<&'static str, u64>,
    /// Bindings that the server made, by path.
    bindings: BTreeMap<String, u64>,
}

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        // Knuth's linear congruential generator; its high bits are good enough to choose by.
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % end
    }

    /// What goes wrong with a request, if anything.
    fn fault(&mut self, is_read: bool) -> Option<&'static str> {
        if self.below(100) >= self.percent {
            return None;
        }
        let kinds = if is_read { ["410", "429", "500", "cut"] } else { ["409", "429", "500", "lost"] };
        let failed = &mut self.failed[usize::from(is_read)];
        let kind = kinds[*failed % kinds.len()];
        *failed += 1;
        *self.faults.entry(kind).or_insert(0) += 1;
        Some(kind)
    }
}

/// Answers one request on the connection, which ends with it.
fn answer(mut to: TcpStream, gate: &Gate, chance: &Mutex<Chance>) -> std::io::Result<()> {
    let mut from = BufReader::new(to.try_clone()?);
    let mut line = String::new();
    from.read_line(&mut line)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or("").to_owned(), words.next().unwrap_or("").to_owned());
    let (mut length, mut form) = (0, String::new());
    loop {
        let mut header = String::new();
        from.read_line(&mut header)?;
        let Some((key, value)) = header.trim().split_once(':') else { break };
        match key.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "content-type" => value.trim().clone_into(&mut form),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET);
    let fault = chance.lock().expect("sound").fault(method == Method::GET);
    if let Some(code) = fault.filter(|fault| fault.starts_with(|first: char| first.is_ascii_digit())) {
        let status = json!({"kind": "Status", "apiVersion": "v1", "code": code.parse::<u16>().ok(), "message": "by chance"}).to_string();
        return write!(
            to,
            "HTTP/1.1 {code} By Chance\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{status}",
            status.len()
        );
    }
    let Some(response) = gate.send(method, &path, &form, &body) else { return Ok(()) };
    let code = response.status().as_u16();
    if code == 201 && path.ends_with("/binding") {
        *chance.lock().expect("sound").bindings.entry(path).or_insert(0) += 1;
    }
    if fault == Some("lost") {
        return Ok(());
    }
    write!(to, "HTTP/1.1 {code} Answer\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n")?;
    let mut answer = response.into_body().into_with_config().limit(u64::MAX).reader();
    if fault == Some("cut") {
        answer.by_ref().take(200).read_to_end(&mut body)?;
        return to.write_all(&body);
    }
    std::io::copy(&mut answer, &mut to).map(drop)
}

/// A service that acts through a gate, and the gate's chance.
pub(crate) fn start(plane: &ControlPlane) -> (Arc<Mutex<Chance>>, Service) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has one");
    let chance = Chance {
        state: 0,
        percent: 0,
        round: 0,
        failed: [0; 2],
        faults: BTreeMap::new(),
        bindings: BTreeMap::new(),
    };
    let (chance, gate) = (Arc::new(Mutex::new(chance)), plane.gate());
    let of_thread = Arc::clone(&chance);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (gate, chance) = (gate.clone(), Arc::clone(&of_thread));
            // A connection that ends early is what this is for.
            thread::spawn(move || drop(answer(stream, &gate, &chance)));
        }
    });
    let (kubeconfig, settings) =
        (format!("{}/faulty", plane.folder), format!("{}/lepton.toml", plane.folder));
    fs::write(&kubeconfig, kubeconfig_of(&format!("http://{address}"))).expect("writable");
    // Streams of 5 s, so that many are opened.
    fs::write(&settings, "fresh_seconds = 15\n").expect("writable");
    let service = plane.service_of("state", &kubeconfig, &["--mode", "act", "--config", &settings]);
    (chance, service)
}

/// How many rounds.
pub(crate) fn seeds() -> u64 {
    std::env::var("LEPTON_FAULT_SEEDS").map_or(SEEDS, |seeds| seeds.parse().expect("a number"))
}

/// Faults of this seed from now on, for [`STORM`] at most: whoever is not through by then gets through afterwards.
pub(crate) fn begin(chance: &Arc<Mutex<Chance>>, seed: u64) {
    let mut now = chance.lock().expect("sound");
    (now.state, now.percent) = (seed, 15 + 5 * (seed % 4));
    now.round += 1;
    let (round, chance) = (now.round, Arc::clone(chance));
    thread::spawn(move || {
        thread::sleep(STORM);
        let mut then = chance.lock().expect("sound");
        if then.round == round {
            then.percent = 0;
        }
    });
}

/// No faults from now on.
pub(crate) fn end(chance: &Mutex<Chance>) {
    chance.lock().expect("sound").percent = 0;
}

#[test]
#[ignore = "needs kubernetes"]
fn whatever_fails_each_pod_ends_bound_once_or_waits_and_is_told_why() {
    let plane = ControlPlane::start("faults");
    for n in 0..NODES {
        plane.node(&format!("n{n}"), 4, &json!({}), &Value::Null);
    }
    let (chance, service) = start(&plane);
    let seeds = seeds();
    for seed in 0..seeds {
        begin(&chance, seed);
        let name = |kind: &str, n: usize| format!("{kind}-{seed}-{n}");
        let gang =
            json!({"labels": {"lepton/gang": format!("g{seed}")}, "annotations": {"lepton/gang-size": "3"}});
        for n in 0..3 {
            plane.pod(
                &name("gang", n),
                "lepton",
                &json!({"cpu": "100m", "nvidia.com/gpu": "4"}),
                &json!({}),
                &gang,
            );
        }
        for n in 0..8 {
            plane.pod(&name("single", n), "lepton", &json!({"cpu": "900m"}), &json!({}), &json!({}));
        }
        plane.pod(&name("huge", 0), "lepton", &json!({"cpu": "64"}), &json!({}), &json!({}));
        let pods: Vec<String> =
            (0..3).map(|n| name("gang", n)).chain((0..8).map(|n| name("single", n))).collect();
        service.wait_for(&format!("seed {seed}: all that fit"), || {
            pods.iter().all(|pod| plane.node_of(pod).is_some())
        });
        service.wait_for(&format!("seed {seed}: what does not fit is told"), || {
            plane.unscheduled(&name("huge", 0)).is_some_and(|(_, why)| why.contains("3 Insufficient cpu"))
        });
        let gang: BTreeSet<String> = (0..3).filter_map(|n| plane.node_of(&name("gang", n))).collect();
        assert_eq!(gang.len(), 3, "seed {seed}: each member takes the GPUs of a node: {gang:?}");
        assert_eq!(plane.unscheduled(&pods[0]), None, "seed {seed}: who is bound is told nothing else");
        end(&chance);
        pods.iter()
            .chain([&name("huge", 0)])
            .for_each(|pod| plane.delete(&format!("/api/v1/namespaces/default/pods/{pod}")));
    }
    let chance = chance.lock().expect("sound");
    assert!(chance.bindings.len() == 11 * seeds as usize, "{:?}", chance.bindings);
    assert!(chance.bindings.values().all(|&times| times == 1), "{:?}", chance.bindings);
    for kind in ["409", "410", "429", "500", "cut", "lost"] {
        assert!(chance.faults.contains_key(kind), "{kind} never came: {:?}", chance.faults);
    }
}

#[test]
#[ignore = "needs kubernetes"]
fn whatever_fails_no_more_are_evicted_than_a_budget_allows_and_who_they_go_for_is_bound() {
    let plane = ControlPlane::start("faults-preempt");
    for n in 0..2 {
        plane.node(&format!("n{n}"), 0, &json!({}), &Value::Null);
    }
    let class = json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000});
    plane.post("/apis/scheduling.k8s.io/v1/priorityclasses", &class);
    let (chance, service) = start(&plane);
    for seed in 0..seeds() {
        let (app, pods) = (format!("low-{seed}"), "/api/v1/namespaces/default/pods");
        let budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
        let low: Vec<String> = (0..4).map(|n| format!("{app}-{n}")).collect();
        for (n, name) in low.iter().enumerate() {
            let spec = json!({"nodeName": format!("n{}", n / 2), "terminationGracePeriodSeconds": 30});
            plane.pod(name, "lepton", &json!({"cpu": "4"}), &spec, &json!({"labels": {"app": app}}));
            let running =
                json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
            plane.patch(&format!("{pods}/{name}/status"), &running);
        }
        let budget = json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": app},
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": app}}}
        });
        plane.post(budgets, &budget);
        let allowed = json!({"status": {
            "observedGeneration": 1, "disruptionsAllowed": 1, "currentHealthy": 4, "desiredHealthy": 3, "expectedPods": 4
        }});
        plane.patch(&format!("{budgets}/{app}/status"), &allowed);
        begin(&chance, seed);
        let high: Vec<String> = (0..2).map(|n| format!("high-{seed}-{n}")).collect();
        for name in &high {
            let spec = json!({"priorityClassName": "high"});
            plane.pod(name, "lepton", &json!({"cpu": "4"}), &spec, &json!({}));
        }
        // Who is told to go; the kubelet ends him.
        let goes = |name: &&String| !plane.pod_now(name)["metadata"]["deletionTimestamp"].is_null();
        let mut gone: Option<String> = None;
        service.wait_for(&format!("seed {seed}: one goes, and one of the two is bound"), || {
            if gone.is_none() {
                gone = low.iter().find(goes).cloned();
                gone.iter().for_each(|name| plane.delete(&format!("{pods}/{name}")));
            }
            high.iter().any(|name| plane.node_of(name).is_some())
        });
        let waits = high.iter().find(|name| plane.node_of(name).is_none()).expect("there is room for one");
        service.wait_for(&format!("seed {seed}: the other is told why it waits"), || {
            plane.unscheduled(waits).is_some_and(|(_, why)| why.contains("Insufficient cpu"))
        });
        let gone = gone.expect("nobody is bound before");
        let stay: Vec<&String> = low.iter().filter(|name| **name != gone).collect();
        assert_eq!(stay.iter().find(|name| goes(name)), None, "seed {seed}: the budget allows one");
        assert!(stay.iter().all(|name| plane.node_of(name).is_some()), "seed {seed}");
        end(&chance);
        for name in low.iter().chain(&high).filter(|name| **name != gone) {
            plane.ask(Method::DELETE, &format!("{pods}/{name}"), Some(&json!({"gracePeriodSeconds": 0})));
        }
        plane.delete(&format!("{budgets}/{app}"));
    }
    let chance = chance.lock().expect("sound");
    // Once its round is over the other of the two may be bound as well.
    assert!(chance.bindings.len() >= seeds() as usize, "{:?}", chance.bindings);
    assert!(chance.bindings.values().all(|&times| times == 1), "{:?}", chance.bindings);
}
