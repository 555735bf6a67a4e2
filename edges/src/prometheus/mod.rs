//! Prometheus as a source: queries by presets, one file an exporter, asked on a thread of their own, so that a turn never waits for
//! the network. What comes back is as old as its youngest sample says, not as the moment of the question; while nothing comes the
//! loop keeps what it knows, and that grows old.

mod client;
mod gather;
mod identity;
mod past;
mod preset;
mod readings;
#[cfg(test)]
mod tests;
mod vector;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use lepton_core::collect::Source;
use lepton_core::model::{NodeReading, Reading, Readings, ResourceSchema};

use crate::mailbox::Shared;
use crate::real_source::{self, RealSource, SourceReport, unix_seconds};
pub use client::AskError;
use client::Client;
use gather::{Gathered, gather};
use identity::{Identity, NODE_LABELS};
pub use preset::UnknownMeasure;
use preset::{Preset, presets};

/// The source's name.
const NAME: &str = "prometheus";
/// How long the first look is waited for.
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// The first pause after a look that failed, and the longest.
const BACK_OFF: Duration = Duration::from_secs(1);
const BACK_OFF_MAX: Duration = Duration::from_secs(30);

/// What to ask, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct PrometheusOptions {
    /// Its address, `http://HOST[:PORT][/PATH]`.
    pub url: String,
    /// A bearer token.
    pub token: Option<String>,
    /// From one look to the next.
    pub interval: Duration,
    /// The time over which rates are taken, seconds: a few times that from one scrape to the next.
    pub rate_seconds: u64,
    /// What is older than this is out of date, seconds.
    pub fresh_seconds: u64,
    /// Line rate of a node where it does not tell its own, Mbit/s.
    pub network_mbit_s: Option<u64>,
    /// Labels that may name a node, in order; the usual ones where there are none.
    pub node_labels: Vec<String>,
    /// Hours of the past that are asked for at the start.
    pub back_fill_hours: u64,
    /// Queries of one's own by measure.
    pub queries: BTreeMap<String, String>,
}

/// Why a source cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrometheusError {
    /// The address.
    #[error(transparent)]
    Url(#[from] AskError),
    /// A query for nothing.
    #[error(transparent)]
    Measure(#[from] UnknownMeasure),
}

/// What the thread leaves for the loop.
#[derive(Debug, Default)]
struct Mailbox {
    /// Looks that succeeded.
    number: u64,
    readings: Vec<Reading>,
    /// When what is told was so, seconds since 1970; 0 before anything is known.
    seen_seconds: u64,
    report: SourceReport,
}

/// Prometheus, as the loop looks at it.
pub struct PrometheusSource {
    shared: Arc<Shared<Mailbox>>,
    client: Client,
    presets: Vec<Preset>,
    options: PrometheusOptions,
    /// Number of the look that was told last.
    told: u64,
}

impl PrometheusSource {
    /// A source whose thread has begun to look.
    ///
    /// # Errors
    /// When the address cannot be asked, or a query is for a measure that there is not.
    pub fn start(options: PrometheusOptions) -> Result<Self, PrometheusError> {
        let client = Client::new(&options.url, options.token.clone())?;
        let presets = presets(&options.queries, options.rate_seconds)?;
        let shared = Arc::new(Shared::<Mailbox>::default());
        shared.mailbox().report.source = NAME.to_owned();
        let source = Self {
            shared: Arc::clone(&shared),
            client: client.clone(),
            presets: presets.clone(),
            options: options.clone(),
            told: 0,
        };
        let watcher = Watcher { client, presets, options, known: Known::default() };
        let named = thread::Builder::new().name(NAME.to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || watcher.run(&shared)
        });
        if let Err(error) = named {
            shared.mailbox().report.problem = Some(format!("cannot start a thread: {error}"));
        }
        Ok(source)
    }

    fn readings(&mut self, again: bool) -> Readings {
        let mailbox = self.shared.mailbox();
        let is_news = mailbox.number > 0 && (again || mailbox.number > self.told);
        self.told = mailbox.number;
        Readings {
            source: NAME.to_owned(),
            time_seconds: mailbox.seen_seconds,
            sequence: None,
            complete: is_news,
            readings: if is_news { mailbox.readings.clone() } else { Vec::new() },
        }
    }
}

impl Drop for PrometheusSource {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl Source for PrometheusSource {
    fn poll(&mut self, _: u64) -> Readings {
        self.readings(false)
    }

    fn list(&mut self, _: u64) -> Readings {
        let first = |mailbox: &mut Mailbox| mailbox.report.looks == 0;
        self.shared.wait_while(FIRST_LOOK, first);
        self.readings(true)
    }
}

impl RealSource for PrometheusSource {
    fn schema(&self) -> ResourceSchema {
        let names = real_source::RESOURCES.into_iter().chain(["device_busy_permille"]);
        ResourceSchema::new(names).expect("eight names that differ")
    }

    fn about(&self) -> String {
        format!("Prometheus at {}", self.client.at())
    }

    fn past(&mut self, now_seconds: u64) -> Vec<Readings> {
        if self.options.back_fill_hours == 0 {
            return Vec::new();
        }
        let (labels, hours) = (labels(&self.options), self.options.back_fill_hours);
        match past::past(&self.client, &self.presets, labels, NAME, now_seconds, hours) {
            Ok(past) => past,
            Err(error) => {
                self.shared.mailbox().report.problem = Some(format!("the past is not known: {error}"));
                Vec::new()
            }
        }
    }

