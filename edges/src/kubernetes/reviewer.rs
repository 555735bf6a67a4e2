//! Who asks, by the cluster's own word: a TokenReview says whose a token is, a SubjectAccessReview what its holder may do.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::{AccessError, find};
use super::client::{ApiError, Client};

const TOKEN_REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESS_REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/// Why the cluster did not say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReviewError(String);

impl From<ApiError> for ReviewError {
    fn from(error: ApiError) -> Self {
        Self(error.to_string())
    }
}

/// Somebody whom the cluster knows.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Person {
    /// The name, as `system:serviceaccount:NAMESPACE:NAME` of a service account.
    #[serde(default, rename(deserialize = "username", serialize = "user"))]
    pub name: String,
    #[serde(default)]
    uid: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    extra: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reviewed {
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    authenticated: bool,
    user: Option<Person>,
    allowed: bool,
}

/// Asks the API server, with the rights of the role `system:auth-delegator`.
#[derive(Debug, Clone)]
pub struct Reviewer {
    client: Client,
}

impl Reviewer {
    /// Of the cluster that a kubeconfig and its context name, as of [`KubernetesOptions`](super::KubernetesOptions). Asks nothing yet.
    ///
    /// # Errors
    /// When that names none.
    pub fn new(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Self, AccessError> {
        Ok(Self { client: Client::new(&find(kubeconfig, context)?)? })
    }

    /// Whose a token is; none where the cluster does not know it.
    ///
    /// # Errors
    /// When the cluster does not say.
    pub fn whose(&self, token: &str) -> Result<Option<Person>, ReviewError> {
        let review = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token},
        });
        let status = self.review(TOKEN_REVIEWS, &review)?;
        // Of a token that it does not know it names nobody.
        Ok(status.user.filter(|person| status.authenticated && !person.name.is_empty()))
    }

    /// Whether a role allows somebody this verb on a path that is no resource.
    ///
    /// # Errors
    /// When the cluster does not say.
    pub fn may(&self, person: &Person, verb: &str, path: &str) -> Result<bool, ReviewError> {
        let wrong = |error: serde_json::Error| ReviewError(error.to_string());
        let mut spec = serde_json::to_value(person).map_err(wrong)?;
        spec["nonResourceAttributes"] = json!({"verb": verb, "path": path});
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec,
        });
        Ok(self.review(ACCESS_REVIEWS, &review)?.allowed)
    }

    fn review(&self, path: &str, review: &Value) -> Result<Status, ReviewError> {
        let answer = self.client.post(path, review)?;
        let reviewed: Reviewed =
            serde_json::from_slice(&answer).map_err(|error| ReviewError(format!("{path}: {error}")))?;
        Ok(reviewed.status)
    }
}
