//! Rules of a pod in the loop's words: taints, node selectors and node affinity as labels that the node must carry; or why they cannot
//! be said in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lepton_core::model::{
    DEVICE_MILLI, DocumentDemand, NamedPreference, NamedRules, NamedSelector, NamedWish,
};

use super::admits::{UNSCHEDULABLE, hard_taints, selects, term_accepts, tolerates, tolerates_cordon};
use super::cache::{Cache, KnownPod};
use super::columns::Columns;
use super::device_claims::DeviceClaims;
use super::devices::{DeviceNames, banks};
use super::kin::{Kin, preferred_pods, would_spread};
use super::neighbours::{Neighbours, wishes_about};
use super::objects::{Node, Pod, Taint};
use super::volumes::{Volumes, in_lists};

/// Labels that only the loop sees: a node's name, the taints that keep pods off it, and those that make it less liked.
pub(super) const NODE_NAME: &str = "lepton/node";
pub(super) const TAINTS: &str = "lepton/taints";
pub(super) const SOFT_TAINTS: &str = "lepton/soft-taints";
/// One more, of nodes that somebody else has cordoned: who tolerates that may enter them.
pub(super) const CORDONED_BY_OTHERS: &str = "lepton/cordoned-by-others";

/// Weights of the stock scheduler's plugins, times 100: preferred node affinity, taints, preferred pod affinity, spread.
const NODE_AFFINITY: u32 = 200;
const TAINTS_WEIGHT: u32 = 300;
const POD_AFFINITY: u32 = 200;
const SPREAD: u32 = 200;

/// What all nodes together have, on which the rules of pods depend.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Surroundings {
    /// Each set of taints that a node has, by its name.
    taints: BTreeMap<String, Vec<Taint>>,
    /// The same of taints that only make a node less liked.
    soft_taints: BTreeMap<String, Vec<Taint>>,
    /// Models of devices by resource.
    models: BTreeMap<String, BTreeSet<String>>,
}

impl Surroundings {
    /// Of these nodes.
    pub(super) fn of(cache: &Cache, names: &DeviceNames) -> Self {
        let mut around = Self::default();
        for node in cache.nodes.values() {
            let taints = taints_of(node);
            around.taints.entry(named(&taints)).or_insert(taints);
            let soft = soft_taints_of(node);
            around.soft_taints.entry(named(&soft)).or_insert(soft);
            for bank in banks(node, names) {
                around.models.entry(bank.resource).or_default().insert(bank.model);
            }
        }
        around
    }

    /// Whether a taint keeps pods off a node, and whether one makes a node less liked.
    pub(super) fn is_tainted(&self) -> (bool, bool) {
        let any = |all: &BTreeMap<String, Vec<Taint>>| all.values().any(|taints| !taints.is_empty());
        (any(&self.taints), any(&self.soft_taints))
    }

    /// Devices that a pod asks for, of any model that nodes have of the resource.
    pub(super) fn demand(&self, asked: &[(String, u16)]) -> Option<DocumentDemand> {
        let count: u16 = asked.iter().map(|(_, count)| *count).fold(0, u16::saturating_add);
        if count == 0 {
            return None;
        }
        let models = asked.iter().flat_map(|(resource, _)| match self.models.get(resource) {
            Some(models) => models.iter().cloned().collect(),
            // A model that no node has.
            None => vec![resource.clone()],
        });
        Some(DocumentDemand { count, milli: DEVICE_MILLI, models: models.collect() })
    }

