//! The audit: what people did, the newest first.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Shared;
use super::problem::Problem;

/// Lines that are shown.
const LINES_MAX: usize = 1000;

/// Something that somebody did.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct AuditRow {
    /// When, seconds since 1970.
    unix_seconds: u64,
    /// Who: `local` on this machine without tokens.
    actor: String,
    /// What.
    action: String,
    /// To what.
    target: String,
    /// More of it.
    detail: String,
}

/// The audit.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct AuditBody {
    items: Vec<AuditRow>,
}

/// What people did, the newest first, at most 1000 lines. Needs the role admin where tokens are asked for.
#[utoipa::path(get, path = "/api/v1/audit", responses((status = 200, body = AuditBody), (status = 503, body = Problem)))]
pub(super) async fn audit(State(shared): State<Shared>) -> Result<Json<AuditBody>, Problem> {
    let lines = shared.read(|reader| reader.audit(LINES_MAX)).await?;
    let row = |line: lepton_edges::store::AuditLine| AuditRow {
        unix_seconds: line.unix_seconds,
        actor: line.actor,
        action: line.action,
        target: line.target,
        detail: line.detail,
    };
    Ok(Json(AuditBody { items: lines.into_iter().map(row).collect() }))
}
