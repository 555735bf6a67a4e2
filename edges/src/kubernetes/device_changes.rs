//! Changes of slices, classes and claims, and of the pods that use them: what is known of devices, and what is told anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::cache::{Cache, Change};
use super::device_store::{DeviceStore, Promise, STREAMS};
use super::objects::{Meta, Object, Pod};
use super::resources::{DeviceClaim, DeviceClass, DeviceId, Slice};

/// How long devices that were promised to a claim count as taken before a stream tells of it.
const PROMISED: Duration = Duration::from_secs(60);

/// Objects about devices that are kept by name.
pub(super) trait Told: Object + PartialEq {
    /// Their name among the streams.
    const STREAM: &'static str;

    fn metadata(&self) -> &Meta;
    /// Where they are kept.
    fn shelf(known: &mut DeviceStore) -> &mut BTreeMap<String, Arc<Self>>;
    /// What else changes where one is another than before; whether that may let a pod start.
    fn note(cache: &mut Cache, name: &str, before: Option<&Self>, now: Option<&Self>) -> bool;
}

macro_rules! told {
    ($kind:ty, $shelf:ident, $stream:expr, $version:expr, $note:expr) => {
        impl Object for $kind {
            fn take_version(&mut self) -> String {
                let version: fn(&mut Meta) -> String = $version;
                version(&mut self.metadata)
            }
        }

        impl Told for $kind {
            const STREAM: &'static str = $stream;

            fn metadata(&self) -> &Meta {
                &self.metadata
            }

            fn shelf(known: &mut DeviceStore) -> &mut BTreeMap<String, Arc<Self>> {
                &mut known.$shelf
            }

            fn note(cache: &mut Cache, name: &str, before: Option<&Self>, now: Option<&Self>) -> bool {
                let note: fn(&mut Cache, &str, Option<&Self>, Option<&Self>) -> bool = $note;
                note(cache, name, before, now)
            }
        }
    };
}

told!(Slice, slices, STREAMS[1], |meta| std::mem::take(&mut meta.resource_version), Cache::note_slice);
told!(
    DeviceClass,
    classes,
    STREAMS[2],
    |meta| std::mem::take(&mut meta.resource_version),
    |cache, _, _, _| {
        cache.devices.pools.forget_filters();
        true
    }
);
// What is written of a claim is written with its version.
told!(DeviceClaim, claims, STREAMS[0], |meta| meta.resource_version.clone(), Cache::note_claim);

impl Cache {
    /// Slices, classes or claims.
    pub(super) fn device_change<T: Told>(&mut self, change: Change<T>) {
        match change {
            Change::Listed(all) => {
                let names: BTreeSet<String> = all.iter().map(|one| one.metadata().full_name()).collect();
                let shelf = T::shelf(&mut self.devices);
                let gone: Vec<String> = shelf.keys().filter(|name| !names.contains(*name)).cloned().collect();
                gone.iter().for_each(|name| self.put_told::<T>(name, None));
                all.into_iter().for_each(|one| self.put_told(&one.metadata().full_name(), Some(one)));
                self.devices.listed.insert(T::STREAM);
                self.storage_changed = true;
            }
            Change::Put(one) => self.put_told(&one.metadata().full_name(), Some(one)),
            Change::Gone(one) => self.put_told::<T>(&one.metadata().full_name(), None),
        }
    }

    fn put_told<T: Told>(&mut self, name: &str, now: Option<T>) {
        let shelf = T::shelf(&mut self.devices);
        let before = shelf.get(name).cloned();
        if before.as_deref() == now.as_ref() {
            return;
        }
        let now = now.map(Arc::new);
        match &now {
            Some(now) => drop(shelf.insert(name.to_owned(), Arc::clone(now))),
            None => drop(shelf.remove(name)),
        }
        let may_start = T::note(self, name, before.as_deref(), now.as_deref());
        // Pods that wait may be told otherwise.
        self.storage_changed = true;
        self.urge(may_start && !(self.waiting.is_empty() && self.held().next().is_none()));
    }

    fn note_slice(&mut self, name: &str, before: Option<&Slice>, now: Option<&Slice>) -> bool {
        let nodes: BTreeSet<&String> = before.iter().chain(&now).map(|slice| &slice.spec.node_name).collect();
        for node in nodes {
            let is_there = now.is_some_and(|now| now.spec.node_name == *node);
            let slice = self.devices.slices.get(name).filter(|_| is_there);
            self.devices.pools.put(node, name, slice);
            self.changed_nodes.insert(node.clone());
        }
        true
    }

