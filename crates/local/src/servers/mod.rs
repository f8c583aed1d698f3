//! The servers: found, installed, started on loopback, and asked whether they are there.

pub(crate) mod alertmanager;
mod apache_kafka;
mod database;
mod debian;
mod digests;
mod kafka;
mod maven;
mod ministack;
mod need;
mod node_exporter;
mod program;
mod prometheus;
mod provide;
mod victoria_metrics;
mod with_login;

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use ::kafka::Topic;
use anyhow::{Context, Result};
use config::KafkaConfig;
use rdkafka::mocking::MockCluster;

use crate::{
    data::DataDirectory,
    process::{Launch, Supervised},
    progress::Progress,
    state::ServerState,
};
pub(crate) use ministack::MiniStack;
use need::Need;
use provide::Programs;
pub(crate) use victoria_metrics::VictoriaMetrics;
pub(crate) use with_login::KafkaWithLogin;

/// What the servers are for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Generated history and a live demo node, scraped at this port of loopback.
    pub(crate) demo_port: Option<u16>,
    /// A Prometheus that begins anew, takes pushed samples of the last hours, and has external labels.
    pub(crate) tests: bool,
}

/// The servers, running. They run until the processes written down in the data directory are stopped.
pub(crate) struct Servers {
    /// `mysql://…/DataStorage`, with the password.
    pub(crate) database_url: String,
    /// `host:port,…`.
    pub(crate) kafka_brokers: String,
    /// How to get into Kafka.
    pub(crate) kafka: KafkaConfig,
    /// Whether it is our own, which lets everybody in.
    pub(crate) own_kafka: bool,
    /// `http://…`.
    pub(crate) prometheus_url: String,
    /// Since when the demo node counts, seconds since the Unix epoch; `None` without one.
    pub(crate) demo_began: Option<i64>,
    /// Our own Alertmanager, if there is one.
    pub(crate) alertmanager_url: Option<String>,
    servers: Vec<Server>,
    /// In memory: gone with this.
    embedded: Option<MockCluster<'static, rdkafka::producer::DefaultProducerContext>>,
}

/// One of them.
#[derive(Debug)]
struct Server {
    name: &'static str,
    version: Option<String>,
    source: String,
    port: Option<u16>,
    process: Option<Supervised>,
}

/// A server that is not ours: the variable that names it.
const DATABASE_VARIABLE: &str = "DATABASE_URL";
const KAFKA_VARIABLE: &str = "KAFKA_BROKERS";
const ALERTMANAGER_VARIABLE: &str = "ALERTMANAGER_URLS";
const PROMETHEUS_VARIABLE: &str = "PROMETHEUS_URL";

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a download or an installation may take.
const INSTALLING: Duration = Duration::from_secs(15 * 60);

/// The programs of the servers that the environment does not name.
#[derive(Debug)]
pub(crate) struct ServerPrograms(Programs);

impl ServerPrograms {
    /// Finds or installs them, with `tests` also those that only tests need; starts nothing. `software` is where downloads
    /// go.
    ///
    /// # Errors
    /// When a server cannot be had.
    pub(crate) async fn provide(software: &Path, tests: bool, progress: &Progress) -> Result<Self> {
        let mut needs = vec![
            Need::Database,
            Need::Kafka,
            Need::Prometheus,
            Need::Alertmanager,
        ];
        if tests {
            // The tests of the pages start their own browser.
            needs.extend([Need::VictoriaMetrics, Need::Browser]);
        }
        needs.retain(|need| need.given().is_none());
        if needs.contains(&Need::Prometheus) {
            needs.push(Need::NodeExporter);
        }
        fs::create_dir_all(software)?;
        let programs = Programs::provide(&needs, software, progress).await?;
        Ok(Self(programs))
    }
}

