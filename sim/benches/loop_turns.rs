//! What a turn of the loop costs on a large cluster, and whether its memory stays flat: 5,000 nodes with 40,000 devices and
//! 50,000 tasks, of which one in a hundred changes from turn to turn (three in ten of these end, as many come, the others use
//! more or less than before).
//!
//! `cargo xtask bench loop [TURNS [NODES [TASKS]]]`; 10,000 turns unless told. Each turn is timed whole: merging the
//! readings, assessing, deciding, the digest of the records, writing to a journal in memory, calling the hands.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "common/memory.rs"]
mod memory;

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

use lepton_core::collect::{CollectConfig, Source};
use lepton_core::cycle::{Cycle, CycleConfig, Means};
use lepton_core::decide::plan::{Decided, Decider, Lepton, LeptonConfig, Scope, Situation};
use lepton_core::execute::Actuator;
use lepton_core::model::{
    Answer, Call, DeviceKind, DocumentDemand, FrozenClock, Health, JournalEntry, Mode, Modes, Moving,
    NodeReading, Reading, Readings, ResourceSchema, Settings, TaskReading,
};
use memory::memory_mb;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const TURN_SECONDS: u64 = 60;
const JOURNAL_ENTRIES_MAX: usize = 10_000;
/// Turns before the figures begin: the first places all tasks.
const WARM_UP: u64 = 20;
const GIB: i64 = 1 << 30;

/// Of each hundred tasks: devices asked for, thousandths of each, millicores.
const SHAPES: [(u32, u16, u16, i64); 6] = [
    (20, 0, 0, 2_000),
    (27, 1, 250, 1_500),
    (25, 1, 500, 3_000),
    (23, 1, 1_000, 6_000),
    (4, 2, 1_000, 12_000),
    (1, 8, 1_000, 48_000),
];

struct Member {
    name: String,
    millicores: i64,
    reading: TaskReading,
}

/// A cluster that does what it is told at once, and whose tasks come and go at a steady rate.
struct Crowd {
    nodes: usize,
    members: Vec<Member>,
    placed: HashSet<String>,
    /// Tasks told to stop so far.
    stopped: usize,
    chance: Pcg64Mcg,
    outbox: Vec<Reading>,
    /// Tasks that have come so far.
    came: usize,
    messages: u64,
    now_seconds: u64,
}

impl Crowd {
    fn new(nodes: usize, tasks: usize) -> Self {
        let mut crowd = Self {
            nodes,
            members: Vec::new(),
            placed: HashSet::new(),
            stopped: 0,
            chance: Pcg64Mcg::seed_from_u64(1),
            outbox: Vec::new(),
            came: 0,
            messages: 0,
            now_seconds: 0,
        };
        for _ in 0..tasks {
            crowd.come();
        }
        crowd
    }

    fn come(&mut self) {
        let mut drawn = self.chance.random_range(0..100);
        let shape = SHAPES.iter().find(|s| {
            let mine = drawn < s.0;
            drawn = drawn.saturating_sub(s.0);
            mine
        });
        let &(_, count, milli, millicores) = shape.expect("the shares make a hundred");
        // Sizes as people ask for them: not all alike.
        let millicores = millicores * self.chance.random_range(8..=12) / 10;
        let name = format!("task-{}", self.came);
        self.came += 1;
        let reading = TaskReading {
            name: name.clone(),
            demand: vec![millicores, millicores * 4 * GIB / 1000],
            devices: (count > 0).then(|| DocumentDemand { count, milli, models: Vec::new() }),
            owner: Some(format!("team-{}", self.chance.random_range(0..50))),
            // Groups come and go with the tasks of a service.
            group: Some(format!("service-{}", self.came / 40)),
            pause_seconds: 60,
            submitted_seconds: self.now_seconds,
            ..TaskReading::default()
        };
        self.outbox.push(Reading::TaskSubmitted(reading.clone()));
        self.members.push(Member { name, millicores, reading });
    }

    /// One in a hundred tasks changes.
    fn change(&mut self) {
        let changes = self.members.len() / 100;
        for change in 0..changes {
            let at = self.chance.random_range(0..self.members.len());
            match change % 10 {
                0..3 => {
                    let gone = self.members.swap_remove(at);
                    self.placed.remove(&gone.name);
                    self.outbox.push(Reading::TaskEnded { task: gone.name });
                    self.come();
                }
                _ if self.placed.contains(&self.members[at].name) => self.tell_use(at),
                _ => {}
            }
        }
    }

    fn tell_use(&mut self, at: usize) {
        let Member { name, millicores, .. } = &self.members[at];
        let cpu = (*millicores as f64 * self.chance.random_range(0.3..1.6)) as i64;
        let (task, amounts) = (name.clone(), vec![cpu, millicores * 3 * GIB / 1000]);
        self.outbox.push(Reading::TaskUse { task, amounts, unsaved_seconds: 600 });
    }

    fn told(&mut self, complete: bool, readings: Vec<Reading>) -> Readings {
        self.messages += 1;
        let (source, time_seconds) = ("crowd".to_owned(), self.now_seconds);
        Readings { source, time_seconds, sequence: Some(self.messages), complete, readings }
    }
}

/// The crowd as the loop's eyes and hands.
struct Shared(Rc<RefCell<Crowd>>);

impl Source for Shared {
    fn poll(&mut self, _: u64) -> Readings {
        let mut crowd = self.0.borrow_mut();
        let readings = std::mem::take(&mut crowd.outbox);
        crowd.told(false, readings)
    }

