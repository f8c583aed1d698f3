//! The settings of a Kafka trigger.

use std::{collections::BTreeMap, fmt, time::Duration};

use rdkafka::{ClientConfig, config::RDKafkaLogLevel, error::KafkaError};

/// What a Kafka trigger reads and invokes.
#[derive(Clone)]
pub struct KafkaTriggerSettings {
    /// The function's name.
    pub function: String,
    /// `host:port,host:port`.
    pub bootstrap_servers: String,
    /// The topic.
    pub topic: String,
    /// The consumer group. A new one starts at the oldest record (`TRIM_HORIZON`).
    pub group: String,
    /// The most records of a batch, 1 to 10,000 (100).
    pub batch_size: usize,
    /// How long a batch waits for more records after its first, at most 5 minutes (500 ms).
    pub batching_window: Duration,
    /// What events say of where they come from (`SelfManaged`).
    pub source: KafkaSource,
    /// More settings of librdkafka, like those of authentication. Those on which the trigger rests cannot be changed.
    pub client_properties: BTreeMap<String, String>,
}

/// What the events say of where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KafkaSource {
    /// `SelfManagedKafka`.
    SelfManaged,
    /// `aws:kafka`.
    Msk {
        /// `eventSourceArn`.
        cluster_arn: String,
    },
}

/// Why a trigger does not start, or does not know how far behind it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KafkaTriggerError {
    /// A setting is out of range.
    #[error("{name} is not {range}")]
    Setting {
        /// The setting's name.
        name: &'static str,
        /// What it may be.
        range: &'static str,
    },
    /// Kafka, or its library, refused or did not answer.
    #[error("Kafka refused or did not answer")]
    Kafka(#[from] KafkaError),
    /// The trigger has ended.
    #[error("the trigger has ended")]
    Ended,
}

impl KafkaTriggerSettings {
    /// These, and Lambda's defaults.
    pub fn new(
        function: impl Into<String>,
        bootstrap_servers: impl Into<String>,
        topic: impl Into<String>,
        group: impl Into<String>,
    ) -> Self {
        Self {
            function: function.into(),
            bootstrap_servers: bootstrap_servers.into(),
            topic: topic.into(),
            group: group.into(),
            batch_size: 100,
            batching_window: Duration::from_millis(500),
            source: KafkaSource::SelfManaged,
            client_properties: BTreeMap::new(),
        }
    }

    /// The consumer's configuration.
    pub(super) fn client(&self) -> Result<ClientConfig, KafkaTriggerError> {
        self.check()?;
        let mut client = ClientConfig::new();
        // These may be changed. A member that was killed is to be missed soon, a broker that is back found soon, and
        // a question about offsets not to wait for a fetch.
        client
            .set("session.timeout.ms", "10000")
            .set("reconnect.backoff.max.ms", "2000")
            .set("topic.metadata.refresh.interval.ms", "10000")
            .set("queued.max.messages.kbytes", "16384")
            .set("fetch.wait.max.ms", "100");
        for (name, value) in &self.client_properties {
            client.set(name, value);
        }
        client
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("group.id", &self.group)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("allow.auto.create.topics", "false")
            .set("enable.partition.eof", "false")
            .set_log_level(RDKafkaLogLevel::Warning);
        Ok(client)
    }

    fn check(&self) -> Result<(), KafkaTriggerError> {
        let range = |ok: bool, name, range| {
            if ok {
                Ok(())
            } else {
                Err(KafkaTriggerError::Setting { name, range })
            }
        };
        range(
            (1..=10_000).contains(&self.batch_size),
            "batch_size",
            "1 to 10,000",
        )?;
        let longest = Duration::from_secs(300);
        range(
            self.batching_window <= longest,
            "batching_window",
            "at most 5 minutes",
        )?;
        range(!self.topic.is_empty(), "topic", "a name")?;
        range(!self.group.is_empty(), "group", "a name")
    }
}

/// Values of client properties may be secrets: only their names are shown.
impl fmt::Debug for KafkaTriggerSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KafkaTriggerSettings")
            .field("function", &self.function)
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("topic", &self.topic)
            .field("group", &self.group)
            .field("batch_size", &self.batch_size)
            .field("batching_window", &self.batching_window)
            .field("source", &self.source)
            .field(
                "client_properties",
                &self.client_properties.keys().collect::<Vec<_>>(),
            )
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_out_of_range_is_named() {
        type Change = fn(&mut KafkaTriggerSettings);
        let with = |change: Change| {
            let mut settings =
                KafkaTriggerSettings::new("function", "127.0.0.1:9092", "topic", "group");
            change(&mut settings);
            settings
                .client()
                .map(|_| ())
                .map_err(|error| error.to_string())
        };
        assert_eq!(with(|_| {}), Ok(()));
        let cases: [(Change, &str); 5] = [
            (
                |settings| settings.batch_size = 0,
                "batch_size is not 1 to 10,000",
            ),
            (
                |settings| settings.batch_size = 10_001,
                "batch_size is not 1 to 10,000",
            ),
            (
                |settings| settings.batching_window = Duration::from_secs(301),
                "batching_window is not at most 5 minutes",
            ),
            (|settings| settings.topic.clear(), "topic is not a name"),
            (|settings| settings.group.clear(), "group is not a name"),
        ];
        for (change, expected) in cases {
            assert_eq!(with(change), Err(expected.to_owned()));
        }
    }

    #[test]
    fn client_properties_cannot_change_what_the_trigger_rests_on() {
        let mut settings =
            KafkaTriggerSettings::new("function", "127.0.0.1:9092", "topic", "group");
        for (name, value) in [
            ("enable.auto.commit", "true"),
            ("session.timeout.ms", "6000"),
            ("sasl.password", "secret"),
        ] {
            settings
                .client_properties
                .insert(name.to_owned(), value.to_owned());
        }
        let client = settings.client().unwrap();
        assert_eq!(client.get("enable.auto.commit"), Some("false"));
        assert_eq!(client.get("session.timeout.ms"), Some("6000"));
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
