//! The settings of the service: defaults, then the file of `--config`, then variables of the environment, then options.

mod kafka;
mod keys;
mod logs;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lepton_core::analyze::AnalystConfig;
use lepton_core::decide::policy::{JobsModel, PlacementModel};
use lepton_core::model::{Mode, Modes, Name};
use lepton_edges::store::{Periods, Target};
use lepton_sim::readers::InputError;
use toml::{Table, Value};

use crate::log::{LogFormat, LogLevel};
use crate::toml_file::{TomlFile, read_toml};
pub(crate) use kafka::KafkaSettings;
pub(crate) use keys::{Form, KEYS, Key};
pub(crate) use logs::LogsSettings;

const MODES: [(&str, Mode); 3] =
    [("observe", Mode::Observe), ("recommend", Mode::Recommend), ("act", Mode::Act)];

/// The name of a mode.
pub(crate) fn mode_name(mode: Mode) -> &'static str {
    MODES.iter().find(|(_, of)| *of == mode).map_or("", |(name, _)| name)
}

/// The mode of that name.
pub(crate) fn mode_named(name: &str) -> Result<Mode, String> {
    let known = MODES.iter().find(|(of, _)| *of == name);
    known.map(|(_, mode)| *mode).ok_or_else(|| "expected observe, recommend or act".to_owned())
}

/// An address with a port. Beyond this machine tokens are asked for.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an address with a port, as 127.0.0.1:7717".to_owned())
}

/// A speed: above 0, at most a million.
pub(crate) fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed > 0.0 && speed <= 1e6 => Ok(speed),
        _ => Err("expected simulated seconds per second, above 0 and at most 1000000".to_owned()),
    }
}

/// The URL of a database, without a password.
pub(crate) fn store_url(text: &str) -> Result<String, String> {
    Target::new(text, None).map(|target| target.url().to_owned())
}

/// Seconds from one turn to the next.
pub(crate) fn turn_seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected seconds, from 0.1 to 3600".to_owned()),
    }
}

/// What the loop is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceKind {
    /// The machine that the service runs on.
    Host,
    /// What a Prometheus has scraped.
    Prometheus,
    /// A simulated cluster.
    Simulation,
    /// A Kubernetes cluster.
    Kubernetes,
    /// Topics of Kafka.
    Kafka,
}

impl SourceKind {
    /// Their names.
    pub(crate) const NAMES: &[&str] = &["host", "prometheus", "simulation", "kubernetes", "kafka"];
    const ALL: [Self; 5] = [Self::Host, Self::Prometheus, Self::Simulation, Self::Kubernetes, Self::Kafka];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The one of that name.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        let known = Self::NAMES.iter().position(|of| *of == name);
        known.map(|at| Self::ALL[at]).ok_or_else(|| format!("expected one of {}", Self::NAMES.join(", ")))
    }

    /// What the loop may do there.
    pub(crate) fn modes(self) -> &'static [Mode] {
        match self {
            Self::Host => &[Mode::Observe],
            Self::Prometheus | Self::Kafka => &[Mode::Observe, Mode::Recommend],
            Self::Simulation | Self::Kubernetes => &[Mode::Observe, Mode::Recommend, Mode::Act],
        }
    }
}

/// What comes of placements that are learned beside the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adapt {
    /// None are learned.
    Off,
    /// One that passes the gate is proposed to people.
    Propose,
    /// It serves at once.
    Promote,
}

impl Adapt {
    /// Their names.
    pub(crate) const NAMES: &[&str] = &["off", "propose", "promote"];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The one of that name.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        let known = [Self::Off, Self::Propose, Self::Promote].into_iter().find(|of| of.name() == name);
        known.ok_or_else(|| format!("expected one of {}", Self::NAMES.join(", ")))
    }
}

/// The machine that the service runs on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HostSettings {
    pub(crate) root: PathBuf,
}

/// Where Prometheus is, and what is asked of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PrometheusSettings {
    pub(crate) url: String,
    /// File with a bearer token.
    pub(crate) token_file: Option<PathBuf>,
    /// The time over which rates are taken, seconds.
    pub(crate) rate_seconds: u64,
    /// Hours of the past that are asked for at the start.
    pub(crate) back_fill_hours: u64,
    /// Labels that may name a node, in order; the usual ones where there are none.
    pub(crate) node_labels: Vec<String>,
    /// Queries of one's own by measure.
    pub(crate) queries: BTreeMap<String, String>,
}

