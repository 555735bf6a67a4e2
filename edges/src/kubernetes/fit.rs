//! Whether a pod may stand on a node, by the stock rules, with what the node holds now: asked again just before a pod is bound, and
//! for the words that a pod is told while nothing fits.

use std::collections::BTreeMap;

use super::admits::{UNSCHEDULABLE, hard_taints, is_cordoned, selects, tolerates, tolerates_cordon};
use super::cache::{Cache, KnownPod};
use super::device_claims::DeviceClaims;
use super::neighbours::Neighbours;
use super::objects::{Node, Pod};
use super::obstacle::Obstacle;
use super::requests::Requests;
use super::volumes::Volumes;

/// What is in the way of the pod on the node; none where it may stand there.
pub(super) fn obstacle(cache: &Cache, known: &KnownPod, node: &Node) -> Option<Obstacle> {
    match claims_of(cache, &known.pod) {
        Ok(claims) => obstacle_beside(cache, known, &Neighbours::of(cache, known), &claims, node),
        Err(why) => Some(Obstacle::Claims(why)),
    }
}

/// What is in the way of a pod that keeps its place on the node until it is bound.
pub(super) fn obstacle_of_held(cache: &Cache, known: &KnownPod, node: &Node) -> Option<Obstacle> {
    match claims_of(cache, &known.pod) {
        Ok((volumes, devices)) => by_itself(known, node)
            .or_else(|| volumes.obstacle(cache, node))
            .or_else(|| devices.obstacle(cache, node)),
        Err(why) => Some(Obstacle::Claims(why)),
    }
}

/// Claims of volumes and of devices; or why they keep the pod from every node.
fn claims_of(cache: &Cache, pod: &Pod) -> Result<(Volumes, DeviceClaims), String> {
    Ok((Volumes::of(cache, pod)?, DeviceClaims::of(cache, pod)?))
}

fn obstacle_beside(
    cache: &Cache,
    known: &KnownPod,
    neighbours: &Neighbours,
    (volumes, devices): &(Volumes, DeviceClaims),
    node: &Node,
) -> Option<Obstacle> {
    by_itself(known, node)
        .or_else(|| by_room(cache, known, node))
        .or_else(|| volumes.obstacle(cache, node))
        .or_else(|| devices.obstacle(cache, node))
        .or_else(|| neighbours.obstacle(cache, &known.pod, node))
}

fn by_itself(known: &KnownPod, node: &Node) -> Option<Obstacle> {
    if !node.is_ready() {
        return Some(Obstacle::NotReady);
    }
    let tolerations = &known.pod.spec.tolerations;
    if is_cordoned(node) && (node.is_cordoned_by_loop() || !tolerates_cordon(tolerations)) {
        return Some(Obstacle::Unschedulable);
    }
    let kept_off =
        hard_taints(node).find(|taint| taint.key != UNSCHEDULABLE && !tolerates(tolerations, taint));
    if let Some(taint) = kept_off {
        return Some(Obstacle::Taint(format!("{}: {}", taint.key, taint.value)));
    }
    (!selects(&known.pod, node)).then_some(Obstacle::Selector)
}

fn by_room(cache: &Cache, known: &KnownPod, node: &Node) -> Option<Obstacle> {
    let (given, used, pods) = cache.room(&node.metadata.name);
    let of = |amounts: Option<&Requests>, name: &str| {
        amounts.and_then(|amounts| amounts.get(name)).copied().unwrap_or_default()
    };
    if of(given, "pods").down(1) <= pods as i64 {
        return Some(Obstacle::TooManyPods);
    }
    // What the pod does not ask for the node may lack.
    let mut asked = known.requests.iter();
    let short = asked.find(|(name, asked)| of(used, name) + **asked > of(given, name));
    short.map(|(name, _)| Obstacle::Insufficient(name.clone()))
}

/// What the waiting of a pod depends on, beside the cluster: pods of equal shapes are told the same.
pub(super) fn shape(cache: &Cache, neighbours: &Neighbours, known: &KnownPod) -> String {
    let (spec, meta) = (&known.pod.spec, &known.pod.metadata);
    let around = (!neighbours.is_empty()).then(|| {
        let ports: Vec<_> = spec.containers.iter().map(|container| &container.ports).collect();
        (&meta.namespace, &meta.labels, &spec.topology_spread_constraints, ports)
    });
    let claims: Vec<String> = known.pod.claims().collect();
    let devices = DeviceClaims::of(cache, &known.pod).map(|devices| devices.shape());
    let claims = (claims, devices);
    format!("{:?}", (&known.requests, &spec.node_selector, &spec.affinity, &spec.tolerations, around, claims))
}

