//! Reader of the Standard Workload Format (SWF) of parallel batch traces: 18 blank-separated numbers a
//! line, `;` opens a header line, -1 means unknown.
//!
//! Rules: a line has at least five fields, missing ones after that count as -1. Which lines are jobs is told by
//! their status (field 11, [`JobStatus`]): those chosen by [`SwfLines`], usually all but the parts of jobs.
//! Processors are the larger of fields 5 (allocated) and 8 (requested); a job without either is left out. The
//! requested time (field 9) is the run time where it is unknown. A cancelled job without run time never started and
//! is left out; any other negative run time becomes 10 s and a run time of 0 leaves the job out, as in the studies
//! whose figures are compared with. Times may have fractions and are rounded to whole seconds. Jobs are sorted by
//! their number (field 1), then by submit time, both stably. Owners are users (field 12), as text `user N`;
//! partitions are field 16. Comments need not be UTF-8. The header is read by [`Header`].

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use super::csv_table::io_error;
use super::job_trace::{JobTrace, LeftOutCounts, WITHOUT_RUN, WITHOUT_SIZE};
use super::swf_header::Header;
use super::{InputError, decimal, open, room_for_a_job};
use crate::jobs::{JOB_VALUE_MAX, Job, Jobs, SUBMIT_SECONDS_MAX};

/// Run time given to a job whose run time is negative, in seconds.
const NEGATIVE_RUN_SECONDS: i64 = 10;

/// Why a line is left out: it tells of a part of a job.
const PARTS: &str = "listed as parts of jobs (status 2, 3, 4)";
/// Why a line is left out: the parts of the job are taken in its place.
const TOLD_IN_PARTS: &str = "told in parts (status 2, 3, 4)";
/// Why a line is left out: the job was cancelled while it waited.
const NEVER_STARTED: &str = "cancelled before the start (status 5)";
/// Why a line is left out: jobs of its status were not asked for.
const OTHER_STATUS: &str = "of another status than asked for";
/// Why a line is left out: nothing says when the job came.
const WITHOUT_SUBMISSION: &str = "without a submit time";

/// What the status of a line (field 11) says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// -1 or a number that the format does not define.
    Unknown,
    /// 0: ran and failed.
    Failed,
    /// 1: ran to its end.
    Completed,
    /// 2, 3 and 4: one stretch of a job that was interrupted; the job as a whole has a line of its own.
    Part,
    /// 5: cancelled, while it waited or while it ran.
    Cancelled,
}

impl JobStatus {
    fn of(number: i64) -> Self {
        match number {
            0 => Self::Failed,
            1 => Self::Completed,
            2..=4 => Self::Part,
            5 => Self::Cancelled,
            _ => Self::Unknown,
        }
    }
}

/// Which lines of a trace are taken as jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwfLines(pub Vec<JobStatus>);

impl Default for SwfLines {
    /// Everything but the parts of jobs.
    fn default() -> Self {
        Self(vec![JobStatus::Unknown, JobStatus::Failed, JobStatus::Completed, JobStatus::Cancelled])
    }
}

/// Reads an SWF trace, plain or compressed, as [`read_swf_lines`] does with the usual lines.
///
/// # Errors
/// As [`read_swf_lines`].
pub fn read_swf(path: &Path) -> Result<JobTrace, InputError> {
    read_swf_lines(path, &SwfLines::default())
}

/// Reads an SWF trace, plain or compressed.
///
/// # Errors
/// When the file cannot be read, a line has fewer than five fields, a field that matters is no number or is out of
/// bounds, a submit time is negative (other than -1, unknown), or there is no job at all.
pub fn read_swf_lines(path: &Path, lines: &SwfLines) -> Result<JobTrace, InputError> {
    read_swf_from(path, open(path)?, lines)
}

