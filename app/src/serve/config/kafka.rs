//! Which Kafka is read and told.

use std::path::PathBuf;

/// The brokers, how they are reached, and the topics.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KafkaSettings {
    /// Those to begin with: HOST:PORT, separated by commas.
    pub(crate) brokers: String,
    /// The topics that are read.
    pub(crate) topics: Vec<String>,
    /// A topic of lines of logs that is read beside another source.
    pub(crate) logs_topic: Option<String>,
    pub(crate) group: String,
    /// Topics that are told of decisions and of what came of them; those that are not set are not told.
    pub(crate) decisions_topic: Option<String>,
    pub(crate) outcomes_topic: Option<String>,
    pub(crate) tls: bool,
    /// File of the authorities of the brokers; those of the system where there is none.
    pub(crate) ca_file: Option<PathBuf>,
    /// Files of the certificate that is shown to the brokers, and of its key.
    pub(crate) cert_file: Option<PathBuf>,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) sasl_mechanism: &'static str,
    pub(crate) user: Option<String>,
    /// File of the password in its first line.
    pub(crate) password_file: Option<PathBuf>,
}

/// The mechanisms of SASL.
pub(crate) const MECHANISMS: &[&str] = &["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"];

impl Default for KafkaSettings {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            topics: ["lepton.readings", "lepton.events", "lepton.logs"].map(str::to_owned).to_vec(),
            logs_topic: None,
            group: "lepton".to_owned(),
            decisions_topic: None,
            outcomes_topic: None,
            tls: false,
            ca_file: None,
            cert_file: None,
            key_file: None,
            sasl_mechanism: MECHANISMS[0],
            user: None,
            password_file: None,
        }
    }
}

impl KafkaSettings {
    /// Whether anything is told.
    pub(crate) fn tells(&self) -> bool {
        self.decisions_topic.is_some() || self.outcomes_topic.is_some()
    }

    /// Why these settings do not go together, if they do not.
    pub(super) fn contradiction(&self) -> Option<String> {
        let pairs = [
            (["kafka.cert_file", "kafka.key_file"], &self.cert_file, &self.key_file),
            (
                ["kafka.user", "kafka.password_file"],
                &self.user.as_ref().map(PathBuf::from),
                &self.password_file,
            ),
        ];
        for ([one, other], first, second) in pairs {
            let (set, missing) = match (first, second) {
                (Some(_), None) => (one, other),
                (None, Some(_)) => (other, one),
                _ => continue,
            };
            return Some(format!("`{set}` is set and `{missing}` is not: one goes with the other"));
        }
        let of_tls =
            self.ca_file.as_ref().map(|_| "ca_file").or(self.cert_file.as_ref().map(|_| "cert_file"));
        let without = of_tls.filter(|_| !self.tls)?;
        Some(format!("`kafka.{without}` is set and `kafka.tls` is false: there is no TLS that it is for"))
    }
}

/// A topic, or nothing for none.
pub(super) fn topic(name: &str) -> Result<Option<String>, String> {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match name {
        "" => Ok(None),
        "." | ".." => Err(expected()),
        _ if name.len() <= 249 && name.bytes().all(sound) => Ok(Some(name.to_owned())),
        _ => Err(expected()),
    }
}

fn expected() -> String {
    "expected the name of a topic: at most 249 letters, digits, `.`, `_` and `-`".to_owned()
}

/// Topics to be read: one at least, no dead letters among them.
pub(super) fn topics(names: Vec<String>) -> Result<Vec<String>, String> {
    if names.is_empty() {
        return Err("expected one topic at least".to_owned());
    }
    for name in &names {
        topic(name)?.ok_or_else(expected)?;
        if name.ends_with(".dlq") {
            return Err(format!("`{name}` is a topic of dead letters, which are not read"));
        }
    }
    Ok(names)
}

/// Brokers: HOST:PORT, separated by commas.
pub(super) fn brokers(text: &str) -> Result<String, String> {
    let is_one = |one: &str| {
        let parts = one.trim().rsplit_once(':');
        parts.is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok()
        })
    };
    let expected = || "expected HOST:PORT, several separated by commas".to_owned();
    text.split(',').all(is_one).then(|| text.to_owned()).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_topics_and_brokers_are_checked() {
        assert_eq!(topic("lepton.decisions"), Ok(Some("lepton.decisions".to_owned())));
        assert_eq!(topic(""), Ok(None));
        for name in ["a b", "..", "\u{fc}", &"x".repeat(250)] {
            assert!(topic(name).is_err(), "{name}");
        }
        assert!(topics(Vec::new()).is_err());
        assert!(topics(vec!["a.dlq".to_owned()]).is_err());
        assert!(brokers("a:9092,[::1]:9093").is_ok());
        for text in ["", "a", "a:x", ":1", "a:1,", "http://a:1"] {
            assert!(brokers(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_goes_together_is_asked_for_together() {
        let of = |change: fn(&mut KafkaSettings)| {
            let mut settings = KafkaSettings::default();
            change(&mut settings);
            settings.contradiction()
        };
        assert_eq!(of(|_| {}), None);
        for (change, expected) in [
            ((|s| s.user = Some("u".to_owned())) as fn(&mut KafkaSettings), "`kafka.password_file` is not"),
            (|s| s.password_file = Some("f".into()), "`kafka.user` is not"),
            (|s| (s.tls, s.cert_file) = (true, Some("f".into())), "`kafka.key_file` is not"),
            (|s| s.ca_file = Some("f".into()), "`kafka.tls` is false"),
        ] {
            let said = of(change).expect(expected);
            assert!(said.contains(expected), "{said}");
        }
    }
}
