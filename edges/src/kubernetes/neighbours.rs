//! Rules about other pods: affinity, anti-affinity in both directions, spread over domains, host ports. They are asked of the pods that
//! stand now; a pod that is placed meanwhile is seen when the next one is bound. What groups can say the loop is told by them.

use std::collections::{BTreeMap, BTreeSet};

use super::admits::{hard_taints, matches, selects, tolerates};
use super::cache::{Cache, KnownPod};
use super::kin::{Kin, preferred_pods};
use super::objects::{Node, Pod, PodTerm, Port, Spread, is_ours};
use super::obstacle::Obstacle;

/// What a required affinity of a pod that stands counts among the preferences of those that come, as with the stock scheduler.
const REQUIRED_WEIGHT: u32 = 1;

/// A label key with its value: nodes that carry it are one domain.
type Domain = (String, String);

/// What the pods that stand say of where a pod may stand.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    repelled: BTreeSet<Domain>,
    kept_apart: BTreeSet<Domain>,
    together: Option<Together>,
    spreads: Vec<Counted>,
    ports: Vec<Port>,
}

/// Required affinity: of each key one of the domains, or any where the pod is the first of its kind.
#[derive(Debug)]
struct Together {
    keys: Vec<String>,
    domains: BTreeSet<Domain>,
    is_first: bool,
}

/// A spread with what its domains hold.
#[derive(Debug)]
struct Counted {
    key: String,
    counts: BTreeMap<String, i64>,
    /// What the emptiest holds, less the pod itself: a domain may hold at most this much.
    most: i64,
}

impl Neighbours {
    /// Of a pod that has no place.
    pub(super) fn of(cache: &Cache, known: &KnownPod) -> Self {
        Self::beside(cache, known, &Kin::default())
    }

    /// The same without what is told by groups.
    pub(super) fn beside(cache: &Cache, known: &KnownPod, kin: &Kin) -> Self {
        let pod = &known.pod;
        let affinity = &pod.spec.affinity.pod_affinity.required;
        let affinity = if kin.told_affinity(pod).is_some() { &[][..] } else { affinity };
        let anti = pod.spec.affinity.pod_anti_affinity.required.iter();
        let anti: Vec<&PodTerm> = anti.filter(|term| !kin.tells(term, pod)).collect();
        let mut found = Self { ports: ports(pod), ..Self::default() };
        for (other, node) in cache.repelling().filter(|(other, _)| is_other(pod, &other.pod)) {
            let terms = &other.pod.spec.affinity.pod_anti_affinity.required;
            found.repelled.extend(
                terms
                    .iter()
                    .filter(|t| may_mean(cache, t, &other.pod, pod))
                    .filter(|t| !(is_ours(&other.pod) && kin.tells(t, &other.pod)))
                    .filter_map(|t| domain(node, &t.topology_key)),
            );
        }
        let (mut together, mut nobody) = (BTreeSet::new(), true);
        if !(affinity.is_empty() && anti.is_empty()) {
            for (other, node) in cache.standing().filter(|(other, _)| is_other(pod, &other.pod)) {
                found.kept_apart.extend(
                    anti.iter()
                        .filter(|t| may_mean(cache, t, pod, &other.pod))
                        .filter_map(|t| domain(node, &t.topology_key)),
                );
                let domains = || affinity.iter().filter_map(|t| domain(node, &t.topology_key));
                if affinity.iter().all(|t| does_mean(cache, t, pod, &other.pod)) {
                    together.extend(domains());
                }
                nobody &= domains().next().is_none()
                    || !affinity.iter().all(|t| may_mean(cache, t, pod, &other.pod));
            }
        }
        if !affinity.is_empty() {
            found.together = Some(Together {
                keys: affinity.iter().map(|term| term.topology_key.clone()).collect(),
                is_first: nobody && affinity.iter().all(|term| does_mean(cache, term, pod, pod)),
                domains: together,
            });
        }
        if kin.told_spread(pod).is_some() {
            return found;
        }
        let must: Vec<&Spread> = pod
            .spec
            .topology_spread_constraints
            .iter()
            .filter(|s| s.when_unsatisfiable != "ScheduleAnyway")
            .collect();
        found.spreads = must.iter().map(|spread| counted(cache, pod, spread, &must)).collect();
        found
    }

    /// Whether there is no such rule.
    pub(super) fn is_empty(&self) -> bool {
        self.repelled.is_empty()
            && self.kept_apart.is_empty()
            && self.together.is_none()
            && self.spreads.is_empty()
            && self.ports.is_empty()
    }

    /// What is in the way on the node.
    pub(super) fn obstacle(&self, cache: &Cache, pod: &Pod, node: &Node) -> Option<Obstacle> {
        let labels = &node.metadata.labels;
        let within =
            |domains: &BTreeSet<Domain>| domains.iter().any(|(key, value)| labels.get(key) == Some(value));
        // In the order of the stock scheduler, so that the same obstacle is named.
        let in_conflict = !self.ports.is_empty() && {
            let others = cache.pods_on(&node.metadata.name).filter(|other| is_other(pod, &other.pod));
            let taken: Vec<Port> = others.flat_map(|other| ports(&other.pod)).collect();
            self.ports.iter().any(|port| taken.iter().any(|other| conflict(port, other)))
        };
        let is_even = |spread: &Counted| {
            labels
                .get(&spread.key)
                .is_some_and(|value| spread.counts.get(value).copied().unwrap_or(0) <= spread.most)
        };
        let is_near = |together: &Together| {
            together.keys.iter().all(|key| {
                domain(node, key)
                    .is_some_and(|domain| together.is_first || together.domains.contains(&domain))
            })
        };
        let broken = [
            (in_conflict, Obstacle::Ports),
            (!self.spreads.iter().all(is_even), Obstacle::Spread),
            (self.together.as_ref().is_some_and(|together| !is_near(together)), Obstacle::Affinity),
            (within(&self.kept_apart), Obstacle::AntiAffinity),
            (within(&self.repelled), Obstacle::Repelled),
        ];
        broken.into_iter().find(|(is_broken, _)| *is_broken).map(|(_, obstacle)| obstacle)
    }
}