/// The same over an open reader; `path` is only named in errors.
///
/// # Errors
/// As [`read_swf_lines`].
pub fn read_swf_from(
    path: &Path,
    mut input: Box<dyn BufRead>,
    lines: &SwfLines,
) -> Result<JobTrace, InputError> {
    let (mut reading, mut header) = (Reading::new(lines), Header::default());
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = input.read_until(b'\n', &mut line).map_err(|e| io_error(path, number, &e))?;
        if read == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        match text.strip_prefix(';') {
            Some(comment) => header.note(comment),
            None if text.is_empty() => {}
            None => reading.line(&Line { path, number, text })?,
        }
    }
    let trace = reading.into_trace(&header);
    if trace.jobs.is_empty() {
        let nothing_left_out = trace.left_out == LeftOutCounts::default();
        let error = trace.left_out.without_any(path, "job");
        return Err(error.maybe(if nothing_left_out {
            "it is not in the Standard Workload Format"
        } else {
            "other lines should be taken, by their status"
        }));
    }
    Ok(trace)
}

/// A trace while it is read.
struct Reading<'a> {
    lines: &'a SwfLines,
    trace: JobTrace,
    owner_of: HashMap<Option<i64>, u32>,
    partition_of: HashMap<Option<i64>, u32>,
    /// The line before, if it was taken: the lines of a job follow each other.
    before: Option<Before>,
}

/// What a line needs to know of the one before it.
#[derive(Clone, Copy)]
struct Before {
    id: i64,
    status: JobStatus,
    end_seconds: i64,
}

impl<'a> Reading<'a> {
    fn new(lines: &'a SwfLines) -> Self {
        let (trace, owner_of, partition_of) = Default::default();
        Self { lines, trace, owner_of, partition_of, before: None }
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), InputError> {
        let fields = line.fields()?;
        let before = self.before.filter(|before| before.id == fields.id);
        let submit_seconds = match before {
            // Only the first part of a job has a submit time, the others wait from the end of the one before.
            Some(before) if fields.status == JobStatus::Part && fields.submit < 0 => before.end_seconds,
            _ => fields.submit,
        };
        if let Some(why) = self.why_left_out(&fields, submit_seconds) {
            self.trace.left_out.add(why);
            return Ok(());
        }
        if fields.status == JobStatus::Part && before.is_some_and(|b| b.status != JobStatus::Part) {
            self.trace.jobs.truncate(self.trace.jobs.len() - 1);
            self.trace.left_out.add(TOLD_IN_PARTS);
        }
        let run_seconds = if fields.run < 0 { NEGATIVE_RUN_SECONDS } else { fields.run };
        let end_seconds = submit_seconds + fields.wait.max(0) + run_seconds;
        self.before = Some(Before { id: fields.id, status: fields.status, end_seconds });
        self.push(line, &fields, submit_seconds, run_seconds)
    }

    fn why_left_out(&self, fields: &Fields, submit_seconds: i64) -> Option<&'static str> {
        match fields.status {
            JobStatus::Part if !self.lines.0.contains(&JobStatus::Part) => Some(PARTS),
            status if !self.lines.0.contains(&status) => Some(OTHER_STATUS),
            JobStatus::Cancelled if fields.run <= 0 => Some(NEVER_STARTED),
            _ if fields.run == 0 => Some(WITHOUT_RUN),
            _ if fields.size < 1 => Some(WITHOUT_SIZE),
            _ if submit_seconds < 0 => Some(WITHOUT_SUBMISSION),
            _ => None,
        }
    }

    fn push(&mut self, line: &Line<'_>, fields: &Fields, submit: i64, run: i64) -> Result<(), InputError> {
        let jobs = &mut self.trace.jobs;
        room_for_a_job(jobs.len(), line.path, line.number)?;
        if submit > SUBMIT_SECONDS_MAX {
            let problem = format!("this part of the job comes after second {SUBMIT_SECONDS_MAX}");
            return Err(InputError::new(line.path, problem).at_line(line.number));
        }
        // Below 0 the user is not known, so the job is nobody's.
        let user = if fields.user < 0 { None } else { Some(fields.user) };
        let owner = index_of(user, &mut self.owner_of, &mut jobs.owners, "user ");
        jobs.push(Job {
            id: fields.id as u64,
            submit_seconds: submit,
            run_seconds: run as u32,
            requested_seconds: if fields.requested < 1 { run } else { fields.requested } as u32,
            size: fields.size as u32,
            owner,
            priority: 0,
        });
        jobs.partition.push(match fields.partition {
            ..0 => Jobs::NO_PARTITION,
            number => index_of(Some(number), &mut self.partition_of, &mut jobs.partitions, ""),
        });
        Ok(())
    }

    fn into_trace(self, header: &Header) -> JobTrace {
        let mut trace = self.trace;
        (trace.nodes, trace.partition_nodes) = (header.processors(), header.partition_processors());
        if trace.jobs.partitions.is_empty() {
            trace.jobs.partition = Vec::new();
        }
        trace.jobs.sort_stable_by_key(|j| j.id);
        trace.moved_into_order = trace.jobs.sort_by_submit();
        trace
    }
}

