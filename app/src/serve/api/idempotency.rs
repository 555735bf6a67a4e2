//! Keys under which a request is answered once.

use axum::http::{HeaderMap, HeaderName, StatusCode};

use super::problem::Problem;

/// Longest key of a request, characters.
const KEY_CHARS_MAX: usize = 200;

/// The `Idempotency-Key` of a request; none where it has none.
pub(super) fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let key = headers.get(HeaderName::from_static("idempotency-key"));
    let key = key.map(|value| value.to_str().unwrap_or_default().to_owned());
    if key.as_ref().is_some_and(|key| key.is_empty() || key.chars().count() > KEY_CHARS_MAX) {
        return Err(Problem::bad(format!("an Idempotency-Key has 1 to {KEY_CHARS_MAX} characters")));
    }
    Ok(key)
}

/// What is answered where the key belongs to another request.
pub(super) fn key_taken() -> Problem {
    let detail = "the Idempotency-Key belongs to another request";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key-taken", detail)
}
