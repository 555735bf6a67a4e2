//! The scale of the packing scores: how large the largest node is. It scores nothing itself.

use crate::model::{Cluster, DEVICE_MILLI, ResourceSchema};

/// Largest CPU capacity (millicores) and device capacity (thousandths) of any node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::decide) struct Scale {
    pub(super) cpu: f64,
    pub(super) device_milli: f64,
}

impl Scale {
    pub(in crate::decide) fn of(cluster: &Cluster) -> Self {
        let cpu = cluster.nodes().map(|n| cluster.capacity(n)[ResourceSchema::CPU]).max().unwrap_or(0);
        let devices = cluster.nodes().map(|n| cluster.devices_free(n).len()).max().unwrap_or(0);
        Self { cpu: cpu.max(1) as f64, device_milli: devices.max(1) as f64 * f64::from(DEVICE_MILLI) }
    }
}
