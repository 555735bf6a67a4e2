//! What is known of the cluster: the objects as the streams told them last, and what was done and is not seen yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lepton_core::model::DeviceSet;

use super::device_store::DeviceStore;
use super::namespaces::Namespaces;
use super::objects::{Budget, GroupTerms, Namespace, Node, Pod, PodGroup, is_ours};
use super::requests::{Requests, add, amounts, requests, subtract};
use super::storage::{Claim, Storage, Stored};

/// How long a binding that was made is believed before a stream tells of it.
const ASSUMED: Duration = Duration::from_secs(60);

/// How long a pod that was evicted is expected to come back under its name.
const COMES_BACK: Duration = Duration::from_secs(120);

/// A pod and what it asks for in all.
#[derive(Debug)]
pub(super) struct KnownPod {
    pub(super) pod: Pod,
    pub(super) requests: Requests,
}

/// A binding that was made, or a place that is held until the pod can be bound.
#[derive(Debug, Clone)]
pub(super) struct Assumed {
    uid: String,
    pub(super) node: String,
    pub(super) devices: DeviceSet,
    pub(super) since: Instant,
    /// Whether the pod is not bound before its volumes are there.
    is_held: bool,
}

/// What a stream says.
#[derive(Debug)]
pub(super) enum Change<T> {
    /// These are all there are.
    Listed(Vec<T>),
    /// This is there, and like this.
    Put(T),
    /// This is gone.
    Gone(T),
}

/// How a stream fares.
#[derive(Debug, Clone, Default)]
pub(super) struct Ear {
    /// When it last heard, seconds since 1970; none before the first list.
    pub(super) heard_seconds: Option<u64>,
    /// Whether it has to be heard for the cluster to be known.
    pub(super) is_needed: bool,
    /// Lists that were asked for, and tries that failed.
    pub(super) lists: u64,
    pub(super) failures: u64,
    pub(super) problem: Option<String>,
}

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) nodes: BTreeMap<String, Arc<Node>>,
    pub(super) pods: BTreeMap<String, Arc<KnownPod>>,
    /// By the kind of API and the full name.
    pub(super) groups: BTreeMap<(&'static str, String), GroupTerms>,
    pub(super) ears: BTreeMap<&'static str, Ear>,
    pub(super) storage: Storage,
    pub(super) devices: DeviceStore,
    pub(super) namespaces: Namespaces,
    /// Budgets of disruption by their full names, and whether they have changed.
    pub(super) budgets: BTreeMap<String, Budget>,
    pub(super) budgets_changed: bool,
    /// What nodes may give away.
    given: BTreeMap<String, Requests>,
    /// Names of pods by the node that they stand on, and what they ask for together.
    on_node: BTreeMap<String, BTreeSet<String>>,
    used: BTreeMap<String, Requests>,
    assumed: BTreeMap<String, Assumed>,
    /// Pods that were evicted and are made anew under their name.
    evicted: BTreeMap<String, Instant>,
    /// What was changed since it was taken last.
    pub(super) changed_nodes: BTreeSet<String>,
    pub(super) changed_pods: BTreeSet<String>,
    pub(super) groups_changed: bool,
    pub(super) storage_changed: bool,
    pub(super) namespaces_changed: bool,
    /// Since when that may let a pod of ours start.
    pub(super) urgent_since: Option<Instant>,
    /// Pods of ours without a node.
    pub(super) waiting: BTreeSet<String>,
    /// Pods that keep others away by anti-affinity, and pods that would rather have some near or far.
    repelling: BTreeSet<String>,
    wishing: BTreeSet<String>,
    pub(super) ended: bool,
}

impl Cache {
    /// Whether everything that is needed was listed, or is known not to be had now.
    pub(super) fn is_listed(&self) -> bool {
        self.ears.values().filter(|ear| ear.is_needed).all(|ear| ear.heard_seconds.is_some())
    }

