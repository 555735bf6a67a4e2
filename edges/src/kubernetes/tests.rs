//! What the loop believes after any changes of a cluster is what a new one would be told of it.

use std::collections::BTreeSet;

use lepton_core::collect::{CollectConfig, merge};
use lepton_core::model::{ClusterDocument, DeviceSet, NamedWish, NodeId, Readings, Snapshot};
use serde_json::{Value, json};

use super::admits::UNSCHEDULABLE;
use super::cache::{Cache, Change};
use super::columns::Columns;
use super::devices::DeviceNames;
use super::fit::obstacle;
use super::objects::{Node, Pod};
use super::quantity::Quantity;
use super::requests::{Requests, add};
use super::rules::NODE_NAME;
use super::told::Teller;

/// A cluster that changes by chance.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        // Knuth's linear congruential generator; its high bits are good enough to choose by.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    pub(super) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of them.
    pub(super) fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len() as u64) as usize]
    }

    fn node(&mut self, name: &str) -> Node {
        let amounts =
            json!({"cpu": "8", "memory": "16Gi", "pods": "10", "nvidia.com/gpu": self.below(5).to_string()});
        let taints = if self.one_in(4) {
            json!([{"key": "team", "value": (["red", "blue"][self.below(2) as usize]), "effect": (["NoSchedule", "PreferNoSchedule"][self.below(2) as usize])}])
        } else {
            json!([])
        };
        let ready = if self.one_in(6) { "False" } else { "True" };
        let node = json!({
            "metadata": {"name": name, "labels": {"zone": format!("z{}", self.below(3)), "nvidia.com/gpu.product": "H100"}},
            "spec": {"unschedulable": self.one_in(6), "taints": taints},
            "status": {
                "capacity": amounts, "allocatable": amounts, "conditions": [{"type": "Ready", "status": ready}]
            }
        });
        serde_json::from_value(node).expect("a node")
    }

    fn pod(&mut self, name: &str) -> Pod {
        let mut requests = json!({"cpu": format!("{}m", 100 * (1 + self.below(20)))});
        if self.one_in(3) {
            requests["nvidia.com/gpu"] = (1 + self.below(2)).into();
        }
        let mut apart = json!([{"labelSelector": {"matchLabels": {"app": "a"}}, "topologyKey": "zone"}]);
        if self.one_in(3) {
            apart[0]["namespaceSelector"] = json!({"matchLabels": {"env": "test"}});
        }
        let operators = ["In", "NotIn", "Exists"];
        let expression =
            json!({"key": "zone", "operator": (operators[self.below(3) as usize]), "values": ["z0", "z1"]});
        let required = |what: Value| json!({"requiredDuringSchedulingIgnoredDuringExecution": what});
        let preferred = |what: Value| json!({"preferredDuringSchedulingIgnoredDuringExecution": what});
        let affinity = match self.below(8) {
            6 => {
                let terms = [json!({"weight": 3, "podAffinityTerm": apart[0]})];
                json!({(["podAffinity", "podAntiAffinity"][self.below(2) as usize]): preferred(json!(terms))})
            }
            7 => {
                let terms = [json!({"weight": 3, "preference": {"matchExpressions": [expression]}})];
                json!({"nodeAffinity": preferred(json!(terms))})
            }
            0 => json!({"podAntiAffinity": required(apart)}),
            1 => {
                json!({"nodeAffinity": required(json!({"nodeSelectorTerms": [{"matchExpressions": [expression]}]}))})
            }
            _ => json!({}),
        };
        let mut metadata = json!({
            "name": name, "namespace": "team", "uid": format!("{name}-{}", self.below(3)), "labels": {"app": (["a", "b"][self.below(2) as usize])}
        });
        if self.one_in(3) {
            metadata["labels"]["lepton/gang"] = format!("g{}", self.below(3)).into();
            metadata["annotations"] = json!({"lepton/gang-size": "3"});
        }
        let must = ["DoNotSchedule", "ScheduleAnyway"][self.below(2) as usize];
        let spread = json!([{
            "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": must, "labelSelector": {"matchLabels": {"app": "b"}}
        }]);
        let placed = self.below(2) == 0;
        let pod = json!({
            "metadata": metadata,
            "spec": {
                "priority": self.below(3), "preemptionPolicy": (["Never", "PreemptLowerPriority"][self.below(2) as usize]),
                "schedulerName": if self.one_in(3) { "default-scheduler" } else { "lepton" },
                "nodeName": if placed { format!("n{}", self.below(6)) } else { String::new() },
                "containers": [{"name": "c", "resources": {"requests": requests}}],
                "affinity": affinity,
                "topologySpreadConstraints": if self.one_in(4) { spread } else { json!([]) },
                "tolerations": if self.one_in(3) { json!([{"key": "team", "value": "red"}]) } else { json!([]) },
                "schedulingGates": if self.one_in(8) { json!([{"name": "g"}]) } else { json!([]) },
            },
            "status": {"phase": if self.one_in(8) { "Succeeded" } else { "Pending" }},
        });
        serde_json::from_value(pod).expect("a pod")
    }

    fn change(&mut self, cache: &mut Cache) {
        let (node, pod) = (format!("n{}", self.below(6)), format!("p{}", self.below(20)));
        match self.below(14) {
            13 => {
                let labels = json!({"env": self.of(&["test", "live"])});
                let namespace = json!({"metadata": {"name": self.of(&["team", "other"]), "labels": labels}});
                let namespace = serde_json::from_value(namespace).expect("a namespace");
                let is_gone = self.one_in(4);
                cache.namespace_change(if is_gone {
                    Change::Gone(namespace)
                } else {
                    Change::Put(namespace)
                });
            }
            12 => {
                let name = format!("b{}", self.below(2));
                let budget = json!({
                    "metadata": {"name": name, "namespace": "team"},
                    "spec": {"selector": {"matchLabels": {"app": (["a", "b"][self.below(2) as usize])}}},
                    "status": {"disruptionsAllowed": self.below(3)}
                });
                let budget = serde_json::from_value(budget).expect("a budget");
                cache.budget_change(if self.one_in(4) { Change::Gone(budget) } else { Change::Put(budget) });
            }
            0 | 1 => cache.node_change(Change::Put(self.node(&node))),
            2 if self.one_in(3) => cache.node_change(Change::Gone(self.node(&node))),
            3 if self.one_in(3) => {
                let all = (0..4).map(|n| self.node(&format!("n{n}"))).collect();
                cache.node_change(Change::Listed(all));
            }
            4 | 5 => cache.pod_change(Change::Gone(self.pod(&pod))),
            6 if self.one_in(4) => {
                let all = (0..10).map(|n| self.pod(&format!("p{n}"))).collect();
                cache.pod_change(Change::Listed(all));
            }
            7 if cache.node_of(&format!("team/{pod}")).is_none() => {
                cache.assume(&format!("team/{pod}"), &node, DeviceSet::NONE);
            }
            _ => cache.pod_change(Change::Put(self.pod(&pod))),
        }
    }
}

