//! Parts carried out, refused, taken back, gone on with; and found again after a kill at any entry of the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use super::*;
use crate::model::{
    Action, Binding, DeviceSet, JournalEntry, Memory, Name, NodeSpec, Outcome, PartOutcome, Plan, Reason,
    ResourceSchema, Snapshot, Spot, StepResult, Task, TaskClass, TaskState, Worth,
};

const NODES: usize = 6;
/// Tasks that a node has room for.
const SLOTS: usize = 3;

/// A world of nodes with a few slots each. It refuses to start certain tasks on certain nodes, and takes its time where
/// it is slow.
#[derive(Debug, Clone, Default, PartialEq)]
struct World {
    places: BTreeMap<Name, Option<Spot>>,
    refuses: BTreeSet<(Name, Name)>,
    slow: bool,
    /// Whether what was started can never be stopped.
    never_stops: bool,
    leaving: BTreeSet<Name>,
    /// Calls that had an effect.
    done: Vec<Call>,
    turns: u64,
}

impl World {
    fn advance(&mut self) {
        self.turns += 1;
        for task in std::mem::take(&mut self.leaving) {
            self.places.insert(task, None);
        }
    }

    fn room(&self, node: &Name) -> bool {
        self.places.values().flatten().filter(|spot| spot.node == *node).count() < SLOTS
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new(ResourceSchema::cpu_and_memory());
        snapshot.time_seconds = 60 * self.turns;
        for node in 0..NODES {
            let spec = NodeSpec::new(format!("n{node}"), vec![SLOTS as i64, 100], vec![]);
            snapshot.cluster.add_node(spec).expect("a sound node");
        }
        let class = snapshot.cluster.add_class(TaskClass::of_demand([1, 1], None)).expect("a sound class");
        for (name, place) in &self.places {
            let task = snapshot.cluster.add_task(Task::new(name.clone(), class));
            snapshot.tasks.push(TaskState::default());
            snapshot.task_by_name.insert(name.clone(), task);
            snapshot.waits(task);
            if let Some(place) = place {
                let place = place.placement(&snapshot.cluster).expect("a node that is there");
                assert!(snapshot.stands(task, place), "the world has room for what it holds");
            }
            snapshot.tasks[task.index()].leaving = self.leaving.contains(name);
        }
        snapshot
    }
}

impl Actuator for World {
    fn moving(&self) -> Moving {
        Moving::StopFirst
    }

    fn call(&mut self, call: &Call) -> Answer {
        let answer = match call {
            Call::Start { task, to } => match self.places.get(task) {
                Some(None) if self.refuses.contains(&(task.clone(), to.node.clone())) => {
                    Answer::Refused("not wanted".into())
                }
                Some(None) if self.room(&to.node) => {
                    self.places.insert(task.clone(), Some(to.clone()));
                    Answer::Done
                }
                Some(None) => Answer::Refused("no room".into()),
                _ => Answer::Refused("not pending".into()),
            },
            Call::Stop { task, from, .. } => {
                assert!(!self.leaving.contains(task), "{task} is told to go twice");
                if self.never_stops {
                    Answer::Never("it has nowhere to go".into())
                } else if self.places.get(task) != Some(&Some(from.clone())) {
                    Answer::Refused("not there".into())
                } else if self.slow {
                    self.leaving.insert(task.clone());
                    Answer::Underway
                } else {
                    self.places.insert(task.clone(), None);
                    Answer::Done
                }
            }
            Call::Move { .. } => panic!("tasks of this world stop first"),
            Call::Cordon { .. } => Answer::Done,
        };
        if !matches!(answer, Answer::Refused(_) | Answer::Never(_)) {
            self.done.push(call.clone());
        }
        answer
    }
}

fn spot(node: usize) -> Spot {
    Spot { node: format!("n{node}").into(), devices: DeviceSet::NONE }
}

fn name(task: usize) -> Name {
    format!("t{task}").into()
}

fn mv(task: usize, from: usize, to: usize) -> Action {
    Action::Migrate { task: name(task), from: spot(from), to: spot(to) }
}

fn place(task: usize, to: usize) -> Action {
    Action::Place { task: name(task), to: spot(to) }
}

