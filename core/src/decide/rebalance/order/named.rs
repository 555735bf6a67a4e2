//! Ordered moves as a [`Plan`]: tasks and nodes by their numbers as names, each step a part, since each is safe and of use
//! by itself; a task that stops over goes on only after it has come there.

use std::collections::HashMap;

use super::OrderedMoves;
use crate::model::{Action, Binding, DeviceSet, Name, Part, PartKey, Plan, Reason, Spot};

impl OrderedMoves {
    /// The steps as a plan; its gains and costs are in units of the problem's cost.
    pub fn plan(&self) -> Plan {
        let spot = |node: u32| Spot { node: name(node), devices: DeviceSet::NONE };
        let mut moved: HashMap<u32, PartKey> = HashMap::new();
        let parts = self.steps.iter().enumerate().map(|(at, step)| {
            let key = PartKey { turn: 0, number: at as u32 };
            Part {
                key,
                steps: vec![Action::Migrate {
                    task: name(step.task),
                    from: spot(step.from),
                    to: spot(step.to),
                }],
                reason: Reason::CheaperPlacement,
                gain: step.gain as f64,
                cost: step.cost as f64,
                binding: Binding::Each,
                after: moved.insert(step.task, key).into_iter().collect(),
                waves: vec![step.wave],
                needs_approval: false,
            }
        });
        Plan { parts: parts.collect(), waiting: Vec::new() }
    }

    /// Names of the tasks in a list of numbers.
    pub fn names(tasks: &[u32]) -> Vec<Name> {
        tasks.iter().copied().map(name).collect()
    }
}

fn name(number: u32) -> Name {
    number.to_string().into()
}
