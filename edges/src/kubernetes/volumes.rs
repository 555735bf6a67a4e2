//! Where a pod's claims let it stand: a claim that has its volume goes where that can be reached; one whose class waits for the first pod gets
//! a volume where the pod goes, one that lies there or a new one; any other claim makes the pod wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lepton_core::model::NamedSelector;

use super::admits::{accept, matches};
use super::cache::Cache;
use super::objects::{Amounts, Node, NodeTerm, Pod};
use super::obstacle::Obstacle;
use super::requests::amounts;
use super::storage::{Claim, Csi, CsiDriver, StorageClass, Volume};

/// Labels of a volume that say where it can be reached, each with its older name.
const ZONES: [(&str, &str); 2] = [
    ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"),
    ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"),
];
/// Between the zones of a volume that lies in several.
const BETWEEN_ZONES: &str = "__";
/// What has to be done before a pod with claims can be bound on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Errand {
    /// A volume is to be made for the claim there.
    Make { claim: String },
    /// The claim is to get a volume that lies there.
    Give { claim: String, volume: String },
}

/// The volumes of a pod.
#[derive(Debug, Default)]
pub(super) struct Volumes {
    /// The pod.
    uid: String,
    /// Those that its claims have.
    bound: Vec<Arc<Volume>>,
    /// Claims that get theirs where the pod goes.
    unbound: Vec<(Arc<Claim>, Arc<StorageClass>)>,
}

impl Volumes {
    /// Of a pod; or why its claims keep it from every node, in the words of the stock scheduler.
    pub(super) fn of(cache: &Cache, pod: &Pod) -> Result<Self, String> {
        let mut found = Self { uid: pod.metadata.uid.clone(), ..Self::default() };
        let storage = &cache.storage;
        for name in pod.claims() {
            if let Some(stream) = storage.unheard() {
                return Err(format!("it has volumes, and {stream} are not known"));
            }
            let short = name.split_once('/').map_or(name.as_str(), |(_, short)| short);
            let is_own = pod.spec.volumes.iter().any(|volume| {
                volume.ephemeral.is_some() && short == format!("{}-{}", pod.metadata.name, volume.name)
            });
            let Some(claim) = storage.claims.get(&name) else {
                let of_controller = "waiting for ephemeral volume controller to create the ";
                let waiting = if is_own { of_controller } else { "" };
                let missing = if is_own { "" } else { " not found" };
                return Err(format!("{waiting}persistentvolumeclaim \"{short}\"{missing}"));
            };
            if claim.metadata.deletion_timestamp.is_some() {
                return Err(format!("persistentvolumeclaim \"{short}\" is being deleted"));
            }
            if is_own && claim.metadata.controller().is_none_or(|owner| owner.uid != pod.metadata.uid) {
                return Err(format!("PVC {name} was not created for pod {}", pod.metadata.full_name()));
            }
            let others = storage.users_of(&name).filter(|user| **user != pod.metadata.full_name());
            if claim.is_for_one_pod() && others.into_iter().any(|user| cache.node_of(user).is_some()) {
                return Err("node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod".to_owned());
            }
            if claim.is_bound() {
                let Some(volume) = storage.volumes.get(&claim.spec.volume_name) else {
                    return Err("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
                        .to_owned());
                };
                found.bound.push(Arc::clone(volume));
                continue;
            }
            let class = claim.spec.storage_class_name.as_ref().and_then(|class| storage.classes.get(class));
            match class.filter(|class| class.waits_for_pod() && claim.spec.volume_name.is_empty()) {
                Some(class) => found.unbound.push((Arc::clone(claim), Arc::clone(class))),
                None => return Err("pod has unbound immediate PersistentVolumeClaims".to_owned()),
            }
        }
        Ok(found)
    }

    /// Whether every claim has its volume.
    pub(super) fn are_bound(&self) -> bool {
        self.unbound.is_empty()
    }

