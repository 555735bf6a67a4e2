//! Nodes as the API shows them: each as a row for reading, all together as one byte a node and measure for a heat map.

use lepton_core::model::digest::Digest;
use lepton_core::model::{Assessment, Cluster, Health, NodeId, NodeLoad, NodeRisk, Snapshot};
use serde::Serialize;
use utoipa::ToSchema;

use super::node_view::model_name;

/// The quantile of the next hour's peak that is shown.
const PEAK_QUANTILE: f64 = 0.9;
/// A share of 1 as a byte.
const BYTE_OF_ONE: f64 = 200.0;
/// Places of two of the measures below.
pub(super) const USED: usize = 0;
pub(super) const EXPECTED_PEAK: usize = 3;
/// What the bytes of a node stand for, in their order.
pub(super) const MEASURES: [&str; 6] =
    ["used", "promised", "devices_held", "expected_peak", "failure_probability", "state"];

/// The same of a node: shares and probabilities, and the number of its state.
pub(super) const MEASURED: [fn(&Cluster, NodeId, &Assessment) -> f64; MEASURES.len()] = [
    |_, node, assessment| load(node, assessment).used,
    |_, node, assessment| load(node, assessment).promised,
    |_, node, assessment| load(node, assessment).devices_held,
    |cluster, node, assessment| assessment.expected_share(cluster, node, PEAK_QUANTILE),
    |_, node, assessment| assessment.risk_of(node),
    |cluster, node, _| state_number(cluster.health(node)),
];

/// A node.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct NodeRow {
    /// Its name.
    pub(crate) name: String,
    /// up, down, sick or cordoned.
    pub(crate) state: String,
    /// Tasks on it.
    pub(crate) tasks: usize,
    /// Devices.
    pub(crate) devices: usize,
    /// The model of its first device; none without devices.
    pub(crate) model: Option<String>,
    /// Share of its busiest resource that is really used.
    pub(crate) used: f64,
    /// Share of its fullest resource that is promised to tasks.
    pub(crate) promised: f64,
    /// Share of its device capacity held.
    pub(crate) devices_held: f64,
    /// Share of its busiest resource that it is expected to use at its peak in the next hour, with a chance of nine in ten not more;
    /// what is used now while nothing is known.
    pub(crate) expected_peak: f64,
    /// Whether it is above the safety level.
    pub(crate) hot: bool,
    /// Whether it works and is likely to fail, or is sick.
    pub(crate) failing: bool,
    /// Estimated probability of a failure within the next hour.
    pub(crate) failure_probability: f64,
    /// The same within the next day.
    pub(crate) failure_probability_day: f64,
    /// The signs that speak for it, the strongest first.
    pub(crate) signs: Vec<String>,
    /// Its labels, as `key=value`.
    pub(crate) labels: Vec<String>,
}

impl NodeRow {
    /// As it is believed to be, with the load and risk that it had before.
    pub(super) fn of(cluster: &Cluster, node: NodeId, before: Option<&Self>) -> Self {
        Self {
            name: cluster.node_name(node).to_owned(),
            state: format!("{:?}", cluster.health(node)).to_lowercase(),
            tasks: cluster.hosted(node).len(),
            devices: cluster.device_models(node).len(),
            model: (!cluster.device_models(node).is_empty()).then(|| model_name(cluster, node, 0)),
            labels: cluster.labels_of(node).map(|(key, value)| format!("{key}={value}")).collect(),
            ..before.cloned().unwrap_or_default()
        }
    }

    /// With the load and risk that it has now.
    pub(super) fn assessed(self, cluster: &Cluster, node: NodeId, assessment: &Assessment) -> Self {
        let load = load(node, assessment);
        let risk = assessment.risk.get(node.index());
        Self {
            used: load.used,
            promised: load.promised,
            devices_held: load.devices_held,
            expected_peak: assessment.expected_share(cluster, node, PEAK_QUANTILE),
            failure_probability: assessment.risk_of(node),
            failure_probability_day: risk.map_or(0.0, |risk| risk.within_day),
            signs: risk.map_or_else(Vec::new, signs_of),
            ..self
        }
    }

    /// Marks the nodes that the assessment names.
    pub(super) fn mark(rows: &mut [Self], assessment: &Assessment) {
        for row in &mut *rows {
            (row.hot, row.failing) = (false, false);
        }
        for node in &assessment.hot {
            rows[node.index()].hot = true;
        }
        for node in &assessment.failing {
            rows[node.index()].failing = true;
        }
    }
}

