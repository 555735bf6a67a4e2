//! Scenarios of the jobs simulation, and what must hold on random jobs: conservation, resume, backfilling,
//! preemption second by second.

use std::collections::HashMap;

use lepton_core::decide::queue::{QueuePolicy, RunTimes};
use lepton_core::decide::queue_policies::{QueueContext, queue_policies, queue_policy, queue_policy_with};
use proptest::prelude::*;

use super::machine::{GangPlacement, GpuNodes, Machine, Pool, Topology};
use super::*;

/// Jobs as (submit, run, requested, size), of owners in turn.
fn jobs(rows: &[(i64, u32, u32, u32)]) -> Jobs {
    let mut jobs = Jobs { owners: vec!["even".to_owned(), "odd".to_owned()], ..Jobs::default() };
    for (id, &(submit_seconds, run_seconds, requested_seconds, size)) in (0u32..).zip(rows) {
        let job = Job {
            id: u64::from(id),
            submit_seconds,
            run_seconds,
            requested_seconds,
            size,
            owner: id % 2,
            priority: 0,
        };
        jobs.push(job);
    }
    jobs.sort_by_submit();
    jobs
}

fn policy(name: &str) -> Box<dyn QueuePolicy> {
    queue_policy(name).expect("a known policy")
}

/// The policy of that name, which knows how long the jobs run if it is an oracle.
fn policy_for(name: &str, jobs: &Jobs) -> Box<dyn QueuePolicy> {
    let context = QueueContext { truth: RunTimes::new(&jobs.run_seconds), ..QueueContext::default() };
    queue_policy_with(name, &context).expect("a known policy")
}

fn starts(rows: &[(i64, u32, u32, u32)], nodes: u32, name: &str, settings: &Settings) -> Vec<i64> {
    let jobs = jobs(rows);
    Simulation::new(&jobs, Pool::new(nodes), policy(name).as_ref(), settings).run(&mut ()).start_seconds
}

/// A blocker, a wide job that waits for it, and a narrow one that could slip in.
const BLOCKED: [(i64, u32, u32, u32); 3] = [(0, 100, 100, 3), (1, 50, 50, 4), (2, 500, 500, 1)];

#[test]
fn in_a_strict_queue_nothing_passes_the_head() {
    assert_eq!(starts(&BLOCKED, 4, "fcfs", &Settings::default()), [0, 100, 150]);
}

#[test]
fn in_a_skipping_queue_whatever_fits_starts() {
    let settings = Settings { discipline: Discipline::Skipping, ..Settings::default() };
    assert_eq!(starts(&BLOCKED, 4, "fcfs", &settings), [0, 502, 2]);
}

#[test]
fn easy_starts_what_ends_before_the_heads_reservation_or_fits_beside_it() {
    let easy = Settings { backfill: Backfill::Easy, ..Settings::default() };
    assert_eq!(starts(&BLOCKED, 4, "fcfs", &easy), [0, 100, 150], "too long, and nothing is left beside");
    let short = [BLOCKED[0], BLOCKED[1], (2, 98, 98, 1)];
    assert_eq!(starts(&short, 4, "fcfs", &easy), [0, 100, 2], "ends just in time");
    let beside = [BLOCKED[0], (1, 50, 50, 3), BLOCKED[2]];
    assert_eq!(starts(&beside, 4, "fcfs", &easy), [0, 100, 2], "the head leaves one node over");
}

#[test]
fn conservative_backfilling_delays_no_one_ahead() {
    // The last job may pass the head, but not the third job, which has a reservation after the head.
    let rows = [(0, 100, 100, 3), (1, 50, 50, 4), (2, 100, 100, 2), (3, 97, 97, 1), (4, 180, 180, 1)];
    let conservative = Settings { backfill: Backfill::Conservative, ..Settings::default() };
    assert_eq!(starts(&rows, 4, "fcfs", &conservative), [0, 100, 150, 3, 150]);
}

