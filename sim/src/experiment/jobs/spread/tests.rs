//! What a study says of its rows: the same jobs, enough samples, an interval on one side of zero.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::FrozenClock;
use crate::experiment::jobs::{JobsStudy, JobsStudyOptions, Protocol, run_jobs_study};
use crate::generate::LublinModel;
use crate::jobs::{Backfill, Discipline, Failures, Job, Jobs, Outage, PreemptiveSettings, Settings};
use crate::workload::jobs::{JobsWorkload, MachineSpec, sequences, whole};

const NODES: u32 = 64;

fn options(policies: &[&str], seeds: Vec<u64>) -> JobsStudyOptions {
    JobsStudyOptions {
        policies: policies.iter().map(|&p| p.to_owned()).collect(),
        backfills: vec![Backfill::None],
        placements: vec!["pool".to_owned()],
        protocol: Protocol::Events,
        settings: Settings::default(),
        preemptive: PreemptiveSettings::default(),
        baseline: Some("fcfs".to_owned()),
        seeds,
        threads: 1,
        segments_max: 0,
        resume: None,
        command: String::new(),
        model: None,
        guarded: false,
    }
}

fn study(workload: &JobsWorkload, options: &JobsStudyOptions) -> JobsStudy {
    run_jobs_study(workload, options, &FrozenClock, &AtomicBool::new(false), &|_| {}).expect("sound options")
}

/// The same number of jobs drawn for each seed.
fn drawn(seeds: &[u64]) -> JobsWorkload {
    let one = |&seed: &u64| {
        let jobs = Arc::new(LublinModel::published(NODES).generate(200, seed));
        whole("drawn", jobs, NODES, MachineSpec::Pool, seed)
    };
    let mut all: Vec<JobsWorkload> = seeds.iter().map(one).collect();
    let parts = all.iter_mut().flat_map(|w| w.parts.drain(..)).collect();
    JobsWorkload { parts, ..all.remove(0) }
}

/// Jobs as (submission, run time, size).
fn jobs(rows: &[(i64, u32, u32)]) -> Arc<Jobs> {
    let mut jobs = Jobs { owners: vec!["all".to_owned()], ..Jobs::default() };
    for (id, &(submit_seconds, run_seconds, size)) in (0..).zip(rows) {
        let requested_seconds = run_seconds;
        jobs.push(Job { id, submit_seconds, run_seconds, requested_seconds, size, owner: 0, priority: 0 });
    }
    Arc::new(jobs)
}

#[test]
fn a_policy_is_best_only_where_the_interval_is_below_zero() {
    let seeds: Vec<u64> = (1..=8).collect();
    let clear = study(&drawn(&seeds), &options(&["fcfs", "saf"], seeds.clone()));
    let Verdict { finding, lowest, difference, .. } = &clear.verdict;
    assert_eq!(*finding, Finding::Best);
    assert_eq!(lowest.as_ref().map(|l| l.policy.as_str()), Some("saf"));
    assert!(difference.is_some_and(|d| d.high < 0.0));
    let spread = clear.summary[1].spread.as_ref().expect("eight samples");
    assert_eq!((spread.over, spread.samples), ("seeds", 8));
    let paired = spread.mean_bounded_slowdown.paired.expect("another row than the baseline");
    let means: Vec<f64> = clear
        .summary
        .iter()
        .map(|s| s.spread.as_ref().expect("samples").mean_bounded_slowdown.mean)
        .collect();
    assert!((paired.difference - (means[1] - means[0])).abs() < 1e-9 * means[0]);

    let seeds = vec![1, 2];
    let near = study(&drawn(&seeds), &options(&["saf", "sqaf"], seeds));
    assert_eq!(near.verdict.finding, Finding::NotShown, "two samples of nearly the same");
    let alike = study(&drawn(&[1, 2]), &options(&["fcfs", "priority-ageing"], vec![1, 2]));
    assert_eq!(alike.verdict.finding, Finding::Even);
}

#[test]
fn repeating_one_result_is_no_test() {
    let jobs = Arc::new(LublinModel::published(NODES).generate(200, 1));
    let mut workload = whole("same", jobs, NODES, MachineSpec::Pool, 1);
    for seed in 2..=5 {
        workload.parts.push(crate::workload::jobs::Part { seed, ..workload.parts[0].clone() });
    }
    let study = study(&workload, &options(&["fcfs", "saf"], (1..=5).collect()));
    assert_eq!((study.verdict.finding, study.verdict.difference), (Finding::OneSample, None));
    let spread = study.summary[1].spread.as_ref().expect("five samples");
    assert_eq!((spread.mean_bounded_slowdown.sd, spread.mean_bounded_slowdown.paired), (0.0, None));
}

#[test]
fn each_sequence_is_a_sample() {
    let jobs = Arc::new(LublinModel::published(NODES).generate(400, 1));
    let workload =
        sequences("cut", &jobs, NODES, MachineSpec::Pool, (&[0, 100, 200, 300], 100), 1).expect("it fits");
    let options = JobsStudyOptions { protocol: Protocol::Sequence, ..options(&["fcfs", "saf"], vec![1]) };
    let study = study(&workload, &options);
    let spread = study.summary[0].spread.as_ref().expect("four samples");
    assert_eq!((spread.over, spread.samples), ("sequences", 4));
    let mean = study.summary[0].mean_bounded_slowdown.expect("jobs finished");
    assert!((spread.mean_bounded_slowdown.mean - mean).abs() < 1e-9 * mean);
}

#[test]
fn rows_over_different_jobs_are_not_compared() {
    // One node is gone when the job that needs both is looked at again, under fcfs alone.
    let workload = whole("two", jobs(&[(0, 100, 1), (0, 10, 2)]), 2, MachineSpec::Pool, 1);
    let outage = Outage { at_seconds: 50, node: 0, device: None, repair_seconds: None };
    let settings = Settings {
        failures: Failures::Recorded(vec![outage]),
        discipline: Discipline::Strict,
        ..Settings::default()
    };
    let options = JobsStudyOptions { settings, ..options(&["fcfs", "sjf"], vec![1]) };
    let study = study(&workload, &options);
    let counts: Vec<(usize, usize)> = study.summary.iter().map(|s| (s.finished, s.unfinished)).collect();
    assert_ne!(counts[0], counts[1], "the failure parts the policies");
    assert_eq!(study.verdict.finding, Finding::DifferentJobs);
    assert_eq!((&study.verdict.lowest, &study.verdict.next), (&None, &None));
    assert!(study.summary.iter().all(|s| s.finished + s.unfinished == 2));
}

#[test]
fn a_stopped_study_has_every_row_with_its_runs_done() {
    let seeds: Vec<u64> = (1..=3).collect();
    let stop = AtomicBool::new(false);
    let options = options(&["fcfs", "saf"], seeds.clone());
    let stopped = run_jobs_study(&drawn(&seeds), &options, &FrozenClock, &stop, &|_| {
        stop.store(true, Ordering::Relaxed);
    })
    .expect("one run is done");
    assert!(stopped.stopped_early);
    let runs: Vec<(usize, usize)> = stopped.summary.iter().map(|s| (s.runs, s.runs_planned)).collect();
    assert_eq!(runs, [(1, 3), (0, 3)]);
    assert_eq!(stopped.summary[1].mean_bounded_slowdown, None);
    assert_eq!(stopped.verdict.finding, Finding::Stopped);
}
