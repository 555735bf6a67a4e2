//! What labels and taints of a node say to a pod, and labels of a pod to a selector: the stock rules.

use std::collections::BTreeMap;

use super::objects::{Expression, LabelSelector, Node, NodeTerm, NodeTerms, Pod, Taint, Toleration};

type Labels = BTreeMap<String, String>;

/// The taint that mirrors a node's `unschedulable`.
pub(super) const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Whether no new pods are to come, save those that tolerate it. A controller follows with the taint, and takes it away later.
pub(super) fn is_cordoned(node: &Node) -> bool {
    node.spec.unschedulable || hard_taints(node).any(|taint| taint.key == UNSCHEDULABLE)
}

/// Whether one of them lets the pod pass a cordon.
pub(super) fn tolerates_cordon(tolerations: &[Toleration]) -> bool {
    let taint = Taint { key: UNSCHEDULABLE.to_owned(), effect: "NoSchedule".to_owned(), ..Taint::default() };
    tolerates(tolerations, &taint)
}

/// The taints that keep pods off, cordons among them.
pub(super) fn hard_taints(node: &Node) -> impl Iterator<Item = &Taint> {
    let keeps_off = |taint: &&Taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute");
    node.spec.taints.iter().filter(keeps_off)
}

/// Whether one of them lets the pod pass the taint.
pub(super) fn tolerates(tolerations: &[Toleration], taint: &Taint) -> bool {
    tolerations.iter().any(|toleration| {
        (toleration.effect.is_empty() || toleration.effect == taint.effect)
            && match toleration.operator.as_str() {
                "Exists" => toleration.key.is_empty() || toleration.key == taint.key,
                "" | "Equal" => toleration.key == taint.key && toleration.value == taint.value,
                // Operators of newer servers let nothing pass here.
                _ => false,
            }
    })
}

/// Whether the pod's node selector and its required node affinity accept the node.
pub(super) fn selects(pod: &Pod, node: &Node) -> bool {
    let labels = &node.metadata.labels;
    let selected = pod.spec.node_selector.iter().all(|(key, value)| labels.get(key) == Some(value));
    let required = &pod.spec.affinity.node_affinity.required;
    selected && required.as_ref().is_none_or(|terms| accept(terms, node))
}

/// Whether one of the terms accepts the node.
pub(super) fn accept(terms: &NodeTerms, node: &Node) -> bool {
    terms.node_selector_terms.iter().any(|term| term_accepts(term, node))
}

/// Whether the term accepts the node.
pub(super) fn term_accepts(term: &NodeTerm, node: &Node) -> bool {
    // A term that says nothing accepts nothing.
    if term.match_expressions.is_empty() && term.match_fields.is_empty() {
        return false;
    }
    let fields = Labels::from([("metadata.name".to_owned(), node.metadata.name.clone())]);
    term.match_expressions.iter().all(|e| holds(e, &node.metadata.labels))
        && term.match_fields.iter().all(|e| e.key == "metadata.name" && holds(e, &fields))
}

/// Whether the selector takes the labels; none takes nothing, an empty one all.
pub(super) fn matches(selector: Option<&LabelSelector>, labels: &Labels) -> bool {
    selector.is_some_and(|selector| {
        selector.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && selector.match_expressions.iter().all(|e| holds(e, labels))
    })
}

/// Whether the labels are as the expression requires.
fn holds(expression: &Expression, labels: &Labels) -> bool {
    let value = labels.get(&expression.key);
    let within = || value.is_some_and(|value| expression.values.contains(value));
    let beyond = |compare: fn(&i64, &i64) -> bool| {
        let told = value.and_then(|value| value.parse::<i64>().ok());
        let bound = expression.values.first().and_then(|bound| bound.parse::<i64>().ok());
        told.zip(bound).is_some_and(|(told, bound)| compare(&told, &bound))
    };
    match expression.operator.as_str() {
        "In" => within(),
        "NotIn" => !within(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => beyond(i64::gt),
        "Lt" => beyond(i64::lt),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(labels: &serde_json::Value, taints: &serde_json::Value) -> Node {
        let node = json!({"metadata": {"name": "n1", "labels": labels}, "spec": {"taints": taints}});
        serde_json::from_value(node).expect("a node")
    }

    #[test]
    fn a_taint_is_passed_by_key_value_and_effect() {
        let tainted = node(&json!({}), &json!([{"key": "gpu", "value": "a", "effect": "NoSchedule"}]));
        let soft = node(&json!({}), &json!([{"key": "gpu", "value": "a", "effect": "PreferNoSchedule"}]));
        assert_eq!(hard_taints(&soft).count(), 0);
        let taint = hard_taints(&tainted).next().expect("a hard one");
        for (toleration, passes) in [
            (json!({"operator": "Exists"}), true),
            (json!({"key": "gpu", "operator": "Exists"}), true),
            (json!({"key": "gpu", "operator": "Exists", "effect": "NoExecute"}), false),
            (json!({"key": "gpu", "value": "a"}), true),
            (json!({"key": "gpu", "operator": "Equal", "value": "a", "effect": "NoSchedule"}), true),
            (json!({"key": "gpu", "value": "b"}), false),
            (json!({"key": "cpu", "operator": "Exists"}), false),
            (json!({"key": "gpu", "operator": "Gt", "value": "3"}), false),
        ] {
            let toleration: Toleration = serde_json::from_value(toleration.clone()).expect("a toleration");
            assert_eq!(tolerates(std::slice::from_ref(&toleration), taint), passes, "{toleration:?}");
        }
        assert!(!tolerates(&[], taint));
    }

    #[test]
    fn terms_are_alternatives_and_their_expressions_all_hold() {
        let node = node(&json!({"zone": "a", "memory": "80"}), &json!([]));
        let expression = |key: &str, operator: &str, values: &[&str]| json!({"key": key, "operator": operator, "values": values});
        for (terms, accepted) in [
            (json!([{"matchExpressions": [expression("zone", "In", &["a", "b"])]}]), true),
            (json!([{"matchExpressions": [expression("zone", "NotIn", &["a"])]}]), false),
            (json!([{"matchExpressions": [expression("rack", "NotIn", &["a"])]}]), true),
            (
                json!([{"matchExpressions": [expression("zone", "Exists", &[]), expression("rack", "Exists", &[])]}]),
                false,
            ),
            (
                json!([{"matchExpressions": [expression("rack", "Exists", &[])]}, {"matchExpressions": [expression("rack", "DoesNotExist", &[])]}]),
                true,
            ),
            (
                json!([{"matchExpressions": [expression("memory", "Gt", &["79"]), expression("memory", "Lt", &["81"])]}]),
                true,
            ),
            (json!([{"matchExpressions": [expression("memory", "Gt", &["80"])]}]), false),
            (json!([{"matchExpressions": [expression("zone", "Gt", &["1"])]}]), false),
            (json!([{"matchFields": [expression("metadata.name", "In", &["n1"])]}]), true),
            (json!([{"matchFields": [expression("metadata.name", "NotIn", &["n1"])]}]), false),
            (json!([{}]), false),
            (json!([]), false),
        ] {
            let pod: Pod = serde_json::from_value(json!({"spec": {"affinity": {"nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}
            }}}}))
            .expect("a pod");
            assert_eq!(selects(&pod, &node), accepted, "{terms}");
        }
        let pod: Pod =
            serde_json::from_value(json!({"spec": {"nodeSelector": {"zone": "b"}}})).expect("a pod");
        assert!(!selects(&pod, &node));
        assert!(selects(&Pod::default(), &node));
    }
}
