//! Reader of jobs from a plain CSV, for any site that can export one. Columns, in any order:
//!
//! | column | | |
//! |---|---|---|
//! | `submit_seconds` | required | when the job is submitted; any zero, may be negative |
//! | `run_seconds` | required | how long it runs |
//! | `size` | required | units (processors, nodes or GPUs) it occupies, at least 1 |
//! | `requested_seconds` | optional | how long it asks to run; where missing or empty, the run time |
//! | `owner` | optional | who submitted it; where missing, all jobs have one owner |
//! | `priority` | optional | a higher one matters more; where missing or empty, 0 |
//! | `id` | optional | a number for results; where missing, the row's number from 1 |
//! | `partition` | optional | the part of the machine that it is bound to; where empty, none |
//!
//! Rules: a run time of 0 leaves the job out; negative run times and sizes below 1 are refused; a requested
//! time of 0 counts as missing. Times may have fractions and are rounded to whole seconds. Jobs out of order are
//! moved, rows of the same second keep their order.

use std::collections::HashMap;
use std::path::Path;

use super::{CsvTable, InputError, JobTrace, WITHOUT_RUN, room_for_a_job};
use crate::jobs::{JOB_VALUE_MAX, Job, Jobs, SUBMIT_SECONDS_MAX};

/// Reads the jobs.
///
/// # Errors
/// When the file cannot be read, a required column is missing, a field is no whole number within its bounds,
/// or there is no job at all.
pub fn read_jobs_csv(path: &Path) -> Result<JobTrace, InputError> {
    read_jobs_csv_from(CsvTable::open(path)?)
}

/// The same over an open table.
///
/// # Errors
/// As [`read_jobs_csv`].
pub fn read_jobs_csv_from(mut table: CsvTable) -> Result<JobTrace, InputError> {
    let (submit, run, size) =
        (table.column("submit_seconds")?, table.column("run_seconds")?, table.column("size")?);
    let [requested, owner, priority, id, partition] =
        ["requested_seconds", "owner", "priority", "id", "partition"].map(|name| table.find(name));
    let mut trace = JobTrace::default();
    let (mut owners, mut partitions) = (HashMap::new(), HashMap::new());
    let mut row_number = 0;
    while let Some(row) = table.next_row()? {
        row_number += 1;
        let or_empty = |column: Option<usize>, min, max| match column {
            Some(column) => row.integer_or_empty(column, min, max),
            None => Ok(None),
        };
        let run_seconds = row.length_seconds(run, JOB_VALUE_MAX)?;
        let asked = match requested {
            Some(column) => row.length_seconds_or_empty(column, JOB_VALUE_MAX)?.filter(|&r| r > 0),
            None => None,
        };
        let name = owner.map_or("", |column| row.text(column));
        let owner = index_of(name, &mut owners, &mut trace.jobs.owners);
        let job = Job {
            id: or_empty(id, 0, i64::MAX)?.unwrap_or(row_number) as u64,
            submit_seconds: row.seconds(submit, -SUBMIT_SECONDS_MAX, SUBMIT_SECONDS_MAX)?,
            run_seconds: run_seconds as u32,
            requested_seconds: asked.unwrap_or(run_seconds) as u32,
            size: row.integer(size, 1, JOB_VALUE_MAX)? as u32,
            owner,
            priority: or_empty(priority, i64::from(i32::MIN), i64::from(i32::MAX))?.unwrap_or(0) as i32,
        };
        if run_seconds == 0 {
            trace.left_out.add(WITHOUT_RUN);
            continue;
        }
        room_for_a_job(trace.jobs.len(), row.file(), row.line())?;
        trace.jobs.push(job);
        if let Some(column) = partition {
            let jobs = &mut trace.jobs;
            jobs.partition.push(match row.text(column) {
                "" => Jobs::NO_PARTITION,
                name => index_of(name, &mut partitions, &mut jobs.partitions),
            });
        }
    }
    if trace.jobs.is_empty() {
        return Err(trace.left_out.without_any(table.file(), "job"));
    }
    trace.moved_into_order = trace.jobs.sort_by_submit();
    Ok(trace)
}

/// The index of the name, which is added when it is new.
fn index_of(name: &str, known: &mut HashMap<String, u32>, names: &mut Vec<String>) -> u32 {
    if let Some(&index) = known.get(name) {
        return index;
    }
    let index = names.len() as u32;
    known.insert(name.to_owned(), index);
    names.push(name.to_owned());
    index
}

#[cfg(test)]
mod tests;
