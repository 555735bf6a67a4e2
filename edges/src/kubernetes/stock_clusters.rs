//! Random clusters with random rules as a server would send them, and for each rule of a pod what the pod is without it.

use serde_json::{Value, json};

use super::admits::UNSCHEDULABLE;
use super::objects::CORDONED;
use super::tests::Chance;

/// A cluster as objects.
pub(super) struct Objects {
    pub(super) namespaces: Vec<Value>,
    pub(super) nodes: Vec<Value>,
    /// Pods that stand, are over, are nominated or stand nowhere that is known.
    pub(super) pods: Vec<Value>,
    /// Pods of ours that wait.
    pub(super) waiting: Vec<Value>,
}

const NAMESPACES: [&str; 3] = ["x", "y", "z"];
const KEYS: [&str; 3] = ["zone", "rack", "kubernetes.io/hostname"];
const NOT_READY: &str = "node.kubernetes.io/not-ready";

impl Objects {
    /// The cluster of a seed.
    pub(super) fn of(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let namespace = |(at, name): (usize, &&str)| json!({"metadata": {"name": name, "labels": {"team": (["red", "blue", "red"][at]), "name": name}}});
        let namespaces = NAMESPACES.iter().enumerate().map(namespace).collect();
        let nodes: Vec<Value> = (0..6).map(|n| chance.stock_node(&format!("n{n}"))).collect();
        let mut pods: Vec<Value> = (0..chance.below(17)).map(|n| chance.standing_pod(n)).collect();
        if chance.one_in(6) {
            let mut pod = chance.stock_pod("nominated");
            pod["spec"]["schedulerName"] = "other".into();
            pod["status"]["nominatedNodeName"] = format!("n{}", chance.below(6)).into();
            pods.push(pod);
        }
        let waiting = (0..8).map(|n| chance.waiting_pod(&format!("w{n}"))).collect();
        Self { namespaces, nodes, pods, waiting }
    }
}

impl Chance {
    fn stock_node(&mut self, name: &str) -> Value {
        let mut labels = json!({"kubernetes.io/hostname": name, "rack": self.of(&["1", "2", "30", "r"])});
        if !self.one_in(6) {
            labels["zone"] = self.of(&["a", "b", "c"]).into();
        }
        if self.one_in(2) {
            labels["disk"] = self.of(&["ssd", "hdd"]).into();
        }
        let mut taints = Vec::new();
        if self.one_in(4) {
            let effect = self.of(&["NoSchedule", "NoExecute", "PreferNoSchedule"]);
            taints.push(json!({"key": self.of(&["team", "old"]), "value": self.of(&["red", "blue"]), "effect": effect}));
        }
        // Controllers of the cluster follow with taints, and not at once.
        let unschedulable = self.one_in(10);
        if unschedulable != self.one_in(15) {
            taints.push(json!({"key": UNSCHEDULABLE, "effect": "NoSchedule"}));
        }
        let is_ours = unschedulable && self.one_in(4);
        let ready = !self.one_in(16);
        if !ready && self.one_in(2) {
            taints.push(json!({"key": NOT_READY, "effect": "NoSchedule"}));
            taints.push(json!({"key": NOT_READY, "effect": "NoExecute"}));
        }
        let mut amounts = json!({
            "cpu": self.of(&["3500m", "6", "8"]), "memory": self.of(&["2000M", "4095Mi", "8Gi"]),
            "pods": self.of(&["4", "6", "8"])
        });
        for (resource, of) in [
            ("ephemeral-storage", ["10Gi", "5Gi"]),
            ("example.com/card", ["1", "3"]),
            ("nvidia.com/gpu", ["2", "4"]),
            ("amd.com/gpu", ["1", "2"]),
            ("hugepages-2Mi", ["64Mi", "128Mi"]),
        ] {
            if !self.one_in(4) {
                amounts[resource] = self.of(&of).into();
            }
        }
        let status = if ready { "True" } else { "False" };
        json!({
            "metadata": {"name": name, "labels": labels, "annotations": if is_ours { json!({CORDONED: "true"}) } else { json!({}) }},
            "spec": {"taints": taints, "unschedulable": unschedulable},
            "status": {
                "capacity": amounts, "allocatable": amounts, "conditions": [{"type": "Ready", "status": status}]
            }
        })
    }

    fn requests(&mut self, is_first: bool) -> Value {
        let mut requests = json!({});
        if self.one_in(2) {
            requests["cpu"] = self.of(&["100m", "250m", "1", "1500m"]).into();
        }
        if self.one_in(2) {
            requests["memory"] = self.of(&["64Mi", "512Mi", "1000M", "1000M"]).into();
        }
        for (resource, times, of) in [
            ("ephemeral-storage", 10, ["1Gi", "6Gi"]),
            ("example.com/card", 10, ["1", "2"]),
            ("nvidia.com/gpu", 8, ["1", "2"]),
            ("amd.com/gpu", 20, ["1", "1"]),
            ("hugepages-2Mi", 12, ["32Mi", "64Mi"]),
        ] {
            if is_first && self.one_in(times) {
                requests[resource] = self.of(&of).into();
            }
        }
        requests
    }

