//! What a simulated cluster is put through; a real one is not.

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::people::Request;
use super::super::trials::{NotTried, TrialBody, TrialKind};
use super::Shared;
use super::access::Actor;
use super::problem::Problem;

/// What is to be tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialAsked {
    what: TrialKind,
}

/// Breaks something on a simulated cluster, to see how the loop takes it. Refused (409) where the cluster is a real one.
#[utoipa::path(post, path = "/api/v1/trials", request_body = TrialAsked,
    responses((status = 200, body = TrialBody), (status = 400, body = Problem), (status = 409, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn try_out(
    State(shared): State<Shared>,
    Extension(actor): Extension<Actor>,
    body: Result<Json<TrialAsked>, JsonRejection>,
) -> Result<Json<TrialBody>, Problem> {
    let Json(TrialAsked { what }) = body.map_err(|e| Problem::bad(e.body_text()))?;
    match shared.ask(|reply| Request::Try(what, actor.name, reply)).await? {
        Ok(tried) => Ok(Json(tried)),
        Err(NotTried::NotSimulated) => Err(Problem::new(
            StatusCode::CONFLICT,
            "not-simulated",
            "only a simulated cluster is put through trials; this service is connected to a real one",
        )),
        Err(NotTried::NotNow(why)) => Err(Problem::new(StatusCode::CONFLICT, "not-now", why)),
        Err(NotTried::Failed(why)) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-tried", why)),
    }
}
