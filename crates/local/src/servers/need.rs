use std::fmt;

/// A server that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// MySQL or MariaDB.
    Database,
    /// Kafka.
    Kafka,
    /// Prometheus, with promtool.
    Prometheus,
    /// Node exporter.
    NodeExporter,
}

/// Servers that are needed and cannot be had.
#[derive(Debug)]
pub(crate) struct Missing {
    pub(super) needs: Vec<Need>,
    /// What was tried and failed.
    pub(super) attempts: Vec<String>,
}

impl Need {
    /// Every way to provide it.
    pub(super) fn ways(self) -> &'static [&'static str] {
        match self {
            Self::Database => &[
                "DATABASE_URL=mysql://user:password@host:port/DataStorage in the environment",
                "mariadbd or mysqld on PATH",
                "as root on Debian: apt-get, which installs mariadb-server",
                "mvn on PATH: MariaDB from Maven Central (Linux, x86_64)",
                "a Docker engine: mysql:8.4",
            ],
            Self::Kafka => &[
                "KAFKA_BROKERS=host:port in the environment",
                "redpanda on PATH",
                "a Docker engine: redpandadata/redpanda",
                "mvn and Java 17 or later on PATH: Apache Kafka from Maven Central",
            ],
            Self::Prometheus => &[
                "PROMETHEUS_URL=http://host:port in the environment",
                "prometheus and promtool on PATH",
                "as root on Debian: apt-get, which installs prometheus",
                "apt-get and dpkg-deb on PATH: the package of Debian, unpacked",
                "a Docker engine: prom/prometheus",
            ],
            Self::NodeExporter => &[
                "prometheus-node-exporter or node_exporter on PATH",
                "as root on Debian: apt-get, which installs prometheus-node-exporter",
                "apt-get and dpkg-deb on PATH: the package of Debian, unpacked",
                "a Docker engine: prom/node-exporter",
            ],
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "MySQL or MariaDB",
            Self::Kafka => "Kafka",
            Self::Prometheus => "Prometheus",
            Self::NodeExporter => "node exporter",
        })
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, need) in self.needs.iter().enumerate() {
            let line_break = if position == 0 { "" } else { "\n" };
            write!(
                f,
                "{line_break}{need} is missing. Any of these provides it:"
            )?;
            for way in need.ways() {
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
    fn what_is_missing_is_told_with_every_way_to_provide_it() {
        let missing = Missing {
            needs: vec![Need::Database, Need::Prometheus],
            attempts: vec!["apt-get failed".to_owned()],
        };
        let text = missing.to_string();
        for way in [
            "DATABASE_URL",
            "mariadbd",
            "apt-get",
            "mvn",
            "Docker",
            "PROMETHEUS_URL",
        ] {
            assert!(text.contains(way), "{way} in\n{text}");
        }
    }
}
