//! Plans, and what people say to them.

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::people::{Answer, Ask, Request, Snoozing, Word};
use super::super::snoozes::{MINUTES_MAX, Snooze};
use super::Shared;
use super::access::Actor;
use super::idempotency::{key_of, key_taken};
use super::lists::{PageQuery, cursor};
use super::problem::Problem;
use super::records::plan_id;
use super::rows::{PlanBody, PlanLineRow};

/// A page of plans, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanPage {
    items: Vec<PlanLineRow>,
    /// Where the next page begins; none at the end.
    next_cursor: Option<String>,
    /// The cluster's time of what is shown, seconds.
    as_of_seconds: u64,
}

/// Why a plan is rejected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rejection {
    /// The kind of reason.
    code: RejectionCode,
    /// More of it, at most 1000 characters.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: String,
}

/// Kinds of reasons against a plan.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
enum RejectionCode {
    TooDisruptive,
    WrongTime,
    WrongVictim,
    NotWorthIt,
    Other,
}

/// How a plan, or what was put off, stands after a person's word.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Decided {
    /// Its name.
    id: String,
    /// approved, rejected or ended.
    state: String,
}

/// Plans, the newest first; what each does, `/api/v1/plans/{id}` tells.
#[utoipa::path(get, path = "/api/v1/plans", params(PageQuery),
    responses((status = 200, body = PlanPage), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn plans(
    State(shared): State<Shared>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<PlanPage>, Problem> {
    let query = PageQuery::of(query)?;
    let (limit, before) = (query.limit()?, query.before()?);
    let page = shared.read(move |reader| reader.plan_lines(before, limit)).await?;
    Ok(Json(PlanPage {
        items: page.items.into_iter().map(PlanLineRow::of).collect(),
        next_cursor: page.next_before.map(cursor),
        as_of_seconds: shared.published.view().status.time_seconds,
    }))
}

/// A plan; its ETag is the digest of its effects.
#[utoipa::path(get, path = "/api/v1/plans/{id}", params(("id" = String, Path)),
    responses((status = 200, body = PlanBody), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn plan(State(shared): State<Shared>, Path(id): Path<String>) -> Result<Response, Problem> {
    let turn = plan_id(&id).ok_or_else(|| no_such(&id))?;
    let row = shared.read(move |reader| reader.plan(turn)).await?.ok_or_else(|| no_such(&id))?;
    let tag = format!("\"{}\"", row.effects);
    Ok(([(header::ETAG, tag)], Json(PlanBody::of(row))).into_response())
}

/// Approves a plan and has it carried out. Demands If-Match with the digest of the effects that were looked at.
#[utoipa::path(post, path = "/api/v1/plans/{id}/approve",
    params(("id" = String, Path), ("If-Match" = String, Header), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = Decided), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn approve(
    State(shared): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    ask(&shared, actor, &id, &headers, Word::Approve).await
}

/// Rejects a plan. Demands If-Match as well.
#[utoipa::path(post, path = "/api/v1/plans/{id}/reject", request_body = Rejection,
    params(("id" = String, Path), ("If-Match" = String, Header), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = Decided), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn reject(
    State(shared): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Rejection>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(Rejection { code, reason }) = body.map_err(|e| Problem::bad(e.body_text()))?;
    if reason.chars().count() > 1000 {
        return Err(Problem::bad("a reason of more than 1000 characters"));
    }
    ask(&shared, actor, &id, &headers, Word::Reject(format!("{code:?} {reason}").trim().to_owned())).await
}

/// Which parts are to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Derivation {
    /// Keys of parts, as 12.3; parts that need them go with them.
    #[schema(min_items = 1)]
    without: Vec<String>,
}

/// The plan that took the place of another.
#[derive(Debug, Serialize, ToSchema)]
struct Derived {
    /// The plan.
    id: String,
    /// proposed.
    state: String,
    /// Digest of what it does.
    effects: String,
    /// The parts that are left.
    parts: Vec<String>,
}

/// Puts a plan without some of its parts in the place of this one. It stands while the loop would still do all of the plan that it comes
/// from. Demands If-Match as well.
#[utoipa::path(post, path = "/api/v1/plans/{id}/derive", request_body = Derivation,
    params(("id" = String, Path), ("If-Match" = String, Header), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = Derived), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn derive(
    State(shared): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Derivation>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(Derivation { without }) = body.map_err(|e| Problem::bad(e.body_text()))?;
    if without.is_empty() {
        return Err(Problem::bad("`without` is empty, expected keys of parts, as 12.3"));
    }
    let parts = without.iter().map(|key| key.parse()).collect::<Result<Vec<_>, String>>();
    ask(&shared, actor, &id, &headers, Word::Derive(parts.map_err(Problem::bad)?)).await
}

/// What is put off, and for how long.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Postponement {
    /// For so many minutes of the cluster's time, 1 to 10080.
    #[schema(minimum = 1, maximum = 10_080)]
    minutes: u64,
    /// Keys of parts, as 12.3; all of the plan where none is named. Parts that need them are put off too.
    #[serde(default)]
    parts: Vec<String>,
    /// Why, at most 1000 characters.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: String,
}

/// A plan that was put off, or the one without what was put off.
#[derive(Debug, Serialize, ToSchema)]
struct Snoozed {
    /// The plan.
    id: String,
    /// snoozed, or superseded where something is left of it.
    state: String,
    /// Until when, seconds of the cluster's time.
    until_seconds: u64,
    /// The plan without what is put off, where something is left.
    successor: Option<String>,
}

/// Puts a plan off, or some of its parts. Until the time is over the loop's plans are proposed without what is put off and without what
/// needs it; then it is proposed again, if the loop still wants it. Demands If-Match as well.
#[utoipa::path(post, path = "/api/v1/plans/{id}/snooze", request_body = Postponement,
    params(("id" = String, Path), ("If-Match" = String, Header), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = Snoozed), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn snooze(
    State(shared): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Postponement>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(Postponement { minutes, parts, reason }) = body.map_err(|e| Problem::bad(e.body_text()))?;
    if !(1..=MINUTES_MAX).contains(&minutes) {
        return Err(Problem::bad(format!("minutes {minutes}, expected 1 to {MINUTES_MAX}")));
    }
    if reason.chars().count() > 1000 {
        return Err(Problem::bad("a reason of more than 1000 characters"));
    }
    let parts = parts.iter().map(|key| key.parse()).collect::<Result<Vec<_>, String>>();
    let snoozing = Snoozing { parts: parts.map_err(Problem::bad)?, minutes, why: reason };
    ask(&shared, actor, &id, &headers, Word::Snooze(snoozing)).await
}

/// What is put off.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SnoozeList {
    items: Vec<Snooze>,
    /// The cluster's time of what is shown, seconds.
    as_of_seconds: u64,
}

