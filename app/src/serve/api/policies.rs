//! Which policies decide.

use axum::Json;
use axum::extract::State;

use super::super::policies::PoliciesBody;
use super::Shared;

/// Which policies decide, the learned or the rule in its place, and on what evidence.
#[utoipa::path(get, path = "/api/v1/policies", responses((status = 200, body = PoliciesBody)))]
pub(super) async fn policies(State(shared): State<Shared>) -> Json<PoliciesBody> {
    Json(shared.published.view().policies.clone())
}
