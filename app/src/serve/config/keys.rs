//! Every setting of the service in one table: its name in the file, what it is, how it is read and shown.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lepton_core::model::Mode;
use toml::Value;

use super::{Adapt, ServeConfig, SourceKind, address, kafka, logs, mode_name, mode_named, speed, store_url};
use crate::log::{LogFormat, LogLevel, named as named_one};

/// What a setting may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Form {
    /// A text.
    Text,
    /// One of these.
    Word(&'static [&'static str]),
    /// A whole number from one to the other.
    Whole(i64, i64),
    /// A number above 0.
    Number,
    /// True or false.
    Flag,
    /// A list of texts.
    Texts,
    /// Texts by name.
    Named,
}

/// A setting.
pub(crate) struct Key {
    /// Its name, with its section before a dot.
    pub(crate) name: &'static str,
    /// What it is, in one sentence.
    pub(crate) about: &'static str,
    pub(crate) form: Form,
    /// Its value; none where nothing is set and nothing stands in its place.
    pub(crate) get: fn(&ServeConfig) -> Option<Value>,
    /// Whether a running service takes it over on SIGHUP; others need a restart.
    pub(crate) live: bool,
    /// Sets it; what was expected where that cannot be.
    pub(crate) set: fn(&mut ServeConfig, &Value) -> Result<(), String>,
}

