//! What is known of every node for one class: a score that is kept until the node's content changes, and the
//! best of them. A node that changed and changed back keeps its score.

use super::Over;
use super::draft::Draft;
use crate::decide::placement::{BestNode, UNFIT};
use crate::model::{LogPosition, NodeId};

/// Costs by node for one class; the cheapest first.
#[derive(Debug, Clone)]
pub(super) struct NodeIndex {
    best: BestNode,
    /// Per node: the content that its score belongs to.
    scored: Vec<u64>,
    /// Position in the cluster's change log up to which the scores are true; none at first.
    known_to: Option<LogPosition>,
    /// Nodes left out, with their scores.
    ruled_out: Vec<(usize, f32)>,
}

/// Nodes scored between two looks at the wish to end.
const LOOK: usize = 64;

impl NodeIndex {
    pub(super) fn new(nodes: usize) -> Self {
        Self { best: BestNode::new(nodes), scored: vec![0; nodes], known_to: None, ruled_out: Vec::new() }
    }

    /// Brings the costs up to date, or as many of them as it can before it is `over`; `cost_of` gives none where the
    /// class cannot go.
    pub(super) fn refresh(
        &mut self,
        draft: &mut Draft<'_>,
        over: Over<'_>,
        mut cost_of: impl FnMut(&mut Draft<'_>, NodeId) -> Option<f64>,
    ) {
        let changed = self.known_to.and_then(|at| draft.cluster.changes().since(at));
        let stale = |n: &NodeId| self.scored[n.index()] != draft.digest(*n);
        let nodes: Vec<NodeId> = match changed {
            // A long log names nodes again and again.
            Some(nodes) if nodes.len() < draft.cluster.node_count() => {
                nodes.iter().copied().filter(stale).collect()
            }
            _ if self.known_to.is_some() => draft.cluster.nodes().filter(stale).collect(),
            _ => draft.cluster.nodes().collect(),
        };
        let first = self.known_to.is_none();
        for (at, node) in nodes.into_iter().enumerate() {
            if at % LOOK == LOOK - 1 && over() {
                // What is not scored is not known to fit; the next time begins anew.
                self.known_to = None;
                return;
            }
            if first || self.scored[node.index()] != draft.digest(node) {
                self.scored[node.index()] = draft.digest(node);
                let score = cost_of(draft, node).map_or(UNFIT, |cost| -cost as f32);
                self.best.set(node.index(), score);
            }
        }
        self.known_to = Some(draft.cluster.changes().end());
    }

    /// The least cost, if the class can go anywhere.
    pub(super) fn least(&self) -> Option<f64> {
        self.best.best().map(|at| f64::from(-self.best.get(at)))
    }

    /// The cheapest node that `admit` accepts, asked at most `asked_max` times.
    pub(super) fn cheapest(
        &mut self,
        asked_max: usize,
        mut admit: impl FnMut(NodeId) -> bool,
    ) -> Option<NodeId> {
        let mut aside = Vec::new();
        let mut found = None;
        while let Some(at) = self.best.best().filter(|_| aside.len() < asked_max) {
            let score = self.best.get(at);
            if admit(NodeId::from(at)) {
                found = Some(NodeId::from(at));
                break;
            }
            aside.push((at, score));
            self.best.set(at, UNFIT);
        }
        for (at, score) in aside {
            self.best.set(at, score);
        }
        found
    }

    /// Leaves the node out until its content changes or all are let in again.
    pub(super) fn rule_out(&mut self, node: NodeId) {
        self.ruled_out.push((node.index(), self.best.get(node.index())));
        self.best.set(node.index(), UNFIT);
    }

    /// Lets in what was ruled out and has not changed since.
    pub(super) fn let_in(&mut self) {
        for (at, score) in self.ruled_out.drain(..).rev() {
            if self.best.get(at) == UNFIT {
                self.best.set(at, score);
            }
        }
    }
}
