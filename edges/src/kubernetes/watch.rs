//! Following one kind of objects: everything there is, then what changes, resumed where a stream ended; listed anew where
//! the server does not remember so far back.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::cache::{Cache, Change, Ear, Shared};
use super::client::{ApiError, Client};
use super::moment::now_seconds;
use super::objects::Object;

/// The kind of an event that ends a stream.
const ERROR: &str = "ERROR";
/// Objects of one page of a list.
const PAGE: u32 = 500;
/// Most pages of a list.
const PAGES_MAX: usize = 10_000;
/// The first pause after what failed, and the longest.
const BACK_OFF: Duration = Duration::from_millis(250);
const BACK_OFF_MAX: Duration = Duration::from_secs(15);
/// The pause before an API that is not served is looked for again.
const NOT_SERVED: Duration = Duration::from_secs(60);
/// Time between two looks at the wish to end.
const NAP: Duration = Duration::from_millis(50);

/// A kind of objects.
pub(super) struct Kind<T> {
    /// Its name among the streams.
    pub(super) name: &'static str,
    /// Where its objects are listed.
    pub(super) path: &'static str,
    /// Whether the cluster is not known without it; others may not be served.
    pub(super) is_needed: bool,
    pub(super) keep: fn(&mut Cache, Change<T>),
}

#[derive(Deserialize)]
struct List<T> {
    #[serde(default)]
    metadata: ListMeta,
    items: Vec<T>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListMeta {
    resource_version: String,
    #[serde(rename = "continue")]
    next: String,
}

/// A line of a stream.
#[derive(Deserialize)]
struct Event<T> {
    #[serde(rename = "type")]
    kind: String,
    object: T,
}

/// The same of which only the kind is read.
#[derive(Deserialize)]
struct EventKind {
    #[serde(rename = "type")]
    kind: String,
}

/// Why a stream ended.
enum End {
    /// In order: it goes on from the version.
    Over,
    /// The server does not remember so far back.
    Forgotten,
}

/// Follows the kind on a thread of its own, in streams that last so long each.
pub(super) fn follow<T: Object + Send + 'static>(
    kind: Kind<T>,
    client: Client,
    shared: Arc<Shared>,
    lasts: Duration,
) -> std::io::Result<()> {
    let ear = Ear { is_needed: kind.is_needed, ..Ear::default() };
    shared.cache().ears.insert(kind.name, ear);
    let named = thread::Builder::new().name(format!("watch-{}", kind.name));
    named.spawn(move || Follower { kind, client, shared, lasts }.run()).map(drop)
}

struct Follower<T> {
    kind: Kind<T>,
    client: Client,
    shared: Arc<Shared>,
    lasts: Duration,
}

impl<T: Object> Follower<T> {
    fn run(self) {
        let (mut version, mut back_off) = (None::<String>, BACK_OFF);
        while !self.shared.cache().ended {
            let went = match &mut version {
                None => self.list().map(|listed| {
                    version = Some(listed);
                    End::Over
                }),
                Some(version) => self.stream(version),
            };
            match went {
                Ok(End::Over) => back_off = BACK_OFF,
                Ok(End::Forgotten) => version = None,
                Err(error) => {
                    if error.code() == Some(410) {
                        version = None;
                    }
                    let is_missing = !self.kind.is_needed && error.code() == Some(404);
                    self.tell(|ear| {
                        ear.failures += u64::from(!is_missing);
                        ear.problem = (!is_missing).then(|| error.to_string());
                    });
                    if is_missing {
                        version = None;
                        self.pause(NOT_SERVED);
                    } else {
                        self.pause(back_off);
                        back_off = (back_off * 2).min(BACK_OFF_MAX);
                    }
                }
            }
        }
    }

    fn list(&self) -> Result<String, ApiError> {
        let (mut all, mut next) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let path = format!("{}?limit={PAGE}{next}", self.kind.path);
            let page: List<T> = self.client.get(&path)?;
            all.extend(page.items.into_iter().map(|mut object| {
                object.take_version();
                object
            }));
            if page.metadata.next.is_empty() {
                let mut cache = self.shared.cache();
                (self.kind.keep)(&mut cache, Change::Listed(all));
                drop(cache);
                self.tell(|ear| ear.lists += 1);
                self.heard();
                return Ok(page.metadata.resource_version);
            }
            next = format!("&continue={}", escaped(&page.metadata.next));
        }
        Err(ApiError::Away(format!("{}: a list without end", self.kind.path)))
    }

    fn stream(&self, version: &mut String) -> Result<End, ApiError> {
        let seconds = self.lasts.as_secs().max(1);
        let path = format!(
            "{}?watch=1&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={}",
            self.kind.path,
            escaped(version)
        );
        let mut stream = self.client.stream(&path, self.lasts)?;
        self.heard();
        while let Some(line) = stream.next_line()? {
            let mut event: Event<T> = match stream.read(&line) {
                Ok(Event { kind, .. }) if kind == ERROR => return Ok(End::Forgotten),
                Ok(event) => event,
                // The object of an error is none of ours: it says why, most often that the server does not remember so far back.
                Err(problem) => {
                    let EventKind { kind } = stream.read(&line)?;
                    return if kind == ERROR { Ok(End::Forgotten) } else { Err(problem) };
                }
            };
            *version = event.object.take_version();
            let change = match event.kind.as_str() {
                "ADDED" | "MODIFIED" => Change::Put(event.object),
                "DELETED" => Change::Gone(event.object),
                _ => {
                    self.heard();
                    continue;
                }
            };
            (self.kind.keep)(&mut self.shared.cache(), change);
            self.heard();
            if self.shared.cache().ended {
                break;
            }
        }
        Ok(End::Over)
    }

    fn heard(&self) {
        self.tell(|ear| {
            ear.heard_seconds = Some(now_seconds());
            ear.problem = None;
        });
        self.shared.news.notify_all();
    }

    fn tell(&self, what: impl FnOnce(&mut Ear)) {
        if let Some(ear) = self.shared.cache().ears.get_mut(self.kind.name) {
            what(ear);
        }
    }

    fn pause(&self, pause: Duration) {
        self.shared.news.notify_all();
        let due = Instant::now() + pause;
        while Instant::now() < due && !self.shared.cache().ended {
            thread::sleep(NAP.min(due.saturating_duration_since(Instant::now())));
        }
    }
}

/// A value as a part of an address.
pub(super) fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