    /// What any pod may have.
    fn stock_pod(&mut self, name: &str) -> Value {
        let mut labels = json!({"app": self.of(&["a", "a", "b", "c"])});
        if self.one_in(2) {
            labels["version"] = self.of(&["1", "2"]).into();
        }
        // Most in one namespace, so that many are alike.
        let namespace = self.of(&["x", "x", "x", "x", "y", "z"]);
        let containers: Vec<Value> = (0..=self.below(2))
            .map(|n| json!({"name": format!("c{n}"), "resources": {"requests": self.requests(n == 0)}}))
            .collect();
        let scheduler = self.of(&["lepton", "other"]);
        let mut spec =
            json!({"schedulerName": scheduler, "priority": self.below(3), "containers": containers});
        if self.one_in(6) {
            let init = (0..=self.below(2)).map(|n| {
                let requests =
                    json!({"cpu": self.of(&["500m", "2", "3"]), "memory": self.of(&["128Mi", "2Gi"])});
                let mut container = json!({"name": format!("i{n}"), "resources": {"requests": requests}});
                if !self.one_in(3) {
                    container["restartPolicy"] = "Always".into();
                }
                container
            });
            spec["initContainers"] = init.collect::<Vec<_>>().into();
        }
        if self.one_in(10) {
            spec["overhead"] = json!({"cpu": "1", "memory": "768Mi"});
        }
        if self.one_in(10) {
            spec["resources"] = json!({"requests": {"cpu": "3", "memory": "2500Mi"}});
        }
        let is_beside = spec["initContainers"][0]["restartPolicy"] == "Always";
        if self.one_in(if is_beside { 2 } else { 4 }) {
            let mut port = json!({"containerPort": 80, "hostPort": 80 + self.below(2)});
            if !self.one_in(3) {
                port["hostIP"] = self.of(&["127.0.0.1", "10.0.0.1", "0.0.0.0", "::"]).into();
            }
            if self.one_in(3) {
                port["protocol"] = self.of(&["UDP", "TCP"]).into();
            }
            let into = if is_beside { "initContainers" } else { "containers" };
            spec[into][0]["ports"] = json!([port]);
        }
        let mut affinity = json!({});
        if self.one_in(7) {
            affinity["podAntiAffinity"] = self.stock_terms();
        }
        if self.one_in(7) {
            affinity["podAffinity"] = self.stock_terms();
        }
        spec["affinity"] = affinity;
        json!({
            "metadata": {"name": name, "namespace": namespace, "uid": name, "labels": labels}, "spec": spec, "status": {}
        })
    }

    fn standing_pod(&mut self, n: u64) -> Value {
        let mut pod = self.stock_pod(&format!("s{n}"));
        // One in many stands on a node that is not there.
        pod["spec"]["nodeName"] = format!("n{}", if self.one_in(20) { 9 } else { self.below(6) }).into();
        if self.one_in(8) {
            pod["metadata"]["deletionTimestamp"] = "2026-11-30T00:00:00Z".into();
        }
        if self.one_in(10) {
            pod["status"]["phase"] = self.of(&["Succeeded", "Failed"]).into();
        }
        if self.one_in(8) {
            let granted = json!({"cpu": self.of(&["50m", "2"]), "memory": "256Mi"});
            pod["status"]["containerStatuses"] = json!([{
                "name": "c0", "image": "i", "imageID": "i", "ready": true, "restartCount": 0,
                "allocatedResources": granted, "resources": {"requests": granted}
            }]);
            if self.one_in(2) {
                let reason = self.of(&["Infeasible", "Deferred"]);
                pod["status"]["conditions"] =
                    json!([{"type": "PodResizePending", "status": "True", "reason": reason}]);
            }
        }
        pod
    }

