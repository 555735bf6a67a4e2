//! What the loop is connected to: a simulated cluster, a Kubernetes cluster, or a real system that is only looked at.

mod joined;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "kubernetes")]
mod kubernetes;
#[cfg(all(feature = "logs", unix))]
mod logs;
mod simulated;
mod watched;

pub(super) use simulated::SimulatedCluster;

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use lepton_core::collect::Source;
use lepton_core::execute::Actuator;
use lepton_core::model::{Modes, Readings, ResourceSchema, Snapshot};
use lepton_edges::SourceReport;
use lepton_edges::store::{Relay, Store};
use lepton_sim::experiment::TURN_SECONDS;
use lepton_sim::world::Measures;
use serde_json::{Value, json};

use super::config::{ServeConfig, SourceKind};
use super::people::unix_seconds;

/// Names of the facts that say up to where signs of faults from each source were seen, kept with what was learned of them: of the main source, and of
/// those beside it.
const SIGNS_SEEN: &str = "signs_seen";
#[cfg(all(feature = "logs", unix))]
const SIGNS_SEEN_IN_LOGS: &str = "signs_seen_logs";
#[cfg(feature = "kafka")]
const SIGNS_SEEN_IN_KAFKA: &str = "signs_seen_kafka";
/// The fact of the store that says what it is of.
const SOURCE: &str = "source";

/// A cluster as the loop reaches it.
pub(super) trait Connection {
    /// The resources that it names.
    fn schema(&self) -> ResourceSchema;

    /// Its time, seconds; the same from one turn to the next.
    fn now_seconds(&self) -> u64;

    /// Time passes up to the next turn.
    fn pass(&mut self);

    /// What a turn looks through and acts with.
    fn ports(&mut self) -> Ports<'_>;

    /// How it stands.
    fn standing(&self) -> Standing;

    /// What is measured of a simulated cluster; of a real one nothing is.
    fn measures(&self) -> Option<Measures> {
        None
    }

    /// What is known of the time before the first turn, the oldest first.
    fn past(&mut self) -> Vec<Readings>;

    /// The simulated cluster that it leads to; none of a real one.
    fn simulated(&mut self) -> Option<&mut SimulatedCluster> {
        None
    }

    /// Time may pass between two turns.
    fn pass_between(&mut self) {}

    /// Since when something waits that should not wait for the next whole turn.
    fn urgent_since(&self) -> Option<Instant> {
        None
    }

    /// Whether it is this instance that acts; one that does not looks on.
    fn may_act(&self) -> bool {
        true
    }

    /// The numbers of the last signs of faults that its sources told, each by the name of its fact, to be kept with what was learned of signs.
    fn signs_told(&self) -> Vec<SignsTold> {
        Vec::new()
    }

    /// What was learned of signs is kept with these numbers.
    fn signs_kept(&mut self, _told: &[SignsTold]) {}

    /// A turn is over: what it left waiting may be told to those who wait.
    fn turned(&mut self, _: &Snapshot, _: &Modes) {}

    /// The loop may do something else from the next turn on.
    fn set_modes(&mut self, store: &mut Store, modes: &Modes) -> anyhow::Result<()>;
}

/// The name of a fact, and the number of a sign.
pub(super) type SignsTold = (&'static str, u64);

/// What a turn looks through and acts with.
pub(super) struct Ports<'a> {
    pub(super) sources: Vec<&'a mut dyn Source>,
    pub(super) hands: &'a mut dyn Actuator,
}

/// How a connection stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    /// What it leads to, for people.
    pub(super) about: String,
    /// Whether it is a simulated cluster, which may be put through trials.
    pub(super) simulated: bool,
    /// Whether anything can be carried out.
    pub(super) can_act: bool,
    /// What is wrong with it.
    pub(super) problems: Vec<String>,
    /// What its sources say of themselves.
    pub(super) reports: Vec<SourceReport>,
}

