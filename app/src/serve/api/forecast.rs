//! What is expected of single nodes, beside how they stood lately and what was expected of them then.

#![expect(unused_qualifications, reason = "utoipa writes paths out for types of its own module")]

use std::collections::{BTreeSet, HashMap};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use lepton_edges::store::{HistoryRow, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::node_view::NodeDetail;
use super::super::nodes::{EXPECTED_PEAK, NodeRow, USED, share_of};
use super::super::view::View;
use super::Shared;
use super::problem::Problem;

/// Nodes shown where none is named.
const NODES: usize = 6;
/// Most nodes of one request.
const NODES_MAX: usize = 24;
/// How much of the past is shown, in horizons of the forecast.
const HORIZONS: u64 = 3;
/// Most turns of the past that are looked at.
const TURNS_MAX: usize = 720;
/// Shares are kept to a two-hundredth: so much above what was expected is not above it.
const ROUNDING: f64 = 0.005;

/// Which nodes are asked about.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ForecastQuery {
    /// Names separated by commas, at most 24; without it the working nodes with the highest peaks expected.
    nodes: Option<String>,
}

/// What is expected of some nodes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ForecastBody {
    /// A node is hot above this share of its busiest resource.
    safety_level: f64,
    /// How far it looks ahead, seconds; 0 while nothing is expected yet.
    horizon_seconds: u64,
    /// The quantiles of `expected`, rising.
    levels: Vec<f64>,
    /// Share of the last days' peaks of all nodes that were not above the highest level; none before any is known.
    coverage: Option<f64>,
    /// The nodes, those with the highest peaks expected first where none was named.
    items: Vec<NodeForecast>,
    /// The cluster's time of what is shown, seconds.
    as_of_seconds: u64,
}

/// A node's load: how it was, what was expected of it then, and what is expected now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NodeForecast {
    /// The node.
    node: String,
    /// Moments of the past, the oldest first, seconds.
    times_seconds: Vec<u64>,
    /// Share of its busiest resource that was used at each.
    used: Vec<f64>,
    /// The peak of the hour after each that was expected then, with a chance of nine in ten not to be passed.
    expected_peak: Vec<f64>,
    /// The peak of the time to come at each of `levels`, as a share of its busiest resource; empty while nothing is expected.
    expected: Vec<f64>,
    /// Share of the moments of which the hour after them is over, in which `expected_peak` was not passed; none where there is none. What is
    /// expected is of the tasks that stand there at that moment: those that come later are in what is passed, not in what was expected.
    covered: Option<f64>,
    /// How many such moments there are.
    judged: usize,
}