/// What the pods that stand would rather have of a pod that comes: by label key and whether it is wanted near, the weight and the domains.
pub(super) fn wishes_about(cache: &Cache, pod: &Pod) -> BTreeMap<(String, bool), (u32, BTreeSet<String>)> {
    let mut wishes = BTreeMap::<_, (u32, BTreeSet<String>)>::new();
    for (other, node) in cache.wishing().filter(|(other, _)| is_other(pod, &other.pod)) {
        let required = other.pod.spec.affinity.pod_affinity.required.iter();
        let required = required.map(|term| (true, REQUIRED_WEIGHT, term));
        let preferred = preferred_pods(&other.pod);
        let preferred = preferred.map(|(near, wish)| (near, wish.weight, &wish.pod_affinity_term));
        for (near, weight, term) in required.chain(preferred) {
            if weight > 0
                && does_mean(cache, term, &other.pod, pod)
                && let Some((key, value)) = domain(node, &term.topology_key)
            {
                let (most, domains) = wishes.entry((key, near)).or_default();
                *most = weight.max(*most);
                domains.insert(value);
            }
        }
    }
    wishes
}

fn is_other(pod: &Pod, other: &Pod) -> bool {
    pod.metadata.uid != other.metadata.uid
}

fn domain(node: &Node, key: &str) -> Option<Domain> {
    node.metadata.labels.get(key).map(|value| (key.to_owned(), value.clone()))
}

/// Whether a term of `whose` speaks of the pod, as far as is known.
fn does_mean(cache: &Cache, term: &PodTerm, whose: &Pod, pod: &Pod) -> bool {
    is_meant(cache, term, whose, pod) == Some(true)
}

/// The same also where the labels of its namespace are not known.
fn may_mean(cache: &Cache, term: &PodTerm, whose: &Pod, pod: &Pod) -> bool {
    is_meant(cache, term, whose, pod) != Some(false)
}

fn is_meant(cache: &Cache, term: &PodTerm, whose: &Pod, pod: &Pod) -> Option<bool> {
    if !matches(term.label_selector.as_ref(), &pod.metadata.labels) {
        return Some(false);
    }
    cache.namespaces.takes(term, whose, &pod.metadata.namespace)
}

fn counted(cache: &Cache, pod: &Pod, spread: &Spread, all: &[&Spread]) -> Counted {
    let counts_node = |node: &&std::sync::Arc<Node>| {
        all.iter().all(|spread| node.metadata.labels.contains_key(&spread.topology_key))
            && (spread.node_affinity_policy == "Ignore" || selects(pod, node))
            && (spread.node_taints_policy != "Honor"
                || hard_taints(node).all(|taint| tolerates(&pod.spec.tolerations, taint)))
    };
    let is_alike = |other: &Pod| {
        other.metadata.namespace == pod.metadata.namespace
            && matches(spread.label_selector.as_ref(), &other.metadata.labels)
            && spread.match_label_keys.iter().all(|key| {
                pod.metadata.labels.get(key).is_none_or(|value| other.metadata.labels.get(key) == Some(value))
            })
    };
    let mut counts = BTreeMap::new();
    for node in cache.nodes.values().filter(counts_node) {
        let value = node.metadata.labels.get(&spread.topology_key).cloned().unwrap_or_default();
        let there = cache.pods_on(&node.metadata.name);
        let alike = there
            .filter(|other| is_other(pod, &other.pod) && !other.pod.is_leaving() && is_alike(&other.pod));
        *counts.entry(value).or_insert(0) += alike.count() as i64;
    }
    let too_few = spread.min_domains.is_some_and(|min| counts.len() < min);
    let emptiest = if too_few { 0 } else { counts.values().copied().min().unwrap_or(0) };
    let own = i64::from(is_alike(pod));
    Counted { key: spread.topology_key.clone(), most: spread.max_skew.max(1) + emptiest - own, counts }
}

fn ports(pod: &Pod) -> Vec<Port> {
    let sidecars = pod.spec.init_containers.iter().filter(|container| container.restart_policy == "Always");
    let containers = pod.spec.containers.iter().chain(sidecars);
    containers.flat_map(|container| &container.ports).filter(|port| port.host_port != 0).cloned().collect()
}

fn conflict(one: &Port, other: &Port) -> bool {
    let any = |ip: &str| ip.is_empty() || ip == "0.0.0.0";
    let protocol =
        |port: &Port| if port.protocol.is_empty() { "TCP".to_owned() } else { port.protocol.clone() };
    one.host_port == other.host_port
        && protocol(one) == protocol(other)
        && (one.host_ip == other.host_ip || any(&one.host_ip) || any(&other.host_ip))
}
