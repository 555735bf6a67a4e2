//! The HTTP interface: reads of the last view and of the store, words of people to the loop. `access`
//! says who may do what.

mod access;
mod audit;
mod candidates;
mod forecast;
mod health;
mod history;
mod idempotency;
mod ledger;
mod limits;
mod lists;
mod node;
mod page;
mod plans;
mod policies;
mod problem;
mod records;
mod reviews;
pub(crate) mod rows;
mod ruled_out;
mod stream;
mod trials;
mod turns;
mod whatif;
mod why_not;

use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use lepton_core::model::Snapshot;
use lepton_edges::store::{Reader, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, RefOr};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::people::Request as Asked;
use super::view::Published;
pub(super) use access::Door;
use problem::Problem;
pub(super) use reviews::Reviews;

use crate::recordings::{PastError, snapshot_at};

/// Longest body of a request, bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Requests that compute on a copy of the snapshot at once.
const THINKING_MAX: usize = 2;

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) published: Arc<Published>,
    pub(super) asks: SyncSender<Asked>,
    pub(super) folder: PathBuf,
    pub(super) port: u16,
    pub(super) door: Arc<Door>,
    reader: Arc<Mutex<Option<Reader>>>,
    /// Permits to compute on a copy of the snapshot.
    thinking: Arc<Semaphore>,
}

impl Shared {
    pub(super) fn new(
        published: Arc<Published>,
        asks: SyncSender<Asked>,
        folder: PathBuf,
        port: u16,
        door: Arc<Door>,
    ) -> Self {
        Self {
            published,
            asks,
            folder,
            port,
            door,
            reader: Arc::default(),
            thinking: Arc::new(Semaphore::new(THINKING_MAX)),
        }
    }

    /// Reads the store off the threads that serve requests.
    async fn read<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let (reader, folder) = (Arc::clone(&self.reader), self.folder.clone());
        let read = tokio::task::spawn_blocking(move || -> anyhow::Result<T> {
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let reader = match &mut *reader {
                Some(reader) => reader,
                none => none.insert(Reader::open(&folder)?),
            };
            Ok(what(reader)?)
        });
        Ok(read.await.map_err(anyhow::Error::from)??)
    }
}

impl Shared {
    /// Asks the loop, and waits for what it answers between two turns.
    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Asked) -> Result<T, Problem> {
        let full = || {
            let detail = "the loop's mailbox is full; ask again";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
        };
        let (reply, answer) = oneshot::channel();
        self.asks.try_send(request(reply)).map_err(|_| full())?;
        answer.await.map_err(|_| full())
    }

    /// Computes on a copy of what the loop believes, beside the loop and off the threads that serve requests.
    async fn think<T: Send + 'static>(
        &self,
        what: impl FnOnce(Snapshot) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.permit()?;
        let snapshot = self.ask(Asked::Copy).await?;
        beside(permit, move || what(*snapshot)).await
    }

    /// The same on what the loop believed at a moment of the past, as far as it is recorded.
    async fn think_back<T: Send + 'static>(
        &self,
        at_seconds: u64,
        what: impl FnOnce(Snapshot) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let (permit, folder) = (self.permit()?, self.folder.clone());
        let thought = beside(permit, move || snapshot_at(&folder, at_seconds).map(what)).await?;
        thought.map_err(|error| match error {
            PastError::NotRecorded { .. } => Problem::not_found(error.to_string()),
            PastError::Unreadable(_) | PastError::Differs(_) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-playable", error.to_string())
            }
        })
    }

    fn permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.thinking).try_acquire_owned().map_err(|_| {
            let detail = "other questions are being thought about; ask again";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
        })
    }
}

/// Computes off the threads that serve requests, and gives the permit back then.
async fn beside<T: Send + 'static>(
    permit: OwnedSemaphorePermit,
    what: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let thought = tokio::task::spawn_blocking(move || {
        let thought = what();
        drop(permit);
        thought
    });
    thought.await.map_err(|error| {
        let detail = format!("the question could not be thought through: {error}");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", detail)
    })
}

