//! Who may do what: on loopback everybody on this machine, beyond it the holders of tokens by their role. A page elsewhere must not
//! talk to this service through its visitor's browser.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::super::tokens::{Role, Tokens};
use super::Shared;
use super::problem::Problem;

/// How long a request may take until its answer begins.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
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
}

/// The door.
#[derive(Debug)]
pub(in crate::serve) struct Door {
    /// None where nobody is asked for a token.
    pub(super) tokens: Option<Tokens>,
    wrong: Mutex<(Option<Instant>, u32)>,
}

impl Door {
    /// With tokens, or open to this machine.
    pub(in crate::serve) fn new(tokens: Option<Tokens>) -> Arc<Self> {
        Arc::new(Self { tokens, wrong: Mutex::default() })
    }

    fn actor(&self, headers: &HeaderMap) -> Result<Actor, Problem> {
        let Some(tokens) = &self.tokens else {
            return Ok(Actor { name: "local".to_owned(), role: Role::Admin, token: None });
        };
        if self.is_shut() {
            let detail = "too many wrong tokens; ask again in a few seconds";
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-wrong-tokens", detail));
        }
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(text) = given.and_then(|value| value.strip_prefix("Bearer ")) else {
            let detail =
                "a token is asked for: `Authorization: Bearer lpt_...`; `lepton token create` makes one";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "token-missing", detail));
        };
        let refused = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, "token-refused", detail);
        match tokens.holder(text.trim()) {
            Ok(Some(token)) => {
                let name = format!("{} ({})", token.name, token.id);
                Ok(Actor { name, role: token.role, token: Some(token.id) })
            }
            Ok(None) => {
                self.note_wrong();
                Err(refused("the token is not known, has expired or was revoked"))
            }
            // Where the file lies is nobody's business who has no token.
            Err(_) => Err(refused("the tokens of this service cannot be read; its log says why")),
        }
    }

    /// Whether somebody who came in may stay.
    pub(super) fn still_lets_in(&self, actor: &Actor) -> bool {
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

/// The role that a request needs; none for what everybody may see: that the process lives, and the files of the page, which tell
/// nothing of the cluster.
fn needed(method: &Method, path: &str) -> Option<Role> {
    let is_page = !path.starts_with("/api/") && path != "/metrics" && path != "/readyz";
    match path {
        "/livez" => None,
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
pub(super) async fn guard(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    if let Some(problem) = foreign(request.headers(), request.method(), &shared) {
        return problem.into_response();
    }
    if let Some(role) = needed(request.method(), request.uri().path()) {
        match shared.door.actor(request.headers()) {
            Ok(actor) if actor.role >= role => {
                request.extensions_mut().insert(actor);
            }
            Ok(actor) => {
                let detail =
                    format!("this needs the role {}, the token has {}", role.name(), actor.role.name());
                return Problem::new(StatusCode::FORBIDDEN, "role-too-low", detail).into_response();
            }
            Err(problem) => {
                let mut response = problem.into_response();
                let scheme = HeaderValue::from_static("Bearer");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
                return response;
            }
        }
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
        let door = Door::new(Some(Tokens::new(folder)));
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer lpt_1_2"));
        let status = || door.actor(&headers).expect_err("it is wrong").status;
        (0..WRONG_MAX).for_each(|_| assert_eq!(status(), 401));
        assert_eq!(status(), 429);
    }
}
