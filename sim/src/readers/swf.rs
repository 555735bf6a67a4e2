//! Reader of the Standard Workload Format (SWF) of parallel batch traces: 18 blank-separated numbers a
//! line, `;` opens a header line, -1 means unknown.
//!
//! Rules: a line has at least five fields, missing ones after that count as -1. Processors are the larger
//! of fields 5 (allocated) and 8 (requested); a job without either is left out. The requested time
//! (field 9) is the run time where it is unknown. A negative run time becomes 10 s and a run time of 0
//! leaves the job out, as in the studies whose figures are compared with. Jobs are sorted by their number
//! (field 1), then by submit time, both stably. Owners are users (field 12), as text `user N`.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use super::csv_table::io_error;
use super::{InputError, open};
use crate::jobs::{JOB_VALUE_MAX, Job, Jobs, SUBMIT_SECONDS_MAX};

/// Run time given to a job whose run time is negative, in seconds.
const NEGATIVE_RUN_SECONDS: i64 = 10;

/// A trace as read, with what the reader left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobTrace {
    /// The jobs, in order of submission.
    pub jobs: Jobs,
    /// Size of the machine, where the trace names it.
    pub nodes: Option<u32>,
    /// Jobs left out because they never ran (run time 0).
    pub left_out_without_run: usize,
    /// Jobs left out because they occupy nothing (no processors known).
    pub left_out_without_size: usize,
    /// Jobs that stood after one submitted later and were moved.
    pub moved_into_order: usize,
}

/// Reads an SWF trace, plain or compressed.
///
/// # Errors
/// When the file cannot be read, a line has fewer than five fields, a field that matters is no whole number
/// or is out of bounds, a submit time is negative, or there is no job at all.
pub fn read_swf(path: &Path) -> Result<JobTrace, InputError> {
    read_swf_from(path, open(path)?)
}

/// The same over an open reader; `path` is only named in errors.
///
/// # Errors
/// As [`read_swf`].
pub fn read_swf_from(path: &Path, mut input: Box<dyn BufRead>) -> Result<JobTrace, InputError> {
    let mut trace = JobTrace::default();
    let mut owners: HashMap<i64, u32> = HashMap::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = input.read_until(b'\n', &mut line).map_err(|e| io_error(path, number, &e))?;
        if read == 0 {
            break;
        }
        let text = std::str::from_utf8(&line)
            .map_err(|e| InputError::new(path, format!("is not UTF-8 text: {e}")).at_line(number))?
            .trim();
        match text.strip_prefix(';') {
            Some(header) => trace.nodes = trace.nodes.or_else(|| machine_size(header)),
            None if text.is_empty() => {}
            None => read_job(&Line { path, number, text }, &mut trace, &mut owners)?,
        }
    }
    if trace.jobs.is_empty() {
        return Err(
            InputError::new(path, "has no job that ran").maybe("it is not in the Standard Workload Format")
        );
    }
    trace.jobs.sort_stable_by_key(|j| j.id);
    trace.moved_into_order = trace.jobs.sort_by_submit();
    Ok(trace)
}

/// The number after `MaxNodes:` or `MaxProcs:` of a header line.
fn machine_size(header: &str) -> Option<u32> {
    let (key, value) = header.split_once(':')?;
    matches!(key.trim(), "MaxNodes" | "MaxProcs").then(|| value.trim().parse().ok()).flatten()
}

fn read_job(line: &Line<'_>, trace: &mut JobTrace, owners: &mut HashMap<i64, u32>) -> Result<(), InputError> {
    let mut fields = [None; 12];
    let mut have = 0;
    for (slot, text) in fields.iter_mut().zip(line.text.split_ascii_whitespace()) {
        *slot = Some(text);
        have += 1;
    }
    if have < 5 {
        let problem = format!("the line has {have} fields, expected 18 (at least 5)");
        return Err(InputError::new(line.path, problem).at_line(line.number).with_value(line.text));
    }
    let field = |n: usize, name: &str, min: i64, max: i64| line.integer(fields[n - 1], n, name, min, max);
    let id = field(1, "job number", 0, i64::MAX)?;
    let submit_seconds = field(2, "submit time", 0, SUBMIT_SECONDS_MAX)?;
    let run = field(4, "run time", i64::from(i32::MIN), JOB_VALUE_MAX)?;
    let size = field(5, "allocated processors", -1, JOB_VALUE_MAX)?.max(field(
        8,
        "requested processors",
        -1,
        JOB_VALUE_MAX,
    )?);
    let requested = field(9, "requested time", i64::from(i32::MIN), JOB_VALUE_MAX)?;
    let user = field(12, "user", i64::MIN, i64::MAX)?;
    let run = if run < 0 { NEGATIVE_RUN_SECONDS } else { run };
    if run == 0 {
        trace.left_out_without_run += 1;
        return Ok(());
    }
    if size < 1 {
        trace.left_out_without_size += 1;
        return Ok(());
    }
    let requested = if requested < 1 { run } else { requested };
    let owner = *owners.entry(user).or_insert_with(|| {
        trace.jobs.owners.push(format!("user {user}"));
        trace.jobs.owners.len() as u32 - 1
    });
    trace.jobs.push(Job {
        id: id as u64,
        submit_seconds,
        run_seconds: run as u32,
        requested_seconds: requested as u32,
        size: size as u32,
        owner,
        priority: 0,
    });
    Ok(())
}

struct Line<'a> {
    path: &'a Path,
    number: u64,
    text: &'a str,
}

impl Line<'_> {
    /// Field `n` (from 1) as a whole number; `12.00` counts as 12, a missing field as -1.
    fn integer(
        &self,
        text: Option<&str>,
        n: usize,
        name: &str,
        min: i64,
        max: i64,
    ) -> Result<i64, InputError> {
        let Some(text) = text else { return Ok(-1) };
        let whole = text
            .split_once('.')
            .map_or(text, |(whole, zeros)| if zeros.bytes().all(|b| b == b'0') { whole } else { text });
        match whole.parse::<i64>() {
            Ok(value) if (min..=max).contains(&value) => Ok(value),
            _ => Err(InputError::new(self.path, format!("expected a whole number from {min} to {max}"))
                .at_line(self.number)
                .in_column(format!("{n} ({name})"))
                .with_value(text)),
        }
    }
}

#[cfg(test)]
mod tests;