/// Why the pod fits nowhere, the way of most nodes first; none where a node would take it.
pub(super) fn nowhere(cache: &Cache, known: &KnownPod, neighbours: &Neighbours) -> Option<String> {
    let all = cache.nodes.len();
    let claims = match claims_of(cache, &known.pod) {
        Ok(claims) => claims,
        Err(why) => return Some(format!("0/{all} nodes are available: {why}.")),
    };
    let mut counts = BTreeMap::<Obstacle, usize>::new();
    for node in cache.nodes.values() {
        *counts.entry(obstacle_beside(cache, known, neighbours, &claims, node)?).or_insert(0) += 1;
    }
    let mut counts: Vec<(Obstacle, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let said: Vec<String> = counts.iter().map(|(obstacle, count)| format!("{count} {obstacle}")).collect();
    let said = if said.is_empty() { "there is no node".to_owned() } else { said.join(", ") };
    Some(format!("0/{all} nodes are available: {said}."))
}

#[cfg(test)]
mod tests {
    use super::super::cache::Change;
    use super::*;
    use serde_json::{Value, json};

    fn put(cache: &mut Cache, name: &str, requests: &Value, spec: &Value, status: &Value, leaving: bool) {
        let mut pod = json!({
            "metadata": {"name": name, "namespace": "x", "uid": name},
            "spec": {"schedulerName": "other", "containers": [{"name": "c", "resources": {"requests": requests}}]},
            "status": status
        });
        for (key, value) in spec.as_object().into_iter().flatten() {
            pod["spec"][key] = value.clone();
        }
        if leaving {
            pod["metadata"]["deletionTimestamp"] = "2026-11-30T00:00:00Z".into();
        }
        let pod: Pod = serde_json::from_value(pod).expect("a pod");
        cache.pod_change(Change::Put(pod));
    }

    fn node(allocatable: &Value) -> Cache {
        let mut cache = Cache::default();
        let node = json!({
            "metadata": {"name": "n"},
            "status": {"allocatable": allocatable, "conditions": [{"type": "Ready", "status": "True"}]}
        });
        cache.node_change(Change::Put(serde_json::from_value(node).expect("a node")));
        cache
    }

    /// What is in the way of a pod that asks for so much.
    fn in_the_way(cache: &mut Cache, requests: &Value) -> Option<String> {
        put(cache, "waits", requests, &json!({"schedulerName": "lepton"}), &json!({}), false);
        let found = obstacle(cache, &cache.pods["x/waits"], &cache.nodes["n"]);
        found.map(|obstacle| obstacle.to_string())
    }

    #[test]
    fn room_is_asked_for_each_resource_and_the_number_of_pods() {
        let all = json!({"cpu": "2", "memory": "4Gi", "ephemeral-storage": "10Gi", "example.com/card": "3", "pods": "2"});
        let mut cache = node(&all);
        let half = json!({"cpu": "1", "memory": "2Gi", "ephemeral-storage": "5Gi", "example.com/card": "2"});
        put(&mut cache, "there", &half, &json!({"nodeName": "n"}), &json!({}), false);
        for (requests, short) in [
            (json!({"cpu": "1", "memory": "2Gi", "ephemeral-storage": "5Gi", "example.com/card": "1"}), None),
            (json!({}), None),
            (json!({"cpu": "1001m"}), Some("Insufficient cpu")),
            (json!({"memory": "2049Mi"}), Some("Insufficient memory")),
            (json!({"ephemeral-storage": "6Gi"}), Some("Insufficient ephemeral-storage")),
            (json!({"example.com/card": "2"}), Some("Insufficient example.com/card")),
            (json!({"example.com/other": "1"}), Some("Insufficient example.com/other")),
        ] {
            assert_eq!(in_the_way(&mut cache, &requests).as_deref(), short, "{requests}");
        }
        put(&mut cache, "second", &json!({}), &json!({"nodeName": "n"}), &json!({}), false);
        assert_eq!(in_the_way(&mut cache, &json!({})).as_deref(), Some("Too many pods"));
    }

    #[test]
    fn pods_of_others_nominated_pods_and_leaving_pods_hold_their_room() {
        let cpu = json!({"cpu": "3"});
        for (what, spec, status, leaving, holds) in [
            ("bound", json!({"nodeName": "n"}), json!({}), false, true),
            ("leaving", json!({"nodeName": "n"}), json!({}), true, true),
            ("nominated", json!({}), json!({"nominatedNodeName": "n"}), false, true),
            ("waiting", json!({}), json!({}), false, false),
            ("over", json!({"nodeName": "n"}), json!({"phase": "Succeeded"}), false, false),
        ] {
            let mut cache = node(&json!({"cpu": "4", "pods": "9"}));
            put(&mut cache, "other", &cpu, &spec, &status, leaving);
            assert_eq!(in_the_way(&mut cache, &json!({"cpu": "2"})).is_some(), holds, "{what}");
        }
    }
}
