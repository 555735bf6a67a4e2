//! How much ordering may still try before it ends with what it has: all of it together, and each part by itself.

use std::sync::atomic::{AtomicU64, Ordering};

use super::super::Stopped;

/// Evaluations between two looks at what all parts have spent and at the wish to stop.
const LOOK: u64 = 1 << 10;

/// Evaluations that all parts of ordering share; none once the caller wants an end.
pub(in super::super) struct Total<'a> {
    left: AtomicU64,
    stopped: Stopped<'a>,
}

impl<'a> Total<'a> {
    pub(in super::super) fn new(evaluations: u64, stopped: Stopped<'a>) -> Self {
        Self { left: AtomicU64::new(evaluations), stopped }
    }

    pub(in super::super) fn is_over(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0 || (self.stopped)()
    }

    /// At most `most` evaluations: what is left, where that is less.
    pub(super) fn at_most(&self, most: u64) -> u64 {
        most.min(self.left.load(Ordering::Relaxed))
    }

    /// Counts evaluations; one thread at a time does.
    pub(in super::super) fn spend(&self, evaluations: u64) {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(evaluations), Ordering::Relaxed);
    }
}

/// Evaluations of a part.
pub(in super::super) struct Work<'a> {
    left: u64,
    /// What the whole does not know of yet.
    uncounted: u64,
    total: &'a Total<'a>,
}

impl<'a> Work<'a> {
    pub(in super::super) fn new(evaluations: u64, total: &'a Total<'a>) -> Self {
        Self { left: if total.is_over() { 0 } else { evaluations }, uncounted: 0, total }
    }

    /// Evaluations that are left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(in super::super) fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Counts evaluations.
    pub(in super::super) fn spend(&mut self, evaluations: u64) {
        self.left = self.left.saturating_sub(evaluations);
        self.uncounted += evaluations;
        if self.uncounted >= LOOK {
            self.total.spend(self.uncounted);
            self.uncounted = 0;
            if self.total.is_over() {
                self.left = 0;
            }
        }
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.total.spend(self.uncounted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_share_what_all_may_spend_and_each_keeps_to_its_own() {
        let total = Total::new(10 * LOOK, &|| false);
        let spent = |most: u64| {
            let mut work = Work::new(most, &total);
            let mut spent = 0;
            while !work.is_over() {
                work.spend(1);
                spent += 1;
            }
            spent
        };
        assert_eq!((spent(3 * LOOK), spent(5), spent(100 * LOOK)), (3 * LOOK, 5, 7 * LOOK));
        assert!(total.is_over());
        assert_eq!(total.at_most(7), 0);
        assert_eq!(Total::new(3, &|| false).at_most(7), 3);
        assert_eq!(spent(5), 0, "nothing is left for another part");
        assert!(Total::new(1, &|| true).is_over(), "the wish to stop ends all");
    }
}
