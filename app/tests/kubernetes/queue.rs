//! Who is bound first where not all can be, and what happens between a decision and its binding.

use serde_json::{Value, json};

use crate::control_plane::ControlPlane;

fn none() -> Value {
    json!({})
}

#[test]
#[ignore = "needs kubernetes"]
fn the_more_important_and_the_older_come_first_and_what_fits_nowhere_holds_up_nobody() {
    let plane = ControlPlane::start("queue");
    plane.node("n1", 0, &none(), &Value::Null);
    let class = json!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 10
    });
    plane.post("/apis/scheduling.k8s.io/v1/priorityclasses", &class);
    let cpu = |cores: &str| json!({"cpu": cores});
    for n in 0..20 {
        plane.pod(&format!("huge-{n}"), "lepton", &cpu("64"), &json!({"priorityClassName": "high"}), &none());
    }
    plane.pod("older", "lepton", &cpu("4"), &none(), &none());
    // Times of creation are whole seconds.
    let created = |pod: &str| plane.pod_now(pod)["metadata"]["creationTimestamp"].clone();
    let mut newer = 0;
    while newer == 0 || created(&format!("newer-{newer}")) == created("older") {
        newer += 1;
        plane.pod(&format!("newer-{newer}"), "lepton", &cpu("4"), &none(), &none());
    }
    let last = format!("newer-{newer}");
    plane.pod("high", "lepton", &cpu("4"), &json!({"priorityClassName": "high"}), &none());
    (1..newer).for_each(|n| plane.delete(&format!("/api/v1/namespaces/default/pods/newer-{n}")));
    let service = plane.service(&["--mode", "act"]);
    service.wait_for("two of three", || plane.node_of("high").is_some() && plane.node_of("older").is_some());
    service.wait_for("why the third waits", || plane.unscheduled(&last).is_some());
    assert_eq!(plane.node_of(&last), None);
}

#[test]
#[ignore = "needs kubernetes"]
fn of_gangs_that_want_the_same_room_one_is_bound_whole_and_the_other_holds_nothing() {
    let plane = ControlPlane::start("two-gangs");
    for name in ["n1", "n2", "n3"] {
        plane.node(name, 4, &none(), &Value::Null);
    }
    let gpus = json!({"cpu": "1", "nvidia.com/gpu": "4"});
    let of = |gang: &str| json!({"labels": {"lepton/gang": gang}, "annotations": {"lepton/gang-size": "2"}});
    // They come in turns, and a scheduler that binds pod by pod would hold one and a half of both.
    for n in 0..2 {
        for gang in ["one", "two"] {
            plane.pod(&format!("{gang}-{n}"), "lepton", &gpus, &none(), &of(gang));
        }
    }
    let service = plane.service(&["--mode", "act"]);
    let bound = |gang: &str| (0..2).filter(|n| plane.node_of(&format!("{gang}-{n}")).is_some()).count();
    service.wait_for("one of them", || bound("one") + bound("two") >= 2);
    service.wait_for("why the other waits", || {
        ["one-0", "two-0"].iter().any(|pod| plane.unscheduled(pod).is_some())
    });
    assert_eq!([bound("one"), bound("two")].iter().max(), Some(&2));
    assert_eq!(bound("one") + bound("two"), 2, "none of the other");
    // The room that is left is for who can use it.
    plane.pod("single", "lepton", &gpus, &none(), &none());
    service.wait_for("the third node", || plane.node_of("single").is_some());
}

#[test]
#[ignore = "needs kubernetes"]
fn label_keys_of_affinity_and_of_spread_mean_the_values_of_the_pod() {
    let plane = ControlPlane::start("label-keys");
    for (name, zone) in [("a1", "a"), ("b1", "b")] {
        plane.node(name, 0, &json!({"zone": zone, "kubernetes.io/hostname": name}), &Value::Null);
    }
    let cpu = json!({"cpu": "100m"});
    let of = |version: &str| json!({"labels": {"app": "web", "version": version}});
    let web = json!({"matchLabels": {"app": "web"}});
    let apart = json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "zone", "labelSelector": web, "matchLabelKeys": ["version"]}
    ]}}});
    // Two of each version, each of them in a zone of its own, beside those of the other version.
    for version in ["1", "2"] {
        for n in 0..2 {
            plane.pod(&format!("web-{version}-{n}"), "lepton", &cpu, &apart, &of(version));
        }
    }
    let service = plane.service(&["--mode", "act"]);
    for version in ["1", "2"] {
        let nodes =
            || (0..2).filter_map(|n| plane.node_of(&format!("web-{version}-{n}"))).collect::<Vec<_>>();
        service.wait_for(version, || nodes().len() == 2);
        let mut nodes = nodes();
        nodes.sort();
        assert_eq!(nodes, ["a1", "b1"], "version {version}");
    }
    // A third version, with both zones full of the others, is spread by itself.
    let spread = json!({"topologySpreadConstraints": [{
        "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": web, "matchLabelKeys": ["version"]
    }]});
    for n in 0..2 {
        plane.pod(&format!("web-3-{n}"), "lepton", &cpu, &spread, &of("3"));
    }
    let nodes = || (0..2).filter_map(|n| plane.node_of(&format!("web-3-{n}"))).collect::<Vec<_>>();
    service.wait_for("the third version", || nodes().len() == 2);
    assert_ne!(nodes()[0], nodes()[1]);
}
