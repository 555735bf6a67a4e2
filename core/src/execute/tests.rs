//! Steps carried out, refused, undone, and found again after a kill.

use super::*;
use crate::model::{
    Action, NodeId, NodeSpec, Placement, Plan, Reason, ResourceSchema, Snapshot, Step, StepResult, Task,
    TaskClass, TaskId, TaskState,
};

/// A world that refuses the calls named and notes all of them.
#[derive(Default)]
struct World {
    refuse: Vec<&'static str>,
    calls: Vec<String>,
}

impl World {
    fn call(&mut self, call: String) -> Result<(), Refused> {
        let refused = self.refuse.iter().any(|r| call.starts_with(r));
        self.calls.push(call);
        if refused { Err(Refused("no room".into())) } else { Ok(()) }
    }
}

impl Actuator for World {
    fn place(&mut self, task: &str, node: &str, _: DeviceSet) -> Result<(), Refused> {
        self.call(format!("place {task} {node}"))
    }

    fn evict(&mut self, task: &str) -> Result<(), Refused> {
        self.call(format!("evict {task}"))
    }

    fn cordon(&mut self, node: &str, _: bool) -> Result<(), Refused> {
        self.call(format!("cordon {node}"))
    }
}

/// Nodes a and b; task t on a.
fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot::new(ResourceSchema::cpu_and_memory());
    for name in ["a", "b"] {
        snapshot.cluster.add_node(NodeSpec::new(name, vec![10, 10], vec![])).expect("a sound node");
    }
    let class = snapshot.cluster.add_class(TaskClass::of_demand([1, 1], None)).expect("a sound class");
    let t = snapshot.cluster.add_task(Task::new("t", class));
    snapshot.cluster.place(t, on(0)).expect("it fits");
    snapshot.tasks.push(TaskState::default());
    snapshot.task_by_name.insert("t".into(), t);
    snapshot
}

fn on(node: u32) -> Placement {
    Placement { node: NodeId(node), devices: DeviceSet::NONE }
}

fn plan(actions: &[Action]) -> Plan {
    let step = |&action| Step { action, reason: Reason::NodeOverloaded, gain: 1.0, cost: 0.0 };
    Plan { steps: actions.iter().map(step).collect(), unplaced: Vec::new() }
}

const MOVE: Action = Action::Migrate {
    task: TaskId(0),
    from: Placement { node: NodeId(0), devices: DeviceSet::NONE },
    to: Placement { node: NodeId(1), devices: DeviceSet::NONE },
};

#[test]
fn a_move_is_an_eviction_and_a_placement_and_both_ends_are_journaled() {
    let (mut world, mut journal) = (World::default(), Vec::new());
    let outcome = carry_out(&plan(&[MOVE]), &snapshot(), 7, &mut world, &mut journal);
    assert_eq!(outcome.results, [StepResult::Done]);
    assert_eq!(world.calls, ["evict t", "place t b"]);
    assert_eq!(journal.len(), 2);
    assert_eq!(journal[1], JournalEntry::Ended { id: (7, 0), result: StepResult::Done });
    assert_eq!(journal.unfinished(), None);
}

#[test]
fn a_move_whose_second_half_is_refused_is_taken_back() {
    let mut world = World { refuse: vec!["place t b"], ..World::default() };
    let outcome = carry_out(&plan(&[MOVE]), &snapshot(), 1, &mut world, &mut Vec::new());
    assert_eq!(world.calls, ["evict t", "place t b", "place t a"]);
    assert_eq!(outcome.results, [StepResult::Undone("no room; the task is back on a".into())]);
}

#[test]
fn a_refused_step_does_not_stop_the_next() {
    let mut world = World { refuse: vec!["evict"], ..World::default() };
    let steps = plan(&[MOVE, Action::Cordon { node: NodeId(1) }]);
    let outcome = carry_out(&steps, &snapshot(), 1, &mut world, &mut Vec::new());
    assert_eq!(outcome.results, [StepResult::Refused("no room".into()), StepResult::Done]);
    assert_eq!(world.calls, ["evict t", "cordon b"]);
}

#[test]
fn after_a_kill_the_world_says_what_became_of_the_step() {
    let snapshot = snapshot();
    let begun = |action: &Action| JournalEntry::Begun {
        id: (1, 0),
        action: NamedAction::of(action, &snapshot.cluster),
    };
    let mut journal = vec![begun(&MOVE)];
    assert!(matches!(recover(&snapshot, &mut journal), Some(StepResult::Undone(_))), "t still stands on a");
    assert_eq!(recover(&snapshot, &mut journal), None, "the step is closed");
    let mut journal = vec![begun(&Action::Place { task: TaskId(0), to: on(0) })];
    assert_eq!(recover(&snapshot, &mut journal), Some(StepResult::Done));
}
