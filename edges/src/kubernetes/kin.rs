//! Which pods the rules about other pods speak of, as groups that the loop knows: of many that are placed in one turn each counts for those
//! after it. What cannot be said by groups stays with [`Neighbours`](super::neighbours::Neighbours), which knows the pods that stand.

use std::collections::{BTreeMap, BTreeSet};

use lepton_core::model::{NamedGroupRule, NamedRules, NamedSpread};

use super::admits::matches;
use super::cache::Cache;
use super::objects::{LabelSelector, Pod, PodTerm, Spread};

/// Selectors that are told as groups; rules with others are asked of the pods that stand.
const TERMS_MAX: usize = 256;

/// Which pods are meant.
#[derive(Debug, Clone, PartialEq)]
struct Term {
    namespaces: Vec<String>,
    selector: Option<LabelSelector>,
    /// Labels that they have besides.
    labels: Vec<(String, String)>,
}

impl Term {
    /// Of a term of affinity; none where it selects namespaces by labels, which are not known.
    fn of(term: &PodTerm, whose: &Pod) -> Option<Self> {
        let mut namespaces = term.namespaces.clone();
        if namespaces.is_empty() {
            namespaces.push(whose.metadata.namespace.clone());
        }
        namespaces.sort();
        let selector = term.label_selector.clone();
        term.namespace_selector.is_none().then_some(Self { namespaces, selector, labels: Vec::new() })
    }

    fn of_spread(spread: &Spread, pod: &Pod) -> Self {
        let value = |key: &String| Some((key.clone(), pod.metadata.labels.get(key)?.clone()));
        Self {
            namespaces: vec![pod.metadata.namespace.clone()],
            selector: spread.label_selector.clone(),
            labels: spread.match_label_keys.iter().filter_map(value).collect(),
        }
    }

    fn takes(&self, pod: &Pod) -> bool {
        let meta = &pod.metadata;
        self.namespaces.contains(&meta.namespace)
            && matches(self.selector.as_ref(), &meta.labels)
            && self.labels.iter().all(|(key, value)| meta.labels.get(key) == Some(value))
    }
}

/// The terms that take a pod, by their numbers.
type Takers = Vec<usize>;

/// The groups.
#[derive(Debug, Default)]
pub(super) struct Kin {
    terms: Vec<Term>,
    of_pod: BTreeMap<String, Takers>,
    /// How many pods exactly these terms take.
    counts: BTreeMap<Takers, usize>,
}

impl Kin {
    /// Takes in what has become of these pods. Where rules are new, adds all pods that they speak of.
    pub(super) fn news(&mut self, cache: &Cache, dirty: &mut BTreeSet<String>) {
        let before = self.terms.len();
        for known in dirty.iter().filter(|name| cache.waiting.contains(*name)).filter_map(|n| cache.pods.get(n)) {
            self.learn(&known.pod);
        }
        if self.terms.is_empty() {
            return;
        }
        if self.terms.len() == before {
            for name in dirty.iter() {
                self.note(cache, name);
            }
            return;
        }
        let all: Vec<&String> = cache.pods.keys().chain(dirty.iter()).collect();
        let changed: Vec<String> =
            all.into_iter().filter(|name| self.note(cache, name)).cloned().collect();
        dirty.extend(changed);
        dirty.extend(cache.repelling().map(|(known, _)| known.pod.metadata.full_name()));
    }

    fn learn(&mut self, pod: &Pod) {
        let anti = pod.spec.affinity.pod_anti_affinity.required.iter();
        let terms = anti.filter_map(|term| Term::of(term, pod));
        let spread = must_spread(pod).filter(|spread| is_plain(spread, pod));
        for term in terms.chain(spread.map(|spread| Term::of_spread(spread, pod))) {
            if self.terms.len() < TERMS_MAX && !self.terms.contains(&term) {
                self.terms.push(term);
            }
        }
    }

