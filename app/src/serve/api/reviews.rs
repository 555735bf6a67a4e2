//! People whom the Kubernetes cluster knows: it says whose a token is and what he may do, and that is believed for a while.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::super::config::ServeConfig;
use super::super::tokens::Role;

/// How long an answer of the cluster is believed: a role that was taken away is good for so long.
const BELIEVED: Duration = Duration::from_secs(60);
/// Answers that are kept.
const KNOWN_MAX: usize = 1000;
/// Questions to the cluster at once.
const ASKED_MAX: usize = 8;
/// What a role of RBAC allows on `/lepton/viewer`, `/lepton/operator` and `/lepton/admin`.
const VERB: &str = "use";
/// The roles, the highest first.
const ROLES: [Role; 3] = [Role::Admin, Role::Operator, Role::Viewer];

/// Somebody whom the cluster knows, and the highest role that he has here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) name: String,
    pub(super) role: Option<Role>,
}

/// Why it is not known who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unknown {
    /// The cluster does not know the token.
    Nobody,
    /// It does not answer, or is asked too much already.
    Busy(String),
}

/// By the digest of a token: what was said, and when.
type Said = HashMap<[u8; 32], (Instant, Option<Known>)>;

type Ask = dyn Fn(&str) -> Result<Option<Known>, String> + Send + Sync;

/// What the cluster says of those who ask.
pub(in crate::serve) struct Reviews {
    ask: Arc<Ask>,
    asked: Semaphore,
    known: Mutex<Said>,
}

impl fmt::Debug for Reviews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reviews")
    }
}

impl Reviews {
    /// Those of the cluster that the settings name, where they say that it is to be asked.
    #[cfg(feature = "kubernetes")]
    pub(in crate::serve) fn of(config: &ServeConfig) -> Result<Option<Self>, String> {
        use lepton_edges::kubernetes::{Person, ReviewError, Reviewer};
        if !config.kubernetes.review_tokens {
            return Ok(None);
        }
        let settings = &config.kubernetes;
        let reviewer = Reviewer::new(settings.kubeconfig.as_deref(), settings.context.as_deref());
        let reviewer = reviewer.map_err(|error| format!("`kubernetes.review_tokens`: {error}"))?;
        let role_of = |reviewer: &Reviewer, person: &Person| -> Result<Option<Role>, ReviewError> {
            for role in ROLES {
                if reviewer.may(person, VERB, &format!("/lepton/{}", role.name()))? {
                    return Ok(Some(role));
                }
            }
            Ok(None)
        };
        let ask = move |token: &str| {
            let known = reviewer.whose(token).and_then(|person| {
                let Some(person) = person else { return Ok(None) };
                let role = role_of(&reviewer, &person)?;
                Ok(Some(Known { name: person.name, role }))
            });
            known.map_err(|error| error.to_string())
        };
        Ok(Some(Self::asking(ask)))
    }

    /// This build knows none.
    #[cfg(not(feature = "kubernetes"))]
    pub(in crate::serve) fn of(config: &ServeConfig) -> Result<Option<Self>, String> {
        if config.kubernetes.review_tokens {
            return Err("`kubernetes.review_tokens`: this build knows no Kubernetes. Maybe build with `--features kubernetes`".to_owned());
        }
        Ok(None)
    }

    fn asking(ask: impl Fn(&str) -> Result<Option<Known>, String> + Send + Sync + 'static) -> Self {
        Self { ask: Arc::new(ask), asked: Semaphore::new(ASKED_MAX), known: Mutex::default() }
    }

    /// Whose a token is.
    pub(super) async fn whose(&self, token: &str) -> Result<Known, Unknown> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let believed = self.known().get(&digest).filter(|(when, _)| when.elapsed() < BELIEVED).cloned();
        if let Some((_, known)) = believed {
            return known.ok_or(Unknown::Nobody);
        }
        let Ok(_permit) = self.asked.try_acquire() else {
            return Err(Unknown::Busy("the cluster is being asked about others; ask again".to_owned()));
        };
        let (ask, token) = (Arc::clone(&self.ask), token.to_owned());
        let said = spawn_blocking(move || ask(&token)).await.map_err(|error| error.to_string());
        let known = said.and_then(|said| said).map_err(|problem| {
            tracing::warn!(problem, "the cluster does not say whose a token is");
            Unknown::Busy("the cluster does not say whose the token is; ask again".to_owned())
        })?;
        let mut all = self.known();
        if all.len() >= KNOWN_MAX {
            all.retain(|_, (when, _)| when.elapsed() < BELIEVED);
        }
        if all.len() < KNOWN_MAX {
            all.insert(digest, (Instant::now(), known.clone()));
        }
        drop(all);
        known.ok_or(Unknown::Nobody)
    }

    fn known(&self) -> MutexGuard<'_, Said> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn what_the_cluster_said_is_believed_for_a_while_and_a_failure_is_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("it starts");
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let reviews = Reviews::asking(move |token| {
            count.fetch_add(1, Ordering::Relaxed);
            match token {
                "good" => Ok(Some(Known { name: "ann".to_owned(), role: Some(Role::Operator) })),
                "wrong" => Ok(None),
                _ => Err("nobody answers".to_owned()),
            }
        });
        let whose = |token: &str| runtime.block_on(reviews.whose(token));
        for _ in 0..3 {
            assert_eq!(whose("good").map(|known| known.role), Ok(Some(Role::Operator)));
            assert_eq!(whose("wrong"), Err(Unknown::Nobody));
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        for _ in 0..3 {
            assert!(matches!(whose("else"), Err(Unknown::Busy(_))));
        }
        assert_eq!(asked.load(Ordering::Relaxed), 5);
    }
}
