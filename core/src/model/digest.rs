//! Digests of values: whether two decisions had the same input, whether a file is as it was written, where a row is kept.

use super::{Assessment, Name, Snapshot, TaskId};

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// FNV-1a, 64 bits, of bytes or of numbers taken whole.
pub fn fnv(values: impl IntoIterator<Item = u64>) -> u64 {
    values.into_iter().fold(FNV_START, |sum, value| (sum ^ value).wrapping_mul(FNV_PRIME))
}

/// A digest in the making: 64 bits, not made against people who seek equal ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(FNV_START)
    }
}

impl Digest {
    /// Takes in a number.
    pub fn number(&mut self, value: u64) {
        self.0 = mixed(self.0, value);
    }

    /// Takes in a real number, bit by bit.
    pub fn real(&mut self, value: f64) {
        self.number(value.to_bits());
    }

    /// Takes in a text and its length.
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.number(u64::from_le_bytes(word));
        }
    }

    /// The digest.
    pub fn value(self) -> u64 {
        self.0
    }
}

/// One step of a digest: both values, well mixed.
pub(super) fn mixed(before: u64, value: u64) -> u64 {
    let product = (before ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 29)
}

impl Snapshot {
    /// Takes in all that a decision may depend on: nodes, tasks and their states, places, quotas, what is under way, moves
    /// made, the mix.
    pub fn digest(&self, digest: &mut Digest) {
        digest.number(self.time_seconds);
        self.digest_nodes(digest);
        for task in self.cluster.live_tasks() {
            self.digest_task(digest, task);
        }
        for owner in self.cluster.owners() {
            digest.text(self.cluster.owner_name(owner));
            for quota in [self.cluster.quota(owner), Some(self.cluster.held_by(owner))] {
                let amounts = quota.iter().flat_map(|q| q.resources.iter().copied().chain([q.device_milli]));
                amounts.for_each(|amount| digest.number(amount as u64));
            }
        }
        for statement in self.memory.underway() {
            digest.text(&statement.part().key.to_string());
            for (task, spot) in statement.promised() {
                digest.text(task);
                digest.text(&spot.node);
                digest.number(spot.devices.0);
            }
        }
        for made in self.memory.moves.iter() {
            digest.number(made.time_seconds);
            let names = [Some(&made.task), made.owner.as_ref(), Some(&made.from), made.to.as_ref()];
            names.into_iter().for_each(|name| digest.text(name.map_or("", |n: &Name| n)));
        }
        digest.number(self.mix.version);
        for (key, accept, count) in self.mix.counts() {
            digest.number(key.cpu_millicores as u64);
            digest.number(u64::from(key.milli) << 16 | u64::from(key.count));
            digest.number(accept.0);
            digest.number(*count);
        }
    }

    fn digest_nodes(&self, digest: &mut Digest) {
        let cluster = &self.cluster;
        for node in cluster.nodes() {
            digest.text(cluster.node_name(node));
            digest.number(cluster.health(node) as u64 + 8 * u64::from(self.cordoned_by_loop.contains(&node)));
            for &amount in cluster.capacity(node).iter().chain(cluster.free(node)) {
                digest.number(amount as u64);
            }
            let devices = cluster.devices_free(node).iter().zip(cluster.device_models(node));
            for ((&free, model), &in_service) in devices.zip(cluster.devices_in_service(node)) {
                digest.number(u64::from(free) << 16 | u64::from(model.0) << 1 | u64::from(in_service));
            }
            for (key, value) in cluster.labels_of(node) {
                digest.text(key);
                digest.text(value);
            }
        }
    }

    fn digest_task(&self, digest: &mut Digest, id: TaskId) {
        let (task, state) = (self.cluster.task(id), self.task(id));
        digest.text(&task.name);
        digest.number(u64::from(id.0));
        digest.number(u64::from(task.class.0));
        for id in [task.owner.map(|o| o.0), task.gang.map(|g| g.0)] {
            digest.number(id.map_or(u64::MAX, u64::from));
        }
        digest.number(task.priority as u64);
        digest.number(u64::from(task.move_cost.to_bits()));
        digest.number(u64::from(task.do_not_disrupt) + 2 * u64::from(state.leaving));
        let place = self.cluster.placement(id);
        digest.number(place.map_or(u64::MAX, |p| u64::from(p.node.0)));
        digest.number(place.map_or(0, |p| p.devices.0));
        for seconds in [state.submitted_seconds, u64::from(state.pause_seconds), state.unsaved_seconds] {
            digest.number(seconds);
        }
        for seconds in [state.requested_seconds, state.started_seconds] {
            digest.number(seconds.unwrap_or(u64::MAX));
        }
        digest.number(state.waits_for.map_or(u64::MAX, |o| o as u64));
        state.used.iter().for_each(|&used| digest.number(used as u64));
    }
}

impl Assessment {
    /// Takes in all that a decision may depend on beside the snapshot.
    pub fn digest(&self, digest: &mut Digest) {
        digest.real(self.safety_level);
        self.used.iter().chain(&self.use_of_demand).for_each(|&used| digest.real(used));
        self.risk.iter().for_each(|risk| digest.real(risk.probability));
        for node in self.hot.iter().chain(&self.failing) {
            digest.number(u64::from(node.0));
        }
        if let Some(expected) = &self.expected {
            digest.number(expected.horizon_seconds);
            expected.levels.iter().chain(&expected.used).for_each(|&value| digest.real(value));
        }
    }
}