#[test]
fn a_job_larger_than_the_machine_is_left_out_and_holds_up_nobody() {
    let jobs = jobs(&[(0, 10, 10, 5), (1, 10, 10, 4)]);
    let settings = Settings::default();
    let run = Simulation::new(&jobs, Pool::new(4), policy("fcfs").as_ref(), &settings).run(&mut ());
    assert_eq!(run.too_large, 1);
    assert_eq!(run.start_seconds, [NEVER, 1]);
    let mut simulator = SequenceSimulator::default();
    let started = simulator.run(&jobs, 0..2, 4, policy("fcfs").as_ref(), true);
    assert_eq!(started, [SequenceSimulator::NEVER, 1]);
}

#[test]
fn drf_serves_owners_in_turn() {
    // Four jobs of owner "even" come first (rows 0, 2, 4, 6), then the others' wait.
    let rows = [(0, 100, 100, 2), (1, 100, 100, 1), (1, 100, 100, 1), (1, 100, 100, 1)];
    let mut jobs = jobs(&rows);
    jobs.owner = vec![0, 0, 0, 1];
    let settings = Settings::default();
    let run = Simulation::new(&jobs, Pool::new(3), policy("drf").as_ref(), &settings).run(&mut ());
    assert_eq!(run.start_seconds, [0, 100, 100, 1], "the owner without anything goes first");
}

#[test]
fn a_failure_costs_the_run_back_to_the_last_checkpoint() {
    let jobs = jobs(&[(0, 100, 100, 2)]);
    let outage = Outage { at_seconds: 47, node: 0, device: None, repair_seconds: Some(13) };
    let run = |checkpoint_interval_seconds| {
        let failures = Failures::Recorded(vec![outage]);
        let settings = Settings { failures, checkpoint_interval_seconds, ..Settings::default() };
        Simulation::new(&jobs, Pool::new(2), policy("fcfs").as_ref(), &settings).run(&mut ())
    };
    let with = run(Some(20));
    assert_eq!((with.end_seconds[0], with.lost_unit_seconds, with.interruptions), (60 + 60, 14, 1));
    assert_eq!(with.wait_seconds(&jobs, 0), Some(13), "it waited for the repair");
    let without = run(None);
    assert_eq!((without.end_seconds[0], without.lost_unit_seconds), (60 + 100, 94));
}

#[test]
fn a_failed_gpu_costs_the_job_on_it_and_no_other() {
    let jobs = jobs(&[(0, 100, 100, 2), (0, 100, 100, 1), (50, 10, 10, 4)]);
    let gpu = |node, device| Outage { at_seconds: 30, node, device: Some(device), repair_seconds: Some(400) };
    // The first job holds GPUs 0 and 1 of the node, the second GPU 2; nobody holds GPU 3.
    let run = |device| {
        let settings = Settings { failures: Failures::Recorded(vec![gpu(0, device)]), ..Settings::default() };
        let machine = GpuNodes::new(1, 4, GangPlacement::Consolidate, Topology::default());
        Simulation::new(&jobs, machine, policy("fcfs").as_ref(), &settings).run(&mut ())
    };
    let first = run(1);
    assert_eq!(first.end_seconds, [130, 100, 440], "it starts again at once on GPUs 0 and 3");
    assert_eq!((first.interruptions, first.lost_unit_seconds), (1, 60));
    let second = run(2);
    assert_eq!(second.end_seconds, [100, 130, 440]);
    let idle = run(3);
    assert_eq!((&idle.end_seconds[..2], idle.interruptions), (&[100, 100][..], 0));
    assert_eq!(idle.end_seconds[2], 440, "four GPUs are there only after the repair");
    assert_eq!(run(4).end_seconds[2], 110, "there is no fifth GPU to fail");
}

#[test]
fn a_job_that_waits_for_a_node_that_never_returns_does_not_end_and_the_run_does() {
    let jobs = jobs(&[(0, 10, 10, 1), (5, 10, 10, 2)]);
    let outage = Outage { at_seconds: 3, node: 1, device: None, repair_seconds: None };
    let settings = Settings { failures: Failures::Recorded(vec![outage]), ..Settings::default() };
    let run = Simulation::new(&jobs, Pool::new(2), policy("fcfs").as_ref(), &settings).run(&mut ());
    assert_eq!(run.end_seconds, [10, NEVER]);
}

