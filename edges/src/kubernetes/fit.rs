//! Whether a pod may stand on a node, by the stock rules, with what the node holds now: asked again just before a pod is bound, and
//! for the words that a pod is told while nothing fits.

use std::collections::BTreeMap;

use super::admits::{UNSCHEDULABLE, hard_taints, selects, tolerates};
use super::cache::{Cache, KnownPod};
use super::neighbours::Neighbours;
use super::objects::Node;
use super::obstacle::Obstacle;
use super::requests::Requests;
use super::volumes::Volumes;

/// What is in the way of the pod on the node; none where it may stand there.
pub(super) fn obstacle(cache: &Cache, known: &KnownPod, node: &Node) -> Option<Obstacle> {
    match Volumes::of(cache, &known.pod) {
        Ok(volumes) => obstacle_beside(cache, known, (&Neighbours::of(cache, known), &volumes), node),
        Err(why) => Some(Obstacle::Claims(why)),
    }
}

/// What is in the way of a pod that keeps its place on the node until it is bound.
pub(super) fn obstacle_of_held(cache: &Cache, known: &KnownPod, node: &Node) -> Option<Obstacle> {
    match Volumes::of(cache, &known.pod) {
        Ok(volumes) => by_itself(known, node).or_else(|| volumes.obstacle(cache, node)),
        Err(why) => Some(Obstacle::Claims(why)),
    }
}

fn obstacle_beside(
    cache: &Cache,
    known: &KnownPod,
    (neighbours, volumes): (&Neighbours, &Volumes),
    node: &Node,
) -> Option<Obstacle> {
    by_itself(known, node)
        .or_else(|| by_room(cache, known, node))
        .or_else(|| volumes.obstacle(cache, node))
        .or_else(|| neighbours.obstacle(cache, &known.pod, node))
}

fn by_itself(known: &KnownPod, node: &Node) -> Option<Obstacle> {
    if !node.is_ready() {
        return Some(Obstacle::NotReady);
    }
    if node.spec.unschedulable {
        return Some(Obstacle::Unschedulable);
    }
    let tolerations = &known.pod.spec.tolerations;
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
pub(super) fn shape(neighbours: &Neighbours, known: &KnownPod) -> String {
    let (spec, meta) = (&known.pod.spec, &known.pod.metadata);
    let around = (!neighbours.is_empty()).then(|| {
        let ports: Vec<_> = spec.containers.iter().map(|container| &container.ports).collect();
        (&meta.namespace, &meta.labels, &spec.topology_spread_constraints, ports)
    });
    let claims: Vec<String> = known.pod.claims().collect();
    format!("{:?}", (&known.requests, &spec.node_selector, &spec.affinity, &spec.tolerations, around, claims))
}

/// Why the pod fits nowhere, the way of most nodes first; none where a node would take it.
pub(super) fn nowhere(cache: &Cache, known: &KnownPod, neighbours: &Neighbours) -> Option<String> {
    let all = cache.nodes.len();
    let volumes = match Volumes::of(cache, &known.pod) {
        Ok(volumes) => volumes,
        Err(why) => return Some(format!("0/{all} nodes are available: {why}.")),
    };
    let mut counts = BTreeMap::<Obstacle, usize>::new();
    for node in cache.nodes.values() {
        *counts.entry(obstacle_beside(cache, known, (neighbours, &volumes), node)?).or_insert(0) += 1;
    }
    let mut counts: Vec<(Obstacle, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let said: Vec<String> = counts.iter().map(|(obstacle, count)| format!("{count} {obstacle}")).collect();
    let said = if said.is_empty() { "there is no node".to_owned() } else { said.join(", ") };
    Some(format!("0/{all} nodes are available: {said}."))
}
