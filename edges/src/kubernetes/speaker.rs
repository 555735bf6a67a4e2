//! What pods are told: events and conditions, written on a thread of their own, so that binding never waits for them. While calls are under
//! way it holds back, since the server has better to do. Of a pod the last condition alone is written; where more is to be said than can
//! be, the newest is left out and counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Client;
use super::moment::{now, now_text};
use super::objects::Meta;

/// Events that may wait, and conditions.
const WAITING_MAX: usize = 10_000;
/// How long an event is held back at most while calls are under way, and a condition.
const EVENT_PATIENCE: Duration = Duration::from_secs(1);
const CONDITION_PATIENCE: Duration = Duration::from_millis(50);
/// How often a condition is written again that could not be, and the pause before.
const TRIES_MAX: u32 = 10;
const RETRY: Duration = Duration::from_millis(200);
/// Longest message of an event, bytes: what the server takes.
const MESSAGE_BYTES_MAX: usize = 1000;

/// The pod that something is said to.
#[derive(Debug, Clone)]
struct Listener {
    name: String,
    namespace: String,
    uid: String,
}

impl Listener {
    fn of(pod: &Meta) -> Self {
        Self { name: pod.name.clone(), namespace: pod.namespace.clone(), uid: pod.uid.clone() }
    }
}

#[derive(Debug)]
struct Event {
    pod: Listener,
    reason: &'static str,
    note: String,
    time: (String, u128),
}

/// What a waiting pod is told, and how often that was tried.
#[derive(Debug)]
struct Told {
    pod: Listener,
    message: String,
    tries: u32,
}

/// What is to be written.
#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Event>,
    /// The pods that are told why they wait, in order, by uid, and what.
    waiting: VecDeque<String>,
    conditions: BTreeMap<String, Told>,
    /// Calls on the cluster that are under way.
    calls: usize,
    unsaid: u64,
    is_over: bool,
}

/// Writes on a thread of its own.
#[derive(Debug)]
pub(super) struct Speaker {
    shared: Arc<(Mutex<Queue>, Condvar)>,
}

/// As long as it lives, calls are under way.
#[derive(Debug)]
pub(super) struct Hush(Arc<(Mutex<Queue>, Condvar)>);

impl Drop for Hush {
    fn drop(&mut self) {
        lock(&self.0).calls -= 1;
        self.0.1.notify_all();
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        lock(&self.shared).is_over = true;
        self.shared.1.notify_all();
    }
}

fn lock(shared: &(Mutex<Queue>, Condvar)) -> MutexGuard<'_, Queue> {
    shared.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Speaker {
    pub(super) fn start(client: Client) -> std::io::Result<Self> {
        let shared = Arc::default();
        let of_thread = Arc::clone(&shared);
        let named = thread::Builder::new().name("kubernetes-events".to_owned());
        named.spawn(move || write_all(&client, &of_thread))?;
        Ok(Self { shared })
    }

    /// Messages that were not written.
    pub(super) fn unsaid(&self) -> u64 {
        lock(&self.shared).unsaid
    }

    /// Calls are under way until what it returns is dropped.
    pub(super) fn hush(&self) -> Hush {
        lock(&self.shared).calls += 1;
        Hush(Arc::clone(&self.shared))
    }

    /// The pod was bound.
    pub(super) fn scheduled(&self, pod: &Meta, node: &str) {
        let note = format!("Successfully assigned {} to {node}", pod.full_name());
        self.say(Event { pod: Listener::of(pod), reason: "Scheduled", note, time: now() });
    }

    /// The pod is stopped for another one.
    pub(super) fn preempted(&self, pod: &Meta, by: &Meta, node: &str) {
        let note = format!("Preempted by pod {} on node {node}", by.uid);
        self.say(Event { pod: Listener::of(pod), reason: "Preempted", note, time: now() });
    }

    /// The pod cannot be placed now, and why.
    pub(super) fn unschedulable(&self, pod: &Meta, message: &str) {
        let mut queue = lock(&self.shared);
        let told = Told { pod: Listener::of(pod), message: message.to_owned(), tries: 0 };
        if queue.conditions.insert(pod.uid.clone(), told).is_none() {
            queue.waiting.push_back(pod.uid.clone());
        }
        if queue.conditions.len() > WAITING_MAX {
            queue.waiting.pop_back();
            queue.conditions.remove(&pod.uid);
            queue.unsaid += 1;
        }
        drop(queue);
        self.shared.1.notify_all();
    }

    fn say(&self, event: Event) {
        let mut queue = lock(&self.shared);
        // It waits no more: nobody needs to know why it did.
        if event.reason == "Scheduled" {
            queue.conditions.remove(&event.pod.uid);
        }
        if queue.events.len() < WAITING_MAX {
            queue.events.push_back(event);
        } else {
            queue.unsaid += 1;
        }
        drop(queue);
        self.shared.1.notify_all();
    }
}

