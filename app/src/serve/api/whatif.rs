//! What if: a scenario played on a copy of the live snapshot, or of one of the past.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;

use super::super::whatif::{self, Scenario, WhatIf};
use super::Shared;
use super::problem::Problem;

/// What would be if nodes were drained or added, tasks submitted, or another placement policy served; now, or at a moment of the past that
/// is recorded. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/whatif", request_body = Scenario,
    responses((status = 200, body = WhatIf), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn what_if(
    State(shared): State<Shared>,
    body: Result<Json<Scenario>, JsonRejection>,
) -> Result<Json<WhatIf>, Problem> {
    let Json(scenario) = body.map_err(|e| Problem::bad(e.body_text()))?;
    let (past, play) = (scenario.at_seconds, move |snapshot| whatif::what_if(snapshot, &scenario));
    let answer = match past {
        Some(at_seconds) => shared.think_back(at_seconds, play).await?,
        None => shared.think(play).await?,
    };
    answer.map(Json).map_err(Problem::bad)
}
