//! A real broker: one node of Apache Kafka on loopback ports, with its files in a folder of its own.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lepton_edges::kafka::rdkafka::config::ClientConfig;
use lepton_edges::kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use lepton_edges::kafka::rdkafka::message::{Headers, Message};
use lepton_edges::kafka::rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use lepton_edges::kafka::rdkafka::{Offset, TopicPartitionList};

use super::ports::free_port;
use super::scratch;

/// How long it may take to start on a busy machine.
const STARTS: Duration = Duration::from_secs(180);

/// A message as it lies on a topic.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) payload: Vec<u8>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Found {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }
}

/// Who may talk to it over TLS.
pub(crate) const USER: &str = "lepton";
pub(crate) const PASSWORD: &str = "wordly";

/// An authority, and a certificate of it for this machine.
fn certify(folder: &str) {
    fs::write(format!("{folder}/name"), "subjectAltName=IP:127.0.0.1").expect("writable");
    for words in [
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=authority -days 2",
        "req -newkey rsa:2048 -nodes -keyout broker.key -out broker.csr -subj /CN=127.0.0.1",
        "x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out broker.crt -days 2 -extfile name",
    ] {
        let made = Command::new("openssl").args(words.split(' ')).current_dir(folder).output();
        let made = made.expect("openssl is needed here");
        assert!(made.status.success(), "{words}: {}", String::from_utf8_lossy(&made.stderr));
    }
    let read = |name: &str| fs::read_to_string(format!("{folder}/{name}")).expect("it was made");
    fs::write(format!("{folder}/broker.pem"), read("broker.key") + &read("broker.crt")).expect("writable");
}

/// A broker, which ends with the test.
pub(crate) struct Broker {
    folder: String,
    port: u16,
    /// Where it speaks TLS and asks who one is.
    secure_port: u16,
    child: Option<Child>,
}

impl Broker {
    /// A new one, running.
    pub(crate) fn start(name: &str) -> Self {
        let (folder, port, controller) = (scratch(&format!("kafka-{name}")), free_port(), free_port());
        let secure_port = free_port();
        fs::create_dir_all(&folder).expect("writable");
        certify(&folder);
        let settings = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{secure_port},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{secure_port}\n\
             controller.listener.names=CONTROLLER\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL\n\
             ssl.keystore.type=PEM\nssl.keystore.location={folder}/broker.pem\n\
             sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN\n\
             listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;\n\
             listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";\n\
             inter.broker.listener.name=PLAINTEXT\nlog.dirs={folder}/data\nnum.partitions=2\n\
             offsets.topic.replication.factor=1\noffsets.topic.num.partitions=2\n\
             transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n\
             share.coordinator.state.topic.replication.factor=1\ngroup.initial.rebalance.delay.ms=0\n"
        );
        fs::write(format!("{folder}/server.properties"), settings).expect("writable");
        let mut broker = Self { folder, port, secure_port, child: None };
        let user = format!("SCRAM-SHA-512=[name={USER},password={PASSWORD}]");
        let format =
            ["kafka.tools.StorageTool", "format", "-t", "4L6g3nShT-eMCtK--X86sw", "--add-scram", &user, "-c"];
        let formatted = broker.java(&format).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(formatted.expect("java is needed here").success(), "a folder for the broker");
        broker.run();
        broker
    }

    fn java(&self, words: &[&str]) -> Command {
        let jars = std::env::var("LEPTON_KAFKA_JARS").expect("LEPTON_KAFKA_JARS names Kafka's archives");
        let mut command = Command::new("java");
        command.args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
        command.arg(format!("{jars}/*")).args(words).arg(format!("{}/server.properties", self.folder));
        command.stdin(Stdio::null());
        command
    }

    /// Starts it, also a second time on the same data, and waits until it answers.
    pub(crate) fn run(&mut self) {
        let log = || {
            let file = format!("{}/log", self.folder);
            fs::OpenOptions::new().create(true).append(true).open(file).expect("writable")
        };
        let child = self.java(&["kafka.Kafka"]).stdout(log()).stderr(log()).spawn();
        self.child = Some(child.expect("java is needed here"));
        let begun = Instant::now();
        let client: BaseConsumer = self.config().create().expect("a client");
        while client.fetch_metadata(None, Duration::from_secs(1)).is_err() {
            assert!(begun.elapsed() < STARTS, "the broker never answers");
            thread::sleep(Duration::from_millis(100));
        }
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it speaks TLS and asks for [`USER`] and [`PASSWORD`].
    pub(crate) fn secure_address(&self) -> String {
        format!("127.0.0.1:{}", self.secure_port)
    }

    /// The authority that has signed its certificate.
    pub(crate) fn ca_file(&self) -> String {
        format!("{}/ca.pem", self.folder)
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.address()).set("message.timeout.ms", "20000");
        config
    }

    /// Sends messages to a topic, each with its key, and waits until they are there.
    pub(crate) fn send(&self, topic: &str, messages: &[(&str, &[u8])]) {
        let producer: BaseProducer = self.config().create().expect("a client");
        for (key, payload) in messages {
            producer
                .send(BaseRecord::to(topic).key(*key).payload(*payload))
                .map_err(|(e, _)| e)
                .expect("it is sent");
        }
        producer.flush(Duration::from_secs(20)).expect("it arrives");
    }

    /// All that lies on a topic; nothing where it is not there.
    pub(crate) fn read(&self, topic: &str) -> Vec<Found> {
        let mut config = self.config();
        config.set("group.id", "looks-on").set("enable.auto.commit", "false");
        let client: BaseConsumer = config.create().expect("a client");
        let patience = Duration::from_secs(10);
        let Ok(metadata) = client.fetch_metadata(Some(topic), patience) else { return Vec::new() };
        let partitions: Vec<i32> = metadata.topics()[0].partitions().iter().map(|of| of.id()).collect();
        let (mut assigned, mut left) = (TopicPartitionList::new(), 0);
        for partition in partitions {
            let (low, high) = client.fetch_watermarks(topic, partition, patience).expect("it answers");
            assigned.add_partition_offset(topic, partition, Offset::Beginning).expect("a partition");
            left += high - low;
        }
        client.assign(&assigned).expect("there are partitions");
        let mut found = Vec::new();
        while left > 0 {
            let message = client.poll(patience).expect("it is there").expect("readable");
            let headers = message.headers().map(|headers| {
                let text =
                    |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
                headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect()
            });
            found.push(Found {
                key: message.key().map(<[u8]>::to_vec),
                payload: message.payload().unwrap_or_default().to_vec(),
                headers: headers.unwrap_or_default(),
            });
            left -= 1;
        }
        found
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