    /// Takes in what has become of a pod; whether it is in another group now.
    fn note(&mut self, cache: &Cache, name: &str) -> bool {
        let counts = |pod: &&Pod| !pod.is_over() && (cache.waiting.contains(name) || cache.node_of(name).is_some());
        let pod = cache.pods.get(name).map(|known| &known.pod).filter(counts);
        let takes = |pod| {
            let numbered = self.terms.iter().enumerate();
            numbered.filter(|(_, term)| term.takes(pod)).map(|(at, _)| at).collect::<Takers>()
        };
        let now = pod.map(takes).filter(|takers| !takers.is_empty());
        let before = match &now {
            Some(takers) => self.of_pod.insert(name.to_owned(), takers.clone()),
            None => self.of_pod.remove(name),
        };
        if now == before {
            return false;
        }
        if let Some(takers) = before
            && let Some(count) = self.counts.get_mut(&takers)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&takers);
            }
        }
        if let Some(takers) = now {
            *self.counts.entry(takers).or_insert(0) += 1;
        }
        true
    }

    /// The pod's group.
    pub(super) fn group_of(&self, name: &str) -> Option<String> {
        self.of_pod.get(name).map(group_name)
    }

    /// Whether an anti-affinity is told by groups.
    pub(super) fn tells(&self, term: &PodTerm, whose: &Pod) -> bool {
        Term::of(term, whose).is_some_and(|term| self.terms.contains(&term))
    }

    /// The pod's spread, where it is told by groups.
    pub(super) fn told_spread<'a>(&self, pod: &'a Pod) -> Option<(&'a Spread, String)> {
        let spread = must_spread(pod).filter(|spread| is_plain(spread, pod))?;
        let mut groups = self.groups_of(&Term::of_spread(spread, pod));
        let only = groups.next()?;
        groups.next().is_none().then_some((spread, only))
    }

    /// The groups of all pods that the term takes.
    fn groups_of(&self, term: &Term) -> impl Iterator<Item = String> + use<'_> {
        let at = self.terms.iter().position(|known| known == term);
        self.counts.keys().filter(move |takers| at.is_some_and(|at| takers.contains(&at))).map(group_name)
    }

    /// Adds what is told of a pod by groups.
    pub(super) fn add_rules(&self, pod: &Pod, rules: &mut NamedRules) {
        for term in &pod.spec.affinity.pod_anti_affinity.required {
            let Some(means) = Term::of(term, pod) else { continue };
            let domain = Some(term.topology_key.clone());
            let apart = self.groups_of(&means).map(|group| NamedGroupRule { group, domain: domain.clone() });
            rules.anti_affinity.extend(apart);
        }
        if let Some((spread, group)) = self.told_spread(pod) {
            let skew_max = u32::try_from(spread.max_skew).unwrap_or(1).max(1);
            rules.spread.push(NamedSpread { group, key: spread.topology_key.clone(), skew_max });
        }
    }
}

fn group_name(takers: &Takers) -> String {
    takers.iter().map(usize::to_string).collect::<Vec<_>>().join("+")
}

/// The one spread that must hold.
fn must_spread(pod: &Pod) -> Option<&Spread> {
    let mut must = pod.spec.topology_spread_constraints.iter();
    let mut must = must.by_ref().filter(|spread| spread.when_unsatisfiable != "ScheduleAnyway");
    let only = must.next()?;
    must.next().is_none().then_some(only)
}

/// Whether the loop counts as the rule does: in all domains that nodes carry, the pod itself counted.
fn is_plain(spread: &Spread, pod: &Pod) -> bool {
    let any_node = pod.spec.node_selector.is_empty() && pod.spec.affinity.node_affinity.required.is_none();
    spread.min_domains.is_none()
        && (spread.node_affinity_policy == "Ignore" || any_node)
        && spread.node_taints_policy != "Honor"
        && Term::of_spread(spread, pod).takes(pod)
}
