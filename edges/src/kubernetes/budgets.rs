//! Which pods of a disruption budget may be stopped for more important ones: as many as it allows now, so that no plan breaks it; the least
//! important of its pods, and of those the last by name. The eviction API asks the budget again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::admits::matches;
use super::cache::Cache;
use super::objects::{Pod, is_ours};

/// A pod of a budget: the first ones go first.
type Ranked = (i32, Reverse<String>);

/// The pods of each budget.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    pods: BTreeMap<String, BTreeSet<Ranked>>,
    /// The budgets of each pod that has some, with its priority there.
    of_pod: BTreeMap<String, (i32, Vec<String>)>,
    /// Pods that a budget lets go, by budget.
    open: BTreeMap<String, BTreeSet<String>>,
}

impl Budgets {
    /// Takes in what has become of these pods and of the budgets, and adds those of which something else follows.
    pub(super) fn news(&mut self, cache: &Cache, budgets_changed: bool, dirty: &mut BTreeSet<String>) {
        if cache.budgets.is_empty() && self.of_pod.is_empty() {
            self.open.clear();
            return;
        }
        let all: Vec<String> = if budgets_changed {
            cache.pods.keys().chain(self.of_pod.keys()).cloned().collect()
        } else {
            dirty.iter().cloned().collect()
        };
        dirty.extend(all.into_iter().filter(|name| self.note(cache, name)));
        let open: BTreeMap<String, BTreeSet<String>> = cache
            .budgets
            .iter()
            .map(|(name, budget)| {
                let ranked = self.pods.get(name).into_iter().flatten();
                let open = ranked.take(budget.status.disruptions_allowed).map(|(_, pod)| pod.0.clone());
                (name.clone(), open.collect())
            })
            .collect();
        for (name, pods) in &self.pods {
            let (before, now) = (self.open.get(name), open.get(name));
            if before != now {
                dirty.extend(pods.iter().map(|(_, pod)| pod.0.clone()));
            }
        }
        self.open = open;
    }

    /// Takes in which budgets a pod has; whether they are others than before.
    fn note(&mut self, cache: &Cache, name: &str) -> bool {
        let stands =
            |pod: &&Pod| is_ours(pod) && !pod.is_over() && !pod.is_leaving() && cache.node_of(name).is_some();
        let pod = cache.pods.get(name).map(|known| &known.pod).filter(stands);
        let of = |pod: &Pod| {
            let prefix = format!("{}/", pod.metadata.namespace);
            let own = cache.budgets.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix));
            let own = own.filter(|(_, budget)| matches(budget.spec.selector.as_ref(), &pod.metadata.labels));
            (pod.spec.priority, own.map(|(name, _)| name.clone()).collect::<Vec<_>>())
        };
        let now = pod.map(of).filter(|(_, budgets)| !budgets.is_empty());
        if self.of_pod.get(name) == now.as_ref() {
            return false;
        }
        if let Some((priority, budgets)) = self.of_pod.remove(name) {
            for budget in budgets {
                if let Some(pods) = self.pods.get_mut(&budget) {
                    pods.remove(&(priority, Reverse(name.to_owned())));
                    if pods.is_empty() {
                        self.pods.remove(&budget);
                    }
                }
            }
        }
        if let Some((priority, budgets)) = now {
            for budget in &budgets {
                let pods = self.pods.entry(budget.clone()).or_default();
                pods.insert((priority, Reverse(name.to_owned())));
            }
            self.of_pod.insert(name.to_owned(), (priority, budgets));
        }
        true
    }

    /// Whether every budget of the pod lets it go.
    pub(super) fn allow(&self, name: &str) -> bool {
        self.of_pod.get(name).is_none_or(|(_, budgets)| {
            budgets.iter().all(|budget| self.open.get(budget).is_some_and(|open| open.contains(name)))
        })
    }
}