/// Which Kubernetes cluster, and how it is read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KubernetesSettings {
    /// A kubeconfig; where there is none, `KUBECONFIG`, the service account of this pod or `~/.kube/config`.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Its context; the current one where there is none.
    pub(crate) context: Option<String>,
    /// Resources that are devices, beside the usual ones.
    pub(crate) device_resources: Vec<String>,
    /// Labels that tell a model of devices, before the usual ones.
    pub(crate) model_labels: Vec<String>,
    /// Namespace and name of the lease that the instance that acts holds.
    pub(crate) lease: Option<(String, String)>,
    /// Whether the cluster is asked whose a token is that is not ours, and what its holder may do.
    pub(crate) review_tokens: bool,
}

/// The simulated cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Simulation {
    pub(crate) seed: u64,
    pub(crate) nodes_count: usize,
    pub(crate) hours: u32,
    pub(crate) load: f64,
    /// Tasks say how long they ask to run: their work times a number from 1 to this.
    pub(crate) request_factor: Option<f64>,
    /// Small tasks without devices that stand there, so many a node.
    pub(crate) services_per_node: u32,
    /// How many owners the tasks have; 0 for none.
    pub(crate) owners: u32,
    /// Whether tasks come between turns too.
    pub(crate) between_turns: bool,
}

/// The settings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ServeConfig {
    pub(crate) mode: Mode,
    /// What the loop may do with the tasks of these owners instead.
    pub(crate) owner_modes: BTreeMap<String, Mode>,
    pub(crate) listen: SocketAddr,
    /// Whether tokens are asked for on this machine too.
    pub(crate) require_tokens: bool,
    /// Files of the certificate that the HTTP interface shows, and of its key; without them there is no TLS.
    pub(crate) tls_cert: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    pub(crate) state_dir: String,
    /// A database elsewhere that is told what the store has.
    pub(crate) store_url: Option<String>,
    /// File with its password.
    pub(crate) store_password_file: Option<PathBuf>,
    /// Authorities of one of which it must show a certificate; without, there is no TLS on the way to it.
    pub(crate) store_ca_file: Option<PathBuf>,
    pub(crate) source: SourceKind,
    pub(crate) turn_seconds: f64,
    pub(crate) fresh_seconds: u64,
    /// Line rate of a node's interfaces, Mbit/s, where they do not tell it.
    pub(crate) network_mbit_s: Option<u64>,
    pub(crate) speed: f64,
    /// Form of what is logged, and how much of it.
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: LogLevel,
    /// A collector of OpenTelemetry that is told a trace of each turn.
    pub(crate) traces_url: Option<String>,
    /// Requests that one holder of a token, or one address, may make a second.
    pub(crate) requests_per_second: u32,
    /// Hours of the cluster's time that are recorded, to be played again; 0 for none.
    pub(crate) record_hours: u64,
    /// Room for what is recorded, MiB.
    pub(crate) record_mib: u64,
    /// Days after which entries of the journal that nothing needs any more may go.
    pub(crate) journal_days: u64,
    /// How long it is kept how the nodes stood; with no hours of samples it is not kept at all.
    pub(crate) history: Periods,
    /// What signs of faults are worth, as learned.
    pub(crate) risk_model: Option<PathBuf>,
    /// A network for the forecasts of nodes' load.
    pub(crate) forecast_model: Option<PathBuf>,
    /// Both, once read.
    pub(crate) analyst: AnalystConfig,
    /// Whether chains of moves are searched for beside the loop and taken up.
    pub(crate) rearrange: bool,
    /// Whether the learned placement places where a rehearsal shows it to be better.
    pub(crate) learned_placement: bool,
    /// File of the learned placement, in the place of the one that Lepton comes with.
    pub(crate) placement_model: Option<PathBuf>,
    /// The same, once read.
    pub(crate) placement: Option<Arc<PlacementModel>>,
    /// Whether placements are learned beside the loop.
    pub(crate) adapt: Adapt,
    /// Share of one core that this takes at most.
    pub(crate) adapt_cpu_percent: u32,
    /// The order in which waiting tasks are started, in the place of the one that Lepton comes with.
    pub(crate) order: Option<Arc<JobsModel>>,
    pub(crate) host: HostSettings,
    pub(crate) prometheus: PrometheusSettings,
    pub(crate) kubernetes: KubernetesSettings,
    pub(crate) kafka: KafkaSettings,
    pub(crate) logs: LogsSettings,
    pub(crate) simulation: Simulation,
}

