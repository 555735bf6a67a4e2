//! Where a pod's claims let it stand: a claim that has its volume goes where that can be reached; one whose class waits for the first pod gets
//! a volume where the pod goes, one that lies there or a new one; any other claim makes the pod wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lepton_core::model::NamedSelector;

use super::admits::{accept, matches};
use super::cache::Cache;
use super::objects::{Amounts, Node, NodeTerm, Pod};
use super::obstacle::Obstacle;
use super::quantity::Quantity;
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
            (self.errands(cache, node).is_none(), Obstacle::NoVolume),
            (!self.has_room(cache, node), Obstacle::TooManyVolumes),
        ];
        broken.into_iter().find(|(is_broken, _)| *is_broken).map(|(_, obstacle)| obstacle)
    }

    /// What has to be done so that every claim has its volume on the node; none where that cannot be.
    pub(super) fn errands(&self, cache: &Cache, node: &Node) -> Option<Vec<Errand>> {
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
            (class.makes_volumes() && admits).then_some(Errand::Make { claim: name })
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
    let wanted: Quantity = size(&claim.spec.resources.requests);
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

#[cfg(test)]
mod tests {
    use super::super::cache::Change;
    use super::super::storage::{CsiNode, Stored};
    use super::*;
    use serde_json::{Value, json};

    fn tell<T: Stored>(cache: &mut Cache, all: Value) {
        cache.storage_change::<T>(Change::Listed(serde_json::from_value(all).expect("objects")));
    }

    /// Nodes n0 and n1 in the zones z0 and z1, one pod on n0 with the claim `held`, and this storage.
    fn cluster(claims: &Value, volumes: &Value, classes: &Value, csi_nodes: &Value) -> Cache {
        let mut cache = Cache::default();
        for n in 0..2 {
            let labels = json!({"zone": format!("z{n}"), "topology.kubernetes.io/zone": format!("z{n}")});
            let node = json!({"metadata": {"name": format!("n{n}"), "labels": labels}});
            cache.node_change(Change::Put(serde_json::from_value(node).expect("a node")));
        }
        let mut there = pod(&["held"]);
        (there.metadata.name, there.metadata.uid) = ("there".to_owned(), "u-there".to_owned());
        there.spec.node_name = "n0".to_owned();
        cache.pod_change(Change::Put(there));
        tell::<Claim>(&mut cache, claims.clone());
        tell::<Volume>(&mut cache, volumes.clone());
        tell::<StorageClass>(&mut cache, classes.clone());
        tell::<CsiNode>(&mut cache, csi_nodes.clone());
        cache
    }

    fn pod(claims: &[&str]) -> Pod {
        let named = |claim: &&str| json!({"name": claim, "persistentVolumeClaim": {"claimName": claim}});
        let volumes: Vec<Value> = claims.iter().map(named).collect();
        let pod = json!({
            "metadata": {"name": "p", "namespace": "team", "uid": "u-p"}, "spec": {"volumes": volumes}
        });
        serde_json::from_value(pod).expect("a pod")
    }

    fn claim(name: &str, class: &str, volume: &str, mode: &str) -> Value {
        let bound =
            if volume.is_empty() { json!({}) } else { json!({"pv.kubernetes.io/bind-completed": "yes"}) };
        json!({
            "metadata": {"name": name, "namespace": "team", "annotations": bound},
            "spec": {
                "storageClassName": class, "volumeName": volume, "accessModes": [mode],
                "resources": {"requests": {"storage": "5Gi"}}
            }
        })
    }

    fn volume(name: &str, class: &str, size: &str, zone: Option<&str>) -> Value {
        let required = zone.map(|zone| {
            json!({"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "zone", "operator": "In", "values": [zone]}
            ]}]})
        });
        json!({
            "metadata": {"name": name},
            "spec": {
                "storageClassName": class, "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"],
                "csi": {"driver": "disk", "volumeHandle": name}, "nodeAffinity": {"required": required}
            },
            "status": {"phase": "Available"}
        })
    }

    fn class(name: &str, provisioner: &str, zone: Option<&str>) -> Value {
        let topologies: Vec<Value> = zone
            .map(|zone| json!({"matchLabelExpressions": [{"key": "zone", "values": [zone]}]}))
            .into_iter()
            .collect();
        json!({
            "metadata": {"name": name}, "provisioner": provisioner,
            "volumeBindingMode": "WaitForFirstConsumer", "allowedTopologies": topologies
        })
    }

    /// What is in the way on each node.
    fn obstacles(cache: &Cache, pod: &Pod) -> Vec<Option<Obstacle>> {
        let volumes = Volumes::of(cache, pod).expect("its claims are in order");
        let found = cache.nodes.values().map(|node| volumes.obstacle(cache, node)).collect();
        // The labels that are told admit the same nodes.
        let selectors = volumes.selectors(cache, "name");
        let admitted = cache.nodes.values().map(|node| {
            selectors.iter().all(|selector| {
                let told = node.metadata.labels.get(&selector.key);
                let told = if selector.key == "name" { Some(&node.metadata.name) } else { told };
                told.is_some_and(|told| selector.values.contains(told))
            })
        });
        let free: Vec<bool> = admitted.collect();
        let found: Vec<Option<Obstacle>> = found;
        assert_eq!(free, found.iter().map(Option::is_none).collect::<Vec<_>>(), "{selectors:?}");
        found
    }

    #[test]
    fn a_volume_is_reached_where_its_affinity_and_its_zone_allow() {
        let zoned = |places: &str| {
            let mut volume = volume("v", "c", "10Gi", None);
            volume["metadata"]["labels"] = json!({"failure-domain.beta.kubernetes.io/zone": places});
            volume
        };
        let (near, zone) = (Some(Obstacle::VolumeAffinity), Some(Obstacle::VolumeZone));
        for (volume, expected) in [
            (volume("v", "c", "10Gi", None), [None, None]),
            (volume("v", "c", "10Gi", Some("z1")), [near, None]),
            (zoned("z0"), [None, zone]),
            (zoned("z0__z1"), [None, None]),
        ] {
            let claims = json!([claim("data", "c", "v", "ReadWriteOnce")]);
            let cache = cluster(&claims, &json!([volume]), &json!([]), &json!([]));
            assert_eq!(obstacles(&cache, &pod(&["data"])), expected, "{volume}");
        }
    }

    #[test]
    fn an_unbound_claim_gets_the_smallest_volume_that_lies_there_or_a_new_one() {
        let claims = json!([
            claim("lies", "local", "", "ReadWriteOnce"),
            claim("also", "local", "", "ReadWriteOnce"),
            claim("new", "made", "", "ReadWriteOnce"),
            claim("many", "local", "", "ReadWriteMany")
        ]);
        let mut taken = volume("taken", "local", "5Gi", Some("z1"));
        taken["spec"]["claimRef"] = json!({"namespace": "team", "name": "other"});
        let volumes = json!([
            volume("small", "local", "4Gi", Some("z0")),
            volume("large", "local", "20Gi", Some("z1")),
            volume("right", "local", "5Gi", Some("z1")),
            volume("other", "made-not", "5Gi", Some("z0")),
            taken
        ]);
        let classes =
            json!([class("local", "kubernetes.io/no-provisioner", None), class("made", "disk", Some("z0"))]);
        let mut cache = cluster(&claims, &volumes, &classes, &json!([]));
        let none = Some(Obstacle::NoVolume);
        assert_eq!(obstacles(&cache, &pod(&["lies"])), [none.clone(), None]);
        assert_eq!(obstacles(&cache, &pod(&["new"])), [None, none.clone()]);
        assert_eq!(obstacles(&cache, &pod(&["lies", "new"])), [none.clone(), none.clone()]);
        assert_eq!(obstacles(&cache, &pod(&["many"])), [none.clone(), none]);
        let give =
            |claim: &str, volume: &str| Errand::Give { claim: claim.to_owned(), volume: volume.to_owned() };
        let errands = |cache: &Cache, node: &str, claims: &[&str]| {
            let volumes = Volumes::of(cache, &pod(claims)).expect("its claims are in order");
            volumes.errands(cache, &cache.nodes[node])
        };
        let both = Some(vec![give("team/lies", "right"), give("team/also", "large")]);
        assert_eq!(errands(&cache, "n1", &["lies", "also"]), both);
        assert_eq!(
            errands(&cache, "n0", &["new"]),
            Some(vec![Errand::Make { claim: "team/new".to_owned() }])
        );
        // What was given to another is not there any more, and comes back.
        cache.storage.give("right", "team/lies");
        assert_eq!(errands(&cache, "n1", &["also"]), Some(vec![give("team/also", "large")]));
        assert_eq!(errands(&cache, "n1", &["lies"]), Some(vec![give("team/lies", "right")]));
        cache.storage.take_back("team/lies");
        assert_eq!(errands(&cache, "n1", &["also"]), Some(vec![give("team/also", "right")]));
    }

    #[test]
    fn a_node_takes_no_more_volumes_than_its_drivers_say() {
        let claims = json!([
            claim("held", "c", "v0", "ReadWriteOnce"),
            claim("data", "c", "v1", "ReadWriteOnce"),
            claim("new", "made", "", "ReadWriteOnce")
        ]);
        let volumes = json!([volume("v0", "c", "5Gi", None), volume("v1", "c", "5Gi", None)]);
        let classes = json!([class("made", "disk", None)]);
        for (count, expected) in [(1, Some(Obstacle::TooManyVolumes)), (2, None)] {
            let room = json!([{"metadata": {"name": "n0"}, "spec": {"drivers": [
                {"name": "disk", "allocatable": {"count": count}}
            ]}}]);
            let cache = cluster(&claims, &volumes, &classes, &room);
            for claim in ["data", "new"] {
                assert_eq!(obstacles(&cache, &pod(&[claim])), [expected.clone(), None], "{count} {claim}");
            }
            // The same volume counts once.
            assert_eq!(obstacles(&cache, &pod(&["held"])), [None, None], "{count}");
        }
    }

    #[test]
    fn claims_that_are_not_as_they_must_be_keep_a_pod_back() {
        let mut going = claim("going", "made", "", "ReadWriteOnce");
        going["metadata"]["deletionTimestamp"] = "2026-11-30T00:00:00Z".into();
        let claims = json!([
            claim("held", "c", "v0", "ReadWriteOncePod"),
            claim("lost", "c", "v9", "ReadWriteOnce"),
            claim("classless", "", "", "ReadWriteOnce"),
            going
        ]);
        let volumes = json!([volume("v0", "c", "5Gi", None)]);
        let cache = cluster(&claims, &volumes, &json!([class("made", "disk", None)]), &json!([]));
        for (claim, expected) in [
            ("nowhere", "persistentvolumeclaim \"nowhere\" not found"),
            ("going", "persistentvolumeclaim \"going\" is being deleted"),
            ("classless", "pod has unbound immediate PersistentVolumeClaims"),
            ("lost", "bound to non-existent pv(s)"),
            ("held", "ReadWriteOncePod access mode already in-use by another pod"),
        ] {
            let why = Volumes::of(&cache, &pod(&[claim])).expect_err(claim);
            assert!(why.contains(expected), "{claim}: {why}");
        }
        let why = Volumes::of(&Cache::default(), &pod(&["held"])).expect_err("nothing is known yet");
        assert_eq!(why, "it has volumes, and persistentvolumeclaims are not known");
        assert!(Volumes::of(&Cache::default(), &pod(&[])).is_ok());
    }
}