    fn report(&self) -> SourceReport {
        self.shared.mailbox().report.clone()
    }
}

/// What is remembered from look to look.
#[derive(Debug, Default)]
struct Known {
    /// Of each exporter that was ever there: when its youngest sample was taken.
    exporters: BTreeMap<String, Instant>,
    /// Machines by name, with the target that tells of them.
    machines: BTreeMap<String, (String, NodeReading)>,
}

/// The thread's side.
struct Watcher {
    client: Client,
    presets: Vec<Preset>,
    options: PrometheusOptions,
    known: Known,
}

impl Watcher {
    fn run(mut self, shared: &Shared<Mailbox>) {
        let mut back_off = BACK_OFF;
        while !shared.has_ended() {
            let begun = Instant::now();
            let looked = gather(&self.client, &self.presets);
            let failed = looked.is_err();
            self.leave(shared, looked, begun);
            shared.tell();
            let pause = if failed { back_off.min(BACK_OFF_MAX) } else { self.options.interval };
            back_off = if failed { back_off.saturating_mul(2) } else { BACK_OFF };
            shared.sleep_until(begun + pause);
        }
    }

    fn leave(&mut self, shared: &Shared<Mailbox>, looked: Result<Gathered, AskError>, begun: Instant) {
        let made = looked.map(|gathered| self.make(&gathered, begun));
        let mut mailbox = shared.mailbox();
        mailbox.report.looks += 1;
        mailbox.report.look_millis = begun.elapsed().as_millis() as u64;
        match made {
            Ok(made) => {
                mailbox.report.notes = made.notes;
                mailbox.report.series = Some(made.counts);
                mailbox.report.problem = made.problem;
                if let Some(age) = made.age {
                    mailbox.seen_seconds =
                        mailbox.seen_seconds.max(unix_seconds().saturating_sub(age.as_secs()));
                    mailbox.readings = made.readings;
                    mailbox.number += 1;
                }
            }
            Err(error) => {
                mailbox.report.failures += 1;
                mailbox.report.problem = Some(error.to_string());
            }
        }
    }

    fn make(&mut self, gathered: &Gathered, begun: Instant) -> Made {
        for exporter in self.presets.iter().map(|preset| &preset.exporter) {
            let age = gathered.age_seconds(exporter).map(Duration::from_secs_f64);
            if let Some(sampled) = age.and_then(|age| begun.checked_sub(age)) {
                self.known.exporters.insert(exporter.clone(), sampled);
            }
        }
        let labels = labels(&self.options);
        let mut identity = Identity::new(labels, gathered.of("kube_node"), gathered.of("machine"));
        let gone = self.gone(gathered, &identity);
        let (fresh, line) = (self.options.fresh_seconds as f64, self.options.network_mbit_s);
        let told = readings::readings(gathered, &mut identity, &gone, fresh, line);
        self.remember(gathered, &identity, &told);
        let mut notes = gathered.notes.clone();
        if !gone.is_empty() {
            let names: Vec<&str> = gone.iter().map(|node| node.name.as_str()).collect();
            notes.push(format!("node-exporter does not answer on {}: taken as down", names.join(", ")));
        }
        // The loop knows as much as the exporter that has been silent longest.
        let oldest = self.known.exporters.iter().min_by_key(|(_, sampled)| **sampled);
        let age = oldest.map(|(_, sampled)| begun.saturating_duration_since(*sampled));
        let silent = oldest.zip(age).filter(|(_, age)| age.as_secs() > self.options.fresh_seconds);
        let problem = match silent {
            Some(((exporter, _), age)) => {
                Some(format!("{exporter} has told nothing for {} s", age.as_secs()))
            }
            None if told.is_empty() => {
                Some("there is no node: neither node-exporter nor kube-state-metrics is scraped".to_owned())
            }
            None => None,
        };
        let age = age.filter(|_| !told.is_empty());
        Made { readings: told, age, problem, notes, counts: identity.counts }
    }

    /// Machines that were there, are still scraped, and do not answer. With Kubernetes its own word on nodes counts.
    fn gone(&self, gathered: &Gathered, identity: &Identity) -> Vec<NodeReading> {
        if !gathered.of("kube_node").is_empty() {
            return Vec::new();
        }
        let there: BTreeSet<&str> = identity.nodes().collect();
        let scraped: BTreeSet<&str> =
            gathered.targets.iter().filter_map(|target| target.label("instance")).collect();
        let gone = self.known.machines.values().filter(|(instance, node)| {
            scraped.contains(instance.as_str()) && !there.contains(node.name.as_str())
        });
        gone.map(|(_, node)| node.clone()).collect()
    }

    fn remember(&mut self, gathered: &Gathered, identity: &Identity, told: &[Reading]) {
        if !gathered.of("kube_node").is_empty() {
            self.known.machines.clear();
            return;
        }
        for reading in told {
            let Reading::NodeAdded(node) = reading else { continue };
            if let Some(instance) = identity.instance_of(&node.name) {
                self.known.machines.insert(node.name.clone(), (instance.to_owned(), node.clone()));
            }
        }
    }
}

/// The labels that may name a node.
fn labels(options: &PrometheusOptions) -> Vec<String> {
    match &options.node_labels {
        labels if labels.is_empty() => NODE_LABELS.map(str::to_owned).to_vec(),
        labels => labels.clone(),
    }
}

/// What a look came to.
struct Made {
    readings: Vec<Reading>,
    /// How old it is; none where it says nothing.
    age: Option<Duration>,
    problem: Option<String>,
    notes: Vec<String>,
    counts: real_source::SeriesCounts,
}