/// In an order of its own; which of the devices a pod holds is not compared, only how many.
fn believed(snapshot: &Snapshot) -> ClusterDocument {
    let mut document = ClusterDocument::of_cluster(&snapshot.cluster, 0);
    document.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    document.tasks.sort_by(|a, b| a.name.cmp(&b.name));
    for task in &mut document.tasks {
        task.device_indices = vec![task.device_indices.len()];
        if let Some(devices) = &mut task.devices {
            // Who has known a model that is gone names it; who has not says that there is none.
            let known = document.nodes.iter().any(|node| node.devices.iter().any(|d| d.model == "H100"));
            devices.models.retain(|model| known && model == "H100");
        }
    }
    document
}

pub(super) fn told(complete: bool, readings: Vec<lepton_core::model::Reading>) -> Readings {
    Readings { source: "kubernetes".into(), time_seconds: 0, sequence: None, complete, readings }
}

/// What a loop believes that is told of the cluster for the first time, and who told it.
pub(super) fn believed_of(cache: &mut Cache) -> (Snapshot, Teller) {
    let names = DeviceNames::default();
    let columns = Columns::of(&cache.nodes, &names);
    let mut teller = Teller::new(columns.clone(), names);
    let mut belief = Snapshot::new(columns.schema());
    let readings = teller.everything(cache);
    merge(&mut belief, &told(true, readings), 0, &CollectConfig::default());
    assert_eq!(belief.rejected, 0, "nothing absurd is told");
    (belief, teller)
}

