//! What is free on one node over time.

use crate::model::{Cluster, Demand, DeviceSet, NodeId};

/// Something given back or taken on the node.
#[derive(Debug, Clone)]
struct Change<'a> {
    at_seconds: u64,
    takes: bool,
    resources: &'a [i64],
    milli: i64,
    devices: DeviceSet,
}

/// What is free on a node now, and what is given back and taken when.
#[derive(Debug, Clone)]
pub(super) struct Line<'a> {
    free: Free,
    /// Ascending in time, what is given back before what is taken.
    changes: Vec<Change<'a>>,
}

/// What is free at one time.
#[derive(Debug, Clone, Default)]
pub(super) struct Free {
    resources: Vec<i64>,
    /// Thousandths free of each device.
    devices: Vec<i64>,
}

impl Free {
    /// Becomes the same as another, in the memory that it has.
    fn copy_from(&mut self, other: &Self) {
        self.resources.clone_from(&other.resources);
        self.devices.clone_from(&other.devices);
    }

    /// Becomes the lesser of the two everywhere.
    fn lower_to(&mut self, other: &Self) {
        self.resources.iter_mut().zip(&other.resources).for_each(|(least, &now)| *least = (*least).min(now));
        self.devices.iter_mut().zip(&other.devices).for_each(|(least, &now)| *least = (*least).min(now));
    }

    /// Whether the demand fits.
    fn fits(&self, demand: &Demand, open: DeviceSet) -> bool {
        if demand.resources.iter().zip(&self.resources).any(|(need, free)| need > free && *need > 0) {
            return false;
        }
        demand.devices.is_none_or(|wanted| {
            let milli = i64::from(wanted.milli);
            self.will_do(open, milli).count() >= usize::from(wanted.count)
        })
    }

    fn will_do(&self, open: DeviceSet, milli: i64) -> impl Iterator<Item = usize> {
        open.iter().filter(move |&device| self.devices.get(device).is_some_and(|&free| free >= milli))
    }

    /// The fullest devices that will do, where the demand fits.
    fn fullest(&self, demand: &Demand, open: DeviceSet) -> DeviceSet {
        let Some(wanted) = demand.devices else { return DeviceSet::NONE };
        let mut will_do: Vec<usize> = self.will_do(open, i64::from(wanted.milli)).collect();
        will_do.sort_by_key(|&device| self.devices[device]);
        will_do.into_iter().take(usize::from(wanted.count)).collect()
    }
}

/// Memory for the search, used again and again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    now: Free,
    level: Free,
    least: Free,
}

impl<'a> Line<'a> {
    pub(super) fn of(cluster: &Cluster, node: NodeId) -> Self {
        let devices = cluster.devices_free(node).iter().map(|&milli| i64::from(milli)).collect();
        Self { free: Free { resources: cluster.free(node).to_vec(), devices }, changes: Vec::new() }
    }

    /// Something that stands there gives back what it holds; the changes are to be sorted afterwards.
    pub(super) fn gives(&mut self, at_seconds: u64, demand: &'a Demand, devices: DeviceSet) {
        self.changes.push(change(at_seconds, false, demand, devices));
    }

    pub(super) fn sort(&mut self) {
        self.changes.sort_by_key(|change| (change.at_seconds, change.takes));
    }

    /// Something stands there for a span.
    pub(super) fn takes(
        &mut self,
        at_seconds: u64,
        span_seconds: u64,
        demand: &'a Demand,
        devices: DeviceSet,
    ) {
        self.changes.push(change(at_seconds, true, demand, devices));
        self.gives(at_seconds.saturating_add(span_seconds), demand, devices);
        self.sort();
    }

    /// The first time, not before `from_seconds`, at which so much is free for a span, and on which of the `open` devices.
    pub(super) fn earliest(
        &self,
        demand: &Demand,
        open: DeviceSet,
        (from_seconds, span_seconds): (u64, u64),
        scratch: &mut Scratch,
    ) -> Option<(u64, DeviceSet)> {
        let Scratch { now, level, least } = scratch;
        now.copy_from(&self.free);
        let mut at = self.changes.partition_point(|change| change.at_seconds <= from_seconds);
        self.changes[..at].iter().for_each(|change| change.apply(now));
        let mut start = from_seconds;
        loop {
            if now.fits(demand, open) {
                // It must fit all the span.
                let until = start.saturating_add(span_seconds);
                let ahead = || self.changes[at..].iter().take_while(|change| change.at_seconds < until);
                if !ahead().any(|change| change.takes) {
                    return Some((start, now.fullest(demand, open)));
                }
                level.copy_from(now);
                least.copy_from(now);
                for change in ahead() {
                    change.apply(level);
                    least.lower_to(level);
                }
                if least.fits(demand, open) {
                    return Some((start, least.fullest(demand, open)));
                }
            }
            start = self.changes.get(at)?.at_seconds;
            while let Some(change) = self.changes.get(at).filter(|change| change.at_seconds == start) {
                change.apply(now);
                at += 1;
            }
        }
    }
}

fn change(at_seconds: u64, takes: bool, demand: &Demand, devices: DeviceSet) -> Change<'_> {
    let milli = demand.devices.map_or(0, |wanted| i64::from(wanted.milli));
    Change { at_seconds, takes, resources: &demand.resources, milli, devices }
}

impl Change<'_> {
    fn apply(&self, free: &mut Free) {
        let sign = if self.takes { -1 } else { 1 };
        free.resources.iter_mut().zip(self.resources).for_each(|(free, amount)| *free += sign * amount);
        for device in self.devices.iter() {
            if let Some(free) = free.devices.get_mut(device) {
                *free += sign * self.milli;
            }
        }
    }
}
