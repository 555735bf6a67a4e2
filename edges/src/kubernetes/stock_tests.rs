//! A pod fits where the stock scheduler finds it feasible: random clusters, asked of the stock scheduler's own plugins (the program in
//! `tests/control-plane/feasible`) and of Lepton, from the objects to what the loop believes and to what is asked before a pod is bound.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

use super::cache::{Cache, Change};
use super::objects::CORDONED;
use super::stock_clusters::{Objects, RULES};
use super::tests::{believed_of, bindable, placeable};

/// Names the program.
const PROGRAM: &str = "LEPTON_FEASIBLE";
const CLUSTERS: u64 = 2000;
/// As often each rule has to be the one that decides.
const TIMES_MIN: usize = 10;

/// The differences that are explained.
const DIFFERENCES: [&str; 6] = [
    "a cordon of the loop",
    "a node that is not ready",
    "a nominated pod",
    "a spread of all pods",
    "devices of more than one resource",
    "parts of a MiB",
];

type Nodes = BTreeSet<String>;

/// What the stock scheduler finds for a pod.
#[derive(Deserialize)]
struct Stock {
    pod: String,
    feasible: Nodes,
    /// Which plugin rules a node out, with its words.
    ruled_out: BTreeMap<String, String>,
}

/// What Lepton finds for a pod.
#[derive(Clone, Default)]
struct Ours {
    /// Why it is not told to the loop.
    kept_back: Option<String>,
    /// Where the loop may place it.
    told: Nodes,
    /// Where it would be bound.
    asked: Nodes,
}

fn name(object: &Value) -> String {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text("namespace"), text("name"))
}

/// Each pod once more without each of its rules, under a name that says which.
fn without_rules(pod: &Value) -> Vec<Value> {
    let without = RULES.iter().enumerate().filter_map(|(at, (_, without, of))| {
        let mut pod = pod.clone();
        let had_it = without(&mut pod, of);
        pod["metadata"]["name"] = format!("{}-{at}", pod["metadata"]["name"].as_str()?).into();
        had_it.then_some(pod)
    });
    without.collect()
}

