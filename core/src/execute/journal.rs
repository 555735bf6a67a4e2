//! The journal: what was begun and how it ended, written before and after each step, so that a loop that
//! was killed knows where it stood.

use serde::{Deserialize, Serialize};

use crate::model::{Action, Cluster, DeviceSet, Placement, StepResult};

/// An action in names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedAction {
    /// Place a pending task.
    Place {
        /// The task.
        task: String,
        /// Node and devices.
        to: (String, DeviceSet),
    },
    /// Move a placed task.
    Migrate {
        /// The task.
        task: String,
        /// Where it stood.
        from: (String, DeviceSet),
        /// Where it goes.
        to: (String, DeviceSet),
    },
    /// Take a task off its node.
    Preempt {
        /// The task.
        task: String,
    },
    /// Let a node take no new tasks, or again.
    Cordon {
        /// The node.
        node: String,
        /// Whether it is to take none.
        cordoned: bool,
    },
}

impl NamedAction {
    /// The action with names for ids.
    pub fn of(action: &Action, cluster: &Cluster) -> Self {
        let task_name = |t| cluster.task(t).name.to_string();
        let named = |p: Placement| (cluster.node_name(p.node).to_owned(), p.devices);
        match *action {
            Action::Place { task, to } => Self::Place { task: task_name(task), to: named(to) },
            Action::Migrate { task, from, to } => {
                Self::Migrate { task: task_name(task), from: named(from), to: named(to) }
            }
            Action::Preempt { task, .. } => Self::Preempt { task: task_name(task) },
            Action::Cordon { node } | Action::Uncordon { node } => Self::Cordon {
                node: cluster.node_name(node).to_owned(),
                cordoned: matches!(action, Action::Cordon { .. }),
            },
        }
    }
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalEntry {
    /// A step is about to be carried out.
    Begun {
        /// Cycle and step number.
        id: (u64, u32),
        /// The step.
        action: NamedAction,
    },
    /// A step is over.
    Ended {
        /// Cycle and step number.
        id: (u64, u32),
        /// How it ended.
        result: StepResult,
    },
}

/// Where journal entries are kept. An entry must be durable when `write` returns.
pub trait Journal {
    /// Keeps an entry.
    fn write(&mut self, entry: JournalEntry);

    /// The last entry when it is a step begun and not ended: where a killed loop stood.
    fn unfinished(&self) -> Option<JournalEntry>;
}

/// In memory: for simulations, where the process is the world's life.
impl Journal for Vec<JournalEntry> {
    fn write(&mut self, entry: JournalEntry) {
        self.push(entry);
    }

    fn unfinished(&self) -> Option<JournalEntry> {
        self.last().filter(|e| matches!(e, JournalEntry::Begun { .. })).cloned()
    }
}