/// What a variable of the environment says, if anything.
fn given(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

impl Servers {
    /// Starts what the environment does not name, all at once, and waits until each answers.
    ///
    /// # Errors
    /// When a server does not answer.
    pub(crate) async fn start(
        data: &DataDirectory,
        programs: &ServerPrograms,
        wanted: Wanted,
        progress: &Progress,
    ) -> Result<Self> {
        let ServerPrograms(programs) = programs;
        let database = async {
            match Need::Database.given() {
                Some(url) => database::given(url).await,
                None => database::start(data, programs.get(Need::Database), progress).await,
            }
        };
        let kafka = async {
            match Need::Kafka.given() {
                Some(brokers) => kafka::given(brokers).await,
                None => kafka::start(data, programs.kafka(), progress).await,
            }
        };
        let metrics = async {
            match Need::Prometheus.given() {
                Some(url) => prometheus::given(url).await,
                None => {
                    let exporter = programs.get(Need::NodeExporter);
                    let exporter = node_exporter::start(data, exporter, progress).await?;
                    let program = programs.get(Need::Prometheus);
                    prometheus::start(data, program, exporter, wanted, progress).await
                }
            }
        };
        let (database, kafka, metrics) = tokio::try_join!(database, kafka, metrics)?;
        let mut servers = vec![database.server, kafka.server, metrics.server];
        servers.extend(metrics.node_exporter);
        Ok(Self {
            database_url: database.url,
            kafka_brokers: kafka.brokers,
            kafka: kafka.config,
            own_kafka: kafka.own,
            prometheus_url: metrics.url,
            demo_began: metrics.demo_began,
            alertmanager_url: None,
            servers,
            embedded: kafka.embedded,
        })
    }

    /// Starts an Alertmanager, if there is one and the environment names no other. One that does not start is worth a line,
    /// not an error.
    pub(crate) async fn start_alertmanager(
        &mut self,
        data: &DataDirectory,
        programs: &ServerPrograms,
        progress: &Progress,
    ) {
        let ServerPrograms(programs) = programs;
        let Some(program) = programs.get(Need::Alertmanager) else {
            return;
        };
        match alertmanager::start(data, program, progress).await {
            Ok(started) => {
                self.alertmanager_url = Some(started.url);
                self.servers.push(started.server);
            }
            Err(error) => progress.line(&format!(
                "  Alertmanager does not start: alerts show here and at /alerts alone\n{error:#}"
            )),
        }
    }

    /// Creates a topic unless it is there.
    ///
    /// # Errors
    /// When the brokers do not create it.
    pub(crate) async fn create_topic(&self, topic: &str, partitions: i32) -> Result<()> {
        match &self.embedded {
            Some(cluster) => cluster
                .create_topic(topic, partitions, 1)
                .context("creating the topic"),
            None => {
                let mut config = self.kafka.clone();
                topic.clone_into(&mut config.topic);
                Topic::new(config, self.kafka_brokers.clone())
                    .create(partitions, None)
                    .await?;
                Ok(())
            }
        }
    }

    /// Whether there will be metrics of this machine.
    pub(crate) fn show_this_machine(&self) -> bool {
        let mut names = self.servers.iter().map(|server| server.name);
        names.any(|name| name == node_exporter::NAME)
    }

    /// The servers as `status` reports them.
    pub(crate) fn states(&self) -> Vec<ServerState> {
        self.servers
            .iter()
            .map(|server| ServerState {
                name: server.name.to_owned(),
                version: server.version.clone(),
                source: server.source.clone(),
                pid: server.process.as_ref().and_then(Supervised::pid),
                port: server.port,
            })
            .collect()
    }
}

impl std::fmt::Debug for Servers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.servers).finish()
    }
}

/// Starts a server that is there once it answers `GET /health`.
async fn healthy(launch: Launch, url: &str) -> Result<Supervised> {
    let client = http_client::direct().build()?;
    let (process, ()) = launch
        .start()?
        .ready(PATIENCE, async || {
            let health = client.get(format!("{url}/health")).send().await?;
            health.error_for_status().map(drop)
        })
        .await?;
    Ok(process)
}

/// An empty directory for something that is not there yet.
fn emptied(parent: &Path, name: &str) -> Result<PathBuf> {
    let directory = parent.join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    Ok(directory)
}