/// Connects to what the settings name, where the store left it.
pub(super) fn connect(store: &mut Store, config: &ServeConfig) -> anyhow::Result<Box<dyn Connection>> {
    check_store(store, config)?;
    let main: Box<dyn Connection> = match config.source {
        SourceKind::Simulation => Box::new(simulated::connect(store, config)?),
        SourceKind::Host => Box::new(watched::host(store, config)?),
        SourceKind::Prometheus => Box::new(watched::prometheus(store, config)?),
        SourceKind::Kubernetes => kubernetes(store, config)?,
        SourceKind::Kafka => kafka(store, config)?,
    };
    let beside: Vec<joined::Companion> =
        [logs(store, config)?, kafka_beside(store, config)?].into_iter().flatten().collect();
    Ok(if beside.is_empty() { main } else { Box::new(joined::Joined::new(main, beside)) })
}

/// Log files and the journal, where the settings name any.
#[cfg(all(feature = "logs", unix))]
fn logs(store: &Store, config: &ServeConfig) -> anyhow::Result<Option<joined::Companion>> {
    let source = logs::source(store, config)?;
    Ok(source.map(|source| joined::Companion::new(Box::new(source), SIGNS_SEEN_IN_LOGS)))
}

#[cfg(not(all(feature = "logs", unix)))]
fn logs(_: &Store, config: &ServeConfig) -> anyhow::Result<Option<joined::Companion>> {
    if config.logs.are_followed() {
        anyhow::bail!(WrongSettings(
            "`logs`: this build cannot follow logs. Maybe build with `--features logs` on Unix".to_owned()
        ));
    }
    Ok(None)
}

/// A topic of lines of logs, where the settings name one.
#[cfg(feature = "kafka")]
fn kafka_beside(store: &Store, config: &ServeConfig) -> anyhow::Result<Option<joined::Companion>> {
    let source = kafka::source_beside(store, config)?;
    Ok(source.map(|source| joined::Companion::new(Box::new(source), SIGNS_SEEN_IN_KAFKA)))
}

#[cfg(not(feature = "kafka"))]
fn kafka_beside(_: &Store, config: &ServeConfig) -> anyhow::Result<Option<joined::Companion>> {
    if config.kafka.logs_topic.is_some() {
        anyhow::bail!(WrongSettings(format!("`kafka.logs_topic`: {NO_KAFKA}")));
    }
    Ok(None)
}

/// Up to where signs were seen, by a fact of the store.
#[cfg(any(feature = "kafka", all(feature = "logs", unix)))]
fn signs_seen(store: &Store, fact: &str) -> anyhow::Result<u64> {
    Ok(store.fact(fact)?.and_then(|number| number.parse().ok()).unwrap_or(0))
}

#[cfg(feature = "kubernetes")]
fn kubernetes(store: &Store, config: &ServeConfig) -> anyhow::Result<Box<dyn Connection>> {
    Ok(Box::new(kubernetes::KubernetesCluster::connect(store, config)?))
}

#[cfg(not(feature = "kubernetes"))]
fn kubernetes(_: &Store, _: &ServeConfig) -> anyhow::Result<Box<dyn Connection>> {
    anyhow::bail!("this build knows no Kubernetes. Maybe build with `--features kubernetes`")
}

#[cfg(feature = "kafka")]
fn kafka(store: &Store, config: &ServeConfig) -> anyhow::Result<Box<dyn Connection>> {
    Ok(Box::new(watched::Watched::new(Box::new(kafka::source(store, config)?), store)?))
}

/// Topics of Kafka that are told of decisions, where the settings name any.
#[cfg(feature = "kafka")]
pub(super) struct ToKafka(Option<lepton_edges::kafka::KafkaSink>);

#[cfg(feature = "kafka")]
impl ToKafka {
    /// Those of the settings.
    pub(super) fn of(config: &ServeConfig) -> anyhow::Result<Self> {
        Ok(Self(kafka::sink(&config.kafka)?))
    }

    /// What is told, and where; there is no secret in it.
    pub(super) fn name(&self) -> Option<String> {
        self.0.as_ref().map(lepton_edges::kafka::KafkaSink::name)
    }

    /// Begins to tell what the store has.
    pub(super) fn start(self, folder: &Path, store: &Store) -> anyhow::Result<Option<Relay>> {
        Ok(self.0.map(|sink| sink.start(folder, store)).transpose()?)
    }
}