    /// Since when at least everything that is needed is known, seconds since 1970; 0 before that.
    pub(super) fn heard_seconds(&self) -> u64 {
        let needed = self.ears.values().filter(|ear| ear.is_needed);
        needed.map(|ear| ear.heard_seconds.unwrap_or(0)).min().unwrap_or(0)
    }

    pub(super) fn node_change(&mut self, change: Change<Node>) {
        match change {
            Change::Listed(all) => {
                let names: BTreeSet<String> = all.iter().map(|node| node.metadata.name.clone()).collect();
                let gone: Vec<String> = self.nodes.keys().filter(|n| !names.contains(*n)).cloned().collect();
                gone.into_iter().for_each(|name| self.remove_node(name));
                all.into_iter().for_each(|node| self.put_node(node));
            }
            Change::Put(node) => self.put_node(node),
            Change::Gone(node) => self.remove_node(node.metadata.name),
        }
    }

    fn remove_node(&mut self, name: String) {
        self.nodes.remove(&name);
        self.given.remove(&name);
        self.changed_nodes.insert(name);
    }

    fn put_node(&mut self, node: Node) {
        let name = node.metadata.name.clone();
        if self.nodes.get(&name).is_none_or(|before| **before != node) {
            self.given.insert(name.clone(), amounts(&node.status.allocatable));
            self.nodes.insert(name.clone(), Arc::new(node));
            self.urge(!self.waiting.is_empty());
            self.changed_nodes.insert(name);
        }
    }

    /// Where this is so, what has changed may let a pod of ours start.
    pub(super) fn urge(&mut self, is_so: bool) {
        if is_so {
            self.urgent_since.get_or_insert_with(Instant::now);
        }
    }

    pub(super) fn pod_change(&mut self, change: Change<Pod>) {
        match change {
            Change::Listed(all) => {
                let names: BTreeSet<String> = all.iter().map(|pod| pod.metadata.full_name()).collect();
                let gone: Vec<String> = self.pods.keys().filter(|n| !names.contains(*n)).cloned().collect();
                gone.into_iter().for_each(|name| self.remove_pod(name));
                all.into_iter().for_each(|pod| self.put_pod(pod));
            }
            Change::Put(pod) => self.put_pod(pod),
            Change::Gone(pod) => self.remove_pod(pod.metadata.full_name()),
        }
    }

    fn put_pod(&mut self, pod: Pod) {
        let name = pod.metadata.full_name();
        let before = self.pods.get(&name);
        if before.is_some_and(|before| before.pod == pod) {
            return;
        }
        self.take_off(&name);
        let is_seen = |assumed: &Assumed| assumed.uid != pod.metadata.uid || !pod.spec.node_name.is_empty();
        if self.assumed.get(&name).is_some_and(is_seen) {
            self.assumed.remove(&name);
        }
        let requests = requests(&pod);
        let repels = !pod.spec.affinity.pod_anti_affinity.required.is_empty();
        for (of, is_one) in [(&mut self.repelling, repels), (&mut self.wishing, pod.wishes_about_others())] {
            if is_one && !pod.is_over() {
                of.insert(name.clone());
            } else {
                of.remove(&name);
            }
        }
        let before = self.pods.get(&name).map(|before| &before.pod);
        self.storage.note_user(&name, before, Some(&pod));
        let before = self.pods.get(&name).cloned();
        self.note_device_user(&name, before.as_ref().map(|before| &before.pod), Some(&pod));
        self.pods.insert(name.clone(), Arc::new(KnownPod { pod, requests }));
        self.put_on(&name);
        self.hold_again(&name);
        self.note_waiting(&name);
        self.changed_pods.insert(name);
    }

