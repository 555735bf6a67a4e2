//! The resources of the cluster as columns of amounts: what every node has, and the extended resources that some had at the start.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lepton_core::model::{RESOURCES_MAX, ResourceSchema};

use super::devices::DeviceNames;
use super::objects::Node;
use super::quantity::Quantity;
use super::requests::{Requests, amounts};

const MIB: i128 = 1 << 20;

/// How a resource is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// Thousandths.
    Milli,
    /// MiB of bytes.
    Mib,
    /// Whole ones.
    One,
}

impl Unit {
    fn up(self, quantity: Quantity) -> i64 {
        match self {
            Self::Milli => quantity.up(1000),
            Self::Mib => quantity.up_of(MIB),
            Self::One => quantity.up(1),
        }
    }

    fn down(self, quantity: Quantity) -> i64 {
        match self {
            Self::Milli => quantity.down(1000),
            Self::Mib => quantity.down_of(MIB),
            Self::One => quantity.down(1),
        }
    }
}

/// A resource with its name in Kubernetes and in the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    resource: String,
    name: String,
    unit: Unit,
}

/// The columns, in the order of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns(Vec<Column>);

impl Columns {
    /// Of a cluster with these nodes; what is a device is none.
    pub(super) fn of(nodes: &BTreeMap<String, Arc<Node>>, devices: &DeviceNames) -> Self {
        let column = |resource: &str, name: &str, unit| Column {
            resource: resource.to_owned(),
            name: name.to_owned(),
            unit,
        };
        let mut columns = vec![
            column("cpu", "cpu_millicores", Unit::Milli),
            column("memory", "memory_mib", Unit::Mib),
            column("pods", "pods", Unit::One),
            column("ephemeral-storage", "ephemeral_storage_mib", Unit::Mib),
        ];
        let offered: BTreeSet<&String> =
            nodes.values().flat_map(|node| node.status.allocatable.keys()).collect();
        for resource in offered {
            let is_known = columns.iter().any(|column| column.resource == *resource);
            if is_known || devices.is_device(resource) || columns.len() == RESOURCES_MAX {
                continue;
            }
            let is_pages = resource.starts_with("hugepages-");
            let (name, unit) =
                if is_pages { (format!("{resource}_mib"), Unit::Mib) } else { (resource.clone(), Unit::One) };
            columns.push(column(resource, &name, unit));
        }
        Self(columns)
    }

    /// As a schema.
    pub(super) fn schema(&self) -> ResourceSchema {
        let names = self.0.iter().map(|column| column.name.clone());
        ResourceSchema::new(names).unwrap_or_else(|_| ResourceSchema::cpu_and_memory())
    }

    /// What a node may give away.
    pub(super) fn capacity(&self, node: &Node) -> Vec<i64> {
        let given = amounts(&node.status.allocatable);
        let of =
            |column: &Column| given.get(&column.resource).map_or(0, |quantity| column.unit.down(*quantity));
        self.0.iter().map(of).collect()
    }

    /// What a pod asks for: one of the node's pods, and its requests.
    pub(super) fn demand(&self, requests: &Requests) -> Vec<i64> {
        let of = |column: &Column| match column.resource.as_str() {
            "pods" => 1,
            resource => requests.get(resource).map_or(0, |quantity| column.unit.up(*quantity)),
        };
        self.0.iter().map(of).collect()
    }

    /// A resource that the pod asks for and that no column counts.
    pub(super) fn missing<'a>(&self, requests: &'a Requests, devices: &DeviceNames) -> Option<&'a String> {
        let is_known =
            |name: &String| devices.is_device(name) || self.0.iter().any(|column| column.resource == *name);
        requests.keys().find(|name| !is_known(name))
    }
}
