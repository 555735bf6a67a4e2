//! Whether a pod may stand on a node, by the stock rules, with what the node holds now: asked again just before a pod is bound, and
//! for the words that a pod is told while nothing fits.

use std::collections::BTreeMap;

use super::admits::{UNSCHEDULABLE, hard_taints, selects, tolerates};
use super::cache::{Cache, KnownPod};
use super::neighbours::Neighbours;
use super::objects::Node;
use super::obstacle::Obstacle;
use super::requests::{add, amounts};

/// What is in the way of the pod on the node; none where it may stand there.
pub(super) fn obstacle(cache: &Cache, known: &KnownPod, node: &Node) -> Option<Obstacle> {
    obstacle_beside(cache, known, &Neighbours::of(cache, known), node)
}

fn obstacle_beside(
    cache: &Cache,
    known: &KnownPod,
    neighbours: &Neighbours,
    node: &Node,
) -> Option<Obstacle> {
    by_itself(known, node)
        .or_else(|| by_room(cache, known, node))
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
    let allocatable = amounts(&node.status.allocatable);
    let name = known.pod.metadata.full_name();
    let (mut used, mut pods) = (known.requests.clone(), 1);
    for other in cache.pods_on(&node.metadata.name).filter(|other| other.pod.metadata.full_name() != name) {
        add(&mut used, &other.requests);
        pods += 1;
    }
    if allocatable.get("pods").map_or(0, |most| most.down(1)) < pods {
        return Some(Obstacle::TooManyPods);
    }
    // What the pod does not ask for it may lack.
    let short = |name: &String| used.get(name) > Some(&allocatable.get(name).copied().unwrap_or_default());
    known.requests.keys().find(|name| short(name)).map(|name| Obstacle::Insufficient(name.clone()))
}

/// Why the pod fits nowhere, the way of most nodes first; none where a node would take it.
pub(super) fn nowhere(cache: &Cache, known: &KnownPod) -> Option<String> {
    let mut counts = BTreeMap::<Obstacle, usize>::new();
    let neighbours = Neighbours::of(cache, known);
    for node in cache.nodes.values() {
        *counts.entry(obstacle_beside(cache, known, &neighbours, node)?).or_insert(0) += 1;
    }
    let mut counts: Vec<(Obstacle, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let said: Vec<String> = counts.iter().map(|(obstacle, count)| format!("{count} {obstacle}")).collect();
    let all = cache.nodes.len();
    let said = if said.is_empty() { "there is no node".to_owned() } else { said.join(", ") };
    Some(format!("0/{all} nodes are available: {said}."))
}
