//! What jobs that have ended say of those that have not: for each owner (user or virtual cluster) and size, how long jobs
//! ran, and from that how much more run time a job takes for each chance to end, given what it has had.
//!
//! That quantity is the Gittins index; serving the lowest first minimises the mean time in the system on one machine
//! when durations are only known as a distribution (J. Gittins, "Bandit processes and dynamic allocation indices",
//! J. R. Stat. Soc. B 1979). Durations are counted in steps, so an index changes only at their borders.

/// Steps of duration: the first ends after a minute, each further one is longer by half an octave, the last is about 65
/// days.
const STEPS: usize = 34;
const FIRST_SECONDS: f64 = 60.0;
const STEPS_PER_OCTAVE: f64 = 2.0;
/// Sizes told apart, by powers of two; larger ones count as the last.
const SIZE_CLASSES: usize = 8;
/// Jobs that a group is taken to have had before its first, spread evenly over the steps: then a job that has had more
/// is expected to need more.
const PRIOR_JOBS: f64 = 4.0;

/// Durations of the jobs that have ended, by owner and size.
#[derive(Debug, Clone, Default)]
pub struct DurationHistory {
    /// Owner by owner, class by class.
    groups: Vec<Group>,
}

#[derive(Debug, Clone)]
struct Group {
    ended: [f64; STEPS],
    /// Seconds for each chance to end, by the step of what a job has had.
    index: [f64; STEPS],
}

impl Default for Group {
    fn default() -> Self {
        let mut group = Self { ended: [PRIOR_JOBS / STEPS as f64; STEPS], index: [0.0; STEPS] };
        group.update();
        group
    }
}

impl DurationHistory {
    /// Books that a job has ended after running for so long.
    pub fn add(&mut self, owner: u32, size: u32, run_seconds: f64) {
        let at = group_of(owner, size);
        if at >= self.groups.len() {
            self.groups.resize_with(at + 1, Group::default);
        }
        let group = &mut self.groups[at];
        group.ended[step_of(run_seconds)] += 1.0;
        group.update();
    }

    /// Seconds of run time that the job takes for each chance to end, after it has had `attained_seconds`.
    pub fn seconds_per_end(&self, owner: u32, size: u32, attained_seconds: f64) -> f64 {
        let step = step_of(attained_seconds);
        match self.groups.get(group_of(owner, size)) {
            Some(group) => group.index[step],
            None => Group::default().index[step],
        }
    }

    /// After how many more seconds of running that changes.
    pub fn changes_after_seconds(attained_seconds: f64) -> Option<f64> {
        let step = step_of(attained_seconds);
        (step + 1 < STEPS).then(|| end_of(step) - attained_seconds)
    }
}

impl Group {
    fn update(&mut self) {
        for had in 0..STEPS {
            let from = if had == 0 { 0.0 } else { end_of(had - 1) };
            let mut left: f64 = self.ended[had..].iter().sum();
            let (mut spent, mut ends, mut begin) = (0.0, 0.0, from);
            self.index[had] = f64::INFINITY;
            for step in had..STEPS {
                let end = end_of(step);
                // Those that end within the step do so in its middle; the others run through it.
                spent += self.ended[step] * (end - begin) / 2.0 + (left - self.ended[step]) * (end - begin);
                ends += self.ended[step];
                left -= self.ended[step];
                begin = end;
                self.index[had] = self.index[had].min(spent / ends);
            }
        }
    }
}

fn group_of(owner: u32, size: u32) -> usize {
    owner as usize * SIZE_CLASSES + (size.max(1).ilog2() as usize).min(SIZE_CLASSES - 1)
}

/// When a step ends, in seconds.
fn end_of(step: usize) -> f64 {
    FIRST_SECONDS * (step as f64 / STEPS_PER_OCTAVE).exp2()
}

fn step_of(seconds: f64) -> usize {
    if seconds < FIRST_SECONDS {
        return 0;
    }
    let step = ((seconds / FIRST_SECONDS).log2() * STEPS_PER_OCTAVE) as usize + 1;
    // Rounding must not put the border of a step before it.
    let step = if seconds < end_of(step - 1) { step - 1 } else { step };
    step.min(STEPS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_without_a_past_is_expected_to_need_more_the_more_it_has_had() {
        let history = DurationHistory::default();
        let at = [100.0, 1e3, 1e4, 1e5].map(|had| history.seconds_per_end(0, 1, had));
        assert!(at.windows(2).all(|pair| pair[0] < pair[1]), "{at:?}");
    }

    #[test]
    fn an_owner_whose_jobs_are_short_goes_before_one_whose_jobs_are_long() {
        let mut history = DurationHistory::default();
        for _ in 0..1000 {
            history.add(0, 1, 90.0);
            history.add(1, 1, 50_000.0);
        }
        assert!(history.seconds_per_end(0, 1, 0.0) * 10.0 < history.seconds_per_end(1, 1, 0.0));
        // A job of the second that is about to end goes before a new one.
        assert!(history.seconds_per_end(1, 1, 40_000.0) < history.seconds_per_end(1, 1, 0.0));
        // Nothing is known of its larger jobs.
        assert_eq!(history.seconds_per_end(1, 8, 0.0), history.seconds_per_end(2, 8, 0.0));
    }

    #[test]
    fn an_index_changes_at_the_borders_of_steps_alone() {
        let mut had = 0.0;
        for _ in 0..STEPS - 1 {
            let after = DurationHistory::changes_after_seconds(had).expect("a further step");
            assert!(after > 0.0);
            assert_eq!(step_of(had + after * 0.999), step_of(had));
            assert_eq!(step_of(had + after), step_of(had) + 1);
            had += after;
        }
        assert_eq!(DurationHistory::changes_after_seconds(had), None);
    }
}
