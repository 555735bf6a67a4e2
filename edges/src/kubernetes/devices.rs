//! Accelerators: which resources they are, what model a node has of them, and which of a node's devices a pod holds.

use std::collections::BTreeMap;

use lepton_core::model::{DEVICES_PER_NODE_MAX, DeviceKind, DeviceSet};

use super::objects::{Node, Pod};
use super::requests::{Requests, amounts};

/// The annotation that says which devices of its node a pod was given.
pub(super) const DEVICES: &str = "lepton/devices";
/// Ends and beginnings of the names of resources that are devices.
const ENDS: [&str; 7] = ["/gpu", "/gpu.shared", "/tpu", "/gaudi", "/neuron", "/neuroncore", "/neurondevice"];
const BEGINNINGS: [&str; 4] = ["nvidia.com/mig-", "gpu.intel.com/", "huawei.com/Ascend", "fpga.intel.com/"];
/// Labels that tell the model of a node's devices, where there is none of the resource's own.
const MODEL_LABELS: [&str; 4] = [
    "amd.com/gpu.product-name",
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/gke-tpu-accelerator",
    "k8s.amazonaws.com/accelerator",
];

/// What counts as a device.
#[derive(Debug, Clone, Default)]
pub(super) struct DeviceNames {
    /// Resources beyond the usual ones.
    pub(super) resources: Vec<String>,
    /// Labels that tell a model, before the usual ones.
    pub(super) model_labels: Vec<String>,
}

impl DeviceNames {
    /// Whether the resource is one.
    pub(super) fn is_device(&self, resource: &str) -> bool {
        ENDS.iter().any(|end| resource.ends_with(end))
            || BEGINNINGS.iter().any(|beginning| resource.starts_with(beginning))
            || self.resources.iter().any(|name| name == resource)
    }

    fn model(&self, node: &Node, resource: &str) -> String {
        let labels = &node.metadata.labels;
        let told = self.model_labels.iter().find_map(|label| labels.get(label));
        let own = || labels.get(&format!("{resource}.product"));
        let usual = || MODEL_LABELS.iter().find_map(|label| labels.get(*label));
        told.or_else(own).or_else(usual).cloned().unwrap_or_else(|| resource.to_owned())
    }
}

/// Devices of one resource on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bank {
    pub(super) resource: String,
    pub(super) kind: DeviceKind,
    pub(super) model: String,
    /// Index of the first on the node.
    pub(super) first: usize,
    /// How many there are, and how many of them may be given away; the last are those that may not.
    pub(super) count: usize,
    pub(super) allocatable: usize,
}

/// A node's devices, resource by resource; what is beyond the most that a node can have is left out.
pub(super) fn banks(node: &Node, names: &DeviceNames) -> Vec<Bank> {
    let (all, given) = (amounts(&node.status.capacity), amounts(&node.status.allocatable));
    let mut first = 0;
    let mut banks = Vec::new();
    for (resource, quantity) in given.iter().filter(|(resource, _)| names.is_device(resource)) {
        let allocatable = (quantity.down(1) as usize).min(DEVICES_PER_NODE_MAX - first);
        let capacity = all.get(resource).map_or(0, |all| all.down(1) as usize);
        let count = capacity.max(allocatable).min(DEVICES_PER_NODE_MAX - first);
        if count > 0 {
            let model = names.model(node, resource);
            banks.push(Bank {
                resource: resource.clone(),
                kind: kind(resource),
                model,
                first,
                count,
                allocatable,
            });
        }
        first += count;
    }
    banks
}

/// How many devices the node has of these.
pub(super) fn of_resources(banks: &[Bank]) -> usize {
    banks.last().map_or(0, |bank| bank.first + bank.count)
}

/// What kind of device a resource is, or one of a driver.
pub(super) fn kind(resource: &str) -> DeviceKind {
    let is = |part: &str| resource.contains(part);
    if is("fpga") {
        DeviceKind::Fpga
    } else if ["tpu", "gaudi", "neuron", "Ascend"].into_iter().any(is) {
        DeviceKind::Npu
    } else {
        DeviceKind::Gpu
    }
}

/// The devices that the pod asks for: how many of which resource.
pub(super) fn asked(requests: &Requests, names: &DeviceNames) -> Vec<(String, u16)> {
    let devices = requests.iter().filter(|(resource, _)| names.is_device(resource));
    devices.map(|(resource, count)| (resource.clone(), count.up(1).min(i64::from(u16::MAX)) as u16)).collect()
}

/// Which devices the pods of each node hold. Kubernetes itself does not tell: a pod that was given some keeps them, others get the
/// lowest that are free.
#[derive(Debug, Default)]
pub(super) struct Holdings(BTreeMap<String, BTreeMap<String, DeviceSet>>);