fn plan(parts: impl IntoIterator<Item = (Vec<Action>, Binding)>) -> Plan {
    let mut plan = Plan::default();
    for (steps, binding) in parts {
        let worth = Worth { reason: Reason::StrandedCapacity, gain: 1.0, cost: 0.0 };
        plan.push(7, steps, worth, binding);
    }
    plan
}

/// A world of tasks at these nodes; pending where there is none.
fn world(places: &[Option<usize>]) -> World {
    let places = places.iter().enumerate().map(|(task, at)| (name(task), at.map(spot)));
    World { places: places.collect(), ..World::default() }
}

fn at(world: &World, task: usize) -> Option<String> {
    world.places[&name(task)].as_ref().map(|spot| spot.node.to_string())
}

fn refused(why: &str) -> StepResult {
    StepResult::Refused(why.into())
}

#[test]
fn a_move_is_a_stop_and_a_start_and_each_call_is_journaled_before_and_after() {
    let (mut world, mut journal) = (world(&[Some(0)]), Vec::new());
    let mut snapshot = world.snapshot();
    let done =
        carry_out(&plan([(vec![mv(0, 0, 1)], Binding::Each)]), &mut snapshot, &mut world, &mut journal);
    assert_eq!(done.parts[0].results, [StepResult::Done]);
    assert_eq!(at(&world, 0).as_deref(), Some("n1"));
    let kinds: Vec<&str> = journal.iter().map(kind).collect();
    assert_eq!(kinds, ["opened", "calling", "answered", "calling", "answered"]);
    let node = snapshot.cluster.placement(snapshot.task_by_name["t0"]).expect("placed").node;
    assert_eq!(snapshot.cluster.node_name(node), "n1", "what is done is believed at once");
    let last = snapshot.memory.moves.last_of("t0").expect("the move is remembered");
    assert_eq!((&*last.from, last.to.as_deref()), ("n0", Some("n1")));
}

fn kind(entry: &JournalEntry) -> &'static str {
    match entry {
        JournalEntry::Turn { .. } => "turn",
        JournalEntry::Opened { .. } => "opened",
        JournalEntry::Calling { .. } => "calling",
        JournalEntry::Answered { .. } => "answered",
        JournalEntry::Compared { .. } => "compared",
        JournalEntry::Placing { .. } => "placing",
        JournalEntry::Remembered { .. } => "remembered",
    }
}

#[test]
fn parts_that_do_not_need_each_other_are_journaled_and_made_together() {
    let (mut world, mut journal) = (world(&[None, None, None, Some(0), Some(0), Some(1)]), Vec::new());
    let plan = plan([
        (vec![place(0, 1)], Binding::Each),
        (vec![place(1, 1), place(2, 2)], Binding::AllOrNone),
        (vec![mv(3, 0, 2)], Binding::Each),
        (vec![mv(4, 0, 3)], Binding::Each),
        // It leaves a node that others come to, and comes to one that others leave.
        (vec![mv(5, 1, 0)], Binding::Each),
    ]);
    let done = carry_out(&plan, &mut world.snapshot(), &mut world, &mut journal);
    assert!(done.parts.iter().all(PartOutcome::is_done), "{done:?}");
    let kinds: Vec<&str> = journal.iter().map(kind).collect();
    let together = [("opened", 4), ("calling", 5), ("answered", 5), ("calling", 2), ("answered", 2)];
    let together: Vec<&str> = together.iter().flat_map(|(kind, many)| vec![*kind; *many]).collect();
    let (first, rest) = kinds.split_at(together.len());
    assert_eq!(first, together);
    assert_eq!(rest, ["opened", "calling", "answered", "calling", "answered"]);
}

#[test]
fn moves_made_together_are_each_taken_back_whatever_becomes_of_the_others() {
    // Two nodes that are full, one that is wanted by all and refuses some.
    let mut world = world(&[Some(0), Some(0), Some(0), Some(1), Some(1), Some(1)]);
    world.refuses.extend([(name(0), "n2".into()), (name(3), "n2".into())]);
    let moves = [(0, 0, 2), (1, 0, 2), (3, 1, 2), (4, 1, 2)].map(|(task, from, to)| mv(task, from, to));
    let plan = plan(moves.map(|step| (vec![step], Binding::Each)));
    let done = carry_out(&plan, &mut world.snapshot(), &mut world, &mut Vec::new());
    let results: Vec<bool> = done.parts.iter().map(PartOutcome::is_done).collect();
    assert_eq!(results, [false, true, false, true]);
    let places: Vec<_> = (0..6).map(|task| at(&world, task).expect("none is left without a place")).collect();
    assert_eq!(places, ["n0", "n2", "n0", "n1", "n2", "n1"]);
}