/// The nodes on which the loop may place a pod; none where it is not told of it.
pub(super) fn placeable(belief: &Snapshot, pod: &str) -> Option<BTreeSet<String>> {
    let cluster = &belief.cluster;
    let class = cluster.task(*belief.task_by_name.get(pod)?).class;
    let is_free = |&node: &NodeId| {
        cluster.obstacle(node, class).is_none() && cluster.obstacle_around(node, class).is_none()
    };
    Some(cluster.nodes().filter(is_free).map(|node| cluster.node_name(node).to_owned()).collect())
}

/// The nodes on which it would be bound now.
pub(super) fn bindable(cache: &Cache, pod: &str) -> BTreeSet<String> {
    let free = cache.nodes.values().filter(|node| obstacle(cache, &cache.pods[pod], node).is_none());
    free.map(|node| node.metadata.name.clone()).collect()
}

/// What pods of a node ask for together is kept as pods come and go.
fn check_room(cache: &Cache) {
    for node in cache.nodes.keys() {
        let stands = |name: &String| {
            let known = &cache.pods[name];
            !known.pod.is_over() && cache.node_of(name).as_ref() == Some(node)
        };
        let there: Vec<&String> = cache.pods.keys().filter(|name| stands(name)).collect();
        let mut sum = Requests::new();
        there.iter().for_each(|name| add(&mut sum, &cache.pods[*name].requests));
        let (_, used, count) = cache.room(node);
        let mut used = used.cloned().unwrap_or_default();
        used.retain(|_, amount| *amount != Quantity::default());
        assert_eq!((used, count), (sum, there.len()), "{node}");
    }
}

#[test]
fn the_belief_after_any_changes_is_what_a_new_loop_is_told() {
    for seed in 0..60 {
        let (mut chance, mut cache) = (Chance(seed), Cache::default());
        let first = (0..6).map(|n| chance.node(&format!("n{n}"))).collect();
        cache.node_change(Change::Listed(first));
        let columns = Columns::of(&cache.nodes, &DeviceNames::default());
        let mut teller = Teller::new(columns.clone(), DeviceNames::default());
        let mut belief = Snapshot::new(columns.schema());
        let config = CollectConfig::default();
        let list = teller.everything(&mut cache);
        merge(&mut belief, &told(true, list), 0, &config);
        for turn in 0..40 {
            for _ in 0..=chance.below(4) {
                chance.change(&mut cache);
            }
            let news = teller.news(&mut cache);
            merge(&mut belief, &told(false, news), 0, &config);
            assert_eq!(belief.rejected, 0, "seed {seed}, turn {turn}: nothing absurd is told");
            check_room(&cache);
            let mut fresh = Snapshot::new(columns.schema());
            let mut new = Teller::new(columns.clone(), DeviceNames::default());
            let list = new.everything(&mut cache);
            merge(&mut fresh, &told(true, list), 0, &config);
            assert_eq!(believed(&belief), believed(&fresh), "seed {seed}, turn {turn}");
            assert_eq!(teller.kept_back(), new.kept_back(), "seed {seed}, turn {turn}");
        }
    }
}