/// What the program says to these lines.
pub(super) fn ask(args: &[&str], lines: String) -> String {
    let program = std::env::var(PROGRAM).unwrap_or_else(|_| {
        panic!("{PROGRAM} names no program: run `cargo xtask test kubernetes`, which builds it")
    });
    let mut child = Command::new(&program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect(&program);
    let mut into = child.stdin.take().expect("it was asked for");
    let writer = std::thread::spawn(move || into.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads to the end");
    assert!(output.status.success(), "{program} ended with {}", output.status);
    String::from_utf8(output.stdout).expect("it is JSON")
}

/// The answers of the stock scheduler, by cluster and pod.
fn ask_stock(clusters: &[Objects]) -> Vec<BTreeMap<String, Stock>> {
    let line = |cluster: &Objects| {
        let mut waiting = cluster.waiting.clone();
        waiting.extend(cluster.waiting.iter().flat_map(without_rules));
        let asked = json!({
            "namespaces": cluster.namespaces, "nodes": cluster.nodes, "pods": cluster.pods, "waiting": waiting
        });
        format!("{asked}\n")
    };
    let lines: String = clusters.iter().map(line).collect();
    let by_pod = |line: &str| {
        let all: Vec<Stock> = serde_json::from_str(line).expect("a list of answers");
        all.into_iter().map(|answer| (answer.pod.clone(), answer)).collect()
    };
    ask(&[], lines).lines().map(by_pod).collect()
}

pub(super) fn read<T: serde::de::DeserializeOwned>(objects: &[Value]) -> Vec<T> {
    objects.iter().map(|object| serde_json::from_value(object.clone()).expect("an object")).collect()
}

/// The same of Lepton: the objects go the way that they go in a service.
fn ask_lepton(cluster: &Objects, pods: &[Value]) -> BTreeMap<String, Ours> {
    let mut cache = Cache::default();
    cache.namespace_change(Change::Listed(read(&cluster.namespaces)));
    cache.node_change(Change::Listed(read(&cluster.nodes)));
    cache.pod_change(Change::Listed(read(&[pods, &cluster.waiting].concat())));
    let (belief, teller) = believed_of(&mut cache);
    let ours = |pod: &Value| {
        let pod = name(pod);
        let (told, asked) = (placeable(&belief, &pod), bindable(&cache, &pod));
        let kept_back = teller.kept_back().get(&pod).cloned();
        assert_eq!(told.is_none(), kept_back.is_some(), "{pod} is told, or why not");
        (pod, Ours { kept_back, told: told.unwrap_or_default(), asked })
    };
    cluster.waiting.iter().map(ours).collect()
}

/// A cluster with a pod and a node on which two disagree.
struct Disagreement<'a> {
    cluster: &'a Objects,
    pod: &'a Value,
    node: &'a Value,
    ours: &'a Ours,
    /// What Lepton finds where no pod is nominated.
    unnominated: &'a Ours,
    /// Whether what the loop is told is meant.
    by_loop: bool,
    /// Whether Lepton would place it there.
    takes: bool,
}

impl Disagreement<'_> {
    /// The kind of difference that `docs/kubernetes.md` explains; none where it is a mistake.
    fn kind(&self) -> Option<&'static str> {
        let node = self.node["metadata"]["name"].as_str().expect("it has one");
        let found = if self.by_loop { &self.unnominated.told } else { &self.unnominated.asked };
        if found.contains(node) != self.takes {
            return Some("a nominated pod");
        }
        if self.takes {
            return None;
        }
        let kept_back = self.ours.kept_back.as_deref().unwrap_or_default();
        let all = [
            (self.node["status"]["conditions"][0]["status"] == "False", "a node that is not ready"),
            (!self.node["metadata"]["annotations"][CORDONED].is_null(), "a cordon of the loop"),
            (kept_back.contains("devices of more than one resource"), "devices of more than one resource"),
            (self.spreads_all(), "a spread of all pods"),
            (self.by_loop && self.ours.asked.contains(node) && !self.is_in_mib(node), "parts of a MiB"),
        ];
        all.into_iter().find(|(is_so, _)| *is_so).map(|(_, kind)| kind)
    }

    /// Whether a spread has an empty selector, which takes all pods.
    fn spreads_all(&self) -> bool {
        let spreads = self.pod["spec"]["topologySpreadConstraints"].as_array().into_iter().flatten();
        let takes_all = |spread: &Value| {
            let keys = spread["matchLabelKeys"].as_array().into_iter().flatten();
            let labels = &self.pod["metadata"]["labels"];
            spread["whenUnsatisfiable"] == "DoNotSchedule"
                && spread["labelSelector"] == json!({})
                && !keys.into_iter().any(|key| !labels[key.as_str().expect("a key")].is_null())
        };
        spreads.into_iter().any(takes_all)
    }

    /// Whether all amounts of memory there are whole MiB.
    fn is_in_mib(&self, node: &str) -> bool {
        let there = self.cluster.pods.iter().filter(|pod| pod["spec"]["nodeName"] == node);
        let mut pods = there.chain([self.pod]).map(Value::to_string);
        self.node["status"]["allocatable"]["memory"] != "2000M" && !pods.any(|pod| pod.contains("1000M"))
    }
}

#[derive(Default)]
struct Tally {
    /// Pods for which a rule decided, by the rule.
    decided: BTreeMap<&'static str, usize>,
    /// Nodes that were ruled out, by the words of the stock scheduler.
    ruled_out: BTreeMap<String, usize>,
    /// Nodes that were found differently, by the kind of difference.
    different: BTreeMap<&'static str, usize>,
    feasible: usize,
}

