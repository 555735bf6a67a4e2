//! The cluster's change log: which nodes changed, in order, so that caches refresh just those.

use super::NodeId;

/// A bounded log of changed nodes. Readers remember a position; one that fell behind the kept part must
/// look at every node again.
#[derive(Debug, Clone, Default)]
pub struct ChangeLog {
    /// Position of the first kept entry.
    base: u64,
    entries: Vec<NodeId>,
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

    pub(super) fn push(&mut self, node: NodeId) {
        if self.entries.len() >= self.kept_max {
            let dropped = self.entries.len() / 2;
            self.entries.drain(..dropped);
            self.base += dropped as u64;
        }
        self.entries.push(node);
    }

    /// The position behind the newest entry.
    pub fn end(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    /// The nodes changed since `position` (with repetitions), or `None` when that is no longer known.
    pub fn since(&self, position: u64) -> Option<&[NodeId]> {
        let skip = position.checked_sub(self.base)?;
        self.entries.get(usize::try_from(skip).ok()?..)
    }
}