    fn note_claim(&mut self, name: &str, before: Option<&DeviceClaim>, now: Option<&DeviceClaim>) -> bool {
        let taken = |claim: Option<&DeviceClaim>| -> Vec<DeviceId> {
            claim.into_iter().flat_map(DeviceClaim::taken).cloned().collect()
        };
        let (had, has) = (taken(before), taken(now));
        let promise = self.devices.promised.get(name);
        let is_over = promise.is_some_and(|promise| {
            now.is_none_or(|now| now.metadata.uid != promise.uid || now.status.allocation.is_some())
        });
        if is_over {
            self.break_promise(name);
        }
        self.devices.let_go(name, &had);
        self.devices.take(name, &has);
        self.note_devices(had.iter().chain(&has));
        let users: Vec<String> = self.devices.users_of(name).cloned().collect();
        let waits = users.iter().any(|user| self.waiting.contains(user));
        self.changed_pods.extend(users);
        let is_ready = now.is_some_and(|now| now.status.allocation.is_some());
        if is_ready { waits } else { !self.devices.promised.contains_key(name) }
    }

    /// What is told of the nodes of these devices depends on who has them.
    fn note_devices<'a>(&mut self, devices: impl Iterator<Item = &'a DeviceId>) {
        let nodes = devices.filter_map(|id| self.devices.pools.node_of(id).cloned());
        self.changed_nodes.extend(nodes.collect::<Vec<_>>());
    }

    /// The pod uses its claims, or none any more; others may have their devices now, or nobody.
    pub(super) fn note_device_user(&mut self, name: &str, before: Option<&Pod>, now: Option<&Pod>) {
        let claims = |pod: Option<&Pod>| -> BTreeSet<String> {
            let pod = pod.filter(|pod| !pod.is_over());
            pod.into_iter().flat_map(Pod::device_claims).flatten().map(|(claim, _)| claim).collect()
        };
        let (had, has) = (claims(before), claims(now));
        for claim in had.difference(&has) {
            if let Some(users) = self.devices.users.get_mut(claim) {
                users.remove(name);
                if users.is_empty() {
                    self.devices.users.remove(claim);
                }
            }
        }
        for claim in &has {
            self.devices.users.entry(claim.clone()).or_default().insert(name.to_owned());
        }
        for claim in had.union(&has) {
            let users: Vec<String> = self.devices.users_of(claim).cloned().collect();
            self.changed_pods.extend(users);
            let devices = self.devices.devices_of(claim);
            self.note_devices(devices.iter());
        }
    }

    /// The pod stands somewhere else now, or nowhere.
    pub(super) fn note_device_holder(&mut self, name: &str) {
        if let Some(known) =
            self.pods.get(name).filter(|known| !known.pod.spec.resource_claims.is_empty()).cloned()
        {
            self.note_device_user(name, Some(&known.pod), Some(&known.pod));
        }
    }

    /// The claim is about to get these devices.
    pub(super) fn promise_devices(&mut self, claim: &str, promise: Promise) {
        self.break_promise(claim);
        let devices: Vec<DeviceId> = promise.devices.iter().map(|(_, id)| id.clone()).collect();
        self.devices.promised.insert(claim.to_owned(), promise);
        self.devices.take(claim, &devices);
        self.note_devices(devices.iter());
    }

    /// The claim does not get what it was about to, or has it now.
    pub(super) fn break_promise(&mut self, claim: &str) {
        let Some(promise) = self.devices.promised.remove(claim) else { return };
        let devices: Vec<DeviceId> = promise.devices.into_iter().map(|(_, id)| id).collect();
        let has = self.devices.devices_of(claim);
        self.devices.let_go(claim, &devices);
        self.devices.take(claim, &has);
        self.note_devices(devices.iter());
    }

    /// The pod's claims get nothing that they were about to and that is not written.
    pub(super) fn break_promises(&mut self, pod: &Pod) {
        for (claim, _) in pod.device_claims().flatten() {
            let promise = self.devices.promised.get(&claim);
            if promise.is_some_and(|promise| promise.pod == pod.metadata.uid && !promise.is_written) {
                self.break_promise(&claim);
            }
        }
    }

    /// What no stream has told of in time was not so, but for pods that keep their place.
    pub(super) fn forget_promises(&mut self) {
        let held: BTreeSet<&String> =
            self.held().filter_map(|(name, _)| Some(&self.pods.get(name)?.pod.metadata.uid)).collect();
        let old = self
            .devices
            .promised
            .iter()
            .filter(|(_, promise)| promise.since.elapsed() > PROMISED && !held.contains(&promise.pod));
        let old: Vec<String> = old.map(|(claim, _)| claim.clone()).collect();
        old.iter().for_each(|claim| self.break_promise(claim));
    }
}
