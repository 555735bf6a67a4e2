//! How a node stood, from the finest level of the series that still covers what is asked for.

#![expect(unused_qualifications, reason = "utoipa writes paths out for types of its own module")]

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use lepton_edges::store::{Level, ONE, Past, PastQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::lists::moment;
use super::problem::Problem;

/// Hours that are shown where nothing else is said, and the most that can be asked for so.
const HOURS: u64 = 24;
const HOURS_MAX: u64 = 90_000;
/// Points that are shown where nothing else is said, and the most.
const POINTS: usize = 720;
const POINTS_MAX: usize = 20_000;
const HOUR_SECONDS: u64 = 3600;

/// Which part of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// Where it begins, seconds of the cluster's time [default: `hours` before the end]
    from: Option<u64>,
    /// Where it ends, seconds [default: now]
    to: Option<u64>,
    /// How many hours before the end it begins, 1 to 90000 [default: 24]
    #[param(minimum = 1, maximum = 90_000)]
    hours: Option<u64>,
    /// Measures, separated by commas [default: all]
    measures: Option<String>,
    /// Where a level has more points than these, the next is taken, 1 to 20000 [default: 720]
    #[param(minimum = 1, maximum = 20_000)]
    points: Option<usize>,
}

/// How one thing of a node stood.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MeasureHistory {
    /// `used`, `promised`, `devices_held`, `expected_peak`, `failure_probability` as shares or probabilities; `state` (0 up, 1 cordoned, 2
    /// sick, 3 down); `use_of.` and the name of a resource: the share of it that was really used.
    measure: String,
    /// The mean of each point; of a sample its value.
    mean: Vec<f64>,
    /// The least; empty where the points are samples.
    min: Vec<f64>,
    /// The greatest; empty where the points are samples.
    max: Vec<f64>,
    /// What 95 of 100 samples did not pass; empty where the points are samples.
    p95: Vec<f64>,
}

/// How a node stood.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HistoryBody {
    node: String,
    /// `raw`, `five-minutes` or `hours`: the finest level that covers what was asked for. What is not rolled up yet follows as five minutes.
    level: String,
    /// When each point is, or begins, seconds of the cluster's time, the oldest first. Of times in which nothing was known there is none.
    times_seconds: Vec<u64>,
    /// How long each lasts, seconds; 0 for a sample.
    point_seconds: Vec<u64>,
    /// A row a measure.
    items: Vec<MeasureHistory>,
    /// The cluster's time of what is shown, seconds.
    as_of_seconds: u64,
}

/// How a node stood: every sample of the last two days, and rollups of five minutes and of hours before that (unless the settings say
/// otherwise). What the last five minutes were is not in it yet.
#[utoipa::path(get, path = "/api/v1/nodes/{name}/history", params(("name" = String, Path), HistoryQuery),
    responses((status = 200, body = HistoryBody), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn history(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Json<HistoryBody>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad(error.body_text()))?;
    let view = shared.published.view();
    let as_of_seconds = view.status.time_seconds;
    let hours = query.hours.unwrap_or(HOURS);
    if !(1..=HOURS_MAX).contains(&hours) {
        return Err(Problem::bad(format!("`hours` is not from 1 to {HOURS_MAX}")));
    }
    if query.from.is_some() && query.hours.is_some() {
        return Err(Problem::bad("`from` and `hours` both say where it begins"));
    }
    let points_max = query.points.unwrap_or(POINTS);
    if !(1..=POINTS_MAX).contains(&points_max) {
        return Err(Problem::bad(format!("`points` is not from 1 to {POINTS_MAX}")));
    }
    let (from, to) = (moment("from", query.from)?, moment("to", query.to)?);
    let to_seconds = to.unwrap_or(as_of_seconds.saturating_add(1));
    let from_seconds = from.unwrap_or(to_seconds.saturating_sub(hours * HOUR_SECONDS));
    if from_seconds >= to_seconds {
        return Err(Problem::bad("`from` is not before `to`"));
    }
    let (folder, node) = (shared.folder.clone(), name.clone());
    let read = tokio::task::spawn_blocking(move || {
        Past::read(&folder, &PastQuery { node: &node, from_seconds, to_seconds, points_max })
    });
    let past = read.await.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from)?;
    if past.points.is_empty() && view.node(&name).is_none() {
        return Err(Problem::not_found(format!("nothing is known of a node `{name}` in that time")));
    }
    let wanted: Option<Vec<&str>> =
        query.measures.as_deref().map(|names| names.split(',').map(str::trim).collect());
    if let Some(unknown) = wanted.iter().flatten().find(|name| !past.measures.iter().any(|of| of == *name))
        && !past.measures.is_empty()
    {
        let known = past.measures.join(", ");
        return Err(Problem::bad(format!("`{unknown}` was not measured, there are {known}")));
    }
    Ok(Json(body(name, &past, wanted.as_deref(), as_of_seconds)))
}

fn body(node: String, past: &Past, wanted: Option<&[&str]>, as_of_seconds: u64) -> HistoryBody {
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted.contains(&name));
    let measured = past.measures.iter().enumerate().filter(|(_, name)| is_wanted(name));
    let items = measured.map(|(at, measure)| {
        let column = |statistic: usize| {
            let share = |thousandths: u16| f64::from(thousandths) / f64::from(ONE);
            past.points.iter().map(|point| share(point.values[at][statistic])).collect()
        };
        let rolled_up = |statistic: usize| match past.level {
            Level::Raw => Vec::new(),
            Level::FiveMinutes | Level::Hour => column(statistic),
        };
        MeasureHistory {
            measure: measure.clone(),
            min: rolled_up(0),
            mean: column(1),
            max: rolled_up(2),
            p95: rolled_up(3),
        }
    });
    HistoryBody {
        node,
        level: past.level.name().to_owned(),
        times_seconds: past.points.iter().map(|point| point.time_seconds).collect(),
        point_seconds: past.points.iter().map(|point| point.seconds).collect(),
        items: items.collect(),
        as_of_seconds,
    }
}