/// A cluster of nodes in zones, and what is told of it.
fn placed(nodes: u64, pods: &[Value]) -> (Cache, Vec<lepton_core::model::TaskReading>) {
    let mut cache = Cache::default();
    for n in 0..nodes {
        let amounts = json!({"cpu": "8", "pods": "10"});
        let node = json!({
            "metadata": {"name": format!("n{n}"), "labels": {"zone": format!("z{}", n % 2)}},
            "status": {"allocatable": amounts, "conditions": [{"type": "Ready", "status": "True"}]}
        });
        cache.node_change(Change::Put(serde_json::from_value(node).expect("a node")));
    }
    for (n, pod) in pods.iter().enumerate() {
        let mut pod = pod.clone();
        pod["metadata"]["name"] = format!("p{n}").into();
        pod["metadata"]["namespace"] = "team".into();
        pod["metadata"]["uid"] = n.into();
        pod["metadata"]["uid"] = pod["metadata"]["uid"].to_string().into();
        cache.pod_change(Change::Put(serde_json::from_value(pod).expect("a pod")));
    }
    let names = DeviceNames::default();
    let mut teller = Teller::new(Columns::of(&cache.nodes, &names), names);
    let readings = teller.everything(&mut cache);
    let tasks = readings.into_iter().filter_map(|reading| match reading {
        lepton_core::model::Reading::TaskSubmitted(task) => Some(task),
        _ => None,
    });
    let tasks = tasks.collect();
    (cache, tasks)
}

#[test]
fn rules_among_pods_of_one_turn_are_told_as_groups() {
    let selector = json!({"matchLabels": {"app": "a"}});
    let apart = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "zone", "labelSelector": selector}
    ]}});
    let spread = json!([{"maxSkew": 2, "topologyKey": "zone", "labelSelector": selector}]);
    let labels = json!({"labels": {"app": "a"}});
    let ours = |more: &str, value: &Value| json!({"metadata": labels, "spec": {"schedulerName": "lepton", more: value}});
    let (_, tasks) = placed(
        2,
        &[
            ours("affinity", &apart),
            ours("topologySpreadConstraints", &spread),
            json!({"metadata": labels, "spec": {"schedulerName": "other", "nodeName": "n0"}}),
            json!({"metadata": {"labels": {"app": "b"}}, "spec": {"schedulerName": "lepton"}}),
        ],
    );
    let [apart, spread, other, free] = &tasks[..] else { panic!("four were expected: {tasks:?}") };
    let group = apart.group.as_ref().expect("its own term takes it");
    assert_eq!((spread.group.as_ref(), other.group.as_ref(), &free.group), (Some(group), Some(group), &None));
    let rule = &apart.rules.anti_affinity[0];
    assert_eq!((&rule.group, rule.domain.as_deref()), (group, Some("zone")));
    let rule = &spread.rules.spread[0];
    assert_eq!((&rule.group, rule.key.as_str(), rule.skew_max), (group, "zone", 2));
    assert!(apart.rules.selectors.is_empty() && spread.rules.selectors.is_empty(), "no list of nodes");
}

#[test]
fn rules_that_groups_cannot_say_are_told_as_the_nodes_that_are_left() {
    let selector = json!({"matchLabels": {"app": "a"}});
    let labels = json!({"labels": {"app": "a"}});
    let pod = |spread: Value| json!({"metadata": labels, "spec": {"schedulerName": "lepton", "topologySpreadConstraints": [spread]}});
    let stands = json!({"metadata": labels, "spec": {"schedulerName": "other", "nodeName": "n0"}});
    let mut spread = json!({"maxSkew": 1, "topologyKey": "zone", "labelSelector": selector});
    for (key, value) in [("minDomains", json!(2)), ("nodeTaintsPolicy", json!("Honor"))] {
        let mut other = spread.clone();
        other[key] = value;
        let (_, tasks) = placed(2, &[pod(other), stands.clone()]);
        assert_eq!(tasks[0].rules.spread, [], "{key}");
        assert_eq!(tasks[0].rules.selectors[0].values, ["n1"], "{key}");
    }
    // One that does not count itself.
    spread["labelSelector"]["matchLabels"]["app"] = "b".into();
    let (_, tasks) = placed(2, &[pod(spread)]);
    assert_eq!(tasks[0].rules.spread, []);
}

