//! Kafka: topics that are read, and topics that are told of decisions.

use std::path::Path;

use lepton_edges::kafka::{KafkaAccess, KafkaLogin, KafkaOptions, KafkaSink, KafkaSource, KafkaTopics};
use lepton_edges::store::Store;

use super::{SIGNS_SEEN, SIGNS_SEEN_IN_KAFKA, WrongSettings, signs_seen};
use crate::serve::config::{KafkaSettings, ServeConfig};
use crate::token_file;

/// The topics that are read, from where the store and what lies beside it left them.
pub(super) fn source(store: &Store, config: &ServeConfig) -> anyhow::Result<KafkaSource> {
    start(store, config, config.kafka.topics.clone(), SIGNS_SEEN)
}

/// The topic of lines of logs that is read beside another source; none where the settings name none.
pub(super) fn source_beside(store: &Store, config: &ServeConfig) -> anyhow::Result<Option<KafkaSource>> {
    let topic = config.kafka.logs_topic.clone();
    topic.map(|topic| start(store, config, vec![topic], SIGNS_SEEN_IN_KAFKA)).transpose()
}

fn start(
    store: &Store,
    config: &ServeConfig,
    topics: Vec<String>,
    fact: &str,
) -> anyhow::Result<KafkaSource> {
    let settings = &config.kafka;
    let options = KafkaOptions {
        access: access(settings)?,
        topics,
        group: settings.group.clone(),
        instance: store.fact("instance")?.unwrap_or_default(),
        folder: Path::new(&config.state_dir).to_owned(),
        fresh_seconds: config.fresh_seconds,
        signs_seen: signs_seen(store, fact)?,
        beside: fact != SIGNS_SEEN,
    };
    Ok(KafkaSource::start(options).map_err(|error| WrongSettings(error.to_string()))?)
}

/// The topics that are told; none where nothing is.
pub(super) fn sink(settings: &KafkaSettings) -> anyhow::Result<Option<KafkaSink>> {
    if !settings.tells() {
        return Ok(None);
    }
    let topics = KafkaTopics {
        decisions: settings.decisions_topic.clone(),
        outcomes: settings.outcomes_topic.clone(),
    };
    Ok(Some(KafkaSink::new(access(settings)?, topics)))
}

fn access(settings: &KafkaSettings) -> Result<KafkaAccess, WrongSettings> {
    let login = match (&settings.user, &settings.password_file) {
        (Some(user), Some(file)) => Some(KafkaLogin {
            mechanism: settings.sasl_mechanism.to_owned(),
            user: user.clone(),
            password: token_file::first_line(file).map_err(WrongSettings)?,
        }),
        _ => None,
    };
    Ok(KafkaAccess {
        brokers: settings.brokers.clone(),
        tls: settings.tls,
        ca_file: settings.ca_file.clone(),
        certificate: settings.cert_file.clone().zip(settings.key_file.clone()),
        login,
    })
}
