//! The nodes that a pod may stand on are those of the documented rules: random clusters, with the rules written down once more as they are
//! documented, on the objects as the server sends them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::cache::{Cache, Change};
use super::fit::obstacle;
use super::tests::Chance;

fn texts(of: &Value) -> Vec<&str> {
    of.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn list(of: &Value) -> &[Value] {
    of.as_array().map_or(&[], Vec::as_slice)
}

fn expression_holds(expression: &Value, labels: &Value) -> bool {
    let told = labels[expression["key"].as_str().expect("a key")].as_str();
    let values = texts(&expression["values"]);
    let numbers = || Some((told?.parse::<i64>().ok()?, values.first()?.parse::<i64>().ok()?));
    match expression["operator"].as_str().expect("an operator") {
        "In" => told.is_some_and(|told| values.contains(&told)),
        "NotIn" => told.is_none_or(|told| !values.contains(&told)),
        "Exists" => told.is_some(),
        "DoesNotExist" => told.is_none(),
        "Gt" => numbers().is_some_and(|(told, bound)| told > bound),
        "Lt" => numbers().is_some_and(|(told, bound)| told < bound),
        other => panic!("{other}"),
    }
}

fn is_selected(selector: &Value, labels: &Value) -> bool {
    let named = selector["matchLabels"].as_object().into_iter().flatten();
    selector.is_object()
        && named.into_iter().all(|(key, value)| labels[key] == *value)
        && list(&selector["matchExpressions"]).iter().all(|expression| expression_holds(expression, labels))
}

/// nodeSelector and required node affinity.
fn is_asked_for(pod: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    let mut named = pod["spec"]["nodeSelector"].as_object().into_iter().flatten();
    let terms = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
    let term_holds = |term: &Value| {
        let by_name = json!({"metadata.name": node["metadata"]["name"]});
        let (expressions, fields) = (list(&term["matchExpressions"]), list(&term["matchFields"]));
        !(expressions.is_empty() && fields.is_empty())
            && expressions.iter().all(|expression| expression_holds(expression, labels))
            && fields.iter().all(|field| expression_holds(field, &by_name))
    };
    named.all(|(key, value)| labels[key] == *value) && (terms.is_null() || list(terms).iter().any(term_holds))
}

fn is_tolerated(pod: &Value, node: &Value) -> bool {
    list(&node["spec"]["taints"]).iter().filter(|taint| taint["effect"] != "PreferNoSchedule").all(|taint| {
        list(&pod["spec"]["tolerations"]).iter().any(|toleration| {
            let effect = toleration["effect"].is_null() || toleration["effect"] == taint["effect"];
            let key = toleration["key"] == taint["key"];
            effect
                && match toleration["operator"].as_str() {
                    Some("Exists") => key || toleration["key"].is_null(),
                    _ => key && toleration["value"] == taint["value"],
                }
        })
    })
}

/// Whether the term of a pod speaks of another.
fn speaks_of(term: &Value, of: &Value, other: &Value) -> bool {
    let own = [of["metadata"]["namespace"].as_str().expect("a namespace")];
    let named = texts(&term["namespaces"]);
    let namespaces = if named.is_empty() { &own[..] } else { &named };
    namespaces.contains(&other["metadata"]["namespace"].as_str().expect("a namespace"))
        && is_selected(&term["labelSelector"], &other["metadata"]["labels"])
}

fn terms<'a>(pod: &'a Value, kind: &str) -> &'a [Value] {
    list(&pod["spec"]["affinity"][kind]["requiredDuringSchedulingIgnoredDuringExecution"])
}

fn ports(pod: &Value) -> Vec<(String, String, u64)> {
    let all = list(&pod["spec"]["containers"]).iter().flat_map(|container| list(&container["ports"]));
    let port = |port: &Value| {
        let text = |key: &str, usual: &str| port[key].as_str().unwrap_or(usual).to_owned();
        (text("hostIP", "0.0.0.0"), text("protocol", "TCP"), port["hostPort"].as_u64().unwrap_or(0))
    };
    all.map(port).filter(|port| port.2 != 0).collect()
}

