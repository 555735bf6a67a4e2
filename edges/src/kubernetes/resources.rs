//! Objects about devices (`resource.k8s.io`): slices of what nodes have, classes, and claims; the fields that are read, and no others.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::objects::{Amounts, Meta, NodeTerms, Pod, Taint, Toleration};

impl Pod {
    /// The claims of devices that it uses, with whether each was made for it; none in the place of one that was not made yet. What was left
    /// out on purpose is not among them.
    pub(super) fn device_claims(&self) -> impl Iterator<Item = Option<(String, bool)>> {
        let full = |name: &String| format!("{}/{name}", self.metadata.namespace);
        self.spec.resource_claims.iter().filter_map(move |claim| {
            if let Some(name) = &claim.resource_claim_name {
                return Some(Some((full(name), false)));
            }
            let mut made = self.status.resource_claim_statuses.iter();
            match made.find(|made| made.name == claim.name) {
                Some(made) => made.resource_claim_name.as_ref().map(|name| Some((full(name), true))),
                None => Some(None),
            }
        })
    }
}

/// Devices of one driver.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Slice {
    pub(super) metadata: Meta,
    pub(super) spec: SliceSpec,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SliceSpec {
    pub(super) driver: String,
    pub(super) pool: Pool,
    /// The node that alone reaches them; none where others do.
    pub(super) node_name: String,
    pub(super) devices: Vec<Device>,
}

/// The pool that a slice is a part of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Pool {
    pub(super) name: String,
    pub(super) generation: i64,
    pub(super) resource_slice_count: usize,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Device {
    pub(super) name: String,
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) capacity: BTreeMap<String, Capacity>,
    pub(super) taints: Vec<Taint>,
    pub(super) consumes_counters: Vec<Value>,
    pub(super) binding_conditions: Vec<String>,
    pub(super) allow_multiple_allocations: bool,
}

/// One of these.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attribute {
    pub(super) int: Option<i64>,
    pub(super) bool: Option<bool>,
    pub(super) string: Option<String>,
    pub(super) version: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Capacity {
    pub(super) value: Value,
}

/// Which devices are meant.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct DeviceSelector {
    pub(super) cel: CelSelector,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct CelSelector {
    pub(super) expression: String,
}

/// A class of devices.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct DeviceClass {
    pub(super) metadata: Meta,
    pub(super) spec: DeviceClassSpec,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct DeviceClassSpec {
    pub(super) selectors: Vec<DeviceSelector>,
    pub(super) config: Vec<Value>,
}

/// A claim of devices.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct DeviceClaim {
    pub(super) metadata: Meta,
    pub(super) spec: DeviceClaimSpec,
    pub(super) status: DeviceClaimStatus,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct DeviceClaimSpec {
    pub(super) devices: Wishes,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wishes {
    pub(super) requests: Vec<Request>,
    pub(super) constraints: Vec<Value>,
    pub(super) config: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Request {
    pub(super) name: String,
    pub(super) exactly: Option<Exactly>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Exactly {
    pub(super) device_class_name: String,
    pub(super) selectors: Vec<DeviceSelector>,
    pub(super) allocation_mode: String,
    pub(super) count: usize,
    pub(super) admin_access: bool,
    pub(super) tolerations: Vec<Toleration>,
    pub(super) capacity: Option<CapacityWish>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct CapacityWish {
    pub(super) requests: Amounts,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct DeviceClaimStatus {
    pub(super) allocation: Option<Allocation>,
    pub(super) reserved_for: Vec<Consumer>,
}

/// Who uses a claim.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Consumer {
    pub(super) uid: String,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Allocation {
    pub(super) devices: AllocatedDevices,
    pub(super) node_selector: Option<NodeTerms>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct AllocatedDevices {
    pub(super) results: Vec<AllocatedDevice>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AllocatedDevice {
    #[serde(flatten)]
    pub(super) id: DeviceId,
    pub(super) admin_access: bool,
}

/// A device's name in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(default)]
pub(super) struct DeviceId {
    pub(super) driver: String,
    pub(super) pool: String,
    pub(super) device: String,
}

impl DeviceClaim {
    /// Whether it is reserved for the pod.
    pub(super) fn is_reserved_for(&self, pod: &Meta) -> bool {
        self.status.reserved_for.iter().any(|user| user.uid == pod.uid)
    }

    /// The devices that it has and that nobody else may have.
    pub(super) fn taken(&self) -> impl Iterator<Item = &DeviceId> {
        let results = self.status.allocation.iter().flat_map(|allocation| &allocation.devices.results);
        results.filter(|result| !result.admin_access).map(|result| &result.id)
    }
}
