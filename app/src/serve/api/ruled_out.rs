//! The nodes that a rule keeps a task from as the cluster stands now: all of them, page by page. A decision's record names the first.

#![expect(unused_qualifications, reason = "utoipa writes paths out for types of its own module")]

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use lepton_core::model::{Obstacle, Snapshot};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::lists::{PageQuery, cursor};
use super::problem::Problem;

/// Which nodes are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RuledOutQuery {
    /// The code of the rule, as in a decision's `ruled_out`.
    rule: String,
    /// Most items, 1 to 1000; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Nodes that a rule keeps a task from now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuledOutPage {
    /// The rule.
    rule: String,
    /// How many nodes it keeps the task from.
    nodes: usize,
    /// Their names, in the order of the nodes.
    items: Vec<String>,
    /// Where the next page begins; none at the end.
    next_cursor: Option<String>,
    /// The cluster's time of what is shown, seconds.
    as_of_seconds: u64,
}

/// The nodes that a rule keeps a task from, as the cluster stands now. A node counts under the first rule that is in the way.
#[utoipa::path(get, path = "/api/v1/tasks/{name}/ruled-out", params(("name" = String, Path), RuledOutQuery),
    responses((status = 200, body = RuledOutPage), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn ruled_out(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    query: Result<Query<RuledOutQuery>, QueryRejection>,
) -> Result<Json<RuledOutPage>, Problem> {
    let Query(query) = query.map_err(|e| Problem::bad(e.body_text()))?;
    let place = PageQuery { limit: query.limit, cursor: query.cursor };
    let (limit, from) = (place.limit()?, place.before()?.unwrap_or(0) as usize);
    let known = Obstacle::ALL.map(Obstacle::code).join(", ");
    let rule = Obstacle::ALL.into_iter().find(|rule| rule.code() == query.rule);
    let rule = rule.ok_or_else(|| Problem::bad(format!("rule `{}`, expected one of {known}", query.rule)))?;
    let as_of_seconds = shared.published.view().status.time_seconds;
    let names = shared.think(move |snapshot| nodes_of(&snapshot, &name, rule)).await?;
    let names = names.map_err(Problem::not_found)?;
    let next = from.saturating_add(limit);
    Ok(Json(RuledOutPage {
        rule: rule.code().to_owned(),
        nodes: names.len(),
        next_cursor: (next < names.len()).then(|| cursor(next as u64)),
        items: names.into_iter().skip(from).take(limit).collect(),
        as_of_seconds,
    }))
}

fn nodes_of(snapshot: &Snapshot, task: &str, rule: Obstacle) -> Result<Vec<String>, String> {
    let cluster = &snapshot.cluster;
    let id = *snapshot.task_by_name.get(task).ok_or_else(|| format!("there is no task `{task}` now"))?;
    let class = cluster.task(id).class;
    let first = |node| cluster.obstacle(node, class).or_else(|| cluster.obstacle_around(node, class));
    let kept_out = cluster.nodes().filter(|&node| first(node) == Some(rule));
    Ok(kept_out.map(|node| cluster.node_name(node).to_owned()).collect())
}