    /// What the node must carry so that the pod may stand there, and what is told of other pods by groups. What else these have to do with it is
    /// asked of one that waits alone.
    pub(super) fn rules(&self, cache: &Cache, known: &KnownPod, kin: &Kin, waits: bool) -> NamedRules {
        let (pod, mut selectors) = (&known.pod, Vec::new());
        let passes = |taints: &Vec<Taint>| taints.iter().all(|taint| tolerates(&pod.spec.tolerations, taint));
        let (passed, kept_off): (Vec<_>, Vec<_>) = self.taints.iter().partition(|(_, taints)| passes(taints));
        if !kept_off.is_empty() {
            let values = passed.into_iter().map(|(name, _)| name.clone()).collect();
            selectors.push(NamedSelector { key: TAINTS.to_owned(), values });
        }
        let selected = pod.spec.node_selector.iter();
        selectors.extend(
            selected.map(|(key, value)| NamedSelector { key: key.clone(), values: vec![value.clone()] }),
        );
        if let Some(required) = &pod.spec.affinity.node_affinity.required {
            match in_lists(&required.node_selector_terms) {
                Some(term) => selectors.extend(
                    term.match_expressions
                        .iter()
                        .map(|e| NamedSelector { key: e.key.clone(), values: e.values.clone() }),
                ),
                // Whatever else it says, it says which nodes.
                None => {
                    let accepted = cache.nodes.values().filter(|node| selects(pod, node));
                    let values = accepted.map(|node| node.metadata.name.clone()).collect();
                    selectors.push(NamedSelector { key: NODE_NAME.to_owned(), values });
                }
            }
        }
        let neighbours = if waits { Neighbours::beside(cache, known, kin) } else { Neighbours::default() };
        if !neighbours.is_empty() {
            let free = cache.nodes.values().filter(|node| neighbours.obstacle(cache, pod, node).is_none());
            let values = free.map(|node| node.metadata.name.clone()).collect();
            selectors.push(NamedSelector { key: NODE_NAME.to_owned(), values });
        }
        if let (true, Ok(volumes)) = (waits, Volumes::of(cache, pod)) {
            selectors.extend(volumes.selectors(cache, NODE_NAME));
        }
        if let (true, Ok(devices)) = (waits, DeviceClaims::of(cache, pod)) {
            selectors.extend(devices.selectors(cache, NODE_NAME));
        }
        let preferences = if waits { self.preferences(cache, pod, kin) } else { Vec::new() };
        let cordoned = || NamedSelector { key: CORDONED_BY_OTHERS.to_owned(), values: vec![String::new()] };
        let enters_cordoned = tolerates_cordon(&pod.spec.tolerations).then(cordoned);
        let mut rules = NamedRules { selectors, enters_cordoned, preferences, ..NamedRules::default() };
        kin.add_rules(pod, &mut rules);
        rules
    }