/// Signs in words.
fn signs_of(risk: &NodeRisk) -> Vec<String> {
    risk.signs.iter().map(|s| format!("{} {:.1} ({:.2})", s.signal, s.value, s.probability)).collect()
}

/// How all nodes stand: one byte a node and measure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct NodeBytes {
    /// Digest of the names, in the order of the bytes.
    pub(super) inventory: String,
    /// Measure after measure, node after node.
    pub(super) bytes: Vec<u8>,
}

impl NodeBytes {
    /// Of the snapshot and its assessment.
    pub(super) fn of(snapshot: &Snapshot, assessment: &Assessment) -> Self {
        let cluster = &snapshot.cluster;
        let mut digest = Digest::default();
        cluster.nodes().for_each(|node| digest.text(cluster.node_name(node)));
        let mut bytes = Vec::with_capacity(cluster.node_count() * MEASURES.len());
        let (state, shares) = MEASURED.split_last().expect("there are six");
        for share in shares {
            bytes.extend(cluster.nodes().map(|node| byte(share(cluster, node, assessment))));
        }
        // The cast keeps a number of a few.
        bytes.extend(cluster.nodes().map(|node| state(cluster, node, assessment) as u8));
        Self { inventory: format!("{:016x}", digest.value()), bytes }
    }

    /// For a page.
    pub(super) fn shown(&self, id: &str, time_seconds: u64) -> NodesShown {
        let count = self.bytes.len() / MEASURES.len();
        let of = |measure: usize| base64(&self.bytes[measure * count..(measure + 1) * count]);
        NodesShown {
            id: id.to_owned(),
            time_seconds,
            inventory: self.inventory.clone(),
            count,
            used: of(0),
            promised: of(1),
            devices_held: of(2),
            expected_peak: of(3),
            failure_probability: of(4),
            state: of(5),
        }
    }
}

/// How all nodes stand. Each measure is a text in base64, one byte a node in the order of `/api/v1/nodes`: 200 times the share or
/// probability, at most 255; `state` is 0 for up, 1 for cordoned, 2 for sick, 3 for down.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct NodesShown {
    /// The turn, as in `/api/v1/turns`.
    pub(crate) id: String,
    /// The cluster's time, seconds.
    pub(crate) time_seconds: u64,
    /// Changes when the names or their order change; `/api/v1/nodes` tells the same.
    pub(crate) inventory: String,
    /// Nodes.
    pub(crate) count: usize,
    /// Share of the busiest resource that is used.
    pub(crate) used: String,
    /// Share of the fullest resource that is promised.
    pub(crate) promised: String,
    /// Share of the device capacity that is held.
    pub(crate) devices_held: String,
    /// Share of the busiest resource that is expected to be used at the peak of the next hour.
    pub(crate) expected_peak: String,
    /// Probability of a failure within the next hour.
    pub(crate) failure_probability: String,
    /// Its state.
    pub(crate) state: String,
}

/// The share that a byte stands for.
pub(super) fn share_of(byte: u8) -> f64 {
    f64::from(byte) / BYTE_OF_ONE
}

fn byte(share: f64) -> u8 {
    // A share is at least 0; the cast keeps what is too high at 255.
    (share * BYTE_OF_ONE).round() as u8
}

fn load(node: NodeId, assessment: &Assessment) -> NodeLoad {
    assessment.load.get(node.index()).copied().unwrap_or_default()
}

fn state_number(health: Health) -> f64 {
    match health {
        Health::Up => 0.0,
        Health::Cordoned => 1.0,
        Health::Sick => 2.0,
        Health::Down => 3.0,
    }
}

/// Bytes as text (RFC 4648, with padding).
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for letter in 0..4 {
            let sextet = (bits >> (18 - 6 * letter) & 63) as usize;
            text.push(if letter <= group.len() { char::from(LETTERS[sextet]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_the_base64_of_the_standard() {
        let of = |text: &str| base64(text.as_bytes());
        let right = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        right.iter().for_each(|(text, expected)| assert_eq!(of(text), *expected));
    }

    #[test]
    fn a_share_becomes_a_byte_that_keeps_a_two_hundredth_of_it() {
        assert_eq!([0.0, 0.005, 0.8, 1.0, 1.27, 9.0].map(byte), [0, 1, 160, 200, 254, 255]);
    }
}
