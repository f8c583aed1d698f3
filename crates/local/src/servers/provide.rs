//! Where the servers come from: PATH, the system's packages, Maven Central, Docker, in that order.

use std::{
    collections::BTreeMap,
    mem,
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

/// What was found for the servers that are needed.
#[derive(Debug)]
pub(crate) struct Programs {
    kafka: Option<KafkaProgram>,
    others: BTreeMap<Need, Provided>,
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
    /// When something is missing and there is no way to get it: one error for all of them. What `up` can do without is worth
    /// a line, not an error.
    pub(crate) async fn provide(
        needs: &[Need],
        software: &Path,
        progress: &Progress,
    ) -> Result<Self> {
        let packaged: Vec<Need> = needs
            .iter()
            .copied()
            .filter(|need| *need != Need::Kafka)
            .collect();
        let kafka = async {
            if needs.contains(&Need::Kafka) {
                Some(provide_kafka(software, progress).await)
            } else {
                None
            }
        };
        let mut attempts = Vec::new();
        let others = provide_packages(&packaged, software, progress, &mut attempts);
        let (kafka, others) = tokio::join!(kafka, others);
        let missing = lacking(&packaged, &others);
        if missing.iter().any(|need| need.loss().is_none()) {
            return Err(Missing {
                needs: missing,
                attempts,
            }
            .into());
        }
        for need in missing {
            if let Some(loss) = need.loss() {
                let missing = Missing {
                    needs: vec![need],
                    attempts: mem::take(&mut attempts),
                };
                progress.line(&format!("{loss}:\n{missing}"));
            }
        }
        Ok(Self { kafka, others })
    }

    /// Kafka.
    pub(super) fn kafka(&self) -> Option<&KafkaProgram> {
        self.kafka.as_ref()
    }

    /// Any other server.
    pub(super) fn get(&self, need: Need) -> Option<&Provided> {
        self.others.get(&need)
    }
}

fn lacking(needs: &[Need], found: &BTreeMap<Need, Provided>) -> Vec<Need> {
    let needs = needs.iter().copied();
    needs.filter(|need| !found.contains_key(need)).collect()
}

/// The servers that come as packages: each of its sources is tried, in order.
async fn provide_packages(
    needs: &[Need],
    software: &Path,
    progress: &Progress,
    attempts: &mut Vec<String>,
) -> BTreeMap<Need, Provided> {
    let mut found = on_path_now(needs, "PATH");
    let mut missing = lacking(needs, &found);
    missing.retain(|need| need.sources().installed.is_some());
    if !missing.is_empty() && geteuid().is_root() {
        let packages = missing.iter().filter_map(|need| need.sources().installed);
        let packages: Vec<_> = packages.collect();
        note(
            attempts,
            debian::install(&packages, software, progress).await,
        );
        found.extend(on_path_now(&missing, "apt-get"));
    }
    for need in lacking(needs, &found) {
        let provided = match (need, need.sources().unpacked) {
            (Need::Database, _) => maven::mariadb(software, progress).await,
            (_, Some(package)) => debian::unpacked(package, software, progress).await,
            (_, None) => Ok(None),
        };
        if let Some(provided) = note(attempts, provided).flatten() {
            found.insert(need, provided);
        }
    }
    let missing = lacking(needs, &found);
    if !missing.is_empty()
        && let Some(docker) = docker().await
    {
        for need in missing {
            found.insert(need, Provided::image(&docker, need));
        }
    }
    found
}

/// Those on PATH, which `source` brought there.
fn on_path_now(needs: &[Need], source: &str) -> BTreeMap<Need, Provided> {
    let found = needs.iter().filter_map(|need| {
        let program = need.sources().on_path()?;
        Some((*need, Provided::native(program, source)))
    });
    found.collect()
}

/// Keeps the reason of a failure and goes on to the next way.
fn note<T>(attempts: &mut Vec<String>, attempt: Result<T>) -> Option<T> {
    attempt
        .map_err(|error| attempts.push(format!("{error:#}")))
        .ok()
}

/// PATH, Docker, Maven Central, and what always works.
async fn provide_kafka(software: &Path, progress: &Progress) -> KafkaProgram {
    if let Some(program) = Need::Kafka.sources().on_path() {
        return KafkaProgram::Redpanda(Provided::native(program, "PATH"));
    }
    let libraries = maven::kafka_directory(software);
    let java = maven::java().await;
    if let (Some(java), true) = (&java, libraries.exists()) {
        let java = java.clone();
        return KafkaProgram::Apache { java, libraries };
    }
    if let Some(docker) = docker().await {
        return KafkaProgram::Redpanda(Provided::image(&docker, Need::Kafka));
    }
    let mut attempts = Vec::new();
    if let (Some(java), Some(maven)) = (java, on_path(&["mvn"])) {
        let fetched = maven::kafka(&maven, software, &libraries, progress).await;
        if note(&mut attempts, fetched).is_some() {
            return KafkaProgram::Apache { java, libraries };
        }
    }
    let missing = Missing {
        needs: vec![Need::Kafka],
        attempts,
    };
    progress.line(&format!(
        "Kafka is the broker embedded in librdkafka, in memory: what is in the topic is gone when `up` ends.\n{missing}"
    ));
    KafkaProgram::Embedded
}

/// `docker`, if an engine answers.
async fn docker() -> Option<PathBuf> {
    let docker = on_path(&["docker"])?;
    let mut version = Command::new(&docker);
    version.args(["version", "--format", "{{.Server.Version}}"]);
    run(&mut version, Duration::from_secs(10)).await.ok()?;
    Some(docker)
}
