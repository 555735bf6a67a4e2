//! Where a pod's claims of devices let it stand: a claim that has its devices goes where these can be reached, one that has none gets some
//! where the pod goes. Which these are is chosen just before the pod is bound. Claims that ask for more than whole devices of one
//! node keep their pod back.

use std::collections::BTreeSet;
use std::sync::Arc;

use lepton_core::model::{DEVICE_MILLI, DeviceSet, DocumentDemand, NamedSelector};

use super::admits::{accept, tolerates};
use super::cache::Cache;
use super::device_store::Promise;
use super::objects::{Meta, Node, Pod, Toleration};
use super::obstacle::Obstacle;
use super::pools::{Found, LocalDevice};
use super::resources::{DeviceClaim, DeviceId, Request};

/// Devices that a claim can have, and pods that it can be reserved for: what the server takes.
const DEVICES_MAX: usize = 32;
const USERS_MAX: usize = 256;

/// Devices that a claim asks for.
#[derive(Debug)]
struct Wish {
    /// The claim's place among those that get devices, and the name of the request.
    claim: usize,
    request: String,
    /// How many; none where all of a node are meant.
    count: Option<usize>,
    tolerations: Vec<Toleration>,
    found: Arc<Found>,
}

/// The claims of a pod.
#[derive(Debug, Default)]
pub(super) struct DeviceClaims {
    /// Those that have their devices.
    allocated: Vec<Arc<DeviceClaim>>,
    /// Nodes on which others are about to get theirs, for this pod.
    promised: Vec<String>,
    /// Those that get theirs where the pod goes, and what they ask for.
    unallocated: Vec<Arc<DeviceClaim>>,
    wishes: Vec<Wish>,
}

impl DeviceClaims {
    /// Of a pod; or why its claims keep it from every node, in the words of the stock scheduler where that would do so too.
    pub(super) fn of(cache: &Cache, pod: &Pod) -> Result<Self, String> {
        let (mut found, mut seen) = (Self::default(), BTreeSet::new());
        for claim in pod.device_claims() {
            if let Some(stream) = cache.devices.unheard() {
                return Err(format!("it has resource claims, and {stream} are not known"));
            }
            let Some((name, is_own)) = claim else {
                return Err(format!("pod {:?}: ResourceClaim not created yet", pod.metadata.full_name()));
            };
            let Some(claim) = cache.devices.claims.get(&name) else {
                return Err(format!("could not find ResourceClaim {name:?}"));
            };
            if claim.metadata.deletion_timestamp.is_some() {
                return Err(format!("resourceclaim {:?} is being deleted", claim.metadata.name));
            }
            let full_name = pod.metadata.full_name();
            if is_own && claim.metadata.controller().is_none_or(|owner| owner.uid != pod.metadata.uid) {
                return Err(format!(
                    "ResourceClaim {name} was not created for pod {full_name} (pod is not owner)"
                ));
            }
            if seen.insert(name.clone()) {
                found.add(cache, &pod.metadata, &name, claim)?;
            }
        }
        Ok(found)
    }

    fn add(&mut self, cache: &Cache, pod: &Meta, name: &str, claim: &Arc<DeviceClaim>) -> Result<(), String> {
        if claim.status.allocation.is_some() {
            if claim.status.reserved_for.len() >= USERS_MAX && !claim.is_reserved_for(pod) {
                return Err(format!("resourceclaim {name} is in use by {USERS_MAX} pods, the most that may"));
            }
            self.allocated.push(Arc::clone(claim));
            return Ok(());
        }
        match cache.devices.promised.get(name) {
            Some(promise) if promise.pod == pod.uid => {
                self.promised.push(promise.node.clone());
                return Ok(());
            }
            Some(_) => {
                return Err(format!("resource claim {name} is in the process of being allocated"));
            }
            None => {}
        }
        let not_placed =
            |what: &str| format!("resourceclaim {name} asks for {what}, which Lepton does not place");
        if !claim.spec.devices.constraints.is_empty() {
            return Err(not_placed("devices that go together (constraints)"));
        }
        let before = self.wishes.len();
        for request in &claim.spec.devices.requests {
            let wish = self.wish(cache, request).map_err(|problem| match problem {
                Problem::NotPlaced(what) => not_placed(what),
                Problem::Wrong(why) => format!("resourceclaim {name}, request {}: {why}", request.name),
                Problem::Stock(why) => why,
            })?;
            self.wishes.push(wish);
        }
        let least = self.wishes[before..].iter().map(|wish| wish.count.unwrap_or(1));
        let least = least.fold(0, usize::saturating_add);
        if least > DEVICES_MAX {
            return Err(format!("resourceclaim {name} asks for {least} devices, and may have {DEVICES_MAX}"));
        }
        self.unallocated.push(Arc::clone(claim));
        Ok(())
    }

