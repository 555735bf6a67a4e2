//! Which node a series speaks of: by the first of an ordered list of labels that names a node that is known, else by the host of its
//! `instance`, which may be a node's address, the machine that answers there, or the node's own name.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::vector::Element;
use crate::real_source::SeriesCounts;

/// The labels that may name a node, in order.
pub(super) const NODE_LABELS: [&str; 5] = ["node", "kubernetes_node", "nodename", "hostname", "Hostname"];
/// Series that are named of those not used.
const EXAMPLES_MAX: usize = 5;

/// The nodes that are known, and the ways to them.
#[derive(Debug, Default)]
pub(super) struct Identity {
    labels: Vec<String>,
    nodes: BTreeSet<String>,
    /// By address; two nodes under one address are none.
    by_address: BTreeMap<String, Option<String>>,
    /// By `instance`, as machines name themselves.
    by_instance: BTreeMap<String, String>,
    pub(super) counts: SeriesCounts,
}

impl Identity {
    /// Of nodes as Kubernetes tells them, or, without it, of machines as they name themselves.
    pub(super) fn new(labels: Vec<String>, kube: &[Element], machines: &[Element]) -> Self {
        let mut identity = Self { labels, ..Self::default() };
        for element in kube {
            let Some(node) = element.label("node") else { continue };
            identity.nodes.insert(node.to_owned());
            let Some(address) = element.label("internal_ip") else { continue };
            let told = identity.by_address.entry(address.to_owned()).or_insert_with(|| Some(node.to_owned()));
            if told.as_deref() != Some(node) {
                *told = None;
            }
        }
        for element in machines {
            let Some(instance) = element.label("instance") else { continue };
            if kube.is_empty() {
                let Some(name) = element.label("nodename") else { continue };
                if !identity.nodes.insert(name.to_owned()) {
                    identity.unused(element, true);
                    continue;
                }
                identity.by_instance.insert(instance.to_owned(), name.to_owned());
            } else if let Some(node) = identity.find(element) {
                identity.by_instance.insert(instance.to_owned(), node);
            }
        }
        identity
    }

    /// The nodes.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(String::as_str)
    }

    /// The target that tells of a machine.
    pub(super) fn instance_of(&self, node: &str) -> Option<&str> {
        self.by_instance.iter().find(|(_, of)| *of == node).map(|(instance, _)| instance.as_str())
    }

    /// The node that a series speaks of.
    pub(super) fn find(&self, element: &Element) -> Option<String> {
        let named = self.labels.iter().filter_map(|label| element.label(label));
        if let Some(node) = named.into_iter().find(|name| self.nodes.contains(*name)) {
            return Some(node.to_owned());
        }
        let instance = element.label("instance")?;
        if let Some(node) = self.by_instance.get(instance) {
            return Some(node.clone());
        }
        let host = instance.rsplit_once(':').map_or(instance, |(host, _)| host).trim_matches(['[', ']']);
        let by_address = || self.by_address.get(host).cloned().flatten();
        by_address().or_else(|| self.nodes.contains(host).then(|| host.to_owned()))
    }

    fn unused(&mut self, element: &Element, ambiguous: bool) {
        if ambiguous {
            self.counts.ambiguous += 1;
        } else {
            self.counts.unmapped += 1;
        }
        if self.counts.examples.len() < EXAMPLES_MAX {
            let why = if ambiguous { "claimed twice" } else { "of nothing known" };
            self.counts.examples.push(format!("{why}: {element}"));
        }
    }

    /// The node that a series speaks of, counted.
    pub(super) fn node_of(&mut self, element: &Element) -> Option<String> {
        let node = self.find(element);
        match node {
            Some(_) => self.counts.mapped += 1,
            None => self.unused(element, false),
        }
        node
    }

    /// Values by node; of two series of one node the first counts.
    pub(super) fn by_node(&mut self, elements: &[Element]) -> BTreeMap<String, f64> {
        let mut values = BTreeMap::new();
        for element in elements {
            let Some(node) = self.node_of(element) else { continue };
            match values.entry(node) {
                Entry::Vacant(free) => drop(free.insert(element.value)),
                Entry::Occupied(_) => {
                    self.counts.mapped -= 1;
                    self.unused(element, true);
                }
            }
        }
        values
    }

    /// Values by pod, of pods that are known.
    pub(super) fn by_pod(&mut self, elements: &[Element], known: &BTreeSet<String>) -> BTreeMap<String, f64> {
        let mut values = BTreeMap::new();
        for element in elements {
            match pod_of(element).filter(|pod| known.contains(pod)) {
                Some(pod) => {
                    self.counts.mapped += 1;
                    values.insert(pod, element.value);
                }
                // Pods that have ended leave series behind.
                None => self.counts.unmapped += 1,
            }
        }
        values
    }
}