/// What people have put off, the oldest first.
#[utoipa::path(get, path = "/api/v1/snoozes", responses((status = 200, body = SnoozeList)))]
pub(super) async fn snoozes(State(shared): State<Shared>) -> Json<SnoozeList> {
    let status = &shared.published.view().status;
    Json(SnoozeList { items: status.snoozes.clone(), as_of_seconds: status.time_seconds })
}

/// Takes up again what was put off (s1): it is proposed from the next turn on, if the loop still wants it.
#[utoipa::path(post, path = "/api/v1/snoozes/{id}/end", params(("id" = String, Path)),
    responses((status = 200, body = Decided), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn end_snooze(
    State(shared): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<Decided>, Problem> {
    let ended = shared.ask(|reply| Request::EndSnooze(id.clone(), actor.name, reply)).await?;
    ended.map_err(Problem::not_found)?;
    Ok(Json(Decided { id, state: "ended".to_owned() }))
}

async fn ask(
    shared: &Shared,
    actor: Actor,
    id: &str,
    headers: &HeaderMap,
    word: Word,
) -> Result<Response, Problem> {
    let turn = plan_id(id).ok_or_else(|| no_such(id))?;
    let effects = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let Some(effects) = effects else {
        let detail =
            format!("If-Match must name the plan's effects as you saw them: the ETag of /api/v1/plans/{id}");
        return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, "precondition-required", detail));
    };
    let key = key_of(headers)?;
    let effects = effects.trim_matches('"').to_owned();
    let asked = |reply| Request::Ask(Ask { actor: actor.name, turn, effects, word, key, reply });
    match shared.ask(asked).await? {
        Answer::Done(status, body) => {
            Ok((StatusCode::from_u16(status).unwrap_or(StatusCode::OK), Json(body)).into_response())
        }
        Answer::NoSuchPlan => Err(no_such(id)),
        Answer::OtherEffects => Err(Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "plan-changed",
            format!("{id} has other effects than If-Match names; look at it again"),
        )),
        Answer::NotOpen(state, successor) => {
            let detail = format!("{id} is {}", state.name());
            let kind = if successor.is_some() { "plan-superseded" } else { "plan-not-open" };
            let problem = Problem::new(StatusCode::CONFLICT, kind, detail);
            Err(Problem { successor: successor.map(|turn| format!("p{turn}")), ..problem })
        }
        Answer::WrongMode => Err(Problem::new(
            StatusCode::CONFLICT,
            "plan-not-open",
            "the loop asks nobody about this plan now: only in the mode recommend it does",
        )),
        Answer::KeyTaken => Err(key_taken()),
        Answer::WrongParts(why) => Err(Problem::bad(why)),
        Answer::Failed(why) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-carried-out", why)),
    }
}

fn no_such(id: &str) -> Problem {
    Problem::not_found(format!("there is no plan `{id}`; a plan is named as p12"))
}
