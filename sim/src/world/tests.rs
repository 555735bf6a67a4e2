//! The world under the loop: nothing is lost or doubled, whatever fails and whenever the loop is killed.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use lepton_core::analyze::AnalyzeConfig;
use lepton_core::collect::CollectConfig;
use lepton_core::cycle::{Cycle, CycleConfig, Mode};
use lepton_core::decide::plan::{Caretaker, DecideConfig};
use lepton_core::execute::{Actuator, JournalEntry, Refused};
use lepton_core::model::{DeviceSet, StepResult};
use proptest::prelude::*;

use super::*;
use crate::experiment::{Keeper, LoopRun};

fn small(seed: u64) -> WorldConfig {
    WorldConfig { seed, nodes: 12, hours: 4, load: 0.9, failure_hours: 6.0, ..WorldConfig::default() }
}

#[test]
fn the_same_seed_gives_the_same_run_and_the_same_world_whoever_looks_after_it() {
    let run = |keeper| {
        let mut run = LoopRun::start(&small(3), keeper).expect("known policies");
        let mut records = Vec::new();
        while let Some(report) = run.turn() {
            records.extend(report.records);
        }
        (run.measures(), records)
    };
    let (with, records) = run(Keeper::Loop);
    assert_eq!(run(Keeper::Loop), (with.clone(), records));
    let (without, _) = run(Keeper::WithoutLoop);
    assert_eq!((with.arrived, with.failures), (without.arrived, without.failures));
    assert!(with.migrations > 0 && without.migrations == 0);
}

/// Hands that die at a given call: before it is done, or right after.
struct Dying {
    hands: WorldActuator,
    calls_left: u32,
    after: bool,
    refusals: Rc<RefCell<Vec<String>>>,
}

impl Dying {
    fn call(&mut self, what: impl FnOnce(&mut WorldActuator) -> Result<(), Refused>) -> Result<(), Refused> {
        let dies = self.calls_left == 0;
        self.calls_left = self.calls_left.wrapping_sub(1);
        if dies && !self.after {
            std::panic::panic_any("killed");
        }
        let result = what(&mut self.hands);
        if let Err(refused) = &result {
            self.refusals.borrow_mut().push(refused.0.clone());
        }
        if dies {
            std::panic::panic_any("killed");
        }
        result
    }
}

impl Actuator for Dying {
    fn place(&mut self, task: &str, node: &str, devices: DeviceSet) -> Result<(), Refused> {
        self.call(|hands| hands.place(task, node, devices))
    }

    fn evict(&mut self, task: &str) -> Result<(), Refused> {
        self.call(|hands| hands.evict(task))
    }

    fn cordon(&mut self, node: &str, cordoned: bool) -> Result<(), Refused> {
        self.call(|hands| hands.cordon(node, cordoned))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A loop that is killed in the middle of any step, again and again, and starts anew each time from
    /// what the world shows and from the journal: no task is lost, none is started twice, every step that
    /// was begun is ended in the journal.
    #[test]
    fn a_loop_killed_after_any_step_resumes(
        seed in any::<u64>(),
        kills in proptest::collection::vec((0_u32..60, any::<bool>()), 1..8),
    ) {
        let world = Rc::new(RefCell::new(World::new(small(seed))));
        let schema = world.borrow().schema();
        let refusals = Rc::new(RefCell::new(Vec::new()));
        let mut journal: Vec<JournalEntry> = Vec::new();
        let config = CycleConfig {
            mode: Mode::Act,
            collect: CollectConfig::default(),
            analyze: AnalyzeConfig::default(),
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
                let mut caretaker = Caretaker::new(DecideConfig::default(), seed).expect("known policies");
                let mut cycle = Cycle::start(config, schema.clone(), &mut [&mut source], &mut journal, now);
                while now < 4 * 3600 {
                    cycle.turn(&mut [&mut source], &mut caretaker, &mut hands, &mut journal, now);
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
        prop_assert_eq!(&*refusals.borrow(), &Vec::<String>::new(), "every step fitted the world");
        let begun = journal.iter().filter(|e| matches!(e, JournalEntry::Begun { .. })).count();
        prop_assert_eq!(journal.len(), 2 * begun);
        let half_done = |e: &&JournalEntry| {
            matches!(e, JournalEntry::Ended { result: StepResult::Undone(_), .. })
        };
        prop_assert!(journal.iter().filter(half_done).count() <= 8, "only the killed steps are undone");
        prop_assert!(world.borrow().measures().finished > 0);
    }
}
