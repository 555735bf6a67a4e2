//! Which pods start together: the group of Kubernetes itself, of Kueue, of scheduler-plugins, of Volcano, of KAI, or our own label.

use std::collections::BTreeMap;

use super::objects::{GroupTerms, Pod};

/// The APIs that have objects for groups, with where they are listed.
pub(super) const GROUP_APIS: [(&str, &str); 4] = [
    ("scheduling.k8s.io", "/apis/scheduling.k8s.io/v1beta1/podgroups"),
    ("scheduling.x-k8s.io", "/apis/scheduling.x-k8s.io/v1alpha1/podgroups"),
    ("scheduling.volcano.sh", "/apis/scheduling.volcano.sh/v1beta1/podgroups"),
    ("scheduling.run.ai", "/apis/scheduling.run.ai/v2alpha2/podgroups"),
];

/// Our own label for a gang, and the annotation or label that says how many pods it has.
const GANG: &str = "lepton/gang";
const GANG_SIZE: &str = "lepton/gang-size";
/// Kueue's label for a group of plain pods, and its annotation.
const KUEUE_GROUP: &str = "kueue.x-k8s.io/pod-group-name";
const KUEUE_SIZE: &str = "kueue.x-k8s.io/pod-group-total-count";
/// Labels and annotations that name a group of which an object tells the size.
const NAMED: [(&str, &str); 4] = [
    ("scheduling.x-k8s.io/pod-group", "scheduling.x-k8s.io"),
    ("pod-group.scheduling.sigs.k8s.io", "scheduling.x-k8s.io"),
    ("scheduling.k8s.io/group-name", "scheduling.volcano.sh"),
    ("pod-group-name", "scheduling.run.ai"),
];

/// A gang as a pod names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gang {
    /// Its name, with the namespace.
    pub(super) name: String,
    /// How many start together; none where nothing tells.
    pub(super) members_min: Option<u32>,
    /// Whether those of its pods that stand are stopped together.
    pub(super) goes_whole: bool,
}

/// The gang that the pod is a member of.
pub(super) fn gang_of(pod: &Pod, groups: &BTreeMap<(&'static str, String), GroupTerms>) -> Option<Gang> {
    let meta = &pod.metadata;
    let told = |key: &str| meta.labels.get(key).or_else(|| meta.annotations.get(key));
    let full = |name: &str| format!("{}/{name}", meta.namespace);
    let of_object = |api: &'static str, name: &str| {
        let terms = groups.get(&(api, full(name)));
        Gang {
            name: full(name),
            members_min: terms.map(|terms| terms.members_min),
            goes_whole: terms.is_none_or(|terms| terms.goes_whole),
        }
    };
    let group = &pod.spec.scheduling_group.pod_group_name;
    if !group.is_empty() {
        return Some(of_object(GROUP_APIS[0].0, group));
    }
    for (name, size) in [(GANG, GANG_SIZE), (KUEUE_GROUP, KUEUE_SIZE)] {
        if let Some(gang) = told(name) {
            return Some(Gang {
                name: full(gang),
                members_min: told(size).and_then(|size| size.parse().ok()),
                goes_whole: true,
            });
        }
    }
    NAMED.iter().find_map(|(key, api)| told(key).map(|name| of_object(api, name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_gang_is_known_by_the_marks_of_each_of_its_inventors() {
        let terms = |members_min: u32| GroupTerms { members_min, goes_whole: members_min == 5 };
        let groups = BTreeMap::from([
            (("scheduling.k8s.io", "team/g".to_owned()), terms(3)),
            (("scheduling.volcano.sh", "team/v".to_owned()), terms(5)),
        ]);
        for (pod, expected) in [
            (json!({"spec": {"schedulingGroup": {"podGroupName": "g"}}}), Some(("team/g", Some(3)))),
            (json!({"spec": {"schedulingGroup": {"podGroupName": "h"}}}), Some(("team/h", None))),
            (
                json!({"metadata": {"labels": {"lepton/gang": "a"}, "annotations": {"lepton/gang-size": "4"}}}),
                Some(("team/a", Some(4))),
            ),
            (
                json!({"metadata": {
                    "labels": {"kueue.x-k8s.io/pod-group-name": "k"},
                    "annotations": {"kueue.x-k8s.io/pod-group-total-count": "2"}
                }}),
                Some(("team/k", Some(2))),
            ),
            (
                json!({"metadata": {"annotations": {"scheduling.k8s.io/group-name": "v"}}}),
                Some(("team/v", Some(5))),
            ),
            (json!({"metadata": {"labels": {"app": "web"}}}), None),
        ] {
            let mut pod: Pod = serde_json::from_value(pod).expect("a pod");
            pod.metadata.namespace = "team".to_owned();
            let gang = gang_of(&pod, &groups);
            let found = gang.as_ref().map(|gang| (gang.name.as_str(), gang.members_min));
            assert_eq!(found, expected);
            assert_eq!(gang.is_some_and(|gang| !gang.goes_whole), expected == Some(("team/g", Some(3))));
        }
    }
}
