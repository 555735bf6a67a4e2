//! Who acts: of several instances the one that holds the lease. It renews it all the time and acts only while so little has passed
//! since the last renewal that no call outlasts the lease; another takes it over when it has not been renewed for its whole duration, by its
//! own clock (clocks of two machines are not compared).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{ApiError, CALL, Client};
use super::moment::now;
use super::objects::Meta;

/// How long a lease lasts without being renewed.
const DURATION: Duration = Duration::from_secs(30);
/// From one renewal to the next.
const RENEWAL: Duration = Duration::from_secs(2);
/// How long its end is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// Time between two looks at the wish to end.
const NAP: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct LeaseObject {
    metadata: Meta,
    spec: LeaseSpec,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LeaseSpec {
    holder_identity: Option<String>,
    lease_duration_seconds: Option<u64>,
    renew_time: Option<String>,
    acquire_time: Option<String>,
    lease_transitions: Option<u64>,
}

/// How the lease stands.
#[derive(Debug, Default)]
struct Standing {
    /// Until when calls may begin.
    acts_until: Option<Instant>,
    /// Who holds it, where somebody else does.
    other: Option<String>,
    problem: Option<String>,
    ended: bool,
}

/// The lease, held or wished for.
#[derive(Debug)]
pub(super) struct Lease {
    standing: Arc<Mutex<Standing>>,
    thread: JoinHandle<()>,
}

impl Lease {
    /// Begins to try for the lease of that name.
    pub(super) fn start(client: Client, namespace: &str, name: &str) -> std::io::Result<Self> {
        let standing = Arc::new(Mutex::new(Standing::default()));
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let identity = format!("{}_{}_{:x}", host.trim(), std::process::id(), now().1);
        let of_namespace = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases");
        let holder = Holder {
            client,
            identity,
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            path: of_namespace,
            standing: Arc::clone(&standing),
            seen: None,
        };
        let named = thread::Builder::new().name("kubernetes-lease".to_owned());
        let thread = named.spawn(move || holder.run())?;
        Ok(Self { standing, thread })
    }

    /// Whether a call may begin now.
    pub(super) fn acts(&self) -> bool {
        lock(&self.standing).acts_until.is_some_and(|until| Instant::now() < until)
    }

    /// Why this instance does not act; none where it does.
    pub(super) fn waits_for(&self) -> Option<String> {
        if self.acts() {
            return None;
        }
        let standing = lock(&self.standing);
        let why = match (&standing.problem, &standing.other) {
            (Some(problem), _) => format!("the lease cannot be had: {problem}"),
            (None, Some(other)) => format!("another instance acts: {other}"),
            (None, None) => "the lease is not held yet".to_owned(),
        };
        Some(why)
    }
}

impl Drop for Lease {
    /// Waits a little for the lease to be given back, since the process may end right after.
    fn drop(&mut self) {
        lock(&self.standing).ended = true;
        let begun = Instant::now();
        while !self.thread.is_finished() && begun.elapsed() < PATIENCE {
            thread::sleep(NAP);
        }
    }
}

fn lock(standing: &Mutex<Standing>) -> MutexGuard<'_, Standing> {
    standing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread's side.
struct Holder {
    client: Client,
    identity: String,
    name: String,
    namespace: String,
    path: String,
    standing: Arc<Mutex<Standing>>,
    /// The last renewal of another that was seen, and when.
    seen: Option<(Option<String>, Instant)>,
}

impl Holder {
    fn run(mut self) {
        while !lock(&self.standing).ended {
            let begun = Instant::now();
            let tried = self.try_once();
            let mut standing = lock(&self.standing);
            match tried {
                Ok(None) => {
                    *standing = Standing {
                        acts_until: Some(begun + (DURATION - CALL)),
                        ended: standing.ended,
                        ..Standing::default()
                    };
                }
                Ok(Some(other)) => {
                    standing.acts_until = None;
                    (standing.other, standing.problem) = (Some(other), None);
                }
                // It may act on until the time of the last renewal is over.
                Err(error) => standing.problem = Some(error.to_string()),
            }
            drop(standing);
            while begun.elapsed() < RENEWAL && !lock(&self.standing).ended {
                thread::sleep(NAP);
            }
        }
        // Whoever waits need not wait for the end of the lease. Where this cannot be said, it ends by itself.
        if let Ok(lease) = self.client.get::<LeaseObject>(&format!("{}/{}", self.path, self.name))
            && lease.spec.holder_identity.as_deref() == Some(&self.identity)
        {
            let _ = self.write(&lease, "");
        }
    }

    /// None where the lease is held now, else who holds it.
    fn try_once(&mut self) -> Result<Option<String>, ApiError> {
        let lease: LeaseObject = match self.client.get(&format!("{}/{}", self.path, self.name)) {
            Ok(lease) => lease,
            Err(error) if error.code() == Some(404) => {
                let body = self.body(&LeaseObject::default(), &self.identity);
                return taken(self.client.post(&self.path, &body));
            }
            Err(error) => return Err(error),
        };
        let holder = lease.spec.holder_identity.clone().unwrap_or_default();
        if holder != self.identity && !holder.is_empty() {
            let renewed = lease.spec.renew_time.clone();
            if self.seen.as_ref().is_none_or(|(before, _)| *before != renewed) {
                self.seen = Some((renewed, Instant::now()));
            }
            let lasts = Duration::from_secs(lease.spec.lease_duration_seconds.unwrap_or(DURATION.as_secs()));
            if self.seen.as_ref().is_some_and(|(_, since)| since.elapsed() < lasts) {
                return Ok(Some(holder));
            }
        }
        taken(self.write(&lease, &self.identity))
    }

    fn write(&self, lease: &LeaseObject, holder: &str) -> Result<Vec<u8>, ApiError> {
        self.client.put(&format!("{}/{}", self.path, self.name), &self.body(lease, holder))
    }

    fn body(&self, before: &LeaseObject, holder: &str) -> Value {
        let (time, _) = now();
        let is_same = before.spec.holder_identity.as_deref() == Some(holder);
        let changes = before.spec.lease_transitions.unwrap_or(0) + u64::from(!is_same && !holder.is_empty());
        let acquired = before.spec.acquire_time.as_ref().filter(|_| is_same).unwrap_or(&time);
        let mut metadata = json!({"name": self.name, "namespace": self.namespace});
        if !before.metadata.resource_version.is_empty() {
            // Only what was read is overwritten: of two that try at once one is refused.
            metadata["resourceVersion"] = before.metadata.resource_version.clone().into();
        }
        json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": holder, "leaseDurationSeconds": DURATION.as_secs(), "acquireTime": acquired,
                "renewTime": time, "leaseTransitions": changes
            },
        })
    }
}

/// A conflict means that another was faster.
fn taken(written: Result<Vec<u8>, ApiError>) -> Result<Option<String>, ApiError> {
    match written {
        Ok(_) => Ok(None),
        Err(error) if error.code() == Some(409) => Ok(Some("one that was faster".to_owned())),
        Err(error) => Err(error),
    }
}
