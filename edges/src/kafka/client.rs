//! The client of Kafka: how a broker is reached, and a producer that waits for what it sent.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

/// How long a message may wait for its broker before it has failed.
const DELIVERY: Duration = Duration::from_secs(10);
/// How long the client is listened to at once.
const POLL: Duration = Duration::from_millis(5);
/// A message at most.
const BYTES_MAX: usize = 4 << 20;

/// How it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KafkaAccess {
    /// The brokers to begin with: HOST:PORT, separated by commas.
    pub brokers: String,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// File of the authorities that have signed the brokers' certificates (PEM); those of the system where there is none.
    pub ca_file: Option<PathBuf>,
    /// Files of the certificate that is shown to the brokers, and of its key (PEM).
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Who one is, where SASL asks for it.
    pub login: Option<KafkaLogin>,
}

/// A name with its password.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaLogin {
    /// The mechanism of SASL: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
    pub mechanism: String,
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for KafkaLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} by {}", self.user, self.mechanism)
    }
}

impl KafkaAccess {
    /// What every client of it is set to.
    pub(super) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        let protocol = match (self.tls, self.login.is_some()) {
            (false, false) => "plaintext",
            (false, true) => "sasl_plaintext",
            (true, false) => "ssl",
            (true, true) => "sasl_ssl",
        };
        config.set("bootstrap.servers", &self.brokers);
        config.set("client.id", "lepton");
        config.set("security.protocol", protocol);
        config.set("socket.keepalive.enable", "true");
        config.set("reconnect.backoff.ms", "100");
        config.set("reconnect.backoff.max.ms", "5000");
        if let Some(file) = &self.ca_file {
            config.set("ssl.ca.location", file.to_string_lossy());
        }
        if let Some((certificate, key)) = &self.certificate {
            config.set("ssl.certificate.location", certificate.to_string_lossy());
            config.set("ssl.key.location", key.to_string_lossy());
        }
        if let Some(login) = &self.login {
            config.set("sasl.mechanism", &login.mechanism);
            config.set("sasl.username", &login.user);
            config.set("sasl.password", &login.password);
        }
        config
    }
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) topic: String,
    pub(super) key: Option<Vec<u8>>,
    pub(super) payload: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Vec<u8>)>,
}

/// How messages fared since they were sent.
#[derive(Debug, Default)]
struct Reports {
    failed: Mutex<Option<String>>,
    /// What the client said last of what is wrong.
    said: Mutex<Option<String>>,
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, _: &str, message: &str) {
        if (level as i32) <= RDKafkaLogLevel::Error as i32 {
            *locked(&self.said) = Some(message.to_owned());
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let mut said = locked(&self.said);
        // That no broker is left says less than what became of the last.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) || said.is_none() {
            *said = Some(reason.to_owned());
        }
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            use rdkafka::Message as _;
            let problem = format!("topic `{}`: {error}", message.topic());
            *locked(&self.failed) = Some(problem);
        }
    }
}

/// Sends messages, and knows that they have arrived.
pub(super) struct Producer {
    producer: BaseProducer<Reports>,
}

impl Producer {
    pub(super) fn new(access: &KafkaAccess) -> Result<Self, String> {
        let mut config = access.config();
        config.set("enable.idempotence", "true");
        config.set("acks", "all");
        config.set("message.timeout.ms", DELIVERY.as_millis().to_string());
        config.set("message.max.bytes", BYTES_MAX.to_string());
        config.set("linger.ms", "5");
        config.set("compression.type", "lz4");
        let producer = config.create_with_context(Reports::default()).map_err(|error| error.to_string())?;
        Ok(Self { producer })
    }

    /// Sends these in order and waits until the brokers have all of them.
    ///
    /// # Errors
    /// Why one of them has not arrived; others may have.
    pub(super) fn deliver(&self, letters: &[Letter]) -> Result<(), String> {
        let reports = self.producer.context();
        *locked(&reports.failed) = None;
        for letter in letters {
            let mut headers = OwnedHeaders::new();
            for (key, value) in &letter.headers {
                headers = headers.insert(Header { key, value: Some(value) });
            }
            let mut record = BaseRecord::<[u8], [u8]>::to(&letter.topic).headers(headers);
            record.key = letter.key.as_deref();
            record.payload = letter.payload.as_deref();
            while let Err((error, again)) = self.producer.send(record) {
                if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                    return Err(format!("topic `{}`: {error}", letter.topic));
                }
                self.producer.poll(POLL);
                record = again;
            }
        }
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(POLL);
        }
        let said = locked(&reports.said).take();
        match (locked(&reports.failed).take(), said) {
            (None, _) => Ok(()),
            (Some(problem), Some(said)) => Err(format!("{problem} ({said})")),
            (Some(problem), None) => Err(problem),
        }
    }
}
