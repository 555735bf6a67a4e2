//! Tasks that come, wait, run and leave on a cluster, under every placement policy.

mod common;

use std::sync::atomic::AtomicBool;

use lepton_core::decide::placement::Placer;
use lepton_core::decide::placement_policies::{PLACEMENT_POLICIES, PlacementContext, placement_policy};
use lepton_core::decide::queue::pass::Capacity as _;
use lepton_core::decide::queue_policies::queue_policy;
use lepton_core::model::{Task, invariants};
use lepton_sim::FrozenClock;
use lepton_sim::experiment::jobs::{JobsStudyOptions, Protocol, run_jobs_study};
use lepton_sim::generate::openb_like;
use lepton_sim::jobs::machine::ClusterMachine;
use lepton_sim::jobs::{
    Backfill, Discipline, Failures, Job, Jobs, NEVER, PreemptiveSettings, Settings, Simulation,
};
use lepton_sim::workload::OpenbFiles;
use lepton_sim::workload::jobs::MachineSpec;
use lepton_sim::workload::openb_over_time;

#[test]
fn no_placement_policy_breaks_a_rule_while_tasks_come_and_nodes_fail() {
    let workload = openb_like(24);
    let context =
        PlacementContext { cluster: &workload.cluster, target: &workload.target, seed: 5, model: None };
    for backfill in [Backfill::None, Backfill::Easy, Backfill::Conservative] {
        for info in PLACEMENT_POLICIES {
            let mut cluster = workload.cluster.clone();
            let mut jobs = Jobs { owners: vec![String::new()], ..Jobs::default() };
            for (i, task) in (0u32..).zip(workload.tasks.iter().step_by(7)) {
                cluster.add_task(Task::new(task.name.clone(), task.class));
                let run_seconds = 50 + i * 37 % 900;
                jobs.push(Job {
                    id: u64::from(i),
                    submit_seconds: i64::from(i),
                    run_seconds,
                    requested_seconds: run_seconds,
                    size: cluster.class(task.class).demand.device_milli() as u32,
                    owner: 0,
                    priority: 0,
                });
            }
            let placement = placement_policy(info.name, &context).expect("a known policy");
            let placer = Placer::in_node_order(placement, &cluster);
            let machine = ClusterMachine::new(cluster, placer, workload.target.clone());
            let settings = Settings {
                discipline: Discipline::Skipping,
                backfill,
                depth_max: 40,
                failures: Failures::Hazard {
                    mean_seconds_between: Some(2000.0),
                    device_mean_seconds_between: Some(4000.0),
                    mean_repair_seconds: 60.0,
                    seed: 3,
                },
                checkpoint_interval_seconds: Some(60),
            };
            let policy = queue_policy("fcfs").expect("a known policy");
            let mut run = Simulation::new(&jobs, machine, policy.as_ref(), &settings);
            for moment in 0.. {
                if !run.advance(&mut ()) {
                    break;
                }
                assert!(run.machine().free_units() <= run.machine().units(), "{}", info.name);
                if moment % 50 == 0 {
                    invariants::check(run.machine().cluster()).expect("no rule is broken");
                }
            }
            let cluster = run.machine().cluster();
            assert_eq!(cluster.device_milli_held(), 0, "{}: everything was given back", info.name);
            let outcome = run.into_outcome();
            let ended = outcome.end_seconds.iter().filter(|&&e| e != NEVER).count();
            assert_eq!(ended + outcome.too_large, jobs.len(), "{}", info.name);
            assert!(outcome.interruptions > 0, "{}: something failed", info.name);
        }
    }
}

#[test]
fn the_real_trace_runs_to_its_end_under_every_placement_policy() {
    let Some(data) = common::data("openb") else { return };
    let files = OpenbFiles {
        nodes: data.join("openb_node_list_gpu_node.csv"),
        tasks: data.join("openb_pod_list_default.csv"),
        arrivals: None,
    };
    let workload = openb_over_time(&files, 42).expect("the trace is sound");
    assert!(matches!(workload.machine, MachineSpec::Cluster { .. }));
    let options = JobsStudyOptions {
        policies: vec!["fcfs".to_owned()],
        backfills: vec![Backfill::None],
        placements: PLACEMENT_POLICIES.iter().map(|p| p.name.to_owned()).collect(),
        protocol: Protocol::Events,
        settings: Settings::default(),
        preemptive: PreemptiveSettings::default(),
        baseline: None,
        seeds: vec![42],
        threads: 2,
        segments_max: 0,
        resume: None,
        command: String::new(),
        model: None,
        guarded: false,
    };
    let study = run_jobs_study(&workload, &options, &FrozenClock, &AtomicBool::new(false), &|_| {})
        .expect("nothing is wrong with the options");
    for s in &study.summary {
        assert_eq!(s.finished + s.too_large, s.jobs, "{}", s.placement);
        let series = s.per_sequence[0].series.as_ref().expect("curves over time");
        assert!(series.utilization.iter().any(|&u| u > 0.0), "{}", s.placement);
        assert!(series.fragmentation.iter().all(|f| (0.0..=1.0).contains(f)), "{}", s.placement);
    }
}