#[test]
fn a_gang_of_which_some_are_refused_is_taken_back_together() {
    let mut world = World { slow: true, ..world(&[None; 4]) };
    world.refuses.extend([(name(1), "n1".into()), (name(3), "n1".into())]);
    let gang = plan([((0..4).map(|task| place(task, 1)).collect(), Binding::AllOrNone)]);
    let (mut snapshot, mut journal) = (world.snapshot(), Vec::new());
    let done = carry_out(&gang, &mut snapshot, &mut world, &mut journal);
    assert!(done.parts[0].is_underway(), "{done:?}");
    assert_eq!(world.leaving.len(), 2, "those that were started are told to go at once");
    let (_, last) = to_the_end(&mut world, snapshot.memory, &mut journal);
    let undone = StepResult::Undone("step 2 was refused: not wanted".into());
    let expected = [undone.clone(), refused("not wanted"), undone, refused("not wanted")];
    assert_eq!(last.parts[0].results, expected);
    assert!((0..4).all(|task| at(&world, task).is_none()));
}

#[test]
fn what_can_never_be_taken_back_is_not_asked_for_again() {
    let mut world = World { never_stops: true, ..world(&[None, None]) };
    world.refuses.insert((name(1), spot(1).node));
    let gang = plan([(vec![place(0, 0), place(1, 1)], Binding::AllOrNone)]);
    let mut snapshot = world.snapshot();
    let outcome = carry_out(&gang, &mut snapshot, &mut world, &mut Vec::new());
    let [StepResult::Undone(why), StepResult::Refused(_)] = &outcome.parts[0].results[..] else {
        panic!("the part is over: {outcome:?}");
    };
    assert!(why.contains("not taken back: it has nowhere to go"), "{why}");
    assert_eq!((at(&world, 0).as_deref(), snapshot.memory.underway().count()), (Some("n0"), 0));
}

#[test]
fn a_move_whose_second_half_is_refused_is_taken_back() {
    let mut world = world(&[Some(0)]);
    world.refuses.insert((name(0), "n1".into()));
    let plan = plan([(vec![mv(0, 0, 1)], Binding::Each)]);
    let done = carry_out(&plan, &mut world.snapshot(), &mut world, &mut Vec::new());
    assert_eq!(done.parts[0].results, [StepResult::Undone("not wanted".into())]);
    assert_eq!(at(&world, 0).as_deref(), Some("n0"));
}

#[test]
fn the_binding_says_what_a_refused_step_means_for_the_others() {
    let steps = vec![mv(0, 0, 1), place(1, 2), mv(2, 0, 3)];
    for (binding, results, places) in [
        (
            Binding::Each,
            [StepResult::Done, refused("not wanted"), StepResult::Done],
            [Some("n1"), None, Some("n3")],
        ),
        (
            Binding::InOrder,
            [StepResult::Done, refused("not wanted"), StepResult::NotTried],
            [Some("n1"), None, Some("n0")],
        ),
        (
            Binding::AllOrNone,
            [
                StepResult::Undone("step 2 was refused: not wanted".into()),
                refused("not wanted"),
                StepResult::NotTried,
            ],
            [Some("n0"), None, Some("n0")],
        ),
    ] {
        let mut world = world(&[Some(0), None, Some(0)]);
        world.refuses.insert((name(1), "n2".into()));
        let plan = plan([(steps.clone(), binding)]);
        let done = carry_out(&plan, &mut world.snapshot(), &mut world, &mut Vec::new());
        assert_eq!(done.parts[0].results, results, "{binding:?}");
        let stands = [0, 1, 2].map(|task| at(&world, task));
        assert_eq!(stands, places.map(|p| p.map(str::to_owned)), "{binding:?}");
    }
}