#[test]
fn namespaces_are_selected_by_their_labels() {
    let term = |selector: Value| json!([{"topologyKey": "zone", "labelSelector": {}, "namespaceSelector": selector}]);
    let required = |kind: &str, selector: Value| {
        json!({"metadata": {"name": "waits", "namespace": "team", "uid": "waits"}, "spec": {
            "schedulerName": "lepton", "affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": term(selector)}}
        }})
    };
    let test = json!({"matchLabels": {"env": "test"}});
    // A pod of the namespace `team` stands in the zone z0.
    let (mut cache, _) = placed(2, &[json!({"spec": {"schedulerName": "other", "nodeName": "n0"}})]);
    let free = |cache: &mut Cache, kind: &str, selector: &Value| -> Vec<String> {
        let pod = serde_json::from_value(required(kind, selector.clone())).expect("a pod");
        cache.pod_change(Change::Put(pod));
        bindable(cache, "team/waits").into_iter().collect()
    };
    // What is not known allows nothing, and forbids what it may forbid; who selects all needs no label.
    assert_eq!(free(&mut cache, "podAffinity", &test), [""; 0]);
    assert_eq!(free(&mut cache, "podAntiAffinity", &test), ["n1"]);
    assert_eq!(free(&mut cache, "podAffinity", &json!({})), ["n0"]);
    for (env, near, apart) in [("test", vec!["n0"], vec!["n1"]), ("live", vec![], vec!["n0", "n1"])] {
        let namespace = json!({"metadata": {"name": "team", "labels": {"env": env}}});
        cache.namespace_change(Change::Listed(vec![serde_json::from_value(namespace).expect("a namespace")]));
        assert_eq!(free(&mut cache, "podAffinity", &test), near, "{env}");
        assert_eq!(free(&mut cache, "podAntiAffinity", &test), apart, "{env}");
    }
}

#[test]
fn what_pods_that_stand_would_rather_have_counts_for_those_that_come() {
    let term = |weight: u32, app: &str| {
        let term = json!({"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": app}}});
        json!([{"weight": weight, "podAffinityTerm": term}])
    };
    let preferred = |terms: Value| json!({"preferredDuringSchedulingIgnoredDuringExecution": terms});
    let stands = |node: &str, affinity: Value| json!({"spec": {"schedulerName": "other", "nodeName": node, "affinity": affinity}});
    let required =
        json!({"requiredDuringSchedulingIgnoredDuringExecution": [term(1, "b")[0]["podAffinityTerm"]]});
    let comes =
        |app: &str| json!({"metadata": {"labels": {"app": app}}, "spec": {"schedulerName": "lepton"}});
    let (_, tasks) = placed(
        3,
        &[
            stands("n0", json!({"podAffinity": preferred(term(30, "a"))})),
            stands("n2", json!({"podAffinity": preferred(term(10, "a"))})),
            stands("n1", json!({"podAntiAffinity": preferred(term(10, "a"))})),
            stands("n1", json!({"podAffinity": required})),
            comes("a"),
            comes("b"),
            comes("c"),
        ],
    );
    let wishes = |pod: usize| -> Vec<(u32, String, Vec<String>)> {
        let of = tasks[pod].rules.preferences.iter().map(|preference| match &preference.wish {
            NamedWish::Label(label) => (preference.weight, label.key.clone(), label.values.clone()),
            other => panic!("{other:?}"),
        });
        of.collect()
    };
    let label = |weight: u32, key: &str, values: &[&str]| {
        (weight, key.to_owned(), values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>())
    };
    // Nodes n0 and n2 lie in z0, where two want it near and one of them more; the one in z1 wants it elsewhere.
    assert_eq!(wishes(4), [label(50, NODE_NAME, &["n0", "n2"]), label(150, "zone", &["z0"])]);
    assert_eq!(wishes(5), [label(200, "zone", &["z1"])]);
    assert_eq!(wishes(6), []);
}

