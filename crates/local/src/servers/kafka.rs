use ::kafka::answers;
use anyhow::{Context, Result, bail};
use config::{Environment, KafkaAuth, KafkaConfig};
use rdkafka::{mocking::MockCluster, producer::DefaultProducerContext};

use super::{
    KAFKA_VARIABLE, PATIENCE, Server, apache_kafka, apache_kafka::Listener, maven::KAFKA_VERSION,
    program::Provided, provide::KafkaProgram,
};
use crate::{data::DataDirectory, files, process::Launch, progress::Progress};

/// A Kafka that answers.
pub(super) struct Kafka {
    pub(super) brokers: String,
    pub(super) server: Server,
    /// How to get in.
    pub(super) config: KafkaConfig,
    /// Whether it is our own.
    pub(super) own: bool,
    pub(super) embedded: Option<MockCluster<'static, DefaultProducerContext>>,
}

const NAME: &str = "kafka";

/// The brokers that the environment names, if they answer.
pub(super) async fn given(brokers: String) -> Result<Kafka> {
    let config = KafkaConfig::read(&Environment::of_process())?;
    if let KafkaAuth::Iam { .. } = config.auth {
        bail!(
            "KAFKA_AUTH: iam is for functions in AWS; here it must be none, plain, scram-sha-256 or scram"
        );
    }
    answers(&config, &brokers).await.with_context(|| {
        format!("{KAFKA_VARIABLE}: no Kafka answers at {brokers} by KAFKA_AUTH, KAFKA_TLS and KAFKA_CA_FILE")
    })?;
    let port = brokers
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok());
    Ok(Kafka {
        brokers,
        server: Server {
            name: NAME,
            version: None,
            source: KAFKA_VARIABLE.to_owned(),
            port,
            process: None,
        },
        config,
        own: false,
        embedded: None,
    })
}

/// Starts a broker of our own.
pub(super) async fn start(
    data: &DataDirectory,
    program: Option<&KafkaProgram>,
    progress: &Progress,
) -> Result<Kafka> {
    let step = progress.step("Kafka");
    step.at("starting");
    let port = data.port(NAME)?;
    let brokers = format!("127.0.0.1:{port}");
    let (launch, version, source) = match program.context("no Kafka was found")? {
        KafkaProgram::Apache { java, libraries } => {
            let launch =
                apache_kafka::launch(NAME, data, java, libraries, &Listener::open(port)).await?;
            (launch, Some(KAFKA_VERSION), "Apache Kafka, Maven Central")
        }
        KafkaProgram::Redpanda(provided) => {
            let launch = redpanda(data, provided, port).await?;
            (launch, None, provided.source.as_str())
        }
        KafkaProgram::Embedded => {
            let kafka = embedded()?;
            step.done(&format!(
                "librdkafka's own, in memory, on {}",
                kafka.brokers
            ));
            return Ok(kafka);
        }
    };
    let config = KafkaConfig::open(&brokers, "");
    let (process, ()) = launch
        .start()?
        .ready(PATIENCE, async || answers(&config, &brokers).await)
        .await?;
    step.done(&format!(
        "{} on {brokers} ({source})",
        version.unwrap_or("Redpanda")
    ));
    Ok(Kafka {
        config,
        own: true,
        brokers,
        server: Server {
            name: NAME,
            version: version.map(str::to_owned),
            source: source.to_owned(),
            port: Some(port),
            process: Some(process),
        },
        embedded: None,
    })
}

async fn redpanda(data: &DataDirectory, provided: &Provided, port: u16) -> Result<Launch> {
    provided.program.remove_leftover(NAME, data).await;
    let address = |port| serde_json::json!([{ "address": "127.0.0.1", "port": port }]);
    // YAML takes JSON as it is.
    let configuration = serde_json::json!({
        "redpanda": {
            "data_directory": data.directory("redpanda")?,
            "developer_mode": true,
            "empty_seed_starts_cluster": true,
            "seed_servers": [],
            "rpc_server": { "address": "127.0.0.1", "port": data.port("redpanda-rpc")? },
            "kafka_api": address(port),
            "advertised_kafka_api": address(port),
            "admin": address(data.port("redpanda-admin")?),
        }
    });
    let file = data.path("redpanda.yaml");
    files::write_json(&file, &configuration)?;
    let mut arguments = vec!["--redpanda-cfg".into(), file.into_os_string()];
    let settings = [
        "--smp=1",
        "--memory=1G",
        "--reserve-memory=0M",
        "--overprovisioned",
        "--lock-memory=false",
        "--default-log-level=warn",
    ];
    arguments.extend(settings.map(Into::into));
    Ok(provided.program.launch(NAME, arguments, data))
}

/// The broker that librdkafka brings for tests: real TCP, in memory, in this process.
fn embedded() -> Result<Kafka> {
    let cluster = MockCluster::new(1).context("starting librdkafka's broker")?;
    let brokers = cluster.bootstrap_servers();
    let port = brokers
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok());
    Ok(Kafka {
        config: KafkaConfig::open(&brokers, ""),
        own: true,
        brokers,
        server: Server {
            name: NAME,
            version: None,
            source: "librdkafka, in memory".to_owned(),
            port,
            process: None,
        },
        embedded: Some(cluster),
    })
}

#[cfg(test)]
mod tests {
    use rdkafka::{
        ClientConfig,
        consumer::{BaseConsumer, Consumer},
    };

    use super::*;

    #[tokio::test]
    async fn the_embedded_broker_has_the_topic_that_was_asked_for() {
        let kafka = embedded().unwrap();
        answers(&kafka.config, &kafka.brokers).await.unwrap();
        let cluster = kafka.embedded.as_ref().unwrap();
        cluster.create_topic("events", 4, 1).unwrap();
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &kafka.brokers)
            .create()
            .unwrap();
        let metadata = consumer.fetch_metadata(Some("events"), PATIENCE).unwrap();
        assert_eq!(metadata.topics()[0].partitions().len(), 4);
    }
}
