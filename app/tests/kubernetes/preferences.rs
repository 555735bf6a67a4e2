//! What pods would rather have: followed where it can be, and forbidding nothing.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::control_plane::ControlPlane;

fn preferred(terms: &Value) -> Value {
    json!({"preferredDuringSchedulingIgnoredDuringExecution": terms})
}

#[test]
#[ignore = "needs kubernetes"]
fn preferences_are_followed_where_they_can_be_and_forbid_nothing() {
    let plane = ControlPlane::start("prefer");
    let soft = json!([{"key": "old", "value": "yes", "effect": "PreferNoSchedule"}]);
    for (name, zone, taints) in
        [("a1", "a", Value::Null), ("a2", "a", Value::Null), ("b1", "b", Value::Null), ("b2", "b", soft)]
    {
        plane.node(name, 0, &json!({"zone": zone, "kubernetes.io/hostname": name, (zone): ""}), &taints);
    }
    let cpu = json!({"cpu": "100m"});
    let labels = |app: &str| json!({"labels": {"app": app}});
    let pods = |app: &str, count: usize, spec: &Value| {
        (0..count).for_each(|n| plane.pod(&format!("{app}-{n}"), "lepton", &cpu, spec, &labels(app)));
    };
    let node_term = |weight: u32, key: &str, operator: &str, values: Value| json!({"weight": weight, "preference": {"matchExpressions": [{"key": key, "operator": operator, "values": values}]}});
    let term = |app: &str, key: &str| {
        let term = json!({"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key});
        preferred(&json!([{"weight": 50, "podAffinityTerm": term}]))
    };
    let by_value = preferred(&json!([
        node_term(1, "zone", "In", json!(["b"])),
        node_term(1, "zone", "In", json!(["nowhere"]))
    ]));
    pods("in-b", 3, &json!({"affinity": {"nodeAffinity": by_value}}));
    let by_key = preferred(&json!([
        node_term(5, "b", "DoesNotExist", json!([])),
        node_term(1, "zone", "In", json!(["b"]))
    ]));
    pods("not-b", 3, &json!({"affinity": {"nodeAffinity": by_key}}));
    let spread = json!({"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"app": "even"}}});
    pods("even", 4, &json!({"topologySpreadConstraints": [spread]}));
    let tolerations = json!([{"key": "old", "operator": "Exists"}]);
    let apart = term("single", "kubernetes.io/hostname");
    pods("single", 5, &json!({"affinity": {"podAntiAffinity": apart}, "tolerations": tolerations}));
    plane.pod("there", "default-scheduler", &cpu, &json!({"nodeName": "a2"}), &labels("there"));
    pods("near", 3, &json!({"affinity": {"podAffinity": term("there", "kubernetes.io/hostname")}}));
    pods("plain", 3, &json!({}));
    // One that stands would rather have others near, and says so of those that say nothing.
    let wish =
        json!({"nodeName": "b1", "affinity": {"podAffinity": term("wanted", "kubernetes.io/hostname")}});
    plane.pod("wishes", "default-scheduler", &cpu, &wish, &labels("wishes"));
    pods("wanted", 3, &json!({}));
    let service = plane.service(&["--mode", "act"]);
    let nodes = |app: &str, count: usize| -> Vec<String> {
        (0..count).filter_map(|n| plane.node_of(&format!("{app}-{n}"))).collect()
    };
    for (app, count) in
        [("in-b", 3), ("not-b", 3), ("even", 4), ("single", 5), ("near", 3), ("plain", 3), ("wanted", 3)]
    {
        service.wait_for(app, || nodes(app, count).len() == count);
    }
    // The taint counts too: of the nodes in b the one without it.
    assert_eq!(nodes("in-b", 3), ["b1"; 3]);
    assert!(nodes("not-b", 3).iter().all(|node| node.starts_with('a')), "{:?}", nodes("not-b", 3));
    assert_eq!(nodes("even", 4).iter().filter(|node| node.starts_with('a')).count(), 2);
    assert_eq!(
        nodes("single", 5).into_iter().collect::<BTreeSet<_>>().len(),
        4,
        "one to a node, and one more"
    );
    assert_eq!(nodes("near", 3), ["a2"; 3]);
    assert_eq!(nodes("wanted", 3), ["b1"; 3]);
    assert!(!nodes("plain", 3).contains(&"b2".to_owned()), "{:?}", nodes("plain", 3));
    // Where nothing else is left, what is not liked is taken.
    for n in 0..3 {
        plane.pod(
            &format!("large-{n}"),
            "lepton",
            &json!({"cpu": "6"}),
            &json!({"nodeSelector": {"zone": "b"}}),
            &labels("large"),
        );
    }
    service.wait_for("both nodes of b", || nodes("large", 3).len() == 2);
}
