//! Devices: the accelerators of a node. Each has a kind, a model and [`DEVICE_MILLI`] of capacity that
//! tasks may share.

use serde::{Deserialize, Serialize};

/// Capacity of every device, in thousandths of a device.
pub const DEVICE_MILLI: u16 = 1000;

/// Most devices on one node: sets of them are 64-bit masks.
pub const DEVICES_PER_NODE_MAX: usize = 64;

/// Most device models in one cluster: sets of them are 64-bit masks.
pub const DEVICE_MODELS_MAX: usize = 64;

/// What an accelerator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// Graphics processor.
    Gpu,
    /// Field-programmable gate array.
    Fpga,
    /// Neural processing unit (also TPUs and other tensor engines).
    Npu,
}

/// A device model of the cluster, e.g. the GPU model "V100M32".
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeviceModel {
    /// What it is.
    pub kind: DeviceKind,
    /// Its model name.
    pub name: String,
}

/// A device model as a position in the cluster's list of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModelId(pub u8);

/// A set of device models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct ModelSet(pub u64);

impl ModelSet {
    /// No model.
    pub const NONE: Self = Self(0);
    /// Every model, also those named later.
    pub const ANY: Self = Self(u64::MAX);

    /// The set with one more model.
    #[must_use]
    pub fn with(self, model: ModelId) -> Self {
        Self(self.0 | 1 << model.0)
    }

    /// Whether the set holds `model`.
    pub fn contains(self, model: ModelId) -> bool {
        self.0 >> model.0 & 1 == 1
    }

    /// Whether both sets share a model.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether each of these models is in `other`.
    pub fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

/// A set of a node's devices, by their index on the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct DeviceSet(pub u64);

impl DeviceSet {
    /// No device.
    pub const NONE: Self = Self(0);

    /// The set of one device.
    pub fn one(index: usize) -> Self {
        Self(1 << index)
    }

    /// The set with one more device.
    #[must_use]
    pub fn with(self, index: usize) -> Self {
        Self(self.0 | 1 << index)
    }

    /// How many devices are in the set.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether the set is empty, asked of a reference.
    pub(super) fn is_none(&self) -> bool {
        self.0 == 0
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the device is in the set.
    pub fn contains(self, index: usize) -> bool {
        self.0 >> index & 1 == 1
    }

    /// The devices, lowest index first.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            (left != 0).then(|| {
                let index = left.trailing_zeros() as usize;
                left &= left - 1;
                index
            })
        })
    }
}

impl FromIterator<usize> for DeviceSet {
    fn from_iter<T: IntoIterator<Item = usize>>(indices: T) -> Self {
        indices.into_iter().fold(Self::NONE, Self::with)
    }
}
