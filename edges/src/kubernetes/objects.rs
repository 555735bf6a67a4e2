//! Objects of Kubernetes: the fields that are read, and no others, so that what is kept of a large cluster is small.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Amounts by resource.
pub(super) type Amounts = BTreeMap<String, serde_json::Value>;

/// What all objects carry.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Meta {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) uid: String,
    pub(super) resource_version: String,
    pub(super) creation_timestamp: Option<String>,
    pub(super) deletion_timestamp: Option<String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) owner_references: Vec<OwnerReference>,
    pub(super) finalizers: Vec<String>,
}

impl Meta {
    /// Its name among all of its kind.
    pub(super) fn full_name(&self) -> String {
        if self.namespace.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.namespace, self.name)
        }
    }

    /// What keeps it: a controller makes it anew when it goes.
    pub(super) fn controller(&self) -> Option<&OwnerReference> {
        self.owner_references.iter().find(|owner| owner.controller)
    }
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct OwnerReference {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) controller: bool,
}

/// An object of a kind that is watched.
pub(super) trait Object: serde::de::DeserializeOwned {
    /// Takes the version out, so that objects that differ in it alone are equal.
    fn take_version(&mut self) -> String;
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Node {
    pub(super) metadata: Meta,
    pub(super) spec: NodeSpec,
    pub(super) status: NodeStatus,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeSpec {
    pub(super) unschedulable: bool,
    pub(super) taints: Vec<Taint>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(default)]
pub(super) struct Taint {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) effect: String,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeStatus {
    pub(super) capacity: Amounts,
    pub(super) allocatable: Amounts,
    pub(super) conditions: Vec<Condition>,
}

/// The annotation of a node that the loop has cordoned.
pub(super) const CORDONED: &str = "lepton/cordoned";

impl Node {
    /// Whether the loop has cordoned it.
    pub(super) fn is_cordoned_by_loop(&self) -> bool {
        self.spec.unschedulable && self.metadata.annotations.contains_key(CORDONED)
    }

    /// Whether its kubelet says that it can take pods.
    pub(super) fn is_ready(&self) -> bool {
        self.status.conditions.iter().any(|c| c.kind == "Ready" && c.status == "True")
    }
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pod {
    pub(super) metadata: Meta,
    pub(super) spec: PodSpec,
    pub(super) status: PodStatus,
}

impl Pod {
    /// Whether it has ended and holds nothing any more.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// Whether it would rather have other pods near or far, or has to be near some.
    pub(super) fn wishes_about_others(&self) -> bool {
        let Affinity { pod_affinity, pod_anti_affinity, .. } = &self.spec.affinity;
        !(pod_affinity.required.is_empty()
            && pod_affinity.preferred.is_empty()
            && pod_anti_affinity.preferred.is_empty())
    }

    /// The full names of the claims that it uses; those of its own volumes bear its name and the volume's.
    pub(super) fn claims(&self) -> impl Iterator<Item = String> {
        let Meta { name, namespace, .. } = &self.metadata;
        self.spec.volumes.iter().filter_map(move |volume| match &volume.persistent_volume_claim {
            Some(named) => Some(format!("{namespace}/{}", named.claim_name)),
            None => volume.ephemeral.as_ref().map(|_| format!("{namespace}/{name}-{}", volume.name)),
        })
    }
}

/// Whether the pod is ours to place.
pub(super) fn is_ours(pod: &Pod) -> bool {
    pod.spec.scheduler_name == super::SCHEDULER_NAME
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodSpec {
    pub(super) scheduler_name: String,
    pub(super) node_name: String,
    pub(super) priority: i32,
    pub(super) preemption_policy: String,
    pub(super) containers: Vec<Container>,
    pub(super) init_containers: Vec<Container>,
    pub(super) overhead: Amounts,
    /// Of the pod as a whole.
    pub(super) resources: Resources,
    pub(super) node_selector: BTreeMap<String, String>,
    pub(super) affinity: Affinity,
    pub(super) tolerations: Vec<Toleration>,
    pub(super) topology_spread_constraints: Vec<Spread>,
    pub(super) scheduling_gates: Vec<serde_json::Value>,
    pub(super) resource_claims: Vec<PodDeviceClaim>,
    pub(super) volumes: Vec<PodVolume>,
    pub(super) scheduling_group: SchedulingGroup,
    pub(super) active_deadline_seconds: Option<u64>,
}

/// A claim of devices that a pod names, or the template of one that is made for it; in its status the name of what was made.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodDeviceClaim {
    pub(super) name: String,
    pub(super) resource_claim_name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SchedulingGroup {
    pub(super) pod_group_name: String,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) resources: Resources,
    pub(super) restart_policy: String,
    pub(super) ports: Vec<Port>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resources {
    pub(super) requests: Amounts,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Port {
    pub(super) host_port: u32,
    #[serde(rename = "hostIP")]
    pub(super) host_ip: String,
    pub(super) protocol: String,
}

/// A volume, of which only what ties a pod to nodes is read.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodVolume {
    pub(super) name: String,
    pub(super) persistent_volume_claim: Option<ClaimName>,
    pub(super) ephemeral: Option<serde_json::Value>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ClaimName {
    pub(super) claim_name: String,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Affinity {
    pub(super) node_affinity: NodeAffinity,
    pub(super) pod_affinity: PodAffinity,
    pub(super) pod_anti_affinity: PodAffinity,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeAffinity {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    pub(super) required: Option<NodeTerms>,
    #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution")]
    pub(super) preferred: Vec<PreferredNodes>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct PreferredNodes {
    pub(super) weight: u32,
    pub(super) preference: NodeTerm,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeTerms {
    pub(super) node_selector_terms: Vec<NodeTerm>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeTerm {
    pub(super) match_expressions: Vec<Expression>,
    pub(super) match_fields: Vec<Expression>,
}

/// A requirement on a label.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Expression {
    pub(super) key: String,
    pub(super) operator: String,
    pub(super) values: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodAffinity {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    pub(super) required: Vec<PodTerm>,
    #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution")]
    pub(super) preferred: Vec<PreferredPods>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PreferredPods {
    pub(super) weight: u32,
    pub(super) pod_affinity_term: PodTerm,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodTerm {
    pub(super) label_selector: Option<LabelSelector>,
    pub(super) topology_key: String,
    pub(super) namespaces: Vec<String>,
    pub(super) namespace_selector: Option<LabelSelector>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LabelSelector {
    pub(super) match_labels: BTreeMap<String, String>,
    pub(super) match_expressions: Vec<Expression>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Spread {
    pub(super) topology_key: String,
    pub(super) when_unsatisfiable: String,
    pub(super) max_skew: i64,
    pub(super) min_domains: Option<usize>,
    pub(super) label_selector: Option<LabelSelector>,
    pub(super) match_label_keys: Vec<String>,
    pub(super) node_affinity_policy: String,
    pub(super) node_taints_policy: String,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Toleration {
    pub(super) key: String,
    pub(super) operator: String,
    pub(super) value: String,
    pub(super) effect: String,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodStatus {
    pub(super) phase: String,
    pub(super) start_time: Option<String>,
    pub(super) nominated_node_name: String,
    pub(super) resource_claim_statuses: Vec<PodDeviceClaim>,
    pub(super) container_statuses: Vec<ContainerStatus>,
    pub(super) init_container_statuses: Vec<ContainerStatus>,
    /// Of all conditions what a resize says of itself.
    #[serde(rename = "conditions", deserialize_with = "of_resize")]
    pub(super) resize: Vec<ResizeCondition>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct ResizeCondition {
    #[serde(rename = "type")]
    kind: String,
    pub(super) status: String,
    pub(super) reason: String,
}

fn of_resize<'de, D: serde::Deserializer<'de>>(all: D) -> Result<Vec<ResizeCondition>, D::Error> {
    let mut all = Option::<Vec<ResizeCondition>>::deserialize(all)?.unwrap_or_default();
    all.retain(|condition| condition.kind == "PodResizePending");
    Ok(all)
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ContainerStatus {
    pub(super) name: String,
    pub(super) allocated_resources: Amounts,
    pub(super) resources: Resources,
}

/// A group of pods that start together, of any of the APIs that know one.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodGroup {
    pub(super) metadata: Meta,
    spec: PodGroupSpec,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodGroupSpec {
    min_member: Option<u32>,
    scheduling_policy: SchedulingPolicy,
    disruption_mode: DisruptionMode,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct DisruptionMode {
    all: Option<serde_json::Value>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct SchedulingPolicy {
    basic: Option<serde_json::Value>,
    gang: Option<GangPolicy>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GangPolicy {
    min_count: u32,
}

impl PodGroup {
    /// What it says. Pods of Kubernetes' own groups, which have a policy, go one by one where nothing else is said.
    pub(super) fn terms(&self) -> GroupTerms {
        let PodGroupSpec { min_member, scheduling_policy: SchedulingPolicy { basic, gang }, disruption_mode } =
            &self.spec;
        let goes_whole = disruption_mode.all.is_some() || (basic.is_none() && gang.is_none());
        let members_min = gang.as_ref().map(|gang| gang.min_count).or(*min_member).unwrap_or(1);
        GroupTerms { members_min, goes_whole }
    }
}

/// A namespace, of which only its labels are read.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Namespace {
    pub(super) metadata: Meta,
}

/// What a group says of its pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupTerms {
    /// How many start together.
    pub(super) members_min: u32,
    /// Whether they are stopped together.
    pub(super) goes_whole: bool,
}

/// How many pods may be disrupted now.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Budget {
    pub(super) metadata: Meta,
    pub(super) spec: BudgetSpec,
    pub(super) status: BudgetStatus,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct BudgetSpec {
    pub(super) selector: Option<LabelSelector>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct BudgetStatus {
    pub(super) disruptions_allowed: usize,
}

impl Object for Budget {
    fn take_version(&mut self) -> String {
        std::mem::take(&mut self.metadata.resource_version)
    }
}

impl Object for Namespace {
    fn take_version(&mut self) -> String {
        std::mem::take(&mut self.metadata.resource_version)
    }
}

impl Object for Node {
    fn take_version(&mut self) -> String {
        std::mem::take(&mut self.metadata.resource_version)
    }
}

impl Object for Pod {
    fn take_version(&mut self) -> String {
        std::mem::take(&mut self.metadata.resource_version)
    }
}

impl Object for PodGroup {
    fn take_version(&mut self) -> String {
        std::mem::take(&mut self.metadata.resource_version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_group_of_each_api_says_how_many_start_and_whether_they_go_together() {
        for (text, members_min, goes_whole) in [
            (r#"{"spec":{"minMember":4}}"#, 4, true),
            (r#"{"spec":{"schedulingPolicy":{"gang":{"minCount":3}}}}"#, 3, false),
            (
                r#"{"spec":{"schedulingPolicy":{"gang":{"minCount":3}},"disruptionMode":{"single":{}}}}"#,
                3,
                false,
            ),
            (r#"{"spec":{"schedulingPolicy":{"gang":{"minCount":3}},"disruptionMode":{"all":{}}}}"#, 3, true),
            (r#"{"spec":{"schedulingPolicy":{"basic":{}}}}"#, 1, false),
        ] {
            let group: PodGroup = serde_json::from_str(text).expect("it is one");
            assert_eq!(group.terms(), GroupTerms { members_min, goes_whole }, "{text}");
        }
    }
}