/// This build can tell none.
#[cfg(not(feature = "kafka"))]
pub(super) struct ToKafka;

#[cfg(not(feature = "kafka"))]
impl ToKafka {
    pub(super) fn of(config: &ServeConfig) -> anyhow::Result<Self> {
        if config.kafka.tells() {
            return Err(WrongSettings(format!(
                "`kafka.decisions_topic` or `kafka.outcomes_topic`: {NO_KAFKA}"
            ))
            .into());
        }
        Ok(Self)
    }

    pub(super) fn name(&self) -> Option<String> {
        None
    }

    pub(super) fn start(self, _: &Path, _: &Store) -> anyhow::Result<Option<Relay>> {
        Ok(None)
    }
}

#[cfg(not(feature = "kafka"))]
const NO_KAFKA: &str = "this build knows no Kafka. Maybe build with `cargo build --release --features kafka`";

#[cfg(not(feature = "kafka"))]
fn kafka(_: &Store, _: &ServeConfig) -> anyhow::Result<Box<dyn Connection>> {
    anyhow::bail!(NO_KAFKA)
}

/// The time from one turn to the next.
pub(super) fn pause(config: &ServeConfig) -> Duration {
    match config.source {
        SourceKind::Simulation => Duration::from_secs_f64(TURN_SECONDS as f64 / config.speed),
        SourceKind::Host | SourceKind::Prometheus | SourceKind::Kubernetes | SourceKind::Kafka => {
            Duration::from_secs_f64(config.turn_seconds)
        }
    }
}

/// What cannot be connected to as the settings have it: a store of something else, or a setting that is wrong.
#[derive(Debug)]
pub(super) struct WrongSettings(pub(super) String);

impl fmt::Display for WrongSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongSettings {}

/// A store belongs to one source. One that was written before stores said of which is of a simulated cluster.
fn check_store(store: &mut Store, config: &ServeConfig) -> anyhow::Result<()> {
    let asked = config.source.name();
    let old = store.fact(simulated::SIMULATION)?.map(|_| SourceKind::Simulation.name().to_owned());
    match store.fact(SOURCE)?.or(old) {
        Some(before) if before != asked => Err(WrongSettings(format!(
            "the store in {} belongs to the source `{before}`, asked for is `{asked}`. Maybe another `--state-dir` is meant, or `--source {before}`",
            config.state_dir
        ))
        .into()),
        _ => Ok(store.set_fact(SOURCE, asked)?),
    }
}

/// The machine's time. A clock that was set back does not make the loop younger than it was, nor than its store.
fn machine_seconds(before: u64) -> u64 {
    unix_seconds().max(before)
}

/// What is wrong with a source, as a line.
fn problem_of(report: &SourceReport) -> Option<String> {
    let problem = report.problem.as_ref()?;
    Some(format!("source `{}`: {problem}", report.source))
}

/// In which settings two clusters differ.
fn differences(before: &str, now: &str) -> String {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (before, now) = (read(before), read(now));
    let names = now.as_object().into_iter().flat_map(|settings| settings.keys());
    let differ = names.filter(|name| before[*name] != now[*name]);
    let said = differ.map(|name| format!("`{name}` was {}, asked for is {}", before[name], now[name]));
    said.collect::<Vec<_>>().join("; ")
}

/// The settings that make a simulated cluster, as the store keeps them.
fn simulation_settings(config: &ServeConfig) -> String {
    let simulation = &config.simulation;
    let mut settings = json!({
        "seed": simulation.seed, "nodes_count": simulation.nodes_count, "hours": simulation.hours,
        "load": simulation.load,
    });
    // Stores that are older than these settings do not name them.
    if let Some(factor) = simulation.request_factor {
        settings["request_factor"] = factor.into();
    }
    if simulation.services_per_node > 0 {
        settings["services_per_node"] = simulation.services_per_node.into();
    }
    if simulation.owners > 0 {
        settings["owners"] = simulation.owners.into();
    }
    settings.to_string()
}
