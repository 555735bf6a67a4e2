//! Decisions with their reasons, and the explanation of anything by its name.

#![expect(unused_qualifications, reason = "utoipa writes paths out for types of its own module")]

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use lepton_core::model::counted;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::lists::{ListQuery, cursor};
use super::problem::Problem;
use super::rows::{DecisionRow, PlanBody};
use super::why_not::{WhyNotBody, WouldFit, look};
use crate::serve::starts::ExpectedStart;

/// Decisions shown with an explanation.
const SHOWN_MAX: usize = 20;

/// A page of decisions, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DecisionPage {
    items: Vec<DecisionRow>,
    /// Where the next page begins; none at the end.
    next_cursor: Option<String>,
    /// The cluster's time of what is shown, seconds.
    as_of_seconds: u64,
}

/// Why something is as it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explanation {
    /// What was asked for.
    id: String,
    /// decision, plan, task or node.
    kind: String,
    /// The answer in one sentence.
    sentence: String,
    /// The dominant reason, a stable code.
    code: String,
    /// The plan, where one was asked for.
    plan: Option<PlanBody>,
    /// The decisions behind it, the newest first.
    decisions: Vec<DecisionRow>,
    /// Of a task: why it does not stand on the node that was asked about.
    why_not: Option<WhyNotBody>,
    /// Of a task that waits: where the least would have to change for it to fit, and what.
    would_fit: Option<WouldFit>,
    /// Of a task that waits: when it is expected to start; none where nothing can be told.
    starts: Option<ExpectedStart>,
}

/// What more is asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExplainQuery {
    /// Of a task: a node on which it does not stand.
    why_not: Option<String>,
}

