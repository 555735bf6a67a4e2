//! Nodes and tasks of the last view, page by page in the order of their names; and what all lists share.

#![expect(unused_qualifications, reason = "utoipa writes paths out for types of its own module")]

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::nodes::NodeRow;
use super::super::task_rows::TaskRow;
use super::super::waiting::WaitingBody;
use super::Shared;
use super::problem::Problem;

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1000;

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Most items, 1 to 1000; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    pub(super) limit: Option<usize>,
    /// Where to go on: `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

impl PageQuery {
    pub(super) fn of(query: Result<Query<Self>, QueryRejection>) -> Result<Self, Problem> {
        Ok(query.map_err(|e| Problem::bad(e.body_text()))?.0)
    }

    pub(super) fn limit(&self) -> Result<usize, Problem> {
        match self.limit.unwrap_or(LIMIT) {
            limit @ 1..=LIMIT_MAX => Ok(limit),
            other => Err(Problem::bad(format!("limit {other}, expected 1 to {LIMIT_MAX}"))),
        }
    }

    /// The number in a cursor.
    pub(super) fn before(&self) -> Result<Option<u64>, Problem> {
        let read = |cursor: &String| {
            let number = cursor.strip_prefix('c').and_then(|hex| u64::from_str_radix(hex, 16).ok());
            number.ok_or_else(|| Problem::bad(format!("`{cursor}` is no cursor of this list")))
        };
        self.cursor.as_ref().map(read).transpose()
    }
}

/// Which part of a list, and which of its items.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Most items, 1 to 1000; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Of decisions: those about this task. Of tasks: those in this state, running or waiting.
    filter: Option<String>,
}

impl ListQuery {
    /// The part, and the filter.
    pub(super) fn of(
        query: Result<Query<Self>, QueryRejection>,
    ) -> Result<(PageQuery, Option<String>), Problem> {
        let Query(Self { limit, cursor, filter }) = query.map_err(|e| Problem::bad(e.body_text()))?;
        Ok((PageQuery { limit, cursor }, filter))
    }
}

/// Seconds of a request: what lies beyond is none in the description of the interface.
pub(super) fn moment(name: &str, seconds: Option<u64>) -> Result<Option<u64>, Problem> {
    match seconds {
        Some(seconds) if i64::try_from(seconds).is_err() => {
            Err(Problem::bad(format!("`{name}` is not from 0 to {}", i64::MAX)))
        }
        _ => Ok(seconds),
    }
}

pub(super) fn cursor(number: u64) -> String {
    format!("c{number:x}")
}

/// A page of nodes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NodePage {
    items: Vec<NodeRow>,
    /// Where the next page begins; none at the end.
    next_cursor: Option<String>,
    /// Changes when the names or their order change: the order of the bytes of the stream's `nodes` is that of this list.
    inventory: String,
    /// The cluster's time of what is shown, seconds.
    as_of_seconds: u64,
}

/// A page of tasks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskPage {
    items: Vec<TaskRow>,
    /// Where the next page begins; none at the end.
    next_cursor: Option<String>,
    /// The cluster's time of what is shown, seconds.
    as_of_seconds: u64,
}

/// Nodes.
#[utoipa::path(get, path = "/api/v1/nodes", params(PageQuery),
    responses((status = 200, body = NodePage), (status = 400, body = Problem)))]
pub(super) async fn nodes(
    State(shared): State<Shared>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<NodePage>, Problem> {
    let query = PageQuery::of(query)?;
    let (limit, from) = (query.limit()?, query.before()?.unwrap_or(0) as usize);
    let view = shared.published.view();
    let rows = view.nodes.iter();
    let items: Vec<NodeRow> = rows.skip(from).take(limit).cloned().collect();
    let next = from.saturating_add(limit);
    let next_cursor = (next < view.nodes.len()).then(|| cursor(next as u64));
    let inventory = view.bytes.inventory.clone();
    Ok(Json(NodePage { items, next_cursor, inventory, as_of_seconds: view.status.time_seconds }))
}

/// What waits, grouped by the dominant reason.
#[utoipa::path(get, path = "/api/v1/waiting", responses((status = 200, body = WaitingBody)))]
pub(super) async fn waiting(State(shared): State<Shared>) -> Json<WaitingBody> {
    Json(shared.published.view().waiting.clone())
}

/// Tasks.
#[utoipa::path(get, path = "/api/v1/tasks", params(ListQuery),
    responses((status = 200, body = TaskPage), (status = 400, body = Problem)))]
pub(super) async fn tasks(
    State(shared): State<Shared>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<TaskPage>, Problem> {
    let (page, filter) = ListQuery::of(query)?;
    let (limit, from) = (page.limit()?, page.before()?.unwrap_or(0) as usize);
    if let Some(state) = filter.as_deref().filter(|s| !["running", "waiting"].contains(s)) {
        return Err(Problem::bad(format!("filter `{state}`, expected running or waiting")));
    }
    let view = shared.published.view();
    let wanted = |task: &&TaskRow| filter.as_ref().is_none_or(|state| task.state == *state);
    // Names are in order and a task that goes makes no other come twice: the cursor is a place in the view.
    let mut rows = view.tasks.iter().enumerate().skip(from).filter(|(_, task)| wanted(task));
    let items: Vec<(usize, TaskRow)> = rows.by_ref().take(limit).map(|(at, t)| (at, t.clone())).collect();
    let next_cursor = rows.next().map(|(at, _)| cursor(at as u64));
    let items = items.into_iter().map(|(_, task)| task).collect();
    Ok(Json(TaskPage { items, next_cursor, as_of_seconds: view.status.time_seconds }))
}