/// What is written next.
enum Next {
    Event(Event),
    Condition(Told),
}

/// Waits for something to write; none when it is over.
fn next(shared: &(Mutex<Queue>, Condvar)) -> Option<Next> {
    let begun = Instant::now();
    let mut queue = lock(shared);
    loop {
        if queue.is_over {
            return None;
        }
        let waited = |patience| begun.elapsed() >= patience;
        if queue.calls == 0 || waited(CONDITION_PATIENCE) {
            while let Some(uid) = queue.waiting.pop_front() {
                if let Some(told) = queue.conditions.remove(&uid) {
                    return Some(Next::Condition(told));
                }
            }
        }
        if (queue.calls == 0 || waited(EVENT_PATIENCE))
            && let Some(event) = queue.events.pop_front()
        {
            return Some(Next::Event(event));
        }
        let is_idle = queue.waiting.is_empty() && queue.events.is_empty();
        let pause = if is_idle { EVENT_PATIENCE } else { CONDITION_PATIENCE };
        queue = shared.1.wait_timeout(queue, pause).unwrap_or_else(PoisonError::into_inner).0;
    }
}

fn write_all(client: &Client, shared: &(Mutex<Queue>, Condvar)) {
    while let Some(next) = next(shared) {
        let written = match next {
            Next::Event(event) => client.post(&events_of(&event.pod), &event_body(&event)),
            Next::Condition(Told { pod, message, tries }) => {
                let path = format!("/api/v1/namespaces/{}/pods/{}/status", pod.namespace, pod.name);
                let written = client.patch(&path, &condition_body(&pod, &message));
                let is_over = match &written {
                    Ok(_) => true,
                    Err(error) => error.code() == Some(404) || tries == TRIES_MAX,
                };
                let mut queue = lock(shared);
                if !is_over {
                    // Where it was bound meanwhile, or something newer is to be told, that is what counts.
                    let is_bound = |event: &Event| event.reason == "Scheduled" && event.pod.uid == pod.uid;
                    if !queue.conditions.contains_key(&pod.uid) && !queue.events.iter().any(is_bound) {
                        queue.waiting.push_back(pod.uid.clone());
                        queue.conditions.insert(pod.uid.clone(), Told { pod, message, tries: tries + 1 });
                    }
                    drop(queue);
                    thread::sleep(RETRY);
                    continue;
                }
                if written.is_ok() && queue.events.len() < WAITING_MAX {
                    let reason = "FailedScheduling";
                    queue.events.push_back(Event { pod, reason, note: message, time: now() });
                }
                written
            }
        };
        // A pod that is gone needs to hear nothing.
        if written.is_err_and(|error| error.code() != Some(404)) {
            lock(shared).unsaid += 1;
        }
    }
}

fn events_of(pod: &Listener) -> String {
    format!("/apis/events.k8s.io/v1/namespaces/{}/events", pod.namespace)
}

fn event_body(event: &Event) -> Value {
    let Event { pod, reason, note, time: (time, nanos) } = event;
    let (action, kind) = match *reason {
        "Scheduled" => ("Binding", "Normal"),
        "Preempted" => ("Preempting", "Normal"),
        _ => ("Scheduling", "Warning"),
    };
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        // Names of events are their own: the pod's with the moment.
        "metadata": {"name": format!("{}.{nanos:x}", pod.name), "namespace": pod.namespace},
        "eventTime": time,
        "reportingController": super::SCHEDULER_NAME,
        "reportingInstance": super::SCHEDULER_NAME,
        "action": action,
        "reason": reason,
        "regarding": {
            "apiVersion": "v1", "kind": "Pod", "name": pod.name, "namespace": pod.namespace, "uid": pod.uid
        },
        "note": shortened(note),
        "type": kind,
    })
}

fn condition_body(pod: &Listener, message: &str) -> Value {
    json!({
        // Only the pod that is meant, not one that came under its name.
        "metadata": {"uid": pod.uid},
        "status": {"conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
            "lastTransitionTime": now_text(),
        }]},
    })
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
