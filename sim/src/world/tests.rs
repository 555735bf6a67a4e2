//! The world under the loop: nothing is lost or doubled, whatever fails and whenever the loop is killed.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use lepton_core::collect::CollectConfig;
use lepton_core::cycle::{Cycle, CycleConfig, Means};
use lepton_core::decide::plan::{Acts, Lepton, LeptonConfig, Scope};
use lepton_core::execute::Actuator;
use lepton_core::model::{
    Answer, Call, FrozenClock, JournalEntry, Memory, Mode, Modes, Moving, Obstacle, Settings,
};
use proptest::prelude::*;

use super::*;
use crate::experiment::{Keeper, LoopRun};
use crate::generate::FAULT_PRESETS;

fn small(seed: u64) -> WorldConfig {
    WorldConfig { seed, nodes: 12, hours: 4, load: 0.9, failure_hours: 6.0, ..WorldConfig::default() }
}

#[test]
fn the_same_seed_gives_the_same_run_and_the_same_world_whoever_looks_after_it() {
    let run = |keeper| {
        let mut run = LoopRun::start(&small(3), &keeper).expect("known policies");
        let mut records = Vec::new();
        while let Some(report) = run.turn() {
            records.extend(report.records);
        }
        (run.measures(), records)
    };
    let (with, records) = run(Keeper::Loop(Acts::DEFAULT));
    assert_eq!(run(Keeper::Loop(Acts::DEFAULT)), (with.clone(), records));
    let (without, _) = run(Keeper::WithoutLoop);
    assert_eq!((with.arrived, with.failures), (without.arrived, without.failures));
    assert!(with.migrations > 0 && without.migrations == 0);
}

#[test]
fn services_stand_beside_the_other_tasks_which_come_as_without_them() {
    let scripts = [0, 3].map(|services_per_node| {
        script::Script::of(&WorldConfig { services_per_node, hours: 48, ..small(4) }).tasks
    });
    let service = scripts[1].iter().map(|task| task.row).max().expect("there are tasks");
    let others: Vec<_> = scripts[1].iter().filter(|task| task.row != service).cloned().collect();
    assert_eq!(others, scripts[0]);
    assert!(scripts[1].is_sorted_by_key(|task| task.arrives_seconds));
    // Three of each of 12 nodes at every moment, until one more would come too late.
    let services: Vec<_> = scripts[1].iter().filter(|task| task.row == service).collect();
    for moment in [0, 20 * 3600, 47 * 3600] {
        let runs = |task: &&&script::TaskScript| {
            (task.arrives_seconds..=task.arrives_seconds + task.work_seconds).contains(&moment)
        };
        let standing = services.iter().filter(runs).count();
        assert!((36..=38).contains(&standing), "{standing} at {moment}");
    }
}

#[test]
fn a_world_of_published_faults_tells_their_signs_and_false_ones_and_fails_as_often_as_said() {
    let preset = FAULT_PRESETS.into_iter().find(|p| p.name == "all-causes").expect("a preset").times(10.0);
    let config = WorldConfig { nodes: 40, hours: 48, faults: Some(preset), ..small(5) };
    let mut run = LoopRun::start(&config, &Keeper::Loop(Acts::DEFAULT)).expect("known policies");
    let mut told = BTreeSet::new();
    while run.turn().is_some() {
        for (node, signals) in run.snapshot().signals.iter().enumerate() {
            told.extend(signals.iter().filter(|(_, s)| s.0 > 0.0).map(|(name, _)| (name.to_string(), node)));
        }
    }
    let of = |signal: &str| told.iter().filter(|(name, _)| name == signal).count();
    for signal in ["critical_log_messages", "error_log_messages", "warning_log_messages", "anomaly_score"] {
        assert!(of(signal) > 0, "no {signal}: {told:?}");
    }
    assert!(of("corrected_memory_errors_per_hour") > 0, "{told:?}");
    // 40 nodes, 2 days, 0.22 a day: 17.6 expected.
    let failures = run.measures().failures;
    assert!((8..=30).contains(&failures), "{failures}");
}

/// Hands that die at a given call: before it is done, or right after.
struct Dying {
    hands: WorldActuator,
    calls_left: u32,
    after: bool,
    refusals: Rc<RefCell<Vec<String>>>,
}

impl Actuator for Dying {
    fn moving(&self) -> Moving {
        self.hands.moving()
    }