/// The routes with their description.
fn routes() -> (Router<Shared>, OpenApi) {
    let (router, mut api) = OpenApiRouter::<Shared>::new()
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(health::status))
        .routes(routes!(health::load))
        .routes(routes!(forecast::forecast))
        .routes(routes!(ledger::ledger))
        .routes(routes!(policies::policies))
        .routes(routes!(candidates::candidates))
        .routes(routes!(candidates::promote))
        .routes(routes!(candidates::demote))
        .routes(routes!(stream::stream))
        .routes(routes!(turns::turns))
        .routes(routes!(turns::turn))
        .routes(routes!(lists::nodes))
        .routes(routes!(node::node))
        .routes(routes!(history::history))
        .routes(routes!(lists::waiting))
        .routes(routes!(lists::tasks))
        .routes(routes!(ruled_out::ruled_out))
        .routes(routes!(records::decisions))
        .routes(routes!(records::decision))
        .routes(routes!(records::explain))
        .routes(routes!(plans::plans))
        .routes(routes!(plans::plan))
        .routes(routes!(plans::approve))
        .routes(routes!(plans::reject))
        .routes(routes!(plans::derive))
        .routes(routes!(plans::snooze))
        .routes(routes!(plans::snoozes))
        .routes(routes!(plans::end_snooze))
        .routes(routes!(whatif::what_if))
        .routes(routes!(trials::try_out))
        .routes(routes!(audit::audit))
        .split_for_parts();
    api.info.title = "Lepton".to_owned();
    api.info.description = Some("The control loop of `lepton serve`.".to_owned());
    env!("CARGO_PKG_VERSION").clone_into(&mut api.info.version);
    api.info.license = None;
    api.info.contact = None;
    (router, api)
}

/// The description of the interface as OpenAPI 3.1, as it is committed.
pub(crate) fn openapi() -> String {
    let mut described = routes().1;
    for item in described.paths.paths.values_mut() {
        item.get.iter_mut().chain(&mut item.post).for_each(name_problems);
    }
    let mut text = described.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// Errors are sent as problems, whatever the operation.
fn name_problems(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let (true, RefOr::T(response)) = (status.as_str() >= "400", response)
            && let Some(body) = response.content.shift_remove("application/json")
        {
            response.content.insert(problem::KIND.to_owned(), body);
        }
    }
}

/// The service.
pub(super) fn router(shared: Shared) -> Router {
    page::with_page(routes().0)
        .route(
            "/api/v1/openapi.json",
            axum::routing::get(|| async { ([(header::CONTENT_TYPE, "application/json")], openapi()) }),
        )
        .fallback(|| async { Problem::not_found("there is no such resource; see /api/v1/openapi.json") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "see /api/v1/openapi.json")
        })
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(shared.clone(), access::guard))
        .with_state(shared)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use lepton_core::analyze::StrandedCause;
    use lepton_core::model::{Obstacle, Reason};

    #[test]
    fn every_code_is_described_and_is_what_files_write() {
        let page = include_str!("../../../../docs/serve.md");
        let written = |value: serde_json::Result<String>| value.expect("a code");
        let mut codes = vec![("Undecided", "\"Undecided\"".to_owned())];
        codes.extend(Reason::ALL.map(|code| (code.code(), written(serde_json::to_string(&code)))));
        codes.extend(Obstacle::ALL.map(|code| (code.code(), written(serde_json::to_string(&code)))));
        codes.extend(StrandedCause::ALL.map(|code| (code.code(), written(serde_json::to_string(&code)))));
        codes.push(("OwnerObserved", "\"OwnerObserved\"".to_owned()));
        for (code, in_files) in codes {
            assert_eq!(in_files, format!("\"{code}\""));
            assert!(page.contains(&format!("| `{code}` |")), "docs/serve.md does not say what `{code}` is");
        }
    }

    /// Names of types that are part of the interface, in a folder and those below.
    fn described_in(folder: &Path, names: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("it is there") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                described_in(&path, names);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("readable");
            for described in text
                .split("#[derive(")
                .skip(1)
                .filter(|of| of.lines().next().is_some_and(|line| line.contains("ToSchema")))
            {
                let words: Vec<&str> = described.split_whitespace().collect();
                let at =
                    words.iter().position(|word| ["struct", "enum"].contains(word)).expect("it is a type");
                names.push(words[at + 1].trim_end_matches(['{', '<', '(', ';']).to_owned());
            }
        }
    }

    #[test]
    fn no_two_types_of_the_interface_have_one_name() {
        // A description has one of each name: the other would be described as what it is not.
        let mut names = Vec::new();
        described_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut names);
        assert!(names.len() > 60, "{names:?}");
        names.sort_unstable();
        let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }

    #[test]
    fn the_committed_description_is_what_the_code_says() {
        let committed = include_str!("../../../../docs/openapi.json");
        let now = super::openapi();
        assert!(
            committed == now,
            "docs/openapi.json is not what the code says; write it with `lepton serve --print-openapi > docs/openapi.json`"
        );
    }
}