fn compare(seed: u64, cluster: &Objects, stock: &BTreeMap<String, Stock>, tally: &mut Tally) {
    let is_nominated = |pod: &Value| !pod["status"]["nominatedNodeName"].is_null();
    let ours = ask_lepton(cluster, &cluster.pods);
    let others: Vec<Value> = cluster.pods.iter().filter(|pod| !is_nominated(pod)).cloned().collect();
    let unnominated =
        if others.len() == cluster.pods.len() { ours.clone() } else { ask_lepton(cluster, &others) };
    for pod in &cluster.waiting {
        let full = name(pod);
        let (stock_finds, found) = (&stock[&full], &ours[&full]);
        tally.feasible += stock_finds.feasible.len();
        for words in stock_finds.ruled_out.values() {
            *tally.ruled_out.entry(words.clone()).or_insert(0) += 1;
        }
        for (at, (rule, ..)) in RULES.iter().enumerate() {
            if let Some(without) = stock.get(&format!("{full}-{at}")) {
                *tally.decided.entry(rule).or_insert(0) +=
                    usize::from(without.feasible != stock_finds.feasible);
            }
        }
        for (by_loop, nodes) in [(true, &found.told), (false, &found.asked)] {
            // What is kept back is not asked about.
            if !by_loop && found.kept_back.is_some() {
                continue;
            }
            for node in stock_finds.feasible.symmetric_difference(nodes) {
                let is_it = |object: &&Value| object["metadata"]["name"] == **node;
                let disagreement = Disagreement {
                    cluster,
                    pod,
                    node: cluster.nodes.iter().find(is_it).expect("a node of the cluster"),
                    ours: found,
                    unnominated: &unnominated[&full],
                    by_loop,
                    takes: nodes.contains(node),
                };
                let Some(kind) = disagreement.kind() else {
                    panic!(
                        "seed {seed}, {full} on {node}: Lepton ({}) takes {nodes:?}, the stock scheduler {:?} and says {:?}; {:?}\n{pod}\n{:#?}",
                        if by_loop { "the loop" } else { "before it binds" },
                        stock_finds.feasible,
                        stock_finds.ruled_out.get(node),
                        found.kept_back,
                        cluster.nodes.iter().chain(&cluster.pods).map(Value::to_string).collect::<Vec<_>>()
                    );
                };
                *tally.different.entry(kind).or_insert(0) += 1;
            }
        }
    }
}

#[test]
#[ignore = "needs kubernetes"]
fn a_pod_fits_where_the_stock_scheduler_finds_it_feasible() {
    let clusters: Vec<Objects> = (0..CLUSTERS).map(Objects::of).collect();
    let stock = ask_stock(&clusters);
    assert_eq!(stock.len(), clusters.len());
    let mut tally = Tally::default();
    for (seed, (cluster, stock)) in (0..).zip(clusters.iter().zip(&stock)) {
        compare(seed, cluster, stock, &mut tally);
    }
    let Tally { decided, ruled_out, different, feasible } = tally;
    println!("{feasible} nodes are feasible; found differently: {different:#?}");
    println!("pods for which a rule decides: {decided:#?}; nodes ruled out: {ruled_out:#?}");
    let is_seldom = |rule: &&str| decided.get(rule).copied().unwrap_or(0) < TIMES_MIN;
    let seldom: Vec<&str> = RULES.iter().map(|(rule, ..)| *rule).filter(is_seldom).collect();
    assert!(seldom.is_empty(), "chance tells little of {seldom:?}");
    for words in [
        "NodeUnschedulable",
        "existing pods anti-affinity",
        "TaintToleration",
        "Too many pods",
        "missing required label",
    ] {
        let times: usize =
            ruled_out.iter().filter(|(said, _)| said.contains(words)).map(|(_, times)| times).sum();
        assert!(times >= TIMES_MIN, "{words:?} was said {times} times: chance tells little");
    }
    assert_eq!(
        different.into_keys().collect::<Vec<_>>(),
        DIFFERENCES,
        "each that is explained, and no other"
    );
}