    /// What the pod would rather have, weighed among each other as the stock scheduler weighs its scores (its plugins' weights times 100).
    fn preferences(&self, cache: &Cache, pod: &Pod, kin: &Kin) -> Vec<NamedPreference> {
        let mut wishes = Vec::new();
        let spec = &pod.spec;
        let liked = spec.affinity.node_affinity.preferred.iter().filter(|preferred| preferred.weight > 0);
        let sum: u32 = liked.clone().map(|preferred| preferred.weight).sum();
        for preferred in liked {
            let term = std::slice::from_ref(&preferred.preference);
            let listed = in_lists(term).and_then(|term| match &term.match_expressions[..] {
                [only] => Some(NamedSelector { key: only.key.clone(), values: only.values.clone() }),
                _ => None,
            });
            let wish = listed.unwrap_or_else(|| {
                let accepted = cache.nodes.values().filter(|node| term_accepts(&preferred.preference, node));
                let values = accepted.map(|node| node.metadata.name.clone()).collect();
                NamedSelector { key: NODE_NAME.to_owned(), values }
            });
            let weight = share(preferred.weight, sum, NODE_AFFINITY);
            wishes.push(NamedPreference { weight, wish: NamedWish::Label(wish) });
        }
        let passes = |taints: &Vec<Taint>| taints.iter().all(|taint| tolerates(&spec.tolerations, taint));
        if !self.soft_taints.values().all(passes) {
            let passed = self.soft_taints.iter().filter(|(_, taints)| passes(taints));
            let values = passed.map(|(name, _)| name.clone()).collect();
            let wish = NamedWish::Label(NamedSelector { key: SOFT_TAINTS.to_owned(), values });
            wishes.push(NamedPreference { weight: TAINTS_WEIGHT, wish });
        }
        let about = wishes_about(cache, pod);
        let sum: u32 = preferred_pods(pod).map(|(_, preferred)| preferred.weight).sum();
        let sum = sum + about.values().map(|(weight, _)| weight).sum::<u32>();
        for (near, preferred) in preferred_pods(pod).filter(|(_, preferred)| preferred.weight > 0) {
            let Some(groups) = kin.named(&preferred.pod_affinity_term, pod) else { continue };
            let wish = if near { NamedWish::Near(groups) } else { NamedWish::Apart(groups) };
            let weight = share(preferred.weight, sum, POD_AFFINITY);
            wishes.push(NamedPreference { weight, wish });
        }
        for ((key, near), (weight, domains)) in about {
            let is_far = |node: &&Arc<Node>| {
                node.metadata.labels.get(&key).is_none_or(|value| !domains.contains(value))
            };
            let wish = if near {
                NamedSelector { key, values: domains.into_iter().collect() }
            } else {
                let far = cache.nodes.values().filter(is_far);
                let values = far.map(|node| node.metadata.name.clone()).collect();
                NamedSelector { key: NODE_NAME.to_owned(), values }
            };
            let weight = share(weight, sum, POD_AFFINITY);
            wishes.push(NamedPreference { weight, wish: NamedWish::Label(wish) });
        }
        let spreads = would_spread(pod).count() as u32;
        for groups in would_spread(pod).filter_map(|spread| kin.named_spread(spread, pod)) {
            let weight = share(1, spreads, SPREAD);
            wishes.push(NamedPreference { weight, wish: NamedWish::Spread(groups) });
        }
        wishes
    }
}

/// The taints that keep pods off, in order; cordoned is told apart.
pub(super) fn taints_of(node: &Node) -> Vec<Taint> {
    in_order(hard_taints(node).filter(|taint| taint.key != UNSCHEDULABLE))
}

/// The taints that make a node less liked, in order.
pub(super) fn soft_taints_of(node: &Node) -> Vec<Taint> {
    in_order(node.spec.taints.iter().filter(|taint| taint.effect == "PreferNoSchedule"))
}

/// Each once, so that equal sets have one name.
fn in_order<'a>(taints: impl Iterator<Item = &'a Taint>) -> Vec<Taint> {
    taints.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

/// The part of a whole weight, rounded, at least 1.
fn share(part: u32, of: u32, whole: u32) -> u32 {
    ((part * whole + of / 2) / of.max(1)).max(1)
}

/// A name for a set of taints, the same for the same set.
pub(super) fn named(taints: &[Taint]) -> String {
    let each = taints.iter().map(|taint| format!("{}={}:{}", taint.key, taint.value, taint.effect));
    each.collect::<Vec<_>>().join(",")
}

/// Why a waiting pod cannot be told.
pub(super) fn beyond_words(
    cache: &Cache,
    known: &KnownPod,
    asked: &[(String, u16)],
    columns: &Columns,
    names: &DeviceNames,
) -> Option<String> {
    let spec = &known.pod.spec;
    if !spec.scheduling_gates.is_empty() {
        return Some("its scheduling gates hold it".to_owned());
    }
    let devices = match DeviceClaims::of(cache, &known.pod) {
        Ok(devices) => devices,
        Err(why) => return Some(why),
    };
    if asked.len() + usize::from(devices.demand(cache).is_some()) > 1 {
        return Some("it has devices of more than one resource, which Lepton does not place".to_owned());
    }
    if let Err(why) = Volumes::of(cache, &known.pod) {
        return Some(why);
    }
    let missing = columns.missing(&known.requests, names)?;
    Some(format!("it asks for {missing}, which no node had when Lepton started"))
}
