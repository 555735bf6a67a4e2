//! Where the claims of a pod let it stand.

use serde_json::{Value, json};

use super::cache::{Cache, Change};
use super::objects::Pod;
use super::obstacle::Obstacle;
use super::storage::{Claim, CsiNode, Driver, StorageCapacity, StorageClass, Stored, Volume};
use super::volumes::{Errand, Volumes};

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
    let bound = if volume.is_empty() { json!({}) } else { json!({"pv.kubernetes.io/bind-completed": "yes"}) };
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
    assert_eq!(errands(&cache, "n0", &["new"]), Some(vec![Errand::Make { claim: "team/new".to_owned() }]));
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

#[test]
fn a_volume_is_made_where_its_driver_says_that_there_is_room() {
    let claims =
        json!([claim("new", "made", "", "ReadWriteOnce"), claim("lies", "local", "", "ReadWriteOnce")]);
    let classes = json!([class("made", "disk", None), class("local", "disk", None)]);
    let volumes = json!([volume("there", "local", "5Gi", Some("z1"))]);
    let mut cache = cluster(&claims, &volumes, &classes, &json!([]));
    let none = Some(Obstacle::NoStorage);
    let driver = |tells: bool| json!([{"metadata": {"name": "disk"}, "spec": {"storageCapacity": tells}}]);
    let room = |class: &str, zone: &str, more: &Value| {
        let mut room = json!({
            "metadata": {"name": format!("{class}-{zone}"), "namespace": "disk"}, "storageClassName": class,
            "nodeTopology": {"matchLabels": {"zone": zone}}, "capacity": "9Gi"
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            room[key] = value.clone();
        }
        room
    };
    // A driver that says nothing of it is believed to have room.
    assert_eq!(obstacles(&cache, &pod(&["new"])), [None, None]);
    tell::<Driver>(&mut cache, driver(false));
    assert_eq!(obstacles(&cache, &pod(&["new"])), [None, None]);
    tell::<Driver>(&mut cache, driver(true));
    for (rooms, expected) in [
        (json!([]), [none.clone(), none.clone()]),
        (json!([room("made", "z0", &json!({}))]), [None, none.clone()]),
        (json!([room("other", "z0", &json!({}))]), [none.clone(), none.clone()]),
        (json!([room("made", "z0", &json!({"capacity": "4Gi"}))]), [none.clone(), none.clone()]),
        (json!([room("made", "z0", &json!({"capacity": null}))]), [none.clone(), none.clone()]),
        (json!([room("made", "z0", &json!({"nodeTopology": null}))]), [none.clone(), none.clone()]),
        (json!([room("made", "z0", &json!({"maximumVolumeSize": "4Gi"}))]), [none.clone(), none.clone()]),
        (
            json!([room("made", "z1", &json!({"capacity": "1Gi", "maximumVolumeSize": "5Gi"}))]),
            [none.clone(), None],
        ),
    ] {
        tell::<StorageCapacity>(&mut cache, rooms.clone());
        assert_eq!(obstacles(&cache, &pod(&["new"])), expected, "{rooms}");
    }
    // A volume that lies there needs no room.
    tell::<StorageCapacity>(&mut cache, json!([]));
    assert_eq!(obstacles(&cache, &pod(&["lies"])), [none, None]);
}
