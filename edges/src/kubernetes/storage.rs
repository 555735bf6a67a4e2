//! Storage of a cluster as the streams tell it: claims, volumes, classes, and how many volumes a node takes; and which pods use which
//! claims. What follows from it for a pod is found out in [`volumes`](super::volumes).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use super::admits::matches;
use super::objects::{Amounts, Expression, LabelSelector, Meta, Node, NodeTerms, Object, Pod};
use super::quantity::Quantity;
use super::requests::amount;

/// The annotation of a claim that names the node that its volume is made for.
pub(super) const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
/// The annotation of a claim that is bound for good.
const BOUND: &str = "pv.kubernetes.io/bind-completed";
/// What stands in the place of a provisioner where none makes volumes.
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// A wish for a volume.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Claim {
    pub(super) metadata: Meta,
    pub(super) spec: ClaimSpec,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ClaimSpec {
    pub(super) volume_name: String,
    pub(super) storage_class_name: Option<String>,
    pub(super) access_modes: Vec<String>,
    pub(super) volume_mode: Option<String>,
    pub(super) selector: Option<LabelSelector>,
    pub(super) resources: ClaimResources,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClaimResources {
    pub(super) requests: Amounts,
}

impl Claim {
    /// Whether it has its volume for good.
    pub(super) fn is_bound(&self) -> bool {
        !self.spec.volume_name.is_empty() && self.metadata.annotations.contains_key(BOUND)
    }

    /// The node that its volume is made for.
    pub(super) fn selected_node(&self) -> Option<&String> {
        self.metadata.annotations.get(SELECTED_NODE)
    }

    /// How large its volume has to be.
    pub(super) fn size(&self) -> Quantity {
        self.spec.resources.requests.get("storage").and_then(amount).unwrap_or_default()
    }

    /// Whether one pod alone may use it at a time.
    pub(super) fn is_for_one_pod(&self) -> bool {
        self.spec.access_modes.iter().any(|mode| mode == "ReadWriteOncePod")
    }
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Volume {
    pub(super) metadata: Meta,
    pub(super) spec: VolumeSpec,
    pub(super) status: VolumeStatus,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct VolumeSpec {
    pub(super) capacity: Amounts,
    pub(super) access_modes: Vec<String>,
    pub(super) volume_mode: Option<String>,
    pub(super) storage_class_name: String,
    pub(super) claim_ref: Option<serde_json::Value>,
    pub(super) node_affinity: VolumeAffinity,
    pub(super) csi: Option<Csi>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct VolumeAffinity {
    pub(super) required: Option<NodeTerms>,
}

/// A volume of a driver, by the driver's own name for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Csi {
    pub(super) driver: String,
    pub(super) volume_handle: String,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct VolumeStatus {
    pub(super) phase: String,
}

/// A class of storage: who makes its volumes, where and when.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct StorageClass {
    pub(super) metadata: Meta,
    pub(super) provisioner: String,
    pub(super) volume_binding_mode: String,
    pub(super) allowed_topologies: Vec<Topology>,
}

/// Where its volumes may be made: all of these labels.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Topology {
    pub(super) match_label_expressions: Vec<Expression>,
}

impl StorageClass {
    /// Whether a claim gets its volume where its first pod goes.
    pub(super) fn waits_for_pod(&self) -> bool {
        self.volume_binding_mode == "WaitForFirstConsumer"
    }

    /// Whether volumes are made on demand.
    pub(super) fn makes_volumes(&self) -> bool {
        !self.provisioner.is_empty() && self.provisioner != NO_PROVISIONER
    }
}

/// What the drivers of a node say of it.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct CsiNode {
    pub(super) metadata: Meta,
    pub(super) spec: CsiNodeSpec,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct CsiNodeSpec {
    pub(super) drivers: Vec<CsiDriver>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct CsiDriver {
    pub(super) name: String,
    pub(super) allocatable: Option<CsiRoom>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct CsiRoom {
    pub(super) count: Option<usize>,
}

/// A driver, of which only this is read: whether it says how much room it has.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Driver {
    pub(super) metadata: Meta,
    pub(super) spec: DriverSpec,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct DriverSpec {
    pub(super) storage_capacity: bool,
}

/// What a driver says of the room for volumes of a class, within reach of some nodes.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct StorageCapacity {
    pub(super) metadata: Meta,
    storage_class_name: String,
    node_topology: Option<LabelSelector>,
    capacity: Option<serde_json::Value>,
    maximum_volume_size: Option<serde_json::Value>,
}

impl StorageCapacity {
    /// Whether a volume of the class and size can be made where the node reaches it.
    fn has_room(&self, class: &StorageClass, size: Quantity, node: &Node) -> bool {
        let most = self.maximum_volume_size.as_ref().or(self.capacity.as_ref()).and_then(amount);
        self.storage_class_name == class.metadata.name
            && most.is_some_and(|most| most >= size)
            && matches(self.node_topology.as_ref(), &node.metadata.labels)
    }
}

/// Objects that storage keeps by name.
pub(super) trait Stored: Object + PartialEq {
    /// Their name among the streams.
    const STREAM: &'static str;

    fn metadata(&self) -> &Meta;
    /// Where they are kept.
    fn shelf(storage: &mut Storage) -> &mut BTreeMap<String, Arc<Self>>;
}

macro_rules! stored {
    ($kind:ty, $shelf:ident, $stream:literal) => {
        impl Object for $kind {
            fn take_version(&mut self) -> String {
                std::mem::take(&mut self.metadata.resource_version)
            }
        }

        impl Stored for $kind {
            const STREAM: &'static str = $stream;

            fn metadata(&self) -> &Meta {
                &self.metadata
            }

            fn shelf(storage: &mut Storage) -> &mut BTreeMap<String, Arc<Self>> {
                &mut storage.$shelf
            }
        }
    };
}

stored!(Claim, claims, "persistentvolumeclaims");
stored!(Volume, volumes, "persistentvolumes");
stored!(StorageClass, classes, "storageclasses");
stored!(CsiNode, csi_nodes, "csinodes");
stored!(Driver, drivers, "csidrivers");
stored!(StorageCapacity, capacities, "csistoragecapacities");

/// What is known of storage.
#[derive(Debug, Default)]
pub(super) struct Storage {
    pub(super) claims: BTreeMap<String, Arc<Claim>>,
    pub(super) volumes: BTreeMap<String, Arc<Volume>>,
    pub(super) classes: BTreeMap<String, Arc<StorageClass>>,
    pub(super) csi_nodes: BTreeMap<String, Arc<CsiNode>>,
    drivers: BTreeMap<String, Arc<Driver>>,
    capacities: BTreeMap<String, Arc<StorageCapacity>>,
    /// The streams that have told all there is.
    listed: BTreeSet<&'static str>,
    /// Pods by the claim that they use.
    users: BTreeMap<String, BTreeSet<String>>,
    /// Volumes that were given to a claim and are not seen to be yet, with the claim.
    given: BTreeMap<String, String>,
}

impl Storage {
    /// Takes an object in; whether it is another than before.
    pub(super) fn put<T: Stored>(&mut self, object: T) -> bool {
        let name = object.metadata().full_name();
        let shelf = T::shelf(self);
        if shelf.get(&name).is_some_and(|before| **before == object) {
            return false;
        }
        shelf.insert(name, Arc::new(object));
        true
    }

    /// All objects of the kind were told.
    pub(super) fn note_listed<T: Stored>(&mut self) {
        self.listed.insert(T::STREAM);
    }

    /// A stream that has not told all there is yet.
    pub(super) fn unheard(&self) -> Option<&'static str> {
        let needed = [Claim::STREAM, Volume::STREAM, StorageClass::STREAM, CsiNode::STREAM];
        needed.into_iter().find(|stream| !self.listed.contains(stream))
    }

    /// Whether there is room for a new volume for the claim within reach of the node, as far as the driver of the class says how much
    /// there is.
    pub(super) fn has_room(&self, claim: &Claim, class: &StorageClass, node: &Node) -> bool {
        let tells = self.drivers.get(&class.provisioner).is_some_and(|driver| driver.spec.storage_capacity);
        let size = claim.size();
        !tells
            || size == Quantity::default()
            || self.capacities.values().any(|capacity| capacity.has_room(class, size, node))
    }

    pub(super) fn remove<T: Stored>(&mut self, name: &str) {
        T::shelf(self).remove(name);
    }

    /// The pod uses its claims, or none any more.
    pub(super) fn note_user(&mut self, name: &str, before: Option<&Pod>, now: Option<&Pod>) {
        for claim in before.into_iter().flat_map(Pod::claims) {
            if let Some(users) = self.users.get_mut(&claim) {
                users.remove(name);
                if users.is_empty() {
                    self.users.remove(&claim);
                }
            }
        }
        for claim in now.filter(|pod| !pod.is_over()).into_iter().flat_map(Pod::claims) {
            self.users.entry(claim).or_default().insert(name.to_owned());
        }
    }

    /// The pods that use a claim.
    pub(super) fn users_of(&self, claim: &str) -> impl Iterator<Item = &String> {
        self.users.get(claim).into_iter().flatten()
    }

    /// The volume goes to the claim, until it is seen or taken back.
    pub(super) fn give(&mut self, volume: &str, claim: &str) {
        let Self { volumes, given, .. } = self;
        given.retain(|name, _| volumes.get(name).is_some_and(|known| known.spec.claim_ref.is_none()));
        given.insert(volume.to_owned(), claim.to_owned());
    }

    /// What was given to the claim was not.
    pub(super) fn take_back(&mut self, claim: &str) {
        self.given.retain(|_, to| to != claim);
    }

    /// The claim that a volume belongs to, if one.
    pub(super) fn owner_of(&self, volume: &Volume) -> Option<String> {
        let named = |key: &str| volume.spec.claim_ref.as_ref()?.get(key)?.as_str().map(str::to_owned);
        let seen = named("namespace").zip(named("name")).map(|(space, name)| format!("{space}/{name}"));
        seen.or_else(|| self.given.get(&volume.metadata.name).cloned())
    }
}
