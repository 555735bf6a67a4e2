//! Which pods the rules about other pods speak of, as groups that the loop knows: of many that are placed in one turn each counts for those
//! after it. What cannot be said by groups stays with [`Neighbours`](super::neighbours::Neighbours), which knows the pods that stand.

use std::collections::{BTreeMap, BTreeSet};

use lepton_core::model::digest::fnv;
use lepton_core::model::{NamedAffinity, NamedGroupRule, NamedGroups, NamedRules, NamedSpread};

use super::admits::matches;
use super::cache::Cache;
use super::namespaces::Namespaces;
use super::objects::{LabelSelector, Pod, PodTerm, PreferredPods, Spread, is_ours};

/// Selectors that are told as groups; rules with others are asked of the pods that stand.
const TERMS_MAX: usize = 256;

/// Which pods are meant.
#[derive(Debug, Clone, PartialEq)]
struct Term {
    namespaces: Vec<String>,
    selector: Option<LabelSelector>,
    /// Labels that they have besides.
    labels: Vec<(String, String)>,
    /// Whether those that are leaving are meant too: they keep others away, and are not counted where pods are spread.
    with_leaving: bool,
}

impl Term {
    /// Of a term of affinity; none where it selects namespaces by labels that are not known.
    fn of(term: &PodTerm, whose: &Pod, namespaces: &Namespaces) -> Option<Self> {
        let namespaces = namespaces.taken(term, whose)?;
        Some(Self {
            namespaces,
            selector: term.label_selector.clone(),
            labels: Vec::new(),
            with_leaving: true,
        })
    }

    fn of_spread(spread: &Spread, pod: &Pod) -> Self {
        let value = |key: &String| Some((key.clone(), pod.metadata.labels.get(key)?.clone()));
        Self {
            namespaces: vec![pod.metadata.namespace.clone()],
            selector: spread.label_selector.clone(),
            labels: spread.match_label_keys.iter().filter_map(value).collect(),
            with_leaving: false,
        }
    }

    /// A short name, the same for the same term (FNV-1a over what it says).
    fn name(&self) -> String {
        let said = format!("{self:?}");
        format!("{:016x}", fnv(said.bytes().map(u64::from)))
    }

    fn takes(&self, pod: &Pod) -> bool {
        let meta = &pod.metadata;
        self.namespaces.contains(&meta.namespace)
            && (self.with_leaving || !pod.is_leaving())
            && matches(self.selector.as_ref(), &meta.labels)
            && self.labels.iter().all(|(key, value)| meta.labels.get(key) == Some(value))
    }
}

/// The terms that take a pod, by their names.
type Takers = Vec<String>;

/// The groups.
#[derive(Debug, Default)]
pub(super) struct Kin {
    /// Each term that a pod of ours has, by its name, and how many have it.
    terms: BTreeMap<String, (Term, usize)>,
    /// The pods that have terms, and which.
    holders: BTreeMap<String, Vec<String>>,
    of_pod: BTreeMap<String, Takers>,
    /// How many pods exactly these terms take.
    counts: BTreeMap<Takers, usize>,
    /// As they were when it was told last.
    namespaces: Namespaces,
}

impl Kin {
    /// Takes in what has become of these pods, and adds those for which something else follows from it.
    pub(super) fn news(&mut self, cache: &Cache, dirty: &mut BTreeSet<String>) {
        if self.namespaces != cache.namespaces {
            self.namespaces = cache.namespaces.clone();
        }
        let mut terms_changed = false;
        for name in dirty.iter() {
            terms_changed |= self.note_terms(cache, name);
        }
        let before: Vec<Takers> = self.counts.keys().cloned().collect();
        if terms_changed {
            let all: BTreeSet<&String> = cache.pods.keys().chain(self.of_pod.keys()).collect();
            let all: Vec<String> = all.into_iter().cloned().collect();
            dirty.extend(all.into_iter().filter(|name| self.note(cache, name)));
        } else if !self.terms.is_empty() || !self.of_pod.is_empty() {
            for name in dirty.iter() {
                self.note(cache, name);
            }
        }
        if terms_changed || !self.counts.keys().eq(&before) {
            dirty.extend(self.holders.keys().cloned());
        }
    }

    /// The terms that a pod of ours has from now on; whether there are others in all.
    fn note_terms(&mut self, cache: &Cache, name: &str) -> bool {
        let pod = cache.pods.get(name).map(|known| &known.pod);
        let of_ours = |pod: &Pod| {
            let anti = pod.spec.affinity.pod_anti_affinity.required.iter();
            let preferred = preferred_pods(pod).map(|(_, preferred)| &preferred.pod_affinity_term);
            let terms = anti
                .chain(must_be_near(pod))
                .chain(preferred)
                .filter_map(|term| Term::of(term, pod, &self.namespaces));
            let spread = must_spread(pod).filter(|spread| is_plain(spread, pod)).into_iter();
            let spreads = spread.chain(would_spread(pod)).map(|spread| Term::of_spread(spread, pod));
            terms.chain(spreads).collect::<Vec<_>>()
        };
        let terms = pod.filter(|pod| is_ours(pod) && !pod.is_over()).map(of_ours).unwrap_or_default();
        let before = self.holders.remove(name).unwrap_or_default();
        let mut changed = false;
        for term in &before {
            if let Some((_, count)) = self.terms.get_mut(term) {
                *count -= 1;
            }
        }
        let mut has = Vec::new();
        for term in terms {
            let key = term.name();
            let is_known = self.terms.contains_key(&key);
            if !is_known && self.terms.len() == TERMS_MAX {
                continue;
            }
            changed |= !is_known;
            self.terms.entry(key.clone()).or_insert((term, 0)).1 += 1;
            has.push(key);
        }
        for term in before {
            if self.terms.get(&term).is_some_and(|(_, count)| *count == 0) {
                self.terms.remove(&term);
                changed = true;
            }
        }
        if !has.is_empty() {
            self.holders.insert(name.to_owned(), has);
        }
        changed
    }