/// All of them, in the order of the file.
pub(crate) const KEYS: &[Key] = &[
    Key {
        name: "schema_version",
        about: "Version of this form of file.",
        form: Form::Whole(1, 1),
        get: |_| Some(Value::Integer(1)),
        live: false,
        set: |_, value| if *value == Value::Integer(1) { Ok(()) } else { Err("expected 1".to_owned()) },
    },
    Key {
        name: "mode",
        about: "What the loop may do.",
        form: Form::Word(&["observe", "recommend", "act"]),
        get: |c| text(mode_name(c.mode)),
        live: true,
        set: |c, value| set(&mut c.mode, mode_named(as_text(value)?)),
    },
    Key {
        name: "owner_modes",
        about: "What it may do with the tasks of single owners instead (on Kubernetes: of namespaces).",
        form: Form::Named,
        get: |c| {
            let mode = |(owner, mode): (&String, &Mode)| Some((owner.clone(), text(mode_name(*mode))?));
            Some(Value::Table(c.owner_modes.iter().filter_map(mode).collect()))
        },
        live: true,
        set: |c, value| set(&mut c.owner_modes, owner_modes(value)),
    },
    Key {
        name: "listen",
        about: "Where the HTTP interface listens; beyond this machine tokens are asked for.",
        form: Form::Text,
        get: |c| text(&c.listen.to_string()),
        live: false,
        set: |c, value| set(&mut c.listen, address(as_text(value)?)),
    },
    Key {
        name: "require_tokens",
        about: "Whether tokens are asked for on this machine too.",
        form: Form::Flag,
        get: |c| Some(Value::Boolean(c.require_tokens)),
        live: false,
        set: |c, value| set(&mut c.require_tokens, flag(value)),
    },
    Key {
        name: "tls_cert",
        about: "File of the certificate (PEM, with those that lead to an authority) that the HTTP interface shows; without it there is no TLS.",
        form: Form::Text,
        get: |c| c.tls_cert.as_ref().and_then(|file| text(&file.display().to_string())),
        live: false,
        set: |c, value| set(&mut c.tls_cert, file(value)),
    },
    Key {
        name: "tls_key",
        about: "File of that certificate's key (PEM); both files are read again on SIGHUP.",
        form: Form::Text,
        get: |c| c.tls_key.as_ref().and_then(|file| text(&file.display().to_string())),
        live: false,
        set: |c, value| set(&mut c.tls_key, file(value)),
    },
    Key {
        name: "state_dir",
        about: "Folder of the store.",
        form: Form::Text,
        get: |c| text(&c.state_dir),
        live: false,
        set: |c, value| set(&mut c.state_dir, folder(value)),
    },
    Key {
        name: "store_url",
        about: "A database that is told what the store has: postgres://USER@HOST:PORT/DATABASE, mysql://.. or sqlite:///FILE.",
        form: Form::Text,
        get: |c| c.store_url.as_deref().and_then(text),
        live: false,
        set: |c, value| set(&mut c.store_url, store_url(as_text(value)?).map(Some)),
    },
    Key {
        name: "store_password_file",
        about: "File with that database's password in its first line.",
        form: Form::Text,
        get: |c| c.store_password_file.as_ref().and_then(|file| text(&file.display().to_string())),
        live: false,
        set: |c, value| set(&mut c.store_password_file, file(value)),
    },
    Key {
        name: "store_ca_file",
        about: "File of authorities (PEM): that database is spoken to over TLS, and must show a certificate by one of them.",
        form: Form::Text,
        get: |c| c.store_ca_file.as_ref().and_then(|file| text(&file.display().to_string())),
        live: false,
        set: |c, value| set(&mut c.store_ca_file, file(value)),
    },
    Key {
        name: "source",
        about: "What the loop is connected to.",
        form: Form::Word(SourceKind::NAMES),
        get: |c| text(c.source.name()),
        live: false,
        set: |c, value| set(&mut c.source, SourceKind::named(as_text(value)?)),
    },
    Key {
        name: "turn_seconds",
        about: "Seconds from one turn to the next on a real source.",
        form: Form::Number,
        get: |c| Some(Value::Float(c.turn_seconds)),
        live: true,
        set: |c, value| set(&mut c.turn_seconds, number(value, 0.1, 3600.0)),
    },
    Key {
        name: "fresh_seconds",
        about: "A source that has not looked for longer is out of date: nothing is decided and done while one is.",
        form: Form::Whole(1, 86_400),
        get: |c| Some(Value::Integer(c.fresh_seconds as i64)),
        live: true,
        set: |c, value| set(&mut c.fresh_seconds, whole(value, 1, 86_400).map(|seconds| seconds as u64)),
    },
    Key {
        name: "network_mbit_s",
        about: "Line rate of a node's interfaces together; where it is not set, as they tell it.",
        form: Form::Whole(1, 100_000_000),
        get: |c| c.network_mbit_s.map(|rate| Value::Integer(rate as i64)),
        live: false,
        set: |c, value| {
            set(&mut c.network_mbit_s, whole(value, 1, 100_000_000).map(|rate| Some(rate as u64)))
        },
    },
    Key {
        name: "speed",
        about: "Simulated seconds per second of a simulated cluster; a turn is a simulated minute.",
        form: Form::Number,
        get: |c| Some(Value::Float(c.speed)),
        live: true,
        set: |c, value| set(&mut c.speed, speed(&shown(value))),
    },
    Key {
        name: "log_format",
        about: "Form of what is logged on stderr: lines for people, or JSON documents.",
        form: Form::Word(LogFormat::NAMES),
        get: |c| text(c.log_format.name()),
        live: false,
        set: |c, value| set(&mut c.log_format, named_one(as_text(value)?, LogFormat::NAMES)),
    },
    Key {
        name: "log_level",
        about: "What is logged, and all before it.",
        form: Form::Word(LogLevel::NAMES),
        get: |c| text(c.log_level.name()),
        live: false,
        set: |c, value| set(&mut c.log_level, named_one(as_text(value)?, LogLevel::NAMES)),
    },
    Key {
        name: "traces_url",
        about: "Address of a collector of OpenTelemetry that is told a trace of each turn (OTLP over HTTP), such as http://localhost:4318.",
        form: Form::Text,
        get: |c| c.traces_url.as_deref().and_then(text),
        live: false,
        set: |c, value| set(&mut c.traces_url, as_text(value).map(|url| Some(url.to_owned()))),
    },
    Key {
        name: "requests_per_second",
        about: "Requests that one holder of a token, or one address without, may make a second; twice as many at once.",
        form: Form::Whole(1, 1_000_000),
        get: |c| Some(Value::Integer(c.requests_per_second.into())),
        live: false,
        set: |c, value| {
            set(&mut c.requests_per_second, whole(value, 1, 1_000_000).map(|requests| requests as u32))
        },
    },
    Key {
        name: "record_hours",
        about: "Hours for which what the loop is told and decides is recorded, so that it can be played again; 0 for none.",
        form: Form::Whole(0, 8760),
        get: |c| Some(Value::Integer(c.record_hours as i64)),
        live: false,
        set: |c, value| set(&mut c.record_hours, whole(value, 0, 8760).map(|hours| hours as u64)),
    },
    Key {
        name: "record_mib",
        about: "Room for what is recorded, MiB; the oldest goes first.",
        form: Form::Whole(8, 1_000_000),
        get: |c| Some(Value::Integer(c.record_mib as i64)),
        live: false,
        set: |c, value| set(&mut c.record_mib, whole(value, 8, 1_000_000).map(|mib| mib as u64)),
    },
    Key {
        name: "journal_days",
        about: "Days for which entries of the journal are kept that nothing needs any more.",
        form: Form::Whole(1, 3660),
        get: |c| Some(Value::Integer(c.journal_days as i64)),
        live: false,
        set: |c, value| set(&mut c.journal_days, whole(value, 1, 3660).map(|days| days as u64)),
    },
    Key {
        name: "history_raw_hours",
        about: "Hours for which every sample of how the nodes stood is kept; 0 to keep nothing of it.",
        form: Form::Whole(0, 8760),
        get: |c| Some(Value::Integer(c.history.raw_hours as i64)),
        live: false,
        set: |c, value| set(&mut c.history.raw_hours, whole(value, 0, 8760).map(|hours| hours as u64)),
    },
    Key {
        name: "history_five_minutes_days",
        about: "Days for which rollups of five minutes of it are kept.",
        form: Form::Whole(1, 3660),
        get: |c| Some(Value::Integer(c.history.five_minutes_days as i64)),
        live: false,
        set: |c, value| set(&mut c.history.five_minutes_days, whole(value, 1, 3660).map(|days| days as u64)),
    },
    Key {
        name: "history_hours_days",
        about: "Days for which rollups of hours of it are kept.",
        form: Form::Whole(1, 3660),
        get: |c| Some(Value::Integer(c.history.hours_days as i64)),
        live: false,
        set: |c, value| set(&mut c.history.hours_days, whole(value, 1, 3660).map(|days| days as u64)),
    },
    Key {
        name: "risk_model",
        about: "What signs of faults are worth, as `lepton simulate faults --save` keeps it; assumed where it is not set.",
        form: Form::Text,
        get: |c| c.risk_model.as_ref().and_then(|path| text(&path.to_string_lossy())),
        live: false,
        set: |c, value| set(&mut c.risk_model, file(value)),
    },
    Key {
        name: "forecast_model",
        about: "A network for the forecasts of nodes' load, as `lepton forecast --save` keeps it; none where it is not set.",
        form: Form::Text,
        get: |c| c.forecast_model.as_ref().and_then(|path| text(&path.to_string_lossy())),
        live: false,
        set: |c, value| set(&mut c.forecast_model, file(value)),
    },
    Key {
        name: "rearrange",
        about: "Whether a search beside the loop looks for chains of moves that let waiting tasks start.",
        form: Form::Flag,
        get: |c| Some(Value::Boolean(c.rearrange)),
        live: false,
        set: |c, value| set(&mut c.rearrange, flag(value)),
    },
    Key {
        name: "learned_placement",
        about: "Whether the learned placement places tasks, where rehearsals on this cluster and its mix show it to be better.",
        form: Form::Flag,
        get: |c| Some(Value::Boolean(c.learned_placement)),
        live: false,
        set: |c, value| set(&mut c.learned_placement, flag(value)),
    },
    Key {
        name: "placement_model",
        about: "The learned placement, as `lepton train placement` makes it; the one that Lepton comes with where it is not set.",
        form: Form::Text,
        get: |c| path(c.placement_model.as_ref()),
        live: false,
        set: |c, value| set(&mut c.placement_model, file(value)),
    },
    Key {
        name: "adapt",
        about: "Whether placements are learned beside the loop on the cluster's own mix, and what comes of one that passes the gate: it is proposed, or promoted.",
        form: Form::Word(Adapt::NAMES),
        get: |c| text(c.adapt.name()),
        live: false,
        set: |c, value| set(&mut c.adapt, Adapt::named(as_text(value)?)),
    },
    Key {
        name: "adapt_cpu_percent",
        about: "Share of one core that learning takes at most.",
        form: Form::Whole(1, 100),
        get: |c| Some(Value::Integer(c.adapt_cpu_percent.into())),
        live: false,
        set: |c, value| set(&mut c.adapt_cpu_percent, whole(value, 1, 100).map(|percent| percent as u32)),
    },
    Key {
        name: "host.root",
        about: "Folder in which the host's /proc, /sys and /etc are.",
        form: Form::Text,
        get: |c| text(&c.host.root.to_string_lossy()),
        live: false,
        set: |c, value| set(&mut c.host.root, folder(value).map(PathBuf::from)),
    },
    Key {
        name: "prometheus.url",
        about: "Address of Prometheus, http://HOST[:PORT][/PATH].",
        form: Form::Text,
        get: |c| text(&c.prometheus.url),
        live: false,
        set: |c, value| set(&mut c.prometheus.url, as_text(value).map(str::to_owned)),
    },
    Key {
        name: "prometheus.token_file",
        about: "File with a bearer token for Prometheus, where it asks for one.",
        form: Form::Text,
        get: |c| c.prometheus.token_file.as_ref().and_then(|file| text(&file.to_string_lossy())),
        live: false,
        set: |c, value| {
            set(&mut c.prometheus.token_file, as_text(value).map(|file| Some(PathBuf::from(file))))
        },
    },
    Key {
        name: "prometheus.rate_seconds",
        about: "The time over which rates are taken: at least four times that from one scrape to the next.",
        form: Form::Whole(2, 3600),
        get: |c| Some(Value::Integer(c.prometheus.rate_seconds as i64)),
        live: false,
        set: |c, value| {
            set(&mut c.prometheus.rate_seconds, whole(value, 2, 3600).map(|seconds| seconds as u64))
        },
    },
    Key {
        name: "prometheus.back_fill_hours",
        about: "Hours of the past that are asked for at the start, so that forecasts do not begin with nothing.",
        form: Form::Whole(0, 168),
        get: |c| Some(Value::Integer(c.prometheus.back_fill_hours as i64)),
        live: false,
        set: |c, value| {
            set(&mut c.prometheus.back_fill_hours, whole(value, 0, 168).map(|hours| hours as u64))
        },
    },
    Key {
        name: "prometheus.node_labels",
        about: "Labels that may name a node, in order; node, kubernetes_node, nodename, hostname and Hostname where there are none.",
        form: Form::Texts,
        get: |c| {
            Some(Value::Array(c.prometheus.node_labels.iter().filter_map(|label| text(label)).collect()))
        },
        live: false,
        set: |c, value| set(&mut c.prometheus.node_labels, texts(value)),
    },
    Key {
        name: "prometheus.queries",
        about: "Queries of one's own, by measure, in the place of those of the presets.",
        form: Form::Named,
        get: |c| {
            let query = |(name, query): (&String, &String)| Some((name.clone(), text(query)?));
            Some(Value::Table(c.prometheus.queries.iter().filter_map(query).collect()))
        },
        live: false,
        set: |c, value| set(&mut c.prometheus.queries, named(value)),
    },
    Key {
        name: "kubernetes.kubeconfig",
        about: "A kubeconfig; where it is not set, KUBECONFIG, the service account of the pod or ~/.kube/config.",
        form: Form::Text,
        get: |c| c.kubernetes.kubeconfig.as_ref().and_then(|path| text(&path.to_string_lossy())),
        live: false,
        set: |c, value| set(&mut c.kubernetes.kubeconfig, file(value)),
    },
    Key {
        name: "kubernetes.context",
        about: "The context of the kubeconfig; its current one where it is not set.",
        form: Form::Text,
        get: |c| c.kubernetes.context.as_deref().and_then(text),
        live: false,
        set: |c, value| {
            set(&mut c.kubernetes.context, as_text(value).map(|context| Some(context.to_owned())))
        },
    },
    Key {
        name: "kubernetes.device_resources",
        about: "Extended resources that are devices, beside nvidia.com/gpu, amd.com/gpu, google.com/tpu and other usual ones.",
        form: Form::Texts,
        get: |c| {
            Some(Value::Array(c.kubernetes.device_resources.iter().filter_map(|name| text(name)).collect()))
        },
        live: false,
        set: |c, value| set(&mut c.kubernetes.device_resources, texts(value)),
    },
    Key {
        name: "kubernetes.model_labels",
        about: "Labels of nodes that tell the model of their devices, before RESOURCE.product and other usual ones.",
        form: Form::Texts,
        get: |c| Some(Value::Array(c.kubernetes.model_labels.iter().filter_map(|name| text(name)).collect())),
        live: false,
        set: |c, value| set(&mut c.kubernetes.model_labels, texts(value)),
    },
    Key {
        name: "kubernetes.lease",
        about: "NAMESPACE/NAME of the lease that the instance that acts holds, so that of several one acts; empty for none.",
        form: Form::Text,
        get: |c| {
            let lease = c.kubernetes.lease.as_ref();
            text(&lease.map_or(String::new(), |(namespace, name)| format!("{namespace}/{name}")))
        },
        live: false,
        set: |c, value| set(&mut c.kubernetes.lease, lease(value)),
    },
    Key {
        name: "kubernetes.review_tokens",
        about: "Whether the cluster is asked whose a token is that Lepton did not make, and what its holder may do (TokenReview, SubjectAccessReview).",
        form: Form::Flag,
        get: |c| Some(Value::Boolean(c.kubernetes.review_tokens)),
        live: false,
        set: |c, value| set(&mut c.kubernetes.review_tokens, flag(value)),
    },
    Key {
        name: "kafka.brokers",
        about: "Brokers to begin with, HOST:PORT, separated by commas.",
        form: Form::Text,
        get: |c| text(&c.kafka.brokers),
        live: false,
        set: |c, value| set(&mut c.kafka.brokers, as_text(value).and_then(kafka::brokers)),
    },
    Key {
        name: "kafka.topics",
        about: "Topics that are read: events of nodes, tasks, readings and lines of logs.",
        form: Form::Texts,
        get: |c| Some(Value::Array(c.kafka.topics.iter().filter_map(|topic| text(topic)).collect())),
        live: false,
        set: |c, value| set(&mut c.kafka.topics, texts(value).and_then(kafka::topics)),
    },
    Key {
        name: "kafka.logs_topic",
        about: "A topic of lines of logs that is read beside another source, for signs of faults of its nodes; none where it is not set.",
        form: Form::Text,
        get: |c| c.kafka.logs_topic.as_deref().and_then(text),
        live: false,
        set: |c, value| set(&mut c.kafka.logs_topic, as_text(value).and_then(kafka::topic)),
    },
    Key {
        name: "kafka.group",
        about: "The consumer group; one for each service, since each must see all.",
        form: Form::Text,
        get: |c| text(&c.kafka.group),
        live: false,
        set: |c, value| {
            set(&mut c.kafka.group, folder(value).map_err(|_| "expected the name of a group".to_owned()))
        },
    },
    Key {
        name: "kafka.decisions_topic",
        about: "A topic that is told of every decision, whatever the source; none where it is not set.",
        form: Form::Text,
        get: |c| c.kafka.decisions_topic.as_deref().and_then(text),
        live: false,
        set: |c, value| set(&mut c.kafka.decisions_topic, as_text(value).and_then(kafka::topic)),
    },
    Key {
        name: "kafka.outcomes_topic",
        about: "A topic that is told of what came of each decision; none where it is not set.",
        form: Form::Text,
        get: |c| c.kafka.outcomes_topic.as_deref().and_then(text),
        live: false,
        set: |c, value| set(&mut c.kafka.outcomes_topic, as_text(value).and_then(kafka::topic)),
    },
    Key {
        name: "kafka.tls",
        about: "Whether brokers are spoken to over TLS.",
        form: Form::Flag,
        get: |c| Some(Value::Boolean(c.kafka.tls)),
        live: false,
        set: |c, value| set(&mut c.kafka.tls, flag(value)),
    },
    Key {
        name: "kafka.ca_file",
        about: "File of the authorities (PEM) of which one has signed the brokers' certificates; those of the system where it is not set.",
        form: Form::Text,
        get: |c| path(c.kafka.ca_file.as_ref()),
        live: false,
        set: |c, value| set(&mut c.kafka.ca_file, file(value)),
    },
    Key {
        name: "kafka.cert_file",
        about: "File of the certificate (PEM) that is shown to the brokers, where they ask for one.",
        form: Form::Text,
        get: |c| path(c.kafka.cert_file.as_ref()),
        live: false,
        set: |c, value| set(&mut c.kafka.cert_file, file(value)),
    },
    Key {
        name: "kafka.key_file",
        about: "File of that certificate's key (PEM).",
        form: Form::Text,
        get: |c| path(c.kafka.key_file.as_ref()),
        live: false,
        set: |c, value| set(&mut c.kafka.key_file, file(value)),
    },
    Key {
        name: "kafka.sasl_mechanism",
        about: "How a user is known to the brokers.",
        form: Form::Word(kafka::MECHANISMS),
        get: |c| text(c.kafka.sasl_mechanism),
        live: false,
        set: |c, value| set(&mut c.kafka.sasl_mechanism, one_of(value, kafka::MECHANISMS)),
    },
    Key {
        name: "kafka.user",
        about: "The user, where the brokers ask for one (SASL).",
        form: Form::Text,
        get: |c| c.kafka.user.as_deref().and_then(text),
        live: false,
        set: |c, value| set(&mut c.kafka.user, as_text(value).map(|user| Some(user.to_owned()))),
    },
    Key {
        name: "kafka.password_file",
        about: "File with that user's password in its first line.",
        form: Form::Text,
        get: |c| path(c.kafka.password_file.as_ref()),
        live: false,
        set: |c, value| set(&mut c.kafka.password_file, file(value)),
    },
    Key {
        name: "logs.files",
        about: "Log files that are followed beside the source for signs of faults; {node} in a path is the name of a node.",
        form: Form::Texts,
        get: |c| Some(Value::Array(c.logs.files.iter().filter_map(|file| text(file)).collect())),
        live: false,
        set: |c, value| set(&mut c.logs.files, texts(value).and_then(logs::files)),
    },
    Key {
        name: "logs.journal",
        about: "What of this machine's journal of systemd is followed for the same.",
        form: Form::Word(logs::JOURNALS),
        get: |c| text(c.logs.journal),
        live: false,
        set: |c, value| set(&mut c.logs.journal, one_of(value, logs::JOURNALS)),
    },
    Key {
        name: "logs.node",
        about: "The node of files and entries that name none; this machine where it is not set.",
        form: Form::Text,
        get: |c| c.logs.node.as_deref().and_then(text),
        live: false,
        set: |c, value| {
            let named = value.as_str().filter(|name| !name.is_empty());
            let named = named.ok_or_else(|| "expected the name of a node in quotes".to_owned());
            set(&mut c.logs.node, named.map(|name| Some(name.to_owned())))
        },
    },
    Key {
        name: "logs.from",
        about: "Where a log is begun that was never followed: at its end, or at its start.",
        form: Form::Word(logs::FROM),
        get: |c| text(c.logs.from),
        live: false,
        set: |c, value| set(&mut c.logs.from, one_of(value, logs::FROM)),
    },
    Key {
        name: "simulation.seed",
        about: "Seed of the simulated cluster.",
        form: Form::Whole(0, i64::MAX),
        get: |c| Some(Value::Integer(c.simulation.seed as i64)),
        live: false,
        set: |c, value| set(&mut c.simulation.seed, whole(value, 0, i64::MAX).map(|seed| seed as u64)),
    },
    Key {
        name: "simulation.nodes_count",
        about: "Nodes of the simulated cluster.",
        form: Form::Whole(1, 100_000),
        get: |c| Some(Value::Integer(c.simulation.nodes_count as i64)),
        live: false,
        set: |c, value| {
            set(&mut c.simulation.nodes_count, whole(value, 1, 100_000).map(|nodes| nodes as usize))
        },
    },
    Key {
        name: "simulation.hours",
        about: "Hours for which tasks go on to arrive.",
        form: Form::Whole(1, 8760),
        get: |c| Some(Value::Integer(c.simulation.hours.into())),
        live: false,
        set: |c, value| set(&mut c.simulation.hours, whole(value, 1, 8760).map(|hours| hours as u32)),
    },
    Key {
        name: "simulation.load",
        about: "Mean demand for devices as a share of their capacity.",
        form: Form::Number,
        get: |c| Some(Value::Float(c.simulation.load)),
        live: false,
        set: |c, value| set(&mut c.simulation.load, crate::cli_workload::load(&shown(value))),
    },
    Key {
        name: "simulation.services_per_node",
        about: "Small tasks without devices that stand beside the others, so many a node: half a core and 1 GiB for a day.",
        form: Form::Whole(0, 100),
        get: |c| Some(Value::Integer(c.simulation.services_per_node.into())),
        live: false,
        set: |c, value| {
            set(&mut c.simulation.services_per_node, whole(value, 0, 100).map(|services| services as u32))
        },
    },
    Key {
        name: "simulation.owners",
        about: "How many owners the tasks have, team-1 and so on; 0 for none.",
        form: Form::Whole(0, 1000),
        get: |c| Some(Value::Integer(c.simulation.owners.into())),
        live: false,
        set: |c, value| set(&mut c.simulation.owners, whole(value, 0, 1000).map(|owners| owners as u32)),
    },
    Key {
        name: "simulation.between_turns",
        about: "Tasks come at their second and are decided on at once, not with the next turn; what is decided then depends on the clock.",
        form: Form::Flag,
        get: |c| Some(Value::Boolean(c.simulation.between_turns)),
        live: false,
        set: |c, value| set(&mut c.simulation.between_turns, flag(value)),
    },
    Key {
        name: "simulation.request_factor",
        about: "Tasks say how long they ask to run: their work times a number from 1 to this; unset, they do not.",
        form: Form::Number,
        get: |c| c.simulation.request_factor.map(Value::Float),
        live: false,
        set: |c, value| {
            set(
                &mut c.simulation.request_factor,
                crate::cli_workload::request_factor(&shown(value)).map(Some),
            )
        },
    },
];

