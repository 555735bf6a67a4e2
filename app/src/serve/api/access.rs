//! Who may do what: on loopback everybody on this machine, beyond it the holders of tokens by their role. A page elsewhere must not
//! talk to this service through its visitor's browser.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::super::auditing;
use super::super::people::Request as Asked;
use super::super::tls::Peer;
use super::super::tokens::{OURS, Role, Tokens};
use super::Shared;
use super::limits::{Holder, Limits};
use super::problem::Problem;
use super::reviews::{Known, Reviews, Unknown};

/// How long a request may take until its answer begins.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Streams that one token may have open.
const STREAMS_OF_TOKEN_MAX: usize = 32;
/// Most characters of a path in the audit and the log.
const PATH_CHARS_MAX: usize = 200;
/// How long a stream of somebody whom the cluster knows may stay open: then he is looked at again.
const KNOWN_FOR: Duration = Duration::from_secs(600);
/// Where a token stands when somebody between takes the usual header for his own, as the proxy of an API server does.
const OTHER_HEADER: &str = "x-lepton-token";
/// Wrong tokens in one window of time after which nobody is asked for a while.
const WRONG_MAX: u32 = 50;
const WINDOW: Duration = Duration::from_secs(10);

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Actor {
    /// Name for the audit.
    pub(super) name: String,
    role: Role,
    /// The token; none on loopback.
    token: Option<String>,
    /// Until when that is believed; as long as the token is good where it is one of ours.
    until: Option<Instant>,
}

impl Actor {
    /// Whose bucket a request is taken from.
    fn holder(&self, request: &Request) -> Holder {
        let from = request.extensions().get::<ConnectInfo<Peer>>();
        match &self.token {
            Some(token) => Holder::Token(token.clone()),
            None => Holder::Address(from.map(|from| from.0.0.ip())),
        }
    }
}

/// The door.
#[derive(Debug)]
pub(in crate::serve) struct Door {
    /// None where nobody is asked for a token.
    pub(super) tokens: Option<Tokens>,
    /// Who is asked about tokens that are not ours; none where only ours are taken.
    reviews: Option<Reviews>,
    wrong: Mutex<(Option<Instant>, u32)>,
    limits: Limits,
    /// Open streams by token.
    streams: Mutex<HashMap<String, usize>>,
}

impl Door {
    /// With tokens, or open to this machine.
    pub(in crate::serve) fn new(
        tokens: Option<Tokens>,
        reviews: Option<Reviews>,
        requests_per_second: u32,
    ) -> Arc<Self> {
        let limits = Limits::new(requests_per_second);
        Arc::new(Self { tokens, reviews, wrong: Mutex::default(), limits, streams: Mutex::default() })
    }

    /// Somebody opens a stream: false where its token has too many.
    pub(super) fn opens_stream(&self, actor: &Actor) -> bool {
        let Some(token) = &actor.token else { return true };
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let open = streams.entry(token.clone()).or_default();
        *open += 1;
        let may = *open <= STREAMS_OF_TOKEN_MAX;
        if !may {
            *open -= 1;
        }
        may
    }

    /// A stream is closed.
    pub(super) fn closed_stream(&self, actor: &Actor) {
        let Some(token) = &actor.token else { return };
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = streams.get_mut(token) {
            *open -= 1;
            if *open == 0 {
                streams.remove(token);
            }
        }
    }

    async fn actor(&self, headers: &HeaderMap) -> Result<Actor, Problem> {
        let Some(tokens) = &self.tokens else {
            return Ok(Actor { name: "local".to_owned(), role: Role::Admin, token: None, until: None });
        };
        if self.is_shut() {
            let detail = "too many wrong tokens; ask again in a few seconds";
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-wrong-tokens", detail));
        }
        let given = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let usual = given(header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
        let Some(text) = given(OTHER_HEADER).or(usual).map(str::trim) else {
            let of_cluster =
                if self.reviews.is_some() { ", and `kubectl create token` one of the cluster" } else { "" };
            let detail = format!(
                "a token is asked for: `Authorization: Bearer lpt_...`; `lepton token create` makes one{of_cluster}"
            );
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "token-missing", detail));
        };
        if let Some(reviews) = self.reviews.as_ref().filter(|_| !text.starts_with(OURS)) {
            return self.known(reviews.whose(text).await);
        }
        let refused = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, "token-refused", detail);
        match tokens.holder(text) {
            Ok(Some(token)) => {
                let name = format!("{} ({})", token.name, token.id);
                Ok(Actor { name, role: token.role, token: Some(token.id), until: None })
            }
            Ok(None) => {
                self.note_wrong();
                Err(refused("the token is not known, has expired or was revoked"))
            }
            // Where the file lies is nobody's business who has no token.
            Err(_) => Err(refused("the tokens of this service cannot be read; its log says why")),
        }
    }

    /// Somebody whom the cluster knows, or not.
    fn known(&self, known: Result<Known, Unknown>) -> Result<Actor, Problem> {
        match known {
            Ok(Known { name, role: Some(role) }) => {
                let until = Instant::now().checked_add(KNOWN_FOR);
                Ok(Actor { token: Some(name.clone()), name, role, until })
            }
            Ok(Known { name, role: None }) => {
                let detail = format!(
                    "{name} may not look: no role of RBAC allows the verb `use` on the non-resource URL /lepton/viewer"
                );
                Err(Problem::new(StatusCode::FORBIDDEN, "role-too-low", detail))
            }
            Err(Unknown::Nobody) => {
                self.note_wrong();
                let detail = "the token is known neither here nor to the cluster, or has expired";
                Err(Problem::new(StatusCode::UNAUTHORIZED, "token-refused", detail))
            }
            Err(Unknown::Busy(detail)) => {
                Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "cluster-silent", detail))
            }
        }
    }

    /// Whether somebody who came in may stay.
    pub(super) fn still_lets_in(&self, actor: &Actor) -> bool {
        if let Some(until) = actor.until {
            return Instant::now() < until;
        }
        match (&self.tokens, &actor.token) {
            (Some(tokens), Some(id)) => tokens.is_good(id),
            _ => true,
        }
    }

    fn is_shut(&self) -> bool {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.1 >= WRONG_MAX && wrong.0.is_some_and(|since| since.elapsed() < WINDOW)
    }

    fn note_wrong(&self) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.0.is_none_or(|since| since.elapsed() >= WINDOW) {
            *wrong = (Some(Instant::now()), 0);
        }
        wrong.1 += 1;
    }
}

