//! Past turns, the newest first, and how the nodes stood in one of them.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use lepton_edges::store::HistoryRow;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::figures::TurnFigures;
use super::super::nodes::{NodeBytes, NodesShown};
use super::Shared;
use super::lists::{PageQuery, cursor};
use super::problem::Problem;

/// A page of turns, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TurnPage {
    items: Vec<TurnFigures>,
    /// Where the next page begins; none at the end.
    next_cursor: Option<String>,
    /// The cluster's time of what is shown, seconds.
    as_of_seconds: u64,
}

/// A past turn.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TurnBody {
    figures: TurnFigures,
    /// How the nodes stood; none of turns that are too old for it.
    nodes: Option<NodesShown>,
    /// The names of the nodes, in the order of the bytes.
    names: Vec<String>,
}

/// Past turns, the newest first.
#[utoipa::path(get, path = "/api/v1/turns", params(PageQuery),
    responses((status = 200, body = TurnPage), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn turns(
    State(shared): State<Shared>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<TurnPage>, Problem> {
    let query = PageQuery::of(query)?;
    let (limit, before) = (query.limit()?, query.before()?);
    let page = shared.read(move |reader| reader.history(before, limit)).await?;
    Ok(Json(TurnPage {
        items: page.items.iter().map(figures).collect::<Result<_, _>>()?,
        next_cursor: page.next_before.map(cursor),
        as_of_seconds: shared.published.view().status.time_seconds,
    }))
}

/// A past turn (t12), with how each node stood then.
#[utoipa::path(get, path = "/api/v1/turns/{id}", params(("id" = String, Path)),
    responses((status = 200, body = TurnBody), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn turn(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<TurnBody>, Problem> {
    let no_such = || Problem::not_found(format!("there is no turn `{id}`; a turn is named as t12"));
    let sequence = id.strip_prefix('t').and_then(|number| number.parse().ok()).ok_or_else(no_such)?;
    let (row, names) = shared.read(move |reader| reader.history_row(sequence)).await?.ok_or_else(no_such)?;
    let figures = figures(&row)?;
    let names = names.map_or(Ok(Vec::new()), |names| serde_json::from_str(&names)).map_err(unreadable)?;
    let nodes = (!row.nodes.is_empty()).then(|| {
        NodeBytes { inventory: row.inventory, bytes: row.nodes }.shown(&figures.id, figures.time_seconds)
    });
    Ok(Json(TurnBody { figures, nodes, names }))
}

fn figures(row: &HistoryRow) -> Result<TurnFigures, Problem> {
    serde_json::from_str(&row.figures).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> Problem {
    anyhow::Error::from(error).context("the store, table history").into()
}
