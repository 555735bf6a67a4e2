//! Labels of namespaces, by which rules about other pods may select them.

use std::collections::BTreeMap;

use super::admits::matches;
use super::objects::{LabelSelector, Namespace, Pod, PodTerm};

/// Labels by namespace; none before the namespaces were listed.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Namespaces(Option<BTreeMap<String, BTreeMap<String, String>>>);

impl Namespaces {
    /// These are all there are.
    pub(super) fn list(&mut self, all: Vec<Namespace>) {
        self.0 = Some(all.into_iter().map(|one| (one.metadata.name, one.metadata.labels)).collect());
    }

    /// This is there.
    pub(super) fn put(&mut self, one: Namespace) {
        self.0.get_or_insert_default().insert(one.metadata.name, one.metadata.labels);
    }

    /// This is gone.
    pub(super) fn remove(&mut self, name: &str) {
        if let Some(all) = &mut self.0 {
            all.remove(name);
        }
    }

    /// Whether the selector takes the namespace; none where its labels are not known, and count.
    fn selects(&self, selector: &LabelSelector, name: &str) -> Option<bool> {
        if *selector == LabelSelector::default() {
            return Some(true);
        }
        let unlabelled = BTreeMap::new();
        Some(matches(Some(selector), self.0.as_ref()?.get(name).unwrap_or(&unlabelled)))
    }

    /// Whether a term of `whose` speaks of pods in the namespace; none where that is not known.
    pub(super) fn takes(&self, term: &PodTerm, whose: &Pod, name: &str) -> Option<bool> {
        match &term.namespace_selector {
            _ if term.namespaces.iter().any(|named| named == name) => Some(true),
            Some(selector) => self.selects(selector, name),
            None => Some(term.namespaces.is_empty() && whose.metadata.namespace == name),
        }
    }

    /// The namespaces that a term of `whose` speaks of, in order; none where they are not known.
    pub(super) fn taken(&self, term: &PodTerm, whose: &Pod) -> Option<Vec<String>> {
        let mut names = term.namespaces.clone();
        match &term.namespace_selector {
            Some(selector) => {
                let all = self.0.as_ref()?.keys();
                names.extend(all.filter(|name| self.selects(selector, name) == Some(true)).cloned());
            }
            None if names.is_empty() => names.push(whose.metadata.namespace.clone()),
            None => {}
        }
        names.sort();
        names.dedup();
        Some(names)
    }
}

/// Whether a rule of the pod about others selects namespaces by their labels.
pub(super) fn selects_namespaces(pod: &Pod) -> bool {
    let affinity = &pod.spec.affinity;
    [&affinity.pod_affinity, &affinity.pod_anti_affinity].into_iter().any(|of| {
        let preferred = of.preferred.iter().map(|preferred| &preferred.pod_affinity_term);
        of.required.iter().chain(preferred).any(|term| term.namespace_selector.is_some())
    })
}
