//! What the figures of a report page promise: lanes, quantiles, curves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use lepton_core::decide::queue_policies::queue_policy;

use crate::FrozenClock;
use crate::experiment::RunError;
use crate::jobs::{Backfill, Failures, Job, Jobs, Outage, PreemptiveSettings, SequenceSimulator, Settings};
use crate::workload::jobs::{JobsWorkload, MachineSpec, sequences, whole};

const NODES: u32 = 4;

/// Jobs as (seconds after the one before, run time, size), first submitted at 1000 s.
fn jobs(rows: &[(i64, u32, u32)]) -> Arc<Jobs> {
    let mut jobs = Jobs { owners: vec!["all".to_owned()], ..Jobs::default() };
    let mut submit_seconds = 1000;
    for (id, &(after, run_seconds, size)) in (0..).zip(rows) {
        submit_seconds += if id == 0 { 0 } else { after };
        let requested_seconds = run_seconds;
        jobs.push(Job { id, submit_seconds, run_seconds, requested_seconds, size, owner: 0, priority: 0 });
    }
    Arc::new(jobs)
}

fn study_of(
    workload: &JobsWorkload,
    policy: &str,
    protocol: Protocol,
    failing: bool,
    max: usize,
) -> JobsStudy {
    let mut settings = Settings::default();
    if failing {
        settings.failures = Failures::Hazard {
            mean_seconds_between: Some(200.0),
            device_mean_seconds_between: None,
            mean_repair_seconds: 20.0,
            seed: 1,
        };
        settings.checkpoint_interval_seconds = Some(10);
    }
    let options = options_of(workload, policy, protocol, settings, max);
    run_jobs_study(workload, &options, &FrozenClock, &AtomicBool::new(false), &|_| {}).expect("sound options")
}

fn options_of(
    workload: &JobsWorkload,
    policy: &str,
    protocol: Protocol,
    settings: Settings,
    max: usize,
) -> JobsStudyOptions {
    JobsStudyOptions {
        policies: vec![policy.to_owned()],
        backfills: vec![Backfill::None],
        placements: vec![workload.machine.placements()[0].to_owned()],
        protocol,
        settings,
        preemptive: PreemptiveSettings::default(),
        baseline: None,
        seeds: vec![1],
        threads: 1,
        segments_max: max,
        resume: None,
        command: "lepton simulate jobs".to_owned(),
        model: None,
        guarded: false,
    }
}

#[test]
fn the_curve_of_waiting_jobs_ends_at_those_that_never_finish() {
    let rows = [(0, 10, 1), (1, 50, 1), (1, 50, NODES), (1, 50, NODES)];
    let workload = whole("test", jobs(&rows), NODES, MachineSpec::Pool, 1);
    let outage = Outage { at_seconds: 1020, node: 0, device: None, repair_seconds: None };
    let settings = Settings { failures: Failures::Recorded(vec![outage]), ..Settings::default() };
    let options = options_of(&workload, "fcfs", Protocol::Events, settings, 10);
    let study =
        run_jobs_study(&workload, &options, &FrozenClock, &AtomicBool::new(false), &|_| {}).expect("sound");
    let summary = &study.summary[0];
    let figures = summary.figures.as_ref().expect("asked for");
    assert_eq!((summary.finished, summary.unfinished), (2, 2));
    assert_eq!(figures.series.queue_length.last(), Some(&2.0));
    assert_eq!(figures.series.utilization.last(), Some(&0.0));
}