impl Holdings {
    /// The devices of a pod on a node, given now where it has none.
    pub(super) fn hold(
        &mut self,
        node: &str,
        banks: &[Bank],
        pod: &str,
        told: Option<DeviceSet>,
        asked: &[(String, u16)],
    ) -> DeviceSet {
        let held = self.0.entry(node.to_owned()).or_default();
        let before = held.remove(pod);
        let taken = held.values().fold(DeviceSet::NONE, |all, devices| DeviceSet(all.0 | devices.0));
        let wanted: usize = asked.iter().map(|(_, count)| usize::from(*count)).sum();
        let fits = |devices: &DeviceSet| {
            asked.iter().all(|(resource, count)| {
                let bank = banks.iter().find(|bank| bank.resource == *resource);
                let within =
                    bank.map_or(0, |b| (b.first..b.first + b.count).filter(|&d| devices.contains(d)).count());
                within == usize::from(*count)
            }) && devices.len() == wanted
        };
        let devices =
            told.filter(fits).or(before.filter(fits)).unwrap_or_else(|| lowest(banks, taken, asked));
        if devices.is_empty() {
            if held.is_empty() {
                self.0.remove(node);
            }
        } else {
            held.insert(pod.to_owned(), devices);
        }
        devices
    }

    /// The pod stands on no node, or on another.
    pub(super) fn let_go(&mut self, node: &str, pod: &str) {
        if let Some(held) = self.0.get_mut(node) {
            held.remove(pod);
            if held.is_empty() {
                self.0.remove(node);
            }
        }
    }
}

/// The lowest that are free, and where too few are, some that others hold: the world is believed.
fn lowest(banks: &[Bank], taken: DeviceSet, asked: &[(String, u16)]) -> DeviceSet {
    let mut devices = DeviceSet::NONE;
    for (resource, count) in asked {
        let Some(bank) = banks.iter().find(|bank| bank.resource == *resource) else { continue };
        let all = bank.first..bank.first + bank.count;
        let (free, others): (Vec<usize>, Vec<usize>) = all.partition(|&device| !taken.contains(device));
        let chosen = free.into_iter().chain(others).take(usize::from(*count));
        devices = chosen.fold(devices, DeviceSet::with);
    }
    devices
}

/// The devices that the pod's annotation names.
pub(super) fn annotated(pod: &Pod) -> Option<DeviceSet> {
    let indices = pod.metadata.annotations.get(DEVICES)?.split(',').map(|index| index.trim().parse().ok());
    let indices = indices.map(|index| index.filter(|&index: &usize| index < DEVICES_PER_NODE_MAX));
    indices.collect::<Option<Vec<usize>>>().map(|all| all.into_iter().collect())
}

/// As an annotation.
pub(super) fn annotation(devices: DeviceSet) -> String {
    devices.iter().map(|index| index.to_string()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node() -> Node {
        serde_json::from_value(json!({
            "metadata": {"labels": {"nvidia.com/gpu.product": "H100"}},
            "status": {
                "capacity": {"cpu": "8", "nvidia.com/gpu": "4", "google.com/tpu": "2"},
                "allocatable": {"cpu": "8", "nvidia.com/gpu": "3", "google.com/tpu": 2}
            }
        }))
        .expect("a node")
    }

    fn asks(count: u16) -> Vec<(String, u16)> {
        vec![("nvidia.com/gpu".to_owned(), count)]
    }

    #[test]
    fn devices_are_the_extended_resources_of_accelerators() {
        let banks = banks(&node(), &DeviceNames::default());
        let told: Vec<_> =
            banks.iter().map(|b| (b.model.as_str(), b.first, b.count, b.allocatable)).collect();
        assert_eq!(told, [("google.com/tpu", 0, 2, 2), ("H100", 2, 4, 3)]);
        assert_eq!((banks[0].kind, banks[1].kind), (DeviceKind::Npu, DeviceKind::Gpu));
        let own = DeviceNames { resources: vec!["acme.io/brain".to_owned()], model_labels: vec![] };
        assert!(own.is_device("acme.io/brain") && !DeviceNames::default().is_device("acme.io/brain"));
        assert!(!own.is_device("rdma/hca"));
    }

    #[test]
    fn a_pod_keeps_its_devices_and_others_get_what_is_free() {
        let banks = banks(&node(), &DeviceNames::default());
        let mut holdings = Holdings::default();
        let given = Some(DeviceSet::one(3));
        assert_eq!(holdings.hold("n", &banks, "a", given, &asks(1)), DeviceSet::one(3));
        assert_eq!(holdings.hold("n", &banks, "b", None, &asks(2)), DeviceSet::one(2).with(4));
        // What is told of a device of another kind, or of too many, is not believed.
        assert_eq!(holdings.hold("n", &banks, "a", Some(DeviceSet::one(0)), &asks(1)), DeviceSet::one(3));
        holdings.let_go("n", "b");
        assert_eq!(holdings.hold("n", &banks, "c", None, &asks(1)), DeviceSet::one(2));
        // A world that gives away more than there is is believed.
        assert_eq!(holdings.hold("n", &banks, "d", None, &asks(4)).len(), 4);
        assert_eq!(holdings.hold("n", &banks, "e", None, &[]), DeviceSet::NONE);
    }

    #[test]
    fn the_annotation_is_read_as_it_is_written() {
        let devices = DeviceSet::one(3).with(10);
        let mut pod = Pod::default();
        assert_eq!(annotated(&pod), None);
        for (text, expected) in
            [(annotation(devices).as_str(), Some(devices)), ("64", None), ("x", None), ("", None)]
        {
            pod.metadata.annotations.insert(DEVICES.to_owned(), text.to_owned());
            assert_eq!(annotated(&pod), expected, "{text}");
        }
    }
}
