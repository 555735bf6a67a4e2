//! What the loop promises about moves, checked over whole runs through the path that a move really takes: the world
//! tells of it as of a task that lost its place and got another.

use std::collections::HashMap;

use lepton_core::decide::deliberate::{DeliberateConfig, Deliberation};
use lepton_core::decide::guard::ORDER_GUARD;
use lepton_core::decide::plan::{
    Acts, DecideConfig, Decided, Decider, Lepton, LeptonConfig, Scope, Situation,
};
use lepton_core::decide::policy::{FEATURES, JobsModel, PlacementModel};
use lepton_core::model::{ActionKind, Serving, StepResult};
use lepton_sim::experiment::{Keeper, LoopRun};
use lepton_sim::world::WorldConfig;

/// All acts, also those that are not the default.
const ALL: Acts = Acts { rearrange: true, ..Acts::DEFAULT };

fn lepton(seed: u64) -> Lepton {
    let config = LeptonConfig { acts: ALL, ..LeptonConfig::default() };
    Lepton::new(config, seed).expect("known policies").with_placement(PlacementModel::shipped())
}

/// Beside it: few rounds of search, and this learned placement.
fn deliberation(placement: PlacementModel) -> Deliberation {
    Deliberation {
        rearrange: Some(DeliberateConfig { rounds: 8, ..DeliberateConfig::default() }),
        placement: Some((placement, DecideConfig::default().policy)),
    }
}

/// The moves of a run, in order: when, which task, from where, to where.
fn moves(seed: u64, load: f64) -> Vec<(u64, String, String, String)> {
    let config = WorldConfig { seed, load, ..WorldConfig::default() };
    let mut run = LoopRun::start(&config, &Keeper::Loop(Acts::DEFAULT)).expect("known policies");
    let mut moves = Vec::new();
    while let Some(report) = run.turn() {
        let done = report.records.into_iter().filter(|r| r.result == Some(StepResult::Done));
        moves.extend(done.filter_map(|r| Some((r.time_seconds, r.task?, r.from?, r.to?))));
    }
    moves
}

#[test]
fn no_task_is_moved_within_its_cool_down_or_straight_back() {
    let cool_down = DecideConfig::default().cool_down_seconds;
    for seed in 1..=3 {
        let moves = moves(seed, 0.8);
        assert!(moves.len() > 100, "seed {seed}: only {} moves", moves.len());
        let mut last: HashMap<String, (u64, String)> = HashMap::new();
        for (when, task, from, to) in moves {
            if let Some((before, came_from)) = last.insert(task.clone(), (when, from)) {
                assert!(when - before >= cool_down, "seed {seed}: {task} moves at {before} and {when}");
                assert_ne!(to, came_from, "seed {seed}: {task} goes back at {when}");
            }
        }
    }
}

/// A decider with a past, beside which a fresh one decides on everything again.
struct BesideAFreshOne {
    past: Lepton,
    seed: u64,
}

impl Decider for BesideAFreshOne {
    fn decide(&mut self, situation: &Situation<'_>) -> Decided {
        let decided = self.past.decide(situation);
        let again = lepton(self.seed).decide(situation);
        let bytes = |decided: &Decided| {
            let plan = serde_json::to_string(&decided.plan).expect("plain data");
            (plan, serde_json::to_string(&decided.records).expect("plain data"))
        };
        assert_eq!(bytes(&decided), bytes(&again), "seed {}, turn {}", self.seed, situation.turn);
        decided
    }
}

#[test]
fn a_decider_with_a_past_decides_as_a_fresh_one_on_every_turn() {
    for (seed, grace_seconds, between_turns) in [(1, 0, false), (2, 90, false), (3, 0, true), (4, 90, true)] {
        let config = WorldConfig {
            seed,
            grace_seconds,
            hours: 8,
            nodes: 30,
            failure_hours: 20.0,
            load: 0.95,
            ..WorldConfig::default()
        };
        let decider = BesideAFreshOne { past: lepton(seed), seed };
        let run = LoopRun::with_decider(&config, Box::new(decider))
            .deliberating(deliberation(PlacementModel::shipped()), seed);
        let mut run = if between_turns { run.between_turns() } else { run };
        let (mut decisions, mut between) = (0, 0);
        while let Some(report) = run.turn() {
            decisions += report.records.len();
            between += usize::from(report.scope == Scope::Waiting);
        }
        assert!(decisions > 100, "seed {seed}: only {decisions} decisions");
        assert_eq!(between > 100, between_turns, "seed {seed}: {between} turns between");
    }
}

