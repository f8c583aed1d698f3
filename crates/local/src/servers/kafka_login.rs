use std::collections::BTreeMap;

use anyhow::{Result, bail};
use config::{Environment, ExposeSecret, KafkaAuth, KafkaConfig};
use rdkafka::ClientConfig;

/// How every client of this tool gets into Kafka: settings of librdkafka, by name. None for a Kafka of our own.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct KafkaLogin(BTreeMap<String, String>);

const PROTOCOL: &str = "security.protocol";

impl KafkaLogin {
    /// The login that the functions read from the same variables.
    ///
    /// # Errors
    /// When a variable is missing or malformed, or asks for a token of AWS.
    pub(super) fn read(environment: &Environment) -> Result<Self> {
        if environment.get("KAFKA_AUTH") == Some("iam") {
            bail!("KAFKA_AUTH: iam is for functions in AWS; here it is none or scram");
        }
        let kafka = KafkaConfig::read(environment)?;
        let mut settings = BTreeMap::new();
        let mut set = |name: &str, value: &str| settings.insert(name.to_owned(), value.to_owned());
        set(PROTOCOL, kafka.security_protocol());
        match &kafka.auth {
            // A role's token is refused above.
            KafkaAuth::None | KafkaAuth::Iam { .. } => {}
            KafkaAuth::Scram { username, password } => {
                set("sasl.mechanism", "SCRAM-SHA-512");
                set("sasl.username", username);
                set("sasl.password", password.expose_secret());
            }
        }
        Ok(Self(settings))
    }

    /// The settings.
    pub(crate) fn settings(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// As librdkafka calls it.
    pub(super) fn protocol(&self) -> &str {
        let protocol = self.0.get(PROTOCOL);
        protocol.map_or("plaintext", String::as_str)
    }

    /// Makes a client log in.
    pub(super) fn apply(&self, client: &mut ClientConfig) {
        for (name, value) in &self.0 {
            client.set(name, value);
        }
    }
}

/// The values may be secrets.
impl std::fmt::Debug for KafkaLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let login = KafkaLogin::read(&variables.iter().copied().collect());
        let login = login.map_err(|error| error.to_string())?;
        Ok(login.0.into_values().collect())
    }

    #[test]
    fn the_login_is_that_of_the_functions() {
        let here = ("KAFKA_BROKERS", "127.0.0.1:9092");
        let there = ("KAFKA_BROKERS", "broker:9092");
        assert_eq!(read(&[here]).unwrap(), ["plaintext"]);
        assert_eq!(read(&[there]).unwrap(), ["ssl"]);
        assert_eq!(
            read(&[there, ("KAFKA_TLS", "false")]).unwrap(),
            ["plaintext"]
        );
        let scram = [
            there,
            ("KAFKA_AUTH", "scram"),
            ("KAFKA_USERNAME", "user"),
            ("KAFKA_PASSWORD", "secret"),
        ];
        let values = read(&scram).unwrap();
        assert_eq!(values, ["SCRAM-SHA-512", "secret", "user", "sasl_ssl"]);
        assert!(
            !format!("{:?}", KafkaLogin::read(&scram.into_iter().collect())).contains("secret")
        );
    }

    #[test]
    fn what_is_missing_or_not_supported_is_named() {
        let brokers = ("KAFKA_BROKERS", "127.0.0.1:9092");
        for (variables, named) in [
            (vec![brokers, ("KAFKA_AUTH", "scram")], "KAFKA_USERNAME"),
            (vec![brokers, ("KAFKA_TLS", "maybe")], "KAFKA_TLS"),
            (
                vec![brokers, ("KAFKA_AUTH", "iam")],
                "iam is for functions in AWS",
            ),
        ] {
            let error = read(&variables).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