/// Decisions, the newest first.
#[utoipa::path(get, path = "/api/v1/decisions", params(ListQuery),
    responses((status = 200, body = DecisionPage), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn decisions(
    State(shared): State<Shared>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<DecisionPage>, Problem> {
    let (query, task) = ListQuery::of(query)?;
    let (limit, before) = (query.limit()?, query.before()?);
    let page = shared.read(move |reader| reader.decisions(task.as_deref(), before, limit)).await?;
    Ok(Json(DecisionPage {
        items: page.items.iter().map(|item| DecisionRow::of(&item.record)).collect(),
        next_cursor: page.next_before.map(cursor),
        as_of_seconds: shared.published.view().status.time_seconds,
    }))
}

/// A decision.
#[utoipa::path(get, path = "/api/v1/decisions/{id}", params(("id" = String, Path)),
    responses((status = 200, body = DecisionRow), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn decision(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<DecisionRow>, Problem> {
    let (turn, number) = decision_id(&id).ok_or_else(|| no_such(&id))?;
    let found = shared.read(move |reader| reader.decision(turn, number)).await?;
    Ok(Json(DecisionRow::of(&found.ok_or_else(|| no_such(&id))?.record)))
}

/// Why: of a decision (d12-3), a plan (p12), a task or a node. Of a task also why not on another node.
#[utoipa::path(get, path = "/api/v1/explain/{id}", params(("id" = String, Path), ExplainQuery),
    responses((status = 200, body = Explanation), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn explain(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    query: Result<Query<ExplainQuery>, QueryRejection>,
) -> Result<Json<Explanation>, Problem> {
    let node = query.map_err(|e| Problem::bad(e.body_text()))?.0.why_not;
    let mut explanation = told(&shared, &id).await?;
    let view = shared.published.view();
    let waiting = view.tasks.named(&id).filter(|task| task.node.is_none());
    let waits = waiting.is_some();
    let starts = waiting.and_then(|task| task.starts);
    explanation.starts =
        starts.map(|row| ExpectedStart::of(row, view.status.time_seconds, view.status.starts));
    if explanation.kind != "task" {
        return match node {
            Some(_) => {
                Err(Problem::bad(format!("`why_not` is asked of a task; {id} is a {}", explanation.kind)))
            }
            None => Ok(Json(explanation)),
        };
    }
    if node.is_some() || waits {
        let asked = node.clone();
        let looked = shared.think(move |snapshot| look(&snapshot, &id, asked.as_deref())).await;
        match (looked, node) {
            (Ok(Ok(found)), _) => {
                if let Some(why_not) = &found.why_not {
                    explanation.sentence.clone_from(&why_not.sentence);
                }
                (explanation.why_not, explanation.would_fit) = (found.why_not, found.would_fit);
            }
            (Ok(Err(gone)), Some(_)) => return Err(Problem::not_found(gone)),
            (Err(problem), Some(_)) => return Err(problem),
            // The rest of the explanation stands without it.
            (Ok(Err(_)) | Err(_), None) => {}
        }
    }
    Ok(Json(explanation))
}

/// What the store and the last view tell of it.
async fn told(shared: &Shared, id: &str) -> Result<Explanation, Problem> {
    let id = id.to_owned();
    if let Some((turn, number)) = decision_id(&id)
        && let Some(found) = shared.read(move |reader| reader.decision(turn, number)).await?
    {
        return Ok(of_decisions(&id, "decision", vec![DecisionRow::of(&found.record)]));
    }
    if let Some(turn) = plan_id(&id)
        && let Some(row) = shared.read(move |reader| reader.plan(turn)).await?
    {
        let plan = PlanBody::of(row);
        let steps: usize = plan.parts.iter().map(|part| part.steps.len()).sum();
        let mut explanation = of_decisions(&id, "plan", Vec::new());
        explanation.sentence = format!("{}, {}", counted(steps, "step", "steps"), plan.state);
        explanation.code = plan.parts.first().map(|part| part.reason.clone()).unwrap_or_default();
        explanation.plan = Some(plan);
        return Ok(explanation);
    }
    let (name, asked) = (id.clone(), id.clone());
    let of_task = shared.read(move |reader| reader.decisions(Some(&name), None, SHOWN_MAX)).await?.items;
    if !of_task.is_empty() {
        return Ok(of_decisions(&id, "task", of_task.iter().map(|d| DecisionRow::of(&d.record)).collect()));
    }
    let of_node = shared.read(move |reader| reader.decisions_of_node(&asked, SHOWN_MAX)).await?;
    if !of_node.is_empty() {
        return Ok(of_decisions(&id, "node", of_node.iter().map(|d| DecisionRow::of(&d.record)).collect()));
    }
    let view = shared.published.view();
    let task = view.tasks.named(&id).map(|task| {
        let place =
            task.node.as_deref().map_or_else(|| "waits".to_owned(), |node| format!("stands on {node}"));
        let observed = task.owner.as_deref().filter(|owner| view.status.only_observes(owner));
        let why = observed
            .map_or_else(String::new, |owner| format!(": the loop only observes the tasks of {owner}"));
        ("task", format!("{id} {place}; Lepton has decided nothing about it{why}"))
    });
    let node = view
        .nodes
        .iter()
        .any(|node| node.name == id)
        .then(|| ("node", format!("Lepton has decided nothing about {id}")));
    let (kind, sentence) = task.or(node).ok_or_else(|| no_such(&id))?;
    Ok(Explanation { sentence, ..of_decisions(&id, kind, Vec::new()) })
}

fn of_decisions(id: &str, kind: &str, decisions: Vec<DecisionRow>) -> Explanation {
    let newest = decisions.first();
    Explanation {
        id: id.to_owned(),
        kind: kind.to_owned(),
        sentence: newest.map_or_else(String::new, |d| d.sentence.clone()),
        code: newest.map_or_else(|| "Undecided".to_owned(), |d| d.code.clone()),
        plan: None,
        decisions,
        why_not: None,
        would_fit: None,
        starts: None,
    }
}

fn no_such(id: &str) -> Problem {
    Problem::not_found(format!(
        "there is no decision, plan, task or node `{id}`; a decision is named as d12-3, a plan as p12"
    ))
}

fn decision_id(id: &str) -> Option<(u64, u32)> {
    let (turn, number) = id.strip_prefix('d')?.split_once('-')?;
    Some((turn.parse().ok().filter(|turn| i64::try_from(*turn).is_ok())?, number.parse().ok()?))
}

pub(super) fn plan_id(id: &str) -> Option<u64> {
    id.strip_prefix('p')?.parse().ok().filter(|turn| i64::try_from(*turn).is_ok())
}
