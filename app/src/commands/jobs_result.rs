//! The result of `lepton simulate jobs` as a table for people and as CSV. Nothing is computed here; a figure over
//! nothing is a dash in the table and empty in the CSV.

use lepton_core::model::counted;
use std::fmt::Write as _;

use lepton_sim::experiment::jobs::{
    CombinationName, Finding, GuardSummary, JobsStudy, JobsSummary, Protocol, SampledFigure,
};
use lepton_sim::jobs::OwnerFigures;

use crate::columns::{Column, fitted};
use crate::numbers::{duration, signed};

/// Owners of each row in the table by owner; the other owners are counted.
const OWNERS_MAX: usize = 10;

/// The table for people, on a terminal of this width.
pub(super) fn text(study: &JobsStudy, width: Option<usize>, by_owner: bool) -> String {
    let rows = ranked(study);
    let (table, left_out) = fitted(columns(study, &rows), width);
    let mut remarks = Vec::new();
    if !left_out.is_empty() {
        remarks.push(format!(
            "No room in {} columns for: {}. A wider terminal, --output csv and --output json have them.",
            width.unwrap_or(0),
            left_out.join(", ")
        ));
    }
    remarks.push(finding(study));
    remarks.extend(legend(study, &left_out));
    remarks.extend(rows.iter().filter_map(|s| who_served(s)));
    let paragraphs = |remarks: &[String]| {
        remarks.iter().map(|remark| wrapped(remark, width) + "\n").collect::<Vec<_>>().concat()
    };
    let mut text = format!("{}\n{table}\n{}", wrapped(&head(study), width), paragraphs(&remarks));
    if by_owner {
        if rows.iter().flat_map(|s| &s.owners).all(|o| o.owner.is_empty()) {
            text.push_str("No job has an owner, so there are no figures by owner.\n");
        } else {
            let (table, _) = fitted(owner_columns(study, &rows), width);
            let _ = writeln!(text, "\nBy owner, the {OWNERS_MAX} with the most work:\n{table}");
        }
    }
    text + &paragraphs(&[how_long(study)])
}

/// What was run, in a line.
fn head(study: &JobsStudy) -> String {
    let JobsStudy { trace, jobs, nodes, seeds, summary, .. } = study;
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    let backfill = summary.first().map(|s| s.backfill);
    let backfill = backfill.filter(|first| summary.iter().all(|s| s.backfill == *first));
    let backfill = backfill.map_or_else(String::new, |backfill| format!(", backfill {backfill}"));
    let (jobs, nodes) = (counted(*jobs, "job", "jobs"), counted(*nodes, "node", "nodes"));
    let word = if seeds.len() == 1 { "seed" } else { "seeds" };
    format!("{trace}: {jobs}, {nodes}{backfill}, {word} {}", seeds.join(", "))
}

/// Runs done and how long they took.
fn how_long(study: &JobsStudy) -> String {
    let JobsStudy { seconds, threads, summary, .. } = study;
    let runs: usize = summary.iter().map(|s| s.runs).sum();
    let planned: usize = summary.iter().map(|s| s.runs_planned).sum();
    let of = if runs < planned { format!("Stopped: {runs} of ") } else { String::new() };
    let (all, threads) = (counted(planned.max(runs), "run", "runs"), counted(*threads, "thread", "threads"));
    format!("{of}{all} in {seconds:.2} s on {threads}.")
}

/// Longest line of a remark where the result goes to no terminal, in characters.
const REMARK_CHARS: usize = 100;

/// The text with line breaks between words, so that no line is longer than the terminal is wide.
fn wrapped(text: &str, width: Option<usize>) -> String {
    let width = width.unwrap_or(REMARK_CHARS);
    let (mut out, mut length) = (String::new(), 0);
    for word in text.split(' ') {
        let chars = word.chars().count();
        if length > 0 && length + 1 + chars > width {
            out.push('\n');
            length = 0;
        } else if length > 0 {
            out.push(' ');
            length += 1;
        }
        out.push_str(word);
        length += chars;
    }
    out
}