/// The role that a request needs; none for what everybody may see: that the process lives, whether it is ready (probes have no token), and
/// the files of the page, which tell nothing of the cluster.
fn needed(method: &Method, path: &str) -> Option<Role> {
    let is_page = !path.starts_with("/api/") && path != "/metrics";
    match path {
        "/livez" | "/readyz" => None,
        "/api/v1/audit" => Some(Role::Admin),
        _ if reads(method) => (!is_page).then_some(Role::Viewer),
        "/api/v1/whatif" => Some(Role::Viewer),
        _ => Some(Role::Operator),
    }
}

fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Lets in who may come in, and no answer take for ever.
pub(super) async fn guard(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let (method, path) = (request.method().clone(), path_of(&request));
    let mut actor = None;
    let response = admit(&shared, request, next, &mut actor).await;
    let (actor, status) =
        (actor.map_or(String::new(), |actor: Actor| actor.name), response.status().as_u16());
    let (method, took_seconds) = (method.as_str(), begun.elapsed().as_secs_f64());
    tracing::debug!(method, path, status, actor, took_seconds, "request");
    response
}

fn path_of(request: &Request) -> String {
    request.uri().path().chars().take(PATH_CHARS_MAX).collect()
}

async fn admit(shared: &Shared, mut request: Request, next: Next, who: &mut Option<Actor>) -> Response {
    if let Some(problem) = foreign(request.headers(), request.method(), shared) {
        return problem.into_response();
    }
    if let Some(role) = needed(request.method(), request.uri().path()) {
        let actor = match shared.door.actor(request.headers()).await {
            Ok(actor) => actor,
            Err(problem) => {
                let is_asked = problem.status == StatusCode::UNAUTHORIZED;
                let mut response = problem.into_response();
                if is_asked {
                    let scheme = HeaderValue::from_static("Bearer");
                    response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
                }
                return response;
            }
        };
        *who = Some(actor.clone());
        if let Err(wait) = shared.door.limits.take(actor.holder(&request), Instant::now()) {
            return too_many(wait);
        }
        if actor.role < role {
            let detail = format!("this needs the role {}, the token has {}", role.name(), actor.role.name());
            if !reads(request.method()) {
                let action = format!("{} {}", request.method(), path_of(&request));
                let line = auditing::line(&actor.name, &action, "service", &format!("refused: {detail}"));
                // A mailbox that is full has more to say than that somebody may not.
                let _ = shared.asks.try_send(Asked::Refused(line));
            }
            return Problem::new(StatusCode::FORBIDDEN, "role-too-low", detail).into_response();
        }
        request.extensions_mut().insert(actor);
    }
    let Ok(mut response) = timeout(ANSWER_WITHIN, next.run(request)).await else {
        let detail = format!("no answer within {} seconds", ANSWER_WITHIN.as_secs());
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-slow", detail).into_response();
    };
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Whoever asks too much is told when to ask again.
fn too_many(wait: Duration) -> Response {
    let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
    let detail = format!("too many requests; ask again in {seconds} s (`requests_per_second` is the limit)");
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail);
    let mut response = problem.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn foreign(headers: &HeaderMap, method: &Method, shared: &Shared) -> Option<Problem> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
    let host = text(header::HOST).unwrap_or_default();
    let own = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{}", shared.port));
    // Whoever must show a token cannot be led here by a name of somebody else's: a page does not know the token.
    if shared.door.tokens.is_none() && !own.contains(&host) {
        let detail = format!("host `{host}` is not this service; ask for {}", own[0]);
        return Some(Problem::new(StatusCode::MISDIRECTED_REQUEST, "wrong-host", detail));
    }
    let origin = text(header::ORIGIN).filter(|_| !reads(method))?;
    let detail = format!("origin `{origin}` may not change anything here");
    let is_own = own.iter().chain([&host]).any(|own| {
        origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) == Some(own.as_str())
    });
    (!is_own).then(|| Problem::new(StatusCode::FORBIDDEN, "wrong-origin", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_tries_many_wrong_tokens_waits() {
        let folder = std::env::temp_dir().join(format!("lepton-door-{}", std::process::id()));
        let door = Door::new(Some(Tokens::new(folder)), None, 500);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it starts");
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer lpt_1_2"));
        let status = || runtime.block_on(door.actor(&headers)).expect_err("it is wrong").status;
        (0..WRONG_MAX).for_each(|_| assert_eq!(status(), 401));
        assert_eq!(status(), 429);
    }
}