    /// A pod of ours without a node waits; one that lets go of its node may make room.
    fn note_waiting(&mut self, name: &str) {
        let known = self.pods.get(name).filter(|known| !known.pod.is_over());
        let waits =
            known.is_some_and(|k| k.pod.spec.scheduler_name == super::SCHEDULER_NAME && !k.pod.is_leaving());
        if waits && self.node_of(name).is_none() {
            self.waiting.insert(name.to_owned());
            self.urge(true);
        } else {
            self.waiting.remove(name);
            self.urge(known_is_gone(self.pods.get(name)) && !self.waiting.is_empty());
        }
    }

    fn remove_pod(&mut self, name: String) {
        self.take_off(&name);
        self.assumed.remove(&name);
        self.repelling.remove(&name);
        self.wishing.remove(&name);
        if let Some(before) = self.pods.remove(&name) {
            self.storage.note_user(&name, Some(&before.pod), None);
            self.note_device_user(&name, Some(&before.pod), None);
        }
        self.note_waiting(&name);
        self.changed_pods.insert(name);
    }

    fn take_off(&mut self, name: &str) {
        let Some(node) = self.node_of(name) else { return };
        let Some(names) = self.on_node.get_mut(&node).filter(|names| names.contains(name)) else { return };
        names.remove(name);
        let is_last = names.is_empty();
        if let (Some(used), Some(known)) = (self.used.get_mut(&node), self.pods.get(name)) {
            subtract(used, &known.requests);
        }
        if is_last {
            self.on_node.remove(&node);
            self.used.remove(&node);
        }
    }

    fn put_on(&mut self, name: &str) {
        let Some(known) = self.pods.get(name).filter(|known| !known.pod.is_over()).cloned() else { return };
        if let Some(node) = self.node_of(name)
            && self.on_node.entry(node.clone()).or_default().insert(name.to_owned())
        {
            add(self.used.entry(node).or_default(), &known.requests);
        }
    }

    /// What a node may give away, what its pods ask for together, and how many they are.
    pub(super) fn room(&self, node: &str) -> (Option<&Requests>, Option<&Requests>, usize) {
        let pods = self.on_node.get(node).map_or(0, BTreeSet::len);
        (self.given.get(node), self.used.get(node), pods)
    }

    /// The node that the pod stands on, is bound to, or that another scheduler keeps for it.
    pub(super) fn node_of(&self, name: &str) -> Option<String> {
        let pod = &self.pods.get(name)?.pod;
        if !pod.spec.node_name.is_empty() {
            return Some(pod.spec.node_name.clone());
        }
        if let Some(assumed) = self.assumed.get(name) {
            return Some(assumed.node.clone());
        }
        let nominated = &pod.status.nominated_node_name;
        (!nominated.is_empty() && pod.spec.scheduler_name != super::SCHEDULER_NAME).then(|| nominated.clone())
    }

    /// The devices that the pod was bound to, while the stream has not told of them.
    pub(super) fn assumed(&self, name: &str) -> Option<&Assumed> {
        self.assumed.get(name)
    }

    /// The pod was bound.
    pub(super) fn assume(&mut self, name: &str, node: &str, devices: DeviceSet) {
        let Some(uid) = self.pods.get(name).map(|known| known.pod.metadata.uid.clone()) else { return };
        self.take_off(name);
        let since = Instant::now();
        let assumed = Assumed { uid, node: node.to_owned(), devices, since, is_held: false };
        self.assumed.insert(name.to_owned(), assumed);
        self.put_on(name);
        self.waiting.remove(name);
        self.changed_pods.insert(name.to_owned());
        self.note_device_holder(name);
    }

    /// The pod was not bound after all. It waits for the next turn that is due anyway: what stood in its way may still be there.
    pub(super) fn take_back(&mut self, name: &str, uid: &str) {
        if self.assumed.get(name).is_some_and(|assumed| assumed.uid == uid) {
            self.take_off(name);
            self.assumed.remove(name);
            self.put_on(name);
            let since = self.urgent_since;
            self.note_waiting(name);
            self.urgent_since = since;
            self.changed_pods.insert(name.to_owned());
            self.note_device_holder(name);
        }
    }

