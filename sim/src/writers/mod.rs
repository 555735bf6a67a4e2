//! Writers: what became of each job, as SWF for the tools of that world and as CSV for the rest; instances of
//! the machine reassignment problem.

mod reassignment;
mod swf;

use std::io::{self, Write};

pub use reassignment::{write_reassignment_model, write_reassignment_placement};
pub use swf::write_swf;

use crate::jobs::{Jobs, NEVER, Outcome, bounded_slowdown};

/// Writes a result as CSV, one line per job in order of submission, with its name last where jobs have names; what did not happen is empty: the start and run time
/// of a job that never started, the end of one that never ended.
///
/// # Errors
/// When the output cannot be written.
pub fn write_jobs_csv(out: &mut impl Write, jobs: &Jobs, outcome: &Outcome) -> io::Result<()> {
    writeln!(
        out,
        "id,owner,size,submit_seconds,start_seconds,end_seconds,wait_seconds,run_seconds,bounded_slowdown,\
         lost_seconds{}",
        if jobs.names.is_empty() { "" } else { ",name" }
    )?;
    let known = |seconds: i64| if seconds == NEVER { String::new() } else { seconds.to_string() };
    for i in 0..jobs.len() {
        let owner = jobs.owners.get(jobs.owner[i] as usize).map_or("", String::as_str);
        let wait = outcome.wait_seconds(jobs, i);
        let slowdown = wait.map(|w| bounded_slowdown(w as f64, f64::from(jobs.run_seconds[i])));
        writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{}{}",
            jobs.id[i],
            quoted(owner),
            jobs.size[i],
            jobs.submit_seconds[i],
            known(outcome.start_seconds[i]),
            known(outcome.end_seconds[i]),
            wait.map_or_else(String::new, |w| w.to_string()),
            wait.map_or_else(String::new, |_| jobs.run_seconds[i].to_string()),
            slowdown.map_or_else(String::new, |s| format!("{s:.4}")),
            outcome.lost_seconds.get(i).copied().unwrap_or(0),
            jobs.names.get(i).map_or_else(String::new, |name| format!(",{}", quoted(name))),
        )?;
    }
    out.flush()
}

/// A text as a CSV field.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests;