fn set<T>(into: &mut T, value: Result<T, String>) -> Result<(), String> {
    *into = value?;
    Ok(())
}

fn text(value: &str) -> Option<Value> {
    Some(Value::String(value.to_owned()))
}

fn as_text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "expected a text in quotes".to_owned())
}

fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "expected true or false".to_owned())
}

fn lease(value: &Value) -> Result<Option<(String, String)>, String> {
    let text = as_text(value)?;
    if text.is_empty() {
        return Ok(None);
    }
    let is_name = |part: &str| {
        let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
        !part.is_empty() && part.bytes().all(sound)
    };
    let parts = text.split_once('/').filter(|(namespace, name)| is_name(namespace) && is_name(name));
    let parts = parts.map(|(namespace, name)| Some((namespace.to_owned(), name.to_owned())));
    parts.ok_or_else(|| "expected NAMESPACE/NAME, or nothing for no lease".to_owned())
}

fn path(of: Option<&PathBuf>) -> Option<Value> {
    text(&of?.to_string_lossy())
}

fn one_of(value: &Value, words: &'static [&'static str]) -> Result<&'static str, String> {
    let given = as_text(value)?;
    let known = words.iter().find(|word| **word == given);
    known.copied().ok_or_else(|| format!("expected one of {}", words.join(", ")))
}