    fn wish(&self, cache: &Cache, request: &Request) -> Result<Wish, Problem> {
        let Some(exactly) = &request.exactly else {
            return Err(Problem::NotPlaced("alternatives of devices (firstAvailable)"));
        };
        if exactly.admin_access {
            return Err(Problem::NotPlaced("devices of others (adminAccess)"));
        }
        if exactly.capacity.as_ref().is_some_and(|capacity| !capacity.requests.is_empty()) {
            return Err(Problem::NotPlaced("parts of devices (capacity)"));
        }
        let class = &exactly.device_class_name;
        let Some(class) = cache.devices.classes.get(class) else {
            let name = &request.name;
            return Err(Problem::Stock(format!("request {name}: device class {class} does not exist")));
        };
        let count = match exactly.allocation_mode.as_str() {
            "" | "ExactCount" => Some(exactly.count.max(1)),
            "All" => None,
            other => return Err(Problem::Wrong(format!("unsupported count mode {other}"))),
        };
        let found = cache.devices.pools.found(class, exactly).map_err(Problem::Wrong)?;
        if let Some(what) = found.beyond {
            return Err(Problem::NotPlaced(what));
        }
        Ok(Wish {
            claim: self.unallocated.len(),
            request: request.name.clone(),
            count,
            tolerations: exactly.tolerations.clone(),
            found,
        })
    }

    /// What is in the way on the node.
    pub(super) fn obstacle(&self, cache: &Cache, node: &Node) -> Option<Obstacle> {
        let name = &node.metadata.name;
        let reaches = |claim: &Arc<DeviceClaim>| {
            let allocation = claim.status.allocation.as_ref();
            let nodes = allocation.and_then(|allocation| allocation.node_selector.as_ref());
            nodes.is_none_or(|terms| accept(terms, node))
        };
        if !self.allocated.iter().all(reaches) || self.promised.iter().any(|promised| promised != name) {
            return Some(Obstacle::ClaimElsewhere);
        }
        match self.choose(cache, name, DeviceSet::NONE) {
            Ok(Some(_)) => None,
            Ok(None) => Some(Obstacle::NoDevices),
            Err(problem) => Some(Obstacle::Claims(problem)),
        }
    }

    /// Devices of the node for each wish, those first that are preferred; none where there are too few.
    fn choose(
        &self,
        cache: &Cache,
        node: &str,
        preferred: DeviceSet,
    ) -> Result<Option<Vec<Vec<usize>>>, String> {
        if self.wishes.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let Some(has) = cache.devices.pools.on(node) else { return Ok(None) };
        let is_free = |device: &LocalDevice| cache.devices.takers(&device.id).next().is_none();
        // A slot for each device that is wished for, with those that may fill it.
        let mut slots: Vec<(usize, Vec<usize>)> = Vec::new();
        for (at, wish) in self.wishes.iter().enumerate() {
            let Some(matched) = wish.found.by_node.get(node) else { return Ok(None) };
            if let Some(problem) = &matched.problem {
                return Err(format!("request {}: {problem}", wish.request));
            }
            let mut free: Vec<usize> = matched
                .devices
                .iter()
                .copied()
                .filter(|&at| is_free(&has.devices[at]) && wish.passes(&has.devices[at]))
                .collect();
            free.sort_by_key(|&device| !preferred.contains(device));
            match wish.count {
                Some(count) => slots.extend(std::iter::repeat_n((at, free), count)),
                None if has.is_updating || free.len() < matched.devices.len() || free.is_empty() => {
                    return Ok(None);
                }
                None => slots.extend(free.into_iter().map(|device| (at, vec![device]))),
            }
        }
        let Some(filled) = fill(&slots, has.devices.len()) else { return Ok(None) };
        let mut chosen = vec![Vec::new(); self.wishes.len()];
        for ((wish, _), device) in slots.iter().zip(filled) {
            chosen[*wish].push(device);
        }
        let count = |claim: usize| -> usize {
            let of_claim = self.wishes.iter().zip(&chosen).filter(|(wish, _)| wish.claim == claim);
            of_claim.map(|(_, chosen)| chosen.len()).sum()
        };
        let are_few = (0..self.unallocated.len()).all(|claim| count(claim) <= DEVICES_MAX);
        Ok(are_few.then_some(chosen))
    }