#[test]
fn las_lets_a_new_job_stop_one_that_has_had_its_share() {
    let jobs = jobs(&[(0, 100_000, 100_000, 1), (60_000, 10, 10, 1)]);
    let settings = PreemptiveSettings::default();
    let run = PreemptiveSimulation::new(&jobs, Pool::new(1), policy("las").as_ref(), &settings).run(&mut ());
    assert_eq!(run.end_seconds[1], 60_010);
    assert_eq!(run.end_seconds[0], 100_000 + 10 + 7, "ten seconds of standing still and the restart");
}

/// Two nodes of four GPUs.
fn two_nodes() -> GpuNodes {
    GpuNodes::new(2, 4, GangPlacement::Consolidate, Topology::default())
}

#[test]
fn nobody_is_stopped_who_does_not_make_room() {
    // Two jobs of 2 GPUs on each node; then one comes that needs a whole node for 20 s.
    let jobs =
        jobs(&[(0, 300, 300, 2), (1, 600, 600, 2), (2, 310, 310, 2), (3, 500, 500, 2), (50, 20, 20, 4)]);
    let settings = PreemptiveSettings::default();
    let run = |name: &str| {
        PreemptiveSimulation::new(&jobs, two_nodes(), policy_for(name, &jobs).as_ref(), &settings)
            .run(&mut ())
    };
    let srtf = run("srtf");
    assert_eq!(srtf.end_seconds[..2], [300, 601], "the first node runs on");
    assert_eq!((srtf.start_seconds[4], srtf.end_seconds[4]), (50, 70));
    // Both of the other node stand still for 20 s and repeat 30 s.
    assert_eq!(srtf.end_seconds[2..4], [312 + 50, 503 + 50]);
    assert_eq!((srtf.lost_seconds.as_slice(), srtf.lost_unit_seconds), (&[0, 0, 30, 30, 0][..], 120));
    let published = run("srtf-published");
    assert!(published.start_seconds[4] > 50, "two are stopped there, one on each node, and it does not fit");
}

#[test]
fn preemption_ends_jobs_to_the_second() {
    let jobs = jobs(&[(0, 100, 100, 1), (20, 10, 10, 1)]);
    let settings = PreemptiveSettings::default();
    let policy = policy_for("srtf", &jobs);
    let run = PreemptiveSimulation::new(&jobs, Pool::new(1), policy.as_ref(), &settings).run(&mut ());
    assert_eq!(run.end_seconds, [117, 30]);
    assert_eq!((run.lost_seconds.as_slice(), run.lost_unit_seconds), (&[7, 0][..], 7));
}

/// The first node is down from 10 to 200.
fn one_node_down() -> Failures {
    Failures::Recorded(vec![Outage { at_seconds: 10, node: 0, device: None, repair_seconds: Some(190) }])
}

#[test]
fn a_job_of_the_whole_machine_has_its_turn_when_the_failed_node_is_expected_back() {
    // Narrow jobs of 100 s come for ever; at 20 comes one that needs all four nodes.
    let mut rows = vec![(0, 15, 15, 1), (20, 50, 50, 4)];
    rows.extend((0..60).map(|i| (21 + 10 * i, 100, 100, 1)));
    for backfill in [Backfill::Easy, Backfill::Conservative] {
        let settings = Settings { backfill, failures: one_node_down(), ..Settings::default() };
        let started = starts(&rows, 4, "fcfs", &settings);
        assert_eq!(started[1], 200, "{backfill:?}: when the node is back");
        assert!(started[2..].iter().any(|&s| s < 110), "{backfill:?}: meanwhile others run");
        let gpus = GpuNodes::new(4, 1, GangPlacement::Consolidate, Topology::default());
        let jobs = jobs(&rows);
        let run = Simulation::new(&jobs, gpus, policy("fcfs").as_ref(), &settings).run(&mut ());
        assert_eq!(run.start_seconds[1], 200, "{backfill:?}: on nodes, too");
    }
}