    /// The pod keeps its place and is bound once its volumes are there.
    pub(super) fn hold(&mut self, name: &str) {
        if let Some(assumed) = self.assumed.get_mut(name) {
            (assumed.is_held, assumed.since) = (true, Instant::now());
        }
    }

    /// The pods that keep a place until their volumes are there.
    pub(super) fn held(&self) -> impl Iterator<Item = (&String, &Assumed)> {
        self.assumed.iter().filter(|(_, assumed)| assumed.is_held)
    }

    /// Whether the pod does.
    pub(super) fn is_held(&self, name: &str) -> bool {
        self.assumed.get(name).is_some_and(|assumed| assumed.is_held)
    }

    /// After a restart: a pod of ours whose volumes are being made for the node that it is nominated for keeps its place there.
    fn hold_again(&mut self, name: &str) {
        let Some(pod) = self.pods.get(name).map(|known| &known.pod) else { return };
        let node = pod.status.nominated_node_name.clone();
        let is_free = pod.spec.node_name.is_empty() && !self.assumed.contains_key(name);
        if node.is_empty() || !is_free || !is_ours(pod) || pod.is_over() || pod.is_leaving() {
            return;
        }
        let claims = pod.claims().map(|claim| self.storage.claims.get(&claim));
        let unbound: Option<Vec<&Arc<Claim>>> =
            claims.filter(|claim| claim.is_none_or(|claim| !claim.is_bound())).collect();
        let are_made = |unbound: &Vec<&Arc<Claim>>| {
            !unbound.is_empty() && unbound.iter().all(|claim| claim.selected_node() == Some(&node))
        };
        if unbound.as_ref().is_some_and(are_made) {
            self.assume(name, &node, DeviceSet::NONE);
            self.hold(name);
        }
    }

    /// Claims, volumes, classes or nodes of drivers.
    pub(super) fn storage_change<T: Stored>(&mut self, change: Change<T>) {
        let changed = match change {
            Change::Listed(all) => {
                let names: BTreeSet<String> =
                    all.iter().map(|object| object.metadata().full_name()).collect();
                let gone = T::shelf(&mut self.storage).keys().filter(|name| !names.contains(*name));
                let gone: Vec<String> = gone.cloned().collect();
                gone.iter().for_each(|name| self.storage.remove::<T>(name));
                all.into_iter().for_each(|object| {
                    self.put_stored(object);
                });
                self.storage.note_listed::<T>();
                true
            }
            Change::Put(object) => self.put_stored(object),
            Change::Gone(object) => {
                self.storage.remove::<T>(&object.metadata().full_name());
                true
            }
        };
        self.storage_changed |= changed;
        self.urge(changed && !(self.waiting.is_empty() && self.held().next().is_none()));
    }

    fn put_stored<T: Stored>(&mut self, object: T) -> bool {
        let name = object.metadata().full_name();
        let changed = self.storage.put(object);
        if changed {
            let users: Vec<String> = self.storage.users_of(&name).cloned().collect();
            users.iter().for_each(|user| self.hold_again(user));
        }
        changed
    }

    /// The pod was evicted, and whatever keeps it makes it anew.
    pub(super) fn evict(&mut self, name: &str) {
        self.evicted.insert(name.to_owned(), Instant::now());
    }

    /// Whether the pod is gone and expected back.
    pub(super) fn comes_back(&self, name: &str) -> bool {
        self.evicted.contains_key(name) && !self.pods.contains_key(name)
    }

    /// What no stream has told of in time was not so, and what has not come back in time does not.
    pub(super) fn forget_old(&mut self) {
        self.forget_promises();
        let late = self.evicted.iter().filter(|(_, since)| since.elapsed() > COMES_BACK);
        let late: Vec<String> = late.map(|(name, _)| name.clone()).collect();
        for name in late {
            self.evicted.remove(&name);
            self.changed_pods.insert(name);
        }
        let old = self.assumed.iter().filter(|(_, a)| !a.is_held && a.since.elapsed() > ASSUMED);
        let old: Vec<String> = old.map(|(name, _)| name.clone()).collect();
        for name in old {
            self.take_off(&name);
            self.assumed.remove(&name);
            self.note_device_holder(&name);
            self.changed_pods.insert(name);
        }
    }