/// The index of the name made of this number, empty without one, which is added when it is new.
fn index_of(
    number: Option<i64>,
    known: &mut HashMap<Option<i64>, u32>,
    names: &mut Vec<String>,
    prefix: &str,
) -> u32 {
    *known.entry(number).or_insert_with(|| {
        names.push(number.map_or_else(String::new, |number| format!("{prefix}{number}")));
        names.len() as u32 - 1
    })
}

struct Line<'a> {
    path: &'a Path,
    number: u64,
    text: &'a str,
}

/// The fields of a line that matter.
struct Fields {
    id: i64,
    submit: i64,
    wait: i64,
    run: i64,
    size: i64,
    requested: i64,
    status: JobStatus,
    user: i64,
    partition: i64,
}

impl Line<'_> {
    fn fields(&self) -> Result<Fields, InputError> {
        let mut texts = [None; 16];
        let mut have = 0;
        for (slot, text) in texts.iter_mut().zip(self.text.split_ascii_whitespace()) {
            *slot = Some(text);
            have += 1;
        }
        if have < 5 {
            let problem = format!("the line has {have} fields, expected 18 (at least 5)");
            return Err(InputError::new(self.path, problem).at_line(self.number).with_value(self.text));
        }
        let field = |n: usize, name: &str, min: i64, max: i64| {
            self.number(texts[n - 1], decimal::whole, n, name, (min, max))
        };
        let time = |n: usize, name: &str, min: i64, max: i64| {
            self.number(texts[n - 1], decimal::rounded, n, name, (min, max))
        };
        let length = |n: usize, name: &str, min: i64, max: i64| {
            self.number(texts[n - 1], decimal::rounded_length, n, name, (min, max))
        };
        let any = i64::from(i32::MIN);
        Ok(Fields {
            id: field(1, "job number", 0, i64::MAX)?,
            submit: time(2, "submit time", -1, SUBMIT_SECONDS_MAX)?,
            wait: time(3, "wait time", i64::MIN, SUBMIT_SECONDS_MAX)?,
            run: length(4, "run time", any, JOB_VALUE_MAX)?,
            size: field(5, "allocated processors", -1, JOB_VALUE_MAX)?.max(field(
                8,
                "requested processors",
                -1,
                JOB_VALUE_MAX,
            )?),
            requested: length(9, "requested time", any, JOB_VALUE_MAX)?,
            status: JobStatus::of(field(11, "status", i64::MIN, i64::MAX)?),
            user: field(12, "user", i64::MIN, i64::MAX)?,
            partition: field(16, "partition", i64::MIN, i64::MAX)?,
        })
    }

    /// Field `n` (from 1) as a number within the bounds; a missing field is -1.
    fn number(
        &self,
        text: Option<&str>,
        read: fn(&str) -> Option<i64>,
        n: usize,
        name: &str,
        (min, max): (i64, i64),
    ) -> Result<i64, InputError> {
        let Some(text) = text else { return Ok(-1) };
        match read(text) {
            Some(value) if (min..=max).contains(&value) => Ok(value),
            _ => Err(InputError::new(self.path, format!("expected a whole number from {min} to {max}"))
                .at_line(self.number)
                .in_column(format!("{n} ({name})"))
                .with_value(text)),
        }
    }
}

#[cfg(test)]
mod tests;
