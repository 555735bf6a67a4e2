//! Binding a pod, with the devices of its claims: these are written before, and taken back where the pod is not bound.

use std::thread;
use std::time::Duration;

use lepton_core::model::{Answer, Spot};
use serde_json::{Value, json};

use super::cache::KnownPod;
use super::client::ApiError;
use super::devices::{DEVICES, annotation};
use super::hands::{KubernetesHands, path_of};
use super::objects::{Meta, Pod};
use super::reserves::{give_back, reserve};

/// Pauses before a call is made again that the server was too busy for.
const BUSY_PAUSES: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(500), Duration::from_secs(1)];

impl KubernetesHands {
    /// Binds a pod that is promised.
    pub(super) fn bind(&self, name: &str, known: &KnownPod, to: &Spot) -> Result<Answer, Answer> {
        let (pod, meta) = (&known.pod, &known.pod.metadata);
        let reserved = match reserve(&self.client, &self.shared, pod, &to.node) {
            Ok(reserved) => reserved,
            Err(why) => {
                self.shared.cache().take_back(name, &meta.uid);
                return Err(Answer::Refused(format!("pod {name} gets no devices on {}: {why}", &*to.node)));
            }
        };
        let mut annotations = serde_json::Map::new();
        // Claims say themselves which devices they have.
        if !to.devices.is_empty() && pod.spec.resource_claims.is_empty() {
            annotations.insert(DEVICES.to_owned(), Value::String(annotation(to.devices)));
        }
        let body = json!({
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {
                "name": meta.name, "namespace": meta.namespace, "uid": meta.uid, "annotations": annotations
            },
            "target": {"apiVersion": "v1", "kind": "Node", "name": &*to.node},
        });
        let path = format!("{}/binding", path_of(meta));
        let mut bound = self.client.post(&path, &body);
        for pause in BUSY_PAUSES {
            let Err(error) = &bound else { break };
            if !may_pass(error) || self.waits_for().is_some() || self.found(error, meta, to) != Found::Waiting
            {
                break;
            }
            thread::sleep(pause);
            bound = self.client.post(&path, &body);
        }
        if let Err(error) = bound {
            let found = self.found(&error, meta, to);
            if found != Found::Bound {
                // Where nobody knows, it may be bound, and its devices are its own.
                let is_free = matches!(found, Found::Waiting | Found::Gone);
                let given =
                    if is_free { give_back(&self.client, &self.shared, &reserved, pod) } else { Ok(()) };
                let also = given.err().map(|error| format!("; its claims keep their devices: {error}"));
                self.shared.cache().take_back(name, &meta.uid);
                let also = also.unwrap_or_default();
                return Err(Answer::Refused(format!("pod {name} is not bound: {error}{also}")));
            }
        }
        self.speaker.scheduled(meta, &to.node);
        Ok(Answer::Done)
    }

    /// How the pod is found after an error, by the server's word: where nobody answered, or the server failed in the middle, it may be bound. What
    /// the server was too busy for was not done.
    fn found(&self, error: &ApiError, meta: &Meta, to: &Spot) -> Found {
        if error.code() == Some(429) {
            return Found::Waiting;
        }
        let ask = || self.client.get::<Pod>(&path_of(meta));
        let mut found = ask();
        for pause in BUSY_PAUSES {
            if !found.as_ref().is_err_and(|error| error.code() != Some(404)) {
                break;
            }
            thread::sleep(pause);
            found = ask();
        }
        match found {
            Err(error) if error.code() == Some(404) => Found::Gone,
            Err(_) => Found::Unknown,
            Ok(pod) if pod.metadata.uid != meta.uid => Found::Gone,
            Ok(pod) if pod.spec.node_name.is_empty() => Found::Waiting,
            Ok(pod) if pod.spec.node_name == *to.node => Found::Bound,
            Ok(_) => Found::Elsewhere,
        }
    }
}

/// How a pod is found that was to be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Waiting,
    Bound,
    /// By another scheduler.
    Elsewhere,
    /// Also where another pod has its name.
    Gone,
    Unknown,
}

/// Whether the same call may be answered otherwise soon: the server is too busy, fails, or did not answer; or somebody else changed the
/// pod at the same moment.
fn may_pass(error: &ApiError) -> bool {
    error.code().is_none_or(|code| matches!(code, 409 | 429) || code >= 500)
}
