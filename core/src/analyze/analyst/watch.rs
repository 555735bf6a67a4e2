//! Watching nodes for failures: the signals told of each, its past failures, and what has come of the signs so far.
//!
//! A signal that is known to speak of coming faults has a chance of its own (`signs.rs`), believed as if it had been seen to come true
//! a few times; from then on outcomes count: of a signal of about that strength, the share of hours that ended in a failure. False
//! signs so lose their weight, whoever sends them. Beside them stands the chance by the node's past and by all signs together
//! ([`RiskModel`]); both see the same counters, so the higher of the two counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::signs::{BANDS, KINDS, Kind, SIGN_HORIZON_SECONDS, band_of, kind_of};
use crate::analyze::risk::{self, NodeSigns, RiskModel};
use crate::model::{Health, Name, NodeId, NodeRisk, Sign, Snapshot};

/// Outcomes that the chance known beforehand is worth.
const BELIEVED: f64 = 4.0;
/// Messages of one telling that count.
const MESSAGES_MAX: usize = 20;

/// All nodes.
#[derive(Debug)]
pub(super) struct Watch {
    model: RiskModel,
    nodes: Vec<NodeWatch>,
    /// Of nodes that were seen before a restart and have not come yet.
    recalled: BTreeMap<Name, NodeWatch>,
    outcomes: [[Outcomes; BANDS]; KINDS],
}

/// What is remembered of the nodes' failures and signs, and what came of signs, to be kept over a restart.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct KeptSigns {
    nodes: Vec<NodeWatch>,
    outcomes: [[Outcomes; BANDS]; KINDS],
}

/// What came of a signal of about one strength.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Outcomes {
    failed: f64,
    all: f64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct NodeWatch {
    name: Name,
    /// Whether it worked when last looked at, and when.
    worked: Option<bool>,
    looked_seconds: u64,
    /// Whether somebody else than the loop had taken it out of service: what then goes down was meant to.
    put_aside: bool,
    signs: NodeSigns,
    /// Signals whose outcome is awaited.
    open: Vec<Case>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Case {
    kind: usize,
    band: usize,
    until_seconds: u64,
}

impl Watch {
    pub(super) fn new(model: RiskModel) -> Self {
        Self { model, nodes: Vec::new(), recalled: BTreeMap::new(), outcomes: Default::default() }
    }

    /// What is to be kept: of nodes of which nothing was seen only that they are watched.
    pub(super) fn keep(&self) -> KeptSigns {
        let all = self.nodes.iter().chain(self.recalled.values());
        KeptSigns { nodes: all.cloned().collect(), outcomes: self.outcomes }
    }

    /// Goes on from what was kept; outcomes that are no numbers of cases are not believed.
    pub(super) fn recall(&mut self, kept: KeptSigns) {
        self.nodes.clear();
        self.recalled = kept.nodes.into_iter().map(|node| (node.name.clone(), node)).collect();
        self.outcomes = kept.outcomes;
        let sound = |of: &Outcomes| of.failed >= 0.0 && of.failed <= of.all && of.all.is_finite();
        self.outcomes.iter_mut().flatten().filter(|of| !sound(of)).for_each(|of| *of = Outcomes::default());
    }

    /// Takes in the snapshot; returns the risk of each node.
    pub(super) fn observe(&mut self, snapshot: &Snapshot) -> Vec<NodeRisk> {
        let cluster = &snapshot.cluster;
        self.nodes.resize_with(cluster.node_count(), NodeWatch::default);
        for node in cluster.nodes() {
            let watch = &mut self.nodes[node.index()];
            watch.meet(cluster.node_name(node), snapshot.time_seconds, &mut self.recalled);
            watch.observe(snapshot, node, &self.model, &mut self.outcomes);
        }
        cluster.nodes().map(|node| self.risk_of(snapshot, node)).collect()
    }

    fn risk_of(&self, snapshot: &Snapshot, node: NodeId) -> NodeRisk {
        let all = self.model.assess(&self.nodes[node.index()].signs, snapshot.time_seconds as i64);
        let [hour, day, week] = all.chances;
        let mut stays = 1.0;
        let mut signs = Vec::new();
        for (signal, value) in snapshot.signals_of(node) {
            let Some((kind, Kind::Hazard(before))) = kind_of(signal, value) else { continue };
            let Outcomes { failed, all } = self.outcomes[kind][band_of(before)];
            let probability = (BELIEVED * before + failed) / (BELIEVED + all);
            stays *= 1.0 - probability;
            signs.push(Sign { signal: Name::from(signal), value, probability });
        }
        let of_past = |&(signal, factor): &(&str, f64)| Sign {
            signal: Name::from(signal),
            value: factor,
            probability: hour,
        };
        signs.extend(all.signals.iter().map(of_past));
        signs.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.signal.cmp(&b.signal)));
        let sick = snapshot.cluster.health(node) == Health::Sick;
        let probability = if sick { 1.0 } else { hour.max(1.0 - stays) };
        NodeRisk {
            probability,
            within_day: day.max(probability),
            within_week: week.max(day).max(probability),
            signs,
        }
    }
}

