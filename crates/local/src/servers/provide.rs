//! Where the servers come from: PATH, the system's packages, Maven Central, Docker, in that order.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use nix::unistd::geteuid;
use tokio::process::Command;

use super::{
    debian, maven,
    need::{Missing, Need},
    program::Provided,
};
use crate::{
    command::{on_path, run},
    progress::Progress,
};

/// The images, as in localstack/compose.yaml.
const MYSQL_IMAGE: &str = "mysql:8.4";
const NODE_EXPORTER_IMAGE: &str = "prom/node-exporter:v1.10.2";
const PROMETHEUS_IMAGE: &str = "prom/prometheus:v3.5.0";
const REDPANDA_IMAGE: &str = "redpandadata/redpanda:v25.3.1";

/// What was found for the servers that are needed.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    /// MySQL or MariaDB.
    pub(crate) database: Option<Provided>,
    /// Kafka.
    pub(crate) kafka: Option<KafkaProgram>,
    /// Prometheus.
    pub(crate) prometheus: Option<Provided>,
    /// Node exporter.
    pub(crate) node_exporter: Option<Provided>,
}

/// The ways to have a Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KafkaProgram {
    /// Redpanda.
    Redpanda(Provided),
    /// Apache Kafka, as a directory of jars.
    Apache {
        /// The path of `java`.
        java: PathBuf,
        /// The directory.
        libraries: PathBuf,
    },
    /// The broker embedded in librdkafka: in memory, in this process.
    Embedded,
}

impl Programs {
    /// Finds or installs what is needed. `software` is where downloads go.
    ///
    /// # Errors
    /// When something is missing and there is no way to get it: one error for all of them. A missing node exporter is
    /// worth a line, not an error.
    pub(crate) async fn provide(
        needs: &[Need],
        software: &Path,
        progress: &Progress,
    ) -> Result<Self> {
        let mut programs = Self::default();
        let mut attempts = Vec::new();
        programs.find_on_path(needs);
        let kafka = async {
            let mut attempts = Vec::new();
            let needed = needs.contains(&Need::Kafka) && programs.kafka.is_none();
            let found = match needed {
                true => Some(provide_kafka(software, progress, &mut attempts).await),
                false => None,
            };
            (found, attempts)
        };
        let mut others = Self {
            database: programs.database.clone(),
            prometheus: programs.prometheus.clone(),
            node_exporter: programs.node_exporter.clone(),
            ..Self::default()
        };
        let packages = others.provide_packages(needs, software, progress, &mut attempts);
        let ((kafka, kafka_attempts), ()) = tokio::join!(kafka, packages);
        others.kafka = programs.kafka.take().or(kafka);
        attempts.extend(kafka_attempts);
        others.checked(needs, attempts, progress)
    }

    fn lacks(&self, need: Need) -> bool {
        match need {
            Need::Database => self.database.is_none(),
            Need::Kafka => self.kafka.is_none(),
            Need::Prometheus => self.prometheus.is_none(),
            Need::NodeExporter => self.node_exporter.is_none(),
        }
    }

    fn find_on_path(&mut self, needs: &[Need]) {
        let found = |names| on_path(names).map(|path| Provided::native(path, "PATH"));
        for need in needs {
            match need {
                Need::Database => self.database = found(&["mariadbd", "mysqld"]),
                Need::Kafka => self.kafka = found(&["redpanda"]).map(KafkaProgram::Redpanda),
                Need::Prometheus => {
                    self.prometheus = on_path(&["promtool"]).and_then(|_| found(&["prometheus"]));
                }
                Need::NodeExporter => {
                    self.node_exporter = found(&["prometheus-node-exporter", "node_exporter"]);
                }
            }
        }
    }

