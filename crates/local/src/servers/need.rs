use std::{fmt, path::PathBuf};

use super::{ALERTMANAGER_VARIABLE, DATABASE_VARIABLE, KAFKA_VARIABLE, PROMETHEUS_VARIABLE, given};
use crate::command::on_path;

/// A server that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// MySQL or MariaDB.
    Database,
    /// Kafka.
    Kafka,
    /// Prometheus, with promtool.
    Prometheus,
    /// Node exporter.
    NodeExporter,
    /// `VictoriaMetrics`, which speaks Prometheus' API without being it.
    VictoriaMetrics,
    /// Alertmanager.
    Alertmanager,
    /// A browser and what drives it.
    Browser,
}

/// Where a server comes from.
#[derive(Debug)]
pub(super) struct Sources {
    /// What people call it.
    pub(super) name: &'static str,
    /// The variable that names one that is there already, and how it is written.
    variable: Option<(&'static str, &'static str)>,
    /// How its program may be called on PATH.
    programs: &'static [&'static str],
    /// What has to be on PATH besides.
    companion: Option<&'static str>,
    /// Debian's package that root installs.
    pub(super) installed: Option<&'static str>,
    /// Debian's package that can be used without being installed; its program has the same name.
    pub(super) unpacked: Option<&'static str>,
    /// What Maven Central has.
    maven: Option<&'static str>,
    /// The image, as in localstack/compose.yaml, and the program in it.
    pub(super) image: (&'static str, &'static str),
}

impl Need {
    pub(super) fn sources(self) -> &'static Sources {
        match self {
            Self::Database => &Sources {
                name: "MySQL or MariaDB",
                variable: Some((
                    DATABASE_VARIABLE,
                    "mysql://user:password@host:port/DataStorage",
                )),
                programs: &["mariadbd", "mysqld"],
                companion: None,
                installed: Some("mariadb-server"),
                unpacked: None,
                maven: Some("mvn on PATH: MariaDB from Maven Central (Linux, x86_64)"),
                image: ("mysql:8.4", "mysqld"),
            },
            Self::Kafka => &Sources {
                name: "Kafka",
                variable: Some((KAFKA_VARIABLE, "host:port")),
                programs: &["redpanda"],
                companion: None,
                installed: None,
                unpacked: None,
                maven: Some("mvn and Java 17 or later on PATH: Apache Kafka from Maven Central"),
                image: ("redpandadata/redpanda:v25.3.1", "redpanda"),
            },
            Self::Prometheus => &Sources {
                name: "Prometheus",
                variable: Some((PROMETHEUS_VARIABLE, "http://host:port")),
                programs: &["prometheus"],
                companion: Some("promtool"),
                installed: Some("prometheus"),
                unpacked: Some("prometheus"),
                maven: None,
                image: ("prom/prometheus:v3.5.0", "prometheus"),
            },
            Self::NodeExporter => &Sources {
                name: "node exporter",
                variable: None,
                programs: &["prometheus-node-exporter", "node_exporter"],
                companion: None,
                installed: Some("prometheus-node-exporter"),
                unpacked: Some("prometheus-node-exporter"),
                maven: None,
                image: ("prom/node-exporter:v1.10.2", "node_exporter"),
            },
            Self::VictoriaMetrics => &Sources {
                name: "VictoriaMetrics",
                variable: Some(("VICTORIAMETRICS_URL", "http://host:port")),
                programs: &["victoria-metrics", "victoria-metrics-prod"],
                companion: None,
                installed: None,
                unpacked: Some("victoria-metrics"),
                maven: None,
                image: (
                    "victoriametrics/victoria-metrics:v1.79.5",
                    "/victoria-metrics-prod",
                ),
            },
            Self::Alertmanager => &Sources {
                name: "Alertmanager",
                variable: Some((ALERTMANAGER_VARIABLE, "http://host:port")),
                programs: &["prometheus-alertmanager", "alertmanager"],
                companion: None,
                installed: Some("prometheus-alertmanager"),
                // Debian's reads its templates from where the package installs them.
                unpacked: None,
                maven: None,
                image: ("prom/alertmanager:v0.28.1", "/bin/alertmanager"),
            },
            Self::Browser => &Sources {
                name: "Chromium",
                variable: Some(("WEBDRIVER_URL", "http://host:port")),
                programs: &["chromedriver"],
                companion: Some("chromium"),
                installed: Some("chromium-driver"),
                unpacked: None,
                maven: None,
                image: ("selenium/standalone-chromium:140.0", "chromedriver"),
            },
        }
    }

    /// What is lost without it, where `up` can do without.
    pub(super) fn loss(self) -> Option<&'static str> {
        match self {
            Self::NodeExporter => Some("this machine's own metrics are left out"),
            Self::Alertmanager => {
                Some("there is no Alertmanager: alerts show here and at /alerts alone")
            }
            Self::Database
            | Self::Kafka
            | Self::Prometheus
            | Self::VictoriaMetrics
            | Self::Browser => None,
        }
    }

    /// The address of one that is there already.
    pub(super) fn given(self) -> Option<String> {
        let (variable, _) = self.sources().variable?;
        given(variable)
    }
}

