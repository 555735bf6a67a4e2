//! How tasks have come and gone lately, as orders of starting look at it; and those that are over, as their queue saw them, and what
//! came: on these, orders and placements are compared while they serve.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::DeviceDemand;

/// Most ended tasks that are kept.
const ENDED_KEPT: usize = 1024;
/// Most shapes of tasks that have come that are kept.
const CAME_KEPT: usize = 1024;

/// What a task that has come asks for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CameTask {
    /// CPU, millicores.
    pub cpu_millicores: i64,
    /// Devices.
    pub devices: Option<DeviceDemand>,
}

/// A task that has run to its end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EndedTask {
    /// When it was submitted, seconds.
    pub submitted_seconds: u64,
    /// How long it asked to run, seconds.
    pub requested_seconds: Option<u64>,
    /// How long it ran, all its runs together, seconds.
    pub ran_seconds: u64,
    /// When it ended, seconds.
    pub ended_seconds: u64,
    /// Its size in devices, or what its CPU is worth in devices.
    pub size: f64,
    /// Its priority.
    pub priority: i32,
}

/// Arrivals that count as lately.
pub const LATELY_ARRIVALS: usize = 32;
/// Weight of the last task in the share of the time asked for that is used.
const LATELY_WEIGHT: f64 = 1.0 / 16.0;

/// The share of the time asked for that tasks lately used, after another has ended.
pub fn used_share_after(used_share: f64, ran_seconds: f64, requested_seconds: f64) -> f64 {
    let used = (ran_seconds / requested_seconds.max(1.0)).min(1.0);
    used_share + LATELY_WEIGHT * (used - used_share)
}

/// How tasks have come and gone lately, and the last ones that ended and were not looked at yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecentTasks {
    /// The newest last.
    ended: VecDeque<EndedTask>,
    /// So many of them, the oldest, were looked at.
    #[serde(default)]
    ended_seen: usize,
    /// When the last ones were submitted, seconds; the newest last.
    submitted: VecDeque<u64>,
    /// What the last ones asked for, the newest last.
    came: VecDeque<CameTask>,
    used_share: f64,
}

impl Default for RecentTasks {
    fn default() -> Self {
        Self {
            ended: VecDeque::new(),
            ended_seen: 0,
            submitted: VecDeque::new(),
            came: VecDeque::new(),
            used_share: 1.0,
        }
    }
}

impl RecentTasks {
    /// A task has come.
    pub fn note_arrival(&mut self, submitted_seconds: u64, task: CameTask) {
        if self.came.len() == CAME_KEPT {
            self.came.pop_front();
        }
        self.came.push_back(task);
        if self.submitted.len() > LATELY_ARRIVALS {
            self.submitted.pop_front();
        }
        self.submitted.push_back(submitted_seconds);
    }

    /// A task has run to its end.
    pub fn note_end(&mut self, task: EndedTask) {
        if let Some(requested) = task.requested_seconds {
            self.used_share = used_share_after(self.used_share, task.ran_seconds as f64, requested as f64);
        }
        if self.ended.len() == ENDED_KEPT {
            self.ended.pop_front();
            self.ended_seen = self.ended_seen.saturating_sub(1);
        }
        self.ended.push_back(task);
    }

    /// Share of the time asked for that the tasks that ended lately have used; 1 while nothing is known.
    pub fn used_share(&self) -> f64 {
        self.used_share
    }

    /// Tasks that have come lately, in a second; 0 while there are none.
    pub fn arrivals_per_second(&self) -> f64 {
        let (first, last) = (self.submitted.iter().min(), self.submitted.iter().max());
        let seconds = last.zip(first).map_or(0, |(last, first)| last - first);
        self.submitted.len().saturating_sub(1) as f64 / seconds.max(1) as f64
    }

    /// The tasks that ended and were not looked at yet.
    pub fn ended(&self) -> impl ExactSizeIterator<Item = &EndedTask> {
        self.ended.iter().skip(self.ended_seen)
    }

    /// The tasks that ended last, whether they were looked at or not.
    pub fn last_ended(&self) -> impl ExactSizeIterator<Item = &EndedTask> {
        self.ended.iter()
    }

    /// What has come and was not looked at yet, in the order in which it came.
    pub fn came(&self) -> impl ExactSizeIterator<Item = &CameTask> + Clone {
        self.came.iter()
    }

    /// It was looked at.
    pub fn forget_came(&mut self) {
        self.came.clear();
    }

    /// They were looked at.
    pub fn forget_ended(&mut self) {
        self.ended_seen = self.ended.len();
    }
}