#[test]
fn a_drawn_repair_is_expected_after_the_mean_time_and_when_overdue_at_once() {
    let rows = [(0, 40, 40, 4), (1, 1_000_000, 1_000_000, 4), (2, 30, 30, 3), (3, 30_000, 30_000, 3)];
    let jobs = jobs(&rows);
    let failures = Failures::Hazard {
        mean_seconds_between: Some(1e6),
        device_mean_seconds_between: None,
        mean_repair_seconds: 1000.0,
        seed: 4,
    };
    let settings = Settings { backfill: Backfill::Easy, failures, ..Settings::default() };
    let mut watch = Watch::default();
    Simulation::new(&jobs, Pool::new(4), policy("fcfs").as_ref(), &settings).run(&mut watch);
    let (down, back) = watch.outages[0];
    // The long job of all nodes is interrupted and waits for the node; whoever would still run then does not start.
    let late = watch.starts.iter().filter(|s| s.0 == 3 && (down..back).contains(&s.1)).count();
    assert_eq!(late, 0, "{watch:?}");
    assert_eq!(watch.starts.iter().filter(|s| s.0 == 1).nth(1).map(|s| s.1), Some(back), "{watch:?}");
}

/// Notes when jobs start and nodes fail and come back.
#[derive(Debug, Default)]
struct Watch {
    starts: Vec<(u32, i64)>,
    outages: Vec<(i64, i64)>,
}

impl Observer for Watch {
    fn event(&mut self, now_seconds: i64, event: JobEvent) {
        match event {
            JobEvent::Started { job, .. } => self.starts.push((job, now_seconds)),
            JobEvent::NodeFailed { .. } => self.outages.push((now_seconds, NEVER)),
            JobEvent::NodeRepaired { .. } => {
                self.outages.last_mut().into_iter().for_each(|o| o.1 = now_seconds);
            }
            _ => {}
        }
    }
}

#[test]
fn a_gang_on_nodes_is_not_delayed_by_a_job_behind_it() {
    // Node 0 is full until 100, node 1 holds two short jobs of 2 GPUs. The gang of 4 is to have node 1 at 50. A later job of
    // 2 GPUs for 200 s would fit by count: at 60 four GPUs of the eight are free, but on one node only 2 of them then.
    let rows = [(0, 100, 100, 4), (0, 50, 50, 2), (0, 20, 20, 2), (10, 60, 60, 4), (25, 200, 200, 2)];
    let jobs = jobs(&rows);
    for backfill in [Backfill::Easy, Backfill::Conservative] {
        let settings = Settings { backfill, ..Settings::default() };
        let run = Simulation::new(&jobs, two_nodes(), policy("fcfs").as_ref(), &settings).run(&mut ());
        assert_eq!(run.start_seconds[3], 50, "{backfill:?}");
        assert_eq!(run.start_seconds[4], 100, "{backfill:?}: beside nobody before");
    }
}

#[test]
fn percentiles_are_values_of_the_sample() {
    let mut values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
    let d = Distribution::of(&mut values);
    assert_eq!([d.median, d.p95, d.p99, d.max], [100.0, 190.0, 198.0, 200.0].map(Some));
    assert_eq!(Distribution::of(&mut []), Distribution::default(), "of nothing there is no number");
}

#[test]
fn the_jain_index_falls_when_one_owner_is_served_worse() {
    let jobs = jobs(&[(0, 10, 10, 1), (0, 10, 10, 1)]);
    let outcome = Outcome { start_seconds: vec![0, 90], end_seconds: vec![10, 100], ..Outcome::default() };
    let fairness = Fairness::of(&Samples::of(&jobs, &outcome).owners());
    assert_eq!(fairness.worst_owner.as_deref(), Some("odd"));
    let jain = fairness.jain_index.expect("jobs finished");
    assert!((jain - 121.0 / 202.0).abs() < 1e-12, "slowdowns 1 and 10");
}

#[test]
fn where_no_job_has_an_owner_nothing_is_said_of_fairness() {
    for owners in [Vec::new(), vec![String::new(), String::new()]] {
        let jobs = Jobs { owners, ..jobs(&[(0, 10, 10, 1), (0, 10, 10, 1)]) };
        let outcome =
            Outcome { start_seconds: vec![0, 90], end_seconds: vec![10, 100], ..Outcome::default() };
        assert_eq!(Fairness::of(&Samples::of(&jobs, &outcome).owners()), Fairness::default());
    }
}

