//! The rules among tasks for the members of one gang: how many tasks of each group stand in each domain, and which domains members keep free
//! of others. What tasks that stand already keep away from is asked once, when the nodes are chosen.

use crate::model::{ClassId, Cluster, Demand, GroupId, NodeId, Scope, TaskClass, TaskId};

/// Members of one class.
pub(super) struct Kind {
    /// Those that have no place yet, the next one last.
    pub(super) waiting: Vec<TaskId>,
    /// How many there are, with those that have one.
    pub(super) count: u32,
    pub(super) demand: Demand,
    pub(super) ties: Ties,
}

/// How a kind and a spot go together now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It does not fit, and will not as long as nothing is taken back.
    Never,
    /// It lacks somebody who may still come near, or a domain elsewhere has to be filled first.
    NotYet,
    Now,
}

/// What a kind has to do with pairs of a group and a scope, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Ties {
    /// Those of its own group.
    own: Vec<usize>,
    /// Those that it keeps away from.
    apart: Vec<usize>,
    near: Vec<Near>,
    /// With the largest difference.
    spread: Vec<(usize, u32)>,
}

/// An affinity: one of these must be there.
#[derive(Debug)]
struct Near {
    pairs: Vec<usize>,
    /// Whether the kind itself may be the first.
    own: bool,
    /// Kinds that may come to a domain where none of them is yet.
    openers: Vec<usize>,
}

/// A group, and what counts as together.
struct Pair {
    group: GroupId,
    scope: Scope,
    /// Per spot: its domain.
    domain: Vec<Option<usize>>,
    /// Per domain: tasks of the group.
    held: Vec<u32>,
    /// How many of them lie in a domain at all.
    total: u32,
    /// Per domain: members that keep the group away.
    kept: Vec<u32>,
    /// Domains that nodes carry.
    carried: Vec<usize>,
    /// The fewest that one of them holds.
    least: u32,
}

/// All pairs that the rules of the kinds speak of.
pub(super) struct Pairs(Vec<Pair>);

impl Pairs {
    /// Of these classes, on these nodes; and what each class has to do with them.
    pub(super) fn of(cluster: &Cluster, classes: &[ClassId], on: &[NodeId]) -> (Self, Vec<Ties>) {
        let mut pairs = Self(Vec::new());
        let classes: Vec<&TaskClass> = classes.iter().map(|&class| cluster.class(class)).collect();
        let mut all = Vec::new();
        for class in &classes {
            let rules = &class.rules;
            let mut ties = Ties::default();
            for rule in &rules.anti_affinity {
                ties.apart.push(pairs.number(cluster, (rule.group, rule.scope), on));
            }
            for rule in &rules.affinity {
                let numbers = rule.groups.iter().map(|&group| pairs.number(cluster, (group, rule.scope), on));
                let pairs = numbers.collect();
                let own = class.group.is_some_and(|group| rule.groups.contains(&group));
                let opens = |other: &&TaskClass| {
                    other.group.is_some_and(|group| rule.groups.contains(&group))
                        && !other.rules.affinity.contains(rule)
                };
                let openers = (0..classes.len()).filter(|&at| opens(&classes[at])).collect();
                ties.near.push(Near { pairs, own, openers });
            }
            for rule in &rules.spread {
                let pair = pairs.number(cluster, (rule.group, Scope::Domain(rule.key)), on);
                ties.spread.push((pair, rule.skew_max));
            }
            all.push(ties);
        }
        for (ties, class) in all.iter_mut().zip(&classes) {
            ties.own = (0..pairs.0.len()).filter(|&at| class.group == Some(pairs.0[at].group)).collect();
        }
        (pairs, all)
    }

    /// The number of a pair, known or new.
    fn number(&mut self, cluster: &Cluster, (group, scope): (GroupId, Scope), on: &[NodeId]) -> usize {
        let known = self.0.iter().position(|pair| pair.group == group && pair.scope == scope);
        known.unwrap_or_else(|| {
            self.0.push(Pair::of(cluster, group, scope, on));
            self.0.len() - 1
        })
    }