/// The pod that a series speaks of. A scrape that keeps its own labels renames those of the exporter.
pub(super) fn pod_of(element: &Element) -> Option<String> {
    let namespace = element.first(&["exported_namespace", "namespace"])?;
    Some(format!("{namespace}/{}", element.first(&["exported_pod", "pod"])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn element(labels: &[(&str, &str)], value: f64) -> Element {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Element { labels: labels.collect(), value }
    }

    fn labels() -> Vec<String> {
        NODE_LABELS.map(str::to_owned).to_vec()
    }

    #[test]
    fn the_first_label_that_names_a_known_node_counts_then_the_host_of_the_instance() {
        let kube = [
            element(&[("node", "a"), ("internal_ip", "10.0.0.1")], 1.0),
            element(&[("node", "b"), ("internal_ip", "10.0.0.2")], 1.0),
        ];
        let machines = [element(&[("instance", "b.example:9100"), ("nodename", "b")], 1.0)];
        let mut identity = Identity::new(labels(), &kube, &machines);
        for (series, right) in [
            (&[("node", "a"), ("hostname", "b")][..], Some("a")),
            (&[("node", "exporter-pod"), ("Hostname", "b")], Some("b")),
            (&[("hostname", "a")], Some("a")),
            (&[("instance", "10.0.0.2:9400")], Some("b")),
            (&[("instance", "b.example:9100")], Some("b")),
            (&[("instance", "a:9100")], Some("a")),
            (&[("instance", "10.0.0.9:9100")], None),
            (&[("hostname", "")], None),
        ] {
            assert_eq!(identity.node_of(&element(series, 1.0)).as_deref(), right, "{series:?}");
        }
        assert_eq!((identity.counts.mapped, identity.counts.unmapped), (6, 2));
        assert!(identity.counts.examples[0].contains("10.0.0.9:9100"), "{:?}", identity.counts);
    }

    #[test]
    fn two_series_of_one_node_and_two_nodes_under_one_address_are_ambiguous() {
        let kube = ["a", "b"].map(|node| element(&[("node", node), ("internal_ip", "10.0.0.1")], 1.0));
        let mut identity = Identity::new(labels(), &kube, &[]);
        assert_eq!(identity.node_of(&element(&[("instance", "10.0.0.1:9100")], 1.0)), None);
        let twice = [element(&[("node", "a")], 1.0), element(&[("node", "a"), ("job", "other")], 2.0)];
        assert_eq!(identity.by_node(&twice), BTreeMap::from([("a".to_owned(), 1.0)]));
        assert_eq!((identity.counts.mapped, identity.counts.unmapped, identity.counts.ambiguous), (1, 1, 1));
        let machines = ["x:1", "y:1"].map(|at| element(&[("instance", at), ("nodename", "m")], 1.0));
        let twins = Identity::new(labels(), &[], &machines);
        assert_eq!((twins.nodes().count(), twins.counts.ambiguous), (1, 1));
    }

    #[test]
    fn pods_are_told_by_the_labels_of_the_exporter() {
        let of = |labels: &[(&str, &str)]| pod_of(&element(labels, 1.0));
        assert_eq!(of(&[("namespace", "n"), ("pod", "p")]).as_deref(), Some("n/p"));
        let renamed =
            [("namespace", "gpu"), ("pod", "exporter"), ("exported_namespace", "n"), ("exported_pod", "p")];
        assert_eq!(of(&renamed).as_deref(), Some("n/p"));
        assert_eq!(of(&[("namespace", "n")]), None);
    }
}