#[test]
fn curves_of_a_long_run_stay_short_and_keep_the_mean() {
    let mut recorder = SeriesRecorder::default();
    for i in 0..10_000i64 {
        let free_units = if i % 2 == 0 { 0 } else { 10 };
        let moment = Moment { now_seconds: i * 1000, units: 10, free_units, waiting: 3, running: 1 };
        recorder.moment(moment, || 0.5);
    }
    let series = recorder.series();
    assert!(series.time_seconds.len() <= 512);
    let mean = series.utilization.iter().sum::<f64>() / series.utilization.len() as f64;
    assert!((mean - 0.5).abs() < 0.01, "{mean}");
    assert!(series.waiting.iter().rev().skip(1).all(|&w| (w - 3.0).abs() < 1e-9));
}

/// Checks after every event that nothing is lost, nothing created and no capacity exceeded.
#[derive(Default)]
struct Auditor {
    running: HashMap<u32, u32>,
    waiting: Vec<u32>,
    ended: Vec<u32>,
    problems: Vec<String>,
    sizes: Vec<u32>,
}

impl Observer for Auditor {
    fn event(&mut self, _now_seconds: i64, event: JobEvent) {
        match event {
            JobEvent::Submitted { job } => self.waiting.push(job),
            JobEvent::Started { job, slot } => {
                match self.waiting.iter().position(|&w| w == job) {
                    Some(at) => drop(self.waiting.swap_remove(at)),
                    None => self.problems.push(format!("job {job} started without waiting")),
                }
                if self.running.values().any(|&s| s == slot) || self.running.insert(job, slot).is_some() {
                    self.problems.push(format!("job {job} or slot {slot} runs twice"));
                }
            }
            JobEvent::Ended { job } | JobEvent::Interrupted { job, .. } => {
                if self.running.remove(&job).is_none() {
                    self.problems.push(format!("job {job} left without running"));
                }
                let ended = matches!(event, JobEvent::Ended { .. });
                if ended { self.ended.push(job) } else { self.waiting.push(job) }
            }
            JobEvent::TooLarge { .. }
            | JobEvent::NodeFailed { .. }
            | JobEvent::NodeRepaired { .. }
            | JobEvent::DeviceFailed { .. }
            | JobEvent::DeviceRepaired { .. } => {}
        }
    }

    fn moment(&mut self, moment: Moment, _fragmentation: impl FnOnce() -> f64) {
        let used: u64 = self.running.keys().map(|&j| u64::from(self.sizes[j as usize])).sum();
        if used + moment.free_units != moment.units {
            self.problems.push(format!("{used} used of {moment:?}"));
        }
        if (self.waiting.len(), self.running.len()) != (moment.waiting, moment.running) {
            self.problems.push(format!(
                "{} wait, {} run, but {moment:?}",
                self.waiting.len(),
                self.running.len()
            ));
        }
    }
}

#[test]
fn a_job_that_will_never_fit_is_waited_for_even_before_the_zero_of_the_trace() {
    let outage = Outage { at_seconds: -20, node: 0, device: None, repair_seconds: None };
    let failures = Failures::Recorded(vec![outage]);
    let settings = Settings { backfill: Backfill::Easy, failures, ..Settings::default() };
    let rows = [(-30, 100, 100, 4), (-25, 10, 10, 4), (-10, 5, 5, 1)];
    assert_eq!(starts(&rows, 4, "lepton", &settings)[..2], [-30, NEVER]);
}

fn some_jobs() -> impl Strategy<Value = Vec<(i64, u32, u32, u32)>> {
    prop::collection::vec((-50i64..400, 1u32..120, 1u32..150, 1u32..14), 1..60)
}