    /// Takes in which terms take a pod; whether they are others than before.
    fn note(&mut self, cache: &Cache, name: &str) -> bool {
        let counts =
            |pod: &&Pod| !pod.is_over() && (cache.waiting.contains(name) || cache.node_of(name).is_some());
        let pod = cache.pods.get(name).map(|known| &known.pod).filter(counts);
        let takes = |pod| {
            let taken = self.terms.iter().filter(|(_, (term, _))| term.takes(pod));
            taken.map(|(key, _)| key.clone()).collect::<Takers>()
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
        self.of_pod.get(name).map(|takers| takers.join("+"))
    }

    /// Whether an anti-affinity is told by groups.
    pub(super) fn tells(&self, term: &PodTerm, whose: &Pod) -> bool {
        !self.terms.is_empty()
            && Term::of(term, whose, &self.namespaces)
                .is_some_and(|term| self.terms.contains_key(&term.name()))
    }

    /// The pod's affinity, where it is told by groups: which of their pods must be there.
    pub(super) fn told_affinity(&self, pod: &Pod) -> Option<NamedAffinity> {
        let NamedGroups { groups, domain } = self.named(must_be_near(pod)?, pod)?;
        let mut groups = groups.into_iter();
        Some(NamedAffinity { group: groups.next()?, or: groups.collect(), domain })
    }

    /// The pod's spread, where it is told by groups.
    pub(super) fn told_spread<'a>(&self, pod: &'a Pod) -> Option<(&'a Spread, String)> {
        let spread = must_spread(pod).filter(|spread| is_plain(spread, pod))?;
        let name = Term::of_spread(spread, pod).name();
        let mut groups = self.groups_of(&name);
        let only = groups.next()?;
        groups.next().is_none().then_some((spread, only))
    }

    /// The groups of all pods that the term takes.
    fn groups_of(&self, term: &str) -> impl Iterator<Item = String> {
        let taken = self.counts.keys().filter(move |takers| takers.iter().any(|taker| taker == term));
        taken.map(|takers| takers.join("+"))
    }

    /// The groups of all pods that a term of a pod takes, and what counts as together.
    pub(super) fn named(&self, term: &PodTerm, whose: &Pod) -> Option<NamedGroups> {
        self.groups(&Term::of(term, whose, &self.namespaces)?, &term.topology_key)
    }

    /// The same of a spread.
    pub(super) fn named_spread(&self, spread: &Spread, pod: &Pod) -> Option<NamedGroups> {
        self.groups(&Term::of_spread(spread, pod), &spread.topology_key)
    }

    fn groups(&self, term: &Term, key: &str) -> Option<NamedGroups> {
        let groups: Vec<String> = self.groups_of(&term.name()).collect();
        (!groups.is_empty()).then(|| NamedGroups { groups, domain: Some(key.to_owned()) })
    }

    /// Adds what is told of a pod by groups.
    pub(super) fn add_rules(&self, pod: &Pod, rules: &mut NamedRules) {
        for term in &pod.spec.affinity.pod_anti_affinity.required {
            let Some(means) = Term::of(term, pod, &self.namespaces) else { continue };
            let (name, domain) = (means.name(), Some(term.topology_key.clone()));
            let apart = self.groups_of(&name);
            let apart = apart.map(|group| NamedGroupRule { group, domain: domain.clone() });
            rules.anti_affinity.extend(apart);
        }
        rules.affinity.extend(self.told_affinity(pod));
        if let Some((spread, group)) = self.told_spread(pod) {
            let skew_max = u32::try_from(spread.max_skew).unwrap_or(1).max(1);
            rules.spread.push(NamedSpread { group, key: spread.topology_key.clone(), skew_max });
        }
    }
}

/// Preferred terms about other pods, with whether they are wanted near.
pub(super) fn preferred_pods(pod: &Pod) -> impl Iterator<Item = (bool, &PreferredPods)> {
    let affinity = &pod.spec.affinity;
    let near = affinity.pod_affinity.preferred.iter().map(|preferred| (true, preferred));
    near.chain(affinity.pod_anti_affinity.preferred.iter().map(|preferred| (false, preferred)))
}

/// Spreads that may be broken.
pub(super) fn would_spread(pod: &Pod) -> impl Iterator<Item = &Spread> {
    let spreads = pod.spec.topology_spread_constraints.iter();
    spreads.filter(|spread| spread.when_unsatisfiable == "ScheduleAnyway")
}

/// The one affinity that must hold: of several, only pods that all of them take count.
fn must_be_near(pod: &Pod) -> Option<&PodTerm> {
    match &pod.spec.affinity.pod_affinity.required[..] {
        [only] => Some(only),
        _ => None,
    }
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
