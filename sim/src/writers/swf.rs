//! Writer of the Standard Workload Format: what became of each job. It writes what happened and nothing else: a job that
//! never started has no wait, no run time and no processors.

use std::io::{self, Write};

use crate::jobs::{Jobs, NEVER, Outcome};

/// Writes a result as SWF: the trace's jobs in order of submission. A finished job has status 1, its wait in all, the time
/// that it was on the machine (what it repeated included) and its processors; one that did not finish has status 5
/// (cancelled). Users and partitions keep the numbers that a trace gave them; owners with names are numbered from 1, and
/// notes in the header say which is which. Where jobs came before second 0, times count from the first submission.
///
/// # Errors
/// When the output cannot be written.
pub fn write_swf(out: &mut impl Write, jobs: &Jobs, outcome: &Outcome, processors: u64) -> io::Result<()> {
    let from = jobs.submit_seconds.first().copied().unwrap_or(0).min(0);
    let users = Numbers::of(&jobs.owners, "user ");
    let partitions = Numbers::of(&jobs.partitions, "");
    writeln!(out, "; Version: 2.2\n; MaxJobs: {}\n; MaxProcs: {processors}", jobs.len())?;
    if from < 0 {
        writeln!(out, "; Note: times count from second {from} of the trace")?;
    }
    users.notes(out, "user")?;
    partitions.notes(out, "partition")?;
    for i in 0..jobs.len() {
        let wait = outcome.wait_seconds(jobs, i);
        let start = outcome.start_seconds[i];
        let lost = outcome.lost_seconds.get(i).copied().unwrap_or(0);
        let ran = wait.map(|_| i64::from(jobs.run_seconds[i]) + lost as i64);
        let until_start = (start != NEVER).then(|| start - jobs.submit_seconds[i]);
        writeln!(
            out,
            "{} {} {} {} {} -1 -1 {} {} -1 {} {} -1 -1 -1 {} -1 -1",
            jobs.id[i],
            jobs.submit_seconds[i] - from,
            wait.or(until_start).unwrap_or(-1),
            ran.unwrap_or(-1),
            if start == NEVER { -1 } else { i64::from(jobs.size[i]) },
            jobs.size[i],
            jobs.requested_seconds[i],
            if wait.is_some() { 1 } else { 5 },
            users.number(Some(jobs.owner[i])),
            partitions.number(jobs.partition.get(i).copied()),
        )?;
    }
    out.flush()
}

/// The numbers that stand for names.
struct Numbers<'a> {
    names: &'a [String],
    /// The number that each name is; `None` when any of them is no number.
    given: Option<Vec<i64>>,
}

impl<'a> Numbers<'a> {
    fn of(names: &'a [String], prefix: &str) -> Self {
        let number = |name: &String| match &**name {
            "" => Some(-1),
            name => name.strip_prefix(prefix).unwrap_or(name).parse().ok(),
        };
        Self { names, given: names.iter().map(number).collect() }
    }

    fn number(&self, index: Option<u32>) -> i64 {
        let named = |&i: &usize| self.names.get(i).is_some_and(|name| !name.is_empty());
        let Some(index) = index.map(|i| i as usize).filter(named) else { return -1 };
        self.given.as_ref().map_or(index as i64 + 1, |given| given[index])
    }

    fn notes(&self, out: &mut impl Write, what: &str) -> io::Result<()> {
        if self.given.is_some() {
            return Ok(());
        }
        for (number, name) in (1..).zip(self.names).filter(|(_, name)| !name.is_empty()) {
            let name: String = name.chars().flat_map(char::escape_debug).collect();
            writeln!(out, "; Note: {what} {number} is {name}")?;
        }
        Ok(())
    }
}