/// The rows by mean bounded slowdown, the lowest first; those without one last.
fn ranked(study: &JobsStudy) -> Vec<&JobsSummary> {
    let mut rows: Vec<&JobsSummary> = study.summary.iter().collect();
    let score = |s: &JobsSummary| s.mean_bounded_slowdown.unwrap_or(f64::INFINITY);
    rows.sort_by(|a, b| score(a).total_cmp(&score(b)));
    rows
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.digits$}"))
}

fn percent(share: Option<f64>, digits: usize) -> String {
    number(share.map(|s| 100.0 * s), digits)
}

/// A mean with its deviation where there is one.
fn with_deviation(mean: Option<f64>, sampled: Option<SampledFigure>) -> String {
    let mean = number(mean, 2);
    sampled.map_or_else(|| mean.clone(), |s| format!("{mean} ±{:.2}", s.sd))
}

/// The columns of the table of results.
fn columns(study: &JobsStudy, rows: &[&JobsSummary]) -> Vec<Column> {
    let any = |holds: &dyn Fn(&JobsSummary) -> bool| rows.iter().any(|s| holds(s));
    let several = |value: fn(&JobsSummary) -> &str| any(&|s| value(s) != value(rows[0]));
    let column = |title: &str, dispensable: u8, cell: &dyn Fn(&JobsSummary) -> String| {
        Column::new(title, dispensable, rows.iter().map(|s| cell(s)).collect())
    };
    let events = study.protocol == Protocol::Events;
    let best = study.verdict.lowest.as_ref().filter(|_| study.verdict.finding == Finding::Best);
    let mut columns = vec![column("policy", 0, &|s| {
        let mark = if best == Some(&s.name()) { " *" } else { "" };
        format!("{}{mark}", s.policy)
    })];
    if several(|s| s.backfill) {
        columns.push(column("backfill", 0, &|s| s.backfill.to_owned()));
    }
    if several(|s| &s.placement) {
        columns.push(column("placement", 0, &|s| s.placement.clone()));
    }
    columns.push(column("slowdown", 0, &|s| {
        with_deviation(s.mean_bounded_slowdown, s.spread.as_ref().map(|p| p.mean_bounded_slowdown))
    }));
    let paired = |s: &JobsSummary| s.spread.as_ref().and_then(|p| p.mean_bounded_slowdown.paired);
    if let Some(baseline) = study.baseline.as_ref().filter(|_| any(&|s| paired(s).is_some())) {
        columns.push(column(&format!("against {}", baseline.policy), 2, &|s| {
            paired(s).map_or_else(
                || "-".to_owned(),
                |p| format!("{} ±{:.2}", signed(p.difference, 2), (p.high - p.low) / 2.0),
            )
        }));
    }
    columns.extend([
        column("wait", 1, &|s| duration(s.mean_wait_seconds)),
        column("median", 7, &|s| duration(s.wait_seconds.median)),
        column("p95", 4, &|s| duration(s.wait_seconds.p95)),
        column("p99", 8, &|s| duration(s.wait_seconds.p99)),
        column("completion", 6, &|s| duration(s.mean_completion_seconds)),
        column("use %", 3, &|s| percent(s.utilization, 1)),
        column("finished", 0, &finished),
    ]);
    if any(&|s| s.too_large > 0) {
        columns.push(column("too large", 0, &|s| s.too_large.to_string()));
    }
    if any(&|s| s.unfinished > 0) {
        columns.push(column("unfinished", 0, &|s| s.unfinished.to_string()));
    }
    if study.stopped_early {
        columns.push(column("runs", 0, &|s| format!("{} of {}", s.runs, s.runs_planned)));
    }
    if any(&|s| s.preemptions > 0) {
        columns.push(column("preempted", 5, &|s| s.preemptions.to_string()));
        columns.push(column("lost %", 5, &|s| percent(s.lost_share, 2)));
    }
    if any(&|s| s.runs_planned > 1) {
        columns.push(column("worst run", 9, &|s| number(s.worst_run_mean_bounded_slowdown, 2)));
    }
    columns.push(column("Jain", 9, &|s| number(s.fairness.jain_index, 3)));
    if events {
        columns.push(column("peak use %", 10, &|s| percent(s.peak_utilization, 1)));
        columns.push(column("stranded %", 11, &|s| percent(s.mean_fragmentation, 1)));
    }
    columns
}