fn folder(value: &Value) -> Result<String, String> {
    let named = value.as_str().filter(|folder| !folder.is_empty());
    named.map(str::to_owned).ok_or_else(|| "expected a folder in quotes".to_owned())
}

fn texts(value: &Value) -> Result<Vec<String>, String> {
    let expected = || "expected a list of texts in quotes".to_owned();
    let each = value.as_array().ok_or_else(expected)?.iter();
    each.map(|text| text.as_str().map(str::to_owned).ok_or_else(expected)).collect()
}

fn named(value: &Value) -> Result<BTreeMap<String, String>, String> {
    let expected = |name: &str| format!("expected a table of texts in quotes{name}");
    let table = value.as_table().ok_or_else(|| expected(""))?.iter();
    let each = table.map(|(name, text)| {
        let text = text.as_str().ok_or_else(|| expected(&format!(", `{name}` is none")))?;
        Ok((name.clone(), text.to_owned()))
    });
    each.collect()
}

fn owner_modes(value: &Value) -> Result<BTreeMap<String, Mode>, String> {
    let mode = |(owner, mode): (String, String)| {
        let known = mode_named(&mode).map_err(|expected| format!("`{owner}` is `{mode}`, {expected}"))?;
        Ok((owner, known))
    };
    named(value)?.into_iter().map(mode).collect()
}

fn file(value: &Value) -> Result<Option<PathBuf>, String> {
    let named = value.as_str().filter(|file| !file.is_empty());
    named.map(|file| Some(file.into())).ok_or_else(|| "expected a file in quotes".to_owned())
}

fn whole(value: &Value, low: i64, high: i64) -> Result<i64, String> {
    let within = value.as_integer().filter(|whole| (low..=high).contains(whole));
    within.ok_or_else(|| format!("expected a whole number from {low} to {high}"))
}

fn number(value: &Value, low: f64, high: f64) -> Result<f64, String> {
    let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
    number
        .filter(|number| (low..=high).contains(number))
        .ok_or_else(|| format!("expected a number from {low} to {high}"))
}

/// A value as a person wrote it.
fn shown(value: &Value) -> String {
    match value {
        Value::Integer(whole) => whole.to_string(),
        Value::Float(float) => float.to_string(),
        other => other.type_str().to_owned(),
    }
}