    /// What the claims without devices are about to get on the node; none where there are too few.
    pub(super) fn promises(
        &self,
        cache: &Cache,
        pod: &Meta,
        node: &str,
        preferred: DeviceSet,
    ) -> Option<Vec<(String, Promise)>> {
        let chosen = self.choose(cache, node, preferred).ok().flatten()?;
        let id = |device: usize| Some(cache.devices.pools.on(node)?.devices.get(device)?.id.clone());
        let promise = |(at, claim): (usize, &Arc<DeviceClaim>)| {
            let of_claim = self.wishes.iter().zip(&chosen).filter(|(wish, _)| wish.claim == at);
            let devices: Vec<(String, DeviceId)> = of_claim
                .flat_map(|(wish, chosen)| {
                    chosen.iter().filter_map(|&device| Some((wish.request.clone(), id(device)?)))
                })
                .collect();
            (claim.metadata.full_name(), Promise::new(&claim.metadata, pod, node, devices))
        };
        Some(self.unallocated.iter().enumerate().map(promise).collect())
    }

    /// The devices that the loop counts for the pod while it waits: so many, of the models that its claims mean.
    pub(super) fn demand(&self, cache: &Cache) -> Option<DocumentDemand> {
        if self.wishes.is_empty() {
            return None;
        }
        let count: usize = self.wishes.iter().map(|wish| wish.count.unwrap_or_else(|| wish.fewest())).sum();
        let mut models: Vec<String> = self.models(cache).into_iter().map(str::to_owned).collect();
        if models.is_empty() {
            // One that no node has.
            models.push("resource claims".to_owned());
        }
        Some(DocumentDemand { count: count.min(usize::from(u16::MAX)) as u16, milli: DEVICE_MILLI, models })
    }

    fn models<'a>(&'a self, cache: &'a Cache) -> BTreeSet<&'a str> {
        let mut models = BTreeSet::new();
        if let [only] = &self.wishes[..]
            && only.tolerations.is_empty()
        {
            return only.found.models.iter().map(String::as_str).collect();
        }
        for wish in &self.wishes {
            for (node, matched) in &wish.found.by_node {
                let Some(has) = cache.devices.pools.on(node) else { continue };
                let devices = matched.devices.iter().map(|&at| &has.devices[at]);
                models
                    .extend(devices.filter(|device| wish.passes(device)).map(|device| device.model.as_str()));
            }
        }
        models
    }

    /// The nodes on which nothing of this is in the way; nothing where the loop finds them itself by counting. Where it can count what is
    /// free on a node, the node is one of them also while nothing is: somebody may make room.
    pub(super) fn selectors(&self, cache: &Cache, node_name: &str) -> Vec<NamedSelector> {
        if self.allocated.is_empty() && self.promised.is_empty() && self.wishes.is_empty() {
            return Vec::new();
        }
        let is_bound = !(self.allocated.is_empty() && self.promised.is_empty());
        // The usual: whole nodes of equal devices.
        if let ([only], false) = (&self.wishes[..], is_bound)
            && only.tolerations.is_empty()
            && only.count.is_some()
            && only.found.is_by_model
        {
            return Vec::new();
        }
        let models = self.models(cache);
        let counts: Vec<(&Arc<Node>, bool)> = cache
            .nodes
            .values()
            .map(|node| (node, self.counts(cache, &node.metadata.name, &models)))
            .collect();
        if !is_bound && counts.iter().all(|(_, counts)| *counts) {
            return Vec::new();
        }
        let free = counts.into_iter().filter(|(node, counts)| match self.obstacle(cache, node) {
            None => true,
            Some(obstacle) => *counts && obstacle == Obstacle::NoDevices,
        });
        let values = free.map(|(node, _)| node.metadata.name.clone()).collect();
        vec![NamedSelector { key: node_name.to_owned(), values }]
    }

