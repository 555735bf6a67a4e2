//! The decision engine of placement: O(changed nodes) per decision, whatever the size of the cluster.
//!
//! It decides and does not place: the caller carries the decision out on the cluster, whose change log
//! then tells the engine what to score again, for each shape when it next comes up. Scores belong to shapes, not to classes:
//! services that ask for the same share them.

use std::collections::HashMap;

use super::PlacementPolicy;
use super::best_node::{BestNode, UNFIT};
use super::feasible_set::FeasibleSet;
use crate::model::{ClassId, Cluster, Liking, LogPosition, NodeId, Placement, ScoreTerm, Shape, TaskId};

/// Scores kept at most, over all shapes and nodes (4 bytes each, 8 where use has a part in them): beyond it all are forgotten and made again as needed.
const SCORES_MAX: usize = 1 << 26;
/// Nodes that are compared by how much a task likes them, the best by score first.
const COMPARED_MAX: usize = 1024;

/// What is known of the nodes for one shape.
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

struct ShapeIndex {
    /// Position in the cluster's change log up to which the scores are true; none before the first.
    known_to: Option<LogPosition>,
    /// Nodes scored on a draft that was dropped.
    dirty: Vec<NodeId>,
    /// Nodes of which only the use has changed.
    used: Used,
    /// Per position: the part of the score that use has no part in. Only of policies that look at use.
    steady: Vec<f32>,
    candidates: Candidates,
}

/// Nodes whose use has changed since a shape was scored.
enum Used {
    These(Vec<NodeId>),
    All,
}

impl Default for Used {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

impl Used {
    fn note(&mut self, node: NodeId, nodes: usize) {
        match self {
            Self::These(noted) if noted.len() < nodes => noted.push(node),
            _ => *self = Self::All,
        }
    }
}

/// Finds the node for a task under one policy. Of nodes with equal scores the first in `order` is taken.
pub struct Placer {
    policy: Box<dyn PlacementPolicy>,
    /// Nodes in order of preference.
    order: Vec<NodeId>,
    /// Per node: its place in `order`.
    rank: Vec<u32>,
    indices: Vec<ShapeIndex>,
    /// Which of them is a shape's.
    of_shape: HashMap<Shape, usize>,
    /// Per class: its epoch, for its id may be used again, and which of the indices is its shape's.
    of_class: Vec<Option<(u32, usize)>>,
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
        let (indices, of_shape, of_class) = (Vec::new(), HashMap::new(), Vec::new());
        Self { policy, order, rank, indices, of_shape, of_class, scored_in, refresh: 0 }
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
        let index = self.up_to_date(cluster, class);
        let liking = Liking::of(cluster, class);
        let node = if liking.is_some() || cluster.looks_around(class) {
            self.best_admitted(cluster, (class, index), usize::MAX, liking.as_ref(), &mut |_, _| true)
        } else {
            self.best(index)
        }?;
        Some(Placement { node, devices: self.policy.devices(cluster, class, node) })
    }

    /// Where a task of the class should go among the nodes that `admit` accepts, asked with their scores,
    /// the best first, at most `asked_max` times; `None` when there is none. Where the class has preferences, of those that are accepted first
    /// the one that is liked most.
    pub fn place_class_where(
        &mut self,
        cluster: &Cluster,
        class: ClassId,
        asked_max: usize,
        admit: &mut dyn FnMut(NodeId, f32) -> bool,
    ) -> Option<Placement> {
        let index = self.up_to_date(cluster, class);
        let liking = Liking::of(cluster, class);
        let node = self.best_admitted(cluster, (class, index), asked_max, liking.as_ref(), admit)?;
        Some(Placement { node, devices: self.policy.devices(cluster, class, node) })
    }

    /// The nodes that would be next, the best first, with their scores: at most `count` of those that `admit` accepts. None of a policy
    /// that draws.
    pub fn next_best(
        &mut self,
        cluster: &Cluster,
        class: ClassId,
        count: usize,
        admit: &mut dyn FnMut(NodeId) -> bool,
    ) -> Vec<(NodeId, f32)> {
        let mut found = Vec::new();
        if count == 0 || self.draws_by_chance() {
            return found;
        }
        let index = self.up_to_date(cluster, class);
        self.best_admitted(cluster, (class, index), usize::MAX, None, &mut |node, score| {
            if admit(node) {
                found.push((node, score));
            }
            found.len() >= count
        });
        found
    }

