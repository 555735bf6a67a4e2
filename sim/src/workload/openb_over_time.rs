//! An openb trace over time: tasks come at their creation, wait when nothing fits, run, and leave.
//!
//! A task runs from the time it was scheduled to its deletion; what it waited for its place in the recorded cluster is
//! no work. Tasks that never ran are left out. Where the list does not say when tasks were scheduled, creation to
//! deletion is the best there is, and a warning says what is in it.

use std::collections::HashMap;
use std::sync::Arc;

use lepton_core::model::{ClassId, Task};

use super::jobs::{JobsWorkload, MachineSpec, whole};
use super::{OpenbFiles, workload_of_openb};
use crate::jobs::{JOB_VALUE_MAX, Job, Jobs};
use crate::readers::openb::{OpenbTask, Scheduled, read_nodes, read_tasks};
use crate::readers::{InputError, LeftOutCounts};

const NEVER_SCHEDULED: &str = "never scheduled";
const DELETED_AT_ONCE: &str = "deleted when or before they started";
const STILL_RUNNING: &str = "without a deletion time, so of unknown length";

/// Reads an openb trace as jobs over time. Sizes are thousandths of a device.
///
/// # Errors
/// When a file cannot be read, a task has no creation time, or no task ever ran.
pub fn openb_over_time(files: &OpenbFiles, seed: u64) -> Result<JobsWorkload, InputError> {
    let nodes = read_nodes(&files.nodes)?;
    let tasks = read_tasks(&files.tasks)?;
    let name = files.tasks.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let mut workload = workload_of_openb(&name, &nodes, &tasks).map_err(|(of_tasks, problem)| {
        InputError::new(if of_tasks { &files.tasks } else { &files.nodes }, problem)
    })?;
    let class_of: HashMap<&str, ClassId> =
        workload.tasks.iter().map(|t| (t.name.as_ref(), t.class)).collect();
    let mut left_out = LeftOutCounts::default();
    let mut timed: Vec<(i64, i64, &str, ClassId)> = Vec::new();
    for task in &tasks {
        let Some(created) = task.creation_seconds else {
            return Err(InputError::new(&files.tasks, "the task has no creation time")
                .at_line(task.line)
                .in_column("creation_time"));
        };
        match (run_seconds(task, created), class_of.get(task.name.as_str())) {
            (Ok(run), Some(&class)) => timed.push((created, run, &task.name, class)),
            (Ok(_), None) => {}
            (Err(why), _) => left_out.add(why),
        }
    }
    if timed.is_empty() {
        return Err(left_out.without_any(&files.tasks, "task"));
    }
    // Tasks of the same second stay in the order of the file.
    timed.sort_by_key(|t| t.0);
    let mut jobs = Jobs { owners: vec![name.clone()], ..Jobs::default() };
    for (id, &(submit_seconds, run, task, class)) in (0..).zip(&timed) {
        workload.cluster.add_task(Task::new(task, class));
        jobs.names.push(task.to_owned());
        let run_seconds = run.min(JOB_VALUE_MAX) as u32;
        let size = workload.cluster.class(class).demand.device_milli() as u32;
        jobs.push(Job {
            id,
            submit_seconds,
            run_seconds,
            requested_seconds: run_seconds,
            size,
            owner: 0,
            priority: 0,
        });
    }
    if tasks.iter().any(|task| task.scheduled == Scheduled::Unsaid) {
        workload.warnings.push(
            "the task list has no column `scheduled_time`: tasks run from creation to deletion, with what they waited \
             in the recorded cluster in it"
                .to_owned(),
        );
    }
    let nodes = workload.cluster.node_count() as u32;
    let machine = MachineSpec::Cluster { cluster: Box::new(workload.cluster), target: workload.target };
    let mut out = whole(&name, Arc::new(jobs), nodes, machine, seed);
    (out.warnings, out.left_out) = (workload.warnings, left_out.into_list());
    Ok(out)
}

/// How long a task ran, in seconds, or why it did not.
fn run_seconds(task: &OpenbTask, created: i64) -> Result<i64, &'static str> {
    let from = match task.scheduled {
        Scheduled::Never => return Err(NEVER_SCHEDULED),
        Scheduled::Unsaid => created,
        // A clock that runs behind cannot have started a task before it was there.
        Scheduled::AtSeconds(at) => at.max(created),
    };
    let deleted = task.deletion_seconds.ok_or(STILL_RUNNING)?;
    if deleted > from { Ok(deleted - from) } else { Err(DELETED_AT_ONCE) }
}
