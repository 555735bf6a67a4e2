//! What if: a scenario played on a copy of the live snapshot.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;

use super::super::whatif::{self, Scenario, WhatIf};
use super::Shared;
use super::problem::Problem;

/// What would be if nodes were drained or added, tasks submitted, or another placement policy served. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/whatif", request_body = Scenario,
    responses((status = 200, body = WhatIf), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn what_if(
    State(shared): State<Shared>,
    body: Result<Json<Scenario>, JsonRejection>,
) -> Result<Json<WhatIf>, Problem> {
    let Json(scenario) = body.map_err(|e| Problem::bad(e.body_text()))?;
    let answer = shared.think(move |snapshot| whatif::what_if(snapshot, &scenario)).await?;
    answer.map(Json).map_err(Problem::bad)
}