#[test]
fn what_is_under_way_is_not_asked_for_again_and_goes_on_when_it_is_done() {
    let mut world = World { slow: true, ..world(&[Some(0)]) };
    let mut journal = Vec::new();
    let mut snapshot = world.snapshot();
    let both = plan([(vec![mv(0, 0, 1)], Binding::Each), (vec![mv(0, 0, 2)], Binding::Each)]);
    let done = carry_out(&both, &mut snapshot, &mut world, &mut journal);
    assert_eq!(done.parts[0].results, [StepResult::Underway]);
    assert_eq!(done.parts[1].results, [refused("another part has a hand on the task")]);
    let still = go_on(&mut snapshot, &mut world, &mut journal);
    assert_eq!(still.parts[0].results, [StepResult::Underway]);
    assert_eq!(snapshot.waiting(), [], "it is in the hand of a part");
    world.advance();
    let mut later = world.snapshot();
    later.memory = snapshot.memory;
    assert_eq!(later.waiting(), [], "gone, and not to be placed by another plan");
    let done = go_on(&mut later, &mut world, &mut journal);
    assert_eq!(done.parts[0].results, [StepResult::Done]);
    assert_eq!((at(&world, 0).as_deref(), later.memory.underway().count()), (Some("n1"), 0));
}

#[test]
fn what_is_under_way_for_too_long_counts_as_refused() {
    let mut world = World { slow: true, ..world(&[Some(0)]) };
    let mut snapshot = world.snapshot();
    let mut journal = Vec::new();
    carry_out(&plan([(vec![mv(0, 0, 1)], Binding::Each)]), &mut snapshot, &mut world, &mut journal);
    snapshot.time_seconds += crate::model::PATIENCE_SECONDS;
    let done = go_on(&mut snapshot, &mut world, &mut journal);
    assert_eq!(done.parts[0].results, [refused("not done within 900 s")]);
    assert_eq!(snapshot.memory.underway().count(), 0);
}

#[test]
fn a_part_waits_for_those_that_must_come_first_and_for_the_wave_before() {
    let mut world = World { slow: true, ..world(&[Some(0), None, None]) };
    world.refuses.insert((name(2), "n3".into()));
    let each = Binding::Each;
    let mut plan = plan([
        (vec![place(2, 3)], each),
        (vec![place(1, 3)], each),
        (vec![mv(0, 0, 1)], each),
        (vec![place(1, 4)], each),
    ]);
    plan.parts[1].after = vec![plan.parts[0].key];
    plan.parts[3].waves = vec![1];
    let done = carry_out(&plan, &mut world.snapshot(), &mut world, &mut Vec::new());
    let results: Vec<&StepResult> = done.parts.iter().map(|p| &p.results[0]).collect();
    let want = [&refused("not wanted"), &StepResult::NotTried, &StepResult::Underway, &StepResult::NotTried];
    assert_eq!(results, want);
}

/// A journal on a full disk: so many entries fit.
struct Full(Vec<JournalEntry>, usize);

impl Journal for Full {
    fn write(&mut self, entry: &JournalEntry) -> Result<(), JournalError> {
        if self.0.len() == self.1 {
            return Err(JournalError("no space left".into()));
        }
        self.0.write(entry)
    }

    fn recall(&self) -> Result<Vec<JournalEntry>, JournalError> {
        self.0.recall()
    }
}

#[test]
fn without_a_journal_nothing_is_done_and_with_room_again_it_goes_on() {
    let chain = plan([(vec![mv(0, 0, 1), place(1, 0)], Binding::AllOrNone)]);
    for room in 0..7 {
        let mut world = world(&[Some(0), None]);
        let mut snapshot = world.snapshot();
        let mut journal = Full(Vec::new(), room);
        let done = carry_out(&chain, &mut snapshot, &mut world, &mut journal);
        assert_eq!(done.halted.as_deref(), Some("no space left"), "room for {room}");
        // A call is made only after it is written: entries 1, 3 and 5 announce one each.
        assert_eq!(world.done.len(), room / 2, "room for {room}");
        journal.1 = usize::MAX;
        if room == 0 {
            carry_out(&chain, &mut snapshot, &mut world, &mut journal);
        } else {
            go_on(&mut snapshot, &mut world, &mut journal);
        }
        let stands = (at(&world, 0), at(&world, 1));
        assert_eq!(stands, (Some("n1".into()), Some("n0".into())), "room for {room}");
        assert_eq!(world.done.len(), 3, "nothing twice");
    }
}