struct Documented {
    nodes: BTreeMap<String, Value>,
    /// Pods that stand, with their nodes.
    standing: Vec<(Value, String)>,
}

impl Documented {
    fn domain(&self, node: &str, key: &Value) -> Option<&str> {
        self.nodes[node]["metadata"]["labels"][key.as_str()?].as_str()
    }

    fn together(&self, a: &str, b: &str, key: &Value) -> bool {
        self.domain(a, key).is_some() && self.domain(a, key) == self.domain(b, key)
    }

    fn affinity_holds(&self, pod: &Value, node: &str) -> bool {
        let terms = terms(pod, "podAffinity");
        let all_speak_of = |other: &Value| terms.iter().all(|term| speaks_of(term, pod, other));
        let has_key = terms.iter().all(|term| self.domain(node, &term["topologyKey"]).is_some());
        let near = |term: &Value| {
            self.standing
                .iter()
                .any(|(other, at)| all_speak_of(other) && self.together(node, at, &term["topologyKey"]))
        };
        // The first of its kind may start where nobody is whom it wants to be near.
        let nobody = !self.standing.iter().any(|(other, at)| {
            all_speak_of(other) && terms.iter().any(|term| self.domain(at, &term["topologyKey"]).is_some())
        });
        terms.is_empty() || (has_key && (terms.iter().all(near) || (nobody && all_speak_of(pod))))
    }

    fn anti_affinity_holds(&self, pod: &Value, node: &str) -> bool {
        self.standing.iter().all(|(other, at)| {
            let parts = |of: &Value, from: &Value| {
                terms(of, "podAntiAffinity")
                    .iter()
                    .any(|term| speaks_of(term, of, from) && self.together(node, at, &term["topologyKey"]))
            };
            !parts(pod, other) && !parts(other, pod)
        })
    }

    fn spread_holds(&self, pod: &Value, node: &str) -> bool {
        let must: Vec<&Value> = list(&pod["spec"]["topologySpreadConstraints"])
            .iter()
            .filter(|spread| spread["whenUnsatisfiable"] != "ScheduleAnyway")
            .collect();
        must.iter().all(|spread| {
            let Some(own) = self.domain(node, &spread["topologyKey"]) else { return false };
            let counts_node = |name: &str, node: &Value| {
                must.iter().all(|spread| self.domain(name, &spread["topologyKey"]).is_some())
                    && (spread["nodeAffinityPolicy"] == "Ignore" || is_asked_for(pod, node))
                    && (spread["nodeTaintsPolicy"] != "Honor" || is_tolerated(pod, node))
            };
            let is_alike = |other: &Value| {
                other["metadata"]["namespace"] == pod["metadata"]["namespace"]
                    && other["metadata"]["deletionTimestamp"].is_null()
                    && is_selected(&spread["labelSelector"], &other["metadata"]["labels"])
                    && texts(&spread["matchLabelKeys"]).iter().all(|key| {
                        let value = &pod["metadata"]["labels"][key];
                        value.is_null() || other["metadata"]["labels"][key] == *value
                    })
            };
            let mut counts = BTreeMap::<&str, i64>::new();
            for (name, _) in self.nodes.iter().filter(|(name, node)| counts_node(name, node)) {
                let there = self.standing.iter().filter(|(other, at)| at == name && is_alike(other)).count();
                *counts.entry(self.domain(name, &spread["topologyKey"]).expect("it counts")).or_insert(0) +=
                    there as i64;
            }
            let few = spread["minDomains"].as_u64().is_some_and(|least| (counts.len() as u64) < least);
            let least = if few { 0 } else { counts.values().copied().min().unwrap_or(0) };
            let there = counts.get(own).copied().unwrap_or(0);
            there + i64::from(is_alike(pod)) - least <= spread["maxSkew"].as_i64().expect("it has one")
        })
    }