impl Sources {
    /// Its program on PATH.
    pub(super) fn on_path(&self) -> Option<PathBuf> {
        if let Some(companion) = self.companion {
            on_path(&[companion])?;
        }
        on_path(self.programs)
    }

    /// Every way to provide it.
    fn ways(&self) -> Vec<String> {
        let programs = self.programs.join(" or ");
        let companion = self.companion.map(|companion| format!(" and {companion}"));
        let mut ways = vec![format!(
            "{programs}{} on PATH",
            companion.unwrap_or_default()
        )];
        if let Some((variable, written)) = self.variable {
            ways.insert(0, format!("{variable}={written} in the environment"));
        }
        if let Some(package) = self.installed {
            ways.push(format!(
                "as root on Debian: apt-get, which installs {package}"
            ));
        }
        if let Some(package) = self.unpacked {
            ways.push(format!(
                "apt-get and dpkg-deb on PATH: Debian's package {package}, unpacked"
            ));
        }
        ways.extend(self.maven.map(str::to_owned));
        ways.push(format!("a Docker engine: {}", self.image.0));
        ways
    }
}

/// Servers that are needed and cannot be had.
#[derive(Debug)]
pub(crate) struct Missing {
    pub(super) needs: Vec<Need>,
    /// What was tried and failed.
    pub(super) attempts: Vec<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, need) in self.needs.iter().enumerate() {
            let line_break = if position == 0 { "" } else { "\n" };
            let sources = need.sources();
            write!(
                f,
                "{line_break}{} is missing. Any of these provides it:",
                sources.name
            )?;
            for way in sources.ways() {
                write!(f, "\n  - {way}")?;
            }
        }
        for attempt in &self.attempts {
            write!(f, "\ntried: {attempt}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Missing {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_server_is_reported_with_every_way_to_provide_it() {
        let missing = Missing {
            needs: vec![Need::Database, Need::Prometheus],
            attempts: vec!["apt-get failed".to_owned()],
        };
        assert_eq!(
            missing.to_string(),
            "MySQL or MariaDB is missing. Any of these provides it:
  - DATABASE_URL=mysql://user:password@host:port/DataStorage in the environment
  - mariadbd or mysqld on PATH
  - as root on Debian: apt-get, which installs mariadb-server
  - mvn on PATH: MariaDB from Maven Central (Linux, x86_64)
  - a Docker engine: mysql:8.4
Prometheus is missing. Any of these provides it:
  - PROMETHEUS_URL=http://host:port in the environment
  - prometheus and promtool on PATH
  - as root on Debian: apt-get, which installs prometheus
  - apt-get and dpkg-deb on PATH: Debian's package prometheus, unpacked
  - a Docker engine: prom/prometheus:v3.5.0
tried: apt-get failed"
        );
    }
}