/// How many jobs the figures are over.
fn finished(s: &JobsSummary) -> String {
    if s.finished == s.jobs { s.jobs.to_string() } else { format!("{} of {}", s.finished, s.jobs) }
}

fn name(of: &CombinationName, study: &JobsStudy) -> String {
    let several = |differs: fn(&JobsSummary, &CombinationName) -> bool| {
        study.summary.iter().any(|s| study.summary.iter().any(|t| differs(s, &t.name())))
    };
    let mut name = of.policy.clone();
    if of.backfill != "none" {
        let _ = write!(name, " + {}", of.backfill);
    }
    if several(|s, other| s.placement != other.placement) {
        let _ = write!(name, " on {}", of.placement);
    }
    name
}

/// What may be said of the lowest mean bounded slowdown, in a sentence.
fn finding(study: &JobsStudy) -> String {
    let verdict = &study.verdict;
    let names = verdict.lowest.as_ref().zip(verdict.next.as_ref());
    let (lowest, next) = names.map(|(l, n)| (name(l, study), name(n, study))).unwrap_or_default();
    let interval = verdict.difference.map_or_else(String::new, |p| {
        let samples = study.summary.iter().find_map(|s| s.spread.as_ref());
        let samples = samples.map_or_else(String::new, |s| format!(" over {} {}", s.samples, s.over));
        let [difference, low, high] = [p.difference, p.low, p.high].map(|value| signed(value, 2));
        format!("{difference}, 95% interval {low} to {high}{samples}")
    });
    match verdict.finding {
        Finding::NoResult => "No job finished: there are no figures.".to_owned(),
        Finding::OnlyOne => "One combination: nothing to compare.".to_owned(),
        Finding::Stopped => "Stopped before every row had all its runs: no row is called best.".to_owned(),
        Finding::DifferentJobs => {
            "Different jobs finished in different rows, so their means are not over the same: no row is called best."
                .to_owned()
        }
        Finding::Even => format!("{lowest} and {next} have the same mean bounded slowdown, the lowest."),
        Finding::OneSample => {
            format!("Lowest slowdown: {lowest}, then {next}. One sample, so no test and no row is called best.")
        }
        Finding::NotShown => {
            format!("Lowest slowdown: {lowest}, not shown to be below {next}, the next: {interval}.")
        }
        Finding::Best => format!("* best: {lowest}, less slowdown than {next}, the next: {interval}."),
    }
}

/// What the headings mean.
fn legend(study: &JobsStudy, left_out: &[String]) -> Vec<String> {
    let shown = |title: &str| !left_out.iter().any(|t| t == title);
    let any = |holds: fn(&JobsSummary) -> bool| study.summary.iter().any(holds);
    let lines = [
        (
            true,
            "slowdown: mean bounded slowdown, (wait + run) / max(run, 10 s), at least 1; rows by it. All means are over \
             the jobs that finished.",
        ),
        (any(|s| s.spread.is_some()), "±: standard deviation; after a difference, half of its 95% interval."),
        (any(|s| s.too_large > 0), "too large: the machine could never hold them; they are in no figure."),
        (shown("Jain"), "Jain: fairness over owners, 1 is even."),
        (
            study.protocol == Protocol::Events && shown("stranded %"),
            "stranded: free units that are of no use, mean over time.",
        ),
    ];
    lines.into_iter().filter(|line| line.0).map(|line| line.1.to_owned()).collect()
}

/// How long the learned policy served itself; nothing where there was no guard.
fn who_served(summary: &JobsSummary) -> Option<String> {
    let GuardSummary { rule, model_share, comparisons, changes } = summary.guard()?;
    let JobsSummary { policy, backfill, .. } = summary;
    Some(format!(
        "{policy}, backfill {backfill}: the model served {:.0}% of the jobs and {rule} the others; comparisons in the \
         shadow: {comparisons}, changes: {changes}.",
        100.0 * model_share
    ))
}

