//! Windows of a trace of jobs: which are learned from, which policies are chosen on, and which are kept for the end.
//! The three follow one another in time, and the windows of the latter two do not overlap.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A sequence of fewer jobs says little about a queue.
pub(super) const WINDOW_JOBS_LEAST: usize = 50;
/// Sequences that policies are chosen on.
const CHECKS: usize = 2;
/// Sequences that the result is judged on.
const HELD_OUT: usize = 5;

/// A trace divided in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Split {
    /// Parts that windows to learn from are drawn from.
    pub(super) learned: Vec<Range<usize>>,
    /// Windows that policies are chosen on.
    pub(super) checks: Vec<Range<usize>>,
    /// Windows that the result is judged on.
    pub(super) held_out: Vec<Range<usize>>,
    /// Why nothing is kept apart; the windows are empty then.
    pub(super) too_short: Option<String>,
}

impl Split {
    /// Divides a trace of so many jobs. Only `parts`, by default the first two thirds, shape the result: of their jobs
    /// three quarters are learned from and the last quarter is for the checks. What comes after them is held out.
    pub(super) fn new(jobs: usize, parts: &[Range<usize>], length: usize) -> Self {
        let mut shaping = if parts.is_empty() { one(0..Self::held_out_from(jobs)) } else { parts.to_vec() };
        shaping.sort_by_key(|part| part.start);
        let end = shaping.last().map_or(0, |part| part.end).min(jobs);
        let count: usize = shaping.iter().map(Range::len).sum();
        let learned = 3 * count / 4;
        let checks = consecutive(&taken(&shaping, learned..count), length, CHECKS);
        let held_out = consecutive(&one(end..jobs), length, HELD_OUT);
        if let (Some(checks), Some(held_out)) = (checks, held_out) {
            return Self { learned: taken(&shaping, 0..learned), checks, held_out, too_short: None };
        }
        let whole = if parts.is_empty() { one(0..jobs) } else { shaping };
        let reason = format!(
            "of its {jobs} jobs {} come after those that shape the model, which are {count}: too few for {HELD_OUT} \
             sequences of at least {WINDOW_JOBS_LEAST} jobs, or for {CHECKS} in the last quarter of the latter",
            jobs - end
        );
        Self { learned: whole, checks: Vec::new(), held_out: Vec::new(), too_short: Some(reason) }
    }

    /// Where the part begins that is held out of a trace of so many jobs when no parts are named.
    pub(super) fn held_out_from(jobs: usize) -> usize {
        jobs * 2 / 3
    }
}

/// A list of one part.
fn one(part: Range<usize>) -> Vec<Range<usize>> {
    std::iter::once(part).collect()
}

/// The jobs of a range that counts through all parts.
fn taken(parts: &[Range<usize>], range: Range<usize>) -> Vec<Range<usize>> {
    let mut before = 0;
    let mut all = Vec::new();
    for part in parts {
        let from = part.start + range.start.saturating_sub(before).min(part.len());
        let to = part.start + range.end.saturating_sub(before).min(part.len());
        if from < to {
            all.push(from..to);
        }
        before += part.len();
    }
    all
}

/// So many windows one after the other, each within one of the parts, as long as they can be and at most `length` jobs.
/// `None` when that is less than what says something, or the parts overlap.
pub(super) fn consecutive(parts: &[Range<usize>], length: usize, count: usize) -> Option<Vec<Range<usize>>> {
    let mut parts = parts.to_vec();
    parts.sort_by_key(|part| part.start);
    if count == 0 || parts.windows(2).any(|two| two[1].start < two[0].end) {
        return None;
    }
    let fits = |jobs: usize| parts.iter().map(|part| part.len() / jobs).sum::<usize>() >= count;
    let (mut low, mut high) = (WINDOW_JOBS_LEAST.min(length), length);
    if !fits(low) {
        return None;
    }
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    let of_part = |part: &Range<usize>| {
        let start = part.start;
        (0..part.len() / low).map(move |i| start + i * low..start + (i + 1) * low)
    };
    Some(parts.iter().flat_map(of_part).take(count).collect())
}

/// A window of up to `length` jobs within one of the parts; each start within them is equally likely.
pub(super) fn drawn_window(parts: &[Range<usize>], length: usize, seed: u64) -> Range<usize> {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let starts = |part: &Range<usize>| part.len().saturating_sub(length) + 1;
    let mut at = chance.random_range(0..parts.iter().map(starts).sum::<usize>().max(1));
    for part in parts {
        if at < starts(part) {
            return part.start + at..(part.start + at + length).min(part.end);
        }
        at -= starts(part);
    }
    0..0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn windows_lie_within_one_part_and_short_parts_are_taken_whole() {
        let parts = [10..30, 50..55, 60..72];
        let mut seen = [false; 3];
        for seed in 0..200 {
            let range = drawn_window(&parts, 12, seed);
            let part = parts.iter().position(|p| p.start <= range.start && range.end <= p.end);
            let part = part.expect("within one part");
            assert_eq!(range.len(), [12, 5, 12][part]);
            seen[part] = true;
        }
        assert_eq!(seen, [true; 3]);
    }

    #[test]
    fn parts_that_overlap_have_no_windows_of_their_own() {
        assert_eq!(consecutive(&[0..500, 499..900], 50, 2), None);
        assert_eq!(consecutive(&[100..200, 0..100], 64, 2), Some(vec![0..64, 100..164]));
    }

    #[test]
    fn only_the_parts_that_were_named_shape_the_result() {
        let split = Split::new(10_000, &[6252..7085, 0..1981], 1024);
        assert_eq!(split.learned, [0..1981, 6252..6381]);
        assert_eq!(split.checks, [6381..6733, 6733..7085]);
        assert_eq!(split.held_out[0], 7085..7668);
        assert_eq!(split.held_out.len(), HELD_OUT);
    }

    proptest! {
        #[test]
        fn what_is_held_out_follows_what_is_chosen_on_and_that_what_is_learned_from(
            jobs in 0_usize..6000,
            cut in 0.0..1.0_f64,
            length in 16_usize..2000,
            named in any::<bool>(),
        ) {
            let cut = (cut * jobs as f64) as usize;
            let parts = if named && cut > 0 { one(0..cut) } else { Vec::new() };
            let split = Split::new(jobs, &parts, length);
            if split.too_short.is_some() {
                prop_assert!(split.checks.is_empty() && split.held_out.is_empty());
                return Ok(());
            }
            let learned = split.learned.iter().cloned();
            let all: Vec<Range<usize>> = learned.chain(split.checks).chain(split.held_out.clone()).collect();
            prop_assert!(all.windows(2).all(|two| two[0].end <= two[1].start), "{all:?}");
            prop_assert!(all.iter().all(|window| window.end <= jobs));
            prop_assert_eq!(split.held_out.len(), HELD_OUT);
            prop_assert!(split.held_out.iter().all(|w| w.len() >= WINDOW_JOBS_LEAST.min(length) && w.len() <= length));
        }
    }
}