    fn call(&mut self, call: &Call) -> Answer {
        let dies = self.calls_left == 0;
        self.calls_left = self.calls_left.wrapping_sub(1);
        if dies && !self.after {
            std::panic::panic_any("killed");
        }
        let answer = self.hands.call(call);
        if let Answer::Refused(why) = &answer {
            self.refusals.borrow_mut().push(why.clone());
        }
        if dies {
            std::panic::panic_any("killed");
        }
        answer
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A loop that is killed in the middle of any step, again and again, and starts anew each time from
    /// what the world shows and from the journal: no task is lost, none is started or told to go twice, whatever was
    /// begun is ended, also where tasks take their time to go.
    #[test]
    fn a_loop_killed_after_any_step_resumes(
        seed in any::<u64>(),
        kills in proptest::collection::vec((0_u32..60, any::<bool>()), 1..8),
        grace_seconds in prop::sample::select(vec![0_u64, 30, 150]),
    ) {
        let config = WorldConfig { grace_seconds, ..small(seed) };
        let world = Rc::new(RefCell::new(World::new(config)));
        let schema = world.borrow().schema();
        let refusals = Rc::new(RefCell::new(Vec::new()));
        let mut journal: Vec<JournalEntry> = Vec::new();
        let config = CycleConfig {
            modes: Modes::all(Mode::Act),
            collect: CollectConfig::default(),
            settings: Settings::default(),
            analyst: Default::default(),
        };
        let mut now = 0;
        let mut kills = kills.into_iter();
        loop {
            let (calls_left, after) = kills.next().unwrap_or((u32::MAX, false));
            let mut hands = Dying {
                hands: WorldActuator(Rc::clone(&world)),
                calls_left,
                after,
                refusals: Rc::clone(&refusals),
            };
            // Everything the loop knows is made anew; only the world and the journal are left of before.
            let died = catch_unwind(AssertUnwindSafe(|| {
                let mut source = WorldSource(Rc::clone(&world));
                let mut lepton = Lepton::new(LeptonConfig::default(), seed).expect("known policies");
                let mut cycle = Cycle::start(config.clone(), schema.clone(), &mut [&mut source], &journal, now)
                    .expect("the journal can be read");
                while now < 4 * 3600 {
                    let means = Means {
                        sources: &mut [&mut source],
                        decider: &mut lepton,
                        actuator: &mut hands,
                        journal: &mut journal,
                    };
                    cycle.turn(Scope::Whole, means, now, &FrozenClock);
                    assert_eq!(cycle.snapshot().rejected, 0, "the world tells nothing absurd");
                    now += 60;
                    world.borrow_mut().advance(now);
                    world.borrow().check().expect("nothing is lost and nothing doubled");
                }
            }));
            match died {
                Ok(()) => break,
                Err(why) => prop_assert_eq!(why.downcast_ref::<&str>(), Some(&"killed")),
            }
        }
        // While a task takes its time to go it may end, as may those whose steps come after its own, and the node where it is to
        // go may fail; its room is held for it.
        let excuses = [&*Obstacle::NodeNotReady.to_string(), "is gone", "does not run"];
        let excused = |why: &&String| grace_seconds > 0 && excuses.iter().any(|excuse| why.ends_with(excuse));
        let unexpected: Vec<String> = refusals.borrow().iter().filter(|why| !excused(why)).cloned().collect();
        prop_assert_eq!(unexpected, Vec::<String>::new(), "every step fitted the world");
        let mut memory = Memory::default();
        for entry in &journal {
            memory.apply(entry);
        }
        let now_underway = memory.underway().all(|s| s.in_hand().next().is_some_and(|(_, _, heard)| heard));
        prop_assert!(now_underway, "what was begun is over, or the world has it in hand");
        prop_assert!(world.borrow().measures().finished > 0);
    }
}

#[test]
fn recorded_use_is_a_multiple_of_its_mean_with_gaps_filled_and_begins_anew_at_its_end() {
    let series = [vec![10.0, f64::NAN, 30.0, 20.0], vec![f64::NAN, f64::NAN, f64::NAN, 1.0], vec![0.0; 4]];
    let shapes = UseShapes::of_recorded(&series, 300);
    assert_eq!(*shapes.shapes, [vec![0.5, 0.5, 1.5, 1.0]], "rarely seen and idle ones are left out");
    assert_eq!([0, 299, 600, 1200].map(|seconds| shapes.at(0, seconds)), [0.5, 0.5, 1.5, 0.5]);
}

#[test]
fn a_cordon_that_no_failure_follows_is_a_false_drain() {
    let mut world = World::new(WorldConfig { failure_hours: 1e9, ..WorldConfig::default() });
    let node = world.cluster().node_name(lepton_core::model::NodeId(0)).to_owned();
    for cordoned in [true, true, false, false] {
        let call = Call::Cordon { node: node.as_str().into(), cordoned };
        assert_eq!(world.carry_out(&call), Answer::Done);
    }
    assert_eq!(world.measures().false_drains, 1);
}

#[test]
fn what_is_tried_by_hand_happens_and_a_failed_node_comes_back() {
    let mut world = World::new(WorldConfig { failure_hours: 1e9, ..small(11) });
    world.advance(600);
    let node = world.busiest_node().expect("nodes work").to_owned();
    let before = world.measures();
    world.try_out(&Trial::Failure { node: node.clone() }).expect("it is there");
    world.try_out(&Trial::Burst { tasks: 30 }).expect("it can be done");
    assert!(world.try_out(&Trial::Failure { node: "nowhere".to_owned() }).is_err());
    let after = world.measures();
    assert_eq!((after.failures, after.arrived), (before.failures + 1, before.arrived + 30));
    world.check().expect("nothing is lost");
    let health =
        |world: &World| world.cluster().health(world.cluster().node_named(&node).expect("it is there"));
    assert_eq!(health(&world), lepton_core::model::Health::Down);
    world.advance(600 + TRIAL_REPAIR_SECONDS);
    assert_eq!(health(&world), lepton_core::model::Health::Up);
    world.check().expect("nothing is lost");
}