/// The table by owner.
fn owner_columns(study: &JobsStudy, rows: &[&JobsSummary]) -> Vec<Column> {
    let of_owners: Vec<(&JobsSummary, &OwnerFigures)> =
        rows.iter().flat_map(|&s| s.owners.iter().take(OWNERS_MAX).map(move |o| (s, o))).collect();
    let column = |title: &str, dispensable: u8, cell: &dyn Fn(&JobsSummary, &OwnerFigures) -> String| {
        Column::new(title, dispensable, of_owners.iter().map(|&(s, o)| cell(s, o)).collect())
    };
    let work = |s: &JobsSummary| s.owners.iter().map(|o| o.work_unit_seconds).sum::<f64>();
    vec![
        column("policy", 0, &|s, _| name(&s.name(), study)),
        column("owner", 0, &|_, o| if o.owner.is_empty() { "(nobody)".to_owned() } else { o.owner.clone() }),
        column("slowdown", 0, &|_, o| number(o.mean_bounded_slowdown, 2)),
        column("wait", 0, &|_, o| duration(o.mean_wait_seconds)),
        column("completion", 1, &|_, o| duration(o.mean_completion_seconds)),
        column("work %", 2, &|s, o| {
            percent(Some(o.work_unit_seconds / work(s)).filter(|share| share.is_finite()), 1)
        }),
        column("finished", 0, &|_, o| {
            if o.finished == o.jobs { o.jobs.to_string() } else { format!("{} of {}", o.finished, o.jobs) }
        }),
    ]
}

/// A text as a CSV field.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn or_empty<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |v| v.to_string())
}

/// Columns of the CSV after the names of the combination.
const COLUMNS_OF_A_RUN: usize = 18;

/// One line per run, and one without figures for a combination without a run; or one per row and owner.
pub(super) fn csv(study: &JobsStudy, by_owner: bool) -> String {
    if by_owner {
        return owners_csv(study);
    }
    let mut out = String::from(
        "policy,backfill,placement,start,virtual_cluster,seed,nodes,jobs,finished,too_large,\
         mean_bounded_slowdown,mean_wait_seconds,mean_completion_seconds,utilization,makespan_seconds,\
         preemptions,lost_unit_seconds,seconds,unfinished,units,use_to_last_start\n",
    );
    for (s, r) in study.runs() {
        let _ = writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            s.policy,
            s.backfill,
            s.placement,
            or_empty(r.start),
            quoted(r.virtual_cluster.as_deref().unwrap_or("")),
            r.seed,
            r.nodes,
            r.jobs,
            r.finished,
            r.too_large,
            or_empty(r.mean_bounded_slowdown),
            or_empty(r.mean_wait_seconds),
            or_empty(r.mean_completion_seconds),
            or_empty(r.utilization),
            or_empty(r.makespan_seconds),
            r.preemptions,
            r.lost_unit_seconds,
            r.seconds,
            r.unfinished,
            r.units,
            or_empty(r.use_to_last_start),
        );
    }
    // A study that was stopped may have combinations without a run.
    for s in study.summary.iter().filter(|s| s.runs == 0) {
        let _ = writeln!(out, "{},{},{}{}", s.policy, s.backfill, s.placement, ",".repeat(COLUMNS_OF_A_RUN));
    }
    out
}

fn owners_csv(study: &JobsStudy) -> String {
    let mut out = String::from(
        "policy,backfill,placement,owner,jobs,finished,work_unit_seconds,mean_bounded_slowdown,mean_wait_seconds,\
         mean_completion_seconds\n",
    );
    for (s, o) in study.summary.iter().flat_map(|s| s.owners.iter().map(move |o| (s, o))) {
        let _ = writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{}",
            s.policy,
            s.backfill,
            s.placement,
            quoted(&o.owner),
            o.jobs,
            o.finished,
            o.work_unit_seconds,
            or_empty(o.mean_bounded_slowdown),
            or_empty(o.mean_wait_seconds),
            or_empty(o.mean_completion_seconds),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_remark_is_longer_than_the_terminal_is_wide() {
        let text = "No room in 80 columns for: p95, completion, median, p99, Jain, worst run, peak use %.";
        for width in [20, 40, 80] {
            let lines = wrapped(text, Some(width));
            assert!(lines.lines().all(|line| line.chars().count() <= width), "{lines}");
            assert_eq!(lines.replace('\n', " "), text);
        }
        assert_eq!(wrapped("unbreakable", Some(3)), "unbreakable");
    }
}