impl NodeWatch {
    /// Makes sure that this is about the node of that name.
    fn meet(&mut self, name: &str, now_seconds: u64, recalled: &mut BTreeMap<Name, Self>) {
        if *self.name == *name {
            return;
        }
        let fresh = || Self { name: Name::from(name), looked_seconds: now_seconds, ..Self::default() };
        *self = recalled.remove(name).filter(NodeWatch::is_sound).unwrap_or_else(fresh);
    }

    /// Whether what was kept can be of a node: it may be anything.
    fn is_sound(&self) -> bool {
        self.signs.is_sound() && self.open.iter().all(|case| case.kind < KINDS && case.band < BANDS)
    }

    fn observe(
        &mut self,
        snapshot: &Snapshot,
        node: NodeId,
        model: &RiskModel,
        outcomes: &mut [[Outcomes; BANDS]; KINDS],
    ) {
        let now = snapshot.time_seconds;
        let health = snapshot.cluster.health(node);
        let works = matches!(health, Health::Up | Health::Cordoned);
        let at = now as i64;
        match (self.worked, works) {
            (Some(true), false) if !self.put_aside => {
                self.signs.fail(at, &model.prior);
                self.end(outcomes, |_| true, true);
            }
            (Some(false), true) | (_, false) => {
                self.signs.repaired(at);
                self.open.clear();
            }
            (_, true) => self.signs.observe(at, &model.prior),
        }
        if works {
            self.end(outcomes, |case| case.until_seconds <= now, false);
            self.take_signals(snapshot, node, model);
        }
        self.put_aside = health == Health::Cordoned && !snapshot.cordoned_by_loop.contains(&node);
        (self.worked, self.looked_seconds) = (Some(works), self.looked_seconds.max(now));
    }

    /// Ends the cases that are over, with a failure or without.
    fn end(&mut self, outcomes: &mut [[Outcomes; BANDS]; KINDS], over: impl Fn(&Case) -> bool, failed: bool) {
        self.open.retain(|case| {
            let over = over(case);
            if over {
                let of = &mut outcomes[case.kind][case.band];
                of.failed += f64::from(u8::from(failed));
                of.all += 1.0;
            }
            !over
        });
    }

    fn take_signals(&mut self, snapshot: &Snapshot, node: NodeId, model: &RiskModel) {
        let now = snapshot.time_seconds;
        // What a counter's rate was while nobody looked is not known: an hour of it at most.
        let hours = (now.saturating_sub(self.looked_seconds) as f64 / 3600.0).min(1.0);
        let told = snapshot.signals.get(node.index()).into_iter().flatten();
        for (signal, &(value, told_seconds)) in told {
            let Some((kind, what)) = kind_of(signal, value) else { continue };
            let at = now as i64;
            match what {
                Kind::Hazard(chance) => {
                    self.signs.sign(at, risk::Sign::CounterGrowth(value * hours), &model.prior);
                    if !self.open.iter().any(|case| case.kind == kind) {
                        let until_seconds = now + SIGN_HORIZON_SECONDS;
                        self.open.push(Case { kind, band: band_of(chance), until_seconds });
                    }
                }
                Kind::Messages(severity) if told_seconds > self.looked_seconds => {
                    for _ in 0..(value as usize).min(MESSAGES_MAX) {
                        self.signs.sign(at, risk::Sign::Message(severity), &model.prior);
                    }
                }
                Kind::Anomaly if told_seconds > self.looked_seconds => {
                    self.signs.sign(at, risk::Sign::Anomaly(value), &model.prior);
                }
                Kind::Messages(_) | Kind::Anomaly => {}
            }
        }
    }
}