/// What is expected of nodes in the next hour, beside their recent past. The past is that of the last 720 turns at most.
#[utoipa::path(get, path = "/api/v1/forecast", params(ForecastQuery),
    responses((status = 200, body = ForecastBody), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn forecast(
    State(shared): State<Shared>,
    query: Result<Query<ForecastQuery>, QueryRejection>,
) -> Result<Json<ForecastBody>, Problem> {
    let Query(query) = query.map_err(|e| Problem::bad(e.body_text()))?;
    let view = shared.published.view();
    let places = match &query.nodes {
        Some(names) => named(&view, names)?,
        None => highest(&view),
    };
    let outlook = view.load.expected.as_ref();
    let horizon_seconds = outlook.map_or(0, |outlook| outlook.horizon_seconds);
    let now = view.status.time_seconds;
    let from = now.saturating_sub(HORIZONS * horizon_seconds.max(3600));
    let names: Vec<String> = places.iter().map(|&at| view.nodes[at].name.clone()).collect();
    let pasts = shared.read(move |reader| {
        let rows = reader.node_history(from, TURNS_MAX)?;
        let digests: BTreeSet<&String> = rows.iter().map(|row| &row.inventory).collect();
        let lists = digests.into_iter().map(|digest| Ok((digest.clone(), reader.inventory(digest)?)));
        let lists = lists.collect::<Result<HashMap<_, _>, StoreError>>()?;
        Ok(pasts(&rows, &lists, &names))
    });
    let pasts = pasts.await?;
    let item = |(&at, mut past): (&usize, Past)| {
        past.go_on_to(now, &view.nodes[at]);
        let (covered, judged) = past.covered(horizon_seconds, now);
        NodeForecast {
            node: view.nodes[at].name.clone(),
            expected: view.details.get(at).map_or_else(Vec::new, expected_shares),
            covered,
            judged,
            times_seconds: past.times_seconds,
            used: past.used,
            expected_peak: past.expected_peak,
        }
    };
    Ok(Json(ForecastBody {
        safety_level: view.load.safety_level,
        horizon_seconds,
        levels: view.details.first().map_or_else(Vec::new, |detail| detail.levels.clone()),
        coverage: outlook.and_then(|outlook| outlook.coverage),
        items: places.iter().zip(pasts).map(item).collect(),
        as_of_seconds: now,
    }))
}

/// The places of the nodes that are named.
fn named(view: &View, names: &str) -> Result<Vec<usize>, Problem> {
    let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.is_empty() || names.len() > NODES_MAX {
        return Err(Problem::bad(format!("{} nodes named, expected 1 to {NODES_MAX}", names.len())));
    }
    let place = |name: &&str| {
        let at = view.nodes.iter().position(|node| node.name == *name);
        at.ok_or_else(|| Problem::not_found(format!("there is no node `{name}`")))
    };
    names.iter().map(place).collect()
}

/// The places of the working nodes with the highest peaks expected.
fn highest(view: &View) -> Vec<usize> {
    let mut places: Vec<usize> = (0..view.nodes.len()).filter(|&at| view.nodes[at].state == "up").collect();
    places.sort_by(|&a, &b| {
        view.nodes[b].expected_peak.total_cmp(&view.nodes[a].expected_peak).then(a.cmp(&b))
    });
    places.truncate(NODES);
    places
}

/// The peak of the busiest resource at each level, as a share.
fn expected_shares(detail: &NodeDetail) -> Vec<f64> {
    let share = |level: usize| {
        let resources = detail.resources.iter().filter(|resource| resource.capacity > 0.0);
        let shares = resources.filter_map(|of| Some(of.expected.get(level)? / of.capacity));
        shares.fold(0.0, f64::max)
    };
    (0..detail.levels.len()).map(share).collect()
}

/// How a node stood.
#[derive(Debug, Default)]
struct Past {
    times_seconds: Vec<u64>,
    used: Vec<f64>,
    expected_peak: Vec<f64>,
}

/// The past of each of these nodes. `lists` has the names behind the bytes of the rows.
fn pasts(rows: &[HistoryRow], lists: &HashMap<String, Option<String>>, names: &[String]) -> Vec<Past> {
    let read = |(digest, list): (&String, &Option<String>)| {
        let known: Vec<String> = serde_json::from_str(list.as_deref()?).ok()?;
        let places = names.iter().map(|name| known.iter().position(|one| one == name)).collect();
        Some((digest.clone(), (known.len(), places)))
    };
    let places: HashMap<String, (usize, Vec<Option<usize>>)> = lists.iter().filter_map(read).collect();
    let mut pasts: Vec<Past> = names.iter().map(|_| Past::default()).collect();
    for row in rows {
        let Some((count, places)) = places.get(&row.inventory) else { continue };
        for (past, at) in pasts.iter_mut().zip(places) {
            let shares = at.and_then(|at| {
                let share = |measure: usize| row.nodes.get(measure * count + at).copied().map(share_of);
                Some((share(USED)?, share(EXPECTED_PEAK)?))
            });
            let Some((used, expected_peak)) = shares else { continue };
            past.times_seconds.push(row.time_seconds);
            past.used.push(used);
            past.expected_peak.push(expected_peak);
        }
    }
    pasts
}

impl Past {
    /// The last moment as it is known now: the store keeps shares to a two-hundredth, and may be turns behind the view or, read after it,
    /// before it.
    fn go_on_to(&mut self, now_seconds: u64, node: &NodeRow) {
        let known = self.times_seconds.partition_point(|&at| at < now_seconds);
        self.times_seconds.truncate(known);
        self.used.truncate(known);
        self.expected_peak.truncate(known);
        self.times_seconds.push(now_seconds);
        self.used.push(node.used);
        self.expected_peak.push(node.expected_peak);
    }

    /// In which share of the moments whose horizon is over the expected peak was not passed, and how many those are.
    fn covered(&self, horizon_seconds: u64, now_seconds: u64) -> (Option<f64>, usize) {
        if horizon_seconds == 0 {
            return (None, 0);
        }
        let over = self.times_seconds.iter().take_while(|&&at| at + horizon_seconds <= now_seconds).count();
        let kept = |at: usize| {
            let until = self.times_seconds[at] + horizon_seconds;
            let after = self.times_seconds.iter().zip(&self.used).skip(at + 1);
            let mut within = after.take_while(|&(&time, _)| time <= until);
            within.all(|(_, &used)| used <= self.expected_peak[at] + ROUNDING)
        };
        let kept = (0..over).filter(|&at| kept(at)).count();
        ((over > 0).then(|| kept as f64 / over as f64), over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(time_seconds: u64, inventory: &str, nodes: Vec<u8>) -> HistoryRow {
        HistoryRow { time_seconds, inventory: inventory.to_owned(), nodes, ..HistoryRow::default() }
    }

    #[test]
    fn a_nodes_past_follows_its_name_from_one_inventory_to_the_next() {
        // used, promised, devices held, expected peak, risk and state of each node.
        let first = vec![100, 20, 0, 0, 0, 0, 150, 30, 0, 0, 0, 0];
        let second = vec![60, 0, 0, 90, 0, 0];
        let lists = [("one", r#"["a","b"]"#), ("two", r#"["b"]"#)];
        let lists = lists.map(|(digest, list)| (digest.to_owned(), Some(list.to_owned()))).into();
        let found = pasts(&[row(60, "one", first), row(120, "two", second)], &lists, &["b".to_owned()]);
        let [past] = &found[..] else { panic!("one node was asked about") };
        assert_eq!((&past.times_seconds[..], &past.used[..]), (&[60, 120][..], &[0.1, 0.3][..]));
        assert_eq!(past.expected_peak, [0.15, 0.45]);
    }

    #[test]
    fn a_store_that_is_ahead_of_what_is_shown_tells_nothing_of_later_moments() {
        let (times_seconds, shares) = (vec![60, 120, 180, 240], vec![0.1, 0.2, 0.3, 0.4]);
        let mut past = Past { times_seconds, used: shares.clone(), expected_peak: shares };
        past.go_on_to(180, &NodeRow { used: 0.31, expected_peak: 0.9, ..NodeRow::default() });
        assert_eq!(past.times_seconds, [60, 120, 180]);
        assert_eq!((&past.used[..], &past.expected_peak[..]), (&[0.1, 0.2, 0.31][..], &[0.1, 0.2, 0.9][..]));
    }

    #[test]
    fn only_moments_whose_hour_is_over_are_judged() {
        let past = Past {
            times_seconds: vec![0, 60, 120, 180],
            used: vec![0.2, 0.3, 0.9, 0.4],
            expected_peak: vec![0.5, 0.9, 0.5, 0.1],
        };
        // The peak after the first is 0.9 and passes 0.5; after the second it is 0.9 as well and does not pass; the third is judged by 0.4.
        assert_eq!(past.covered(120, 240), (Some(2.0 / 3.0), 3));
        assert_eq!(past.covered(3600, 240), (None, 0));
    }
}
