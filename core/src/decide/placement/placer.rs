//! The decision engine of placement: O(changed nodes) per decision, whatever the size of the cluster.
//!
//! It decides and does not place: the caller carries the decision out on the cluster, whose change log
//! then tells the engine what to score again, for each class when it next comes up.

use super::PlacementPolicy;
use super::best_node::{BestNode, UNFIT};
use super::feasible_set::FeasibleSet;
use crate::model::{ClassId, Cluster, LogPosition, NodeId, Placement, TaskId};

/// What is known of the nodes for one class.
enum Candidates {
    Scored(BestNode),
    Drawn(FeasibleSet),
}

impl Candidates {
    fn score(&self, position: usize) -> f32 {
        match self {
            Self::Scored(tree) => tree.get(position),
            Self::Drawn(_) => 0.0,
        }
    }

    fn set(&mut self, position: usize, score: f32) {
        match self {
            Self::Scored(tree) => tree.set(position, score),
            Self::Drawn(set) => set.set(position, score != UNFIT),
        }
    }
}

struct ClassIndex {
    /// Position in the cluster's change log up to which the scores are true.
    known_to: LogPosition,
    /// The class's epoch: its id may have been used again.
    epoch: u32,
    /// Nodes scored on a draft that was dropped.
    dirty: Vec<NodeId>,
    candidates: Candidates,
}

/// Finds the node for a task under one policy. Of nodes with equal scores the first in `order` is taken.
pub struct Placer {
    policy: Box<dyn PlacementPolicy>,
    /// Nodes in order of preference.
    order: Vec<NodeId>,
    /// Per node: its place in `order`.
    rank: Vec<u32>,
    classes: Vec<Option<ClassIndex>>,
    /// Per node: the last refresh that scored it, so that each refresh scores a node once.
    scored_in: Vec<u64>,
    refresh: u64,
}

impl Placer {
    /// An engine for a cluster whose nodes, when equally good, are taken in this order. Every node of the
    /// cluster stands in `order` once.
    pub fn new(policy: Box<dyn PlacementPolicy>, order: Vec<NodeId>) -> Self {
        let mut rank = vec![0; order.len()];
        for (place, node) in order.iter().enumerate() {
            rank[node.index()] = place as u32;
        }
        let scored_in = vec![0; order.len()];
        Self { policy, order, rank, classes: Vec::new(), scored_in, refresh: 0 }
    }

    /// An engine that takes equally good nodes in the order of the cluster.
    pub fn in_node_order(policy: Box<dyn PlacementPolicy>, cluster: &Cluster) -> Self {
        Self::new(policy, cluster.nodes().collect())
    }

    /// Where a task should go, or `None` when it fits nowhere or its owner's quota is used up.
    pub fn place(&mut self, cluster: &Cluster, task: TaskId) -> Option<Placement> {
        if cluster.obstacle_of_quota(task).is_some() {
            return None;
        }
        self.place_class(cluster, cluster.task(task).class)
    }

    /// Where a task of the class should go, or `None` when it fits nowhere.
    pub fn place_class(&mut self, cluster: &Cluster, class: ClassId) -> Option<Placement> {
        self.bring_up_to_date(cluster, class);
        let node = if cluster.looks_around(class) {
            self.best_admitted(cluster, class, usize::MAX, &mut |_, _| true)
        } else {
            self.best(class)
        }?;
        Some(Placement { node, devices: self.policy.devices(cluster, class, node) })
    }

    /// Where a task of the class should go among the nodes that `admit` accepts, asked with their scores,
    /// the best first, at most `asked_max` times; `None` when there is none.
    pub fn place_class_where(
        &mut self,
        cluster: &Cluster,
        class: ClassId,
        asked_max: usize,
        admit: &mut dyn FnMut(NodeId, f32) -> bool,
    ) -> Option<Placement> {
        self.bring_up_to_date(cluster, class);
        let node = self.best_admitted(cluster, class, asked_max, admit)?;
        Some(Placement { node, devices: self.policy.devices(cluster, class, node) })
    }

    /// The cached score of a node for a class, `None` when it does not fit; brought up to date first.
    pub fn score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> Option<f32> {
        self.bring_up_to_date(cluster, class);
        let position = self.rank[node.index()] as usize;
        match &self.classes[class.index()].as_ref()?.candidates {
            Candidates::Scored(tree) => Some(tree.get(position)).filter(|&s| s != UNFIT),
            Candidates::Drawn(_) => cluster.fits(node, class).then_some(0.0),
        }
    }