impl Default for ServeConfig {
    fn default() -> Self {
        let sees_host = cfg!(all(feature = "host", target_os = "linux"));
        Self {
            mode: Mode::Observe,
            owner_modes: BTreeMap::new(),
            listen: SocketAddr::from(([127, 0, 0, 1], 7717)),
            require_tokens: false,
            tls_cert: None,
            tls_key: None,
            state_dir: "lepton-state".to_owned(),
            store_url: None,
            store_password_file: None,
            store_ca_file: None,
            source: if sees_host { SourceKind::Host } else { SourceKind::Simulation },
            turn_seconds: 15.0,
            fresh_seconds: 180,
            network_mbit_s: None,
            speed: 60.0,
            log_format: LogFormat::Text,
            log_level: LogLevel::Info,
            traces_url: None,
            requests_per_second: 500,
            record_hours: 48,
            record_mib: 512,
            journal_days: 30,
            history: Periods::DEFAULT,
            risk_model: None,
            forecast_model: None,
            analyst: AnalystConfig::default(),
            rearrange: false,
            learned_placement: false,
            placement_model: None,
            placement: None,
            adapt: Adapt::Off,
            adapt_cpu_percent: 10,
            order: None,
            host: HostSettings { root: PathBuf::from("/") },
            prometheus: PrometheusSettings {
                url: "http://127.0.0.1:9090".to_owned(),
                token_file: None,
                rate_seconds: 120,
                back_fill_hours: 24,
                node_labels: Vec::new(),
                queries: BTreeMap::new(),
            },
            kubernetes: KubernetesSettings {
                kubeconfig: None,
                context: None,
                device_resources: Vec::new(),
                model_labels: Vec::new(),
                lease: Some(("lepton".to_owned(), "lepton".to_owned())),
                review_tokens: false,
            },
            kafka: KafkaSettings::default(),
            logs: LogsSettings::default(),
            simulation: Simulation {
                seed: 7,
                nodes_count: 60,
                hours: 720,
                load: 0.8,
                request_factor: None,
                services_per_node: 0,
                owners: 0,
                between_turns: false,
            },
        }
    }
}

/// The variable of the environment for a setting: LEPTON_ and its name in capitals, `_` for the dot.
pub(crate) fn variable(setting: &str) -> String {
    format!("LEPTON_{}", setting.to_uppercase().replace('.', "_"))
}

/// Where each setting that is not a default comes from.
pub(crate) type Origins = BTreeMap<&'static str, String>;

impl ServeConfig {
    /// Reads a settings file; what is not named keeps its default.
    ///
    /// # Errors
    /// Names file, line, key and value, and what was expected.
    pub(crate) fn read(path: &Path) -> Result<(Self, Origins), InputError> {
        read_toml(path, Self::parse)
    }

