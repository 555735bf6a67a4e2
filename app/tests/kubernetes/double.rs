//! A server that speaks as much of the Kubernetes API as Lepton asks for: lists in pages, watches from a version on, bindings and evictions. It
//! holds clusters of a size that no API server on one machine holds, and says what came when. What a real one answers, a test holds it to.

#![allow(dead_code, reason = "the tests and the bench each use a part of this")]

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Changes that are remembered; who asks for older ones is told to list.
const CHANGES_MAX: usize = 200_000;
/// A watch looks this often whether its time is over.
const NAP: Duration = Duration::from_millis(100);

/// A change of an object, as a line of a watch.
struct Change {
    version: u64,
    kind: &'static str,
    line: String,
}

#[derive(Default)]
struct Objects {
    version: u64,
    /// By the kind in the path, then by name.
    all: BTreeMap<&'static str, BTreeMap<String, Value>>,
    changes: VecDeque<Change>,
    /// The version of the last change that is forgotten.
    forgotten: u64,
    /// When each pod was bound.
    bound: BTreeMap<String, Instant>,
}

impl Objects {
    fn change(&mut self, what: &str, kind: &'static str, name: &str, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let line = format!("{}\n", json!({"type": what, "object": object}));
        self.changes.push_back(Change { version: self.version, kind, line });
        if self.changes.len() > CHANGES_MAX
            && let Some(oldest) = self.changes.pop_front()
        {
            self.forgotten = oldest.version;
        }
        let objects = self.all.entry(kind).or_default();
        match what {
            "DELETED" => drop(objects.remove(name)),
            _ => drop(objects.insert(name.to_owned(), object)),
        }
    }

    fn pod(&self, name: &str) -> Option<&Value> {
        self.all.get("pods")?.get(name)
    }
}

/// The server; it ends with the process.
#[derive(Clone)]
pub(crate) struct Double {
    address: String,
    shared: Arc<(Mutex<Objects>, Condvar)>,
}

/// A kubeconfig that leads to a server that asks nobody who he is.
pub(crate) fn kubeconfig_of(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\ncontexts:\n- {{name: test, context: {{cluster: test}}}}\n\
         clusters:\n- {{name: test, cluster: {{server: '{server}'}}}}\n"
    )
}

/// A request as far as it matters.
struct Asked {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    body: Value,
}