    /// A draft, a clone of the cluster at `fork`, is dropped: what was scored on it since is scored again when the class
    /// next comes up, and nothing else.
    pub fn leave_draft(&mut self, draft: &Cluster, fork: LogPosition) {
        let changed = draft.changes().since(fork).map(|nodes| {
            let mut nodes = nodes.to_vec();
            nodes.sort_unstable();
            nodes.dedup();
            nodes
        });
        for known in &mut self.classes {
            match (known.as_mut().filter(|k| k.known_to.is_after(fork)), &changed) {
                (Some(index), Some(nodes)) => {
                    index.known_to = fork;
                    index.dirty.extend(nodes);
                }
                (Some(_), None) => *known = None,
                (None, _) => {}
            }
        }
    }

    /// Notes how much of each resource of a node is really used, as shares of its capacity, for policies that look at it.
    pub fn note_use(&mut self, node: NodeId, shares: &[f64]) {
        if !self.policy.note_use(node, shares) {
            return;
        }
        for known in &mut self.classes {
            match known {
                Some(index) if index.dirty.len() < self.order.len() => index.dirty.push(node),
                // As many as all nodes: then all are scored when the class next comes up.
                known => *known = None,
            }
        }
    }

    /// Whether the policy draws nodes by chance, so that a decision depends on the draws before.
    pub fn draws_by_chance(&self) -> bool {
        self.policy.by_chance()
    }

    fn best(&mut self, class: ClassId) -> Option<NodeId> {
        let position = match &self.classes[class.index()].as_ref()?.candidates {
            Candidates::Scored(tree) => tree.best()?,
            Candidates::Drawn(set) if set.len() == 0 => return None,
            Candidates::Drawn(set) => set.get(self.policy.draw(set.len())),
        };
        Some(self.order[position])
    }

    /// The best node that obeys the rules about tasks elsewhere and is admitted: candidates that are not
    /// are set aside and put back afterwards.
    fn best_admitted(
        &mut self,
        cluster: &Cluster,
        class: ClassId,
        asked_max: usize,
        admit: &mut dyn FnMut(NodeId, f32) -> bool,
    ) -> Option<NodeId> {
        let mut aside = Vec::new();
        let mut asked = 0;
        let found = loop {
            let Some(node) = self.best(class).filter(|_| asked < asked_max) else { break None };
            let position = self.rank[node.index()] as usize;
            let score = self.candidates(class).map_or(0.0, |c| c.score(position));
            if cluster.obstacle_around(node, class).is_none() {
                asked += 1;
                if admit(node, score) {
                    break Some(node);
                }
            }
            aside.push((position, score));
            if let Some(candidates) = self.candidates(class) {
                candidates.set(position, UNFIT);
            }
        };
        if let Some(candidates) = self.candidates(class) {
            for (position, score) in aside {
                candidates.set(position, score);
            }
        }
        found
    }

    fn candidates(&mut self, class: ClassId) -> Option<&mut Candidates> {
        Some(&mut self.classes[class.index()].as_mut()?.candidates)
    }

    /// Scores the nodes that changed since the class last came up; all of them the first time.
    fn bring_up_to_date(&mut self, cluster: &Cluster, class: ClassId) {
        if self.classes.len() <= class.index() {
            self.classes.resize_with(class.index() + 1, || None);
        }
        let epoch = cluster.class_epoch(class);
        let known = self.classes[class.index()].take().filter(|k| k.epoch == epoch);
        let changed = known.as_ref().and_then(|k| cluster.changes().since(k.known_to));
        let mut index = known.unwrap_or_else(|| {
            let candidates = if self.policy.by_chance() {
                Candidates::Drawn(FeasibleSet::new(self.order.len()))
            } else {
                Candidates::Scored(BestNode::new(self.order.len()))
            };
            ClassIndex { known_to: LogPosition::default(), epoch, dirty: Vec::new(), candidates }
        });
        self.refresh += 1;
        match changed {
            Some(nodes) => {
                for node in nodes.iter().copied().chain(std::mem::take(&mut index.dirty)) {
                    if self.scored_in[node.index()] != self.refresh {
                        self.scored_in[node.index()] = self.refresh;
                        self.score_again(cluster, class, node, &mut index.candidates);
                    }
                }
            }
            None => {
                index.dirty.clear();
                for node in cluster.nodes() {
                    self.score_again(cluster, class, node, &mut index.candidates);
                }
            }
        }
        index.known_to = cluster.changes().end();
        self.classes[class.index()] = Some(index);
    }

    fn score_again(&mut self, cluster: &Cluster, class: ClassId, node: NodeId, candidates: &mut Candidates) {
        let score = if cluster.fits(node, class) { self.policy.score(cluster, class, node) } else { UNFIT };
        candidates.set(self.rank[node.index()] as usize, score);
    }
}
