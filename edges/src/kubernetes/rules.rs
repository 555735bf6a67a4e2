//! Rules of a pod in the loop's words: taints, node selectors and node affinity as labels that the node must carry; or why they cannot
//! be said in them.

use std::collections::{BTreeMap, BTreeSet};

use lepton_core::model::{DEVICE_MILLI, DocumentDemand, NamedRules, NamedSelector};

use super::admits::{UNSCHEDULABLE, hard_taints, selects, tolerates};
use super::cache::{Cache, KnownPod};
use super::columns::Columns;
use super::devices::{DeviceNames, banks};
use super::kin::Kin;
use super::neighbours::Neighbours;
use super::objects::{Node, Taint};
use super::volumes::{Volumes, in_lists};

/// Labels that only the loop sees: a node's name, and the taints that keep pods off it.
pub(super) const NODE_NAME: &str = "lepton/node";
pub(super) const TAINTS: &str = "lepton/taints";

/// What all nodes together have, on which the rules of pods depend.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Surroundings {
    /// Each set of taints that a node has, by its name.
    taints: BTreeMap<String, Vec<Taint>>,
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
            for bank in banks(node, names) {
                around.models.entry(bank.resource).or_default().insert(bank.model);
            }
        }
        around
    }

    /// Whether a taint keeps pods off a node.
    pub(super) fn is_tainted(&self) -> bool {
        self.taints.values().any(|taints| !taints.is_empty())
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
        let mut rules = NamedRules { selectors, ..NamedRules::default() };
        kin.add_rules(pod, &mut rules);
        rules
    }
}

/// The taints that keep pods off, in order; cordoned is told apart.
pub(super) fn taints_of(node: &Node) -> Vec<Taint> {
    let mut taints: Vec<Taint> =
        hard_taints(node).filter(|taint| taint.key != UNSCHEDULABLE).cloned().collect();
    taints.sort();
    taints.dedup();
    taints
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
    let unknown = [
        (!spec.resource_claims.is_empty(), "resource claims"),
        (asked.len() > 1, "devices of more than one resource"),
    ];
    if let Some((_, what)) = unknown.into_iter().find(|(there, _)| *there) {
        return Some(format!("it has {what}, which Lepton does not place"));
    }
    if let Err(why) = Volumes::of(cache, &known.pod) {
        return Some(why);
    }
    let missing = columns.missing(&known.requests, names)?;
    Some(format!("it asks for {missing}, which no node had when Lepton started"))
}
