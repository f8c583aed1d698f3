//! What every client of Kafka needs.

use std::{collections::BTreeMap, time::Duration};

use config::{ExposeSecret, KafkaAuth, KafkaConfig};
use rdkafka::{
    ClientConfig,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};

const PATIENCE: Duration = Duration::from_secs(2);

/// How a client of `config` reaches and gets into Kafka: settings of librdkafka, by name. The values may be secrets. A
/// login by role needs tokens besides, which only the clients of this crate have.
pub fn settings(config: &KafkaConfig) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    let mut set = |name: &str, value: &str| {
        settings.insert(name.to_owned(), value.to_owned());
    };
    set("security.protocol", protocol(config));
    if let (Some(pem), true) = (&config.ca, config.tls) {
        // Certificates of one's own alone would be trusted instead of the system's, not besides them.
        set("ssl.ca.pem", pem);
        if let Some(file) = openssl_probe::probe().cert_file {
            set("ssl.ca.location", &file.to_string_lossy());
        }
    }
    match &config.auth {
        KafkaAuth::None => {}
        KafkaAuth::Password {
            mechanism,
            username,
            password,
        } => {
            set("sasl.mechanism", mechanism.name());
            set("sasl.username", username);
            set("sasl.password", password.expose_secret());
        }
        KafkaAuth::Iam { .. } => set("sasl.mechanism", "OAUTHBEARER"),
    }
    settings
}

/// Asks the brokers for their metadata, as a client that logs in.
///
/// # Errors
/// When they do not answer within 2 s, or not to this login.
pub async fn answers(config: &KafkaConfig, brokers: &str) -> Result<(), KafkaError> {
    let mut client = client(config, brokers);
    // A server that is still starting is no news.
    client
        .set("log_level", "2")
        .set_log_level(RDKafkaLogLevel::Emerg);
    let asked = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = client.create()?;
        consumer.fetch_metadata(None, PATIENCE)
    });
    let metadata = asked.await.map_err(|_| KafkaError::Canceled)??;
    if metadata.brokers().is_empty() {
        return Err(KafkaError::MetadataFetch(
            RDKafkaErrorCode::BrokerNotAvailable,
        ));
    }
    Ok(())
}

/// A client at `brokers`, to be created with a [`Login`](crate::login::Login) as its context where it logs in by role.
pub(crate) fn client(config: &KafkaConfig, brokers: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", brokers)
        .set("client.id", "slacast");
    for (name, value) in settings(config) {
        client.set(name, value);
    }
    client
}

fn protocol(config: &KafkaConfig) -> &'static str {
    match (&config.auth, config.tls) {
        (KafkaAuth::None, false) => "plaintext",
        (KafkaAuth::None, true) => "ssl",
        (KafkaAuth::Password { .. } | KafkaAuth::Iam { .. }, false) => "sasl_plaintext",
        (KafkaAuth::Password { .. } | KafkaAuth::Iam { .. }, true) => "sasl_ssl",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
        settings(&KafkaConfig::read(&variables.iter().copied().collect()).unwrap())
    }

    #[test]
    fn the_settings_follow_from_the_configuration() {
        let here = ("KAFKA_BROKERS", "127.0.0.1:9092");
        let there = ("KAFKA_BROKERS", "broker:9092");
        let login = |auth| {
            [
                there,
                ("KAFKA_AUTH", auth),
                ("KAFKA_USERNAME", "user"),
                ("KAFKA_PASSWORD", "secret"),
            ]
        };
        let values = |variables: &[(&str, &str)]| read(variables).into_values().collect::<Vec<_>>();
        assert_eq!(values(&[here]), ["plaintext"]);
        assert_eq!(values(&[there]), ["ssl"]);
        assert_eq!(values(&[there, ("KAFKA_TLS", "false")]), ["plaintext"]);
        for (auth, mechanism) in [
            ("plain", "PLAIN"),
            ("scram-sha-256", "SCRAM-SHA-256"),
            ("scram", "SCRAM-SHA-512"),
        ] {
            let expected = [mechanism, "secret", "user", "sasl_ssl"];
            assert_eq!(values(&login(auth)), expected);
        }
    }

    #[test]
    fn certificates_of_its_own_are_trusted_with_tls_alone() {
        let ca = ("KAFKA_CA_PEM", "-----BEGIN CERTIFICATE-----");
        let with = read(&[("KAFKA_BROKERS", "broker:9092"), ca]);
        assert_eq!(with["ssl.ca.pem"], ca.1);
        let without = read(&[("KAFKA_BROKERS", "127.0.0.1:9092"), ca]);
        assert!(!without.contains_key("ssl.ca.pem"));
    }
}