    /// Whether every wish means all devices of these models that the node has, so that the loop can count them.
    fn counts(&self, cache: &Cache, node: &str, models: &BTreeSet<&str>) -> bool {
        let devices = cache.devices.pools.on(node).map_or(&[][..], |has| &has.devices);
        let of_models: Vec<usize> =
            (0..devices.len()).filter(|&at| models.contains(devices[at].model.as_str())).collect();
        self.wishes.iter().all(|wish| {
            let matched = wish.found.by_node.get(node);
            let matched = matched.map_or(&[][..], |matched| &matched.devices);
            let passed = matched.iter().copied().filter(|&at| wish.passes(&devices[at]));
            passed.eq(of_models.iter().copied())
                && (wish.count.is_some() || matched.is_empty() || matched.len() == wish.fewest())
        })
    }

    /// What the waiting of the pod depends on: pods with equal claims are told the same.
    pub(super) fn shape(&self) -> String {
        let asked: Vec<_> = self.unallocated.iter().map(|claim| &claim.spec).collect();
        let has: Vec<_> = self.allocated.iter().map(|claim| claim.metadata.full_name()).collect();
        format!("{:?}", (asked, has, &self.promised))
    }

    /// The claims that have their devices.
    pub(super) fn allocated(&self) -> &[Arc<DeviceClaim>] {
        &self.allocated
    }
}

/// Why a request keeps its pod back.
enum Problem {
    NotPlaced(&'static str),
    Wrong(String),
    /// In words that are complete.
    Stock(String),
}

impl Wish {
    /// Whether it passes the taints of the device.
    fn passes(&self, device: &LocalDevice) -> bool {
        device.taints.iter().all(|taint| tolerates(&self.tolerations, taint))
    }

    /// How many devices it means on the node on which they are the fewest.
    fn fewest(&self) -> usize {
        let counts = self.found.by_node.values().map(|matched| matched.devices.len());
        counts.filter(|count| *count > 0).min().unwrap_or(1)
    }
}

/// A device for each slot, no device twice; none where that cannot be (augmenting paths).
fn fill(slots: &[(usize, Vec<usize>)], devices: usize) -> Option<Vec<usize>> {
    fn place(
        slot: usize,
        slots: &[(usize, Vec<usize>)],
        of: &mut [Option<usize>],
        seen: &mut [bool],
    ) -> bool {
        slots[slot].1.iter().any(|&device| {
            if std::mem::replace(&mut seen[device], true) {
                return false;
            }
            let is_free = match of[device] {
                None => true,
                Some(other) => place(other, slots, of, seen),
            };
            if is_free {
                of[device] = Some(slot);
            }
            is_free
        })
    }
    let mut of = vec![None; devices];
    for slot in 0..slots.len() {
        if !place(slot, slots, &mut of, &mut vec![false; devices]) {
            return None;
        }
    }
    let mut filled = vec![0; slots.len()];
    for (device, slot) in of.into_iter().enumerate() {
        if let Some(slot) = slot {
            filled[slot] = device;
        }
    }
    Some(filled)
}

/// The pod on the node that a claim's devices are told of: the first of those that use it there.
fn holder<'a>(cache: &'a Cache, claim: &str, node: &str) -> Option<&'a String> {
    cache.devices.users_of(claim).find(|user| cache.node_of(user).is_some_and(|on| on == node))
}

/// Which devices of its node a pod holds by its claims.
pub(super) fn held(cache: &Cache, name: &str, pod: &Pod, node: &str) -> Vec<usize> {
    let Some(has) = cache.devices.pools.on(node).filter(|_| !pod.spec.resource_claims.is_empty()) else {
        return Vec::new();
    };
    let is_held = |device: &LocalDevice| {
        let mut takers = cache.devices.takers(&device.id);
        takers.any(|claim| holder(cache, claim, node).is_some_and(|holder| holder == name))
    };
    (0..has.devices.len()).filter(|&at| is_held(&has.devices[at])).collect()
}

/// Which devices of a node are taken by claims of which no pod stands there.
pub(super) fn taken_by_nobody(cache: &Cache, node: &str) -> Vec<usize> {
    let devices = cache.devices.pools.on(node).map_or(&[][..], |has| &has.devices);
    let is_it = |device: &LocalDevice| {
        let mut takers = cache.devices.takers(&device.id).peekable();
        takers.peek().is_some() && takers.all(|claim| holder(cache, claim, node).is_none())
    };
    (0..devices.len()).filter(|&at| is_it(&devices[at])).collect()
}
