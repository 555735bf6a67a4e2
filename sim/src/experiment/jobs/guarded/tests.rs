//! What the guard of the order of jobs promises: a bad model does not serve for long, a sound one is not disturbed, and
//! nothing is known before its time.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lepton_core::decide::policy::{JOB_FEATURES, JobsModel};

use super::super::{JobsRun, JobsStudyOptions, Protocol, run_jobs_study};
use super::GuardRecord;
use crate::FrozenClock;
use crate::generate::BatchMachines;
use crate::jobs::{Backfill, Jobs, PreemptiveSettings, Settings};
use crate::workload::jobs::{MachineSpec, scale_load, whole};

/// A machine and more jobs than it can run in time.
fn crowded() -> (Jobs, u32) {
    let (mut jobs, nodes) = BatchMachines::default().draw(4_000, 3);
    scale_load(&mut jobs, u64::from(nodes), 1.1, |_| true).expect("there is a load to set");
    (jobs, nodes)
}

/// A model that serves the longest job first in every kind of queue.
fn longest_first() -> JobsModel {
    let mut weights = JobsModel::untrained().weights().to_vec();
    weights.iter_mut().step_by(JOB_FEATURES.len()).for_each(|of_requested_time| *of_requested_time = 6.0);
    JobsModel::from_weights(&weights, JobsModel::manifest_of("longest first")).expect("as many weights")
}

fn run(jobs: &Jobs, nodes: u32, model: &JobsModel, guarded: bool, protocol: Protocol) -> JobsRun {
    let options = JobsStudyOptions {
        policies: vec!["lepton".to_owned()],
        backfills: vec![Backfill::None],
        placements: vec!["pool".to_owned()],
        protocol,
        settings: Settings::default(),
        preemptive: PreemptiveSettings::default(),
        baseline: None,
        seeds: vec![1],
        threads: 1,
        segments_max: 0,
        resume: None,
        command: String::new(),
        model: Some(model.clone()),
        guarded,
    };
    let workload = whole("crowded", Arc::new(jobs.clone()), nodes, MachineSpec::Pool, 1);
    let study = run_jobs_study(&workload, &options, &FrozenClock, &AtomicBool::new(false), &|_| {});
    study.expect("sound options").summary.remove(0).per_sequence.remove(0)
}

fn record(jobs: &Jobs, nodes: u32, model: &JobsModel) -> GuardRecord {
    run(jobs, nodes, model, true, Protocol::Events).guard.expect("the run is guarded")
}

#[test]
fn a_model_that_is_worse_than_the_rule_does_not_serve_for_long() {
    let (jobs, nodes) = crowded();
    let [guarded, free] = [true, false].map(|g| run(&jobs, nodes, &longest_first(), g, Protocol::Events));
    let record = guarded.guard.as_ref().expect("the run is guarded");
    assert!(record.model_share < 0.5, "the model served {} of the jobs", record.model_share);
    assert_eq!(record.changes[0].decision.serving, lepton_core::model::Serving::Rule);
    let slowdown = |run: &JobsRun| run.mean_bounded_slowdown.expect("jobs finished");
    assert!(slowdown(&guarded) < 0.7 * slowdown(&free));
    assert_eq!(guarded.finished, jobs.len(), "nothing is lost when another serves");
    assert!(free.guard.is_none());
}

#[test]
fn a_model_that_decides_as_the_rule_serves_undisturbed() {
    let (jobs, nodes) = crowded();
    let record = record(&jobs, nodes, &JobsModel::untrained());
    assert_eq!((record.comparisons, record.model_share), (14, 1.0));
    assert!(record.changes.is_empty());
}

#[test]
fn how_long_later_jobs_run_changes_nothing_before_they_come() {
    let (jobs, nodes) = crowded();
    let before = record(&jobs, nodes, &longest_first());
    let first = before.changes[0].at_seconds;
    let mut later = jobs.clone();
    for (run_seconds, _) in
        later.run_seconds.iter_mut().zip(&jobs.submit_seconds).filter(|(_, submit)| **submit > first)
    {
        *run_seconds = 1;
    }
    assert_eq!(record(&later, nodes, &longest_first()).changes[0], before.changes[0]);
}

#[test]
fn sequences_are_not_guarded() {
    let (jobs, nodes) = crowded();
    assert!(run(&jobs, nodes, &longest_first(), true, Protocol::Sequence).guard.is_none());
}