    /// What is in the way on the node.
    pub(super) fn obstacle(&self, cache: &Cache, node: &Node) -> Option<Obstacle> {
        if self.bound.is_empty() && self.unbound.is_empty() {
            return None;
        }
        let reaches = |volume: &Arc<Volume>| {
            volume.spec.node_affinity.required.as_ref().is_none_or(|terms| accept(terms, node))
        };
        let broken = [
            (!self.bound.iter().all(reaches), Obstacle::VolumeAffinity),
            (!self.bound.iter().all(|volume| is_in_zone(volume, node)), Obstacle::VolumeZone),
            (self.errands_with(cache, node, |_, _| true).is_none(), Obstacle::NoVolume),
            (self.errands(cache, node).is_none(), Obstacle::NoStorage),
            (!self.has_room(cache, node), Obstacle::TooManyVolumes),
        ];
        broken.into_iter().find(|(is_broken, _)| *is_broken).map(|(_, obstacle)| obstacle)
    }

    /// What has to be done so that every claim has its volume on the node; none where that cannot be.
    pub(super) fn errands(&self, cache: &Cache, node: &Node) -> Option<Vec<Errand>> {
        self.errands_with(cache, node, |claim, class| cache.storage.has_room(claim, class, node))
    }

    fn errands_with(
        &self,
        cache: &Cache,
        node: &Node,
        has_room: impl Fn(&Claim, &StorageClass) -> bool,
    ) -> Option<Vec<Errand>> {
        let mut given = BTreeSet::new();
        let errand = |(claim, class): &(Arc<Claim>, Arc<StorageClass>)| {
            let name = claim.metadata.full_name();
            // It is being made already, for one node.
            if let Some(selected) = claim.selected_node() {
                return (*selected == node.metadata.name).then_some(Errand::Make { claim: name });
            }
            if let Some(volume) = lying_there(cache, claim, class, node, &given) {
                given.insert(volume.clone());
                return Some(Errand::Give { claim: name, volume });
            }
            let admits = class.allowed_topologies.is_empty()
                || class.allowed_topologies.iter().any(|topology| {
                    let labels = &node.metadata.labels;
                    topology.match_label_expressions.iter().all(|wanted| {
                        labels.get(&wanted.key).is_some_and(|value| wanted.values.contains(value))
                    })
                });
            (class.makes_volumes() && admits && has_room(claim, class))
                .then_some(Errand::Make { claim: name })
        };
        self.unbound.iter().map(errand).collect()
    }

    /// Whether the node can take so many volumes more, as far as its drivers say how many it takes.
    fn has_room(&self, cache: &Cache, node: &Node) -> bool {
        let Some(limits) = cache.storage.csi_nodes.get(&node.metadata.name) else { return true };
        let limit = |driver: &str| {
            let told = limits.spec.drivers.iter().find(|told| told.name == driver)?;
            told.allocatable.as_ref()?.count
        };
        let mut wanted = BTreeMap::<&str, (BTreeSet<&Csi>, usize)>::new();
        for csi in self.bound.iter().filter_map(|volume| volume.spec.csi.as_ref()) {
            wanted.entry(&csi.driver).or_default().0.insert(csi);
        }
        for (_, class) in &self.unbound {
            wanted.entry(&class.provisioner).or_default().1 += 1;
        }
        wanted.retain(|driver, _| limit(driver).is_some());
        if wanted.is_empty() {
            return true;
        }
        for other in cache.pods_on(&node.metadata.name).filter(|other| other.pod.metadata.uid != self.uid) {
            for claim in other.pod.claims().filter_map(|claim| cache.storage.claims.get(&claim)) {
                match cache.storage.volumes.get(&claim.spec.volume_name) {
                    Some(volume) => {
                        if let Some(csi) = &volume.spec.csi
                            && let Some((volumes, _)) = wanted.get_mut(csi.driver.as_str())
                        {
                            volumes.insert(csi);
                        }
                    }
                    // It is being made.
                    None => {
                        let class = claim.spec.storage_class_name.as_ref();
                        let class = class.and_then(|class| cache.storage.classes.get(class));
                        if let Some((_, more)) = class.and_then(|c| wanted.get_mut(c.provisioner.as_str())) {
                            *more += 1;
                        }
                    }
                }
            }
        }
        wanted
            .iter()
            .all(|(driver, (volumes, more))| limit(driver).is_none_or(|limit| volumes.len() + more <= limit))
    }

