//! What is free on one node over time.

use crate::model::{Cluster, Demand, DeviceSet, NodeId};

/// Something given back or taken on the node.
#[derive(Debug, Clone)]
struct Change {
    at_seconds: u64,
    takes: bool,
    resources: Box<[i64]>,
    milli: i64,
    devices: DeviceSet,
}

/// What is free on a node now, and what is given back and taken when.
#[derive(Debug, Clone)]
pub(super) struct Line {
    resources: Vec<i64>,
    /// Thousandths free of each device.
    devices: Vec<i64>,
    /// Ascending in time, what is given back before what is taken.
    changes: Vec<Change>,
}

impl Line {
    pub(super) fn of(cluster: &Cluster, node: NodeId) -> Self {
        Self {
            resources: cluster.free(node).to_vec(),
            devices: cluster.devices_free(node).iter().map(|&milli| i64::from(milli)).collect(),
            changes: Vec::new(),
        }
    }

    /// Something that stands there gives back what it holds; the changes are to be sorted afterwards.
    pub(super) fn gives(&mut self, at_seconds: u64, demand: &Demand, devices: DeviceSet) {
        self.changes.push(change(at_seconds, false, demand, devices));
    }

    pub(super) fn sort(&mut self) {
        self.changes.sort_by_key(|change| (change.at_seconds, change.takes));
    }

    /// Something stands there for a span.
    pub(super) fn takes(&mut self, at_seconds: u64, span_seconds: u64, demand: &Demand, devices: DeviceSet) {
        self.changes.push(change(at_seconds, true, demand, devices));
        self.gives(at_seconds.saturating_add(span_seconds), demand, devices);
        self.sort();
    }

    /// The first time, not before `from_seconds`, at which so much is free for a span, and on which of the `open` devices.
    pub(super) fn earliest(
        &self,
        demand: &Demand,
        open: DeviceSet,
        from_seconds: u64,
        span_seconds: u64,
    ) -> Option<(u64, DeviceSet)> {
        let (mut resources, mut devices) = (self.resources.clone(), self.devices.clone());
        let mut at = self.changes.partition_point(|change| change.at_seconds <= from_seconds);
        self.changes[..at].iter().for_each(|change| change.apply(&mut resources, &mut devices));
        let mut start = from_seconds;
        loop {
            let fits = fit(demand, open, &resources, &devices).is_some();
            if let Some(found) = fits
                .then(|| self.lasts(demand, open, (at, start, span_seconds), &resources, &devices))
                .flatten()
            {
                return Some((start, found));
            }
            start = self.changes.get(at)?.at_seconds;
            while let Some(change) = self.changes.get(at).filter(|change| change.at_seconds == start) {
                change.apply(&mut resources, &mut devices);
                at += 1;
            }
        }
    }

    /// The devices on which it fits all the span, when it fits at its start.
    fn lasts(
        &self,
        demand: &Demand,
        open: DeviceSet,
        (at, start, span): (usize, u64, u64),
        resources: &[i64],
        devices: &[i64],
    ) -> Option<DeviceSet> {
        let until = start.saturating_add(span);
        let ahead = || self.changes[at..].iter().take_while(|change| change.at_seconds < until);
        if !ahead().any(|change| change.takes) {
            return fit(demand, open, resources, devices);
        }
        let (mut level, mut level_devices) = (resources.to_vec(), devices.to_vec());
        let (mut least, mut least_devices) = (resources.to_vec(), devices.to_vec());
        for change in ahead() {
            change.apply(&mut level, &mut level_devices);
            least.iter_mut().zip(&level).for_each(|(least, &now)| *least = (*least).min(now));
            least_devices.iter_mut().zip(&level_devices).for_each(|(least, &now)| *least = (*least).min(now));
        }
        fit(demand, open, &least, &least_devices)
    }
}

fn change(at_seconds: u64, takes: bool, demand: &Demand, devices: DeviceSet) -> Change {
    let milli = demand.devices.map_or(0, |wanted| i64::from(wanted.milli));
    Change { at_seconds, takes, resources: demand.resources.clone(), milli, devices }
}

impl Change {
    fn apply(&self, resources: &mut [i64], devices: &mut [i64]) {
        let sign = if self.takes { -1 } else { 1 };
        resources.iter_mut().zip(&self.resources).for_each(|(free, amount)| *free += sign * amount);
        for device in self.devices.iter() {
            if let Some(free) = devices.get_mut(device) {
                *free += sign * self.milli;
            }
        }
    }
}

/// The fullest devices that will do, where everything fits.
fn fit(demand: &Demand, open: DeviceSet, resources: &[i64], devices: &[i64]) -> Option<DeviceSet> {
    if demand.resources.iter().zip(resources).any(|(need, free)| need > free && *need > 0) {
        return None;
    }
    let Some(wanted) = demand.devices else { return Some(DeviceSet::NONE) };
    let mut will_do: Vec<usize> = open
        .iter()
        .filter(|&device| devices.get(device).is_some_and(|&free| free >= i64::from(wanted.milli)))
        .collect();
    if will_do.len() < usize::from(wanted.count) {
        return None;
    }
    will_do.sort_by_key(|&device| devices[device]);
    Some(will_do.into_iter().take(usize::from(wanted.count)).collect())
}