fn some_settings() -> impl Strategy<Value = Settings> {
    let failures = prop_oneof![
        Just(Failures::None),
        (prop::option::of(20.0..2000.0), prop::option::of(100.0..5000.0), any::<u64>()).prop_map(
            |(mean_seconds_between, device_mean_seconds_between, seed)| Failures::Hazard {
                mean_seconds_between,
                device_mean_seconds_between,
                mean_repair_seconds: 30.0,
                seed
            }
        ),
        // A repair always comes, so that every job can end.
        prop::collection::vec((-50i64..500, 0u32..14, prop::option::of(0u32..6), 1u32..90), 0..20).prop_map(
            |rows| {
                let outages = rows.into_iter().map(|(at_seconds, node, device, repair)| Outage {
                    at_seconds,
                    node,
                    device,
                    repair_seconds: Some(repair),
                });
                Failures::Recorded(outages.collect())
            }
        ),
    ];
    let backfill = prop_oneof![Just(Backfill::None), Just(Backfill::Easy), Just(Backfill::Conservative)];
    let depth = prop_oneof![Just(usize::MAX), 0usize..5];
    (any::<bool>(), backfill, depth, failures, 1u32..30).prop_map(
        |(strict, backfill, depth_max, failures, every)| {
            Settings {
                discipline: if strict { Discipline::Strict } else { Discipline::Skipping },
                backfill,
                depth_max,
                failures,
                // So often that every job gets through between two failures.
                checkpoint_interval_seconds: Some(every.min(5)),
            }
        },
    )
}

fn waiting_policy() -> impl Strategy<Value = String> {
    let names: Vec<String> =
        queue_policies().iter().filter(|p| !p.preempts()).map(|p| p.name().to_owned()).collect();
    prop::sample::select(names)
}

