use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, Consumer},
    mocking::MockCluster,
    producer::DefaultProducerContext,
    types::RDKafkaErrorCode,
};
use tokio::process::Command;

use super::{
    KAFKA_VARIABLE, PATIENCE, Server, emptied, maven::KAFKA_VERSION, program::Provided,
    provide::KafkaProgram,
};
use crate::{command::run, data::DataDirectory, files, process::Launch, progress::Progress};

/// A Kafka that answers.
pub(super) struct Kafka {
    pub(super) brokers: String,
    pub(super) server: Server,
    pub(super) embedded: Option<MockCluster<'static, DefaultProducerContext>>,
}

const NAME: &str = "kafka";

/// The brokers that the environment names, if they answer.
pub(super) async fn given(brokers: String) -> Result<Kafka> {
    answers(&brokers)
        .await
        .with_context(|| format!("{KAFKA_VARIABLE}: no Kafka answers at {brokers}"))?;
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
            let launch = apache(data, java, libraries, port).await?;
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
    let process = launch.start()?;
    let (process, ()) = process
        .ready(PATIENCE, async || answers(&brokers).await)
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
        embedded: None,
    })
}

/// Creates the topic unless it is there.
///
/// # Errors
/// When the brokers do not create it.
pub(crate) async fn create_topic(brokers: &str, topic: &str, partitions: i32) -> Result<()> {
    let admin: AdminClient<_> = client(brokers).create()?;
    let topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1));
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

/// Apache Kafka as broker and controller in one. Its log directory is formatted at the first start.
async fn apache(data: &DataDirectory, java: &Path, libraries: &Path, port: u16) -> Result<Launch> {
    let controller = data.port("kafka-controller")?;
    let class_path = format!("{}/*", libraries.display());
    let logs = data.path("kafka");
    let properties = |directory: &Path| {
        format!(
            "process.roles=broker,controller\n\
             node.id=1\n\
             controller.quorum.bootstrap.servers=127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
             controller.listener.names=CONTROLLER\n\
             inter.broker.listener.name=PLAINTEXT\n\
             log.dirs={}\n\
             auto.create.topics.enable=false\n\
             offsets.topic.num.partitions=1\n\
             offsets.topic.replication.factor=1\n\
             transaction.state.log.num.partitions=1\n\
             transaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\n\
             group.initial.rebalance.delay.ms=0\n",
            directory.display()
        )
    };
    let file = data.path("kafka.properties");
    if !logs.exists() {
        let partial = emptied(data.root(), "kafka.partial")?;
        files::write(&file, &properties(&partial))?;
        let mut format = Command::new(java);
        format
            .args(["-cp", &class_path, "kafka.tools.StorageTool", "format"])
            .args(["--standalone", "-t", &cluster_id(), "-c"])
            .arg(&file);
        run(&mut format, PATIENCE).await?;
        fs::rename(partial, &logs)?;
    }
    files::write(&file, &properties(&logs))?;
    Ok(Launch {
        name: NAME,
        program: java.to_owned(),
        arguments: [
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-cp",
            &class_path,
            "kafka.Kafka",
        ]
        .into_iter()
        .map(Into::into)
        .chain([file.into_os_string()])
        .collect(),
        environment: Vec::new(),
        log: data.log(NAME),
        run: data.run(),
    })
}

/// 128 random bits as Kafka writes them: 22 digits of base 64, the last of which has two bits alone.
fn cluster_id() -> String {
    let mut id = uuid::Uuid::new_v4().simple().to_string();
    id.truncate(21);
    id + "A"
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
        embedded: Some(cluster),
    })
}

/// Asks the brokers for their metadata.
async fn answers(brokers: &str) -> Result<()> {
    let consumer: BaseConsumer = client(brokers).create()?;
    let asked = tokio::task::spawn_blocking(move || {
        let metadata = consumer.fetch_metadata(None, Duration::from_secs(2))?;
        anyhow::Ok(metadata.brokers().len())
    });
    match asked.await?? {
        0 => bail!("no broker yet"),
        _ => Ok(()),
    }
}

fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("broker.address.family", "v4")
        // A server that is still starting is no news.
        .set("log_level", "2")
        .set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_embedded_broker_has_the_topic_that_was_asked_for() {
        let kafka = embedded().unwrap();
        answers(&kafka.brokers).await.unwrap();
        let cluster = kafka.embedded.as_ref().unwrap();
        cluster.create_topic("events", 4, 1).unwrap();
        let consumer: BaseConsumer = client(&kafka.brokers).create().unwrap();
        let metadata = consumer.fetch_metadata(Some("events"), PATIENCE).unwrap();
        assert_eq!(metadata.topics()[0].partitions().len(), 4);
    }

    #[test]
    fn a_cluster_id_has_22_digits() {
        assert_eq!(cluster_id().len(), 22);
        assert_ne!(cluster_id(), cluster_id());
    }
}
