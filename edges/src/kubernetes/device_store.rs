//! What is known of devices: slices, classes and claims as the streams tell them, which pods use which claims, and which devices are taken.
//! What follows from it for a pod is found out in [`device_claims`](super::device_claims).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use super::objects::Meta;
use super::pools::Pools;
use super::resources::{DeviceClaim, DeviceClass, DeviceId, Slice};

/// The streams of claims, slices and classes.
pub(super) const STREAMS: [&str; 3] = ["resourceclaims", "resourceslices", "deviceclasses"];

/// Devices that a claim is about to get.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Promise {
    /// Of the claim, and of the pod that it gets them for.
    pub(super) uid: String,
    pub(super) pod: String,
    pub(super) node: String,
    /// For which request, and which.
    pub(super) devices: Vec<(String, DeviceId)>,
    /// Whether it may be written already, and is not broken before it is known that it is not.
    pub(super) is_written: bool,
    pub(super) since: Instant,
}

impl Promise {
    pub(super) fn new(claim: &Meta, pod: &Meta, node: &str, devices: Vec<(String, DeviceId)>) -> Self {
        Self {
            uid: claim.uid.clone(),
            pod: pod.uid.clone(),
            node: node.to_owned(),
            devices,
            is_written: false,
            since: Instant::now(),
        }
    }
}

/// What is known of devices.
#[derive(Debug, Default)]
pub(super) struct DeviceStore {
    pub(super) slices: BTreeMap<String, Arc<Slice>>,
    pub(super) classes: BTreeMap<String, Arc<DeviceClass>>,
    pub(super) claims: BTreeMap<String, Arc<DeviceClaim>>,
    pub(super) pools: Pools,
    /// The streams that have told all there is.
    pub(super) listed: BTreeSet<&'static str>,
    /// Pods by the claim that they use.
    pub(super) users: BTreeMap<String, BTreeSet<String>>,
    /// What claims are about to get and are not seen to have yet.
    pub(super) promised: BTreeMap<String, Promise>,
    /// Claims by the device that they have or are about to get.
    pub(super) taken: BTreeMap<DeviceId, BTreeSet<String>>,
}

impl DeviceStore {
    /// A stream that has not told all there is yet.
    pub(super) fn unheard(&self) -> Option<&'static str> {
        STREAMS.into_iter().find(|stream| !self.listed.contains(stream))
    }

    /// The pods that use a claim.
    pub(super) fn users_of(&self, claim: &str) -> impl Iterator<Item = &String> {
        self.users.get(claim).into_iter().flatten()
    }

    /// The claims that have a device, or are about to.
    pub(super) fn takers(&self, device: &DeviceId) -> impl Iterator<Item = &String> {
        self.taken.get(device).into_iter().flatten()
    }

    /// What the claim is about to get is written now.
    pub(super) fn note_written(&mut self, claim: &str) {
        if let Some(promise) = self.promised.get_mut(claim) {
            promise.is_written = true;
        }
    }

    /// The devices of a claim: those that it has, else those that it is about to get.
    pub(super) fn devices_of(&self, claim: &str) -> Vec<DeviceId> {
        let has: Vec<DeviceId> =
            self.claims.get(claim).map_or_else(Vec::new, |c| c.taken().cloned().collect());
        match self.promised.get(claim) {
            Some(promise) if has.is_empty() => promise.devices.iter().map(|(_, id)| id.clone()).collect(),
            _ => has,
        }
    }

    pub(super) fn take(&mut self, claim: &str, devices: &[DeviceId]) {
        for device in devices {
            self.taken.entry(device.clone()).or_default().insert(claim.to_owned());
        }
    }

    pub(super) fn let_go(&mut self, claim: &str, devices: &[DeviceId]) {
        for device in devices {
            if let Some(claims) = self.taken.get_mut(device) {
                claims.remove(claim);
                if claims.is_empty() {
                    self.taken.remove(device);
                }
            }
        }
    }
}