    /// The nodes on which nothing of this is in the way: labels that they carry, where labels say it all, else which they are; nothing where any
    /// node will do.
    pub(super) fn selectors(&self, cache: &Cache, node_name: &str) -> Vec<NamedSelector> {
        if self.bound.is_empty() && self.unbound.is_empty() {
            return Vec::new();
        }
        let drivers: Vec<&String> =
            self.bound.iter().filter_map(|volume| Some(&volume.spec.csi.as_ref()?.driver)).collect();
        let limits = |told: &CsiDriver| told.allocatable.is_some() && drivers.contains(&&told.name);
        let mut nodes = cache.storage.csi_nodes.values();
        let by_labels = self.unbound.is_empty() && !nodes.any(|node| node.spec.drivers.iter().any(limits));
        let affinities: Vec<&Vec<NodeTerm>> = self
            .bound
            .iter()
            .filter_map(|volume| Some(&volume.spec.node_affinity.required.as_ref()?.node_selector_terms))
            .collect();
        let has_zones = self.bound.iter().any(|volume| zones_of(volume).next().is_some());
        let simple: Option<Vec<&NodeTerm>> = affinities.into_iter().map(|terms| in_lists(terms)).collect();
        match simple {
            Some(terms) if by_labels && !has_zones => {
                let listed = terms.into_iter().flat_map(|term| &term.match_expressions);
                listed.map(|e| NamedSelector { key: e.key.clone(), values: e.values.clone() }).collect()
            }
            _ => {
                let free = cache.nodes.values().filter(|node| self.obstacle(cache, node).is_none());
                let values: Vec<String> = free.map(|node| node.metadata.name.clone()).collect();
                let is_any = values.len() == cache.nodes.len();
                let only = NamedSelector { key: node_name.to_owned(), values };
                if is_any { Vec::new() } else { vec![only] }
            }
        }
    }
}

/// The one term of an affinity that only lists values of labels.
pub(super) fn in_lists(terms: &[NodeTerm]) -> Option<&NodeTerm> {
    let [term] = terms else { return None };
    let lists = term.match_expressions.iter().all(|expression| expression.operator == "In");
    (lists && term.match_fields.is_empty() && !term.match_expressions.is_empty()).then_some(term)
}

/// Labels of places that the volume carries, with what they say.
fn zones_of(volume: &Volume) -> impl Iterator<Item = (&str, &String)> {
    let labels = &volume.metadata.labels;
    ZONES.into_iter().flat_map(|(key, older)| [key, older]).filter_map(|key| Some((key, labels.get(key)?)))
}

/// Whether the node carries the places of the volume, or none of any volume.
fn is_in_zone(volume: &Volume, node: &Node) -> bool {
    let labels = &node.metadata.labels;
    if !ZONES.iter().any(|(key, older)| labels.contains_key(*key) || labels.contains_key(*older)) {
        return true;
    }
    zones_of(volume).all(|(key, places)| {
        let newer = ZONES.iter().find(|(_, older)| *older == key).map_or(key, |(newer, _)| newer);
        let place = labels.get(key).or_else(|| labels.get(newer));
        place.is_some_and(|place| places.split(BETWEEN_ZONES).any(|one| one == place))
    })
}

/// The smallest volume that lies within reach of the node, belongs to nobody and is as the claim wants it.
fn lying_there(
    cache: &Cache,
    claim: &Claim,
    class: &StorageClass,
    node: &Node,
    taken: &BTreeSet<String>,
) -> Option<String> {
    let size = |of: &Amounts| amounts(of).get("storage").copied().unwrap_or_default();
    let wanted = claim.size();
    let mode = |mode: &Option<String>| mode.clone().unwrap_or_else(|| "Filesystem".to_owned());
    let name = claim.metadata.full_name();
    let fits = |volume: &&Arc<Volume>| {
        let spec = &volume.spec;
        spec.storage_class_name == class.metadata.name
            && match cache.storage.owner_of(volume) {
                Some(owner) => owner == name,
                None => volume.status.phase == "Available" && volume.metadata.deletion_timestamp.is_none(),
            }
            && !taken.contains(&volume.metadata.name)
            && mode(&spec.volume_mode) == mode(&claim.spec.volume_mode)
            && claim.spec.access_modes.iter().all(|wanted| spec.access_modes.contains(wanted))
            && claim.spec.selector.as_ref().is_none_or(|s| matches(Some(s), &volume.metadata.labels))
            && size(&spec.capacity) >= wanted
            && spec.node_affinity.required.as_ref().is_none_or(|terms| accept(terms, node))
    };
    let fitting = cache.storage.volumes.values().filter(fits);
    fitting.min_by_key(|volume| size(&volume.spec.capacity)).map(|volume| volume.metadata.name.clone())
}