    /// The pods that a node holds.
    pub(super) fn pods_on(&self, node: &str) -> impl Iterator<Item = &Arc<KnownPod>> {
        self.on_node.get(node).into_iter().flatten().filter_map(|name| self.pods.get(name))
    }

    /// The pods that stand somewhere, each with its node.
    pub(super) fn standing(&self) -> impl Iterator<Item = (&Arc<KnownPod>, &Arc<Node>)> {
        self.on_node.iter().flat_map(move |(node, names)| {
            let node = self.nodes.get(node);
            names.iter().filter_map(move |name| self.pods.get(name).zip(node))
        })
    }

    /// Those of them that keep others away by anti-affinity.
    pub(super) fn repelling(&self) -> impl Iterator<Item = (&Arc<KnownPod>, &Arc<Node>)> {
        self.with_nodes(&self.repelling)
    }

    /// Those that would rather have some pods near or far, or have to be near some.
    pub(super) fn wishing(&self) -> impl Iterator<Item = (&Arc<KnownPod>, &Arc<Node>)> {
        self.with_nodes(&self.wishing)
    }

    fn with_nodes<'a>(
        &'a self,
        names: &'a BTreeSet<String>,
    ) -> impl Iterator<Item = (&'a Arc<KnownPod>, &'a Arc<Node>)> {
        names.iter().filter_map(|name| {
            let node = self.node_of(name)?;
            self.pods.get(name).zip(self.nodes.get(&node))
        })
    }

    pub(super) fn namespace_change(&mut self, change: Change<Namespace>) {
        let before = self.namespaces.clone();
        match change {
            Change::Listed(all) => self.namespaces.list(all),
            Change::Put(one) => self.namespaces.put(one),
            Change::Gone(one) => self.namespaces.remove(&one.metadata.name),
        }
        let is_new = self.namespaces != before;
        self.namespaces_changed |= is_new;
        self.urge(is_new && !self.waiting.is_empty());
    }

    pub(super) fn budget_change(&mut self, change: Change<Budget>) {
        let named = |budget: Budget| (budget.metadata.full_name(), budget);
        match change {
            Change::Listed(all) => self.budgets = all.into_iter().map(named).collect(),
            Change::Put(budget) => drop(self.budgets.insert(budget.metadata.full_name(), budget)),
            Change::Gone(budget) => drop(self.budgets.remove(&budget.metadata.full_name())),
        }
        self.budgets_changed = true;
        self.urge(!self.waiting.is_empty());
    }

    pub(super) fn group_change(&mut self, api: &'static str, change: Change<PodGroup>) {
        let before = self.groups.clone();
        let named = |group: &PodGroup| (api, group.metadata.full_name());
        match change {
            Change::Listed(all) => {
                self.groups.retain(|(of, _), _| *of != api);
                self.groups.extend(all.iter().map(|group| (named(group), group.terms())));
            }
            Change::Put(group) => drop(self.groups.insert(named(&group), group.terms())),
            Change::Gone(group) => drop(self.groups.remove(&named(&group))),
        }
        let is_new = self.groups != before;
        self.groups_changed |= is_new;
        self.urge(is_new);
    }
}

fn known_is_gone(known: Option<&Arc<KnownPod>>) -> bool {
    known.is_none_or(|known| known.pod.is_over())
}

/// The cache, shared by the streams, the source and the hands.
#[derive(Debug, Default)]
pub(super) struct Shared {
    cache: Mutex<Cache>,
    pub(super) news: Condvar,
}

impl Shared {
    pub(super) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
