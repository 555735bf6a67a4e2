//! The mix of tasks that decisions reckon with: what came so far, published in versions, so that the same snapshot
//! gives the same decision whoever has seen more of the past.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fragmentation::{ShapeKey, TargetWorkload};
use super::{Demand, ModelSet, ResourceSchema};

/// Arrivals after which older ones count half at the next version, so that the mix follows the times and stays small.
const ARRIVALS_KEPT: u64 = 1 << 16;

/// A shape of tasks, the models that it accepts, and how many of it came.
type Count = (ShapeKey, ModelSet, u64);

/// A version of the expected mix.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExpectedMix {
    /// Number of the version; 0 is nothing known.
    pub version: u64,
    #[serde(with = "super::written::shared")]
    counts: Arc<Vec<Count>>,
}

impl ExpectedMix {
    /// What free capacity is judged against.
    pub fn target(&self) -> TargetWorkload {
        TargetWorkload::from_counts(self.counts.to_vec(), 1.0)
    }

    /// CPU that tasks with devices ask for with each whole device, millicores; 0 without such tasks.
    pub fn cpu_per_device(&self) -> f64 {
        let (mut cpu, mut devices) = (0.0, 0.0);
        for (shape, _, count) in self.counts.iter() {
            let milli = f64::from(shape.count) * f64::from(shape.milli);
            if milli > 0.0 {
                cpu += shape.cpu_millicores as f64 * *count as f64;
                devices += milli / f64::from(super::DEVICE_MILLI) * *count as f64;
            }
        }
        if devices > 0.0 { cpu / devices } else { 0.0 }
    }

    /// The shapes and how many of each came.
    pub fn counts(&self) -> &[(ShapeKey, ModelSet, u64)] {
        &self.counts
    }
}

/// What came so far, by shape.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Arrivals {
    #[serde(with = "super::written::pairs")]
    counts: BTreeMap<ShapeKey, (ModelSet, u64)>,
    total: u64,
    published: u64,
}

impl Arrivals {
    /// A task of this demand has come.
    pub fn count(&mut self, demand: &Demand) {
        let devices = demand.devices;
        let accept = devices.map_or(ModelSet::ANY, |d| d.accept);
        let key = ShapeKey {
            cpu_millicores: demand.resources[ResourceSchema::CPU],
            milli: devices.map_or(0, |d| d.milli),
            count: devices.map_or(0, |d| d.count),
            spec: format!("{:020}", devices.map_or(0, |d| d.accept.0)),
        };
        self.counts.entry(key).or_insert((accept, 0)).1 += 1;
        self.total += 1;
    }

    /// A new version, when as many have come since the last as made it up. Versions begin at powers of two.
    pub fn publish(&mut self, mix: &mut ExpectedMix) {
        if self.total.checked_ilog2() == self.published.checked_ilog2() {
            return;
        }
        let counts = self.counts.iter().map(|(key, &(accept, count))| (key.clone(), accept, count));
        *mix = ExpectedMix { version: mix.version + 1, counts: Arc::new(counts.collect()) };
        if self.total >= ARRIVALS_KEPT {
            self.counts.retain(|_, (_, count)| {
                *count /= 2;
                *count > 0
            });
            self.total = self.counts.values().map(|c| c.1).sum();
        }
        self.published = self.total;
    }
}