/// A world and a plan for it: chains, gangs and single moves, some steps of which the world will refuse.
fn situation() -> impl Strategy<Value = (World, Plan)> {
    let places = proptest::collection::vec(proptest::option::weighted(0.6, 0..NODES), 4..12);
    let bindings = prop::sample::select(vec![Binding::Each, Binding::InOrder, Binding::AllOrNone]);
    let parts = proptest::collection::vec((bindings, 1_usize..4), 1..5);
    let refuses = proptest::collection::btree_set((0_usize..12, 0..NODES), 0..16);
    (places, parts, refuses, any::<bool>(), proptest::collection::vec(0..NODES, 12)).prop_map(
        |(places, parts, refuses, slow, targets)| {
            let mut world = world(&places);
            // No node begins with more than it has room for.
            let mut count = [0; NODES];
            for (task, at) in places.iter().enumerate() {
                if let Some(node) = at {
                    count[*node] += 1;
                    if count[*node] > SLOTS {
                        world.places.insert(name(task), None);
                    }
                }
            }
            world.slow = slow;
            world.refuses = refuses.into_iter().map(|(t, n)| (name(t), spot(n).node)).collect();
            let mut tasks = 0..places.len();
            let parts = parts.into_iter().map(|(binding, size)| {
                let steps = tasks.by_ref().take(size).map(|task| {
                    let to = targets[task];
                    match &world.places[&name(task)] {
                        None => place(task, to),
                        Some(from) => Action::Migrate { task: name(task), from: from.clone(), to: spot(to) },
                    }
                });
                (steps.collect(), binding)
            });
            let plan = plan(parts.filter(|(steps, _): &(Vec<Action>, _)| !steps.is_empty()));
            // Where tasks stand is where they may always come back to.
            for (task, place) in &world.places {
                if let Some(place) = place {
                    world.refuses.remove(&(task.clone(), place.node.clone()));
                }
            }
            (world, plan)
        },
    )
}

/// Turns until nothing is under way.
fn to_the_end(world: &mut World, memory: Memory, journal: &mut dyn Journal) -> (Memory, Outcome) {
    let (mut memory, mut last) = (memory, Outcome::default());
    for _ in 0..60 {
        world.advance();
        let mut snapshot = world.snapshot();
        snapshot.memory = memory;
        let outcome = go_on(&mut snapshot, world, journal);
        last.parts.retain(|p| outcome.parts.iter().all(|o| o.key != p.key));
        last.parts.extend(outcome.parts);
        memory = snapshot.memory;
        if memory.underway().count() == 0 {
            return (memory, last);
        }
    }
    panic!("something is under way for ever");
}