    /// The cached score of a node for a class, `None` when it does not fit; brought up to date first.
    pub fn score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> Option<f32> {
        let index = self.up_to_date(cluster, class);
        let position = self.rank[node.index()] as usize;
        match &self.indices[index].candidates {
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
        for index in self.indices.iter_mut().filter(|i| i.known_to.is_some_and(|at| at.is_after(fork))) {
            index.known_to = changed.as_ref().map(|_| fork);
            index.dirty.extend(changed.iter().flatten());
        }
    }

    /// Notes how much of each resource of a node is really used, as shares of its capacity, for policies that look at it.
    pub fn note_use(&mut self, node: NodeId, shares: &[f64]) {
        if !self.policy.note_use(node, shares) {
            return;
        }
        for index in &mut self.indices {
            index.used.note(node, self.order.len());
        }
    }

    /// What the class's score on a node is made of, while neither has changed since it was scored.
    pub fn terms(
        &self,
        cluster: &Cluster,
        class: ClassId,
        node: NodeId,
        score: f32,
    ) -> Vec<(ScoreTerm, f64)> {
        self.policy.terms(cluster, class, node, score)
    }

    /// Whether the policy draws nodes by chance, so that a decision depends on the draws before.
    pub fn draws_by_chance(&self) -> bool {
        self.policy.by_chance()
    }

    fn best(&mut self, index: usize) -> Option<NodeId> {
        let position = match &self.indices[index].candidates {
            Candidates::Scored(tree) => tree.best()?,
            Candidates::Drawn(set) if set.len() == 0 => return None,
            Candidates::Drawn(set) => set.get(self.policy.draw(set.len())),
        };
        Some(self.order[position])
    }

    /// The best node that obeys the rules about tasks elsewhere and is admitted: candidates that are not
    /// are set aside and put back afterwards. Of those that are, the one that is liked most, among so many as are compared.
    fn best_admitted(
        &mut self,
        cluster: &Cluster,
        (class, index): (ClassId, usize),
        asked_max: usize,
        liking: Option<&Liking<'_>>,
        admit: &mut dyn FnMut(NodeId, f32) -> bool,
    ) -> Option<NodeId> {
        let mut aside = Vec::new();
        let (mut asked, mut compared) = (0, 0);
        let mut liked: Option<(f64, NodeId)> = None;
        let found = loop {
            let next = self.best(index).filter(|_| asked < asked_max && compared < COMPARED_MAX);
            let Some(node) = next else { break liked.map(|(_, node)| node) };
            let position = self.rank[node.index()] as usize;
            let candidates = &mut self.indices[index].candidates;
            let score = candidates.score(position);
            if cluster.obstacle_around(node, class).is_none() {
                asked += 1;
                if admit(node, score) {
                    let Some(liking) = liking else { break Some(node) };
                    let likes = liking.of_node(node);
                    if liked.is_none_or(|(most, _)| likes > most) {
                        liked = Some((likes, node));
                    }
                    if likes >= liking.most() {
                        break Some(node);
                    }
                    compared += 1;
                }
            }
            aside.push((position, score));
            candidates.set(position, UNFIT);
        };
        for (position, score) in aside {
            self.indices[index].candidates.set(position, score);
        }
        found
    }

    /// The index of the class's shape, in which the nodes that changed since it last came up are scored again; all of them
    /// the first time.
    fn up_to_date(&mut self, cluster: &Cluster, class: ClassId) -> usize {
        let at = self.index_of(cluster, class);
        let Self { policy, rank, indices, scored_in, refresh, .. } = self;
        let index = &mut indices[at];
        let ShapeIndex { known_to, dirty, used, steady, candidates } = index;
        let mut score = |node: NodeId| {
            let position = rank[node.index()] as usize;
            let score = if cluster.fits(node, class) {
                let of_node = policy.steady_score(cluster, class, node);
                if let Some(kept) = steady.get_mut(position) {
                    *kept = of_node;
                }
                policy.score_of_steady(cluster, class, node, of_node)
            } else {
                UNFIT
            };
            candidates.set(position, score);
        };
        *refresh += 1;
        match known_to.and_then(|known_to| cluster.changes().since(known_to)) {
            Some(nodes) => {
                for node in nodes.iter().copied().chain(dirty.drain(..)) {
                    if scored_in[node.index()] != *refresh {
                        scored_in[node.index()] = *refresh;
                        score(node);
                    }
                }
            }
            None => {
                dirty.clear();
                *used = Used::default();
                cluster.nodes().for_each(score);
            }
        }
        let mut score_use = |node: NodeId| {
            let position = rank[node.index()] as usize;
            // The rest of it is as it was: where the class did not fit it does not now.
            if scored_in[node.index()] != *refresh && candidates.score(position) != UNFIT {
                scored_in[node.index()] = *refresh;
                candidates.set(position, policy.score_of_steady(cluster, class, node, steady[position]));
            }
        };
        match std::mem::take(used) {
            Used::These(nodes) => nodes.into_iter().for_each(&mut score_use),
            Used::All => cluster.nodes().for_each(&mut score_use),
        }
        *known_to = Some(cluster.changes().end());
        at
    }

    /// Which index is the class's, known or new.
    fn index_of(&mut self, cluster: &Cluster, class: ClassId) -> usize {
        if self.of_class.len() <= class.index() {
            self.of_class.resize(class.index() + 1, None);
        }
        let epoch = cluster.class_epoch(class);
        if let Some((_, index)) = self.of_class[class.index()].filter(|known| known.0 == epoch) {
            return index;
        }
        if self.indices.len().saturating_mul(self.order.len()) > SCORES_MAX {
            self.indices.clear();
            self.of_shape.clear();
            self.of_class.fill(None);
        }
        let index = *self.of_shape.entry(cluster.class(class).shape()).or_insert_with(|| {
            let candidates = if self.policy.by_chance() {
                Candidates::Drawn(FeasibleSet::new(self.order.len()))
            } else {
                Candidates::Scored(BestNode::new(self.order.len()))
            };
            let steady = if self.policy.looks_at_use() { vec![UNFIT; self.order.len()] } else { Vec::new() };
            let (dirty, used) = (Vec::new(), Used::default());
            self.indices.push(ShapeIndex { known_to: None, dirty, used, steady, candidates });
            self.indices.len() - 1
        });
        self.of_class[class.index()] = Some((epoch, index));
        index
    }
}