    fn list(&mut self, _: u64) -> Readings {
        let mut crowd = self.0.borrow_mut();
        crowd.outbox.clear();
        let models = ["A100", "H100", "L40S"];
        let node = |n: usize| {
            Reading::NodeAdded(NodeReading {
                name: format!("node-{n}"),
                capacity: vec![60_000, 384 * GIB],
                devices: vec![(DeviceKind::Gpu, models[n % 3].to_owned()); 8],
                devices_out_of_service: Vec::new(),
                labels: vec![("rack".to_owned(), format!("r{}", n / 32))],
                health: Health::Up,
            })
        };
        let mut readings: Vec<Reading> = (0..crowd.nodes).map(node).collect();
        readings.extend(crowd.members.iter().map(|m| Reading::TaskSubmitted(m.reading.clone())));
        crowd.told(true, readings)
    }
}

impl Actuator for Shared {
    fn moving(&self) -> Moving {
        Moving::StopFirst
    }

    fn call(&mut self, call: &Call) -> Answer {
        let crowd = &mut *self.0.borrow_mut();
        let told = match call {
            Call::Start { task, to } => {
                crowd.placed.insert(task.to_string());
                let (task, node) = (task.to_string(), to.node.to_string());
                Reading::TaskPlaced { task, node, devices: to.devices }
            }
            Call::Stop { task, .. } => {
                crowd.placed.remove(&**task);
                crowd.stopped += 1;
                Reading::TaskUnplaced { task: task.to_string() }
            }
            Call::Move { .. } | Call::Cordon { .. } => return Answer::Refused("not here".to_owned()),
        };
        crowd.outbox.push(told);
        Answer::Done
    }
}

/// A decider with a watch.
struct Timed(Lepton, Duration);

impl Decider for Timed {
    fn decide(&mut self, situation: &Situation<'_>) -> Decided {
        let begun = Instant::now();
        let decided = self.0.decide(situation);
        self.1 = begun.elapsed();
        decided
    }
}

fn main() {
    let args = std::env::args().skip(1).filter(|a| a != "--bench");
    let args: Vec<u64> = args.map(|a| a.parse().expect("a number")).collect();
    let of = |i: usize, default: u64| args.get(i).copied().unwrap_or(default);
    let (turns, nodes, tasks) = (of(0, 10_000), of(1, 5_000), of(2, 50_000));

    let crowd = Rc::new(RefCell::new(Crowd::new(nodes as usize, tasks as usize)));
    let (mut source, mut hands) = (Shared(Rc::clone(&crowd)), Shared(Rc::clone(&crowd)));
    let config = CycleConfig {
        modes: Modes::all(Mode::Act),
        collect: CollectConfig::default(),
        settings: Settings::default(),
        analyst: Default::default(),
    };
    let mut journal: Vec<JournalEntry> = Vec::new();
    let schema = ResourceSchema::cpu_and_memory();
    let mut cycle =
        Cycle::start(config, schema, &mut [&mut source], &journal, 0).expect("an empty journal can be read");
    let mut decider =
        Timed(Lepton::new(LeptonConfig::default(), 1).expect("the policy is there"), Duration::ZERO);

    println!(
        "| turns | turn p50 ms | p99 ms | longest ms | deciding p50 ms | p99 ms | steps | moves | waiting | MB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut block = Block::default();
    for turn in 1..=turns + WARM_UP {
        let now = turn * TURN_SECONDS;
        crowd.borrow_mut().now_seconds = now;
        let begun = Instant::now();
        let means = Means {
            sources: &mut [&mut source],
            decider: &mut decider,
            actuator: &mut hands,
            journal: &mut journal,
        };
        let report = cycle.turn(Scope::Whole, means, now, &FrozenClock);
        let took = begun.elapsed();
        if journal.len() > JOURNAL_ENTRIES_MAX {
            cycle.remember(&mut journal).expect("memory takes another entry");
        }
        crowd.borrow_mut().change();
        let stopped = std::mem::take(&mut crowd.borrow_mut().stopped);
        if turn <= WARM_UP {
            continue;
        }
        block.whole.push(took);
        block.deciding.push(decider.1);
        block.steps += report.plan.parts.iter().map(|p| p.steps.len()).sum::<usize>();
        block.moves += stopped;
        if block.whole.len() as u64 == turns.div_ceil(10) {
            println!("{}", std::mem::take(&mut block).row(turn - WARM_UP, report.assessment.waiting));
        }
    }
}

/// What is measured over a tenth of the turns.
#[derive(Default)]
struct Block {
    whole: Vec<Duration>,
    deciding: Vec<Duration>,
    steps: usize,
    moves: usize,
}

impl Block {
    fn row(mut self, turn: u64, waiting: usize) -> String {
        let turns = self.whole.len() as f64;
        let [p50, p99, longest] = [0.5, 0.99, 1.0].map(|share| percentile(&mut self.whole, share));
        let [deciding, deciding_p99] = [0.5, 0.99].map(|share| percentile(&mut self.deciding, share));
        let (steps, moves) = (self.steps as f64 / turns, self.moves as f64 / turns);
        format!(
            "| {turn} | {p50:.1} | {p99:.1} | {longest:.1} | {deciding:.1} | {deciding_p99:.1} | {steps:.0} | {moves:.1} \
             | {waiting} | {:.0} |",
            memory_mb("VmRSS")
        )
    }
}

fn percentile(of: &mut [Duration], share: f64) -> f64 {
    of.sort_unstable();
    of[(share * (of.len() - 1) as f64) as usize].as_secs_f64() * 1e3
}