    /// Tries what provides the servers that come as packages, in order, until nothing lacks.
    async fn provide_packages(
        &mut self,
        needs: &[Need],
        software: &Path,
        progress: &Progress,
        attempts: &mut Vec<String>,
    ) {
        let packaged: Vec<Need> = needs
            .iter()
            .copied()
            .filter(|need| *need != Need::Kafka)
            .collect();
        let lacking = |programs: &Self| -> Vec<Need> {
            let needs = packaged.iter().copied();
            needs.filter(|need| programs.lacks(*need)).collect()
        };
        let missing = lacking(self);
        if !missing.is_empty() && geteuid().is_root() {
            note(
                attempts,
                debian::install(&missing, software, progress).await,
            );
            let mut installed = Self::default();
            installed.find_on_path(&missing);
            self.fill_from(installed, "apt-get");
        }
        for need in lacking(self) {
            if need == Need::Database {
                let mariadb = maven::mariadb(software, progress).await;
                self.database = note(attempts, mariadb).flatten();
            } else {
                let unpacked = debian::unpacked_package(need, software, progress).await;
                let unpacked = note(attempts, unpacked).flatten();
                match need {
                    Need::Prometheus => self.prometheus = unpacked,
                    _ => self.node_exporter = unpacked,
                }
            }
        }
        if lacking(self).is_empty() {
            return;
        }
        if let Some(docker) = docker().await {
            self.fill_from(
                Self {
                    database: Some(Provided::image(&docker, MYSQL_IMAGE, "mysqld")),
                    prometheus: Some(Provided::image(&docker, PROMETHEUS_IMAGE, "prometheus")),
                    node_exporter: Some(Provided::image(
                        &docker,
                        NODE_EXPORTER_IMAGE,
                        "node_exporter",
                    )),
                    kafka: None,
                },
                "",
            );
        }
    }

    fn fill_from(&mut self, other: Self, source: &str) {
        let named = |mut provided: Provided| {
            if !source.is_empty() {
                provided.source = source.to_owned();
            }
            provided
        };
        let fill = |slot: &mut Option<Provided>, found: Option<Provided>| {
            if slot.is_none() {
                *slot = found.map(named);
            }
        };
        fill(&mut self.database, other.database);
        fill(&mut self.prometheus, other.prometheus);
        fill(&mut self.node_exporter, other.node_exporter);
    }

    fn checked(self, needs: &[Need], attempts: Vec<String>, progress: &Progress) -> Result<Self> {
        let needs: Vec<Need> = needs
            .iter()
            .copied()
            .filter(|need| self.lacks(*need))
            .collect();
        let essential = needs.iter().any(|need| *need != Need::NodeExporter);
        let missing = Missing { needs, attempts };
        if essential {
            return Err(missing.into());
        }
        if !missing.needs.is_empty() {
            progress.line(&format!(
                "this machine's own metrics are left out:\n{missing}"
            ));
        }
        Ok(self)
    }
}

/// Keeps the reason of a failure and goes on to the next way.
fn note<T>(attempts: &mut Vec<String>, attempt: Result<T>) -> Option<T> {
    attempt
        .map_err(|error| attempts.push(format!("{error:#}")))
        .ok()
}

/// Docker, Maven Central, and what always works.
async fn provide_kafka(
    software: &Path,
    progress: &Progress,
    attempts: &mut Vec<String>,
) -> KafkaProgram {
    let libraries = maven::kafka_directory(software);
    let java = maven::java().await;
    if let (Some(java), true) = (&java, libraries.exists()) {
        let java = java.clone();
        return KafkaProgram::Apache { java, libraries };
    }
    if let Some(docker) = docker().await {
        return KafkaProgram::Redpanda(Provided::image(&docker, REDPANDA_IMAGE, "redpanda"));
    }
    if let (Some(java), Some(maven)) = (java, on_path(&["mvn"])) {
        let fetched = maven::kafka(&maven, software, &libraries, progress).await;
        if note(attempts, fetched).is_some() {
            return KafkaProgram::Apache { java, libraries };
        }
    }
    let reasons = attempts.join("\n");
    progress.line(&format!(
        "Kafka is the broker embedded in librdkafka, in memory: what is in the topic is gone when `up` ends.\n\
         A real one: {}.\n{reasons}",
        Need::Kafka.ways().join("; ")
    ));
    KafkaProgram::Embedded
}

/// `docker`, if an engine answers.
pub(super) async fn docker() -> Option<PathBuf> {
    let docker = on_path(&["docker"])?;
    let mut version = Command::new(&docker);
    version.args(["version", "--format", "{{.Server.Version}}"]);
    run(&mut version, Duration::from_secs(10)).await.ok()?;
    Some(docker)
}
