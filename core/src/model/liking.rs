//! How much tasks like a node by what they would rather have. Nothing here forbids one: of the nodes that the hard rules leave, the one
//! that is liked most is taken, and among equals the placement policy decides.

use super::{ClassId, Cluster, NodeId, Preference, Scope, Selector, Wish};

/// How much a class likes the nodes of a cluster as it is now: made once, asked of many nodes.
#[derive(Debug)]
pub struct Liking<'a> {
    cluster: &'a Cluster,
    wishes: Vec<(&'a Preference, Counts)>,
    most: f64,
}

/// Tasks of the groups of a wish, by node or by value of the key; and the fewest that stand anywhere.
#[derive(Debug, Default)]
struct Counts {
    per_place: Vec<u32>,
    least: u32,
}

impl<'a> Liking<'a> {
    /// Of a class; none where it has no preferences.
    pub fn of(cluster: &'a Cluster, class: ClassId) -> Option<Self> {
        let preferences = &cluster.class(class).rules.preferences;
        if preferences.is_empty() {
            return None;
        }
        let wishes = preferences.iter().map(|preference| (preference, counts(cluster, preference))).collect();
        let most = preferences.iter().map(|preference| f64::from(preference.weight)).sum();
        Some(Self { cluster, wishes, most })
    }

    /// What a node has that grants every wish.
    pub fn most(&self) -> f64 {
        self.most
    }

    /// The weights of the wishes that the node grants; of a spread a part, where others hold less.
    pub fn of_node(&self, node: NodeId) -> f64 {
        self.wishes
            .iter()
            .map(|(preference, counts)| f64::from(preference.weight) * self.share(preference, counts, node))
            .sum()
    }

    fn share(&self, preference: &Preference, counts: &Counts, node: NodeId) -> f64 {
        let there = |scope: Scope| {
            let at = place_of(self.cluster, node, scope);
            at.map(|at| counts.per_place.get(at).copied().unwrap_or(0))
        };
        match &preference.wish {
            Wish::Label(Selector { key, values }) => {
                let carried = self.cluster.label(node, *key);
                f64::from(u8::from(carried.is_some_and(|value| values.contains(&value))))
            }
            Wish::Near { scope, .. } => f64::from(u8::from(there(*scope).is_some_and(|count| count > 0))),
            Wish::Apart { scope, .. } => f64::from(u8::from(there(*scope).is_none_or(|count| count == 0))),
            // A node in no domain is the last.
            Wish::Spread { scope, .. } => {
                there(*scope).map_or(0.0, |count| 1.0 / f64::from(1 + count.saturating_sub(counts.least)))
            }
        }
    }
}

/// Where a node is counted; none where it is in no domain.
fn place_of(cluster: &Cluster, node: NodeId, scope: Scope) -> Option<usize> {
    match scope {
        Scope::Node => Some(node.index()),
        Scope::Domain(key) => cluster.label(node, key).map(|value| value.index()),
    }
}

fn counts(cluster: &Cluster, preference: &Preference) -> Counts {
    let Some(scope) = preference.scope() else { return Counts::default() };
    let places = match scope {
        Scope::Node => cluster.node_count(),
        Scope::Domain(key) => cluster.label_value_count(key),
    };
    let mut per_place = vec![0; places];
    for (&node, count) in preference.groups().iter().flat_map(|&group| cluster.group_nodes(group)) {
        if let Some(place) = place_of(cluster, node, scope).and_then(|at| per_place.get_mut(at)) {
            *place += count;
        }
    }
    let least = match scope {
        Scope::Node => cluster.nodes().map(|node| per_place.get(node.index()).copied().unwrap_or(0)).min(),
        Scope::Domain(key) => cluster.labels.carried(key).map(|value| per_place[value.index()]).min(),
    };
    Counts { per_place, least: least.unwrap_or(0) }
}