    fn ports_are_free(&self, pod: &Value, node: &str) -> bool {
        let here = self.standing.iter().filter(|(_, at)| at == node).flat_map(|(other, _)| ports(other));
        let taken: Vec<_> = here.collect();
        ports(pod).iter().all(|(ip, protocol, port)| {
            !taken.iter().any(|(other, by, number)| {
                (protocol, port) == (by, number) && (ip == other || ip == "0.0.0.0" || other == "0.0.0.0")
            })
        })
    }

    fn feasible(&self, pod: &Value) -> BTreeSet<String> {
        let holds = |name: &String, node: &Value| {
            let room = self.standing.iter().filter(|(_, at)| at == name).count() < 5;
            node["spec"]["unschedulable"] != true
                && room
                && is_tolerated(pod, node)
                && is_asked_for(pod, node)
                && self.ports_are_free(pod, name)
                && self.affinity_holds(pod, name)
                && self.anti_affinity_holds(pod, name)
                && self.spread_holds(pod, name)
        };
        self.nodes.iter().filter(|(name, node)| holds(name, node)).map(|(name, _)| name.clone()).collect()
    }
}

impl Chance {
    fn rule_node(&mut self, name: &str) -> Value {
        let mut labels = json!({"rack": self.of(&["1", "2", "30"])});
        if !self.one_in(5) {
            labels["zone"] = self.of(&["a", "b"]).into();
        }
        let taints: Vec<Value> = (0..self.below(2))
            .map(|_| json!({"key": self.of(&["team", "old"]), "value": self.of(&["red", "blue"]), "effect": self.of(&["NoSchedule", "NoExecute", "PreferNoSchedule"])}))
            .collect();
        json!({
            "metadata": {"name": name, "labels": labels},
            "spec": {"taints": taints, "unschedulable": self.one_in(8)},
            "status": {
                "allocatable": {"pods": "5"}, "conditions": [{"type": "Ready", "status": "True"}]
            }
        })
    }

    fn selector(&mut self) -> Value {
        match self.below(4) {
            0 => json!({}),
            1 => {
                json!({"matchExpressions": [{"key": "app", "operator": self.of(&["In", "NotIn", "Exists"]), "values": ["a"]}]})
            }
            _ => json!({"matchLabels": {"app": self.of(&["a", "b"])}}),
        }
    }

    fn pod_terms(&mut self) -> Value {
        let count = 1 + self.below(2);
        let term = |chance: &mut Self| {
            let mut term =
                json!({"topologyKey": chance.of(&["zone", "rack"]), "labelSelector": chance.selector()});
            if chance.one_in(4) {
                term["namespaces"] = json!([chance.of(&["x", "y"])]);
            }
            term
        };
        let terms: Vec<Value> = (0..count).map(|_| term(self)).collect();
        json!({"requiredDuringSchedulingIgnoredDuringExecution": terms})
    }

