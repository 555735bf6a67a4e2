//! The cluster's change log: which nodes changed, in order, so that caches refresh just those.

use serde::{Deserialize, Serialize};

use super::NodeId;
use super::digest::mixed;

/// A moment of a cluster's history: how many changes there had been, and a digest of them, so that a clone that went
/// another way is not taken for the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogPosition {
    at: u64,
    history: u64,
}

/// A bounded log of changed nodes. Readers remember a position; one that fell behind the kept part, or that comes from
/// another history, must look at every node again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ChangeLog {
    /// The position before the first kept entry.
    base: LogPosition,
    entries: Vec<NodeId>,
    /// Per entry: the digest of the history with it.
    histories: Vec<u64>,
    kept_max: usize,
}

impl ChangeLog {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Keeps at least as many entries as there are nodes: beyond that a full look is as cheap.
    pub(super) fn fit_to(&mut self, nodes: usize) {
        self.kept_max = (4 * nodes).max(1 << 12);
    }

    /// A node has changed; `what` says how.
    pub(super) fn push(&mut self, node: NodeId, what: u64) {
        let before = self.end().history;
        if self.entries.len() >= self.kept_max {
            let dropped = self.entries.len() / 2;
            let history = if dropped == 0 { self.base.history } else { self.histories[dropped - 1] };
            self.base = LogPosition { at: self.base.at + dropped as u64, history };
            self.entries.drain(..dropped);
            self.histories.drain(..dropped);
        }
        self.entries.push(node);
        self.histories.push(mixed(before, what ^ u64::from(node.0) << 32));
    }

    /// The position behind the newest entry.
    pub fn end(&self) -> LogPosition {
        match self.histories.last() {
            Some(&history) => LogPosition { at: self.base.at + self.histories.len() as u64, history },
            None => self.base,
        }
    }

    /// The nodes changed since `position` (with repetitions), or `None` when that is no longer known or lies in another
    /// history.
    pub fn since(&self, position: LogPosition) -> Option<&[NodeId]> {
        let skip = usize::try_from(position.at.checked_sub(self.base.at)?).ok()?;
        let history = match skip.checked_sub(1) {
            None => self.base.history,
            Some(last) => *self.histories.get(last)?,
        };
        if history == position.history { self.entries.get(skip..) } else { None }
    }
}

impl LogPosition {
    /// Whether this comes after `other`, both in one history.
    pub fn is_after(self, other: Self) -> bool {
        self.at > other.at
    }
}