impl Double {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("it has one"));
        let double = Self { address, shared: Arc::default() };
        let of_thread = double.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let double = of_thread.clone();
                // A connection that ends early is the other side's affair.
                thread::spawn(move || drop(double.serve(stream)));
            }
        });
        double
    }

    /// Where it is.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts objects of a kind (`nodes`, `pods`) by name, as one change each.
    pub(crate) fn put(&self, kind: &'static str, new: impl IntoIterator<Item = (String, Value)>) {
        let mut objects = self.objects();
        for (name, object) in new {
            let is_there = objects.all.get(kind).is_some_and(|all| all.contains_key(&name));
            objects.change(if is_there { "MODIFIED" } else { "ADDED" }, kind, &name, object);
        }
        self.shared.1.notify_all();
    }

    /// Takes objects away.
    pub(crate) fn take(&self, kind: &'static str, names: impl IntoIterator<Item = String>) {
        let mut objects = self.objects();
        for name in names {
            if let Some(object) = objects.all.get(kind).and_then(|all| all.get(&name)).cloned() {
                objects.change("DELETED", kind, &name, object);
            }
        }
        self.shared.1.notify_all();
    }

    /// When the pod was bound.
    pub(crate) fn bound(&self, pod: &str) -> Option<Instant> {
        self.objects().bound.get(pod).copied()
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let (mut from, mut to) = (BufReader::new(stream.try_clone()?), stream);
        while let Some(asked) = read(&mut from)? {
            if asked.query.contains_key("watch") {
                return self.watch(&asked, &mut to);
            }
            let (code, answer) = self.answer(&asked);
            let answer = answer.to_string();
            write!(
                to,
                "HTTP/1.1 {code} Answer\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
                answer.len()
            )?;
        }
        Ok(())
    }

    /// Tells what changes after the version that is asked for, until the time is over.
    fn watch(&self, asked: &Asked, to: &mut TcpStream) -> std::io::Result<()> {
        let number = |key: &str| asked.query.get(key).and_then(|value| value.parse::<u64>().ok());
        let ends = Instant::now() + Duration::from_secs(number("timeoutSeconds").unwrap_or(300));
        let mut version = number("resourceVersion").unwrap_or(0);
        let kind = asked.path.rsplit('/').next().unwrap_or_default();
        write!(to, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n")?;
        while Instant::now() < ends {
            let lines = {
                let mut objects = self.objects();
                if objects.version == version {
                    let waited = self.shared.1.wait_timeout(objects, NAP);
                    objects = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                if version < objects.forgotten {
                    let gone = json!({"type": "ERROR", "object": status(410, "Expired")});
                    return writeln!(to, "{gone}");
                }
                let known = objects.changes.partition_point(|change| change.version <= version);
                let news = objects.changes.range(known..).filter(|change| change.kind == kind);
                let lines: String = news.map(|change| change.line.as_str()).collect();
                version = objects.version;
                lines
            };
            to.write_all(lines.as_bytes())?;
        }
        Ok(())
    }

    fn answer(&self, asked: &Asked) -> (u16, Value) {
        let words: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        match (asked.method.as_str(), &words[..]) {
            ("GET", ["api", "v1", kind @ ("nodes" | "pods")]) => (200, self.page(kind, &asked.query)),
            ("GET", ["api", "v1", "namespaces", _, "pods", name]) => match self.objects().pod(name) {
                Some(pod) => (200, pod.clone()),
                None => (404, status(404, "NotFound")),
            },
            ("POST", ["api", "v1", "namespaces", _, "pods", name, "binding"]) => self.bind(name, &asked.body),
            ("POST", ["api", "v1", "namespaces", _, "pods", name, "eviction"]) => self.evict(name),
            ("PATCH", ["api", "v1", "namespaces", _, "pods", name, "status"]) => {
                self.patch_status(name, &asked.body)
            }
            ("POST", [.., "events"]) => (201, asked.body.clone()),
            // What is not here is listed as nothing; APIs that are extensions are not served.
            ("GET", ["api", "v1", _] | ["apis", "policy" | "storage.k8s.io", ..]) => {
                let version = self.objects().version.to_string();
                (200, json!({"metadata": {"resourceVersion": version}, "items": []}))
            }
            _ => (404, status(404, "NotFound")),
        }
    }

    fn page(&self, kind: &str, query: &BTreeMap<String, String>) -> Value {
        let objects = self.objects();
        let limit = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
        let after = query.get("continue").cloned().unwrap_or_default();
        let all = objects.all.get(kind);
        let mut items: Vec<&Value> = Vec::new();
        let mut next = String::new();
        for (name, object) in all.into_iter().flat_map(|all| all.range(after.clone()..)) {
            if items.len() == limit {
                next.clone_from(name);
                break;
            }
            items.push(object);
        }
        json!({
            "metadata": {"resourceVersion": objects.version.to_string(), "continue": next}, "items": items
        })
    }

    fn bind(&self, name: &str, binding: &Value) -> (u16, Value) {
        let mut objects = self.objects();
        let Some(pod) = objects.pod(name) else { return (404, status(404, "NotFound")) };
        let other = binding["metadata"]["uid"].as_str().filter(|uid| pod["metadata"]["uid"] != **uid);
        if other.is_some() || !pod["spec"]["nodeName"].is_null() {
            return (409, status(409, "Conflict"));
        }
        let mut pod = pod.clone();
        pod["spec"]["nodeName"] = binding["target"]["name"].clone();
        pod["status"]["conditions"] = json!([{"type": "PodScheduled", "status": "True"}]);
        for (key, value) in binding["metadata"]["annotations"].as_object().into_iter().flatten() {
            pod["metadata"]["annotations"][key] = value.clone();
        }
        objects.bound.insert(name.to_owned(), Instant::now());
        objects.change("MODIFIED", "pods", name, pod);
        self.shared.1.notify_all();
        (201, json!({"kind": "Status", "status": "Success"}))
    }

    fn evict(&self, name: &str) -> (u16, Value) {
        let mut objects = self.objects();
        let Some(mut pod) = objects.pod(name).cloned() else { return (404, status(404, "NotFound")) };
        pod["status"]["conditions"] =
            json!([{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]);
        objects.change("MODIFIED", "pods", name, pod.clone());
        objects.change("DELETED", "pods", name, pod);
        self.shared.1.notify_all();
        (201, json!({"kind": "Status", "status": "Success"}))
    }

    fn patch_status(&self, name: &str, patch: &Value) -> (u16, Value) {
        let mut objects = self.objects();
        let Some(pod) = objects.pod(name) else { return (404, status(404, "NotFound")) };
        let mut pod = pod.clone();
        for (key, value) in patch["status"].as_object().into_iter().flatten() {
            pod["status"][key] = value.clone();
        }
        objects.change("MODIFIED", "pods", name, pod.clone());
        self.shared.1.notify_all();
        (200, pod)
    }
}

fn status(code: u16, reason: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": reason})
}

/// The next request of a connection; none where it has ended.
fn read(from: &mut BufReader<TcpStream>) -> std::io::Result<Option<Asked>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let path = path.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        from.read_line(&mut header)?;
        let Some((key, value)) = header.trim().split_once(':') else { break };
        if key.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Ok(Some(Asked { method, path, query, body }))
}
