use std::{env, path::Path, time::Duration};

use anyhow::{Context, Result};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};

use super::{
    PATIENCE,
    apache_kafka::{self, Listener},
    maven,
};
use crate::{command::on_path, data::DataDirectory, process::Supervised, progress::Progress};

/// A Kafka that asks who is there, for the tests of the login: Apache Kafka with SASL/SCRAM-SHA-512 on loopback.
#[derive(Debug)]
pub(crate) struct KafkaWithLogin {
    /// `host:port,…`.
    pub(crate) brokers: String,
    /// Who may come in.
    pub(crate) username: String,
    /// And how to prove it.
    pub(crate) password: String,
    _process: Option<Supervised>,
}

const NAME: &str = "kafka-with-login";
const USER: &str = "slacast";
const VARIABLES: [&str; 3] = [
    "KAFKA_LOGIN_BROKERS",
    "KAFKA_LOGIN_USERNAME",
    "KAFKA_LOGIN_PASSWORD",
];

impl KafkaWithLogin {
    /// The one that the environment names, else one of our own.
    ///
    /// # Errors
    /// When there is neither Java nor Maven, or it does not start.
    pub(crate) async fn start(
        data: &DataDirectory,
        software: &Path,
        progress: &Progress,
    ) -> Result<Self> {
        if let [Ok(brokers), Ok(username), Ok(password)] = VARIABLES.map(env::var) {
            return Ok(Self {
                brokers,
                username,
                password,
                _process: None,
            });
        }
        let java = maven::java().await;
        let java = java.with_context(|| missing("Java 17 or later is not on PATH"))?;
        let libraries = maven::kafka_directory(software);
        if !libraries.exists() {
            let maven = on_path(&["mvn"]).with_context(|| missing("mvn is not on PATH"))?;
            maven::kafka(&maven, software, &libraries, progress).await?;
        }
        let step = progress.step("Kafka with a login");
        step.at("starting");
        let port = data.port(NAME)?;
        let (brokers, password) = (format!("127.0.0.1:{port}"), data.password()?);
        let listener = Listener::for_user(port, USER, password.clone());
        let launch = apache_kafka::launch(NAME, data, &java, &libraries, &listener).await?;
        let (process, ()) = launch
            .start()?
            .ready(PATIENCE, async || lets_in(&brokers, &password).await)
            .await?;
        step.done(&format!("{} on {brokers}", maven::KAFKA_VERSION));
        Ok(Self {
            brokers,
            username: USER.to_owned(),
            password,
            _process: Some(process),
        })
    }

    /// What tests are told of it.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let values = [&self.brokers, &self.username, &self.password];
        VARIABLES.into_iter().zip(values.map(String::as_str))
    }
}

fn missing(what: &str) -> String {
    format!("{what}, and {} do not name a Kafka", VARIABLES.join(", "))
}

async fn lets_in(brokers: &str, password: &str) -> Result<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("security.protocol", "sasl_plaintext")
        .set("sasl.mechanism", "SCRAM-SHA-512")
        .set("sasl.username", USER)
        .set("sasl.password", password)
        // A server that is still starting is no news.
        .set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg)
        .create()?;
    tokio::task::spawn_blocking(move || {
        consumer.fetch_metadata(None, Duration::from_secs(2))?;
        anyhow::Ok(())
    })
    .await?
}
