//! The load that jobs offer to a machine, and how submissions are moved to offer another one. Only jobs that the
//! machine could ever hold count: what never runs is no load.

use crate::jobs::{Jobs, SUBMIT_SECONDS_MAX};

/// Work of the jobs that fit over capacity, from the first to the last of their submissions, as a fraction; 0 when
/// there is no time in between.
pub fn offered_load(jobs: &Jobs, units: u64, fits: impl Fn(usize) -> bool) -> f64 {
    let Some((first, last)) = span_seconds(jobs, &fits) else { return 0.0 };
    let work = |i: usize| f64::from(jobs.run_seconds[i]) * f64::from(jobs.size[i]);
    let work: f64 = (0..jobs.len()).filter(|&i| fits(i)).map(work).sum();
    let capacity = units as f64 * (last - first) as f64;
    if capacity > 0.0 { work / capacity } else { 0.0 }
}

/// First and last submission of the jobs that fit, in seconds.
fn span_seconds(jobs: &Jobs, fits: impl Fn(usize) -> bool) -> Option<(i64, i64)> {
    let mut fitting = (0..jobs.len()).filter(|&i| fits(i));
    let first = fitting.next()?;
    let last = fitting.next_back().unwrap_or(first);
    Some((jobs.submit_seconds[first], jobs.submit_seconds[last]))
}

/// Moves submissions closer together or further apart so that the offered load on `units` is `load`, as far as whole
/// seconds allow. `fits` says of each job whether the machine could ever hold it.
///
/// # Errors
/// When no job fits, all that fit come in the same second or occupy nothing, or the last one would come too late:
/// which of it, in a sentence.
pub fn scale_load(
    jobs: &mut Jobs,
    units: u64,
    load: f64,
    fits: impl Fn(usize) -> bool,
) -> Result<(), String> {
    let cannot = |why: &str| Err(format!("the load of {load} cannot be set: {why}"));
    let Some((first, last)) = span_seconds(jobs, &fits) else {
        return cannot("no job fits the machine");
    };
    if first == last {
        return cannot("all jobs that fit the machine are submitted in the same second");
    }
    let factor = offered_load(jobs, units, &fits) / load;
    if factor <= 0.0 || !factor.is_finite() {
        return cannot("the jobs that fit the machine occupy nothing");
    }
    let moved = |submit: i64| first as f64 + (submit - first) as f64 * factor;
    let far = |submit: Option<&i64>| submit.is_some_and(|&s| moved(s).abs() > SUBMIT_SECONDS_MAX as f64);
    if far(jobs.submit_seconds.first()) || far(jobs.submit_seconds.last()) {
        return cannot(&format!("jobs would come more than {SUBMIT_SECONDS_MAX} seconds from zero"));
    }
    for submit in &mut jobs.submit_seconds {
        *submit = first + ((*submit - first) as f64 * factor).round() as i64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Job;

    /// Jobs as (submission, run time, size).
    fn jobs(rows: &[(i64, u32, u32)]) -> Jobs {
        let mut jobs = Jobs { owners: vec![String::new()], ..Jobs::default() };
        for (id, &(submit_seconds, run_seconds, size)) in (0..).zip(rows) {
            let requested_seconds = run_seconds;
            jobs.push(Job {
                id,
                submit_seconds,
                run_seconds,
                requested_seconds,
                size,
                owner: 0,
                priority: 0,
            });
        }
        jobs
    }

    #[test]
    fn a_job_that_can_never_run_changes_nothing_wherever_it_stands() {
        let eleven: Vec<_> = (0..11).map(|i| (100 * i, 100, 4)).collect();
        for at in [-5000, 0, 450, 1000, 9000] {
            let mut rows = eleven.clone();
            rows.push((at, 1000, 40));
            rows.sort_by_key(|r| r.0);
            let mut jobs = jobs(&rows);
            let sizes = jobs.size.clone();
            scale_load(&mut jobs, 4, 0.5, |i| sizes[i] <= 4).expect("there is a load to set");
            let runs = (0..12).filter(|&i| sizes[i] == 4).map(|i| jobs.submit_seconds[i]);
            assert!(runs.eq((0..11).map(|i| 220 * i)), "with the giant at {at}");
            assert!(jobs.submit_seconds.is_sorted());
        }
    }

    #[test]
    fn what_has_no_load_or_would_come_too_late_is_refused_with_its_reason() {
        let refused = |rows: &[(i64, u32, u32)], load| {
            let mut jobs = jobs(rows);
            let sizes = jobs.size.clone();
            scale_load(&mut jobs, 4, load, |i| sizes[i] <= 4).expect_err("it cannot be set")
        };
        assert!(refused(&[(0, 10, 9), (5, 10, 9)], 0.5).contains("no job fits"));
        assert!(refused(&[(5, 10, 1), (5, 10, 1), (9, 10, 9)], 0.5).contains("same second"));
        assert!(refused(&[(0, 10, 0), (5, 10, 0)], 0.5).contains("occupy nothing"));
        assert!(refused(&[(0, 10, 1), (5, 10, 1)], 1e-300).contains("seconds from zero"));
    }
}
