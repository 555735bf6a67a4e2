//! The document that the report page of a jobs study shows, as [`crate::report::jobs_html`] wants it.

use serde_json::{Value, json};

use super::figures::JobsFigures;
use super::study::JobsStudy;
use super::summary::JobsSummary;
use crate::report::jobs_html;

/// Owners of each combination in the table by owner.
const OWNERS_MAX: usize = 20;

/// The report page of the study. Figures are shown of the combinations that have them.
pub fn jobs_page(study: &JobsStudy) -> String {
    jobs_html(&document(study))
}

pub(super) fn document(study: &JobsStudy) -> Value {
    json!({
        "tool": study.tool, "version": study.version, "command": study.command, "trace": study.trace,
        "jobs": study.jobs, "nodes": study.nodes, "seeds": study.seeds, "unit": study.unit,
        "unit_size": study.unit_size, "shown": shown(study), "stopped_early": study.stopped_early,
        "left_out": study.left_out, "verdict": study.verdict, "baseline": study.baseline,
        "owners": study.summary.iter().flat_map(owners).collect::<Vec<_>>(),
        "summary": study.summary.iter().map(row).collect::<Vec<_>>(),
        "guards": study.summary.iter().filter_map(|s| Some(named(s, json!(s.guard()?)))).collect::<Vec<_>>(),
        "series": figures(study, |f| (!f.gantt.jobs.lane.is_empty()).then(|| json!(f.series))),
        "distributions": figures(study, |f| f.distributions.as_ref().map(|d| json!(d))),
        "gantt": figures(study, |f| (!f.gantt.jobs.lane.is_empty()).then(|| json!(f.gantt))),
    })
}

/// Which run the curves over time and the Gantt view show; null when there is only one.
fn shown(study: &JobsStudy) -> Value {
    let Some(summary) = study.summary.iter().find(|s| s.figures.is_some() && s.runs > 1) else {
        return Value::Null;
    };
    let run = &summary.per_sequence[0];
    json!({
        "runs": summary.runs, "seed": run.seed, "start": run.start, "virtual_cluster": run.virtual_cluster,
        "nodes": run.nodes,
    })
}

/// A row of the table of results.
fn row(s: &JobsSummary) -> Value {
    json!({
        "policy": s.policy, "backfill": s.backfill, "placement": s.placement,
        "jobs": s.jobs, "finished": s.finished, "too_large": s.too_large, "unfinished": s.unfinished,
        "runs": s.runs, "runs_planned": s.runs_planned, "spread": s.spread,
        "mean_bounded_slowdown": s.mean_bounded_slowdown,
        "mean_wait_seconds": s.mean_wait_seconds,
        "p95_wait_seconds": s.wait_seconds.p95,
        "p99_wait_seconds": s.wait_seconds.p99,
        "max_wait_seconds": s.wait_seconds.max,
        "mean_completion_seconds": s.mean_completion_seconds,
        "utilization": s.utilization,
        "jain_fairness": s.fairness.jain_index,
        "preemptions": s.preemptions,
        "lost_share": s.lost_share,
        "makespan_seconds": s.makespan_seconds,
    })
}

/// Rows of the table by owner: those with the most work.
fn owners(s: &JobsSummary) -> impl Iterator<Item = Value> + '_ {
    s.owners.iter().take(OWNERS_MAX).map(|owner| named(s, json!(owner)))
}

/// One kind of figure of every combination that has it.
fn figures(study: &JobsStudy, pick: impl Fn(&JobsFigures) -> Option<Value>) -> Vec<Value> {
    study.summary.iter().filter_map(|s| Some(named(s, pick(s.figures.as_ref()?)?))).collect()
}

/// An object with the names of the combination before its own members.
fn named(s: &JobsSummary, members: Value) -> Value {
    let mut named = json!({ "policy": s.policy, "backfill": s.backfill, "placement": s.placement });
    if let (Value::Object(named), Value::Object(members)) = (&mut named, members) {
        named.extend(members);
    }
    named
}
