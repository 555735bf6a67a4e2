//! How long tasks last, from those that ended and those that still run.

/// A task as far as it was watched, in seconds of run time, or in shares of the time that it asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    /// How long it had run when it was first watched.
    pub(super) from: f64,
    /// How long it had run when it was last watched.
    pub(super) until: f64,
    /// Whether it ended then.
    pub(super) ended: bool,
}

/// The share of tasks that last longer than a time: the product-limit estimate with delayed entry (Kaplan and Meier, J. Am. Stat.
/// Assoc. 1958), so that neither those that still run nor those that began before anybody watched bend it. Beyond the last end a
/// task is expected to need as much again as it has had.
#[derive(Debug, Clone, Default)]
pub(super) struct Curve {
    /// Time and share that lasts longer, ascending in time.
    steps: Vec<(f64, f64)>,
}

impl Curve {
    /// Of the lives, and how many of them ended.
    pub(super) fn of(lives: &[Life]) -> (Self, usize) {
        let sorted = |of: &dyn Fn(&Life) -> f64| {
            let mut times: Vec<f64> = lives.iter().map(of).collect();
            times.sort_by(f64::total_cmp);
            times
        };
        let (entries, exits) = (sorted(&|life| life.from), sorted(&|life| life.until));
        let mut ends: Vec<f64> = lives.iter().filter(|life| life.ended).map(|life| life.until).collect();
        ends.sort_by(f64::total_cmp);
        let mut steps: Vec<(f64, f64)> = Vec::new();
        let mut lasts = 1.0;
        for same in ends.chunk_by(|a, b| a == b) {
            let at = same[0];
            let watched = entries.partition_point(|&from| from < at)
                - exits.partition_point(|&until| until < at).min(entries.len());
            // One more than were watched: the last of few must not say that none ever lasts longer.
            lasts *= 1.0 - same.len() as f64 / (watched.max(same.len()) + 1) as f64;
            steps.push((at, lasts));
        }
        (Self { steps }, ends.len())
    }

    /// The share that lasts longer than `time`.
    fn lasting(&self, time: f64) -> f64 {
        let at = self.steps.partition_point(|&(end, _)| end <= time);
        at.checked_sub(1).map_or(1.0, |at| self.steps[at].1)
    }

    /// How long a task lasts in all that has lasted `had` already; `chance`, 0 to 1, is the share of such tasks that last longer.
    pub(super) fn total(&self, had: f64, chance: f64) -> f64 {
        let Some(&(last, least)) = self.steps.last() else { return had };
        let chance = chance.max(1e-3);
        let wanted = self.lasting(had) * chance;
        let at = self.steps.partition_point(|&(end, share)| end <= had || share > wanted);
        match self.steps.get(at) {
            Some(&(end, _)) => end,
            None if had >= last => had / chance,
            None => last * least / wanted,
        }
    }
}