    fn waiting_pod(&mut self, name: &str) -> Value {
        let mut pod = self.stock_pod(name);
        let spec = &mut pod["spec"];
        spec["schedulerName"] = "lepton".into();
        if self.one_in(2) {
            spec["tolerations"] = (0..=self.below(2)).map(|_| self.toleration()).collect();
        }
        if self.one_in(5) {
            let terms: Vec<Value> = (0..=self.below(2)).map(|_| self.node_term()).collect();
            spec["affinity"]["nodeAffinity"] =
                json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}});
        }
        let is_spread = self.one_in(3);
        if is_spread {
            spec["topologySpreadConstraints"] = (0..=self.below(2)).map(|_| self.stock_spread()).collect();
        }
        if self.one_in(if is_spread { 2 } else { 12 }) {
            spec["nodeSelector"] =
                if self.one_in(2) { json!({"zone": self.of(&["a", "b"])}) } else { json!({"disk": "ssd"}) };
        }
        if self.one_in(25) {
            spec["schedulingGates"] = json!([{"name": "not-yet"}]);
        }
        pod
    }

    fn toleration(&mut self) -> Value {
        let effect = self.of(&["NoSchedule", "NoExecute"]);
        match self.below(7) {
            0 => json!({"operator": "Exists"}),
            1 => json!({"operator": "Exists", "effect": effect}),
            2 => json!({"operator": "Exists", "key": self.of(&["team", "old"])}),
            3 => {
                json!({"key": self.of(&["team", "old"]), "value": self.of(&["red", "blue"]), "effect": effect})
            }
            4 => json!({"key": "team", "operator": "Equal", "value": self.of(&["red", "blue"])}),
            5 => json!({"key": UNSCHEDULABLE, "operator": "Exists", "effect": effect}),
            _ => json!({"key": NOT_READY, "operator": "Exists"}),
        }
    }

    fn node_term(&mut self) -> Value {
        if self.one_in(4) {
            let operator = self.of(&["In", "NotIn"]);
            return json!({"matchFields": [{"key": "metadata.name", "operator": operator, "values": [self.of(&["n1", "n2"])]}]});
        }
        let expressions = (0..=self.below(2)).map(|_| match self.below(3) {
            0 => json!({"key": self.of(&["disk", "zone"]), "operator": self.of(&["Exists", "DoesNotExist"])}),
            1 => json!({"key": "rack", "operator": self.of(&["Gt", "Lt"]), "values": ["2"]}),
            _ => json!({"key": self.of(&["zone", "disk"]), "operator": self.of(&["In", "NotIn"]), "values": ["a", "ssd"]}),
        });
        json!({"matchExpressions": expressions.collect::<Vec<_>>()})
    }

    fn stock_selector(&mut self) -> Value {
        match self.below(8) {
            0 => json!({}),
            1 => {
                json!({"matchExpressions": [{"key": "version", "operator": self.of(&["Exists", "DoesNotExist"])}]})
            }
            2 => {
                json!({"matchExpressions": [{"key": "app", "operator": self.of(&["In", "NotIn"]), "values": ["a", "b"]}]})
            }
            _ => json!({"matchLabels": {"app": self.of(&["a", "b", "c"])}}),
        }
    }

    fn stock_terms(&mut self) -> Value {
        let terms = (0..=self.below(2)).map(|_| {
            let mut term = json!({"topologyKey": self.of(&KEYS), "labelSelector": self.stock_selector()});
            if self.one_in(4) {
                term["namespaces"] = json!([self.of(&NAMESPACES)]);
            }
            if self.one_in(4) {
                let selectors = [
                    json!({}),
                    json!({"matchLabels": {"team": "red"}}),
                    json!({"matchLabels": {"team": "blue"}}),
                ];
                term["namespaceSelector"] = selectors[self.below(3) as usize].clone();
            }
            term
        });
        json!({"requiredDuringSchedulingIgnoredDuringExecution": terms.collect::<Vec<_>>()})
    }

    fn stock_spread(&mut self) -> Value {
        let when = self.of(&["DoNotSchedule", "DoNotSchedule", "DoNotSchedule", "ScheduleAnyway"]);
        let selector =
            if self.one_in(3) { self.stock_selector() } else { json!({"matchLabels": {"app": "a"}}) };
        let mut spread = json!({
            "maxSkew": 1 + self.below(3) / 2, "topologyKey": self.of(&KEYS), "whenUnsatisfiable": when,
            "labelSelector": selector
        });
        for (key, of) in
            [("nodeAffinityPolicy", ["Ignore", "Honor"]), ("nodeTaintsPolicy", ["Honor", "Ignore"])]
        {
            if self.one_in(2) {
                spread[key] = self.of(&of).into();
            }
        }
        if self.one_in(3) && when == "DoNotSchedule" {
            spread["minDomains"] = (2 + self.below(6)).into();
        }
        if self.one_in(4) {
            spread["matchLabelKeys"] = json!(["version"]);
        }
        spread
    }
}

/// Takes a rule off a pod; whether it had it.
type Without = fn(&mut Value, &str) -> bool;

