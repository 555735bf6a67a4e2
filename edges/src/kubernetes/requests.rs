//! What a pod asks for in all: its containers together, or its most demanding init container beside the sidecars that run by then, with
//! the overhead of its runtime (Kubernetes enhancements 753, 1287, 2837).

use std::collections::BTreeMap;

use super::objects::{Amounts, Container, Pod};
use super::quantity::Quantity;

/// Resources that a pod can ask for as a whole, beside CPU and memory.
const HUGE_PAGES: &str = "hugepages-";

/// Amounts by resource.
pub(super) type Requests = BTreeMap<String, Quantity>;

/// The amounts as numbers; what is no quantity is left out.
pub(super) fn amounts(told: &Amounts) -> Requests {
    told.iter().filter_map(|(name, value)| Some((name.clone(), amount(value)?))).collect()
}

/// One amount.
pub(super) fn amount(told: &serde_json::Value) -> Option<Quantity> {
    match told {
        serde_json::Value::String(text) => Quantity::parse(text),
        other => Quantity::parse(&other.to_string()),
    }
}

/// What the pod asks for in all.
pub(super) fn requests(pod: &Pod) -> Requests {
    let (mut sidecars, mut most) = (Requests::new(), Requests::new());
    for container in &pod.spec.init_containers {
        let own = of_container(pod, container);
        if container.restart_policy == "Always" {
            add(&mut sidecars, &own);
            raise(&mut most, &sidecars);
        } else {
            let mut beside = sidecars.clone();
            add(&mut beside, &own);
            raise(&mut most, &beside);
        }
    }
    let mut together = sidecars;
    for container in &pod.spec.containers {
        add(&mut together, &of_container(pod, container));
    }
    raise(&mut most, &together);
    // What is told of the pod as a whole holds for it as a whole.
    let whole = amounts(&pod.spec.resources.requests).into_iter();
    most.extend(
        whole.filter(|(name, _)| matches!(&**name, "cpu" | "memory") || name.starts_with(HUGE_PAGES)),
    );
    add(&mut most, &amounts(&pod.spec.overhead));
    most.retain(|_, quantity| *quantity > Quantity::default());
    most
}

/// The larger of what is asked, granted and in force: a resize holds both until it is over. What the node can never grant is not held.
fn of_container(pod: &Pod, container: &Container) -> Requests {
    let mut own = amounts(&container.resources.requests);
    let statuses = pod.status.container_statuses.iter().chain(&pod.status.init_container_statuses);
    if let Some(status) = statuses.into_iter().find(|status| status.name == container.name) {
        let refused = pod.status.resize.iter().any(|c| c.status == "True" && c.reason == "Infeasible");
        if refused && !status.resources.requests.is_empty() {
            own.clear();
        }
        raise(&mut own, &amounts(&status.allocated_resources));
        raise(&mut own, &amounts(&status.resources.requests));
    }
    own
}

/// Adds the amounts of the other.
pub(super) fn add(to: &mut Requests, other: &Requests) {
    for (name, quantity) in other {
        let sum = to.entry(name.clone()).or_default();
        *sum = *sum + *quantity;
    }
}

/// Takes away the amounts of the other.
pub(super) fn subtract(from: &mut Requests, other: &Requests) {
    for (name, quantity) in other {
        if let Some(sum) = from.get_mut(name) {
            *sum = *sum - *quantity;
        }
    }
}

fn raise(to: &mut Requests, other: &Requests) {
    for (name, quantity) in other {
        let most = to.entry(name.clone()).or_default();
        *most = (*most).max(*quantity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cpu(spec: &serde_json::Value, status: &serde_json::Value) -> i64 {
        let pod: Pod = serde_json::from_value(json!({"spec": spec, "status": status})).expect("a pod");
        requests(&pod).get("cpu").map_or(0, |cpu| cpu.up(1000))
    }

    fn container(name: &str, cpu: &str, restart: &str) -> serde_json::Value {
        json!({"name": name, "restartPolicy": restart, "resources": {"requests": {"cpu": cpu}}})
    }

    #[test]
    fn the_most_that_runs_at_once_is_asked_for() {
        let (a, b) = (container("a", "1", ""), container("b", "500m", ""));
        let both = json!([a, b]);
        for (init, expected) in [
            (json!([]), 1500),
            // A large step before the rest.
            (json!([container("i", "4", "")]), 4000),
            (json!([container("i", "1", "")]), 1500),
            // A sidecar runs beside all that comes after it, and not beside what came before.
            (json!([container("s", "1", "Always"), container("i", "4", "")]), 5000),
            (json!([container("i", "4", ""), container("s", "1", "Always")]), 4000),
            (json!([container("s", "3", "Always")]), 4500),
        ] {
            assert_eq!(
                cpu(&json!({"containers": both, "initContainers": init}), &json!({})),
                expected,
                "{init}"
            );
        }
    }

    #[test]
    fn the_pod_as_a_whole_comes_before_its_containers_and_overhead_on_top() {
        let spec = json!({
            "containers": [container("a", "1", "")], "overhead": {"cpu": "250m"},
            "resources": {"requests": {"cpu": "3"}}
        });
        assert_eq!(cpu(&spec, &json!({})), 3250);
        // It can be said of no other resource.
        let mut spec = spec;
        spec["resources"] = json!({"requests": {"example.com/card": "2"}});
        let pod: Pod = serde_json::from_value(json!({"spec": spec})).expect("a pod");
        assert!(!requests(&pod).contains_key("example.com/card"));
    }

    #[test]
    fn a_resize_holds_the_larger_until_it_is_over() {
        let spec = json!({"containers": [container("a", "1", "")]});
        let status = json!({"containerStatuses": [{
            "name": "a", "allocatedResources": {"cpu": "1"}, "resources": {"requests": {"cpu": 2}}
        }]});
        assert_eq!(cpu(&spec, &status), 2000);
        // The same of a sidecar.
        let spec = json!({"containers": [container("a", "1", "")], "initContainers": [container("s", "1", "Always")]});
        let status = json!({"initContainerStatuses": [{"name": "s", "resources": {"requests": {"cpu": 3}}}]});
        assert_eq!(cpu(&spec, &status), 4000);
    }

    #[test]
    fn what_a_resize_can_never_have_is_not_held() {
        let spec = json!({"containers": [container("a", "64", "")]});
        let status = |reason: &str| {
            json!({
                "conditions": [{"type": "Ready", "status": "True"}, {"type": "PodResizePending", "status": "True", "reason": reason}],
                "containerStatuses": [{"name": "a", "allocatedResources": {"cpu": "1"}, "resources": {"requests": {"cpu": 2}}}]
            })
        };
        assert_eq!(cpu(&spec, &status("Deferred")), 64_000);
        assert_eq!(cpu(&spec, &status("Infeasible")), 2000);
    }
}
