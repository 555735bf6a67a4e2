//! How much a part of ordering may still try before it ends with what it has.

use super::super::Stopped;

/// Evaluations between two looks at the wish to stop.
const LOOK: u64 = 1 << 10;

/// Evaluations that are left; none once the caller wants an end.
pub(super) struct Work<'a> {
    left: u64,
    stopped: Stopped<'a>,
}

impl<'a> Work<'a> {
    pub(super) fn new(evaluations: u64, stopped: Stopped<'a>) -> Self {
        Self { left: if stopped() { 0 } else { evaluations }, stopped }
    }

    /// Evaluations that are left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Counts evaluations.
    pub(super) fn spend(&mut self, evaluations: u64) {
        let left = self.left.saturating_sub(evaluations);
        let look = left / LOOK < self.left / LOOK;
        self.left = if look && (self.stopped)() { 0 } else { left };
    }
}
