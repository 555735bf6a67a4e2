//! Placements that were learned beside the loop: those that there are, and which of them serves.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use lepton_learn::judge;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::adapting::{CandidatesBody, VerdictRow, figures_of, read_model, verdicts_of};
use super::super::asking::{Answered, CandidateAsk, Grounds};
use super::super::auditing;
use super::super::people::Request;
use super::super::promoting::ground_of;
use super::access::Actor;
use super::idempotency::{key_of, key_taken};
use super::problem::Problem;
use super::{Shared, beside};

/// How a candidate stands after a person's word.
#[derive(Debug, Serialize, ToSchema)]
struct CandidateDecided {
    /// Its name.
    id: String,
    /// serving or demoted.
    state: String,
}

/// Placements that were learned beside the loop, the newest first: how they were learned, what the gate said, how they stand.
#[utoipa::path(get, path = "/api/v1/policies/candidates", responses((status = 200, body = CandidatesBody)))]
pub(super) async fn candidates(State(shared): State<Shared>) -> Json<CandidatesBody> {
    Json(CandidatesBody::from(&shared.published.view().candidates))
}

/// Lets a candidate serve in the place of the learned placement that serves now, if it passes the gate on the cluster as it is now: on
/// sequences that are new, and on what came lately. Otherwise it is refused (409, with what the gate said).
#[utoipa::path(post, path = "/api/v1/policies/candidates/{id}/promote",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = CandidateDecided), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn promote(
    State(shared): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = key_of(&headers)?;
    let permit = shared.permit()?;
    let (named, name, given) = (id.clone(), actor.name.clone(), key.clone());
    let look = |reply| Request::Candidate(CandidateAsk::Look { id: named, actor: name, key: given, reply });
    let grounds = match shared.ask(look).await? {
        Ok(grounds) => grounds,
        Err(answered) => return answer(&id, answered),
    };
    let passed = match beside(permit, move || judged(&grounds)).await? {
        Ok(passed) => passed,
        Err((why, verdicts)) => {
            let line = auditing::line(&actor.name, "candidate.promote", &id, &format!("refused: {why}"));
            // A mailbox that is full has more to say than what was refused.
            let _ = shared.asks.try_send(Request::Refused(line));
            let detail = format!("{id} is not promoted: {why}");
            return Err(Problem { verdicts, ..Problem::new(StatusCode::CONFLICT, "gate-refused", detail) });
        }
    };
    let (named, passed) = (id.clone(), Box::new(passed));
    let asked = |reply| {
        Request::Candidate(CandidateAsk::Promote { id: named, passed, actor: actor.name, key, reply })
    };
    answer(&id, shared.ask(asked).await?)
}

/// Lets the learned placement of the settings serve again, in the place of the candidate that was promoted.
#[utoipa::path(post, path = "/api/v1/policies/demote", params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = CandidateDecided), (status = 400, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn demote(
    State(shared): State<Shared>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = key_of(&headers)?;
    let asked = |reply| Request::Candidate(CandidateAsk::Demote { actor: actor.name, key, reply });
    answer("", shared.ask(asked).await?)
}

/// Reads the candidate's file and has the gate judge it; why not, and what the gate said.
fn judged(grounds: &Grounds) -> Result<lepton_learn::Passed, (String, Vec<VerdictRow>)> {
    let why = |why: String| (why, Vec::new());
    let candidate = read_model(&grounds.path, grounds.sha256.as_deref()).map_err(why)?;
    let ground = ground_of(grounds)
        .ok_or_else(|| why("the mix of now asks for no devices that the cluster has".to_owned()))?;
    let judged = judge(&ground, &candidate, &grounds.serving, grounds.number, &|| true);
    match judged {
        Some(Ok(passed)) => Ok(passed),
        Some(Err(judgement)) => {
            let verdicts = verdicts_of(&judgement);
            Err((format!("it does not pass the gate: {}", figures_of(&verdicts)), verdicts))
        }
        None => Err(why("the gate was not done".to_owned())),
    }
}

fn answer(id: &str, answered: Answered) -> Result<Response, Problem> {
    match answered {
        Answered::Done(status, body) => {
            Ok((StatusCode::from_u16(status).unwrap_or(StatusCode::OK), Json(body)).into_response())
        }
        Answered::NoSuchCandidate => {
            Err(Problem::not_found(format!("there is no candidate `{id}`; a candidate is named as c3")))
        }
        Answered::KeyTaken => Err(key_taken()),
        Answered::Refused(kind, why) => Err(Problem::new(StatusCode::CONFLICT, kind, why)),
        Answered::Failed(why) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-changed", why)),
    }
}