/// The rules of a pod, by name: what takes each off, and of what.
pub(super) const RULES: [(&str, Without, &str); 39] = [
    ("tolerations", at, "/spec/tolerations"),
    ("node selector", at, "/spec/nodeSelector"),
    ("node affinity In", node_affinity, "In"),
    ("node affinity NotIn", node_affinity, "NotIn"),
    ("node affinity Exists", node_affinity, "Exists"),
    ("node affinity DoesNotExist", node_affinity, "DoesNotExist"),
    ("node affinity Gt", node_affinity, "Gt"),
    ("node affinity Lt", node_affinity, "Lt"),
    ("node affinity by name In", node_fields, "In"),
    ("node affinity by name NotIn", node_fields, "NotIn"),
    ("pod affinity", at, "/spec/affinity/podAffinity"),
    ("pod anti-affinity", at, "/spec/affinity/podAntiAffinity"),
    ("namespaces of affinity", in_affinity, "namespaces"),
    ("namespaces of anti-affinity", in_anti_affinity, "namespaces"),
    ("namespaceSelector of affinity", in_affinity, "namespaceSelector"),
    ("namespaceSelector of anti-affinity", in_anti_affinity, "namespaceSelector"),
    ("spread", at, "/spec/topologySpreadConstraints"),
    ("spread minDomains", in_spread, "minDomains"),
    ("spread nodeAffinityPolicy", in_spread, "nodeAffinityPolicy"),
    ("spread nodeTaintsPolicy", in_spread, "nodeTaintsPolicy"),
    ("spread matchLabelKeys", in_spread, "matchLabelKeys"),
    ("host ports", in_containers, "ports"),
    ("host ports of sidecars", in_init, "ports"),
    ("address of host ports", in_ports, "hostIP"),
    ("protocol of host ports", in_ports, "protocol"),
    ("init containers", at, "/spec/initContainers"),
    ("sidecars", in_init, "restartPolicy"),
    ("overhead", at, "/spec/overhead"),
    ("requests of the pod as a whole", at, "/spec/resources"),
    ("requests", in_containers, "resources"),
    ("requests of cpu", in_requests, "cpu"),
    ("requests of memory", in_requests, "memory"),
    ("requests of ephemeral-storage", in_requests, "ephemeral-storage"),
    ("requests of example.com/card", in_requests, "example.com/card"),
    ("requests of nvidia.com/gpu", in_requests, "nvidia.com/gpu"),
    ("requests of amd.com/gpu", in_requests, "amd.com/gpu"),
    ("requests of hugepages-2Mi", in_requests, "hugepages-2Mi"),
    ("scheduling gates", at, "/spec/schedulingGates"),
    ("labels", at, "/metadata/labels"),
];

fn drop_key(from: Option<&mut Value>, key: &str) -> bool {
    from.and_then(Value::as_object_mut).and_then(|object| object.remove(key)).is_some()
}

fn drop_each(of: Option<&mut Value>, key: &str) -> bool {
    let all = of.and_then(Value::as_array_mut).into_iter().flatten();
    all.map(|one| drop_key(Some(one), key)).fold(false, |any, has| any | has)
}

fn at(pod: &mut Value, path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(object, key)| drop_key(pod.pointer_mut(object), key))
}

const NODE_TERMS: &str =
    "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";

fn without_node_affinity(pod: &mut Value, kind: &str, operator: &str) -> bool {
    let terms = pod.pointer(NODE_TERMS).and_then(Value::as_array).into_iter().flatten();
    let mut expressions = terms.flat_map(|term| term[kind].as_array().into_iter().flatten());
    expressions.any(|expression| expression["operator"] == operator) && at(pod, "/spec/affinity/nodeAffinity")
}

fn node_affinity(pod: &mut Value, operator: &str) -> bool {
    without_node_affinity(pod, "matchExpressions", operator)
}

fn node_fields(pod: &mut Value, operator: &str) -> bool {
    without_node_affinity(pod, "matchFields", operator)
}

fn in_affinity(pod: &mut Value, key: &str) -> bool {
    drop_each(
        pod.pointer_mut("/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution"),
        key,
    )
}

fn in_anti_affinity(pod: &mut Value, key: &str) -> bool {
    drop_each(
        pod.pointer_mut("/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution"),
        key,
    )
}

fn in_spread(pod: &mut Value, key: &str) -> bool {
    drop_each(pod.pointer_mut("/spec/topologySpreadConstraints"), key)
}

fn in_containers(pod: &mut Value, key: &str) -> bool {
    drop_each(pod.pointer_mut("/spec/containers"), key)
}

fn in_init(pod: &mut Value, key: &str) -> bool {
    drop_each(pod.pointer_mut("/spec/initContainers"), key)
}

fn in_ports(pod: &mut Value, key: &str) -> bool {
    drop_each(pod.pointer_mut("/spec/containers/0/ports"), key)
}

fn in_requests(pod: &mut Value, key: &str) -> bool {
    drop_key(pod.pointer_mut("/spec/containers/0/resources/requests"), key)
}