fn gpu_machine() -> GpuNodes {
    GpuNodes::new(3, 4, GangPlacement::Consolidate, Topology::default())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever a policy chooses, and whatever it would rather hold on for.
    #[test]
    fn in_a_sequence_every_job_that_fits_starts_once_and_no_node_runs_two(
        rows in some_jobs(), learned in any::<bool>(), backfill in any::<bool>(),
    ) {
        let jobs = jobs(&rows);
        let policy = policy(if learned { "lepton" } else { "saf" });
        let mut simulator = SequenceSimulator::default();
        let started = simulator.run(&jobs, 0..jobs.len(), 12, policy.as_ref(), backfill).to_vec();
        for i in 0..jobs.len() {
            if jobs.size[i] > 12 {
                prop_assert_eq!(started[i], SequenceSimulator::NEVER);
                continue;
            }
            prop_assert!(started[i] >= jobs.submit_seconds[i] && started[i] < SequenceSimulator::NEVER);
            let running = |j: usize| {
                started[j] <= started[i] && started[i] - started[j] < i64::from(jobs.run_seconds[j])
            };
            let used: u32 = (0..jobs.len()).filter(|&j| jobs.size[j] <= 12 && running(j)).map(|j| jobs.size[j]).sum();
            prop_assert!(used <= 12, "{used} nodes in use at {}", started[i]);
        }
        prop_assert_eq!(simulator.run(&jobs, 0..jobs.len(), 12, policy.as_ref(), backfill), started);
    }

    #[test]
    fn nothing_is_lost_nothing_created_and_capacity_holds_whatever_fails(
        rows in some_jobs(), settings in some_settings(), name in waiting_policy(), pool in any::<bool>(),
    ) {
        let jobs = jobs(&rows);
        let mut auditor = Auditor { sizes: jobs.size.clone(), ..Auditor::default() };
        let policy = policy_for(&name, &jobs);
        let outcome = if pool {
            Simulation::new(&jobs, Pool::new(12), policy.as_ref(), &settings).run(&mut auditor)
        } else {
            Simulation::new(&jobs, gpu_machine(), policy.as_ref(), &settings).run(&mut auditor)
        };
        prop_assert!(auditor.problems.is_empty(), "{:?}", auditor.problems);
        let large = jobs.size.iter().filter(|&&s| s > 12).count();
        prop_assert_eq!(outcome.too_large, large);
        prop_assert_eq!(auditor.ended.len() + large, jobs.len());
        for i in 0..jobs.len() {
            if jobs.size[i] > 12 {
                continue;
            }
            prop_assert!(outcome.start_seconds[i] >= jobs.submit_seconds[i]);
            let wait = outcome.wait_seconds(&jobs, i).expect("it ended");
            prop_assert!(wait >= 0, "waited {wait}");
            prop_assert!(outcome.end_seconds[i] >= outcome.start_seconds[i] + i64::from(jobs.run_seconds[i]));
        }
    }

    #[test]
    fn a_run_resumed_from_any_checkpoint_ends_the_same(
        rows in some_jobs(), settings in some_settings(), name in waiting_policy(), steps in 0usize..80,
    ) {
        let jobs = jobs(&rows);
        let policy = policy_for(&name, &jobs);
        let whole = Simulation::new(&jobs, gpu_machine(), policy.as_ref(), &settings).run(&mut ());
        let mut first = Simulation::new(&jobs, gpu_machine(), policy.as_ref(), &settings);
        for _ in 0..steps {
            if !first.advance(&mut ()) {
                break;
            }
        }
        let text = serde_json::to_string(&first.checkpoint()).expect("a checkpoint can be written");
        let state: State<GpuNodes> = serde_json::from_str(&text).expect("and read back");
        let resumed = Simulation::resume(&jobs, policy.as_ref(), &settings, state).run(&mut ());
        prop_assert_eq!(resumed, whole);
    }

    #[test]
    fn with_exact_requests_easy_never_delays_the_head(rows in some_jobs()) {
        // Under FCFS with exact requests the first job that waits starts no later than without backfilling.
        let rows: Vec<_> = rows.iter().map(|&(s, run, _, size)| (s, run, run, size.min(12))).collect();
        let easy = Settings { backfill: Backfill::Easy, ..Settings::default() };
        let plain = starts(&rows, 12, "fcfs", &Settings::default());
        let filled = starts(&rows, 12, "fcfs", &easy);
        let submits = jobs(&rows).submit_seconds;
        if let Some(head) = (0..plain.len()).find(|&i| plain[i] > submits[i]) {
            prop_assert!(filled[head] <= plain[head]);
        }
    }

    #[test]
    fn with_exact_requests_conservative_backfilling_delays_nobody(rows in some_jobs()) {
        let rows: Vec<_> = rows.iter().map(|&(s, run, _, size)| (s, run, run, size.min(12))).collect();
        let conservative = Settings { backfill: Backfill::Conservative, ..Settings::default() };
        let plain = starts(&rows, 12, "fcfs", &Settings::default());
        let filled = starts(&rows, 12, "fcfs", &conservative);
        prop_assert!(plain.iter().zip(&filled).all(|(p, f)| f <= p), "{:?} {:?}", plain, filled);
    }

    #[test]
    fn preemption_equals_its_plainest_form_second_by_second(
        rows in some_jobs(), published in any::<bool>(), pool in any::<bool>(),
    ) {
        let rows: Vec<_> = rows.iter().map(|&(s, run, q, size)| (s, run, q, size.min(12))).collect();
        let jobs = jobs(&rows);
        let settings = PreemptiveSettings::default();
        let mut auditor = Auditor { sizes: jobs.size.clone(), ..Auditor::default() };
        let policy = policy_for(if published { "srtf-published" } else { "srtf" }, &jobs);
        let (run, plain) = if pool {
            let simulation = PreemptiveSimulation::new(&jobs, Pool::new(12), policy.as_ref(), &settings);
            (simulation.run(&mut auditor), second_by_second(&jobs, Pool::new(12), published))
        } else {
            let simulation = PreemptiveSimulation::new(&jobs, gpu_machine(), policy.as_ref(), &settings);
            (simulation.run(&mut auditor), second_by_second(&jobs, gpu_machine(), published))
        };
        prop_assert!(auditor.problems.is_empty(), "{:?}", auditor.problems);
        prop_assert_eq!(run.end_seconds, plain);
        let rows_lost = run.lost_seconds.iter().zip(&jobs.size).map(|(&lost, &size)| lost * u64::from(size));
        prop_assert_eq!(rows_lost.sum::<u64>(), run.lost_unit_seconds, "the rows' losses are the sum");
    }
}