    /// What tells a spot from others, as far as rules go.
    pub(super) fn seals(&self, spot: usize) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().flat_map(move |pair| match (pair.scope, pair.domain[spot]) {
            (Scope::Node, Some(domain)) => [0, u64::from(pair.held[domain])],
            (_, domain) => [1, domain.map_or(u64::MAX, |domain| domain as u64)],
        })
    }

    /// Whether the rules let a kind stand on a spot.
    pub(super) fn fit(&self, kinds: &[Kind], kind: usize, spot: usize) -> Fit {
        let ties = &kinds[kind].ties;
        let in_domain = |&pair: &usize| self.0[pair].domain[spot].map(|domain| (&self.0[pair], domain));
        let meets = ties.apart.iter().filter_map(in_domain).any(|(pair, domain)| pair.held[domain] > 0)
            || ties.own.iter().filter_map(in_domain).any(|(pair, domain)| pair.kept[domain] > 0);
        if meets {
            return Fit::Never;
        }
        let mut fit = Fit::Now;
        for near in &ties.near {
            let is_there =
                near.pairs.iter().filter_map(in_domain).any(|(pair, domain)| pair.held[domain] > 0);
            let is_first = || {
                let none = near.pairs.iter().all(|&pair| self.0[pair].total == 0);
                near.own && none && in_domain(&near.pairs[0]).is_some()
            };
            if !is_there && !is_first() {
                let may_come = near.openers.iter().any(|&other| !kinds[other].waiting.is_empty());
                if !may_come || in_domain(&near.pairs[0]).is_none() {
                    return Fit::Never;
                }
                fit = Fit::NotYet;
            }
        }
        for (pair, skew_max) in &ties.spread {
            let Some((pair, domain)) = in_domain(pair) else { return Fit::Never };
            if pair.held[domain] + 1 > pair.least + skew_max {
                fit = Fit::NotYet;
            }
        }
        fit
    }

    /// Whether others may still open domains to a kind, so that it is placed after them.
    pub(super) fn waits_for_others(kinds: &[Kind], kind: usize) -> bool {
        let openers = kinds[kind].ties.near.iter().flat_map(|near| &near.openers);
        openers.into_iter().any(|&other| other != kind && !kinds[other].waiting.is_empty())
    }

    /// The affinity by which the first of a kind will choose the domain for all of it.
    pub(super) fn gathers<'a>(&self, ties: &'a Ties) -> Option<&'a [usize]> {
        let is_open = |near: &&Near| {
            near.own && near.openers.is_empty() && near.pairs.iter().all(|&pair| self.0[pair].total == 0)
        };
        ties.near.iter().find(is_open).map(|near| &near.pairs[..])
    }

    /// The domain of a pair in which a spot lies.
    pub(super) fn domain(&self, pair: usize, spot: usize) -> Option<usize> {
        self.0[pair].domain[spot]
    }

    /// A number of the domain in which one of the kind keeps all others of it away, the widest where there are several.
    pub(super) fn sole_part(&self, ties: &Ties, spot: usize) -> Option<usize> {
        let sole = ties.apart.iter().filter(|pair| ties.own.contains(pair));
        let widest = sole.min_by_key(|&&pair| self.0[pair].held.len())?;
        self.0[*widest].domain[spot]
    }

    /// One of a kind more (`sign` 1) or less (-1) on a spot.
    pub(super) fn note(&mut self, ties: &Ties, spot: usize, sign: i32) {
        for &own in &ties.own {
            let pair = &mut self.0[own];
            let Some(domain) = pair.domain[spot] else { continue };
            pair.held[domain] = pair.held[domain].saturating_add_signed(sign);
            pair.total = pair.total.saturating_add_signed(sign);
            pair.find_least();
        }
        for &apart in &ties.apart {
            let pair = &mut self.0[apart];
            let Some(domain) = pair.domain[spot] else { continue };
            pair.kept[domain] = pair.kept[domain].saturating_add_signed(sign);
        }
    }
}

impl Pair {
    fn of(cluster: &Cluster, group: GroupId, scope: Scope, on: &[NodeId]) -> Self {
        let domain_of = |node: NodeId| match scope {
            Scope::Node => Some(node.index()),
            Scope::Domain(key) => cluster.label(node, key).map(|value| value.index()),
        };
        let count = match scope {
            Scope::Node => cluster.node_count(),
            Scope::Domain(key) => cluster.label_value_count(key),
        };
        let mut held = vec![0; count];
        for (&node, &tasks) in cluster.group_nodes(group) {
            if let Some(domain) = domain_of(node) {
                held[domain] += tasks;
            }
        }
        let mut carried: Vec<usize> = match scope {
            Scope::Node => Vec::new(),
            Scope::Domain(_) => cluster.nodes().filter_map(domain_of).collect(),
        };
        carried.sort_unstable();
        carried.dedup();
        let domain = on.iter().map(|&node| domain_of(node)).collect();
        let (total, kept) = (held.iter().sum(), vec![0; count]);
        let mut pair = Self { group, scope, domain, held, total, kept, carried, least: 0 };
        pair.find_least();
        pair
    }

    fn find_least(&mut self) {
        self.least = self.carried.iter().map(|&domain| self.held[domain]).min().unwrap_or(0);
    }
}
