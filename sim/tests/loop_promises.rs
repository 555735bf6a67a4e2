//! What the loop promises about moves, checked over whole runs through the path that a move really takes: the world
//! tells of it as of a task that lost its place and got another.

use std::collections::HashMap;

use lepton_core::decide::plan::DecideConfig;
use lepton_core::model::StepResult;
use lepton_sim::experiment::{Keeper, LoopRun};
use lepton_sim::world::WorldConfig;

/// The moves of a run, in order: when, which task, from where, to where.
fn moves(seed: u64, load: f64) -> Vec<(u64, String, String, String)> {
    let config = WorldConfig { seed, load, ..WorldConfig::default() };
    let mut run = LoopRun::start(&config, Keeper::Loop).expect("known policies");
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