#[test]
fn turns_between_start_what_comes_at_once_drain_nothing_and_leave_the_nodes_as_cool() {
    let config = WorldConfig { seed: 5, hours: 12, load: 0.9, ..WorldConfig::default() };
    let of = |between_turns: bool| {
        let keeper = if between_turns { Keeper::TurningBetween } else { Keeper::Loop };
        let mut run = LoopRun::start(&config, &keeper(Acts::DEFAULT)).expect("known policies");
        while let Some(report) = run.turn() {
            if report.scope == Scope::Waiting {
                let kinds = report.plan.steps().map(|(_, action)| action.kind());
                let drains = kinds.filter(|kind| matches!(kind, ActionKind::Cordon | ActionKind::Uncordon));
                assert_eq!(drains.count(), 0, "turn {}", report.cycle);
                assert!(report.assessment.used.iter().all(|&used| used >= 0.0), "turn {}", report.cycle);
            }
        }
        run.measures()
    };
    let (with, without) = (of(true), of(false));
    assert_eq!(with.arrived, without.arrived);
    // What comes need not wait for half of the time between two turns.
    assert!(with.mean_wait_seconds < without.mean_wait_seconds - 20.0, "{with:?} {without:?}");
    assert!(with.hot_node_minutes < 1.1 * without.hot_node_minutes, "{with:?} {without:?}");
}

/// A model that starts the largest and longest first.
fn contrary() -> JobsModel {
    let names = JobsModel::weight_names();
    let against = |name: &String| name.ends_with(" size") || name.ends_with(" requested-time");
    let weights: Vec<f32> = names.iter().map(|name| if against(name) { 1000.0 } else { 0.0 }).collect();
    JobsModel::from_weights(&weights, JobsModel::untrained().manifest).expect("a weight for each place")
}

/// Who said in which order tasks start, turn by turn as it was found out.
fn served_by(model: &JobsModel, seed: u64) -> Vec<Serving> {
    let config =
        WorldConfig { seed, load: 1.0, request_factor_max: 2.0, hours: 16, ..WorldConfig::default() };
    let decider = Lepton::new(LeptonConfig::default(), seed).expect("known policies").with_order(model);
    let mut run = LoopRun::with_decider(&config, Box::new(decider));
    std::iter::from_fn(|| run.turn()).filter_map(|report| report.order).map(|order| order.serving).collect()
}

#[test]
fn an_order_that_is_worse_in_service_is_taken_down_within_one_window_and_one_that_is_not_stays() {
    let contrary = served_by(&contrary(), 1);
    let down = contrary.iter().position(|&serving| serving == Serving::Rule);
    assert!(down.is_some_and(|at| at < ORDER_GUARD.window), "{contrary:?}");
    assert!(contrary[down.unwrap_or(0)..].iter().all(|&serving| serving == Serving::Rule), "{contrary:?}");
    let shipped = served_by(&JobsModel::shipped(), 1);
    assert!(shipped.len() > ORDER_GUARD.least, "only {} comparisons", shipped.len());
    assert!(shipped.iter().all(|&serving| serving == Serving::Model), "{shipped:?}");
}

/// Turn by turn, who was placing, and for which version of the mix that was found out.
fn placed_by(model: &PlacementModel, seed: u64) -> Vec<(Serving, u64)> {
    let config = WorldConfig { seed, hours: 12, ..WorldConfig::default() };
    let decider = Lepton::new(LeptonConfig::default(), seed).expect("known policies");
    let mut run = LoopRun::with_decider(&config, Box::new(decider.with_placement(model.clone())))
        .deliberating(Deliberation { rearrange: None, ..deliberation(model.clone()) }, seed);
    let mut served = Vec::new();
    while run.turn().is_some() {
        let placing = &run.snapshot().memory.placing;
        served.push((placing.served.serving, placing.mix_version));
    }
    served
}

#[test]
fn a_placement_is_rehearsed_for_each_version_of_the_mix_and_one_that_is_worse_never_places() {
    // Gains count the other way round: what breaks up most capacity is best.
    let mut weights = PlacementModel::untrained().weights();
    for of_kind in weights.chunks_exact_mut(FEATURES.len()) {
        of_kind[0] = -2.0;
    }
    let contrary = PlacementModel::from_weights(&weights, PlacementModel::manifest_of("contrary"));
    let contrary = placed_by(&contrary.expect("a weight for each place"), 1);
    assert!(contrary.iter().all(|&(serving, _)| serving == Serving::Rule), "{contrary:?}");
    let shipped = placed_by(&PlacementModel::shipped(), 1);
    for runs in [&contrary, &shipped] {
        let mut versions: Vec<u64> = runs.iter().map(|&(_, version)| version).collect();
        versions.dedup();
        assert!(versions.len() > 3, "rehearsed again while the mix grows: {versions:?}");
    }
    assert!(shipped.iter().any(|&(serving, _)| serving == Serving::Model), "{shipped:?}");
}