#[test]
fn pods_of_a_group_that_stand_are_stopped_as_its_disruption_mode_says() {
    for (mode, gang) in [("all", Some("team/g")), ("single", None)] {
        let (mut cache, _) = placed(2, &[]);
        let group = json!({
            "metadata": {"name": "g", "namespace": "team"},
            "spec": {"schedulingPolicy": {"gang": {"minCount": 2}}, "disruptionMode": {mode: {}}}
        });
        cache.group_change("scheduling.k8s.io", Change::Put(serde_json::from_value(group).expect("a group")));
        for (pod, node) in [("stands", "n0"), ("stands-too", "n1")] {
            let pod = json!({
                "metadata": {"name": pod, "namespace": "team", "uid": pod},
                "spec": {"schedulerName": "lepton", "nodeName": node, "schedulingGroup": {"podGroupName": "g"}}
            });
            cache.pod_change(Change::Put(serde_json::from_value(pod).expect("a pod")));
        }
        let (belief, _) = believed_of(&mut cache);
        let of = |pod: &str| {
            let cluster = &belief.cluster;
            cluster.task(belief.task_by_name[pod]).gang.map(|gang| cluster.gang_name(gang))
        };
        assert_eq!((of("team/stands"), of("team/stands-too")), (gang, gang), "{mode}");
    }
}

#[test]
fn a_cordoned_node_takes_pods_that_tolerate_that_unless_the_loop_has_cordoned_it() {
    let mut cache = Cache::default();
    let taint = json!([{"key": UNSCHEDULABLE, "effect": "NoSchedule"}]);
    for (name, unschedulable, annotations, taints) in [
        ("open", false, json!({}), json!([])),
        ("by-others", true, json!({}), json!([])),
        ("by-others-and-tainted", true, json!({}), taint.clone()),
        ("still-tainted", false, json!({}), taint),
        ("by-the-loop", true, json!({"lepton/cordoned": "true"}), json!([])),
    ] {
        let node = json!({
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"unschedulable": unschedulable, "taints": taints},
            "status": {"allocatable": {"pods": "10"}, "conditions": [{"type": "Ready", "status": "True"}]}
        });
        cache.node_change(Change::Put(serde_json::from_value(node).expect("a node")));
    }
    let open = ["by-others", "by-others-and-tainted", "open", "still-tainted"];
    for (toleration, expected) in [
        (json!({"key": UNSCHEDULABLE, "operator": "Exists", "effect": "NoSchedule"}), &open[..]),
        (json!({"operator": "Exists"}), &open[..]),
        (json!({"key": UNSCHEDULABLE, "operator": "Exists", "effect": "NoExecute"}), &["open"]),
        (json!({"key": "other", "operator": "Exists"}), &["open"]),
    ] {
        let pod = json!({
            "metadata": {"name": "waits", "namespace": "team", "uid": "waits"},
            "spec": {"schedulerName": "lepton", "tolerations": [toleration]}
        });
        cache.pod_change(Change::Put(serde_json::from_value(pod).expect("a pod")));
        let expected: BTreeSet<String> = expected.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(bindable(&cache, "team/waits"), expected, "{toleration}");
        let (belief, _) = believed_of(&mut cache);
        assert_eq!(placeable(&belief, "team/waits"), Some(expected), "{toleration}");
    }
}
