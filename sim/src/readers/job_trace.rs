//! What readers of jobs give: the jobs, and how many rows they left out and why, as counts, so that a command can
//! say it in one line.

use lepton_core::model::counted;
use std::path::Path;

use serde::Serialize;

use super::InputError;
use crate::jobs::Jobs;

/// A trace as read, with what the reader left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobTrace {
    /// The jobs, in order of submission.
    pub jobs: Jobs,
    /// Size of the machine in what the jobs' sizes count, where the trace names it.
    pub nodes: Option<u32>,
    /// Sizes of its partitions, from partition 1 on, where the trace names them.
    pub partition_nodes: Vec<u32>,
    /// What was left out, and why.
    pub left_out: LeftOutCounts,
    /// Jobs that stood after one submitted later and were moved.
    pub moved_into_order: usize,
}

/// Rows or lines of a trace that are no jobs of the workload, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// How many.
    pub count: usize,
    /// Why: a phrase that follows the count, as in "3 cancelled before they started".
    pub why: &'static str,
}

/// Counts by reason, in order of their first appearance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOutCounts(Vec<LeftOut>);

impl LeftOutCounts {
    /// One more for this reason.
    pub(crate) fn add(&mut self, why: &'static str) {
        match self.0.iter_mut().find(|l| l.why == why) {
            Some(known) => known.count += 1,
            None => self.0.push(LeftOut { count: 1, why }),
        }
    }

    /// How many there are for this reason.
    pub fn count(&self, why: &str) -> usize {
        self.0.iter().find(|l| l.why == why).map_or(0, |l| l.count)
    }

    /// What is wrong with a file of which nothing is left.
    pub(crate) fn without_any(self, path: &Path, what: &str) -> InputError {
        let left: Vec<String> = self.0.iter().map(|l| format!("{} {}", l.count, l.why)).collect();
        let said = if left.is_empty() { String::new() } else { format!("; left out: {}", left.join(", ")) };
        InputError::new(path, format!("has no {what} that ran{said}"))
    }

    /// All of them.
    pub fn into_list(self) -> Vec<LeftOut> {
        self.0
    }
}

/// Why a job is left out: its run time is 0, or it never ran.
pub const WITHOUT_RUN: &str = "that never ran (run time 0)";
/// Why a job is left out: it occupies nothing.
pub const WITHOUT_SIZE: &str = "without processors or GPUs";

impl JobTrace {
    /// A remark where jobs stood out of order.
    pub fn moved_in_words(&self) -> Option<String> {
        let moved = self.moved_into_order;
        (moved > 0).then(|| {
            counted(
                moved,
                "job stood after one submitted later and was moved",
                "jobs stood after one submitted later and were moved",
            )
        })
    }
}