    fn rule_pod(&mut self, name: &str) -> Value {
        let mut labels = json!({"app": self.of(&["a", "b"])});
        if self.one_in(2) {
            labels["version"] = self.of(&["1", "2"]).into();
        }
        let mut metadata =
            json!({"name": name, "namespace": self.of(&["x", "y"]), "uid": name, "labels": labels});
        if self.one_in(8) {
            metadata["deletionTimestamp"] = "2026-11-30T00:00:00Z".into();
        }
        let mut spec = json!({"schedulerName": "lepton", "containers": [{"name": "c"}]});
        if self.one_in(4) {
            let mut port = json!({"hostPort": 80 + self.below(2)});
            if self.one_in(2) {
                port["hostIP"] = self.of(&["127.0.0.1", "10.0.0.1", "0.0.0.0"]).into();
            }
            if self.one_in(3) {
                port["protocol"] = "UDP".into();
            }
            spec["containers"][0]["ports"] = json!([port]);
        }
        let tolerations: Vec<Value> = (0..self.below(3))
            .map(|_| match self.below(3) {
                0 => json!({"operator": "Exists", "key": self.of(&["team", "old"])}),
                1 => json!({"key": "team", "value": self.of(&["red", "blue"]), "effect": self.of(&["NoSchedule", "NoExecute"])}),
                _ => json!({"key": "old", "operator": "Equal", "value": self.of(&["red", "blue"])}),
            })
            .collect();
        spec["tolerations"] = tolerations.into();
        if self.one_in(5) {
            spec["nodeSelector"] = json!({"zone": self.of(&["a", "b"])});
        }
        let mut affinity = json!({});
        if self.one_in(4) {
            let operator = self.of(&["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]);
            let (key, values) =
                if matches!(operator, "Gt" | "Lt") { ("rack", vec!["2"]) } else { ("zone", vec!["a"]) };
            let by_name =
                json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]});
            let mut terms =
                vec![json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]})];
            terms.extend(self.one_in(3).then_some(by_name));
            affinity["nodeAffinity"] =
                json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}});
        }
        if self.one_in(3) {
            affinity["podAffinity"] = self.pod_terms();
        }
        if self.one_in(3) {
            affinity["podAntiAffinity"] = self.pod_terms();
        }
        spec["affinity"] = affinity;
        let spreads: Vec<Value> = (0..self.below(3))
            .map(|_| {
                let mut spread = json!({
                    "maxSkew": 1 + self.below(2), "topologyKey": self.of(&["zone", "rack"]), "labelSelector": self.selector(),
                    "whenUnsatisfiable": self.of(&["DoNotSchedule", "DoNotSchedule", "ScheduleAnyway"])
                });
                for (key, value) in [("nodeAffinityPolicy", "Ignore"), ("nodeTaintsPolicy", "Honor")] {
                    if self.one_in(3) {
                        spread[key] = value.into();
                    }
                }
                if self.one_in(4) {
                    spread["minDomains"] = (1 + self.below(4)).into();
                }
                if self.one_in(4) {
                    spread["matchLabelKeys"] = json!(["version"]);
                }
                spread
            })
            .collect();
        if self.one_in(2) {
            spec["topologySpreadConstraints"] = spreads.into();
        }
        json!({"metadata": metadata, "spec": spec})
    }
}

#[test]
fn the_nodes_that_a_pod_may_stand_on_are_those_of_the_documented_rules() {
    let (mut some, mut none) = (0, 0);
    for seed in 0..400 {
        let mut chance = Chance(seed);
        let mut cache = Cache::default();
        let mut documented = Documented { nodes: BTreeMap::new(), standing: Vec::new() };
        for n in 0..5 {
            let node = chance.rule_node(&format!("n{n}"));
            cache.node_change(Change::Put(serde_json::from_value(node.clone()).expect("a node")));
            documented.nodes.insert(format!("n{n}"), node);
        }
        for n in 0..chance.below(10) {
            let (mut pod, node) = (chance.rule_pod(&format!("s{n}")), format!("n{}", chance.below(5)));
            pod["spec"]["nodeName"] = node.clone().into();
            cache.pod_change(Change::Put(serde_json::from_value(pod.clone()).expect("a pod")));
            documented.standing.push((pod, node));
        }
        for n in 0..8 {
            let mut pod = chance.rule_pod(&format!("w{n}"));
            pod["metadata"]["deletionTimestamp"] = Value::Null;
            cache.pod_change(Change::Put(serde_json::from_value(pod.clone()).expect("a pod")));
            let name = format!("{}/w{n}", pod["metadata"]["namespace"].as_str().expect("it has one"));
            let known = &cache.pods[&name];
            let free = cache.nodes.values().filter(|node| obstacle(&cache, known, node).is_none());
            let free: BTreeSet<String> = free.map(|node| node.metadata.name.clone()).collect();
            assert_eq!(free, documented.feasible(&pod), "seed {seed}: {pod}");
            (some, none) = (some + usize::from(!free.is_empty()), none + usize::from(free.is_empty()));
        }
    }
    assert!(some > 500 && none > 500, "{some} fit and {none} do not: chance tells little");
}