fn stood(world: &World, step: &Action) -> Option<Spot> {
    world.places[step.task().expect("a task's step")].clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever step the world refuses, a part of which only the whole is of use is whole or not there at all, no node
    /// holds more than it has room for, and the results say what stands.
    #[test]
    fn no_chain_is_left_half_useful_and_no_gang_in_part((before, plan) in situation()) {
        let mut world = before.clone();
        let mut journal = Vec::new();
        let mut snapshot = world.snapshot();
        let first = carry_out(&plan, &mut snapshot, &mut world, &mut journal);
        let (memory, later) = to_the_end(&mut world, snapshot.memory, &mut journal);
        let mut again = Memory::default();
        for entry in &journal {
            again.apply(entry);
        }
        again.wake();
        prop_assert_eq!(&memory, &again, "the memory is what the journal amounts to");
        for node in 0..NODES {
            let held = world.places.values().flatten().filter(|s| s.node == spot(node).node).count();
            prop_assert!(held <= SLOTS);
        }
        for part in &plan.parts {
            let outcome = later.parts.iter().chain(&first.parts).find(|p| p.key == part.key);
            let outcome = outcome.expect("each part was tried");
            prop_assert!(!outcome.is_underway());
            for (step, result) in part.steps.iter().zip(&outcome.results) {
                let want = match result {
                    StepResult::Done => step.to().cloned(),
                    _ => stood(&before, step),
                };
                // Room that somebody else took while the task was away cannot be had back: then it waits.
                let lost = matches!(result, StepResult::Undone(why) if why.contains("not taken back"));
                prop_assert!(lost || stood(&world, step) == want, "{:?}: {:?}", step, result);
            }
            if part.binding == Binding::AllOrNone {
                let done = outcome.results.iter().filter(|r| **r == StepResult::Done).count();
                prop_assert!(done == 0 || done == part.steps.len());
            }
        }
    }

    /// A loop that is killed at any entry of the journal, with one part begun or several, and starts anew from the world
    /// and the journal alone, ends as if nothing had happened, and does nothing twice.
    #[test]
    fn a_kill_at_any_entry_changes_nothing((before, plan) in situation(), kills in proptest::collection::vec(0_usize..12, 1..4)) {
        // Tasks do not compete for room here, so that the order of parts, which a kill may change, does not matter.
        let mut roomy = before;
        roomy.places.retain(|task, _| plan.steps().any(|(_, step)| step.task() == Some(task)));
        let competes = (0..NODES).any(|node| {
            let all = plan.steps().filter(|(_, s)| s.to().is_some_and(|to| to.node == spot(node).node)).count()
                + roomy.places.values().flatten().filter(|s| s.node == spot(node).node).count();
            all > SLOTS
        });
        prop_assume!(!competes);
        let mut whole = roomy.clone();
        let mut snapshot = whole.snapshot();
        carry_out(&plan, &mut snapshot, &mut whole, &mut Vec::new());
        to_the_end(&mut whole, snapshot.memory, &mut Vec::new());

        let mut world = roomy;
        let mut journal: Vec<JournalEntry> = Vec::new();
        let mut kills = kills.into_iter();
        loop {
            let entries_left = kills.next();
            let died = catch_unwind(AssertUnwindSafe(|| {
                let mut mortal = Mortal { journal: &mut journal, entries_left };
                let mut snapshot = world.snapshot();
                recall(&mut snapshot, &mortal).expect("it can be read");
                go_on(&mut snapshot, &mut world, &mut mortal);
                let mut rest = plan.clone();
                rest.parts.retain(|part| !mortal.journal.iter().any(|e| matches!(e, JournalEntry::Opened { part: p, .. } if p.key == part.key)));
                carry_out(&rest, &mut snapshot, &mut world, &mut mortal);
                to_the_end(&mut world, snapshot.memory, &mut mortal);
            }));
            match died {
                Ok(()) => break,
                Err(why) => prop_assert_eq!(why.downcast_ref::<&str>(), Some(&"killed")),
            }
        }
        prop_assert_eq!(&world.places, &whole.places);
        let sorted = |world: &World| {
            let mut done: Vec<String> = world.done.iter().map(|call| format!("{call:?}")).collect();
            done.sort();
            done
        };
        prop_assert_eq!(sorted(&world), sorted(&whole), "nothing twice, nothing left out");
    }
}

/// A journal whose process dies right after it has written so many entries.
struct Mortal<'a> {
    journal: &'a mut Vec<JournalEntry>,
    entries_left: Option<usize>,
}

impl Mortal<'_> {
    fn live(&mut self, entries: usize) {
        match &mut self.entries_left {
            Some(left) if *left < entries => std::panic::panic_any("killed"),
            Some(left) => *left -= entries,
            None => {}
        }
    }
}

impl Journal for Mortal<'_> {
    fn write(&mut self, entry: &JournalEntry) -> Result<(), JournalError> {
        self.journal.write(entry)?;
        self.live(1);
        Ok(())
    }

    /// As the store does it: what is written together is there as a whole or not at all.
    fn write_all(&mut self, entries: &[JournalEntry]) -> Result<(), JournalError> {
        self.journal.write_all(entries)?;
        self.live(entries.len());
        Ok(())
    }

    fn recall(&self) -> Result<Vec<JournalEntry>, JournalError> {
        self.journal.recall()
    }
}
