//! What pods are told: events and conditions, written on a thread of their own, so that binding never waits for them. Where more is
//! to be said than can be, the newest is left out and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use serde_json::{Value, json};

use super::client::Client;
use super::moment::now;
use super::objects::Meta;

/// Messages that may wait.
const WAITING_MAX: usize = 10_000;
/// Longest message of an event, bytes: what the server takes.
const MESSAGE_BYTES_MAX: usize = 1000;

/// Something to be written.
enum Message {
    Event { path: String, body: Value },
    Condition { path: String, body: Value },
}

/// Writes on a thread of its own.
#[derive(Debug, Clone)]
pub(super) struct Speaker {
    messages: SyncSender<Message>,
    unsaid: Arc<AtomicU64>,
}

impl Speaker {
    pub(super) fn start(client: Client) -> std::io::Result<Self> {
        let (messages, waiting) = sync_channel(WAITING_MAX);
        let unsaid = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&unsaid);
        let named = thread::Builder::new().name("kubernetes-events".to_owned());
        named.spawn(move || write_all(&client, &waiting, &counted))?;
        Ok(Self { messages, unsaid })
    }

    /// Messages that were not written.
    pub(super) fn unsaid(&self) -> u64 {
        self.unsaid.load(Ordering::Relaxed)
    }

    /// An event of a pod.
    pub(super) fn event(&self, pod: &Meta, reason: &str, message: &str, is_warning: bool) {
        let (time, nanos) = now();
        let body = json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            // Names of events are their own: the pod's with the moment.
            "metadata": {"name": format!("{}.{nanos:x}", pod.name), "namespace": pod.namespace},
            "eventTime": time,
            "reportingController": super::SCHEDULER_NAME,
            "reportingInstance": super::SCHEDULER_NAME,
            "action": if is_warning { "Scheduling" } else { "Binding" },
            "reason": reason,
            "regarding": {
                "apiVersion": "v1", "kind": "Pod", "name": pod.name, "namespace": pod.namespace, "uid": pod.uid
            },
            "note": shortened(message),
            "type": if is_warning { "Warning" } else { "Normal" },
        });
        let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", pod.namespace);
        self.say(Message::Event { path, body });
    }

    /// The pod cannot be placed now, and why.
    pub(super) fn unschedulable(&self, pod: &Meta, message: &str) {
        let (time, _) = now();
        let body = json!({
            // Only the pod that is meant, not one that came under its name.
            "metadata": {"uid": pod.uid},
            "status": {"conditions": [{
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
                "lastTransitionTime": time.split('.').next().map(|seconds| format!("{seconds}Z")),
            }]},
        });
        let path = format!("/api/v1/namespaces/{}/pods/{}/status", pod.namespace, pod.name);
        self.say(Message::Condition { path, body });
        self.event(pod, "FailedScheduling", message, true);
    }

    fn say(&self, message: Message) {
        if self.messages.try_send(message).is_err() {
            self.unsaid.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write_all(client: &Client, waiting: &Receiver<Message>, unsaid: &AtomicU64) {
    for message in waiting {
        let written = match &message {
            Message::Event { path, body } => client.post(path, body),
            Message::Condition { path, body } => client.patch(path, body),
        };
        // A pod that is gone needs to hear nothing.
        if written.is_err_and(|error| error.code() != Some(404)) {
            unsaid.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn shortened(message: &str) -> &str {
    let end = (0..=MESSAGE_BYTES_MAX.min(message.len())).rev().find(|&end| message.is_char_boundary(end));
    &message[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_ends_at_a_character() {
        let long = "ä".repeat(MESSAGE_BYTES_MAX);
        assert_eq!(shortened(&long).len(), MESSAGE_BYTES_MAX);
        assert_eq!(shortened("short"), "short");
    }
}
