use std::time::Duration;

use anyhow::{Context, Result, bail};
use config::Environment;
use domain::message::LARGEST_MESSAGE;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, Consumer},
    mocking::MockCluster,
    producer::DefaultProducerContext,
    types::RDKafkaErrorCode,
};

use super::{
    KAFKA_VARIABLE, KafkaLogin, PATIENCE, Server, apache_kafka, apache_kafka::Listener,
    maven::KAFKA_VERSION, program::Provided, provide::KafkaProgram,
};
use crate::{data::DataDirectory, files, process::Launch, progress::Progress};

/// A Kafka that answers.
pub(super) struct Kafka {
    pub(super) brokers: String,
    pub(super) server: Server,
    /// `None`: it is our own and lets everybody in.
    pub(super) login: Option<KafkaLogin>,
    pub(super) embedded: Option<MockCluster<'static, DefaultProducerContext>>,
}

const NAME: &str = "kafka";

/// The brokers that the environment names, if they answer.
pub(super) async fn given(brokers: String) -> Result<Kafka> {
    let login = KafkaLogin::read(&Environment::of_process())?;
    answers(&brokers, &login)
        .await
        .with_context(|| {
            let protocol = login.protocol();
            format!(
                "{KAFKA_VARIABLE}: no Kafka answers at {brokers} ({protocol}, by KAFKA_AUTH and KAFKA_TLS)"
            )
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
        login: Some(login),
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
    let (process, open) = (launch.start()?, KafkaLogin::default());
    let (process, ()) = process
        .ready(PATIENCE, async || answers(&brokers, &open).await)
        .await?;
    step.done(&format!(
        "{} on {brokers} ({source})",
        version.unwrap_or("Redpanda")
    ));
    Ok(Kafka {
        brokers,
        server: Server {
            name: NAME,
            version: version.map(str::to_owned),
            source: source.to_owned(),
            port: Some(port),
            process: Some(process),
        },
        login: None,
        embedded: None,
    })
}

/// Creates the topic unless it is there.
///
/// # Errors
/// When the brokers do not create it.
pub(crate) async fn create_topic(
    brokers: &str,
    login: &KafkaLogin,
    topic: &str,
    partitions: i32,
) -> Result<()> {
    let admin: AdminClient<_> = client(brokers, login).create()?;
    let largest = LARGEST_MESSAGE.to_string();
    let topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1))
        .set("max.message.bytes", &largest);
    let results = admin
        .create_topics([&topic], &AdminOptions::new())
        .await
        .context("creating the topic")?;
    for result in results {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => bail!("the topic {topic} cannot be created: {code}"),
        }
    }
    Ok(())
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
        brokers,
        server: Server {
            name: NAME,
            version: None,
            source: "librdkafka, in memory".to_owned(),
            port,
            process: None,
        },
        login: None,
        embedded: Some(cluster),
    })
}

/// Asks the brokers for their metadata.
async fn answers(brokers: &str, login: &KafkaLogin) -> Result<()> {
    let consumer: BaseConsumer = client(brokers, login).create()?;
    let asked = tokio::task::spawn_blocking(move || {
        let metadata = consumer.fetch_metadata(None, Duration::from_secs(2))?;
        anyhow::Ok(metadata.brokers().len())
    });
    match asked.await?? {
        0 => bail!("no broker yet"),
        _ => Ok(()),
    }
}

fn client(brokers: &str, login: &KafkaLogin) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("broker.address.family", "v4")
        // A server that is still starting is no news.
        .set("log_level", "2")
        .set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg);
    login.apply(&mut config);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_embedded_broker_has_the_topic_that_was_asked_for() {
        let kafka = embedded().unwrap();
        let open = KafkaLogin::default();
        answers(&kafka.brokers, &open).await.unwrap();
        let cluster = kafka.embedded.as_ref().unwrap();
        cluster.create_topic("events", 4, 1).unwrap();
        let consumer: BaseConsumer = client(&kafka.brokers, &open).create().unwrap();
        let metadata = consumer.fetch_metadata(Some("events"), PATIENCE).unwrap();
        assert_eq!(metadata.topics()[0].partitions().len(), 4);
    }
}
