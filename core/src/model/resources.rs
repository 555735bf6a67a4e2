//! Named resources of a cluster. Amounts are integers in the resource's own unit, held as flat slices in
//! the order of the [`ResourceSchema`].

use serde::{Deserialize, Serialize};

use super::ModelError;

/// Most resources a cluster may name.
pub const RESOURCES_MAX: usize = 16;

/// Largest amount of one resource on one node or in one demand; leaves room to add up millions of them.
pub const AMOUNT_MAX: i64 = 1 << 40;

/// The resources of a cluster, by name with the unit last, e.g. `cpu_millicores`, `memory_mib`,
/// `network_mbit_s`, `disk_mb_s`, or any name of the cluster's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceSchema {
    names: Vec<String>,
}

impl ResourceSchema {
    /// Position of the CPU in [`ResourceSchema::cpu_and_memory`].
    pub const CPU: usize = 0;
    /// Position of the memory in [`ResourceSchema::cpu_and_memory`].
    pub const MEMORY: usize = 1;

    /// A schema with these names, in this order.
    ///
    /// # Errors
    /// When there are none, more than [`RESOURCES_MAX`], or one twice.
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Result<Self, ModelError> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if names.is_empty() || names.len() > RESOURCES_MAX {
            return Err(ModelError::ResourceCount { count: names.len(), max: RESOURCES_MAX });
        }
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                return Err(ModelError::DuplicateName { kind: "resource", name: name.clone() });
            }
        }
        Ok(Self { names })
    }

    /// The usual pair: `cpu_millicores` (1/1000 core) and `memory_mib` (MiB).
    pub fn cpu_and_memory() -> Self {
        Self { names: vec!["cpu_millicores".into(), "memory_mib".into()] }
    }

    /// How many resources there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Never true: a schema has at least one resource.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Position of a resource by name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }
}
