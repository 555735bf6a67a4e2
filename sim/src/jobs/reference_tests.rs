//! The queue passes beside a plain reference that shares nothing with them: first come first served, EASY and
//! conservative backfilling as their papers define them, on counted units, from event to event. The random traces have
//! round times, so that many things happen at the same second.

use lepton_core::decide::queue_policies::queue_policy;
use proptest::prelude::*;

use super::machine::Pool;
use super::*;

/// A job of the reference: (submit, run, requested, size), in order of submission.
type Row = (i64, u32, u32, u32);

/// A job that runs: when it really ends, when it is expected to, and what it holds.
struct Running {
    end: i64,
    expected: i64,
    size: i64,
}

/// When each job starts on `units` units.
fn reference(rows: &[Row], units: u32, backfill: Backfill) -> Vec<i64> {
    let mut starts = vec![NEVER; rows.len()];
    let (mut running, mut waiting): (Vec<Running>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut come = 0;
    while come < rows.len() || !waiting.is_empty() {
        let next_end = running.iter().map(|r| r.end).min();
        let now = rows.get(come).map(|r| r.0).into_iter().chain(next_end).min().expect("something happens");
        running.retain(|r| r.end > now);
        while rows.get(come).is_some_and(|r| r.0 <= now) {
            waiting.push(come);
            come += 1;
        }
        loop {
            let start = match backfill {
                Backfill::None => waiting.first().copied().filter(|&j| fits(&running, units, rows[j].3)),
                Backfill::Easy => easy(rows, &waiting, &running, units, now),
                Backfill::Conservative => conservative(rows, &waiting, &running, units, now),
            };
            let Some(j) = start else { break };
            waiting.retain(|&w| w != j);
            starts[j] = now;
            let (_, run, requested, size) = rows[j];
            let expected = now + i64::from(requested);
            running.push(Running { end: now + i64::from(run), expected, size: i64::from(size) });
        }
    }
    starts
}

fn fits(running: &[Running], units: u32, size: u32) -> bool {
    running.iter().map(|r| r.size).sum::<i64>() + i64::from(size) <= i64::from(units)
}

/// Units free at `at`, by the requests: what runs past its request ends in the next second.
fn free_at(running: &[Running], units: u32, now: i64, at: i64) -> i64 {
    let held = running.iter().filter(|r| r.expected.max(now + 1) > at).map(|r| r.size);
    i64::from(units) - held.sum::<i64>()
}

/// The first job that may start now under EASY: the head, or what does not delay the head.
fn easy(rows: &[Row], waiting: &[usize], running: &[Running], units: u32, now: i64) -> Option<usize> {
    let &head = waiting.first()?;
    if fits(running, units, rows[head].3) {
        return Some(head);
    }
    let wanted = i64::from(rows[head].3);
    let ends = running.iter().map(|r| r.expected.max(now + 1));
    let shadow = ends.filter(|&end| free_at(running, units, now, end) >= wanted).min()?;
    let extra = free_at(running, units, now, shadow) - wanted;
    waiting[1..].iter().copied().find(|&j| {
        let (_, _, requested, size) = rows[j];
        let beside = i64::from(size) <= extra;
        fits(running, units, size) && (now + i64::from(requested) <= shadow || beside)
    })
}

/// The first job that may start now under conservative backfilling: every job in turn is promised the earliest time at
/// which it delays none of those before it; whoever is promised now starts.
fn conservative(rows: &[Row], waiting: &[usize], running: &[Running], units: u32, now: i64) -> Option<usize> {
    // Promised so far: from, until, size.
    let mut promised: Vec<(i64, i64, i64)> = Vec::new();
    for &j in waiting {
        let (_, _, requested, size) = rows[j];
        let (span, size) = (i64::from(requested), i64::from(size));
        let free = |promised: &[(i64, i64, i64)], at: i64| {
            let taken = promised.iter().filter(|p| p.0 <= at && at < p.1).map(|p| p.2);
            free_at(running, units, now, at) - taken.sum::<i64>()
        };
        let mut times: Vec<i64> = running.iter().map(|r| r.expected.max(now + 1)).collect();
        times.extend(promised.iter().flat_map(|p| [p.0, p.1]));
        times.push(now);
        times.sort_unstable();
        times.dedup();
        let fits_from = |&from: &i64| {
            let within = times.iter().filter(|&&t| from <= t && t < from + span);
            within.chain([&from]).all(|&t| free(&promised, t) >= size)
        };
        let from = times.iter().copied().find(fits_from).expect("at the end all is free");
        if from == now {
            return Some(j);
        }
        promised.push((from, from + span, size));
    }
    None
}

fn simulated(rows: &[Row], units: u32, backfill: Backfill) -> Vec<i64> {
    let mut jobs = Jobs { owners: vec![String::new()], ..Jobs::default() };
    for (id, &(submit_seconds, run_seconds, requested_seconds, size)) in (0..).zip(rows) {
        jobs.push(Job { id, submit_seconds, run_seconds, requested_seconds, size, owner: 0, priority: 0 });
    }
    let settings = Settings { backfill, ..Settings::default() };
    let policy = queue_policy("fcfs").expect("a known policy");
    Simulation::new(&jobs, Pool::new(units), policy.as_ref(), &settings).run(&mut ()).start_seconds
}

#[test]
fn easy_counts_everything_that_ends_at_the_second_of_the_reservation() {
    // Two jobs of 2 end at 10, when 4 are to start on 6 units: 2 are left over, and a long job of 2 may start at once.
    let two = [(0, 10, 10, 2), (0, 10, 10, 2), (1, 50, 50, 4), (2, 100, 100, 2)];
    let one = [(0, 10, 10, 4), (1, 50, 50, 4), (2, 100, 100, 2)];
    for backfill in [Backfill::Easy, Backfill::Conservative] {
        assert_eq!(simulated(&two, 6, backfill), [0, 0, 10, 2], "{backfill:?}");
        assert_eq!(simulated(&one, 6, backfill), [0, 10, 2], "{backfill:?}: one job in place of the two");
    }
}

/// Traces with round times; some jobs run shorter than they asked for, some longer.
fn round_trace() -> impl Strategy<Value = (Vec<Row>, u32)> {
    let job = (0i64..8, 1u32..5, 1u32..8, prop_oneof![Just(0i64), -10i64..=20]);
    (prop::collection::vec(job, 1..40), prop::sample::select(vec![2u32, 4, 6, 8])).prop_map(
        |(jobs, units)| {
            let row = |(submit, run, size, more): (i64, u32, u32, i64)| {
                let requested = (i64::from(run * 10) + more / 10 * 10).max(10) as u32;
                (5 * submit, 10 * run, requested, size.min(units))
            };
            let mut rows: Vec<Row> = jobs.into_iter().map(row).collect();
            rows.sort_by_key(|r| r.0);
            (rows, units)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_job_starts_when_the_definition_says((rows, units) in round_trace()) {
        for backfill in [Backfill::None, Backfill::Easy, Backfill::Conservative] {
            prop_assert_eq!(
                simulated(&rows, units, backfill), reference(&rows, units, backfill), "{:?}", backfill
            );
        }
    }
}