/// Stopped by the wish to stop instead of at a second, a run is saved as far as it has come.
#[test]
fn a_run_that_is_to_be_saved_and_is_stopped_before_is_saved_where_it_stands() {
    let rows: Vec<(i64, u32, u32)> = (0..60).map(|i| (7, 30 + i % 11, 1 + i % NODES)).collect();
    let workload = whole("test", jobs(&rows), NODES, MachineSpec::Pool, 1);
    let options = |resume| JobsStudyOptions {
        resume,
        ..options_of(&workload, "fcfs", Protocol::Events, Settings::default(), 0)
    };
    let stop = AtomicBool::new(false);
    let come = AtomicU64::new(0);
    let stop_half_way = |n| {
        if come.fetch_add(n, Ordering::Relaxed) + n >= 30 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let half =
        save_run(&workload, &options(None), i64::MAX, &stop, &stop_half_way).expect("something is done");
    assert!(half.stopped_early && half.arrived == 30);
    assert!(matches!(
        save_run(&workload, &options(None), i64::MAX, &stop, &|_| {}),
        Err(JobsStudyError::Run(RunError::Stopped))
    ));
    stop.store(false, Ordering::Relaxed);
    let run = |resume| {
        let study = run_jobs_study(&workload, &options(resume), &FrozenClock, &stop, &|_| {}).expect("sound");
        let (_, run) = study.runs().next().expect("one run");
        run.outcome.clone()
    };
    assert_eq!(run(Some(half.saved)), run(None));
}

#[test]
fn the_sequence_protocol_ends_when_it_is_told_to() {
    let workload = whole("test", jobs(&[(0, 10, 1), (1, 10, 1)]), NODES, MachineSpec::Pool, 1);
    let mut simulator = SequenceSimulator::default();
    let policy = queue_policy("fcfs").expect("it is registered");
    let mut run = |stop| {
        let (jobs, stop) = (&workload.parts[0].jobs, AtomicBool::new(stop));
        simulator.run_unless_stopped(jobs, 0..2, NODES, policy.as_ref(), false, &stop).map(<[i64]>::to_vec)
    };
    assert_eq!((run(true), run(false)), (None, Some(vec![1000, 1001])));
}

fn figures_of(rows: &[(i64, u32, u32)], policy: &str, protocol: Protocol, failing: bool) -> JobsFigures {
    let workload = whole("test", jobs(rows), NODES, MachineSpec::Pool, 1);
    let study = study_of(&workload, policy, protocol, failing, usize::MAX);
    study.summary[0].figures.clone().expect("figures were asked for")
}

#[test]
fn a_small_schedule_is_drawn_as_it_ran() {
    let rows = [(0, 100, 3), (10, 50, 4), (10, 40, 1)];
    for protocol in [Protocol::Events, Protocol::Sequence] {
        let figures = figures_of(&rows, "fcfs", protocol, false);
        let Gantt { lanes, starts, jobs } = figures.gantt;
        assert_eq!((lanes, starts), (1, 3), "one job at a time");
        assert_eq!(jobs.submit_seconds, [0, 10, 20]);
        assert_eq!(jobs.start_seconds, [0, 100, 150]);
        assert_eq!(jobs.end_seconds, [100, 150, 190]);
        assert_eq!((jobs.size, jobs.lane), (vec![3, 4, 1], vec![0, 0, 0]));
        let SeriesFigure { time_seconds, queue_length, utilization } = figures.series;
        assert_eq!(time_seconds, [0, 60, 120, 180, 190]);
        assert_eq!(queue_length, [(10.0 + 40.0 * 2.0) / 60.0, (40.0 * 2.0 + 20.0) / 60.0, 0.5, 0.0, 0.0]);
        assert_eq!(utilization[..2], [0.75, (40.0 * 0.75 + 20.0) / 60.0]);
        let waits = figures.distributions.expect("jobs finished").wait_seconds;
        assert_eq!((waits.len(), waits[0], waits[33], waits[50], waits[100]), (101, 0.0, 0.0, 90.0, 130.0));
    }
}

#[test]
fn an_interrupted_job_waits_from_its_interruption_on() {
    let figures = figures_of(&[(0, 100, 4), (10, 20, 4)], "srtf", Protocol::Events, false);
    let jobs = figures.gantt.jobs;
    assert_eq!(figures.gantt.starts, 3);
    assert_eq!((jobs.start_seconds[0], jobs.end_seconds[0]), (0, 10), "the long job is stopped");
    assert_eq!((jobs.submit_seconds[1], jobs.start_seconds[1]), (10, 10), "by the short one");
    assert_eq!(
        (jobs.submit_seconds[2], jobs.start_seconds[2]),
        (10, jobs.end_seconds[1]),
        "and goes on after"
    );
}

#[test]
fn the_first_starts_are_kept_and_all_are_counted() {
    let workload =
        whole("test", jobs(&[(0, 500, 1), (1, 9, 1), (1, 9, 1), (1, 9, 1)]), NODES, MachineSpec::Pool, 1);
    for protocol in [Protocol::Events, Protocol::Sequence] {
        let study = study_of(&workload, "fcfs", protocol, false, 2);
        let figures = study.summary[0].figures.as_ref().expect("figures were asked for");
        assert_eq!(figures.gantt.jobs.start_seconds, [0, 1], "the first to start, though the last to end");
        assert_eq!((figures.gantt.starts, figures.gantt.lanes), (4, 2));
    }
}

#[test]
fn figures_are_made_only_when_asked_for_and_change_no_result() {
    let rows: Vec<_> = (0..200).map(|i| (i % 7, 1 + (i as u32 * 37) % 91, 1 + i as u32 % 4)).collect();
    let workload = whole("test", jobs(&rows), NODES, MachineSpec::Pool, 1);
    let [without, with] = [0, 100].map(|max| study_of(&workload, "sjf", Protocol::Events, false, max));
    assert!(without.summary[0].figures.is_none());
    assert!(with.summary[0].figures.is_some());
    let text = |study: &JobsStudy| serde_json::to_string(study).expect("a study is JSON");
    assert_eq!(text(&without), text(&with));
}

#[test]
fn the_page_shows_the_first_sequence_and_says_so() {
    let rows = [(0, 100, 3), (10, 50, 4), (10, 40, 1), (5, 5, 2)];
    let workload =
        sequences("test", &jobs(&rows), NODES, MachineSpec::Pool, (&[1, 2], 2), 1).expect("it fits");
    let document = page::document(&study_of(&workload, "fcfs", Protocol::Sequence, false, 100));
    assert_eq!((&document["shown"]["runs"], &document["shown"]["start"]), (&2.into(), &1.into()));
    assert_eq!(document["gantt"][0]["policy"], "fcfs");
    assert_eq!(document["gantt"][0]["jobs"]["start_seconds"], serde_json::json!([0, 50]));
    assert_eq!(document["distributions"][0]["wait_seconds"].as_array().map(Vec::len), Some(101));
    assert_eq!(document["series"][0]["time_seconds"], serde_json::json!([0, 60, 90]));
}

#[test]
fn a_study_in_which_nothing_could_run_still_makes_a_page() {
    let workload = whole("test", jobs(&[(0, 10, NODES + 1)]), NODES, MachineSpec::Pool, 1);
    for protocol in [Protocol::Events, Protocol::Sequence] {
        let document = page::document(&study_of(&workload, "fcfs", protocol, false, 100));
        for figure in ["series", "distributions", "gantt"] {
            assert_eq!(document[figure], serde_json::json!([]), "{figure}");
        }
        assert_eq!(document["summary"][0]["finished"], 0);
    }
}

/// What must hold for the figures of any run; `makespan_seconds` is the run's.
fn check(figures: &JobsFigures, makespan_seconds: i64, jobs_finished: usize) {
    let JobsFigures { series, gantt, distributions } = figures;
    let Gantt { lanes, jobs, starts } = gantt;
    assert_eq!(jobs.lane.len() as u64, *starts);
    let mut until = vec![0; *lanes as usize];
    for i in 0..jobs.lane.len() {
        let lane = jobs.lane[i] as usize;
        assert!(until[lane] <= jobs.start_seconds[i], "two jobs at once on lane {lane}");
        assert!(
            jobs.submit_seconds[i] <= jobs.start_seconds[i] && jobs.start_seconds[i] <= jobs.end_seconds[i]
        );
        until[lane] = jobs.end_seconds[i];
    }
    let most_at_once = (0..jobs.lane.len()).map(|i| {
        let runs = |&k: &usize| {
            jobs.start_seconds[k] <= jobs.start_seconds[i] && jobs.end_seconds[k] > jobs.start_seconds[i]
        };
        (0..=i).filter(runs).count().max(1)
    });
    assert_eq!(most_at_once.max().unwrap_or(0), *lanes as usize, "as many lanes as jobs at once");
    assert_eq!(until.iter().max(), Some(&makespan_seconds), "the last job ends with the run");

    assert_eq!(series.time_seconds[0], 0);
    assert!(series.time_seconds.is_sorted());
    assert!(series.time_seconds.last() >= Some(&makespan_seconds), "the curves cover the run");
    assert_eq!(series.time_seconds.len(), series.queue_length.len());
    assert_eq!(series.time_seconds.len(), series.utilization.len());
    assert!(series.utilization.iter().all(|u| (0.0..=1.0 + 1e-9).contains(u)));

    // The curves and the lanes tell of the same waiting.
    let waited: i64 =
        jobs.start_seconds.iter().zip(&jobs.submit_seconds).map(|(start, since)| start - since).sum();
    let spans = series.time_seconds.windows(2).zip(&series.queue_length);
    let area: f64 = spans.map(|(t, &queue)| (t[1] - t[0]) as f64 * queue).sum();
    assert!((area - waited as f64).abs() <= 1e-6 * area.max(1.0), "{area} of {waited} job-seconds");

    let Quantiles { wait_seconds, completion_seconds, bounded_slowdown } =
        distributions.as_ref().expect("jobs finished");
    for quantiles in [wait_seconds, completion_seconds, bounded_slowdown] {
        assert_eq!(quantiles.len(), 101);
        assert!(quantiles.is_sorted());
    }
    assert!(jobs_finished > 0 && bounded_slowdown[0] >= 1.0);
}

proptest! {
    #[test]
    fn figures_hold_what_they_promise_on_any_jobs(
        rows in prop::collection::vec((0..80i64, 1..120u32, 1..=NODES), 1..60),
        policy in prop::sample::select(vec!["fcfs", "sjf", "saf", "srtf", "las"]),
        failing in any::<bool>(),
        sequence in any::<bool>(),
    ) {
        let preempts = ["srtf", "las"].contains(&policy);
        let protocol = if sequence && !preempts { Protocol::Sequence } else { Protocol::Events };
        let failing = failing && !preempts && protocol == Protocol::Events;
        let workload = whole("test", jobs(&rows), NODES, MachineSpec::Pool, 1);
        let study = study_of(&workload, policy, protocol, failing, usize::MAX);
        let summary = &study.summary[0];
        let makespan_seconds = summary.makespan_seconds.expect("jobs finished");
        check(summary.figures.as_ref().expect("asked for"), makespan_seconds, summary.finished);
    }
}