    /// Takes over what variables of the environment say, each named as [`variable`] names it; other variables are left alone.
    ///
    /// # Errors
    /// Names the variable and its value, and what was expected.
    pub(crate) fn take_environment(
        &mut self,
        origins: &mut Origins,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<(), String> {
        for (name, text) in environment {
            let of = |key: &&Key| *name == *variable(key.name);
            let Some(key) = KEYS.iter().find(of) else { continue };
            let name = variable(key.name);
            let text = text.to_str().ok_or_else(|| format!("the variable {name} is not text in UTF-8"))?;
            let value = match key.form {
                Form::Text | Form::Word(_) => Some(Value::String(text.to_owned())),
                // As it would stand in the file.
                _ => format!("value = {text}").parse::<Table>().ok().and_then(|mut of| of.remove("value")),
            };
            let value = value.unwrap_or_else(|| Value::String(text.to_owned()));
            (key.set)(self, &value)
                .map_err(|expected| format!("the variable {name}, value `{text}`: {expected}"))?;
            origins.insert(key.name, format!("the variable {name}"));
        }
        Ok(())
    }

    fn parse(file: &TomlFile<'_>) -> Result<(Self, Origins), InputError> {
        let (mut config, mut origins) = (Self::default(), Origins::new());
        config.take(&mut origins, "", &file.table()?, file)?;
        Ok((config, origins))
    }

    /// Takes over a section of the file.
    fn take(
        &mut self,
        origins: &mut Origins,
        section: &str,
        table: &Table,
        file: &TomlFile<'_>,
    ) -> Result<(), InputError> {
        for (name, value) in table {
            let full = if section.is_empty() { name.clone() } else { format!("{section}.{name}") };
            let inside = format!("{full}.");
            if let Some(key) = KEYS.iter().find(|key| key.name == full) {
                (key.set)(self, value).map_err(|expected| file.wrong(name, value, &expected))?;
                let line = file.line_of(name).map_or(String::new(), |line| format!(", line {line}"));
                origins.insert(key.name, format!("{}{line}", file.path.display()));
            } else if KEYS.iter().any(|key| key.name.starts_with(&inside)) {
                let Value::Table(inner) = value else {
                    return Err(file.wrong(name, value, &format!("expected a table, `[{full}]`")));
                };
                self.take(origins, &full, inner, file)?;
            } else {
                return Err(file.unknown("setting", name, &names_in(section)));
            }
        }
        Ok(())
    }

    /// What the loop may do with whose tasks.
    pub(crate) fn modes(&self) -> Modes {
        let owners = self.owner_modes.iter().map(|(owner, mode)| (Name::from(owner.as_str()), *mode));
        Modes { rest: self.mode, owners: owners.collect() }
    }

    /// Why these settings do not go together, if they do not.
    pub(crate) fn contradiction(&self) -> Option<String> {
        let files =
            [("store_password_file", &self.store_password_file), ("store_ca_file", &self.store_ca_file)];
        let idle = files.iter().find(|(_, file)| file.is_some() && self.store_url.is_none());
        if let Some((name, Some(file))) = idle {
            return Some(format!(
                "`{name}` is {} and there is no `store_url` that it is for",
                file.display()
            ));
        }
        let half = match (&self.tls_cert, &self.tls_key) {
            (Some(file), None) => Some((["`tls_cert` (--tls-cert)", "`tls_key` (--tls-key)"], file)),
            (None, Some(file)) => Some((["`tls_key` (--tls-key)", "`tls_cert` (--tls-cert)"], file)),
            _ => None,
        };
        if let Some(([given, missing], file)) = half {
            return Some(format!(
                "{given} is {}, and {missing} is not set: one goes with the other",
                file.display()
            ));
        }
        if !self.learned_placement {
            let needs = |what: String| {
                Some(format!(
                    "{what}, and `learned_placement` is false: no learned placement serves. Expected `learned_placement = true`"
                ))
            };
            if self.adapt != Adapt::Off {
                return needs(format!("`adapt` is `{}`", self.adapt.name()));
            }
            if let Some(file) = &self.placement_model {
                return needs(format!("`placement_model` is {}", file.display()));
            }
        }
        if self.kubernetes.review_tokens && self.source != SourceKind::Kubernetes {
            let source = self.source.name();
            return Some(format!(
                "`kubernetes.review_tokens` is true with the source `{source}`: there is no cluster that is asked. Maybe `source = \"kubernetes\"` is meant"
            ));
        }
        let of_sections =
            [self.kafka.contradiction(), self.logs.contradiction(), self.beside_contradiction()];
        if let Some(problem) = of_sections.into_iter().flatten().next() {
            return Some(problem);
        }
        let source = self.source;
        let impossible = |mode: &&Mode| !source.modes().contains(mode);
        std::iter::once(&self.mode).chain(self.owner_modes.values()).find(impossible).map(|mode| {
            let modes: Vec<&str> = source.modes().iter().map(|mode| mode_name(*mode)).collect();
            let mode = mode_name(*mode);
            format!(
                "mode `{mode}` with the source `{}`, which is only looked at: nothing is carried out there. Expected the mode {}. Maybe \
                 `--source simulation` is meant",
                source.name(),
                modes.join(" or ")
            )
        })
    }
}

impl ServeConfig {
    /// Why the source and what is read beside it do not go together.
    fn beside_contradiction(&self) -> Option<String> {
        let set = match (&self.kafka.logs_topic, self.logs.are_followed()) {
            (Some(topic), _) if self.source == SourceKind::Kafka => {
                return Some(format!(
                    "`kafka.logs_topic` is {topic} with the source `kafka`, which reads lines of logs on the topics of `kafka.topics`: add it there"
                ));
            }
            (Some(_), _) => "kafka.logs_topic",
            (None, true) => "logs",
            (None, false) => return None,
        };
        (self.source == SourceKind::Simulation)
            .then(|| format!("`{set}` is set with the source `simulation`, of whose nodes no log speaks"))
    }
}

/// The names that a section has.
fn names_in(section: &str) -> Vec<&'static str> {
    let within = |key: &Key| match section {
        "" => Some(key.name.split('.').next().unwrap_or(key.name)),
        _ => key.name.strip_prefix(section)?.strip_prefix('.'),
    };
    let mut names: Vec<&str> = KEYS.iter().filter_map(within).collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<ServeConfig, String> {
        let file = TomlFile { path: Path::new("lepton.toml"), text };
        ServeConfig::parse(&file).map(|(config, _)| config).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_not_named_keeps_its_default() {
        assert_eq!(parsed("schema_version = 1"), Ok(ServeConfig::default()));
        let given =
            parsed("mode = \"act\"\nspeed = 1\nrisk_model = \"r.json\"\n[simulation]\nnodes_count = 5\n")
                .expect("it is sound");
        assert_eq!((given.mode, given.speed, given.simulation.nodes_count), (Mode::Act, 1.0, 5));
        assert_eq!(given.risk_model, Some("r.json".into()));
        assert_eq!(given.listen, ServeConfig::default().listen);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_what_may_be_meant() {
        for (text, expected) in [
            ("mdoe = \"act\"", "lepton.toml, line 1: there is no setting `mdoe`"),
            ("mdoe = \"act\"", "Maybe `mode` is meant"),
            (
                "\n[simulation]\nnodes = 3",
                "line 3: there is no setting `nodes`; there are: seed, nodes_count",
            ),
            ("mode = \"brave\"", "line 1, column `mode`, value `brave`: expected observe, recommend or act"),
            ("listen = \"here\"", "expected an address with a port"),
            ("require_tokens = 1", "expected true or false"),
            ("risk_model = 5", "expected a file in quotes"),
            ("store_url = \"here\"", "expected postgres://USER@HOST"),
            ("store_url = \"postgres://u:p@h/d\"", "put it into a file of its own, `store_password_file`"),
            ("speed = 0", "expected simulated seconds per second"),
            ("schema_version = 2", "expected 1"),
            ("[simulation]\nload = 11", "expected a number above 0 and at most 10"),
            ("simulation = 3", "expected a table"),
            ("source = \"hots\"", "expected one of host, prometheus, simulation, kubernetes, kafka"),
            ("turn_seconds = 0", "expected a number from 0.1 to 3600"),
            ("[host]\nroot = \"\"", "line 2, column `root`"),
            ("[prometheus]\nnode_labels = [3]", "expected a list of texts"),
            ("[prometheus.queries]\ncores = 3", "expected a table of texts in quotes, `cores` is none"),
            ("[kafka]\nbrokers = \"here\"", "expected HOST:PORT"),
            ("[kafka]\ntopics = []", "expected one topic at least"),
            ("[kafka]\nsasl_mechanism = \"GSSAPI\"", "expected one of SCRAM-SHA-512"),
            ("[hots]\nroot = \"/\"", "line 1: there is no setting `hots`"),
            ("[logs]\nfiles = [\"kern.log\"]", "`kern.log` is no path from the root"),
            ("[logs]\nfiles = [\"/a/{host}.log\"]", "`/a/{host}.log` has braces"),
            ("[logs]\nfiles = \"/a\"", "expected a list of texts"),
            ("[logs]\njournal = \"user\"", "expected one of none, kernel, all"),
            ("[logs]\nfrom = \"now\"", "expected one of end, start"),
            ("[logs]\nnode = \"\"", "expected the name of a node"),
            ("[logs]\nfile = \"/a\"", "there is no setting `file`; there are: files, journal, node, from"),
            ("[kafka]\nlogs_topic = \"a b\"", "expected the name of a topic"),
        ] {
            let said = parsed(text).expect_err(expected);
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn every_default_is_taken_as_it_is_shown_and_has_a_name_of_its_own() {
        let mut config = ServeConfig::default();
        for key in KEYS {
            assert_eq!(KEYS.iter().filter(|other| other.name == key.name).count(), 1, "{}", key.name);
            if let Some(value) = (key.get)(&config) {
                assert_eq!((key.set)(&mut config, &value), Ok(()), "{}", key.name);
            }
        }
        assert_eq!(config, ServeConfig::default());
    }

    #[test]
    fn variables_go_before_the_file_and_say_where_a_value_comes_from() {
        let mut config = parsed("mode = \"act\"\nspeed = 3").expect("it is sound");
        let mut take = |name: &str, text: &str| {
            let mut origins = Origins::new();
            let environment = [("LEPTON_DATA", "/data"), ("PATH", "/bin"), (name, text)];
            let environment = environment.map(|(name, text)| (name.into(), text.into()));
            config.take_environment(&mut origins, environment).map(|()| origins)
        };
        let origins = take("LEPTON_SPEED", "7").expect("it is sound");
        assert_eq!(origins, Origins::from([("speed", "the variable LEPTON_SPEED".to_owned())]));
        take("LEPTON_SIMULATION_NODES_COUNT", "5").expect("it is sound");
        take("LEPTON_REQUIRE_TOKENS", "true").expect("it is sound");
        take("LEPTON_PROMETHEUS_NODE_LABELS", "[\"a\", \"b\"]").expect("it is sound");
        for (name, text, expected) in [
            ("LEPTON_MODE", "brave", "LEPTON_MODE, value `brave`: expected observe, recommend or act"),
            ("LEPTON_SPEED", "fast", "LEPTON_SPEED, value `fast`: expected simulated seconds per second"),
            ("LEPTON_REQUIRE_TOKENS", "yes", "expected true or false"),
            ("LEPTON_STORE_URL", "postgres://u:p@h/d", "put it into a file of its own"),
        ] {
            let said = take(name, text).expect_err(expected);
            assert!(said.contains(expected), "{said}");
        }
        assert_eq!((config.mode, config.speed, config.simulation.nodes_count), (Mode::Act, 7.0, 5));
        assert!(config.require_tokens && config.prometheus.node_labels == ["a", "b"]);
        for key in KEYS {
            let same = KEYS.iter().filter(|other| variable(other.name) == variable(key.name)).count();
            assert_eq!(same, 1, "{}", key.name);
        }
    }

    #[test]
    fn what_is_read_beside_a_source_goes_with_it() {
        let said = |text: &str| parsed(text).expect("it is sound").contradiction();
        let followed = "\n[logs]\nfiles = [\"/a\"]";
        for (text, expected) in [
            (format!("source = \"simulation\"{followed}"), "`logs` is set with the source `simulation`"),
            ("source = \"simulation\"\n[logs]\njournal = \"all\"".to_owned(), "no log speaks"),
            ("source = \"kafka\"\n[kafka]\nlogs_topic = \"l\"".to_owned(), "add it there"),
            ("source = \"host\"\n[logs]\nnode = \"n\"".to_owned(), "nothing is followed"),
        ] {
            let said = said(&text).expect(expected);
            assert!(said.contains(expected), "{said}");
        }
        for source in ["host", "prometheus", "kubernetes", "kafka"] {
            assert_eq!(said(&format!("source = \"{source}\"{followed}")), None);
        }
        assert_eq!(said("source = \"host\"\n[kafka]\nlogs_topic = \"l\""), None);
    }

    #[test]
    fn a_source_that_is_only_looked_at_takes_no_mode_that_acts() {
        let said = |text| parsed(text).expect("it is sound").contradiction();
        let refused = said("mode = \"act\"\nsource = \"host\"").expect("nothing is carried out there");
        assert!(refused.contains("Expected the mode observe."), "{refused}");
        assert_eq!(said("mode = \"act\"\nsource = \"simulation\""), None);
        assert_eq!(said("source = \"host\""), None);
        let refused = said("adapt = \"propose\"").expect("nothing learned may serve");
        assert!(refused.starts_with("`adapt` is `propose`, and `learned_placement` is false"), "{refused}");
        assert_eq!(said("adapt = \"promote\"\nlearned_placement = true\nadapt_cpu_percent = 5"), None);
        assert!(
            parsed("adapt = \"always\"")
                .expect_err("no word")
                .contains("expected one of off, propose, promote")
        );
    }
}
