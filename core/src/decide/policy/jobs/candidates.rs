//! Which waiting jobs are looked at closely: all of them while there are few, else the best ones by two rules, so that
//! a decision costs the same however long the queue is. Smallest area goes first among those that fit now and
//! among those that do not; the longest waiting are always among them.

use crate::decide::queue::{MachineView, WaitingColumns};

/// Most candidates of a choice.
pub const CANDIDATES_MAX: usize = 64;
/// Of these at most so many that fit now, ...
const FITTING_MAX: usize = 32;
/// ... so many that do not, ...
const UNFIT_MAX: usize = 24;
/// ... and so many for having waited longest.
const OLDEST_MAX: usize = CANDIDATES_MAX - FITTING_MAX - UNFIT_MAX;

/// Positions of the candidates among the waiting jobs, ascending.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidates {
    positions: [u32; CANDIDATES_MAX],
    count: usize,
}

impl Candidates {
    pub(super) fn of(machine: &MachineView<'_>, waiting: &WaitingColumns<'_>) -> Self {
        let mut chosen = Self { positions: [0; CANDIDATES_MAX], count: 0 };
        let all = waiting.first.len();
        if all <= CANDIDATES_MAX {
            (0..all).for_each(|at| chosen.push(at as u32));
            return chosen;
        }
        // The job that units are held for is always among them, in the place of one of the oldest.
        let held = machine.held.map(|held| held.position);
        let beyond_oldest = held.filter(|&held| held >= OLDEST_MAX);
        let oldest = OLDEST_MAX - usize::from(beyond_oldest.is_some());
        (0..oldest).chain(beyond_oldest).for_each(|at| chosen.push(at as u32));
        let (mut fitting, mut unfit) = (Vec::with_capacity(all), Vec::with_capacity(all));
        let jobs = waiting.first.iter().zip(waiting.second).enumerate().skip(oldest);
        for (at, (requested, size)) in jobs.filter(|job| beyond_oldest != Some(job.0)) {
            // Area, then position: the bits of a positive number are in the order of its values.
            let area = (requested * size).max(0.0) as f32;
            let key = u64::from(area.to_bits()) << 32 | at as u64;
            if *size <= machine.free_units { fitting.push(key) } else { unfit.push(key) }
        }
        for key in lowest(fitting, FITTING_MAX).into_iter().chain(lowest(unfit, UNFIT_MAX)) {
            chosen.push(key as u32);
        }
        chosen.positions[..chosen.count].sort_unstable();
        chosen
    }

    fn push(&mut self, position: u32) {
        self.positions[self.count] = position;
        self.count += 1;
    }

    pub(super) fn positions(&self) -> &[u32] {
        &self.positions[..self.count]
    }
}

/// The `count` lowest of these numbers, in no particular order.
fn lowest(mut keys: Vec<u64>, count: usize) -> Vec<u64> {
    if keys.len() > count {
        keys.select_nth_unstable(count);
        keys.truncate(count);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_jobs_the_oldest_and_the_smallest_of_both_kinds_are_looked_at() {
        let requested = vec![10.0; 1000];
        let size: Vec<f64> = (0..1000).map(|i| f64::from(1000 - i)).collect();
        let waiting = WaitingColumns { submit_seconds: &vec![0.0; 1000], first: &requested, second: &size };
        let machine = MachineView {
            now_seconds: 0.0,
            units: 1000.0,
            free_units: 500.0,
            backfills: false,
            held: None,
            used_share: 1.0,
            arrivals_per_second: 0.0,
            later: &[],
        };
        let chosen = Candidates::of(&machine, &waiting);
        let positions = chosen.positions();
        assert_eq!(positions.len(), CANDIDATES_MAX);
        assert!(positions.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(positions.starts_with(&[0, 1, 2]), "the longest waiting");
        assert!(positions.contains(&999), "the smallest of all");
        assert!(positions.contains(&499) && !positions.contains(&501), "the smallest that do not fit");
    }
}