/// Shortest remaining time first in the plainest form: one second after the other. When each job ends.
fn second_by_second<M: Machine + Clone>(jobs: &Jobs, machine: M, published: bool) -> Vec<i64> {
    let remaining = jobs.run_seconds.iter().map(|&r| i64::from(r)).collect();
    let end = vec![NEVER; jobs.len()];
    let mut plain = Plain { jobs, machine, remaining, waiting: Vec::new(), running: Vec::new() };
    let mut end_seconds = end;
    let mut now = jobs.submit_seconds[0];
    while end_seconds.contains(&NEVER) {
        let (mut still, mut ended) = (Vec::new(), false);
        for &j in &plain.running {
            // Seen late: the last second is over, the end is found at the next look.
            plain.remaining[j] -= 1;
            if plain.remaining[j] == if published { -1 } else { 0 } {
                end_seconds[j] = now;
                ended = true;
                plain.machine.release(j as u32);
            } else {
                still.push(j);
            }
        }
        plain.running = still;
        let come = plain.waiting.len();
        plain.waiting.extend((0..jobs.len()).filter(|&j| jobs.submit_seconds[j] == now));
        if published {
            plain.fill_quota();
        } else if ended || plain.waiting.len() > come {
            let mut stopped = Vec::new();
            while plain.serve(&mut stopped) {}
        }
        now += 1;
    }
    end_seconds
}

struct Plain<'a, M> {
    jobs: &'a Jobs,
    machine: M,
    remaining: Vec<i64>,
    waiting: Vec<usize>,
    running: Vec<usize>,
}

impl<M: Machine + Clone> Plain<'_, M> {
    /// Least remaining first; of equal ones the waiting, then as they came.
    fn order(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.waiting.iter().chain(&self.running).copied().collect();
        all.sort_by_key(|&j| self.remaining[j]);
        all
    }

    fn place(&mut self, j: usize) -> bool {
        let placed = self.machine.place(j as u32, j as u32, self.jobs.size[j]);
        if placed {
            self.waiting.retain(|&w| w != j);
            self.running.push(j);
        }
        placed
    }

    fn stop(&mut self, j: usize) {
        self.running.retain(|&r| r != j);
        self.waiting.push(j);
        self.machine.release(j as u32);
        let size = self.jobs.size[j];
        self.remaining[j] += if size == 1 {
            7
        } else if size <= 8 {
            30
        } else {
            60
        };
    }

    /// Helios' form.
    fn fill_quota(&mut self) {
        let mut quota = self.machine.units();
        let mut chosen = Vec::new();
        for j in self.order() {
            let size = u64::from(self.jobs.size[j]);
            if size <= quota {
                quota -= size;
                if self.waiting.contains(&j) {
                    chosen.push(j);
                }
            } else if self.running.contains(&j) {
                self.stop(j);
            }
        }
        for j in chosen {
            self.place(j);
        }
    }

    /// Starts what fits in order, until one is given room by stopping others; nobody is stopped twice at one second, and
    /// nobody who was stops others.
    fn serve(&mut self, stopped: &mut Vec<usize>) -> bool {
        let order = self.order();
        for (at, &j) in order.iter().enumerate() {
            if !self.waiting.contains(&j) || self.place(j) || stopped.contains(&j) {
                continue;
            }
            let behind: Vec<usize> = (order[at + 1..].iter().copied())
                .filter(|b| self.running.contains(b) && !stopped.contains(b))
                .collect();
            let fits_without = |victims: &[usize]| {
                let mut machine = self.machine.clone();
                victims.iter().for_each(|&v| machine.release(v as u32));
                machine.place(j as u32, j as u32, self.jobs.size[j])
            };
            let Some(first) = (0..behind.len()).rev().find(|&from| fits_without(&behind[from..])) else {
                continue;
            };
            let mut victims = behind[first..].to_vec();
            for spared in &behind[first..] {
                let others: Vec<usize> = victims.iter().copied().filter(|v| v != spared).collect();
                if fits_without(&others) {
                    victims = others;
                }
            }
            victims.iter().for_each(|&v| self.stop(v));
            stopped.extend(&victims);
            assert!(self.place(j), "room was made");
            return true;
        }
        false
    }
}
