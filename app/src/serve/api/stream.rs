//! The stream of server-sent events. Frames are encoded by the loop, once for all; here they are only handed on.

#![expect(unused_qualifications, reason = "utoipa writes paths out for types of its own module")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::timeout;
use utoipa::IntoParams;

use super::super::stream::{Place, Topics};
use super::super::view::Published;
use super::Shared;
use super::access::{Actor, Door};
use super::problem::Problem;

/// Most who look on at once.
const VIEWERS_MAX: usize = 256;
/// Time between two signs of life while nothing is new.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Time after which an open stream's token is looked at again.
const RECHECK: Duration = Duration::from_secs(30);
/// A sign of life: a comment that every reader of events skips.
const ALIVE: &[u8] = b": alive\n\n";

/// What a viewer wants to hear of.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StreamQuery {
    /// Topics, separated by commas: status, turns, nodes, waiting, decisions, plan. All unless given.
    topics: Option<String>,
}

/// One who looks on.
struct Viewer {
    published: Arc<Published>,
    news: watch::Receiver<u64>,
    place: Place,
    topics: Topics,
    /// What was read from the ring and not yet sent: never more than one reading of it.
    batch: VecDeque<Bytes>,
    door: Arc<Door>,
    actor: Actor,
    checked: Instant,
}

impl Viewer {
    /// The next piece of the stream; none when the service ends.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.checked.elapsed() >= RECHECK {
                self.checked = Instant::now();
                if !self.door.still_lets_in(&self.actor) {
                    return None;
                }
            }
            if let Some(frame) = self.batch.pop_front() {
                return Some(frame);
            }
            self.news.mark_unchanged();
            let (frames, place) = self.published.stream.after(self.place, self.topics);
            let moved = place != self.place;
            self.place = place;
            self.batch.extend(frames);
            if moved || !self.batch.is_empty() {
                continue;
            }
            match timeout(HEARTBEAT, self.news.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some(Bytes::from_static(ALIVE)),
            }
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.published.stream.leave();
        self.door.closed_stream(&self.actor);
    }
}

/// What is new, as server-sent events: `status`, `turns`, `nodes`, `waiting`, `decisions`, `plan`, each with an id. It begins with the
/// newest of each topic; with `Last-Event-ID` it goes on after that one, or, where that is too long ago, sends `reset` and begins anew.
#[utoipa::path(get, path = "/api/v1/stream", params(StreamQuery, ("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = 400, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn stream(
    State(shared): State<Shared>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    query: Result<Query<StreamQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let query = query.map_err(|e| Problem::bad(e.body_text()))?.0;
    let topics = query.topics.map_or(Ok(Topics::ALL), |names| Topics::named(&names)).map_err(Problem::bad)?;
    let published = shared.published;
    if !shared.door.opens_stream(&actor) {
        let detail = "this token has too many streams open; close one of them";
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-streams", detail));
    }
    if !published.stream.enter(VIEWERS_MAX) {
        shared.door.closed_stream(&actor);
        let detail = format!("{VIEWERS_MAX} look on already; ask again later");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-viewers", detail));
    }
    let last = headers.get("last-event-id").map(|id| id.to_str().unwrap_or("?"));
    let place = published.stream.place(last);
    let news = published.stream.news();
    let (door, checked) = (shared.door, Instant::now());
    let viewer = Viewer { published, news, place, topics, batch: VecDeque::new(), door, actor, checked };
    let frames = unfold(viewer, async |mut viewer| {
        let frame = viewer.next().await?;
        Some((Ok::<Bytes, Infallible>(frame), viewer))
    });
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(frames)).into_response())
}
